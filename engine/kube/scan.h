/* scan: walking canonical JSON bytes without a tree. Only for bytes that a json_write made: blanks are not expected, and
 * validity is not checked beyond what keeps the walk inside its bounds (a false return means "not canonical JSON"). */
#ifndef PADDOCK_ENGINE_KUBE_SCAN_H
#define PADDOCK_ENGINE_KUBE_SCAN_H

#include "engine/base/str.h"

struct scan {
    const char *p, *end;
};

static inline struct scan scan_of(struct str s)
{
    return (struct scan){s.p, s.p + s.n};
}
/* Enters an object or array: eats the opening bracket. */
bool scan_enter(struct scan *s, char bracket);
/* The next key of an object that was entered, and *value its raw JSON; false at its end or on bad bytes. Keys are raw
 * (between the quotes, escapes as written). */
bool scan_member(struct scan *s, struct str *key, struct str *value);
/* The next element of an array that was entered. */
bool scan_element(struct scan *s, struct str *value);
/* The member of an object; empty: absent. Stops early: keys are in byte order. */
struct str scan_get(struct str object, struct str key);
/* Goes to the value of a path as that of scan_path; false: it is not there, and the walk is over. */
bool scan_find(struct scan *s, const char *dotted);
/* "a.b.c" from an object down; a number is the place in an array. */
struct str scan_path(struct str object, const char *dotted);
/* Between the quotes of a raw string value. False: not a string. *escaped: it holds backslashes. */
bool scan_string(struct str raw, struct str *inner, bool *escaped);

#endif
