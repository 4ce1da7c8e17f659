#include "sim/scenario/run/points.h"

void points_free(struct points *p)
{
    mem_free(p->writes);
    map_free(&p->met);
    arena_free(&p->arena);
}

static uint32_t times_met(struct points *p, struct str process, struct str method, struct str path)
{
    struct buf key = {0};
    buf_addf(&key, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(process), STR_ARG(method),
             STR_ARG(path));
    intptr_t times = (intptr_t)map_get(&p->met, buf_str(&key)) + 1;
    map_put(&p->met, buf_str(&key), (void *)times);
    buf_free(&key);
    return (uint32_t)times;
}

void points_add(struct points *p, struct str process, struct str method, struct str path,
                int64_t at_ns)
{
    if (p->n == POINTS_WRITES_MAX) {
        p->left_out++;
        return;
    }
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->writes = mem_resize(p->writes, p->cap * sizeof(*p->writes));
    }
    p->writes[p->n++] = (struct point_write){.process = arena_str(&p->arena, process),
                                             .method = arena_str(&p->arena, method),
                                             .path = arena_str(&p->arena, path),
                                             .nth = times_met(p, process, method, path),
                                             .at_ns = at_ns};
}

size_t points_count(const struct points *p)
{
    return p->n * 2;
}

void points_describe(const struct points *p, size_t point, struct buf *out)
{
    BUG_ON(point == 0 || point > points_count(p), "points are counted from 1");
    const struct point_write *w = &p->writes[point_write(point) - 1];
    buf_addf(out, "%s write %zu: " STR_FMT ": " STR_FMT " " STR_FMT,
             point_is_before(point) ? "before" : "after", point_write(point), STR_ARG(w->process),
             STR_ARG(w->method), STR_ARG(w->path));
    if (w->nth > 1)
        buf_addf(out, " for the %u. time", (unsigned)w->nth);
}

struct plan_fault *points_fault(const struct plan *plan)
{
    for (size_t i = 0; i < plan->faults_n; i++)
        if (plan->faults[i].fault.kind == FAULT_PROCESS_CRASH &&
            plan->faults[i].fault.when == FAULT_EACH_WRITE)
            return &plan->faults[i];
    return NULL;
}

struct str points_name(struct arena *a, const struct points *p, size_t point, struct str fault)
{
    struct buf name = {0};
    buf_addf(&name, STR_FMT ", ", STR_ARG(fault));
    points_describe(p, point, &name);
    struct str made = arena_str(a, buf_str(&name));
    buf_free(&name);
    return made;
}

struct fault points_strike(const struct points *p, size_t point, const struct fault *fault)
{
    BUG_ON(point == 0 || point > points_count(p), "points are counted from 1");
    struct fault struck = *fault;
    struck.when = point_is_before(point) ? FAULT_BEFORE_WRITE : FAULT_AFTER_WRITE;
    struck.nth = (int64_t)point_write(point);
    struck.counted = FAULT_COUNTED_ALL;
    fault_give(&struck, "at");
    fault_give(&struck, "nth");
    fault_give(&struck, "counted");
    return struck;
}
