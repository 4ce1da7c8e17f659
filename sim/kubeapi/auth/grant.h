/* grant: nobody gives rights that they do not hold. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_GRANT_H
#define PADDOCK_SIM_KUBEAPI_AUTH_GRANT_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

/* May the user write this role or binding? True for other kinds. False: answered. */
bool rbac_may_grant(struct api_request *r, const cJSON *tree);

#endif
