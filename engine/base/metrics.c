#include "engine/base/json_internal.h"
#include "engine/base/metrics_page.h"
#include "engine/base/timefmt.h"

const int64_t metric_bounds_ns[METRIC_BOUNDS] = {
    NS_PER_MS / 10,   NS_PER_MS / 2,   NS_PER_MS,       5 * NS_PER_MS / 2,
    5 * NS_PER_MS,    10 * NS_PER_MS,  25 * NS_PER_MS,  50 * NS_PER_MS,
    100 * NS_PER_MS,  250 * NS_PER_MS, 500 * NS_PER_MS, NS_PER_S,
    2500 * NS_PER_MS, 5 * NS_PER_S,    10 * NS_PER_S,   30 * NS_PER_S};

struct metric_cell {
    int64_t value;
    struct metric_histogram *histogram; /* owned; NULL: another kind */
    struct str labels;                  /* owned */
    struct metric_cell *next;           /* of the same name */
};

struct metric_collector {
    metrics_collect collect;
    void *owner;
    struct metric_collector *next;
};

struct metric_family {
    enum metric_kind kind;
    char *name, *help; /* owned */
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
        f->name = str_dup_c(str_c(name));
        f->help = str_dup_c(str_c(help));
        f->end = &f->first;
        map_put(&m->families, str_c(name), f);
    }
    BUG_ON(f->kind != kind, "a metric's name has one kind");
    return f;
}

static struct metric_cell *cell_of(struct metrics *m, enum metric_kind kind, const char *name,
                                   struct str labels, const char *help)
{
    struct metric_family *family = family_of(m, kind, name, help);
    struct metric_cell *cell = cell_find(m, name, labels);
    if (cell)
        return cell;
    cell = MEM_NEW(struct metric_cell);
    cell->labels = str_dup(labels);
    if (kind == METRIC_HISTOGRAM)
        cell->histogram = MEM_NEW(struct metric_histogram);
    *family->end = cell;
    family->end = &cell->next;
    struct buf key = {0};
    cell_key(&key, name, labels);
    map_put(&m->cells, buf_str(&key), cell);
    buf_free(&key);
    return cell;
}

int64_t *metrics_cell(struct metrics *m, enum metric_kind kind, const char *name, struct str labels,
                      const char *help)
{
    BUG_ON(kind == METRIC_HISTOGRAM, "a histogram is no single number");
    return &cell_of(m, kind, name, labels, help)->value;
}

struct metric_histogram *metrics_histogram(struct metrics *m, const char *name, struct str labels,
                                           const char *help)
{
    return cell_of(m, METRIC_HISTOGRAM, name, labels, help)->histogram;
}

void metric_observe(struct metric_histogram *h, int64_t ns)
{
    size_t i = 0;
    while (i < METRIC_BOUNDS && ns > metric_bounds_ns[i])
        i++;
    h->counts[i]++;
    h->sum_ns += ns > 0 ? ns : 0;
}

int64_t metric_count(const struct metric_histogram *h)
{
    int64_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(h->counts); i++)
        n += h->counts[i];
    return n;
}

void metrics_on_write(struct metrics *m, metrics_collect collect, void *owner)
{
    struct metric_collector *c = MEM_NEW(struct metric_collector), **end = &m->collectors;
    *c = (struct metric_collector){collect, owner, NULL};
    while (*end)
        end = &(*end)->next;
    *end = c;
}

void metrics_label(struct buf *labels, const char *name, struct str value)
{
    const char *end = value.p + value.n;
    buf_addf(labels, "%s%s=\"", labels->n ? "," : "", name);
    for (const char *p = value.p; p < end;) {
        size_t n = json_utf8_length(p, end);
        if (n == 0)
            buf_add_c(labels, "\xef\xbf\xbd");
        else if (*p == '\n')
            buf_add_c(labels, "\\n");
        else if (*p == '"' || *p == '\\')
            buf_addf(labels, "\\%c", *p);
        else
            buf_add(labels, (struct str){p, n});
        p += n ? n : 1;
    }
    buf_add_char(labels, '"');
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

static void write_family(struct metrics_page *page, const char *name,
                         const struct metric_family *family)
{
    metrics_page_family(page, family->kind, name, family->help);
    for (const struct metric_cell *c = family->first; c; c = c->next) {
        if (family->kind == METRIC_HISTOGRAM)
            metrics_page_histogram(page, c->labels, c->histogram);
        else
            metrics_page_int(page, c->labels, c->value);
    }
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    struct metrics_page page = {.out = out};
    void *family;
    for (size_t i = 0; map_next(&m->families, &i, NULL, &family);)
        write_family(&page, ((struct metric_family *)family)->name, family);
    for (const struct metric_collector *c = m->collectors; c; c = c->next)
        c->collect(c->owner, &page);
    metrics_page_end(&page);
}

void metrics_free(struct metrics *m)
{
    void *value;
    for (size_t i = 0; map_next(&m->cells, &i, NULL, &value);) {
        struct metric_cell *cell = value;
        str_free(&cell->labels);
        mem_free(cell->histogram);
        mem_free(cell);
    }
    for (size_t i = 0; map_next(&m->families, &i, NULL, &value);) {
        struct metric_family *family = value;
        mem_free(family->name);
        mem_free(family->help);
        mem_free(family);
    }
    for (struct metric_collector *c = m->collectors, *next; c; c = next) {
        next = c->next;
        mem_free(c);
    }
    m->collectors = NULL;
    map_free(&m->cells);
    map_free(&m->families);
}
