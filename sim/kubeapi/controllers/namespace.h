/* namespace: what every namespace has, and how one ends with all that is in it. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_NAMESPACE_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_NAMESPACE_H

#include "sim/kubeapi/core/server.h"

struct namespaces *api_namespaces_new(struct kubeapi *api);
void api_namespaces_free(struct namespaces *x);
void api_namespaces_reset(struct namespaces *x);
void api_namespaces_event(struct namespaces *x, struct store_event *e);

#endif
