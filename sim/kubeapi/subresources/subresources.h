/* subresources: those of built-in kinds that are more than a part of the object: scale, binding, eviction, and what the
 * kubelet would answer. */
#ifndef PADDOCK_SIM_KUBEAPI_SUBRESOURCES_H
#define PADDOCK_SIM_KUBEAPI_SUBRESOURCES_H

#include "sim/kubeapi/core/api_internal.h"

/* Each: true when the request was one of these, and is answered. */
bool sub_scale(struct api_request *r);
bool sub_pods(struct api_request *r); /* binding (also POST bindings), eviction */
bool sub_kubelet(struct api_request *r);

#endif
