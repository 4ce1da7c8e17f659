/* process: what runs the engine inside the simulation. A process has a name, a host, an environment, a volume of files,
 * a resolver and a wall clock; each start of it makes a new instance of its program on a fresh `struct world`.
 *
 *   stopped ──start──► running ◄──pause/resume──► paused
 *      ▲                  │ kill, power cut, world_exit, stop
 *      └──── `exited` ◄───┘ the instance is destroyed on a dead world at the end of the event
 *
 * kill:      from this event on no callback of the instance runs. The host's kernel ends its connections as it would:
 *            bytes that were written are still sent, then FIN; RST where unread bytes were waiting.
 * terminate: the instance is asked to end; what of it still runs after the grace period is killed. One that is paused hears
 *            of it when it goes on.
 * power cut: sim_host_power_off (net.h): nothing is sent.
 * Files:     what was written stays. A write under way leaves the old content.
 * Source:    the "Crash" paragraph of engine/world/world.h. */
#ifndef PADDOCK_SIM_WORLD_PROCESS_H
#define PADDOCK_SIM_WORLD_PROCESS_H

#include "sim/world/dns.h"
#include "sim/world/net.h"

struct sim_program {
    /* `config` is the process's. An error ends the start: nothing is running then. */
    struct err *(*start)(struct world *w, const void *config, void **instance);
    void (*destroy)(void *instance);
    /* SIGTERM: it ends itself (world_exit) when it is ready to. NULL: the signal's default, an end at once. */
    void (*terminate)(struct world *w, const void *config, void *instance);
};

#define SIM_EXIT_KILLED     137 /* SIGKILL, out of memory */
#define SIM_EXIT_POWER_LOSS (-1)

struct sim_process_options {
    struct str name; /* unique, e.g. "site/a/manager-0"; also its component in logs and trace */
    struct sim_host *host;
    const struct sim_program
        *program;       /* NULL: none; the caller drives sim_process_world itself (tests) */
    const void *config; /* borrowed: outlives the process */
    struct sim_resolver *resolver; /* NULL: the resolver named "default" */
    struct str volume; /* name of its files; processes may share one; empty: the process's name */
    world_time clock_offset; /* its wall clock's error */
    /* After the instance is gone, from the loop. The supervisor starts it again, now or later. May be NULL. */
    void (*exited)(void *owner, struct sim_process *p, int status);
    void *owner;
};

struct sim_process *sim_process_new(struct sim *sim, const struct sim_process_options *options);
struct sim_process *sim_process_find(struct sim *sim, struct str name);
/* Its host's power must be on (else ERR_UNAVAILABLE) and it must not be running. A process that was killed in this very
 * event is still ending (ERR_CONFLICT): start it from `exited`, or later. */
struct err *sim_process_start(struct sim_process *p) must_check;
void sim_process_kill(struct sim_process *p, int status); /* no-op when it does not run */
void sim_process_terminate(struct sim_process *p,
                           world_time grace); /* no-op when it does not run */
/* It is not to be started again before that time: its supervisor asks. */
void sim_process_hold(struct sim_process *p, world_time until);
/* What is left of it; 0: nothing holds it. */
world_time sim_process_held(const struct sim_process *p);
void sim_process_stop(struct sim_process *p); /* kill with status 0: an orderly end from outside */
void sim_process_pause(
    struct sim_process *p); /* SIGSTOP: its events wait; its kernel's buffers still fill */
void sim_process_resume(struct sim_process *p);
bool sim_process_is_running(const struct sim_process *p); /* paused counts */
bool sim_process_is_paused(const struct sim_process *p);
struct str sim_process_name(const struct sim_process *p);
struct sim_host *sim_process_host(const struct sim_process *p);
uint32_t sim_process_starts(const struct sim_process *p);
void *sim_process_instance(const struct sim_process *p); /* NULL: not running */
struct world *sim_process_world(struct sim_process *p);  /* NULL: not running; of this start only */
struct sim_process *sim_process_of(const struct world *w);

/* For the next start. */
void sim_process_set_env(struct sim_process *p, struct str name, struct str value);
void sim_process_set_resolver(struct sim_process *p, struct sim_resolver *resolver); /* at once */

/* Wall clock: offset from the true one, and drift in parts per million from now on. The monotonic clock is true. */
void sim_process_set_clock(struct sim_process *p, world_time offset, int32_t drift_ppm);
world_time sim_process_clock_offset(const struct sim_process *p); /* now */

/* What a process holds at present, to be compared with itself later: nothing of it may grow without end. */
struct sim_holdings {
    size_t streams; /* connections that its instance has a handle of */
    size_t tasks;   /* timers, DNS queries, file operations, watches of files, work */
    size_t bytes;   /* in the buffers of its streams, both directions */
};
struct sim_holdings sim_process_holdings(const struct sim_process *p);

/* ---- files, seen from outside: at once, without faults; watches are told ---- */
void sim_volume_write(struct sim *sim, struct str volume, struct str path, struct str content);
bool sim_volume_read(struct sim *sim, struct str volume, struct str path,
                     struct str *content); /* borrowed */
void sim_volume_remove(struct sim *sim, struct str volume, struct str path);

#endif
