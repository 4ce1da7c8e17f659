/* Samples of gauges, and histograms over items. */
#include "sim/scenario/run/measures.h"

#include "engine/base/timefmt.h"

#include <stdlib.h>

struct gauge {
    struct measures *of;
    const struct plan_measure *plan;
    int64_t every_ns; /* 0: at its moment only */
    struct report_point *points;
    size_t n, cap;
};

struct measures {
    const struct plan *plan;
    struct measures_clock clock;
    const struct expr_env *env;
    struct gauge *gauges; /* one per measure; a histogram's stays empty */
};

/* Durations are shown in thousandths of a second, ratios in millionths. */
static bool is_time(const struct plan_measure *m)
{
    enum expr_type type = expr_result_type(m->value);
    return type == EXPR_DURATION || type == EXPR_TIME;
}

static int64_t scale_of(const struct plan_measure *m)
{
    if (is_time(m))
        return 1000;
    return expr_result_type(m->value) == EXPR_RATIO ? EXPR_RATIO_ONE : 1;
}

static int64_t scaled(const struct expr_value *value)
{
    bool time = value->type == EXPR_DURATION || value->type == EXPR_TIME;
    return time ? value->i / NS_PER_MS : value->i;
}

/* ---- gauges ---- */

static int64_t clock_now(const struct measures *m)
{
    return m->clock.now(m->clock.ctx);
}

static void on_sample(void *owner);

static void sample_at(struct gauge *g, int64_t when)
{
    g->of->clock.at(g->of->clock.ctx, when, on_sample, g);
}

static void on_sample(void *owner)
{
    struct gauge *g = owner;
    int64_t now = clock_now(g->of);
    struct expr_result r = expr_eval(g->plan->value, g->of->env, now);
    if (r.value.known) { /* what is not known yet is no sample */
        if (g->n == g->cap) {
            g->cap = g->cap ? g->cap * 2 : 64;
            g->points = mem_resize(g->points, g->cap * sizeof *g->points);
        }
        g->points[g->n++] = (struct report_point){now, scaled(&r.value)};
    }
    if (g->every_ns)
        sample_at(g, clock_now(g->of) + g->every_ns);
}

static void begin(struct gauge *g)
{
    const struct moment *at = &g->plan->at;
    int64_t least = g->of->plan->clock.limit_ns / MEASURES_SAMPLES_MAX;
    if (!at->given) {
        g->every_ns = g->plan->every_ns > least ? g->plan->every_ns : least;
        sample_at(g, clock_now(g->of) + g->every_ns);
    } else if (at->step < 0 && at->at_ns >= 0) {
        sample_at(g, at->at_ns);
    }
}

struct measures *measures_new(const struct plan *plan, const struct measures_clock *clock,
                              const struct expr_env *env)
{
    struct measures *m = MEM_NEW(struct measures);
    m->plan = plan;
    m->clock = *clock;
    m->env = env;
    m->gauges = MEM_NEW_ARRAY(struct gauge, plan->measures_n + 1);
    for (size_t i = 0; i < plan->measures_n; i++) {
        m->gauges[i] = (struct gauge){.of = m, .plan = &plan->measures[i]};
        if (plan->measures[i].kind == MEASURE_GAUGE)
            begin(&m->gauges[i]);
    }
    return m;
}

void measures_free(struct measures *m)
{
    for (size_t i = 0; i < m->plan->measures_n; i++)
        mem_free(m->gauges[i].points);
    mem_free(m->gauges);
    mem_free(m);
}

void measures_step_ended(struct measures *m, uint32_t step, int64_t at)
{
    for (size_t i = 0; i < m->plan->measures_n; i++) {
        const struct plan_measure *p = &m->plan->measures[i];
        if (p->kind == MEASURE_GAUGE && p->at.given && p->at.step == (int32_t)step)
            sample_at(&m->gauges[i], at + p->at.delay_ns);
    }
}

void measures_quiet_began(struct measures *m, int64_t at)
{
    for (size_t i = 0; i < m->plan->measures_n; i++) {
        const struct plan_measure *p = &m->plan->measures[i];
        if (p->kind == MEASURE_GAUGE && p->at.given && p->at.quiet && p->at.at_ns < 0)
            sample_at(&m->gauges[i], at + p->at.delay_ns);
    }
}

/* ---- the report ---- */

static int compare_values(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t values_of_items(const struct measures *m, const struct plan_measure *p,
                              struct arena *a, int64_t **out)
{
    int over = expr_over(p->value);
    int64_t now = clock_now(m);
    uint32_t items = over < 0 ? 1 : m->env->ops->count(m->env->ctx, (uint32_t)over);
    int64_t *values = ARENA_NEW_ARRAY(a, int64_t, items + 1);
    size_t n = 0;
    for (uint32_t i = 0; i < items; i++) {
        struct expr_result r =
            over < 0 ? expr_eval(p->value, m->env, now) : expr_eval_item(p->value, m->env, now, i);
        if (r.value.known)
            values[n++] = scaled(&r.value);
    }
    *out = values;
    return n;
}

static size_t values_of_gauge(const struct gauge *g, struct arena *a, int64_t **out)
{
    int64_t *values = ARENA_NEW_ARRAY(a, int64_t, g->n + 1);
    for (size_t i = 0; i < g->n; i++)
        values[i] = g->points[i].value;
    *out = values;
    return g->n;
}

static void write_hist(const struct measures *m, size_t i, struct arena *a, struct report_hist *out)
{
    const struct plan_measure *p = &m->plan->measures[i];
    int64_t *values = NULL;
    size_t n = p->kind == MEASURE_GAUGE ? values_of_gauge(&m->gauges[i], a, &values)
                                        : values_of_items(m, p, a, &values);
    struct str *show = ARENA_NEW_ARRAY(a, struct str, p->show.n + 1);
    for (size_t s = 0; s < p->show.n; s++)
        show[s] = arena_str(a, p->show.v[s]);
    qsort(values, n, sizeof *values, compare_values);
    *out = (struct report_hist){.name = arena_str(a, p->name),
                                .unit = is_time(p) ? STR("s") : arena_str(a, p->unit),
                                .doc = arena_str(a, p->doc),
                                .scale = scale_of(p),
                                .values = values,
                                .n = n,
                                .show = show,
                                .show_n = p->show.n};
}

static void write_series(const struct gauge *g, struct arena *a, const struct report_hist *like,
                         struct report_series *out)
{
    struct report_point *points = ARENA_NEW_ARRAY(a, struct report_point, g->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        bool flat = report_is_flat(points, n, g->points[i].value);
        points[flat ? n - 1 : n++] = g->points[i];
    }
    *out = (struct report_series){.name = like->name,
                                  .unit = like->unit,
                                  .doc = like->doc,
                                  .scale = like->scale,
                                  .points = points,
                                  .n = n};
}

void measures_finish(struct measures *m, struct arena *a, struct report_run *out)
{
    size_t n = m->plan->measures_n;
    struct report_hist *hists = ARENA_NEW_ARRAY(a, struct report_hist, n + 1);
    struct report_series *series = ARENA_NEW_ARRAY(a, struct report_series, out->series_n + n + 1);
    for (size_t i = 0; i < out->series_n; i++)
        series[i] = out->series[i];
    for (size_t i = 0; i < n; i++) {
        write_hist(m, i, a, &hists[i]);
        if (m->gauges[i].every_ns)
            write_series(&m->gauges[i], a, &hists[i], &series[out->series_n++]);
    }
    out->hists = hists;
    out->hists_n = n;
    out->series = series;
}
