/* Runs in processes of their own. The pipe carries: a letter, the number of runs as text, a line feed, and the rest. */
#include "sim/cli/trial.h"

#include "reports/report_pack.h"
#include "sim/cli/child.h"

#include <signal.h>

#define LOOK_MS 100 /* a signal just before a wait is noticed after this time */

/* ---- in the child ---- */

static void keep_block(void *ctx, struct str block)
{
    cli_keep_trace(ctx, block);
}

static void write_trace(const char *path, const struct buf *trace)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return;
    fwrite(trace->p, 1, trace->n, f);
    fclose(f);
}

static struct suite *open_suite(const struct trial *t, const struct run_options *options,
                                struct buf *errors)
{
    struct suite *suite = suite_new(&t->options, options);
    suite_files(suite, cli_files());
    if (suite_add_file(suite, t->file, t->bytes, errors)) {
        struct err *err = suite_lay_out(suite);
        if (err)
            err_print(err, errors);
        err_free(err);
    }
    return suite;
}

static void carry_out(const struct trial *t, struct buf *out)
{
    static const bool interrupted = false;
    struct arena a = {0};
    struct buf errors = {0}, trace = {.max = CLI_TRACE_BYTES_MAX};
    struct run_options options = {.log_level = LOG_ERROR,
                                  .wall_clock = cli_wall_clock,
                                  .interrupted = &interrupted,
                                  .ctx = &trace,
                                  .trace_block = t->trace ? keep_block : NULL};
    struct suite *suite = open_suite(t, &options, &errors);
    if (errors.n > 0) {
        buf_addf(out, "I0\n" STR_FMT, STR_ARG(buf_str(&errors)));
    } else {
        const struct report_run *run = suite_run(suite, t->job, &a);
        buf_addf(out, "R%zu\n", suite_count(suite));
        report_pack(run, out);
    }
    if (t->trace)
        write_trace(t->trace, &trace);
    suite_free(suite);
    buf_free(&errors);
    buf_free(&trace);
    arena_free(&a);
}

static void be_trial(void *ctx, struct buf *out)
{
    signal(SIGINT, SIG_IGN); /* whoever started us ends us */
    carry_out(ctx, out);
}

/* ---- here ---- */

static void lose(struct trial_result *out, struct arena *a, struct str why)
{
    *out = (struct trial_result){.end = TRIAL_LOST, .why = arena_str(a, why)};
}

static void take_result(struct str bytes, struct arena *a, struct trial_result *out)
{
    struct str head, rest;
    uint64_t jobs = 0;
    struct report_run *run = NULL;
    (void)str_cut(bytes, '\n', &head, &rest);
    bool number = str_to_u64(str_sub(head, 1, head.n), &jobs);
    if (!number) {
        lose(out, a, STR("the process of this run handed nothing over"));
        return;
    }
    *out = (struct trial_result){.end = TRIAL_INVALID, .why = arena_str(a, rest), .jobs = jobs};
    if (head.p[0] != 'R')
        return;
    struct err *err = report_unpack(a, &rest, &run);
    *out = (struct trial_result){.end = TRIAL_RAN, .run = run, .jobs = jobs};
    if (err)
        lose(out, a, STR("what the process of this run handed over cannot be read"));
    err_ignore(err);
}

static void trial_end(struct child *c, bool cut, struct arena *a, struct trial_result *out)
{
    struct buf why = {0};
    if (!child_end(c, &why) && !cut)
        lose(out, a, buf_str(&why));
    else if (cut)
        *out = (struct trial_result){.end = TRIAL_CUT};
    else
        take_result(buf_str(&c->bytes), a, out);
    child_free(c);
    buf_free(&why);
}

static void cut_late_ones(struct child *v, bool *cut, size_t n, int64_t limit_ns)
{
    int64_t now = cli_clock_ns();
    for (size_t i = 0; i < n; i++) {
        bool late = limit_ns > 0 && now - v[i].started_ns > limit_ns;
        if (v[i].pid && !cut[i] && (late || cli_signalled())) {
            cut[i] = true;
            child_kill(&v[i], SIGKILL);
        }
    }
}

void cli_trials(const struct trial *v, size_t n, int64_t limit_ns, struct arena *a,
                struct trial_result *out)
{
    struct child *children = MEM_NEW_ARRAY(struct child, n + 1);
    bool *cut = MEM_NEW_ARRAY(bool, n + 1);
    size_t running = 0;
    for (size_t i = 0; i < n; i++) {
        struct trial one = v[i];
        if (child_start(&children[i], &(struct child_work){be_trial, &one, .heard = false}))
            running++;
        else
            lose(&out[i], a, STR("no process could be had"));
    }
    while (running > 0) {
        cut_late_ones(children, cut, n, limit_ns);
        child_poll(children, n, LOOK_MS);
        for (size_t i = 0; i < n; i++)
            if (children[i].over) {
                trial_end(&children[i], cut[i], a, &out[i]);
                running--;
            }
    }
    mem_free(cut);
    mem_free(children);
}
