/* small_run: a scenario text carried out in this process, as the program does it, with one profile and no clock.
 *
 * Ownership: zeroed but for `options` and `run`, which the test may fill in before; small_run_free gives all back. The
 * report lives as long. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SMALL_RUN_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SMALL_RUN_H

#include "sim/scenario/suite/suite.h"

struct small_run {
    struct options options;
    struct run_options run;
    struct suite *suite;
    struct arena arena;
    const struct report *report;
    const struct report_run *first; /* of its runs */
};
struct small_row {
    const char *text;
    const char *failures; /* "assert it|fault other"; "": it passes */
    const char *reason;   /* part of the first failure's text */
};

/* Both texts together are the file. A file that cannot be read ends the test. */
void small_run(struct small_run *r, const char *head, const char *text);
void small_run_free(struct small_run *r);
/* How many events of the kind the timeline has. */
size_t small_run_events(const struct report_run *run, const char *kind);
/* Whether the row fails as it says; what it did instead is printed. */
bool small_row_holds(const char *head, const struct small_row *row);

#endif
