#include "engine/base/metrics.h"

struct metric_cell {
    int64_t value;
    struct str labels;        /* owned */
    struct metric_cell *next; /* of the same name */
};

struct metric_family {
    enum metric_kind kind;
    struct str help; /* owned */
    struct metric_cell *first, **end;
};

static void cell_key(struct buf *key, const char *name, struct str labels)
{
    buf_add_c(key, name);
    buf_add_char(key, '{');
    buf_add(key, labels);
}

static struct metric_cell *cell_find(const struct metrics *m, const char *name, struct str labels)
{
    struct buf key = {0};
    cell_key(&key, name, labels);
    struct metric_cell *cell = map_get(&m->cells, buf_str(&key));
    buf_free(&key);
    return cell;
}

static struct metric_family *family_of(struct metrics *m, enum metric_kind kind, const char *name,
                                       const char *help)
{
    struct metric_family *f = map_get(&m->families, str_c(name));
    if (!f) {
        f = MEM_NEW(struct metric_family);
        f->kind = kind;
        f->help = str_dup(str_c(help));
        f->end = &f->first;
        map_put(&m->families, str_c(name), f);
    }
    BUG_ON(f->kind != kind, "a metric's name has one kind");
    return f;
}

int64_t *metrics_cell(struct metrics *m, enum metric_kind kind, const char *name, struct str labels,
                      const char *help)
{
    struct metric_family *family = family_of(m, kind, name, help);
    struct metric_cell *cell = cell_find(m, name, labels);
    if (cell)
        return &cell->value;
    cell = MEM_NEW(struct metric_cell);
    cell->labels = str_dup(labels);
    *family->end = cell;
    family->end = &cell->next;
    struct buf key = {0};
    cell_key(&key, name, labels);
    map_put(&m->cells, buf_str(&key), cell);
    buf_free(&key);
    return &cell->value;
}

int64_t metrics_value(const struct metrics *m, const char *name, struct str labels)
{
    const struct metric_cell *cell = cell_find(m, name, labels);
    return cell ? cell->value : 0;
}

int64_t metrics_sum(const struct metrics *m, const char *name)
{
    const struct metric_family *family = map_get(&m->families, str_c(name));
    int64_t sum = 0;
    for (const struct metric_cell *c = family ? family->first : NULL; c; c = c->next)
        sum += c->value;
    return sum;
}

static void write_help(struct buf *out, struct str help)
{
    for (size_t i = 0; i < help.n; i++) {
        if (help.p[i] == '\n')
            buf_add(out, STR("\\n"));
        else if (help.p[i] == '\\')
            buf_add(out, STR("\\\\"));
        else
            buf_add_char(out, help.p[i]);
    }
}

static void write_family(struct buf *out, struct str name, const struct metric_family *family)
{
    if (family->help.n) {
        buf_addf(out, "# HELP " STR_FMT " ", STR_ARG(name));
        write_help(out, family->help);
        buf_add_char(out, '\n');
    }
    buf_addf(out, "# TYPE " STR_FMT " %s\n", STR_ARG(name),
             family->kind == METRIC_COUNTER ? "counter" : "gauge");
    for (const struct metric_cell *c = family->first; c; c = c->next) {
        buf_add(out, name);
        if (c->labels.n)
            buf_addf(out, "{" STR_FMT "}", STR_ARG(c->labels));
        buf_add_char(out, ' ');
        buf_add_i64(out, c->value);
        buf_add_char(out, '\n');
    }
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    struct str name;
    void *family;
    for (size_t i = 0; map_next(&m->families, &i, &name, &family);)
        write_family(out, name, family);
}

void metrics_free(struct metrics *m)
{
    void *value;
    for (size_t i = 0; map_next(&m->cells, &i, NULL, &value);) {
        struct metric_cell *cell = value;
        str_free(&cell->labels);
        mem_free(cell);
    }
    for (size_t i = 0; map_next(&m->families, &i, NULL, &value);) {
        struct metric_family *family = value;
        str_free(&family->help);
        mem_free(family);
    }
    map_free(&m->cells);
    map_free(&m->families);
}
