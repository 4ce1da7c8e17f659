/* The JSON of a report. */
#include "reports/report_internal.h"

#include "engine/base/json.h"

/* ---- a writer without a tree ---- */

void report_js_item(struct report_js *j)
{
    if (!j->first)
        buf_add_char(j->out, ',');
    j->first = false;
}

void report_js_open(struct report_js *j, char bracket)
{
    BUG_ON(bracket != '{' && bracket != '[', "an object or an array");
    buf_add_char(j->out, bracket);
    j->first = true;
}

void report_js_close(struct report_js *j, char bracket)
{
    BUG_ON(bracket != '}' && bracket != ']', "an object or an array");
    buf_add_char(j->out, bracket);
    j->first = false; /* it was a value of what encloses it */
}

static void key_text(struct report_js *j, struct str key)
{
    report_js_item(j);
    json_write_string(j->out, key);
    buf_add_char(j->out, ':');
}

void report_js_key(struct report_js *j, const char *key)
{
    key_text(j, str_c(key));
}

void report_js_str(struct report_js *j, const char *key, struct str v)
{
    report_js_key(j, key);
    json_write_string(j->out, v);
}

void report_js_u64(struct report_js *j, const char *key, uint64_t v)
{
    report_js_key(j, key);
    buf_add_u64(j->out, v);
}

static void report_js_bool(struct report_js *j, const char *key, bool v)
{
    report_js_key(j, key);
    buf_add_c(j->out, v ? "true" : "false");
}

static void seconds(struct buf *out, int64_t ns)
{
    if (ns < 0)
        buf_add_c(out, "null");
    else
        report_decimal(out, ns, NS_PER_S);
}

void report_js_seconds(struct report_js *j, const char *key, int64_t ns)
{
    report_js_key(j, key);
    seconds(j->out, ns);
}

static void js_decimal(struct report_js *j, const char *key, int64_t value, int64_t scale)
{
    report_js_key(j, key);
    report_decimal(j->out, value, scale);
}

void report_js_pairs(struct report_js *j, const char *key, struct str pairs)
{
    struct str name, value;
    report_js_key(j, key);
    report_js_open(j, '{');
    while (report_next_pair(&pairs, &name, &value)) {
        key_text(j, name);
        json_write_string(j->out, value);
    }
    report_js_close(j, '}');
}

/* ---- the parts of a run ---- */

/* [seconds, lane, kind, text, bad as 0 or 1] */
static void js_event(struct report_js *j, const struct report_run *run,
                     const struct report_event *e)
{
    report_js_item(j);
    buf_add_char(j->out, '[');
    seconds(j->out, e->at_ns);
    buf_add_char(j->out, ',');
    json_write_string(j->out, run->lanes[e->lane].name);
    buf_add_char(j->out, ',');
    json_write_string(j->out, e->kind);
    buf_add_char(j->out, ',');
    json_write_string(j->out, e->text);
    buf_add_c(j->out, e->bad ? ",1]" : ",0]");
}

static void js_involved(struct report_js *j, const struct report_run *run,
                        const struct report_failure *f)
{
    report_js_key(j, "components");
    report_js_open(j, '[');
    for (size_t i = 0; i < f->components_n; i++) {
        report_js_item(j);
        json_write_string(j->out, f->components[i]);
    }
    report_js_close(j, ']');
    report_js_key(j, "lastEvents");
    report_js_open(j, '[');
    for (size_t i = 0; i < f->events_n; i++)
        js_event(j, run, &run->timeline[f->events[i]]);
    report_js_close(j, ']');
}

static void js_failures(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "failures");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->failures_n; i++) {
        const struct report_failure *f = &run->failures[i];
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "kind", f->kind);
        report_js_str(j, "name", f->name);
        report_js_str(j, "text", f->text);
        report_js_seconds(j, "atSeconds", f->at_ns);
        report_js_str(j, "place", f->place);
        if (f->expected.n) {
            report_js_str(j, "expected", f->expected);
            report_js_str(j, "seen", f->seen);
        }
        if (f->events_n)
            js_involved(j, run, f);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

static void js_metrics(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "metrics");
    report_js_open(j, '{');
    for (size_t i = 0; i < run->metrics_n; i++) {
        key_text(j, run->metrics[i].name);
        buf_add_i64(j->out, run->metrics[i].value);
    }
    report_js_close(j, '}');
}

static void js_asserts(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "asserts");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->asserts_n; i++) {
        const struct report_assert *a = &run->asserts[i];
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "name", a->name);
        report_js_str(j, "mode", a->mode);
        report_js_str(j, "expression", a->expression);
        report_js_str(j, "verdict", a->verdict);
        report_js_bool(j, "ok", a->ok);
        report_js_seconds(j, "fromSeconds", a->from_ns);
        report_js_seconds(j, "decidedSeconds", a->decided_ns);
        report_js_str(j, "witness", a->witness);
        report_js_u64(j, "evaluations", a->evaluations);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

static void js_steps(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "steps");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->steps_n; i++) {
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "name", run->steps[i].name);
        report_js_seconds(j, "beginSeconds", run->steps[i].begin_ns);
        report_js_seconds(j, "endSeconds", run->steps[i].end_ns);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

static void js_faults(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "faults");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->faults_n; i++) {
        const struct report_fault *f = &run->faults[i];
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "name", f->name);
        report_js_str(j, "target", f->target);
        report_js_seconds(j, "beginSeconds", f->begin_ns);
        report_js_seconds(j, "endSeconds", f->end_ns);
        report_js_u64(j, "fired", f->fired);
        report_js_bool(j, "optional", f->optional);
        if (f->drawn_from.n)
            report_js_str(j, "drawnFrom", f->drawn_from);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

static void js_hist(struct report_js *j, const struct report_hist *h, bool values)
{
    size_t show_n;
    const struct str *show = report_hist_show(h, &show_n);
    report_js_item(j);
    report_js_open(j, '{');
    report_js_str(j, "name", h->name);
    report_js_str(j, "unit", h->unit);
    report_js_str(j, "doc", h->doc);
    report_js_u64(j, "count", h->n);
    report_js_key(j, "show");
    report_js_open(j, '{');
    for (size_t i = 0; i < show_n; i++) {
        int64_t value;
        if (!report_hist_value(h, show[i], &value))
            continue;
        key_text(j, show[i]);
        report_decimal(j->out, value, h->scale);
    }
    report_js_close(j, '}');
    if (values && !h->shown) {
        report_js_key(j, "values");
        report_js_open(j, '[');
        for (size_t i = 0; i < h->n; i++) {
            report_js_item(j);
            report_decimal(j->out, h->values[i], h->scale);
        }
        report_js_close(j, ']');
    }
    report_js_close(j, '}');
}

/* A series without its points: what they begin, end and reach. */
static void js_series_summary(struct report_js *j, const struct report_series *s)
{
    report_js_u64(j, "points", s->n);
    if (s->n == 0)
        return;
    int64_t least = s->points[0].value, most = least;
    for (size_t i = 1; i < s->n; i++) {
        least = s->points[i].value < least ? s->points[i].value : least;
        most = s->points[i].value > most ? s->points[i].value : most;
    }
    js_decimal(j, "min", least, s->scale);
    js_decimal(j, "max", most, s->scale);
    js_decimal(j, "last", s->points[s->n - 1].value, s->scale);
}

static void js_series(struct report_js *j, const struct report_series *s, bool points)
{
    report_js_item(j);
    report_js_open(j, '{');
    report_js_str(j, "name", s->name);
    report_js_str(j, "unit", s->unit);
    report_js_str(j, "doc", s->doc);
    if (points) {
        report_js_str(j, "chart", s->chart);
        report_js_key(j, "at");
        report_js_open(j, '[');
        for (size_t i = 0; i < s->n; i++) {
            report_js_item(j);
            seconds(j->out, s->points[i].at_ns);
        }
        report_js_close(j, ']');
        report_js_key(j, "values");
        report_js_open(j, '[');
        for (size_t i = 0; i < s->n; i++) {
            report_js_item(j);
            report_decimal(j->out, s->points[i].value, s->scale);
        }
        report_js_close(j, ']');
    } else {
        js_series_summary(j, s);
    }
    report_js_close(j, '}');
}

static void js_measures(struct report_js *j, const struct report_run *run, bool page)
{
    report_js_key(j, "measures");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->hists_n; i++)
        js_hist(j, &run->hists[i], page);
    report_js_close(j, ']');
}

static void js_all_series(struct report_js *j, const struct report_run *run, bool page)
{
    report_js_key(j, "series");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->series_n; i++)
        js_series(j, &run->series[i], page);
    report_js_close(j, ']');
}

/* ---- what only the page has ---- */

static void js_lanes(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "lanes");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->lanes_n; i++) {
        report_js_item(j);
        report_js_open(j, '{');
        report_js_str(j, "name", run->lanes[i].name);
        report_js_str(j, "group", run->lanes[i].group);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
}

/* Rows instead of objects: there may be 10,000. [seconds, lane, kind, text, bad as 0 or 1] */
static void js_timeline(struct report_js *j, const struct report_run *run, size_t events_max)
{
    size_t n = run->timeline_n < events_max ? run->timeline_n : events_max;
    report_js_u64(j, "eventsDropped", run->timeline_dropped + (run->timeline_n - n));
    report_js_key(j, "timeline");
    report_js_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        const struct report_event *e = &run->timeline[i];
        BUG_ON(e->lane >= run->lanes_n, "an event is on a lane");
        report_js_item(j);
        buf_add_char(j->out, '[');
        seconds(j->out, e->at_ns);
        buf_addf(j->out, ",%u,", e->lane);
        json_write_string(j->out, e->kind);
        buf_add_char(j->out, ',');
        json_write_string(j->out, e->text);
        buf_add_c(j->out, e->bad ? ",1]" : ",0]");
    }
    report_js_close(j, ']');
}

/* [lane, begin, end, state] */
static void js_spans(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "spans");
    report_js_open(j, '[');
    for (size_t i = 0; i < run->spans_n; i++) {
        const struct report_span *s = &run->spans[i];
        BUG_ON(s->lane >= run->lanes_n, "a span is on a lane");
        report_js_item(j);
        buf_addf(j->out, "[%u,", s->lane);
        seconds(j->out, s->begin_ns);
        buf_add_char(j->out, ',');
        seconds(j->out, s->end_ns);
        buf_add_char(j->out, ',');
        json_write_string(j->out, s->state);
        buf_add_char(j->out, ']');
    }
    report_js_close(j, ']');
}

/* ---- a run, and all ---- */

static void js_head(struct report_js *j, const struct report_run *run)
{
    report_js_str(j, "name", run->name);
    report_js_str(j, "doc", run->doc);
    report_js_str(j, "file", run->file);
    report_js_str(j, "profile", run->profile);
    report_js_str(j, "case", run->case_id);
    report_js_pairs(j, "params", run->params);
    report_js_pairs(j, "policies", run->policies);
    if (run->swarm.n)
        report_js_str(j, "swarm", run->swarm);
    if (run->over)
        report_js_u64(j, "over", run->over);
    else
        report_js_u64(j, "seed", run->seed);
    if (run->world.n)
        report_js_str(j, "world", run->world);
    report_js_str(j, "result", str_c(report_outcome_name(run->outcome)));
    report_js_str(j, "traceHash", run->trace_hash);
    report_js_seconds(j, "simulatedSeconds", run->simulated_ns);
    report_js_seconds(j, "wallSeconds", run->wall_ns);
    report_js_u64(j, "events", run->events);
    report_js_str(j, "replay", run->replay);
}

static void js_start(struct report_js *j, const struct report_run *run)
{
    report_js_key(j, "start");
    buf_add_char(j->out, '"');
    rfc3339_format(j->out, run->wall_start_unix_ns);
    buf_add_char(j->out, '"');
}

void report_js_run(struct report_js *j, const struct report_run *run,
                   const struct report_js_page *page)
{
    report_js_open(j, '{');
    js_head(j, run);
    js_start(j, run);
    js_failures(j, run);
    if (run->brief) {
        js_measures(j, run, false);
        report_js_close(j, '}');
        return;
    }
    js_metrics(j, run);
    js_asserts(j, run);
    js_steps(j, run);
    js_faults(j, run);
    js_measures(j, run, page != NULL);
    js_all_series(j, run, page != NULL);
    if (page) {
        struct buf seed = {0}; /* as text: scripts in pages hold 53 bits */
        if (!run->over)
            buf_add_u64(&seed, run->seed);
        report_js_str(j, "seedText", buf_str(&seed));
        buf_free(&seed);
        js_lanes(j, run);
        js_spans(j, run);
        js_timeline(j, run, page->events_max);
    }
    report_js_close(j, '}');
}

void report_json(const struct report *r, struct buf *out)
{
    size_t passed, failed;
    struct report_js j = {.out = out, .first = true};
    report_count(r, &passed, &failed);
    report_js_open(&j, '{');
    report_js_key(&j, "scenarios");
    report_js_open(&j, '[');
    for (size_t i = 0; i < r->n; i++) {
        report_js_item(&j);
        buf_add_char(out, '\n');
        report_js_run(&j, r->runs[i], NULL);
    }
    buf_add_char(out, '\n');
    report_js_close(&j, ']');
    report_js_u64(&j, "passed", passed);
    report_js_u64(&j, "failed", failed);
    report_js_str(&j, "command", r->command);
    if (r->summed_up)
        report_js_summary(&j, r, false);
    report_js_close(&j, '}');
    buf_add_char(out, '\n');
}
