#include "sim/scenario/run/latency.h"

#define STEPS_BITS 5u
#define STEPS      (1u << STEPS_BITS)

static uint32_t cell_of(uint64_t v)
{
    uint32_t shift = 0;
    while (v >> shift >= 2 * (uint64_t)STEPS)
        shift++;
    return v < STEPS ? (uint32_t)v : (shift + 1) * STEPS + (uint32_t)((v >> shift) - STEPS);
}

static int64_t upper_end(uint32_t cell)
{
    if (cell < STEPS)
        return cell;
    uint32_t shift = cell / STEPS - 1;
    return (int64_t)((((uint64_t)cell % STEPS + STEPS + 1) << shift) - 1);
}

void latency_add(struct latency *l, int64_t ns)
{
    BUG_ON(ns < 0, "time does not run backwards");
    l->cells[cell_of((uint64_t)ns)]++;
    l->n++;
    if (ns > l->max)
        l->max = ns;
}

int64_t latency_quantile(const struct latency *l, uint32_t percent)
{
    BUG_ON(percent == 0 || percent > 100, "a quantile is one of a hundred");
    int64_t rank = (l->n * percent + 99) / 100, seen = 0;
    if (l->n == 0)
        return -1;
    uint32_t i = 0;
    while ((seen += l->cells[i]) < rank)
        i++;
    return upper_end(i) < l->max ? upper_end(i) : l->max;
}
