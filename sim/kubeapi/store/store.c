#include "sim/kubeapi/store/store_internal.h"

#include <string.h>

struct store *store_new(const struct store_options *options)
{
    struct store *s = MEM_NEW(struct store);
    size_t want = STORE_EVENTS_MAX_DEFAULT;
    if (options && options->events_max)
        want = options->events_max;
    s->select_min = options && options->select_min ? options->select_min : STORE_SELECT_MIN;
    s->ring_max = 64;
    while (s->ring_max < want)
        s->ring_max *= 2;
    /* the empty state; real clusters start above 0 too */
    s->revision = s->compacted = s->observed = s->dispatched = 1;
    list_init(&s->stopped);
    return s;
}

static void free_watches(struct list *watches)
{
    list_each (watches, it, next) {
        list_remove(it);
        mem_free(container_of(it, struct store_watch, link));
    }
}

static void table_free(struct store_table *t)
{
    void *list;
    free_watches(&t->watches);
    for (size_t i = 0; map_next(&t->watches_of, &i, NULL, &list);) {
        free_watches(list);
        mem_free(list);
    }
    map_free(&t->watches_of);
    store_select_clear(t);
    oset_free(&t->objects);
    str_free(&t->name);
    mem_free(t);
}

void store_free(struct store *s)
{
    void *t;
    if (!s)
        return;
    BUG_ON(s->dispatching, "a store is not freed from its own callbacks");
    store_ring_clear(s);
    mem_free(s->ring);
    store_index_clear(s);
    for (size_t i = 0; map_next(&s->tables, &i, NULL, &t);)
        table_free(t);
    map_free(&s->tables);
    free_watches(&s->stopped);
    mem_free(s);
}

struct store_table *store_table(struct store *s, struct str name)
{
    struct store_table *t = map_get(&s->tables, name);
    if (t)
        return t;
    BUG_ON(name.n == 0, "a table has a name");
    t = MEM_NEW(struct store_table);
    t->store = s;
    t->name = str_dup(name);
    list_init(&t->watches);
    map_put(&s->tables, name, t);
    return t;
}

struct str store_table_name(const struct store_table *t)
{
    return t->name;
}

struct store *store_of(const struct store_table *t)
{
    return t->store;
}

size_t store_count(const struct store_table *t)
{
    return t->objects.count;
}

bool store_table_next(const struct store *s, size_t *i, struct store_table **t)
{
    void *value;
    if (!map_next(&s->tables, i, NULL, &value))
        return false;
    *t = value;
    return true;
}

uint64_t store_revision(const struct store *s)
{
    return s->revision;
}

uint64_t store_compacted(const struct store *s)
{
    return s->compacted;
}

uint64_t store_table_revision(const struct store_table *t)
{
    return t->last_event;
}

uint64_t store_table_changes(const struct store_table *t)
{
    return t->changes;
}

struct kube_object *store_get(const struct store_table *t, struct str ns, struct str name)
{
    return oset_get(&t->objects, ns, name);
}

struct store_cursor store_seek(const struct store_table *t, struct str ns, struct str name)
{
    struct store_cursor c = {.set = &t->objects};
    oset_seek(&t->objects, ns, name, &c.chunk, &c.at);
    return c;
}

struct kube_object *store_next(struct store_cursor *c)
{
    struct kube_object *o = NULL;
    return oset_step(c->set, &c->chunk, &c->at, &o) ? o : NULL;
}

/* The event takes a reference to what is now in the table (or the last state) and owns `before`. */
static void commit(struct store_table *t, enum store_event_type type, struct kube_object *object,
                   struct kube_object *take_before)
{
    struct store *s = t->store;
    struct store_event *e = MEM_NEW(struct store_event);
    *e = (struct store_event){.refs = 1,
                              .revision = object->resource_version,
                              .type = type,
                              .table = t,
                              .object = object,
                              .before = take_before,
                              .previous = t->last_event,
                              .line = {str_empty, str_empty, str_empty}};
    store_index_change(t, take_before, type == STORE_DELETED ? NULL : object);
    s->revision = e->revision;
    t->last_event = e->revision;
    t->changes++;
    store_ring_push(s, e);
    if (s->journal)
        s->journal(s->journal_owner, e);
    store_watch_dispatch(s);
}

void store_put(struct store_table *t, struct kube_object *take)
{
    struct kube_object *before;
    BUG_ON(take->resource_version != t->store->revision + 1, "a write carries the next revision");
    BUG_ON(take->name.n == 0, "a stored object has a name");
    oset_put(&t->objects, take, &before);
    commit(t, before ? STORE_MODIFIED : STORE_ADDED, kube_object_ref(take), before);
}

void store_delete(struct store_table *t, struct kube_object *take_last)
{
    BUG_ON(take_last->resource_version != t->store->revision + 1,
           "a deletion carries the next revision");
    struct kube_object *before = oset_remove(&t->objects, take_last->ns, take_last->name);
    BUG_ON(!before, "only what is there can be deleted");
    commit(t, STORE_DELETED, take_last, before);
}
