/* metrics_page: one answer to a scrape: the text exposition format of Prometheus, version 0.0.4.
 *
 *   metrics_page_family ─► metrics_page_int, _seconds, _histogram (its samples) ─► metrics_page_family ─► ...
 *
 * Families are written once a page, and a family's samples together: so the format wants it. Durations are integers of
 * nanoseconds here and decimal seconds there; no float comes into it. */
#ifndef PADDOCK_ENGINE_BASE_METRICS_PAGE_H
#define PADDOCK_ENGINE_BASE_METRICS_PAGE_H

#include "engine/base/metrics.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics_page {
    struct buf *out;
    struct map families; /* that were written */
    struct str name;     /* of the present one; borrowed */
};

/* name lives until the page is ended. */
void metrics_page_family(struct metrics_page *p, enum metric_kind kind, const char *name,
                         const char *help);
void metrics_page_int(struct metrics_page *p, struct str labels, int64_t value);
void metrics_page_seconds(struct metrics_page *p, struct str labels, int64_t ns);
void metrics_page_histogram(struct metrics_page *p, struct str labels,
                            const struct metric_histogram *h);
/* The commonest: a family of one sample without labels. */
void metrics_page_single(struct metrics_page *p, enum metric_kind kind, const char *name,
                         const char *help, int64_t value);
void metrics_page_end(struct metrics_page *p);

#endif
