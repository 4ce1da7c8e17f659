#include "sim/kubeapi/wswatch.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/request.h"

#include "engine/base/codec.h"
#include "engine/http/ws.h"

#define TOKEN_PROTOCOL "base64url.bearer.authorization.k8s.io."

/* ---- the head ---- */

static bool is_handshake(const struct api_request *r)
{
    const struct http_headers *h = r->headers;
    struct str key = http_headers_get(h, "Sec-WebSocket-Key");
    struct buf bytes = {.max = 64};
    bool ok = str_eq_c(r->method, "GET") && http_headers_has_token(h, "Upgrade", "websocket") &&
              http_headers_has_token(h, "Connection", "Upgrade") &&
              http_headers_count(h, "Sec-WebSocket-Key") == 1 && key.n == 24 &&
              str_eq_c(http_headers_get(h, "Sec-WebSocket-Version"), "13");
    ok = ok && base64_decode(&bytes, key) && bytes.n == 16;
    buf_free(&bytes);
    return ok;
}

/* A token that does not decode is an empty one: nobody's. */
static void take_token(struct api_request *r, struct str text)
{
    struct buf token = {.max = text.n + 1};
    if (!base64url_decode(&token, text))
        buf_clear(&token);
    r->authorization = arena_printf(&r->a, "Bearer " STR_FMT, STR_ARG(buf_str(&token)));
    buf_free(&token);
}

static void read_protocols(struct api_request *r)
{
    struct str list = http_headers_get(r->headers, "Sec-WebSocket-Protocol"), part;
    while (list.n > 0) {
        (void)str_cut(list, ',', &part, &list);
        part = str_trim(part);
        bool token = str_starts(part, STR(TOKEN_PROTOCOL)); /* never told back */
        if (token && r->authorization.n == 0)
            take_token(r, str_sub(part, sizeof(TOKEN_PROTOCOL) - 1, part.n));
        else if (token)
            continue;
        else if (part.n > 0 && !r->ws_protocol)
            r->ws_protocol = arena_c(&r->a, part);
    }
}

void wswatch_read_head(struct api_request *r)
{
    if (http_headers_get(r->headers, "Upgrade").n == 0 || !is_handshake(r))
        return;
    struct str *const views[] = {&r->method,        &r->path,   &r->query,     &r->content_type,
                                 &r->authorization, &r->accept, &r->user_agent};
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        *views[i] = arena_str(&r->a, *views[i]);
    r->ws_origin = http_headers_get(r->headers, "Origin").n > 0;
    r->sink = &wswatch_sink;
    read_protocols(r);
}

/* ---- the session ---- */

static void end_request(struct api_request *r)
{
    r->ws = NULL;
    list_remove(&r->link);
    api_request_free(r);
    mem_free(r);
}

static void on_message(void *owner, bool text, struct str payload)
{
    /* a watch has nothing to be told */
}

static void on_drained(void *owner)
{
    struct api_request *r = owner;
    if (r->watch)
        api_watch_pump(r->watch);
}

static void on_closed(void *owner, const struct world_ws_closed *how)
{
    end_request(owner);
}

static bool sink_allowed(struct api_request *r)
{
    if (!r->ws_origin)
        api_reply_text(r, 403, "");
    return r->ws_origin;
}

static void sink_start(struct api_request *r)
{
    static const struct world_ws_handler handler = {
        .message = on_message, .drained = on_drained, .closed = on_closed};
    struct http_ws_options options = {.message_bytes_max = 4096, .protocol = r->ws_protocol};
    struct http_exchange *x = r->x;
    http_exchange_set(x, NULL, NULL); /* the session tells when it is gone */
    r->x = NULL;
    r->headers = NULL;
    r->ws = http_ws_accept(x, &options, &handler, r);
    BUG_ON(!r->ws, "the handshake was looked at before");
}

static void sink_write(struct api_request *r, struct str bytes)
{
    http_ws_send(r->ws, r->media.format == API_FORMAT_JSON, bytes);
}

static size_t sink_queued(struct api_request *r)
{
    return http_ws_queued(r->ws);
}

static void sink_end(struct api_request *r, bool abort)
{
    if (abort)
        http_ws_abort(r->ws);
    else
        http_ws_close(r->ws, 1000, str_empty);
    end_request(r);
}

const struct watch_sink wswatch_sink = {.allowed = sink_allowed,
                                        .start = sink_start,
                                        .write = sink_write,
                                        .queued = sink_queued,
                                        .end = sink_end};

void wswatch_abort(struct api_request *r)
{
    sink_end(r, true);
}
