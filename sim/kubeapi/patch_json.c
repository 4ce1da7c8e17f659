/* RFC 6902 with RFC 6901 pointers. Kubernetes' library lets `replace` of a missing key pass as an add. */
#include "sim/kubeapi/api_internal.h"

#include <string.h>

#define PATCH_OPS_MAX 10000u

/* Where a pointer leads: a member of an object or an item of an array; the root has no parent. */
struct place {
    cJSON *parent;
    struct str key; /* object */
    int64_t index;  /* array; -1: behind the last */
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
    if (leading_zero || !str_to_i64(token, &p->index) || p->index < 0)
        return false;
    p->value = array_item(parent, p->index);
    return true;
}

static bool find(struct arena *a, cJSON *root, struct str pointer, struct place *p)
{
    *p = (struct place){.value = root, .root = true, .key = str_empty};
    if (pointer.n > 0 && pointer.p[0] != '/')
        return false;
    struct str rest = pointer.n > 0 ? str_sub(pointer, 1, pointer.n) : str_empty, token;
    bool more = pointer.n > 0;
    while (more) {
        more = str_cut(rest, '/', &token, &rest);
        if (!p->value || !step_into(a, p->value, token, p))
            return false;
    }
    return true;
}

/* Lists are rebuilt: patches are short and the tree is ours. */
static void array_edit(struct arena *a, cJSON *array, int64_t index, bool drop, cJSON *insert)
{
    cJSON *c = array->child;
    int64_t i = 0;
    array->child = NULL;
    while (c) {
        cJSON *next = c->next;
        c->next = c->prev = NULL;
        if (i == index && insert)
            json_append(array, insert);
        if (i != index || !drop)
            json_append(array, c);
        c = next;
        i++;
    }
    if (insert && (index < 0 || index >= i))
        json_append(array, insert);
}

static struct err *op_add(struct arena *a, cJSON **root, struct str path, cJSON *value)
{
    struct place p;
    if (!find(a, *root, path, &p))
        return refused();
    if (p.root) {
        *root = value;
    } else if (p.parent->type == cJSON_Object) {
        json_set(a, p.parent, p.key, value);
    } else {
        if (p.index > cJSON_GetArraySize(p.parent))
            return refused();
        array_edit(a, p.parent, p.index, false, value);
    }
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
        array_edit(a, p.parent, p.index, true, NULL);
    return NULL;
}

static struct err *op_replace(struct arena *a, cJSON **root, struct str path, cJSON *value)
{
    struct place p;
    if (!find(a, *root, path, &p))
        return refused();
    if (p.root) {
        *root = value;
    } else if (p.parent->type == cJSON_Object) {
        json_set(a, p.parent, p.key, value);
    } else {
        if (!p.value)
            return refused();
        array_edit(a, p.parent, p.index, true, value);
    }
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

static struct err *op_take(struct arena *a, cJSON **root, struct str from, struct str path,
                           bool move)
{
    struct place p;
    if (!find(a, *root, from, &p) || !p.value)
        return refused();
    cJSON *value = json_copy(a, p.value);
    if (move) {
        struct err *err = op_remove(a, root, from);
        if (err)
            return err;
    }
    return op_add(a, root, path, value);
}

static struct err *apply_one(struct arena *a, cJSON **tree, const cJSON *op)
{
    struct str name = json_string_at(op, "op"), path = json_string_at(op, "path");
    const cJSON *value = json_get(op, "value");
    if (!json_is_string(json_get(op, "path")))
        return refused();
    if (str_eq_c(name, "remove"))
        return op_remove(a, tree, path);
    if (str_eq_c(name, "move") || str_eq_c(name, "copy"))
        return op_take(a, tree, json_string_at(op, "from"), path, str_eq_c(name, "move"));
    cJSON *copy = value ? json_copy(a, value) : json_null(a);
    if (str_eq_c(name, "add"))
        return op_add(a, tree, path, copy);
    if (str_eq_c(name, "replace"))
        return op_replace(a, tree, path, copy);
    if (str_eq_c(name, "test"))
        return op_test(a, *tree, path, copy);
    return refused();
}

struct err *api_patch_json_apply(struct arena *a, cJSON **tree, const cJSON *patch)
{
    size_t n = 0;
    BUG_ON(patch->type != cJSON_Array, "a JSON patch is a list");
    for (const cJSON *op = patch->child; op; op = op->next) {
        if (++n > PATCH_OPS_MAX)
            return err_new(ERR_TOO_LARGE,
                           "The allowed maximum operations in a JSON patch is %u, got more",
                           PATCH_OPS_MAX);
        struct err *err = apply_one(a, tree, op);
        if (err)
            return err;
    }
    return NULL;
}
