/* credentials: the long-lived token of service account cattle-system/cattle that the agent hands to the manager.
 *
 *   read the account ─► its secret is named ─► read the secret ─► it has a token ─► done
 *        └─ none named ─► list those of the account: one is left of an earlier attempt, or create one
 *                         (kubernetes.io/service-account-token) ─► name it on the account ─► read it
 *
 * The account is marked with its resourceVersion: of two replicas that create at the same time one loses with a conflict
 * and takes the other's secret; its own it deletes. Who reads an old account again and again makes one secret, not many. Any other failure starts over after a jittered pause; there is no final failure.
 * It is told to whoever asks (agent_credentials_error), and to `failed` at once.
 * Ownership: the handle ends with `done` or agent_credentials_cancel. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_CREDENTIALS_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_CREDENTIALS_H

#include "engine/kube/client.h"

struct agent_credentials;
struct agent_credentials *agent_credentials_start(struct kube_client *c,
                                                  void (*done)(void *owner, struct str token),
                                                  void (*failed)(void *owner), /* may be NULL */
                                                  void *owner);
struct str agent_credentials_error(const struct agent_credentials *a); /* the last one */
void agent_credentials_cancel(struct agent_credentials *a);            /* NULL is fine */

#endif
