/* Cases × profiles of scenario files. */
#include "sim/scenario/suite/suite.h"

#include "engine/base/timefmt.h"
#include "reports/report_pack.h"
#include "sim/scenario/expr/diag.h"
#include "sim/scenario/run/verdict.h"

struct suite_file {
    struct sometimes_tally tally;
    size_t first, last; /* its runs */
};

struct job {
    struct plan *plan;
    struct str doc;
    struct suite_file *file;
};

struct suite {
    struct arena arena;
    const struct options *options;
    struct run_options run;
    struct job *jobs;
    size_t jobs_n, jobs_cap;
    struct report_run **runs;
    size_t n;
    struct report report;
};

struct suite *suite_new(const struct options *options, const struct run_options *run)
{
    struct suite *s = MEM_NEW(struct suite);
    s->options = options;
    s->run = *run;
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
    mem_free(s->jobs);
    mem_free(s->runs);
    arena_free(&s->arena);
    mem_free(s);
}

static bool interrupted(const struct suite *s)
{
    return s->run.interrupted && *s->run.interrupted;
}

/* ---- what is to be run ---- */

static bool add_job(struct suite *s, const struct scenario *sc, const struct scenario_case *which,
                    struct str profile, struct suite_file *file, struct diags *diags)
{
    struct plan_request request = {.which = which,
                                   .profile = profile,
                                   .policies = s->options->policies,
                                   .policies_n = s->options->policies_n,
                                   .seed =
                                       s->options->has_seed ? s->options->seed : sc->seeds.first};
    struct plan *plan = scenario_plan(&s->arena, sc, &request, diags);
    if (!plan)
        return false;
    if (s->jobs_n == s->jobs_cap) {
        s->jobs_cap = s->jobs_cap ? s->jobs_cap * 2 : 16;
        s->jobs = mem_resize(s->jobs, s->jobs_cap * sizeof *s->jobs);
        s->runs = mem_resize(s->runs, s->jobs_cap * sizeof *s->runs);
    }
    file->last = s->jobs_n;
    s->jobs[s->jobs_n++] =
        (struct job){.plan = plan, .doc = arena_str(&s->arena, sc->doc), .file = file};
    return true;
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

static bool has_step(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->steps_n; i++)
        if (str_eq(plan->steps[i].name, name))
            return true;
    return false;
}

/* --until STEP: some case of the file has to have the step; in the others the run goes on to its end. */
static struct err *check_until(struct suite *s, size_t first)
{
    struct str step = s->run.until_step;
    const struct plan *plan = first < s->jobs_n ? s->jobs[first].plan : NULL;
    bool found = step.n == 0 || !plan;
    for (size_t i = first; i < s->jobs_n && !found; i++)
        found = has_step(s->jobs[i].plan, step);
    if (found)
        return NULL;
    struct str *names = ARENA_NEW_ARRAY(&s->arena, struct str, plan->steps_n + 1);
    for (size_t i = 0; i < plan->steps_n; i++)
        names[i] = plan->steps[i].name;
    return err_new(
        ERR_INVALID, "--until: \"" STR_FMT "\" is no time such as 12m30s and no step" STR_FMT,
        STR_ARG(step), STR_ARG(diag_suggest_tail(&s->arena, step, names, plan->steps_n)));
}

/* Says what is wrong with the options for this file. */
static bool refuse(const struct scenario *sc, struct err *take_err, struct buf *errors)
{
    buf_addf(errors, STR_FMT ": error: ", STR_ARG(sc->source.file));
    err_print(take_err, errors);
    buf_add_char(errors, '\n');
    err_free(take_err);
    return false;
}

static bool add_all(struct suite *s, struct scenario *sc, struct diags *diags, struct buf *errors)
{
    const struct scenario_case **cases = NULL;
    size_t n = 0;
    struct err *err = apply_sets(s, sc);
    if (!err)
        err = scenario_cases(sc, s->options->case_filter, &cases, &n);
    if (err)
        return refuse(sc, err, errors);
    struct suite_file *file = ARENA_NEW(&s->arena, struct suite_file);
    file->tally.arena = &s->arena;
    file->first = s->jobs_n;
    struct str one = s->options->profile; /* asked for by name: whether the file lists it or not */
    bool ok = true;
    for (size_t c = 0; c < n && ok; c++)
        for (size_t p = 0; p < (one.n ? 1 : sc->profiles.n) && ok; p++)
            ok = add_job(s, sc, cases[c], one.n ? one : sc->profiles.v[p], file, diags);
    err = ok ? check_until(s, file->first) : NULL;
    return err ? refuse(sc, err, errors) : ok;
}

bool suite_add_file(struct suite *s, struct str file, struct str bytes, struct buf *errors)
{
    struct arena *a = &s->arena;
    struct source source = {arena_str(a, file), arena_str(a, bytes)}; /* plans have views into it */
    struct diags diags;
    diags_init(&diags, a, &source);
    struct scenario *sc = scenario_load(a, source.file, source.text, &diags);
    bool ok = sc && diags.n == 0 && add_all(s, sc, &diags, errors);
    diags_sort(&diags);
    diags_print(&diags, errors);
    return ok && diags.n == 0;
}

size_t suite_count(const struct suite *s)
{
    return s->jobs_n;
}

void suite_style(const struct suite *s, struct report_style *style)
{
    for (size_t i = 0; i < s->jobs_n; i++)
        report_style_fit(style, s->jobs[i].plan->scenario, s->jobs[i].plan->case_id,
                         s->jobs[i].plan->profile);
}

/* ---- carrying out ---- */

struct report_run *suite_run(struct suite *s, size_t i)
{
    BUG_ON(i >= s->jobs_n, "no such run");
    struct run_options options = s->run;
    options.tally = &s->jobs[i].file->tally;
    struct report_run *run = run_plan(&s->arena, s->jobs[i].plan, &options);
    run->doc = s->jobs[i].doc;
    return run;
}

struct report_run *suite_lost(struct suite *s, size_t i, struct str why)
{
    BUG_ON(i >= s->jobs_n, "no such run");
    struct report_run *run = ARENA_NEW(&s->arena, struct report_run);
    struct report_failure *f = ARENA_NEW(&s->arena, struct report_failure);
    verdict_describe(&s->arena, s->jobs[i].plan, run);
    *f = (struct report_failure){.kind = STR("error"),
                                 .name = STR("process"),
                                 .text = arena_str(&s->arena, why),
                                 .at_ns = -1,
                                 .place = str_empty};
    run->doc = s->jobs[i].doc;
    run->trace_hash = str_empty;
    run->outcome = REPORT_ERROR;
    run->failures = f;
    run->failures_n = 1;
    return run;
}

void suite_pack(const struct suite *s, size_t i, const struct report_run *run, struct buf *out)
{
    report_pack(run, out);
    sometimes_pack(&s->jobs[i].file->tally, out);
}

struct err *suite_unpack(struct suite *s, size_t i, struct str bytes, struct report_run **out)
{
    struct err *err = report_unpack(&s->arena, &bytes, out);
    return err ? err : sometimes_unpack(&s->jobs[i].file->tally, bytes);
}

/* `sometimes` clauses that no run of the file saw: the scenario is vacuous; its last run says so. */
static void judge_sometimes(struct suite *s, const struct suite_file *file)
{
    struct str name;
    bool partial = s->options->until.n || interrupted(s);
    for (size_t i = 0; !partial && sometimes_unseen(&file->tally, &i, &name);) {
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
                                 s->n - file->first),
            .at_ns = -1};
        last->failures = more;
        last->failures_n++;
        if (last->outcome == REPORT_PASSED)
            last->outcome = REPORT_FAILED;
    }
}

void suite_done(struct suite *s, size_t i, struct report_run *run)
{
    BUG_ON(i != s->n || i >= s->jobs_n, "results are taken in order");
    s->runs[s->n++] = run;
    if (i == s->jobs[i].file->last)
        judge_sometimes(s, s->jobs[i].file);
}

const struct report *suite_report(struct suite *s)
{
    s->report.runs = (const struct report_run *const *)s->runs;
    s->report.n = s->n;
    return &s->report;
}
