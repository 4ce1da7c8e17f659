/* suite: the runs of scenario files: every case and profile, in order. Reading and writing files, the clock, the terminal
 * and processes are the program's: it gives bytes in, has runs carried out (here, or in a copy of this process that hands
 * its result over as bytes), and takes the results.
 *
 *   add_file ... ─► lay_out ─► run(i) ─► done(i), or in another process run(i), pack ─► take(i) ─► judge ─► report
 *
 * A run's plan is made when the run is carried out and dies with it: a thousand seeds cost no memory before.
 * Ownership: files and what is kept of results live in the suite until suite_free; a run under way in the arena of whoever
 * carries it out. */
#ifndef PADDOCK_SIM_SCENARIO_SUITE_SUITE_H
#define PADDOCK_SIM_SCENARIO_SUITE_SUITE_H

#include "sim/scenario/run/run.h"
#include "sim/scenario/suite/options.h"

#define SUITE_RUNS_MAX     10000000u
#define SUITE_VARIANTS_MAX 10000u
#define SUITE_SHOWN_MAX                                                                            \
    40u /* runs of a sweep that are kept in full: failed ones, and passed ones */

struct suite;

/* run: clock, logging and tracing; its until_* are filled from the options. */
struct suite *suite_new(const struct options *options, const struct run_options *run);
void suite_free(struct suite *s);
/* Where files that scenarios name are read from; it must outlive the suite. */
void suite_files(struct suite *s, const struct scenario_files *files);
/* Adds a file, after each of its plans has been tried. False: it has errors (appended to `errors`), or the options do
 * not fit it; the suite is not to be run. */
bool suite_add_file(struct suite *s, struct str file, struct str bytes, struct buf *errors);
/* All files are there: what is to be run is settled. In order:
 *   run     file by file: every case, in each profile
 *   sweep   seed by seed, of each file: one case (rng_split(seed, "case") below the number of cases; all with
 *           --all-cases), for each combination of --set, in each profile
 * Shard I of N has the runs from total * (I - 1) / N up to total * I / N. */
struct err *suite_lay_out(struct suite *s) must_check;
size_t suite_count(const struct suite *s);
/* Columns of the terminal's lines in which all runs fit. */
void suite_style(const struct suite *s, struct report_style *style);

/* Makes the plan and carries the run out, now and here; plan and report are in `a`. */
struct report_run *suite_run(struct suite *s, size_t i, struct arena *a);
/* A run that was carried out here, for suite_take in another process. */
void suite_pack(const struct suite *s, size_t i, const struct report_run *run, struct buf *out);
/* An error in place of a run whose process ended before its time. */
struct report_run *suite_lost(struct suite *s, size_t i, struct str why, struct arena *a);
/* Takes what was packed; what is kept of it, which lives as long as the suite. Bytes that cannot be read: an error of this
 * run. Each run once, in any order. */
const struct report_run *suite_take(struct suite *s, size_t i, struct str bytes);
/* The same of a run that was carried out here. */
const struct report_run *suite_done(struct suite *s, size_t i, const struct report_run *run);
/* When no more runs come: judges what is said of all the runs of a file together (`sometimes`), from *file on. The file's own
 * row, which the report then has; NULL: no more. Of a share nothing is judged: merge does. */
const struct report_run *suite_judge(struct suite *s, size_t *file);
const struct report *suite_report(struct suite *s); /* of what is done, in the order of the runs */
/* Whether a further failure would be kept in full (its trace is worth keeping then). */
bool suite_keeps_failure(const struct suite *s);
/* What is done, for merge. */
void suite_save(struct suite *s, struct buf *out);

/* ---- the parts of a whole ---- */

/* What one folder holds; the bytes must outlive the merge. */
struct suite_part {
    struct str from; /* its name, for messages */
    struct str bytes;
};
/* The report of the whole, in the arena. Runs that are there twice, other versions of the program or of a file, and shares
 * of different wholes are errors. `sometimes` is judged over all, unless runs are missing: `notes` says so. */
struct err *suite_merge(struct arena *a, const struct suite_part *parts, size_t n,
                        struct report *out, struct buf *whole, struct buf *notes) must_check;

#endif
