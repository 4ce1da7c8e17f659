/* gotime: RFC 3339 times as the API reads and writes them, with the wording of its errors.
 *
 * Time has whole seconds (a fraction is dropped), MicroTime exactly six fractional digits; both are written in UTC. Years
 * are 0 to 9999. The zero time (year 1) is the absent one. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_GOTIME_H
#define PADDOCK_SIM_KUBEAPI_TYPES_GOTIME_H

#include "engine/base/str.h"

struct gotime {
    int64_t seconds; /* of the Unix epoch */
    int32_t nanos;
};

/* True: *out is set. Else the problem has been added to *problem. */
bool gotime_parse(struct str text, bool micro, struct gotime *out, struct buf *problem);
void gotime_write(struct gotime t, bool micro, struct buf *out);
bool gotime_is_zero(struct gotime t);

#endif
