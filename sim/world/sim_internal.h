/* What the files of sim/world share. Three kinds of time are kept apart: kernel events (a host's network stack, a
 * resolver) belong to no world and always run; a world's events wait while its process is paused; a dead world's never
 * run. Everything is reached from struct sim by lists in order of making. */
#ifndef PADDOCK_SIM_WORLD_SIM_INTERNAL_H
#define PADDOCK_SIM_WORLD_SIM_INTERNAL_H

#include "engine/base/heap.h"
#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/world/world_impl.h"
#include "sim/world/fault.h"
#include "sim/world/trace.h"

#include <string.h>

#define RTO_FIRST       (200 * NS_PER_MS)
#define SYN_RETRY_FIRST (1 * NS_PER_S)
#define SIM_MILLION     1000000u
#define const_container_of(ptr, type, member)                                                      \
    ((const type *)((const char *)(ptr)-offsetof(type, member)))

struct sim_world;
struct sim_conn;
struct sim_stream;
struct sim_timer;

/* ---- event.c ---- */
struct sim_event {
    struct heap_node node;
    int64_t
        at; /* due then, by (at, seq); its slot in the queue may stand earlier and is then put off when met */
    uint64_t seq;
    int64_t slot_at; /* where its slot stands */
    void (*fire)(struct sim_event *e);
    struct sim_world *world; /* NULL: a kernel's event */
    bool active;
    bool held;  /* in world->held, not in the queue */
    bool ahead; /* in the queue's front, not in its heap */
    bool late;  /* has been delayed by SIM_FAULT_PROCESS_SLOW already */
};

/* The queue: a heap, and before it, in order, the few slots that come first. What these are about is fetched into the
 * cache while the events before them run: a large estate does not fit, and waiting for memory would be most of the
 * work. */
#define FRONT_AHEAD 12u /* so many are taken out of the heap early */
#define FRONT_MAX   64u
struct sim_slot {
    int64_t at;
    uint64_t seq;
    struct sim_event *event;
};
struct sim_queue {
    struct heap heap;
    struct sim_slot front[FRONT_MAX];
    uint32_t first, n; /* of front */
};

static inline void event_init(struct sim_event *e, void (*fire)(struct sim_event *),
                              struct sim_world *world)
{
    *e = (struct sim_event){.fire = fire, .world = world};
}
void event_set(struct sim *sim, struct sim_event *e,
               int64_t at);                            /* moves it when it is set already */
void event_clear(struct sim_event *e);                 /* cheap: the slot stays until it is met */
void event_drop(struct sim *sim, struct sim_event *e); /* before its memory goes */
void events_free(struct sim *sim);
void events_release(struct sim *sim, struct sim_world *w); /* what a paused world held: due now */

/* Fetches what the event will need, step by step: a later step may read what an earlier one has fetched. */
#define WARM_STEPS       3u
#define WARM_OWNER_BYTES 256u
void end_warm(const struct sim_event *e, unsigned step);   /* of stream_internal.h's end_arrived */
void timer_warm(const struct sim_event *e, unsigned step); /* of timer_fired */
void timer_fired(struct sim_event *e);
/* A stream is written to: a timer that does so will mostly write to the same one next time. */
#define WROTE_PARTS 6u
#define WROTE_BYTES 128u
void timer_wrote(struct sim *sim, const void *const parts[WROTE_PARTS]);
static inline void warm(const void *p, size_t n) /* fetches n bytes */
{
    for (size_t i = 0; p && i < n; i += 64)
        __builtin_prefetch((const char *)p + i);
}

/* Fixed-size cells. Under AddressSanitizer every cell is a block of its own, so that stale handles are seen. */
struct pool {
    size_t size;
    void *free_cells;
    struct pool_slab *slabs;
};
void *pool_get(struct pool *p); /* zeroed */
void pool_put(struct pool *p, void *cell);
void pool_free(struct pool *p);

/* ---- trace.c ---- */
struct sim_tracer {
    bool off;
    unsigned char *block; /* the hash so far, then the open block */
    size_t block_n;
    world_time last_at;
    uint64_t records;
    struct map ids;    /* name → id + 1 */
    struct str *names; /* by id */
    size_t names_n, names_cap;
    struct str *ring;   /* completed blocks, the oldest at ring_first */
    size_t *ring_names; /* how many names were defined before each */
    size_t ring_cap, ring_n, ring_first;
    size_t block_names; /* the same for the open block */
    void (*spill)(void *owner, struct str block);
    void *spill_owner;
};
void trace_init(struct sim_tracer *t, const struct sim_options *o);
void trace_done(struct sim_tracer *t);
void trace_add(struct sim *sim, uint32_t component, enum sim_trace_kind kind, uint64_t key,
               uint64_t payload);
void trace_add_text(struct sim *sim, uint32_t component, enum sim_trace_kind kind, uint64_t key,
                    struct str text);

/* ---- hosts and links: host.c, link.c ---- */
struct sim_zone {
    struct str name;
    struct sim_zone *parent; /* "site" of "site/a", "" of "site"; NULL: of "" */
    size_t index;
};
struct sim_host {
    struct sim *sim;
    struct str name;
    struct sim_zone *zone;
    size_t index;
    uint32_t component;
    bool off, aside;
    struct str *addresses;
    size_t addresses_n;
    struct map ports;   /* port as 2 bytes → struct sim_listener */
    uint16_t next_port; /* ephemeral, for clients */
};
#define PORT_FIRST 32768u

struct sim_zone *zone_get(struct sim *sim, struct str name);
/* The host that a connect from `from` to this address meets; NULL: nobody answers. */
struct sim_host *host_route(struct sim *sim, struct sim_host *from, const struct world_addr *to,
                            bool *loopback);
struct sim_listener *host_listener(const struct sim_host *h, uint16_t port);
void routes_free(struct sim *sim);
void links_free(struct sim *sim);
const struct sim_link *link_between(struct sim *sim, const struct sim_zone *a,
                                    const struct sim_zone *b);

/* ---- process.c ---- */
struct sim_world {
    struct world base;
    struct sim *sim;
    struct sim_process *process;
    struct sim_host *host;
    bool dead, paused, power_lost, failed_start;
    world_time slow, slow_jitter; /* each callback is late by this, and by up to that */
    struct rng slow_random;
    void *instance;
    int exit_status;
    struct sim_task *grace; /* it was asked to end, and is killed then */
    bool term_pending;      /* it has not heard of that yet */
    struct list reap;       /* in sim->dead */
    struct rng random;
    uint64_t connection_seed, connections;
    uint32_t timers_made, component;
    struct heap held;
    struct list timers, streams, listeners, queries, sockets, file_ops, watches, works;
    struct list releases; /* cancelled work whose release is still to come */
    struct log_sink sink;
    struct map env; /* name → C string */
};
struct sim_process {
    struct sim *sim;
    struct str name;
    struct sim_host *host;
    const struct sim_program *program;
    const void *config;
    struct sim_resolver *resolver;
    struct sim_volume *volume;
    struct map env; /* name → C string, for the next start */
    void (*exited)(void *owner, struct sim_process *p, int status);
    void *owner;
    size_t index;
    uint32_t component, starts;
    struct sim_world *world; /* NULL: not running */
    world_time clock_offset, clock_since;
    int32_t clock_drift_ppm;
    world_time held_until; /* it is not to be started before */
};
static inline struct sim_world *world_of(struct world *w)
{
    return (struct sim_world *)w;
}
/* How late the next callback of a slow process comes; 0: it is not slow. */
static inline world_time world_lateness(struct sim_world *w)
{
    return w->slow + (w->slow_jitter > 0 ? rng_between(&w->slow_random, 0, w->slow_jitter) : 0);
}
static inline bool world_runs(const struct sim_world *w)
{
    return !w->dead && !w->paused;
}
void note_add(struct sim *sim, struct sim_process *p, const char *kind, struct str key,
              struct str value);
void processes_free(struct sim *sim);
void process_shift_clock(struct sim_process *p, world_time by, int32_t drift_by_ppm);
void world_kill(struct sim_world *w, int status, bool power_loss);
void worlds_reap(struct sim *sim);         /* destroys what died, from outside all callbacks */
void worlds_reap_outside(struct sim *sim); /* ... when no event is under way that will do it */
int64_t process_wall(const struct sim_process *p);
struct log_sink *sim_world_log(struct world *w);

/* ---- ops.c ---- */
extern const struct world_ops sim_world_ops;
void maybes_free(struct sim *sim);
void world_handles_free(
    struct sim_world *w); /* of a dead world: those that its instance left behind */

/* ---- timer.c and others behind world_ops; see world.h for their contracts ---- */
struct world_timer *sim_timer_new(struct world *w, void (*fire)(void *), void *owner);
void sim_timer_start(struct world_timer *t, world_time delay);
void sim_timer_stop(struct world_timer *t);
bool sim_timer_active(const struct world_timer *t);
void sim_timer_free(struct world_timer *t);

struct world_dns *sim_dns_query(struct world *w, struct str name, world_time timeout,
                                world_dns_done done, void *owner);
void sim_dns_cancel(struct world_dns *q);

struct world_file *sim_file_read(struct world *w, struct str path, world_file_done done,
                                 void *owner);
struct world_file *sim_file_write(struct world *w, struct str path, struct str content,
                                  uint32_t mode, world_file_done done, void *owner);
struct world_file *sim_file_remove(struct world *w, struct str path, world_file_done done,
                                   void *owner);
struct world_file *sim_file_list(struct world *w, struct str path, world_file_done done,
                                 void *owner);
void sim_file_cancel(struct world_file *f);
struct world_watch *sim_file_watch(struct world *w, struct str path, void (*changed)(void *),
                                   void *owner);
void sim_watch_close(struct world_watch *watch);

struct world_work *sim_work(struct world *w, void (*run)(void *), void (*done)(void *), void *job);
void sim_work_cancel(struct world_work *work, void (*release)(void *));
void works_release(struct sim_world *w);

struct world_ws *sim_ws_connect(struct world *w, const struct world_ws_connect *o,
                                const struct world_ws_handler *h, void *owner);
void sim_ws_send(struct world_ws *ws, bool text, struct str payload);
void sim_ws_ping(struct world_ws *ws, struct str payload);
size_t sim_ws_queued(const struct world_ws *ws);
void sim_ws_close(struct world_ws *ws, uint16_t code, struct str reason);
void sim_ws_abort(struct world_ws *ws);
void sim_ws_pause(struct world_ws *ws);
void sim_ws_resume(struct world_ws *ws);
struct world_addr sim_ws_peer(const struct world_ws *ws);

/* Called when a world dies: what its kernel does, and which events will never come. */
void timers_kill(struct sim_world *w);
void dns_kill(struct sim_world *w);
void files_kill(struct sim_world *w, bool power_loss);
void works_kill(struct sim_world *w);
void timers_free(struct sim_world *w);
void dns_free(struct sim_world *w);
size_t query_bytes(void);
size_t timer_bytes(void);
size_t task_bytes(void);
void tasks_free(struct sim *sim);
void files_free(struct sim_world *w);
void works_free(struct sim_world *w);
void sim_ws_free(struct sim_world *w);

/* ---- dns.c, resolver.c ---- */
struct sim_records;
struct sim_records *records_new(void);
void records_free(struct sim_records *r);
void resolvers_free(struct sim *sim);
struct sim_resolver *resolver_default(struct sim *sim);

/* ---- volume.c ---- */
struct sim_volume *volume_get(struct sim *sim, struct str name);
void volumes_free(struct sim *sim);

/* ---- fault.c ---- */
struct sim_fault {
    struct sim *sim;
    struct str name;
    struct sim_fault_options o; /* pointers in it are of our copies */
    struct host_set {
        bool any;
        struct sim_zone *zone;
        bool *has; /* by host index, has_n of them */
        size_t has_n;
    } from, to;
    bool active, ended;
    int64_t *fired;
    struct rng random;
    uint64_t decision_seed;
    uint32_t component;
    struct sim_event begin, end;
    struct sim_event tick; /* of idle cuts: the next one that is due */
    struct sim_process **processes;
    struct sim_resolver **resolvers;
    struct str *addresses;
    struct sim_records *frozen; /* what SIM_FAULT_DNS_STALE remembers */
    bool *touched; /* by process or host index: what it paused, slowed, switched off, moved */
    size_t touched_n;
};
bool host_set_has(const struct host_set *s, const struct sim_host *h);
bool fault_is_net(enum sim_fault_kind kind);
bool fault_is_http(enum sim_fault_kind kind);
bool fault_draw(struct sim_fault *f); /* share, and counts when true */
bool fault_decides(const struct sim_fault *f,
                   uint64_t id); /* share, the same answer for the same id */
bool host_set_has_zone(const struct host_set *s, const struct sim_zone *zone);
/* The first active fault of that kind for this process, handshake or query that the share falls on; NULL: none.
 * of_process and of_hosts count it as having taken effect, the others leave that to the caller. */
struct sim_fault *fault_of_process(struct sim *sim, enum sim_fault_kind kind,
                                   const struct sim_process *p);
struct sim_fault *fault_pick_process(struct sim *sim, enum sim_fault_kind kind,
                                     const struct sim_process *p);
struct sim_fault *fault_of_hosts(struct sim *sim, enum sim_fault_kind kind,
                                 const struct sim_host *from, const struct sim_host *to);
struct sim_fault *fault_of_query(struct sim *sim, enum sim_fault_kind kind,
                                 const struct sim_resolver *r, const struct sim_host *from,
                                 struct str name);
void faults_free(struct sim *sim);
void faults_of_start(struct sim_process *p);

/* ---- the whole ---- */
struct sim_hook {
    void (*event)(void *owner);
    void (*note)(void *owner, const struct sim_note *n);
    void (*line)(void *owner, const struct sim_log_line *l);
    void *owner;
};
struct sim_hooks {
    struct sim_hook *items;
    size_t n, cap;
};
struct sim {
    struct sim_options options;
    world_time now;
    uint64_t seq, events;
    struct sim_queue queue;
    struct sim_timer *firing; /* the timer whose callback is under way */
    const void *through;      /* ... and the WebSocket that it wrote to last */
    bool stopped, in_event, reaping, freeing;
    uint32_t starting; /* programs whose start is under way: nothing is reaped then */
    struct sim_tracer tracer;
    struct sim_hooks on_event, on_note, on_log;
    struct map counters; /* name → int64_t */
    struct pool timer_pool, task_pool, conn_pool, query_pool;
    struct list tasks;

    struct map zones, hosts, addresses, processes, volumes, resolvers, faults, maybes; /* by name */
    struct sim_host **host_list;
    struct sim_process **process_list;
    struct sim_fault **fault_list, **active_list; /* active: in order of beginning */
    size_t hosts_n, hosts_cap, processes_n, processes_cap, faults_n, faults_cap, active_n,
        active_cap;
    struct map links;     /* by pair of zones → struct sim_link */
    uint64_t fault_epoch; /* changes when active net faults or links do */
    uint32_t http_faults; /* active ones */
    uint32_t component;   /* the simulator's own */
    uint64_t dns_seq;

    struct list conns;      /* in order of making */
    struct list conns_free; /* to be given back at the end of the event */
    uint64_t conns_made;
    struct list dead; /* worlds to be reaped */
    struct sim_records *records;
    struct tls_store *tls_store; /* NULL until needed */
    struct {
        int64_t *connects, *established, *refused, *resets, *timeouts, *retransmissions, *half_open,
            *bytes;
        int64_t *tls_handshakes, *tls_failures;
        int64_t *dns_queries, *dns_cache_hits, *dns_servfail, *dns_nxdomain, *dns_timeouts,
            *dns_stale, *dns_wrong;
        int64_t *crashes, *starts, *leaked_handles, *file_writes;
    } count;
};

/* Grows an array of pointers or records by one. */
#define SIM_GROW(items, n, cap)                                                                    \
    do {                                                                                           \
        if ((n) == (cap)) {                                                                        \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (items) = mem_resize((items), (cap) * sizeof(*(items)));                               \
        }                                                                                          \
    } while (0)

#endif
