/* Indexes of a table by what selectors ask for: the objects that share a value of a label or field, in key order.
 *
 *   asked (once) ─► asked again ─► built, kept up by every write ─► not asked for long ─► dropped
 *
 * A selection that comes once costs a walk; the second builds. An index is dropped when keeping it up has cost more than
 * building it anew would. */
#include "sim/kubeapi/store/store_internal.h"

struct select_index {
    store_value_fn value;
    struct str key;         /* owned */
    struct map sets;        /* value → struct oset *; never empty ones */
    bool built;             /* else the attribute was asked for, once */
    uint64_t writes, asked; /* since it was asked for last; the table's changes then */
};

static struct select_index *find(struct store_table *t, const struct store_attribute *a)
{
    for (size_t i = 0; i < t->selects_n; i++)
        if (t->selects[i].value == a->of && str_eq(t->selects[i].key, a->key))
            return &t->selects[i];
    return NULL;
}

static void clear(struct select_index *x)
{
    void *set;
    for (size_t i = 0; map_next(&x->sets, &i, NULL, &set);) {
        oset_free(set);
        mem_free(set);
    }
    map_free(&x->sets);
    x->built = false;
}

static void drop(struct store_table *t, struct select_index *x)
{
    clear(x);
    str_free(&x->key);
    *x = t->selects[--t->selects_n];
}

void store_select_clear(struct store_table *t)
{
    while (t->selects_n > 0)
        drop(t, &t->selects[0]);
    mem_free(t->selects);
    t->selects = NULL;
}

/* ---- keeping up ---- */

static void add(struct select_index *x, struct str value, struct kube_object *o)
{
    struct kube_object *replaced;
    struct oset *set = map_get(&x->sets, value);
    if (!set) {
        set = MEM_NEW(struct oset);
        map_put(&x->sets, value, set);
    }
    oset_put(set, kube_object_ref(o), &replaced);
    kube_object_unref(replaced);
}

static void take_out(struct select_index *x, struct str value, const struct kube_object *o)
{
    struct oset *set = map_get(&x->sets, value);
    kube_object_unref(set ? oset_remove(set, o->ns, o->name) : NULL);
    if (!set || set->count > 0)
        return;
    (void)map_remove(&x->sets, value);
    oset_free(set);
    mem_free(set);
}

static void change(struct select_index *x, struct kube_object *before, struct kube_object *after)
{
    struct str was = before ? x->value(before, x->key) : str_empty;
    struct str is = after ? x->value(after, x->key) : str_empty;
    if (was.n > 0 && !str_eq(was, is))
        take_out(x, was, before);
    if (is.n > 0)
        add(x, is, after);
}

void store_select_change(struct store_table *t, struct kube_object *before,
                         struct kube_object *after)
{
    for (size_t i = t->selects_n; i-- > 0;) {
        struct select_index *x = &t->selects[i];
        if (!x->built)
            continue;
        if (++x->writes > STORE_SELECT_WRITES + t->objects.count)
            drop(t, x); /* another has taken its place, which was seen already */
        else
            change(x, before, after);
    }
}

/* ---- asking ---- */

static struct select_index *note(struct store_table *t, const struct store_attribute *a)
{
    if (t->selects_n == STORE_SELECTS_MAX) {
        struct select_index *oldest = &t->selects[0];
        for (size_t i = 1; i < t->selects_n; i++)
            if (t->selects[i].asked < oldest->asked)
                oldest = &t->selects[i];
        drop(t, oldest);
    }
    if (!t->selects)
        t->selects = MEM_NEW_ARRAY(struct select_index, STORE_SELECTS_MAX);
    struct select_index *x = &t->selects[t->selects_n++];
    *x = (struct select_index){.value = a->of, .key = str_dup(a->key)};
    return x;
}

static void build(struct store_table *t, struct select_index *x)
{
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        change(x, NULL, o);
    x->built = true;
}

bool store_select(struct store_table *t, const struct store_attribute *a, const struct oset **set)
{
    BUG_ON(a->value.n == 0, "objects without a value are in no set");
    if (t->objects.count < t->store->select_min)
        return false;
    struct select_index *x = find(t, a);
    bool first = !x;
    if (first)
        x = note(t, a);
    else if (!x->built)
        build(t, x);
    x->writes = 0;
    x->asked = t->changes;
    if (first)
        return false;
    *set = map_get(&x->sets, a->value);
    return true;
}
