/* tokens: bearer tokens of service accounts: issued, checked, remembered.
 *
 *   TokenRequest ─► claims ─► RS256 ─► JWT        JWT ─► signature, issuer, times, audience ─► account and bound object
 *   Secret of an account ─► legacy JWT            legacy JWT ─► its Secret holds these very bytes ─► account
 *
 * What makes a token good is looked at once and remembered with the objects that it hangs on; a request only sees whether
 * they still stand (a deleted object holds for TOKEN_GRACE more, so that a pod that is ending can still speak).
 * Ownership: users and strings that a check gives are in the caller's arena.
 * Bounds:    PKI_JWT_BYTES_MAX for a token, TOKEN_AUDIENCES_MAX, TOKENS_KNOWN_MAX remembered ones.
 * Key:       made by kubeapi_options.token_key when the first token is asked for; else a fixed key that everybody knows.
 *            Legacy tokens of servers with the fixed key are not signed: their Secret alone vouches for them. */
#ifndef PADDOCK_SIM_KUBEAPI_AUTH_TOKENS_H
#define PADDOCK_SIM_KUBEAPI_AUTH_TOKENS_H

#include "engine/pki/jwt.h"
#include "sim/kubeapi/core/request.h"

#define TOKEN_ISSUER        "https://kubernetes.default.svc"
#define TOKEN_LEGACY_ISSUER "kubernetes/serviceaccount"
#define TOKEN_GRACE         (60 * NS_PER_S)
#define TOKEN_AUDIENCES_MAX 64u
#define TOKENS_KNOWN_MAX    1024u

extern const char token_fixed_key_pem[];

struct audiences {
    const struct str *items;
    size_t n;
};
extern const struct audiences token_api_audiences; /* those of this server */

/* An object that a token is bound to; name empty: none. */
struct token_ref {
    struct str name, uid;
};
struct token_claims {
    struct str ns;
    struct token_ref account, pod, secret, node;
    struct audiences audiences;
    int64_t now_s, lifetime_s, warn_after_s; /* warn_after_s 0: none */
};

struct tokens *api_tokens_new(struct kubeapi *api);
void api_tokens_free(struct tokens *x);
void api_tokens_user(struct arena *a, struct str ns, struct str name, struct str uid,
                     struct api_user *user);

/* A new token, in the arena. */
struct str tokens_issue(struct tokens *x, struct arena *a, const struct token_claims *claims);
struct str tokens_issue_legacy(struct tokens *x, struct arena *a, struct str ns, struct str secret,
                               struct token_ref account);
/* The JWK set of the key that signs. */
void tokens_jwks(struct tokens *x, struct buf *out);

/* Who a token speaks for. wanted: at least one of them must be among the token's. */
struct token_answer {
    bool ok;
    struct api_user user;
    struct audiences audiences; /* the token's that were wanted */
    struct str error;           /* why not, for a review; may be empty */
};
void tokens_check(struct kubeapi *api, struct arena *a, struct str token, struct audiences wanted,
                  struct token_answer *out);

/* /.well-known/openid-configuration and /openid/v1/jwks. True: answered. */
bool token_discovery(struct api_request *r);

#endif
