/* picks: what a target means in the estate: the hosts, processes and resolvers that it names.
 *
 * Ownership: the lists are the caller's (picks_free); what is in them is the estate's. Start with {0}; ends add up.
 * Order:     the estate's, so that what is done to them is the same in every run. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_PICKS_H
#define PADDOCK_SIM_SCENARIO_RUN_PICKS_H

#include "sim/scenario/run/estate.h"

struct picks {
    struct sim_host **hosts;
    size_t hosts_n, hosts_cap;
    struct sim_process **processes;
    size_t processes_n, processes_cap;
    struct sim_resolver **resolvers;
    size_t resolvers_n, resolvers_cap;
};

/* A target that depends on the moment as one that does not: a leader, follower or holder as the manager it is; of what is
 * held it is found out when it is added. */
struct target picks_settle(const struct estate *e, const struct target *t);
void picks_add(const struct estate *e, const struct target_end *t, struct picks *p);
void picks_free(struct picks *p);
/* Whether the end names the estate's cluster i: ranges count within the cluster's group. */
bool picks_cluster(const struct estate *e, const struct target_end *t, size_t i);

#endif
