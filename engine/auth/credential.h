/* credential: what the header Authorization of a request says (RFC 7617, RFC 6750):
 *
 *   Bearer NAME:SECRET               a token of ours: login tokens, kubeconfig tokens
 *   Basic base64(NAME:SECRET)        the same
 *   Bearer anything without a colon  a token of the local Kubernetes API
 *
 * Ownership: the parts lie in the text, or (Basic) in `decoded`; credential_free gives that back.
 * Bounds:    CREDENTIAL_BYTES_MAX; names are DNS names of at most 253 bytes, so that they can stand in a path. */
#ifndef PADDOCK_ENGINE_AUTH_CREDENTIAL_H
#define PADDOCK_ENGINE_AUTH_CREDENTIAL_H

#include "engine/base/str.h"

#define CREDENTIAL_BYTES_MAX      ((size_t)16 << 10)
#define CREDENTIAL_NAME_BYTES_MAX 253u

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_BAD, CREDENTIAL_TOKEN, CREDENTIAL_KUBERNETES };
struct credential {
    enum credential_kind kind;
    struct str name, secret; /* of a token */
    struct str bearer;       /* of Kubernetes */
    struct buf decoded;
};

void credential_read(struct str authorization, struct credential *out);
void credential_free(struct credential *c);
/* Lower-case letters, digits, '-' and '.', starting and ending with a letter or digit. */
bool credential_is_name(struct str s);

#endif
