/* tunnel_pair: `paddock tunnel serve` and `paddock tunnel connect`, a process each, and the lines that tell what they cost.
 *
 * Figures are named tunnel.KIND.NAME; KIND is plain or tls. CPU time is the process's own, so that a busy machine changes
 * rates but hardly costs. */
#ifndef PADDOCK_TESTS_BENCH_TUNNEL_PAIR_H
#define PADDOCK_TESTS_BENCH_TUNNEL_PAIR_H

#include "tests/bench/support/sides.h"

/* A certificate for 127.0.0.1, in files beside the program that belong to this process. */
struct bench_certificate {
    char cert[SIDE_PATH_MAX], key[SIDE_PATH_MAX];
};
void bench_certificate_make(struct bench_certificate *c);
void bench_certificate_remove(const struct bench_certificate *c);

struct tunnel_pair {
    const char *kind;                         /* "plain", "tls" */
    const struct bench_certificate *identity; /* NULL: plain */
    struct side serve, connect;
    uint16_t target;  /* a port behind the agent; 0: none */
    uint16_t forward; /* the port that leads there through the tunnel */
    uint16_t listen;  /* where agents connect; 0 before the start: any */
    char server[160]; /* the URL that they are given */
};

/* policies: "name=value"; NULL ends them. */
void tunnel_serve_start(struct tunnel_pair *p, const char *const *policies);
/* count 0: one agent; more: so many in one process. Returns when they have connected. */
void tunnel_agents_start(struct tunnel_pair *p, int count, const char *const *policies);

void tunnel_report(const struct tunnel_pair *p, const char *name, double value, const char *unit);

struct tunnel_cost {
    int64_t serve, connect, at; /* ns */
};
struct tunnel_cost tunnel_cost_now(const struct tunnel_pair *p);
/* NAME.server_cpu and NAME.agent_cpu: µs since `from` for each of n. */
void tunnel_report_cost(const struct tunnel_pair *p, const char *name, struct tunnel_cost from,
                        double n, const char *unit);
/* NAME.server_core and NAME.agents_core: percent of a core since `from`. */
void tunnel_report_core(const struct tunnel_pair *p, const char *name, struct tunnel_cost from);

#endif
