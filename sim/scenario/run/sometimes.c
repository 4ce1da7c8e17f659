#include "sim/scenario/run/sometimes.h"

#include "sim/scenario/run/monitor.h"

#include <string.h>

struct str sometimes_name(struct arena *a, struct str name)
{
    struct buf line = {0};
    if (str_find_char(name, '\n') < 0)
        return name;
    for (size_t i = 0; i < name.n; i++)
        buf_add_char(&line, name.p[i] == '\n' ? ' ' : name.p[i]);
    struct str out = arena_str(a, buf_str(&line));
    buf_free(&line);
    return out;
}

/* The clause of this name, in its place. */
static struct sometimes_clause *clause_of(struct sometimes_tally *t, struct str name)
{
    size_t at = 0;
    while (at < t->n && str_cmp(t->clauses[at].name, name) < 0)
        at++;
    if (at < t->n && str_eq(t->clauses[at].name, name))
        return &t->clauses[at];
    if (t->n == t->cap) {
        const struct sometimes_clause *before = t->clauses;
        t->cap = t->cap ? t->cap * 2 : 4;
        t->clauses = ARENA_NEW_ARRAY(t->arena, struct sometimes_clause, t->cap);
        if (t->n)
            memcpy(t->clauses, before, t->n * sizeof *before);
    }
    memmove(&t->clauses[at + 1], &t->clauses[at], (t->n++ - at) * sizeof *t->clauses);
    t->clauses[at] = (struct sometimes_clause){.name = arena_str(t->arena, name)};
    return &t->clauses[at];
}

void sometimes_add(struct sometimes_tally *t, const struct monitor *m)
{
    for (size_t i = 0; i < monitor_count(m); i++) {
        const struct monitor_result *r = monitor_result(m, i);
        if (r->clause->mode != ASSERT_SOMETIMES)
            continue;
        struct sometimes_clause *c = clause_of(t, sometimes_name(t->arena, r->clause->name));
        c->seen = c->seen || r->verdict == MONITOR_HELD;
    }
}

/* Each stands in a line behind '+' (seen) or '-'. */
void sometimes_pack(const struct sometimes_tally *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        buf_add_char(out, t->clauses[i].seen ? '+' : '-');
        buf_add(out, t->clauses[i].name);
        buf_add_char(out, '\n');
    }
}

struct err *sometimes_unpack(struct sometimes_tally *t, struct str bytes)
{
    struct str line, rest = bytes;
    while (rest.n > 0) {
        bool whole = str_cut(rest, '\n', &line, &rest);
        if (!whole || line.n == 0 || (line.p[0] != '+' && line.p[0] != '-'))
            return err_new(ERR_INVALID, "the packed tally of a run is malformed");
        struct sometimes_clause *c = clause_of(t, str_sub(line, 1, line.n));
        c->seen = c->seen || line.p[0] == '+';
    }
    return NULL;
}

bool sometimes_unseen(const struct sometimes_tally *t, size_t *i, struct str *name)
{
    while (*i < t->n && t->clauses[*i].seen)
        ++*i;
    if (*i == t->n)
        return false;
    *name = t->clauses[(*i)++].name;
    return true;
}
