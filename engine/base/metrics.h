/* metrics: counters, gauges and histograms of an instance, by name, in order of registration; text exposition in the
 * Prometheus format (metrics_page.h). A counter is a plain int64_t in the registry's memory: incrementing costs one add.
 * Names and label text (cluster="c-1", made with metrics_label) are copied; the same (name, labels) registered again gives
 * the same cell, so that what is started anew goes on counting where it was.
 *
 * Names:   "paddock_" first, the unit last (_seconds, _bytes), counters end in _total, as the format's customs are.
 * Labels:  few values each. Never what outsiders choose, nor one a cluster: thousands of series help nobody.
 * What is known anyhow (depths, ages, sizes) is not counted but written by a collector when somebody asks. */
#ifndef PADDOCK_ENGINE_BASE_METRICS_H
#define PADDOCK_ENGINE_BASE_METRICS_H

#include "engine/base/map.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* How often durations fell into each bucket: up to and with its bound, the last one above all of them. */
#define METRIC_BOUNDS 16u
extern const int64_t metric_bounds_ns[METRIC_BOUNDS]; /* 0.1 ms to 30 s */
struct metric_histogram {
    int64_t counts[METRIC_BOUNDS + 1];
    int64_t sum_ns;
};
void metric_observe(struct metric_histogram *h, int64_t ns); /* negative: taken for 0 */
int64_t metric_count(const struct metric_histogram *h);

struct metrics_page;
typedef void (*metrics_collect)(void *owner, struct metrics_page *page);
struct metrics {
    struct map cells;    /* "name{labels}" */
    struct map families; /* name → its cells, in order of registration */
    struct metric_collector *collectors;
};

int64_t *metrics_cell(struct metrics *m, enum metric_kind kind, const char *name, struct str labels,
                      const char *help);
struct metric_histogram *metrics_histogram(struct metrics *m, const char *name, struct str labels,
                                           const char *help);
/* Called by each metrics_write, in order of registration, after the cells were written. */
void metrics_on_write(struct metrics *m, metrics_collect collect, void *owner);
/* Adds name="value" to a set of labels, behind a comma where there is one already. Any bytes may be a value: quotes,
 * backslashes and line ends are escaped, what is no UTF-8 becomes U+FFFD. */
void metrics_label(struct buf *labels, const char *name, struct str value);

int64_t metrics_value(const struct metrics *m, const char *name,
                      struct str labels);                       /* 0: unknown */
int64_t metrics_sum(const struct metrics *m, const char *name); /* over all labels */
void metrics_write(const struct metrics *m, struct buf *out);
void metrics_free(struct metrics *m);

#endif
