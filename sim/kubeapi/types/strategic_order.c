#include "sim/kubeapi/types/strategic_internal.h"

#include <stdlib.h>

void strategic_list_add(struct arena *a, struct strategic_list *l, cJSON *v)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        cJSON **p = ARENA_NEW_ARRAY(a, cJSON *, cap);
        if (l->n)
            memcpy(p, l->p, l->n * sizeof(cJSON *));
        l->p = p;
        l->cap = cap;
    }
    l->p[l->n++] = v;
}

void strategic_list_of(struct arena *a, const cJSON *array, struct strategic_list *out)
{
    *out = (struct strategic_list){0};
    for (cJSON *c = array ? array->child : NULL; c; c = c->next)
        strategic_list_add(a, out, c);
}

cJSON *strategic_list_node(struct arena *a, const struct strategic_list *l)
{
    cJSON *out = json_array(a);
    for (size_t i = 0; i < l->n; i++)
        l->p[i]->next = l->p[i]->prev = NULL;
    for (size_t i = 0; i < l->n; i++)
        json_append(out, l->p[i]);
    return out;
}

struct str strategic_key(struct arena *a, const cJSON *v, struct str merge_key)
{
    const cJSON *value = v->type == cJSON_Object ? json_get_str(v, merge_key) : v;
    if (!value)
        return str_empty;
    struct buf b = {.max = JSON_BYTES_MAX};
    json_write(&b, value);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

void strategic_order_init(struct strategic_order *o, struct arena *a,
                          const struct strategic_list *list, struct str merge_key)
{
    *o = (struct strategic_order){0};
    for (size_t i = 0; i < list->n; i++) {
        struct str key = strategic_key(a, list->p[i], merge_key);
        if (key.n > 0 && !map_has(&o->at, key))
            (void)map_put(&o->at, key, (void *)(uintptr_t)(i + 1));
    }
}

void strategic_order_free(struct strategic_order *o)
{
    map_free(&o->at);
}

ptrdiff_t strategic_order_find(const struct strategic_order *o, struct str key)
{
    return (ptrdiff_t)(uintptr_t)map_get(&o->at, key) - 1;
}

/* ---- arranging ---- */

struct placed {
    cJSON *v;
    ptrdiff_t rank; /* in the order that sorts its part */
    ptrdiff_t live; /* in the original list, -1: not there */
    size_t at;
};
struct part {
    struct placed *p;
    size_t n;
};

static int by_rank(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static void interleave(struct arena *a, const struct part *live, const struct part *wanted,
                       struct strategic_list *out)
{
    size_t i = 0, k = 0;
    while (i < live->n || k < wanted->n) {
        bool left = k == wanted->n;
        if (i < live->n && k < wanted->n)
            left = live->p[i].live >= 0 && wanted->p[k].live >= 0 &&
                   live->p[i].live < wanted->p[k].live;
        strategic_list_add(a, out, left ? live->p[i++].v : wanted->p[k++].v);
    }
}

void strategic_arrange(struct arena *a, const struct strategic_list *merged,
                       const struct strategic_list *wanted, const struct strategic_list *live,
                       struct str merge_key, struct strategic_list *out)
{
    struct strategic_order in_patch, in_live;
    struct part from_patch = {ARENA_NEW_ARRAY(a, struct placed, merged->n + 1), 0};
    struct part from_live = {ARENA_NEW_ARRAY(a, struct placed, merged->n + 1), 0};
    strategic_order_init(&in_patch, a, wanted, merge_key);
    strategic_order_init(&in_live, a, live, merge_key);
    for (size_t i = 0; i < merged->n; i++) {
        struct str key = strategic_key(a, merged->p[i], merge_key);
        ptrdiff_t patch_at = strategic_order_find(&in_patch, key);
        ptrdiff_t live_at = strategic_order_find(&in_live, key);
        struct part *part = patch_at >= 0 ? &from_patch : &from_live;
        part->p[part->n++] =
            (struct placed){merged->p[i], patch_at >= 0 ? patch_at : live_at, live_at, i};
    }
    qsort(from_patch.p, from_patch.n, sizeof(struct placed), by_rank);
    qsort(from_live.p, from_live.n, sizeof(struct placed), by_rank);
    *out = (struct strategic_list){0};
    interleave(a, &from_live, &from_patch, out);
    strategic_order_free(&in_patch);
    strategic_order_free(&in_live);
}
