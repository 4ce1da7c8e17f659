/* store: every object of one simulated cluster, in order, under one revision, with the history that watches need.
 *
 *   put/delete ─► table (ordered by namespace/name) ─► event ring ─► live watches of (table, namespace), observer
 *
 * Tables:    one per group and resource ("configmaps", "deployments.apps"), whatever versions serve it.
 * Revisions: one counter; each write makes exactly one event whose revision is the written object's resourceVersion.
 * History:   the ring keeps the last events with the object before and after. Within it every earlier state can be
 *            listed (store_view) and every watch resumed (store_replay); beyond it both say "compacted".
 * Events:    a line `{"type":..,"object":..}\n` is encoded when the first watcher needs it, once, and shared by all
 *            that get the event as it is written; then it is dropped, and encoded again for those that read history.
 * Ownership: the store holds references. Borrowed objects and events live until the next write (objects may be ref'd).
 *            Callbacks may write: such events are delivered after the present one, in order.
 * Cost:      get, put, delete O(log n); an event costs its watchers only; a snapshot costs a pointer per 64 objects or so
 *            and shares all memory with the store it was taken from (copy on write).
 * Bounds:    STORE_EVENTS_MAX_DEFAULT events in the ring unless the options say otherwise. */
#ifndef PADDOCK_SIM_KUBEAPI_STORE_STORE_H
#define PADDOCK_SIM_KUBEAPI_STORE_STORE_H

#include "engine/kube/object.h"

#define STORE_EVENTS_MAX_DEFAULT 8192u

struct store;
struct store_table;

struct store_options {
    size_t events_max; /* ring size, rounded up to a power of two; 0: STORE_EVENTS_MAX_DEFAULT */
    size_t select_min; /* 0: STORE_SELECT_MIN */
};

enum store_event_type { STORE_ADDED, STORE_MODIFIED, STORE_DELETED, STORE_EVENT_TYPES };

struct store_event {
    uint32_t refs; /* of the ring, and of the delivery under way */
    uint64_t revision;
    enum store_event_type type;
    struct store_table *table;
    struct kube_object
        *object; /* after; of a deletion: the last state, with the deletion's revision */
    struct kube_object *before; /* NULL: added */
    uint64_t previous;          /* the revision of the table's event before this one; 0: none */
    struct str line[STORE_EVENT_TYPES]; /* owned, by shown type; empty: not encoded yet */
};

struct store *store_new(const struct store_options *options); /* NULL: the defaults */
void store_free(struct store *s);                             /* watches still open end silently */

/* ---- tables ---- */
struct store_table *
store_table(struct store *s, struct str name); /* made when missing; lives as long as the store */
struct str store_table_name(const struct store_table *t);
struct store *store_of(const struct store_table *t);
size_t store_count(const struct store_table *t);
bool store_table_next(const struct store *s, size_t *i,
                      struct store_table **t); /* start with i = 0 */

/* ---- reading ---- */
uint64_t store_revision(const struct store *s);  /* of the last write */
uint64_t store_compacted(const struct store *s); /* states before this revision are gone */
uint64_t store_table_revision(
    const struct store_table *t); /* of the table's last event in history; 0: none */
/* Differs from an earlier answer if any object of the table has changed since. */
uint64_t store_table_changes(const struct store_table *t);
struct kube_object *store_get(const struct store_table *t, struct str ns,
                              struct str name); /* NULL: absent */
struct kube_object *store_by_uid(const struct store *s, struct str uid, struct store_table **t);

struct oset;
struct store_cursor {
    const struct oset *set;
    size_t chunk, at;
};
/* At the first object that is not before (ns, name) in key order; empty strings: at the start. */
struct store_cursor store_seek(const struct store_table *t, struct str ns, struct str name);
struct kube_object *store_next(struct store_cursor *c); /* NULL: the end */

/* ---- selecting: objects by the value of a label or field; indexes come and go as they are asked for ---- */
#define STORE_SELECTS_MAX 8u   /* indexes of one table */
#define STORE_SELECT_MIN  256u /* objects; smaller tables are walked */
#define STORE_SELECT_WRITES                                                                        \
    1000u /* and as many as the table has objects: then an index that nobody asks for goes */

typedef struct str (*store_value_fn)(const struct kube_object *o, struct str key); /* empty: none */
struct store_attribute {
    store_value_fn of;
    struct str key, value; /* value is not empty */
};

/* ---- writing: the object carries store_revision() + 1 as its resourceVersion ---- */
void store_put(struct store_table *t, struct kube_object *take);
/* take_last: the deleted object's last state. */
void store_delete(struct store_table *t, struct kube_object *take_last);

/* ---- durability ----
 * With a journal, watches see an event only when store_release said that it is safe; reads and the observer see writes
 * at once: whoever shows them to others waits for store_durable. Without one every write is safe as it is made. */
void store_journal(struct store *s, void (*written)(void *owner, struct store_event *e),
                   void *owner);
uint64_t store_durable(const struct store *s); /* writes up to here survive a crash */
/* Everything up to this revision is safe. False: some events left the history before they could be delivered, so that
 * watches must look for themselves whether they missed any. */
bool store_release(struct store *s, uint64_t revision);
/* From a store that was kept: the object under the revision that it carries; no event. Before the first write. */
void store_load(struct store_table *t, struct kube_object *take);
void store_load_end(struct store *s, uint64_t revision);

/* ---- history ---- */
/* Forgets events up to and including this revision. */
void store_compact(struct store *s, uint64_t revision);
/* Each event of the table behind `after`, oldest first. False: `after` is compacted (nothing was called). */
bool store_replay(struct store_table *t, uint64_t after,
                  bool (*each)(void *owner, struct store_event *e), void *owner);
/* The bytes that a watcher which should see `shown` gets for the event. Borrowed from the event. */
struct str store_event_line(struct store_event *e, enum store_event_type shown);

/* A table as it was at a revision, from a key on. */
struct store_view;
/* NULL: compacted. ns empty: all namespaces. (from_ns, from_name): first key; empty: the start. */
struct store_view *store_view_open(struct store_table *t, uint64_t revision, struct str ns,
                                   struct str from_ns, struct str from_name);
/* The same, but only objects that may have the attribute then: others may come too. NULL: all. */
struct store_view *store_view_select(struct store_table *t, uint64_t revision, struct str ns,
                                     struct str from_ns, struct str from_name,
                                     const struct store_attribute *only);
struct kube_object *store_view_next(struct store_view *v); /* borrowed; no write may come between */
void store_view_close(struct store_view *v);

/* ---- watching ---- */
struct store_watch;
typedef void (*store_watch_fn)(void *owner, struct store_event *e);
/* Events from now on of one table, of one namespace (ns not empty) or all. Callbacks come from within the writes. With a
 * journal also the events of earlier writes that are not safe yet: who read those objects knows them by revision. */
struct store_watch *store_watch_start(struct store_table *t, struct str ns, store_watch_fn event,
                                      void *owner);
void store_watch_stop(struct store_watch *w); /* NULL is fine; may be called from any callback */
/* Sees every event, before all watches: for the indexes and controllers of the server itself. */
void store_observe(struct store *s, store_watch_fn event, void *owner);

/* ---- garbage collection's index ---- */
struct store_dependent {
    struct store_table *table;
    struct kube_object *object;
};
/* Objects with an ownerReference to this uid, in the order in which they came to it. Borrowed until the next write. */
const struct store_dependent *store_dependents(const struct store *s, struct str owner_uid,
                                               size_t *n);

/* ---- copies ---- */
struct store_snapshot;
struct store_snapshot *store_snapshot_take(struct store *s);
void store_snapshot_free(struct store_snapshot *snapshot);
uint64_t store_snapshot_revision(const struct store_snapshot *snapshot);
/* The content and revision become the snapshot's (also back in time); history starts anew. No events are made and the
 * watches stay registered: whoever serves them must cut them. May be another store than the one it was taken from. */
void store_restore(struct store *s, const struct store_snapshot *snapshot);

/* Key order: as the bytes "ns/name". */
int store_key_cmp(struct str ns_a, struct str name_a, struct str ns_b, struct str name_b);

#endif
