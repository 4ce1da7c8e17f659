/* CPU work: done in one event, a moment after it was given. */
#include "sim/world/sim_internal.h"

#define WORK_TIME (1 * NS_PER_MS)

struct sim_work {
    struct world_work base;
    struct sim_event event;
    struct list link; /* in works, then in releases */
    void (*run)(void *job);
    void (*done)(void *job); /* or release, once cancelled */
    void *job;
};

static void work_free(struct sim_work *work)
{
    event_drop(work->event.world->sim, &work->event);
    list_remove(&work->link);
    mem_free(work);
}

static void work_fired(struct sim_event *e)
{
    struct sim_work *work = container_of(e, struct sim_work, event);
    void (*run)(void *job) = work->run, (*done)(void *job) = work->done;
    void *job = work->job;
    trace_add(e->world->sim, e->world->component, SIM_TRACE_WORK, run != NULL, 0);
    work_free(work);
    if (run)
        run(job);
    if (done)
        done(job);
}

struct world_work *sim_work(struct world *base, void (*run)(void *), void (*done)(void *),
                            void *job)
{
    struct sim_world *w = world_of(base);
    struct sim_work *work = MEM_NEW(struct sim_work);
    work->base.w = base;
    work->run = run;
    work->done = done;
    work->job = job;
    event_init(&work->event, work_fired, w);
    list_add_tail(&w->works, &work->link);
    if (!w->dead)
        event_set(w->sim, &work->event, w->sim->now + WORK_TIME);
    return &work->base;
}

/* A dead process has no loop: its releases are made when its instance has been destroyed. */
void sim_work_cancel(struct world_work *base, void (*release)(void *))
{
    struct sim_work *work = container_of(base, struct sim_work, base);
    struct sim_world *w = work->event.world;
    list_remove(&work->link);
    list_add_tail(&w->releases, &work->link);
    work->run = NULL;
    work->done = release;
    if (!w->dead)
        event_set(w->sim, &work->event, w->sim->now);
}

void works_kill(struct sim_world *w)
{
    list_each (&w->works, it, next)
        event_drop(w->sim, &container_of(it, struct sim_work, link)->event);
    list_each (&w->releases, it, next)
        event_drop(w->sim, &container_of(it, struct sim_work, link)->event);
}

void works_release(struct sim_world *w)
{
    while (!list_empty(&w->releases)) {
        struct sim_work *work = container_of(w->releases.next, struct sim_work, link);
        void (*release)(void *job) = work->done;
        void *job = work->job;
        work_free(work);
        if (release)
            release(job);
    }
}

void works_free(struct sim_world *w)
{
    list_each (&w->works, it, next) {
        ++*w->sim->count.leaked_handles;
        work_free(container_of(it, struct sim_work, link));
    }
}
