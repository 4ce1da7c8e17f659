/* token_secrets: the controller of Secrets of type kubernetes.io/service-account-token.
 *
 *   such a Secret appears ─► its account is there: token, ca.crt, namespace and the account's uid are filled in
 *                         └► it is not: the Secret is deleted
 *   an account goes ─► its Secrets go
 *
 * Works from a timer on the store's present state. Not in bare servers. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_TOKEN_SECRETS_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_TOKEN_SECRETS_H

#include "sim/kubeapi/core/request.h"

struct token_secrets *token_secrets_new(struct kubeapi *api);
void token_secrets_free(struct token_secrets *x);
void token_secrets_event(struct token_secrets *x, struct store_event *e);
void token_secrets_reset(struct token_secrets *x); /* the store is another */

#endif
