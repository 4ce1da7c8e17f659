/* Groups of runs, and what they have in common. */
#include "reports/report_summary.h"

#include "engine/base/map.h"
#include "reports/report_internal.h"

#include <stdlib.h>

/* A group under way: its runs as indexes into the report. */
struct gathered {
    size_t *runs;
    size_t n, cap;
};

bool report_in_page(const struct report_run *run)
{
    return !run->brief && !run->wishes.no_html;
}

static bool is_failed(const struct report_run *run)
{
    return run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
}

static struct str key_of(struct arena *a, const struct report_run *run)
{
    return arena_printf(a, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                        STR_ARG(run->file), STR_ARG(run->name), STR_ARG(run->profile),
                        STR_ARG(run->case_id), STR_ARG(run->params));
}

static void gather(struct arena *a, struct map *groups, const struct report *r)
{
    struct arena keys = {0};
    for (size_t i = 0; i < r->n; i++) {
        struct str key = key_of(&keys, r->runs[i]);
        struct gathered *g = map_get(groups, key);
        if (!g) {
            g = ARENA_NEW(a, struct gathered);
            map_put(groups, key, g);
        }
        if (g->n == g->cap) {
            g->cap = g->cap ? g->cap * 2 : 4;
            g->runs = mem_resize(g->runs, g->cap * sizeof *g->runs);
        }
        g->runs[g->n++] = i;
        arena_reset(&keys);
    }
    arena_free(&keys);
}

/* ---- causes ---- */

static int more_runs_first(const void *a, const void *b)
{
    const struct summary_cause *x = a, *y = b;
    int by_count = (x->n < y->n) - (x->n > y->n);
    return by_count ? by_count : str_cmp(x->name, y->name);
}

static struct summary_cause *cause_of(struct summary_group *g, const struct report_run *run)
{
    struct str kind = run->failures_n ? run->failures[0].kind : STR("error");
    struct str name = run->failures_n ? run->failures[0].name : STR("unknown");
    for (size_t i = 0; i < g->causes_n; i++)
        if (str_eq(g->causes[i].kind, kind) && str_eq(g->causes[i].name, name))
            return &g->causes[i];
    g->causes[g->causes_n] = (struct summary_cause){.kind = kind, .name = name};
    return &g->causes[g->causes_n++];
}

static void add_causes(struct arena *a, const struct report *r, const struct gathered *from,
                       const size_t *pages, struct summary_group *g)
{
    g->causes = ARENA_NEW_ARRAY(a, struct summary_cause, g->failed + 1);
    for (size_t i = 0; i < from->n; i++)
        if (is_failed(r->runs[from->runs[i]]))
            cause_of(g, r->runs[from->runs[i]])->n++;
    for (size_t c = 0; c < g->causes_n; c++) {
        struct summary_cause *cause = &g->causes[c];
        size_t *of = ARENA_NEW_ARRAY(a, size_t, cause->n);
        cause->runs = ARENA_NEW_ARRAY(a, const struct report_run *, cause->n);
        size_t n = 0;
        for (size_t i = 0; i < from->n; i++) {
            const struct report_run *run = r->runs[from->runs[i]];
            if (!is_failed(run) || cause_of(g, run) != cause)
                continue;
            of[n] = pages[from->runs[i]];
            cause->runs[n++] = run;
        }
        cause->pages = of;
    }
    qsort(g->causes, g->causes_n, sizeof *g->causes, more_runs_first);
}

/* ---- measures ---- */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static const struct report_hist *hist_named(const struct report_run *run, struct str name)
{
    for (size_t i = 0; i < run->hists_n; i++)
        if (str_eq(run->hists[i].name, name))
            return &run->hists[i];
    return NULL;
}

static void add_measure(struct arena *a, const struct report *r, const struct gathered *from,
                        const struct report_hist *h, struct str what, struct summary_group *g)
{
    int64_t *values = ARENA_NEW_ARRAY(a, int64_t, from->n);
    size_t n = 0;
    for (size_t i = 0; i < from->n; i++) {
        const struct report_hist *of = hist_named(r->runs[from->runs[i]], h->name);
        if (of && of->scale == h->scale && report_hist_value(of, what, &values[n]))
            n++;
    }
    if (n == 0)
        return;
    qsort(values, n, sizeof *values, ascending);
    g->measures[g->measures_n++] = (struct summary_measure){.name = h->name,
                                                            .unit = h->unit,
                                                            .what = what,
                                                            .scale = h->scale,
                                                            .values = values,
                                                            .n = n};
}

/* Of the first run that has any: a file's measures are the same in all its runs. */
static void add_measures(struct arena *a, const struct report *r, const struct gathered *from,
                         struct summary_group *g)
{
    const struct report_run *model = g->like;
    size_t all = 0, show_n;
    for (size_t i = 0; i < from->n && model->hists_n == 0; i++)
        model = r->runs[from->runs[i]];
    for (size_t h = 0; h < model->hists_n; h++) {
        (void)report_hist_show(&model->hists[h], &show_n);
        all += show_n;
    }
    g->measures = ARENA_NEW_ARRAY(a, struct summary_measure, all + 1);
    for (size_t h = 0; h < model->hists_n; h++) {
        const struct str *show = report_hist_show(&model->hists[h], &show_n);
        for (size_t i = 0; i < show_n; i++)
            add_measure(a, r, from, &model->hists[h], show[i], g);
    }
}

/* ---- groups ---- */

/* Into its place among the slowest so far. */
static void consider_slow(struct summary_group *g, const struct report_run *run)
{
    size_t at = g->slowest_n;
    while (at > 0 && g->slowest[at - 1]->wall_ns < run->wall_ns)
        at--;
    if (at == SUMMARY_SLOWEST_MAX)
        return;
    size_t last = g->slowest_n < SUMMARY_SLOWEST_MAX ? g->slowest_n++ : SUMMARY_SLOWEST_MAX - 1;
    for (size_t i = last; i > at; i--)
        g->slowest[i] = g->slowest[i - 1];
    g->slowest[at] = run;
}

static void fill_group(struct arena *a, const struct report *r, const struct gathered *from,
                       const size_t *pages, struct summary_group *g)
{
    *g = (struct summary_group){.like = r->runs[from->runs[0]], .runs = from->n};
    for (size_t i = 0; i < from->n; i++) {
        const struct report_run *run = r->runs[from->runs[i]];
        g->passed += run->outcome == REPORT_PASSED;
        g->failed += is_failed(run);
        g->unsupported += run->outcome == REPORT_UNSUPPORTED;
        g->skipped += run->outcome == REPORT_SKIPPED;
        if (!run->over)
            consider_slow(g, run);
    }
    add_causes(a, r, from, pages, g);
    add_measures(a, r, from, g);
}

static size_t *pages_of(struct arena *a, const struct report *r)
{
    size_t *pages = ARENA_NEW_ARRAY(a, size_t, r->n + 1), next = 0;
    for (size_t i = 0; i < r->n; i++)
        pages[i] = report_in_page(r->runs[i]) ? next++ : SIZE_MAX;
    return pages;
}

struct summary *report_summary(struct arena *a, const struct report *r)
{
    struct summary *s = ARENA_NEW(a, struct summary);
    struct map groups = {0};
    void *g;
    const size_t *pages = pages_of(a, r);
    gather(a, &groups, r);
    s->groups = ARENA_NEW_ARRAY(a, struct summary_group, map_count(&groups) + 1);
    for (size_t i = 0; map_next(&groups, &i, NULL, &g);) {
        struct gathered *from = g;
        fill_group(a, r, from, pages, &s->groups[s->n++]);
        mem_free(from->runs);
    }
    map_free(&groups);
    return s;
}

/* ---- for the terminal ---- */

static void pretty_cause(const struct summary_cause *c, struct buf *out)
{
    buf_addf(out, "    %zu x ", c->n);
    report_add_line_text(out, c->kind);
    buf_add_c(out, " \"");
    report_add_line_text(out, c->name);
    if (c->runs[0]->over) {
        buf_add_c(out, "\"\n");
        return;
    }
    buf_add_c(out, c->n == 1 ? "\": seed" : "\": seeds");
    size_t named = c->n < 10 ? c->n : 10;
    for (size_t i = 0; i < named; i++)
        buf_addf(out, "%s %llu", i ? "," : "", (unsigned long long)c->runs[i]->seed);
    if (named < c->n)
        buf_addf(out, " and %zu more", c->n - named);
    buf_add_char(out, '\n');
}

static void pretty_group(const struct summary_group *g, struct buf *out)
{
    const struct str words[] = {g->like->case_id, g->like->params, g->like->profile};
    report_add_line_text(out, g->like->name);
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        buf_add_c(out, words[w].n ? "  " : "");
        report_add_line_text(out, words[w]);
    }
    if (g->like->over)
        buf_addf(out, "  over all %llu runs: failed\n", (unsigned long long)g->like->over);
    else
        buf_addf(out, ": %zu of %zu failed\n", g->failed, g->runs);
    for (size_t c = 0; c < g->causes_n; c++)
        pretty_cause(&g->causes[c], out);
}

void report_pretty_sweep_end(const struct report *r, const struct report_style *style,
                             struct buf *out)
{
    struct arena a = {0};
    const struct summary *s = report_summary(&a, r);
    for (size_t i = 0; i < s->n && style->verbosity >= 0; i++)
        if (s->groups[i].failed > 0 || style->verbosity > 0)
            pretty_group(&s->groups[i], out);
    if (r->left > 0)
        buf_addf(out, "%zu not run\n", r->left);
    report_pretty_counts(r, out);
    arena_free(&a);
}

/* ---- for scripts ---- */

/* The page has it as text: scripts in pages hold 53 bits. */
static void js_seed(struct report_js *j, uint64_t seed, bool page)
{
    report_js_key(j, "seed");
    buf_addf(j->out, page ? "\"%llu\"" : "%llu", (unsigned long long)seed);
}

static void js_cause(struct report_js *j, const struct summary_cause *c, bool page)
{
    report_js_item(j);
    report_js_open(j, '{');
    report_js_str(j, "kind", c->kind);
    report_js_str(j, "name", c->name);
    report_js_u64(j, "count", c->n);
    report_js_key(j, "runs");
    report_js_open(j, '[');
    for (size_t i = 0; i < c->n && i < SUMMARY_RUNS_MAX; i++) {
        const struct report_run *run = c->runs[i];
        report_js_item(j);
        report_js_open(j, '{');
        if (!run->over)
            js_seed(j, run->seed, page);
        report_js_seconds(j, "atSeconds", run->failures_n ? run->failures[0].at_ns : -1);
        report_js_str(j, "replay", run->replay);
        if (c->pages[i] != SIZE_MAX)
            report_js_u64(j, "page", c->pages[i]);
        report_js_close(j, '}');
    }
    report_js_close(j, ']');
    report_js_close(j, '}');
}

static void js_value(struct report_js *j, const char *key, int64_t value, int64_t scale)
{
    report_js_key(j, key);
    report_decimal(j->out, value, scale);
}

static void js_measure(struct report_js *j, const struct summary_measure *m)
{
    report_js_item(j);
    report_js_open(j, '{');
    report_js_str(j, "name", m->name);
    report_js_str(j, "unit", m->unit);
    report_js_str(j, "statistic", m->what);
    report_js_u64(j, "runs", m->n);
    js_value(j, "min", m->values[0], m->scale);
    js_value(j, "p50", report_quantile(m->values, m->n, 500), m->scale);
    js_value(j, "p99", report_quantile(m->values, m->n, 990), m->scale);
    js_value(j, "max", m->values[m->n - 1], m->scale);
    report_js_close(j, '}');
}

static void js_slow(struct report_js *j, const struct report_run *run, bool page)
{
    report_js_item(j);
    report_js_open(j, '{');
    js_seed(j, run->seed, page);
    report_js_seconds(j, "wallSeconds", run->wall_ns);
    report_js_u64(j, "events", run->events);
    report_js_str(j, "replay", run->replay);
    report_js_close(j, '}');
}

static void js_group(struct report_js *j, const struct summary_group *g, bool page)
{
    report_js_item(j);
    buf_add_char(j->out, '\n');
    report_js_open(j, '{');
    report_js_str(j, "name", g->like->name);
    report_js_str(j, "doc", g->like->doc);
    report_js_str(j, "file", g->like->file);
    report_js_str(j, "profile", g->like->profile);
    report_js_str(j, "case", g->like->case_id);
    report_js_pairs(j, "params", g->like->params);
    if (g->like->over)
        report_js_u64(j, "over", g->like->over);
    report_js_u64(j, "runs", g->like->over ? 0 : g->runs);
    report_js_u64(j, "passed", g->passed);
    report_js_u64(j, "failed", g->failed);
    report_js_u64(j, "unsupported", g->unsupported);
    report_js_u64(j, "skipped", g->skipped);
    report_js_key(j, "causes");
    report_js_open(j, '[');
    for (size_t i = 0; i < g->causes_n; i++)
        js_cause(j, &g->causes[i], page);
    report_js_close(j, ']');
    report_js_key(j, "measures");
    report_js_open(j, '[');
    for (size_t i = 0; i < g->measures_n; i++)
        js_measure(j, &g->measures[i]);
    report_js_close(j, ']');
    report_js_key(j, "slowest");
    report_js_open(j, '[');
    for (size_t i = 0; i < g->slowest_n; i++)
        js_slow(j, g->slowest[i], page);
    report_js_close(j, ']');
    report_js_close(j, '}');
}

void report_js_summary(struct report_js *j, const struct report *r, bool page)
{
    struct arena a = {0};
    const struct summary *s = report_summary(&a, r);
    size_t passed, failed, runs = 0;
    report_count(r, &passed, &failed);
    for (size_t i = 0; i < r->n; i++)
        runs += r->runs[i]->over == 0;
    report_js_key(j, "summary");
    report_js_open(j, '{');
    report_js_u64(j, "runs", runs);
    report_js_u64(j, "passed", passed);
    report_js_u64(j, "failed", failed);
    report_js_u64(j, "left", r->left);
    report_js_key(j, "groups");
    report_js_open(j, '[');
    for (size_t i = 0; i < s->n; i++)
        js_group(j, &s->groups[i], page);
    report_js_close(j, ']');
    report_js_close(j, '}');
    arena_free(&a);
}
