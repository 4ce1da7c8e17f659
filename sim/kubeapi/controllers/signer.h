/* signer: issues the certificates that approved CertificateSigningRequests ask for, as the controllers of a control plane do
 * for the signers of the API server itself: kube-apiserver-client, kube-apiserver-client-kubelet, kubelet-serving.
 *
 *   approved, not denied, nothing issued ─► the signer's own rules hold ─► status.certificate
 *                                       └─► they do not ─► condition Failed (SignerValidationFailure)
 *
 * Works from a timer. Not in bare servers, nor where the options name no key of the authority. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_SIGNER_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_SIGNER_H

#include "sim/kubeapi/core/request.h"

/* ca_pem, ca_key_pem: the authority; the key may be empty. */
struct signer *signer_new(struct kubeapi *api, struct str ca_pem, struct str ca_key_pem);
void signer_free(struct signer *x);
void signer_event(struct signer *x, struct store_event *e);
void signer_reset(struct signer *x); /* the store is another */

#endif
