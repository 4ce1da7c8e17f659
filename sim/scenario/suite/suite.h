/* suite: the runs of scenario files: every case and profile, in order. Reading and writing files, the clock, the terminal
 * and processes are the program's: it gives bytes in, has runs carried out (here, or in a copy of this process that hands
 * its result over as bytes), and takes the results.
 *
 *   add_file ... ─► lay_out ─► run(i), or in another process run(i), pack ─► unpack(i) ─► done(i) ─► report
 *
 * A run's plan is made when the run is carried out and dies with it: a thousand seeds cost no memory before.
 * Ownership: files and what is kept of results live in the suite until suite_free; a run under way in the arena of whoever
 * carries it out. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_SUITE_H
#define PADDOCK_SIM_SCENARIO_SUITE_SUITE_H

#include "sim/scenario/run/run.h"
#include "sim/scenario/suite/options.h"

struct suite;

/* run: clock, logging and tracing; its until_* are filled from the options. */
struct suite *suite_new(const struct options *options, const struct run_options *run);
void suite_free(struct suite *s);
/* Where files that scenarios name are read from; it must outlive the suite. */
void suite_files(struct suite *s, const struct scenario_files *files);
/* Adds a file, after each of its plans has been tried. False: it has errors (appended to `errors`), or the options do
 * not fit it; the suite is not to be run. */
bool suite_add_file(struct suite *s, struct str file, struct str bytes, struct buf *errors);
void suite_lay_out(struct suite *s); /* all files are there: what is to be run is settled */
size_t suite_count(const struct suite *s);
/* Columns of the terminal's lines in which all runs fit. */
void suite_style(const struct suite *s, struct report_style *style);

/* Makes the plan and carries the run out, now and here; plan and report are in `a`. */
struct report_run *suite_run(struct suite *s, size_t i, struct arena *a);
/* A run that was carried out here, for suite_unpack elsewhere. */
void suite_pack(const struct suite *s, size_t i, const struct report_run *run, struct buf *out);
struct err *suite_unpack(struct suite *s, size_t i, struct str bytes, struct arena *a,
                         struct report_run **out) must_check;
/* An error in place of a run whose process ended before its time. */
struct report_run *suite_lost(struct suite *s, size_t i, struct str why, struct arena *a);
/* Takes the result of a run; what is kept of it, which lives as long as the suite. */
const struct report_run *suite_done(struct suite *s, size_t i, const struct report_run *run);
const struct report *suite_report(struct suite *s); /* of what is done, in the order of the runs */

#endif
