/* managed: who owns which fields (metadata.managedFields) of what clients write.
 *
 *   create, update, patch ─► an Update by fieldManager, or by the User-Agent up to its slash: what changed is the writer's
 *   apply patch ───────────► apply.c: an Apply, with conflicts
 *
 * An object that has no managedFields stays without them until somebody applies; so the objects that the system itself
 * makes (kubeapi_apply, the server's controllers) cost nothing, and a system's write to an object that has them leaves them
 * as they are. A write that changes nothing but times of entries is none.
 * Ownership: all in the request's arena. */
#ifndef PADDOCK_SIM_KUBEAPI_OBJECTS_MANAGED_H
#define PADDOCK_SIM_KUBEAPI_OBJECTS_MANAGED_H

#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/types/merge.h"

#define MANAGED_NAME_MAX 128u /* bytes of a manager's name */

/* Which of an object's top-level fields a request's ownership counts: a write to the status leaves the spec alone, a main one
 * the status. */
struct managed_scope {
    const char *only, *except; /* NULL: none */
};

/* What a write makes of the entries. */
struct managed {
    cJSON *fresh; /* the new array, raw; NULL: none */
    bool same;    /* but for times it is what the object had */
};

/* The structure of a kind's objects. */
const struct type *managed_type(const struct api_kind *k);
/* [] and [{}] ask for a fresh start. NULL is fine. */
bool managed_is_reset(const cJSON *entries);
struct managed_scope managed_scope_of(const struct api_request *r, const struct api_kind *k);
const struct fieldset *managed_counted(struct arena *a, struct managed_scope scope,
                                       const struct fieldset *s);
/* Who a request writes as; Apply or Update, at the present time. */
struct owner managed_writer(struct api_request *r, const struct api_kind *k, bool applying);
/* Of a new object, before the server adds what nobody owns. Sets metadata.managedFields. */
void managed_create(struct api_request *r, const struct api_kind *k, cJSON *tree);
/* Of a changed object: sets metadata.managedFields, to the old ones when out->same: managed_settle puts the new times in when
 * the write goes on. */
void managed_update(struct api_request *r, const struct api_kind *k, const struct kube_object *old,
                    cJSON *tree, struct managed *out);
void managed_settle(struct api_request *r, cJSON *tree, const struct managed *m);

#endif
