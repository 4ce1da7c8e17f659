/* supervisor: starts a process again when it ends, as systemd or a kubelet would: after a first short pause, then with a
 * doubling back-off that starts anew after a quiet while; while the host has no power it waits for it. Jitter-free: two
 * machines that lose power together come back together, which is what the engine has to stand.
 * Ownership: embedded in its owner; supervisor_exited is the process's `exited` with the supervisor as owner. */
#ifndef PADDOCK_SIM_CLUSTER_SUPERVISOR_H
#define PADDOCK_SIM_CLUSTER_SUPERVISOR_H

#include "sim/world/process.h"

#define SUPERVISOR_FIRST NS_PER_S
#define SUPERVISOR_NEXT  (5 * NS_PER_S)
#define SUPERVISOR_MAX   (60 * NS_PER_S)
#define SUPERVISOR_QUIET (300 * NS_PER_S)

struct supervisor {
    struct sim *sim;
    struct sim_process *process; /* set once it is made */
    struct sim_task *restart;
    uint32_t ends; /* in a row */
    world_time started_at;
    bool off;                     /* does not start it again until supervisor_start */
    void (*changed)(void *owner); /* it runs now, or has ended; may be NULL */
    void *owner;
};

void supervisor_exited(void *owner, struct sim_process *p, int status);
/* Starts it now (or as soon as the power is back) and keeps it running. */
void supervisor_start(struct supervisor *s);
/* Ends it and leaves it so. */
void supervisor_stop(struct supervisor *s);

#endif
