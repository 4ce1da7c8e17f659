/* heap: intrusive min-heap of nodes ordered by (at, seq). Used for timers and event queues. Ties are broken by seq, which
 * the caller gives ascending, so that equal times keep their order. Cost: O(log n); removal of any node too.
 * Layout: a slot is 16 bytes, four children are a cache line, and a slot names its node by a small number. Where a
 * number's slot is stands in an array of its own: moving slots touches neither nodes nor what they are part of.
 * Bounds: seq < 2^40, HEAP_NODES_MAX nodes at a time. */
#ifndef PADDOCK_ENGINE_BASE_HEAP_H
#define PADDOCK_ENGINE_BASE_HEAP_H

#include "engine/base/base.h"

#define HEAP_ID_BITS   24
#define HEAP_NODES_MAX ((size_t)1 << HEAP_ID_BITS)

struct heap_node {
    size_t index; /* its number in the heap + 1; 0: not in a heap */
};
struct heap_slot {
    int64_t at;
    uint64_t key; /* seq, then the node's number */
};
struct heap {
    struct heap_slot *slots;
    void *slots_block;        /* what the slots are in: they are aligned */
    struct heap_node **nodes; /* by number */
    uint32_t *places;         /* by number: position in slots */
    uint32_t *unused;         /* numbers below cap that are: cap - n of them */
    size_t n, cap;
};

void heap_free(struct heap *h);
void heap_push(struct heap *h, struct heap_node *node, int64_t at, uint64_t seq);
bool heap_peek(const struct heap *h, int64_t *at, struct heap_node **node); /* false: empty */
struct heap_node *heap_pop(struct heap *h);                                 /* NULL: empty */
/* The same, with its time and sequence number; what the node is part of is not read. */
struct heap_node *heap_take(struct heap *h, int64_t *at, uint64_t *seq);
void heap_remove(struct heap *h, struct heap_node *node); /* no-op when not in */
static inline bool heap_has(const struct heap_node *node)
{
    return node->index != 0;
}

#endif
