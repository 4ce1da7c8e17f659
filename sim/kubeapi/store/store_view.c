/* A table at an earlier revision: the present, with every key that changed since replaced by what it was then. Costs the
 * table's events since that revision, once, and nothing per unchanged object. */
#include "sim/kubeapi/store/store_internal.h"

#include <stdlib.h>

struct past {
    struct str ns, name;     /* borrowed from the event's object */
    struct kube_object *was; /* borrowed from the ring; NULL: it was not there */
    uint64_t revision;
};

struct store_view {
    struct store_cursor cursor;
    struct kube_object *ahead; /* the cursor's object that was not given out yet */
    struct past *past;         /* in key order */
    size_t past_n, past_at;
    struct str ns; /* owned */
};

/* Key order; of one key the oldest event first: its `before` is the state that is asked for. */
static int by_key(const void *a, const void *b)
{
    const struct past *x = a, *y = b;
    int order = store_key_cmp(x->ns, x->name, y->ns, y->name);
    if (order != 0)
        return order;
    return x->revision < y->revision ? -1 : 1;
}

static void collect_past(struct store_view *v, struct store_table *t, uint64_t revision,
                         struct str from_ns, struct str from_name)
{
    struct store *s = t->store;
    size_t n = 0, kept = 0;
    for (struct store_event *e = store_ring_at(s, t->last_event); e && e->revision > revision;
         e = store_ring_at(s, e->previous))
        n++;
    v->past = mem_alloc_array(n + 1, sizeof(*v->past));
    for (struct store_event *e = store_ring_at(s, t->last_event); e && e->revision > revision;
         e = store_ring_at(s, e->previous)) {
        const struct kube_object *o = e->object;
        if (v->ns.n > 0 && !str_eq(o->ns, v->ns))
            continue;
        if (store_key_cmp(o->ns, o->name, from_ns, from_name) >= 0)
            v->past[v->past_n++] = (struct past){o->ns, o->name, e->before, e->revision};
    }
    qsort(v->past, v->past_n, sizeof(*v->past), by_key);
    for (size_t i = 0; i < v->past_n; i++)
        if (kept == 0 || !str_eq(v->past[kept - 1].name, v->past[i].name) ||
            !str_eq(v->past[kept - 1].ns, v->past[i].ns))
            v->past[kept++] = v->past[i];
    v->past_n = kept;
}

static void advance(struct store_view *v)
{
    v->ahead = store_next(&v->cursor);
    if (v->ahead && v->ns.n > 0 && !str_eq(v->ahead->ns, v->ns))
        v->ahead = NULL;
}

/* What has the attribute now, and (collect_past) whatever has changed since the revision: nothing else can match. */
static struct store_cursor start(struct store_table *t, const struct store_attribute *only,
                                 struct str ns, struct str name)
{
    static const struct oset none;
    struct store_cursor c = {.set = &t->objects};
    if (only && store_select(t, only, &c.set) && !c.set)
        c.set = &none;
    oset_seek(c.set, ns, name, &c.chunk, &c.at);
    return c;
}

struct store_view *store_view_open(struct store_table *t, uint64_t revision, struct str ns,
                                   struct str from_ns, struct str from_name)
{
    return store_view_select(t, revision, ns, from_ns, from_name, NULL);
}

struct store_view *store_view_select(struct store_table *t, uint64_t revision, struct str ns,
                                     struct str from_ns, struct str from_name,
                                     const struct store_attribute *only)
{
    if (revision < t->store->compacted || revision > t->store->revision)
        return NULL;
    struct store_view *v = MEM_NEW(struct store_view);
    v->ns = str_dup(ns);
    if (ns.n > 0 && from_ns.n == 0)
        from_ns = v->ns;
    if (revision < t->store->revision)
        collect_past(v, t, revision, from_ns, from_name);
    v->cursor = start(t, only, from_ns, from_name);
    advance(v);
    return v;
}

/* One merge step; *o is NULL when the key did not exist then. False: the end. */
static bool merge_step(struct store_view *v, struct kube_object **o)
{
    const struct past *p = v->past_at < v->past_n ? &v->past[v->past_at] : NULL;
    if (!p && !v->ahead)
        return false;
    int order = !p ? 1 : -1;
    if (p && v->ahead)
        order = store_key_cmp(p->ns, p->name, v->ahead->ns, v->ahead->name);
    if (order > 0) {
        *o = v->ahead;
        advance(v);
        return true;
    }
    *o = p->was;
    v->past_at++;
    if (order == 0)
        advance(v);
    return true;
}

struct kube_object *store_view_next(struct store_view *v)
{
    struct kube_object *o = NULL;
    while (!o)
        if (!merge_step(v, &o))
            return NULL;
    return o;
}

void store_view_close(struct store_view *v)
{
    if (!v)
        return;
    mem_free(v->past);
    str_free(&v->ns);
    mem_free(v);
}
