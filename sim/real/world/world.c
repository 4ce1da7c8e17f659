/* One run with real processes: the timeline, the judging, the report. */
#include "sim/real/world/world.h"

#include "engine/base/timefmt.h"
#include "engine/world/uv/uv_world.h"
#include "sim/real/world/deeds.h"
#include "sim/real/world/later.h"
#include "sim/real/world/look.h"
#include "sim/real/world/means.h"
#include "sim/scenario/run/measures.h"
#include "sim/scenario/run/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define TICK       (20 * NS_PER_MS)
#define LAB_LOCK   "/run/paddock-real.lock"
#define SETTLE_MAX (3 * NS_PER_S) /* for answers that are still to come at the end */

enum step_state { STEP_PENDING, STEP_RUNNING, STEP_ENDED };
struct real_step {
    enum step_state state;
    size_t round;
    int64_t begin_ns, end_ns, next_round_ns, deadline_ns;
    struct expr_tracker *wait;
    bool dirty;
};
struct real {
    const struct plan *plan; /* without what cannot be judged */
    struct plan judged;
    const struct run_options *run;
    const struct real_options *options;
    struct arena *arena;
    struct uv_world *uv;
    struct world *w;
    struct netlab *lab;
    struct rig *rig;
    struct ledger *ledger;
    struct monitor *monitor;
    struct look *look;
    struct wrongs *wrongs;
    struct deeds *deeds;
    struct measures *measures;
    struct later later; /* samples of gauges */
    struct real_step *steps;
    bool *fault_begun;
    bool quiet_begun, stopped, interrupted, cut;
    int64_t settle_until;
    struct world_timer *tick;
    int64_t started_wall;
    struct verdict verdict;
    struct means_gaps gaps;
};

/* ---- moments ---- */

static bool moment_due(const struct real *r, const struct moment *m, int64_t *at)
{
    if (m->quiet && m->at_ns < 0) {
        const struct moment *quiet = &r->plan->quiet;
        if (quiet->step < 0)
            return false;
        *at = r->steps[quiet->step].end_ns + quiet->delay_ns + m->delay_ns;
        return r->steps[quiet->step].state == STEP_ENDED;
    }
    if (m->step < 0) {
        *at = m->at_ns >= 0 ? m->at_ns : 0;
        return true;
    }
    *at = r->steps[m->step].end_ns + m->delay_ns;
    return r->steps[m->step].state == STEP_ENDED;
}

static bool is_now(const struct real *r, const struct moment *m, int64_t now)
{
    int64_t at;
    return moment_due(r, m, &at) && now >= at;
}

static bool step_due(const struct real *r, size_t i, int64_t now)
{
    const struct plan_step *p = &r->plan->steps[i];
    if (p->start == STEP_AFTER_PREVIOUS)
        return i == 0 || r->steps[i - 1].state == STEP_ENDED;
    return is_now(r, &p->when, now);
}

/* ---- what goes wrong with the run itself ---- */

static void fail_with(struct real *r, const char *kind, struct str name, struct err *take_err,
                      struct place place)
{
    struct buf text = {0};
    err_print(take_err, &text);
    verdict_add(&r->verdict, kind, name, buf_str(&text), rig_now(r->rig), place);
    buf_free(&text);
    err_free(take_err);
    r->stopped = true;
}

/* ---- steps ---- */

static void step_end(struct real *r, size_t i, int64_t now)
{
    struct real_step *s = &r->steps[i];
    s->state = STEP_ENDED;
    s->end_ns = now;
    if (s->wait)
        ledger_unfollow(r->ledger, s->wait);
    ledger_step_ended(r->ledger, (uint32_t)i, now);
    measures_step_ended(r->measures, (uint32_t)i, now);
    if (r->run->until_step.n && str_eq(r->plan->steps[i].name, r->run->until_step))
        r->stopped = true;
}

static void wait_failed(struct real *r, size_t i, int64_t now)
{
    const struct plan_step *p = &r->plan->steps[i];
    struct buf text = {0}, seen = {0}, within = {0};
    expr_explain(p->until, &r->ledger->env, now, &seen);
    duration_format(&within, p->within_ns);
    buf_addf(&text, "waited %s for: " STR_FMT "; seen: %s", buf_c(&within),
             STR_ARG(expr_text(p->until)), buf_c(&seen));
    verdict_add(&r->verdict, "wait", p->name, buf_str(&text), now, p->place);
    buf_clear(&text);
    buf_addf(&text, "within %s: " STR_FMT, buf_c(&within), STR_ARG(expr_text(p->until)));
    verdict_expected(&r->verdict, buf_str(&text), buf_str(&seen));
    buf_free(&text);
    buf_free(&seen);
    buf_free(&within);
    r->stopped = true;
}

static void run_action(struct real *r, const struct plan_step *p, const struct plan_action *a)
{
    if (action_injects(a->kind) && r->quiet_begun) {
        verdict_add(&r->verdict, "error", p->name,
                    STR("it would inject something, and it is quiet already"), rig_now(r->rig),
                    a->place);
        r->stopped = true;
        return;
    }
    struct err *err =
        a->kind == ACTION_FAULT
            ? wrongs_begin(r->wrongs, p->name, &a->target, &a->fault, a->for_ns, a->optional, NULL)
            : deeds_do(r->deeds, a);
    if (err)
        fail_with(r, "error", p->name, err, a->place);
}

static void step_look(struct real *r, size_t i, int64_t now)
{
    struct real_step *s = &r->steps[i];
    const struct plan_step *p = &r->plan->steps[i];
    if (s->state == STEP_PENDING && step_due(r, i, now)) {
        s->state = STEP_RUNNING;
        s->begin_ns = s->next_round_ns = now;
        s->deadline_ns = now + p->within_ns;
    }
    if (s->state != STEP_RUNNING)
        return;
    while (s->round < p->rounds && now >= s->next_round_ns && !r->stopped) {
        for (size_t k = 0; k < plan_actions_n(p, s->round); k++)
            run_action(r, p, &p->actions[s->round][k]);
        s->round++;
        s->next_round_ns += p->every_ns;
    }
    if (s->round < p->rounds || r->stopped)
        return;
    if (!p->until) {
        step_end(r, i, now);
        return;
    }
    if (!s->wait) {
        s->wait = expr_tracker_new(r->arena, p->until);
        ledger_follow(r->ledger, s->wait);
    }
    struct expr_result result = expr_track(s->wait, &r->ledger->env, now);
    if (result.value.known && result.value.i)
        step_end(r, i, now);
    else if (now >= s->deadline_ns)
        wait_failed(r, i, now);
}

static void timeline_look(struct real *r, int64_t now)
{
    for (size_t i = 0; i < r->plan->steps_n && !r->stopped; i++)
        step_look(r, i, now);
    for (size_t i = 0; i < r->plan->faults_n && !r->stopped; i++) {
        const struct plan_fault *p = &r->plan->faults[i];
        if (r->fault_begun[i] || !is_now(r, &p->when, now))
            continue;
        r->fault_begun[i] = true;
        struct err *err = wrongs_begin(r->wrongs, p->name, &p->target, &p->fault, p->for_ns,
                                       p->optional, p->drawn_from);
        if (err)
            fail_with(r, "error", p->name, err, p->origin.place);
    }
    if (r->plan->quiet.given && !r->quiet_begun && is_now(r, &r->plan->quiet, now)) {
        struct target everything = {0};
        r->quiet_begun = true;
        (void)wrongs_heal(r->wrongs, &everything);
        monitor_quiet_began(r->monitor, now);
        measures_quiet_began(r->measures, now);
    }
}

/* ---- the end ---- */

/* Nothing more can be decided: every step and fault has been, and every assertion. */
static bool all_decided(const struct real *r)
{
    for (size_t i = 0; i < r->plan->steps_n; i++)
        if (r->steps[i].state != STEP_ENDED)
            return false;
    for (size_t i = 0; i < r->plan->faults_n; i++)
        if (!r->fault_begun[i])
            return false;
    for (size_t i = 0; i < wrongs_count(r->wrongs); i++) {
        struct wrong_state s = wrongs_state(r->wrongs, i);
        if (s.end_ns < 0 && s.fired == 0)
            return false;
    }
    for (size_t i = 0; i < monitor_count(r->monitor); i++) {
        enum monitor_verdict v = monitor_result(r->monitor, i)->verdict;
        if (v == MONITOR_PENDING || v == MONITOR_WATCHING)
            return false;
    }
    return true;
}

static bool budget_left(struct real *r, int64_t now)
{
    const struct place nowhere = {0};
    int64_t limit = r->plan->clock.limit_ns;
    if (r->run->until_ns >= 0 && r->run->until_ns < limit)
        limit = r->run->until_ns;
    if (r->run->wall_clock)
        (void)r->run->wall_clock(r->run->ctx); /* where a program notices that it was interrupted */
    r->interrupted = r->run->interrupted && *r->run->interrupted;
    if (r->interrupted)
        verdict_add(&r->verdict, "interrupted", STR("interrupted"),
                    STR("the run was interrupted; what was not decided by then is not judged"), now,
                    nowhere);
    return !r->interrupted && now < limit && !r->stopped && !all_decided(r);
}

static void on_tick(void *owner)
{
    struct real *r = owner;
    const struct plan_action *at = NULL;
    int64_t now = rig_now(r->rig);
    if (r->settle_until) { /* only answers are waited for */
        bool settled = wrongs_settled(r->wrongs) && deeds_settled(r->deeds);
        if (settled || now >= r->settle_until) {
            uv_world_stop(r->uv);
            return;
        }
        world_timer_start(r->tick, TICK);
        return;
    }
    ledger_at(r->ledger, now);
    struct err *err = rig_look(r->rig);
    if (err)
        fail_with(r, "error", STR("process"), err, (struct place){0});
    ledger_sites_changed(r->ledger);
    wrongs_look(r->wrongs);
    look_round(r->look, now);
    timeline_look(r, now);
    later_look(&r->later, now);
    if ((err = deeds_failed(r->deeds, &at)))
        fail_with(r, "error", STR(""), err, at->place);
    (void)monitor_run(r->monitor, now);
    if (!budget_left(r, now))
        r->settle_until = now + SETTLE_MAX;
    world_timer_start(r->tick, TICK);
}

/* ---- the report ---- */

static void finish_steps(struct real *r, struct report_run *out)
{
    struct report_step *steps = ARENA_NEW_ARRAY(r->arena, struct report_step, r->plan->steps_n + 1);
    for (size_t i = 0; i < r->plan->steps_n; i++)
        steps[i] = (struct report_step){arena_str(r->arena, r->plan->steps[i].name),
                                        r->steps[i].begin_ns, r->steps[i].end_ns};
    out->steps = steps;
    out->steps_n = r->plan->steps_n;
}

static void finish_faults(struct real *r, struct report_run *out)
{
    size_t n = wrongs_count(r->wrongs);
    struct report_fault *list = ARENA_NEW_ARRAY(r->arena, struct report_fault, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct wrong_state s = wrongs_state(r->wrongs, i);
        list[i] = (struct report_fault){.name = arena_str(r->arena, s.name),
                                        .target = arena_str(r->arena, s.target),
                                        .begin_ns = s.begin_ns,
                                        .end_ns = s.end_ns,
                                        .fired = s.fired,
                                        .optional = s.optional,
                                        .drawn_from = arena_str(r->arena, s.drawn_from)};
        if (s.fired == 0 && !s.optional && !r->cut)
            verdict_add(&r->verdict, "fault", s.name,
                        STR("it never took effect: nothing met it while it was active; mark it "
                            "`optional: true` if that is fine"),
                        s.begin_ns, (struct place){0});
    }
    out->faults = list;
    out->faults_n = n;
}

/* What was not judged stands in the report beside what was. */
static void add_gaps(struct real *r, struct report_run *out)
{
    size_t n = out->asserts_n + r->gaps.n;
    struct report_assert *all = ARENA_NEW_ARRAY(r->arena, struct report_assert, n + 1);
    for (size_t i = 0; i < out->asserts_n; i++)
        all[i] = out->asserts[i];
    for (size_t i = 0; i < r->gaps.n; i++) {
        const struct means_gap *g = &r->gaps.items[i];
        all[out->asserts_n + i] = (struct report_assert){.name = arena_str(r->arena, g->name),
                                                         .mode = STR("-"),
                                                         .expression = g->text,
                                                         .verdict = STR("unsupported"),
                                                         .ok = false,
                                                         .from_ns = -1,
                                                         .decided_ns = -1,
                                                         .witness = g->text};
        verdict_add(&r->verdict, "unsupported", g->name, g->text, -1, g->place);
    }
    out->asserts = all;
    out->asserts_n = n;
}

static enum report_outcome outcome_of(const struct real *r, const struct report_run *out)
{
    bool unsupported = false, failed = false;
    for (size_t i = 0; i < out->failures_n; i++) {
        bool gap = str_eq_c(out->failures[i].kind, "unsupported");
        unsupported = unsupported || gap;
        failed = failed || !gap;
    }
    if (r->interrupted && out->failures_n == 1)
        return REPORT_SKIPPED;
    if (r->verdict.error)
        return REPORT_ERROR;
    return failed ? REPORT_FAILED : unsupported ? REPORT_UNSUPPORTED : REPORT_PASSED;
}

/* The command that does it again, in this world. */
static void name_world(struct real *r, struct report_run *out)
{
    out->replay = arena_printf(r->arena, STR_FMT " --world real", STR_ARG(out->replay));
    out->world = STR("real");
}

static void end(struct real *r, struct report_run *out)
{
    int64_t now = rig_now(r->rig);
    r->cut = r->interrupted || r->run->until_step.n ||
             (r->run->until_ns >= 0 && r->run->until_ns < r->plan->clock.limit_ns);
    if (r->cut)
        monitor_stop(r->monitor, now);
    else
        monitor_finish(r->monitor, now);
    if (r->run->tally)
        sometimes_add(r->run->tally, r->monitor);
    verdict_of_monitor(&r->verdict, r->monitor);
    finish_faults(r, out);
    finish_steps(r, out);
    measures_finish(r->measures, r->arena, out);
    out->simulated_ns = now;
    verdict_finish(&r->verdict, NULL, r->monitor, out);
}

/* ---- the run ---- */

static void on_process(void *owner, struct process *p)
{
    struct real *r = owner;
    if (!r->ledger)
        return; /* all is brought up */
    ledger_at(r->ledger, rig_now(r->rig));
    ledger_process_changed(r->ledger, p);
}

static int64_t clock_now(void *ctx)
{
    const struct real *r = ctx;
    return r->ledger->now;
}

static void clock_at(void *ctx, int64_t when, void (*fire)(void *owner), void *owner)
{
    struct real *r = ctx;
    later_add(&r->later, when, fire, owner);
}

static void prepare(struct real *r)
{
    struct measures_clock clock = {clock_now, clock_at, r};
    r->ledger = ledger_new(r->plan, r->rig);
    r->monitor = monitor_new(r->arena, r->plan, &r->ledger->env);
    ledger_judged_by(r->ledger, r->monitor);
    r->look = look_new(r->rig, r->ledger);
    r->wrongs = wrongs_new(r->rig, r->ledger);
    r->deeds = deeds_new(r->rig, r->ledger, r->wrongs);
    r->steps = ARENA_NEW_ARRAY(r->arena, struct real_step, r->plan->steps_n + 1);
    for (size_t i = 0; i < r->plan->steps_n; i++)
        r->steps[i] = (struct real_step){.begin_ns = -1, .end_ns = -1};
    r->measures = measures_new(r->plan, &clock, &r->ledger->env);
    r->fault_begun = ARENA_NEW_ARRAY(r->arena, bool, r->plan->faults_n + 1);
}

/* One at a time: whoever opens a laboratory removes what dead owners left, and must not meet one that is half made. */
static struct err *open_lab(struct real *r)
{
    int lock = open(LAB_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (lock >= 0 && flock(lock, LOCK_EX) != 0 && errno == EINTR)
        ;
    struct err *err = netlab_open(NULL, &r->lab);
    if (lock >= 0) {
        (void)flock(lock, LOCK_UN); /* what the laboratory started may still hold it open */
        close(lock);
    }
    return err;
}

static struct err *bring_up(struct real *r)
{
    struct uv_world_options uv = {.log_level = LOG_ERROR};
    struct err *err = uv_world_new(&uv, &r->uv);
    if (err)
        return err;
    r->w = uv_world_view(r->uv);
    err = open_lab(r);
    if (err)
        return err;
    struct rig_options o = {.plan = r->plan,
                            .w = r->w,
                            .lab = r->lab,
                            .folder = r->options->folder,
                            .programs = {r->options->paddock, r->options->paddock_sim},
                            .changed = on_process,
                            .owner = r};
    r->rig = rig_new(&o);
    return rig_bring_up(r->rig, r->uv, r->run->interrupted);
}

static void give_back(struct real *r)
{
    if (r->tick)
        world_timer_free(r->tick);
    later_free(&r->later);
    if (r->measures)
        measures_free(r->measures);
    deeds_free(r->deeds);
    wrongs_free(r->wrongs);
    look_free(r->look);
    ledger_free(r->ledger);
    rig_free(r->rig);
    if (r->uv)
        uv_world_free(r->uv);
    netlab_close(r->lab);
}

static void keep_words(struct real *r, const struct report_run *out)
{
    if (!r->look || out->outcome == REPORT_PASSED)
        return;
    err_ignore(look_keep(r->look, r->options->folder));
}

/* The plan without the assertions and measures that cannot be judged. */
static void leave_out(struct real *r, const struct plan *plan)
{
    struct plan_assert *asserts =
        ARENA_NEW_ARRAY(r->arena, struct plan_assert, plan->asserts_n + 1);
    r->judged = *plan;
    r->judged.asserts_n = 0;
    for (size_t i = 0; i < plan->asserts_n; i++)
        if (means_assert(r->arena, &plan->asserts[i]))
            asserts[r->judged.asserts_n++] = plan->asserts[i];
    r->judged.asserts = asserts;
    struct plan_measure *measures =
        ARENA_NEW_ARRAY(r->arena, struct plan_measure, plan->measures_n + 1);
    r->judged.measures_n = 0;
    for (size_t i = 0; i < plan->measures_n; i++)
        if (means_expression(r->arena, plan->measures[i].value).n == 0)
            measures[r->judged.measures_n++] = plan->measures[i];
    r->judged.measures = measures;
    r->plan = &r->judged;
    means_of_asserts(r->arena, plan, &r->gaps);
}

/* True: it cannot be begun. */
static bool refused(struct real *r, const struct plan *plan, struct report_run *out)
{
    struct means_gaps gaps = {0};
    means_of_run(r->arena, plan, &gaps);
    for (size_t i = 0; i < gaps.n; i++)
        verdict_add(&r->verdict, "unsupported", gaps.items[i].name, gaps.items[i].text, -1,
                    gaps.items[i].place);
    if (gaps.n == 0)
        return false;
    verdict_finish(&r->verdict, NULL, NULL, out);
    out->outcome = REPORT_UNSUPPORTED;
    return true;
}

static void no_world(struct real *r, struct err *take_err, struct report_run *out)
{
    struct buf text = {0};
    bool unsupported = take_err->code == NETLAB_UNSUPPORTED;
    err_print(take_err, &text);
    verdict_add(&r->verdict, unsupported ? "unsupported" : "world", STR("the world"),
                buf_str(&text), -1, (struct place){0});
    verdict_finish(&r->verdict, NULL, NULL, out);
    out->outcome = unsupported ? REPORT_UNSUPPORTED : REPORT_ERROR;
    buf_free(&text);
    err_free(take_err);
}

struct report_run *real_run(struct arena *a, const struct plan *plan, const struct run_options *run,
                            const struct real_options *options)
{
    struct report_run *out = ARENA_NEW(a, struct report_run);
    struct real r = {.run = run, .options = options, .arena = a};
    r.verdict.arena = a;
    r.verdict.file = plan->file;
    verdict_describe(a, plan, out);
    name_world(&r, out);
    if (refused(&r, plan, out))
        return out;
    leave_out(&r, plan);
    r.started_wall = run->wall_clock ? run->wall_clock(run->ctx) : 0;
    struct err *err = bring_up(&r);
    if (err) {
        no_world(&r, err, out);
        give_back(&r);
        return out;
    }
    prepare(&r);
    out->wall_start_unix_ns = world_wall(r.w);
    r.tick = world_timer_new(r.w, on_tick, &r);
    world_timer_start(r.tick, 0);
    (void)uv_world_run(r.uv);
    end(&r, out);
    add_gaps(&r, out);
    out->failures = r.verdict.failures;
    out->failures_n = r.verdict.n;
    out->outcome = outcome_of(&r, out);
    out->wall_ns = run->wall_clock ? run->wall_clock(run->ctx) - r.started_wall : 0;
    keep_words(&r, out);
    give_back(&r);
    return out;
}
