#include "sim/real/world/later.h"

void later_add(struct later *l, int64_t when, void (*fire)(void *owner), void *owner)
{
    size_t at = l->n;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->items = mem_resize(l->items, l->cap * sizeof *l->items);
    }
    for (; at > 0 && l->items[at - 1].when < when; at--) /* the next one is the last */
        l->items[at] = l->items[at - 1];
    l->items[at] = (struct later_item){when, fire, owner};
    l->n++;
}

void later_look(struct later *l, int64_t now)
{
    while (l->n > 0 && l->items[l->n - 1].when <= now) {
        struct later_item next = l->items[--l->n];
        next.fire(next.owner);
    }
}

void later_free(struct later *l)
{
    mem_free(l->items);
    *l = (struct later){0};
}
