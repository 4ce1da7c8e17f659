/* Seeds × cases × profiles of scenario files. */
#include "sim/scenario/suite/suite.h"

#include "engine/base/timefmt.h"
#include "reports/report_pack.h"
#include "sim/scenario/expr/diag.h"
#include "sim/scenario/run/verdict.h"
#include "sim/scenario/suite/drawn.h"
#include "sim/scenario/suite/probe.h"

struct suite_file {
    struct scenario *scenario;
    const struct scenario_case **cases;
    size_t cases_n;
    struct strs profiles;
    bool has_points; /* some plan of it has: see run/points.h */
    struct sometimes_tally tally;
    struct drawn_tally drawn;
    size_t runs, left; /* its jobs; those that are not done */
};

/* All that a run is made of, but its plan: that is made when the run is carried out. */
struct job {
    struct suite_file *file;
    uint64_t seed;
    uint32_t which, profile;   /* into the file's cases and profiles */
    const struct probe *probe; /* what its points have in common; NULL: its plan has none */
    uint32_t point;            /* 0: none */
};

struct suite {
    struct arena arena;
    const struct options *options;
    const struct scenario_files *named; /* NULL: none can be read */
    struct run_options run;
    struct suite_file **files;
    size_t files_n, files_cap;
    uint64_t point; /* the only one that is wanted; 0: all */
    struct probe **probes;
    size_t probes_n, probes_cap;
    struct job *jobs;
    size_t jobs_n, jobs_cap;
    bool laid_out;
    const struct report_run **runs; /* of each job; NULL: not done */
    const struct report_run **done; /* without the gaps: for the report */
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
    for (size_t i = 0; i < s->probes_n; i++)
        probe_free(s->probes[i]);
    mem_free(s->probes);
    mem_free(s->files);
    mem_free(s->jobs);
    mem_free(s->runs);
    mem_free(s->done);
    arena_free(&s->arena);
    mem_free(s);
}

static bool interrupted(const struct suite *s)
{
    return s->run.interrupted && *s->run.interrupted;
}

/* ---- files ---- */

static struct err *apply_sets(const struct suite *s, struct scenario *sc)
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

static struct plan *make_plan(const struct suite *s, const struct job *job, struct arena *a,
                              struct diags *diags)
{
    const struct suite_file *file = job->file;
    struct plan_request request = {.which = file->cases[job->which],
                                   .profile = file->profiles.v[job->profile],
                                   .policies = s->options->policies,
                                   .policies_n = s->options->policies_n,
                                   .seed = job->seed};
    return scenario_plan(a, file->scenario, &request, diags);
}

/* --until STEP: some case of the file has to have the step; in the others the run goes on to its end. */
struct until_search {
    struct str step;
    bool found;
    struct str *names; /* of the first plan's steps: to suggest one */
    size_t names_n;
};

static void look_for_step(struct until_search *u, const struct plan *plan, struct arena *a)
{
    for (size_t i = 0; i < plan->steps_n; i++)
        u->found = u->found || str_eq(plan->steps[i].name, u->step);
    if (u->names)
        return;
    u->names = ARENA_NEW_ARRAY(a, struct str, plan->steps_n + 1);
    for (size_t i = 0; i < plan->steps_n; i++)
        u->names[u->names_n++] = arena_str(a, plan->steps[i].name);
}

static struct err *step_unknown(struct suite *s, const struct until_search *u)
{
    return err_new(
        ERR_INVALID, "--until: \"" STR_FMT "\" is no time such as 12m30s and no step" STR_FMT,
        STR_ARG(u->step), STR_ARG(diag_suggest_tail(&s->arena, u->step, u->names, u->names_n)));
}

static uint64_t first_seed(const struct suite *s, const struct suite_file *file)
{
    return s->options->has_seed ? s->options->seed : file->scenario->seeds.first;
}

/* Each plan is made once and dropped: what is wrong with one is said before anything runs. */
static struct err *try_plans(struct suite *s, struct suite_file *file, struct diags *diags)
{
    struct until_search u = {.step = s->run.until_step, .found = s->run.until_step.n == 0};
    struct arena scratch = {0};
    size_t plans = file->cases_n * file->profiles.n;
    for (size_t i = 0; i < plans && diags->n == 0; i++) {
        struct job job = {.file = file,
                          .seed = first_seed(s, file),
                          .which = (uint32_t)(i / file->profiles.n),
                          .profile = (uint32_t)(i % file->profiles.n)};
        const struct plan *plan = make_plan(s, &job, &scratch, diags);
        if (plan)
            look_for_step(&u, plan, &s->arena);
        file->has_points = file->has_points || (plan && points_fault(plan));
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return diags->n == 0 && !u.found ? step_unknown(s, &u) : NULL;
}

static void add_to_files(struct suite *s, struct suite_file *file)
{
    if (s->files_n == s->files_cap) {
        s->files_cap = s->files_cap ? s->files_cap * 2 : 16;
        s->files = mem_resize(s->files, s->files_cap * sizeof *s->files);
    }
    s->files[s->files_n++] = file;
}

/* --case point=12,AXIS=ID: the point, and what is left for the axes. */
static struct err *take_point(struct suite *s, struct str *filter)
{
    struct str item, rest = s->options->case_filter;
    struct buf left = {0};
    struct err *err = NULL;
    for (bool more = rest.n > 0; more && !err;) {
        more = str_cut(rest, ',', &item, &rest);
        if (!str_starts(item, STR("point=")))
            buf_addf(&left, "%s" STR_FMT, left.n ? "," : "", STR_ARG(item));
        else if (!str_to_u64(str_sub(item, 6, item.n), &s->point) || s->point == 0 ||
                 s->point > UINT32_MAX)
            err = err_new(ERR_INVALID, "--case: \"" STR_FMT "\": points are counted from 1",
                          STR_ARG(item));
    }
    *filter = arena_str(&s->arena, buf_str(&left));
    buf_free(&left);
    return err;
}

static struct err *open_file(struct suite *s, struct scenario *sc, struct diags *diags)
{
    struct suite_file *file = ARENA_NEW(&s->arena, struct suite_file);
    struct err *err = apply_sets(s, sc);
    struct str filter = str_empty;
    if (!err)
        err = take_point(s, &filter);
    if (!err)
        err = scenario_cases(sc, filter, &file->cases, &file->cases_n);
    if (err)
        return err;
    file->scenario = sc;
    file->tally.arena = file->drawn.arena = &s->arena;
    file->profiles = sc->profiles;
    if (s->options->profile.n) { /* asked for by name: whether the file lists it or not */
        file->profiles.v = ARENA_NEW(&s->arena, struct str);
        file->profiles.v[0] = s->options->profile;
        file->profiles.n = 1;
    }
    add_to_files(s, file);
    err = try_plans(s, file, diags);
    if (!err && diags->n == 0 && s->point && !file->has_points)
        err = err_new(ERR_INVALID, "--case: there are no points: no fault is \"at: each-write\"");
    return err;
}

void suite_files(struct suite *s, const struct scenario_files *files)
{
    s->named = files;
}

bool suite_add_file(struct suite *s, struct str file, struct str bytes, struct buf *errors)
{
    BUG_ON(s->laid_out, "files are added before the runs are laid out");
    struct arena *a = &s->arena;
    /* plans have views into it */
    struct source source = {.file = arena_str(a, file), .text = arena_str(a, bytes)};
    struct diags diags;
    diags_init(&diags, a, &source);
    struct scenario *sc = scenario_load_with(a, source.file, source.text, s->named, &diags);
    struct err *err = sc && diags.n == 0 ? open_file(s, sc, &diags) : NULL;
    bool ok = sc && !err && diags.n == 0;
    if (err) { /* what is wrong with the options for this file */
        buf_addf(errors, STR_FMT ": error: ", STR_ARG(source.file));
        err_print(err, errors);
        buf_add_char(errors, '\n');
        err_free(err);
    }
    diags_sort(&diags);
    diags_print(&diags, errors);
    return ok;
}

/* ---- what is to be run ---- */

static void add_job(struct suite *s, const struct job *job)
{
    if (s->jobs_n == s->jobs_cap) {
        s->jobs_cap = s->jobs_cap ? s->jobs_cap * 2 : 16;
        s->jobs = mem_resize(s->jobs, s->jobs_cap * sizeof *s->jobs);
    }
    s->jobs[s->jobs_n++] = *job;
    job->file->runs++;
    job->file->left++;
}

/* The plan lives as long as the suite: its probe refers to it. */
static struct probe *add_probe(struct suite *s, const struct job *job)
{
    struct diags diags;
    struct run_options options = s->run;
    diags_init(&diags, &s->arena, &job->file->scenario->source);
    const struct plan *plan = make_plan(s, job, &s->arena, &diags);
    if (!plan || !points_fault(plan))
        return NULL;
    if (s->probes_n == s->probes_cap) {
        s->probes_cap = s->probes_cap ? s->probes_cap * 2 : 8;
        s->probes = mem_resize(s->probes, s->probes_cap * sizeof *s->probes);
    }
    s->probes[s->probes_n] = probe_new(plan, &options);
    return s->probes[s->probes_n++];
}

/* Is it among those that are asked for? --points 3/20: the 3rd, the 23rd, the 43rd, ... */
static bool is_wanted(const struct suite *s, size_t point)
{
    const struct options *o = s->options;
    if (s->point)
        return point == s->point;
    return o->points_of == 0 || point % o->points_of == o->points_at % o->points_of;
}

/* The run, or one for each of its points. */
static void add_runs(struct suite *s, struct job job)
{
    job.probe = job.file->has_points ? add_probe(s, &job) : NULL;
    size_t before = s->jobs_n, n = job.probe ? points_count(&job.probe->points) : 0;
    for (size_t point = 1; point <= n; point++) {
        job.point = (uint32_t)point;
        if (is_wanted(s, point))
            add_job(s, &job);
    }
    job.point = (uint32_t)s->point;
    if (s->jobs_n == before && (n == 0 || s->point))
        add_job(s, &job); /* it has none, or not this one: the run says so */
}

static void lay_out_file(struct suite *s, struct suite_file *file)
{
    for (size_t c = 0; c < file->cases_n; c++)
        for (size_t p = 0; p < file->profiles.n; p++)
            add_runs(s, (struct job){.file = file,
                                     .seed = first_seed(s, file),
                                     .which = (uint32_t)c,
                                     .profile = (uint32_t)p});
}

void suite_lay_out(struct suite *s)
{
    BUG_ON(s->laid_out, "the runs are laid out once");
    s->laid_out = true;
    for (size_t i = 0; i < s->files_n; i++)
        lay_out_file(s, s->files[i]);
    s->runs = MEM_NEW_ARRAY(const struct report_run *, s->jobs_n + 1);
    s->done = MEM_NEW_ARRAY(const struct report_run *, s->jobs_n + 1);
}

size_t suite_count(const struct suite *s)
{
    BUG_ON(!s->laid_out, "the runs have been laid out");
    return s->jobs_n;
}

void suite_style(const struct suite *s, struct report_style *style)
{
    for (size_t f = 0; f < s->files_n; f++)
        for (size_t c = 0; c < s->files[f]->cases_n; c++)
            for (size_t p = 0; p < s->files[f]->profiles.n; p++)
                report_style_fit(style, s->files[f]->scenario->name, s->files[f]->cases[c]->id,
                                 s->files[f]->profiles.v[p]);
}

/* ---- carrying out ---- */

static struct str joined(struct arena *a, const struct str *list, size_t n)
{
    struct buf out = {0};
    for (size_t i = 0; i < n; i++)
        buf_addf(&out, "%s" STR_FMT, i ? "," : "", STR_ARG(list[i]));
    struct str all = arena_str(a, buf_str(&out));
    buf_free(&out);
    return all;
}

/* The point is the last axis: "lie=drop,point=12". */
static struct str case_of(const struct job *job, struct arena *a)
{
    struct str id = job->file->cases[job->which]->id;
    if (job->point == 0)
        return id;
    return arena_printf(a, STR_FMT "%spoint=%u", STR_ARG(id), id.n ? "," : "",
                        (unsigned)job->point);
}

/* What is known of a run without its plan. */
static struct report_run *describe(const struct suite *s, const struct job *job, struct arena *a)
{
    struct report_run *run = ARENA_NEW(a, struct report_run);
    struct plan known = {.scenario = job->file->scenario->name,
                         .file = job->file->scenario->source.file,
                         .case_id = case_of(job, a),
                         .profile = job->file->profiles.v[job->profile],
                         .params_set = joined(a, s->options->sets, s->options->sets_n),
                         .policies_set = joined(a, s->options->policies, s->options->policies_n),
                         .seed = job->seed};
    verdict_describe(a, &known, run);
    run->doc = job->file->scenario->doc;
    run->trace_hash = str_empty;
    return run;
}

static struct report_run *run_error(const struct suite *s, const struct job *job, const char *name,
                                    struct str why, struct arena *a)
{
    struct report_run *run = describe(s, job, a);
    struct report_failure *f = ARENA_NEW(a, struct report_failure);
    *f = (struct report_failure){.kind = STR("error"),
                                 .name = str_c(name),
                                 .text = arena_str(a, why),
                                 .at_ns = -1,
                                 .place = str_empty};
    run->outcome = REPORT_ERROR;
    run->failures = f;
    run->failures_n = 1;
    return run;
}

/* The fault is called by what it does in this run; false: there is no such point. */
static bool strike_point(const struct job *job, struct plan *plan, struct run_options *options,
                         struct arena *a)
{
    struct plan_fault *fault = points_fault(plan);
    struct buf name = {0};
    if (!job->probe || !fault)
        return job->point == 0;
    if (job->point > points_count(&job->probe->points))
        return false;
    plan->case_id = case_of(job, a);
    options->reference = job->probe->reference;
    options->point = job->point;
    if (job->point == 0)
        return true; /* nothing is written: the fault never takes effect */
    buf_addf(&name, STR_FMT ", ", STR_ARG(fault->name));
    points_describe(&job->probe->points, job->point, &name);
    fault->name = arena_str(a, buf_str(&name));
    buf_free(&name);
    return true;
}

struct report_run *suite_run(struct suite *s, size_t i, struct arena *a)
{
    BUG_ON(i >= suite_count(s), "no such run");
    const struct job *job = &s->jobs[i];
    struct run_options options = s->run;
    struct diags diags;
    diags_init(&diags, a, &job->file->scenario->source);
    struct plan *plan = make_plan(s, job, a, &diags);
    if (!plan || diags.n > 0) { /* what only this seed's plan has */
        struct buf why = {0};
        diags_print(&diags, &why);
        struct report_run *none = run_error(s, job, "plan", buf_str(&why), a);
        buf_free(&why);
        return none;
    }
    options.tally = &job->file->tally;
    if (!strike_point(job, plan, &options, a))
        return run_error(s, job, "point", STR("there is no such point: the run has fewer"), a);
    struct report_run *run = run_plan(a, plan, &options);
    run->doc = job->file->scenario->doc;
    return run;
}

struct report_run *suite_lost(struct suite *s, size_t i, struct str why, struct arena *a)
{
    BUG_ON(i >= suite_count(s), "no such run");
    return run_error(s, &s->jobs[i], "process", why, a);
}

void suite_pack(const struct suite *s, size_t i, const struct report_run *run, struct buf *out)
{
    report_pack(run, out);
    sometimes_pack(&s->jobs[i].file->tally, out);
}

struct err *suite_unpack(struct suite *s, size_t i, struct str bytes, struct arena *a,
                         struct report_run **out)
{
    struct err *err = report_unpack(a, &bytes, out);
    return err ? err : sometimes_unpack(&s->jobs[i].file->tally, bytes);
}

/* Found over all the runs of a file: its last run says so. */
static void add_failure(struct suite *s, struct report_run *last, const char *kind, struct str name,
                        struct str text)
{
    struct report_failure *more =
        ARENA_NEW_ARRAY(&s->arena, struct report_failure, last->failures_n + 1);
    for (size_t f = 0; f < last->failures_n; f++)
        more[f] = last->failures[f];
    more[last->failures_n] = (struct report_failure){
        .kind = str_c(kind), .name = arena_str(&s->arena, name), .text = text, .at_ns = -1};
    last->failures = more;
    last->failures_n++;
    if (last->outcome == REPORT_PASSED)
        last->outcome = REPORT_FAILED;
}

/* `sometimes` clauses that no run of the file saw, and faults of the palette that did nothing in any: the scenario is
 * vacuous. */
static void judge_file(struct suite *s, const struct suite_file *file, struct report_run *last)
{
    struct str name;
    const struct drawn *drawn;
    bool partial = s->options->until.n || interrupted(s);
    for (size_t i = 0; !partial && sometimes_unseen(&file->tally, &i, &name);)
        add_failure(s, last, "assert", name,
                    arena_printf(&s->arena,
                                 "sometimes: it held in none of the %zu runs of this file: what it "
                                 "guards against did not happen",
                                 file->runs));
    for (size_t i = 0; !partial && (drawn = drawn_unfired(&file->drawn, &i));)
        add_failure(s, last, "fault", drawn->name,
                    arena_printf(&s->arena,
                                 "chaos injected it in %llu of the %zu runs of this file, and it "
                                 "never took effect: nothing met it",
                                 (unsigned long long)drawn->runs, file->runs));
}

const struct report_run *suite_done(struct suite *s, size_t i, const struct report_run *run)
{
    BUG_ON(i >= suite_count(s) || s->runs[i], "each run is done once");
    struct suite_file *file = s->jobs[i].file;
    struct buf bytes = {0};
    struct report_run *kept;
    report_pack(run, &bytes);
    struct str packed = buf_str(&bytes);
    struct err *err = report_unpack(&s->arena, &packed, &kept);
    BUG_ON(err, "what was packed here can be read");
    buf_free(&bytes);
    s->runs[i] = kept;
    drawn_add(&file->drawn, kept);
    if (--file->left == 0)
        judge_file(s, file, kept);
    return kept;
}

const struct report *suite_report(struct suite *s)
{
    s->report.runs = s->done;
    s->report.n = 0;
    for (size_t i = 0; i < s->jobs_n; i++)
        if (s->runs[i])
            s->done[s->report.n++] = s->runs[i];
    return &s->report;
}
