/* The objects of an informer and their indexes. */
#include "engine/kube/cache.h"

static void index_remove(struct map *values, kube_index_of of, struct str key,
                         const struct kube_object *o)
{
    struct buf value = {0};
    of(o, &value);
    struct map *members = value.n ? map_get(values, buf_str(&value)) : NULL;
    if (members) {
        map_remove(members, key);
        if (map_count(members) ==
            0) { /* values come and go without end (tokens): keep none that is empty */
            map_remove(values, buf_str(&value));
            map_free(members);
            mem_free(members);
        }
    }
    buf_free(&value);
}

static void index_put(struct map *values, kube_index_of of, struct str key, struct kube_object *o)
{
    struct buf value = {0};
    of(o, &value);
    if (value.n) {
        struct map *members = map_get(values, buf_str(&value));
        if (!members) {
            members = MEM_NEW(struct map);
            map_put(values, buf_str(&value), members);
        }
        map_put(members, key, o);
    }
    buf_free(&value);
}

struct kube_object *kube_cache_put(struct kube_cache *c, struct str key, struct kube_object *o)
{
    struct kube_object *old = map_put(&c->objects, key, kube_object_ref(o));
    for (size_t i = 0; i < c->indexes_n; i++) {
        if (old)
            index_remove(&c->indexes[i].values, c->indexes[i].of, key, old);
        index_put(&c->indexes[i].values, c->indexes[i].of, key, o);
    }
    return old;
}

struct kube_object *kube_cache_remove(struct kube_cache *c, struct str key)
{
    struct kube_object *old = map_get(&c->objects, key);
    if (!old)
        return NULL;
    for (size_t i = 0; i < c->indexes_n; i++)
        index_remove(&c->indexes[i].values, c->indexes[i].of, key, old);
    map_remove(&c->objects, key); /* last: key may be borrowed from the entry */
    return old;
}

void kube_cache_free(struct kube_cache *c)
{
    void *value;
    for (size_t i = 0; map_next(&c->objects, &i, NULL, &value);)
        kube_object_unref(value);
    map_free(&c->objects);
    for (size_t n = 0; n < c->indexes_n; n++) {
        for (size_t i = 0; map_next(&c->indexes[n].values, &i, NULL, &value);) {
            map_free(value);
            mem_free(value);
        }
        map_free(&c->indexes[n].values);
    }
}
