/* view: the estate as expressions see it (vocabulary.h), and the ledger of what changed. Notes of the engine and of the
 * simulator, and the Clusters in the active site's store, keep a small record per agent, cluster, server and site;
 * everything else is read from the instances when an expression asks.
 *
 * Counters that nothing announces (DNS, network, API requests) are looked at every VIEW_POLL of simulated time.
 * Ownership: the run's. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_VIEW_H
#define PADDOCK_SIM_SCENARIO_RUN_VIEW_H

#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/run/estate.h"
#include "sim/scenario/run/history.h"
#include "sim/scenario/run/monitor.h"
#include "sim/scenario/run/traffic.h"

#define VIEW_POLL NS_PER_S

struct view_agent {
    struct str name; /* "edge-3/agent-0": its process's; borrowed from it */
    uint32_t cluster, slot;
    bool connected;
    int32_t peer;                                  /* site; -1: none, or not a site */
    int64_t connected_at, lost_at, reconnected_at; /* -1: never */
    int64_t attempts;
    struct str reason; /* why it has no tunnel; owned; empty: it has, or none was tried yet */
};
struct view_cluster {
    struct str state; /* constant text; empty: not registered */
    bool connected, ready, updated;
    /* Of Ready, AgentConnection, APICertificate; owned; empty: none. */
    struct str reason, connection, certificate;
    int32_t site; /* where its agents are; -1: nowhere */
    int32_t sessions;
    int64_t active_at;     /* -1: never */
    struct history writer; /* of sites, by index */
};
struct view_server {
    struct site *site;
    struct replica *replica;
    bool leader;
    int32_t sessions;
    int32_t *sessions_of; /* by cluster; owned */
    size_t sessions_of_n;
    int64_t started_at;
    int64_t reconciles; /* as its process counted them when last looked at */
};
struct view_fault { /* filled by the runner */
    struct str name;
    uint64_t (*fired)(const void *owner); /* until now */
    const void *owner;
    bool active;
    int64_t started_at; /* -1: not yet */
};

struct view;
struct view *view_new(const struct plan *plan);
void view_free(struct view *v);
/* Once the estate and the monitor are there. From here on notes are followed. */
void view_attach(struct view *v, struct estate *e, struct monitor *m);
void view_traffic(struct view *v, const struct traffic *t);
const struct expr_env *view_env(struct view *v);
struct reference;
void view_compare_with(struct view *v, struct reference *r); /* the faultless run; may be NULL */
/* The estate's hook: follows the Clusters of this store if the site is the active one. */
void view_api_started(struct view *v, struct site *s, struct kubeapi *api, bool restored);
void view_active_changed(struct view *v); /* another site is the active one now */
void view_clusters_added(struct view *v);
struct view_fault *view_add_fault(struct view *v, struct str name);
void view_fault_changed(struct view *v);
void view_step_ended(struct view *v, uint32_t step, int64_t at);
/* Tells the tracker what changes, until unfollow. */
void view_follow(struct view *v, struct expr_tracker *wait);
void view_unfollow(struct view *v, const struct expr_tracker *wait);
/* True if anything changed since the last call. */
bool view_take_dirty(struct view *v);

size_t view_agents(const struct view *v);
const struct view_agent *view_agent_at(const struct view *v, size_t i);
size_t view_agents_connected(const struct view *v);
size_t view_clusters_active(const struct view *v);
size_t view_servers(const struct view *v);
const struct view_server *view_server_at(const struct view *v, size_t i);
int64_t view_global(struct view *v, enum vocabulary_global which);
/* The agent, server or site that a process is; -1. */
int32_t view_agent_of(const struct view *v, const struct sim_process *p);
int32_t view_server_of(const struct view *v, const struct sim_process *p);

#endif
