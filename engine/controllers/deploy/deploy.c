/* Which cluster needs which step. */
#include "engine/controllers/deploy/deploy_internal.h"

#include "engine/kube/backoff.h"

const struct kube_target deploy_target = {.gvr = KUBE_GVR("apps", "v1", "deployments"),
                                          .ns = STR_INIT(NAMESPACE_SYSTEM),
                                          .name = STR_INIT(AGENT_DEPLOYMENT),
                                          .sub = STR_INIT(""),
                                          .query = STR_INIT("")};

struct deploy_controller *deploy_of(struct controller *base)
{
    return container_of(base, struct deploy_controller, base);
}

struct agent *deploy_agent(struct deploy_controller *c, struct str id)
{
    struct agent *agent = map_get(&c->agents, id);
    if (!agent) {
        agent = MEM_NEW(struct agent);
        map_put(&c->agents, id, agent);
    }
    return agent;
}

static void forget(struct deploy_controller *c, struct str id)
{
    struct agent *agent = map_remove(&c->agents, id);
    if (!agent)
        return;
    deploy_apply_forget(agent);
    mem_free(agent);
}

struct controller_call deploy_call(struct kube_job *job, struct str id, enum kube_verb verb,
                                   const struct kube_target *target, controller_answer done)
{
    return (struct controller_call){
        .job = job, .downstream = id, .verb = verb, .target = *target, .done = done};
}

void deploy_write_status(struct deploy_controller *c, struct kube_job *job, struct str id,
                         struct conditions_edit *e, const cJSON *extra)
{
    cJSON *patch = conditions_patch(e);
    for (const cJSON *it = extra ? extra->child : NULL; it; it = it->next)
        json_set(&e->arena, json_get(patch, "status"), str_c(it->string), json_copy(&e->arena, it));
    struct controller_call call = {
        .job = job,
        .verb = KUBE_PATCH_MERGE,
        .target = {.gvr = gvr_clusters, .name = id, .sub = STR("status")},
        .done = controller_written};
    controller_call_tree(&c->base, &call, patch);
    conditions_end(e);
}

static bool is_connected(const struct kube_object *cluster)
{
    return cluster && !cluster->deleting && !cluster_is_internal(cluster) &&
           condition_is(cluster, "Connected", "True");
}

/* The cluster is connected, and what should run is known. Takes the desired state. */
static void step(struct deploy_controller *c, struct kube_job *job,
                 const struct kube_object *cluster, struct desired *desired)
{
    struct str id = cluster->name;
    struct agent *agent = deploy_agent(c, id);
    bool applied = str_eq(kube_object_string(cluster, "status.appliedAgentHash"), desired->hash);
    bool updated = condition_is(cluster, "Updated", "True");
    if (!applied) {
        agent->rollout_since = 0;
        deploy_apply(c, job, id, desired);
        return;
    }
    desired_free(desired);
    mem_free(desired);
    if (!updated) {
        deploy_watch_rollout(c, job, id);
        return;
    }
    agent->rollout_since = 0;
    deploy_scale(c, job, id);
}

static bool is_offline(const struct kube_object *cluster)
{
    return cluster && !cluster->deleting && !cluster_is_internal(cluster) &&
           condition_is(cluster, "Connected", "False");
}

/* As the original does: what cannot be done is tried again at the pace of the queue's back-off, and that it failed again
 * is written down. */
static void repeat(struct deploy_controller *c, struct kube_job *job,
                   const struct kube_object *cluster)
{
    struct agent *agent = deploy_agent(c, cluster->name);
    struct world *w = c->base.options.world;
    world_time now = world_now(w);
    if (now < agent->repeat_at) { /* woken by its own write */
        kube_queue_add_after(c->base.queue, cluster->name, agent->repeat_at - now);
        controller_done(&c->base, job, false);
        return;
    }
    world_time pause = kube_backoff(w, agent->repeats++, KUBE_QUEUE_RETRY, KUBE_QUEUE_RETRY_MAX);
    agent->repeat_at = now + pause;
    kube_queue_add_after(c->base.queue, cluster->name, pause);
    struct conditions_edit e;
    conditions_begin(&e, cluster, world_wall(w));
    condition_touch(&e, "Connected");
    deploy_write_status(c, job, cluster->name, &e, NULL);
}

static void reconcile(void *owner, struct kube_job *job, struct str id)
{
    struct deploy_controller *c = owner;
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    bool repeats =
        policy_get(c->base.options.policies, POLICY_CLUSTER_OFFLINE) == POLICY_OFFLINE_REPEAT;
    if (repeats && is_offline(cluster)) {
        repeat(c, job, cluster);
        return;
    }
    if (!is_connected(cluster)) {
        forget(c, id);
        controller_done(&c->base, job, false);
        return;
    }
    if (!tunnel_router_has(c->base.options.router, id)) {
        kube_queue_add_after(c->base.queue, id, DEPLOY_SESSION_POLL);
        controller_done(&c->base, job, false);
        return;
    }
    deploy_agent(c, id)->repeats = 0;
    deploy_agent(c, id)->repeat_at = 0;
    struct desired *desired = MEM_NEW(struct desired);
    if (desired_make(&c->base, cluster, desired)) {
        step(c, job, cluster, desired);
    } else { /* what is missing comes as a change of a token or a setting */
        mem_free(desired);
        controller_done(&c->base, job, false);
    }
}

/* ---- events ---- */

static void on_cluster(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct deploy_controller *c = owner;
    kube_queue_add(c->base.queue, kube_changed(before, after)->name);
}

static void on_token(void *owner, const struct kube_object *before, const struct kube_object *after)
{
    struct deploy_controller *c = owner;
    (void)before;
    if (after)
        kube_queue_add(c->base.queue, after->ns);
}

static void on_setting(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    static const char *const names[] = {"server-url", "cacerts", "agent-image", "agent-command",
                                        "agent-tls-mode"};
    struct deploy_controller *c = owner;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_c(kube_changed(before, after)->name, names[i]))
            controller_enqueue_all(&c->base, c->base.options.clusters);
}

static struct controller *start(const struct controllers_options *options)
{
    struct deploy_controller *c = MEM_NEW(struct deploy_controller);
    controller_begin(&c->base, deploy_class.name, options, reconcile);
    kube_informer_on_change(options->clusters, on_cluster, c);
    kube_informer_on_change(options->tokens, on_token, c);
    kube_informer_on_change(options->settings, on_setting, c);
    controller_enqueue_all(&c->base, options->clusters);
    return &c->base;
}

static void stop(struct controller *base)
{
    struct deploy_controller *c = deploy_of(base);
    controller_end(base);
    void *agent;
    for (size_t i = 0; map_next(&c->agents, &i, NULL, &agent);) {
        deploy_apply_forget(agent);
        mem_free(agent);
    }
    map_free(&c->agents);
    mem_free(c);
}

const struct controller_class deploy_class = {"deploy", start, stop};
