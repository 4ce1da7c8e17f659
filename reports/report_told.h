/* report_told: the verdict lines of many failed runs, without a thousand that say the same: of one failure of one file
 * the first REPORT_TOLD_MAX runs have a line each, the others are counted; or one line for all of them.
 *
 * Ownership: the arena is its own; report_told_free. */
#ifndef PADDOCK_REPORTS_REPORT_TOLD_H
#define PADDOCK_REPORTS_REPORT_TOLD_H

#include "engine/base/map.h"
#include "reports/report.h"

#define REPORT_TOLD_MAX 10u

struct report_told {
    struct arena arena;
    struct map causes; /* file, kind and name of the first failure → struct told_cause */
};

/* A run that failed: its line, as long as few of its like have one; the last of them says that the rest is counted. */
void report_tell(struct report_told *t, const struct report_run *run,
                 const struct report_style *style, struct buf *out);
/* One line for each failure of each file: how many runs, and the command that repeats the one of the least seed. */
void report_tell_causes(const struct report *r, const struct report_style *style, struct buf *out);
void report_told_free(struct report_told *t);

#endif
