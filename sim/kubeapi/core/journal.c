#include "sim/kubeapi/core/journal.h"

#include "engine/base/arena.h"

#include <string.h>

struct batch {
    struct journal *journal; /* not looked at once the work is cancelled */
    struct datastore *datastore;
    struct datastore_change *changes;
    struct kube_object **objects; /* references that keep the changes' bytes */
    size_t n, cap;
    struct arena names; /* of tables: the store may end before a commit does */
    const struct store_table *table;
    struct str name; /* of that table */
    uint64_t reserved;
    struct err *failure;
};

struct journal {
    struct journal_options o;
    struct batch *gathering, *committing; /* committing: NULL when none is under way */
    struct world_work *work;
    struct world_timer *start;
    uint64_t reserved; /* as the datastore will know with the gathered batch */
    bool failed;
};

static struct batch *batch_new(struct journal *j)
{
    struct batch *b = MEM_NEW(struct batch);
    b->journal = j;
    b->datastore = j->o.datastore;
    return b;
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        kube_object_unref(b->objects[i]);
    mem_free(b->changes);
    mem_free(b->objects);
    arena_free(&b->names);
    err_free(b->failure);
    mem_free(b);
}

static void batch_add(struct batch *b, const struct store_event *e)
{
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->changes = mem_resize(b->changes, b->cap * sizeof(*b->changes));
        b->objects = mem_resize(b->objects, b->cap * sizeof(struct kube_object *));
    }
    if (e->table != b->table)
        b->name = arena_str(&b->names, store_table_name(e->table));
    b->table = e->table;
    struct kube_object *o = kube_object_ref(e->object);
    b->objects[b->n] = o;
    b->changes[b->n++] = (struct datastore_change){
        .table = b->name,
        .ns = o->ns,
        .name = o->name,
        .revision = e->revision,
        .json = e->type == STORE_DELETED ? str_empty : o->json,
    };
}

/* ---- committing ---- */

static void run_commit(void *job) /* off the loop: it touches the batch and the datastore only */
{
    struct batch *b = job;
    struct datastore_batch view = {b->changes, b->n, b->reserved};
    b->failure = b->datastore->ops->commit(b->datastore, &view);
}

static void start_commit(struct journal *j);

static void on_committed(void *job)
{
    struct batch *b = job;
    struct journal *j = b->journal;
    j->work = NULL;
    j->committing = NULL;
    if (b->failure) {
        j->failed = true;
        j->o.failed(j->o.failed_owner, b->failure);
        batch_free(b);
        return;
    }
    uint64_t safe = b->changes[b->n - 1].revision;
    batch_free(b);
    start_commit(j);
    bool complete = store_release(j->o.store, safe);
    j->o.released(j->o.owner, complete);
}

static void on_abandoned(void *job)
{
    batch_free(job);
}

static void start_commit(struct journal *j)
{
    if (j->committing || j->failed || j->gathering->n == 0)
        return;
    struct batch *b = j->committing = j->gathering;
    j->gathering = batch_new(j);
    uint64_t last = b->changes[b->n - 1].revision;
    if (last + DATASTORE_REVISIONS_RESERVED / 2 > j->reserved)
        j->reserved = last + DATASTORE_REVISIONS_RESERVED;
    b->reserved = j->reserved;
    j->work = world_work(j->o.w, run_commit, on_committed, b);
}

static void on_start(void *owner)
{
    start_commit(owner);
}

static void on_written(void *owner, struct store_event *e)
{
    struct journal *j = owner;
    batch_add(j->gathering, e);
    if (!j->committing && j->gathering->n == 1) /* the writes of this turn go together */
        world_timer_start(j->start, 0);
}

/* ---- life ---- */

struct journal *journal_new(const struct journal_options *options)
{
    struct journal *j = MEM_NEW(struct journal);
    j->o = *options;
    j->reserved = store_revision(options->store) + DATASTORE_REVISIONS_RESERVED;
    j->gathering = batch_new(j);
    j->start = world_timer_new(options->w, on_start, j);
    store_journal(options->store, on_written, j);
    return j;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    store_journal(j->o.store, NULL, NULL);
    world_timer_free(j->start);
    if (j->work)
        world_work_cancel(j->work, on_abandoned);
    batch_free(j->gathering);
    mem_free(j);
}

bool journal_settled(const struct journal *j)
{
    return !j || j->failed || (!j->committing && j->gathering->n == 0);
}
