/* find: what is served, built in or defined. */
#ifndef PADDOCK_SIM_KUBEAPI_CRD_FIND_H
#define PADDOCK_SIM_KUBEAPI_CRD_FIND_H

#include "sim/kubeapi/core/server.h"

const struct api_kind *api_kind_find(struct kubeapi *api, struct str group, struct str version,
                                     struct str resource);
const struct api_kind *api_kind_of(struct kubeapi *api, struct str api_version, struct str kind);
/* Any version of a table's resource. */
const struct api_kind *api_kind_of_table(struct kubeapi *api, struct str table);

#endif
