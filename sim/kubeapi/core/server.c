#include "sim/kubeapi/core/server.h"

struct store_table *api_kind_table(struct kubeapi *api, const struct api_kind *k)
{
    if (k->crd)
        return store_table(api->store, k->table);
    size_t row = (size_t)(k - api_kinds);
    BUG_ON(row >= api_kinds_n, "a kind without a definition is a built-in row");
    if (!api->tables[row])
        api->tables[row] = store_table(api->store, k->table);
    return api->tables[row];
}

struct store *kubeapi_store(struct kubeapi *api)
{
    return api->store;
}

struct store_table *kubeapi_table(struct kubeapi *api, struct str resource_group)
{
    return store_table(api->store, resource_group);
}

struct kube_object *kubeapi_get(struct kubeapi *api, struct str resource_group, struct str ns,
                                struct str name)
{
    struct str resource, group;
    (void)str_cut(resource_group, '.', &resource, &group);
    const struct api_kind *k = api_kind_builtin(group, str_empty, resource);
    return store_get(k ? api_kind_table(api, k) : store_table(api->store, resource_group), ns,
                     name);
}

struct metrics *kubeapi_metrics(struct kubeapi *api)
{
    return &api->metrics;
}
