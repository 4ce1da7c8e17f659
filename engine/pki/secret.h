/* secret: does a secret fit what is stored of it? Stored are the forms of the original's tokens:
 *
 *   plain                                   the secret itself
 *   $1:SALT_HEX:LOG2_N:R:P:KEY              scrypt           $2:SALT:HASH   SHA-256 of salt and secret
 *   $3:1:SALT:HASH                          SHA3-512 of salt and secret     (SALT, HASH, KEY: base64 without padding)
 *
 * Time depends on the lengths only, not on where two differ. Bounds: PKI_SECRET_BYTES_MAX; scrypt of at most 2^15, 8, 1 (32 MiB,
 * about 0.1 s: in the real world it belongs into world work); what asks for more, or is none of these, fits nothing. */
#ifndef PADDOCK_ENGINE_PKI_SECRET_H
#define PADDOCK_ENGINE_PKI_SECRET_H

#include "engine/pki/pki.h"

#define PKI_SECRET_BYTES_MAX 1024u

bool pki_secret_fits(struct str secret, struct str stored);

#endif
