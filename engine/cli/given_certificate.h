/* given_certificate: --tls-cert, --tls-key and --ca-cert: read at the start, and again whenever one of the files changes.
 *
 *   files ─► read at the start: wrong is an error
 *     └─ a file changed ─► a moment for the others ─► both read ─► changed(certificate, key): refused or taken
 *
 * Ownership: the views live until the next change. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_GIVEN_CERTIFICATE_H
#define PADDOCK_ENGINE_CLI_GIVEN_CERTIFICATE_H

#include "engine/cli/cli.h"

#define GIVEN_CERTIFICATE_SETTLE                                                                   \
    (200 * NS_PER_MS) /* certificate and key are written one after the other */

struct given_certificate_options {
    struct str cert, key; /* paths */
    struct str ca;        /* empty: a public authority */
    /* The error says why it is not used. */
    struct err *(*changed)(void *owner, struct str cert_pem, struct str key_pem);
    void *owner;
};
struct given_certificate;
struct err *given_certificate_new(struct shell *sh, struct world *w,
                                  const struct given_certificate_options *options,
                                  struct given_certificate **out) must_check;
void given_certificate_free(struct given_certificate *g); /* NULL is fine */
struct str given_certificate_pem(const struct given_certificate *g);
struct str given_certificate_key(const struct given_certificate *g);
struct str given_certificate_ca(const struct given_certificate *g);

#endif
