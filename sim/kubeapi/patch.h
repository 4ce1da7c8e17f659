/* patch: PATCH requests by their content type, and what they share with server-side apply. */
#ifndef PADDOCK_SIM_KUBEAPI_PATCH_H
#define PADDOCK_SIM_KUBEAPI_PATCH_H

#include "sim/kubeapi/api_internal.h"

/* The name and namespace of the tree are those of the URL? False: answered with 400. */
bool api_check_url(struct api_request *r, const cJSON *tree);
/* A patched tree as an object of the request's kind. False: answered. */
bool api_patch_decode(struct api_request *r, cJSON *tree);

#endif
