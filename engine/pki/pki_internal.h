/* pki_internal: what the files of this layer share: OpenSSL's objects behind ours. */
#ifndef PADDOCK_ENGINE_PKI_INTERNAL_H
#define PADDOCK_ENGINE_PKI_INTERNAL_H

#include "engine/pki/x509.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define PKI_ED25519_BYTES 32

struct pki_key {
    EVP_PKEY *pkey;
    enum pki_key_kind kind;
    bool is_private;
};

static inline const unsigned char *pki_bytes(struct str s)
{
    return (const unsigned char *)s.p;
}

/* Takes pkey. NULL when its kind or size is not one of ours; pkey is freed then. */
struct pki_key *pki_key_wrap(EVP_PKEY *take_pkey, bool is_private);
/* The digest that a key signs with; NULL for Ed25519, which hashes by itself. */
const EVP_MD *pki_key_digest(const struct pki_key *key);
void pki_key_public_bytes(const struct pki_key *key,
                          unsigned char out[PKI_ED25519_BYTES]); /* Ed25519 only */

/* The next certificate of a chain; NULL when what is there is malformed or too long. */
X509 *pki_x509_next(struct str *rest);
/* Calls each, in order, with every certificate of a PEM text, parsed (borrowed) and as DER; ends at its first error. */
struct err *pki_certs_from_pem(struct str pem,
                               struct err *(*each)(void *owner, X509 *cert, struct str der),
                               void *owner) must_check;
/* Into an info of the arena; names may be NULL. */
void pki_read_subject(struct arena *a, const X509_NAME *name, struct pki_cert_info *out);
void pki_read_alternative_names(struct arena *a, GENERAL_NAMES *names, struct pki_cert_info *out);
int64_t pki_time_s(const ASN1_TIME *t);
void pki_x509_key_hash(const X509 *cert, unsigned char out[PKI_SHA256_BYTES]);

#endif
