/* dump: the world of a run as it is now, as JSON: sites and their replicas, clusters, agents, resolvers' caches, faults,
 * steps' conditions, what the APIs hold. In the estate's order: the same run at the same time gives the same bytes.
 *
 * Times are seconds since the start of the run; null: never. Reading changes nothing. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_DUMP_H
#define PADDOCK_SIM_SCENARIO_RUN_DUMP_H

#include "engine/base/str.h"

struct run_dump {
    struct buf *out;
    bool objects; /* every object of every API in full, not only how many there are of each kind */
};

struct estate;
struct inject;
struct view;
void dump_world(const struct run_dump *d, const struct estate *e, struct view *v,
                struct inject *in);

#endif
