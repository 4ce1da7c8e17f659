/* RFC 6902 with RFC 6901 pointers. As Kubernetes' library has it, `replace` of a missing key passes as an add, what stands
 * before a pointer's first slash is not looked at, and negative indexes count from the end. */
#include "sim/kubeapi/types/json_patch.h"

#include <string.h>

#define PATCH_OPS_MAX    10000u
#define PATCH_COPIED_MAX 3145728u /* bytes that all copies together may add */

/* Where a pointer leads: a member of an object or an item of an array; the root has no parent. */
struct place {
    cJSON *parent;
    struct str key; /* object */
    int64_t index;  /* array; -1: behind the last */
    bool from_end;  /* a negative index */
    cJSON *value;   /* NULL: nothing is there */
    bool root;
};

static struct err *refused(void)
{
    return err_new(ERR_UNPROCESSABLE,
                   "the server rejected our request due to an error in our request");
}

static struct str unescape(struct arena *a, struct str s)
{
    if (str_find_char(s, '~') < 0)
        return s;
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '~' && i + 1 < s.n && (s.p[i + 1] == '0' || s.p[i + 1] == '1'))
            out[n++] = s.p[++i] == '0' ? '~' : '/';
        else
            out[n++] = s.p[i];
    }
    return (struct str){out, n};
}

static cJSON *array_item(const cJSON *array, int64_t index)
{
    cJSON *c = array->child;
    while (c && index-- > 0)
        c = c->next;
    return c;
}

/* One token below `parent`. False: the parent is no container, or the index is no index. */
static bool step_into(struct arena *a, cJSON *parent, struct str token, struct place *p)
{
    *p = (struct place){.parent = parent, .key = unescape(a, token), .index = -1};
    if (parent->type == cJSON_Object) {
        p->value = json_get_str(parent, p->key);
        return true;
    }
    if (parent->type != cJSON_Array)
        return false;
    if (str_eq_c(token, "-"))
        return true;
    bool leading_zero = token.n > 1 && token.p[0] == '0';
    if (leading_zero || !str_to_i64(token, &p->index))
        return false;
    if (p->index < 0) {
        p->from_end = true;
        p->index += cJSON_GetArraySize(parent);
        if (p->index < 0)
            return false;
    }
    p->value = array_item(parent, p->index);
    return true;
}

static bool find(struct arena *a, cJSON *root, struct str pointer, struct place *p)
{
    *p = (struct place){.value = root, .root = true, .key = str_empty};
    struct str rest, token;
    bool more = str_cut(pointer, '/', &token, &rest);
    if (pointer.n > 0 && !more)
        return false;
    while (more) {
        more = str_cut(rest, '/', &token, &rest);
        if (!p->value || !step_into(a, p->value, token, p))
            return false;
    }
    return true;
}

static void insert_before(cJSON *array, cJSON *at, cJSON *v)
{
    v->next = at;
    v->prev = at->prev; /* the first one's is the last */
    if (at == array->child)
        array->child = v;
    else
        at->prev->next = v;
    at->prev = v;
}

/* Puts an item before that of the index (-1, or beyond the last: behind all), in whose place it may stand. */
static void array_edit(cJSON *array, int64_t index, bool drop, cJSON *insert)
{
    cJSON *at = index < 0 ? NULL : array_item(array, index);
    if (insert && !at)
        json_append(array, insert);
    else if (insert)
        insert_before(array, at, insert);
    if (drop && at) {
        (void)cJSON_DetachItemViaPointer(array, at);
        at->next = at->prev = NULL;
    }
}

/* What a pointer leads to becomes the value; `add` puts it beside the items of an array. */
static struct err *op_put(struct arena *a, cJSON **root, struct str path, cJSON *value, bool add)
{
    struct place p;
    if (!find(a, *root, path, &p))
        return refused();
    if (p.root) {
        *root = value;
        return NULL;
    }
    if (p.parent->type == cJSON_Object) {
        json_set(a, p.parent, p.key, value);
        return NULL;
    }
    int64_t index = add ? p.index + p.from_end : p.index; /* -1 is behind the last */
    if (add ? index > cJSON_GetArraySize(p.parent) : !p.value)
        return refused();
    array_edit(p.parent, index, !add, value);
    return NULL;
}

static struct err *op_remove(struct arena *a, cJSON **root, struct str path)
{
    struct place p;
    if (!find(a, *root, path, &p) || !p.value || p.root)
        return refused();
    if (p.parent->type == cJSON_Object)
        (void)json_unset(p.parent, p.key);
    else
        array_edit(p.parent, p.index, true, NULL);
    return NULL;
}

static struct err *op_test(struct arena *a, cJSON *root, struct str path, const cJSON *value)
{
    struct place p;
    cJSON *null = json_null(a);
    if (!find(a, root, path, &p))
        return refused();
    return json_equal(p.value ? p.value : null, value) ? NULL : refused();
}

static size_t bytes_of(const cJSON *v)
{
    struct buf b = {0};
    json_write(&b, v);
    size_t n = b.n;
    buf_free(&b);
    return n;
}

static struct err *op_take(struct arena *a, cJSON **root, struct str from, struct str path,
                           bool move, size_t *copied)
{
    struct place p;
    if (!find(a, *root, from, &p) || !p.value)
        return refused();
    if (!move && (*copied += bytes_of(p.value)) > PATCH_COPIED_MAX)
        return refused();
    cJSON *value = json_copy(a, p.value);
    struct err *err = move ? op_remove(a, root, from) : NULL;
    return err ? err : op_put(a, root, path, value, true);
}

static struct err *apply_one(struct arena *a, cJSON **tree, const cJSON *op, size_t *copied)
{
    struct str name = json_string_at(op, "op"), path = json_string_at(op, "path");
    const cJSON *value = json_get(op, "value");
    if (!json_is_string(json_get(op, "path")))
        return refused();
    if (str_eq_c(name, "remove"))
        return op_remove(a, tree, path);
    if (str_eq_c(name, "move") || str_eq_c(name, "copy"))
        return op_take(a, tree, json_string_at(op, "from"), path, str_eq_c(name, "move"), copied);
    cJSON *copy = value ? json_copy(a, value) : json_null(a);
    if (str_eq_c(name, "add"))
        return op_put(a, tree, path, copy, true);
    if (str_eq_c(name, "replace"))
        return op_put(a, tree, path, copy, false);
    if (str_eq_c(name, "test"))
        return op_test(a, *tree, path, copy);
    return refused();
}

struct err *json_patch_apply(struct arena *a, cJSON **tree, const cJSON *patch)
{
    size_t n = (size_t)cJSON_GetArraySize(patch), copied = 0;
    BUG_ON(patch->type != cJSON_Array, "a JSON patch is a list");
    if (n > PATCH_OPS_MAX)
        return err_new(
            ERR_TOO_LARGE,
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            "%u, got %zu",
            PATCH_OPS_MAX, n);
    for (const cJSON *op = patch->child; op; op = op->next) {
        struct err *err = apply_one(a, tree, op, &copied);
        if (err)
            return err;
    }
    return NULL;
}
