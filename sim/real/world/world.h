/* world: carries a plan out with real processes, and judges it: `paddock-sim run --world real`.
 *
 *   means (what cannot be done: not begun) ─► lab, rig: all is up ─► timeline, look, monitor ─► end ─► verdict, report
 *
 * The same plan, monitor and report as in the simulated world (sim/scenario/run/run.h); the clock is the machine's, and
 * the run ends as soon as everything has been decided. There is no trace.
 * Ownership: the report lives in the arena. Errors of the run are part of the report; one of the kind
 * "world" says that the world could not be set up. */
#ifndef PADDOCK_SIM_REAL_WORLD_WORLD_H
#define PADDOCK_SIM_REAL_WORLD_WORLD_H

#include "sim/scenario/run/run.h"

struct real_options {
    struct str paddock, paddock_sim; /* the programs */
    const char *folder; /* for files, logs and last states of the processes; it exists */
};
struct report_run *real_run(struct arena *a, const struct plan *plan, const struct run_options *run,
                            const struct real_options *options);

#endif
