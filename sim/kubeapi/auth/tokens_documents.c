/* What others need to verify a token: the documents of OpenID. */
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/core/reply.h"

static struct str host_of(struct api_request *r)
{
    struct str host = r->headers ? http_headers_get(r->headers, "Host") : str_empty;
    return host.n > 0 ? host : STR("kubernetes.default.svc");
}

bool token_discovery(struct api_request *r)
{
    bool jwks = str_eq_c(r->path, "/openid/v1/jwks");
    struct buf b = {0};
    if (!str_eq_c(r->method, "GET") ||
        (!jwks && !str_eq_c(r->path, "/.well-known/openid-configuration")))
        return false;
    if (jwks) {
        tokens_jwks(r->api->tokens, &b);
    } else {
        buf_add_c(&b, "{\"issuer\":\"" TOKEN_ISSUER "\",\"jwks_uri\":");
        json_write_string(
            &b, arena_printf(&r->a, "https://" STR_FMT "/openid/v1/jwks", STR_ARG(host_of(r))));
        buf_add_c(&b, ",\"response_types_supported\":[\"id_token\"],"
                      "\"subject_types_supported\":[\"public\"],"
                      "\"id_token_signing_alg_values_supported\":[\"RS256\"]}");
    }
    api_reply_json(r, 200, buf_str(&b));
    if (jwks)
        r->out_type = "application/jwk-set+json";
    api_reply_header(r, "Cache-Control", STR("public, max-age=3600"));
    buf_free(&b);
    return true;
}
