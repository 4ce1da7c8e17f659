/* informer: a cache of one resource kept current by list and watch, with indexes and change handlers.
 *
 *   stopped ─► listing ─► watching ─► (stream ended) ─► watching from the last version seen ─► ...
 *                 ▲           └─ 410 Gone ─► listing           └─ error ─► pause (jittered) ─► watching
 *                 └─ error ─► pause (jittered) ─► listing
 *
 * A relist is compared with the cache: exactly the differences reach the handlers, deletions as well (a tombstone is the
 * last object known). Bookmarks move the version to resume from. `synced` is true once the first list is complete.
 * A server whose version is behind ours (asked after each watch, seen in each event) was restored: listed again as well.
 * Policies: cache.verify compares the cache with lists of metadata now and then (verify.h): one that differs is listed
 *           again. cache.progress asks a watch anew that has said nothing for cache.progress_after (five times as long
 *           while there is no doubt, as in verify.h; a comparison that agreed counts as news).
 *
 * Ownership: the informer holds one reference per object; objects given to handlers are borrowed. Keys are "ns/name" or
 *            "name". Handlers may free the informer.
 * Limit:     a restored server that has overtaken our version before we could ask for it looks like one that went on.
 * Bounds:    pages of KUBE_INFORMER_PAGE objects; watches end after 5 to 10 minutes and resume.
 * Source:    fixtures/incidents.yaml#K07. */
#ifndef PADDOCK_ENGINE_KUBE_INFORMER_H
#define PADDOCK_ENGINE_KUBE_INFORMER_H

#include "engine/base/map.h"
#include "engine/kube/client.h"
#include "engine/world/policy.h"

#define KUBE_INFORMER_PAGE         500u
#define KUBE_INFORMER_RETRY        (800 * NS_PER_MS)
#define KUBE_INFORMER_RETRY_MAX    (30 * NS_PER_S)
#define KUBE_INFORMER_INDEXES      4u
/* A watch may be silent that much longer when there is no doubt. */
#define KUBE_INFORMER_SILENCE_CALM 5

struct kube_informer;
/* before or after may be NULL (added, deleted). */
typedef void (*kube_change)(void *owner, const struct kube_object *before,
                            const struct kube_object *after);
/* The object of a change as it is, or was last: for what both states agree on, as its name. */
static inline const struct kube_object *kube_changed(const struct kube_object *before,
                                                     const struct kube_object *after)
{
    BUG_ON(!before && !after, "a change is of something");
    return after ? after : before;
}
/* Appends the index value of an object; nothing appended: the object is not in the index. */
typedef void (*kube_index_of)(const struct kube_object *o, struct buf *value);

struct kube_informer *kube_informer_new(struct kube_client *c, const struct kube_target *target);
/* Before start. Without: those of `compat`. */
void kube_informer_set_policies(struct kube_informer *inf, const struct policies *policies);
void kube_informer_free(struct kube_informer *inf);
/* Before start. Returns the index's number. */
size_t kube_informer_index(struct kube_informer *inf, kube_index_of of);
void kube_informer_on_change(struct kube_informer *inf, kube_change change, void *owner);
/* Removes every change handler of that owner, also inside callbacks: none of them is called any more. */
void kube_informer_off_change(struct kube_informer *inf, const void *owner);
/* Called once, when the first list is complete (after its `added` changes). */
void kube_informer_on_synced(struct kube_informer *inf, void (*synced)(void *owner), void *owner);
void kube_informer_start(struct kube_informer *inf);
/* The network is back: what waits or listens goes on at once, from where it was. Only under cache.progress: deadline. */
void kube_informer_hurry(struct kube_informer *inf);

const struct kube_gvr *kube_informer_gvr(const struct kube_informer *inf);
struct str kube_informer_ns(const struct kube_informer *inf); /* empty: all */
bool kube_informer_synced(const struct kube_informer *inf);
struct kube_object *kube_informer_get(const struct kube_informer *inf, struct str key);
/* Every object in order of arrival: struct str key; for (size_t i = 0; (o = kube_informer_next(inf, &i, &key));) */
struct kube_object *kube_informer_next(const struct kube_informer *inf, size_t *i, struct str *key);
size_t kube_informer_count(const struct kube_informer *inf);
/* The objects of one index value; map_next over it gives (key, struct kube_object *). NULL: none. */
const struct map *kube_informer_by(const struct kube_informer *inf, size_t index, struct str value);

struct kube_informer_state {
    uint64_t resource_version; /* of the last event, bookmark or list */
    world_time heard_at;       /* when the server last said anything: the age of the data */
    uint64_t lists, watches, events, gone, errors;
    uint64_t added, removed; /* changes of these kinds that handlers were told */
    uint64_t stalls;         /* watches asked anew because they said nothing */
    uint64_t verifications;  /* requests of them */
    uint64_t heals;          /* differences that they found, after which all was listed */
    world_time healed_at;    /* when the last such list was complete; 0: never */
};
struct kube_informer_state kube_informer_state(const struct kube_informer *inf);
/* How long ago that was on the informer's own clock; the age of the data is that of heard_at, -1 before anything was. */
world_time kube_informer_since(const struct kube_informer *inf, world_time moment);
world_time kube_informer_age(const struct kube_informer *inf);

#endif
