/* drawn: how the entries of a palette fared over the runs of a file. Chaos may draw a fault that meets nothing, which is
 * no mistake of one run; one that meets nothing in any run is a mistake of the scenario. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_DRAWN_H
#define PADDOCK_SIM_SCENARIO_SUITE_DRAWN_H

#include "reports/report.h"

#define DRAWN_TRIES_MIN 10 /* fewer may be chance */

struct drawn {
    struct str name;
    uint64_t tries, fired; /* how often it was injected; how often it then took effect */
};
struct drawn_tally {
    struct arena *arena;
    struct drawn *items;
    size_t n, cap;
};

void drawn_add(struct drawn_tally *t, const struct report_run *run);
/* The next entry, from *i on, that never took effect though it was tried DRAWN_TRIES_MIN times; NULL: no more. */
const struct drawn *drawn_unfired(const struct drawn_tally *t, size_t *i);

#endif
