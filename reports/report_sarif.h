/* report_sarif: findings at lines of files as SARIF 2.1.0 (OASIS), which code hosts show beside the line: mistakes in
 * scenario files, and what a run found at the line that asked for it.
 * Places are 1-based; columns count code points, and the file says so. Paths are as they were given: relative ones stay
 * relative to the folder of the checkout. */
#ifndef PADDOCK_REPORTS_REPORT_SARIF_H
#define PADDOCK_REPORTS_REPORT_SARIF_H

#include "reports/report.h"

struct report_finding {
    struct str rule;       /* one of report_sarif's own: "scenario", "assert", "wait", ... */
    bool note;             /* not wrong: something that was not supported */
    struct str text, file; /* file empty: nowhere in particular */
    uint32_t line, column; /* 0: the file as a whole */
    struct str same_as;    /* what tells it from others though lines move; may be empty */
};
void report_sarif_findings(const struct report_finding *findings, size_t n, struct buf *out);

#endif
