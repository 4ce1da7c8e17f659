/* gc: objects go when all their owners have gone, and owners that wait for their dependents go behind them. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_GC_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_GC_H

#include "sim/kubeapi/core/server.h"

struct gc *api_gc_new(struct kubeapi *api);
void api_gc_free(struct gc *x);
void api_gc_reset(struct gc *x);
void api_gc_event(struct gc *x, struct store_event *e);

#endif
