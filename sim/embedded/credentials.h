/* credentials: the authority of one apiserver, its serving certificate, and the administrator that it names in the
 * kubeconfig. Keys are on P-256, which every TLS stack has, from the world's random source.
 *
 * Ownership: credentials_free. */
#ifndef PADDOCK_SIM_EMBEDDED_CREDENTIALS_H
#define PADDOCK_SIM_EMBEDDED_CREDENTIALS_H

#include "engine/world/world.h"

struct credentials {
    struct buf ca_pem, ca_key_pem;       /* signs servers and clients alike */
    struct buf cert_pem, key_pem;        /* the server's */
    struct buf admin_pem, admin_key_pem; /* CN kubernetes-admin, O system:masters */
};

/* Zeroed: all is made anew. With an authority and an administrator, only the server's certificate is made.
 * host: the address that is listened on; the certificate also holds localhost and the names inside a cluster. */
struct err *credentials_make(struct world *w, struct str host, struct credentials *out) must_check;
void credentials_free(struct credentials *c);
/* server: "https://127.0.0.1:6443". */
void credentials_kubeconfig(const struct credentials *c, struct str server, struct buf *out);

#endif
