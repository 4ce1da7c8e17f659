/* Both directions are one walk over the fields: what writes a field is next to what reads it. */
#include "reports/report_pack.h"

#include "engine/base/codec.h"
#include "reports/report_internal.h"

struct packer {
    struct buf *out;     /* writing */
    struct str in;       /* reading: what is left */
    struct arena *arena; /* reading: where texts and lists go; NULL: writing */
    bool bad;
};

/* ---- fields ---- */

static void i64(struct packer *p, int64_t *v)
{
    char bytes[VARINT_BYTES_MAX];
    if (!p->arena) {
        buf_add(p->out, (struct str){bytes, varint_encode(bytes, *v)});
        return;
    }
    size_t n = varint_decode(p->in, v);
    p->bad = p->bad || n == 0;
    if (p->bad)
        *v = 0;
    p->in = str_sub(p->in, n, p->in.n);
}

static void u64(struct packer *p, uint64_t *v)
{
    int64_t same = (int64_t)*v;
    i64(p, &same);
    *v = (uint64_t)same;
}

static void u32(struct packer *p, uint32_t *v)
{
    int64_t same = (int64_t)*v;
    i64(p, &same);
    *v = (uint32_t)same;
}

static void flag(struct packer *p, bool *v)
{
    int64_t same = *v;
    i64(p, &same);
    *v = same != 0;
}

/* Of bytes or of items that take a byte at least: never more than there are bytes. */
static void count(struct packer *p, size_t *n)
{
    uint64_t same = *n;
    u64(p, &same);
    p->bad = p->bad || (p->arena && same > p->in.n);
    *n = p->bad ? 0 : (size_t)same;
}

static void text(struct packer *p, struct str *s)
{
    size_t n = s->n;
    count(p, &n);
    if (!p->arena) {
        buf_add(p->out, *s);
        return;
    }
    *s = arena_str(p->arena, str_sub(p->in, 0, n));
    p->in = str_sub(p->in, n, p->in.n);
}

/* Lists are constant for whoever reads a report: each item is walked in a copy. */
#define EACH(p, type, list, list_n, visit)                                                         \
    do {                                                                                           \
        count((p), &(list_n));                                                                     \
        type *made = (p)->arena ? ARENA_NEW_ARRAY((p)->arena, type, (list_n) + 1) : NULL;          \
        for (size_t at = 0; at < (list_n); at++) {                                                 \
            type item = made ? made[at] : (list)[at];                                              \
            visit((p), &item);                                                                     \
            if (made)                                                                              \
                made[at] = item;                                                                   \
        }                                                                                          \
        if (made)                                                                                  \
            (list) = made;                                                                         \
    } while (0)

/* ---- items ---- */

static void failure(struct packer *p, struct report_failure *f)
{
    text(p, &f->kind);
    text(p, &f->name);
    text(p, &f->text);
    i64(p, &f->at_ns);
    text(p, &f->place);
    text(p, &f->expected);
    text(p, &f->seen);
    EACH(p, struct str, f->components, f->components_n, text);
    EACH(p, uint32_t, f->events, f->events_n, u32);
}

static void assertion(struct packer *p, struct report_assert *a)
{
    text(p, &a->name);
    text(p, &a->mode);
    text(p, &a->expression);
    text(p, &a->verdict);
    flag(p, &a->ok);
    i64(p, &a->from_ns);
    i64(p, &a->decided_ns);
    text(p, &a->witness);
    u64(p, &a->evaluations);
}

static void step(struct packer *p, struct report_step *s)
{
    text(p, &s->name);
    i64(p, &s->begin_ns);
    i64(p, &s->end_ns);
}

static void fault(struct packer *p, struct report_fault *f)
{
    text(p, &f->name);
    text(p, &f->target);
    i64(p, &f->begin_ns);
    i64(p, &f->end_ns);
    u64(p, &f->fired);
    flag(p, &f->optional);
    text(p, &f->drawn_from);
}

static void lane(struct packer *p, struct report_lane *l)
{
    text(p, &l->name);
    text(p, &l->group);
}

static void event(struct packer *p, struct report_event *e)
{
    i64(p, &e->at_ns);
    u32(p, &e->lane);
    text(p, &e->kind);
    text(p, &e->text);
    flag(p, &e->bad);
}

static void span(struct packer *p, struct report_span *s)
{
    u32(p, &s->lane);
    i64(p, &s->begin_ns);
    i64(p, &s->end_ns);
    text(p, &s->state);
}

static void point(struct packer *p, struct report_point *v)
{
    i64(p, &v->at_ns);
    i64(p, &v->value);
}

static void scale(struct packer *p, int64_t *v)
{
    i64(p, v);
    p->bad = p->bad || !report_scale_is_fine(*v);
    if (p->bad)
        *v = 1;
}

static void series(struct packer *p, struct report_series *s)
{
    text(p, &s->name);
    text(p, &s->unit);
    text(p, &s->doc);
    text(p, &s->chart);
    scale(p, &s->scale);
    EACH(p, struct report_point, s->points, s->n, point);
}

static void hist(struct packer *p, struct report_hist *h)
{
    text(p, &h->name);
    text(p, &h->unit);
    text(p, &h->doc);
    scale(p, &h->scale);
    bool brief = h->shown != NULL;
    size_t values_n = brief ? 0 : h->n, shown_n = 0;
    uint64_t counted = h->n;
    EACH(p, int64_t, h->values, values_n, i64);
    EACH(p, struct str, h->show, h->show_n, text);
    flag(p, &brief);
    h->n = values_n;
    if (!brief)
        return;
    u64(p, &counted);
    h->n = (size_t)counted;
    (void)report_hist_show(h, &shown_n);
    size_t packed_n = shown_n;
    EACH(p, int64_t, h->shown, packed_n, i64);
    p->bad = p->bad || packed_n != shown_n;
}

static void metric(struct packer *p, struct report_metric *m)
{
    text(p, &m->name);
    i64(p, &m->value);
}

/* ---- the whole ---- */

/* Of a brief run the timeline is gone, and with it what points into it. */
static void check_events(struct packer *p, const struct report_run *r)
{
    for (size_t f = 0; f < r->failures_n && p->arena; f++)
        for (size_t i = 0; i < r->failures[f].events_n; i++)
            p->bad = p->bad || r->failures[f].events[i] >= r->timeline_n;
}

static void lists(struct packer *p, struct report_run *r)
{
    EACH(p, struct report_failure, r->failures, r->failures_n, failure);
    EACH(p, struct report_assert, r->asserts, r->asserts_n, assertion);
    EACH(p, struct report_step, r->steps, r->steps_n, step);
    EACH(p, struct report_fault, r->faults, r->faults_n, fault);
    EACH(p, struct report_lane, r->lanes, r->lanes_n, lane);
    EACH(p, struct report_event, r->timeline, r->timeline_n, event);
    u64(p, &r->timeline_dropped);
    EACH(p, struct report_span, r->spans, r->spans_n, span);
    EACH(p, struct report_series, r->series, r->series_n, series);
    EACH(p, struct report_hist, r->hists, r->hists_n, hist);
    EACH(p, struct report_metric, r->metrics, r->metrics_n, metric);
    check_events(p, r);
}

static void whole(struct packer *p, struct report_run *r)
{
    struct str *texts[] = {&r->name,   &r->doc,      &r->file,  &r->profile,    &r->case_id,
                           &r->params, &r->policies, &r->swarm, &r->trace_hash, &r->replay, &r->world};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        text(p, texts[i]);
    uint32_t outcome = (uint32_t)r->outcome;
    u32(p, &outcome);
    p->bad = p->bad || outcome > REPORT_SKIPPED;
    r->outcome = p->bad ? REPORT_ERROR : (enum report_outcome)outcome;
    u64(p, &r->seed);
    u64(p, &r->over);
    i64(p, &r->simulated_ns);
    i64(p, &r->wall_ns);
    u64(p, &r->events);
    i64(p, &r->wall_start_unix_ns);
    flag(p, &r->brief);
    flag(p, &r->wishes.no_junit);
    flag(p, &r->wishes.no_html);
    flag(p, &r->wishes.csv);
    flag(p, &r->wishes.sarif);
    flag(p, &r->wishes.no_trace);
    flag(p, &r->wishes.trace);
    lists(p, r);
}

void report_pack(const struct report_run *run, struct buf *out)
{
    struct packer p = {.out = out, .in = str_empty};
    struct report_run copy = *run;
    whole(&p, &copy);
}

/* Events and stretches are on lanes that there are. */
static bool lanes_are_there(const struct report_run *r)
{
    bool ok = true;
    for (size_t i = 0; i < r->timeline_n; i++)
        ok = ok && r->timeline[i].lane < r->lanes_n;
    for (size_t i = 0; i < r->spans_n; i++)
        ok = ok && r->spans[i].lane < r->lanes_n;
    return ok;
}

struct err *report_unpack(struct arena *a, struct str *bytes, struct report_run **out)
{
    struct packer p = {.in = *bytes, .arena = a};
    struct report_run *run = ARENA_NEW(a, struct report_run);
    whole(&p, run);
    *bytes = p.in;
    if (p.bad || !lanes_are_there(run))
        return err_new(ERR_INVALID, "the packed report of a run is cut or malformed");
    *out = run;
    return NULL;
}

/* ---- parts ---- */

static const struct str part_mark = STR_INIT("paddock runs ");

static void part_file(struct packer *p, struct report_part_file *f)
{
    text(p, &f->file);
    text(p, &f->digest);
    text(p, &f->tally);
    text(p, &f->again);
    u64(p, &f->seeds_first);
    u64(p, &f->seeds_n);
}

static void part_head(struct packer *p, struct report_part *part)
{
    u32(p, &part->shard);
    u32(p, &part->shards);
    u64(p, &part->planned);
    flag(p, &part->swept);
    flag(p, &part->partial);
    EACH(p, struct report_part_file, part->files, part->files_n, part_file);
    count(p, &part->n);
}

void report_part_pack(const struct report_part *part, struct buf *out)
{
    struct packer p = {.out = out, .in = str_empty};
    struct report_part copy = *part;
    buf_addf(out, STR_FMT "%s\n", STR_ARG(part_mark), PADDOCK_VERSION);
    part_head(&p, &copy);
    for (size_t i = 0; i < part->n; i++)
        report_pack(part->runs[i], out);
}

static struct err *other_version(struct str bytes, struct str *rest)
{
    struct str line, version;
    if (!str_starts(bytes, part_mark))
        return err_new(ERR_INVALID, "these are not the runs of a report");
    str_cut(bytes, '\n', &line, rest);
    version = str_sub(line, part_mark.n, line.n);
    if (str_eq_c(version, PADDOCK_VERSION))
        return NULL;
    return err_new(ERR_INVALID, "written by version " STR_FMT "; this is %s", STR_ARG(version),
                   PADDOCK_VERSION);
}

struct err *report_part_unpack(struct arena *a, struct str bytes, struct report_part **out)
{
    struct packer p = {.arena = a};
    struct report_part *part = ARENA_NEW(a, struct report_part);
    struct err *err = other_version(bytes, &p.in);
    if (err)
        return err;
    part_head(&p, part);
    struct report_run **runs = ARENA_NEW_ARRAY(a, struct report_run *, part->n + 1);
    if (p.bad)
        return err_new(ERR_INVALID, "the runs are cut or malformed");
    for (size_t i = 0; i < part->n && !err; i++)
        err = report_unpack(a, &p.in, &runs[i]);
    part->runs = (const struct report_run *const *)runs;
    *out = part;
    return err;
}
