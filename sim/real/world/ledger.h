/* ledger: the rig as expressions see it (sim/scenario/expr/vocabulary.h): what was last heard of each thing, and when it
 * changed. It is told; look.c asks. What it has no name for is in means.c.
 *
 * Times are of the run's clock; a change is dated to when it was heard of: at most a poll after it came about.
 * Ownership: the run's. Texts given are copied. */
#ifndef PADDOCK_SIM_REAL_WORLD_LEDGER_H
#define PADDOCK_SIM_REAL_WORLD_LEDGER_H

#include "sim/real/world/rig.h"
#include "sim/scenario/expr/vocabulary.h"
#include "sim/scenario/run/history.h"
#include "sim/scenario/run/monitor.h"

#define LEDGER_SERVER_CACHES 5u
#define LEDGER_AGENT_CACHES  3u

struct ledger_cache {
    bool known, synced;
    int64_t count, missing, surplus, stale;
    int64_t heard_at; /* -1: never */
};
struct ledger_agent {
    bool connected;
    int32_t peer;                                  /* site; -1 */
    int64_t connected_at, lost_at, reconnected_at; /* -1: never */
    int64_t attempts, failures, connects;          /* the last two: as it counted them itself */
    struct str reason;                             /* owned */
    struct ledger_cache caches[LEDGER_AGENT_CACHES];
};
struct ledger_cluster {
    struct str state; /* constant text; empty: not registered */
    bool connected, ready, updated;
    struct str reason, connection, certificate; /* owned; empty: none */
    int32_t site;                               /* where its agents are; -1 */
    int64_t sessions, active_at;
    struct history writer; /* sites, by index */
    uint64_t *versions;    /* of its object, by site: as last seen there; 0: not yet */
};
struct ledger_server {
    bool leader, runs;
    int64_t sessions, peers, started_at, begun, depth;
    int64_t *sessions_of; /* by cluster */
    struct ledger_cache caches[LEDGER_SERVER_CACHES];
};
struct ledger_fault {
    struct str name; /* owned */
    uint64_t fired;
    bool active;
    int64_t started_at;
};
struct ledger_counter {
    int64_t value;
    struct history history;
};

struct ledger {
    const struct plan *plan;
    struct rig *rig;
    struct monitor *monitor; /* NULL: nobody judges */
    struct expr_env env;
    int64_t now;
    struct expr_tracker **waits;
    size_t waits_n;
    int64_t *step_ended;
    struct ledger_agent *agents;
    struct ledger_cluster *clusters;
    struct ledger_server *servers; /* site by site */
    size_t servers_n;
    struct ledger_fault **faults;
    size_t faults_n;
    struct ledger_counter counters[VOC_GLOBAL_COUNT];
};

struct ledger *ledger_new(const struct plan *plan, struct rig *rig);
void ledger_free(struct ledger *l); /* NULL is fine */
void ledger_judged_by(struct ledger *l, struct monitor *m);
/* The time of what is told from here on. */
void ledger_at(struct ledger *l, int64_t now);
void ledger_follow(struct ledger *l, struct expr_tracker *wait);
void ledger_unfollow(struct ledger *l, const struct expr_tracker *wait);
void ledger_step_ended(struct ledger *l, uint32_t step, int64_t at);
/* Server i of the site. */
size_t ledger_server_of(const struct ledger *l, size_t site, size_t replica);
bool ledger_leads(const void *ledger, size_t site, size_t replica); /* for group_settle */

/* ---- what is heard; bodies are what the programs answer ---- */
void ledger_take_health(struct ledger *l, size_t agent, struct str body);    /* GET /healthz */
void ledger_take_metrics(struct ledger *l, size_t server, struct str body);  /* GET /metrics */
void ledger_take_sessions(struct ledger *l, size_t server, struct str body); /* /debug/state */
/* A list of Clusters, of this site's API. */
void ledger_take_clusters(struct ledger *l, size_t site, struct str body);
void ledger_process_changed(struct ledger *l, const struct process *p);
void ledger_sites_changed(struct ledger *l); /* roles, deaths */
struct ledger_fault *ledger_add_fault(struct ledger *l, struct str name);
void ledger_fault_changed(struct ledger *l);
void ledger_cache_changed(struct ledger *l);

/* ---- ledger_env.c ---- */
extern const struct expr_ops ledger_ops;

/* ---- for ledger_take.c ---- */
void ledger_changed(struct ledger *l, uint32_t collection, uint32_t field, size_t item);
void ledger_count(struct ledger *l, enum vocabulary_global which, int64_t by);
void ledger_see(struct ledger *l, enum vocabulary_global which, int64_t value);
void ledger_agent_lost(struct ledger *l, size_t agent);

#endif
