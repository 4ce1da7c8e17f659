/* Which runs there were: from a report, or by running a file. */
#include "sim/cli/past.h"

#include "engine/base/json.h"
#include "engine/base/timefmt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS_MAX 5u /* runs that a message names */

/* ---- a folder ---- */

/* A decimal of seconds as it is in reports; -1: null, or none. */
static int64_t seconds_at(const cJSON *v, const char *key)
{
    const cJSON *n = json_get(v, key);
    int64_t ns = -1;
    struct buf text = {0};
    if (n && json_is_number(n)) {
        buf_addf(&text, "%ss", n->valuestring);
        if (!duration_parse(buf_str(&text), &ns))
            ns = -1;
    }
    buf_free(&text);
    return ns;
}

/* {"a":"1"} as NAME=VALUE. */
static void take_pairs(struct arena *a, const cJSON *map, struct str **out, size_t *n)
{
    size_t count = 0;
    for (const cJSON *c = map ? map->child : NULL; c; c = c->next)
        count++;
    *out = ARENA_NEW_ARRAY(a, struct str, count + 1);
    *n = 0;
    for (const cJSON *c = map ? map->child : NULL; c; c = c->next)
        (*out)[(*n)++] = arena_printf(a, "%s=" STR_FMT, c->string, STR_ARG(json_string(c)));
}

/* The folder that the run was started in: its repro.sh knows. Empty: there is none. */
static struct str started_in(struct arena *a, const char *script)
{
    struct buf bytes = {0}, dir = {0};
    struct err *err = cli_read_file(script, &bytes);
    ptrdiff_t at = err ? -1 : str_find(buf_str(&bytes), STR("\ncd '"));
    err_ignore(err);
    for (size_t i = (size_t)(at + 5); at >= 0 && i < bytes.n && bytes.p[i] != '\n'; i++) {
        if (bytes.p[i] != '\'')
            buf_add_char(&dir, bytes.p[i]);
        else if (str_starts(str_sub(buf_str(&bytes), i, 4), STR("'\\''")))
            buf_add_char(&dir, bytes.p[i += 3]);
        else
            break;
    }
    struct str found = arena_str(a, buf_str(&dir));
    buf_free(&bytes);
    buf_free(&dir);
    return found;
}

static struct err *read_scenario(struct arena *a, struct past *p, struct str file,
                                 const char *script)
{
    struct buf bytes = {0};
    struct str dir = script && file.n && file.p[0] != '/' ? started_in(a, script) : str_empty;
    struct str there =
        dir.n ? arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(file)) : str_empty;
    p->shown = file;
    bool use = there.n && access(there.p, R_OK) == 0;
    p->trial.file = use ? there : arena_str(a, file);
    struct err *err = cli_read_file(p->trial.file.p, &bytes);
    p->trial.bytes = arena_str(a, buf_str(&bytes));
    buf_free(&bytes);
    return err;
}

static const char *in_dir(struct arena *a, const char *dir, const struct past *p,
                          const char *suffix)
{
    struct report_run like = {
        .name = p->name, .profile = p->profile, .case_id = p->case_id, .seed = p->seed};
    struct buf name = {0};
    cli_file_name_of(&like, suffix, &name);
    const char *path = arena_printf(a, "%s/%s", dir, buf_c(&name)).p;
    buf_free(&name);
    return path;
}

static struct err *take_run(struct shell *sh, const char *dir, const cJSON *run, struct past *p)
{
    struct arena *a = &sh->arena;
    struct options *o = &p->trial.options;
    const cJSON *failure = json_get(run, "failures");
    struct str seed = str_c(json_get(run, "seed") ? json_get(run, "seed")->valuestring : "");
    *p = (struct past){.name = json_string_at(run, "name"),
                       .case_id = json_string_at(run, "case"),
                       .profile = json_string_at(run, "profile"),
                       .trace_hash = json_string_at(run, "traceHash"),
                       .simulated_ns = seconds_at(run, "simulatedSeconds"),
                       .at_ns = -1,
                       .dir = dir};
    if (!str_to_u64(seed, &p->seed))
        return err_new(ERR_INVALID, "%s/report.json: a run has no seed", dir);
    *o = (struct options){.command = COMMAND_RUN,
                          .case_filter = p->case_id,
                          .profile = p->profile,
                          .has_seed = true,
                          .seed = p->seed};
    take_pairs(a, json_get(run, "params"), &o->sets, &o->sets_n);
    take_pairs(a, json_get(run, "policies"), &o->policies, &o->policies_n);
    struct str result = json_string_at(run, "result");
    p->failed = str_eq_c(result, "failed") || str_eq_c(result, "error");
    failure = failure ? failure->child : NULL;
    if (failure) {
        p->kind = json_string_at(failure, "kind");
        p->failure = json_string_at(failure, "name");
        p->text = json_string_at(failure, "text");
        p->at_ns = seconds_at(failure, "atSeconds");
    }
    p->kept = in_dir(a, dir, p, ".trace.bin");
    if (access(p->kept, R_OK) != 0)
        p->kept = NULL;
    return read_scenario(a, p, json_string_at(run, "file"), in_dir(a, dir, p, ".repro.sh"));
}

/* Whether the options ask for this run. */
static bool is_chosen(const struct options *o, const cJSON *run, bool failed_only)
{
    struct str result = json_string_at(run, "result"), seed = str_empty;
    uint64_t number = 0;
    if (json_get(run, "seed") && json_get(run, "seed")->valuestring)
        seed = str_c(json_get(run, "seed")->valuestring);
    bool failed = str_eq_c(result, "failed") || str_eq_c(result, "error");
    if (json_get(run, "over")) /* what is judged over all runs: none of them */
        return false;
    bool ran = failed || str_eq_c(result, "passed");
    if (!ran || (failed_only && !failed))
        return false;
    if (o->has_seed && (!str_to_u64(seed, &number) || number != o->seed))
        return false;
    if (o->profile.n && !str_eq(o->profile, json_string_at(run, "profile")))
        return false;
    return o->case_filter.n == 0 || str_eq(o->case_filter, json_string_at(run, "case"));
}

struct err *past_in_folder(struct shell *sh, const char *dir, bool failed_only, struct past **out,
                           size_t *n)
{
    struct arena *a = &sh->arena;
    const char *path = arena_printf(a, "%s/report.json", dir).p;
    struct buf bytes = {0};
    cJSON *report = NULL;
    bytes.max = JSON_BYTES_MAX;
    struct err *err = cli_read_file(path, &bytes);
    if (!err)
        err = json_parse(a, arena_str(a, buf_str(&bytes)), &report);
    buf_free(&bytes);
    if (err)
        return err_wrap(err, ERR_INVALID, "%s: no folder that `run --out` wrote", dir);
    size_t count = 0;
    const cJSON *whole = NULL;
    const cJSON *runs = json_get(report, "scenarios");

    for (const cJSON *r = runs ? runs->child : NULL; r; r = r->next) {
        count++;
        whole = json_get(r, "over") ? r : whole;
    }
    *out = ARENA_NEW_ARRAY(a, struct past, count + 1);
    *n = 0;
    for (const cJSON *r = runs ? runs->child : NULL; r && !err; r = r->next)
        if (is_chosen(&sh->options, r, failed_only))
            err = take_run(sh, dir, r, &(*out)[(*n)++]);
    if (!err && *n == 0 && failed_only && whole)
        err = err_new(ERR_NOT_FOUND,
                      "%s: what failed is judged over all the runs of a file together: no single "
                      "run of it fails; all of them again: " STR_FMT,
                      dir, STR_ARG(json_string_at(whole, "replay")));
    return err;
}

/* ---- a file ---- */

static void of_result(struct shell *sh, const struct trial_result *r, struct past *p)
{
    const struct report_run *run = r->run;
    if (r->end == TRIAL_LOST) {
        p->failed = true;
        p->kind = STR("error");
        p->failure = STR("process");
        p->text = r->why;
        p->at_ns = p->simulated_ns = -1;
        p->seed = sh->options.seed;
        return;
    }
    p->failed = run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
    p->name = run->name;
    p->case_id = run->case_id;
    p->profile = run->profile;
    p->seed = run->seed;
    p->trace_hash = run->trace_hash;
    p->simulated_ns = run->simulated_ns;
    p->at_ns = -1;
    p->trial.options.case_filter = run->case_id;
    p->trial.options.profile = run->profile;
    p->trial.options.has_seed = true;
    p->trial.options.seed = run->seed;
    p->trial.job = 0;
    if (run->failures_n) {
        p->kind = run->failures[0].kind;
        p->failure = run->failures[0].name;
        p->text = run->failures[0].text;
        p->at_ns = run->failures[0].at_ns;
    }
}

static struct err *from_file(struct shell *sh, bool failed_only, struct past **out, size_t *n)
{
    struct past first = {.at_ns = -1};
    first.trial.options = sh->options;
    first.trial.options.command = COMMAND_RUN;
    first.trial.options.out = str_empty;
    struct err *err = read_scenario(&sh->arena, &first, sh->options.files[0], NULL);
    *n = 0;
    for (size_t i = 0, jobs = 1; i < jobs && !err && !cli_signalled(); i++) {
        struct trial_result result;
        first.trial.job = i;
        cli_trials(&first.trial, 1, 0, &sh->arena, &result);
        if (result.end == TRIAL_INVALID)
            return err_new(ERR_INVALID, "it is not run:\n" STR_FMT, STR_ARG(result.why));
        if (i == 0) {
            jobs = result.jobs > 0 ? result.jobs : 1;
            *out = ARENA_NEW_ARRAY(&sh->arena, struct past, jobs + 1);
        }
        struct past *p = &(*out)[*n];
        *p = first;
        if (result.end == TRIAL_RAN || result.end == TRIAL_LOST)
            of_result(sh, &result, p);
        *n += (result.end == TRIAL_RAN || result.end == TRIAL_LOST) && (p->failed || !failed_only);
    }
    return err;
}

/* Those of a folder that the options passed over: the first few that they could have named. */
static void name_others(struct shell *sh, const char *dir, bool failed_only, struct buf *out)
{
    struct past *runs = NULL;
    size_t n = 0;
    struct options before = sh->options;
    sh->options.has_seed = false;
    sh->options.profile = sh->options.case_filter = str_empty;
    struct err *err = past_in_folder(sh, dir, failed_only, &runs, &n);
    sh->options = before;
    for (size_t i = 0; !err && i < n && i < OTHERS_MAX; i++) {
        buf_add_c(out, i ? ", " : failed_only ? "; failed: " : "; there: ");
        past_describe(&runs[i], out);
    }
    if (!err && n > OTHERS_MAX)
        buf_addf(out, " and %zu more", n - OTHERS_MAX);
    err_ignore(err);
}

static struct err *none_found(struct shell *sh, const char *path, bool is_dir, bool failed_only)
{
    struct buf others = {0};
    if (is_dir)
        name_others(sh, path, failed_only, &others);
    struct err *err =
        err_new(ERR_NOT_FOUND, "%s: %s" STR_FMT, path,
                failed_only ? "nothing to shrink: none of the runs that were asked for "
                              "has failed"
                            : "no run that was asked for is in it",
                STR_ARG(buf_str(&others)));
    buf_free(&others);
    return err;
}

struct err *past_find(struct shell *sh, bool failed_only, struct past **out, size_t *n, int *code)
{
    struct stat st;
    const char *path = sh->options.files[0].p;
    *code = EXIT_USAGE;
    if (stat(path, &st) != 0)
        return err_new(ERR_IO, "%s: %s", path, strerror(errno));
    struct err *err = S_ISDIR(st.st_mode) ? past_in_folder(sh, path, failed_only, out, n)
                                          : from_file(sh, failed_only, out, n);
    if (!err && *n == 0 && !cli_signalled())
        err = none_found(sh, path, S_ISDIR(st.st_mode), failed_only);
    return err;
}

void past_describe(const struct past *p, struct buf *out)
{
    buf_add(out, p->name.n ? p->name : p->trial.file);
    if (p->case_id.n)
        buf_addf(out, " case " STR_FMT, STR_ARG(p->case_id));
    if (p->profile.n)
        buf_addf(out, " profile " STR_FMT, STR_ARG(p->profile));
    buf_addf(out, " seed %llu", (unsigned long long)p->seed);
}
