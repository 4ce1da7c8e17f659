/* podsecurity: what of a pod is below a level of the pod security standards (podsecurity_levels.c), for the plug-in that asks
 * what a namespace wants (podsecurity.c). */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_PODSECURITY_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_PODSECURITY_H

#include "engine/base/arena.h"
#include "engine/base/json.h"

struct pod_security {
    struct str name, version; /* "baseline", "latest" */
};
/* "privileged (container \"a\" must not ...), ..."; brief: without what is in brackets. pod: or a template of pods. Empty: it
 * keeps to the level, or there is no such level. Versions are told apart only where a rule is younger than 1.29. In the
 * arena. */
struct str pod_security_violations(struct arena *a, const struct pod_security *level,
                                   const cJSON *pod, bool brief);

#endif
