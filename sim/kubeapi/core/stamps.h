/* stamps: what a server draws and reads off its world for the objects that it makes. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_STAMPS_H
#define PADDOCK_SIM_KUBEAPI_CORE_STAMPS_H

#include "sim/kubeapi/core/server.h"

struct str api_new_uid(struct kubeapi *api, struct arena *a);
struct str api_now(struct kubeapi *api, struct arena *a); /* RFC 3339, whole seconds */
struct str api_generated_name(struct kubeapi *api, struct arena *a, struct str prefix);

#endif
