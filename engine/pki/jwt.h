/* jwt: JSON Web Tokens in compact form (RFC 7519, 7515), signed with EdDSA, ES256 or RS256 by the kind of the key.
 *
 * Reading and verifying are two steps, so that the key can be chosen by `kid` and issuer. The algorithm is that of the
 * key: what the token says must be the same, `none` and HMAC do not exist. Unknown critical headers are refused. */
#ifndef PADDOCK_ENGINE_PKI_JWT_H
#define PADDOCK_ENGINE_PKI_JWT_H

#include "engine/base/json.h"
#include "engine/pki/keys.h"

#define PKI_JWT_BYTES_MAX ((size_t)16 << 10)

struct pki_jwt {                  /* in the arena that it was read into */
    struct str algorithm, key_id; /* of the header; key_id may be empty */
    cJSON *claims;                /* not to be believed before pki_jwt_verify */
    struct str signed_part;       /* borrowed from the token */
    struct str signature;
};

/* claims: a JSON object, written as given. key_id: may be empty. */
void pki_jwt_sign(const struct pki_key *key, struct str key_id, const cJSON *claims,
                  struct buf *token);
struct err *pki_jwt_read(struct arena *a, struct str token, struct pki_jwt *out) must_check;
/* ERR_UNAUTHORIZED: signature, algorithm, `exp`, `nbf` (seconds; leeway_s is granted on both). exp may be absent. */
struct err *pki_jwt_verify(const struct pki_jwt *jwt, const struct pki_key *key, int64_t now_s,
                           int64_t leeway_s) must_check;

#endif
