#include "engine/http/request.h"

#include "engine/http/flow.h"
#include "engine/http/head.h"

static void put_header(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

/* Host, framing and connection are ours to write. */
static bool is_managed(struct str name)
{
    static const struct str managed[] = {STR_INIT("Host"), STR_INIT("Content-Length"),
                                         STR_INIT("Transfer-Encoding"), STR_INIT("Connection"),
                                         STR_INIT("Expect")};
    for (size_t i = 0; i < ARRAY_LEN(managed); i++)
        if (str_eq_nocase(name, managed[i]))
            return true;
    return false;
}

static void put_headers(struct buf *out, const struct http_request *r)
{
    struct str name, value;
    for (size_t i = 0; r->headers && http_headers_at(r->headers, i, &name, &value); i++)
        if (!is_managed(name) && !(r->content_type && str_eq_nocase(name, STR("Content-Type"))))
            put_header(out, name, value);
}

static bool announces_length(struct str method, struct str body)
{
    return body.n > 0 || str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("PATCH"));
}

bool request_put(struct buf *out, const struct http_request *r)
{
    struct str method = str_c(r->method);
    if (!http_is_token(method) || !http_is_target(r->target) || !http_is_field_value(r->host) ||
        !http_is_field_value(r->upgrade))
        return false;
    buf_clear(out);
    buf_add(out, method);
    buf_add_char(out, ' ');
    buf_add(out, r->target);
    buf_add(out, STR(" HTTP/1.1\r\n"));
    put_header(out, STR("Host"), r->host);
    put_headers(out, r);
    if (r->content_type)
        put_header(out, STR("Content-Type"), str_c(r->content_type));
    if (r->upgrade.n) {
        buf_add(out, STR("Connection: Upgrade\r\n"));
        put_header(out, STR("Upgrade"), r->upgrade);
    }
    if (r->body_streamed && r->body_length < 0) {
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    } else if (r->body_streamed) {
        buf_add(out, STR("Content-Length: "));
        buf_add_i64(out, r->body_length);
        buf_add(out, STR("\r\n"));
    } else if (announces_length(method, r->body)) {
        buf_add(out, STR("Content-Length: "));
        buf_add_u64(out, r->body.n);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("\r\n"));
    return true;
}

bool request_is_idempotent(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "DELETE"};
    struct str m = str_c(method);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_c(m, names[i]))
            return true;
    return false;
}
