#include "sim/kubeapi/types/merge.h"

#include <stdlib.h>

/* ---- merging ---- */

static cJSON *merge_maps(struct arena *a, const struct type *t, const cJSON *live,
                         const cJSON *patch)
{
    struct typed_items l, r;
    cJSON *out = json_object(a);
    size_t i = 0, k = 0;
    typed_items(a, t, live, true, &l);
    typed_items(a, t, patch, true, &r);
    while (i < l.n || k < r.n) {
        int order = i == l.n ? 1 : k == r.n ? -1 : str_cmp(l.p[i].key, r.p[k].key);
        const struct typed_item *any = order <= 0 ? &l.p[i] : &r.p[k];
        cJSON *v =
            merge_values(a, any->type, order <= 0 ? l.p[i].v : NULL, order >= 0 ? r.p[k].v : NULL);
        i += order <= 0;
        k += order >= 0;
        if (!v)
            continue;
        json_add(a, out, any->key, v);
    }
    return out->child ? out : NULL;
}

/* Both lists with look-ups by key: in order, and sorted. */
struct side {
    struct typed_items items, sorted;
};

static void side_of(struct arena *a, const struct type *t, const cJSON *v, struct side *s)
{
    typed_items(a, t, v, false, &s->items);
    typed_items(a, t, v, true, &s->sorted);
}

static bool has(const struct side *s, struct str key)
{
    return typed_items_find(&s->sorted, key, NULL) >= 0;
}

/* The one item of a key; NULL: none, or it is there twice. */
static const cJSON *one(const struct side *s, struct str key)
{
    size_t n;
    ptrdiff_t at = typed_items_find(&s->sorted, key, &n);
    return n == 1 ? s->sorted.p[at].v : NULL;
}

struct list_merge {
    struct arena *a;
    const struct type *t;
    struct side l, r;
    bool *merged; /* items of r, by their place in r.sorted */
    cJSON *out;
    size_t i, k;
    size_t shared; /* the next item of r that l has too; r.items.n: none */
};

static void append(struct list_merge *m, const cJSON *l, const cJSON *r)
{
    cJSON *v = merge_values(m->a, m->t->items, l, r);
    if (v)
        json_append(m->out, v);
}

static void next_shared(struct list_merge *m, size_t from)
{
    m->shared = from;
    while (m->shared < m->r.items.n && !has(&m->l, m->r.items.p[m->shared].key))
        m->shared++;
}

static void take_right(struct list_merge *m)
{
    struct str key = m->r.items.p[m->k].key;
    m->merged[typed_items_find(&m->r.sorted, key, NULL)] = true;
    append(m, one(&m->l, key), one(&m->r, key));
    if (m->shared == m->k)
        next_shared(m, m->k + 1);
    m->k++;
}

static bool is_merged(const struct list_merge *m, struct str key)
{
    ptrdiff_t at = typed_items_find(&m->r.sorted, key, NULL);
    return at >= 0 && m->merged[at];
}

/* One step: items of the patch keep their order; items of the live list alone stay behind what they stood behind. */
static void merge_step(struct list_merge *m)
{
    bool left = m->i < m->l.items.n, right = m->k < m->r.items.n;
    struct str key = left ? m->l.items.p[m->i].key : str_empty;
    if (left && right) {
        if (str_eq(key, m->r.items.p[m->k].key)) {
            m->i++;
            take_right(m);
            return;
        }
        if (has(&m->r, key) && m->shared < m->r.items.n &&
            !str_eq(m->r.items.p[m->shared].key, key)) {
            m->i++; /* shared, but not the one whose turn it is */
            return;
        }
    }
    if (left && !has(&m->r, key)) {
        append(m, m->l.items.p[m->i++].v, NULL);
        return;
    }
    if (left && is_merged(m, key))
        m->i++;
    if (right)
        take_right(m);
    else if (left && m->i < m->l.items.n && str_eq(m->l.items.p[m->i].key, key))
        m->i++; /* both have it and the patch is through: it was merged under another double */
}

static cJSON *merge_lists(struct arena *a, const struct type *t, const cJSON *live,
                          const cJSON *patch)
{
    struct list_merge m = {.a = a, .t = t, .out = json_array(a)};
    side_of(a, t, live, &m.l);
    side_of(a, t, patch, &m.r);
    m.merged = ARENA_NEW_ARRAY(a, bool, m.r.items.n + 1);
    next_shared(&m, 0);
    while (m.i < m.l.items.n || m.k < m.r.items.n)
        merge_step(&m);
    return m.out->child ? m.out : NULL;
}

cJSON *merge_values(struct arena *a, const struct type *t, const cJSON *live, const cJSON *patch)
{
    if (!live || !patch)
        return live || patch ? json_copy(a, live ? live : patch) : NULL;
    enum typed_shape shape = typed_shape(t, patch);
    bool both_empty = !live->child && !patch->child;
    if (shape == TYPED_LEAF || both_empty || typed_shape(t, live) != shape)
        return json_copy(a, patch);
    return shape == TYPED_MAP ? merge_maps(a, t, live, patch) : merge_lists(a, t, live, patch);
}

/* ---- removing ---- */

/* What the set says of each item, by its position: one walk over both, which are sorted. */
static const struct fieldset **said_of(struct arena *a, const struct typed_items *sorted, char kind,
                                       const struct fieldset *gone)
{
    const struct fieldset **said = ARENA_NEW_ARRAY(a, const struct fieldset *, sorted->n + 1);
    const struct fieldset *c = gone->first;
    for (size_t i = 0; i < sorted->n; i++) {
        while (c && (c->kind < kind || (c->kind == kind && str_cmp(c->text, sorted->p[i].key) < 0)))
            c = c->next;
        if (c && c->kind == kind && str_eq(c->text, sorted->p[i].key))
            said[sorted->p[i].at] = c;
    }
    return said;
}

static void remove_children(struct arena *a, const struct type *t, const cJSON *v, bool list,
                            const struct fieldset *gone, cJSON *out)
{
    struct typed_items items, sorted;
    typed_items(a, t, v, true, &sorted);
    typed_items(a, t, v, false, &items);
    const struct fieldset **said = said_of(a, &sorted, list ? typed_list_kind(t) : 'f', gone);
    for (size_t i = 0; i < items.n; i++) {
        const struct typed_item *it = &items.p[i];
        const struct fieldset *c = said[i];
        if (c && c->member)
            continue;
        cJSON *kept = c && c->first ? merge_remove(a, it->type, it->v, c) : json_copy(a, it->v);
        if (!kept)
            continue;
        if (list)
            json_append(out, kept);
        else
            json_add(a, out, it->key, kept);
    }
}

cJSON *merge_remove(struct arena *a, const struct type *t, const cJSON *v,
                    const struct fieldset *gone)
{
    enum typed_shape shape = typed_shape(t, v);
    if (shape == TYPED_LEAF)
        return v->child ? NULL : json_copy(a, v);
    cJSON *out = shape == TYPED_LIST ? json_array(a) : json_object(a);
    remove_children(a, t, v, shape == TYPED_LIST, gone, out);
    return out->child ? out : NULL;
}

static cJSON *removed(struct arena *a, const struct type *t, const cJSON *v,
                      const struct fieldset *gone)
{
    cJSON *out = fieldset_empty(gone) ? json_copy(a, v) : merge_remove(a, t, v, gone);
    return out ? out : json_object(a);
}

/* ---- pruning: what was applied before and is not any more ---- */

static cJSON *prune(struct arena *a, const struct merge_apply *m, const struct owners *owners,
                    const struct fieldset *before, const cJSON *merged)
{
    const struct type *t = m->type;
    const struct fieldset *last = fieldset_named(a, before, t);
    const struct fieldset *owned = typed_set(a, t, m->patch); /* with its name, which nobody owns */
    cJSON *pruned = removed(a, t, merged, last);
    for (size_t i = 0; i < owners->n; i++)
        owned = fieldset_union(a, owned, owners->list[i].set);
    owned = fieldset_named(a, owned, t);
    const struct fieldset *all = fieldset_named(a, typed_set(a, t, merged), t);
    const struct fieldset *kept = fieldset_named(a, typed_set(a, t, pruned), t);
    /* Back comes what somebody owns, ... */
    pruned = removed(a, t, merged, fieldset_difference(a, all, fieldset_union(a, kept, owned)));
    /* ... and what nobody ever applied. */
    kept = fieldset_named(a, typed_set(a, t, pruned), t);
    const struct fieldset *gone = fieldset_difference(a, all, kept);
    return removed(a, t, merged, fieldset_intersection(a, gone, last));
}

/* ---- applying ---- */

static const struct fieldset *counted(struct arena *a, const struct merge_apply *m,
                                      const struct fieldset *s)
{
    if (m->only) {
        const struct fieldset *c = fieldset_child(s, 'f', str_c(m->only));
        if (!c)
            return NULL;
        struct fieldset *root = ARENA_NEW(a, struct fieldset);
        struct fieldset *n = fieldset_add(a, root, 'f', c->text);
        root->text = str_empty;
        n->member = c->member;
        n->first = c->first;
        return root;
    }
    const char *path[2] = {m->except, NULL};
    return m->except ? fieldset_outside(a, s, fieldset_path(a, path)) : s;
}

static int by_owner(const void *x, const void *y)
{
    const struct merge_conflict *a = x, *b = y;
    return owner_cmp(&a->who, &b->who);
}

static void find_conflicts(struct arena *a, const struct merge_apply *m,
                           const struct owners *owners, const struct typed_changes *changes,
                           struct merge_conflicts *out)
{
    out->list = ARENA_NEW_ARRAY(a, struct merge_conflict, owners->n + 1);
    for (size_t i = 0; i < owners->n; i++) {
        const struct owner *o = &owners->list[i];
        const struct fieldset *both = fieldset_intersection(a, o->set, changes->changed);
        if (!owner_same(o, &m->self) && !fieldset_empty(both))
            out->list[out->n++] = (struct merge_conflict){*o, both};
    }
    if (out->n > 1)
        qsort(out->list, out->n, sizeof(*out->list), by_owner);
}

void merge_apply(struct arena *a, const struct merge_apply *m, struct owners *owners,
                 cJSON **result, bool *changed, struct merge_conflicts *conflicts)
{
    struct typed_changes changes;
    *conflicts = (struct merge_conflicts){0};
    BUG_ON(!m->self.apply, "only Apply owners apply");
    cJSON *merged = merge_values(a, m->type, m->live, m->patch);
    if (!merged)
        merged = json_object(a);
    struct owner *self = owners_get(a, owners, &m->self);
    const struct fieldset *before = self->set;
    self->set = counted(a, m, typed_strip(a, typed_set(a, m->type, m->patch)));
    self->api_version = m->self.api_version;
    if (!fieldset_empty(before))
        merged = prune(a, m, owners, before, merged);
    typed_compare(a, m->type, m->live, merged, true, &changes);
    changes.changed = counted(a, m, changes.changed);
    changes.removed = counted(a, m, changes.removed);
    *result = NULL;
    if (!m->force)
        find_conflicts(a, m, owners, &changes, conflicts);
    if (conflicts->n > 0)
        return;
    *changed = changes.changed || changes.removed;
    if (*changed)
        self->time = m->self.time;
    else if (!before)
        self->time = str_empty;
    owners_take(a, owners, &m->self, &changes);
    *result = merged;
}
