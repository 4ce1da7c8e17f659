/* What all formats say the same way: outcomes, counts, quantiles, decimals and durations. */
#include "reports/report_internal.h"

const char *report_outcome_name(enum report_outcome o)
{
    static const char *const names[] = {[REPORT_PASSED] = "passed",
                                        [REPORT_FAILED] = "failed",
                                        [REPORT_ERROR] = "error",
                                        [REPORT_UNSUPPORTED] = "unsupported",
                                        [REPORT_SKIPPED] = "skipped"};
    BUG_ON((size_t)o >= ARRAY_LEN(names), "an outcome is one of the enum");
    return names[o];
}

void report_count(const struct report *r, size_t *passed, size_t *failed)
{
    *passed = *failed = 0;
    for (size_t i = 0; i < r->n; i++) {
        *passed += r->runs[i]->outcome == REPORT_PASSED;
        *failed += r->runs[i]->outcome == REPORT_FAILED || r->runs[i]->outcome == REPORT_ERROR;
    }
}

/* ---- measures ---- */

int64_t report_quantile(const int64_t *values, size_t n, uint32_t per_mille)
{
    BUG_ON(n == 0, "a quantile is of something");
    BUG_ON(per_mille > 1000, "a quantile is at most all of it");
    uint64_t product = (uint64_t)n * per_mille;
    size_t rank = (size_t)(product / 1000 + (product % 1000 != 0)); /* nearest rank: 1 .. n */
    return values[rank == 0 ? 0 : rank - 1];
}

bool report_is_flat(const struct report_point *points, size_t n, int64_t value)
{
    return n >= 2 && points[n - 1].value == value && points[n - 2].value == value;
}

/* The sum may need more than 64 bits: quotients and remainders are summed apart. Rounds toward zero. */
static int64_t mean(const int64_t *values, size_t n)
{
    int64_t whole = 0, rest = 0, count = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        whole += values[i] / count;
        rest += values[i] % count;
        whole += rest / count;
        rest %= count;
    }
    return whole;
}

/* "p99" is 990, "p99.9" is 999. */
static bool per_mille_of(struct str what, uint32_t *out)
{
    if (what.n < 2 || what.p[0] != 'p')
        return false;
    struct str percent, tenth;
    uint64_t a, b = 0;
    bool fraction = str_cut(str_sub(what, 1, what.n), '.', &percent, &tenth);
    if (!str_to_u64(percent, &a) || a > 100)
        return false;
    if (fraction && (tenth.n != 1 || !str_to_u64(tenth, &b)))
        return false;
    *out = (uint32_t)(a * 10 + b);
    return *out <= 1000;
}

static bool shown_value(const struct report_hist *h, struct str what, int64_t *out)
{
    size_t n;
    const struct str *show = report_hist_show(h, &n);
    for (size_t i = 0; i < n; i++)
        if (str_eq(show[i], what)) {
            *out = h->shown[i];
            return true;
        }
    return false;
}

bool report_hist_value(const struct report_hist *h, struct str what, int64_t *out)
{
    uint32_t per_mille;
    if (h->n == 0)
        return false;
    if (h->shown)
        return shown_value(h, what, out);
    if (str_eq_c(what, "min"))
        *out = h->values[0];
    else if (str_eq_c(what, "max"))
        *out = h->values[h->n - 1];
    else if (str_eq_c(what, "mean"))
        *out = mean(h->values, h->n);
    else if (per_mille_of(what, &per_mille))
        *out = report_quantile(h->values, h->n, per_mille);
    else
        return false;
    return true;
}

const struct str *report_hist_show(const struct report_hist *h, size_t *n)
{
    static const struct str usual[] = {STR_INIT("p50"), STR_INIT("p99"), STR_INIT("max")};
    *n = h->show_n ? h->show_n : ARRAY_LEN(usual);
    return h->show_n ? h->show : usual;
}

/* ---- numbers ---- */

bool report_scale_is_fine(int64_t scale)
{
    while (scale > 1 && scale % 10 == 0)
        scale /= 10;
    return scale == 1;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

void report_decimal(struct buf *out, int64_t value, int64_t scale)
{
    BUG_ON(!report_scale_is_fine(scale), "a scale is a power of ten");
    uint64_t rest = magnitude(value) % (uint64_t)scale;
    if (value < 0)
        buf_add_char(out, '-');
    buf_add_u64(out, magnitude(value) / (uint64_t)scale);
    if (rest == 0)
        return;
    buf_add_char(out, '.');
    for (uint64_t digit = (uint64_t)scale / 10; digit > 0; digit /= 10) {
        buf_add_char(out, (char)('0' + rest / digit % 10));
        if (rest % digit == 0)
            return; /* only zeros would follow */
    }
}

void report_duration(struct buf *out, int64_t ns)
{
    uint64_t v = magnitude(ns), ms = v / NS_PER_MS, s = ms / 1000, m = s / 60, h = m / 60;
    if (ns < 0)
        buf_add_char(out, '-');
    if (ms == 0 && v > 0) {
        report_decimal(out, (int64_t)v, v < (uint64_t)NS_PER_US ? 1 : NS_PER_US);
        buf_add_c(out, v < (uint64_t)NS_PER_US ? "ns" : "us");
        return;
    }
    if (h > 0)
        buf_addf(out, "%lluh%02llum%02llu", (unsigned long long)h, (unsigned long long)(m % 60),
                 (unsigned long long)(s % 60));
    else if (m > 0)
        buf_addf(out, "%llum%02llu", (unsigned long long)m, (unsigned long long)(s % 60));
    else
        buf_add_u64(out, s);
    if (ms % 1000 != 0)
        buf_addf(out, ".%03u", (unsigned)(ms % 1000));
    buf_add_char(out, 's');
}

void report_add_grouped(struct buf *out, uint64_t v)
{
    char digits[32];
    size_t n = 0;
    do {
        if (n % 4 == 3)
            digits[n++] = ',';
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        buf_add_char(out, digits[--n]);
}

/* ns in one of a unit of time; 0: it is none. */
static int64_t unit_ns(struct str unit)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", NS_PER_S}, {"ms", NS_PER_MS}, {"us", NS_PER_US}, {"ns", 1}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq_c(unit, units[i].name))
            return units[i].ns;
    return 0;
}

void report_add_measure(struct buf *out, int64_t value, int64_t scale, struct str unit)
{
    int64_t ns = unit_ns(unit), total;
    if (ns >= scale && !__builtin_mul_overflow(value, ns / scale, &total)) {
        report_duration(out, total);
        return;
    }
    if (scale == 1 && value >= 0)
        report_add_grouped(out, (uint64_t)value);
    else
        report_decimal(out, value, scale);
    if (unit.n > 0) {
        buf_add_char(out, ' ');
        report_add_line_text(out, unit);
    }
}

/* ---- text ---- */

uint32_t report_code_point(struct str s, size_t *at)
{
    BUG_ON(*at >= s.n, "a code point begins within the text");
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t more = p[0] < 0x80 ? 0 : p[0] < 0xc0 ? 4 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    bool good = p[0] < 0xf5 && more < s.n - *at && more < 4;
    uint32_t c = more == 0 ? p[0] : p[0] & (0x3fu >> more);
    for (size_t i = 1; good && i <= more; i++) {
        good = (p[i] & 0xc0) == 0x80;
        c = c << 6 | (p[i] & 0x3fu);
    }
    good = good && c >= least[more] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    *at += good ? more + 1 : 1;
    return good ? c : 0xfffd;
}

size_t report_columns(struct str s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; n++)
        (void)report_code_point(s, &at);
    return n;
}

void report_add_line_text(struct buf *out, struct str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t c = report_code_point(s, &at);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            buf_add_char(out, ' ');
        else if (c == 0xfffd)
            buf_add_c(out, "\xef\xbf\xbd");
        else
            buf_add(out, str_sub(s, from, at - from));
    }
}

bool report_next_pair(struct str *rest, struct str *name, struct str *value)
{
    if (rest->n == 0)
        return false;
    struct str tail;
    ptrdiff_t end = 0;
    for (size_t from = 0;; from = (size_t)end + 1) { /* to the comma before the next "x=" */
        end = str_find_char(str_sub(*rest, from, rest->n), ',');
        end = end < 0 ? (ptrdiff_t)rest->n : end + (ptrdiff_t)from;
        struct str next, ignored;
        tail = str_sub(*rest, (size_t)end + 1, rest->n);
        str_cut(tail, ',', &next, &ignored);
        if (tail.n == 0 || str_find_char(next, '=') >= 0)
            break;
    }
    struct str pair = str_sub(*rest, 0, (size_t)end);
    str_cut(pair, '=', name, value);
    *rest = tail;
    return true;
}

const struct report_assert *report_assert_named(const struct report_run *run, struct str name)
{
    for (size_t i = 0; i < run->asserts_n; i++)
        if (str_eq(run->asserts[i].name, name))
            return &run->asserts[i];
    return NULL;
}
