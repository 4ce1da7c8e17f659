/* From what a run found to its report. */
#include "sim/scenario/run/verdict.h"

#include <stdlib.h>

static struct str copy(struct arena *a, struct str s)
{
    return arena_str(a, s);
}

static struct str place_text(struct arena *a, struct str file, struct place p)
{
    if (!p.line)
        return str_empty;
    struct str in = p.source ? p.source->file : file;
    return arena_printf(a, STR_FMT ":%u:%u", STR_ARG(in), p.line, p.column);
}

/* Of kinds that are found while the run goes on. */
static bool is_of_moment(const char *kind)
{
    struct str k = str_c(kind);
    return str_eq_c(k, "assert") || str_eq_c(k, "wait") || str_eq_c(k, "error");
}

void verdict_add(struct verdict *v, const char *kind, struct str name, struct str text,
                 int64_t at_ns, struct place place)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 8;
        struct report_failure *more = ARENA_NEW_ARRAY(v->arena, struct report_failure, cap);
        for (size_t i = 0; i < v->n; i++)
            more[i] = v->failures[i];
        v->failures = more;
        v->cap = cap;
    }
    v->error = v->error || str_eq_c(str_c(kind), "error") || str_eq_c(str_c(kind), "budget");
    if (v->n == 0)
        v->until_ns = is_of_moment(kind) ? at_ns : -1;
    v->failures[v->n++] = (struct report_failure){.kind = str_c(kind),
                                                  .name = copy(v->arena, name),
                                                  .text = copy(v->arena, text),
                                                  .at_ns = at_ns,
                                                  .place = place_text(v->arena, v->file, place)};
}

void verdict_expected(struct verdict *v, struct str expected, struct str seen)
{
    BUG_ON(v->n == 0, "a failure has been added");
    v->failures[v->n - 1].expected = copy(v->arena, expected);
    v->failures[v->n - 1].seen = copy(v->arena, seen);
}

/* ---- assertions ---- */

static void expected_of(struct verdict *v, const struct monitor_result *r)
{
    struct str expected = arena_printf(v->arena, "%s: " STR_FMT, assert_mode_name(r->clause->mode),
                                       STR_ARG(expr_text(r->clause->that)));
    verdict_expected(v, expected, r->witness);
}

void verdict_of_monitor(struct verdict *v, const struct monitor *m)
{
    for (size_t i = 0; i < monitor_count(m); i++) {
        const struct monitor_result *r = monitor_result(m, i);
        if (r->verdict == MONITOR_FAILED) {
            verdict_add(v, "assert", r->clause->name, r->witness, r->at_ns, r->clause->place);
            expected_of(v, r);
            if (v->n == 1) /* a breach is dated back to its beginning */
                v->until_ns += r->clause->lasting_ns;
        } else if (r->verdict == MONITOR_VACUOUS) {
            verdict_add(v, "assert", r->clause->name,
                        STR("its window never opened: the step it waits for did not end"), -1,
                        r->clause->place);
        }
    }
}

static void write_asserts(struct arena *a, const struct monitor *m, struct report_run *out)
{
    size_t n = monitor_count(m);
    struct report_assert *list = ARENA_NEW_ARRAY(a, struct report_assert, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct monitor_result *r = monitor_result(m, i);
        bool bad = r->verdict == MONITOR_FAILED || r->verdict == MONITOR_VACUOUS;
        list[i] = (struct report_assert){.name = copy(a, r->clause->name),
                                         .mode = str_c(assert_mode_name(r->clause->mode)),
                                         .expression = copy(a, expr_text(r->clause->that)),
                                         .verdict = str_c(monitor_verdict_name(r->verdict)),
                                         .ok = !bad,
                                         .from_ns = r->opened_ns,
                                         .decided_ns = r->at_ns,
                                         .witness = copy(a, r->witness),
                                         .evaluations = r->evaluations};
    }
    out->asserts = list;
    out->asserts_n = n;
}

/* ---- faults ---- */

void verdict_of_faults(struct verdict *v, struct inject *in, bool cut)
{
    struct place nowhere = {0};
    for (size_t i = 0; i < inject_count(in) && !cut; i++) {
        struct injected_state s = inject_state(in, i);
        if (s.fired == 0 && !s.optional)
            verdict_add(v, "fault", s.name,
                        STR("it never took effect: nothing met it while it was active; mark it "
                            "`optional: true` if that is fine"),
                        s.begin_ns, nowhere);
    }
}

static void write_faults(struct arena *a, struct inject *in, struct report_run *out)
{
    size_t n = inject_count(in);
    struct report_fault *list = ARENA_NEW_ARRAY(a, struct report_fault, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct injected_state s = inject_state(in, i);
        list[i] = (struct report_fault){.name = copy(a, s.name),
                                        .target = copy(a, s.target),
                                        .begin_ns = s.begin_ns,
                                        .end_ns = s.end_ns,
                                        .fired = s.fired,
                                        .optional = s.optional,
                                        .drawn_from = copy(a, s.drawn_from)};
    }
    out->faults = list;
    out->faults_n = n;
}

static void unsupported(struct verdict *v, const struct fault *f, const struct target *t,
                        struct place place)
{
    const char *why = "";
    struct buf name = {0};
    if (inject_supports(f, t, &why))
        return;
    fault_name(f->kind, &name);
    buf_addf(&name, " on " STR_FMT, STR_ARG(t->text));
    verdict_add(v, "unsupported", buf_str(&name), str_c(why), -1, place);
    buf_free(&name);
}

bool verdict_unsupported(struct verdict *v, const struct plan *plan)
{
    v->file = plan->file;
    for (size_t i = 0; i < plan->faults_n; i++)
        unsupported(v, &plan->faults[i].fault, &plan->faults[i].target,
                    plan->faults[i].origin.place);
    for (size_t s = 0; s < plan->steps_n; s++)
        for (size_t r = 0; r < plan->steps[s].rounds; r++)
            for (size_t i = 0; i < plan_actions_n(&plan->steps[s], r); i++) {
                const struct plan_action *a = &plan->steps[s].actions[r][i];
                if (a->kind == ACTION_FAULT)
                    unsupported(v, &a->fault, &a->target, a->place);
            }
    return v->n > 0;
}

/* ---- description ---- */

void verdict_add_word(struct buf *out, struct str word)
{
    bool plain = word.n > 0;
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        plain = plain && (letter || str_find_char(STR("-_./=,:@%+"), c) >= 0);
    }
    if (plain) {
        buf_add(out, word);
        return;
    }
    buf_add_char(out, '\'');
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '\'')
            buf_add_c(out, "'\\'");
        buf_add_char(out, word.p[i]);
    }
    buf_add_char(out, '\'');
}

static void add_option(struct buf *out, const char *option, struct str value)
{
    if (!value.n)
        return;
    buf_addf(out, " %s ", option);
    verdict_add_word(out, value);
}

/* "a=1,b=2" as repeated options. */
static void add_list(struct buf *out, const char *option, struct str list)
{
    struct str item, rest = list;
    for (bool more = list.n > 0; more;) {
        more = str_cut(rest, ',', &item, &rest);
        add_option(out, option, item);
    }
}

/* The choices that are on, or those that are off. */
static void add_choices(struct buf *out, const struct plan *plan, bool on)
{
    const char *before = on ? "on: " : "; off: ";
    for (size_t i = 0; i < plan->choices_n; i++)
        if (plan->choices[i]->on == on) {
            buf_addf(out, "%s" STR_FMT, before, STR_ARG(plan->choices[i]->name));
            before = ", ";
        }
}

static struct str swarm_text(struct arena *a, const struct plan *plan)
{
    struct buf text = {0};
    if (plan->swarm) {
        add_choices(&text, plan, true);
        add_choices(&text, plan, false);
    }
    struct str copied = copy(a, buf_str(&text));
    buf_free(&text);
    return copied;
}

void verdict_describe(struct arena *a, const struct plan *plan, struct report_run *out)
{
    struct buf replay = {0};
    buf_add_c(&replay, "paddock-sim run ");
    verdict_add_word(&replay, plan->file);
    add_option(&replay, "--case", plan->case_id);
    add_option(&replay, "--profile", plan->profile);
    add_list(&replay, "--set", plan->params_set);
    add_list(&replay, "--policy", plan->policies_set);
    buf_addf(&replay, " --seed %llu", (unsigned long long)plan->seed);
    out->name = copy(a, plan->scenario);
    out->file = copy(a, plan->file);
    out->profile = copy(a, plan->profile);
    out->case_id = copy(a, plan->case_id);
    out->params = copy(a, plan->params_set);
    out->policies = copy(a, plan->policies_set);
    out->swarm = swarm_text(a, plan);
    out->seed = plan->seed;
    out->wishes = (struct report_wishes){.sarif = plan->report.sarif,
                                         .no_junit = !plan->report.junit,
                                         .no_html = !plan->report.html,
                                         .csv = plan->report.csv,
                                         .no_trace = plan->report.trace == REPORT_TRACE_NEVER,
                                         .trace = plan->report.trace == REPORT_TRACE_ALWAYS};
    out->wall_start_unix_ns = plan->clock.start_unix_ns;
    out->replay = copy(a, buf_str(&replay));
    buf_free(&replay);
}

/* ---- metrics ---- */

void verdict_metrics(struct arena *a, const struct sim *sim, struct report_run *out)
{
    size_t n = 0;
    struct str name;
    int64_t value;
    for (size_t i = 0; sim_counter_next(sim, &i, &name, &value);)
        n++;
    struct report_metric *list = ARENA_NEW_ARRAY(a, struct report_metric, n + 1);
    n = 0;
    for (size_t i = 0; sim_counter_next(sim, &i, &name, &value);)
        list[n++] = (struct report_metric){copy(a, name), value};
    out->metrics = list;
    out->metrics_n = n;
}

/* The replay stops at the first whole second behind the failure. */
static void stop_replay(const struct verdict *v, struct report_run *out)
{
    struct buf replay = {0};
    buf_addf(&replay, STR_FMT " --until ", STR_ARG(out->replay));
    report_duration(&replay, (v->until_ns / NS_PER_S + 1) * NS_PER_S);
    out->replay = copy(v->arena, buf_str(&replay));
    buf_free(&replay);
}

void verdict_finish(struct verdict *v, struct inject *in, const struct monitor *m,
                    struct report_run *out)
{
    if (in)
        write_faults(v->arena, in, out);
    if (m)
        write_asserts(v->arena, m, out);
    if (v->n > 0 && v->until_ns >= 0)
        stop_replay(v, out);
    out->failures = v->failures;
    out->failures_n = v->n;
    out->outcome = v->n == 0 ? REPORT_PASSED : v->error ? REPORT_ERROR : REPORT_FAILED;
}
