/* A token of ours: a Token object that holds what its secret must fit, of a User who may log in. */
#include "engine/auth/auth_internal.h"

#include "engine/base/timefmt.h"
#include "engine/kube/management.h"
#include "engine/pki/secret.h"

static const struct kube_gvr gvr_tokens = KUBE_GVR(MANAGEMENT_GROUP, "v3", "tokens");
static const struct kube_gvr gvr_users = KUBE_GVR(MANAGEMENT_GROUP, "v3", "users");
static const struct kube_gvr gvr_attributes = KUBE_GVR(MANAGEMENT_GROUP, "v3", "userattributes");
static const struct str local_prefix = STR_INIT("local://");

static void get(struct auth_question *q, const struct kube_gvr *gvr, struct str name,
                kube_done done)
{
    struct kube_target target = {.gvr = *gvr, .name = name};
    q->call = kube_call_start(q->auth->options.client, KUBE_GET, &target, str_empty, 0, done, q);
}

/* The object; NULL: the question has ended. */
static const cJSON *object_of(struct auth_question *q, const struct kube_answer *got)
{
    q->call = NULL;
    if (got->err && got->err->code == ERR_NOT_FOUND) {
        auth_refuse(q, 401, STR(AUTH_WHO));
        return NULL;
    }
    const cJSON *tree = got->err ? NULL : auth_tree(q, got->body);
    if (!tree)
        auth_broken(q, "say whose the token is", got->err);
    return tree;
}

/* ---- groups: principals, without those that a Kubernetes API would take for its own ---- */

static void add_principals(struct auth_question *q, const cJSON *list)
{
    for (const cJSON *it = list ? list->child : NULL; it; it = it->next) {
        struct str name = json_string_at(it, "metadata.name");
        if (str_starts(name, local_prefix))
            name = str_sub(name, local_prefix.n, name.n);
        if (!str_starts(name, STR("system:")))
            auth_add_group(q, &q->user, name);
    }
}

static void on_attributes(void *owner, const struct kube_answer *got)
{
    struct auth_question *q = owner;
    q->call = NULL;
    const cJSON *tree = got->err ? NULL : auth_tree(q, got->body);
    if (got->err && got->err->code != ERR_NOT_FOUND) { /* rights may hang on groups */
        auth_broken(q, "say the user's groups", got->err);
        return;
    }
    const cJSON *providers = json_get(tree, "GroupPrincipals");
    if (!providers)
        providers = json_get(tree, "groupPrincipals");
    for (const cJSON *it = providers ? providers->child : NULL; it; it = it->next) {
        const cJSON *items = json_get(it, "items");
        add_principals(q, items ? items : json_get(it, "Items"));
    }
    auth_add_group(q, &q->user, STR("system:authenticated"));
    auth_add_group(q, &q->user, STR("system:cattle:authenticated"));
    q->local = q->user;
    auth_found(q);
}

/* ---- the user ---- */

static void on_user(void *owner, const struct kube_answer *got)
{
    struct auth_question *q = owner;
    const cJSON *user = object_of(q, got);
    if (!user)
        return;
    if (!json_bool_at(user, "enabled", true) || json_path(user, "metadata.deletionTimestamp")) {
        auth_refuse(q, 401, STR(AUTH_WHO));
        return;
    }
    q->user.login = json_string_at(user, "username");
    get(q, &gvr_attributes, q->user.name, on_attributes);
}

/* ---- the secret: its hash may take 0.1 s, so not on the loop ---- */

struct secret_job {
    struct auth_question *q;
    struct str secret, stored; /* owned */
    bool fits;
};

static void job_run(void *data)
{
    struct secret_job *job = data;
    job->fits = pki_secret_fits(job->secret, job->stored);
}

static void job_free(void *data)
{
    struct secret_job *job = data;
    str_free(&job->secret);
    str_free(&job->stored);
    mem_free(job);
}

static void job_done(void *data)
{
    struct secret_job *job = data;
    struct auth_question *q = job->q;
    bool fits = job->fits;
    q->work = NULL;
    job_free(job);
    if (fits)
        get(q, &gvr_users, q->user.name, on_user);
    else
        auth_refuse(q, 401, STR(AUTH_WHO));
}

void auth_token_stop(struct auth_question *q)
{
    if (q->work)
        world_work_cancel(q->work, job_free);
    q->work = NULL;
}

/* ---- the token ---- */

static bool is_over(const cJSON *token, world_time now)
{
    int64_t made = 0, ends = 0, ttl_ms = json_int_at(token, "ttl", 0);
    struct str created = json_string_at(token, "metadata.creationTimestamp");
    struct str expires = json_string_at(token, "expiresAt");
    if (json_bool_at(token, "expired", false) || ttl_ms < 0)
        return true;
    if (expires.n && (!rfc3339_parse(expires, &ends) || now >= ends))
        return true;
    if (ttl_ms == 0)
        return false;
    return !rfc3339_parse(created, &made) || (now - made) / NS_PER_MS >= ttl_ms;
}

static bool is_good(const struct auth_question *q, const cJSON *token, struct str user)
{
    struct str only = json_string_at(token, "clusterName");
    return credential_is_name(user) && json_bool_at(token, "enabled", true) &&
           !json_path(token, "metadata.deletionTimestamp") &&
           !is_over(token, world_wall(q->auth->options.world)) &&
           (only.n == 0 || str_eq(only, q->cluster_id));
}

static void on_token(void *owner, const struct kube_answer *got)
{
    struct auth_question *q = owner;
    const cJSON *token = object_of(q, got);
    if (!token)
        return;
    struct str user = json_string_at(token, "userId");
    if (!is_good(q, token, user)) {
        auth_refuse(q, 401, STR(AUTH_WHO));
        return;
    }
    q->user.name = user;
    q->user.principal = json_string_at(token, "userPrincipal.metadata.name");
    add_principals(q, json_get(token, "groupPrincipals"));
    struct secret_job *job = MEM_NEW(struct secret_job);
    *job = (struct secret_job){.q = q,
                               .secret = str_dup(q->credential.secret),
                               .stored = str_dup(json_string_at(token, "token"))};
    q->work = world_work(q->auth->options.world, job_run, job_done, job);
}

void auth_token_start(struct auth_question *q)
{
    get(q, &gvr_tokens, q->credential.name, on_token);
}
