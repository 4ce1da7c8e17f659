#include "sim/scenario/suite/strike.h"

#include "sim/scenario/run/run.h"
#include "sim/scenario/suite/probe.h"

struct err *strike_of_case(struct arena *a, struct str filter, size_t *point, struct str *rest)
{
    struct str item, more = filter;
    struct buf left = {0};
    struct err *err = NULL;
    uint64_t n = 0;
    for (bool is = filter.n > 0; is && !err;) {
        is = str_cut(more, ',', &item, &more);
        if (!str_starts(item, STR("point=")))
            buf_addf(&left, "%s" STR_FMT, left.n ? "," : "", STR_ARG(item));
        else if (!str_to_u64(str_sub(item, 6, item.n), &n) || n == 0 || n > UINT32_MAX)
            err = err_new(ERR_INVALID, "--case: \"" STR_FMT "\": points are counted from 1",
                          STR_ARG(item));
    }
    *point = (size_t)n;
    *rest = arena_str(a, buf_str(&left));
    buf_free(&left);
    return err;
}

struct err *strike_plan(struct arena *a, struct plan *plan, size_t point,
                        int64_t (*wall_clock)(void *ctx))
{
    struct run_options run = {.log_level = LOG_ERROR, .wall_clock = wall_clock, .until_ns = -1};
    struct plan_fault *fault = points_fault(plan);
    if (!fault)
        return err_new(ERR_INVALID, "--case: there are no points: no fault is \"at: each-write\"");
    struct probe *probe = probe_new(plan, &run);
    size_t n = points_count(&probe->points);
    struct err *err = NULL;
    if (point > n) {
        err = err_new(ERR_INVALID, "--case: there is no point %zu: the run has %zu", point, n);
    } else {
        fault->name = points_name(a, &probe->points, point, fault->name);
        fault->fault = points_strike(&probe->points, point, &fault->fault);
    }
    probe_free(probe);
    return err;
}
