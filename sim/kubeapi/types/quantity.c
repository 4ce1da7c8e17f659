/* Reading goes by digits and suffix; writing removes factors of 1000 or 1024. */
#include "sim/kubeapi/types/quantity.h"

#define NANOS_EXPONENT (-9)
#define DIGITS_KEPT    36u /* of 38 that fit */
#define EXPONENT_MAX   18

static const char wrong_format[] = "quantities must match the regular expression "
                                   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
static const char wrong_suffix[] = "unable to parse quantity's suffix";

static const __int128 value_max = (__int128)INT64_MAX * 1000000000;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct parts {
    bool negative;
    struct str whole, fraction, suffix;
};

static struct str take_digits(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_digit(s->p[n]))
        n++;
    struct str digits = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return digits;
}

static bool split(struct str s, struct parts *out)
{
    *out = (struct parts){0};
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        out->negative = s.p[0] == '-';
        s = str_sub(s, 1, s.n);
    }
    while (s.n > 0 && s.p[0] == '0')
        s = str_sub(s, 1, s.n);
    out->whole = take_digits(&s);
    if (s.n > 0 && s.p[0] == '.') {
        s = str_sub(s, 1, s.n);
        out->fraction = take_digits(&s);
    }
    out->suffix = s;
    size_t i = 0;
    while (i < s.n && str_find_char(STR("eEinumkKMGTP"), s.p[i]) >= 0)
        i++;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    return i == s.n;
}

static const struct {
    const char *suffix;
    int exponent;
} decimals[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
                {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
static const char binaries[] = "KMGTPE";

static bool read_exponent(struct str digits, int *out)
{
    int64_t v;
    if (digits.n > 0 && digits.p[0] == '+')
        digits = str_sub(digits, 1, digits.n);
    if (!str_to_i64(digits, &v))
        return false;
    *out = v > 100 ? 100 : v < -100 ? -100 : (int)v; /* beyond, nothing changes any more */
    return true;
}

/* The value is the number times 10^*ten times 2^*two. */
static bool read_suffix(struct str suffix, enum quantity_form *form, int *ten, int *two)
{
    *ten = *two = 0;
    *form = QUANTITY_DECIMAL;
    for (size_t i = 0; i < ARRAY_LEN(decimals); i++) {
        if (str_eq_c(suffix, decimals[i].suffix)) {
            *ten = decimals[i].exponent;
            return true;
        }
    }
    if (suffix.n == 2 && suffix.p[1] == 'i') {
        ptrdiff_t i = str_find_char(str_c(binaries), suffix.p[0]);
        *form = QUANTITY_BINARY;
        *two = 10 * (int)(i + 1);
        return i >= 0;
    }
    *form = QUANTITY_EXPONENT;
    return suffix.n > 1 && (suffix.p[0] == 'e' || suffix.p[0] == 'E') &&
           read_exponent(str_sub(suffix, 1, suffix.n), ten);
}

/* *v * 10^n; below zero: rounded up. False: too large. */
static bool scale_ten(unsigned __int128 *v, int n)
{
    bool rest = false;
    for (; n < 0 && *v > 0; n++) {
        rest = rest || *v % 10 != 0;
        *v /= 10;
    }
    *v += rest;
    for (; n > 0 && *v > 0; n--)
        if (__builtin_mul_overflow(*v, (unsigned __int128)10, v))
            return false;
    return *v >> 126 == 0;
}

static bool read_digits(const struct parts *p, unsigned __int128 *out, int *ten)
{
    unsigned __int128 v = 0;
    bool rest = false;
    size_t kept = p->fraction.n;
    if (p->whole.n > DIGITS_KEPT)
        return false;
    if (p->whole.n + kept > DIGITS_KEPT)
        kept = DIGITS_KEPT - p->whole.n;
    for (size_t i = 0; i < p->whole.n; i++)
        v = v * 10 + (unsigned)(p->whole.p[i] - '0');
    for (size_t i = 0; i < p->fraction.n; i++) {
        if (i < kept)
            v = v * 10 + (unsigned)(p->fraction.p[i] - '0');
        else
            rest = rest || p->fraction.p[i] != '0';
    }
    *out = v + rest;
    *ten -= (int)kept;
    return true;
}

/* What is given and written with at most 18 digits is taken as it is, also beyond the largest value: "10E". */
static bool few_digits(unsigned __int128 v)
{
    for (int exponent = NANOS_EXPONENT; v % 1000 == 0 && exponent < EXPONENT_MAX; exponent += 3)
        v /= 1000;
    return v < 1000000000000000000;
}

const char *quantity_parse(struct str text, struct quantity *out)
{
    struct parts p;
    int ten, two;
    text = str_trim(text);
    if (text.n == 0 || !split(text, &p))
        return wrong_format;
    if (!read_suffix(p.suffix, &out->form, &ten, &two))
        return wrong_suffix;
    unsigned __int128 v = 0;
    bool fits = read_digits(&p, &v, &ten);
    if (fits && two > 0)
        fits = !__builtin_mul_overflow(v, (unsigned __int128)1 << two, &v);
    fits = fits && scale_ten(&v, ten - NANOS_EXPONENT);
    bool exact =
        out->form != QUANTITY_BINARY && p.whole.n + p.fraction.n <= EXPONENT_MAX && few_digits(v);
    out->nanos = !fits || (!exact && v > (unsigned __int128)value_max) ? value_max : (__int128)v;
    if (out->form == QUANTITY_BINARY && out->nanos < 1000000000)
        out->form = QUANTITY_DECIMAL; /* "0.5Ki" is 512, but "0.0001Ki" is 102400u */
    if (p.negative)
        out->nanos = -out->nanos;
    return NULL;
}

static void write_number(unsigned __int128 v, struct buf *out)
{
    char digits[40];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v > 0);
    buf_add(out, (struct str){digits + at, sizeof(digits) - at});
}

static void write_binary(unsigned __int128 v, struct buf *out)
{
    size_t steps = 0;
    v /= 1000000000;
    while (v % 1024 == 0 && steps < sizeof(binaries) - 1) {
        v /= 1024;
        steps++;
    }
    write_number(v, out);
    if (steps > 0) {
        buf_add_char(out, binaries[steps - 1]);
        buf_add_char(out, 'i');
    }
}

void quantity_write(const struct quantity *q, struct buf *out)
{
    unsigned __int128 v = (unsigned __int128)(q->nanos < 0 ? -q->nanos : q->nanos);
    int exponent = NANOS_EXPONENT;
    if (v == 0) {
        buf_add_char(out, '0');
        return;
    }
    if (q->nanos < 0)
        buf_add_char(out, '-');
    if (q->form == QUANTITY_BINARY && v % 1000000000 == 0 &&
        v >= (unsigned __int128)1024 * 1000000000) {
        write_binary(v, out);
        return;
    }
    for (; v % 1000 == 0 && exponent < EXPONENT_MAX; exponent += 3)
        v /= 1000;
    write_number(v, out);
    if (q->form == QUANTITY_EXPONENT && exponent != 0)
        buf_addf(out, "e%d", exponent);
    else if (q->form != QUANTITY_EXPONENT)
        buf_add_c(out, decimals[(exponent - NANOS_EXPONENT) / 3].suffix);
}

int quantity_cmp(const struct quantity *a, const struct quantity *b)
{
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}

static __int128 bounded(__int128 v)
{
    return v > value_max ? value_max : v < -value_max ? -value_max : v;
}

struct quantity quantity_add(const struct quantity *a, const struct quantity *b)
{
    return (struct quantity){bounded(bounded(a->nanos) + bounded(b->nanos)),
                             a->nanos == 0 ? b->form : a->form};
}

struct quantity quantity_sub(const struct quantity *a, const struct quantity *b)
{
    return (struct quantity){bounded(bounded(a->nanos) - bounded(b->nanos)),
                             a->nanos == 0 ? b->form : a->form};
}
