#include "tests/unit/support/exposition.h"

#include "engine/base/json_internal.h"
#include "tests/unit/support/check.h"

/* The reader: one line at a time. */
struct reader {
    struct exposition *e;
    int line_n;
    struct str line, rest;  /* rest: what is left of the line */
    struct str family;      /* of the last TYPE */
    struct str helped;      /* of a HELP whose TYPE is to follow; empty: none */
    const char *type;       /* of the family */
    int64_t below, buckets; /* of a histogram's series: the last bucket, and how many of them */
    struct str bound;       /* its le */
    struct buf series;      /* whose buckets those are: labels without le */
};

#define EXPECT(r, condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("line %d: not %s: " STR_FMT, (r)->line_n, #condition, STR_ARG((r)->line));    \
    } while (0)

static bool is_first(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct str take_name(struct reader *r, bool colons)
{
    size_t n = 0;
    while (n < r->rest.n && (is_first(r->rest.p[n]) || (colons && r->rest.p[n] == ':') ||
                             (n && r->rest.p[n] >= '0' && r->rest.p[n] <= '9')))
        n++;
    EXPECT(r, n > 0);
    struct str name = str_sub(r->rest, 0, n);
    r->rest = str_sub(r->rest, n, r->rest.n);
    return name;
}

static void take(struct reader *r, const char *text)
{
    struct str wanted = str_c(text);
    EXPECT(r, str_starts(r->rest, wanted));
    r->rest = str_sub(r->rest, wanted.n, r->rest.n);
}

static void check_text(struct reader *r, struct str text, bool quotes)
{
    for (const char *p = text.p, *end = text.p + text.n; p < end;) {
        size_t n = json_utf8_length(p, end);
        EXPECT(r, n > 0);
        if (*p == '\\') {
            EXPECT(r, p + 1 < end && (p[1] == '\\' || p[1] == 'n' || (quotes && p[1] == '"')));
            n = 2;
        }
        EXPECT(r, !quotes || *p != '"');
        p += n;
    }
}

static void read_help(struct reader *r)
{
    struct str name = take_name(r, true);
    EXPECT(r, r->helped.n == 0);
    EXPECT(r, !map_has(&r->e->types, name));
    take(r, " ");
    EXPECT(r, r->rest.n > 0);
    check_text(r, r->rest, false);
    r->helped = name;
}

static void check_name(struct reader *r, struct str name)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    bool total = str_ends(name, STR("_total"));
    EXPECT(r, str_starts(name, STR("paddock_")) || str_starts(name, STR("process_")));
    EXPECT(r, total == (r->type == kinds[0] || strcmp(r->type, "counter") == 0));
    EXPECT(r, strcmp(r->type, "histogram") != 0 || str_ends(name, STR("_seconds")));
    for (const char *p = name.p; p < name.p + name.n; p++)
        EXPECT(r, *p < 'A' || *p > 'Z');
    EXPECT(r, str_find(name, STR("_ms")) < 0);
}

static void end_series(struct reader *r)
{
    EXPECT(r, r->buckets == 0);
}

static void read_type(struct reader *r)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    end_series(r);
    struct str name = take_name(r, true);
    EXPECT(r, r->helped.n == 0 || str_eq(r->helped, name));
    EXPECT(r, !map_has(&r->e->types, name));
    take(r, " ");
    r->type = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq_c(r->rest, kinds[i]))
            r->type = kinds[i];
    EXPECT(r, r->type != NULL);
    check_name(r, name);
    map_put(&r->e->types, name, (void *)(uintptr_t)r->type);
    r->family = name;
    r->helped = str_empty;
}

static struct str take_label_value(struct reader *r)
{
    take(r, "\"");
    size_t n = 0;
    while (n < r->rest.n && r->rest.p[n] != '"')
        n += r->rest.p[n] == '\\' ? 2 : 1;
    EXPECT(r, n < r->rest.n);
    struct str value = str_sub(r->rest, 0, n);
    check_text(r, value, true);
    r->rest = str_sub(r->rest, n + 1, r->rest.n);
    return value;
}

/* others: all labels but le. */
static void read_labels(struct reader *r, struct str *le, struct buf *others)
{
    struct map names = {0};
    *le = str_empty;
    if (!str_starts(r->rest, STR("{")))
        return;
    do {
        r->rest = str_sub(r->rest, 1, r->rest.n); /* the brace or the comma */
        struct str name = take_name(r, false);
        EXPECT(r, !map_has(&names, name));
        map_put(&names, name, r);
        take(r, "=");
        struct str value = take_label_value(r);
        if (str_eq_c(name, "le"))
            *le = value;
        else
            buf_addf(others, STR_FMT "=\"" STR_FMT "\",", STR_ARG(name), STR_ARG(value));
    } while (str_starts(r->rest, STR(",")));
    take(r, "}");
    map_free(&names);
}

static void read_number(struct reader *r, struct str text, struct exposition_sample *out)
{
    struct str whole, part;
    bool negative = str_starts(text, STR("-"));
    bool has_part = str_cut(text, '.', &whole, &part);
    EXPECT(r, str_to_i64(whole, &out->whole));
    EXPECT(r, !has_part || (part.n > 0 && part.n <= 9));
    for (size_t i = 0; i < 9; i++) {
        EXPECT(r, i >= part.n || (part.p[i] >= '0' && part.p[i] <= '9'));
        out->nano = out->nano * 10 + (i < part.n ? part.p[i] - '0' : 0);
    }
    if (negative)
        out->nano = -out->nano;
}

static bool is_less(const struct exposition_sample *a, const struct exposition_sample *b)
{
    return a->whole < b->whole || (a->whole == b->whole && a->nano < b->nano);
}

static void check_bucket(struct reader *r, struct str le, struct str labels, int64_t value)
{
    EXPECT(r, le.n > 0);
    if (r->buckets == 0) {
        buf_clear(&r->series);
        buf_add(&r->series, labels);
        r->below = 0;
    } else {
        struct exposition_sample before = {0}, now = {0};
        EXPECT(r, str_eq(buf_str(&r->series), labels));
        EXPECT(r, !str_eq_c(r->bound, "+Inf"));
        read_number(r, r->bound, &before);
        if (!str_eq_c(le, "+Inf"))
            read_number(r, le, &now);
        EXPECT(r, str_eq_c(le, "+Inf") || is_less(&before, &now));
    }
    EXPECT(r, value >= r->below);
    r->bound = le;
    r->below = value;
    r->buckets++;
}

static void check_histogram(struct reader *r, struct str suffix, struct str le, struct str labels,
                            int64_t value)
{
    if (str_eq_c(suffix, "_bucket")) {
        check_bucket(r, le, labels, value);
        return;
    }
    EXPECT(r, le.n == 0);
    EXPECT(r, str_eq_c(r->bound, "+Inf") && str_eq(buf_str(&r->series), labels));
    if (str_eq_c(suffix, "_sum"))
        return;
    EXPECT(r, str_eq_c(suffix, "_count"));
    EXPECT(r, value == r->below);
    r->buckets = 0;
}

static void read_sample(struct reader *r)
{
    struct buf labels = {0};
    struct str le;
    struct exposition_sample s = {0};
    struct str name = take_name(r, true);
    EXPECT(r, r->family.n > 0 && r->helped.n == 0 && str_starts(name, r->family));
    read_labels(r, &le, &labels);
    struct str series = str_sub(r->line, 0, r->line.n - r->rest.n);
    take(r, " ");
    read_number(r, r->rest, &s);
    s.counts = strcmp(r->type, "gauge") != 0;
    EXPECT(r, !s.counts || (s.whole >= 0 && s.nano >= 0));
    EXPECT(r, !map_has(&r->e->samples, series));
    struct exposition_sample *kept = ARENA_NEW(&r->e->arena, struct exposition_sample);
    *kept = s;
    map_put(&r->e->samples, series, kept);
    struct str suffix = str_sub(name, r->family.n, name.n);
    if (strcmp(r->type, "histogram") == 0) {
        check_histogram(r, suffix, le, buf_str(&labels), s.whole);
    } else {
        EXPECT(r, suffix.n == 0);
        EXPECT(r, le.n == 0);
    }
    buf_free(&labels);
}

void exposition_read(struct exposition *e, struct str text)
{
    struct reader r = {.e = e};
    *e = (struct exposition){0};
    assert_true(str_ends(text, STR("\n")));
    while (str_cut(text, '\n', &r.line, &text)) {
        r.line_n++;
        r.rest = r.line;
        if (str_starts(r.line, STR("# HELP "))) {
            take(&r, "# HELP ");
            read_help(&r);
        } else if (str_starts(r.line, STR("#"))) {
            take(&r, "# TYPE ");
            read_type(&r);
        } else {
            read_sample(&r);
        }
    }
    end_series(&r);
    buf_free(&r.series);
}

bool exposition_has(const struct exposition *e, const char *series)
{
    return map_has(&e->samples, str_c(series));
}

int64_t exposition_value(const struct exposition *e, const char *series)
{
    const struct exposition_sample *s = map_get(&e->samples, str_c(series));
    if (!s)
        fail_msg("there is no series %s", series);
    return s->whole;
}

void exposition_check_grown(const struct exposition *first, const struct exposition *second)
{
    struct str series;
    void *value;
    for (size_t i = 0; map_next(&first->samples, &i, &series, &value);) {
        const struct exposition_sample *before = value, *after = map_get(&second->samples, series);
        if (before->counts && (!after || is_less(after, before)))
            fail_msg(STR_FMT " is less than before, or gone", STR_ARG(series));
    }
}

void exposition_free(struct exposition *e)
{
    map_free(&e->types);
    map_free(&e->samples);
    arena_free(&e->arena);
}
