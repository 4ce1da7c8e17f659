/* report_summary: what many runs have in common: groups of runs that differ only in their seed, what failed first in
 * them, how their measures are spread over the seeds, and which took longest.
 *
 * Ownership: everything is in the arena; runs are borrowed from the report. */
#ifndef PADDOCK_REPORTS_REPORT_SUMMARY_H
#define PADDOCK_REPORTS_REPORT_SUMMARY_H

#include "reports/report.h"

#define SUMMARY_RUNS_MAX    50u /* failed runs that a cause names */
#define SUMMARY_SLOWEST_MAX 5u

/* The runs whose first failure is the same. */
struct summary_cause {
    struct str kind, name;
    const struct report_run **runs;
    const size_t *pages; /* of each: its place in report.html; SIZE_MAX: it is not there */
    size_t n;
};
/* One shown value of a measure over the runs of a group. */
struct summary_measure {
    struct str name, unit, what; /* "outage", "s", "p99" */
    int64_t scale;
    const int64_t *values; /* ascending; n > 0 */
    size_t n;
};
struct summary_group {
    const struct report_run *like; /* name, file, profile, case and parameters are its */
    size_t runs, passed, failed, unsupported, skipped;
    struct summary_cause *causes; /* the most frequent first */
    size_t causes_n;
    struct summary_measure *measures;
    size_t measures_n;
    const struct report_run *slowest[SUMMARY_SLOWEST_MAX];
    size_t slowest_n;
};
struct summary {
    struct summary_group *groups; /* in the order in which they first ran */
    size_t n;
};

struct summary *report_summary(struct arena *a, const struct report *r);
/* The end of a sweep on the terminal: the groups in which something failed, what was not run, and the last line. */
void report_pretty_sweep_end(const struct report *r, const struct report_style *style,
                             struct buf *out);
/* One page as report_html's: no network. */
void report_html_summary(const struct report *r, struct buf *out);
/* Whether report.html has the run: it is not brief, and its file wants it there. */
bool report_in_page(const struct report_run *run);

#endif
