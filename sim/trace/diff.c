/* The first divergence of two traces. */
#include "sim/trace/diff.h"

#include "engine/base/timefmt.h"

struct side {
    struct trace_stream stream;
    struct sim_trace_record rec;
    bool there; /* rec is one; false: the trace has ended */
};

struct place {
    struct str runs[2];  /* what the files say about their runs; owned */
    uint64_t common;     /* records that both have, one after the other */
    uint64_t skipped[2]; /* before them, where the other begins later */
    struct str
        involved[2]; /* components of the first different ones; owned; empty: a trace ended */
};

/* What the context is gathered in: lines, the oldest go first. */
struct lines {
    struct str v[TRACE_DIFF_CONTEXT]; /* owned */
    size_t n;
};

static void advance(struct side *s)
{
    do
        s->there = trace_next(&s->stream, &s->rec);
    while (s->there && s->rec.kind == SIM_TRACE_NAME);
}

static struct err *side_open(struct side *s, const struct trace_source *from)
{
    *s = (struct side){0};
    struct err *err = from->rewind(from->ctx);
    if (!err)
        err = trace_open(&s->stream, from->read, from->ctx);
    if (err)
        return err_wrap(err, ERR_INVALID, STR_FMT, STR_ARG(from->name));
    advance(s);
    return NULL;
}

static bool equal(const struct sim_trace_record *a, const struct sim_trace_record *b)
{
    bool keys = a->kind == SIM_TRACE_NOTE ? str_eq(a->key_name, b->key_name) : a->key == b->key;
    return a->at == b->at && a->kind == b->kind && keys && a->payload == b->payload &&
           str_eq(a->component, b->component) && str_eq(a->text, b->text);
}

/* Where one begins later, the other is read up to its first record. Nothing equal there: from the same time on. */
static void align(struct side sides[2], uint64_t skipped[2])
{
    if (!sides[0].there || !sides[1].there || sides[0].rec.at == sides[1].rec.at)
        return;
    size_t early = sides[0].rec.at < sides[1].rec.at ? 0 : 1;
    struct side *e = &sides[early];
    const struct sim_trace_record *first = &sides[1 - early].rec;
    for (; e->there && e->rec.at <= first->at && !equal(&e->rec, first); advance(e))
        skipped[early]++;
}

static void line_of(const struct side *s, struct buf *out)
{
    if (s->there)
        sim_trace_record_print(&s->rec, out);
    else
        buf_add_c(out, s->stream.cut ? "(the file was cut here)" : "(the trace ends here)");
}

static void keep_line(struct lines *l, const struct side *s)
{
    struct buf line = {0};
    if (l->n == TRACE_DIFF_CONTEXT) {
        str_free(&l->v[0]);
        memmove(l->v, l->v + 1, (TRACE_DIFF_CONTEXT - 1) * sizeof l->v[0]);
        l->n--;
    }
    line_of(s, &line);
    l->v[l->n++] = buf_take(&line);
}

static bool is_involved(const struct place *p, struct str component)
{
    return str_eq(component, p->involved[0]) || str_eq(component, p->involved[1]);
}

/* ---- which runs they are ---- */

static void tell_values(struct buf *out, const char *name, struct str a, struct str b)
{
    static const struct str none = STR_INIT("(none)");
    buf_addf(out, "%s " STR_FMT " and " STR_FMT, name, STR_ARG(a.n ? a : none),
             STR_ARG(b.n ? b : none));
}

/* Two runs differ for a reason; one that is said to be the same does so for another. */
static void tell_runs(const struct place *p, bool same, bool cut, struct buf *out)
{
    static const char *const names[] = {"file", "case", "profile", "seed", "params", "policies"};
    size_t told = 0;
    if (p->runs[0].n == 0 || p->runs[1].n == 0)
        return; /* one of them does not say */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str a = trace_run_fact(p->runs[0], names[i]);
        struct str b = trace_run_fact(p->runs[1], names[i]);
        if (str_eq(a, b))
            continue;
        buf_add_c(out, told++ ? "; " : "two different runs: ");
        tell_values(out, names[i], a, b);
    }
    if (told)
        buf_add_c(out, "\n");
    else if (!same && !cut)
        buf_add_c(out,
                  "both say they are the same run: the program differs, or what the scenario's "
                  "files say\n");
}

/* ---- first pass ---- */

static void find(struct side sides[2], struct place *p, bool *same)
{
    align(sides, p->skipped);
    while (sides[0].there && sides[1].there && equal(&sides[0].rec, &sides[1].rec)) {
        p->common++;
        advance(&sides[0]);
        advance(&sides[1]);
    }
    *same = !sides[0].there && !sides[1].there && sides[0].stream.cut == sides[1].stream.cut;
    for (size_t i = 0; i < 2; i++)
        if (sides[i].there)
            p->involved[i] = str_dup(sides[i].rec.component);
}

/* ---- second pass ---- */

static void tell_before(struct side *s, const struct place *p, uint64_t skipped, struct buf *out)
{
    struct lines before = {.n = 0};
    uint64_t left = 0;
    for (uint64_t i = 0; i < skipped; i++)
        advance(s);
    for (uint64_t i = 0; i < p->common; i++, advance(s)) {
        if (is_involved(p, s->rec.component))
            keep_line(&before, s);
        else
            left++;
    }
    buf_addf(out, "\nboth, before (%llu records, %llu of them of other components):\n",
             (unsigned long long)p->common, (unsigned long long)left);
    for (size_t i = 0; i < before.n; i++) {
        buf_addf(out, "    " STR_FMT "\n", STR_ARG(before.v[i]));
        str_free(&before.v[i]);
    }
}

/* The first records of one side: the first of all, then those of the components involved. */
static void tell_after(struct side *s, const struct place *p, char mark, struct str name,
                       struct buf *out)
{
    buf_addf(out, "\nonly " STR_FMT ":\n", STR_ARG(name));
    for (size_t told = 0; told < TRACE_DIFF_CONTEXT;) {
        bool wanted = told == 0 || !s->there || is_involved(p, s->rec.component);
        if (wanted) {
            struct buf line = {0};
            line_of(s, &line);
            buf_addf(out, "  %c " STR_FMT "\n", mark, STR_ARG(buf_str(&line)));
            buf_free(&line);
            told++;
        }
        if (!s->there)
            return;
        advance(s);
    }
}

static void tell_place(const struct side sides[2], struct buf *out)
{
    const struct side *first = sides[0].there ? &sides[0] : &sides[1];
    if (sides[0].there && sides[1].there && sides[1].rec.at < sides[0].rec.at)
        first = &sides[1];
    buf_add_c(out, "first divergence at ");
    if (first->there) {
        duration_format(out, first->rec.at);
        buf_addf(out, ", " STR_FMT " ", STR_ARG(first->rec.component));
        buf_addf(out, STR_FMT "\n", STR_ARG(trace_kind(&first->rec)));
    } else {
        buf_add_c(out, "the end\n");
    }
}

static struct err *open_both(struct side sides[2], const struct trace_source sources[2])
{
    sides[1] = (struct side){.stream.ended = true};
    struct err *err = side_open(&sides[0], &sources[0]);
    return err ? err : side_open(&sides[1], &sources[1]);
}

static void close_both(struct side sides[2])
{
    trace_close(&sides[0].stream);
    trace_close(&sides[1].stream);
}

static struct err *tell(const struct trace_source sources[2], const struct place *p,
                        struct buf *out)
{
    struct side sides[2];
    struct buf before = {0};
    struct err *err = open_both(sides, sources);
    if (!err) {
        tell_before(&sides[0], p, p->skipped[0], &before);
        for (uint64_t i = 0; i < p->skipped[1] + p->common; i++)
            advance(&sides[1]);
        tell_place(sides, out);
        buf_add(out, buf_str(&before));
        tell_after(&sides[0], p, '-', sources[0].name, out);
        tell_after(&sides[1], p, '+', sources[1].name, out);
    }
    close_both(sides);
    buf_free(&before);
    return err;
}

struct err *trace_diff(const struct trace_source sources[2], struct buf *out, bool *same)
{
    struct side sides[2];
    struct place p = {.runs = {str_empty, str_empty}, .involved = {str_empty, str_empty}};
    struct err *err = open_both(sides, sources);
    if (!err)
        find(sides, &p, same);
    bool cut = sides[0].stream.cut, other_cut = sides[1].stream.cut;
    for (size_t i = 0; !err && i < 2; i++)
        p.runs[i] = str_dup(buf_str(&sides[i].stream.run));
    close_both(sides);
    if (!err)
        tell_runs(&p, *same, cut || other_cut, out);
    if (!err && *same)
        buf_addf(out, "the same: %llu records%s\n", (unsigned long long)p.common,
                 cut ? " (both files were cut)" : "");
    for (size_t i = 0; !err && i < 2; i++)
        if (p.skipped[i])
            buf_addf(out, "(" STR_FMT " begins %llu records earlier)\n", STR_ARG(sources[i].name),
                     (unsigned long long)p.skipped[i]);
    if (!err && !*same)
        err = tell(sources, &p, out);
    for (size_t i = 0; i < 2; i++) {
        str_free(&p.involved[i]);
        str_free(&p.runs[i]);
    }
    return err;
}
