/* writing: a server's objects written in process, as the system: no HTTP, no rights, no validation, no faults.
 *
 * Errors: those that a client would see, as struct err. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_WRITING_H
#define PADDOCK_SIM_KUBEAPI_VERBS_WRITING_H

#include "sim/kubeapi/core/reading.h"

/* Creates or replaces the object that the JSON names by apiVersion, kind and metadata. Its status is written too. Server
 * side metadata (uid, creationTimestamp, generation, ...) is kept or made; no change writes nothing. Not validated.
 * *out (may be NULL) is borrowed. */
struct err *kubeapi_apply(struct kubeapi *api, struct str json,
                          struct kube_object **out) must_check;
/* A JSON merge patch (RFC 7386) of an object; may touch everything but identity. */
struct err *kubeapi_patch(struct kubeapi *api, struct str resource_group, struct str ns,
                          struct str name, struct str merge_patch) must_check;
/* Another value for a string member that the object has, as the patch {"spec":{"renewTime":value}} would set it; neither
 * has escapes. For heartbeats: nothing is parsed. Not for kinds that count generations. ERR_NOT_FOUND. */
struct err *kubeapi_set_string(struct kubeapi *api, struct store_table *t, struct str ns,
                               struct str name, const char *dotted, struct str value) must_check;
/* As DELETE with background propagation: finalizers are honoured. ERR_NOT_FOUND. */
struct err *kubeapi_delete(struct kubeapi *api, struct str resource_group, struct str ns,
                           struct str name) must_check;
/* The same without a grace period: as kubelets do when a pod has ended. */
struct err *kubeapi_delete_now(struct kubeapi *api, struct str resource_group, struct str ns,
                               struct str name) must_check;

#endif
