/* commit: the last step of every write: canonical bytes into the store. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_COMMIT_H
#define PADDOCK_SIM_KUBEAPI_CORE_COMMIT_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/server.h"

/* The object that a tree makes, not stored: the caller's. */
struct kube_object *api_write_encode(struct kubeapi *api, const cJSON *tree);
void api_write_revision(struct arena *a, cJSON *tree, uint64_t revision);
/* Puts bytes of a tree as they are under the next revision. */
struct kube_object *api_write_commit(struct kubeapi *api, struct store_table *t, cJSON *tree,
                                     struct arena *a);
void api_write_remove(struct store_table *t, struct kube_object *o);

#endif
