/* candidates: processes of a lab that stand for election and, while they lead, write every 500 ms through a gated client,
 * as the leader's controllers do. Each has a host and a zone ("cand/0") of its own; a crashed one starts again by hand. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_CANDIDATES_H
#define PADDOCK_TESTS_UNIT_SUPPORT_CANDIDATES_H

#include "engine/kube/leader.h"
#include "tests/unit/support/lab.h"

#define CANDIDATES 3u

struct candidates;
struct candidate {
    struct candidates *all;
    const void *config; /* points to this */
    struct sim_process *process;
    char name[8]; /* "cand-0" */
    uint32_t index;
    world_time started_at, stopped_at; /* the last ones */
    uint32_t starts, stops;
    bool working; /* between started and stopped */
};
struct candidates {
    struct lab *l;
    struct candidate c[CANDIDATES];
    size_t n;
    world_time started_at; /* the last start of anybody */
    uint32_t starts;
};

/* n of them, started, on a lab of its own. */
void candidates_open(struct candidates *all, uint64_t seed, size_t n);
void candidates_close(struct candidates *all);
struct leader *candidate_leader(const struct candidate *c); /* NULL: not running */
bool candidate_valid(const struct candidate *c);
/* The one whose leadership is valid; NULL: none. More than one fails the test. */
struct candidate *candidates_valid(struct candidates *all);
/* Waits for a valid leader; fails the test when there is none in time. */
struct candidate *candidates_await(struct candidates *all, world_time limit);
/* Who wrote the work object last; empty: nobody. */
struct str candidates_worker(struct candidates *all);
/* The leader's record as it stands in the ConfigMap; empty: none. Lives in the arena. */
struct str candidates_record(struct candidates *all, struct arena *a);

#endif
