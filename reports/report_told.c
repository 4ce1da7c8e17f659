/* Verdict lines, counted by what failed. */
#include "reports/report_told.h"

#include "reports/report_internal.h"

struct told_cause {
    size_t runs;
    const struct report_run *first; /* the least seed; only in report_tell_causes */
};

static bool is_failed(const struct report_run *run)
{
    return run->outcome == REPORT_FAILED || run->outcome == REPORT_ERROR;
}

static struct told_cause *cause_of(struct report_told *t, const struct report_run *run)
{
    struct buf key = {0};
    const struct report_failure *f = run->failures_n ? &run->failures[0] : NULL;
    buf_addf(&key, STR_FMT "\n" STR_FMT "\n", STR_ARG(run->file), STR_ARG(run->name));
    if (f)
        buf_addf(&key, STR_FMT "\n" STR_FMT, STR_ARG(f->kind), STR_ARG(f->name));
    struct told_cause *cause = map_get(&t->causes, buf_str(&key));
    if (!cause) {
        cause = ARENA_NEW(&t->arena, struct told_cause);
        map_put(&t->causes, buf_str(&key), cause);
    }
    buf_free(&key);
    return cause;
}

void report_tell(struct report_told *t, const struct report_run *run,
                 const struct report_style *style, struct buf *out)
{
    BUG_ON(!is_failed(run), "only what failed has a verdict line");
    size_t nth = ++cause_of(t, run)->runs;
    if (nth > REPORT_TOLD_MAX)
        return;
    report_pretty_verdict(run, style, out);
    if (nth == REPORT_TOLD_MAX)
        buf_add_c(out, "     more of this kind are only counted\n");
}

void report_tell_causes(const struct report *r, const struct report_style *style, struct buf *out)
{
    struct report_told t = {0};
    void *value;
    for (size_t i = 0; i < r->n; i++) {
        const struct report_run *run = r->runs[i];
        struct told_cause *cause = is_failed(run) ? cause_of(&t, run) : NULL;
        if (!cause)
            continue;
        cause->runs++;
        if (!cause->first || run->seed < cause->first->seed)
            cause->first = run;
    }
    for (size_t i = 0; map_next(&t.causes, &i, NULL, &value);) {
        const struct told_cause *cause = value;
        report_pretty_cause(cause->first, cause->runs, style, out);
    }
    report_told_free(&t);
}

void report_told_free(struct report_told *t)
{
    map_free(&t->causes);
    arena_free(&t->arena);
    *t = (struct report_told){0};
}
