/* decimal: numbers of JSON as they are written, compared and divided exactly, without floating point.
 *
 * Value:  sign, up to DECIMAL_DIGITS_MAX significant digits, and where the point stands: 0.DIGITS x 10^point.
 * Bounds: digits beyond DECIMAL_DIGITS_MAX are dropped (a double holds 17); the exponent saturates at DECIMAL_POINT_MAX.
 * Text:   as Go prints a float64: decimal_write_g as fmt's %v does, decimal_write_json as encoding/json does. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_DECIMAL_H
#define PADDOCK_SIM_KUBEAPI_TYPES_DECIMAL_H

#include "engine/base/str.h"

#define DECIMAL_DIGITS_MAX 40u
#define DECIMAL_POINT_MAX  100000

struct decimal {
    bool negative;
    uint8_t n; /* digits; 0: the number is zero */
    int32_t point;
    char digits[DECIMAL_DIGITS_MAX]; /* '0'...'9'; neither the first nor the last is '0' */
};

bool decimal_parse(struct str text, struct decimal *out); /* false: not a number of JSON */
int decimal_cmp(const struct decimal *a, const struct decimal *b);
bool decimal_is_integer(const struct decimal *d);
/* Is d a whole multiple of `of`? True when `of` is zero: there is nothing to hold to. */
bool decimal_is_multiple(const struct decimal *d, const struct decimal *of);
void decimal_write_g(const struct decimal *d, struct buf *out);
void decimal_write_json(const struct decimal *d, struct buf *out);
/* The integer part, towards zero; saturates. */
int64_t decimal_to_i64(const struct decimal *d);

#endif
