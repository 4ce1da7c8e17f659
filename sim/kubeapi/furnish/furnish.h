/* furnish: what an API server by itself puts into its store when it starts: the service under which workloads find it,
 * priority classes, levels and schemas of flow control, the registration of its groups, its range of
 * service addresses.
 *
 * For servers that stand for a whole control plane to programs outside; simulated ones do without. What is there stays as it
 * is, except where the server is found (Endpoints and EndpointSlice). Called when the address is known, before the first
 * request. */
#ifndef PADDOCK_SIM_KUBEAPI_FURNISH_FURNISH_H
#define PADDOCK_SIM_KUBEAPI_FURNISH_FURNISH_H

#include "engine/base/str.h"

struct kubeapi;

struct furnish_options {
    struct str host; /* numeric */
    uint16_t port;
    struct str ca_pem; /* of client certificates; for servers of extended APIs */
};

void kubeapi_furnish(struct kubeapi *api, const struct furnish_options *options);

#endif
