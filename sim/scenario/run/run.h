/* run: carries a plan out in the simulated world and judges it.
 *
 *   estate, view, monitor, recorder ─► steps and faults on the timeline ─► end (clock.limit, a wait that took too long,
 *   budget, interruption) ─► verdict and report
 *
 * Ownership: the report lives in the arena. Errors of the run are part of the report, not of this call. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_RUN_H
#define PADDOCK_SIM_SCENARIO_RUN_RUN_H

#include "engine/base/log.h"
#include "reports/report.h"
#include "sim/scenario/language/plan.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/run/dump.h"
#include "sim/scenario/run/monitor.h"
#include "sim/scenario/run/sometimes.h"

struct estate;
struct points;
struct reference;

struct run_options {
    enum log_level log_level;
    /* The real clock of whoever runs us, in ns; for wall-clock budgets and the report only. */
    int64_t (*wall_clock)(void *ctx);
    int64_t (*memory_bytes)(void *ctx); /* of the process: for budget.memory; NULL: unknown */
    const bool *interrupted;            /* looked at between events; NULL: never */
    void *ctx;
    int64_t until_ns;      /* stop here; -1: at the clock's limit */
    struct str until_step; /* stop when this step has ended; empty: none */
    void (*log_line)(void *ctx, int64_t at_ns, enum log_level level, struct str component,
                     struct str message);             /* NULL: none */
    void (*trace_block)(void *ctx, struct str bytes); /* every block of the trace; NULL: none */
    struct run_dump *dump;         /* the world as it is at the end; NULL: nobody wants to see it */
    struct sometimes_tally *tally; /* NULL: `sometimes` is judged by nobody */
    /* The faultless run of this plan and seed, for those who carry out many runs beside it. NULL: the run makes its own
     * if its plan compares with it. */
    struct reference *reference;
    struct points
        *record;  /* a probing run: its writes come here, and no point is struck; else NULL */
    size_t point; /* of a fault that has points: the one that is struck; 0: none */
    /* Another world, which carries plans out in place of run_plan; NULL: the simulated one. */
    struct report_run *(*carry_out)(void *world, struct arena *a, const struct plan *plan,
                                    const struct run_options *options);
    void *world;
    void (*at_end)(void *owner, const struct estate *e); /* before the world goes; NULL: none */
    void *at_end_owner;
};

/* Never NULL. */
struct report_run *run_plan(struct arena *a, const struct plan *plan,
                            const struct run_options *options);

#endif
