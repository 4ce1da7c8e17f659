/* convert: kinds that are stored once and shown in two versions: autoscaling/v1 of v2, events.k8s.io/v1 of core/v1.
 *
 * Stored is autoscaling/v2 and core/v1. What v1 of an autoscaler cannot say stands in its annotations, as in the original.
 * Ownership: trees are changed in place, new nodes are the arena's. */
#ifndef PADDOCK_SIM_KUBEAPI_KINDS_CONVERT_H
#define PADDOCK_SIM_KUBEAPI_KINDS_CONVERT_H

#include "engine/kube/object.h"
#include "sim/kubeapi/kinds/kinds.h"

/* Is this row's version another than the stored one? */
bool convert_needed(const struct api_kind *k);
void convert_to_storage(struct arena *a, const struct api_kind *k, cJSON *tree);
/* A copy in the stored form, of a tree in which parts may stand raw. */
cJSON *convert_copy(struct arena *a, const struct api_kind *k, const cJSON *tree);
void convert_to_shown(struct arena *a, const struct api_kind *k, cJSON *tree);
/* Where a field that is selected by stands in the stored form. */
struct str convert_field(struct arena *a, const struct api_kind *k, struct str path);

#endif
