/* metrics: counters and gauges of an instance, by name, in order of registration; text exposition in the Prometheus
 * format. A counter is a plain int64_t in the registry's memory: incrementing costs one add. Names and label text
 * ("cluster=\"c-1\"") are copied; the same (name, labels) registered again gives the same cell. */
#ifndef PADDOCK_ENGINE_BASE_METRICS_H
#define PADDOCK_ENGINE_BASE_METRICS_H

#include "engine/base/map.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };
struct metrics {
    struct map cells;    /* "name{labels}" */
    struct map families; /* name → its cells, in order of registration */
};

int64_t *metrics_cell(struct metrics *m, enum metric_kind kind, const char *name, struct str labels,
                      const char *help);
int64_t metrics_value(const struct metrics *m, const char *name,
                      struct str labels);                       /* 0: unknown */
int64_t metrics_sum(const struct metrics *m, const char *name); /* over all labels */
void metrics_write(const struct metrics *m, struct buf *out);
void metrics_free(struct metrics *m);

#endif
