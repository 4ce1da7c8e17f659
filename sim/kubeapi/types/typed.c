#include "sim/kubeapi/types/typed.h"

#include <stdlib.h>

#define KEYS_MAX 16u /* of a keyed list */

static bool unknown(const struct type *t)
{
    return !t || t->kind == TYPE_ANY;
}

static bool walked_list(const struct type *t)
{
    return t && t->kind == TYPE_LIST && (t->flags & (TYPE_KEYED | TYPE_SET)) &&
           !(t->flags & TYPE_ATOMIC);
}

static bool walked_map(const struct type *t)
{
    return unknown(t) ||
           ((t->kind == TYPE_OBJECT || t->kind == TYPE_MAP) && !(t->flags & TYPE_ATOMIC));
}

enum typed_shape typed_shape(const struct type *t, const cJSON *v)
{
    if (v->type == cJSON_Object)
        return walked_map(t) ? TYPED_MAP : TYPED_LEAF;
    if (v->type == cJSON_Array)
        return walked_list(t) ? TYPED_LIST : TYPED_LEAF;
    if (v->type == cJSON_NULL && !unknown(t))
        return walked_map(t) ? TYPED_MAP : walked_list(t) ? TYPED_LIST : TYPED_LEAF;
    return TYPED_LEAF;
}

char typed_list_kind(const struct type *t)
{
    return t->flags & TYPE_KEYED ? 'k' : 'v';
}

const struct type *typed_member(const struct type *t, struct str name,
                                const struct type_field **field)
{
    *field = NULL;
    if (unknown(t))
        return NULL;
    if (t->kind == TYPE_MAP)
        return t->items;
    if (t->kind != TYPE_OBJECT)
        return NULL;
    *field = type_field_find(t, name);
    return *field ? (*field)->type : t->additional;
}

/* ---- elements of lists ---- */

/* {"containerPort":80,"protocol":"TCP"}: keys in byte order, defaults filled in. */
static struct str keys_text(struct arena *a, const struct type *t, const cJSON *item)
{
    struct str names[KEYS_MAX];
    size_t n = t->list_keys_n < KEYS_MAX ? t->list_keys_n : KEYS_MAX, written = 0;
    struct buf b = {.max = JSON_BYTES_MAX};
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && str_cmp(names[at - 1], t->list_keys[i]) > 0; at--)
            names[at] = names[at - 1];
        names[at] = t->list_keys[i];
    }
    buf_add_char(&b, '{');
    for (size_t i = 0; i < n; i++) {
        const cJSON *v = json_get_str(item, names[i]);
        const struct type_field *f = NULL;
        if (!v)
            (void)typed_member(t->items, names[i], &f);
        if (!v && (!f || f->default_json.n == 0))
            continue;
        if (written++)
            buf_add_char(&b, ',');
        json_write_string(&b, names[i]);
        buf_add_char(&b, ':');
        if (v)
            json_write(&b, v);
        else
            buf_add(&b, f->default_json);
    }
    buf_add_char(&b, '}');
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str value_text(struct arena *a, const cJSON *v)
{
    struct buf b = {.max = JSON_BYTES_MAX};
    json_write(&b, v);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static int by_key(const void *x, const void *y)
{
    const struct typed_item *a = x, *b = y;
    int order = str_cmp(a->key, b->key);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

void typed_items(struct arena *a, const struct type *t, const cJSON *v, bool sorted,
                 struct typed_items *out)
{
    size_t n = 0;
    bool rising = true;
    out->n = 0;
    for (const cJSON *c = v ? v->child : NULL; c; c = c->next)
        n++;
    out->p = n ? ARENA_NEW_ARRAY(a, struct typed_item, n) : NULL;
    for (const cJSON *c = n ? v->child : NULL; c; c = c->next) {
        struct typed_item *i = &out->p[out->n];
        *i = (struct typed_item){.v = c, .at = out->n};
        if (v->type == cJSON_Object) {
            i->key = str_c(c->string);
            i->type = typed_member(t, i->key, &i->field);
        } else {
            i->key = t->flags & TYPE_KEYED ? keys_text(a, t, c) : value_text(a, c);
            i->type = t->items;
        }
        rising = rising && (out->n == 0 || str_cmp(i[-1].key, i->key) <= 0);
        out->n++;
    }
    if (sorted && !rising)
        qsort(out->p, out->n, sizeof(*out->p), by_key);
}

ptrdiff_t typed_items_find(const struct typed_items *items, struct str key, size_t *n)
{
    size_t from = 0, to = items->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (str_cmp(items->p[mid].key, key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    size_t end = from;
    while (end < items->n && str_eq(items->p[end].key, key))
        end++;
    if (n)
        *n = end - from;
    return end > from ? (ptrdiff_t)from : -1;
}

/* ---- the set of a value ---- */

static void set_of(struct arena *a, const struct type *t, const cJSON *v, struct fieldset *s);

static void set_of_map(struct arena *a, const struct typed_items *items, struct fieldset *s)
{
    for (size_t i = 0; i < items->n; i++) {
        const struct typed_item *it = &items->p[i];
        struct fieldset child = {.kind = 'f', .text = it->key};
        set_of(a, it->type, it->v, &child);
        if (!it->field || it->v->type == cJSON_NULL ||
            (it->v->type == cJSON_Object && !it->v->child))
            child.member = true;
        if (child.member || child.first) {
            struct fieldset *n = fieldset_add(a, s, 'f', it->key);
            n->member = child.member;
            n->first = child.first;
        }
    }
}

static void set_of_list(struct arena *a, const struct type *t, const struct typed_items *items,
                        struct fieldset *s)
{
    for (size_t i = 0; i < items->n; i++) {
        const struct typed_item *it = &items->p[i];
        bool first = i == 0 || !str_eq(it[-1].key, it->key);
        bool alone = first && (i + 1 == items->n || !str_eq(it[1].key, it->key));
        if (!first)
            continue;
        struct fieldset *n = fieldset_add(a, s, typed_list_kind(t), it->key);
        if (alone && typed_list_kind(t) == 'k') /* what is below doubles cannot be told apart */
            set_of(a, it->type, it->v, n);
        n->member = true;
    }
}

static void set_of(struct arena *a, const struct type *t, const cJSON *v, struct fieldset *s)
{
    struct typed_items items;
    enum typed_shape shape = typed_shape(t, v);
    if (shape == TYPED_LEAF) {
        s->member = true;
        return;
    }
    if (v->type == cJSON_NULL)
        return;
    typed_items(a, t, v, true, &items);
    if (shape == TYPED_MAP)
        set_of_map(a, &items, s);
    else
        set_of_list(a, t, &items, s);
    fieldset_sort(a, s);
}

const struct fieldset *typed_set(struct arena *a, const struct type *t, const cJSON *v)
{
    struct fieldset *root = ARENA_NEW(a, struct fieldset);
    root->text = str_empty;
    set_of(a, t, v, root);
    root->member = false;
    return root->first ? root : NULL;
}

/* ---- what nobody owns ---- */

static bool server_field(struct str name)
{
    static const struct str names[] = {
        STR_INIT("name"),     STR_INIT("namespace"),     STR_INIT("creationTimestamp"),
        STR_INIT("uid"),      STR_INIT("generation"),    STR_INIT("resourceVersion"),
        STR_INIT("selfLink"), STR_INIT("managedFields"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

const struct fieldset *typed_strip(struct arena *a, const struct fieldset *s)
{
    static const char *const top[] = {"apiVersion", "kind"};
    struct fieldset *out = ARENA_NEW(a, struct fieldset);
    out->text = str_empty;
    for (const struct fieldset *c = s ? s->first : NULL; c; c = c->next) {
        struct fieldset kept = *c, *n;
        if (str_eq_c(c->text, top[0]) || str_eq_c(c->text, top[1]))
            kept.member = false;
        if (str_eq_c(c->text, "metadata")) {
            kept.member = false;
            kept.first = NULL;
            for (const struct fieldset *m = c->first; m; m = m->next) {
                if (server_field(m->text) && !m->first)
                    continue;
                n = fieldset_add(a, &kept, m->kind, m->text);
                n->member = m->member && !server_field(m->text);
                n->first = m->first;
            }
            fieldset_sort(a, &kept);
        }
        if (!kept.member && !kept.first)
            continue;
        n = fieldset_add(a, out, c->kind, c->text);
        n->member = kept.member;
        n->first = kept.first;
    }
    fieldset_sort(a, out);
    return out->first ? out : NULL;
}

/* ---- comparing ---- */

static const cJSON zero_struct = {.type = cJSON_Object};
static const cJSON zero_null = {.type = cJSON_NULL};
static const cJSON zero_scalar = {.type = cJSON_Invalid}; /* "", 0 or false, by its type */

/* What Go's zero value has for a field that the JSON does not show; NULL: nothing. */
static const cJSON *zero_of(const struct type_field *f)
{
    if (!f || !(f->flags & FIELD_ALWAYS))
        return NULL;
    if (f->flags & FIELD_POINTER)
        return &zero_null;
    switch (f->type ? f->type->kind : TYPE_ANY) {
    case TYPE_OBJECT:
        return &zero_struct;
    case TYPE_STRING:
    case TYPE_BOOL:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INT_OR_STRING:
        return &zero_scalar;
    default:
        return &zero_null;
    }
}

static bool is_zero(const cJSON *v)
{
    if (v->type == cJSON_String)
        return v->valuestring[0] == '\0';
    return v->type == cJSON_Invalid || v->type == cJSON_False || v->type == cJSON_NULL ||
           (v->type == cJSON_Raw && strcmp(v->valuestring, "0") == 0);
}

static bool leaf_equal(const cJSON *x, const cJSON *y)
{
    if (x->type == cJSON_Invalid || y->type == cJSON_Invalid)
        return is_zero(x) && is_zero(y);
    return json_equal(x, y);
}

/* Bytes of the old object that a write has put into the new tree. */
static bool old_bytes(const cJSON *v)
{
    return v && v->type == cJSON_Raw && v->valuestring[0] != '-' &&
           (v->valuestring[0] < '0' || v->valuestring[0] > '9');
}

struct differ {
    struct arena *a;
    bool metadata; /* the members of this map are those of the object's metadata */
    bool top;
    bool old_parent, new_parent; /* the struct that the members belong to is there */
};

static void compare(struct differ d, const struct type *t, const cJSON *l, const cJSON *r,
                    struct fieldset *changed, struct fieldset *removed);

static void keep(struct arena *a, struct fieldset *parent, const struct fieldset *child)
{
    if (!child->member && !child->first)
        return;
    struct fieldset *n = fieldset_add(a, parent, child->kind, child->text);
    n->member = child->member;
    n->first = child->first;
}

static bool skipped(struct differ d, struct str key)
{
    return (d.top && (str_eq_c(key, "apiVersion") || str_eq_c(key, "kind"))) ||
           (d.metadata && server_field(key));
}

static void compare_member(struct differ d, const struct typed_item *any, const cJSON *l,
                           const cJSON *r, struct fieldset *changed, struct fieldset *removed)
{
    struct fieldset c = {.kind = 'f', .text = any->key}, m = c;
    if (skipped(d, any->key) || old_bytes(r))
        return;
    const cJSON *left = l || !d.old_parent ? l : zero_of(any->field);
    const cJSON *right = r || !d.new_parent ? r : zero_of(any->field);
    struct differ below = {.a = d.a, .metadata = d.top && str_eq_c(any->key, "metadata")};
    compare(below, any->type, left, right, &c, &m);
    keep(d.a, changed, &c);
    keep(d.a, removed, &m);
}

static void compare_maps(struct differ d, const struct type *t, const cJSON *l, const cJSON *r,
                         struct fieldset *changed, struct fieldset *removed)
{
    struct typed_items x, y;
    size_t i = 0, k = 0;
    d.old_parent = l != NULL;
    d.new_parent = r != NULL;
    typed_items(d.a, t, l, true, &x);
    typed_items(d.a, t, r, true, &y);
    while (i < x.n || k < y.n) {
        int order = i == x.n ? 1 : k == y.n ? -1 : str_cmp(x.p[i].key, y.p[k].key);
        compare_member(d, order <= 0 ? &x.p[i] : &y.p[k], order <= 0 ? x.p[i].v : NULL,
                       order >= 0 ? y.p[k].v : NULL, changed, removed);
        i += order <= 0;
        k += order >= 0;
    }
}

static size_t run_of(const struct typed_items *items, size_t from)
{
    size_t end = from;
    while (end < items->n && str_eq(items->p[end].key, items->p[from].key))
        end++;
    return end - from;
}

/* Doubles of a key are compared as one. */
/* Are n items from the i-th and the k-th on the same? */
static bool runs_equal(const struct typed_items *x, size_t i, const struct typed_items *y, size_t k,
                       size_t n)
{
    for (size_t at = 0; at < n; at++)
        if (!json_equal(x->p[i + at].v, y->p[k + at].v))
            return false;
    return true;
}

static void compare_lists(struct differ d, const struct type *t, const cJSON *l, const cJSON *r,
                          struct fieldset *changed, struct fieldset *removed)
{
    struct typed_items x, y;
    size_t i = 0, k = 0;
    typed_items(d.a, t, l, true, &x);
    typed_items(d.a, t, r, true, &y);
    while (i < x.n || k < y.n) {
        int order = i == x.n ? 1 : k == y.n ? -1 : str_cmp(x.p[i].key, y.p[k].key);
        size_t nx = order <= 0 ? run_of(&x, i) : 0, ny = order >= 0 ? run_of(&y, k) : 0;
        struct fieldset c = {.kind = typed_list_kind(t), .text = nx ? x.p[i].key : y.p[k].key};
        struct fieldset m = c;
        if (nx <= 1 && ny <= 1)
            compare(d, t->items, nx ? x.p[i].v : NULL, ny ? y.p[k].v : NULL, &c, &m);
        else if (ny == 0)
            m.member = true;
        else
            c.member = nx != ny || !runs_equal(&x, i, &y, k, nx);
        keep(d.a, changed, &c);
        keep(d.a, removed, &m);
        i += nx;
        k += ny;
    }
}

static bool is_empty(const cJSON *v)
{
    return !v || !v->child;
}

static void compare_shaped(struct differ d, enum typed_shape shape, const struct type *t,
                           const cJSON *l, const cJSON *r, struct fieldset *changed,
                           struct fieldset *removed)
{
    if (shape == TYPED_LEAF || (is_empty(l) && is_empty(r))) {
        changed->member = r && (!l || !leaf_equal(l, r));
        removed->member = l && !r;
        return;
    }
    if (shape == TYPED_MAP)
        compare_maps(d, t, l, r, changed, removed);
    else
        compare_lists(d, t, l, r, changed, removed);
    fieldset_sort(d.a, changed);
    fieldset_sort(d.a, removed);
    changed->member = !l;
    removed->member = !r;
}

static void compare(struct differ d, const struct type *t, const cJSON *l, const cJSON *r,
                    struct fieldset *changed, struct fieldset *removed)
{
    if (!l && !r)
        return;
    enum typed_shape sl = typed_shape(t, l ? l : r), sr = typed_shape(t, r ? r : l);
    if (sl == sr) {
        compare_shaped(d, sl, t, l, r, changed, removed);
        return;
    }
    /* Where no type says what it is, a map may turn into a scalar. */
    struct fieldset gone = *removed, fresh = *changed;
    compare_shaped(d, sl, t, l, NULL, &gone, removed);
    compare_shaped(d, sr, t, NULL, r, changed, &fresh);
    changed->member = true;
    removed->member = false;
}

void typed_compare(struct arena *a, const struct type *t, const cJSON *old_value,
                   const cJSON *new_value, bool object, struct typed_changes *out)
{
    struct fieldset *changed = ARENA_NEW(a, struct fieldset), *removed;
    removed = ARENA_NEW(a, struct fieldset);
    changed->text = removed->text = str_empty;
    compare((struct differ){.a = a, .top = object}, t, old_value, new_value, changed, removed);
    changed->member = removed->member = false;
    out->changed = changed->first ? changed : NULL;
    out->removed = removed->first ? removed : NULL;
}
