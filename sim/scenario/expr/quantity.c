/* Shares and sizes with their units. */
#include "sim/scenario/expr/quantity.h"

#define PPM          INT64_C(1000000)
#define SHARE_DIGITS 6

/* Digits with an optional fraction, in units of 10^-6; what is finer is refused. */
static bool decimal_parse(struct str text, int64_t *millionths)
{
    struct str whole, fraction;
    bool dotted = str_cut(text, '.', &whole, &fraction);
    uint64_t units = 0, part = 0;
    if (whole.n == 0 || (dotted && fraction.n == 0) || fraction.n > SHARE_DIGITS)
        return false;
    if (!str_to_u64(whole, &units) || (dotted && !str_to_u64(fraction, &part)))
        return false;
    for (size_t i = fraction.n; i < SHARE_DIGITS; i++)
        part *= 10;
    return !__builtin_mul_overflow(units, PPM, millionths) &&
           !__builtin_add_overflow(*millionths, part, millionths);
}

bool share_parse(struct str text, int64_t *ppm)
{
    if (!str_ends(text, STR("%")))
        return decimal_parse(text, ppm);
    int64_t hundredfold;
    if (!decimal_parse(str_sub(text, 0, text.n - 1), &hundredfold) || hundredfold % 100 != 0)
        return false;
    *ppm = hundredfold / 100;
    return true;
}

bool size_parse(struct str text, int64_t *bytes)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},   {"kB", 1000},
                 {"KB", 1000},     {"MB", 1000000},  {"GB", 1000000000}, {"TiB", INT64_C(1) << 40},
                 {"B", 1}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        struct str unit = str_c(units[i].unit);
        if (!str_ends(text, unit))
            continue;
        int64_t count, product;
        if (!str_to_i64(str_trim(str_sub(text, 0, text.n - unit.n)), &count) || count < 0 ||
            __builtin_mul_overflow(count, units[i].bytes, &product))
            return false;
        *bytes = product;
        return true;
    }
    return false;
}

void size_print(int64_t bytes, struct buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes != 0 && bytes % 1024 == 0 && unit + 1 < ARRAY_LEN(units); unit++)
        bytes /= 1024;
    buf_add_i64(out, bytes);
    buf_add_c(out, units[unit]);
}
