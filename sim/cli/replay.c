/* paddock-sim replay: the same run again, and that it is the same; or the world as it is at a time. */
#include "sim/cli/past.h"

#include "engine/base/timefmt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- proving ---- */

static bool same_failure(const struct past *p, const struct report_run *run)
{
    if (run->failures_n == 0)
        return p->kind.n == 0;
    return str_eq(p->kind, run->failures[0].kind) && str_eq(p->failure, run->failures[0].name);
}

/* A second trace, and where it leaves the first. */
static struct err *tell_divergence(struct shell *sh, const struct past *p, struct buf *out)
{
    struct trial t = p->trial;
    struct trial_result result;
    char again[] = "/tmp/paddock-replay-XXXXXX";
    bool same;
    int fd = mkstemp(again);
    if (fd < 0)
        return NULL;
    close(fd);
    t.trace = again;
    cli_trials(&t, 1, 0, &sh->arena, &result);
    const char *const paths[2] = {p->kept, again};
    struct err *err = cli_diff_traces(paths, out, &same);
    unlink(again);
    return err;
}

/* A run that had been stopped early is stopped at the same time. */
static void run_again(struct shell *sh, struct past *p, struct trial_result *result)
{
    cli_trials(&p->trial, 1, 0, &sh->arena, result);
    const struct report_run *run = result->run;
    if (result->end != TRIAL_RAN || p->simulated_ns < 0 || run->simulated_ns <= p->simulated_ns ||
        str_eq(run->trace_hash, p->trace_hash))
        return;
    struct buf until = {0};
    duration_format(&until, p->simulated_ns);
    p->trial.options.until = arena_str(&sh->arena, buf_str(&until));
    buf_free(&until);
    cli_trials(&p->trial, 1, 0, &sh->arena, result);
}

static void tell_failure(const struct past *p, struct buf *out)
{
    if (!p->kind.n)
        return;
    buf_addf(out, "    failed: " STR_FMT " \"" STR_FMT "\"", STR_ARG(p->kind), STR_ARG(p->failure));
    if (p->at_ns >= 0) {
        buf_add_c(out, " at ");
        duration_format(out, p->at_ns);
    }
    buf_addf(out, ": " STR_FMT "\n", STR_ARG(p->text));
}

/* False: it was another run. */
static bool prove(struct shell *sh, struct past *p)
{
    struct trial_result result;
    struct buf out = {0};
    run_again(sh, p, &result);
    bool ran = result.end == TRIAL_RAN;
    bool same = ran ? str_eq(result.run->trace_hash, p->trace_hash) && same_failure(p, result.run)
                    : result.end == TRIAL_LOST && p->trace_hash.n == 0 && p->failed;
    buf_addf(&out, "%s  ", same ? "same  " : "DIFFERS");
    past_describe(p, &out);
    if (ran)
        buf_addf(&out, " trace " STR_FMT, STR_ARG(str_sub(result.run->trace_hash, 0, 16)));
    if (!same && ran)
        buf_addf(&out, ", was " STR_FMT, STR_ARG(str_sub(p->trace_hash, 0, 16)));
    buf_add_char(&out, '\n');
    tell_failure(p, &out);
    if (!same && result.why.n)
        buf_addf(&out, "    " STR_FMT "\n", STR_ARG(result.why));
    if (!same && ran && p->kept)
        err_ignore(tell_divergence(sh, p, &out));
    cli_print(stdout, &out);
    return same;
}

/* ---- looking ---- */

/* Asked for a time that the run never reached. */
static void tell_end(struct str at, const struct report_run *run)
{
    int64_t asked;
    struct buf end = {0};
    if (!run || !duration_parse(at, &asked) || asked <= run->simulated_ns)
        return;
    duration_format(&end, run->simulated_ns);
    fprintf(stderr, "paddock-sim: the run ends at %s: this is the world as it is then\n",
            buf_c(&end));
    buf_free(&end);
}

static int look(struct shell *sh, const struct past *p)
{
    struct buf errors = {0}, world = {0};
    struct arena a = {0};
    struct options options = p->trial.options;
    struct run_dump dump = {.out = &world, .objects = sh->options.objects};
    struct run_options run = {
        .log_level = LOG_ERROR, .interrupted = &sh->interrupted, .ctx = sh, .dump = &dump};
    options.until = sh->options.at;
    struct suite *suite = suite_new(&options, &run);
    suite_files(suite, cli_files());
    bool ok = suite_add_file(suite, p->trial.file, p->trial.bytes, &errors);
    struct err *err = ok ? suite_lay_out(suite) : NULL;
    if (ok && !err)
        tell_end(sh->options.at, suite_run(suite, 0, &a));
    if (err)
        return cli_usage_error(err);
    cli_print(stderr, &errors);
    cli_print(stdout, &world);
    suite_free(suite);
    arena_free(&a);
    return ok ? EXIT_HELD : EXIT_USAGE;
}

/* What a run is, when a scenario's file is only to be looked into: the first of what the options ask for. */
static struct err *first_of_file(struct shell *sh, struct past *p)
{
    struct buf bytes = {0};
    *p = (struct past){.trial = {.file = sh->options.files[0], .options = sh->options}};
    p->trial.options.command = COMMAND_RUN;
    struct err *err = cli_read_file(p->trial.file.p, &bytes);
    p->trial.bytes = arena_str(&sh->arena, buf_str(&bytes));
    buf_free(&bytes);
    return err;
}

static int replay_at(struct shell *sh)
{
    struct past *runs = NULL, one;
    size_t n = 0;
    int code = EXIT_USAGE;
    bool file = cli_is_yaml(sh->options.files[0].p);
    struct err *err = file ? first_of_file(sh, &one) : past_find(sh, false, &runs, &n, &code);
    if (err)
        return cli_complain(err, code);
    size_t which = 0; /* what failed is what one wants to see */
    while (which < n && !runs[which].failed)
        which++;
    bool failed = which < n;
    if (n > 1)
        fprintf(stderr,
                "paddock-sim: %zu runs; this is the first%s: --seed, --case and --profile "
                "choose\n",
                n, failed ? " that failed" : "");
    return look(sh, file ? &one : &runs[failed ? which : 0]);
}

int command_replay(struct shell *sh)
{
    struct past *runs = NULL;
    size_t n = 0, differ = 0;
    int code;
    if (sh->options.files_n != 1)
        return cli_usage_error(
            err_new(ERR_INVALID, "replay needs a folder that `run --out` wrote, or a scenario"));
    if (sh->options.objects && !sh->options.at.n)
        return cli_usage_error(err_new(ERR_INVALID, "--objects needs --at TIME or --at STEP"));
    if (sh->options.at.n)
        return replay_at(sh);
    struct err *err = past_find(sh, false, &runs, &n, &code);
    if (err)
        return cli_complain(err, code);
    for (size_t i = 0; i < n && !cli_signalled(); i++)
        differ += !prove(sh, &runs[i]);
    if (cli_signalled())
        return EXIT_INTERRUPTED;
    printf("%zu the same, %zu different\n", n - differ, differ);
    return differ ? EXIT_NOT_HELD : EXIT_HELD;
}
