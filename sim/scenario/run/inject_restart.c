/* Processes that are asked to end (SIGTERM, and 30 s later SIGKILL, as Kubernetes does), all at once or as a rollout.
 *
 *   rollout: the first is asked ─ RESTART_GAP, and it serves again (at the latest ROLLOUT_PATIENCE) ─► the next one ... */
#include "sim/scenario/run/inject_internal.h"

#include "engine/base/list.h"

#define RESTART_GAP      (15 * NS_PER_S)
#define ROLLOUT_LOOK     NS_PER_S
#define ROLLOUT_PATIENCE (60 * NS_PER_S)
#define RESTART_GRACE    (30 * NS_PER_S)

struct rollout {
    struct list node; /* in inject->rollouts */
    struct inject *in;
    struct picks picks;
    size_t next;
    int64_t asked_at;
    uint32_t starts; /* of the one that was asked last, then */
};

static void pick(const struct inject *in, const struct target *t, struct picks *p)
{
    struct target_end all = {.kind = TARGET_MANAGER, .any = true, .first = -1, .last = -1};
    struct target settled = picks_settle(in->estate, t);
    picks_add(in->estate, t->kind == TARGET_ALL ? &all : &settled.a, p);
}

void inject_restart(struct inject *in, const struct target *t)
{
    struct picks p = {0};
    pick(in, t, &p);
    for (size_t i = 0; i < p.processes_n; i++)
        sim_process_terminate(p.processes[i], RESTART_GRACE);
    picks_free(&p);
}

static void rollout_free(struct rollout *r)
{
    list_remove(&r->node);
    picks_free(&r->picks);
    mem_free(r);
}

static bool is_back(const struct rollout *r)
{
    const struct sim_process *p = r->picks.processes[r->next - 1];
    const struct server *s = sim_process_instance(p);
    return sim_process_starts(p) != r->starts && s && server_state(s).ready;
}

static void step(void *owner)
{
    struct rollout *r = owner;
    struct sim *sim = r->in->estate->sim;
    int64_t now = sim_now(sim);
    if (r->next > 0 && now - r->asked_at < ROLLOUT_PATIENCE && !is_back(r)) {
        sim_after(sim, ROLLOUT_LOOK, step, r);
        return;
    }
    struct sim_process *p = r->picks.processes[r->next++];
    r->asked_at = now;
    r->starts = sim_process_starts(p);
    sim_process_terminate(p, RESTART_GRACE);
    if (r->next < r->picks.processes_n)
        sim_after(sim, RESTART_GAP, step, r);
    else
        rollout_free(r);
}

void inject_roll_out(struct inject *in, const struct target *t)
{
    struct rollout *r = MEM_NEW(struct rollout);
    r->in = in;
    pick(in, t, &r->picks);
    list_add_tail(&in->rollouts, &r->node);
    if (r->picks.processes_n > 0)
        step(r);
}

void inject_rollouts_free(struct inject *in)
{
    list_each (&in->rollouts, it, next)
        rollout_free(container_of(it, struct rollout, node));
}
