#include "engine/base/heap.h"

#include <string.h>

/* Four children a node: half the levels of a binary heap, and the children share a cache line. */
#define HEAP_WAYS  4u
#define LINE_BYTES 64u
#define HEAP_FIRST 16u
#define ID_MASK    (HEAP_NODES_MAX - 1)
#define SEQ_MAX    (UINT64_MAX >> HEAP_ID_BITS)

static inline bool before(const struct heap_slot *a, const struct heap_slot *b)
{
    return a->at != b->at ? a->at < b->at : a->key < b->key;
}

static inline uint32_t id_of(const struct heap_slot *slot)
{
    return (uint32_t)(slot->key & ID_MASK);
}

static inline void place(struct heap *h, size_t i, struct heap_slot slot)
{
    h->slots[i] = slot;
    h->places[id_of(&slot)] = (uint32_t)i;
}

static void sift_up(struct heap *h, size_t i, struct heap_slot slot)
{
    while (i > 0) {
        size_t parent = (i - 1) / HEAP_WAYS;
        if (!before(&slot, &h->slots[parent]))
            break;
        place(h, i, h->slots[parent]);
        i = parent;
    }
    place(h, i, slot);
}

static void sift_down(struct heap *h, size_t i, struct heap_slot slot)
{
    for (;;) {
        size_t child = i * HEAP_WAYS + 1;
        if (child >= h->n)
            break;
        size_t below = child * HEAP_WAYS + 1; /* each child's children: a line each */
        for (size_t k = 0; k < HEAP_WAYS && below < h->n; k++, below += HEAP_WAYS)
            __builtin_prefetch(&h->slots[below]);
        size_t end = child + HEAP_WAYS < h->n ? child + HEAP_WAYS : h->n;
        size_t least = child;
        while (++child < end)
            if (before(&h->slots[child], &h->slots[least]))
                least = child;
        if (!before(&h->slots[least], &slot))
            break;
        place(h, i, h->slots[least]);
        i = least;
    }
    place(h, i, slot);
}

void heap_free(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++)
        h->nodes[id_of(&h->slots[i])]->index = 0;
    mem_free(h->slots_block);
    mem_free(h->nodes);
    mem_free(h->places);
    mem_free(h->unused);
    *h = (struct heap){0};
}

/* The root stands alone, at the end of a line, so that the children of each slot begin one. */
static void grow_slots(struct heap *h, size_t cap)
{
    char *block = mem_alloc(cap * sizeof(*h->slots) + 2 * LINE_BYTES);
    uintptr_t line = ((uintptr_t)block + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    char *root = block + (line - (uintptr_t)block) + LINE_BYTES - sizeof(*h->slots);
    struct heap_slot *slots = (void *)root;
    if (h->n > 0)
        memcpy(slots, h->slots, h->n * sizeof(*slots));
    mem_free(h->slots_block);
    h->slots_block = block;
    h->slots = slots;
}

static void grow(struct heap *h)
{
    size_t cap = h->cap ? h->cap * 2 : HEAP_FIRST;
    BUG_ON(cap > HEAP_NODES_MAX, "a heap has fewer than 2^24 nodes");
    grow_slots(h, cap);
    h->nodes = mem_resize(h->nodes, cap * sizeof(struct heap_node *));
    h->places = mem_resize(h->places, cap * sizeof(*h->places));
    h->unused = mem_resize(h->unused, cap * sizeof(*h->unused));
    for (size_t i = h->cap; i < cap; i++)
        h->unused[cap - 1 - i] = (uint32_t)i; /* all that were there are in use */
    h->cap = cap;
}

void heap_push(struct heap *h, struct heap_node *node, int64_t at, uint64_t seq)
{
    BUG_ON(node->index != 0, "a node is in one heap at a time");
    BUG_ON(seq > SEQ_MAX, "a heap sees fewer than 2^40 sequence numbers");
    if (h->n == h->cap)
        grow(h);
    uint32_t id = h->unused[h->cap - 1 - h->n];
    h->nodes[id] = node;
    node->index = (size_t)id + 1;
    sift_up(h, h->n++, (struct heap_slot){at, seq << HEAP_ID_BITS | id});
}

bool heap_peek(const struct heap *h, int64_t *at, struct heap_node **node)
{
    if (h->n == 0)
        return false;
    *at = h->slots[0].at;
    *node = h->nodes[id_of(&h->slots[0])];
    return true;
}

/* The slot goes; its number is free. */
static void slot_remove(struct heap *h, size_t i, uint32_t id)
{
    struct heap_slot last = h->slots[--h->n];
    h->unused[h->cap - 1 - h->n] = id;
    if (i == h->n)
        return;
    if (i > 0 && before(&last, &h->slots[(i - 1) / HEAP_WAYS]))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

struct heap_node *heap_take(struct heap *h, int64_t *at, uint64_t *seq)
{
    if (h->n == 0)
        return NULL;
    uint32_t id = id_of(&h->slots[0]);
    struct heap_node *first = h->nodes[id];
    *at = h->slots[0].at;
    *seq = h->slots[0].key >> HEAP_ID_BITS;
    first->index = 0;
    slot_remove(h, 0, id);
    for (size_t i = 0; i <= HEAP_WAYS && i < h->n; i++) /* one of these is next */
        __builtin_prefetch(&h->nodes[id_of(&h->slots[i])]);
    return first;
}

struct heap_node *heap_pop(struct heap *h)
{
    int64_t at;
    uint64_t seq;
    return heap_take(h, &at, &seq);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->index == 0)
        return;
    uint32_t id = (uint32_t)(node->index - 1);
    BUG_ON(id >= h->cap || h->nodes[id] != node, "the node is in this heap");
    node->index = 0;
    slot_remove(h, h->places[id], id);
}
