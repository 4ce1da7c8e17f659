#include "sim/kubeapi/store/store_internal.h"

static struct list *watches_of(struct store_table *t, struct str ns)
{
    if (ns.n == 0)
        return &t->watches;
    struct list *l = map_get(&t->watches_of, ns);
    if (!l) {
        l = MEM_NEW(struct list);
        list_init(l);
        map_put(&t->watches_of, ns, l);
    }
    return l;
}

/* What whoever begins a watch now has seen already, or will be told otherwise: without a journal all that was written;
 * with one what was delivered, since a write that is not safe yet is an event to come. */
static uint64_t known(const struct store *s)
{
    return s->journal ? s->dispatched : s->revision;
}

struct store_watch *store_watch_start(struct store_table *t, struct str ns, store_watch_fn event,
                                      void *owner)
{
    struct store_watch *w = MEM_NEW(struct store_watch);
    w->store = t->store;
    w->event = event;
    w->owner = owner;
    w->since = known(t->store);
    list_add_tail(watches_of(t, ns), &w->link);
    return w;
}

void store_watch_stop(struct store_watch *w)
{
    if (!w)
        return;
    BUG_ON(!w->event, "a watch is stopped once");
    w->event = NULL;
    if (w->store->dispatching)
        return; /* a walk over the list may stand on it: see sweep */
    list_remove(&w->link);
    mem_free(w);
}

void store_observe(struct store *s, store_watch_fn event, void *owner)
{
    BUG_ON(s->observe && event, "a store has one observer");
    s->observe = event;
    s->observer = owner;
}

/* Stopped watches are freed by the walk that meets them: the walk is the only one (dispatching), and keeps its own next. */
static void deliver(struct list *watches, struct store_event *e)
{
    list_each (watches, it, next) {
        struct store_watch *w = container_of(it, struct store_watch, link);
        if (w->event && w->since < e->revision)
            w->event(w->owner, e);
        next = it->next; /* the callback may have added watches behind this one */
        if (!w->event) {
            list_remove(it);
            mem_free(w);
        }
    }
}

static void observe_one(struct store *s, uint64_t revision)
{
    struct store_event *e = store_ring_at(s, revision);
    if (!e || !s->observe)
        return;
    e->refs++;
    s->observe(s->observer, e);
    store_event_unref(e);
}

static void dispatch_one(struct store *s, uint64_t revision)
{
    struct store_event *e = store_ring_at(s, revision);
    if (!e) { /* so much was written meanwhile that it left the ring */
        s->lost = true;
        return;
    }
    e->refs++;
    struct store_table *t = e->table;
    deliver(&t->watches, e);
    struct str ns = e->object->ns;
    struct list *l = ns.n > 0 && map_count(&t->watches_of) > 0 ? map_get(&t->watches_of, ns) : NULL;
    if (l)
        deliver(l, e);
    store_event_forget_lines(e); /* who comes later is rare, and history is long */
    store_event_unref(e);
}

void store_watch_dispatch(struct store *s)
{
    if (s->dispatching)
        return; /* a callback wrote: the loop below, further up the stack, comes to its event in order */
    s->dispatching = true;
    for (;;) { /* the observer comes first, and each event is done with before the next */
        if (s->dispatched < s->observed && s->dispatched < store_durable(s))
            dispatch_one(s, ++s->dispatched);
        else if (s->observed < s->revision)
            observe_one(s, ++s->observed);
        else
            break;
    }
    s->dispatching = false;
}

/* ---- durability ---- */

void store_journal(struct store *s, void (*written)(void *owner, struct store_event *e),
                   void *owner)
{
    BUG_ON(s->journal && written, "a store has one journal");
    s->durable = s->revision;
    s->journal = written;
    s->journal_owner = owner;
}

uint64_t store_durable(const struct store *s)
{
    return s->journal ? s->durable : s->revision;
}

bool store_release(struct store *s, uint64_t revision)
{
    BUG_ON(revision < s->durable || revision > s->revision, "what was written becomes safe, once");
    s->durable = revision;
    s->lost = false;
    store_watch_dispatch(s);
    return !s->lost;
}
