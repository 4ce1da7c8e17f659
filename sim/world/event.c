/* The event queue, and the pools that keep it free of allocation. */
#include "sim/world/stream_internal.h"

#define POOL_SLAB_CELLS 64u
#define POOL_ALIGN      16u

/* A set event that is put off keeps its slot, and so costs nothing until the slot is met: timers that are restarted with
 * each byte are the common case. The order is still by the (time, sequence) of the latest set. */
void event_set(struct sim *sim, struct sim_event *e, int64_t at)
{
    BUG_ON(at < sim->now, "events lie in the future");
    e->at = at;
    e->seq = ++sim->seq;
    e->active = true;
    if (heap_has(&e->node)) {
        if (e->held || heap_time(&sim->queue, &e->node) <= at)
            return;
        heap_remove(&sim->queue, &e->node);
    }
    heap_push(&sim->queue, &e->node, at, e->seq);
}

void event_clear(struct sim_event *e)
{
    e->active = false;
    e->late = false;
}

void event_drop(struct sim *sim, struct sim_event *e)
{
    heap_remove(e->held ? &e->world->held : &sim->queue, &e->node);
    e->held = e->active = false;
}

/* Moves an event that is due, but whose process is stopped or slow. True: it does not run now. */
static bool put_off(struct sim *sim, struct sim_event *e)
{
    struct sim_world *w = e->world;
    if (w->paused) {
        e->held = true;
        heap_push(&w->held, &e->node, e->at, e->seq);
        return true;
    }
    if (w->slow > 0 && !e->late) {
        e->late = true;
        event_set(sim, e, sim->now + w->slow);
        return true;
    }
    e->late = false;
    return false;
}

void events_release(struct sim *sim, struct sim_world *w)
{
    for (struct heap_node *node; (node = heap_pop(&w->held)) != NULL;) {
        struct sim_event *e = container_of(node, struct sim_event, node);
        e->held = false;
        if (e->active)
            event_set(sim, e, e->at > sim->now ? e->at : sim->now);
    }
}

/* Brings an event that is really due to the front; false: the queue is empty. */
static bool settle(struct sim *sim)
{
    struct heap *q = &sim->queue;
    int64_t at;
    for (struct heap_node *first; heap_peek(q, &at, &first);) {
        struct sim_event *e = container_of(first, struct sim_event, node);
        if (e->active && e->seq == heap_first_seq(q))
            return true;
        heap_remove(q, &e->node);
        if (e->active)
            heap_push(q, &e->node, e->at, e->seq);
    }
    return false;
}

bool sim_next_time(struct sim *sim, world_time *at)
{
    if (!settle(sim))
        return false;
    *at = sim->queue.slots[0].at;
    return true;
}

static void after_event(struct sim *sim)
{
    for (size_t i = 0; i < sim->on_event.n; i++)
        sim->on_event.items[i].event(sim->on_event.items[i].owner);
    if (!list_empty(&sim->dead))
        worlds_reap(sim);
    if (!list_empty(&sim->conns_free))
        conns_sweep(sim);
}

bool sim_step(struct sim *sim)
{
    BUG_ON(sim->in_event, "an event is not stepped from inside an event");
    if (!settle(sim))
        return false;
    struct sim_event *e = container_of(heap_pop(&sim->queue), struct sim_event, node);
    sim->now = e->at;
    if (e->world && put_off(sim, e))
        return true;
    e->active = false;
    sim->events++;
    sim->in_event = true;
    e->fire(e);
    after_event(sim);
    sim->in_event = false;
    return true;
}

void sim_run_until(struct sim *sim, world_time until)
{
    sim->stopped = false;
    for (world_time at; !sim->stopped && sim_next_time(sim, &at) && at <= until;)
        sim_step(sim);
    if (!sim->stopped && sim->now < until)
        sim->now = until;
}

bool sim_run_while_not(struct sim *sim, bool (*holds)(void *owner), void *owner, world_time limit)
{
    sim->stopped = false;
    while (!holds(owner)) {
        world_time at;
        bool more = sim_next_time(sim, &at) && at <= limit;
        if (sim->stopped)
            return false;
        if (!more) {
            sim->now = sim->now < limit ? limit : sim->now;
            return holds(owner);
        }
        sim_step(sim);
    }
    return true;
}

void sim_stop(struct sim *sim)
{
    sim->stopped = true;
}

bool sim_stopped(const struct sim *sim)
{
    return sim->stopped;
}

/* ---- pools ---- */

struct pool_slab {
    struct pool_slab *next;
    void *padding;
};

#if defined(__SANITIZE_ADDRESS__)
#define POOL_PASSES_THROUGH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_PASSES_THROUGH 1
#endif
#endif

void *pool_get(struct pool *p)
{
#ifdef POOL_PASSES_THROUGH
    return mem_alloc(p->size);
#else
    if (!p->free_cells) {
        size_t stride = (p->size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
        struct pool_slab *slab = mem_alloc(sizeof(*slab) + stride * POOL_SLAB_CELLS);
        slab->next = p->slabs;
        p->slabs = slab;
        char *cells = (char *)(slab + 1);
        for (size_t i = POOL_SLAB_CELLS; i-- > 0;) {
            void **cell = (void **)(void *)(cells + i * stride);
            *cell = p->free_cells;
            p->free_cells = cell;
        }
    }
    void **cell = p->free_cells;
    p->free_cells = *cell;
    memset(cell, 0, p->size);
    return cell;
#endif
}

void pool_put(struct pool *p, void *cell)
{
#ifdef POOL_PASSES_THROUGH
    mem_free(cell);
#else
    *(void **)cell = p->free_cells;
    p->free_cells = cell;
#endif
}

void pool_free(struct pool *p)
{
    for (struct pool_slab *slab = p->slabs, *next; slab; slab = next) {
        next = slab->next;
        mem_free(slab);
    }
    p->slabs = NULL;
    p->free_cells = NULL;
}
