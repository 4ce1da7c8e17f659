/* backoff: the pause before the n-th retry: exponential from `first`, capped at `max`, with full jitter between half of
 * it and all of it, so that equal clients do not come back together. Integers only. */
#ifndef PADDOCK_ENGINE_KUBE_BACKOFF_H
#define PADDOCK_ENGINE_KUBE_BACKOFF_H

#include "engine/world/world.h"

/* failures: how many in a row so far (0 gives a pause within [first/2, first]). */
static inline world_time kube_backoff(struct world *w, uint32_t failures, world_time first,
                                      world_time max)
{
    world_time pause = first;
    for (uint32_t i = 0; i < failures && pause < max; i++)
        pause *= 2;
    if (pause > max)
        pause = max;
    return pause / 2 + world_random_time(w, pause - pause / 2);
}

#endif
