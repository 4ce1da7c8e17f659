/* drawn: how the entries of a palette fared over the runs of a file. Chaos may draw a fault that meets nothing, which is
 * no mistake of one run; one that meets nothing in any run is a mistake of the scenario. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_DRAWN_H
#define PADDOCK_SIM_SCENARIO_SUITE_DRAWN_H

#include "reports/report.h"

#define DRAWN_RUNS_MIN 10 /* fewer may be chance */

struct drawn {
    struct str name;
    uint64_t runs, fired; /* in how many it was injected; how often it then took effect */
    uint64_t last;        /* the run that was counted last: the nth that was added */
};
struct drawn_tally {
    struct arena *arena;
    struct drawn *items;
    size_t n, cap;
    uint64_t runs; /* that were added */
};

void drawn_add(struct drawn_tally *t, const struct report_run *run);
/* What a share of a whole has counted. */
void drawn_count(struct drawn_tally *t, struct str name, uint64_t runs, uint64_t fired);
/* The next entry, from *i on, that never took effect though DRAWN_RUNS_MIN runs tried it; NULL: no more. */
const struct drawn *drawn_unfired(const struct drawn_tally *t, size_t *i);

#endif
