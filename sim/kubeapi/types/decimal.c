#include "sim/kubeapi/types/decimal.h"

#define MULTIPLE_DIGITS_MAX 18u /* of a divisor: its digits fit a word */

/* ---- reading ---- */

struct reading {
    struct decimal *d;
    int64_t dropped; /* digits before the point that did not fit */
    bool started;    /* a digit other than zero was seen */
};

static void take_digit(struct reading *r, char c, bool fraction)
{
    struct decimal *d = r->d;
    if (!r->started && c == '0') {
        d->point -= fraction ? 1 : 0;
        return;
    }
    r->started = true;
    if (d->n < DECIMAL_DIGITS_MAX)
        d->digits[d->n++] = c;
    d->point += fraction ? 0 : 1;
}

static size_t take_digits(struct reading *r, struct str text, size_t at, bool fraction)
{
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
        take_digit(r, text.p[at++], fraction);
    return at;
}

static bool take_exponent(struct decimal *d, struct str text)
{
    int64_t exponent = 0;
    bool negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_sub(text, 1, text.n);
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        if (exponent < DECIMAL_POINT_MAX)
            exponent = exponent * 10 + (text.p[i] - '0');
    }
    int64_t point = d->point + (negative ? -exponent : exponent);
    d->point = point > DECIMAL_POINT_MAX    ? DECIMAL_POINT_MAX
               : point < -DECIMAL_POINT_MAX ? -DECIMAL_POINT_MAX
                                            : (int32_t)point;
    return true;
}

bool decimal_parse(struct str text, struct decimal *out)
{
    struct decimal d = {0};
    struct reading r = {.d = &d};
    size_t at = 0, before;
    if (text.n > 0 && text.p[0] == '-') {
        d.negative = true;
        at++;
    }
    before = at;
    at = take_digits(&r, text, at, false);
    if (at == before)
        return false;
    if (at < text.n && text.p[at] == '.') {
        before = ++at;
        at = take_digits(&r, text, at, true);
        if (at == before)
            return false;
    }
    if (at < text.n && (text.p[at] == 'e' || text.p[at] == 'E')) {
        if (!take_exponent(&d, str_sub(text, at + 1, text.n)))
            return false;
        at = text.n;
    }
    if (at != text.n)
        return false;
    while (d.n > 0 && d.digits[d.n - 1] == '0')
        d.n--;
    if (d.n == 0)
        d = (struct decimal){0};
    *out = d;
    return true;
}

/* ---- comparing ---- */

static int cmp_size(const struct decimal *a, const struct decimal *b)
{
    if (a->n == 0 || b->n == 0)
        return (a->n > 0) - (b->n > 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    size_t n = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->digits, b->digits, n);
    return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

int decimal_cmp(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? cmp_size(b, a) : cmp_size(a, b);
}

bool decimal_is_integer(const struct decimal *d)
{
    return d->n == 0 || d->point >= (int32_t)d->n;
}

bool decimal_is_multiple(const struct decimal *d, const struct decimal *of)
{
    uint64_t divisor = 0, rest = 0;
    if (of->n == 0 || d->n == 0)
        return true;
    if (of->n > MULTIPLE_DIGITS_MAX)
        return cmp_size(d, of) == 0;
    for (size_t i = 0; i < of->n; i++)
        divisor = divisor * 10 + (uint64_t)(of->digits[i] - '0');
    /* d = D x 10^x, of = M x 10^y, neither D nor M ends in 0: the quotient is D x 10^(x-y) / M. */
    int64_t zeros = ((int64_t)d->point - d->n) - ((int64_t)of->point - of->n);
    if (zeros < 0)
        return false;
    for (size_t i = 0; i < d->n; i++)
        rest =
            (uint64_t)(((unsigned __int128)rest * 10 + (uint64_t)(d->digits[i] - '0')) % divisor);
    for (int64_t i = 0; i < zeros && rest > 0 && i < 64; i++) /* M holds at most 60 twos or fives */
        rest = (uint64_t)((unsigned __int128)rest * 10 % divisor);
    return rest == 0;
}

int64_t decimal_to_i64(const struct decimal *d)
{
    uint64_t v = 0;
    for (int32_t i = 0; i < d->point; i++) {
        if (v > (uint64_t)INT64_MAX / 10)
            return d->negative ? INT64_MIN : INT64_MAX;
        v = v * 10 + (i < (int32_t)d->n ? (uint64_t)(d->digits[i] - '0') : 0);
    }
    if (v > (uint64_t)INT64_MAX)
        return d->negative ? INT64_MIN : INT64_MAX;
    return d->negative ? -(int64_t)v : (int64_t)v;
}

/* ---- writing ---- */

static void write_exponent(const struct decimal *d, struct buf *out, bool padded)
{
    int32_t exponent = d->point - 1;
    buf_add_char(out, d->digits[0]);
    if (d->n > 1) {
        buf_add_char(out, '.');
        buf_add(out, (struct str){d->digits + 1, d->n - 1u});
    }
    buf_addf(out, padded ? "e%c%02d" : "e%c%d", exponent < 0 ? '-' : '+',
             exponent < 0 ? -exponent : exponent);
}

static void write_plain(const struct decimal *d, struct buf *out)
{
    if (d->point <= 0)
        buf_add_c(out, "0.");
    for (int32_t i = d->point; i < 0; i++)
        buf_add_char(out, '0');
    for (int32_t i = 0; i < (int32_t)d->n; i++) {
        if (i == d->point && i > 0)
            buf_add_char(out, '.');
        buf_add_char(out, d->digits[i]);
    }
    for (int32_t i = d->n; i < d->point; i++)
        buf_add_char(out, '0');
}

static void write_between(const struct decimal *d, struct buf *out, int32_t least, int32_t most,
                          bool padded)
{
    if (d->n == 0) {
        buf_add_char(out, '0');
        return;
    }
    if (d->negative)
        buf_add_char(out, '-');
    if (d->point - 1 < least || d->point - 1 >= most)
        write_exponent(d, out, padded);
    else
        write_plain(d, out);
}

void decimal_write_g(const struct decimal *d, struct buf *out)
{
    write_between(d, out, -4, 6, true);
}

void decimal_write_json(const struct decimal *d, struct buf *out)
{
    write_between(d, out, -6, 21, false);
}
