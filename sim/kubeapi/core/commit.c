#include "sim/kubeapi/core/commit.h"

struct kube_object *api_write_encode(struct kubeapi *api, const cJSON *tree)
{
    struct kube_object *o = NULL;
    buf_clear(&api->scratch);
    json_write(&api->scratch, tree);
    struct err *err = kube_object_from_canonical(buf_str(&api->scratch), &o);
    BUG_ON(err, "a checked tree makes an object");
    return o;
}

void api_write_revision(struct arena *a, cJSON *tree, uint64_t revision)
{
    char text[24];
    struct buf b = {.max = sizeof(text)};
    buf_add_u64(&b, revision);
    json_set_str(a, json_get(tree, "metadata"), "resourceVersion", buf_str(&b));
    buf_free(&b);
}

struct kube_object *api_write_commit(struct kubeapi *api, struct store_table *t, cJSON *tree,
                                     struct arena *a)
{
    api_write_revision(a, tree, store_revision(store_of(t)) + 1);
    struct kube_object *o = api_write_encode(api, tree);
    store_put(t, o);
    return o;
}

void api_write_remove(struct store_table *t, struct kube_object *o)
{
    store_delete(t, kube_object_with_revision(o, store_revision(store_of(t)) + 1));
}
