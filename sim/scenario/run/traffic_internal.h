/* What the files of traffic share.
 *
 *   traffic.c        entries, flows, their rhythm, counters
 *   traffic_user.c   the processes beside the replicas, and jobs: one question, or one stream
 *   traffic_app.c    the application in a cluster
 *   latency.c        the histogram */
#ifndef PADDOCK_SIM_SCENARIO_RUN_TRAFFIC_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_RUN_TRAFFIC_INTERNAL_H

#include "engine/base/list.h"
#include "engine/http/client.h"
#include "sim/scenario/run/latency.h"
#include "sim/scenario/run/traffic.h"

#define TRAFFIC_APP_PORT     8080u
#define TRAFFIC_QUESTION     64u   /* bytes of a question over a connection of its own */
#define TRAFFIC_PING_BYTES   1024u /* there and back on a stream */
#define TRAFFIC_CHUNK        ((size_t)16 << 10)
#define TRAFFIC_REOPEN_AFTER NS_PER_S /* a stream that was lost */

/* What a stream begins with: what the application is to do. */
enum { TRAFFIC_ASK_ECHO = 'E', TRAFFIC_ASK_BULK = 'D', TRAFFIC_ASK_BOTH = 'X' };

/* How one job ended. */
enum traffic_end { TRAFFIC_ANSWERED, TRAFFIC_TIMEOUT, TRAFFIC_REFUSED, TRAFFIC_BROKEN };

struct entry {
    struct traffic *traffic;
    const struct plan_traffic *plan;
    struct rng rng;
    struct flow *flows; /* one a cluster */
    size_t flows_n;
    size_t next_user; /* in turns */
    bool running;
    int64_t ends[TRAFFIC_BROKEN + 1];
    int64_t requests, under_way, streams, down, up, last_failure;
    struct latency latency;
};

struct flow {
    struct entry *entry;
    struct estate_cluster *cluster;
    struct sim_task *task;
    struct job **streams; /* NULL: to be opened */
    int64_t *reopen_at;
    size_t next_stream;      /* they have their turns one after the other */
    int64_t down_since;      /* begin of the first question that failed; -1: all is well */
    int64_t good_at;         /* begin of the last question that went well; -1: none yet */
    int64_t outage, longest; /* of what is over */
};

/* Beside a replica. */
struct user {
    struct traffic *traffic;
    struct replica *replica;
    struct sim_process *process;
    struct supervisor supervisor;
    const void *config;  /* of the process: the user itself */
    struct world *world; /* NULL: not running */
    struct http_client *http;
    struct list jobs;
};

struct app {
    struct traffic *traffic;
    struct sim_process *process;
    struct supervisor supervisor;
    const void *config;
    struct str address; /* owned: "100.64.0.1:8080" */
};

struct traffic {
    struct estate *estate;
    struct entry *entries;
    size_t entries_n;
    struct user *users;
    size_t users_n;
    struct app **apps; /* by cluster; NULL: none */
    size_t apps_n;
};

/* ---- traffic.c: a job tells how it went ---- */
void traffic_ended(struct flow *f, enum traffic_end how, int64_t begun);
void traffic_stream_lost(struct flow *f, size_t stream);

/* ---- traffic_user.c ---- */
void traffic_user_init(struct user *u, struct traffic *t, struct replica *replica);
bool traffic_user_serves(const struct user *u); /* its replica runs and has its caches */
void traffic_ask(struct user *u, struct flow *f);
/* NULL: refused. */
struct job *traffic_open(struct user *u, struct flow *f, size_t stream);
void traffic_ping(struct job *job);
void traffic_let_go(struct user *u, const struct entry *e); /* jobs of that entry, uncounted */

/* ---- traffic_app.c ---- */
struct app *traffic_app_new(struct traffic *t, size_t cluster);
void traffic_app_free(struct app *app);

#endif
