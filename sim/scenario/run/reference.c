#include "sim/scenario/run/reference.h"

#include "sim/scenario/run/picks.h"
#include "sim/scenario/run/points.h"
#include "sim/scenario/run/state.h"

/* What one API held when the faultless run ended. */
struct kept {
    struct str name; /* of its process; owned */
    struct state *state;
};
struct reference {
    const struct plan *plan;
    struct kept *apis;
    size_t n, cap;
    struct str problem; /* owned */
};

bool reference_is_used(const struct plan *plan)
{
    return plan->states_n > 0;
}

/* ---- the plan ---- */

static bool is_of_faults(const struct plan_action *a)
{
    return a->kind == ACTION_FAULT || a->kind == ACTION_HEAL;
}

/* The step with its rounds, times and waits, but without what it breaks. */
static void copy_step(struct arena *a, const struct plan_step *from, struct plan_step *to)
{
    *to = *from;
    to->actions = ARENA_NEW_ARRAY(a, struct plan_action *, from->rounds);
    to->actions_n = ARENA_NEW_ARRAY(a, size_t, from->rounds);
    for (size_t round = 0; round < from->rounds; round++) {
        size_t n = plan_actions_n(from, round);
        to->actions[round] = ARENA_NEW_ARRAY(a, struct plan_action, n + 1);
        for (size_t i = 0; i < n; i++)
            if (!is_of_faults(&from->actions[round][i]))
                to->actions[round][to->actions_n[round]++] = from->actions[round][i];
    }
}

struct plan *reference_plan(struct arena *a, const struct plan *plan, bool points)
{
    struct plan *out = ARENA_NEW(a, struct plan);
    *out = *plan;
    out->faults = points ? points_fault(plan) : NULL;
    out->faults_n = out->faults != NULL;
    out->asserts_n = out->measures_n = out->states_n = 0;
    out->steps = ARENA_NEW_ARRAY(a, struct plan_step, plan->steps_n + 1);
    for (size_t i = 0; i < plan->steps_n; i++)
        copy_step(a, &plan->steps[i], &out->steps[i]);
    return out;
}

/* ---- which APIs ---- */

/* Every API that the target means, in the estate's order. */
static void each_api(const struct estate *e, const struct target *t,
                     void (*each)(void *owner, struct apihost *host), void *owner)
{
    bool all = t->kind == TARGET_ALL;
    for (size_t i = 0; i < e->sites_n; i++)
        if (all || (t->a.of_site && (t->a.any || t->a.index == (int32_t)i)))
            each(owner, e->sites[i]->api);
    for (size_t i = 0; i < e->clusters_n; i++)
        if (all || (!t->a.of_site && picks_cluster(e, &t->a, i)))
            each(owner, sim_cluster_api(e->clusters[i].sim));
}

static struct kept *find(struct reference *r, struct str name)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->apis[i].name, name))
            return &r->apis[i];
    return NULL;
}

/* ---- the run ---- */

/* Of a server that is down: what it will start from. */
static struct state *state_of_host(struct apihost *host)
{
    struct store_snapshot *copy = apihost_copy(host);
    struct store *s = store_new(NULL);
    BUG_ON(!copy, "an API begins to run as it is made");
    store_restore(s, copy);
    struct state *state = state_of(s);
    store_snapshot_free(copy);
    store_free(s);
    return state;
}

static void keep(void *owner, struct apihost *host)
{
    struct reference *r = owner;
    struct str name = sim_process_name(apihost_process(host));
    if (find(r, name))
        return;
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 8;
        r->apis = mem_resize(r->apis, r->cap * sizeof(*r->apis));
    }
    r->apis[r->n++] = (struct kept){.name = str_dup(name), .state = state_of_host(host)};
}

static void at_end(void *owner, const struct estate *e)
{
    struct reference *r = owner;
    for (size_t i = 0; i < r->plan->states_n; i++)
        each_api(e, &r->plan->states[i].target, keep, r);
}

/* That a probing run's fault struck nothing is as it should be. */
static void note_problem(struct reference *r, const struct report_run *run)
{
    struct buf text = {0};
    if (run->failures_n == 0 || str_eq_c(run->failures[0].kind, "fault"))
        return;
    buf_addf(&text,
             "the faultless run, which this one is compared with, did not get to its end: " STR_FMT
             ": " STR_FMT,
             STR_ARG(run->failures[0].name), STR_ARG(run->failures[0].text));
    r->problem = buf_take(&text);
}

struct run_options reference_options(const struct run_options *options)
{
    struct run_options quiet = *options;
    quiet.until_ns = -1;
    quiet.until_step = str_empty;
    quiet.log_line = NULL;
    quiet.trace_block = NULL;
    quiet.dump = NULL;
    quiet.tally = NULL;
    quiet.reference = NULL;
    quiet.point = 0;
    return quiet;
}

struct reference *reference_new(const struct plan *plan, const struct run_options *options)
{
    struct reference *r = MEM_NEW(struct reference);
    struct arena arena = {0};
    struct run_options quiet = reference_options(options);
    r->plan = plan;
    quiet.at_end = at_end;
    quiet.at_end_owner = r;
    note_problem(r, run_plan(&arena, reference_plan(&arena, plan, quiet.record != NULL), &quiet));
    arena_free(&arena);
    return r;
}

void reference_free(struct reference *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        str_free(&r->apis[i].name);
        state_free(r->apis[i].state);
    }
    mem_free(r->apis);
    str_free(&r->problem);
    mem_free(r);
}

struct str reference_problem(const struct reference *r)
{
    return r->problem;
}

/* ---- comparing ---- */

struct comparison {
    struct reference *of;
    const struct state_ignore *ignore;
    struct buf *why;
    size_t differences;
};

static void compare(void *owner, struct apihost *host)
{
    struct comparison *c = owner;
    struct str name = sim_process_name(apihost_process(host));
    const struct kept *kept = find(c->of, name);
    if (!c->why && c->differences)
        return;
    if (!kept) {
        c->differences++;
        if (c->why)
            buf_addf(c->why, STR_FMT " is not in the reference", STR_ARG(name));
        return;
    }
    struct state *now = state_of_host(host);
    (void)state_same(now, kept->state, c->ignore, name, &c->differences, c->why);
    state_free(now);
}

bool reference_same(struct reference *r, const struct estate *e, uint32_t id, struct buf *why)
{
    BUG_ON(id >= r->plan->states_n, "a comparison is the plan's");
    const struct plan_state *s = &r->plan->states[id];
    struct state_ignore ignore = {.entries = s->ignore.v, .n = s->ignore.n};
    struct comparison c = {.of = r, .ignore = &ignore, .why = why};
    each_api(e, &s->target, compare, &c);
    if (why && c.differences == 0)
        buf_add_c(why, "the states are equal");
    else if (why)
        buf_addf(why, " (%zu difference%s)", c.differences, c.differences == 1 ? "" : "s");
    return c.differences == 0;
}
