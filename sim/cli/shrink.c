/* paddock-sim shrink: candidates in processes, the time, what is said while it goes on, and the file. */
#include "sim/cli/child.h"
#include "sim/cli/past.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/shrink/freeze.h"
#include "sim/scenario/shrink/shrink.h"
#include "sim/scenario/suite/strike.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUDGET_DEFAULT (120 * NS_PER_S)
#define TRIAL_LIMIT_MIN                                                                            \
    (10 * NS_PER_S) /* a candidate may take longer than the run itself, but not for ever */
#define JOBS_MAX 16u

struct shrinking {
    struct shell *sh;
    const struct past *past;
    int64_t started_ns, budget_ns, limit_ns;
    struct arena *arena;
    bool terminal;
};

/* ---- for shrink.h ---- */

static struct shrink_outcome outcome_of(const struct trial_result *r)
{
    if (r->end == TRIAL_INVALID)
        return (struct shrink_outcome){.end = SHRINK_INVALID, .text = r->why, .at_ns = -1};
    if (r->end == TRIAL_CUT)
        return (struct shrink_outcome){.end = SHRINK_UNJUDGED, .at_ns = -1};
    if (r->end == TRIAL_LOST)
        return (struct shrink_outcome){SHRINK_FAILED, STR("error"), STR("process"), r->why,
                                       .at_ns = -1};
    bool failed = r->run->outcome == REPORT_FAILED || r->run->outcome == REPORT_ERROR;
    if (!failed || r->run->failures_n == 0)
        return (struct shrink_outcome){.end = SHRINK_PASSED, .at_ns = -1};
    const struct report_failure *f = &r->run->failures[0];
    return (struct shrink_outcome){SHRINK_FAILED, f->kind, f->name, f->text, f->at_ns};
}

/* The other program's exit status for a text; -1: it could not be asked. */
static int run_other(const struct shrinking *s, struct str text)
{
    char path[] = "/tmp/paddock-shrink-XXXXXX";
    int fd = mkstemp(path), status = -1;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!f)
        return -1;
    fwrite(text.p, 1, text.n, f);
    fclose(f);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execlp(s->sh->options.against.p, s->sh->options.against.p, "run", path, (char *)NULL);
        _exit(EXIT_NO_WORLD);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    unlink(path);
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A candidate that fails with the other program as well shows something else. */
static void ask_other(const struct shrinking *s, struct str text, struct shrink_outcome *o)
{
    bool same = o->end == SHRINK_FAILED && str_eq(o->kind, s->past->kind) &&
                str_eq(o->name, s->past->failure);
    if (s->sh->options.against.n == 0 || !same || run_other(s, text) == EXIT_HELD)
        return;
    o->kind = STR("against");
    o->name = STR("the other program does not pass it either");
}

static void run_all(void *ctx, const struct str *texts, size_t n, struct shrink_outcome *out)
{
    struct shrinking *s = ctx;
    struct trial *trials = ARENA_NEW_ARRAY(s->arena, struct trial, n + 1);
    struct trial_result *results = ARENA_NEW_ARRAY(s->arena, struct trial_result, n + 1);
    for (size_t i = 0; i < n; i++)
        trials[i] = (struct trial){
            .file = STR("candidate"), .bytes = texts[i], .options = {.command = COMMAND_RUN}};
    cli_trials(trials, n, s->limit_ns, s->arena, results);
    for (size_t i = 0; i < n; i++)
        out[i] = outcome_of(&results[i]);
    for (size_t i = 0; i < n; i++)
        ask_other(s, texts[i], &out[i]);
}

static int64_t spent_ns(void *ctx)
{
    const struct shrinking *s = ctx;
    return cli_clock_ns() - s->started_ns;
}

static bool is_over(void *ctx)
{
    const struct shrinking *s = ctx;
    return spent_ns(ctx) > s->budget_ns || cli_signalled();
}

static void progress(void *ctx, const char *stage, const struct shrink_size *size, size_t runs)
{
    const struct shrinking *s = ctx;
    if (s->terminal)
        fprintf(stderr, "\r\033[K%3lld s, %zu runs: %zu faults, %zu steps, %zu clusters (%s)",
                (long long)(spent_ns(ctx) / NS_PER_S), runs, size->faults, size->steps,
                size->clusters, stage);
}

/* ---- the file ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --out FILE.yaml or a folder; else beside what the run left, or here. */
static struct str out_path(struct shell *sh, const struct past *p)
{
    struct str out = sh->options.out;
    struct report_run like = {
        .name = p->name, .profile = p->profile, .case_id = p->case_id, .seed = p->seed};
    struct buf name = {0};
    if (out.n && !is_folder(out.p) && cli_is_yaml(out.p))
        return out;
    cli_file_name_of(&like, ".shrunk.yaml", &name);
    struct str dir = out.n ? out : p->dir ? str_c(p->dir) : STR(".");
    struct str path =
        arena_printf(&sh->arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(buf_str(&name)));
    buf_free(&name);
    return path;
}

static bool write_out(struct str path, struct str bytes)
{
    ptrdiff_t slash = -1;
    for (size_t i = 0; i < path.n; i++)
        slash = path.p[i] == '/' ? (ptrdiff_t)i : slash;
    struct buf dir = {0};
    buf_add(&dir, slash < 0 ? STR(".") : slash == 0 ? STR("/") : str_sub(path, 0, (size_t)slash));
    bool made = cli_make_dirs(buf_c(&dir));
    if (!made)
        fprintf(stderr, "paddock-sim: error: %s: %s\n", buf_c(&dir), strerror(errno));
    bool ok = made && cli_write_file(buf_c(&dir), path.p + slash + 1, bytes, 0666);
    buf_free(&dir);
    return ok;
}

static size_t width_of(const struct options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = o->jobs ? o->jobs : cores < 1 ? 1 : (size_t)cores;
    return n < JOBS_MAX ? n : JOBS_MAX;
}

struct err *cli_strike(struct arena *a, struct plan *plan, size_t point)
{
    return strike_plan(a, plan, point, cli_wall_clock);
}

static struct err *freeze(struct shell *sh, const struct past *p, struct str *out)
{
    struct buf text = {0};
    const struct options *o = &p->trial.options;
    size_t point;
    struct str filter;
    struct err *err = strike_of_case(&sh->arena, p->case_id, &point, &filter);
    struct freeze_request request = {.file = p->trial.file,
                                     .bytes = p->trial.bytes,
                                     .case_filter = filter,
                                     .profile = p->profile,
                                     .sets = o->sets,
                                     .sets_n = o->sets_n,
                                     .policies = o->policies,
                                     .policies_n = o->policies_n,
                                     .seed = p->seed,
                                     .files = cli_files(),
                                     .point = point,
                                     .strike = cli_strike};
    if (!err)
        err = shrink_freeze(&sh->arena, &request, &text);
    *out = arena_str(&sh->arena, buf_str(&text));
    buf_free(&text);
    return err;
}

/* Where it comes from and, as the result depends on it, which program has to pass it. */
static struct str origin_of(struct arena *a, const struct shell *sh, const struct past *p)
{
    struct buf text = {0};
    struct str against = sh->options.against;
    size_t name = against.n;
    while (name > 0 && against.p[name - 1] != '/')
        name--;
    buf_addf(&text, STR_FMT " (", STR_ARG(p->shown));
    past_describe(p, &text);
    buf_add_char(&text, ')');
    if (against.n)
        buf_addf(&text, " with --against " STR_FMT ", which passes it",
                 STR_ARG(str_sub(against, name, against.n)));
    struct str origin = arena_str(a, buf_str(&text));
    buf_free(&text);
    return origin;
}

static void tell_result(const struct shell *sh, struct str path, const struct shrink_summary *sum,
                        int64_t spent_ns)
{
    struct buf text = {0};
    shrink_tell(sum, &text);
    fprintf(sh->options.command == COMMAND_SHRINK ? stdout : stderr, STR_FMT ": %s and %lld s%s\n",
            STR_ARG(path), buf_c(&text), (long long)(spent_ns / NS_PER_S + 1),
            sum->complete ? "" : " (the time was over: it may be smaller still)");
    buf_free(&text);
}

int cli_shrink(struct shell *sh, const struct past *p, struct str path, int64_t budget_ns)
{
    struct arena arena = {0};
    struct shrinking s = {.sh = sh,
                          .past = p,
                          .started_ns = cli_clock_ns(),
                          .budget_ns = budget_ns,
                          .limit_ns = budget_ns > TRIAL_LIMIT_MIN ? budget_ns : TRIAL_LIMIT_MIN,
                          .arena = &arena,
                          .terminal = isatty(STDERR_FILENO) && sh->options.verbosity >= 0};
    struct buf origin = {0}, out = {0};
    struct shrink_summary sum = {0};
    past_describe(p, &origin);
    struct shrink_job job = {.arena = &arena,
                             .want = {SHRINK_FAILED, p->kind, p->failure, p->text, p->at_ns},
                             .origin = origin_of(&arena, sh, p),
                             .again =
                                 arena_printf(&arena, "paddock-sim run " STR_FMT, STR_ARG(path)),
                             .width = width_of(&sh->options),
                             .run = run_all,
                             .over = is_over,
                             .spent_ns = spent_ns,
                             .progress = progress,
                             .ctx = &s};
    struct err *err = freeze(sh, p, &job.text);
    if (!err)
        err = shrink(&job, &out, &sum);
    if (s.terminal)
        fprintf(stderr, "\r\033[K");
    int code = EXIT_HELD;
    if (err)
        code = cli_usage_error(err_wrap(err, ERR_INVALID, STR_FMT, STR_ARG(buf_str(&origin))));
    else if (!write_out(path, buf_str(&out)))
        code = EXIT_NO_WORLD;
    else
        tell_result(sh, path, &sum, spent_ns(&s));
    buf_free(&origin);
    buf_free(&out);
    arena_free(&arena);
    return code;
}

/* ---- on_failure ---- */

static bool same_failure(const struct past *a, const struct past *b)
{
    return str_eq(a->trial.file, b->trial.file) && str_eq(a->kind, b->kind) &&
           str_eq(a->failure, b->failure);
}

static void shrink_as_asked(struct shell *sh, const struct past *p, struct str dir)
{
    struct arena a = {0};
    struct diags diags;
    const struct scenario *s =
        scenario_load_with(&a, p->trial.file, p->trial.bytes, cli_files(), &diags);
    if (s && diags.n == 0 && s->on_failure.shrink) {
        struct options before = sh->options;
        sh->options.out = s->on_failure.keep.n ? s->on_failure.keep : dir;
        (void)cli_shrink(sh, p, out_path(sh, p), s->on_failure.budget_ns);
        sh->options = before;
    }
    arena_free(&a);
}

void cli_on_failure(struct shell *sh, struct str dir)
{
    struct past *runs = NULL;
    size_t n = 0;
    struct options before = sh->options;
    sh->options.has_seed = false; /* whatever was run is there */
    sh->options.profile = sh->options.case_filter = str_empty;
    struct err *err = past_in_folder(sh, dir.p, true, &runs, &n);
    sh->options = before;
    for (size_t i = 0; !err && i < n && !cli_signalled(); i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || same_failure(&runs[k], &runs[i]);
        if (!known)
            shrink_as_asked(sh, &runs[i], dir);
    }
    err_ignore(err); /* a file that is gone since */
}

int command_shrink(struct shell *sh)
{
    struct past *runs = NULL;
    size_t n = 0;
    int code;
    if (sh->options.files_n != 1)
        return cli_usage_error(
            err_new(ERR_INVALID, "shrink needs a folder that `run --out` wrote, or a scenario"));
    struct err *err = past_find(sh, true, &runs, &n, &code);
    if (err)
        return cli_complain(err, code);
    if (n > 1 && sh->options.verbosity >= 0)
        fprintf(stderr,
                "paddock-sim: %zu failed runs; this is the first: --seed, --case and "
                "--profile choose\n",
                n);
    if (n > 0)
        code = cli_shrink(sh, &runs[0], out_path(sh, &runs[0]),
                          sh->options.budget_ns ? sh->options.budget_ns : BUDGET_DEFAULT);
    return cli_signalled() ? EXIT_INTERRUPTED : code;
}
