/* later: what is to be done at a time of the run's clock: looked at again and again, in the order of the times.
 * Ownership: later_free drops what has not come. Start with {0}. */
#ifndef PADDOCK_SIM_REAL_WORLD_LATER_H
#define PADDOCK_SIM_REAL_WORLD_LATER_H

#include "engine/base/base.h"

struct later_item {
    int64_t when;
    void (*fire)(void *owner);
    void *owner;
};
struct later {
    struct later_item *items;
    size_t n, cap;
};
void later_add(struct later *l, int64_t when, void (*fire)(void *owner), void *owner);
void later_look(struct later *l, int64_t now); /* what is due is done; it may add more */
void later_free(struct later *l);

#endif
