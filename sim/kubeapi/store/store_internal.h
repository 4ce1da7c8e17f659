/* store_internal: what the files of the store share. */
#ifndef PADDOCK_SIM_KUBEAPI_STORE_STORE_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_STORE_STORE_INTERNAL_H

#include "engine/base/list.h"
#include "engine/base/map.h"
#include "sim/kubeapi/store/oset.h"
#include "sim/kubeapi/store/store.h"

struct store_table {
    struct store *store;
    struct str name; /* owned */
    struct oset objects;
    uint64_t changes;             /* of its content, so far */
    uint64_t last_event;          /* revision of the table's newest event in the ring; 0: none */
    struct list watches;          /* of all namespaces */
    struct map watches_of;        /* namespace → struct list * (kept once made) */
    struct select_index *selects; /* NULL: nobody has asked */
    size_t selects_n;
};

struct store_watch {
    struct list link;
    struct store *store;
    store_watch_fn event; /* NULL: stopped while events were under way; freed behind them */
    void *owner;
    uint64_t since; /* events up to here happened before the watch */
};

/* Objects by uid: open addressing, linear probing, deletion by shifting back. Never iterated. */
struct uid_slot {
    struct kube_object *object;
    struct store_table *table;
};
struct uid_index {
    struct uid_slot *slots;
    size_t n, cap;
};

struct store {
    struct map tables; /* name → struct store_table * */
    uint64_t revision, compacted;
    struct store_event **ring; /* by revision & mask; grows up to ring_max */
    size_t ring_size, ring_max;
    uint64_t observed;   /* events up to here were given to the observer */
    uint64_t dispatched; /* and up to here to the watches */
    void (*journal)(void *owner, struct store_event *e); /* NULL: none */
    void *journal_owner;
    uint64_t durable; /* with a journal */
    size_t select_min;
    bool lost; /* an event was gone before its delivery */
    bool dispatching;
    struct list stopped; /* watches to free behind the dispatch */
    store_watch_fn observe;
    void *observer;
    struct uid_index uids;
    struct map dependents; /* owner uid → struct dependents * */
};

/* ring.c */
void store_ring_push(struct store *s, struct store_event *take);
void store_event_unref(struct store_event *e);
void store_event_forget_lines(struct store_event *e); /* they are encoded again when needed */
struct store_event *store_ring_at(struct store *s,
                                  uint64_t revision); /* NULL: compacted, or no event has it */
void store_ring_clear(struct store *s); /* everything up to the present is compacted */

/* store_index.c */
void store_index_change(struct store_table *t, struct kube_object *before,
                        struct kube_object *after);
void store_index_clear(struct store *s);

/* store_select.c */
/* The objects that have the attribute now; NULL: none has. False: no index (yet): walk the table. */
bool store_select(struct store_table *t, const struct store_attribute *a, const struct oset **set);
void store_select_change(struct store_table *t, struct kube_object *before,
                         struct kube_object *after);
void store_select_clear(struct store_table *t);

/* store_watch.c */
void store_watch_dispatch(struct store *s);

#endif
