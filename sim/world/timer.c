/* Timers of a world and tasks of the scenario runner. */
#include "sim/world/sim_internal.h"

struct sim_timer {
    struct world_timer base;
    struct sim_event event;
    void (*fire)(void *owner);
    void *owner;
    struct list link;
    uint32_t ordinal;               /* of its process's start: names it in the trace */
    const void *through;            /* as sim's */
    const void *wrote[WROTE_PARTS]; /* what it needed when it last wrote: only to be fetched */
};

void timer_wrote(struct sim *sim, const void *const parts[WROTE_PARTS])
{
    sim->firing->through = sim->through;
    memcpy(sim->firing->wrote, parts, sizeof(sim->firing->wrote));
}

void timer_warm(const struct sim_event *e, unsigned step)
{
    const struct sim_timer *t = const_container_of(e, struct sim_timer, event);
    if (step == 0)
        warm(t, sizeof(*t));
    else if (step == 1) {
        warm(t->owner, WARM_OWNER_BYTES);
        warm(e->world, 192);
        for (size_t i = 0; i < WROTE_PARTS && t->wrote[0]; i++)
            warm(t->wrote[i], WROTE_BYTES);
        __builtin_prefetch(t->through);
    }
}

void timer_fired(struct sim_event *e)
{
    struct sim_timer *t = container_of(e, struct sim_timer, event);
    struct sim *sim = e->world->sim;
    trace_add(sim, e->world->component, SIM_TRACE_TIMER, t->ordinal, 0);
    sim->firing = t;
    sim->through = NULL;
    t->fire(t->owner); /* t may be gone after this */
    sim->firing = NULL;
}

struct world_timer *sim_timer_new(struct world *base, void (*fire)(void *), void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim_timer *t = pool_get(&w->sim->timer_pool);
    t->base.w = base;
    t->fire = fire;
    t->owner = owner;
    t->ordinal = ++w->timers_made;
    event_init(&t->event, timer_fired, w);
    list_add_tail(&w->timers, &t->link);
    return &t->base;
}

void sim_timer_start(struct world_timer *base, world_time delay)
{
    struct sim_timer *t = container_of(base, struct sim_timer, base);
    struct sim *sim = t->event.world->sim;
    world_time at;
    if (t->event.world->dead)
        return;
    if (__builtin_add_overflow(sim->now, delay, &at))
        at = INT64_MAX;
    event_set(sim, &t->event, at);
}

void sim_timer_stop(struct world_timer *base)
{
    event_clear(&container_of(base, struct sim_timer, base)->event);
}

bool sim_timer_active(const struct world_timer *base)
{
    return const_container_of(base, struct sim_timer, base)->event.active;
}

void sim_timer_free(struct world_timer *base)
{
    struct sim_timer *t = container_of(base, struct sim_timer, base);
    struct sim *sim = t->event.world->sim;
    if (sim->firing == t)
        sim->firing = NULL;
    event_drop(sim, &t->event);
    list_remove(&t->link);
    pool_put(&sim->timer_pool, t);
}

void timers_kill(struct sim_world *w)
{
    list_each (&w->timers, it, next)
        event_drop(w->sim, &container_of(it, struct sim_timer, link)->event);
}

void timers_free(struct sim_world *w)
{
    list_each (&w->timers, it, next) {
        ++*w->sim->count.leaked_handles;
        sim_timer_free(&container_of(it, struct sim_timer, link)->base);
    }
}

/* ---- tasks ---- */

struct sim_task {
    struct sim *sim;
    struct sim_event event;
    void (*fire)(void *owner);
    void *owner;
    struct list link;
};

static void task_fired(struct sim_event *e)
{
    struct sim_task *task = container_of(e, struct sim_task, event);
    struct sim *sim = task->sim;
    void (*fire)(void *owner) = task->fire;
    void *owner = task->owner;
    sim_task_cancel(task);
    trace_add(sim, sim->component, SIM_TRACE_TASK, 0, 0);
    fire(owner);
}

struct sim_task *sim_at(struct sim *sim, world_time at, void (*fire)(void *owner), void *owner)
{
    BUG_ON(!fire, "a task needs a callback");
    struct sim_task *task = pool_get(&sim->task_pool);
    task->sim = sim;
    task->fire = fire;
    task->owner = owner;
    event_init(&task->event, task_fired, NULL);
    list_add_tail(&sim->tasks, &task->link);
    event_set(sim, &task->event, at > sim->now ? at : sim->now);
    return task;
}

struct sim_task *sim_after(struct sim *sim, world_time delay, void (*fire)(void *owner),
                           void *owner)
{
    return sim_at(sim, sim->now + (delay > 0 ? delay : 0), fire, owner);
}

void sim_task_cancel(struct sim_task *task)
{
    if (!task)
        return;
    event_drop(task->sim, &task->event);
    list_remove(&task->link);
    pool_put(&task->sim->task_pool, task);
}

void tasks_free(struct sim *sim)
{
    list_each (&sim->tasks, it, next)
        sim_task_cancel(container_of(it, struct sim_task, link));
}

size_t timer_bytes(void)
{
    return sizeof(struct sim_timer);
}

size_t task_bytes(void)
{
    return sizeof(struct sim_task);
}
