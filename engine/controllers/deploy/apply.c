/* The objects of the manifest, one after the other: read, then created or patched where they differ. */
#include "engine/controllers/deploy/deploy_internal.h"

static void next_object(struct deploy_controller *c, struct kube_job *job, struct str id);

void deploy_apply_forget(struct agent *agent)
{
    if (!agent->run)
        return;
    desired_free(agent->run);
    mem_free(agent->run);
    agent->run = NULL;
    agent->deployment = NULL;
}

static void failed(struct deploy_controller *c, struct kube_job *job, struct str id,
                   const struct err *err)
{
    log_warn(&c->base.log, "deploying to " STR_FMT ": %s", STR_ARG(id), err->message);
    deploy_apply_forget(deploy_agent(c, id));
    controller_done(&c->base, job, true);
}

/* The body as a tree in the run's arena; NULL: not JSON. */
static cJSON *parse(struct agent *agent, struct str body)
{
    cJSON *tree = NULL;
    struct err *err = json_parse(&agent->run->arena, body, &tree);
    err_ignore(err);
    return tree;
}

/* ---- the end ---- */

static void all_applied(struct deploy_controller *c, struct kube_job *job, struct str id)
{
    struct agent *agent = deploy_agent(c, id);
    const struct kube_object *cluster = kube_informer_get(c->base.options.clusters, id);
    if (!cluster) {
        deploy_apply_forget(agent);
        controller_done(&c->base, job, false);
        return;
    }
    struct conditions_edit e;
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    condition_set(&e, "AgentDeployed", "True", "", str_empty);
    if (agent->rolls)
        condition_set(&e, "Updated", "Unknown", "RollingOut", STR("the new agent is starting"));
    else
        condition_set(&e, "Updated", "True", "", str_empty);
    cJSON *extra = json_object(&e.arena);
    json_set_str(&e.arena, extra, "agentImage", agent->run->manifest.image);
    json_set_str(&e.arena, extra, "appliedAgentHash", agent->run->hash);
    deploy_apply_forget(agent); /* the texts above are copies */
    deploy_write_status(c, job, id, &e, extra);
}

/* ---- one object ---- */

static void on_object_written(struct controller *base, struct kube_job *job, struct str id,
                              const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    if (answer->err) {
        failed(c, job, id, answer->err);
        return;
    }
    deploy_agent(c, id)->next++;
    next_object(c, job, id);
}

static void write_object(struct deploy_controller *c, struct kube_job *job, struct str id,
                         enum kube_verb verb)
{
    const struct agent *agent = deploy_agent(c, id);
    const cJSON *wanted = agent->run->objects[agent->next];
    struct kube_target target;
    BUG_ON(!desired_target(wanted, &target), "a kind that next_object looked up");
    if (verb == KUBE_CREATE)
        target.name = str_empty;
    struct controller_call call = deploy_call(job, id, verb, &target, on_object_written);
    controller_call_tree(&c->base, &call, wanted);
}

/* live: NULL: there is none. */
static void settle_object(struct deploy_controller *c, struct kube_job *job, struct str id,
                          const cJSON *live)
{
    struct agent *agent = deploy_agent(c, id);
    if (live && desired_covered(agent->run->objects[agent->next], live)) {
        agent->next++;
        next_object(c, job, id);
    } else {
        write_object(c, job, id, live ? KUBE_PATCH_MERGE : KUBE_CREATE);
    }
}

static void on_object(struct controller *base, struct kube_job *job, struct str id,
                      const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    struct agent *agent = deploy_agent(c, id);
    if (!answer->err)
        settle_object(c, job, id, parse(agent, answer->body));
    else if (answer->err->code == ERR_NOT_FOUND)
        settle_object(c, job, id, NULL);
    else
        failed(c, job, id, answer->err);
}

static void next_object(struct deploy_controller *c, struct kube_job *job, struct str id)
{
    struct agent *agent = deploy_agent(c, id);
    if (agent->next == agent->run->objects_n) {
        all_applied(c, job, id);
        return;
    }
    const cJSON *wanted = agent->run->objects[agent->next];
    struct kube_target target;
    BUG_ON(!desired_target(wanted, &target), "the table of kinds knows all of the manifest's");
    if (desired_is_agent(wanted)) {
        settle_object(c, job, id, agent->deployment); /* read already */
        return;
    }
    struct controller_call call = deploy_call(job, id, KUBE_GET, &target, on_object);
    controller_call(&c->base, &call);
}

/* ---- the beginning ---- */

/* Says that an update has begun, before anything is changed. The change that this makes brings the key back. */
static void announce(struct deploy_controller *c, struct kube_job *job, struct str id,
                     const struct kube_object *cluster)
{
    struct conditions_edit e;
    deploy_apply_forget(deploy_agent(c, id));
    conditions_begin(&e, cluster, world_wall(c->base.options.world));
    condition_set(&e, "Updated", "Unknown", "Deploying", STR("the agent is being updated"));
    deploy_write_status(c, job, id, &e, NULL);
}

static bool deployment_differs(const struct agent *agent)
{
    for (size_t i = 0; i < agent->run->objects_n; i++)
        if (desired_is_agent(agent->run->objects[i]))
            return !agent->deployment ||
                   !desired_covered(agent->run->objects[i], agent->deployment);
    return false;
}

static void on_deployment(struct controller *base, struct kube_job *job, struct str id,
                          const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    struct agent *agent = deploy_agent(c, id);
    const struct kube_object *cluster = kube_informer_get(base->options.clusters, id);
    if (answer->err && answer->err->code != ERR_NOT_FOUND) {
        failed(c, job, id, answer->err);
        return;
    }
    agent->deployment = answer->err ? NULL : parse(agent, answer->body);
    desired_objects(agent->run, agent->deployment);
    bool announced = cluster && condition_is(cluster, "Updated", "Unknown");
    bool differs = deployment_differs(agent);
    /* A predecessor may have changed it: then its rollout is still to be watched. */
    agent->rolls = differs || announced;
    if (cluster && differs && !announced)
        announce(c, job, id, cluster);
    else
        next_object(c, job, id);
}

void deploy_apply(struct deploy_controller *c, struct kube_job *job, struct str id,
                  struct desired *take_desired)
{
    struct agent *agent = deploy_agent(c, id);
    deploy_apply_forget(agent);
    agent->run = take_desired;
    agent->next = 0;
    struct controller_call call = deploy_call(job, id, KUBE_GET, &deploy_target, on_deployment);
    controller_call(&c->base, &call);
}
