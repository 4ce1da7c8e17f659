/* measure: the clock of the benchmarks that need nothing but a loop, and the line that each figure is printed as. */
#ifndef PADDOCK_TESTS_BENCH_MEASURE_H
#define PADDOCK_TESTS_BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline int64_t bench_now_ns(void) /* monotonic */
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* n rounds since from_ns, as so many a second. */
static inline void bench_rate(const char *group, const char *name, int64_t from_ns, uint64_t n)
{
    int64_t ns = bench_now_ns() - from_ns;
    printf("{\"bench\":\"%s.%s\",\"value\":%lld,\"unit\":\"1/s\"}\n", group, name,
           (long long)((int64_t)n * 1000000000 / (ns ? ns : 1)));
}

#endif
