/* policies: the status of ValidatingAdmissionPolicies, as the controller manager writes it: what the types of resources say
 * about their expressions (admission/policy_types.h), once for every generation. Not on bare servers. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_POLICIES_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_POLICIES_H

#include "sim/kubeapi/core/server.h"

struct policies;

struct policies *policies_new(struct kubeapi *api);
void policies_free(struct policies *x);
void policies_reset(struct policies *x);
void policies_event(struct policies *x, struct store_event *e);

#endif
