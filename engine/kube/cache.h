/* cache: the objects of an informer by key, with indexes. Holds one reference per object.
 * Cost: put, remove, get O(1); an index lookup O(1) plus its members. */
#ifndef PADDOCK_ENGINE_KUBE_CACHE_H
#define PADDOCK_ENGINE_KUBE_CACHE_H

#include "engine/kube/informer.h"

struct kube_cache {
    struct map objects; /* key → struct kube_object * */
    struct {
        kube_index_of of;
        struct map values; /* index value → struct map * (key → object) */
    } indexes[KUBE_INFORMER_INDEXES];
    size_t indexes_n;
};

/* Takes one reference of its own. The old object is given to the caller, who unrefs it; NULL: there was none. */
struct kube_object *kube_cache_put(struct kube_cache *c, struct str key, struct kube_object *o);
struct kube_object *kube_cache_remove(struct kube_cache *c, struct str key);
void kube_cache_free(struct kube_cache *c);

#endif
