/* ddmin: the least part of a list of things with which something still happens (a run still fails the same way).
 *
 *   keep all ─► leave out chunks of n/2, n/4, ... 1, whatever may go ─► until no single one may go, or the time is over
 *
 * The result is 1-minimal: without any single one of what is left it does not happen. Candidates are judged a few at a
 * time; the result does not depend on how many. Cost: at worst n² judgements, about 2 log n for one thing of n.
 * Source: delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input), complements only. */
#ifndef PADDOCK_SIM_SCENARIO_SHRINK_DDMIN_H
#define PADDOCK_SIM_SCENARIO_SHRINK_DDMIN_H

#include "engine/base/base.h"

#define DDMIN_WIDTH_MAX 64u

struct ddmin {
    /* The least i with which it still happens when exactly candidates[i] is kept; n: with none of them. */
    size_t (*happens)(void *ctx, const bool *const *candidates, size_t n);
    bool (*over)(void *ctx); /* no time is left: what is known by then counts */
    void *ctx;
    size_t width; /* candidates at a time: at least 1 */
};
/* keep[n] says what is there and is left with what has to stay. True: minimal; false: the time was over before. */
bool ddmin(const struct ddmin *d, bool *keep, size_t n);

/* The least value in [low, high] with which it still happens, if it does with every greater one; it does with high. */
struct bisect {
    bool (*happens)(void *ctx, int64_t value);
    bool (*over)(void *ctx);
    void *ctx;
};
int64_t bisect(const struct bisect *b, int64_t low, int64_t high);

#endif
