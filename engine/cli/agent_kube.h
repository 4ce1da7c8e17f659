/* agent_kube: the API of an agent's own cluster from a kubeconfig, for agents outside of a pod.
 * Ownership: what is read lives in the shell's arena. Errors: of the file, with its line and column. */
#ifndef PADDOCK_ENGINE_CLI_AGENT_KUBE_H
#define PADDOCK_ENGINE_CLI_AGENT_KUBE_H

#include "engine/cli/cli.h"
#include "engine/kube/client.h"

/* context.address.host is empty when the server has a name that is to be resolved first: *name. */
struct err *agent_kube_read(struct shell *sh, struct str file, struct kube_context *context,
                            struct str *name) must_check;

#endif
