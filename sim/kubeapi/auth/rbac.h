/* rbac: who may do what, by roles and bindings: an index over the store, kept by its events. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_RBAC_H
#define PADDOCK_SIM_KUBEAPI_AUTH_RBAC_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

struct rbac_query {
    const struct api_user *user;
    struct str verb, group, resource, sub, ns, name;
    struct str path;          /* of a non-resource request */
    struct str node_selected; /* of pods: only those with this spec.nodeName */
    bool non_resource;
};
struct rbac *rbac_new(struct kubeapi *api);
void rbac_free(struct rbac *x);
void rbac_reset(struct rbac *x); /* builds the index from the store */
void rbac_event(struct rbac *x, struct store_event *e);
void rbac_settle(struct rbac *x); /* writes the aggregated roles now, not soon */
/* *why (may be NULL): the reason that a review shows; in the arena. */
bool rbac_allows(struct rbac *x, const struct rbac_query *q, struct arena *a, struct str *why);
/* The rules that a user has in a namespace, as JSON arrays of a SelfSubjectRulesReview. *errors: roles that are missing. */
void rbac_rules_of(struct rbac *x, const struct api_user *user, struct str ns, struct arena *a,
                   cJSON *resource_rules, cJSON *non_resource_rules, struct str *errors);

#endif
