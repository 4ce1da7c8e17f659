/* latency: a histogram of times with a relative error of at most 3 %: quantiles by integers only. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_LATENCY_H
#define PADDOCK_SIM_SCENARIO_RUN_LATENCY_H

#include "engine/base/base.h"

#define LATENCY_CELLS 1888u /* 59 octaves of 32 steps: every int64_t that is not negative */

struct latency {
    uint32_t cells[LATENCY_CELLS];
    int64_t n, max;
};
void latency_add(struct latency *l, int64_t ns);
/* The upper end of the cell that the quantile lies in, at most the greatest value; -1: there is none. */
int64_t latency_quantile(const struct latency *l, uint32_t percent);

#endif
