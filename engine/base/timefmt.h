/* timefmt: RFC 3339 instants and durations, in integers of nanoseconds. No time zone, no locale, no libc clock.
 * Durations are written as in Go and in scenario files: "1h30m", "45s", "250ms", "0s"; a bare number is refused. */
#ifndef PADDOCK_ENGINE_BASE_TIMEFMT_H
#define PADDOCK_ENGINE_BASE_TIMEFMT_H

#include "engine/base/str.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

void rfc3339_format(struct buf *out, int64_t unix_ns); /* "2026-01-01T00:00:00Z", whole seconds */
void rfc3339_format_micro(struct buf *out, int64_t unix_ns); /* MicroTime: six fractional digits */
bool rfc3339_parse(struct str text, int64_t *unix_ns);       /* fraction and offset accepted */
bool duration_parse(struct str text, int64_t *ns);           /* d h m s ms us ns; sign accepted */
void duration_format(struct buf *out, int64_t ns); /* shortest exact: "1m30s", "12m3.412s" */

#endif
