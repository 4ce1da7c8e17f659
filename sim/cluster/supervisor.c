/* Keeps a process running. */
#include "sim/cluster/supervisor.h"

static void start(void *owner)
{
    struct supervisor *s = owner;
    s->restart = NULL;
    if (s->off || sim_process_is_running(s->process))
        return;
    bool on = sim_host_is_on(sim_process_host(s->process));
    struct err *err = on ? sim_process_start(s->process) : NULL;
    if (!on || err) { /* no power, or its port is still taken: looked at again */
        err_ignore(err);
        s->restart = sim_after(s->sim, SUPERVISOR_FIRST, start, s);
        return;
    }
    s->started_at = sim_now(s->sim);
    if (s->changed)
        s->changed(s->owner);
}

void supervisor_exited(void *owner, struct sim_process *p, int status)
{
    struct supervisor *s = owner;
    (void)status;
    if (sim_now(s->sim) - s->started_at >= SUPERVISOR_QUIET)
        s->ends = 0;
    world_time pause = s->ends ? SUPERVISOR_NEXT : SUPERVISOR_FIRST;
    for (uint32_t i = 1; i < s->ends && pause < SUPERVISOR_MAX; i++)
        pause *= 2;
    s->ends++;
    if (sim_process_held(p) > 0) /* a fault says when */
        pause = sim_process_held(p);
    else if (pause > SUPERVISOR_MAX)
        pause = SUPERVISOR_MAX;
    if (!s->off && !s->restart)
        s->restart = sim_after(s->sim, pause, start, s);
    if (s->changed)
        s->changed(s->owner);
}

void supervisor_start(struct supervisor *s)
{
    s->off = false;
    sim_task_cancel(s->restart);
    start(s);
}

void supervisor_stop(struct supervisor *s)
{
    s->off = true;
    sim_task_cancel(s->restart);
    s->restart = NULL;
    sim_process_stop(s->process);
}
