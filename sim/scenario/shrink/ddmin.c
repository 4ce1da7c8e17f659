/* Minimization of lists and of numbers. */
#include "sim/scenario/shrink/ddmin.h"

#include <string.h>

struct search {
    const struct ddmin *d;
    bool *keep;
    size_t n;
    bool *candidates[DDMIN_WIDTH_MAX];
};

static size_t kept(const bool *keep, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += keep[i];
    return count;
}

/* A candidate: what is kept, without `chunk` of it from its first-th one on. */
static void leave_out(const struct search *s, bool *candidate, size_t first, size_t chunk)
{
    size_t ordinal = 0;
    for (size_t i = 0; i < s->n; i++) {
        candidate[i] = s->keep[i] && (ordinal < first || ordinal >= first + chunk);
        ordinal += s->keep[i];
    }
}

/* One pass over what is kept: true if anything went. */
static bool pass(struct search *s, size_t chunk)
{
    bool any = false;
    for (size_t first = 0; first < kept(s->keep, s->n) && !s->d->over(s->d->ctx);) {
        size_t left = kept(s->keep, s->n), n = 0;
        for (; n < s->d->width && first + n * chunk < left; n++)
            leave_out(s, s->candidates[n], first + n * chunk, chunk);
        size_t hit = s->d->happens(s->d->ctx, (const bool *const *)s->candidates, n);
        BUG_ON(hit > n, "one of the candidates, or none");
        if (hit < n) { /* those behind it were judged with what has gone now: once more */
            memcpy(s->keep, s->candidates[hit], s->n * sizeof *s->keep);
            first += hit * chunk;
            any = true;
        } else {
            first += n * chunk;
        }
    }
    return any;
}

bool ddmin(const struct ddmin *d, bool *keep, size_t n)
{
    BUG_ON(d->width == 0 || d->width > DDMIN_WIDTH_MAX, "a few at a time");
    struct search s = {.d = d, .keep = keep, .n = n};
    for (size_t i = 0; i < d->width; i++)
        s.candidates[i] = MEM_NEW_ARRAY(bool, n + 1);
    size_t chunk = kept(keep, n);
    while (chunk > 0 && !d->over(d->ctx)) {
        bool any = pass(&s, chunk);
        size_t left = kept(keep, n);
        if (chunk == 1 && !any)
            break;
        if (chunk > 1)
            chunk = chunk / 2 < left ? chunk / 2 : left;
    }
    for (size_t i = 0; i < d->width; i++)
        mem_free(s.candidates[i]);
    return !d->over(d->ctx);
}

int64_t bisect(const struct bisect *b, int64_t low, int64_t high)
{
    BUG_ON(low > high, "a range");
    if (low < high && !b->over(b->ctx) && b->happens(b->ctx, low))
        return low;
    while (low + 1 < high && !b->over(b->ctx)) { /* not with low, but with high */
        int64_t middle = low + (high - low) / 2;
        if (b->happens(b->ctx, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}
