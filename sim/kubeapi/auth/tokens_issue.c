/* The key, and the tokens that are signed with it. */
#include "sim/kubeapi/auth/tokens_internal.h"
#include "sim/kubeapi/core/stamps.h"

#include "engine/base/codec.h"
#include "engine/pki/pki.h"

#define LEGACY_FILLER_BYTES 48u

/* ---- the key ---- */

static struct str id_of(const struct pki_key *key)
{
    struct buf pem = {0}, der = {0}, id = {0};
    struct str rest, label;
    unsigned char hash[PKI_SHA256_BYTES];
    pki_key_public_to_pem(key, &pem);
    rest = buf_str(&pem);
    struct err *err = pki_pem_next(&rest, &label, &der);
    BUG_ON(err, "what was just written can be read");
    pki_sha256(buf_str(&der), hash);
    base64url_encode(&id, (struct str){(const char *)hash, sizeof(hash)});
    buf_free(&pem);
    buf_free(&der);
    struct str owned = str_dup(buf_str(&id));
    buf_free(&id);
    return owned;
}

const struct pki_key *tokens_key(struct tokens *x)
{
    if (x->key)
        return x->key;
    if (x->api->token_key) {
        x->key = x->api->token_key(x->api->token_key_owner);
    } else {
        struct err *err = pki_key_from_pem(str_c(token_fixed_key_pem), &x->key);
        BUG_ON(err, "the fixed key is a key");
    }
    BUG_ON(pki_key_kind(x->key) != PKI_RSA, "tokens are signed with RS256");
    x->key_id = id_of(x->key);
    return x->key;
}

void tokens_jwks(struct tokens *x, struct buf *out)
{
    struct buf n = {0}, e = {0};
    pki_key_rsa_public(tokens_key(x), &n, &e);
    buf_addf(out,
             "{\"keys\":[{\"use\":\"sig\",\"kty\":\"RSA\",\"kid\":\"" STR_FMT
             "\",\"alg\":\"RS256\",\"n\":\"",
             STR_ARG(x->key_id));
    base64url_encode(out, buf_str(&n));
    buf_add_c(out, "\",\"e\":\"");
    base64url_encode(out, buf_str(&e));
    buf_add_c(out, "\"}]}");
    buf_free(&n);
    buf_free(&e);
}

/* ---- claims ---- */

static struct str subject(struct arena *a, struct str ns, struct str name)
{
    return arena_printf(a, "system:serviceaccount:" STR_FMT ":" STR_FMT, STR_ARG(ns),
                        STR_ARG(name));
}

static struct str sign(struct tokens *x, struct arena *a, const cJSON *claims)
{
    struct buf token = {0};
    const struct pki_key *key = tokens_key(x);
    pki_jwt_sign(key, x->key_id, claims, &token);
    struct str made = arena_str(a, buf_str(&token));
    buf_free(&token);
    return made;
}

static void add_ref(struct arena *a, cJSON *to, const char *key, const struct token_ref *ref)
{
    if (ref->name.n == 0)
        return;
    cJSON *o = json_object(a);
    json_set_str(a, o, "name", ref->name);
    if (ref->uid.n > 0)
        json_set_str(a, o, "uid", ref->uid);
    json_set(a, to, str_c(key), o);
}

struct str tokens_issue(struct tokens *x, struct arena *a, const struct token_claims *c)
{
    cJSON *claims = json_object(a), *aud = json_array(a), *own = json_object(a);
    for (size_t i = 0; i < c->audiences.n; i++)
        json_append(aud, json_str(a, c->audiences.items[i]));
    json_set(a, claims, STR("aud"), aud);
    json_set_int(a, claims, "exp", c->now_s + c->lifetime_s);
    json_set_int(a, claims, "iat", c->now_s);
    json_set_str(a, claims, "iss", STR(TOKEN_ISSUER));
    json_set_str(a, claims, "jti", api_new_uid(x->api, a));
    json_set_str(a, own, "namespace", c->ns);
    add_ref(a, own, "node", &c->node);
    add_ref(a, own, "pod", &c->pod);
    add_ref(a, own, "secret", &c->secret);
    add_ref(a, own, "serviceaccount", &c->account);
    if (c->warn_after_s > 0)
        json_set_int(a, own, "warnafter", c->now_s + c->warn_after_s);
    json_set(a, claims, STR("kubernetes.io"), own);
    json_set_int(a, claims, "nbf", c->now_s);
    json_set_str(a, claims, "sub", subject(a, c->ns, c->account.name));
    return sign(x, a, claims);
}

/* The form of a token with random bytes where the signature goes. */
static struct str unsigned_token(struct tokens *x, struct arena *a, const cJSON *claims)
{
    struct buf text = {0}, token = {0};
    unsigned char filler[LEGACY_FILLER_BYTES];
    json_write(&text, claims);
    world_random(x->api->w, filler, sizeof(filler));
    base64url_encode(&token, STR("{\"alg\":\"RS256\",\"kid\":\"paddock\"}"));
    buf_add_char(&token, '.');
    base64url_encode(&token, buf_str(&text));
    buf_add_char(&token, '.');
    base64url_encode(&token, (struct str){(const char *)filler, sizeof(filler)});
    struct str made = arena_str(a, buf_str(&token));
    buf_free(&text);
    buf_free(&token);
    return made;
}

struct str tokens_issue_legacy(struct tokens *x, struct arena *a, struct str ns, struct str secret,
                               struct token_ref account)
{
    cJSON *claims = json_object(a);
    json_set_str(a, claims, "iss", STR(TOKEN_LEGACY_ISSUER));
    json_set_str(a, claims, "kubernetes.io/serviceaccount/namespace", ns);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/secret.name", secret);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/service-account.name", account.name);
    json_set_str(a, claims, "kubernetes.io/serviceaccount/service-account.uid", account.uid);
    json_set_str(a, claims, "sub", subject(a, ns, account.name));
    return x->api->token_key ? sign(x, a, claims) : unsigned_token(x, a, claims);
}
