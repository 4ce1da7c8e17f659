#include "tests/unit/support/small_run.h"

#include "tests/unit/support/check.h"

static int64_t no_clock(void *ctx)
{
    (void)ctx;
    return 0;
}

void small_run(struct small_run *r, const char *head, const char *text)
{
    struct buf errors = {0}, all = {0};
    r->options.command = COMMAND_RUN;
    if (!r->options.profile.n)
        r->options.profile = STR("hardened");
    r->run.log_level = LOG_ERROR;
    r->run.until_ns = -1;
    if (!r->run.wall_clock)
        r->run.wall_clock = no_clock;
    r->suite = suite_new(&r->options, &r->run);
    buf_addf(&all, "%s%s", head, text);
    if (!suite_add_file(r->suite, STR("t.yaml"), buf_str(&all), &errors))
        fail_msg("%.300s", buf_c(&errors));
    check_ok(suite_lay_out(r->suite));
    for (size_t i = 0; i < suite_count(r->suite); i++) {
        const struct report_run *done = suite_done(r->suite, i, suite_run(r->suite, i, &r->arena));
        r->first = r->first ? r->first : done;
    }
    r->report = suite_report(r->suite);
    buf_free(&errors);
    buf_free(&all);
}

void small_run_free(struct small_run *r)
{
    suite_free(r->suite);
    arena_free(&r->arena);
}

size_t small_run_events(const struct report_run *run, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < run->timeline_n; i++)
        n += str_eq_c(run->timeline[i].kind, kind);
    return n;
}

bool small_row_holds(const char *head, const struct small_row *row)
{
    struct small_run r = {0};
    struct buf got = {0};
    small_run(&r, head, row->text);
    for (size_t i = 0; i < r.first->failures_n; i++)
        buf_addf(&got, "%s" STR_FMT " " STR_FMT, i ? "|" : "", STR_ARG(r.first->failures[i].kind),
                 STR_ARG(r.first->failures[i].name));
    struct str reason = r.first->failures_n ? r.first->failures[0].text : str_empty;
    bool ok = str_eq_c(buf_str(&got), row->failures) && str_find(reason, str_c(row->reason)) >= 0;
    if (!ok)
        print_error("%s\ngot \"%s\", want \"%s\" for \"%s\"\n", row->text, buf_c(&got),
                    row->failures, row->reason);
    for (size_t i = 0; !ok && i < r.first->failures_n; i++)
        print_error("  " STR_FMT ": " STR_FMT "\n", STR_ARG(r.first->failures[i].name),
                    STR_ARG(r.first->failures[i].text));
    buf_free(&got);
    small_run_free(&r);
    return ok;
}
