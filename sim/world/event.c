/* The event queue, and the pools that keep it free of allocation. */
#include "sim/world/stream_internal.h"

#define POOL_SLAB_CELLS 64u
#define POOL_ALIGN      64u /* cells begin with a cache line */

static bool slot_before(const struct sim_slot *a, const struct sim_slot *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static struct sim_slot *front_last(struct sim_queue *q)
{
    return &q->front[q->first + q->n - 1];
}

static void heap_put(struct sim_queue *q, const struct sim_slot *s)
{
    s->event->ahead = false;
    heap_push(&q->heap, &s->event->node, s->at, s->seq);
}

/* Room behind the front's last. */
static void front_room(struct sim_queue *q)
{
    if (q->n == FRONT_MAX) {
        q->n--;
        heap_put(q, &q->front[FRONT_MAX - 1]);
    } else if (q->first + q->n == FRONT_MAX) {
        memmove(q->front, q->front + q->first, q->n * sizeof(q->front[0]));
        q->first = 0;
    }
}

/* Whatever is in the heap comes after the front. */
static void slot_put(struct sim_queue *q, struct sim_event *e)
{
    struct sim_slot slot = {e->at, e->seq, e};
    e->slot_at = e->at;
    if (q->n == 0 || slot_before(front_last(q), &slot)) {
        heap_put(q, &slot);
        return;
    }
    front_room(q);
    struct sim_slot *at = &q->front[q->first + q->n++];
    for (; at > q->front + q->first && slot_before(&slot, at - 1); at--)
        at[0] = at[-1];
    *at = slot;
    e->ahead = true;
}

static void slot_remove(struct sim_queue *q, struct sim_event *e)
{
    if (!e->ahead) {
        heap_remove(&q->heap, &e->node);
        return;
    }
    struct sim_slot *at = q->front + q->first, *last = front_last(q);
    while (at < last && at->event != e)
        at++;
    BUG_ON(at->event != e, "an event that is ahead is in the front");
    e->ahead = false;
    for (; at < last; at++)
        at[0] = at[1];
    q->n--;
}

/* A set event that is put off keeps its slot, and so costs nothing until the slot is met: timers that are restarted with
 * each byte are the common case. The order is still by the (time, sequence) of the latest set. */
void event_set(struct sim *sim, struct sim_event *e, int64_t at)
{
    BUG_ON(at < sim->now, "events lie in the future");
    e->at = at;
    e->seq = ++sim->seq;
    e->active = true;
    if (e->held)
        return;
    if (e->ahead || heap_has(&e->node)) {
        if (e->slot_at <= at)
            return;
        slot_remove(&sim->queue, e);
    }
    slot_put(&sim->queue, e);
}

void event_clear(struct sim_event *e)
{
    e->active = false;
    e->late = false;
}

void event_drop(struct sim *sim, struct sim_event *e)
{
    if (e->held)
        heap_remove(&e->world->held, &e->node);
    else
        slot_remove(&sim->queue, e);
    e->held = e->active = false;
}

void events_free(struct sim *sim)
{
    heap_free(&sim->queue.heap);
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
        event_set(sim, e, sim->now + world_lateness(w));
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

static void slot_warm(const struct sim_queue *q, unsigned step)
{
    static const uint32_t before[WARM_STEPS] = {8, 5, 2}; /* so many events before its own */
    if (before[step] >= q->n)
        return;
    const struct sim_event *e = q->front[q->first + before[step]].event;
    if (e->fire == end_arrived)
        end_warm(e, step);
    else if (e->fire == timer_fired)
        timer_warm(e, step);
}

/* Takes the front's next ones out of the heap. */
static void front_fill(struct sim_queue *q)
{
    while (q->n < FRONT_AHEAD) {
        struct sim_slot slot;
        struct heap_node *node = heap_take(&q->heap, &slot.at, &slot.seq);
        if (!node)
            return;
        slot.event = container_of(node, struct sim_event, node);
        slot.event->ahead = true;
        front_room(q);
        q->front[q->first + q->n++] = slot;
    }
}

static void front_pop(struct sim_queue *q)
{
    q->front[q->first].event->ahead = false;
    q->first++;
    if (--q->n == 0)
        q->first = 0;
}

/* Brings an event that is really due to the front; false: the queue is empty. */
static bool settle(struct sim *sim)
{
    struct sim_queue *q = &sim->queue;
    for (;;) {
        front_fill(q);
        if (q->n == 0)
            return false;
        const struct sim_slot *first = &q->front[q->first];
        struct sim_event *e = first->event;
        if (e->active && e->seq == first->seq)
            return true;
        front_pop(q);
        if (e->active)
            slot_put(q, e);
    }
}

bool sim_next_time(struct sim *sim, world_time *at)
{
    if (!settle(sim))
        return false;
    *at = sim->queue.front[sim->queue.first].at;
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
    struct sim_event *e = sim->queue.front[sim->queue.first].event;
    front_pop(&sim->queue);
    for (unsigned step = 0; step < WARM_STEPS; step++)
        slot_warm(&sim->queue, step);
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
        struct pool_slab *slab = mem_alloc(sizeof(*slab) + POOL_ALIGN + stride * POOL_SLAB_CELLS);
        slab->next = p->slabs;
        p->slabs = slab;
        char *cells = (char *)(slab + 1);
        cells += POOL_ALIGN - (uintptr_t)cells % POOL_ALIGN;
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
