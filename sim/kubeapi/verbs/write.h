/* write: one object created, changed or deleted: checked, admitted, stamped, committed.
 *
 * Errors: false: answered. In a dry run what *out names is the request's. */
#ifndef PADDOCK_SIM_KUBEAPI_VERBS_WRITE_H
#define PADDOCK_SIM_KUBEAPI_VERBS_WRITE_H

#include "engine/base/json.h"
#include "sim/kubeapi/core/request.h"

bool api_write_namespace_open(struct api_request *r,
                              struct str ns); /* exists and is not terminating */
/* Commits a new object: stamps metadata, writes, answers nothing. *out is borrowed; in a dry run it is the request's. */
bool api_write_create(struct api_request *r, const struct api_kind *k, struct str ns, cJSON *tree,
                      struct kube_object **out);
/* Commits a changed tree over `old`. Deletes it instead when the last finalizer went. */
bool api_write_update(struct api_request *r, const struct api_kind *k, struct kube_object *old,
                      cJSON *tree, enum write_scope scope, struct kube_object **out);
/* Marks or removes by the rules of finalizers. *gone: it was removed; else *out is the marked object. */
struct delete_options {
    struct str propagation; /* "Background", "Foreground", "Orphan"; empty: the kind's default */
    struct str uid, resource_version; /* preconditions; empty: none */
    int64_t grace_s;                  /* -1: not given */
    bool has_propagation;             /* something was said, be it nothing that is known */
};
bool api_write_delete(struct api_request *r, const struct api_kind *k, struct kube_object *o,
                      const struct delete_options *options, bool *gone, struct kube_object **out);

#endif
