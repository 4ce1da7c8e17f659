/* Is a value of its type? With the texts that the API answers to an apply with a wrong one. */
#include "sim/kubeapi/types/gotext.h"
#include "sim/kubeapi/types/merge.h"

#define PROBLEMS_MAX 64u

struct checker {
    struct arena a;
    struct buf path, out;
    size_t n; /* problems */
};

static void check(struct checker *c, const struct type *t, const cJSON *v);

static void problem_start(struct checker *c)
{
    buf_add_c(&c->out, "\n  ");
    c->n++;
    if (c->path.n > 0) {
        buf_add(&c->out, buf_str(&c->path));
        buf_add_c(&c->out, ": ");
    }
}

static bool full(const struct checker *c)
{
    return c->n >= PROBLEMS_MAX;
}

/* expected list, got &{x} */
static void mismatch(struct checker *c, const char *expected, const cJSON *v)
{
    problem_start(c);
    buf_addf(&c->out, "expected %s, got &{", expected);
    gotext_print(&c->out, v);
    buf_add_char(&c->out, '}');
}

static void check_scalar(struct checker *c, const struct type *t, const cJSON *v)
{
    switch (t->kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
    case TYPE_DURATION:
        if (v->type == cJSON_String)
            return;
        problem_start(c);
        buf_add_c(&c->out, "expected string, got &value.valueUnstructured{Value:");
        if (v->type == cJSON_Object || v->type == cJSON_Array)
            buf_addf(&c->out, "%s", gotext_type(v));
        json_write(&c->out, v);
        buf_add_char(&c->out, '}');
        return;
    case TYPE_BOOL:
        if (v->type != cJSON_True && v->type != cJSON_False)
            mismatch(c, "boolean", v);
        return;
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
    case TYPE_NUMBER:
        if (json_is_number(v))
            return;
        problem_start(c);
        buf_addf(&c->out, "expected numeric (int or float), got %s", gotext_type(v));
        return;
    default:
        if (v->type == cJSON_Object || v->type == cJSON_Array)
            mismatch(c, "any scalar", v);
    }
}

static void check_map(struct checker *c, const struct type *t, const cJSON *v)
{
    struct typed_items items;
    size_t at = c->path.n;
    if (v->type != cJSON_Object) {
        mismatch(c, "map", v);
        return;
    }
    typed_items(&c->a, t, v, true, &items);
    for (size_t i = 0; i < items.n && !full(c); i++) {
        const struct typed_item *it = &items.p[i];
        fieldset_element_print(&c->path, 'f', it->key);
        bool declared = t->kind == TYPE_MAP || it->field || t->additional ||
                        (t->flags & (TYPE_PRESERVE | TYPE_EMBEDDED)) || t->fields_n == 0;
        if (declared) {
            check(c, it->type, it->v);
        } else {
            problem_start(c);
            buf_add_c(&c->out, "field not declared in schema");
        }
        c->path.n = at;
    }
}

/* False: told. */
static bool check_element(struct checker *c, const struct type *t, const cJSON *v, size_t i)
{
    const char *what = NULL;
    struct str missing = str_empty;
    if (t->flags & TYPE_KEYED) {
        if (v->type != cJSON_Object)
            what = v->type == cJSON_NULL ? "associative list with keys may not have a null element"
                                         : "associative list with keys may not have non-map "
                                           "elements";
        for (size_t k = 0; !what && missing.n == 0 && k < t->list_keys_n; k++) {
            const struct type_field *f = NULL;
            (void)typed_member(t->items, t->list_keys[k], &f);
            if (!json_get_str(v, t->list_keys[k]) && (!f || f->default_json.n == 0))
                missing = t->list_keys[k];
        }
    } else if (v->type == cJSON_Object || v->type == cJSON_Array || v->type == cJSON_NULL) {
        what = v->type == cJSON_Object  ? "associative list without keys has an element that's a "
                                          "map type"
               : v->type == cJSON_Array ? "not supported: associative list with lists as elements"
                                        : "associative list without keys has an element that's an "
                                          "explicit null";
    }
    if (!what && missing.n == 0)
        return true;
    problem_start(c);
    if (what)
        buf_addf(&c->out, "element %zu: %s", i, what);
    else
        buf_addf(&c->out,
                 "element %zu: associative list with keys has an element that omits key field "
                 "\"" STR_FMT "\" (and doesn't have default value)",
                 i, STR_ARG(missing));
    return false;
}

static void check_doubles(struct checker *c, const struct type *t, const cJSON *v)
{
    struct typed_items items;
    typed_items(&c->a, t, v, true, &items);
    for (size_t i = 1; i < items.n && !full(c); i++) {
        if (!str_eq(items.p[i].key, items.p[i - 1].key))
            continue;
        problem_start(c);
        buf_add_c(&c->out, "duplicate entries for key ");
        fieldset_element_print(&c->out, typed_list_kind(t), items.p[i].key);
    }
}

static void check_items(struct checker *c, const struct type *t, const cJSON *v, bool by_key)
{
    struct typed_items items;
    size_t at = c->path.n, i = 0;
    if (by_key) {
        typed_items(&c->a, t, v, false, &items);
        for (i = 0; i < items.n && !full(c); i++, c->path.n = at) {
            fieldset_element_print(&c->path, typed_list_kind(t), items.p[i].key);
            check(c, t->items, items.p[i].v);
        }
        return;
    }
    for (const cJSON *e = v->child; e && !full(c); e = e->next, c->path.n = at) {
        buf_addf(&c->path, "[%zu]", i++);
        check(c, t->items, e);
    }
}

static void check_list(struct checker *c, const struct type *t, const cJSON *v)
{
    size_t i = 0;
    bool walked = typed_shape(t, v) == TYPED_LIST, ok = true;
    if (v->type != cJSON_Array) {
        mismatch(c, "list", v);
        return;
    }
    for (const cJSON *e = v->child; e && walked && !full(c); e = e->next)
        ok = check_element(c, t, e, i++) && ok;
    if (walked && ok)
        check_doubles(c, t, v);
    if (walked && !ok)
        return;
    check_items(c, t, v, walked && ok);
}

static void check(struct checker *c, const struct type *t, const cJSON *v)
{
    if (!t || v->type == cJSON_NULL || full(c))
        return;
    switch (t->kind) {
    case TYPE_ANY:
    case TYPE_RAW:
    case TYPE_FIELDS_V1:
        return;
    case TYPE_OBJECT:
    case TYPE_MAP:
        check_map(c, t, v);
        return;
    case TYPE_LIST:
        check_list(c, t, v);
        return;
    default:
        check_scalar(c, t, v);
    }
}

struct err *merge_check(const struct type *t, const cJSON *v)
{
    struct checker c = {0};
    struct err *err = NULL;
    check(&c, t, v);
    if (c.n == 1)
        err = err_new(ERR_INVALID, STR_FMT, STR_ARG(str_sub(buf_str(&c.out), 3, c.out.n)));
    else if (c.n > 1)
        err = err_new(ERR_INVALID, "errors:" STR_FMT, STR_ARG(buf_str(&c.out)));
    buf_free(&c.path);
    buf_free(&c.out);
    arena_free(&c.a);
    return err;
}
