/* What view.c (the ledger), view_poll.c (what is looked at) and view_env.c (the answers) share. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_VIEW_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_RUN_VIEW_INTERNAL_H

#include "engine/base/map.h"
#include "sim/scenario/run/view.h"
#include "sim/scenario/run/view_caches.h"

struct view_counter {
    int64_t value;          /* as last seen */
    struct history history; /* only of those that announce themselves or are polled: counters */
};

/* What the manager keeps upstream, and its lease. */
#define VIEW_UPSTREAM_TABLES 5u

struct view {
    const struct plan *plan;
    struct estate *estate;
    struct monitor *monitor;
    struct reference *reference; /* NULL: the plan compares with none */
    const struct traffic *traffic;
    struct view_caches *caches;
    bool caches_asked; /* an expression names a counter of the caches */
    struct expr_env env;
    bool dirty;
    struct expr_tracker **waits; /* conditions that steps wait for */
    size_t waits_n;
    int64_t *step_ended; /* -1: not yet */

    struct view_agent *agents;
    size_t agents_n, agents_cap, connected;
    struct map agent_of; /* process name → index + 1 */
    struct view_cluster *clusters;
    size_t clusters_n, clusters_cap, active;
    struct map cluster_of; /* Cluster id → index + 1 */
    struct view_server *servers;
    size_t servers_n;
    struct map server_of; /* process name → index + 1 */
    struct view_fault **faults;
    size_t faults_n, faults_cap;
    struct view_counter counters[VOC_GLOBAL_COUNT];
    struct sim_task *poll;
    bool apis_asked; /* an expression names a counter of the APIs */
    struct store_watch *clusters_watch;
    struct store_watch *sizes[VIEW_UPSTREAM_TABLES];
    int64_t leases; /* written there so far */
    struct kubeapi *watched;
};

/* view_poll.c */
void view_count(struct view *v, enum vocabulary_global which, int64_t by); /* it announces itself */
void view_see(struct view *v, enum vocabulary_global which, int64_t value); /* it was looked at */
void view_poll(void *view); /* again and again from the first call on */
/* Only where an expression asks for it. */
void view_watch_upstream(struct view *v, struct kubeapi *api);
/* Does any expression name one of these counters? */
bool view_plan_names(const struct plan *plan, uint32_t from, uint32_t to);

void view_changed(struct view *v, uint32_t collection, uint32_t field);
void view_changed_global(struct view *v, uint32_t global);
void view_poll_apis(struct view *v);
extern const struct expr_ops view_ops;

#endif
