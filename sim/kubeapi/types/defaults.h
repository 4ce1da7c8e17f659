/* defaults: what servers fill in where nothing was said, as far as it can be said as data: a constant for an absent field,
 * on a condition perhaps (type_field.default_json, default_if). What must be computed (imagePullPolicy by the tag, requests by
 * limits, addresses) is the kinds' rules'.
 *
 * A field that is no pointer is also absent when it is zero. Nodes that are raw text (the rest of an object in a write to its
 * status) are left alone. Applying defaults twice changes nothing. */
#ifndef PADDOCK_SIM_KUBEAPI_TYPES_DEFAULTS_H
#define PADDOCK_SIM_KUBEAPI_TYPES_DEFAULTS_H

#include "sim/kubeapi/types/types.h"

/* All of them, in an object of this type and below. */
void type_default(struct arena *a, const struct type *t, cJSON *tree);

#endif
