/* The event ring: one slot per revision (each write makes one event), so that a revision is its own index. */
#include "sim/kubeapi/store/store_internal.h"

static struct store_event **slot(struct store *s, uint64_t revision)
{
    return &s->ring[revision & (s->ring_size - 1)];
}

void store_event_forget_lines(struct store_event *e)
{
    for (size_t i = 0; i < STORE_EVENT_TYPES; i++)
        if (e->line[i].n > 0) { /* otherwise it is str_empty, which nobody owns */
            str_free(&e->line[i]);
            e->line[i] = str_empty;
        }
}

void store_event_unref(struct store_event *e)
{
    if (--e->refs > 0)
        return;
    kube_object_unref(e->object);
    kube_object_unref(e->before);
    store_event_forget_lines(e);
    mem_free(e);
}

/* Small clusters of a big fleet never pay for a big ring. */
static void ring_grow(struct store *s)
{
    size_t size = s->ring_size ? s->ring_size * 2 : 64;
    struct store_event **ring = MEM_NEW_ARRAY(struct store_event *, size);
    for (uint64_t r = s->compacted + 1; r < s->revision; r++)
        ring[r & (size - 1)] = *slot(s, r);
    mem_free(s->ring);
    s->ring = ring;
    s->ring_size = size;
}

void store_ring_push(struct store *s, struct store_event *take)
{
    BUG_ON(take->revision != s->revision, "events come in the order of revisions");
    if (s->revision - s->compacted > s->ring_size) {
        if (s->ring_size < s->ring_max)
            ring_grow(s);
        else
            store_compact(s, s->compacted + 1);
    }
    *slot(s, take->revision) = take;
}

struct store_event *store_ring_at(struct store *s, uint64_t revision)
{
    return revision > s->compacted && revision <= s->revision ? *slot(s, revision) : NULL;
}

void store_compact(struct store *s, uint64_t revision)
{
    if (revision > s->revision)
        revision = s->revision;
    while (s->compacted < revision) {
        struct store_event **at = slot(s, ++s->compacted), *e = *at;
        *at = NULL;
        if (e->table->last_event == e->revision)
            e->table->last_event = 0;
        store_event_unref(e);
    }
}

void store_ring_clear(struct store *s)
{
    store_compact(s, s->revision);
}

bool store_replay(struct store_table *t, uint64_t after,
                  bool (*each)(void *owner, struct store_event *e), void *owner)
{
    struct store *s = t->store;
    if (after < s->compacted)
        return false;
    size_t n = 0;
    struct store_event *e = store_ring_at(s, t->last_event);
    for (; e && e->revision > after; e = store_ring_at(s, e->previous))
        n++;
    uint64_t *revisions = mem_alloc_array(n + 1, sizeof(*revisions));
    size_t i = n;
    for (e = store_ring_at(s, t->last_event); i > 0; e = store_ring_at(s, e->previous))
        revisions[--i] = e->revision;
    for (i = 0; i < n; i++) {
        e = store_ring_at(s, revisions[i]);
        if (!e || !each(owner, e))
            break;
    }
    mem_free(revisions);
    return true;
}

static const struct str type_names[STORE_EVENT_TYPES] = {STR_INIT("ADDED"), STR_INIT("MODIFIED"),
                                                         STR_INIT("DELETED")};

static void encode(struct store_event *e, enum store_event_type shown, const struct kube_object *o)
{
    struct buf b = {0};
    (void)buf_grow(&b, o->json.n + 40); /* one allocation */
    buf_clear(&b);
    buf_add_c(&b, "{\"type\":\"");
    buf_add(&b, type_names[shown]);
    buf_add_c(&b, "\",\"object\":");
    buf_add(&b, o->json);
    buf_add_c(&b, "}\n");
    e->line[shown] = buf_take(&b);
}

struct str store_event_line(struct store_event *e, enum store_event_type shown)
{
    if (e->line[shown].n > 0)
        return e->line[shown];
    bool left = shown == STORE_DELETED && e->type == STORE_MODIFIED;
    if (left) { /* it left the selection: its last matching state, under the revision of the change */
        struct kube_object *last = kube_object_with_revision(e->before, e->revision);
        encode(e, shown, last);
        kube_object_unref(last);
    } else {
        encode(e, shown, e->object);
    }
    return e->line[shown];
}
