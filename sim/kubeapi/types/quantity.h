/* quantity: amounts such as "500m", "1Gi" or "1e3", exact to 10^-9, and their one canonical text.
 *
 * Values are held in billionths. What has more digits is rounded away from zero; what would not fit is 2^63-1 (as the API
 * has it). The form (decimal, binary, exponent) is remembered: it decides how the value is written. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_QUANTITY_H
#define PADDOCK_SIM_KUBEAPI_TYPES_QUANTITY_H

#include "engine/base/str.h"

enum quantity_form { QUANTITY_DECIMAL, QUANTITY_BINARY, QUANTITY_EXPONENT };

struct quantity {
    __int128 nanos;
    enum quantity_form form;
};

/* NULL: *out is set. Else what the API says about such a text. */
const char *quantity_parse(struct str text, struct quantity *out) must_check;
void quantity_write(const struct quantity *q, struct buf *out); /* canonical */
int quantity_cmp(const struct quantity *a, const struct quantity *b);
/* a + b and a - b; the form is a's unless a is zero. */
struct quantity quantity_add(const struct quantity *a, const struct quantity *b);
struct quantity quantity_sub(const struct quantity *a, const struct quantity *b);

#endif
