/* strike: a point of a run (run/points.h) as an ordinary fault, for a file that shows the same crash by itself. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_STRIKE_H
#define PADDOCK_SIM_SCENARIO_SUITE_STRIKE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

struct plan;

/* "lie=drop,point=12" is the point and what is left for the axes. *point 0: none is named. */
struct err *strike_of_case(struct arena *a, struct str filter, size_t *point,
                           struct str *rest) must_check;
/* Carries a probing run out, to find the write that the point is about, and puts the crash at it into the plan in place of
 * the fault that has the points. Errors: the plan has none, or fewer. */
struct err *strike_plan(struct arena *a, struct plan *plan, size_t point,
                        int64_t (*wall_clock)(void *ctx)) must_check;

#endif
