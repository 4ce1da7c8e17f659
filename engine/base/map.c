#include "engine/base/map.h"

#include <string.h>

#define MAP_FIRST         8u
#define MAP_ENTRIES_MAX   (UINT32_MAX / 4)

/* A walk's index holds the ordinal of the next entry (low bits) and where it probably is (high bits): positions move
 * when holes are squeezed out, ordinals never do. */
#define WALK_ORDINAL_BITS 40
#define WALK_ORDINAL_MASK ((UINT64_C(1) << WALK_ORDINAL_BITS) - 1)

struct map_entry {
    char *key; /* NULL: a hole */
    void *value;
    uint32_t key_n;
    uint32_t hash;
    uint64_t ordinal; /* ascending in the array */
};

_Static_assert(sizeof(size_t) == 8, "a walk's index has 64 bits");

static inline uint32_t hash32(struct str key)
{
    uint64_t h = str_hash(key);
    return (uint32_t)(h ^ h >> 32);
}

static inline uint64_t slot_of(uint32_t hash, size_t index)
{
    return (uint64_t)hash << 32 | (uint32_t)(index + 1);
}
static inline uint32_t slot_hash(uint64_t slot)
{
    return (uint32_t)(slot >> 32);
}
static inline size_t slot_index(uint64_t slot)
{
    return (uint32_t)slot - 1;
}

/* The slot that holds key, or the empty one where it would go. */
static size_t find_slot(const struct map *m, struct str key, uint32_t hash)
{
    size_t mask = m->slots_n - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        uint64_t slot = m->slots[at];
        if (slot == 0)
            return at;
        if (slot_hash(slot) != hash)
            continue;
        const struct map_entry *e = &m->entries[slot_index(slot)];
        if (e->key_n == key.n && (key.n == 0 || memcmp(e->key, key.p, key.n) == 0))
            return at;
    }
}

static struct map_entry *find(const struct map *m, struct str key)
{
    if (m->live == 0)
        return NULL;
    uint64_t slot = m->slots[find_slot(m, key, hash32(key))];
    return slot ? &m->entries[slot_index(slot)] : NULL;
}

static void squeeze_holes(struct map *m)
{
    size_t to = 0;
    for (size_t from = 0; from < m->used; from++)
        if (m->entries[from].key)
            m->entries[to++] = m->entries[from];
    m->used = to;
}

/* Called when the array is full: squeezes out the holes when they are half of it, doubles otherwise. */
static void make_room(struct map *m)
{
    bool double_it = m->live > m->cap / 2 || m->cap == 0;
    squeeze_holes(m);
    if (double_it) {
        BUG_ON(m->cap >= MAP_ENTRIES_MAX, "a map has fewer than 2^30 entries");
        m->cap = m->cap ? m->cap * 2 : MAP_FIRST;
        m->entries = mem_resize(m->entries, m->cap * sizeof(*m->entries));
        m->slots_n = m->cap * 2;
        m->slots = mem_resize(m->slots, m->slots_n * sizeof(*m->slots));
    }
    memset(m->slots, 0, m->slots_n * sizeof(*m->slots));
    size_t mask = m->slots_n - 1;
    for (size_t i = 0; i < m->used; i++) {
        size_t at = m->entries[i].hash & mask;
        while (m->slots[at])
            at = (at + 1) & mask;
        m->slots[at] = slot_of(m->entries[i].hash, i);
    }
}

void map_free(struct map *m)
{
    map_clear(m);
    mem_free(m->entries);
    mem_free(m->slots);
    *m = (struct map){0};
}

size_t map_count(const struct map *m)
{
    return m->live;
}

void *map_get(const struct map *m, struct str key)
{
    const struct map_entry *e = find(m, key);
    return e ? e->value : NULL;
}

bool map_has(const struct map *m, struct str key)
{
    return find(m, key) != NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    BUG_ON(key.n >= UINT32_MAX, "a key is under 4 GiB");
    uint32_t hash = hash32(key);
    if (m->live > 0) {
        uint64_t slot = m->slots[find_slot(m, key, hash)];
        if (slot) {
            void *old = m->entries[slot_index(slot)].value;
            m->entries[slot_index(slot)].value = value;
            return old;
        }
    }
    if (m->used == m->cap)
        make_room(m);
    BUG_ON(m->puts >= WALK_ORDINAL_MASK, "a map sees fewer than 2^40 puts");
    m->slots[find_slot(m, key, hash)] = slot_of(hash, m->used);
    m->entries[m->used++] =
        (struct map_entry){str_dup_c(key), value, (uint32_t)key.n, hash, m->puts++};
    m->live++;
    return NULL;
}

/* Closes the gap that an emptied slot would leave in the probe sequences that run over it. */
static void empty_slot(struct map *m, size_t gap)
{
    size_t mask = m->slots_n - 1;
    for (size_t at = (gap + 1) & mask; m->slots[at]; at = (at + 1) & mask) {
        size_t home = slot_hash(m->slots[at]) & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            m->slots[gap] = m->slots[at];
            gap = at;
        }
    }
    m->slots[gap] = 0;
}

void *map_remove(struct map *m, struct str key)
{
    if (m->live == 0)
        return NULL;
    size_t at = find_slot(m, key, hash32(key));
    if (m->slots[at] == 0)
        return NULL;
    struct map_entry *e = &m->entries[slot_index(m->slots[at])];
    void *value = e->value;
    empty_slot(m, at);
    mem_free(e->key);
    e->key = NULL;
    m->live--;
    while (m->used > 0 && !m->entries[m->used - 1].key)
        m->used--;
    return value;
}

/* The first position whose ordinal is at least the given one. */
static size_t seek(const struct map *m, uint64_t ordinal, size_t hint)
{
    if (hint <= m->used && (hint == m->used || m->entries[hint].ordinal >= ordinal) &&
        (hint == 0 || m->entries[hint - 1].ordinal < ordinal))
        return hint;
    size_t lo = 0, hi = m->used;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->entries[mid].ordinal < ordinal)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool map_next(const struct map *m, size_t *i, struct str *key, void **value)
{
    size_t at = seek(m, *i & WALK_ORDINAL_MASK, *i >> WALK_ORDINAL_BITS);
    while (at < m->used && !m->entries[at].key)
        at++;
    if (at >= m->used)
        return false;
    const struct map_entry *e = &m->entries[at];
    if (key)
        *key = (struct str){e->key, e->key_n};
    if (value)
        *value = e->value;
    *i = (at + 1) << WALK_ORDINAL_BITS | (e->ordinal + 1);
    return true;
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->used; i++)
        mem_free(m->entries[i].key);
    if (m->slots)
        memset(m->slots, 0, m->slots_n * sizeof(*m->slots));
    m->used = m->live = 0;
}
