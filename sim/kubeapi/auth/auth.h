/* auth: the way of a request from who to whether: authn.c, impersonate.c, authorize.c.
 *
 *   certificate, token, nobody ─► user ─► [impersonation ─► another user] ─► may they? RBAC, or system:masters */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_AUTH_H
#define PADDOCK_SIM_KUBEAPI_AUTH_AUTH_H

#include "sim/kubeapi/auth/rbac.h"

/* Sets r->user. False: answered (401). */
bool api_authenticate(struct api_request *r);
/* False: answered (403). */
bool api_authorize(struct api_request *r);
/* RBAC, or above it (system:masters). *why may be NULL. */
bool api_user_allowed(struct api_request *r, const struct rbac_query *q, struct str *why);
/* A user as in userInfo: username, uid, groups, extra; what is empty is left out. */
cJSON *auth_user_info(struct api_request *r, const struct api_user *u);

/* ---- for the files of this folder ---- */
/* Why not, for a message: known to the authorizer when a role is missing; else empty. */
struct str auth_reason(struct api_request *r, const struct rbac_query *q);
bool auth_deny_path(struct api_request *r,
                    const struct rbac_query *q); /* the 403 of a path; false */
/* The 403 of a question about a resource; reason: of the authorizer, may be empty. Returns false. */
bool auth_deny(struct api_request *r, const struct rbac_query *q, struct str reason);
/* By the Impersonate- headers. False: answered. */
bool auth_impersonate(struct api_request *r);

#endif
