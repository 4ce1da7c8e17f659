/* sample_report: reports to show to the writers: a small one with every kind of part, and a large one like that of the
 * DNS failover scenario, made from a seed. Everything lives in the arena. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SAMPLE_REPORT_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SAMPLE_REPORT_H

#include "reports/report.h"

/* Three runs: passed, failed, error. */
const struct report *sample_report_small(struct arena *a);

/* 4 cases in both profiles, `events` on the timeline of each run. */
const struct report *sample_report_large(struct arena *a, size_t events);

#endif
