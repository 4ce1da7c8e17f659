/* Looking at the agent's Deployment until what was applied is what runs. */
#include "engine/controllers/deploy/deploy_internal.h"

#define LATE "Error" /* the reason that makes it an error */

/* Absent: 0. False: no number. */
static bool count_of(const struct kube_object *deployment, const char *dotted, int64_t *n)
{
    struct str raw = kube_object_raw(deployment, dotted);
    *n = 0;
    return raw.n == 0 || str_to_i64(raw, n);
}

/* Every replica is of the current template and available, none of an older one is left (an available old one would pass for
 * the new one that has yet to start), and the status speaks of this generation. */
static bool rolled_out(const struct kube_object *deployment)
{
    int64_t wanted = 1, observed, all, updated, available;
    struct str replicas = kube_object_raw(deployment, "spec.replicas");
    if (replicas.n && !str_to_i64(replicas, &wanted))
        return false;
    return count_of(deployment, "status.observedGeneration", &observed) &&
           observed >= deployment->generation && count_of(deployment, "status.replicas", &all) &&
           count_of(deployment, "status.updatedReplicas", &updated) &&
           count_of(deployment, "status.availableReplicas", &available) && updated >= wanted &&
           all <= updated && available >= updated;
}

static bool is_complete(struct str body)
{
    struct kube_object *deployment = NULL;
    struct err *err = kube_object_from_json(body, &deployment);
    bool complete = !err && rolled_out(deployment);
    err_ignore(err);
    kube_object_unref(deployment);
    return complete;
}

static void set_updated(struct deploy_controller *c, struct kube_job *job, struct str id,
                        const char *status, const char *reason, struct str message)
{
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    struct conditions_edit e;
    if (!cluster) {
        controller_done(&c->base, job, false);
        return;
    }
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    condition_set(&e, "Updated", status, reason, message);
    if (e.changed) {
        deploy_write_status(c, job, id, &e, NULL);
    } else {
        conditions_end(&e);
        controller_done(&c->base, job, false);
    }
}

/* A failed look is no failure: the agent restarts, and with it what we look through. */
static void on_deployment(struct controller *base, struct kube_job *job, struct str id,
                          const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    struct agent *agent = deploy_agent(c, id);
    if (!answer->err && is_complete(answer->body)) {
        agent->rollout_since = 0;
        agent->scale_at = 0; /* a good moment to look at it */
        set_updated(c, job, id, "True", "", str_empty);
        return;
    }
    world_time now = world_now(base->options.world);
    bool late = now - agent->rollout_since >= DEPLOY_ROLLOUT_LIMIT;
    kube_queue_add_after(base->queue, id, late ? DEPLOY_LATE_POLL : DEPLOY_ROLLOUT_POLL);
    if (late)
        set_updated(c, job, id, "False", LATE, STR("the new agent did not start within 300 s"));
    else
        controller_done(base, job, false);
}

void deploy_watch_rollout(struct deploy_controller *c, struct kube_job *job, struct str id)
{
    struct agent *agent = deploy_agent(c, id);
    if (agent->rollout_since == 0)
        agent->rollout_since = world_now(c->base.options.world);
    struct controller_call call = deploy_call(job, id, KUBE_GET, &deploy_target, on_deployment);
    controller_call(&c->base, &call);
}
