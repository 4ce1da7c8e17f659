/* inject: carries out a plan's faults and actions in the estate: which hosts, processes, resolvers, APIs and nodes a
 * target means, what a fault of the language is in the simulated world, and whether it took effect.
 *
 * Ownership: the run's. Injected faults live until inject_free; a fault with a time ends by itself. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_INJECT_H
#define PADDOCK_SIM_SCENARIO_RUN_INJECT_H

#include "sim/scenario/run/view.h"

struct inject;
struct injected; /* one fault under way or over */

struct inject *inject_new(struct estate *e, struct view *v);
void inject_free(struct inject *in);
struct points;
/* Of the fault whose points are runs of their own: they are listed (record not NULL), or this one is struck. */
void inject_points(struct inject *in, struct points *record, size_t point);

/* Starts it now. for_ns 0: until healed, or the end of the run. */
struct injected *inject_fault(struct inject *in, struct str name, const struct target *target,
                              const struct fault *fault, int64_t for_ns, bool optional);
/* Chaos drew it from this choice; NULL: it is of the timeline. */
void inject_drawn(struct injected *it, const struct plan_choice *from);
/* Whether this world can do it; false: *why says what is missing. */
bool inject_supports(const struct fault *fault, const struct target *target, const char **why);
/* Ends the faults of a target (kind TARGET_NONE or TARGET_ALL: all); how many have been started there. */
size_t inject_heal(struct inject *in, const struct target *target);
/* Faults of the timeline in the order in which they were started. */
size_t inject_count(const struct inject *in);
struct injected_state {
    struct str name, target;
    int64_t begin_ns, end_ns; /* end -1: goes on */
    uint64_t fired;
    bool optional;
    struct str drawn_from; /* the entry of the palette; empty: none */
};
struct injected_state inject_state(struct inject *in, size_t i);

/* Everything but faults and DNS: processes, clusters, objects. An error says what could not be done. */
struct err *inject_action(struct inject *in, const struct plan_action *a) must_check;

#endif
