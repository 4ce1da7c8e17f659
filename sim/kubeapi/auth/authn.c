/* Who asks: a client certificate, a bearer token, or nobody. */
#include "sim/kubeapi/auth/auth.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"

#include "engine/base/codec.h"
#include "engine/http/server.h"
#include "engine/pki/x509.h"

#define CERTIFICATES_MAX 1024u /* peers whose identity is remembered */

static const struct str authenticated = STR_INIT("system:authenticated");

static void be_anonymous(struct api_request *r)
{
    r->user = (struct api_user){.name = STR("system:anonymous"), .uid = str_empty};
    r->user.groups = ARENA_NEW(&r->a, struct str);
    r->user.groups[0] = STR("system:unauthenticated");
    r->user.groups_n = 1;
}

/* ---- certificates ---- */

struct auth_certificate { /* a peer's, in api->certificate_memory */
    struct api_user user;
    int64_t not_before_s, not_after_s;
};

static void name_credential(struct arena *a, struct str der, struct api_user *u)
{
    struct buf text = {0};
    buf_add_c(&text, "X509SHA256=");
    pki_sha256_hex(der, &text);
    u->extra = ARENA_NEW(a, struct api_extra);
    u->extra_n = 1;
    u->extra->key = STR("authentication.kubernetes.io/credential-id");
    u->extra->values = ARENA_NEW(a, struct str);
    u->extra->values[0] = arena_str(a, buf_str(&text));
    u->extra->n = 1;
    buf_free(&text);
}

static struct auth_certificate *read_certificate(struct kubeapi *api, struct str pem)
{
    struct arena *a = &api->certificate_memory;
    struct pki_cert_info info;
    struct buf chain = {0};
    struct err *err = pki_chain_from_pem(pem, &chain);
    if (!err)
        err = pki_cert_read(a, buf_str(&chain), &info);
    if (err) {
        err_ignore(err);
        buf_free(&chain);
        return NULL;
    }
    struct auth_certificate *c = ARENA_NEW(a, struct auth_certificate);
    struct api_user *u = &c->user;
    c->not_before_s = info.not_before_s;
    c->not_after_s = info.not_after_s;
    u->name = info.common_name;
    u->uid = str_empty;
    u->groups = ARENA_NEW_ARRAY(a, struct str, info.organizations_n + 1);
    for (; u->groups_n < info.organizations_n; u->groups_n++)
        u->groups[u->groups_n] = info.organizations[u->groups_n];
    u->groups[u->groups_n++] = authenticated;
    name_credential(a, buf_str(&chain), u);
    buf_free(&chain);
    map_put(&api->certificates, pem, c);
    return c;
}

/* The chain has been verified by the stream against the client CA. Reading it costs more than a request: remembered. A
 * connection may outlive its certificate. */
static bool from_certificate(struct api_request *r)
{
    struct kubeapi *api = r->api;
    struct str pem = r->x ? world_stream_peer_pem(http_stream(r->x)) : str_empty;
    if (pem.n == 0)
        return false;
    struct auth_certificate *c = map_get(&api->certificates, pem);
    if (!c && map_count(&api->certificates) >= CERTIFICATES_MAX) {
        map_clear(&api->certificates);
        arena_free(&api->certificate_memory);
    }
    if (!c)
        c = read_certificate(api, pem);
    int64_t now_s = world_wall(api->w) / NS_PER_S;
    if (!c || c->user.name.n == 0 || now_s >= c->not_after_s)
        return false;
    r->user = c->user;
    return true;
}

/* ---- tokens ---- */

static bool bearer_token(const struct api_request *r, struct str *token)
{
    struct str scheme, rest, more, header = str_trim(r->authorization);
    if (!str_cut(header, ' ', &scheme, &rest) || !str_eq_nocase(scheme, STR("Bearer")))
        return false;
    (void)str_cut(rest, ' ', token, &more);
    return token->n > 0;
}

/* Browsers cannot set headers of a WebSocket: they offer the token as a subprotocol. */
static bool protocol_token(struct api_request *r, struct str *token)
{
    static const struct str prefix = STR_INIT("base64url.bearer.authorization.k8s.io.");
    struct str item, list;
    if (!r->headers || !http_headers_has_token(r->headers, "Upgrade", "websocket"))
        return false;
    list = http_headers_get(r->headers, "Sec-WebSocket-Protocol");
    while (list.n > 0) {
        (void)str_cut(list, ',', &item, &list);
        item = str_trim(item);
        struct buf b = {.max = PKI_JWT_BYTES_MAX};
        bool ok = str_starts(item, prefix) && base64url_decode(&b, str_sub(item, prefix.n, item.n));
        *token = ok ? arena_str(&r->a, buf_str(&b)) : str_empty;
        buf_free(&b);
        if (token->n > 0)
            return true;
    }
    return false;
}

bool api_authenticate(struct api_request *r)
{
    struct str token;
    struct token_answer answer;
    if (r->user.name.n > 0 || from_certificate(r))
        return true;
    if (!bearer_token(r, &token) && !protocol_token(r, &token)) {
        be_anonymous(r);
        return true;
    }
    tokens_check(r->api, &r->a, token, token_api_audiences, &answer);
    if (!answer.ok)
        return api_fail_plain(r, 401, "Unauthorized", "Unauthorized");
    r->user = answer.user;
    return true;
}

static cJSON *extra_tree(struct api_request *r, const struct api_user *u)
{
    cJSON *extra = json_object(&r->a);
    for (size_t i = 0; i < u->extra_n; i++) {
        cJSON *values = json_array(&r->a);
        for (size_t k = 0; k < u->extra[i].n; k++)
            json_append(values, json_str(&r->a, u->extra[i].values[k]));
        json_set(&r->a, extra, u->extra[i].key, values);
    }
    return extra;
}

cJSON *auth_user_info(struct api_request *r, const struct api_user *u)
{
    cJSON *tree = json_object(&r->a), *groups = json_array(&r->a);
    json_set_str(&r->a, tree, "username", u->name);
    if (u->uid.n > 0)
        json_set_str(&r->a, tree, "uid", u->uid);
    for (size_t i = 0; i < u->groups_n; i++)
        json_append(groups, json_str(&r->a, u->groups[i]));
    if (groups->child)
        json_set(&r->a, tree, STR("groups"), groups);
    if (u->extra_n > 0)
        json_set(&r->a, tree, STR("extra"), extra_tree(r, u));
    return tree;
}
