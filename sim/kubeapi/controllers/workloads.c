/* The controllers of a control plane, as one: which there are, what they hear, how they begin and end. */
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/controllers/kubelet.h"
#include "sim/kubeapi/controllers/stages.h"

static const struct str table_names[CTL_TABLES] = {
    [T_PODS] = STR_INIT("pods"),
    [T_NODES] = STR_INIT("nodes"),
    [T_SERVICES] = STR_INIT("services"),
    [T_ENDPOINTS] = STR_INIT("endpoints"),
    [T_EVENTS] = STR_INIT("events"),
    [T_CLAIMS] = STR_INIT("persistentvolumeclaims"),
    [T_VOLUMES] = STR_INIT("persistentvolumes"),
    [T_QUOTAS] = STR_INIT("resourcequotas"),
    [T_REPLICATIONS] = STR_INIT("replicationcontrollers"),
    [T_NAMESPACES] = STR_INIT("namespaces"),
    [T_DEPLOYMENTS] = STR_INIT("deployments.apps"),
    [T_REPLICA_SETS] = STR_INIT("replicasets.apps"),
    [T_STATEFUL_SETS] = STR_INIT("statefulsets.apps"),
    [T_DAEMON_SETS] = STR_INIT("daemonsets.apps"),
    [T_REVISIONS] = STR_INIT("controllerrevisions.apps"),
    [T_JOBS] = STR_INIT("jobs.batch"),
    [T_CRON_JOBS] = STR_INIT("cronjobs.batch"),
    [T_SLICES] = STR_INIT("endpointslices.discovery.k8s.io"),
    [T_BUDGETS] = STR_INIT("poddisruptionbudgets.policy"),
    [T_AUTOSCALERS] = STR_INIT("horizontalpodautoscalers.autoscaling"),
    [T_LEASES] = STR_INIT("leases.coordination.k8s.io"),
    [T_CLASSES] = STR_INIT("storageclasses.storage.k8s.io"),
};

static const ctl_sync syncs[CTL_KINDS] = {
    [CTL_NODE] = sync_node,
    [CTL_KUBELET] = sync_kubelet,
    [CTL_SCHEDULER] = sync_scheduler,
    [CTL_DEPLOYMENT] = sync_deployment,
    [CTL_REPLICA_SET] = sync_replica_set,
    [CTL_REPLICATION] = sync_replication,
    [CTL_STATEFUL_SET] = sync_stateful_set,
    [CTL_DAEMON_SET] = sync_daemon_set,
    [CTL_JOB] = sync_job,
    [CTL_CRON_JOB] = sync_cron_job,
    [CTL_ENDPOINTS] = sync_endpoints,
    [CTL_CLAIM] = sync_claim,
    [CTL_VOLUME] = sync_volume,
    [CTL_BUDGET] = sync_budget,
    [CTL_QUOTA] = sync_quota,
    [CTL_AUTOSCALER] = sync_autoscaler,
};

/* ---- life ---- */

/* Whatever comes or goes may be counted by a quota. */
static void wake_quotas(struct ctl *c, const struct store_event *e)
{
    if (e->object->ns.n > 0 && (e->type != STORE_MODIFIED || e->table == c->tables[T_PODS]))
        ctl_soon_all(c, CTL_QUOTA, T_QUOTAS, e->object->ns);
}

void api_workloads_event(struct ctl *c, struct store_event *e)
{
    if (e->type == STORE_MODIFIED && e->table == c->tables[T_LEASES])
        return; /* heartbeats: by far the most of all writes */
    if (store_count(c->tables[T_QUOTAS]) > 0)
        wake_quotas(c, e);
    for (size_t i = 0; i < CTL_TABLES; i++) {
        if (e->table == c->tables[i]) {
            ctl_route(c, (enum ctl_table)i, e);
            return;
        }
    }
}

void api_workloads_reset(struct ctl *c)
{
    ctl_forget(c);
    map_clear(&c->stray_pods);
    map_clear(&c->stray_sets);
    ctl_nodes_reset(c->nodes);
    kubelet_forget_all(c);
    ctl_making_forget(c);
    ctl_route_all(c);
}

struct ctl *api_workloads_new(struct kubeapi *api, const struct kubeapi_workloads *options)
{
    struct ctl *c = MEM_NEW(struct ctl);
    c->api = api;
    c->options = *options;
    c->options.node_prefix = str_dup(options->node_prefix.n ? options->node_prefix : STR("node-"));
    for (size_t i = 0; i < CTL_TABLES; i++)
        c->tables[i] = store_table(api->store, table_names[i]);
    ctl_begin(c, syncs);
    c->beat = world_timer_new(api->w, nodes_beat, c);
    c->nodes = ctl_nodes_new();
    if (options->stages.n > 0)
        err_ignore(stages_parse(options->stages, &c->stages)); /* bad ones are the usual ones */
    c->options.stages = str_empty;
    return c;
}

void api_workloads_begin(struct ctl *c)
{
    api_workloads_reset(c);
    nodes_register(c);
}

void api_workloads_free(struct ctl *c)
{
    if (!c)
        return;
    ctl_forget(c);
    ctl_end_sync(c);
    ctl_making_forget(c);
    map_free(&c->refusals);
    map_free(&c->retries);
    ctl_end(c);
    world_timer_free(c->beat);
    map_free(&c->stray_pods);
    map_free(&c->stray_sets);
    ctl_nodes_free(c->nodes);
    kubelet_forget_all(c);
    map_free(&c->plans);
    stages_free(c->stages);
    arena_free(&c->a);
    mem_free(c->held);
    str_free(&c->options.node_prefix);
    mem_free(c);
}
