/* Events go after an hour. */
#include "sim/kubeapi/core/expire.h"

#include "sim/kubeapi/core/commit.h"

static void remove_older(struct kubeapi *api, uint64_t revision)
{
    struct store_table *t = store_table(api->store, STR("events"));
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    struct kube_object **old = NULL;
    size_t n = 0;
    if (store_count(t) == 0)
        return;
    old = MEM_NEW_ARRAY(struct kube_object *, EXPIRE_MAX);
    for (struct kube_object *o; n < EXPIRE_MAX && (o = store_next(&c));)
        if (o->resource_version <= revision)
            old[n++] = kube_object_ref(o);
    for (size_t i = 0; i < n; i++) {
        if (store_get(t, old[i]->ns, old[i]->name) == old[i])
            api_write_remove(t, old[i]);
        kube_object_unref(old[i]);
    }
    mem_free(old);
}

void api_expire_tick(struct kubeapi *api)
{
    struct expiry *x = &api->expiry;
    uint64_t now = store_revision(api->store);
    if (x->n == EXPIRE_TICKS)
        remove_older(api, x->marks[x->next]);
    else
        x->n++;
    x->marks[x->next] = now;
    x->next = (x->next + 1) % EXPIRE_TICKS;
}

void api_expire_reset(struct kubeapi *api)
{
    api->expiry = (struct expiry){0};
}
