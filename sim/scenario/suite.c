/* Cases × profiles of scenario files. */
#include "sim/scenario/suite.h"

#include "engine/base/timefmt.h"

struct suite {
    struct arena arena;
    const struct options *options;
    struct run_options run;
    struct suite_callbacks callbacks;
    struct report_run **runs;
    size_t n, cap;
    struct report report;
};

struct suite *suite_new(const struct options *options, const struct run_options *run,
                        const struct suite_callbacks *callbacks)
{
    struct suite *s = MEM_NEW(struct suite);
    s->options = options;
    s->run = *run;
    s->callbacks = *callbacks;
    s->run.until_ns = -1;
    s->run.until_step = str_empty;
    if (options->until.n && !duration_parse(options->until, &s->run.until_ns)) {
        s->run.until_ns = -1;
        s->run.until_step = options->until;
    }
    return s;
}

void suite_free(struct suite *s)
{
    mem_free(s->runs);
    arena_free(&s->arena);
    mem_free(s);
}

static void add_run(struct suite *s, struct report_run *run)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->runs = mem_resize(s->runs, s->cap * sizeof *s->runs);
    }
    s->runs[s->n++] = run;
}

static bool interrupted(const struct suite *s)
{
    return s->run.interrupted && *s->run.interrupted;
}

static bool run_one(struct suite *s, const struct scenario *sc, const struct scenario_case *which,
                    struct str profile, struct diags *diags)
{
    struct plan_request request = {.which = which,
                                   .profile = profile,
                                   .policies = s->options->policies,
                                   .policies_n = s->options->policies_n,
                                   .seed =
                                       s->options->has_seed ? s->options->seed : sc->seeds.first};
    struct arena plan_arena = {0};
    struct plan *plan = scenario_plan(&plan_arena, sc, &request, diags);
    if (plan) {
        if (s->callbacks.begin)
            s->callbacks.begin(s->callbacks.ctx, plan);
        struct report_run *run = run_plan(&s->arena, plan, &s->run);
        run->doc = arena_str(&s->arena, sc->doc);
        add_run(s, run);
        s->callbacks.done(s->callbacks.ctx, run);
    }
    arena_free(&plan_arena);
    return plan != NULL;
}

/* `sometimes` clauses that no run of the file saw: the scenario is vacuous; its last run says so. */
static void judge_sometimes(struct suite *s, const struct sometimes_tally *tally, size_t first)
{
    struct str name;
    bool partial = s->options->until.n || interrupted(s);
    for (size_t i = 0; !partial && s->n > first && sometimes_unseen(tally, &i, &name);) {
        struct report_run *last = s->runs[s->n - 1];
        struct report_failure *more =
            ARENA_NEW_ARRAY(&s->arena, struct report_failure, last->failures_n + 1);
        for (size_t f = 0; f < last->failures_n; f++)
            more[f] = last->failures[f];
        more[last->failures_n] = (struct report_failure){
            .kind = STR("assert"),
            .name = arena_str(&s->arena, name),
            .text = arena_printf(&s->arena,
                                 "sometimes: it held in none of the %zu runs of this file: what it "
                                 "guards against did not happen",
                                 s->n - first),
            .at_ns = -1};
        last->failures = more;
        last->failures_n++;
        if (last->outcome == REPORT_PASSED)
            last->outcome = REPORT_FAILED;
    }
}

static struct err *apply_sets(struct suite *s, struct scenario *sc)
{
    struct err *err = NULL;
    for (size_t i = 0; !err && i < s->options->sets_n; i++) {
        struct str name, value;
        if (!str_cut(s->options->sets[i], '=', &name, &value))
            err = err_new(ERR_INVALID, "--set takes NAME=VALUE, not \"" STR_FMT "\"",
                          STR_ARG(s->options->sets[i]));
        else
            err = scenario_set_param(sc, name, value);
    }
    return err;
}

static bool run_all(struct suite *s, struct scenario *sc, struct diags *diags, struct buf *errors)
{
    const struct scenario_case **cases = NULL;
    size_t n = 0, first = s->n;
    struct sometimes_tally tally = {.arena = &s->arena};
    struct err *err = apply_sets(s, sc);
    if (!err)
        err = scenario_cases(sc, s->options->case_filter, &cases, &n);
    if (err) {
        buf_addf(errors, STR_FMT ": error: ", STR_ARG(sc->source.file));
        err_print(err, errors);
        buf_add_char(errors, '\n');
        err_free(err);
        return false;
    }
    s->run.tally = &tally;
    struct str one = s->options->profile; /* asked for by name: whether the file lists it or not */
    bool ok = true;
    for (size_t c = 0; c < n && ok; c++)
        for (size_t p = 0; p < (one.n ? 1 : sc->profiles.n) && ok && !interrupted(s); p++)
            ok = run_one(s, sc, cases[c], one.n ? one : sc->profiles.v[p], diags);
    judge_sometimes(s, &tally, first);
    s->run.tally = NULL;
    return ok;
}

bool suite_run_file(struct suite *s, struct str file, struct str bytes, struct buf *errors)
{
    struct arena arena = {0};
    struct source source = {file, bytes};
    struct diags diags;
    diags_init(&diags, &arena, &source);
    struct scenario *sc = scenario_load(&arena, file, bytes, &diags);
    bool ok = sc && diags.n == 0 && run_all(s, sc, &diags, errors);
    diags_sort(&diags);
    diags_print(&diags, errors);
    arena_free(&arena);
    return ok && diags.n == 0;
}

const struct report *suite_report(struct suite *s)
{
    s->report.runs = (const struct report_run *const *)s->runs;
    s->report.n = s->n;
    return &s->report;
}
