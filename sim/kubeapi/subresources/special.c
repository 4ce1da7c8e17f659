/* What is not plain storage: reviews (auth/), /finalize, tokens (auth/), binding and eviction of pods. */
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/subresources/reviews.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/write.h"

/* ---- namespaces/finalize ---- */

static void finalize(struct api_request *r)
{
    cJSON *body;
    struct kube_object *old = store_get(r->table, r->ns, r->p.name), *out;
    if (!api_write_decode(r, r->kind, &body))
        return;
    if (!old) {
        (void)api_fail_not_found(r, r->kind, r->p.name);
        return;
    }
    cJSON *tree = kube_object_tree(old, &r->a), *list = json_path(body, "spec.finalizers");
    cJSON *spec = json_ensure(&r->a, tree, "spec");
    if (list && list->child)
        json_set(&r->a, spec, STR("finalizers"), json_copy(&r->a, list));
    else
        (void)json_unset(spec, STR("finalizers"));
    struct str revision = json_string_at(body, "metadata.resourceVersion");
    if (revision.n > 0)
        json_set_str(&r->a, json_get(tree, "metadata"), "resourceVersion", revision);
    r->finalize = true;
    if (api_write_update(r, r->kind, old, tree, WRITE_MAIN, &out))
        api_reply_object(r, 200, out);
}

/* ---- the choice ---- */

/* Kinds of which every answer warns. */
static void warn_of_deprecated(struct api_request *r)
{
    if (api_kind_is(r->kind, "endpoints"))
        api_warn(r, "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
    else if (api_kind_is(r->kind, "componentstatuses"))
        api_warn(r, "v1 ComponentStatus is deprecated in v1.19+");
}

bool api_handle_special(struct api_request *r)
{
    warn_of_deprecated(r);
    if ((r->kind->flags & KIND_VIRTUAL) && review_handle(r))
        return true;
    if (crds_handle_scale(r) || sub_scale(r) || sub_pods(r) || sub_kubelet(r))
        return true;
    struct str sub = r->sub ? r->sub->resource : str_empty;
    if (str_starts(sub, STR("certificatesigningrequests/")) && !csr_admit(r))
        return true;
    if (str_eq_c(sub, "namespaces/finalize"))
        finalize(r);
    else if (str_eq_c(sub, "serviceaccounts/token"))
        token_request(r);
    else if (str_eq_c(sub, "certificatesigningrequests/approval"))
        csr_approval(r);
    else if (crds_terminating(r->api->crds, r->kind) && r->verb == VERB_CREATE)
        (void)api_fail_forbidden(
            r, r->p.name, "create not allowed while custom resource definition is terminating");
    else
        return false;
    return true;
}
