/* Queue, calls and counters of a controller. */
#include "engine/controllers/controller.h"

#include "engine/kube/management.h"

struct open_call {
    struct list link;
    struct controller *controller;
    struct kube_job *job;
    struct kube_call *call;
    struct str key; /* the job's */
    bool downstream, writes;
    controller_answer done;
};

static void open_free(struct open_call *o)
{
    list_remove(&o->link);
    mem_free(o);
}

static void on_cancelled(void *data)
{
    struct open_call *o = data;
    kube_call_cancel(o->call);
    open_free(o);
}

static void finish(struct open_call *o, const struct kube_answer *answer)
{
    struct controller *c = o->controller;
    struct kube_job *job = o->job;
    struct str key = o->key;
    controller_answer done = o->done;
    /* The change that a write makes brings its key back. Where none comes, the API lost what it had acknowledged. */
    if (o->writes && !o->downstream && !answer->err)
        kube_queue_add_after(c->queue, key, CONTROLLER_CONFIRM);
    kube_job_set(job, NULL, NULL);
    open_free(o);
    done(c, job, key, answer);
}

static void on_answer(void *owner, const struct kube_answer *answer)
{
    finish(owner, answer);
}

/* The client of a cluster is about to be freed: the call made with it, if any, has failed. (A key has one job.) */
static void on_downstream(void *owner, struct str id)
{
    struct controller *c = owner;
    list_each (&c->calls, it, next) {
        struct open_call *o = container_of(it, struct open_call, link);
        if (!o->downstream || !str_eq(o->key, id))
            continue;
        struct err *err =
            err_new(ERR_UNAVAILABLE, "the way to cluster " STR_FMT " is made anew", STR_ARG(id));
        struct kube_answer answer = {.err = err};
        kube_call_cancel(o->call);
        finish(o, &answer);
        err_free(err);
        return;
    }
}

static struct kube_queue_counters queue_counters(struct metrics *m, struct str labels)
{
    return (struct kube_queue_counters){
        .adds = metrics_cell(m, METRIC_COUNTER, "paddock_workqueue_adds_total", labels,
                             "keys that came to wait"),
        .retries = metrics_cell(m, METRIC_COUNTER, "paddock_workqueue_retries_total", labels,
                                "keys that come back after a failure"),
        .waits =
            metrics_histogram(m, "paddock_workqueue_wait_seconds", labels, "how long keys waited"),
        .works = metrics_histogram(m, "paddock_controller_reconcile_duration_seconds", labels,
                                   "how long reconciles took, the API's answers included")};
}

void controller_begin(struct controller *c, const char *name,
                      const struct controllers_options *options, kube_reconcile reconcile)
{
    struct buf labels = {0};
    buf_addf(&labels, "controller=\"%s\"", name);
    c->options = *options;
    c->log = (struct log){world_log(options->world), str_c(name)};
    list_init(&c->calls);
    c->reconciles =
        metrics_cell(options->metrics, METRIC_COUNTER, "paddock_controller_reconciles_total",
                     buf_str(&labels), "reconciles that ended");
    c->failures =
        metrics_cell(options->metrics, METRIC_COUNTER, "paddock_controller_failures_total",
                     buf_str(&labels), "reconciles that failed and are tried again");
    struct kube_queue_options q = {.workers = CONTROLLER_WORKERS,
                                   .counters = queue_counters(options->metrics, buf_str(&labels))};
    c->queue = kube_queue_new(options->world, &q, reconcile, c);
    downstreams_on_change(options->downstreams, on_downstream, c);
    buf_free(&labels);
}

void controller_end(struct controller *c)
{
    struct kube_informer *caches[] = {c->options.clusters, c->options.tokens, c->options.settings,
                                      c->options.secrets};
    for (size_t i = 0; i < ARRAY_LEN(caches); i++)
        kube_informer_off_change(caches[i], c);
    downstreams_off_change(c->options.downstreams, c);
    kube_queue_free(c->queue);
    BUG_ON(!list_empty(&c->calls), "a call belongs to a running job");
}

void controller_done(struct controller *c, struct kube_job *job, bool failed)
{
    ++*c->reconciles;
    *c->failures += failed;
    kube_job_done(job, failed);
}

void controller_call(struct controller *c, const struct controller_call *call)
{
    struct kube_client *client = c->options.client;
    if (call->downstream.n)
        client = downstream_client(c->options.downstreams, call->downstream);
    if (!client) {
        controller_done(c, call->job, true);
        return;
    }
    struct open_call *o = MEM_NEW(struct open_call);
    o->controller = c;
    o->job = call->job;
    o->key = kube_job_key(call->job);
    o->downstream = call->downstream.n > 0;
    o->writes = call->verb != KUBE_GET && call->verb != KUBE_LIST;
    if (o->downstream && o->writes)
        world_note(c->options.world, "cluster.write", call->downstream, str_empty);
    o->done = call->done;
    list_add_tail(&c->calls, &o->link);
    kube_job_set(call->job, o, on_cancelled);
    o->call = kube_call_start(client, call->verb, &call->target, call->body,
                              o->downstream ? CONTROLLER_DOWNSTREAM_TIMEOUT : 0, on_answer, o);
}

void controller_call_tree(struct controller *c, const struct controller_call *call,
                          const cJSON *body)
{
    struct buf text = {0};
    json_write(&text, body);
    struct controller_call with = *call;
    with.body = buf_str(&text);
    controller_call(c, &with);
    buf_free(&text);
}

void controller_written(struct controller *c, struct kube_job *job, struct str key,
                        const struct kube_answer *answer)
{
    (void)key;
    controller_done(c, job, answer->err != NULL);
}

struct str controller_setting(const struct controller *c, struct arena *a, const char *name)
{
    const struct kube_object *o = kube_informer_get(c->options.settings, str_c(name));
    if (!o)
        return str_empty;
    const cJSON *tree = kube_object_tree(o, a);
    struct str value = json_string_at(tree, "value");
    return value.n ? value : json_string_at(tree, "default");
}

void controller_write_setting(struct controller *c, struct kube_job *job, const char *name,
                              bool exists, struct str value)
{
    struct arena a = {0};
    cJSON *body = json_object(&a);
    struct kube_target target = {.gvr = gvr_settings};
    if (exists) {
        target.name = str_c(name);
    } else {
        json_set_str(&a, body, "apiVersion", STR(MANAGEMENT_GROUP "/v3"));
        json_set_str(&a, body, "kind", STR("Setting"));
        json_set_str(&a, json_ensure(&a, body, "metadata"), "name", str_c(name));
    }
    json_set_str(&a, body, "value", value);
    struct controller_call call = {.job = job,
                                   .verb = exists ? KUBE_PATCH_MERGE : KUBE_CREATE,
                                   .target = target,
                                   .done = controller_written};
    controller_call_tree(c, &call, body);
    arena_free(&a);
}

bool cluster_is_internal(const struct kube_object *cluster)
{
    return str_eq_c(kube_object_raw(cluster, "spec.internal"), "true");
}

void controller_enqueue_all(struct controller *c, const struct kube_informer *cache)
{
    struct str key;
    for (size_t i = 0; kube_informer_next(cache, &i, &key);)
        kube_queue_add(c->queue, key);
}
