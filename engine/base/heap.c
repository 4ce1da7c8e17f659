#include "engine/base/heap.h"

/* Four children a node: half the levels of a binary heap, and the children share a cache line or two. */
#define HEAP_WAYS  4u
#define HEAP_FIRST 16u

static inline bool before(const struct heap_slot *a, const struct heap_slot *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static inline void place(struct heap *h, size_t i, struct heap_slot slot)
{
    h->slots[i] = slot;
    slot.node->index = i + 1;
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
        h->slots[i].node->index = 0;
    mem_free(h->slots);
    *h = (struct heap){0};
}

void heap_push(struct heap *h, struct heap_node *node, int64_t at, uint64_t seq)
{
    BUG_ON(node->index != 0, "a node is in one heap at a time");
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : HEAP_FIRST;
        h->slots = mem_resize(h->slots, h->cap * sizeof(*h->slots));
    }
    sift_up(h, h->n++, (struct heap_slot){at, seq, node});
}

bool heap_peek(const struct heap *h, int64_t *at, struct heap_node **node)
{
    if (h->n == 0)
        return false;
    *at = h->slots[0].at;
    *node = h->slots[0].node;
    return true;
}

struct heap_node *heap_pop(struct heap *h)
{
    if (h->n == 0)
        return NULL;
    struct heap_node *first = h->slots[0].node;
    heap_remove(h, first);
    return first;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->index == 0)
        return;
    size_t i = node->index - 1;
    BUG_ON(i >= h->n || h->slots[i].node != node, "the node is in this heap");
    node->index = 0;
    struct heap_slot last = h->slots[--h->n];
    if (i == h->n)
        return;
    if (i > 0 && before(&last, &h->slots[(i - 1) / HEAP_WAYS]))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}
