/* local_cluster: the Kubernetes API that `paddock server` keeps everything in: one of its own (--embedded), one that a
 * kubeconfig names, or the one that it runs in.
 *
 *   options ─► files read ─► the API's name resolved (again and again until it is) ─► found
 *
 * A token that is in a file is read again when the file changes. In a cluster: KUBERNETES_SERVICE_HOST and _PORT, and the
 * files of the service account.
 * Errors: what the user gave is told at once (ERR_INVALID, ERR_NOT_FOUND); a name that is not resolved yet is told on the
 *         log. Ownership: strings of the options are borrowed for as long as it lives; no callback comes after
 *         local_cluster_stop. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_LOCAL_CLUSTER_H
#define PADDOCK_ENGINE_CLI_LOCAL_CLUSTER_H

#include "engine/cli/cli.h"

#define LOCAL_CLUSTER_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct local_cluster_options {
    const struct shell_embedded *embedded; /* NULL: not that */
    struct str datastore;
    struct str kubeconfig_out; /* of the embedded one; empty: none is written */
    struct str kubeconfig;     /* empty: the cluster that we run in */
    struct str account_dir;    /* empty: LOCAL_CLUSTER_ACCOUNT_DIR */
    void (*found)(void *owner);
    void (*token)(void *owner); /* another one */
    void (*failed)(void *owner,
                   const struct err *why); /* the embedded one keeps nothing any more */
    void *owner;
};
struct local_cluster;
struct err *local_cluster_new(struct shell *sh, struct world *w,
                              const struct local_cluster_options *options,
                              struct local_cluster **out) must_check;
/* From `found` on. */
const struct kube_context *local_cluster_context(const struct local_cluster *c);
struct str local_cluster_name(const struct local_cluster *c); /* for people */
void local_cluster_drain(struct local_cluster *c);
bool local_cluster_drained(const struct local_cluster *c);
/* Before the world is freed, and after. NULL is fine. */
void local_cluster_stop(struct local_cluster *c);
void local_cluster_free(struct local_cluster *c);

#endif
