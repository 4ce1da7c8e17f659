/* service_account: what the ServiceAccount admission plugin does to a new pod: it names an account that must be there, and
 * mounts a token of it, the CA and the namespace into every container, unless pod or account say otherwise. Not in bare
 * servers.
 *
 *   spec.serviceAccountName (default: "default") ─► the account exists, else 403
 *   spec.automountServiceAccountToken, else the account's, else true ─► projected volume kube-api-access-xxxxx
 *   no imagePullSecrets ─► the account's */
#ifndef PADDOCK_SIM_KUBEAPI_ADMISSION_SERVICE_ACCOUNT_H
#define PADDOCK_SIM_KUBEAPI_ADMISSION_SERVICE_ACCOUNT_H

#include "sim/kubeapi/core/request.h"

/* Any new object; others than pods pass. False: answered. */
bool admit_service_account(struct api_request *r, const struct api_kind *k, cJSON *tree);

#endif
