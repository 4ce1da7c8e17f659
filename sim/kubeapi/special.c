/* What is not plain storage: reviews (auth/), /finalize, tokens (auth/), binding and eviction of pods. */
#include "sim/kubeapi/api_internal.h"
#include "sim/kubeapi/auth/csr.h"
#include "sim/kubeapi/auth/reviews.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/kinds/crds.h"

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

/* ---- pods ---- */

static struct kube_object *pod_of(struct api_request *r)
{
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    if (!o)
        (void)api_fail_not_found(r, r->kind, r->p.name);
    return o;
}

static void reply_done(struct api_request *r)
{
    struct kube_status s = {.success = true, .code = 201};
    s.message = s.reason = s.name = s.group = s.kind = s.uid = s.continue_ = str_empty;
    api_reply_status(r, &s);
}

static void bind(struct api_request *r)
{
    cJSON *body;
    struct kube_object *o = pod_of(r), *out;
    if (!o || !api_write_decode(r, r->sub, &body))
        return;
    struct str node = kube_object_string(o, "spec.nodeName");
    if (node.n > 0) {
        (void)api_fail_conflict(r, r->p.name,
                                "pod " STR_FMT " is already assigned to node \"" STR_FMT "\"",
                                STR_ARG(r->p.name), STR_ARG(node));
        return;
    }
    cJSON *tree = kube_object_tree(o, &r->a), *spec = json_ensure(&r->a, tree, "spec");
    json_set_str(&r->a, spec, "nodeName", json_string_at(body, "target.name"));
    if (api_write_update(r, r->kind, o, tree, WRITE_MAIN, &out))
        reply_done(r);
}

static void evict(struct api_request *r)
{
    struct delete_options options = {str_empty, str_empty, str_empty, -1};
    struct kube_object *o = pod_of(r), *out;
    bool gone;
    if (o && api_write_delete(r, r->kind, o, &options, &gone, &out))
        reply_done(r);
}

/* ---- the choice ---- */

bool api_handle_special(struct api_request *r)
{
    if ((r->kind->flags & KIND_VIRTUAL) && review_handle(r))
        return true;
    if (crds_handle_scale(r))
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
    else if (str_eq_c(sub, "pods/binding"))
        bind(r);
    else if (str_eq_c(sub, "pods/eviction"))
        evict(r);
    else if (crds_terminating(r->api->crds, r->kind) && r->verb == VERB_CREATE)
        (void)api_fail_forbidden(
            r, r->p.name, "create not allowed while custom resource definition is terminating");
    else
        return false;
    return true;
}
