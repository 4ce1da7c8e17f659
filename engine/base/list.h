/* list: intrusive doubly linked list. The node lives in its owner (container_of leads back). A list head must be
 * initialized with list_init; so must a node that list_remove may meet before it was added (remove is idempotent). */
#ifndef PADDOCK_ENGINE_BASE_LIST_H
#define PADDOCK_ENGINE_BASE_LIST_H

#include "engine/base/base.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_tail(struct list *head, struct list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
static inline void list_add_head(struct list *head, struct list *n)
{
    list_add_tail(head->next, n);
}
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
/* Safe against removal of the visited node. */
#define list_each(head, it, next_it)                                                               \
    for (struct list *it = (head)->next, *next_it = it->next; it != (head);                        \
         it = next_it, next_it = it->next)

#endif
