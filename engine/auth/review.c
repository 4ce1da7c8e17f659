/* A token of the local Kubernetes API: it says whose it is. */
#include "engine/auth/auth_internal.h"

#include "engine/kube/management.h"

static const struct kube_gvr gvr_reviews = KUBE_GVR("authentication.k8s.io", "v1", "tokenreviews");
static const struct str system_prefix = STR_INIT("system:");

static bool is_node(const cJSON *groups)
{
    return json_list_has(groups, STR("system:nodes"));
}

/* As the user is known in other clusters. */
static void translate(struct auth_question *q, struct str name, const cJSON *groups)
{
    bool theirs = str_starts(name, system_prefix);
    q->local.name = name;
    q->user.name = theirs ? arena_printf(&q->arena, "local:" STR_FMT, STR_ARG(name)) : name;
    for (const cJSON *it = groups ? groups->child : NULL; it; it = it->next) {
        struct str group = json_string(it);
        auth_add_group(q, &q->local, group);
        if (!str_starts(group, system_prefix) || str_eq_c(group, "system:masters"))
            auth_add_group(q, &q->user, group);
    }
    auth_add_group(q, &q->user, STR("system:authenticated"));
}

static void on_review(void *owner, const struct kube_answer *got)
{
    struct auth_question *q = owner;
    q->call = NULL;
    const cJSON *tree = got->err ? NULL : auth_tree(q, got->body);
    if (!tree) {
        auth_broken(q, "say whose the token is", got->err);
        return;
    }
    struct str name = json_string_at(tree, "status.user.username");
    const cJSON *groups = json_path(tree, "status.user.groups");
    if (!json_bool_at(tree, "status.authenticated", false) || name.n == 0) {
        auth_refuse(q, 401, STR(AUTH_WHO));
    } else if (is_node(groups)) {
        auth_refuse(q, 403, STR("nodes may not use clusters through the manager"));
    } else {
        translate(q, name, groups);
        auth_found(q);
    }
}

void auth_review_start(struct auth_question *q)
{
    struct kube_target target = {.gvr = gvr_reviews};
    struct buf body = {0};
    buf_add_c(&body, "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\","
                     "\"spec\":{\"token\":");
    json_write_string(&body, q->credential.bearer);
    buf_add_c(&body, "}}");
    q->call = kube_call_start(q->auth->options.client, KUBE_CREATE, &target, buf_str(&body), 0,
                              on_review, q);
    buf_free(&body);
}
