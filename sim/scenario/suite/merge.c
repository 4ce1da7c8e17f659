/* The parts of a whole, which several machines ran, put together. */
#include "sim/scenario/suite/suite_internal.h"

#include "engine/base/map.h"
#include "reports/report_pack.h"

#include <stdlib.h>

struct source_part {
    struct str from;
    struct report_part *part;
};

struct merge {
    struct arena *arena;
    struct source_part *parts; /* by shard */
    size_t n;
    struct map files; /* file → struct merged_file */
    struct map keys;  /* run → the name of its part */
    const struct report_run **runs;
    size_t runs_n;
    size_t shown_failed, shown_passed;
    bool swept, missing;
};

struct merged_file {
    struct report_part_file of;
    struct str from;
    struct overall overall;
    const struct report_run *like; /* one of its runs */
    size_t runs;
};

/* ---- reading ---- */

static int by_shard(const void *a, const void *b)
{
    const struct source_part *x = a, *y = b;
    int by = (x->part->shard > y->part->shard) - (x->part->shard < y->part->shard);
    return by ? by : str_cmp(x->from, y->from);
}

static struct err *read_parts(struct merge *m, const struct suite_part *parts, size_t n)
{
    m->parts = ARENA_NEW_ARRAY(m->arena, struct source_part, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct err *err = report_part_unpack(m->arena, parts[i].bytes, &m->parts[i].part);
        if (err)
            return err_wrap(err, ERR_INVALID, STR_FMT, STR_ARG(parts[i].from));
        m->parts[i].from = parts[i].from;
    }
    m->n = n;
    qsort(m->parts, n, sizeof *m->parts, by_shard);
    return NULL;
}

/* ---- what does not fit together ---- */

static struct err *check_shares(const struct merge *m)
{
    const struct source_part *first = &m->parts[0];
    for (size_t i = 1; i < m->n; i++) {
        const struct source_part *other = &m->parts[i];
        if (first->part->shards == 0 && other->part->shards == 0)
            continue;
        if (first->part->shards != other->part->shards ||
            first->part->planned != other->part->planned)
            return err_new(ERR_INVALID,
                           STR_FMT " is shard %u of %u of %llu runs, but " STR_FMT
                                   " is shard %u of %u of %llu: they are not shares of one whole",
                           STR_ARG(first->from), first->part->shard, first->part->shards,
                           (unsigned long long)first->part->planned, STR_ARG(other->from),
                           other->part->shard, other->part->shards,
                           (unsigned long long)other->part->planned);
    }
    return NULL;
}

/* From the least seed of all parts to the greatest. */
static void join_seeds(struct report_part_file *all, const struct report_part_file *f)
{
    uint64_t first = all->seeds_first < f->seeds_first ? all->seeds_first : f->seeds_first;
    uint64_t end = all->seeds_first + all->seeds_n, other = f->seeds_first + f->seeds_n;
    all->seeds_first = first;
    all->seeds_n = (end > other ? end : other) - first;
}

static struct err *take_file(struct merge *m, const struct source_part *s,
                             const struct report_part_file *f)
{
    struct merged_file *known = map_get(&m->files, f->file);
    if (!known) {
        known = ARENA_NEW(m->arena, struct merged_file);
        *known = (struct merged_file){.of = *f, .from = s->from};
        overall_init(&known->overall, m->arena);
        map_put(&m->files, f->file, known);
    }
    if (!str_eq(known->of.digest, f->digest))
        return err_new(ERR_INVALID,
                       STR_FMT " and " STR_FMT " ran different versions of " STR_FMT
                               " (sha256 %.12s and %.12s)",
                       STR_ARG(known->from), STR_ARG(s->from), STR_ARG(f->file), known->of.digest.p,
                       f->digest.p);
    join_seeds(&known->of, f);
    return overall_unpack(&known->overall, f->tally);
}

/* In full, or brief: as many as one sweep of the whole would have kept. */
static const struct report_run *take_over(struct merge *m, const struct source_part *s,
                                          const struct merged_file *file,
                                          const struct report_run *run)
{
    bool failed = run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
    bool full = !run->brief;
    if (s->part->swept && full)
        full = failed ? m->shown_failed++ < SUITE_SHOWN_MAX
                      : file->runs == 0 && m->shown_passed++ < SUITE_SHOWN_MAX;
    if (!full)
        return report_brief(m->arena, run, NULL);
    return run;
}

static struct err *take_run(struct merge *m, const struct source_part *s,
                            const struct report_run *run)
{
    struct str key = arena_printf(
        m->arena, "seed %llu, " STR_FMT "%s" STR_FMT ", " STR_FMT "%s" STR_FMT "%s" STR_FMT,
        (unsigned long long)run->seed, STR_ARG(run->profile), run->case_id.n ? ", " : "",
        STR_ARG(run->case_id), STR_ARG(run->file), run->params.n ? ", " : "", STR_ARG(run->params),
        run->policies.n ? ", " : "", STR_ARG(run->policies));
    const struct source_part *known = map_get(&m->keys, key);
    struct merged_file *file = map_get(&m->files, run->file);
    if (known)
        return err_new(ERR_INVALID, STR_FMT " and " STR_FMT " hold the same run: " STR_FMT,
                       STR_ARG(known->from), STR_ARG(s->from), STR_ARG(key));
    if (!file)
        return err_new(ERR_INVALID, STR_FMT ": a run of a file that it does not name: " STR_FMT,
                       STR_ARG(s->from), STR_ARG(run->file));
    map_put(&m->keys, key, (void *)(uintptr_t)s);
    const struct report_run *own = take_over(m, s, file, run);
    m->runs[m->runs_n++] = own;
    file->like = own;
    file->runs++;
    return NULL;
}

static struct err *take_all(struct merge *m)
{
    size_t n = 0, files = 0;
    struct err *err = NULL;
    for (size_t i = 0; i < m->n; i++)
        n += m->parts[i].part->n;
    for (size_t i = 0; i < m->n; i++)
        files += m->parts[i].part->files_n;
    m->runs = ARENA_NEW_ARRAY(m->arena, const struct report_run *, n + files + 1);
    for (size_t i = 0; i < m->n; i++) {
        const struct report_part *p = m->parts[i].part;
        for (size_t f = 0; f < p->files_n && !err; f++)
            err = take_file(m, &m->parts[i], &p->files[f]);
        for (size_t r = 0; r < p->n && !err; r++)
            err = take_run(m, &m->parts[i], p->runs[r]);
    }
    return err;
}

/* ---- the whole ---- */

/* Shards that are not there, and runs that were not started. */
static void note_missing(struct merge *m, struct report *out, struct buf *notes)
{
    uint32_t shards = m->parts[0].part->shards, next = 1;
    uint64_t planned = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct report_part *p = m->parts[i].part;
        planned = shards ? p->planned : planned + p->planned;
        m->missing = m->missing || p->partial;
        m->swept = m->swept || p->swept;
        for (; shards && next < p->shard; next++)
            buf_addf(notes, "shard %u of %u is missing\n", next, shards);
        next = p->shard + 1;
    }
    for (; shards && next <= shards; next++)
        buf_addf(notes, "shard %u of %u is missing\n", next, shards);
    out->left = planned > m->runs_n ? (size_t)(planned - m->runs_n) : 0;
    m->missing = m->missing || out->left > 0;
    if (out->left > 0)
        buf_addf(notes, "%zu of %llu runs are missing: `sometimes` is not judged\n", out->left,
                 (unsigned long long)planned);
}

/* The rows of files come behind the runs. */
static void judge(struct merge *m)
{
    void *value;
    for (size_t i = 0; !m->missing && map_next(&m->files, &i, NULL, &value);) {
        const struct merged_file *f = value;
        const struct report_part_file *of = &f->of;
        struct str again = overall_seeds(m->arena, of->again, of->seeds_first, of->seeds_n);
        const struct report_run *row =
            f->like ? overall_judge(m->arena, &f->overall, f->runs, f->like, again) : NULL;
        if (row)
            m->runs[m->runs_n++] = row;
    }
}

/* As a part of its own: what was merged can be merged again. */
static void pack_whole(struct merge *m, struct buf *out)
{
    size_t n = 0;
    void *value;
    struct report_part_file *files =
        ARENA_NEW_ARRAY(m->arena, struct report_part_file, map_count(&m->files) + 1);
    for (size_t i = 0; map_next(&m->files, &i, NULL, &value);) {
        const struct merged_file *f = value;
        struct buf tally = {0};
        overall_pack(&f->overall, &tally);
        files[n] = f->of;
        files[n++].tally = arena_str(m->arena, buf_str(&tally));
        buf_free(&tally);
    }
    struct report_part whole = {.planned = m->runs_n,
                                .swept = m->swept,
                                .partial = m->missing,
                                .files = files,
                                .files_n = n,
                                .runs = m->runs,
                                .n = m->runs_n};
    report_part_pack(&whole, out);
}

struct err *suite_merge(struct arena *a, const struct suite_part *parts, size_t n,
                        struct report *out, struct buf *whole, struct buf *notes)
{
    BUG_ON(n == 0, "there is something to merge");
    struct merge m = {.arena = a};
    struct err *err = read_parts(&m, parts, n);
    if (!err)
        err = check_shares(&m);
    if (!err)
        err = take_all(&m);
    if (!err) {
        *out = (struct report){.summed_up = true};
        note_missing(&m, out, notes);
        pack_whole(&m, whole);
        judge(&m);
        out->runs = m.runs;
        out->n = m.runs_n;
    }
    map_free(&m.files);
    map_free(&m.keys);
    return err;
}
