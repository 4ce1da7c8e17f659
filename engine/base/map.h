/* map: str → pointer, iterated in insertion order whatever the hash (determinism: no order of a run may come from a
 * hash). Removal keeps the order of the rest. Cost: O(1) put, get, remove amortized.
 *
 * Ownership: keys are copied in; values are the caller's. A borrowed key lives until its entry is removed.
 * Iteration: for (size_t i = 0; map_next(&m, &i, &key, &value);) { ... } — any entry may be removed
 * during the walk; entries put during it are visited too. i is opaque: start at 0. */
#ifndef PADDOCK_ENGINE_BASE_MAP_H
#define PADDOCK_ENGINE_BASE_MAP_H

#include "engine/base/str.h"

struct map_entry;
struct map {
    struct map_entry *entries; /* insertion order, with holes */
    uint64_t *slots;           /* open addressing: 32 bits of hash, index + 1 into entries */
    size_t used, cap, slots_n, live;
    uint64_t puts; /* the ordinal of the next entry */
};

void map_free(struct map *m); /* not the values */
size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL: none */
bool map_has(const struct map *m, struct str key);
void *map_put(struct map *m, struct str key, void *value); /* the old value, or NULL */
void *map_remove(struct map *m, struct str key);           /* the value, or NULL */
bool map_next(const struct map *m, size_t *i, struct str *key,
              void **value); /* key, value may be NULL */
void map_clear(struct map *m);

#endif
