/* workloads: the control plane's controllers, a scheduler and fake kubelets, for servers that ask for them
 * (kubeapi_options.workloads). See ctl.h for how they work and README.md for which there are. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_WORKLOADS_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_WORKLOADS_H

#include "sim/kubeapi/kubeapi.h"

struct ctl;
struct ctl *api_workloads_new(struct kubeapi *api, const struct kubeapi_workloads *options);
void api_workloads_begin(struct ctl *c); /* the store has its first content */
void api_workloads_free(struct ctl *c);  /* NULL is fine */
void api_workloads_reset(struct ctl *c);
void api_workloads_event(struct ctl *c, struct store_event *e);

#endif
