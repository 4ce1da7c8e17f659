/* means: what the world of real processes can do of a plan, and what not: looked up in tables, before anything starts.
 *
 *   faults, actions, traffic, waits   one that cannot be: the run is not begun, and is `unsupported`
 *   assertions, measures              one that names what cannot be seen is `unsupported`, and the others are judged
 *
 * Pure: it reads the plan only. Texts live in the arena. */
#ifndef PADDOCK_SIM_REAL_WORLD_MEANS_H
#define PADDOCK_SIM_REAL_WORLD_MEANS_H

#include "sim/scenario/language/plan.h"

struct means_gap {
    struct str name; /* of the fault, step, assertion or measure */
    struct str text; /* what cannot be done or seen, and why */
    struct place place;
};
struct means_gaps {
    struct means_gap *items;
    size_t n, cap;
};

/* Can the fault be aimed there? NULL: it can; else why not. */
const char *means_fault(const struct fault *fault, const struct target *target);
/* NULL: it can be done. */
const char *means_action(const struct plan_action *action);
/* The first name of the expression that cannot be seen, as a text in the arena; empty: all can. */
struct str means_expression(struct arena *a, const struct expr *e);

/* What keeps the whole run from being begun. */
void means_of_run(struct arena *a, const struct plan *plan, struct means_gaps *out);
/* What cannot be judged of a run that can be begun. */
void means_of_asserts(struct arena *a, const struct plan *plan, struct means_gaps *out);
bool means_assert(struct arena *a, const struct plan_assert *clause);

#endif
