/* look: asks what runs in the rig, again and again, and tells the ledger: agents' /healthz, servers' /metrics and
 * /debug/state, the Clusters of each site's API, and, where the plan names caches, what agents serve of theirs beside
 * what their APIs have. Also what is kept of a run that failed: everybody's last words.
 *
 * Ownership: the run's. */
#ifndef PADDOCK_SIM_REAL_WORLD_LOOK_H
#define PADDOCK_SIM_REAL_WORLD_LOOK_H

#include "sim/real/world/ledger.h"

#define LOOK_EVERY       (200 * NS_PER_MS)
#define LOOK_STATE_EVERY NS_PER_S

struct look;
struct look *look_new(struct rig *rig, struct ledger *ledger);
void look_free(struct look *k);
void look_round(struct look *k, int64_t now_ns); /* asks what is due */
/* The last dump of each server's state, as PROCESS.state.json; and of each agent's health. */
struct err *look_keep(const struct look *k, const char *folder) must_check;

#endif
