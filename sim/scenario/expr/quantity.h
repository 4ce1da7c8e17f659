/* quantity: numbers that carry their unit, as files and expressions write them. False: not one of them, or too large. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_QUANTITY_H
#define PADDOCK_SIM_SCENARIO_EXPR_QUANTITY_H

#include "engine/base/str.h"

bool share_parse(struct str text, int64_t *ppm);  /* "0.1", "10%", "0.25%" */
bool size_parse(struct str text, int64_t *bytes); /* "512B", "64KiB", "8GiB", "10MB" */
void size_print(int64_t bytes, struct buf *out); /* so that size_parse reads it: "64KiB", "1500B" */

#endif
