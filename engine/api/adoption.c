/* One call after the other; a failure begins again, with a pause. */
#include "engine/api/adoption.h"

#include "engine/base/json.h"
#include "engine/base/timefmt.h"
#include "engine/kube/management.h"
#include "engine/kube/queue.h"
#include "engine/manifests/agent_manifest.h"

#define TOKEN_NAME "default-token"

enum step { STEP_CLUSTER, STEP_TOMBSTONE, STEP_NAMESPACE, STEP_TOKEN, STEP_TEXT, STEP_MAKE };

struct adoption {
    struct kube_client *client;
    struct kube_informer *clusters;
    struct map tokens; /* cluster id → its agent's token (owned C string) */
    struct kube_queue *queue;
};

/* One adoption under way. */
struct run {
    struct adoption *of;
    struct kube_job *job;
    struct kube_call *call;
    enum step step;
    struct str id, token; /* owned */
};

static void next(struct run *r);

static void run_free(struct run *r)
{
    str_free(&r->id);
    str_free(&r->token);
    mem_free(r);
}

static void run_cancelled(void *data)
{
    struct run *r = data;
    kube_call_cancel(r->call);
    run_free(r);
}

static void end(struct run *r, bool failed)
{
    struct kube_job *job = r->job;
    if (!failed)
        mem_free(map_remove(&r->of->tokens, r->id));
    kube_job_set(job, NULL, NULL);
    run_free(r);
    kube_job_done(job, failed);
}

/* Is it as the step needs it? The two questions want to hear that there is no such thing. */
static void on_answer(void *owner, const struct kube_answer *answer)
{
    struct run *r = owner;
    enum err_code code = answer->err ? answer->err->code : ERR_INTERNAL;
    bool asks = r->step == STEP_CLUSTER || r->step == STEP_TOMBSTONE;
    r->call = NULL;
    if (asks && !answer->err) { /* it is known, or is not to come back */
        end(r, false);
    } else if (asks ? code != ERR_NOT_FOUND : answer->err && code != ERR_ALREADY_EXISTS) {
        end(r, true);
    } else if (r->step == STEP_MAKE) {
        world_note(kube_client_world(r->of->client), "cluster.adopted", r->id, str_empty);
        end(r, false);
    } else {
        r->step++;
        next(r);
    }
}

static void call(struct run *r, enum kube_verb verb, const struct kube_target *target,
                 const cJSON *body)
{
    struct buf text = {0};
    if (body)
        json_write(&text, body);
    r->call = kube_call_start(r->of->client, verb, target, buf_str(&text), 0, on_answer, r);
    buf_free(&text);
}

static cJSON *object(struct arena *a, const char *version, const char *kind, struct str name)
{
    cJSON *o = json_object(a);
    json_set_str(a, o, "apiVersion", str_c(version));
    json_set_str(a, o, "kind", str_c(kind));
    json_set_str(a, json_ensure(a, o, "metadata"), "name", name);
    return o;
}

static void ask_tombstone(struct run *r)
{
    struct buf name = {0};
    agent_tombstone_name(r->token, &name);
    struct kube_target target = {
        .gvr = gvr_secrets, .ns = STR(NAMESPACE_GLOBAL_DATA), .name = buf_str(&name)};
    call(r, KUBE_GET, &target, NULL);
    buf_free(&name);
}

static void make_namespace(struct run *r, struct arena *a)
{
    struct kube_target target = {.gvr = gvr_namespaces};
    cJSON *o = object(a, "v1", "Namespace", r->id);
    json_set_str(a, json_ensure(a, json_get(o, "metadata"), "labels"),
                 "management.cattle.io/system-namespace", STR("true"));
    call(r, KUBE_CREATE, &target, o);
}

static void make_token(struct run *r, struct arena *a)
{
    struct kube_target target = {.gvr = gvr_registration_tokens, .ns = r->id};
    cJSON *o = object(a, MANAGEMENT_GROUP "/v3", "ClusterRegistrationToken", STR(TOKEN_NAME));
    json_set_str(a, json_get(o, "metadata"), "namespace", r->id);
    json_set_str(a, json_ensure(a, o, "spec"), "clusterName", r->id);
    call(r, KUBE_CREATE, &target, o);
}

/* Whatever text the leader has drawn for it meanwhile. */
static void set_text(struct run *r, struct arena *a)
{
    struct kube_target target = {
        .gvr = gvr_registration_tokens, .ns = r->id, .name = STR(TOKEN_NAME), .sub = STR("status")};
    cJSON *patch = json_object(a);
    json_set_str(a, json_ensure(a, patch, "status"), "token", r->token);
    call(r, KUBE_PATCH_MERGE, &target, patch);
}

static void make_cluster(struct run *r, struct arena *a)
{
    struct kube_target target = {.gvr = gvr_clusters};
    struct buf now = {0};
    cJSON *o = object(a, MANAGEMENT_GROUP "/v3", "Cluster", r->id);
    rfc3339_format(&now, world_wall(kube_client_world(r->of->client)));
    json_set_str(a, json_ensure(a, json_get(o, "metadata"), "annotations"), ADOPTION_ANNOTATION,
                 arena_str(a, buf_str(&now)));
    json_set_str(a, json_ensure(a, o, "spec"), "displayName", r->id);
    call(r, KUBE_CREATE, &target, o);
    buf_free(&now);
}

static void next(struct run *r)
{
    struct arena a = {0};
    struct kube_target cluster = {.gvr = gvr_clusters, .name = r->id};
    switch (r->step) {
    case STEP_CLUSTER:
        call(r, KUBE_GET, &cluster, NULL);
        break;
    case STEP_TOMBSTONE:
        ask_tombstone(r);
        break;
    case STEP_NAMESPACE:
        make_namespace(r, &a);
        break;
    case STEP_TOKEN:
        make_token(r, &a);
        break;
    case STEP_TEXT:
        set_text(r, &a);
        break;
    case STEP_MAKE:
        make_cluster(r, &a);
        break;
    }
    arena_free(&a);
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct adoption *a = owner;
    const char *token = map_get(&a->tokens, id);
    if (!token || kube_informer_get(a->clusters, id)) {
        mem_free(map_remove(&a->tokens, id));
        kube_job_done(job, false);
        return;
    }
    struct run *r = MEM_NEW(struct run);
    *r = (struct run){.of = a, .job = job, .id = str_dup(id), .token = str_dup(str_c(token))};
    kube_job_set(job, r, run_cancelled);
    next(r);
}

struct adoption *adoption_new(struct kube_client *c, struct kube_informer *clusters)
{
    struct adoption *a = MEM_NEW(struct adoption);
    a->client = c;
    a->clusters = clusters;
    a->queue = kube_queue_new(kube_client_world(c), NULL, reconcile, a);
    return a;
}

void adoption_free(struct adoption *a)
{
    if (!a)
        return;
    kube_queue_free(a->queue);
    void *token;
    for (size_t i = 0; map_next(&a->tokens, &i, NULL, &token);)
        mem_free(token);
    map_free(&a->tokens);
    mem_free(a);
}

void adoption_note(struct adoption *a, struct str cluster_id, struct str token)
{
    bool waits = map_has(&a->tokens, cluster_id);
    if (waits || map_count(&a->tokens) >= ADOPTIONS_MAX)
        return;
    map_put(&a->tokens, cluster_id, str_dup_c(token));
    kube_queue_add(a->queue, cluster_id);
}
