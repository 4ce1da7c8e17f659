/* seed: a property test is tried with a few seeds in a row and prints each: the last one printed is the one that
 * failed. PADDOCK_SEED starts elsewhere, PADDOCK_ROUNDS tries more. */
#ifndef PADDOCK_TESTS_PROPERTY_SUPPORT_SEED_H
#define PADDOCK_TESTS_PROPERTY_SUPPORT_SEED_H

#include "tests/unit/support/check.h"

#include "engine/base/rng.h"

#include <stdlib.h>

static inline uint64_t seed_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline void each_seed(uint64_t rounds, void (*try_seed)(struct rng *r))
{
    uint64_t first = seed_number("PADDOCK_SEED", 1);
    rounds = seed_number("PADDOCK_ROUNDS", rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        (void)fprintf(stderr, "seed %llu\n", (unsigned long long)(first + i));
        struct rng r = rng_seed(first + i);
        try_seed(&r);
    }
}

static inline size_t draw(struct rng *r, size_t n)
{
    return (size_t)rng_below(r, n);
}

#endif
