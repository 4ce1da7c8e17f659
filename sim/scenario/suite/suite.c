/* Seeds × cases × profiles of scenario files. */
#include "sim/scenario/suite/suite_internal.h"

#include "engine/base/timefmt.h"
#include "reports/report_pack.h"
#include "sim/scenario/expr/diag.h"
#include "sim/scenario/run/verdict.h"

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
    mem_free(s->rows);
    mem_free(s->done);
    for (size_t i = 0; i < s->kept_n; i++)
        arena_free(&s->kept[i]);
    mem_free(s->kept);
    arena_free(&s->arena);
    mem_free(s);
}

static bool interrupted(const struct suite *s)
{
    return s->run.interrupted && *s->run.interrupted;
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

static struct str variant_text(const struct suite *s, uint32_t variant, struct arena *a)
{
    struct str *sets = ARENA_NEW_ARRAY(a, struct str, s->sets_n + 1);
    for (size_t i = 0; i < s->sets_n; i++)
        sets[i] = arena_printf(a, STR_FMT "=" STR_FMT, STR_ARG(s->sets[i].name),
                               STR_ARG(suite_set_value(s, variant, i)));
    return joined(a, sets, s->sets_n);
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
                         .params_set = variant_text(s, job->variant, a),
                         .policies_set = joined(a, s->options->policies, s->options->policies_n),
                         .seed = job->seed,
                         .report = {.junit = true, .html = true, .trace = REPORT_TRACE_ON_FAILURE}};
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
    if (!job->probe) /* else it has such a fault */
        return job->point == 0;
    if (job->point > points_count(&job->probe->points))
        return false;
    plan->case_id = case_of(job, a);
    options->reference = job->probe->reference;
    options->point = job->point;
    if (job->point == 0)
        return true; /* nothing is written: the fault never takes effect */
    fault->name = points_name(a, &job->probe->points, job->point, fault->name);
    return true;
}

/* Of a sweep: the seed probes its own plan, and chooses one of the points. */
static struct probe *choose_point(const struct suite *s, struct job *job, const struct plan *plan)
{
    if (!suite_sweeps(s) || !job->file->has_points || !points_fault(plan))
        return NULL;
    struct run_options options = s->run;
    struct probe *probe = probe_new(plan, &options);
    size_t n = points_count(&probe->points);
    struct rng rng = rng_split(job->seed, STR("point"));
    job->probe = probe;
    if (job->point == 0 && n > 0)
        job->point = (uint32_t)rng_below(&rng, n) + 1;
    return probe;
}

/* What was struck, in the text of what came of it. */
static void tell_point(const struct job *job, struct report_run *run, struct arena *a)
{
    if (job->point == 0 || job->point > points_count(&job->probe->points) || run->failures_n == 0)
        return;
    struct buf text = {0};
    struct report_failure *told = ARENA_NEW_ARRAY(a, struct report_failure, run->failures_n);
    for (size_t i = 0; i < run->failures_n; i++)
        told[i] = run->failures[i];
    buf_addf(&text, STR_FMT "; the crash was ", STR_ARG(told[0].text));
    points_describe(&job->probe->points, job->point, &text);
    told[0].text = arena_str(a, buf_str(&text));
    run->failures = told;
    buf_free(&text);
}

static struct report_run *carry_out(const struct suite *s, struct job *job, struct plan *plan,
                                    struct arena *a)
{
    struct run_options options = s->run;
    struct probe *own = choose_point(s, job, plan);
    struct report_run *run = NULL;
    options.tally = &job->file->overall.sometimes;
    if (options.carry_out)
        run = options.carry_out(options.world, a, plan, &options);
    else if (strike_point(job, plan, &options, a))
        run = run_plan(a, plan, &options);
    else
        run = run_error(s, job, "point", STR("there is no such point: the run has fewer"), a);
    run->doc = job->file->scenario->doc;
    if (job->probe)
        tell_point(job, run, a);
    probe_free(own);
    return run;
}

struct report_run *suite_run(struct suite *s, size_t i, struct arena *a)
{
    BUG_ON(i >= suite_count(s), "no such run");
    struct job job = s->jobs[i];
    struct diags diags;
    diags_init(&diags, a, &job.file->scenario->source);
    struct plan *plan = suite_make_plan(s, &job, a, &diags);
    if (plan)
        return carry_out(s, &job, plan, a);
    struct buf why = {0}; /* what only this seed's plan has */
    diags_print(&diags, &why);
    struct report_run *none = run_error(s, &job, "plan", buf_str(&why), a);
    buf_free(&why);
    return none;
}

struct report_run *suite_lost(struct suite *s, size_t i, struct str why, struct arena *a)
{
    BUG_ON(i >= suite_count(s), "no such run");
    return run_error(s, &s->jobs[i], "process", why, a);
}

void suite_pack(const struct suite *s, size_t i, const struct report_run *run, struct buf *out)
{
    report_pack(run, out);
    sometimes_pack(&s->jobs[i].file->overall.sometimes, out);
}

/* Of a sweep only the first failures, and one passed run of each file, are kept as they are. */
static bool keep_in_full(struct suite *s, size_t i, const struct report_run *run)
{
    bool failed = run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
    if (!suite_sweeps(s))
        return true;
    if (failed)
        return s->shown_failed++ < SUITE_SHOWN_MAX;
    return i == s->jobs[i].file->first && s->shown_passed++ < SUITE_SHOWN_MAX;
}

/* Into an arena of its own, which is kept as it is or not at all. */
static struct err *unpack(struct suite *s, size_t i, struct str bytes, struct arena *own,
                          struct report_run **out)
{
    struct err *err = report_unpack(own, &bytes, out);
    return err ? err : sometimes_unpack(&s->jobs[i].file->overall.sometimes, bytes);
}

static void keep_arena(struct suite *s, const struct arena *own)
{
    if (s->kept_n == s->kept_cap) {
        s->kept_cap = s->kept_cap ? s->kept_cap * 2 : 16;
        s->kept = mem_resize(s->kept, s->kept_cap * sizeof *s->kept);
    }
    s->kept[s->kept_n++] = *own;
}

const struct report_run *suite_take(struct suite *s, size_t i, struct str bytes)
{
    BUG_ON(i >= suite_count(s) || s->runs[i], "each run is done once");
    struct suite_file *file = s->jobs[i].file;
    struct arena own = {0};
    struct report_run *run;
    struct err *err = unpack(s, i, bytes, &own, &run);
    if (err) {
        struct buf why = {0};
        buf_add_c(&why, "what the process of this run handed over cannot be read: ");
        err_print(err, &why);
        err_free(err);
        run = suite_lost(s, i, buf_str(&why), &own);
        buf_free(&why);
    }
    drawn_add(&file->overall.drawn, run);
    file->left--;
    if (keep_in_full(s, i, run)) {
        keep_arena(s, &own);
        s->runs[i] = run;
    } else {
        file->like = s->runs[i] = report_brief(&s->arena, run, file->like);
        arena_free(&own);
    }
    return s->runs[i];
}

const struct report_run *suite_done(struct suite *s, size_t i, const struct report_run *run)
{
    struct buf bytes = {0};
    suite_pack(s, i, run, &bytes);
    const struct report_run *kept = suite_take(s, i, buf_str(&bytes));
    buf_free(&bytes);
    return kept;
}

/* What is known of a file's clauses here is all that there is to know. */
static bool may_judge(const struct suite *s, const struct suite_file *file)
{
    return file->runs > 0 && file->left == 0 && s->options->until.n == 0 &&
           s->options->shards <= 1 && !interrupted(s);
}

const struct report_run *suite_judge(struct suite *s, size_t *file)
{
    while (*file < s->files_n) {
        size_t i = (*file)++;
        struct suite_file *f = s->files[i];
        if (s->rows[i] || !may_judge(s, f))
            continue;
        struct str again = overall_seeds(&s->arena, f->again, f->seeds_first, f->seeds_n);
        s->rows[i] = overall_judge(&s->arena, &f->overall, f->runs, s->runs[f->first], again);
        if (s->rows[i])
            return s->rows[i];
    }
    return NULL;
}

bool suite_keeps_failure(const struct suite *s)
{
    return !suite_sweeps(s) || s->shown_failed < SUITE_SHOWN_MAX;
}

/* Those that are done, without the gaps; how many. */
static size_t done_runs(struct suite *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->jobs_n; i++)
        if (s->runs[i])
            s->done[n++] = s->runs[i];
    return n;
}

void suite_save(struct suite *s, struct buf *out)
{
    struct arena a = {0};
    size_t n = done_runs(s);
    struct report_part_file *files = ARENA_NEW_ARRAY(&a, struct report_part_file, s->files_n + 1);
    for (size_t i = 0; i < s->files_n; i++) {
        struct buf tally = {0};
        overall_pack(&s->files[i]->overall, &tally);
        files[i] = (struct report_part_file){.file = s->files[i]->scenario->source.file,
                                             .digest = s->files[i]->digest,
                                             .tally = arena_str(&a, buf_str(&tally)),
                                             .again = s->files[i]->again,
                                             .seeds_first = s->files[i]->seeds_first,
                                             .seeds_n = s->files[i]->seeds_n};
        buf_free(&tally);
    }
    struct report_part part = {.shard = s->options->shard,
                               .shards = s->options->shards,
                               .planned = s->planned,
                               .swept = suite_sweeps(s),
                               .partial = s->options->until.n > 0,
                               .files = files,
                               .files_n = s->files_n,
                               .runs = s->done,
                               .n = n};
    report_part_pack(&part, out);
    arena_free(&a);
}

const struct report *suite_report(struct suite *s)
{
    size_t n = done_runs(s);
    s->report.left = s->jobs_n - n;
    for (size_t i = 0; i < s->files_n; i++)
        if (s->rows[i])
            s->done[n++] = s->rows[i];
    s->report.runs = s->done;
    s->report.n = n;
    s->report.summed_up = suite_sweeps(s);
    return &s->report;
}
