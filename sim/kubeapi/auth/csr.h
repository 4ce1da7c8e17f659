/* csr: CertificateSigningRequests: who asks is stamped, what is asked for is checked, and what an update may change.
 *
 *   created (Pending) ─► /approval: Approved or Denied, by who may `approve` for the signer ─► signer (controllers/signer.h):
 *   status.certificate, or Failed
 *
 * Source: the API's own rules; texts as observed, the rest from its documentation. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_CSR_H
#define PADDOCK_SIM_KUBEAPI_AUTH_CSR_H

#include "engine/pki/csr.h"
#include "sim/kubeapi/core/request.h"

#define CSR_CLIENT  "kubernetes.io/kube-apiserver-client"
#define CSR_KUBELET "kubernetes.io/kube-apiserver-client-kubelet"
#define CSR_SERVING "kubernetes.io/kubelet-serving"

/* The request that spec.request (base64 of PEM) holds; key as in pki_csr_read. ERR_INVALID: in the API's words. */
struct err *csr_parse(struct arena *a, struct str request, struct pki_cert_info *info,
                      struct pki_key **key) must_check;
bool csr_has_condition(const cJSON *tree, const char *type);

/* A row of the rules of kinds. */
void csr_stamp(struct api_request *r, cJSON *tree); /* who asks: nobody owns that */
void csr_default(struct api_request *r, cJSON *tree, bool creating);
void csr_check(struct api_request *r, const cJSON *tree, const struct kube_object *old);
/* An update keeps what its subresource does not own; collects what is wrong with the rest. */
void csr_keep(struct api_request *r, const struct kube_object *old, cJSON *tree);

#endif
