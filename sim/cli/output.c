/* What run, sweep and merge leave behind: the end on standard output, the folder of --out, the exit status. */
#include "sim/cli/cli.h"

#include "reports/report_summary.h"
#include "reports/report_told.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool cli_out_is_writable(const struct options *o)
{
    bool ok = o->out.n == 0 || (cli_make_dirs(o->out.p) && access(o->out.p, W_OK | X_OK) == 0);
    if (!ok)
        fprintf(stderr, "paddock-sim: error: --out: %s: %s\n", o->out.p, strerror(errno));
    return ok;
}

/* ---- files ---- */

static bool in_junit(const struct report_run *run)
{
    return !run->wishes.no_junit;
}

static bool in_csv(const struct report_run *run)
{
    return run->wishes.csv;
}

static bool in_sarif(const struct report_run *run)
{
    return run->wishes.sarif;
}

/* Writes the runs that `wanted` takes; no file when there is none of them, unless nothing ran at all. */
static bool write_some(const char *dir, const char *name, const struct report *all,
                       bool (*wanted)(const struct report_run *run),
                       void (*write)(const struct report *r, struct buf *out))
{
    const struct report_run **runs = MEM_NEW_ARRAY(const struct report_run *, all->n + 1);
    struct report some = *all;
    struct buf bytes = {0};
    bool ok = true;
    some.runs = runs;
    some.n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (wanted(all->runs[i]))
            runs[some.n++] = all->runs[i];
    if (some.n > 0 || (all->n == 0 && wanted != in_csv && wanted != in_sarif)) {
        write(&some, &bytes);
        ok = cli_write_file(dir, name, buf_str(&bytes), 0666);
    }
    buf_free(&bytes);
    mem_free(runs);
    return ok;
}

static bool any_run(const struct report_run *run)
{
    return run != NULL;
}

static bool write_reports(struct shell *sh, const struct report *report, struct str packed)
{
    const char *dir = sh->options.out.p;
    if (!cli_make_dirs(dir)) {
        fprintf(stderr, "paddock-sim: error: %s: %s\n", dir, strerror(errno));
        return false;
    }
    bool ok = write_some(dir, "report.json", report, any_run, report_json) &&
              write_some(dir, "junit.xml", report, in_junit, report_junit) &&
              write_some(dir, "report.html", report, report_in_page, report_html) &&
              write_some(dir, "report.sarif", report, in_sarif, report_sarif) &&
              write_some(dir, "measures.csv", report, in_csv, report_csv);
    if (ok && report->summed_up)
        ok = write_some(dir, "summary.html", report, any_run, report_html_summary);
    if (ok && packed.n)
        ok = cli_write_file(dir, CLI_PACK_NAME, packed, 0666);
    return ok;
}

/* ---- the end ---- */

static int exit_of(const struct shell *sh, const struct report *report)
{
    bool unsupported = false;
    if (sh->options.world_real && !sh->interrupted && cli_no_world(report))
        return EXIT_NO_WORLD;
    for (size_t i = 0; i < report->n; i++) {
        enum report_outcome o = report->runs[i]->outcome;
        if (!sh->interrupted && (o == REPORT_FAILED || o == REPORT_ERROR))
            return EXIT_NOT_HELD;
        unsupported = unsupported || o == REPORT_UNSUPPORTED;
    }
    if (sh->interrupted)
        return EXIT_INTERRUPTED;
    return unsupported ? EXIT_UNSUPPORTED : EXIT_HELD;
}

/* Quiet: a line for all the runs that failed alike. */
static void print_causes(const struct report *report, const struct report_style *style,
                         struct buf *out)
{
    report_tell_causes(report, style, out);
    report_pretty_sweep_end(report, style, out);
}

static void print_end(const struct shell *sh, const struct report *report)
{
    struct buf text = {0};
    if (sh->options.format == FORMAT_JSON)
        report_json(report, &text);
    else if (sh->options.format == FORMAT_JUNIT)
        report_junit(report, &text);
    else if (sh->options.format == FORMAT_SARIF)
        report_sarif(report, &text);
    else if (report->summed_up && sh->options.verbosity < 0)
        print_causes(report, &sh->style, &text);
    else if (report->summed_up)
        report_pretty_sweep_end(report, &sh->style, &text);
    else
        report_pretty_end(report, &sh->style, &text);
    cli_print(stdout, &text);
}

int cli_end(struct shell *sh, const struct report *report, struct str packed)
{
    bool written = sh->options.out.n && write_reports(sh, report, packed);
    int code = sh->options.out.n && !written ? EXIT_NO_WORLD : exit_of(sh, report);
    struct report shown = *report;
    if (written && sh->options.verbosity >= 0)
        shown.folder = sh->options.out;
    print_end(sh, &shown);
    if (written && code == EXIT_NOT_HELD && sh->suite)
        cli_on_failure(sh, sh->options.out);
    return code;
}

int cli_end_suite(struct shell *sh)
{
    struct buf packed = {0};
    if (sh->options.out.n)
        suite_save(sh->suite, &packed);
    int code = cli_end(sh, suite_report(sh->suite), buf_str(&packed));
    buf_free(&packed);
    return code;
}
