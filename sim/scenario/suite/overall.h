/* overall: what is judged over all the runs of a file and not in one: `sometimes` clauses that no run saw, faults of a
 * palette that did nothing in any. It is the file's own row in the report, no run's.
 * Ownership: the arena given at the beginning. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_OVERALL_H
#define PADDOCK_SIM_SCENARIO_SUITE_OVERALL_H

#include "sim/scenario/run/sometimes.h"
#include "sim/scenario/suite/drawn.h"
#include "sim/scenario/suite/options.h"

struct overall {
    struct sometimes_tally sometimes; /* runs add to it as they end */
    struct drawn_tally drawn;
};

void overall_init(struct overall *o, struct arena *a);
/* As text, for shares of a whole that are merged elsewhere. */
void overall_pack(const struct overall *o, struct buf *out);
struct err *overall_unpack(struct overall *o, struct str bytes) must_check;
/* What it finds over `runs` runs, of which `like` is one, as a row; NULL: nothing. `again` carries all of them out. */
struct report_run *overall_judge(struct arena *a, const struct overall *o, size_t runs,
                                 const struct report_run *like, struct str again);
/* The command without its seeds, and with them; of `run`, which has one seed, and of `sweep`. */
struct str overall_command(struct arena *a, const struct options *options, struct str file);
struct str overall_seeds(struct arena *a, struct str command, uint64_t first, uint64_t n);

#endif
