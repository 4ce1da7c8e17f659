/* rng: xoshiro256** streams seeded by SplitMix64 (Blackman, Vigna: public domain algorithms). A stream is split off by
 * name, so that adding a draw in one place does not reshuffle the others. Integers only: no floats, no libm. */
#ifndef PADDOCK_ENGINE_BASE_RNG_H
#define PADDOCK_ENGINE_BASE_RNG_H

#include "engine/base/str.h"

struct rng {
    uint64_t s[4];
};

struct rng rng_seed(uint64_t seed);
struct rng rng_split(uint64_t root_seed, struct str name); /* depends on (root_seed, name) only */
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n);              /* uniform in [0, n); n > 0 */
int64_t rng_between(struct rng *r, int64_t lo, int64_t hi); /* uniform in [lo, hi] */
bool rng_chance(struct rng *r, uint32_t per_million);       /* true with p = per_million / 1e6 */
void rng_bytes(struct rng *r, void *p, size_t n);

#endif
