/* Sets are sorted lists of children, level by level: every operation is one merge of two such lists. */
#include "sim/kubeapi/types/fieldset.h"

static int element_cmp(const struct fieldset *x, const struct fieldset *y)
{
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : str_cmp(x->text, y->text);
}

bool fieldset_empty(const struct fieldset *s)
{
    return !s || (!s->member && !s->first);
}

/* A copy of a node with other contents, appended at *tail. */
struct chain {
    const struct fieldset *first;
    struct fieldset *last;
};

static void chain_add(struct arena *a, struct chain *c, const struct fieldset *like, bool member,
                      const struct fieldset *children)
{
    if (!member && !children)
        return;
    struct fieldset *n = ARENA_NEW(a, struct fieldset);
    *n = (struct fieldset){like->kind, member, like->text, children, NULL};
    if (c->last)
        c->last->next = n;
    else
        c->first = n;
    c->last = n;
}

static const struct fieldset *root_of(struct arena *a, const struct fieldset *children)
{
    if (!children)
        return NULL;
    struct fieldset *root = ARENA_NEW(a, struct fieldset);
    root->first = children;
    root->text = str_empty;
    return root;
}

static const struct fieldset *children_of(const struct fieldset *s)
{
    return s ? s->first : NULL;
}

static const struct fieldset *unite(struct arena *a, const struct fieldset *x,
                                    const struct fieldset *y)
{
    struct chain c = {0};
    if (!x || !y)
        return x ? x : y;
    while (x || y) {
        int order = !x ? 1 : !y ? -1 : element_cmp(x, y);
        if (order < 0)
            chain_add(a, &c, x, x->member, x->first);
        else if (order > 0)
            chain_add(a, &c, y, y->member, y->first);
        else
            chain_add(a, &c, x, x->member || y->member, unite(a, x->first, y->first));
        x = order <= 0 && x ? x->next : x;
        y = order >= 0 && y ? y->next : y;
    }
    return c.first;
}

const struct fieldset *fieldset_union(struct arena *a, const struct fieldset *x,
                                      const struct fieldset *y)
{
    if (fieldset_empty(x) || fieldset_empty(y))
        return fieldset_empty(x) ? y : x;
    return root_of(a, unite(a, x->first, y->first));
}

static const struct fieldset *intersect(struct arena *a, const struct fieldset *x,
                                        const struct fieldset *y)
{
    struct chain c = {0};
    while (x && y) {
        int order = element_cmp(x, y);
        if (order == 0)
            chain_add(a, &c, x, x->member && y->member, intersect(a, x->first, y->first));
        x = order <= 0 ? x->next : x;
        y = order >= 0 ? y->next : y;
    }
    return c.first;
}

const struct fieldset *fieldset_intersection(struct arena *a, const struct fieldset *x,
                                             const struct fieldset *y)
{
    return root_of(a, intersect(a, children_of(x), children_of(y)));
}

static const struct fieldset *subtract(struct arena *a, const struct fieldset *x,
                                       const struct fieldset *y, bool deep)
{
    struct chain c = {0};
    if (!y)
        return x;
    for (; x; x = x->next) {
        while (y && element_cmp(y, x) < 0)
            y = y->next;
        if (!y || element_cmp(y, x) != 0)
            chain_add(a, &c, x, x->member, x->first);
        else if (!y->member || !deep)
            chain_add(a, &c, x, x->member && !y->member, subtract(a, x->first, y->first, deep));
    }
    return c.first;
}

const struct fieldset *fieldset_difference(struct arena *a, const struct fieldset *x,
                                           const struct fieldset *y)
{
    return root_of(a, subtract(a, children_of(x), children_of(y), false));
}

const struct fieldset *fieldset_outside(struct arena *a, const struct fieldset *x,
                                        const struct fieldset *y)
{
    return root_of(a, subtract(a, children_of(x), children_of(y), true));
}

static bool same(const struct fieldset *x, const struct fieldset *y)
{
    for (; x && y; x = x->next, y = y->next)
        if (x != y &&
            (x->member != y->member || element_cmp(x, y) != 0 || !same(x->first, y->first)))
            return false;
    return !x && !y;
}

bool fieldset_equal(const struct fieldset *a, const struct fieldset *b)
{
    return same(children_of(a), children_of(b));
}

const struct fieldset *fieldset_child(const struct fieldset *s, char kind, struct str text)
{
    const struct fieldset *c = children_of(s);
    while (c && (c->kind != kind || !str_eq(c->text, text)))
        c = c->next;
    return c;
}

static const struct fieldset *name_fields(struct arena *a, const struct fieldset *s,
                                          const struct type *t)
{
    struct chain c = {0};
    for (; s; s = s->next) {
        const struct type_field *f =
            t && t->kind == TYPE_OBJECT && s->kind == 'f' ? type_field_find(t, s->text) : NULL;
        const struct type *below = f                             ? f->type
                                   : t && t->kind == TYPE_OBJECT ? t->additional
                                   : t && (t->kind == TYPE_MAP || t->kind == TYPE_LIST) ? t->items
                                                                                        : NULL;
        chain_add(a, &c, s, s->member || (f && s->first), name_fields(a, s->first, below));
    }
    return c.first;
}

const struct fieldset *fieldset_named(struct arena *a, const struct fieldset *s,
                                      const struct type *t)
{
    return root_of(a, name_fields(a, children_of(s), t));
}

const struct fieldset *fieldset_path(struct arena *a, const char *const *names)
{
    struct fieldset *root = ARENA_NEW(a, struct fieldset), *at = root;
    root->text = str_empty;
    for (; *names; names++)
        at = fieldset_add(a, at, 'f', str_c(*names));
    at->member = true;
    return root;
}

/* ---- building ---- */

struct fieldset *fieldset_add(struct arena *a, struct fieldset *parent, char kind, struct str text)
{
    struct fieldset *n = ARENA_NEW(a, struct fieldset);
    *n = (struct fieldset){kind, false, text, NULL, parent->first};
    parent->first = n;
    return n;
}

static const struct fieldset *merge_sorted(struct arena *a, const struct fieldset *x, size_t n)
{
    if (n <= 1) {
        struct chain c = {0};
        if (n == 1)
            chain_add(a, &c, x, x->member, x->first);
        return c.first;
    }
    const struct fieldset *half = x;
    for (size_t i = 0; i < n / 2; i++)
        half = half->next;
    return unite(a, merge_sorted(a, x, n / 2), merge_sorted(a, half, n - n / 2));
}

/* As they come from sorted JSON, they lie in falling order: then turning them round is all. */
static bool turn(struct fieldset *parent)
{
    const struct fieldset *c = parent->first, *turned = NULL;
    for (; c && c->next; c = c->next)
        if (element_cmp(c, c->next) <= 0)
            return false;
    for (c = parent->first; c;) {
        union {
            const struct fieldset *c;
            struct fieldset *m;
        } mine = {.c = c}; /* ours: made by fieldset_add just before */
        c = c->next;
        mine.m->next = turned;
        turned = mine.m;
    }
    parent->first = turned;
    return true;
}

void fieldset_sort(struct arena *a, struct fieldset *parent)
{
    size_t n = 0;
    if (turn(parent))
        return;
    for (const struct fieldset *c = parent->first; c; c = c->next)
        n++;
    parent->first = merge_sorted(a, parent->first, n);
}

/* ---- FieldsV1 ---- */

/* Keys may come in any order from a client's hand: canonical in the set. */
static struct str canonical(struct arena *a, struct str text)
{
    cJSON *v;
    struct buf b = {.max = JSON_BYTES_MAX};
    struct err *err = json_parse(a, text, &v);
    if (err) {
        err_ignore(err);
        return text;
    }
    json_write(&b, v);
    struct str s = str_eq(text, buf_str(&b)) ? text : arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct err *parse_into(struct arena *a, const cJSON *json, struct fieldset *s)
{
    if (json->type != cJSON_Object)
        return err_new(ERR_INVALID, "a set of fields is made of objects");
    for (const cJSON *c = json->child; c; c = c->next) {
        struct str key = str_c(c->string);
        if (str_eq_c(key, ".")) {
            s->member = true;
            continue;
        }
        if (key.n < 2 || key.p[1] != ':' || !char_in(key.p[0], "fikv"))
            return err_new(ERR_INVALID, "\"" STR_FMT "\" is no path element", STR_ARG(key));
        struct str text = str_sub(key, 2, key.n);
        if (key.p[0] == 'k' || key.p[0] == 'v')
            text = canonical(a, text);
        struct err *err = parse_into(a, c, fieldset_add(a, s, key.p[0], text));
        if (err)
            return err;
    }
    if (!json->child)
        s->member = true;
    fieldset_sort(a, s);
    return NULL;
}

struct err *fieldset_parse(struct arena *a, const cJSON *json, const struct fieldset **out)
{
    struct fieldset *root = ARENA_NEW(a, struct fieldset);
    root->text = str_empty;
    struct err *err = parse_into(a, json, root);
    root->member = false;
    if (!err)
        *out = root->first ? root : NULL;
    return err;
}

static void write_key(struct buf *out, const struct fieldset *s)
{
    char head[3] = {'"', s->kind, ':'};
    if (s->kind == 'f') { /* the usual case: without a copy */
        size_t at = out->n;
        json_write_string(out, s->text);
        buf_add(out, (struct str){head, 2});
        if (buf_ok(out)) {
            memmove(out->p + at + 3, out->p + at + 1, out->n - at - 3);
            memcpy(out->p + at, head, 3);
        }
        return;
    }
    struct buf b = {.max = JSON_BYTES_MAX};
    buf_add(&b, (struct str){head + 1, 2});
    buf_add(&b, s->text);
    json_write_string(out, buf_str(&b));
    buf_free(&b);
}

static void write_children(struct buf *out, const struct fieldset *first, bool member)
{
    buf_add_char(out, '{');
    if (member && first)
        buf_add(out, STR("\".\":{}"));
    for (const struct fieldset *c = first; c; c = c->next) {
        if (c != first || member)
            buf_add_char(out, ',');
        write_key(out, c);
        buf_add_char(out, ':');
        write_children(out, c->first, c->member);
    }
    buf_add_char(out, '}');
}

void fieldset_write(struct buf *out, const struct fieldset *s)
{
    write_children(out, children_of(s), false);
}

/* ---- printing ---- */

void fieldset_element_print(struct buf *out, char kind, struct str text)
{
    if (kind == 'f') {
        buf_addf(out, "." STR_FMT, STR_ARG(text));
        return;
    }
    struct arena a = {0};
    cJSON *keys = NULL;
    err_ignore(kind == 'k' ? json_parse(&a, text, &keys) : NULL);
    buf_add_char(out, '[');
    for (const cJSON *c = keys && keys->type == cJSON_Object ? keys->child : NULL; c; c = c->next) {
        buf_addf(out, "%s%s=", c == keys->child ? "" : ",", c->string);
        json_write(out, c);
    }
    if (kind == 'v')
        buf_add_char(out, '=');
    if (!keys)
        buf_add(out, text);
    buf_add_char(out, ']');
    arena_free(&a);
}

static void each(const struct fieldset *first, struct buf *path, fieldset_visit visit, void *owner)
{
    size_t at = path->n;
    for (const struct fieldset *c = first; c; c = c->next) {
        if (!c->member)
            continue;
        fieldset_element_print(path, c->kind, c->text);
        visit(owner, buf_str(path));
        path->n = at;
    }
    for (const struct fieldset *c = first; c; c = c->next) {
        if (!c->first)
            continue;
        fieldset_element_print(path, c->kind, c->text);
        each(c->first, path, visit, owner);
        path->n = at;
    }
}

void fieldset_each(const struct fieldset *s, fieldset_visit visit, void *owner)
{
    struct buf path = {0};
    each(children_of(s), &path, visit, owner);
    buf_free(&path);
}
