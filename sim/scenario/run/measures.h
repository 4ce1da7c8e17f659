/* measures: what a scenario measures. A gauge is looked at all along, at every `every`, or once at its moment; a histogram is
 * taken over its items at the end of the run.
 *
 * Bounds: a gauge has MEASURES_SAMPLES_MAX samples; where the clock's limit allows more it is looked at less often.
 * Ownership: the run's. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_MEASURES_H
#define PADDOCK_SIM_SCENARIO_RUN_MEASURES_H

#include "reports/report.h"
#include "sim/scenario/language/plan.h"

#define MEASURES_SAMPLES_MAX 20000

/* The clock of the world that is measured. */
struct measures_clock {
    int64_t (*now)(void *ctx);
    void (*at)(void *ctx, int64_t when, void (*fire)(void *owner), void *owner); /* once, then */
    void *ctx;
};
struct measures;
struct measures *measures_new(const struct plan *plan, const struct measures_clock *clock,
                              const struct expr_env *env);
void measures_free(struct measures *m);
/* What hangs on a step, or on `quiet`, that has just come. */
void measures_step_ended(struct measures *m, uint32_t step, int64_t at);
void measures_quiet_began(struct measures *m, int64_t at);
/* Every measure with its values; gauges that were followed all along become series behind those that are there. */
void measures_finish(struct measures *m, struct arena *a, struct report_run *out);

#endif
