/* history: a counter over time, and a value over time, for rate(...), distinct(...) within D: samples in order of time,
 * found by binary search. Old ones are dropped beyond HISTORY_KEEP, in bulk. Bounds: HISTORY_SAMPLES_MAX each. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_HISTORY_H
#define PADDOCK_SIM_SCENARIO_RUN_HISTORY_H

#include "engine/base/base.h"

#define HISTORY_KEEP        (INT64_C(3600) * 1000000000)
#define HISTORY_SAMPLES_MAX (1u << 20)

struct history_sample {
    int64_t at, value;
};
struct history {
    struct history_sample *samples;
    size_t n, cap;
};

/* at never goes back; a sample at the same time replaces the last one. */
void history_add(struct history *h, int64_t at, int64_t value);
/* The value at a time: of the last sample not after it; `otherwise` before the first. */
int64_t history_at(const struct history *h, int64_t at, int64_t otherwise);
/* By how much the value grew in (now - window, now], for a counter that was 0 before its first sample; *drops_at: when the
 * result falls next by itself (INT64_MAX: never). */
int64_t history_growth(const struct history *h, int64_t window, int64_t now, int64_t *drops_at);
/* One more thing that happened, kept even when another one happened at the same time. */
void history_note(struct history *h, int64_t at, int64_t value);
/* Different values of what happened in (now - window, now]. */
int64_t history_distinct(const struct history *h, int64_t window, int64_t now, int64_t *drops_at);
void history_free(struct history *h);

#endif
