/* health: /healthz, /livez, /readyz with their single checks, ?verbose and ?exclude=NAME; /metrics; /version. */
#ifndef PADDOCK_SIM_KUBEAPI_DISCOVERY_HEALTH_H
#define PADDOCK_SIM_KUBEAPI_DISCOVERY_HEALTH_H

#include <stdbool.h>

struct api_request;

/* False: the path is none of these. GET, and HEAD for the health paths; else 405. */
bool health_handle(struct api_request *r);

#endif
