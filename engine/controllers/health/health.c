/* Targets, probes and the conditions that follow. */
#include "engine/controllers/health/health_internal.h"

#include "engine/kube/conditions.h"
#include "engine/kube/management.h"

#define REASON_API  "ComponentStatusFetchingFailure"
#define REASON_GONE "Disconnected"

/* Policy failure.reason: cause. */
static const char *const tls_reasons[] = {[ERR_TLS_OTHER] = REASON_API,
                                          [ERR_TLS_EXPIRED] = "CertExpired",
                                          [ERR_TLS_NOT_YET_VALID] = "CertNotYetValid",
                                          [ERR_TLS_UNTRUSTED] = "CertUntrusted",
                                          [ERR_TLS_NAME] = "CertNameMismatch"};

/* ---- probes ---- */

static enum health judge(const struct target *t, const struct kube_answer *answer)
{
    const struct health_controller *c = t->controller;
    if (!answer->err || answer->status == 404)
        return HEALTH_GOOD;
    if (answer->status)
        return HEALTH_API;
    bool hangs = answer->err->code == ERR_TIMEOUT;
    return hangs || !tunnel_router_has(c->base.options.router, t->id) ? HEALTH_GONE : HEALTH_API;
}

static void on_answer(void *owner, const struct kube_answer *answer)
{
    struct target *t = owner;
    t->call = NULL;
    enum health found = judge(t, answer);
    ++*t->controller->probes[found];
    t->controller->prober->probed(t, found, answer->err);
}

bool health_probe(struct target *t, world_time timeout)
{
    BUG_ON(t->call, "a target is probed by one probe at a time");
    const struct controllers_options *o = &t->controller->base.options;
    struct kube_client *client = downstream_client(o->downstreams, t->id);
    if (!client || !tunnel_router_has(o->router, t->id)) {
        ++*t->controller->probes[HEALTH_GONE];
        return false;
    }
    struct kube_target target = {.gvr = gvr_namespaces, .name = STR("kube-system")};
    t->call = kube_call_start(client, KUBE_GET, &target, str_empty, timeout, on_answer, t);
    return true;
}

/* ---- conditions ---- */

static bool is_api_reason(struct str reason, enum err_tls *tls)
{
    for (size_t i = 0; i < ARRAY_LEN(tls_reasons); i++)
        if (str_eq_c(reason, tls_reasons[i])) {
            *tls = (enum err_tls)i;
            return true;
        }
    return false;
}

/* Which of our verdicts do the conditions express? */
static enum health said_by(const struct kube_object *cluster, enum err_tls *tls)
{
    struct condition ready;
    *tls = ERR_TLS_OTHER;
    if (!condition_get(cluster, "Ready", &ready))
        return HEALTH_UNKNOWN;
    bool connected = condition_is(cluster, "Connected", "True");
    if (connected && str_eq_c(ready.status, "True"))
        return condition_is(cluster, "Waiting", "True") ? HEALTH_GOOD : HEALTH_UNKNOWN;
    if (!str_eq_c(ready.status, "False"))
        return HEALTH_UNKNOWN;
    if (connected)
        return is_api_reason(ready.reason, tls) ? HEALTH_API : HEALTH_UNKNOWN;
    bool gone = condition_is(cluster, "Connected", "False") && str_eq_c(ready.reason, REASON_GONE);
    return gone ? HEALTH_GONE : HEALTH_UNKNOWN;
}

static void set_conditions(struct conditions_edit *e, const struct target *t)
{
    struct str gone = STR(HEALTH_DISCONNECTED);
    if (t->verdict == HEALTH_GONE) {
        condition_set(e, "Connected", "False", REASON_GONE, gone);
        condition_set(e, "Ready", "False", REASON_GONE, gone);
        return;
    }
    condition_set(e, "Connected", "True", "", str_empty);
    if (t->verdict == HEALTH_GOOD) {
        condition_set(e, "Ready", "True", "", str_empty);
        condition_set(e, "Waiting", "True", "", str_empty);
    } else {
        condition_set(e, "Ready", "False", tls_reasons[t->tls],
                      arena_printf(&e->arena,
                                   "cluster health check failed: Failed to communicate with API "
                                   "server during namespace check: " STR_FMT,
                                   STR_ARG(t->why)));
    }
}

static bool says_so(const struct target *t, const struct kube_object *cluster)
{
    enum err_tls tls;
    return t->verdict == said_by(cluster, &tls) && t->tls == tls;
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct health_controller *c = owner;
    const struct target *t = map_get(&c->targets, id);
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    if (!t || !cluster || t->verdict == HEALTH_UNKNOWN || says_so(t, cluster)) {
        controller_done(&c->base, job, false);
        return;
    }
    struct conditions_edit e;
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    set_conditions(&e, t);
    struct controller_call call = {
        .job = job,
        .verb = KUBE_PATCH_MERGE,
        .target = {.gvr = gvr_clusters, .name = id, .sub = STR("status")},
        .done = controller_written};
    controller_call_tree(&c->base, &call, conditions_patch(&e));
    conditions_end(&e);
}

static void write_if_needed(struct target *t)
{
    if (t->verdict != HEALTH_UNKNOWN && (t->verdict != t->said || t->tls != t->said_tls))
        kube_queue_add(t->controller->base.queue, t->id);
}

/* What the API's certificate has to do with it, if conditions may say so. */
static enum err_tls tls_of(const struct target *t, enum health verdict, const struct err *why)
{
    const struct policies *p = t->controller->base.options.policies;
    bool typed = policy_get(p, POLICY_FAILURE_REASON) == POLICY_REASON_CAUSE;
    enum err_tls tls = verdict == HEALTH_API && typed ? err_tls_of(why) : ERR_TLS_OTHER;
    return (size_t)tls < ARRAY_LEN(tls_reasons) ? tls : ERR_TLS_OTHER;
}

void health_believe(struct target *t, enum health verdict, const struct err *why)
{
    enum err_tls tls = tls_of(t, verdict, why);
    if (verdict != t->verdict || tls != t->tls) { /* as long as it lasts its first text stays */
        str_free(&t->why);
        if (verdict == HEALTH_API && why)
            t->why = str_dup(str_c(why->message));
        t->verdict = verdict;
        t->tls = tls;
    }
    write_if_needed(t);
}

/* ---- targets ---- */

static void target_remove(struct target *t)
{
    struct health_controller *c = t->controller;
    bool was_probing = t->call != NULL;
    kube_call_cancel(t->call);
    t->call = NULL;
    (void)map_remove(&c->targets, t->id);
    c->prober->removed(t, was_probing);
    str_free(&t->id);
    str_free(&t->why);
    mem_free(t);
}

static struct target *target_new(struct health_controller *c, struct str id)
{
    struct target *t = MEM_NEW(struct target);
    t->controller = c;
    t->id = str_dup(id);
    map_put(&c->targets, id, t);
    return t;
}

static void take_cluster(struct health_controller *c, const struct kube_object *cluster, bool fresh)
{
    struct target *t = map_get(&c->targets, cluster->name);
    bool wanted = !cluster->deleting && !cluster_is_internal(cluster) &&
                  kube_object_string(cluster, "status.apiEndpoint").n > 0;
    if (!wanted) {
        if (t)
            target_remove(t);
        return;
    }
    enum err_tls tls;
    enum health said = said_by(cluster, &tls);
    bool is_new = !t;
    if (!t)
        t = target_new(c, cluster->name);
    t->said = said;
    t->said_tls = tls;
    if (is_new)
        c->prober->added(t, fresh);
    else
        write_if_needed(t);
}

static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct health_controller *c = owner;
    struct target *t = after ? NULL : map_get(&c->targets, before->name);
    if (after)
        take_cluster(c, after, true);
    else if (t)
        target_remove(t);
}

static void on_rerouted(void *owner, struct str id)
{
    struct health_controller *c = owner;
    struct target *t = map_get(&c->targets, id);
    if (!t)
        return;
    bool was_probing = t->call != NULL;
    kube_call_cancel(t->call);
    t->call = NULL;
    c->prober->rerouted(t, was_probing);
}

static void on_edge(struct health_controller *c, struct str key)
{
    struct target *t = map_get(&c->targets, key);
    if (t && c->prober->edge)
        c->prober->edge(t);
}

static void on_session(void *owner, struct tunnel_session *s)
{
    on_edge(owner, tunnel_session_key(s));
}

static void on_announced(void *owner, bool has, struct str key)
{
    (void)has;
    on_edge(owner, key);
}

/* ---- life ---- */

static void make_metrics(struct health_controller *c)
{
    static const char *const names[] = {[HEALTH_GOOD] = "result=\"good\"",
                                        [HEALTH_API] = "result=\"api\"",
                                        [HEALTH_GONE] = "result=\"disconnected\""};
    for (size_t i = HEALTH_GOOD; i <= HEALTH_GONE; i++)
        c->probes[i] =
            metrics_cell(c->base.options.metrics, METRIC_COUNTER, "paddock_health_probes_total",
                         str_c(names[i]), "probes of clusters by what they found");
}

static struct controller *start(const struct controllers_options *options)
{
    struct health_controller *c = MEM_NEW(struct health_controller);
    int64_t how = policy_get(options->policies, POLICY_HEALTH_PROBE);
    c->prober = how == POLICY_PROBE_SEQUENTIAL ? &prober_sequential : &prober_independent;
    controller_begin(&c->base, health_class.name, options, reconcile);
    make_metrics(c);
    c->prober->start(c);
    c->sessions = (struct tunnel_router_listener){
        .added = on_session, .removed = on_session, .announced = on_announced, .owner = c};
    tunnel_router_listen(options->router, &c->sessions);
    downstreams_on_change(options->downstreams, on_rerouted, c);
    kube_informer_on_change(options->clusters, on_cluster, c);
    const struct kube_object *cluster;
    struct str key;
    for (size_t i = 0; (cluster = kube_informer_next(options->clusters, &i, &key));)
        take_cluster(c, cluster, false);
    return &c->base;
}

static void stop(struct controller *base)
{
    struct health_controller *c = container_of(base, struct health_controller, base);
    tunnel_router_unlisten(base->options.router, &c->sessions);
    controller_end(base);
    void *target;
    for (size_t i = 0; map_next(&c->targets, &i, NULL, &target);)
        target_remove(target);
    map_free(&c->targets);
    c->prober->stop(c);
    mem_free(c);
}

const struct controller_class health_class = {"health", start, stop};
