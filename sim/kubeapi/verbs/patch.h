/* patch: PATCH requests by their content type, and what they share with server-side apply. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_PATCH_H
#define PADDOCK_SIM_KUBEAPI_VERBS_PATCH_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/types/types.h"

/* Applies a JSON, merge or strategic patch (the body, by its Content-Type) to a tree of this type; types of custom resources
 * have no strategic patches. An apply patch is not for here (api_patch_is_apply). False: answered. */
bool api_patch_tree(struct api_request *r, const struct type *t, bool custom, cJSON **tree);
bool api_patch_is_apply(const struct api_request *r);

#endif
