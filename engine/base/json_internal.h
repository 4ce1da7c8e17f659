/* json_internal: what the files of json share: the text level of the reader, and finding bytes that need care. */
#ifndef PADDOCK_ENGINE_BASE_JSON_INTERNAL_H
#define PADDOCK_ENGINE_BASE_JSON_INTERNAL_H

#include "engine/base/json.h"

#include <string.h>

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Eight bytes, the first in the lowest bits on every machine. */
static inline uint64_t json_load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(v) : v;
}

/* The high bit of each byte that is a quote, a backslash, a control character or not ASCII. Subtraction borrows only
 * upward, so the lowest marked byte is always right, and zero means that none is there. */
static inline uint64_t json_special8(uint64_t w)
{
    uint64_t quote = w ^ EVERY_BYTE('"'), backslash = w ^ EVERY_BYTE('\\');
    uint64_t marks = (quote - EVERY_BYTE(1)) & ~quote;
    marks |= (backslash - EVERY_BYTE(1)) & ~backslash;
    marks |= (w - EVERY_BYTE(0x20)) & ~w;
    marks |= w;
    return marks & EVERY_BYTE(0x80);
}

static inline bool json_is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20 || (unsigned char)c >= 0x80;
}

/* Where a reader is in its text, and where what it decodes goes. */
struct json_cursor {
    const char *p, *end;
    char *out;           /* has room for as much as is left of the text, and 8 bytes */
    const char *problem; /* NULL while all is well */
    const char *problem_at;
};

/* At the opening quote. Gives the decoded, NUL-terminated bytes; NULL: the cursor has the problem. */
char *json_read_string(struct json_cursor *at, size_t *length);
/* At a minus or a digit. RFC 8259 section 6; gives the text, NUL-terminated. */
char *json_read_number(struct json_cursor *at);

/* Length in bytes of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
size_t json_utf8_length(const char *p, const char *end);

/* The member of a node that every look-up compares. */
static inline cJSON *json_find(const cJSON *object, struct str key)
{
    if (!object || object->type != cJSON_Object || str_find_char(key, '\0') >= 0)
        return NULL; /* no key of ours holds a NUL */
    for (cJSON *child = object->child; child; child = child->next)
        if (strncmp(child->string, key.p, key.n) == 0 && child->string[key.n] == '\0')
            return child;
    return NULL;
}

/* The members of an object in key order, and their number; taken from the arena. */
const cJSON **json_sorted(struct arena *a, const cJSON *object, size_t *n);

#endif
