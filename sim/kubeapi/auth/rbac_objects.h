/* rbac_objects: rules of the kinds Role, ClusterRole and their bindings, as rows of the table of kinds' rules. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_RBAC_OBJECTS_H
#define PADDOCK_SIM_KUBEAPI_AUTH_RBAC_OBJECTS_H

#include "sim/kubeapi/core/request.h"

/* Roles are stored with rules, and be it null: nobody owns that. */
void rbac_prepare_role(struct api_request *r, cJSON *tree);
void rbac_check_role(struct api_request *r, const cJSON *tree, const struct kube_object *old);
void rbac_default_binding(struct api_request *r, cJSON *tree, bool creating);
void rbac_check_binding(struct api_request *r, const cJSON *tree, const struct kube_object *old);

#endif
