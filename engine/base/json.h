/* json: strict reading into cJSON trees that live in an arena, and canonical writing.
 *
 * cJSON is the tree and its look-ups. Our tokenizer builds the nodes (cJSON's own reader loses digits and accepts bad
 * input) and our writer makes canonical bytes: keys in byte order, no blanks, numbers as they came, shortest escapes.
 * Numbers are cJSON_Raw nodes with their text in valuestring; strings are cJSON_String; keys are case-sensitive.
 *
 * Ownership: every node belongs to the arena: never cJSON_Delete, never cJSON_Add...: use json_set and friends.
 * Bounds:    JSON_DEPTH_MAX, JSON_BYTES_MAX; duplicate keys, bad UTF-8 and lone surrogates refused. A NUL (\u0000) is kept
 *            as JSON_NUL, and written as \u0000 again. Errors: ERR_INVALID with line:column; ERR_TOO_LARGE. */
#ifndef PADDOCK_ENGINE_BASE_JSON_H
#define PADDOCK_ENGINE_BASE_JSON_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include <cjson/cJSON.h>

#define JSON_DEPTH_MAX 128u
#define JSON_TREE_DEPTH_MAX                                                                        \
    512u /* of trees that we put together ourselves; deeper ones are a bug */
#define JSON_BYTES_MAX ((size_t)64 << 20)
#define JSON_NUL       "\xc0\x80" /* a NUL in a tree's text: no UTF-8 holds these two bytes */

struct err *json_parse(struct arena *a, struct str text, cJSON **out) must_check;
/* Duplicate keys: the last wins and *duplicate (if not NULL) names the first one met; for Kubernetes bodies. */
struct err *json_parse_lenient(struct arena *a, struct str text, cJSON **out,
                               struct str *duplicate) must_check;
/* The same, naming every one (up to JSON_DUPLICATES_MAX) and the object that it is in. Keys stand in one block of memory
 * in the order of the text: comparing their addresses, also with those of nodes, gives that order. */
#define JSON_DUPLICATES_MAX 100u
struct json_duplicate {
    const cJSON *in;
    struct str key;
};
struct json_duplicates {
    struct json_duplicate *at; /* in the arena */
    size_t n;
};
struct err *json_parse_duplicates(struct arena *a, struct str text, cJSON **out,
                                  struct json_duplicates *duplicates) must_check;

void json_write(struct buf *out, const cJSON *v);         /* canonical */
void json_write_ordered(struct buf *out, const cJSON *v); /* keys in tree order, no blanks */
void json_write_string(struct buf *out, struct str s);    /* quoted and escaped */

cJSON *json_get(const cJSON *object, const char *key); /* NULL: absent or not an object */
cJSON *json_get_str(const cJSON *object, struct str key);
cJSON *json_path(const cJSON *v, const char *dotted); /* "metadata.name"; no indexes, no escapes */
struct str json_string(const cJSON *v);               /* str_empty when not a string */
struct str json_string_at(const cJSON *object, const char *dotted);
bool json_is_string(const cJSON *v);
bool json_is_number(const cJSON *v);
bool json_int(const cJSON *v, int64_t *out); /* false: not an exact int64 */
int64_t json_int_at(const cJSON *object, const char *dotted, int64_t otherwise);
bool json_bool_at(const cJSON *object, const char *dotted, bool otherwise);
bool json_equal(const cJSON *a, const cJSON *b); /* objects: key order does not matter */

cJSON *json_object(struct arena *a);
cJSON *json_array(struct arena *a);
cJSON *
json_str(struct arena *a,
         struct str s); /* a NUL inside becomes JSON_NUL; bad bytes become U+FFFD when written */
cJSON *json_int_new(struct arena *a, int64_t v);
cJSON *json_bool_new(struct arena *a, bool v);
cJSON *json_null(struct arena *a);
cJSON *json_raw(struct arena *a,
                struct str json); /* printed as it is: a number, or parts nobody has to parse */
cJSON *json_copy(struct arena *a, const cJSON *v);      /* deep */
bool json_list_has(const cJSON *list, struct str text); /* among its strings; NULL: false */
/* A value that is put into a tree must be in none: json_copy it, or json_unset it first. */
void json_set(struct arena *a, cJSON *object, struct str key, cJSON *v); /* replaces or appends */
void json_add(struct arena *a, cJSON *object, struct str key,
              cJSON *v); /* the key is new: no look-up */
void json_set_str(struct arena *a, cJSON *object, const char *key, struct str s);
void json_set_int(struct arena *a, cJSON *object, const char *key, int64_t v);
void json_set_bool(struct arena *a, cJSON *object, const char *key, bool v);
bool json_unset(cJSON *object, struct str key); /* true: it was there */
void json_append(cJSON *array, cJSON *v);
/* Walks "a.b.c", making objects where absent; NULL when something other than an object is in the way. */
cJSON *json_ensure(struct arena *a, cJSON *object, const char *dotted);

#endif
