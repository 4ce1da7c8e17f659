#include "sim/scenario/run/monitor.h"

#include "engine/base/timefmt.h"

#include <string.h>

#define NOT_YET (-1)

struct clause {
    const struct plan_assert *a;
    struct monitor_result result;
    struct expr_tracker *tracker;
    bool dirty;         /* something that the condition names has changed */
    int64_t next_check; /* when the condition may change by itself */
    int64_t
        since_ns; /* always, never: the breach began; within: it holds since; NOT_YET: neither */
    struct str witness; /* of a breach that does not count yet */
};

/* The clauses that depend on one thing: a run of `index`. */
struct interest {
    uint32_t first, n;
};

struct monitor {
    struct arena *arena;
    const struct plan *plan;
    const struct expr_env *env;
    struct clause *clauses;
    size_t n;
    int64_t *step_ended; /* by step; NOT_YET */
    int64_t quiet_began;
    uint32_t *index;         /* clause numbers, grouped by what they depend on */
    struct interest *items;  /* by collection */
    struct interest *fields; /* by field_base[collection] + field */
    struct interest *globals;
    struct interest *steps;
    size_t *field_base;
    bool dirty;      /* some clause is, or a window may have opened */
    int64_t next_ns; /* when something is due */
    bool finished;
};

const char *monitor_verdict_name(enum monitor_verdict v)
{
    static const char *const names[] = {"pending", "watching", "held",
                                        "failed",  "unseen",   "vacuous"};
    BUG_ON((unsigned)v >= ARRAY_LEN(names), "a verdict has a name");
    return names[v];
}

/* ---- who depends on what ---- */

static struct interest *interest_of(struct monitor *m, struct expr_dep dep)
{
    switch (dep.kind) {
    case EXPR_DEP_ITEMS:
        return &m->items[dep.a];
    case EXPR_DEP_FIELD:
        return &m->fields[m->field_base[dep.a] + dep.b];
    case EXPR_DEP_GLOBAL:
        return &m->globals[dep.a];
    case EXPR_DEP_STEP:;
    }
    return &m->steps[dep.a];
}

static size_t count_deps(struct monitor *m)
{
    size_t total = 0, n;
    for (size_t i = 0; i < m->n; i++) {
        const struct expr_dep *deps = expr_deps(m->clauses[i].a->that, &n);
        for (size_t d = 0; d < n; d++)
            interest_of(m, deps[d])->n++;
        total += n;
    }
    return total;
}

static uint32_t lay_out(struct interest *list, size_t n, uint32_t at)
{
    for (size_t i = 0; i < n; i++) {
        list[i].first = at;
        at += list[i].n;
        list[i].n = 0;
    }
    return at;
}

static void build_index(struct monitor *m)
{
    const struct expr_vocabulary *v = m->plan->scope.vocabulary;
    size_t fields = 0, n;
    m->field_base = ARENA_NEW_ARRAY(m->arena, size_t, v->collections_n);
    for (size_t c = 0; c < v->collections_n; c++) {
        m->field_base[c] = fields;
        fields += v->collections[c].fields_n;
    }
    m->items = ARENA_NEW_ARRAY(m->arena, struct interest, v->collections_n);
    m->fields = ARENA_NEW_ARRAY(m->arena, struct interest, fields);
    m->globals = ARENA_NEW_ARRAY(m->arena, struct interest, v->globals_n);
    m->steps = ARENA_NEW_ARRAY(m->arena, struct interest, m->plan->steps_n);
    m->index = ARENA_NEW_ARRAY(m->arena, uint32_t, count_deps(m));
    uint32_t at = lay_out(m->items, v->collections_n, 0);
    at = lay_out(m->fields, fields, at);
    at = lay_out(m->globals, v->globals_n, at);
    lay_out(m->steps, m->plan->steps_n, at);
    for (size_t i = 0; i < m->n; i++) {
        const struct expr_dep *deps = expr_deps(m->clauses[i].a->that, &n);
        for (size_t d = 0; d < n; d++) {
            struct interest *list = interest_of(m, deps[d]);
            m->index[list->first + list->n++] = (uint32_t)i;
        }
    }
}

struct monitor *monitor_new(struct arena *a, const struct plan *plan, const struct expr_env *env)
{
    struct monitor *m = ARENA_NEW(a, struct monitor);
    m->arena = a;
    m->plan = plan;
    m->env = env;
    m->n = plan->asserts_n;
    m->quiet_began = NOT_YET;
    m->dirty = true;
    m->clauses = ARENA_NEW_ARRAY(a, struct clause, m->n);
    m->step_ended = ARENA_NEW_ARRAY(a, int64_t, plan->steps_n);
    for (size_t i = 0; i < plan->steps_n; i++)
        m->step_ended[i] = NOT_YET;
    for (size_t i = 0; i < m->n; i++) {
        struct clause *c = &m->clauses[i];
        c->a = &plan->asserts[i];
        c->tracker = expr_tracker_new(a, c->a->that);
        c->since_ns = NOT_YET;
        c->result = (struct monitor_result){
            .clause = c->a, .at_ns = NOT_YET, .opened_ns = NOT_YET, .witness = str_empty};
    }
    build_index(m);
    return m;
}

static void touch(struct monitor *m, struct expr_dep dep)
{
    const struct interest *list = interest_of(m, dep);
    for (uint32_t i = 0; i < list->n; i++) {
        struct clause *c = &m->clauses[m->index[list->first + i]];
        c->dirty = true;
        expr_tracker_touch(c->tracker, dep);
    }
    m->dirty |= list->n > 0;
}

void monitor_changed_items(struct monitor *m, uint32_t collection)
{
    BUG_ON(collection >= m->plan->scope.vocabulary->collections_n,
           "a collection of the vocabulary");
    touch(m, (struct expr_dep){EXPR_DEP_ITEMS, collection, 0});
}

static bool is_field(const struct monitor *m, uint32_t collection, uint32_t field)
{
    const struct expr_vocabulary *v = m->plan->scope.vocabulary;
    return collection < v->collections_n && field < v->collections[collection].fields_n;
}

void monitor_changed_field(struct monitor *m, uint32_t collection, uint32_t field)
{
    BUG_ON(!is_field(m, collection, field), "a field of the vocabulary");
    touch(m, (struct expr_dep){EXPR_DEP_FIELD, collection, field});
}

void monitor_changed_item(struct monitor *m, uint32_t collection, uint32_t field, uint32_t item)
{
    BUG_ON(!is_field(m, collection, field), "a field of the vocabulary");
    const struct interest *list =
        interest_of(m, (struct expr_dep){EXPR_DEP_FIELD, collection, field});
    for (uint32_t i = 0; i < list->n; i++) {
        struct clause *c = &m->clauses[m->index[list->first + i]];
        if (!expr_tracker_touch_item(c->tracker, collection, field, item))
            continue;
        c->dirty = true;
        m->dirty = true;
    }
}

void monitor_changed_global(struct monitor *m, uint32_t global)
{
    BUG_ON(global >= m->plan->scope.vocabulary->globals_n, "a global of the vocabulary");
    touch(m, (struct expr_dep){EXPR_DEP_GLOBAL, global, 0});
}

void monitor_step_ended(struct monitor *m, uint32_t step, int64_t now)
{
    BUG_ON(step >= m->plan->steps_n, "a step of the plan");
    m->step_ended[step] = now;
    m->dirty = true; /* windows may open */
    touch(m, (struct expr_dep){EXPR_DEP_STEP, step, 0});
}

void monitor_quiet_began(struct monitor *m, int64_t now)
{
    m->quiet_began = now;
    m->dirty = true;
}

/* ---- windows ---- */

/* When the moment is, or NOT_YET while only the future tells. */
static int64_t moment_time(const struct monitor *m, const struct moment *moment)
{
    int64_t base, at;
    if (moment->step_name.n == 0)
        return moment->at_ns;
    base = moment->quiet ? m->quiet_began : m->step_ended[moment->step];
    if (base < 0 || __builtin_add_overflow(base, moment->delay_ns, &at))
        return NOT_YET;
    return at;
}

static int64_t opening(const struct monitor *m, const struct clause *c)
{
    bool at = c->a->mode == ASSERT_WITHIN || c->a->mode == ASSERT_AT;
    const struct moment *moment = at ? &c->a->at : &c->a->from;
    return moment->given ? moment_time(m, moment) : 0;
}

/* When the window closes; EXPR_NEVER: at the end of the run, as far as is known. */
static int64_t closing(const struct monitor *m, const struct clause *c)
{
    int64_t at;
    if (c->a->mode == ASSERT_AT)
        return c->result.opened_ns;
    if (c->a->mode == ASSERT_WITHIN)
        return __builtin_add_overflow(c->result.opened_ns, c->a->time_ns, &at) ? EXPR_NEVER : at;
    at = c->a->until.given ? moment_time(m, &c->a->until) : NOT_YET;
    return at < 0 ? EXPR_NEVER : at;
}

/* ---- judging ---- */

static void decide(struct clause *c, enum monitor_verdict verdict, int64_t at)
{
    c->result.verdict = verdict;
    c->result.at_ns = at;
}

static struct str explained(struct monitor *m, const struct clause *c, int64_t now)
{
    struct buf text = {0};
    expr_explain(c->a->that, m->env, now, &text);
    struct str copy = arena_str(m->arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

static void fail(struct monitor *m, struct clause *c, int64_t at, struct str lead, struct str why)
{
    decide(c, MONITOR_FAILED, at);
    c->result.witness =
        lead.n ? arena_printf(m->arena, STR_FMT ": " STR_FMT, STR_ARG(lead), STR_ARG(why)) : why;
}

static struct str span_text(struct monitor *m, int64_t ns)
{
    struct buf text = {0};
    duration_format(&text, ns);
    struct str copy = arena_str(m->arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

/* A condition that must not be so (always: false, never: true): it counts once it has lasted. */
static void judge_breach(struct monitor *m, struct clause *c, bool breach, int64_t now)
{
    if (!breach) {
        c->since_ns = NOT_YET;
        return;
    }
    if (c->since_ns < 0) {
        c->since_ns = now;
        c->witness = explained(m, c, now);
    }
    if (now - c->since_ns < c->a->lasting_ns)
        return;
    struct str lead = str_empty;
    if (c->a->lasting_ns)
        lead = arena_printf(m->arena, "for " STR_FMT, STR_ARG(span_text(m, c->a->lasting_ns)));
    fail(m, c, c->since_ns, lead, c->witness);
}

static void judge_hold(struct clause *c, bool holds, int64_t now)
{
    if (!holds)
        c->since_ns = NOT_YET;
    else if (c->since_ns < 0)
        c->since_ns = now;
}

static void judge(struct monitor *m, struct clause *c, bool holds, int64_t now)
{
    switch (c->a->mode) {
    case ASSERT_ALWAYS:
        judge_breach(m, c, !holds, now);
        return;
    case ASSERT_NEVER:
        judge_breach(m, c, holds, now);
        return;
    case ASSERT_WITHIN:
    case ASSERT_AT:
        judge_hold(c, holds, now);
        return;
    case ASSERT_EVENTUALLY:
    case ASSERT_SOMETIMES:;
    }
    if (holds)
        decide(c, MONITOR_HELD, now);
}

/* The window is over: what was not decided is decided now. */
static void close_window(struct monitor *m, struct clause *c, int64_t now)
{
    struct str after = str_empty;
    switch (c->a->mode) {
    case ASSERT_ALWAYS:
    case ASSERT_NEVER:
        decide(c, MONITOR_HELD, now);
        return;
    case ASSERT_SOMETIMES:
        decide(c, MONITOR_UNSEEN, now);
        return;
    case ASSERT_EVENTUALLY:
        after = arena_printf(m->arena, "not by " STR_FMT, STR_ARG(span_text(m, now)));
        break;
    case ASSERT_WITHIN:
        after = arena_printf(m->arena, "not within " STR_FMT,
                             STR_ARG(span_text(m, now - c->result.opened_ns)));
        break;
    case ASSERT_AT:;
    }
    if (c->since_ns >= 0)
        decide(c, MONITOR_HELD, c->since_ns);
    else
        fail(m, c, now, after, explained(m, c, now));
}

static void evaluate(struct monitor *m, struct clause *c, int64_t now)
{
    struct expr_result r = expr_track(c->tracker, m->env, now);
    c->result.evaluations++;
    c->dirty = false;
    c->next_check = r.next_change;
    if (r.exhausted)
        fail(m, c, now, str_empty, STR("the condition looks at too many items to be judged"));
    else
        judge(m, c, r.value.known && r.value.i, now);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b < a ? b : a;
}

/* One clause at this time; when it wants to be looked at again. */
static int64_t run_clause(struct monitor *m, struct clause *c, int64_t now)
{
    if (c->result.verdict == MONITOR_PENDING) {
        int64_t opens = opening(m, c);
        if (opens < 0)
            return EXPR_NEVER;
        if (opens > now)
            return opens;
        c->result.verdict = MONITOR_WATCHING;
        c->result.opened_ns = opens;
        c->dirty = true;
    }
    if (c->result.verdict != MONITOR_WATCHING)
        return EXPR_NEVER;
    bool lasted = c->since_ns >= 0 && c->a->lasting_ns && now - c->since_ns >= c->a->lasting_ns;
    if (c->dirty || now >= c->next_check || lasted)
        evaluate(m, c, now);
    int64_t closes = closing(m, c);
    if (c->result.verdict == MONITOR_WATCHING && now >= closes)
        close_window(m, c, now);
    if (c->result.verdict != MONITOR_WATCHING)
        return EXPR_NEVER;
    int64_t next = earlier(closes, c->next_check);
    int64_t lasts;
    if (c->since_ns >= 0 && c->a->lasting_ns &&
        !__builtin_add_overflow(c->since_ns, c->a->lasting_ns, &lasts))
        next = earlier(next, lasts);
    return next;
}

int64_t monitor_run(struct monitor *m, int64_t now)
{
    BUG_ON(m->finished, "nothing is judged behind the end");
    if (!m->dirty && now < m->next_ns)
        return m->next_ns;
    m->dirty = false;
    m->next_ns = EXPR_NEVER;
    for (size_t i = 0; i < m->n; i++)
        m->next_ns = earlier(m->next_ns, run_clause(m, &m->clauses[i], now));
    return m->next_ns;
}

void monitor_stop(struct monitor *m, int64_t now)
{
    (void)monitor_run(m, now);
    m->finished = true;
}

void monitor_finish(struct monitor *m, int64_t now)
{
    if (m->finished)
        return;
    (void)monitor_run(m, now);
    m->finished = true;
    for (size_t i = 0; i < m->n; i++) {
        struct clause *c = &m->clauses[i];
        if (c->result.verdict == MONITOR_WATCHING)
            close_window(m, c, now);
        else if (c->result.verdict == MONITOR_PENDING)
            decide(c, c->a->mode == ASSERT_SOMETIMES ? MONITOR_UNSEEN : MONITOR_VACUOUS, now);
    }
}

/* ---- results ---- */

size_t monitor_count(const struct monitor *m)
{
    return m->n;
}

const struct monitor_result *monitor_result(const struct monitor *m, size_t i)
{
    BUG_ON(i >= m->n, "a result of the plan's assertions");
    return &m->clauses[i].result;
}
