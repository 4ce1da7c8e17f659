/* paddock-sim sweep: many seeds at a time. What failed is told at once; what passed is counted. */
#include "sim/cli/child.h"
#include "sim/cli/cli.h"

#include "engine/base/timefmt.h"
#include "reports/report_told.h"

#include <unistd.h>

#define BAR_COLUMNS  24u
#define REDRAW_NS    (100 * NS_PER_MS)
#define CLEAR_TO_END "\033[K"

struct sweep_state {
    bool bar;       /* standard error is a terminal */
    bool bar_drawn; /* and its last line is the bar */
    bool out_of_time;
    int64_t started_ns, drawn_ns;
    size_t done, failed;
    struct report_told told;
};

/* ---- the bar ---- */

static void clear_bar(struct sweep_state *w)
{
    if (w->bar_drawn)
        fputs("\r" CLEAR_TO_END, stderr);
    w->bar_drawn = false;
}

static void draw_bar(struct shell *sh, int64_t now)
{
    struct sweep_state *w = sh->sweep;
    size_t all = suite_count(sh->suite), full = all ? w->done * BAR_COLUMNS / all : 0;
    int64_t spent_ms = (now - w->started_ns) / NS_PER_MS;
    struct buf line = {0};
    buf_add_c(&line, "\r[");
    for (size_t i = 0; i < BAR_COLUMNS; i++)
        buf_add_char(&line, i < full ? '#' : '.');
    buf_addf(&line, "] %zu/%zu, %zu failed", w->done, all, w->failed);
    if (spent_ms > 0 && w->done > 0) {
        int64_t per_s = (int64_t)w->done * 1000 / spent_ms;
        int64_t left_s = (int64_t)(all - w->done) * spent_ms / (int64_t)w->done / 1000;
        buf_addf(&line, ", %lld/s, %lldm%02llds left", (long long)per_s, (long long)(left_s / 60),
                 (long long)(left_s % 60));
    }
    buf_add_c(&line, CLEAR_TO_END);
    cli_print(stderr, &line);
    w->bar_drawn = true;
    w->drawn_ns = now;
}

static void looked(struct shell *sh)
{
    struct sweep_state *w = sh->sweep;
    int64_t now = cli_clock_ns();
    if (w->bar && now - w->drawn_ns >= REDRAW_NS)
        draw_bar(sh, now);
}

/* ---- runs ---- */

static bool may_start(struct shell *sh)
{
    struct sweep_state *w = sh->sweep;
    int64_t budget = sh->options.budget_ns;
    w->out_of_time = w->out_of_time || (budget > 0 && cli_clock_ns() - w->started_ns >= budget);
    return !w->out_of_time;
}

static void tell(struct shell *sh, const struct report_run *run)
{
    struct buf text = {0};
    sh->sweep->failed++;
    if (sh->options.format != FORMAT_PRETTY || sh->options.verbosity < 0)
        return;
    clear_bar(sh->sweep);
    report_tell(&sh->sweep->told, run, &sh->style, &text);
    cli_print(stdout, &text);
}

static void done(struct shell *sh, const struct report_run *run)
{
    sh->sweep->done++;
    if (run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR)
        tell(sh, run);
}

static void judge(struct shell *sh)
{
    const struct report_run *run;
    for (size_t file = 0; (run = suite_judge(sh->suite, &file));)
        tell(sh, run);
}

static void say_what_is_left(struct shell *sh, const struct report *report)
{
    struct buf budget = {0};
    if (!sh->sweep->out_of_time || report->left == 0)
        return;
    report_duration(&budget, sh->options.budget_ns);
    fprintf(stderr,
            "paddock-sim: the budget of %s is used up: %zu of %zu runs were not started, and "
            "`sometimes` is not judged\n",
            buf_c(&budget), report->left, suite_count(sh->suite));
    buf_free(&budget);
}

static int sweep(struct shell *sh, const struct names *files)
{
    if (!cli_open_suite(sh, files))
        return EXIT_USAGE;
    cli_run_in_workers(sh, &(struct pool_how){.jobs = cli_jobs(&sh->options),
                                              .may_start = may_start,
                                              .looked = looked,
                                              .done = done});
    clear_bar(sh->sweep);
    judge(sh);
    say_what_is_left(sh, suite_report(sh->suite));
    return cli_end_suite(sh);
}

int command_sweep(struct shell *sh)
{
    struct names files = {0};
    int code = cli_suite_code(sh, &files);
    sh->sweep = MEM_NEW(struct sweep_state);
    sh->sweep->bar = isatty(STDERR_FILENO) && sh->options.verbosity >= 0;
    sh->sweep->started_ns = cli_clock_ns();
    if (code == EXIT_HELD)
        code = sweep(sh, &files);
    report_told_free(&sh->sweep->told);
    mem_free(sh->sweep);
    sh->sweep = NULL;
    if (sh->suite)
        cli_close_suite(sh);
    cli_names_free(&files);
    return code;
}
