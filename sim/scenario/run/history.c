/* Counters and values over time. */
#include "sim/scenario/run/history.h"

#include <string.h>

/* The first sample after `at`. */
static size_t upper(const struct history *h, int64_t at)
{
    size_t lo = 0, hi = h->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (h->samples[mid].at <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void drop_old(struct history *h, int64_t now)
{
    size_t keep = upper(h, now - HISTORY_KEEP);
    if (h->n == HISTORY_SAMPLES_MAX && keep < h->n / 2)
        keep = h->n / 2;
    if (keep < 2 || (keep < h->n / 2 && h->n < HISTORY_SAMPLES_MAX))
        return;
    keep--; /* the one that holds at the edge stays */
    memmove(h->samples, h->samples + keep, (h->n - keep) * sizeof *h->samples);
    h->n -= keep;
}

void history_add(struct history *h, int64_t at, int64_t value)
{
    if (h->n && h->samples[h->n - 1].at == at)
        h->samples[h->n - 1].value = value;
    else
        history_note(h, at, value);
}

void history_note(struct history *h, int64_t at, int64_t value)
{
    BUG_ON(h->n && h->samples[h->n - 1].at > at, "time does not go back");
    if (h->n == h->cap) {
        drop_old(h, at);
        if (h->n == h->cap) {
            h->cap = h->cap ? h->cap * 2 : 16;
            h->samples = mem_resize(h->samples, h->cap * sizeof *h->samples);
        }
    }
    h->samples[h->n++] = (struct history_sample){at, value};
}

int64_t history_at(const struct history *h, int64_t at, int64_t otherwise)
{
    size_t i = upper(h, at);
    return i ? h->samples[i - 1].value : otherwise;
}

int64_t history_growth(const struct history *h, int64_t window, int64_t now, int64_t *drops_at)
{
    int64_t last = h->n ? h->samples[h->n - 1].value : 0;
    size_t i = upper(h, now - window);
    *drops_at = i < h->n ? h->samples[i].at + window : INT64_MAX;
    return last - (i ? h->samples[i - 1].value : 0);
}

int64_t history_distinct(const struct history *h, int64_t window, int64_t now, int64_t *drops_at)
{
    size_t first = upper(h, now - window);
    *drops_at = first < h->n ? h->samples[first].at + window : INT64_MAX;
    int64_t n = 0;
    for (size_t i = first; i < h->n; i++) {
        bool seen = false;
        for (size_t j = first; j < i && !seen; j++)
            seen = h->samples[j].value == h->samples[i].value;
        n += !seen;
    }
    return n;
}

void history_free(struct history *h)
{
    mem_free(h->samples);
    *h = (struct history){0};
}
