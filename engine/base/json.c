#include "engine/base/json_internal.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    const cJSON *const *x = a, *const *y = b;
    return strcmp((*x)->string, (*y)->string);
}

const cJSON **json_sorted(struct arena *a, const cJSON *object, size_t *n)
{
    *n = 0;
    for (const cJSON *c = object->child; c; c = c->next)
        ++*n;
    const cJSON **members = ARENA_NEW_ARRAY(a, const cJSON *, *n);
    size_t at = 0;
    for (const cJSON *c = object->child; c; c = c->next)
        members[at++] = c;
    if (*n > 1)
        qsort(members, *n, sizeof(*members), by_key);
    return members;
}

cJSON *json_get(const cJSON *object, const char *key)
{
    return json_find(object, str_c(key));
}

cJSON *json_get_str(const cJSON *object, struct str key)
{
    return json_find(object, key);
}

cJSON *json_path(const cJSON *v, const char *dotted)
{
    struct str head, rest = str_c(dotted);
    bool more;
    do {
        more = str_cut(rest, '.', &head, &rest);
        cJSON *member = json_find(v, head);
        if (!more || !member)
            return member;
        v = member;
    } while (more);
    return NULL;
}

struct str json_string(const cJSON *v)
{
    return json_is_string(v) ? str_c(v->valuestring) : str_empty;
}

struct str json_string_at(const cJSON *object, const char *dotted)
{
    return json_string(json_path(object, dotted));
}

bool json_is_string(const cJSON *v)
{
    return v && v->type == cJSON_String;
}

bool json_is_number(const cJSON *v)
{
    return v && (v->type == cJSON_Raw || v->type == cJSON_Number);
}

bool json_int(const cJSON *v, int64_t *out)
{
    if (!v)
        return false;
    if (v->type == cJSON_Raw)
        return str_to_i64(str_c(v->valuestring), out);
    if (v->type != cJSON_Number || v->valuedouble != (double)v->valueint)
        return false;
    *out = v->valueint;
    return true;
}

int64_t json_int_at(const cJSON *object, const char *dotted, int64_t otherwise)
{
    int64_t v;
    return json_int(json_path(object, dotted), &v) ? v : otherwise;
}

bool json_bool_at(const cJSON *object, const char *dotted, bool otherwise)
{
    const cJSON *v = json_path(object, dotted);
    if (!v || (v->type != cJSON_True && v->type != cJSON_False))
        return otherwise;
    return v->type == cJSON_True;
}

static bool equal(const cJSON *a, const cJSON *b, unsigned depth);

static bool members_equal(const cJSON *a, const cJSON *b, unsigned depth)
{
    struct arena scratch = {0};
    size_t a_n, b_n;
    const cJSON **x = json_sorted(&scratch, a, &a_n), **y = json_sorted(&scratch, b, &b_n);
    bool same = a_n == b_n;
    for (size_t i = 0; same && i < a_n; i++)
        same = strcmp(x[i]->string, y[i]->string) == 0 && equal(x[i], y[i], depth);
    arena_free(&scratch);
    return same;
}

static bool same_key_order(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;
    for (; x && y && strcmp(x->string, y->string) == 0; x = x->next)
        y = y->next;
    return !x && !y;
}

static bool children_equal(const cJSON *a, const cJSON *b, unsigned depth)
{
    const cJSON *x = a->child, *y = b->child;
    for (; x && y && equal(x, y, depth); x = x->next)
        y = y->next;
    return !x && !y;
}

static bool numbers_equal(const cJSON *a, const cJSON *b)
{
    int64_t x, y;
    if (a->type == cJSON_Raw && b->type == cJSON_Raw && strcmp(a->valuestring, b->valuestring) == 0)
        return true;
    return json_int(a, &x) && json_int(b, &y) && x == y;
}

static bool equal(const cJSON *a, const cJSON *b, unsigned depth)
{
    BUG_ON(depth > JSON_TREE_DEPTH_MAX, "a tree of ours is not that deep");
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case cJSON_String:
        return strcmp(a->valuestring, b->valuestring) == 0;
    case cJSON_Array:
        return children_equal(a, b, depth + 1);
    case cJSON_Object:
        return same_key_order(a, b) ? children_equal(a, b, depth + 1)
                                    : members_equal(a, b, depth + 1);
    default:
        return true;
    }
}

bool json_equal(const cJSON *a, const cJSON *b)
{
    if (!a || !b)
        return a == b;
    return equal(a, b, 0);
}

static cJSON *node_new(struct arena *a, int type)
{
    cJSON *v = ARENA_NEW(a, cJSON);
    v->type = type;
    return v;
}

cJSON *json_object(struct arena *a)
{
    return node_new(a, cJSON_Object);
}

cJSON *json_array(struct arena *a)
{
    return node_new(a, cJSON_Array);
}

/* cJSON's strings end at a NUL: inside of one it is replaced, so that nothing is cut silently. */
static char *text_without_nul(struct arena *a, struct str s)
{
    if (str_find_char(s, '\0') < 0)
        return arena_c(a, s);
    struct buf clean = {0};
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i])
            buf_add_char(&clean, s.p[i]);
        else
            buf_add(&clean, STR(JSON_NUL));
    }
    char *text = arena_c(a, buf_str(&clean));
    buf_free(&clean);
    return text;
}

cJSON *json_str(struct arena *a, struct str s)
{
    cJSON *v = node_new(a, cJSON_String);
    v->valuestring = text_without_nul(a, s);
    return v;
}

cJSON *json_raw(struct arena *a, struct str json)
{
    cJSON *v = node_new(a, cJSON_Raw);
    v->valuestring = arena_c(a, json);
    return v;
}

bool json_list_has(const cJSON *list, struct str text)
{
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        if (str_eq(json_string(c), text))
            return true;
    return false;
}

cJSON *json_int_new(struct arena *a, int64_t number)
{
    struct buf text = {0};
    buf_add_i64(&text, number);
    cJSON *v = json_raw(a, buf_str(&text));
    buf_free(&text);
    return v;
}

cJSON *json_bool_new(struct arena *a, bool v)
{
    cJSON *node = node_new(a, v ? cJSON_True : cJSON_False);
    node->valueint = v;
    return node;
}

cJSON *json_null(struct arena *a)
{
    return node_new(a, cJSON_NULL);
}

static void link_last(cJSON *parent, cJSON *v)
{
    cJSON *first = parent->child;
    if (first) {
        v->prev = first->prev;
        first->prev->next = v;
        first->prev = v;
    } else {
        parent->child = v;
        v->prev = v;
    }
}

static cJSON *copy(struct arena *a, const cJSON *v, unsigned depth)
{
    BUG_ON(depth > JSON_TREE_DEPTH_MAX, "a tree of ours is not that deep");
    cJSON *to = node_new(a, v->type & 0xff);
    to->valueint = v->valueint;
    to->valuedouble = v->valuedouble;
    if (v->valuestring)
        to->valuestring = arena_c(a, str_c(v->valuestring));
    for (const cJSON *c = v->child; c; c = c->next) {
        cJSON *child = copy(a, c, depth + 1);
        if (c->string)
            child->string = arena_c(a, str_c(c->string));
        link_last(to, child);
    }
    return to;
}

cJSON *json_copy(struct arena *a, const cJSON *v)
{
    return copy(a, v, 0);
}

static void unlink_child(cJSON *parent, cJSON *child)
{
    cJSON *last = parent->child->prev;
    if (child == parent->child)
        parent->child = child->next;
    else
        child->prev->next = child->next;
    if (child->next)
        child->next->prev = child->prev;
    else
        last = child->prev;
    if (parent->child)
        parent->child->prev = last;
    child->next = child->prev = NULL;
}

/* v takes the place of old among its siblings. */
static void put_in_place(cJSON *parent, cJSON *old, cJSON *v)
{
    bool only = old->prev == old;
    v->next = old->next;
    v->prev = only ? v : old->prev;
    if (old->next)
        old->next->prev = v;
    else if (!only)
        parent->child->prev = v;
    if (old == parent->child)
        parent->child = v;
    else
        old->prev->next = v;
    old->next = old->prev = NULL;
}

void json_set(struct arena *a, cJSON *object, struct str key, cJSON *v)
{
    BUG_ON(object->type != cJSON_Object, "members are set in an object");
    BUG_ON(v->prev || v->next, "a value is in one tree at a time: json_copy it");
    v->string = text_without_nul(a, key);
    cJSON *old = json_find(object, str_c(v->string));
    if (old)
        put_in_place(object, old, v);
    else
        link_last(object, v);
}

void json_add(struct arena *a, cJSON *object, struct str key, cJSON *v)
{
    BUG_ON(object->type != cJSON_Object, "members are added to an object");
    BUG_ON(v->prev || v->next, "a value is in one tree at a time: json_copy it");
    v->string = text_without_nul(a, key);
    link_last(object, v);
}

void json_set_str(struct arena *a, cJSON *object, const char *key, struct str s)
{
    json_set(a, object, str_c(key), json_str(a, s));
}

void json_set_int(struct arena *a, cJSON *object, const char *key, int64_t v)
{
    json_set(a, object, str_c(key), json_int_new(a, v));
}

void json_set_bool(struct arena *a, cJSON *object, const char *key, bool v)
{
    json_set(a, object, str_c(key), json_bool_new(a, v));
}

bool json_unset(cJSON *object, struct str key)
{
    cJSON *old = json_find(object, key);
    if (!old)
        return false;
    unlink_child(object, old);
    return true;
}

void json_append(cJSON *array, cJSON *v)
{
    BUG_ON(array->type != cJSON_Array, "items are appended to an array");
    BUG_ON(v->prev || v->next, "a value is in one tree at a time: json_copy it");
    v->string = NULL;
    link_last(array, v);
}

cJSON *json_ensure(struct arena *a, cJSON *object, const char *dotted)
{
    struct str head, rest = str_c(dotted);
    bool more = true;
    while (more) {
        more = str_cut(rest, '.', &head, &rest);
        if (object->type != cJSON_Object)
            return NULL;
        cJSON *member = json_find(object, head);
        if (!member) {
            member = json_object(a);
            json_set(a, object, head, member);
        }
        object = member;
    }
    return object->type == cJSON_Object ? object : NULL;
}
