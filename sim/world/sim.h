/* sim: the simulated world: virtual time, one event queue, run control. A run is a pure function of the options and of
 * what the caller does; nothing here reads a clock, a file or an address of memory.
 *
 *   sim_new ─► hosts, links (net.h), records (dns.h), processes (process.h), faults (fault.h) ─► sim_run_* ─► sim_free
 *
 * Time:      int64 ns from 0 at sim_new; it moves only to the time of the next event, or to the end of sim_run_until.
 * Order:     by (time, sequence): events of one instant run in the order in which they were scheduled.
 * Ownership: everything that is made on a sim belongs to it and dies with sim_free, which also ends all processes.
 * Hooks:     event and note hooks run on the loop and may use everything of sim/world, but not sim_step or sim_run_*.
 * Cost:      more than a million events in a core-second; no allocation per event in the steady state. */
#ifndef PADDOCK_SIM_WORLD_SIM_H
#define PADDOCK_SIM_WORLD_SIM_H

#include "engine/base/rng.h"
#include "engine/world/world.h"

struct sim;
struct sim_host;
struct sim_process;

struct sim_options {
    uint64_t seed;
    int64_t wall_start;       /* ns since 1970 at virtual time 0 */
    enum log_level log_level; /* lines above it are not made */
    bool trace_off;           /* no records, no hash: benchmarks only */
    size_t
        trace_ring_bytes; /* the newest bytes of the trace that stay in memory; 0: SIM_TRACE_RING_BYTES */
    bool
        maybe; /* world_maybe points are alive: a quarter of them by seed, firing a quarter of the time */
};
#define SIM_TRACE_RING_BYTES ((size_t)8 << 20)

struct sim *sim_new(const struct sim_options *options);
void sim_free(struct sim *sim);

/* ---- run control ---- */
world_time sim_now(const struct sim *sim);
int64_t sim_wall(const struct sim *sim);    /* unskewed wall clock */
uint64_t sim_events(const struct sim *sim); /* pops of the queue so far */
/* The time of the next event; false: the queue is empty. */
bool sim_next_time(struct sim *sim, world_time *at);
bool sim_step(
    struct sim
        *sim); /* one event (or one that has to wait: not counted); false: the queue is empty */
/* Every event up to and with `until`; then the time is `until`. Returns early after sim_stop. */
void sim_run_until(struct sim *sim, world_time until);
/* Until `holds` is true (asked first and after each event) or the time would pass `limit`. Returns what holds said. */
bool sim_run_while_not(struct sim *sim, bool (*holds)(void *owner), void *owner, world_time limit);
/* The run function under way returns after this event. */
void sim_stop(struct sim *sim);
bool sim_stopped(const struct sim *sim);

/* ---- the scenario runner's own events: not tied to any process; fired handles are invalid ---- */
struct sim_task;
struct sim_task *sim_at(struct sim *sim, world_time at, void (*fire)(void *owner),
                        void *owner); /* past: now */
struct sim_task *sim_after(struct sim *sim, world_time delay, void (*fire)(void *owner),
                           void *owner);
void sim_task_cancel(struct sim_task *task); /* NULL is fine */

/* ---- hooks, called in the order of registration ---- */
void sim_on_event(struct sim *sim, void (*event)(void *owner),
                  void *owner); /* after each event: oracles */

struct sim_note { /* what world_note said */
    world_time at;
    struct sim_process *process; /* NULL: the simulator itself, through sim_note */
    const char *kind;
    struct str key, value; /* borrowed for the call */
};
void sim_on_note(struct sim *sim, void (*note)(void *owner, const struct sim_note *n), void *owner);
void sim_note(struct sim *sim, const char *kind, struct str key, struct str value);

struct sim_log_line {
    world_time at;
    struct sim_process *process;
    enum log_level level;
    struct str component, message; /* borrowed for the call */
};
/* Log lines are no part of the trace: the level must not change its hash. */
void sim_on_log(struct sim *sim, void (*line)(void *owner, const struct sim_log_line *l),
                void *owner);

/* ---- named counters that expressions can read: "dns.queries", "net.resets", "fault.<name>" (README.md lists them) ---- */
/* The cell lives as long as sim; made with 0 at the first call. */
int64_t *sim_counter(struct sim *sim, struct str name);
int64_t sim_counter_value(const struct sim *sim, struct str name); /* 0: unknown */
bool sim_counter_next(const struct sim *sim, size_t *i, struct str *name,
                      int64_t *value); /* i starts at 0 */

/* A random stream of its own for the named component: depends on seed and name only. */
struct rng sim_rng(const struct sim *sim, struct str name);

#endif
