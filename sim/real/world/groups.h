/* groups: what a target means in the rig: hosts of the lab, and processes, as run/picks.h has it for the estate.
 * Ownership: the lists are the caller's (group_free). Start with {0}; ends add up. */
#ifndef PADDOCK_SIM_REAL_WORLD_GROUPS_H
#define PADDOCK_SIM_REAL_WORLD_GROUPS_H

#include "sim/real/world/rig.h"

struct group {
    uint32_t *hosts; /* of the lab */
    size_t n, cap;
    struct process **processes;
    size_t processes_n, processes_cap;
    struct rig_api **apis;
    size_t apis_n, apis_cap;
};
void group_add(struct rig *r, const struct target_end *end, struct group *g);
void group_free(struct group *g);
/* Whether the end names cluster i: ranges count within its group. */
bool group_has_cluster(const struct rig *r, const struct target_end *end, size_t i);
/* The replica that leads, or the nth that does not, as a manager; leads(owner, site, replica). */
struct target group_settle(const struct rig *r, const struct target *t,
                           bool (*leads)(const void *owner, size_t site, size_t replica),
                           const void *owner);

#endif
