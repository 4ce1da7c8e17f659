/* Each cluster by itself: a timer, a deadline, two misses.
 *
 *   resting ─ timer ─► probing ─ good ─► resting until 15 s after the probe began
 *      ▲         └─ no place: a little later
 *      └──── first miss: until 3 s after it began; second: believed, 15 s ◄─ miss ─┘ */
#include "engine/controllers/health/health_internal.h"

#define HEALTH_PLACE_JITTER (200 * NS_PER_MS)

static void rest(struct target *t, world_time after)
{
    world_time passed = world_now(t->controller->base.options.world) - t->began;
    world_timer_start(t->timer, after - passed);
}

static void judge(struct target *t, enum health found, const struct err *why)
{
    t->misses = found == HEALTH_GOOD ? 0 : t->misses + 1;
    if (found == HEALTH_GOOD || t->misses >= HEALTH_MISSES)
        health_believe(t, found, why);
    rest(t, t->misses > 0 && t->misses < HEALTH_MISSES ? HEALTH_DEADLINE : HEALTH_INTERVAL);
}

static void begin(struct target *t)
{
    struct health_controller *c = t->controller;
    t->began = world_now(c->base.options.world);
    if (health_probe(t, HEALTH_DEADLINE))
        c->open++;
    else
        judge(t, HEALTH_GONE, NULL);
}

/* Without a place it comes back a little later: which of the waiting comes first is left to chance. */
static void on_timer(void *owner)
{
    struct target *t = owner;
    struct world *w = t->controller->base.options.world;
    if (t->controller->open < HEALTH_PROBES_MAX)
        begin(t);
    else
        world_timer_start(t->timer, world_random_time(w, HEALTH_PLACE_JITTER));
}

static void start(struct health_controller *c)
{
    (void)c;
}

static void stop(struct health_controller *c)
{
    BUG_ON(c->open, "all probes are over");
}

static void soon(struct target *t)
{
    world_timer_start(t->timer,
                      world_random_time(t->controller->base.options.world, HEALTH_EDGE_JITTER));
}

static void added(struct target *t, bool fresh)
{
    struct world *w = t->controller->base.options.world;
    t->timer = world_timer_new(w, on_timer, t);
    if (fresh)
        soon(t);
    else
        world_timer_start(t->timer, world_random_time(w, HEALTH_INTERVAL));
}

static void removed(struct target *t, bool was_probing)
{
    t->controller->open -= was_probing;
    world_timer_free(t->timer);
}

static void probed(struct target *t, enum health found, const struct err *why)
{
    t->controller->open--;
    judge(t, found, why);
}

static void rerouted(struct target *t, bool was_probing)
{
    t->controller->open -= was_probing;
    soon(t);
}

/* Only what may change our mind is worth a probe. */
static void edge(struct target *t)
{
    const struct health_controller *c = t->controller;
    bool has = tunnel_router_has(c->base.options.router, t->id);
    bool good = t->verdict == HEALTH_GOOD && t->misses == 0;
    if (has != good && !t->call)
        soon(t);
}

const struct prober prober_independent = {start, stop, added, removed, probed, rerouted, edge};
