#include "engine/base/rng.h"

#include <string.h>

#define MILLION 1000000u

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct rng rng_seed(uint64_t seed)
{
    struct rng r;
    for (size_t i = 0; i < ARRAY_LEN(r.s); i++)
        r.s[i] = splitmix64(&seed);
    return r;
}

struct rng rng_split(uint64_t root_seed, struct str name)
{
    /* The seed is scattered first, so that neighbouring seeds do not meet in neighbouring names. */
    uint64_t scattered = splitmix64(&root_seed);
    return rng_seed(scattered ^ str_hash(name));
}

static inline uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    BUG_ON(n == 0, "there is a number below n");
    /* The high half of a product is uniform but for the first 2^64 mod n low halves, which are drawn again. */
    unsigned __int128 product = (unsigned __int128)rng_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t biased = (0 - n) % n;
        while ((uint64_t)product < biased)
            product = (unsigned __int128)rng_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

int64_t rng_between(struct rng *r, int64_t lo, int64_t hi)
{
    BUG_ON(lo > hi, "the range is not empty");
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1; /* 0: all of 64 bits */
    uint64_t offset = span ? rng_below(r, span) : rng_u64(r);
    return (int64_t)((uint64_t)lo + offset);
}

bool rng_chance(struct rng *r, uint32_t per_million)
{
    BUG_ON(per_million > MILLION, "a chance is at most one");
    return rng_below(r, MILLION) < per_million;
}

void rng_bytes(struct rng *r, void *p, size_t n)
{
    unsigned char *out = p;
    while (n > 0) {
        uint64_t word = rng_u64(r);
        for (size_t i = 0; i < sizeof(word) && n > 0; i++, n--, word >>= 8)
            *out++ = (unsigned char)word; /* little endian on every machine */
    }
}
