/* Two agents where the cluster has two nodes to run them on. */
#include "engine/controllers/deploy/deploy_internal.h"

#define NODES_QUERY "limit=500" /* enough to find two */

/* The next look is due in an interval, whatever this one finds; clusters keep apart by jitter. */
static void plan_next(struct world *w, struct agent *agent)
{
    world_time jitter = world_random_time(w, DEPLOY_SCALE_INTERVAL / 10);
    agent->scale_at = world_now(w) + DEPLOY_SCALE_INTERVAL + jitter;
}

static void on_scaled(struct controller *base, struct kube_job *job, struct str id,
                      const struct kube_answer *answer)
{
    if (answer->err)
        log_warn(&base->log, "scaling the agent of " STR_FMT ": %s", STR_ARG(id),
                 answer->err->message);
    controller_done(base, job, false);
}

static bool is_usable(const cJSON *node)
{
    if (json_bool_at(node, "spec.unschedulable", false))
        return false;
    const cJSON *conditions = json_path(node, "status.conditions");
    for (const cJSON *it = conditions ? conditions->child : NULL; it; it = it->next)
        if (str_eq_c(json_string_at(it, "type"), "Ready"))
            return str_eq_c(json_string_at(it, "status"), "True");
    return false;
}

static size_t count_usable(struct str list)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    size_t n = 0;
    struct err *err = json_parse(&a, list, &tree);
    const cJSON *items = err ? NULL : json_get(tree, "items");
    for (const cJSON *it = items ? items->child : NULL; it; it = it->next)
        n += is_usable(it);
    err_ignore(err);
    arena_free(&a);
    return n;
}

static void on_nodes(struct controller *base, struct kube_job *job, struct str id,
                     const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    if (answer->err || count_usable(answer->body) < DEPLOY_REPLICAS) {
        controller_done(&c->base, job, false);
        return;
    }
    struct buf body = {0};
    buf_addf(&body, "{\"spec\":{\"replicas\":%d}}", DEPLOY_REPLICAS);
    struct controller_call call = deploy_call(job, id, KUBE_PATCH_MERGE, &deploy_target, on_scaled);
    call.body = buf_str(&body);
    controller_call(base, &call);
    buf_free(&body);
}

/* One replica, and an annotation that asks for more. */
static bool wants_more(struct str body)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct err *err = json_parse(&a, body, &tree);
    const cJSON *annotations = err ? NULL : json_path(tree, "metadata.annotations");
    uint64_t available = 0;
    bool asks = str_to_u64(
        json_string(json_get(annotations, "management.cattle.io/scale-available")), &available);
    bool wants = asks && available >= DEPLOY_REPLICAS && json_int_at(tree, "spec.replicas", 1) == 1;
    err_ignore(err);
    arena_free(&a);
    return wants;
}

static void on_deployment(struct controller *base, struct kube_job *job, struct str id,
                          const struct kube_answer *answer)
{
    struct deploy_controller *c = deploy_of(base);
    if (answer->err || !wants_more(answer->body)) {
        controller_done(&c->base, job, false);
        return;
    }
    struct kube_target nodes = {.gvr = gvr_nodes, .query = STR(NODES_QUERY)};
    struct controller_call call = deploy_call(job, id, KUBE_LIST, &nodes, on_nodes);
    controller_call(base, &call);
}

void deploy_scale(struct deploy_controller *c, struct kube_job *job, struct str id)
{
    struct world *w = c->base.options.world;
    struct agent *agent = deploy_agent(c, id);
    bool due = world_now(w) >= agent->scale_at;
    if (due)
        plan_next(w, agent);
    kube_queue_add_after(c->base.queue, id, agent->scale_at - world_now(w));
    if (!due) {
        controller_done(&c->base, job, false);
        return;
    }
    struct controller_call call = deploy_call(job, id, KUBE_GET, &deploy_target, on_deployment);
    controller_call(&c->base, &call);
}
