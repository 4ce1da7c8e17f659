/* reference: the faultless run of a plan: the same seed, topology and script, but no faults, no healing, nothing judged;
 * and the states in which it left its Kubernetes APIs, to compare those of the run with.
 *
 *   plan ─► plan without faults ─ run_plan ─► states at its end ◄─ reference_same ─ the run's states now
 *
 * It is a world of its own: nothing of it enters the trace of the run that it is compared with.
 * Ownership: the caller's. Cost: one more run, when a plan asks for it; else none. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_REFERENCE_H
#define PADDOCK_SIM_SCENARIO_RUN_REFERENCE_H

#include "sim/scenario/run/run.h"

struct estate;

/* Does the plan compare with it? */
bool reference_is_used(const struct plan *plan);
/* The plan without what goes wrong. In the arena; borrows from the plan. With `points` the fault whose points are looked
 * for stays: it breaks nothing then. */
struct plan *reference_plan(struct arena *a, const struct plan *plan, bool points);
/* For runs beside the one that was asked for: no log, no trace, no early end. */
struct run_options reference_options(const struct run_options *options);

struct reference;
/* Carries the faultless run out. options: logging and tracing are left out, limits hold. */
struct reference *reference_new(const struct plan *plan, const struct run_options *options);
void reference_free(struct reference *r); /* NULL is fine */
/* Why there is nothing to compare with: the faultless run failed. Empty: there is. */
struct str reference_problem(const struct reference *r);
/* Are the APIs that the plan's comparison `id` means in the state that they have in the reference? why: see state.h. */
bool reference_same(struct reference *r, const struct estate *e, uint32_t id, struct buf *why);

#endif
