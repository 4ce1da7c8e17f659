/* SARIF 2.1.0: one run of one tool; rules are the kinds of failures. */
#include "reports/report_sarif.h"

#include "engine/base/json.h"
#include "reports/report_internal.h"

static const struct {
    const char *id, *doc;
} rules[] = {
    {"scenario", "The scenario file has a mistake"},
    {"assert", "An assertion did not hold"},
    {"wait", "A condition did not come true in time"},
    {"fault", "A fault took no effect"},
    {"budget", "The run took more than it may"},
    {"error", "The run could not be carried out"},
    {"unsupported", "This world cannot do it"},
};

static void write_rules(struct report_js *j)
{
    report_js_key(j, "rules");
    report_js_open(j, '[');
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "id", str_c(rules[i].id));
        report_js_key(j, "shortDescription");
        report_js_open(j, '{');
        report_js_str(j, "text", str_c(rules[i].doc));
        report_js_close(j, '}');
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

static size_t rule_index(struct str id)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (str_eq_c(id, rules[i].id))
            return i;
    return rule_index(STR("error")); /* kinds that are newer than this list */
}

/* A path as a URI reference (RFC 3986): what is no path character is escaped. */
static void write_uri(struct report_js *j, struct str path)
{
    struct buf uri = {0};
    buf_add_c(&uri, path.n && path.p[0] == '/' ? "file://" : "");
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain)
            buf_add_char(&uri, (char)c);
        else
            buf_addf(&uri, "%%%02X", c);
    }
    report_js_str(j, "uri", buf_str(&uri));
    buf_free(&uri);
}

static void write_location(struct report_js *j, const struct report_finding *f)
{
    report_js_key(j, "locations");
    report_js_open(j, '[');
    report_js_item(j);
    report_js_open(j, '{');
    report_js_key(j, "physicalLocation");
    report_js_open(j, '{');
    report_js_key(j, "artifactLocation");
    report_js_open(j, '{');
    write_uri(j, f->file);
    report_js_close(j, '}');
    if (f->line) {
        report_js_key(j, "region");
        report_js_open(j, '{');
        report_js_u64(j, "startLine", f->line);
        if (f->column)
            report_js_u64(j, "startColumn", f->column);
        report_js_close(j, '}');
    }
    report_js_close(j, '}');
    report_js_close(j, '}');
    report_js_close(j, ']');
}

static void write_result(struct report_js *j, const struct report_finding *f)
{
    size_t rule = rule_index(f->rule);
    report_js_item(j);
    report_js_open(j, '{');
    report_js_str(j, "ruleId", str_c(rules[rule].id));
    report_js_u64(j, "ruleIndex", rule);
    report_js_str(j, "level", f->note ? STR("note") : STR("error"));
    report_js_key(j, "message");
    report_js_open(j, '{');
    report_js_str(j, "text", f->text);
    report_js_close(j, '}');
    if (f->file.n)
        write_location(j, f);
    if (f->same_as.n) {
        report_js_key(j, "partialFingerprints");
        report_js_open(j, '{');
        report_js_str(j, "paddock/v1", f->same_as);
        report_js_close(j, '}');
    }
    report_js_close(j, '}');
}

void report_sarif_findings(const struct report_finding *findings, size_t n, struct buf *out)
{
    struct report_js j = {out, true};
    report_js_open(&j, '{');
    report_js_str(&j, "$schema", STR("https://json.schemastore.org/sarif-2.1.0.json"));
    report_js_str(&j, "version", STR("2.1.0"));
    report_js_key(&j, "runs");
    report_js_open(&j, '[');
    report_js_item(&j);
    report_js_open(&j, '{');
    report_js_key(&j, "tool");
    report_js_open(&j, '{');
    report_js_key(&j, "driver");
    report_js_open(&j, '{');
    report_js_str(&j, "name", STR("paddock-sim"));
    report_js_str(&j, "version", STR(PADDOCK_VERSION));
    write_rules(&j);
    report_js_close(&j, '}');
    report_js_close(&j, '}');
    report_js_str(&j, "columnKind", STR("unicodeCodePoints"));
    report_js_key(&j, "results");
    report_js_open(&j, '[');
    for (size_t i = 0; i < n; i++)
        write_result(&j, &findings[i]);
    report_js_close(&j, ']');
    report_js_close(&j, '}');
    report_js_close(&j, ']');
    report_js_close(&j, '}');
    buf_add_char(out, '\n');
}

/* ---- of runs ---- */

/* "dir/x.yaml:82:5" into its parts; a path may hold colons itself. */
static void read_place(struct str place, struct report_finding *f)
{
    uint64_t number[2] = {0, 0};
    struct str rest = place;
    for (size_t i = 0; i < 2; i++) {
        size_t at = rest.n;
        while (at > 0 && rest.p[at - 1] != ':')
            at--;
        if (at == 0 || !str_to_u64(str_sub(rest, at, rest.n), &number[i]) || number[i] > UINT32_MAX)
            return;
        rest = str_sub(rest, 0, at - 1);
    }
    f->file = rest;
    f->line = (uint32_t)number[1];
    f->column = (uint32_t)number[0];
}

static struct str text_of(struct arena *a, const struct report_run *run,
                          const struct report_failure *failure)
{
    struct buf text = {0};
    buf_add(&text, failure->name);
    if (failure->text.n)
        buf_addf(&text, ": " STR_FMT, STR_ARG(failure->text));
    if (failure->at_ns >= 0) {
        buf_add_c(&text, " (at ");
        report_duration(&text, failure->at_ns);
        buf_add_c(&text, ")");
    }
    buf_addf(&text, "\n" STR_FMT ", ", STR_ARG(run->name));
    if (run->over)
        buf_addf(&text, "over all %llu runs", (unsigned long long)run->over);
    else
        buf_addf(&text, "profile " STR_FMT, STR_ARG(run->profile));
    if (run->case_id.n)
        buf_addf(&text, ", case " STR_FMT, STR_ARG(run->case_id));
    if (!run->over)
        buf_addf(&text, ", seed %llu", (unsigned long long)run->seed);
    if (run->replay.n)
        buf_addf(&text, "\n" STR_FMT, STR_ARG(run->replay));
    struct str said = arena_str(a, buf_str(&text));
    buf_free(&text);
    return said;
}

void report_sarif(const struct report *r, struct buf *out)
{
    struct arena a = {0};
    size_t n = 0, all = 0;
    for (size_t i = 0; i < r->n; i++)
        all += r->runs[i]->failures_n;
    struct report_finding *findings = ARENA_NEW_ARRAY(&a, struct report_finding, all + 1);
    for (size_t i = 0; i < r->n; i++) {
        const struct report_run *run = r->runs[i];
        for (size_t k = 0; k < run->failures_n; k++) {
            const struct report_failure *failure = &run->failures[k];
            struct report_finding *f = &findings[n++];
            *f = (struct report_finding){.rule = failure->kind,
                                         .note = str_eq_c(failure->kind, "unsupported"),
                                         .text = text_of(&a, run, failure),
                                         .file = run->file};
            f->same_as =
                arena_printf(&a, STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT,
                             STR_ARG(run->name), STR_ARG(run->profile), STR_ARG(run->case_id),
                             STR_ARG(failure->kind), STR_ARG(failure->name));
            read_place(failure->place, f);
        }
    }
    report_sarif_findings(findings, n, out);
    arena_free(&a);
}
