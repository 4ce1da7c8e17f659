/* The text of an exposition. */
#include "engine/base/metrics_page.h"

#include "engine/base/timefmt.h"

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

void metrics_page_family(struct metrics_page *p, enum metric_kind kind, const char *name,
                         const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    BUG_ON((unsigned)kind >= ARRAY_LEN(types), "a kind is known");
    BUG_ON(map_has(&p->families, str_c(name)), "a family is written once");
    map_put(&p->families, str_c(name), p);
    p->name = str_c(name);
    if (*help) {
        buf_addf(p->out, "# HELP %s ", name);
        write_help(p->out, str_c(help));
        buf_add_char(p->out, '\n');
    }
    buf_addf(p->out, "# TYPE %s %s\n", name, types[kind]);
}

static void write_name(struct metrics_page *p, const char *suffix, struct str labels)
{
    BUG_ON(p->name.n == 0, "a sample belongs to a family");
    buf_add(p->out, p->name);
    buf_add_c(p->out, suffix);
    if (labels.n)
        buf_addf(p->out, "{" STR_FMT "}", STR_ARG(labels));
    buf_add_char(p->out, ' ');
}

/* The shortest decimal: "12", "0.0025", "-1.5". */
static void write_seconds(struct buf *out, int64_t ns)
{
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t part = size % (uint64_t)NS_PER_S;
    if (ns < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, size / (uint64_t)NS_PER_S);
    if (part == 0)
        return;
    char digits[9];
    size_t n = sizeof digits;
    for (size_t i = n; i-- > 0; part /= 10)
        digits[i] = (char)('0' + part % 10);
    while (digits[n - 1] == '0')
        n--;
    buf_add_char(out, '.');
    buf_add(out, (struct str){digits, n});
}

void metrics_page_int(struct metrics_page *p, struct str labels, int64_t value)
{
    write_name(p, "", labels);
    buf_add_i64(p->out, value);
    buf_add_char(p->out, '\n');
}

void metrics_page_seconds(struct metrics_page *p, struct str labels, int64_t ns)
{
    write_name(p, "", labels);
    write_seconds(p->out, ns);
    buf_add_char(p->out, '\n');
}

static void write_bucket(struct metrics_page *p, struct str labels, struct str bound, int64_t value)
{
    struct buf with = {0};
    buf_add(&with, labels);
    metrics_label(&with, "le", bound);
    write_name(p, "_bucket", buf_str(&with));
    buf_add_i64(p->out, value);
    buf_add_char(p->out, '\n');
    buf_free(&with);
}

void metrics_page_histogram(struct metrics_page *p, struct str labels,
                            const struct metric_histogram *h)
{
    struct buf bound = {0};
    int64_t below = 0;
    for (size_t i = 0; i < METRIC_BOUNDS; i++) {
        below += h->counts[i];
        buf_clear(&bound);
        write_seconds(&bound, metric_bounds_ns[i]);
        write_bucket(p, labels, buf_str(&bound), below);
    }
    below += h->counts[METRIC_BOUNDS];
    write_bucket(p, labels, STR("+Inf"), below);
    write_name(p, "_sum", labels);
    write_seconds(p->out, h->sum_ns);
    buf_add_char(p->out, '\n');
    write_name(p, "_count", labels);
    buf_add_i64(p->out, below);
    buf_add_char(p->out, '\n');
    buf_free(&bound);
}

void metrics_page_single(struct metrics_page *p, enum metric_kind kind, const char *name,
                         const char *help, int64_t value)
{
    metrics_page_family(p, kind, name, help);
    metrics_page_int(p, str_empty, value);
}

void metrics_page_end(struct metrics_page *p)
{
    map_free(&p->families);
}
