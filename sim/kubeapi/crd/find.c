#include "sim/kubeapi/crd/find.h"

#include "engine/kube/gvr.h"
#include "sim/kubeapi/crd/crds.h"

const struct api_kind *api_kind_find(struct kubeapi *api, struct str group, struct str version,
                                     struct str resource)
{
    const struct api_kind *k = api_kind_builtin(group, version, resource);
    return k ? k : crds_find(api->crds, group, version, resource);
}

const struct api_kind *api_kind_of(struct kubeapi *api, struct str api_version, struct str kind)
{
    struct str group, version;
    if (!kube_api_version_parse(api_version, &group, &version))
        return NULL;
    const struct api_kind *k = api_kind_builtin_of(group, version, kind);
    return k ? k : crds_of(api->crds, group, version, kind);
}

const struct api_kind *api_kind_of_table(struct kubeapi *api, struct str table)
{
    struct str resource, group;
    (void)str_cut(table, '.', &resource, &group);
    const struct api_kind *k = api_kind_builtin(group, str_empty, resource);
    return k ? k : crds_of_table(api->crds, table);
}
