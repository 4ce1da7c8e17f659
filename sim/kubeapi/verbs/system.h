/* system: requests of the server itself, for its own parts. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_SYSTEM_H
#define PADDOCK_SIM_KUBEAPI_VERBS_SYSTEM_H

#include "sim/kubeapi/core/request.h"

/* A request of the system itself; end it with api_system_end. */
void api_system_begin(struct kubeapi *api, struct api_request *r, const struct api_kind *k,
                      enum api_verb verb);
struct err *
api_system_end(struct api_request *r) must_check; /* the error that it was answered with, or NULL */
void api_system_drop(struct api_request *r);      /* the same, whatever was answered */

#endif
