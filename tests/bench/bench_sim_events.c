/* Goal: the simulated world runs at least a million events in a core-second, with the trace on.
 * Method: 200 processes in two zones; each has timers that are restarted all the time, and half of them talk to a server
 *         each in 64-byte messages, to and fro, over plain streams. Events are pops of the queue that ran something. */
#include "sim/world/process.h"

#include <stdio.h>
#include <time.h>

#define PAIRS     100
#define TIMERS    8
#define EVENTS    4000000u
#define PING      64
#define PORT      443
#define TICK      (5 * NS_PER_MS)
#define DEAD_TIME (60 * NS_PER_S)

struct node {
    struct world *w;
    struct world_timer *ticks[TIMERS], *dead; /* `dead` is put off at every message */
    struct world_stream *s;
    struct node *peer;
};
struct tick {
    struct node *n;
    int i;
};

static struct sim *sim;
static struct node nodes[2 * PAIRS];
static struct tick tick_owners[2 * PAIRS][TIMERS];

static void ticked(void *owner)
{
    struct tick *t = owner;
    world_timer_start(t->n->ticks[t->i], TICK + world_random_time(t->n->w, TICK));
}
static void died(void *owner) {}
static void got(void *owner, struct str bytes)
{
    struct node *n = owner;
    world_timer_start(n->dead, DEAD_TIME);
    world_stream_write(n->s, bytes);
}
static void opened(void *owner)
{
    static const char ping[PING];
    world_stream_write(((struct node *)owner)->s, (struct str){ping, PING});
}
static void closed(void *owner, const struct err *err)
{
    ((struct node *)owner)->s = NULL;
}
static const struct world_stream_handler handler = {.open = opened, .data = got, .closed = closed};

static void accepted(void *owner, struct world_stream *s)
{
    struct node *n = owner;
    n->s = s;
    world_stream_attach(s, &handler, n);
}

static void node_make(int i)
{
    struct node *n = &nodes[i];
    struct buf name = {0}, address = {0};
    buf_addf(&name, "node-%d", i);
    buf_addf(&address, "10.0.%d.%d", i / 250, i % 250 + 1);
    struct sim_host_options host = {.name = buf_str(&name), .address = buf_str(&address)};
    host.zone = i < PAIRS ? STR("site/a") : STR("cluster/edge");
    struct sim_process_options o = {.name = buf_str(&name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &o);
    err_ignore(sim_process_start(p));
    n->w = sim_process_world(p);
    for (int k = 0; k < TIMERS; k++) {
        tick_owners[i][k] = (struct tick){n, k};
        n->ticks[k] = world_timer_new(n->w, ticked, &tick_owners[i][k]);
        world_timer_start(n->ticks[k], world_random_time(n->w, TICK));
    }
    n->dead = world_timer_new(n->w, died, n);
    buf_free(&name);
    buf_free(&address);
}

static void pair_up(int i)
{
    struct world_listener *l;
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), PORT)};
    err_ignore(world_listen(nodes[i].w, &listen, accepted, &nodes[i], &l));
    struct world_connect o = {.address = world_addr_make(world_own_address(nodes[i].w), PORT)};
    nodes[PAIRS + i].s = world_stream_connect(nodes[PAIRS + i].w, &o, &handler, &nodes[PAIRS + i]);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    sim = sim_new(&(struct sim_options){.seed = 1, .log_level = LOG_ERROR});
    sim_link_set(sim, STR("site"), STR("cluster"),
                 &(struct sim_link){.latency = {NS_PER_MS, 2 * NS_PER_MS}});
    for (int i = 0; i < 2 * PAIRS; i++)
        node_make(i);
    for (int i = 0; i < PAIRS; i++)
        pair_up(i);
    while (sim_events(sim) < EVENTS / 10)
        sim_step(sim);
    double start = seconds();
    uint64_t before = sim_events(sim);
    while (sim_events(sim) < before + EVENTS)
        sim_step(sim);
    double rate = EVENTS / (seconds() - start);
    printf("{\"bench\":\"sim.events_per_second\",\"value\":%.0f,\"unit\":\"1/s\"}\n", rate);
    sim_free(sim);
    return 0;
}
