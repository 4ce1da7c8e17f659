/* What may they do: the access reviews. */
#include "sim/kubeapi/subresources/reviews.h"

#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/reply.h"

/* ---- what is asked ---- */

static struct rbac_query query_of(const cJSON *spec, const struct api_user *user)
{
    const cJSON *res = json_get(spec, "resourceAttributes");
    const cJSON *path = json_get(spec, "nonResourceAttributes");
    struct rbac_query q = {.user = user, .path = json_string_at(path, "path")};
    q.verb = json_string_at(res ? res : path, "verb");
    q.group = json_string_at(res, "group");
    q.resource = json_string_at(res, "resource");
    q.sub = json_string_at(res, "subresource");
    q.ns = json_string_at(res, "namespace");
    q.name = json_string_at(res, "name");
    q.non_resource = !res;
    return q;
}

static void user_from_spec(struct api_request *r, const cJSON *spec, struct api_user *u)
{
    const cJSON *groups = json_get(spec, "groups");
    size_t n = groups ? (size_t)cJSON_GetArraySize(groups) : 0;
    *u =
        (struct api_user){.name = json_string_at(spec, "user"), .uid = json_string_at(spec, "uid")};
    u->groups = ARENA_NEW_ARRAY(&r->a, struct str, n + 1);
    for (const cJSON *g = n > 0 ? groups->child : NULL; g; g = g->next)
        u->groups[u->groups_n++] = json_string(g);
}

/* ---- refusals ---- */

static struct str quoted(struct api_request *r, struct str s)
{
    struct buf b = {0};
    json_write_string(&b, s);
    struct str out = arena_str(&r->a, buf_str(&b));
    buf_free(&b);
    return out;
}

static struct str path_value(struct api_request *r, const cJSON *path)
{
    if (!path)
        return STR("null");
    return arena_printf(&r->a, "{\"Path\":" STR_FMT ",\"Verb\":" STR_FMT "}",
                        STR_ARG(quoted(r, json_string_at(path, "path"))),
                        STR_ARG(quoted(r, json_string_at(path, "verb"))));
}

static void check_selector(struct api_request *r, const cJSON *attributes, const char *key)
{
    const cJSON *s = json_get(attributes, key), *list = json_get(s, "requirements");
    bool raw = json_string_at(s, "rawSelector").n > 0, some = list && list->child;
    struct str field = arena_printf(&r->a, "spec.resourceAttributes.%s", key);
    if (s && raw && some)
        api_invalid(
            r, "FieldValueInvalid", arena_printf(&r->a, STR_FMT ".rawSelector", STR_ARG(field)),
            "Invalid value: " STR_FMT ": may not specified at the same time as requirements",
            STR_ARG(quoted(r, json_string_at(s, "rawSelector"))));
    else if (s && !raw && !some)
        api_invalid(r, "FieldValueRequired",
                    arena_printf(&r->a, STR_FMT ".requirements", STR_ARG(field)),
                    "Required value: when " STR_FMT
                    " is specified, requirements or rawSelector is required",
                    STR_ARG(field));
}

static void check_spec(struct api_request *r, const cJSON *spec, bool self)
{
    const cJSON *res = json_get(spec, "resourceAttributes");
    const cJSON *path = json_get(spec, "nonResourceAttributes"), *groups = json_get(spec, "groups");
    if (res && path)
        api_invalid(r, "FieldValueInvalid", STR("spec.nonResourceAttributes"),
                    "Invalid value: " STR_FMT
                    ": cannot be specified in combination with resourceAttributes",
                    STR_ARG(path_value(r, path)));
    if (!res && !path)
        api_invalid(r, "FieldValueInvalid", STR("spec.resourceAttributes"),
                    "Invalid value: null: exactly one of nonResourceAttributes or "
                    "resourceAttributes must be specified");
    if (!self && json_string_at(spec, "user").n == 0 && !(groups && groups->child))
        api_invalid(r, "FieldValueInvalid", STR("spec.user"),
                    "Invalid value: \"\": at least one of user or group must be specified");
    check_selector(r, res, "fieldSelector");
    check_selector(r, res, "labelSelector");
}

static void check_local(struct api_request *r, const cJSON *spec)
{
    const cJSON *res = json_get(spec, "resourceAttributes");
    const cJSON *path = json_get(spec, "nonResourceAttributes");
    struct str ns = json_string_at(res, "namespace");
    if (res && !str_eq(ns, r->p.ns))
        api_invalid(r, "FieldValueInvalid", STR("spec.resourceAttributes.namespace"),
                    "Invalid value: " STR_FMT ": must match metadata.namespace",
                    STR_ARG(quoted(r, ns)));
    if (path)
        api_invalid(r, "FieldValueInvalid", STR("spec.nonResourceAttributes"),
                    "Invalid value: " STR_FMT ": disallowed on this kind of request",
                    STR_ARG(path_value(r, path)));
}

/* Nothing but what the server itself puts there. */
static void check_metadata(struct api_request *r, const cJSON *metadata)
{
    for (const cJSON *v = metadata ? metadata->child : NULL; v; v = v->next) {
        struct str key = str_c(v->string);
        if (str_eq_c(key, "managedFields") || str_eq_c(key, "namespace"))
            continue;
        api_invalid(r, "FieldValueInvalid", STR("metadata"), "Invalid value: {}: must be empty%s",
                    r->p.ns.n > 0 ? " except for namespace" : "");
        return;
    }
}

/* ---- access ---- */

static void answer_access(struct api_request *r, cJSON *tree, const struct api_user *user)
{
    struct str why;
    struct rbac_query q = query_of(json_get(tree, "spec"), user);
    bool allowed = api_user_allowed(r, &q, &why);
    cJSON *status = review_status(r, tree);
    json_set_bool(&r->a, status, "allowed", allowed);
    if (why.n > 0)
        json_set_str(&r->a, status, "reason", why);
    review_reply(r, tree);
}

/* The original names no kind in what it refuses. */
static bool refused(struct api_request *r)
{
    struct api_kind unnamed = *r->kind;
    unnamed.kind = str_empty;
    return !api_invalid_end(r, &unnamed, str_empty);
}

void review_self_access(struct api_request *r)
{
    cJSON *tree;
    if (!review_decode(r, &tree))
        return;
    check_spec(r, json_get(tree, "spec"), true);
    check_metadata(r, json_get(tree, "metadata"));
    if (!refused(r))
        answer_access(r, tree, &r->user);
}

void review_access(struct api_request *r)
{
    cJSON *tree;
    struct api_user user;
    if (!review_decode(r, &tree))
        return;
    check_spec(r, json_get(tree, "spec"), false);
    check_metadata(r, json_get(tree, "metadata"));
    if (refused(r))
        return;
    user_from_spec(r, json_get(tree, "spec"), &user);
    answer_access(r, tree, &user);
}

void review_local_access(struct api_request *r)
{
    cJSON *tree;
    struct api_user user;
    if (!review_decode(r, &tree))
        return;
    const cJSON *spec = json_get(tree, "spec");
    cJSON *metadata = json_get(tree, "metadata");
    struct str ns = json_string_at(metadata, "namespace");
    if (ns.n > 0 && !str_eq(ns, r->p.ns)) {
        (void)api_fail_bad(r, "the namespace of the provided object does not match the namespace "
                              "sent on the request");
        return;
    }
    check_spec(r, spec, false);
    check_metadata(r, metadata);
    check_local(r, spec);
    if (refused(r))
        return;
    json_set_str(&r->a, metadata, "namespace", r->p.ns);
    user_from_spec(r, spec, &user);
    answer_access(r, tree, &user);
}

/* ---- all rules ---- */

void review_rules(struct api_request *r)
{
    cJSON *tree, *rules = json_array(&r->a), *urls = json_array(&r->a);
    struct str errors = str_empty;
    if (!review_decode(r, &tree))
        return;
    struct str ns = json_string_at(tree, "spec.namespace");
    if (ns.n == 0) {
        (void)api_fail_bad(r, "no namespace on request");
        return;
    }
    /* The original answers with an object of its own: nothing of the body comes back. */
    json_set(&r->a, tree, STR("metadata"), json_object(&r->a));
    json_set(&r->a, tree, STR("spec"), json_object(&r->a));
    cJSON *status = review_status(r, tree);
    rbac_rules_of(r->api->rbac, &r->user, ns, &r->a, rules, urls, &errors);
    if (errors.n > 0)
        json_set_str(&r->a, status, "evaluationError", errors);
    json_set_bool(&r->a, status, "incomplete", false);
    json_set(&r->a, status, STR("nonResourceRules"), urls);
    json_set(&r->a, status, STR("resourceRules"), rules);
    review_reply(r, tree);
}

/* ---- the choice ---- */

bool review_handle(struct api_request *r)
{
    static const struct {
        const char *resource;
        void (*answer)(struct api_request *r);
    } reviews[] = {
        {"selfsubjectaccessreviews", review_self_access},
        {"subjectaccessreviews", review_access},
        {"localsubjectaccessreviews", review_local_access},
        {"selfsubjectrulesreviews", review_rules},
        {"selfsubjectreviews", review_self},
        {"tokenreviews", review_token},
    };
    for (size_t i = 0; i < ARRAY_LEN(reviews); i++)
        if (str_eq_c(r->kind->resource, reviews[i].resource)) {
            reviews[i].answer(r);
            return true;
        }
    return false;
}
