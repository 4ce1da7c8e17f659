/* overall: what is judged over all the runs of a file and not in one: `sometimes` clauses that no run saw, faults of a
 * palette that did nothing in any. The file's last run says so.
 * Ownership: the arena given at the beginning. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_OVERALL_H
#define PADDOCK_SIM_SCENARIO_SUITE_OVERALL_H

#include "sim/scenario/run/monitor.h"
#include "sim/scenario/suite/drawn.h"

struct overall {
    struct sometimes_tally sometimes; /* runs add to it as they end */
    struct drawn_tally drawn;
};

void overall_init(struct overall *o, struct arena *a);
/* As text, for shares of a whole that are merged elsewhere. */
void overall_pack(const struct overall *o, struct buf *out);
struct err *overall_unpack(struct overall *o, struct str bytes) must_check;
/* What it finds becomes failures of `last`, one of `runs` runs. */
void overall_judge(struct arena *a, const struct overall *o, size_t runs, struct report_run *last);
/* Takes such failures away: a share is judged anew with the others. */
void overall_forget(struct arena *a, struct report_run *run);

#endif
