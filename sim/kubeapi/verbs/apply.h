/* apply: server-side apply: application/apply-patch+yaml. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_APPLY_H
#define PADDOCK_SIM_KUBEAPI_VERBS_APPLY_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

void api_handle_apply(struct api_request *r);
/* An apply to a Scale that stands for the number at `path` (field names, NULL at the end) of `parent`. The body's wish is merged
 * into *wanted, a Scale; ownership is the parent's, for the write of the parent that follows. False: answered. */
bool api_apply_scale(struct api_request *r, const cJSON *parent, const char *const *path,
                     const cJSON *scale, cJSON **wanted);

#endif
