/* agent_manifest: the objects that an imported cluster needs so that its agent runs, as one YAML text in the original's
 * order: proxy role, namespace, service account, admin role, credentials, Deployment, Service. What an administrator
 * applies after import, and what the manager applies again when image, CA or token change.
 *
 * Also the clean-up Job that a removed cluster gets.
 * Values are put in as YAML double-quoted scalars, so that none can break out of its place. */
#ifndef PADDOCK_ENGINE_MANIFESTS_AGENT_MANIFEST_H
#define PADDOCK_ENGINE_MANIFESTS_AGENT_MANIFEST_H

#include "engine/base/str.h"

struct agent_manifest {
    struct str server_url, token, cluster_id;
    struct str ca_checksum; /* empty: a public CA */
    struct str image;
    struct str server_version;
    int replicas; /* 0: the field is left out (one) */
};

/* CATTLE_CA_CHECKSUM of the setting cacerts; empty for a public CA. as_set: the pins of its certificates, which outlive
 * other line ends, another order and, one by one, the replacement of a CA (fixtures/incidents.yaml#K20, #K21); otherwise,
 * and for what holds no certificate, the hash of the text. Appends. */
void agent_ca_checksum(struct str pem, bool as_set, struct buf *out);
void agent_manifest_write(const struct agent_manifest *m, struct buf *out);
/* cattle-credentials-<first 10 hex of SHA-256 of "url.token.namespace">. Appends. */
void agent_credentials_name(const struct agent_manifest *m, struct buf *out);
void agent_cleanup_manifest_write(struct str image, struct buf *out);

#endif
