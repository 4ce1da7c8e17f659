/* What the files of injection share: one fault under way, and who carries out which kinds.
 *
 *   inject.c          the life of a fault: began ─► [fires, is counted] ─► ended
 *   inject_world.c    network, DNS, TLS, HTTP of managers, processes, clocks, disks: the simulated world's own faults
 *   inject_api.c      rules of Kubernetes APIs, which a server that starts again gets again; leases
 *   inject_crash.c    crashes at writes
 *   inject_cluster.c  nodes and add-ons
 *   inject_restart.c  processes that are asked to end, at once or one after the other
 *   backups.c         what a store is restored from */
#ifndef PADDOCK_SIM_SCENARIO_RUN_INJECT_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_RUN_INJECT_INTERNAL_H

#include "engine/base/list.h"
#include "sim/scenario/run/inject.h"
#include "sim/scenario/run/picks.h"

struct sim_fault;
struct backups;

struct inject {
    struct points *record; /* NULL: no probing run */
    size_t point;          /* that is struck; 0: none */
    struct estate *estate;
    struct view *view;
    struct backups *backups;
    struct injected **items;
    size_t n, cap;
    struct list rollouts; /* under way */
};

/* A rule in one API. */
struct api_fault {
    struct injected *of;
    struct apihost *host;
    struct kubeapi *api;         /* NULL: it is down */
    struct store_snapshot *past; /* process stale: what is read; owned */
    uint64_t id;
};
/* A node, or with `node` -1 a whole cluster, that was broken. */
struct broken {
    size_t cluster;
    int64_t node;
};
/* Of a crash at writes. */
struct crash {
    struct picks picks; /* of processes */
    int64_t *writes;    /* by process: how many it has made: before-write and after-write */
    struct map met;     /* all-writes: "process method path" → how often, 1 or 2 */
    size_t seen;        /* writes of all of them so far: each-write, and what counts them all */
};

struct injected {
    struct inject *in;
    struct str name; /* owned */
    struct target target;
    struct fault fault;
    struct sim_fault *world; /* NULL: not of the world, or nobody is met */
    struct api_fault *apis;
    size_t apis_n;
    struct str *clients; /* of the APIs, whose requests are meant; owned; none: all */
    size_t clients_n;
    struct crash *crash; /* NULL: none at writes */
    struct broken *broken;
    size_t broken_n;
    struct sim_task *end;
    int64_t begin_ns, end_ns;
    uint64_t fired; /* of those that the world does not count */
    bool optional, over;
    const struct plan_choice *drawn_from; /* NULL: not drawn by chaos */
    struct view_fault *shown;
};

static inline bool inject_is_http(enum fault_kind kind)
{
    return kind == FAULT_HTTP_ERROR || kind == FAULT_HTTP_SLOW || kind == FAULT_HTTP_TRUNCATED ||
           kind == FAULT_HTTP_NO_UPGRADE;
}
/* Whole seconds, as the header has them; 0: none. */
static inline int64_t inject_retry_after_s(const struct fault *f)
{
    return (f->retry_after_ns + NS_PER_S - 1) / NS_PER_S;
}

/* ---- inject_world.c ---- */
bool inject_is_of_world(const struct fault *f, const struct target *t);
void inject_start_world(struct injected *it, int64_t for_ns);

/* ---- inject_api.c ---- */
bool inject_is_of_apis(const struct fault *f, const struct target *t);
void inject_start_apis(struct injected *it);
void inject_end_apis(struct injected *it);
/* A process started or ended: if it is an API's, its rules come again, or are gone. */
void inject_api_changed(struct injected *it, const struct sim_process *p);
/* Every API that the end names, in the estate's order. */
void inject_each_api(const struct estate *e, const struct target_end *t,
                     void (*each)(void *owner, struct apihost *host), void *owner);

/* ---- inject_crash.c ---- */
void inject_crash_prepare(struct injected *it); /* who crashes, and whose writes that are */
void inject_crash_free(struct injected *it);
/* The `fate` of a rule whose owner is the struct api_fault. */
enum kubeapi_fate inject_crash_fate(void *owner, struct str client, struct str method,
                                    struct str path);

/* ---- inject_cluster.c ---- */
bool inject_is_of_clusters(enum fault_kind kind);
void inject_start_clusters(struct injected *it);
void inject_end_clusters(struct injected *it);

/* ---- inject_restart.c ---- */
void inject_restart(struct inject *in, const struct target *t); /* at once */
void inject_roll_out(struct inject *in,
                     const struct target *t); /* replicas of managers, one after the other */
void inject_rollouts_free(struct inject *in);

#endif
