/* oset: objects ordered by (namespace, name) in chunks of pointers; the ordered set below each table of the store.
 *
 *   chunks: [a..f] [g..m] [n..z]      a chunk is shared by snapshots until somebody writes to it (copy on write)
 *
 * Two levels are enough: with 1,000,000 objects a split moves at most 200 KiB of pointers every 64 insertions.
 * Ownership: each chunk holds a reference to its objects; sets hold references to chunks. */
#ifndef PADDOCK_SIM_KUBEAPI_STORE_OSET_H
#define PADDOCK_SIM_KUBEAPI_STORE_OSET_H

#include "engine/kube/object.h"

#define OSET_CHUNK_MAX 128u

struct oset_chunk;
struct oset {
    struct oset_chunk **chunks;
    size_t n, cap; /* chunks */
    size_t count;  /* objects */
};

/* First position that is not before the key. */
void oset_seek(const struct oset *s, struct str ns, struct str name, size_t *chunk, size_t *at);
bool oset_step(const struct oset *s, size_t *chunk, size_t *at, struct kube_object **o);
struct kube_object *oset_get(const struct oset *s, struct str ns, struct str name);
/* Puts (takes the reference); *replaced (owned by the caller) is the object that was there, or NULL. */
void oset_put(struct oset *s, struct kube_object *take, struct kube_object **replaced);
struct kube_object *oset_remove(struct oset *s, struct str ns,
                                struct str name); /* owned by the caller; NULL: absent */
void oset_copy(struct oset *to,
               const struct oset *from); /* shares the chunks; `to` must be empty */
void oset_free(struct oset *s);          /* leaves an empty set */

#endif
