/* subresources: those of built-in kinds that are more than a part of the object: scale, binding, eviction, and what the
 * kubelet would answer. */
#ifndef PADDOCK_SIM_KUBEAPI_SUBRESOURCES_SUBRESOURCES_H
#define PADDOCK_SIM_KUBEAPI_SUBRESOURCES_SUBRESOURCES_H

#include "sim/kubeapi/core/request.h"

/* Reviews, finalize, tokens, scale, binding, ...: true: it was one, and is answered. */
bool api_handle_special(struct api_request *r);

/* ---- for the files of this folder ---- */
/* Each: true when the request was one of these, and is answered. */
bool sub_scale(struct api_request *r);
bool sub_pods(struct api_request *r); /* binding (also POST bindings), eviction */
bool sub_kubelet(struct api_request *r);
/* log, exec, attach, portforward of a pod whose node has a kubelet: r->stream, or answered. */
void sub_stream(struct api_request *r, const struct kube_object *pod);
bool sub_stream_log_options(struct api_request *r); /* are they good? false: answered */
bool crds_handle_scale(struct api_request *r); /* GET, PUT and PATCH of a custom resource's scale */
void token_request(struct api_request *r);     /* serviceaccounts/token */
/* Before a write to a CertificateSigningRequest's subresource: may the user do it for this signer? False: answered. */
bool csr_admit(struct api_request *r);
void csr_approval(struct api_request *r); /* runs the verb on /approval */

#endif
