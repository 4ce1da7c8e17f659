/* backups: copies of the stores that a plan will restore: of each API that a fault `store: restore-from-backup` is aimed
 * at, and of those that a process comes back to in a state of the past (`process: stale`), taken every tenth of its `behind` from the start of the run on. A copy costs a pointer per chunk of the store.
 *
 * Ownership: the injection's. Bounds: a dozen copies of each store and fault. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_BACKUPS_H
#define PADDOCK_SIM_SCENARIO_RUN_BACKUPS_H

#include "sim/scenario/run/estate.h"

struct backups;
/* Begins to take them where the estate's plan asks for it. */
struct backups *backups_new(struct estate *e);
void backups_free(struct backups *b);
/* The store becomes what the newest copy that is at least that old has (the oldest if none is). How many were restored. */
unsigned backups_restore(struct backups *b, struct apihost *host, int64_t behind_ns);

/* The same copy, the caller's: store_snapshot_free. NULL: there is none. */
struct store_snapshot *backups_copy(struct backups *b, struct apihost *host, int64_t behind_ns);

#endif
