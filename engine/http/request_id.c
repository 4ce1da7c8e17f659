/* What a request is called on the log of every hop: see http_request_id in server.h. */
#include "engine/http/server_internal.h"

#define REQUEST_ID_HEADER "X-Request-Id"

static bool is_request_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            c != '.')
            return false;
    }
    return id.n > 0 && id.n <= HTTP_REQUEST_ID_MAX;
}

struct str http_request_id_given(const struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    struct str id = http_headers_get(h, REQUEST_ID_HEADER);
    return http_headers_count(h, REQUEST_ID_HEADER) == 1 && is_request_id(id) ? id : str_empty;
}

/* Names the server, for as long as it runs. Not drawn at random: a simulated run would be another one with it. */
static uint64_t server_name(struct http_server *s, const struct world_stream *stream)
{
    struct buf text = {0};
    if (s->id_name == 0) {
        struct world_addr at = world_stream_local(stream);
        world_addr_print(&at, &text);
        buf_addf(&text, "/%lld/%lld", (long long)world_wall(s->w), (long long)world_now(s->w));
        s->id_name = str_hash(buf_str(&text));
        buf_free(&text);
    }
    return s->id_name;
}

struct str http_request_id(struct http_exchange *x)
{
    struct http_server *s = conn_of(x)->server;
    struct buf text = {0};
    if (x->request_id.n)
        return x->request_id;
    x->request_id = http_request_id_given(x);
    if (x->request_id.n)
        return x->request_id;
    buf_addf(&text, "%016llx-%llx", (unsigned long long)server_name(s, http_stream(x)),
             (unsigned long long)++s->ids);
    x->request_id = arena_str(&x->arena, buf_str(&text));
    buf_free(&text);
    return x->request_id;
}
