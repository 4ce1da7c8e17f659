#include "engine/pki/jwt.h"

#include "engine/base/codec.h"

static struct str algorithm_of(const struct pki_key *key)
{
    static const struct str names[] = {
        [PKI_ED25519] = STR_INIT("EdDSA"),
        [PKI_P256] = STR_INIT("ES256"),
        [PKI_RSA] = STR_INIT("RS256"),
    };
    return names[pki_key_kind(key)];
}

void pki_jwt_sign(const struct pki_key *key, struct str key_id, const cJSON *claims,
                  struct buf *token)
{
    struct buf part = {0};
    size_t from = token->n;
    buf_addf(&part, "{\"alg\":\"%.*s\",", STR_ARG(algorithm_of(key)));
    if (key_id.n) {
        buf_add(&part, STR("\"kid\":"));
        json_write_string(&part, key_id);
        buf_add_char(&part, ',');
    }
    buf_add(&part, STR("\"typ\":\"JWT\"}"));
    base64url_encode(token, buf_str(&part));
    buf_add_char(token, '.');
    buf_clear(&part);
    json_write_ordered(&part, claims);
    base64url_encode(token, buf_str(&part));
    buf_clear(&part);
    pki_sign(key, str_sub(buf_str(token), from, token->n), &part);
    buf_add_char(token, '.');
    base64url_encode(token, buf_str(&part));
    buf_free(&part);
}

static struct err *malformed(const char *what)
{
    return err_new(ERR_INVALID, "malformed token: %s", what);
}

static struct err *read_object(struct arena *a, struct str part, const char *what, cJSON **out)
{
    struct buf text = {.max = PKI_JWT_BYTES_MAX};
    cJSON *v = NULL;
    struct err *err = NULL;
    if (!base64url_decode(&text, part))
        err = malformed(what);
    else
        err = json_parse(a, buf_str(&text), &v);
    buf_free(&text);
    if (!err && v->type != cJSON_Object)
        err = malformed(what);
    *out = v;
    return err;
}

static struct err *read_signature(struct arena *a, struct str part, struct str *out)
{
    struct buf bytes = {.max = PKI_JWT_BYTES_MAX};
    bool ok = base64url_decode(&bytes, part) && bytes.n > 0;
    if (ok)
        *out = arena_str(a, buf_str(&bytes));
    buf_free(&bytes);
    return ok ? NULL : malformed("the signature is not base64url");
}

struct err *pki_jwt_read(struct arena *a, struct str token, struct pki_jwt *out)
{
    if (token.n > PKI_JWT_BYTES_MAX)
        return err_new(ERR_TOO_LARGE, "token of %zu bytes: at most %zu are read", token.n,
                       PKI_JWT_BYTES_MAX);
    struct str header_text, claims_text, signature_text, rest;
    if (!str_cut(token, '.', &header_text, &rest) ||
        !str_cut(rest, '.', &claims_text, &signature_text) ||
        str_find_char(signature_text, '.') >= 0)
        return malformed("expected three parts");
    struct pki_jwt jwt = {.signed_part = str_sub(token, 0, header_text.n + 1 + claims_text.n)};
    cJSON *header;
    struct err *err = read_object(a, header_text, "the header is no JSON object", &header);
    if (err)
        return err;
    if (json_get(header, "crit"))
        return malformed("it has critical headers that are not known");
    if (json_get(header, "kid") && !json_is_string(json_get(header, "kid")))
        return malformed("kid is no string");
    jwt.algorithm = json_string(json_get(header, "alg"));
    jwt.key_id = json_string(json_get(header, "kid"));
    err = read_object(a, claims_text, "the claims are no JSON object", &jwt.claims);
    if (err)
        return err;
    err = read_signature(a, signature_text, &jwt.signature);
    if (err)
        return err;
    *out = jwt;
    return NULL;
}

/* *out: the claim, or otherwise when it is absent. */
static struct err *time_claim(const cJSON *claims, const char *name, int64_t otherwise,
                              int64_t *out)
{
    const cJSON *v = json_get(claims, name);
    *out = otherwise;
    if (v && !json_int(v, out))
        return err_new(ERR_UNAUTHORIZED, "the token's %s is no whole number of seconds", name);
    return NULL;
}

static struct err *check_times(const cJSON *claims, int64_t now_s, int64_t leeway_s)
{
    int64_t expires_s, starts_s, bound_s;
    struct err *err = time_claim(claims, "exp", INT64_MAX, &expires_s);
    if (err)
        return err;
    err = time_claim(claims, "nbf", INT64_MIN, &starts_s);
    if (err)
        return err;
    if (!__builtin_add_overflow(expires_s, leeway_s, &bound_s) && now_s >= bound_s)
        return err_new(ERR_UNAUTHORIZED, "the token has expired");
    if (!__builtin_sub_overflow(starts_s, leeway_s, &bound_s) && now_s < bound_s)
        return err_new(ERR_UNAUTHORIZED, "the token is not valid yet");
    return NULL;
}

struct err *pki_jwt_verify(const struct pki_jwt *jwt, const struct pki_key *key, int64_t now_s,
                           int64_t leeway_s)
{
    BUG_ON(leeway_s < 0, "leeway widens");
    if (!str_eq(jwt->algorithm, algorithm_of(key)))
        return err_new(ERR_UNAUTHORIZED, "the token's algorithm is not that of its key");
    if (!pki_verify(key, jwt->signed_part, jwt->signature))
        return err_new(ERR_UNAUTHORIZED, "the token's signature does not verify");
    return check_times(jwt->claims, now_s, leeway_s);
}
