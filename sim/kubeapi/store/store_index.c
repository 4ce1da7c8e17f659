/* The store's indexes over all tables: objects by uid, and dependents by their owners' uids. */
#include "sim/kubeapi/store/store_internal.h"

#include <string.h>

struct dependents {
    struct store_dependent *items;
    size_t n, cap;
};

/* ---- by uid ---- */

static size_t uid_home(const struct uid_index *x, struct str uid)
{
    return (size_t)str_hash(uid) & (x->cap - 1);
}

static struct uid_slot *uid_find(const struct uid_index *x, struct str uid)
{
    if (x->cap == 0)
        return NULL;
    for (size_t i = uid_home(x, uid); x->slots[i].object; i = (i + 1) & (x->cap - 1))
        if (str_eq(x->slots[i].object->uid, uid))
            return &x->slots[i];
    return NULL;
}

static void uid_insert(struct uid_index *x, struct uid_slot slot)
{
    size_t i = uid_home(x, slot.object->uid);
    while (x->slots[i].object)
        i = (i + 1) & (x->cap - 1);
    x->slots[i] = slot;
    x->n++;
}

static void uid_grow(struct uid_index *x)
{
    struct uid_index old = *x;
    x->cap = old.cap ? old.cap * 2 : 64;
    x->slots = MEM_NEW_ARRAY(struct uid_slot, x->cap);
    x->n = 0;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].object)
            uid_insert(x, old.slots[i]);
    mem_free(old.slots);
}

/* Closes the gap: a later slot moves back when its home lies at or before the gap (cyclically). */
static void uid_remove(struct uid_index *x, struct uid_slot *slot)
{
    size_t gap = (size_t)(slot - x->slots), mask = x->cap - 1;
    for (size_t i = (gap + 1) & mask; x->slots[i].object; i = (i + 1) & mask) {
        size_t home = uid_home(x, x->slots[i].object->uid);
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            x->slots[gap] = x->slots[i];
            gap = i;
        }
    }
    x->slots[gap] = (struct uid_slot){NULL, NULL};
    x->n--;
}

static void uid_change(struct store_table *t, struct kube_object *before, struct kube_object *after)
{
    struct uid_index *x = &t->store->uids;
    struct uid_slot *slot = before && before->uid.n > 0 ? uid_find(x, before->uid) : NULL;
    if (slot && after && str_eq(before->uid, after->uid)) {
        slot->object = after;
        return;
    }
    if (slot)
        uid_remove(x, slot);
    if (!after || after->uid.n == 0)
        return;
    if ((x->n + 1) * 4 > x->cap * 3)
        uid_grow(x);
    uid_insert(x, (struct uid_slot){after, t});
}

struct kube_object *store_by_uid(const struct store *s, struct str uid, struct store_table **t)
{
    struct uid_slot *slot = uid_find(&s->uids, uid);
    if (!slot)
        return NULL;
    if (t)
        *t = slot->table;
    return slot->object;
}

/* ---- by owner ---- */

static void dependent_add(struct store *s, struct str uid, struct store_dependent item)
{
    struct dependents *d = map_get(&s->dependents, uid);
    if (!d) {
        d = MEM_NEW(struct dependents);
        map_put(&s->dependents, uid, d);
    }
    if (d->n == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 4;
        d->items = mem_resize(d->items, d->cap * sizeof(*d->items));
    }
    d->items[d->n++] = item;
}

static void dependent_remove(struct store *s, struct str uid, const struct kube_object *o)
{
    struct dependents *d = map_get(&s->dependents, uid);
    size_t i = 0;
    if (!d)
        return;
    while (i < d->n && d->items[i].object != o)
        i++;
    if (i == d->n)
        return;
    d->n--;
    memmove(d->items + i, d->items + i + 1, (d->n - i) * sizeof(*d->items));
    if (d->n == 0) {
        map_remove(&s->dependents, uid);
        mem_free(d->items);
        mem_free(d);
    }
}

static bool owners_equal(const struct kube_object *a, const struct kube_object *b)
{
    if (a->owners_n != b->owners_n)
        return false;
    for (size_t i = 0; i < a->owners_n; i++)
        if (!str_eq(a->owners[i].uid, b->owners[i].uid))
            return false;
    return true;
}

/* The same owners, as in nearly every update: the entry keeps its place. */
static void dependent_replace(struct store *s, const struct kube_object *before,
                              struct kube_object *after)
{
    for (size_t i = 0; i < after->owners_n; i++) {
        struct dependents *d = map_get(&s->dependents, after->owners[i].uid);
        for (size_t k = 0; d && k < d->n; k++)
            if (d->items[k].object == before)
                d->items[k].object = after;
    }
}

static void owners_change(struct store_table *t, struct kube_object *before,
                          struct kube_object *after)
{
    if (before && after && owners_equal(before, after)) {
        dependent_replace(t->store, before, after);
        return;
    }
    for (size_t i = 0; before && i < before->owners_n; i++)
        dependent_remove(t->store, before->owners[i].uid, before);
    for (size_t i = 0; after && i < after->owners_n; i++)
        dependent_add(t->store, after->owners[i].uid, (struct store_dependent){t, after});
}

const struct store_dependent *store_dependents(const struct store *s, struct str owner_uid,
                                               size_t *n)
{
    const struct dependents *d = map_get(&s->dependents, owner_uid);
    *n = d ? d->n : 0;
    return d ? d->items : NULL;
}

void store_index_change(struct store_table *t, struct kube_object *before,
                        struct kube_object *after)
{
    uid_change(t, before, after);
    if (t->selects_n > 0)
        store_select_change(t, before, after);
    if ((before && before->owners_n > 0) || (after && after->owners_n > 0))
        owners_change(t, before, after);
}

void store_index_clear(struct store *s)
{
    void *value;
    for (size_t i = 0; map_next(&s->dependents, &i, NULL, &value);) {
        struct dependents *d = value;
        mem_free(d->items);
        mem_free(d);
    }
    map_free(&s->dependents);
    mem_free(s->uids.slots);
    s->uids = (struct uid_index){0};
}
