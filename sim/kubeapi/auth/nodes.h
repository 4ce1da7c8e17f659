/* nodes: what kubelets may: users system:node:NAME of group system:nodes see their own node, the pods that run on it, and
 * what those pods use: secrets, config maps, claims and their volumes, accounts. It is asked before RBAC; what it has no
 * opinion on RBAC decides. What kubelets may write is narrowed once more by admission/node_restriction.c.
 *
 *   node ◄─ spec.nodeName ─ pod ─► secret | config map | account | claim ─► volume ─► secret
 *
 * Cost: a question about an object looks at the pods of its namespace, nothing is kept between questions. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_NODES_H
#define PADDOCK_SIM_KUBEAPI_AUTH_NODES_H

#include "sim/kubeapi/auth/rbac.h"

/* The node whose kubelet the user is. False: it is none. */
bool nodes_user(const struct api_user *u, struct str *node);
/* *why (may be NULL): why not; in the arena. */
bool nodes_allow(struct api_request *r, const struct rbac_query *q, struct str node,
                 struct str *why);

/* What a pod uses. */
enum nodes_use { NODES_SECRET, NODES_CONFIG_MAP, NODES_CLAIM, NODES_ACCOUNT, NODES_RESOURCE_CLAIM };
/* name empty: anything of that kind. */
bool nodes_pod_uses(const cJSON *pod, enum nodes_use use, struct str name);

#endif
