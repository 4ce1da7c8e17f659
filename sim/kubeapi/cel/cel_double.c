/* Doubles from text and to text, without the C library's locale. */
#include <stdio.h>

#include "sim/kubeapi/cel/cel_internal.h"

#define EXPONENT_MAX 5000

/* 10^n, exact up to 10^27 in the format with 64 bits of mantissa. */
static long double power(int n)
{
    long double v = 1, base = 10;
    for (unsigned k = (unsigned)n; k > 0; k >>= 1) {
        if (k & 1)
            v *= base;
        base *= base;
    }
    return v;
}

static size_t digits(struct str s, size_t i, uint64_t *mantissa, int *scale, int step)
{
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        if (*mantissa < UINT64_C(1000000000000000000)) {
            *mantissa = *mantissa * 10 + (uint64_t)(s.p[i] - '0');
            *scale -= step;
        } else {
            *scale += 1 - step; /* more digits than a double can tell apart */
        }
    }
    return i;
}

double cel_parse_double(struct str s, bool *ok)
{
    uint64_t mantissa = 0;
    int scale = 0, exponent = 0;
    size_t i = 0, from;
    bool negative = s.n > 0 && s.p[0] == '-', down = false;
    i += negative || (s.n > 0 && s.p[0] == '+');
    *ok = true;
    if (str_eq_nocase(str_sub(s, i, s.n), STR("inf")) ||
        str_eq_nocase(str_sub(s, i, s.n), STR("infinity")))
        return negative ? -__builtin_inf() : __builtin_inf();
    if (str_eq_nocase(s, STR("nan")))
        return __builtin_nan("");
    from = i;
    i = digits(s, i, &mantissa, &scale, 0);
    size_t whole = i - from;
    if (i < s.n && s.p[i] == '.') {
        from = i + 1;
        i = digits(s, from, &mantissa, &scale, 1);
        whole += i - from;
    }
    *ok = whole > 0;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        down = i < s.n && s.p[i] == '-';
        i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
        for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            exponent = exponent < EXPONENT_MAX ? exponent * 10 + (s.p[i] - '0') : exponent;
        *ok = *ok && i > from;
    }
    *ok = *ok && i == s.n;
    scale += down ? -exponent : exponent;
    long double v = (long double)mantissa;
    if (mantissa == 0 || scale < -EXPONENT_MAX)
        v = 0;
    else if (scale > EXPONENT_MAX)
        v = (long double)__builtin_inf();
    else
        v = scale < 0 ? v / power(-scale) : v * power(scale);
    *ok = *ok && !__builtin_isinf((double)v); /* out of range */
    return negative ? -(double)v : (double)v;
}

/* Go's %g: the fewest digits that read back; an exponent below 10^-4 and from 10^21 on. */
void cel_print_double(double d, struct buf *out)
{
    char text[64];
    bool ok;
    if (__builtin_isnan(d) || __builtin_isinf(d)) {
        buf_add_c(out, __builtin_isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
        return;
    }
    int precision = 0;
    do {
        (void)snprintf(text, sizeof(text), "%.*e", precision, d);
    } while (cel_parse_double(str_c(text), &ok) != d && ++precision < 17);
    char *e = strchr(text, 'e');
    int64_t exponent = 0;
    (void)str_to_i64(str_c(e[1] == '+' ? e + 2 : e + 1), &exponent);
    if (exponent >= -4 && exponent < 21) {
        int64_t decimals = precision - exponent;
        buf_addf(out, "%.*f", decimals > 0 ? (int)decimals : 0, d);
    } else {
        buf_add_c(out, text);
    }
}
