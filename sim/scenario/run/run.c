/* One run: the timeline, the judging, the report. */
#include "sim/scenario/run/run.h"

#include "sim/scenario/run/inject.h"
#include "sim/scenario/run/involved.h"
#include "sim/scenario/run/measures.h"
#include "sim/scenario/run/recorder.h"
#include "sim/scenario/run/reference.h"
#include "sim/scenario/run/traffic.h"
#include "sim/scenario/run/verdict.h"
#include "sim/world/fault.h"
#include "sim/world/trace.h"

#define SLICE (10 * NS_PER_S) /* between two looks at budget and interruption */

enum step_state { STEP_PENDING, STEP_SCHEDULED, STEP_RUNNING, STEP_ENDED };

struct run_step {
    struct run *run;
    uint32_t index;
    enum step_state state;
    size_t round;
    int64_t begin_ns, end_ns;
    int64_t deadline_ns;   /* of a wait */
    struct sim_task *tick; /* its next look, or its deadline */
    struct expr_tracker *wait;
};

struct run_fault {
    struct run *run;
    const struct plan_fault *plan;
    bool scheduled;
};

struct run_traffic {
    struct run *run;
    size_t index;
    bool begins, ends; /* scheduled */
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    struct arena *arena;
    struct view *view;
    struct monitor *monitor;
    struct estate *estate;
    struct inject *inject;
    struct recorder *recorder;
    struct measures *measures;
    struct run_step *steps;
    struct run_fault *faults;
    struct traffic *traffic;
    struct run_traffic *flows; /* one an entry of the plan */
    struct sim_task *monitor_tick;
    struct reference *reference; /* NULL: the plan compares with none */
    bool quiet_due, quiet;       /* its time is known; it has come */
    bool interrupted;
    int64_t started_wall;
    struct verdict verdict;
};

static void steps_advance(struct run *r);
static void wait_look(struct run_step *s);

/* ---- judging ---- */

static void judge(struct run *r);

static void on_monitor_tick(void *owner)
{
    struct run *r = owner;
    r->monitor_tick = NULL;
    judge(r);
}

static void judge(struct run *r)
{
    int64_t now = sim_now(r->estate->sim);
    int64_t next = monitor_run(r->monitor, now);
    sim_task_cancel(r->monitor_tick);
    r->monitor_tick = NULL;
    if (next != EXPR_NEVER && next < r->plan->clock.limit_ns)
        r->monitor_tick = sim_at(r->estate->sim, next > now ? next : now + 1, on_monitor_tick, r);
}

static void after_event(void *owner)
{
    struct run *r = owner;
    if (!view_take_dirty(r->view))
        return;
    for (size_t i = 0; i < r->plan->steps_n; i++)
        if (r->steps[i].state == STEP_RUNNING && r->steps[i].wait)
            wait_look(&r->steps[i]);
    judge(r);
}

/* ---- steps ---- */

static void step_end(struct run_step *s)
{
    struct run *r = s->run;
    const struct plan_step *p = &r->plan->steps[s->index];
    s->state = STEP_ENDED;
    s->end_ns = sim_now(r->estate->sim);
    sim_task_cancel(s->tick);
    s->tick = NULL;
    if (s->wait)
        view_unfollow(r->view, s->wait);
    sim_note(r->estate->sim, "step.ended", p->name, str_empty);
    view_step_ended(r->view, s->index, s->end_ns);
    measures_step_ended(r->measures, s->index, s->end_ns);
    if (r->options->until_step.n && str_eq(p->name, r->options->until_step))
        sim_stop(r->estate->sim);
    steps_advance(r);
}

static void on_wait_tick(void *owner)
{
    struct run_step *s = owner;
    s->tick = NULL;
    wait_look(s);
}

static void wait_failed(struct run_step *s)
{
    struct run *r = s->run;
    const struct plan_step *p = &r->plan->steps[s->index];
    struct buf text = {0}, seen = {0}, within = {0};
    expr_explain(p->until, view_env(r->view), sim_now(r->estate->sim), &seen);
    duration_format(&within, p->within_ns);
    buf_addf(&text, "waited %s for: " STR_FMT "; seen: %s", buf_c(&within),
             STR_ARG(expr_text(p->until)), buf_c(&seen));
    verdict_add(&r->verdict, "wait", p->name, buf_str(&text), sim_now(r->estate->sim), p->place);
    buf_clear(&text);
    buf_addf(&text, "within %s: " STR_FMT, buf_c(&within), STR_ARG(expr_text(p->until)));
    verdict_expected(&r->verdict, buf_str(&text), buf_str(&seen));
    buf_free(&text);
    buf_free(&seen);
    buf_free(&within);
    sim_stop(r->estate->sim);
}

/* Looks at the condition now; when it does not hold, again when it may, or at the deadline. */
static void wait_look(struct run_step *s)
{
    struct run *r = s->run;
    int64_t now = sim_now(r->estate->sim);
    struct expr_result result = expr_track(s->wait, view_env(r->view), now);
    if (result.value.known && result.value.i) {
        step_end(s);
        return;
    }
    if (now >= s->deadline_ns) {
        wait_failed(s);
        return;
    }
    int64_t next = result.next_change < s->deadline_ns ? result.next_change : s->deadline_ns;
    sim_task_cancel(s->tick);
    s->tick = sim_at(r->estate->sim, next > now ? next : now + 1, on_wait_tick, s);
}

static void wait_begin(struct run_step *s)
{
    struct run *r = s->run;
    s->wait = expr_tracker_new(r->arena, r->plan->steps[s->index].until);
    view_follow(r->view, s->wait);
    wait_look(s);
}

/* Its time was not known when the file was read: it hangs on a wait. */
static bool refused_as_quiet(struct run *r, struct str name, struct place place)
{
    if (!r->quiet)
        return false;
    verdict_add(&r->verdict, "error", name,
                STR("it would inject something, and it is quiet already"), sim_now(r->estate->sim),
                place);
    sim_stop(r->estate->sim);
    return true;
}

static void run_action(struct run *r, const struct plan_step *p, const struct plan_action *a)
{
    if (action_injects(a->kind) && refused_as_quiet(r, p->name, a->place))
        return;
    if (a->kind == ACTION_FAULT) {
        inject_fault(r->inject, p->name, &a->target, &a->fault, a->for_ns, a->optional);
        return;
    }
    struct err *err = inject_action(r->inject, a);
    if (!err)
        return;
    struct buf text = {0};
    err_print(err, &text);
    verdict_add(&r->verdict, "error", p->name, buf_str(&text), sim_now(r->estate->sim), a->place);
    buf_free(&text);
    err_free(err);
    sim_stop(r->estate->sim);
}

static void on_round(void *owner)
{
    struct run_step *s = owner;
    struct run *r = s->run;
    const struct plan_step *p = &r->plan->steps[s->index];
    s->tick = NULL;
    for (size_t i = 0; i < plan_actions_n(p, s->round); i++)
        run_action(r, p, &p->actions[s->round][i]);
    s->round++;
    if (s->round < p->rounds)
        s->tick = sim_after(r->estate->sim, p->every_ns, on_round, s);
    else if (!p->until)
        step_end(s);
    else
        wait_begin(s);
}

static void on_step(void *owner)
{
    struct run_step *s = owner;
    struct run *r = s->run;
    const struct plan_step *p = &r->plan->steps[s->index];
    s->tick = NULL;
    s->state = STEP_RUNNING;
    s->begin_ns = sim_now(r->estate->sim);
    s->deadline_ns = s->begin_ns + p->within_ns;
    sim_note(r->estate->sim, "step.began", p->name, str_empty);
    on_round(s);
}

static bool moment_due(const struct run *r, const struct moment *m, int64_t *at)
{
    if (m->quiet && m->at_ns < 0) { /* when it becomes quiet hangs on a step */
        const struct moment *quiet = &r->plan->quiet;
        if (quiet->step < 0)
            return false; /* so long behind it that there is no such time */
        *at = r->steps[quiet->step].end_ns + quiet->delay_ns + m->delay_ns;
        return r->steps[quiet->step].state == STEP_ENDED;
    }
    if (m->step < 0) {
        *at = m->at_ns >= 0 ? m->at_ns : 0;
        return true;
    }
    const struct run_step *s = &r->steps[m->step];
    *at = s->end_ns + m->delay_ns;
    return s->state == STEP_ENDED;
}

static bool step_due(const struct run *r, size_t i, int64_t *at)
{
    const struct plan_step *p = &r->plan->steps[i];
    *at = sim_now(r->estate->sim);
    if (p->start == STEP_AFTER_PREVIOUS)
        return i == 0 || r->steps[i - 1].state == STEP_ENDED;
    return moment_due(r, &p->when, at);
}

static void on_fault(void *owner)
{
    struct run_fault *f = owner;
    struct run *r = f->run;
    if (!refused_as_quiet(r, f->plan->name, f->plan->origin.place))
        inject_drawn(inject_fault(r->inject, f->plan->name, &f->plan->target, &f->plan->fault,
                                  f->plan->for_ns, f->plan->optional),
                     f->plan->drawn_from);
}

static void on_quiet(void *owner)
{
    struct run *r = owner;
    struct target everything = {0};
    r->quiet = true;
    (void)inject_heal(r->inject, &everything);
    sim_heal_all(r->estate->sim);
    monitor_quiet_began(r->monitor, sim_now(r->estate->sim));
    measures_quiet_began(r->measures, sim_now(r->estate->sim));
    sim_note(r->estate->sim, "quiet", STR("from here on nothing is injected"), str_empty);
}

static void quiet_advance(struct run *r)
{
    const struct moment *quiet = &r->plan->quiet;
    int64_t at;
    if (!quiet->given || r->quiet_due || !moment_due(r, quiet, &at))
        return;
    r->quiet_due = true;
    sim_at(r->estate->sim, at, on_quiet, r);
}

static void on_traffic_begin(void *owner)
{
    struct run_traffic *t = owner;
    traffic_start(t->run->traffic, t->index);
}

static void on_traffic_end(void *owner)
{
    struct run_traffic *t = owner;
    traffic_stop(t->run->traffic, t->index);
}

static void traffic_advance(struct run *r)
{
    int64_t at;
    for (size_t i = 0; i < r->plan->traffic_n; i++) {
        const struct plan_traffic *p = &r->plan->traffic[i];
        struct run_traffic *t = &r->flows[i];
        if (!t->begins && (!p->from.given || moment_due(r, &p->from, &at))) {
            t->begins = true;
            sim_at(r->estate->sim, p->from.given ? at : 0, on_traffic_begin, t);
        }
        if (!t->ends && p->until.given && moment_due(r, &p->until, &at)) {
            t->ends = true;
            sim_at(r->estate->sim, at, on_traffic_end, t);
        }
    }
}

/* Schedules what has become due since the last look. */
static void steps_advance(struct run *r)
{
    int64_t at;
    quiet_advance(r);
    for (size_t i = 0; i < r->plan->steps_n; i++) {
        struct run_step *s = &r->steps[i];
        if (s->state != STEP_PENDING || !step_due(r, i, &at))
            continue;
        s->state = STEP_SCHEDULED;
        s->tick = sim_at(r->estate->sim, at, on_step, s);
    }
    for (size_t i = 0; i < r->plan->faults_n; i++) {
        struct run_fault *f = &r->faults[i];
        if (f->scheduled || !moment_due(r, &f->plan->when, &at))
            continue;
        f->scheduled = true;
        sim_at(r->estate->sim, at, on_fault, f);
    }
    traffic_advance(r);
}

/* ---- the whole ---- */

static int64_t wall_now(const struct run *r)
{
    return r->options->wall_clock ? r->options->wall_clock(r->options->ctx) : 0;
}

static bool is_interrupted(const struct run *r)
{
    return r->options->interrupted && *r->options->interrupted;
}

static bool over_budget(struct run *r)
{
    const struct plan *p = r->plan;
    int64_t limit = p->budget.wall_ns ? p->budget.wall_ns : p->clock.wall_limit_ns;
    int64_t now = wall_now(r); /* also where a program notices that it was interrupted */
    struct place nowhere = {0};
    struct str text = str_empty;
    r->interrupted = is_interrupted(r);
    if (r->interrupted) {
        verdict_add(&r->verdict, "interrupted", STR("interrupted"),
                    STR("the run was interrupted; what was not decided by then is not judged"),
                    sim_now(r->estate->sim), nowhere);
        return true;
    }
    if (limit > 0 && r->options->wall_clock && now - r->started_wall > limit)
        text = STR("the run took longer than its wall-clock limit (clock.wall_limit, budget.wall)");
    else if (p->budget.events > 0 && (int64_t)sim_events(r->estate->sim) > p->budget.events)
        text = STR("the run needed more events than its budget (budget.events)");
    else if (p->budget.memory_bytes > 0 && r->options->memory_bytes &&
             r->options->memory_bytes(r->options->ctx) > p->budget.memory_bytes)
        text = STR("the run needed more memory than its budget (budget.memory)");
    if (!text.n)
        return false;
    verdict_add(&r->verdict, "budget", STR("budget"), text, sim_now(r->estate->sim), nowhere);
    return true;
}

static void run_to_the_end(struct run *r)
{
    struct sim *sim = r->estate->sim;
    int64_t end = r->plan->clock.limit_ns;
    if (r->options->until_ns >= 0 && r->options->until_ns < end)
        end = r->options->until_ns;
    while (sim_now(sim) < end && !sim_stopped(sim) && !over_budget(r)) {
        int64_t slice = sim_now(sim) + SLICE;
        sim_run_until(sim, slice < end ? slice : end);
    }
}

static void on_api_started(void *owner, struct site *s, struct kubeapi *api, bool restored)
{
    struct run *r = owner;
    view_api_started(r->view, s, api, restored);
}

static void on_log(void *owner, const struct sim_log_line *l)
{
    struct run *r = owner;
    struct str component = l->process ? sim_process_name(l->process) : STR("world");
    r->options->log_line(r->options->ctx, l->at, l->level, component, l->message);
}

static int64_t clock_now(void *sim)
{
    return sim_now(sim);
}

static void clock_at(void *sim, int64_t when, void (*fire)(void *owner), void *owner)
{
    sim_at(sim, when, fire, owner);
}

static void begin(struct run *r)
{
    const struct plan *plan = r->plan;
    r->view = view_new(plan);
    view_compare_with(r->view, r->reference);
    r->monitor = monitor_new(r->arena, plan, view_env(r->view));
    r->estate = estate_new(plan, r->options->log_level, on_api_started, r);
    if (r->options->trace_block)
        sim_trace_spill(r->estate->sim, r->options->trace_block, r->options->ctx);
    if (r->options->log_line)
        sim_on_log(r->estate->sim, on_log, r);
    view_attach(r->view, r->estate, r->monitor);
    r->traffic = traffic_new(r->estate);
    view_traffic(r->view, r->traffic);
    r->inject = inject_new(r->estate, r->view);
    inject_points(r->inject, r->options->record, r->options->point);
    r->recorder = recorder_new(r->estate, r->view);
    struct measures_clock clock = {clock_now, clock_at, r->estate->sim};
    r->measures = measures_new(plan, &clock, view_env(r->view));
    r->steps = ARENA_NEW_ARRAY(r->arena, struct run_step, plan->steps_n + 1);
    for (size_t i = 0; i < plan->steps_n; i++)
        r->steps[i] =
            (struct run_step){.run = r, .index = (uint32_t)i, .begin_ns = -1, .end_ns = -1};
    r->faults = ARENA_NEW_ARRAY(r->arena, struct run_fault, plan->faults_n + 1);
    for (size_t i = 0; i < plan->faults_n; i++)
        r->faults[i] = (struct run_fault){.run = r, .plan = &plan->faults[i]};
    r->flows = ARENA_NEW_ARRAY(r->arena, struct run_traffic, plan->traffic_n + 1);
    for (size_t i = 0; i < plan->traffic_n; i++)
        r->flows[i] = (struct run_traffic){.run = r, .index = i};
    sim_on_event(r->estate->sim, after_event, r);
    steps_advance(r);
    judge(r);
}

static void finish_steps(struct run *r, struct report_run *out)
{
    struct report_step *steps = ARENA_NEW_ARRAY(r->arena, struct report_step, r->plan->steps_n + 1);
    for (size_t i = 0; i < r->plan->steps_n; i++)
        steps[i] = (struct report_step){arena_str(r->arena, r->plan->steps[i].name),
                                        r->steps[i].begin_ns, r->steps[i].end_ns};
    out->steps = steps;
    out->steps_n = r->plan->steps_n;
}

static void end(struct run *r, struct report_run *out)
{
    if (r->options->at_end)
        r->options->at_end(r->options->at_end_owner, r->estate);
    bool cut = r->interrupted || r->options->until_step.n ||
               (r->options->until_ns >= 0 && r->options->until_ns < r->plan->clock.limit_ns);
    if (cut)
        monitor_stop(r->monitor, sim_now(r->estate->sim));
    else
        monitor_finish(r->monitor, sim_now(r->estate->sim));
    if (r->options->tally)
        sometimes_add(r->options->tally, r->monitor);
    verdict_of_monitor(&r->verdict, r->monitor);
    verdict_of_faults(&r->verdict, r->inject, cut);
    recorder_finish(r->recorder, r->arena, out);
    finish_steps(r, out);
    measures_finish(r->measures, r->arena, out);
    verdict_metrics(r->arena, r->estate->sim, out);
    struct buf hash = {0};
    sim_trace_hash_hex(r->estate->sim, &hash);
    out->trace_hash = arena_str(r->arena, buf_str(&hash));
    buf_free(&hash);
    if (r->options->trace_block)
        sim_trace_flush(r->estate->sim);
    out->simulated_ns = sim_now(r->estate->sim);
    out->events = sim_events(r->estate->sim);
    out->wall_ns = wall_now(r) - r->started_wall;
    verdict_finish(&r->verdict, r->inject, r->monitor, out);
    involved_add(r->arena, out);
    if (r->interrupted && out->failures_n == 1) /* nothing else was found by then */
        out->outcome = REPORT_SKIPPED;
}

/* False: there is nothing to compare with; the verdict says why. */
static bool take_reference(struct run *r)
{
    const struct place nowhere = {0};
    r->reference = r->options->reference;
    if (!reference_is_used(r->plan))
        r->reference = NULL;
    else if (!r->reference)
        r->reference = reference_new(r->plan, r->options);
    if (!r->reference || !reference_problem(r->reference).n || is_interrupted(r))
        return true; /* interrupted: the run itself finds out at once */
    verdict_add(&r->verdict, "error", STR("reference"), reference_problem(r->reference), -1,
                nowhere);
    return false;
}

static void reference_give(struct run *r)
{
    if (r->reference != r->options->reference)
        reference_free(r->reference);
}

struct report_run *run_plan(struct arena *a, const struct plan *plan,
                            const struct run_options *options)
{
    struct report_run *out = ARENA_NEW(a, struct report_run);
    struct run r = {.plan = plan, .options = options, .arena = a};
    r.verdict.arena = a;
    verdict_describe(a, plan, out);
    if (verdict_unsupported(&r.verdict, plan)) {
        verdict_finish(&r.verdict, NULL, NULL, out);
        out->outcome = REPORT_UNSUPPORTED;
        return out;
    }
    r.started_wall = wall_now(&r);
    if (!take_reference(&r)) {
        verdict_finish(&r.verdict, NULL, NULL, out);
        reference_give(&r);
        return out;
    }
    begin(&r);
    run_to_the_end(&r);
    end(&r, out);
    if (options->dump)
        dump_world(options->dump, r.estate, r.view, r.inject);
    estate_free(r.estate); /* first: processes that end still say so to the others */
    traffic_free(r.traffic);
    recorder_free(r.recorder);
    measures_free(r.measures);
    inject_free(r.inject);
    view_free(r.view);
    reference_give(&r);
    return out;
}
