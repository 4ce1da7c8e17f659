/* strategic_internal: lists of a strategic merge patch as arrays of nodes that are known by a key. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_STRATEGIC_INTERNAL_H
#define PADDOCK_SIM_KUBEAPI_TYPES_STRATEGIC_INTERNAL_H

#include "engine/base/map.h"
#include "sim/kubeapi/types/strategic.h"

struct strategic_list {
    cJSON **p;
    size_t n, cap;
};
/* Positions by key: the key of an object is the text of its merge key's value, of a scalar its own text. */
struct strategic_order {
    struct map at; /* key → position + 1 */
};

void strategic_list_of(struct arena *a, const cJSON *array, struct strategic_list *out);
void strategic_list_add(struct arena *a, struct strategic_list *l, cJSON *v);
/* An array node of the items, which must be in no other. */
cJSON *strategic_list_node(struct arena *a, const struct strategic_list *l);
/* str_empty: an object without the key. */
struct str strategic_key(struct arena *a, const cJSON *v, struct str merge_key);
void strategic_order_init(struct strategic_order *o, struct arena *a,
                          const struct strategic_list *list, struct str merge_key);
void strategic_order_free(struct strategic_order *o);
ptrdiff_t strategic_order_find(const struct strategic_order *o, struct str key); /* -1: absent */

/* Brings a merged list in order: `wanted` is the patch's (or the directive's) order, `live` the original one. */
void strategic_arrange(struct arena *a, const struct strategic_list *merged,
                       const struct strategic_list *wanted, const struct strategic_list *live,
                       struct str merge_key, struct strategic_list *out);

#endif
