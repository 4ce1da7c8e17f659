/* look_caches: what is in the caches of agents and servers, beside what their APIs have.
 *
 *   an agent   its API's list, then what the agent serves of its cache, then the list again: missing is what both lists
 *              have in the same version and the cache has not; stale what both have newer than the cache; surplus what
 *              the cache has and neither list. What changes in between counts as nothing.
 *   a server   /debug/state tells how many objects it has and their version, not which: missing and surplus are the
 *              difference in numbers, stale the objects that are newer than its version.
 *
 * Ownership: look's. */
#ifndef PADDOCK_SIM_REAL_WORLD_LOOK_CACHES_H
#define PADDOCK_SIM_REAL_WORLD_LOOK_CACHES_H

#include "sim/real/world/ledger.h"

#define LOOK_CACHES_EVERY (500 * NS_PER_MS)

struct look_caches;
bool look_caches_wanted(const struct plan *plan); /* an expression names a cache's content */
struct look_caches *look_caches_new(struct rig *rig, struct ledger *l);
void look_caches_free(struct look_caches *c); /* NULL is fine */
void look_caches_round(struct look_caches *c, int64_t now_ns);
void look_caches_state(struct look_caches *c, size_t server, struct str body);

/* The comparison alone: lists of the API before and after (JSON), and what is served ("data": [...]). False: one of them
 * cannot be read. */
bool look_caches_compare(struct str before, struct str served, struct str after,
                         struct ledger_cache *out);

#endif
