/* agent_manifest: the objects that an imported cluster needs so that its agent runs, as one YAML text in the original's
 * order: proxy role, namespace, service account, admin role, credentials, Deployment, Service. What an administrator
 * applies after import, and what the manager applies again when image, CA or token change.
 *
 * Also the clean-up Job that a removed cluster gets.
 * Values are put in as YAML double-quoted scalars, so that none can break out of its place. */
#ifndef PADDOCK_ENGINE_MANIFESTS_AGENT_MANIFEST_H
#define PADDOCK_ENGINE_MANIFESTS_AGENT_MANIFEST_H

#include "engine/base/str.h"

/* Is there as long as the agent has had a tunnel since its start. */
#define AGENT_FILE_CONNECTED "/tmp/agent-connected"

/* Of a confined pod. */
#define AGENT_STATE_DIR      "/var/lib/paddock"
#define AGENT_HEALTHZ_PORT   "8080"
#define AGENT_USER           "65532" /* and group: nobody in particular */
#define AGENT_WORDS_MAX      32u     /* of the command */

struct agent_manifest {
    struct str server_url, token, cluster_id;
    struct str ca_checksum; /* empty: a public CA */
    struct str membership; /* proof that the cluster is ours, beside the credentials; empty: none */
    struct str image;
    /* What runs in it, as words with blanks between them, such as "paddock agent cluster": the pod is then confined: not
     * root, a read-only root file system with AGENT_STATE_DIR to write to, probes of /healthz and /readyz. Empty: the
     * image's own entry point, in a pod as the original's. */
    struct str command;
    struct str server_version;
    bool
        ready_when_connected; /* a readiness probe: a new agent that does not connect replaces nobody */
    bool strict;              /* no fallback to the system's store of authorities */
    int replicas;             /* 0: the field is left out (one) */
};

/* CATTLE_CA_CHECKSUM of the setting cacerts; empty for a public CA. as_set: the pins of its certificates, which outlive
 * other line ends, another order and, one by one, the replacement of a CA (fixtures/incidents.yaml#K20, #K21); otherwise,
 * and for what holds no certificate, the hash of the text. Appends. */
void agent_ca_checksum(struct str pem, bool as_set, struct buf *out);
void agent_manifest_write(const struct agent_manifest *m, struct buf *out);
/* cattle-credentials-<first 10 hex of SHA-256 of "url.token.namespace">. Appends. */
void agent_credentials_name(const struct agent_manifest *m, struct buf *out);
/* "ID.MAC": that the manager who knows the key has given this token to this cluster. Appends. */
void agent_membership_write(struct str key, struct str cluster_id, struct str token,
                            struct buf *out);
#define AGENT_MEMBERSHIP_KEY    "membership" /* in the Secret of the credentials */
#define AGENT_MEMBERSHIP_HEADER "X-Agent-Membership"
void agent_cleanup_manifest_write(struct str image, struct buf *out);

/* The Secret (cattle-global-data) that remembers a registration token of a cluster that was removed while it was away: its
 * agent, when it comes back, is answered 410 with this text and the image of the clean-up Job. Appends. */
#define AGENT_REMOVED_TEXT     "cluster removed, clean up with "
#define AGENT_TOMBSTONE_PREFIX "removed-cluster-"
/* Label of one whose cluster is cleaning itself up already: its agent need not be told, but is not adopted either. */
#define AGENT_TOMBSTONE_CLEANS "cleans-itself-up"
void agent_tombstone_name(struct str token, struct buf *out);

#endif
