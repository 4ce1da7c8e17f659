/* config: what a cluster agent is told by its environment and its mounted files.
 *
 *   CATTLE_SERVER            the manager's URL (required); /cattle-credentials/url when there is no CATTLE_TOKEN
 *   CATTLE_TOKEN             registration token; otherwise the file /cattle-credentials/token
 *   CATTLE_CA_CHECKSUM       pin of the manager's CA; empty: the system's store must do
 *   STRICT_VERIFY            "true": no fallback to the system's store
 *   KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt}
 *                            the API of the agent's own cluster
 *   HOSTNAME                 the pod's name
 * Read once at start, asynchronously: files come from the world. Outside of a pod the files may be elsewhere, and the
 * cluster's API is given as a context instead (struct agent_places). */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_CONFIG_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_CONFIG_H

#include "engine/http/url.h"
#include "engine/kube/client.h"
#include "engine/world/world.h"

#define AGENT_FILE_TOKEN     "/cattle-credentials/token"
#define AGENT_FILE_URL       "/cattle-credentials/url"
#define AGENT_FILE_SA_TOKEN  "/var/run/secrets/kubernetes.io/serviceaccount/token"
#define AGENT_FILE_SA_CA     "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
#define AGENT_FILE_SERVER_CA "/etc/kubernetes/ssl/certs/serverca"

/* Where an agent finds what it is told by files, and leaves what others look for. Borrowed for the agent's life. */
struct agent_places {
    struct str token, url;                /* of the manager */
    struct str account_token, account_ca; /* of its own cluster's API */
    struct str server_ca, connected;      /* written by the agent; empty: not at all */
    const struct kube_context *kube;      /* its cluster's API; NULL: environment and account */
};
extern const struct agent_places agent_places_pod; /* as the original mounts them */

struct agent_config {
    struct str server_text; /* owned, as all strs here */
    struct url server;      /* views into it */
    struct str token, ca_checksum, name;
    bool strict;
    struct str kube_host, kube_token, kube_ca;
    uint16_t kube_port;
};
struct agent_config_load;
/* `done` once: err is borrowed; on success *config has been filled. */
struct agent_config_load *agent_config_load(struct world *w, const struct agent_places *places,
                                            struct agent_config *config,
                                            void (*done)(void *owner, const struct err *err),
                                            void *owner);
void agent_config_cancel(struct agent_config_load *load); /* NULL is fine */
void agent_config_free(struct agent_config *config);

#endif
