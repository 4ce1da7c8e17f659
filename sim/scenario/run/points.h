/* points: where a fault `process: crash, at: each-write` can strike: a probing run lists every write that the fault's
 * processes make while it lasts; then each point is a run of its own, in which one process crashes once.
 *
 *     point 1: before write 1    point 2: after write 1    point 3: before write 2 ...
 *
 * Up to its crash a point's run is the probing run, event by event; so each point is met, and exactly once.
 * Ownership: the caller's. Bounds: POINTS_WRITES_MAX; what comes then is counted only. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_POINTS_H
#define PADDOCK_SIM_SCENARIO_RUN_POINTS_H

#include "engine/base/arena.h"
#include "engine/base/map.h"
#include "engine/base/str.h"
#include "sim/scenario/language/plan.h"

#define POINTS_WRITES_MAX 100000u

struct point_write {
    struct str process, method, path;
    uint32_t nth; /* of this process, method and path: 1 is the first */
    int64_t at_ns;
};
struct points {
    struct arena arena;
    struct point_write *writes;
    size_t n, cap;
    size_t left_out; /* writes beyond the bound */
    struct map met;  /* "process method path" → how often */
};
void points_free(struct points *p); /* what is in it */
/* A write of the probing run. */
void points_add(struct points *p, struct str process, struct str method, struct str path,
                int64_t at_ns);
/* 1 .. points_count(p). */
size_t points_count(const struct points *p);
/* Before write 6: manager-1: PUT /api/..., its 2nd */
void points_describe(const struct points *p, size_t point, struct buf *out);

/* Of a point: which write it is about, counted from 1, and when. */
static inline size_t point_write(size_t point)
{
    return (point + 1) / 2;
}
static inline bool point_is_before(size_t point)
{
    return point % 2 == 1;
}

/* The fault of the timeline that has points; NULL: none. */
struct plan_fault *points_fault(const struct plan *plan);
/* The fault as what it is at this point: an ordinary one, named by its write. In the arena. */
struct fault points_strike(const struct points *p, size_t point, const struct fault *fault);
struct str points_name(struct arena *a, const struct points *p, size_t point, struct str fault);

#endif
