/* One loop over all clusters in the order in which they came, every 15 s, each waiting for the one before. */
#include "engine/controllers/health/health_internal.h"

/* The HTTP client bounds the wait for an answer's head unless a time is given: so this is one, of a year. */
#define NO_DEADLINE (INT64_C(365) * 86400 * NS_PER_S)

/* Goes on until a probe is under way or the pass is over. */
static void walk(struct health_controller *c)
{
    void *value;
    while (map_next(&c->targets, &c->next, NULL, &value)) {
        struct target *t = value;
        if (health_probe(t, NO_DEADLINE)) {
            c->current = t;
            return;
        }
        health_believe(t, HEALTH_GONE, NULL);
    }
    c->passing = false;
    world_time passed = world_now(c->base.options.world) - c->pass_began;
    world_timer_start(c->tick, HEALTH_INTERVAL - passed);
}

/* Starts a pass, or goes on with the one whose current cluster went away. */
static void on_tick(void *owner)
{
    struct health_controller *c = owner;
    if (!c->passing) {
        c->passing = true;
        c->next = 0;
        c->pass_began = world_now(c->base.options.world);
    }
    walk(c);
}

static void start(struct health_controller *c)
{
    c->tick = world_timer_new(c->base.options.world, on_tick, c);
    world_timer_start(c->tick, HEALTH_INTERVAL);
}

static void stop(struct health_controller *c)
{
    world_timer_free(c->tick);
}

static void added(struct target *t, bool fresh)
{
    (void)t, (void)fresh; /* its turn comes */
}

static void probed(struct target *t, enum health found, const struct err *why)
{
    struct health_controller *c = t->controller;
    c->current = NULL;
    health_believe(t, found, why);
    walk(c);
}

/* From the loop: the caller is in the middle of something. */
static void skip(struct target *t)
{
    struct health_controller *c = t->controller;
    if (c->current != t)
        return;
    c->current = NULL;
    world_timer_start(c->tick, 0);
}

static void removed(struct target *t, bool was_probing)
{
    (void)was_probing;
    skip(t);
}

static void rerouted(struct target *t, bool was_probing)
{
    (void)was_probing;
    skip(t);
}

const struct prober prober_sequential = {start, stop, added, removed, probed, rerouted, NULL};
