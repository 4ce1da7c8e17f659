/* definitions: what the server does about CustomResourceDefinitions of its own accord: one that is marked for deletion takes
 * its objects along, then loses its finalizer; names that came free go to the definitions that wait for them. The server of
 * definitions itself does this, not the controller manager: also a bare one. It hears of events behind crds_event. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_DEFINITIONS_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_DEFINITIONS_H

#include "sim/kubeapi/core/server.h"

struct definitions *definitions_new(struct kubeapi *api);
void definitions_free(struct definitions *x);
void definitions_reset(struct definitions *x);
void definitions_event(struct definitions *x, struct store_event *e);

#endif
