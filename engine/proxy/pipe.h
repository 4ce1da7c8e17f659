/* pipe: two streams joined after an upgrade: what comes out of one goes into the other, in both directions, until both have
 * ended. One that has finished writing is half-closed on the other side; an error on one side resets the other.
 *
 * Back-pressure: more than WORLD_STREAM_LOW queued on one side pauses the other.
 * Ownership: a pipe owns both streams and itself; pipes_free ends all that are left. */
#ifndef PADDOCK_ENGINE_PROXY_PIPE_H
#define PADDOCK_ENGINE_PROXY_PIPE_H

#include "engine/base/list.h"
#include "engine/world/world.h"

struct pipes {
    struct list open;
    size_t n;
    int64_t *bytes[2]; /* counters: what passed from the first stream to the second, and back */
    int64_t *copied, *open_gauge;
};
void pipes_init(struct pipes *p);
void pipes_free(struct pipes *p);
/* early: bytes that were read already, of each; they are copied. */
void pipe_join(struct pipes *p, struct world_stream *take_a, struct str early_a,
               struct world_stream *take_b, struct str early_b);

#endif
