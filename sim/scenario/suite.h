/* suite: every case and profile of scenario files, one run after the other. Reading and writing files, the clock and the
 * terminal are the program's: it gives bytes in and gets reports out.
 * Ownership: results live in the suite's arena until suite_free. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_H
#define PADDOCK_SIM_SCENARIO_SUITE_H

#include "sim/scenario/options.h"
#include "sim/scenario/run.h"

struct suite;
struct suite_callbacks {
    void (*begin)(void *ctx, const struct plan *plan); /* before each run; may be NULL */
    /* After each run, before the next one begins. */
    void (*done)(void *ctx, const struct report_run *run);
    void *ctx;
};
/* run: clock, logging and tracing; its until_* are filled from the options. */
struct suite *suite_new(const struct options *options, const struct run_options *run,
                        const struct suite_callbacks *callbacks);
void suite_free(struct suite *s);
/* False: the file has errors (appended to `errors`), nothing of it ran. */
bool suite_run_file(struct suite *s, struct str file, struct str bytes, struct buf *errors);
const struct report *suite_report(struct suite *s);

#endif
