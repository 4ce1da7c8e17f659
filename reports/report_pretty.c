/* The report for people at a terminal.
 *
 *     ok     dns-failover  cut=power  hardened  seed 1   30m00s in 1.204s (1,495x)  1,234,567 events
 *     FAIL   dns-failover  cut=power  compat    seed 1   30m00s in 1.180s (1,525x)  1,229,801 events
 *              assert "obedient agents are back" at 12m03.412s  dns-failover.yaml:82:5
 *                expected  within: all(agent: connected)
 *                observed  3 of 100 agents: ...
 *
 * Texts of scenarios go through report_add_line_text: none can move the cursor. */
#include "reports/report_internal.h"
#include "reports/report_told.h"

enum tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_WARN, TINT_DIM, TINT_BOLD };

static void tint(struct buf *out, const struct report_style *style, enum tint t)
{
    static const char *const codes[] = {
        [TINT_NONE] = "\033[0m",  [TINT_GOOD] = "\033[32m", [TINT_BAD] = "\033[1;31m",
        [TINT_WARN] = "\033[33m", [TINT_DIM] = "\033[2m",   [TINT_BOLD] = "\033[1m"};
    if (style->color)
        buf_add_c(out, codes[t]);
}

static void tinted(struct buf *out, const struct report_style *style, enum tint t, const char *z)
{
    tint(out, style, t);
    buf_add_c(out, z);
    tint(out, style, TINT_NONE);
}

/* The text, and blanks up to `width` columns. */
static void column(struct buf *out, struct str s, size_t width)
{
    report_add_line_text(out, s);
    for (size_t n = report_columns(s); n < width; n++)
        buf_add_char(out, ' ');
}

/* ---- the line of a run ---- */

static void outcome_word(struct buf *out, const struct report_style *style, enum report_outcome o)
{
    static const struct {
        const char *word;
        enum tint tint;
    } words[] = {[REPORT_PASSED] = {"ok   ", TINT_GOOD},
                 [REPORT_FAILED] = {"FAIL ", TINT_BAD},
                 [REPORT_ERROR] = {"ERROR", TINT_BAD},
                 [REPORT_UNSUPPORTED] = {"unsup", TINT_WARN},
                 [REPORT_SKIPPED] = {"skip ", TINT_WARN}};
    BUG_ON((size_t)o >= ARRAY_LEN(words), "an outcome is one of the enum");
    tinted(out, style, words[o].tint, words[o].word);
}

/* "30m00s in 1.204s (1,495x)": how much faster than real time. */
static void speed(struct buf *out, const struct report_run *run)
{
    report_duration(out, run->simulated_ns);
    buf_add_c(out, " in ");
    report_duration(out, run->wall_ns - run->wall_ns % NS_PER_MS);
    if (run->wall_ns <= 0)
        return;
    buf_add_c(out, " (");
    if (run->simulated_ns / 10 >= run->wall_ns)
        report_add_grouped(out, (uint64_t)(run->simulated_ns / run->wall_ns));
    else
        report_decimal(out, run->simulated_ns / (run->wall_ns / 10 + 1), 10);
    buf_add_c(out, "x)");
}

static void widen(uint32_t *width, struct str s)
{
    size_t n = report_columns(s);
    if (n > *width)
        *width = (uint32_t)n;
}

void report_style_fit(struct report_style *style, struct str name, struct str case_id,
                      struct str profile)
{
    widen(&style->name_width, name);
    widen(&style->case_width, case_id);
    widen(&style->profile_width, profile);
}

static void head_line(struct buf *out, const struct report_run *run,
                      const struct report_style *style)
{
    outcome_word(out, style, run->outcome);
    buf_add_c(out, "  ");
    tint(out, style, TINT_BOLD);
    column(out, run->name, style->name_width);
    tint(out, style, TINT_NONE);
    if (run->case_id.n > 0 || style->case_width > 0) {
        buf_add_c(out, "  ");
        column(out, run->case_id, style->case_width);
    }
    buf_add_c(out, "  ");
    if (run->over) {
        buf_addf(out, "over all %llu runs\n", (unsigned long long)run->over);
        return;
    }
    column(out, run->profile, style->profile_width);
    buf_addf(out, "  seed %-4llu ", (unsigned long long)run->seed);
    if (run->outcome != REPORT_SKIPPED && run->outcome != REPORT_UNSUPPORTED) {
        tint(out, style, TINT_DIM);
        speed(out, run);
        buf_add_c(out, "  ");
        report_add_grouped(out, run->events);
        buf_add_c(out, " events");
        tint(out, style, TINT_NONE);
    }
    buf_add_char(out, '\n');
}

/* ---- why it failed ---- */

static void detail(struct buf *out, const struct report_style *style, const char *label,
                   struct str prefix, struct str text)
{
    tint(out, style, TINT_DIM);
    buf_addf(out, "           %-10s", label);
    tint(out, style, TINT_NONE);
    report_add_line_text(out, prefix);
    buf_add_c(out, prefix.n ? ": " : "");
    report_add_line_text(out, text);
    buf_add_char(out, '\n');
}

static void failure(struct buf *out, const struct report_run *run, const struct report_failure *f,
                    const struct report_style *style)
{
    const struct report_assert *a =
        str_eq_c(f->kind, "assert") ? report_assert_named(run, f->name) : NULL;
    buf_add_c(out, "         ");
    tint(out, style, TINT_BAD);
    report_add_line_text(out, f->kind);
    tint(out, style, TINT_NONE);
    buf_add_c(out, " \"");
    report_add_line_text(out, f->name);
    buf_add_char(out, '"');
    if (f->at_ns >= 0) {
        buf_add_c(out, " at ");
        report_duration(out, f->at_ns);
    }
    if (f->place.n > 0) {
        buf_add_c(out, "  ");
        report_add_line_text(out, f->place);
    }
    buf_add_char(out, '\n');
    if (a)
        detail(out, style, "expected", a->mode, a->expression);
    detail(out, style, a ? "observed" : "", str_empty, a && a->witness.n ? a->witness : f->text);
}

/* ---- everything that was looked at ---- */

/* "label    ", once for a block of lines. */
static void block_label(struct buf *out, const struct report_style *style, const char *label,
                        size_t i)
{
    tint(out, style, TINT_DIM);
    buf_addf(out, "         %-9s", i == 0 ? label : "");
    tint(out, style, TINT_NONE);
}

static void asserts(struct buf *out, const struct report_run *run, const struct report_style *style)
{
    size_t mode = 0, name = 0, verdict = 0;
    for (size_t i = 0; i < run->asserts_n; i++) {
        size_t m = report_columns(run->asserts[i].mode), n = report_columns(run->asserts[i].name),
               v = report_columns(run->asserts[i].verdict);
        mode = m > mode ? m : mode;
        name = n > name ? n : name;
        verdict = v > verdict ? v : verdict;
    }
    for (size_t i = 0; i < run->asserts_n; i++) {
        const struct report_assert *a = &run->asserts[i];
        block_label(out, style, "asserts", i);
        tint(out, style, a->ok ? TINT_GOOD : TINT_BAD);
        column(out, a->verdict, verdict);
        tint(out, style, TINT_NONE);
        buf_add_c(out, "  ");
        column(out, a->mode, mode);
        buf_add_c(out, "  ");
        column(out, a->name, a->decided_ns >= 0 ? name : 0);
        if (a->decided_ns >= 0) {
            buf_add_c(out, "  at ");
            report_duration(out, a->decided_ns);
        }
        buf_add_char(out, '\n');
    }
}

static void faults(struct buf *out, const struct report_run *run, const struct report_style *style)
{
    size_t name = 0, target = 0;
    if (run->swarm.n) {
        block_label(out, style, "swarm", 0);
        buf_add(out, run->swarm);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < run->faults_n; i++) {
        size_t n = report_columns(run->faults[i].name), t = report_columns(run->faults[i].target);
        name = n > name ? n : name;
        target = t > target ? t : target;
    }
    for (size_t i = 0; i < run->faults_n; i++) {
        const struct report_fault *f = &run->faults[i];
        block_label(out, style, "faults", i);
        column(out, f->name, name);
        buf_add_c(out, "  ");
        column(out, f->target, target);
        buf_add_c(out, "  ");
        if (f->fired > 0) {
            buf_add_c(out, "fired ");
            report_add_grouped(out, f->fired);
        } else {
            tinted(out, style, f->optional ? TINT_DIM : TINT_WARN,
                   f->optional ? "never fired (optional)" : "never fired");
        }
        buf_add_char(out, '\n');
    }
}

static void measures(struct buf *out, const struct report_run *run,
                     const struct report_style *style)
{
    size_t name = 0;
    for (size_t i = 0; i < run->hists_n; i++) {
        size_t n = report_columns(run->hists[i].name);
        name = n > name ? n : name;
    }
    for (size_t i = 0; i < run->hists_n; i++) {
        const struct report_hist *h = &run->hists[i];
        size_t show_n;
        const struct str *show = report_hist_show(h, &show_n);
        block_label(out, style, "measures", i);
        column(out, h->name, name);
        for (size_t k = 0; k < show_n; k++) {
            int64_t value;
            if (!report_hist_value(h, show[k], &value))
                continue;
            buf_addf(out, "  " STR_FMT " ", STR_ARG(show[k]));
            report_add_measure(out, value, h->scale, h->unit);
        }
        buf_add_c(out, h->n ? "  of " : "  no values");
        if (h->n)
            report_add_grouped(out, h->n);
        buf_add_char(out, '\n');
    }
}

void report_pretty_run(const struct report_run *run, const struct report_style *style,
                       struct buf *out)
{
    if (style->verbosity < 0)
        return;
    head_line(out, run, style);
    for (size_t i = 0; i < run->failures_n; i++)
        failure(out, run, &run->failures[i], style);
    if (style->verbosity < 1)
        return;
    asserts(out, run, style);
    faults(out, run, style);
    measures(out, run, style);
}

/* ---- the end ---- */

/* In double quotes, as scripts may take it apart again. */
static void quoted(struct buf *out, struct str s)
{
    struct buf line = {0};
    report_add_line_text(&line, s);
    buf_add_char(out, '"');
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"' || line.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, line.p[i]);
    }
    buf_add_char(out, '"');
    buf_free(&line);
}

/* Always with milliseconds: 12m03.412s, 12m03.000s. */
static void moment(struct buf *out, int64_t ns)
{
    report_duration(out, ns - ns % NS_PER_MS);
    if (ns % NS_PER_S < NS_PER_MS) {
        out->n--; /* the "s" */
        buf_add_c(out, ".000s");
    }
}

static void verdict_head(const struct report_run *run, const struct report_style *style,
                         struct buf *out)
{
    tinted(out, style, TINT_BAD, run->outcome == REPORT_ERROR ? "ERROR" : "FAIL");
    buf_add_char(out, ' ');
    report_add_line_text(out, run->name);
}

/* assert="..." replay: ... */
static void verdict_tail(const struct report_run *run, struct buf *out)
{
    if (run->failures_n > 0) {
        const struct report_failure *f = &run->failures[0];
        buf_add_char(out, ' ');
        report_add_line_text(out, f->kind);
        buf_add_char(out, '=');
        quoted(out, f->name.n ? f->name : f->text);
    }
    if (run->replay.n > 0) {
        buf_add_c(out, " replay: ");
        report_add_line_text(out, run->replay);
    }
    buf_add_char(out, '\n');
}

void report_pretty_cause(const struct report_run *first, size_t runs,
                         const struct report_style *style, struct buf *out)
{
    verdict_head(first, style, out);
    buf_addf(out, " runs=%llu", (unsigned long long)(first->over ? first->over : runs));
    verdict_tail(first, out);
}

/* The verdict line that design/cli.md fixes: FAIL name case=... profile=... seed=... t=... assert="..." replay: ... */
void report_pretty_verdict(const struct report_run *run, const struct report_style *style,
                           struct buf *out)
{
    if (run->over) {
        report_pretty_cause(run, 1, style, out);
        return;
    }
    verdict_head(run, style, out);
    struct str rest = run->case_id, word;
    for (bool more = rest.n > 0, first = true; more; first = false) {
        more = str_cut(rest, '=', &word, &rest); /* lie=drop is lie:drop: one "=" a word */
        buf_add_c(out, first ? " case=" : ":");
        report_add_line_text(out, word);
    }
    buf_add_c(out, " profile=");
    report_add_line_text(out, run->profile);
    buf_addf(out, " seed=%llu", (unsigned long long)run->seed);
    if (run->failures_n > 0 && run->failures[0].at_ns >= 0) {
        buf_add_c(out, " t=");
        moment(out, run->failures[0].at_ns);
    }
    verdict_tail(run, out);
}

static size_t count_of(const struct report *r, enum report_outcome o)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->runs[i]->outcome == o;
    return n;
}

void report_pretty_counts(const struct report *r, struct buf *out)
{
    size_t passed, failed, unsupported = count_of(r, REPORT_UNSUPPORTED),
                           skipped = count_of(r, REPORT_SKIPPED);
    report_count(r, &passed, &failed);
    if (unsupported > 0)
        buf_addf(out, "%zu unsupported in this world\n", unsupported);
    if (skipped > 0)
        buf_addf(out, "%zu skipped\n", skipped);
    if (r->folder.n > 0) {
        buf_add_c(out, "reports are in ");
        report_add_line_text(out, r->folder);
        buf_add_char(out, '\n');
    }
    buf_addf(out, "%zu passed, %zu failed\n", passed, failed);
}

void report_pretty_end(const struct report *r, const struct report_style *style, struct buf *out)
{
    struct report_told told = {0};
    size_t passed, failed;
    report_count(r, &passed, &failed);
    if (failed > 0 && style->verbosity >= 0)
        buf_add_char(out, '\n');
    for (size_t i = 0; i < r->n; i++)
        if (r->runs[i]->outcome == REPORT_FAILED || r->runs[i]->outcome == REPORT_ERROR)
            report_tell(&told, r->runs[i], style, out);
    report_told_free(&told);
    report_pretty_counts(r, out);
}
