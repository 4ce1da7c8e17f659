/* queue: bytes in, bytes out, in one contiguous block: cheap views of the front, amortized O(1) per byte. Gives memory
 * back when it runs empty after having been large. Private to engine/tunnel; its bounds are those of its user. */
#ifndef PADDOCK_ENGINE_TUNNEL_QUEUE_H
#define PADDOCK_ENGINE_TUNNEL_QUEUE_H

#include "engine/base/str.h"

#include <string.h>

#define BYTE_QUEUE_KEEP_BYTES ((size_t)256 << 10) /* an empty queue keeps no more than this */

struct byte_queue {
    struct buf bytes;
    size_t head; /* taken already */
};

static inline size_t byte_queue_n(const struct byte_queue *q)
{
    return q->bytes.n - q->head;
}

static inline void byte_queue_free(struct byte_queue *q)
{
    buf_free(&q->bytes);
    q->head = 0;
}

static inline void byte_queue_add(struct byte_queue *q, struct str s)
{
    if (q->head > q->bytes.n / 2) { /* moving the lesser half pays for itself */
        memmove(q->bytes.p, q->bytes.p + q->head, q->bytes.n - q->head);
        q->bytes.n -= q->head;
        q->head = 0;
    }
    q->bytes.max = SIZE_MAX / 4; /* the user of the queue has the bound */
    buf_add(&q->bytes, s);
}

/* The first bytes, at most max, of a queue that has some. Borrowed until the next add or drop. */
static inline struct str byte_queue_front(const struct byte_queue *q, size_t max)
{
    size_t n = byte_queue_n(q);
    BUG_ON(n == 0, "somebody looked whether there is anything");
    return (struct str){q->bytes.p + q->head, n < max ? n : max};
}

static inline void byte_queue_drop(struct byte_queue *q, size_t n)
{
    BUG_ON(n > byte_queue_n(q), "no more is dropped than there is");
    q->head += n;
    if (q->head < q->bytes.n)
        return;
    q->head = 0;
    if (q->bytes.cap > BYTE_QUEUE_KEEP_BYTES)
        buf_free(&q->bytes);
    else
        buf_clear(&q->bytes);
}

#endif
