/* policy_types: what the types of the resources that a policy is for say about its expressions.
 *
 * A policy is accepted when its expressions compile over objects of any type. Its status then tells where they would not
 * over the objects that it names: a field that is not there, a text that is added to a number. Wildcards, subresources and
 * kinds without a schema are passed over.
 * Bounds: POLICY_TYPES_MAX kinds a policy. */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_POLICY_TYPES_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_POLICY_TYPES_H

#include "sim/kubeapi/core/server.h"

#define POLICY_TYPES_MAX 10u

/* status.typeChecking of a ValidatingAdmissionPolicy: {} or {expressionWarnings: [{fieldRef, warning}]}. */
cJSON *policy_type_checking(struct kubeapi *api, struct arena *a, const cJSON *policy);

#endif
