/* kubeconfig: the file that says where a Kubernetes API is and who we are there, as kubectl reads it.
 *
 *   text ─► YAML ─► the context asked for (or current-context) ─► its cluster and its user
 *
 * What names a file stays a name: reading is the caller's business, and a name that is relative is relative to the
 * kubeconfig's own folder. Inline data win over files, a token over a token's file, as with kubectl.
 * Refused by name, rather than ignored: exec and auth-provider plug-ins, basic authentication, impersonation, proxies, a
 * server behind a path.
 * Ownership: all of it is in the arena. Errors: ERR_INVALID with file, line and column.
 * Bounds:    KUBECONFIG_BYTES_MAX, KUBECONFIG_ENTRIES_MAX of each list. */
#ifndef PADDOCK_ENGINE_KUBE_KUBECONFIG_H
#define PADDOCK_ENGINE_KUBE_KUBECONFIG_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

#define KUBECONFIG_BYTES_MAX   ((size_t)1 << 20)
#define KUBECONFIG_ENTRIES_MAX 1000u

struct kubeconfig {
    struct str server; /* as written */
    bool tls;
    struct str host; /* a name or a numeric address, without brackets */
    uint16_t port;
    struct str server_name; /* tls-server-name; empty: the host */
    bool insecure;          /* insecure-skip-tls-verify */
    /* Of each pair at most one is set. */
    struct str ca_pem, ca_file;
    struct str cert_pem, cert_file;
    struct str key_pem, key_file;
    struct str token, token_file;
};

/* context: empty: current-context. */
struct err *kubeconfig_parse(struct arena *a, struct str file, struct str text, struct str context,
                             struct kubeconfig *out) must_check;

#endif
