/* cel_sizes: ranges of sizes and costs, and how large the values of a definition's schema may be: what cel_estimate.c counts with.
 * Nothing overflows: what is too large is UINT64_MAX. */
#ifndef PADDOCK_SIM_KUBEAPI_CEL_CEL_SIZES_H
#define PADDOCK_SIM_KUBEAPI_CEL_CEL_SIZES_H

#include "sim/kubeapi/cel/cel_internal.h"

struct cel_range {
    uint64_t min, max;
};

static inline uint64_t cel_add(uint64_t x, uint64_t y)
{
    uint64_t r;
    return __builtin_add_overflow(x, y, &r) ? UINT64_MAX : r;
}
static inline uint64_t cel_times(uint64_t x, uint64_t y)
{
    uint64_t r;
    return __builtin_mul_overflow(x, y, &r) ? UINT64_MAX : r;
}
static inline struct cel_range cel_fixed(uint64_t n)
{
    return (struct cel_range){n, n};
}
static inline struct cel_range cel_unbounded(void)
{
    return (struct cel_range){0, UINT64_MAX};
}
static inline struct cel_range cel_sum(struct cel_range x, struct cel_range y)
{
    return (struct cel_range){cel_add(x.min, y.min), cel_add(x.max, y.max)};
}
static inline struct cel_range cel_product(struct cel_range x, struct cel_range y)
{
    return (struct cel_range){cel_times(x.min, y.min), cel_times(x.max, y.max)};
}
static inline struct cel_range cel_union(struct cel_range x, struct cel_range y)
{
    return (struct cel_range){x.min < y.min ? x.min : y.min, x.max > y.max ? x.max : y.max};
}
/* A tenth of each, rounded up. */
static inline struct cel_range cel_tenth(struct cel_range x)
{
    return (struct cel_range){cel_text_cost(x.min), cel_text_cost(x.max)};
}

/* A way from the variables to a part of them: a variable, then fields, "@items", "@values", "@keys". NULL: no such part.
 * Its first step counts for the root, whatever it is. */
struct cel_step {
    const struct cel_step *up;
    struct str name;
};
/* The largest size of what is there; false: nothing is known of it. */
bool cel_size_at(struct arena *a, const struct type *root, const struct cel_step *at,
                 uint64_t *out);

#endif
