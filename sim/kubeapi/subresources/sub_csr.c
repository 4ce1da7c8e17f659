/* Approval and signing of requests for certificates: who may. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/subresources/subresources.h"
#include "sim/kubeapi/verbs/verbs.h"
static bool may(struct api_request *r, const char *verb, struct str signer)
{
    struct str domain, path;
    struct rbac_query q = {.user = &r->user,
                           .verb = str_c(verb),
                           .group = STR("certificates.k8s.io"),
                           .resource = STR("signers"),
                           .sub = str_empty,
                           .ns = str_empty,
                           .name = signer,
                           .path = str_empty};
    if (api_user_allowed(r, &q, NULL))
        return true;
    (void)str_cut(signer, '/', &domain, &path);
    q.name = arena_printf(&r->a, STR_FMT "/*", STR_ARG(domain));
    return api_user_allowed(r, &q, NULL);
}

bool csr_admit(struct api_request *r)
{
    bool approval = str_eq_c(r->p.sub, "approval");
    if (r->verb != VERB_UPDATE && r->verb != VERB_PATCH)
        return true;
    struct kube_object *o = store_get(r->table, r->ns, r->p.name);
    struct str signer = o ? kube_object_string(o, "spec.signerName") : str_empty;
    if (!o || may(r, approval ? "approve" : "sign", signer))
        return true;
    return api_fail_forbidden(r, r->p.name,
                              "user not permitted to %s requests with signerName \"" STR_FMT "\"",
                              approval ? "approve" : "sign", STR_ARG(signer));
}

void csr_approval(struct api_request *r)
{
    if (r->verb == VERB_GET)
        api_handle_get(r);
    else if (r->verb == VERB_UPDATE)
        api_handle_update(r);
    else
        api_handle_patch(r);
}
