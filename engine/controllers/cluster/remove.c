/* Removal: the downstream first, as long as it can be reached, then what is kept here. */
#include "engine/controllers/cluster/cluster_internal.h"

#include "engine/base/yaml.h"
#include "engine/kube/conditions.h"
#include "engine/kube/management.h"
#include "engine/manifests/agent_manifest.h"

#define CLEANUP_NAMESPACE "default"
#define CLEANUP_PREFIX    "cattle-cleanup-"
#define DETACHED          "Detached"        /* the reason of condition Removed */
#define CLEANING          "CleanUpStarted"  /* the same */
#define CACHE_PATIENCE    (500 * NS_PER_MS) /* until a cache shows what we deleted */

static struct removal *removal_of(struct cluster_controller *c, struct str id)
{
    struct removal *r = map_get(&c->removals, id);
    if (!r) {
        r = MEM_NEW(struct removal);
        r->since = world_now(c->base.options.world);
        map_put(&c->removals, id, r);
    }
    return r;
}

void cluster_removal_forget(struct cluster_controller *c, struct str id)
{
    mem_free(map_remove(&c->removals, id));
}

/* ---- the downstream ---- */

/* Writes down that the downstream part is over, and how. */
static void downstream_over(struct cluster_controller *c, struct kube_job *job, struct str id,
                            const char *reason, struct str message)
{
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    if (!cluster) {
        controller_done(&c->base, job, false);
        return;
    }
    log_info(&c->base.log, "removing " STR_FMT ": " STR_FMT, STR_ARG(id), STR_ARG(message));
    struct conditions_edit e;
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    condition_set(&e, "Removed", "Unknown", reason, message);
    struct controller_call call = {
        .job = job,
        .verb = KUBE_PATCH_MERGE,
        .target = {gvr_clusters, str_empty, cluster->name, STR("status"), str_empty},
        .done = controller_written};
    controller_call_tree(&c->base, &call, conditions_patch(&e));
    conditions_end(&e);
}

/* A try failed: again after a pause, or on without the cluster. */
static void cleanup_failed(struct cluster_controller *c, struct kube_job *job, struct str id,
                           const struct err *err)
{
    struct removal *r = removal_of(c, id);
    r->tries++;
    log_warn(&c->base.log, "removing " STR_FMT ": clean-up try %u: %s", STR_ARG(id), r->tries,
             err->message);
    if (r->tries >= CLUSTER_CLEANUP_TRIES) {
        downstream_over(c, job, id, "CleanUpFailed",
                        STR("the cluster was not cleaned up: its API refused the Job"));
        return;
    }
    kube_queue_add_after(c->base.queue, id, CLUSTER_CLEANUP_SPACING);
    controller_done(&c->base, job, false);
}

static void on_job_created(struct controller *base, struct kube_job *job, struct str id,
                           const struct kube_answer *answer)
{
    struct cluster_controller *c = container_of(base, struct cluster_controller, base);
    if (answer->err)
        cleanup_failed(c, job, id, answer->err);
    else
        downstream_over(c, job, id, CLEANING, STR("the cluster cleans itself up"));
}

static struct controller_call downstream_call(struct kube_job *job, struct str id,
                                              enum kube_verb verb, controller_answer done)
{
    return (struct controller_call){.job = job,
                                    .downstream = id,
                                    .verb = verb,
                                    .target = {.gvr = gvr_jobs, .ns = STR(CLEANUP_NAMESPACE)},
                                    .done = done};
}

static void create_job(struct cluster_controller *c, struct kube_job *job, struct str id)
{
    struct arena a = {0};
    struct buf text = {0};
    struct yaml_node *doc = NULL;
    agent_cleanup_manifest_write(controller_setting(&c->base, &a, "agent-image"), &text);
    struct err *err = yaml_parse(&a, STR("clean-up manifest"), buf_str(&text), &doc);
    BUG_ON(err, "our own manifest is YAML");
    struct controller_call call = downstream_call(job, id, KUBE_CREATE, on_job_created);
    controller_call_tree(&c->base, &call, yaml_to_json(&a, doc));
    buf_free(&text);
    arena_free(&a);
}

static bool has_cleanup_job(struct str list)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    bool found = false;
    struct err *err = json_parse(&a, list, &tree);
    const cJSON *items = err ? NULL : json_get(tree, "items");
    for (const cJSON *it = items ? items->child : NULL; it && !found; it = it->next)
        found = str_starts(json_string_at(it, "metadata.name"), STR(CLEANUP_PREFIX));
    err_ignore(err);
    arena_free(&a);
    return found;
}

/* A Job that a predecessor made, or whose answer was lost, is as good as ours. */
static void on_jobs_listed(struct controller *base, struct kube_job *job, struct str id,
                           const struct kube_answer *answer)
{
    struct cluster_controller *c = container_of(base, struct cluster_controller, base);
    if (answer->err)
        cleanup_failed(c, job, id, answer->err);
    else if (has_cleanup_job(answer->body))
        downstream_over(c, job, id, CLEANING, STR("the cluster cleans itself up"));
    else
        create_job(c, job, id);
}

static void clean_downstream(struct cluster_controller *c, struct kube_job *job, struct str id)
{
    const struct controllers_options *o = &c->base.options;
    const struct removal *r = removal_of(c, id);
    bool detach = policy_get(o->policies, POLICY_CLUSTER_REMOVE) == POLICY_REMOVE_DETACH;
    world_time left = r->since + CLUSTER_DETACH_AFTER - world_now(o->world);
    if (downstream_client(o->downstreams, id) && tunnel_router_has(o->router, id)) {
        struct controller_call call = downstream_call(job, id, KUBE_LIST, on_jobs_listed);
        call.target.query = STR("labelSelector=cattle.io%2Fcreator%3Dnorman");
        controller_call(&c->base, &call);
    } else if (detach && left <= 0) {
        downstream_over(c, job, id, DETACHED,
                        STR("the cluster was not cleaned up: it could not be reached"));
    } else {
        world_time pause = detach && left < CLUSTER_CLEANUP_POLL ? left : CLUSTER_CLEANUP_POLL;
        kube_queue_add_after(c->base.queue, id, pause);
        controller_done(&c->base, job, false);
    }
}

/* ---- what is kept here ---- */

static bool gone_now(const struct kube_answer *answer)
{
    return !answer->err || answer->err->code == ERR_NOT_FOUND;
}

/* The rest in one go: each part may be repeated by a successor. */
static void on_namespace_deleted(struct controller *base, struct kube_job *job, struct str id,
                                 const struct kube_answer *answer)
{
    struct cluster_controller *c = container_of(base, struct cluster_controller, base);
    const struct kube_object *cluster = kube_informer_get(base->options.clusters, id);
    if (!gone_now(answer) || !cluster) {
        controller_done(base, job, cluster != NULL);
        return;
    }
    struct buf steve = {0};
    buf_addf(&steve, TUNNEL_KEY_STEVE_PREFIX STR_FMT, STR_ARG(id));
    tunnel_router_disconnect(base->options.router, id);
    tunnel_router_disconnect(base->options.router, buf_str(&steve));
    buf_free(&steve);
    cluster_patch_finalizers(c, job, cluster, false);
}

static void on_deleted(struct controller *base, struct kube_job *job, struct str id,
                       const struct kube_answer *answer)
{
    if (gone_now(answer))
        kube_queue_add_after(base->queue, id, CACHE_PATIENCE);
    controller_done(base, job, !gone_now(answer));
}

/* Deletes an object if the cache still has it. */
static bool delete_cached(struct cluster_controller *c, struct kube_job *job, struct str id,
                          const struct kube_informer *cache, const struct kube_target *target)
{
    struct buf key = {0};
    buf_addf(&key, STR_FMT "/" STR_FMT, STR_ARG(target->ns), STR_ARG(target->name));
    bool there = kube_informer_get(cache, buf_str(&key)) != NULL;
    buf_free(&key);
    if (!there)
        return false;
    struct controller_call call = {
        .job = job, .verb = KUBE_DELETE, .target = *target, .done = on_deleted};
    controller_call(&c->base, &call);
    return true;
}

static void on_remembered(struct controller *base, struct kube_job *job, struct str id,
                          const struct kube_answer *answer)
{
    bool there = !answer->err || answer->err->code == ERR_ALREADY_EXISTS;
    if (there)
        kube_queue_add_after(base->queue, id, CACHE_PATIENCE);
    controller_done(base, job, !there);
}

/* A token of a removed cluster is remembered, by its hash. True: a write was started. */
static bool remember(struct cluster_controller *c, struct kube_job *job,
                     const struct kube_object *cluster, const char *token)
{
    struct condition removed;
    bool cleans = condition_get(cluster, "Removed", &removed) && str_eq_c(removed.reason, CLEANING);
    struct str id = cluster->name;
    const struct controllers_options *o = &c->base.options;
    struct buf key = {0}, name = {0}, body = {0};
    buf_addf(&key, STR_FMT "/%s", STR_ARG(id), token);
    const struct kube_object *t = kube_informer_get(o->tokens, buf_str(&key));
    struct str text = t ? kube_object_string(t, "status.token") : str_empty;
    agent_tombstone_name(text, &name);
    buf_clear(&key);
    buf_addf(&key, NAMESPACE_GLOBAL_DATA "/%s", buf_c(&name));
    bool missing = text.n && !kube_informer_get(o->secrets, buf_str(&key));
    if (missing) {
        buf_addf(&body,
                 "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"%s\","
                 "\"annotations\":{\"" MANAGEMENT_GROUP "/removed-cluster\":\"" STR_FMT
                 "\"}%s},\"type\":\"Opaque\"}",
                 buf_c(&name), STR_ARG(id),
                 cleans ? ",\"labels\":{\"" AGENT_TOMBSTONE_CLEANS "\":\"true\"}" : "");
        struct controller_call call = {
            .job = job,
            .verb = KUBE_CREATE,
            .target = {.gvr = gvr_secrets, .ns = STR(NAMESPACE_GLOBAL_DATA)},
            .body = buf_str(&body),
            .done = on_remembered};
        controller_call(&c->base, &call);
    }
    buf_free(&key);
    buf_free(&name);
    buf_free(&body);
    return missing;
}

/* Who was not cleaned up is told when it comes back; nobody who was removed may be adopted. */
static bool is_remembered(const struct cluster_controller *c, const struct kube_object *cluster)
{
    struct condition removed;
    bool adopts =
        policy_get(c->base.options.policies, POLICY_CLUSTER_UNKNOWN) == POLICY_UNKNOWN_ADOPT;
    bool known = condition_get(cluster, "Removed", &removed);
    return known && (adopts || str_eq_c(removed.reason, DETACHED));
}

static void clean_upstream(struct cluster_controller *c, struct kube_job *job,
                           const struct kube_object *cluster)
{
    const struct controllers_options *o = &c->base.options;
    struct str id = cluster->name;
    if (is_remembered(c, cluster) && (remember(c, job, cluster, CLUSTER_TOKEN_DEFAULT) ||
                                      remember(c, job, cluster, CLUSTER_TOKEN_SYSTEM)))
        return;
    struct str secret = kube_object_string(cluster, "status.serviceAccountTokenSecret");
    struct kube_target targets[] = {
        {.gvr = gvr_registration_tokens, .ns = id, .name = STR(CLUSTER_TOKEN_DEFAULT)},
        {.gvr = gvr_registration_tokens, .ns = id, .name = STR(CLUSTER_TOKEN_SYSTEM)},
        {.gvr = gvr_secrets, .ns = STR(NAMESPACE_GLOBAL_DATA), .name = secret}};
    if (delete_cached(c, job, id, o->tokens, &targets[0]) ||
        delete_cached(c, job, id, o->tokens, &targets[1]) ||
        (secret.n && delete_cached(c, job, id, o->secrets, &targets[2])))
        return;
    struct controller_call call = {.job = job,
                                   .verb = KUBE_DELETE,
                                   .target = {.gvr = gvr_namespaces, .name = id},
                                   .done = on_namespace_deleted};
    controller_call(&c->base, &call);
}

void cluster_remove(struct cluster_controller *c, struct kube_job *job,
                    const struct kube_object *cluster)
{
    struct condition removed;
    bool registered = kube_object_string(cluster, "status.apiEndpoint").n > 0;
    if (!kube_object_has_finalizer(cluster, STR(CLUSTER_FINALIZER)))
        controller_done(&c->base, job, false); /* others' finalizers hold it */
    else if (registered && !condition_get(cluster, "Removed", &removed))
        clean_downstream(c, job, cluster->name);
    else
        clean_upstream(c, job, cluster);
}
