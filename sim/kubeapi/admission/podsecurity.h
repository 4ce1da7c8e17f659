/* podsecurity: what of a pod is below a level of the pod security standards (podsecurity_levels.c), for the plug-in that asks
 * what a namespace wants (podsecurity.c). */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_PODSECURITY_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_PODSECURITY_H

#include "engine/base/arena.h"
#include "engine/base/json.h"

/* "privileged (container \"a\" must not ...), ..."; brief: without what is in brackets. Empty: the spec keeps to the level, or
 * there is no such level. In the arena. */
struct str pod_security_violations(struct arena *a, struct str level, const cJSON *spec,
                                   bool brief);

#endif
