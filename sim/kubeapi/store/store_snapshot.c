#include "sim/kubeapi/store/store_internal.h"

struct snapshot_table {
    struct str name; /* owned */
    struct oset objects;
};

struct store_snapshot {
    uint64_t revision;
    struct snapshot_table *tables;
    size_t n;
};

struct store_snapshot *store_snapshot_take(struct store *s)
{
    struct store_snapshot *snapshot = MEM_NEW(struct store_snapshot);
    struct store_table *t;
    snapshot->revision = s->revision;
    snapshot->tables = mem_alloc_array(map_count(&s->tables) + 1, sizeof(*snapshot->tables));
    for (size_t i = 0; store_table_next(s, &i, &t);) {
        struct snapshot_table *copy = &snapshot->tables[snapshot->n++];
        copy->name = str_dup(t->name);
        oset_copy(&copy->objects, &t->objects);
    }
    return snapshot;
}

void store_snapshot_free(struct store_snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (size_t i = 0; i < snapshot->n; i++) {
        str_free(&snapshot->tables[i].name);
        oset_free(&snapshot->tables[i].objects);
    }
    mem_free(snapshot->tables);
    mem_free(snapshot);
}

uint64_t store_snapshot_revision(const struct store_snapshot *snapshot)
{
    return snapshot->revision;
}

static void index_table(struct store_table *t)
{
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    for (struct kube_object *o; (o = store_next(&c));)
        store_index_change(t, NULL, o);
}

void store_load(struct store_table *t, struct kube_object *take)
{
    struct kube_object *before;
    oset_put(&t->objects, take, &before);
    BUG_ON(before, "an object is loaded once");
    store_index_change(t, NULL, take);
    t->changes++;
}

void store_load_end(struct store *s, uint64_t revision)
{
    BUG_ON(s->revision != s->compacted, "a store is loaded before it is written to");
    s->revision = s->compacted = s->observed = s->dispatched = s->durable = revision;
}

void store_restore(struct store *s, const struct store_snapshot *snapshot)
{
    struct store_table *t;
    BUG_ON(s->dispatching, "a store is not restored from within a write");
    store_ring_clear(s);
    store_index_clear(s);
    for (size_t i = 0; store_table_next(s, &i, &t);) {
        oset_free(&t->objects);
        store_select_clear(t);
        t->changes++;
    }
    for (size_t i = 0; i < snapshot->n; i++) {
        t = store_table(s, snapshot->tables[i].name);
        oset_copy(&t->objects, &snapshot->tables[i].objects);
        index_table(t);
    }
    s->revision = s->compacted = s->observed = s->dispatched = s->durable = snapshot->revision;
}
