/* What a suite runs: files and their plans tried, values of --set, seeds, cases, profiles, shares. */
#include "sim/scenario/suite/suite_internal.h"

#include "engine/pki/pki.h"
#include "sim/scenario/expr/diag.h"
#include "sim/scenario/suite/strike.h"

/* ---- files ---- */

static struct strs split(struct arena *a, struct str list)
{
    struct str item, rest = list;
    struct strs out = {.v = NULL};
    for (size_t i = 0; i < list.n; i++)
        out.n += list.p[i] == ',';
    out.v = ARENA_NEW_ARRAY(a, struct str, ++out.n);
    for (size_t i = 0; i < out.n; i++) {
        (void)str_cut(rest, ',', &item, &rest);
        out.v[i] = item;
    }
    return out;
}

static struct err *read_set(struct suite *s, struct str text)
{
    struct set_axis *axis = &s->sets[s->sets_n];
    struct str values;
    if (!str_cut(text, '=', &axis->name, &values))
        return err_new(ERR_INVALID, "--set takes NAME=VALUE, not \"" STR_FMT "\"", STR_ARG(text));
    axis->values = (struct strs){.v = ARENA_NEW(&s->arena, struct str), .n = 1};
    axis->values.v[0] = values;
    if (suite_sweeps(s))
        axis->values = split(&s->arena, values);
    for (size_t i = 0; i < s->sets_n && suite_sweeps(s); i++)
        if (str_eq(s->sets[i].name, axis->name))
            return err_new(ERR_INVALID,
                           "--set " STR_FMT " is there twice; several values are " STR_FMT "=V1,V2",
                           STR_ARG(axis->name), STR_ARG(axis->name));
    s->sets_n++;
    s->variants *= axis->values.n;
    if (s->variants > SUITE_VARIANTS_MAX)
        return err_new(ERR_INVALID, "--set: more than %u combinations of values",
                       SUITE_VARIANTS_MAX);
    return NULL;
}

struct err *suite_read_sets(struct suite *s)
{
    struct err *err = NULL;
    s->sets = ARENA_NEW_ARRAY(&s->arena, struct set_axis, s->options->sets_n + 1);
    s->sets_n = 0;
    s->variants = 1;
    for (size_t i = 0; i < s->options->sets_n && !err; i++)
        err = read_set(s, s->options->sets[i]);
    return err;
}

struct str suite_set_value(const struct suite *s, uint32_t variant, size_t axis)
{
    size_t rest = variant;
    for (size_t i = s->sets_n - 1; i > axis; i--) /* the last one changes fastest */
        rest /= s->sets[i].values.n;
    return s->sets[axis].values.v[rest % s->sets[axis].values.n];
}

static struct err *apply_variant(const struct suite *s, uint32_t variant, struct scenario *sc)
{
    struct err *err = NULL;
    for (size_t i = 0; !err && i < s->sets_n; i++)
        err = scenario_set_param(sc, s->sets[i].name, suite_set_value(s, variant, i));
    return err;
}

struct plan *suite_make_plan(const struct suite *s, const struct job *job, struct arena *a,
                             struct diags *diags)
{
    const struct suite_file *file = job->file;
    struct err *err = apply_variant(s, job->variant, file->scenario);
    BUG_ON(err, "the values were tried when the file was added");
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
    return err_new(ERR_INVALID, "%s: \"" STR_FMT "\" is no time such as 12m30s and no step" STR_FMT,
                   s->options->at.n ? "--at" : "--until", STR_ARG(u->step),
                   STR_ARG(diag_suggest_tail(&s->arena, u->step, u->names, u->names_n)));
}

/* Each plan is made once and dropped: what is wrong with one is said before anything runs. */
static struct err *try_plans(struct suite *s, struct suite_file *file, struct diags *diags)
{
    struct until_search u = {.step = s->run.until_step, .found = s->run.until_step.n == 0};
    struct arena scratch = {0};
    size_t per_variant = file->cases_n * file->profiles.n, plans = per_variant * s->variants;
    struct err *err = NULL;
    for (size_t i = 0; i < plans && diags->n == 0 && !err; i++) {
        struct job job = {.file = file,
                          .seed = file->seeds_first,
                          .variant = (uint32_t)(i / per_variant),
                          .which = (uint32_t)(i % per_variant / file->profiles.n),
                          .profile = (uint32_t)(i % file->profiles.n)};
        err = i % per_variant == 0 ? apply_variant(s, job.variant, file->scenario) : NULL;
        const struct plan *plan = err ? NULL : suite_make_plan(s, &job, &scratch, diags);
        if (plan) {
            look_for_step(&u, plan, &s->arena);
            file->has_points = file->has_points || points_fault(plan);
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return !err && diags->n == 0 && !u.found ? step_unknown(s, &u) : err;
}

static void choose_seeds(const struct options *o, struct suite_file *file)
{
    const struct scenario *sc = file->scenario;
    file->seeds_first = o->has_seed ? o->seed : sc->seeds.first;
    file->seeds_n = 1;
    if (o->command != COMMAND_SWEEP)
        return;
    file->seeds_n = sc->seeds.count;
    if (o->has_seeds) {
        file->seeds_first = o->seeds_first;
        file->seeds_n = o->seeds_last - o->seeds_first + 1;
    }
}

static void add_to_files(struct suite *s, struct suite_file *file)
{
    if (s->files_n == s->files_cap) {
        s->files_cap = s->files_cap ? s->files_cap * 2 : 16;
        s->files = mem_resize(s->files, s->files_cap * sizeof *s->files);
    }
    s->files[s->files_n++] = file;
}

static struct err *open_file(struct suite *s, struct scenario *sc, struct diags *diags)
{
    struct suite_file *file = ARENA_NEW(&s->arena, struct suite_file);
    struct err *err = s->variants ? NULL : suite_read_sets(s);
    struct str filter = str_empty;
    if (!err)
        err = strike_of_case(&s->arena, s->options->case_filter, &s->point, &filter);
    if (!err)
        err = scenario_cases(sc, filter, &file->cases, &file->cases_n);
    if (err)
        return err;
    file->scenario = sc;
    choose_seeds(s->options, file);
    overall_init(&file->overall, &s->arena);
    file->again = overall_command(&s->arena, s->options, sc->source.file);
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

static void note_digest(struct suite *s, struct str bytes)
{
    struct buf hex = {0};
    pki_sha256_hex(bytes, &hex);
    s->files[s->files_n - 1]->digest = arena_str(&s->arena, buf_str(&hex));
    buf_free(&hex);
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
    if (ok)
        note_digest(s, bytes);
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

/* The case of a seed, the same in every profile and variant. */
static uint32_t case_of(const struct suite_file *file, uint64_t seed)
{
    struct rng rng = rng_split(seed, STR("case"));
    return (uint32_t)rng_below(&rng, file->cases_n);
}

/* Goes over the runs of the whole, in order; keeps those of [from, to). */
struct layout {
    struct suite *suite;
    uint64_t at, from, to;
    size_t probe; /* the next one */
};

static void add_job(struct layout *l, const struct job *job)
{
    struct suite *s = l->suite;
    uint64_t at = l->at++;
    if (at < l->from || at >= l->to)
        return;
    if (s->jobs_n == s->jobs_cap) {
        s->jobs_cap = s->jobs_cap ? s->jobs_cap * 2 : 16;
        s->jobs = mem_resize(s->jobs, s->jobs_cap * sizeof *s->jobs);
    }
    if (job->file->runs++ == 0)
        job->file->first = s->jobs_n;
    s->jobs[s->jobs_n++] = *job;
    job->file->left++;
}

/* The plan lives as long as the suite: its probe refers to it. */
static struct probe *make_probe(struct suite *s, const struct job *job)
{
    struct diags diags;
    struct run_options options = s->run;
    diags_init(&diags, &s->arena, &job->file->scenario->source);
    const struct plan *plan = suite_make_plan(s, job, &s->arena, &diags);
    BUG_ON(!plan, "the plans of the only seed were tried when the file was added");
    return points_fault(plan) ? probe_new(plan, &options) : NULL;
}

/* Of each plan only once: the runs are gone over twice. */
static const struct probe *next_probe(struct layout *l, const struct job *job)
{
    struct suite *s = l->suite;
    if (l->probe < s->probes_n)
        return s->probes[l->probe++];
    if (s->probes_n == s->probes_cap) {
        s->probes_cap = s->probes_cap ? s->probes_cap * 2 : 8;
        s->probes = mem_resize(s->probes, s->probes_cap * sizeof *s->probes);
    }
    s->probes[s->probes_n++] = make_probe(s, job);
    return s->probes[l->probe++];
}

/* Is it among those that are asked for? --points 3/20: the 3rd, the 23rd, the 43rd, ... */
static bool is_wanted(const struct suite *s, size_t point)
{
    const struct options *o = s->options;
    if (s->point)
        return point == s->point;
    return o->points_of == 0 || point % o->points_of == o->points_at % o->points_of;
}

/* The run, or one for each of its points; of a sweep, whose seeds choose a point when they run, always one. */
static void add_runs(struct layout *l, struct job job)
{
    struct suite *s = l->suite;
    job.probe = job.file->has_points && !suite_sweeps(s) ? next_probe(l, &job) : NULL;
    size_t n = job.probe ? points_count(&job.probe->points) : 0;
    uint64_t before = l->at;
    for (size_t point = 1; point <= n; point++) {
        job.point = (uint32_t)point;
        if (is_wanted(s, point))
            add_job(l, &job);
    }
    job.point = (uint32_t)s->point;
    if (l->at == before && (n == 0 || s->point))
        add_job(l, &job); /* it has none, or not this one: the run says so */
}

/* A seed of a file: in one case, or in all. */
static void add_seed(struct layout *l, struct suite_file *file, uint64_t seed)
{
    struct suite *s = l->suite;
    bool one = suite_sweeps(s) && !s->options->all_cases;
    struct job job = {.file = file, .seed = seed};
    for (job.variant = 0; job.variant < s->variants; job.variant++)
        for (uint32_t c = 0; c < (one ? 1 : file->cases_n); c++)
            for (job.profile = 0; job.profile < file->profiles.n; job.profile++) {
                job.which = one ? case_of(file, seed) : c;
                add_runs(l, job);
            }
}

/* Seed by seed over all files: what a budget cuts off is cut off from all alike. */
static void walk(struct layout *l)
{
    struct suite *s = l->suite;
    uint64_t seeds = 0;
    for (size_t i = 0; i < s->files_n; i++)
        seeds = s->files[i]->seeds_n > seeds ? s->files[i]->seeds_n : seeds;
    for (uint64_t k = 0; k < seeds; k++)
        for (size_t i = 0; i < s->files_n; i++)
            if (k < s->files[i]->seeds_n)
                add_seed(l, s->files[i], s->files[i]->seeds_first + k);
}

/* Before they are gone over: there may be too many. */
static struct err *bound_runs(struct suite *s)
{
    uint64_t all = 0;
    for (size_t i = 0; i < s->files_n; i++) {
        struct suite_file *f = s->files[i];
        bool one = suite_sweeps(s) && !s->options->all_cases;
        uint64_t per_seed = (one ? 1 : f->cases_n) * f->profiles.n * s->variants, runs;
        if (__builtin_mul_overflow(f->seeds_n, per_seed, &runs) || runs > SUITE_RUNS_MAX ||
            all + runs > SUITE_RUNS_MAX)
            return err_new(ERR_INVALID, "these are more than %u runs", SUITE_RUNS_MAX);
        all += runs;
    }
    return NULL;
}

struct err *suite_lay_out(struct suite *s)
{
    BUG_ON(s->laid_out, "the runs are laid out once");
    struct layout l = {.suite = s};
    struct err *err = bound_runs(s);
    if (err)
        return err;
    uint32_t shard = s->options->shard, shards = s->options->shards;
    walk(&l); /* counts them */
    s->planned = l.at;
    l = (struct layout){.suite = s, .to = s->planned};
    if (shards) { /* a stretch: the profiles of a seed stay together, and each has its share of all files */
        l.from = s->planned * (shard - 1) / shards;
        l.to = s->planned * shard / shards;
    }
    walk(&l);
    BUG_ON(l.at != s->planned, "as many runs are laid out as were counted");
    s->laid_out = true;
    s->runs = MEM_NEW_ARRAY(struct report_run *, s->jobs_n + 1);
    s->rows = MEM_NEW_ARRAY(const struct report_run *, s->files_n + 1);
    s->done = MEM_NEW_ARRAY(const struct report_run *, s->jobs_n + s->files_n + 1);
    return NULL;
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
