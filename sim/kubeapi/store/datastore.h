/* datastore: what keeps a store's objects when the process ends. Implemented by sim/kubeapi/datastore (SQLite) and, in
 * tests, by disks that forget what was not synced.
 *
 *   store ─► journal (batches) ─► commit (off the loop) ─► the disk        at the start: load ─► store
 *
 * Contract:  when `commit` returns NULL, all of the batch survives whatever ends the process or the machine, and nothing
 *            of a batch whose commit failed or never returned is ever seen in part.
 * Threads:   one call at a time; `commit` may run on another thread than the others. */
#ifndef PADDOCK_SIM_KUBEAPI_STORE_DATASTORE_H
#define PADDOCK_SIM_KUBEAPI_STORE_DATASTORE_H

#include "engine/base/err.h"
#include "sim/kubeapi/store/store.h"

#define DATASTORE_REVISIONS_RESERVED UINT64_C(1000000)

/* A new state of one object. */
struct datastore_change {
    struct str table, ns, name;
    uint64_t revision;
    struct str json; /* empty: deleted */
};

struct datastore_batch {
    const struct datastore_change *changes; /* in the order of their revisions */
    size_t n;
    /* A store that is loaded goes on behind this revision: it is beyond all that anybody may have seen. */
    uint64_t reserved;
};

struct datastore {
    const struct datastore_ops *ops;
};

struct datastore_ops {
    /* Fills an empty store (store_load, store_load_end), and reserves as many revisions as above behind the one that it
     * ends at. *found: there were objects. */
    struct err *(*load)(struct datastore *d, struct store *into, bool *found);
    struct err *(*commit)(struct datastore *d, const struct datastore_batch *batch);
    /* Small settings beside the objects: credentials. get: empty when absent; the caller's. */
    struct err *(*get)(struct datastore *d, struct str name, struct buf *value);
    struct err *(*set)(struct datastore *d, struct str name, struct str value);
    void (*close)(struct datastore *d);
};

#endif
