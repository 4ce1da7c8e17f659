/* auth: the way of a request from who to whether: authn.c, impersonate.c, authorize.c. Declared in api_internal.h are
 * api_authenticate and api_authorize; here is what the files of this folder share.
 *
 *   certificate, token, nobody ─► user ─► [impersonation ─► another user] ─► may they? RBAC, or system:masters */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_AUTH_H
#define PADDOCK_SIM_KUBEAPI_AUTH_AUTH_H

#include "sim/kubeapi/core/api_internal.h"

/* The 403 of a question about a resource; reason: of the authorizer, may be empty. Returns false. */
bool auth_deny(struct api_request *r, const struct rbac_query *q, struct str reason);
/* By the Impersonate- headers. False: answered. */
bool auth_impersonate(struct api_request *r);

#endif
