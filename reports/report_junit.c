/* JUnit XML: a testsuite per scenario file, a testcase per run.
 *
 * The common ground of what continuous-integration servers read: a testcase has at most one failure, error or skipped;
 * properties come first. Steps that were unsupported in this world are skipped tests: never passed ones. */
#include "reports/report_internal.h"

/* ---- XML ---- */

/* XML 1.0 section 2.2: what cannot stand in a document, not even escaped, becomes U+FFFD. */
static bool xml_can_hold(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

/* Fit for text and for attributes in double quotes (where blanks other than spaces would be lost). */
static void xml_text(struct buf *out, struct str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t c = report_code_point(s, &at);
        if (c == '&')
            buf_add_c(out, "&amp;");
        else if (c == '<')
            buf_add_c(out, "&lt;");
        else if (c == '>')
            buf_add_c(out, "&gt;");
        else if (c == '"')
            buf_add_c(out, "&quot;");
        else if (c == '\t' || c == '\n' || c == '\r')
            buf_addf(out, "&#%u;", c);
        else if (!xml_can_hold(c) || c == 0xfffd)
            buf_add_c(out, "\xef\xbf\xbd");
        else
            buf_add(out, str_sub(s, from, at - from));
    }
}

static void attribute(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, " %s=\"", name);
    xml_text(out, value);
    buf_add_char(out, '"');
}

static void attribute_u64(struct buf *out, const char *name, uint64_t value)
{
    buf_addf(out, " %s=\"%llu\"", name, (unsigned long long)value);
}

static void attribute_seconds(struct buf *out, const char *name, int64_t ns)
{
    buf_addf(out, " %s=\"", name);
    report_decimal(out, ns, NS_PER_S);
    buf_add_char(out, '"');
}

/* ---- a run ---- */

static void property(struct buf *out, const char *name, struct str value)
{
    if (value.n == 0)
        return;
    buf_add_c(out, "        <property");
    attribute(out, "name", str_c(name));
    attribute(out, "value", value);
    buf_add_c(out, "/>\n");
}

static void properties(struct buf *out, const struct report_run *run)
{
    struct buf simulated = {0};
    if (run->over) {
        buf_add_c(out, "      <properties>\n");
        property(out, "replay", run->replay);
        buf_add_c(out, "      </properties>\n");
        return;
    }
    report_decimal(&simulated, run->simulated_ns, NS_PER_S);
    buf_add_c(out, "      <properties>\n");
    property(out, "world", run->world);
    property(out, "traceHash", run->trace_hash);
    property(out, "simulatedSeconds", buf_str(&simulated));
    buf_clear(&simulated);
    buf_add_u64(&simulated, run->events);
    property(out, "events", buf_str(&simulated));
    property(out, "params", run->params);
    property(out, "policies", run->policies);
    property(out, "swarm", run->swarm);
    property(out, "replay", run->replay);
    buf_add_c(out, "      </properties>\n");
    buf_free(&simulated);
}

/* Everything that went wrong, for the body of the element. */
static void reasons(struct buf *out, const struct report_run *run)
{
    struct buf line = {0};
    for (size_t i = 0; i < run->failures_n; i++) {
        const struct report_failure *f = &run->failures[i];
        buf_clear(&line);
        buf_addf(&line, STR_FMT " \"" STR_FMT "\"", STR_ARG(f->kind), STR_ARG(f->name));
        if (f->at_ns >= 0) {
            buf_add_c(&line, " at ");
            report_duration(&line, f->at_ns);
        }
        if (f->place.n > 0)
            buf_addf(&line, " (" STR_FMT ")", STR_ARG(f->place));
        buf_addf(&line, ": " STR_FMT, STR_ARG(f->text));
        xml_text(out, buf_str(&line));
        buf_add_char(out, '\n');
    }
    if (run->replay.n > 0) {
        buf_add_c(out, "replay: ");
        xml_text(out, run->replay);
    }
    buf_free(&line);
}

static void verdict(struct buf *out, const struct report_run *run, const char *element)
{
    struct buf message = {0};
    if (run->failures_n > 0) {
        const struct report_failure *f = &run->failures[0];
        buf_addf(&message, STR_FMT ": " STR_FMT, STR_ARG(f->name), STR_ARG(f->text));
        if (run->failures_n > 1)
            buf_addf(&message, " (and %zu more)", run->failures_n - 1);
    } else {
        buf_add_c(&message, report_outcome_name(run->outcome));
    }
    buf_addf(out, "      <%s", element);
    attribute(out, "message", buf_str(&message));
    if (str_eq_c(str_c(element), "skipped")) {
        buf_add_c(out, "/>\n");
    } else {
        attribute(out, "type", run->failures_n ? run->failures[0].kind : STR("unknown"));
        buf_add_char(out, '>');
        reasons(out, run);
        buf_addf(out, "</%s>\n", element);
    }
    buf_free(&message);
}

static void case_name(struct buf *out, const struct report_run *run)
{
    struct buf name = {0};
    if (run->case_id.n > 0)
        buf_addf(&name, STR_FMT " ", STR_ARG(run->case_id));
    if (run->over)
        buf_addf(&name, "over all %llu runs", (unsigned long long)run->over);
    else
        buf_addf(&name, STR_FMT " seed=%llu", STR_ARG(run->profile), (unsigned long long)run->seed);
    attribute(out, "name", buf_str(&name));
    buf_free(&name);
}

static void testcase(struct buf *out, const struct report_run *run)
{
    static const char *const elements[] = {[REPORT_PASSED] = NULL,
                                           [REPORT_FAILED] = "failure",
                                           [REPORT_ERROR] = "error",
                                           [REPORT_UNSUPPORTED] = "skipped",
                                           [REPORT_SKIPPED] = "skipped"};
    buf_add_c(out, "    <testcase");
    case_name(out, run);
    attribute(out, "classname", run->name);
    attribute(out, "file", run->file);
    attribute_seconds(out, "time", run->wall_ns);
    buf_add_c(out, ">\n");
    properties(out, run);
    if (elements[run->outcome])
        verdict(out, run, elements[run->outcome]);
    buf_add_c(out, "    </testcase>\n");
}

/* ---- suites ---- */

struct tally {
    uint64_t tests, failures, errors, skipped;
    int64_t wall_ns;
};

static bool same_suite(const struct report_run *a, const struct report_run *b)
{
    return !a || (str_eq(a->file, b->file) && str_eq(a->name, b->name));
}

/* Over the runs of the suite of `of`; NULL: over all. */
static struct tally count(const struct report *r, const struct report_run *of)
{
    struct tally t = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct report_run *run = r->runs[i];
        if (!same_suite(of, run))
            continue;
        t.tests++;
        t.failures += run->outcome == REPORT_FAILED;
        t.errors += run->outcome == REPORT_ERROR;
        t.skipped += run->outcome == REPORT_UNSUPPORTED || run->outcome == REPORT_SKIPPED;
        t.wall_ns += run->wall_ns;
    }
    return t;
}

static void tally_attributes(struct buf *out, const struct tally *t)
{
    attribute_u64(out, "tests", t->tests);
    attribute_u64(out, "failures", t->failures);
    attribute_u64(out, "errors", t->errors);
    attribute_u64(out, "skipped", t->skipped);
    attribute_seconds(out, "time", t->wall_ns);
    buf_add_c(out, ">\n");
}

static void testsuite(struct buf *out, const struct report *r, const struct report_run *first)
{
    struct tally t = count(r, first);
    buf_add_c(out, "  <testsuite");
    attribute(out, "name", first->name);
    attribute(out, "file", first->file);
    tally_attributes(out, &t);
    for (size_t i = 0; i < r->n; i++)
        if (same_suite(first, r->runs[i]))
            testcase(out, r->runs[i]);
    buf_add_c(out, "  </testsuite>\n");
}

static bool begins_suite(const struct report *r, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_suite(r->runs[i], r->runs[at]))
            return false;
    return true;
}

void report_junit(const struct report *r, struct buf *out)
{
    struct tally all = count(r, NULL);
    buf_add_c(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"paddock\"");
    tally_attributes(out, &all);
    for (size_t i = 0; i < r->n; i++)
        if (begins_suite(r, i))
            testsuite(out, r, r->runs[i]);
    buf_add_c(out, "</testsuites>\n");
}
