/* A living cluster: what it lacks, in order, one call at a time. */
#include "engine/controllers/cluster/cluster_internal.h"

#include "engine/kube/conditions.h"
#include "engine/kube/management.h"

static const char *const tokens[] = {CLUSTER_TOKEN_DEFAULT, CLUSTER_TOKEN_SYSTEM};

/* ---- status ---- */

/* Sets what follows from the object alone: whether an agent has registered. */
static void set_conditions(struct conditions_edit *e, const struct kube_object *cluster)
{
    bool registered = kube_object_string(cluster, "status.apiEndpoint").n > 0;
    struct condition c;
    if (registered) {
        condition_set(e, "Pending", "True", "", str_empty);
        condition_set(e, "Provisioned", "True", "", str_empty);
    } else {
        condition_set(e, "Pending", "Unknown", "Pending",
                      STR("waiting for full cluster configuration"));
        condition_set(e, "Provisioned", "Unknown", "", str_empty);
    }
    if (!condition_get(cluster, "Waiting", &c))
        condition_set(e, "Waiting", "Unknown", "", STR("Waiting for API to be available"));
}

/* namespace: status of BackingNamespaceCreated; NULL: as it is. */
static void write_status(struct cluster_controller *c, struct kube_job *job,
                         const struct kube_object *cluster, const char *namespace)
{
    struct conditions_edit e;
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    if (namespace)
        condition_set(&e, "BackingNamespaceCreated", namespace, "", str_empty);
    set_conditions(&e, cluster);
    if (e.changed) {
        struct controller_call call = {
            .job = job,
            .verb = KUBE_PATCH_MERGE,
            .target = {.gvr = gvr_clusters, .name = cluster->name, .sub = STR("status")},
            .done = controller_written};
        controller_call_tree(&c->base, &call, conditions_patch(&e));
    } else {
        controller_done(&c->base, job, false);
    }
    conditions_end(&e);
}

/* ---- namespace and tokens ---- */

/* The cluster may have changed, or gone, while the call was under way: what is written is seen from the cache again. */
static void write_status_now(struct controller *base, struct kube_job *job, struct str id,
                             const char *namespace)
{
    struct cluster_controller *c = container_of(base, struct cluster_controller, base);
    const struct kube_object *cluster = kube_informer_get(base->options.clusters, id);
    if (cluster && !cluster->deleting)
        write_status(c, job, cluster, namespace);
    else
        controller_done(base, job, false);
}

static bool exists_now(const struct kube_answer *answer)
{
    return !answer->err || answer->err->code == ERR_ALREADY_EXISTS;
}

static void on_namespace(struct controller *base, struct kube_job *job, struct str id,
                         const struct kube_answer *answer)
{
    if (exists_now(answer))
        write_status_now(base, job, id, "True");
    else
        controller_done(base, job, true);
}

static void create_namespace(struct cluster_controller *c, struct kube_job *job, struct str id)
{
    struct arena a = {0};
    cJSON *body = json_object(&a), *metadata = json_ensure(&a, body, "metadata");
    json_set_str(&a, body, "apiVersion", STR("v1"));
    json_set_str(&a, body, "kind", STR("Namespace"));
    json_set_str(&a, metadata, "name", id);
    json_set_str(&a, json_ensure(&a, metadata, "labels"), "management.cattle.io/system-namespace",
                 STR("true"));
    struct controller_call call = {
        .job = job, .verb = KUBE_CREATE, .target = {.gvr = gvr_namespaces}, .done = on_namespace};
    controller_call_tree(&c->base, &call, body);
    arena_free(&a);
}

static void on_token_created(struct controller *base, struct kube_job *job, struct str id,
                             const struct kube_answer *answer)
{
    if (answer->err && answer->err->code == ERR_NOT_FOUND)
        write_status_now(base, job, id, "Unknown"); /* somebody deleted the namespace */
    else
        controller_done(base, job, !exists_now(answer));
}

static void create_token(struct cluster_controller *c, struct kube_job *job, struct str id,
                         const char *name)
{
    struct arena a = {0};
    cJSON *body = json_object(&a), *metadata = json_ensure(&a, body, "metadata");
    json_set_str(&a, body, "apiVersion", STR(MANAGEMENT_GROUP "/v3"));
    json_set_str(&a, body, "kind", STR("ClusterRegistrationToken"));
    json_set_str(&a, metadata, "name", str_c(name));
    json_set_str(&a, metadata, "namespace", id);
    json_set_str(&a, json_ensure(&a, body, "spec"), "clusterName", id);
    struct controller_call call = {.job = job,
                                   .verb = KUBE_CREATE,
                                   .target = {.gvr = gvr_registration_tokens, .ns = id},
                                   .done = on_token_created};
    controller_call_tree(&c->base, &call, body);
    arena_free(&a);
}

/* The first token that is missing; NULL: none is. */
static const char *missing_token(const struct cluster_controller *c, struct str id)
{
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct buf key = {0};
        buf_addf(&key, STR_FMT "/%s", STR_ARG(id), tokens[i]);
        bool there = kube_informer_get(c->base.options.tokens, buf_str(&key)) != NULL;
        buf_free(&key);
        if (!there)
            return tokens[i];
    }
    return NULL;
}

void cluster_provision(struct cluster_controller *c, struct kube_job *job,
                       const struct kube_object *cluster)
{
    const char *token = missing_token(c, cluster->name);
    if (!kube_object_has_finalizer(cluster, STR(CLUSTER_FINALIZER)))
        cluster_patch_finalizers(c, job, cluster, true);
    else if (!condition_is(cluster, "BackingNamespaceCreated", "True"))
        create_namespace(c, job, cluster->name);
    else if (token)
        create_token(c, job, cluster->name, token);
    else
        write_status(c, job, cluster, NULL);
}
