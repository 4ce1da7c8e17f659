#include "sim/scenario/run/backups.h"

#include "sim/scenario/run/inject_internal.h"

#define COPIES     12u
#define PER_BEHIND 10 /* copies in the time that lies between backup and restore */

/* What one fault needs of one API. */
struct shelf {
    struct apihost *host;
    int64_t behind_ns;
    struct {
        int64_t at;
        struct store_snapshot *copy;
    } copies[COPIES]; /* the oldest first */
    size_t n;
};

/* One fault of the plan: its clock. */
struct job {
    struct backups *of;
    struct target target;
    int64_t behind_ns;
};

struct backups {
    struct estate *estate;
    struct shelf *shelves;
    size_t shelves_n;
    struct job **jobs;
    size_t jobs_n;
};

static struct shelf *shelf_of(struct backups *b, struct apihost *host, int64_t behind_ns)
{
    for (size_t i = 0; i < b->shelves_n; i++)
        if (b->shelves[i].host == host && b->shelves[i].behind_ns == behind_ns)
            return &b->shelves[i];
    return NULL;
}

static void take(void *owner, struct apihost *host)
{
    struct job *job = owner;
    struct backups *b = job->of;
    struct store_snapshot *copy = apihost_copy(host);
    struct shelf *s = shelf_of(b, host, job->behind_ns);
    BUG_ON(!copy, "an API begins to run as it is made");
    if (!s) {
        b->shelves = mem_resize(b->shelves, (b->shelves_n + 1) * sizeof(*b->shelves));
        s = &b->shelves[b->shelves_n++];
        *s = (struct shelf){.host = host, .behind_ns = job->behind_ns};
    }
    if (s->n == COPIES) {
        store_snapshot_free(s->copies[0].copy);
        memmove(&s->copies[0], &s->copies[1], (COPIES - 1) * sizeof(s->copies[0]));
        s->n--;
    }
    s->copies[s->n].at = sim_now(b->estate->sim);
    s->copies[s->n++].copy = copy;
}

static void on_tick(void *owner)
{
    struct job *job = owner;
    struct estate *e = job->of->estate;
    inject_each_api(e, &job->target.a, take, job);
    sim_after(e->sim, job->behind_ns / PER_BEHIND + 1, on_tick, job);
}

static void add_job(struct backups *b, const struct fault *f, const struct target *t)
{
    if (f->kind != FAULT_STORE_RESTORE && f->kind != FAULT_PROCESS_STALE)
        return;
    struct job *job = MEM_NEW(struct job);
    *job = (struct job){.of = b, .target = *t, .behind_ns = f->behind_ns};
    b->jobs = mem_resize(b->jobs, (b->jobs_n + 1) * sizeof(*b->jobs));
    b->jobs[b->jobs_n++] = job;
    sim_after(b->estate->sim, 0, on_tick, job);
}

struct backups *backups_new(struct estate *e)
{
    struct backups *b = MEM_NEW(struct backups);
    const struct plan *plan = e->plan;
    b->estate = e;
    for (size_t i = 0; i < plan->faults_n; i++)
        add_job(b, &plan->faults[i].fault, &plan->faults[i].target);
    for (size_t i = 0; i < plan->steps_n; i++)
        for (size_t round = 0; round < plan->steps[i].rounds; round++)
            for (size_t a = 0; a < plan_actions_n(&plan->steps[i], round); a++) {
                const struct plan_action *action = &plan->steps[i].actions[round][a];
                if (action->kind == ACTION_FAULT)
                    add_job(b, &action->fault, &action->target);
            }
    return b;
}

void backups_free(struct backups *b)
{
    for (size_t i = 0; i < b->shelves_n; i++)
        for (size_t k = 0; k < b->shelves[i].n; k++)
            store_snapshot_free(b->shelves[i].copies[k].copy);
    for (size_t i = 0; i < b->jobs_n; i++)
        mem_free(b->jobs[i]);
    mem_free(b->jobs);
    mem_free(b->shelves);
    mem_free(b);
}

static const struct store_snapshot *pick(struct backups *b, struct apihost *host, int64_t behind_ns)
{
    const struct shelf *s = shelf_of(b, host, behind_ns);
    if (!s)
        return NULL;
    size_t pick = 0;
    for (size_t i = 0; i < s->n; i++)
        if (sim_now(b->estate->sim) - s->copies[i].at >= behind_ns)
            pick = i;
    return s->copies[pick].copy;
}

struct store_snapshot *backups_copy(struct backups *b, struct apihost *host, int64_t behind_ns)
{
    const struct store_snapshot *copy = pick(b, host, behind_ns);
    struct store *s = store_new(NULL);
    struct store_snapshot *own = NULL;
    if (copy) {
        store_restore(s, copy);
        own = store_snapshot_take(s);
    }
    store_free(s);
    return own;
}

unsigned backups_restore(struct backups *b, struct apihost *host, int64_t behind_ns)
{
    const struct store_snapshot *copy = pick(b, host, behind_ns);
    if (copy)
        apihost_restore(host, copy);
    return copy != NULL;
}
