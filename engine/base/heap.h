/* heap: intrusive binary min-heap of nodes ordered by (at, seq). Used for timers and event queues. Ties are broken by
 * seq, which the caller gives ascending, so that equal times keep their order. Cost: O(log n); removal of any node too.
 * Layout: the array holds (at, seq, node) together, so that comparisons do not touch the nodes. */
#ifndef PADDOCK_ENGINE_BASE_HEAP_H
#define PADDOCK_ENGINE_BASE_HEAP_H

#include "engine/base/base.h"

struct heap_node {
    size_t index; /* position + 1; 0: not in a heap */
};
struct heap_slot {
    int64_t at;
    uint64_t seq;
    struct heap_node *node;
};
struct heap {
    struct heap_slot *slots;
    size_t n, cap;
};

void heap_free(struct heap *h);
void heap_push(struct heap *h, struct heap_node *node, int64_t at, uint64_t seq);
bool heap_peek(const struct heap *h, int64_t *at, struct heap_node **node); /* false: empty */
struct heap_node *heap_pop(struct heap *h);                                 /* NULL: empty */
void heap_remove(struct heap *h, struct heap_node *node);                   /* no-op when not in */
static inline bool heap_has(const struct heap_node *node)
{
    return node->index != 0;
}

#endif
