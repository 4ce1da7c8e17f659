/* jsonerr: what Go's encoding/json says about a text that is no JSON: clients show it, and tests of theirs look for it.
 *
 *   "invalid character 'h' looking for beginning of value", "unexpected end of JSON input", ...
 *
 * Only for texts that failed to parse: a plain state machine over the bytes, one bit of memory a level. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_JSONERR_H
#define PADDOCK_SIM_KUBEAPI_CORE_JSONERR_H

#include "engine/base/str.h"

#define JSONERR_DEPTH_MAX 10000u /* Go's own limit */

/* Appends the message. False: there is nothing wrong with it. */
bool jsonerr_describe(struct str text, struct buf *out);
/* A copy in which what Go replaces silently is U+FFFD: bytes that are no UTF-8, and lone surrogate escapes. */
void jsonerr_repair(struct str text, struct buf *out);

#endif
