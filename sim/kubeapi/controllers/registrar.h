/* registrar: an APIService for every version of a group that definitions serve, as the aggregator of a real server keeps
 * them: made when the first definition comes, put back when somebody changes or deletes it, gone with the last definition.
 * Only where the server has APIServices of its own groups (furnish/furnish.h); also on bare servers. Level-triggered: one
 * look over all, a moment after whatever happened. It hears of events behind crds_event. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_REGISTRAR_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_REGISTRAR_H

#include "sim/kubeapi/core/server.h"

struct registrar;

struct registrar *registrar_new(struct kubeapi *api);
void registrar_free(struct registrar *x);
void registrar_reset(struct registrar *x);
void registrar_event(struct registrar *x, struct store_event *e);

#endif
