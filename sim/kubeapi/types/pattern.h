/* pattern: regular expressions as schemas write them (Go's syntax, RE2), matched anywhere in a text.
 *
 * Matching is PCRE2's, with what RE2 does not know refused first (look-around, back-references, possessive and atomic
 * groups, conditions, recursion), so that a pattern means here what it means to a real server.
 * Ownership: a compiled pattern lives in the arena and needs no end.
 * Bounds:    PATTERN_BYTES_MAX; a match that takes more than PATTERN_STEPS_MAX steps counts as none (RE2 would need none of
 *            that: it is linear). */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_PATTERN_H
#define PADDOCK_SIM_KUBEAPI_TYPES_PATTERN_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

#define PATTERN_BYTES_MAX  8192u
#define PATTERN_STEPS_MAX  200000u
#define PATTERN_REPEAT_MAX 1000 /* x{1001} is refused, as in RE2 */

struct pattern;

/* ERR_INVALID in Go's words: "error parsing regexp: missing closing ): `(a`". */
struct err *pattern_compile(struct arena *a, struct str text, struct pattern **out) must_check;
bool pattern_matches(const struct pattern *p, struct str text);
/* The first match at or behind `from`: text[*start...*end). */
bool pattern_find(const struct pattern *p, struct str text, size_t from, size_t *start,
                  size_t *end);

#endif
