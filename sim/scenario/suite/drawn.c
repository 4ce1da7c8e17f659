#include "sim/scenario/suite/drawn.h"

#include "sim/scenario/run/sometimes.h"

static struct drawn *entry_of(struct drawn_tally *t, struct str called)
{
    struct str name = sometimes_name(t->arena, called);
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->items[i].name, name))
            return &t->items[i];
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        struct drawn *more = ARENA_NEW_ARRAY(t->arena, struct drawn, t->cap);
        for (size_t i = 0; i < t->n; i++)
            more[i] = t->items[i];
        t->items = more;
    }
    t->items[t->n] = (struct drawn){.name = arena_str(t->arena, name)};
    return &t->items[t->n++];
}

void drawn_count(struct drawn_tally *t, struct str name, uint64_t runs, uint64_t fired)
{
    struct drawn *d = entry_of(t, name);
    d->runs += runs;
    d->fired += fired;
}

void drawn_add(struct drawn_tally *t, const struct report_run *run)
{
    t->runs++;
    for (size_t i = 0; i < run->faults_n; i++) {
        const struct report_fault *f = &run->faults[i];
        if (!f->drawn_from.n || f->begin_ns < 0)
            continue;
        struct drawn *d = entry_of(t, f->drawn_from);
        d->runs += d->last != t->runs;
        d->last = t->runs;
        d->fired += f->fired > 0;
    }
}

const struct drawn *drawn_unfired(const struct drawn_tally *t, size_t *i)
{
    for (; *i < t->n; ++*i)
        if (t->items[*i].fired == 0 && t->items[*i].runs >= DRAWN_RUNS_MIN)
            return &t->items[(*i)++];
    return NULL;
}
