/* csr: certificate requests (PKCS#10).
 *
 * Bounds: PKI_DER_BYTES_MAX for the request, PKI_NAMES_MAX names of a kind. */
#ifndef PADDOCK_ENGINE_PKI_CSR_H
#define PADDOCK_ENGINE_PKI_CSR_H

#include "engine/pki/x509.h"

/* A request in DER and nothing behind it. *info: subject and alternative names, in the arena; the rest of it is empty. *key
 * (may be NULL): the public key that the request is signed with (pki_key_free); NULL where the signature does not hold or
 * the key is of a kind that we do not know. ERR_INVALID. */
struct err *pki_csr_read(struct arena *a, struct str der, struct pki_cert_info *info,
                         struct pki_key **key) must_check;

#endif
