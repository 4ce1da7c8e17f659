/* probe: what the points of one plan have in common, and is found out once: which points there are (points.h), and the
 * faultless run that each is compared with.
 *
 * Ownership: the caller's; the points' runs borrow it. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_PROBE_H
#define PADDOCK_SIM_SCENARIO_SUITE_PROBE_H

#include "sim/scenario/run/points.h"
#include "sim/scenario/run/reference.h"

struct probe {
    struct points points;
    struct reference *reference; /* NULL: the plan compares with none */
};
/* Carries the probing run out. The plan must outlive the probe. */
struct probe *probe_new(const struct plan *plan, const struct run_options *options);
void probe_free(struct probe *p); /* NULL is fine */

#endif
