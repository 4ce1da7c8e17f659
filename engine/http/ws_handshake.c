/* The opening handshake, both sides (RFC 6455 §4). */
#include "engine/base/codec.h"
#include "engine/http/ws_internal.h"

#include <openssl/sha.h>
#include <string.h>

static void ws_accept_text(char out[WS_ACCEPT_TEXT], struct str key)
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    struct buf text = {0};
    buf_add(&text, key);
    buf_add(&text, STR(salt));
    (void)SHA1((const unsigned char *)text.p, text.n, digest);
    buf_clear(&text);
    base64_encode(&text, (struct str){(const char *)digest, sizeof(digest)});
    BUG_ON(text.n != WS_ACCEPT_TEXT, "base64 of 20 bytes is 28 long");
    memcpy(out, text.p, WS_ACCEPT_TEXT);
    buf_free(&text);
}

/* ---- server ---- */

static bool is_key(struct str key)
{
    struct buf bytes = {.max = WS_KEY_TEXT};
    bool good = key.n == WS_KEY_TEXT && base64_decode(&bytes, key) && bytes.n == WS_KEY_BYTES;
    buf_free(&bytes);
    return good;
}

/* NULL: a good request. */
static const char *check_request(const struct http_exchange *x)
{
    const struct http_headers *h = http_request_headers(x);
    if (!str_eq(http_method(x), STR("GET")))
        return "a WebSocket is opened with GET";
    if (!http_headers_has_token(h, "Upgrade", "websocket") ||
        !http_headers_has_token(h, "Connection", "Upgrade"))
        return "this is not a WebSocket request: it lacks Upgrade: websocket and Connection: "
               "Upgrade";
    if (http_headers_count(h, "Sec-WebSocket-Key") != 1 ||
        !is_key(http_headers_get(h, "Sec-WebSocket-Key")))
        return "Sec-WebSocket-Key is not 16 bytes in base64";
    return NULL;
}

static bool refused(struct http_exchange *x)
{
    const char *why = check_request(x);
    if (why) {
        http_answer(x, 400, "text/plain; charset=utf-8", NULL, str_c(why));
        return true;
    }
    struct str version = http_headers_get(http_request_headers(x), "Sec-WebSocket-Version");
    if (str_eq(version, STR("13")))
        return false;
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Sec-WebSocket-Version", "13");
    http_answer(x, 426, "text/plain; charset=utf-8", &headers,
                STR("only version 13 of the WebSocket protocol is spoken here"));
    http_headers_free(&headers);
    return true;
}

static struct world_stream *upgrade(struct http_exchange *x, const char *protocol,
                                    struct buf *early)
{
    char accept[WS_ACCEPT_TEXT];
    struct http_headers headers = {0};
    ws_accept_text(accept, http_headers_get(http_request_headers(x), "Sec-WebSocket-Key"));
    http_headers_add_c(&headers, "Upgrade", "websocket");
    http_headers_add_c(&headers, "Connection", "Upgrade");
    bool added = http_headers_add(&headers, STR("Sec-WebSocket-Accept"),
                                  (struct str){accept, sizeof(accept)});
    BUG_ON(!added, "base64 is a header value");
    if (protocol)
        http_headers_add_c(&headers, "Sec-WebSocket-Protocol", protocol);
    struct world_stream *stream = http_upgrade(x, &headers, early);
    http_headers_free(&headers);
    return stream;
}

struct http_ws *http_ws_accept(struct http_exchange *x, const struct http_ws_options *options,
                               const struct world_ws_handler *handler, void *owner)
{
    static const struct http_ws_options defaults = {0};
    const struct http_ws_options *o = options ? options : &defaults;
    if (refused(x))
        return NULL;
    struct http_ws *ws = ws_new(http_world(x), handler, owner);
    ws->state = WS_OPEN;
    ws->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : WORLD_WS_MESSAGE_MAX;
    ws->fragment_bytes = o->fragment_bytes;
    ws->stream = upgrade(x, o->protocol, &ws->input.kept);
    world_stream_attach(ws->stream, &ws_stream_handler, ws);
    if (ws->input.kept.n) { /* frames that came with the request: from the loop */
        ws->kick = true;
        ws_wake(ws, 0);
    }
    return ws;
}

/* ---- client ---- */

static void put_header(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

/* False: a header that would break the request. */
static bool put_request(struct buf *out, const struct world_ws_connect *o, struct str key)
{
    if (!http_is_target(o->path) || !http_is_field_value(o->host))
        return false;
    buf_add(out, STR("GET "));
    buf_add(out, o->path);
    buf_add(out, STR(" HTTP/1.1\r\n"));
    put_header(out, STR("Host"), o->host);
    buf_add(out, STR("Upgrade: websocket\r\nConnection: Upgrade\r\n"));
    put_header(out, STR("Sec-WebSocket-Key"), key);
    buf_add(out, STR("Sec-WebSocket-Version: 13\r\n"));
    for (size_t i = 0; i < o->headers_n; i++) {
        if (!http_is_token(o->headers[i].name) || !http_is_field_value(o->headers[i].value))
            return false;
        put_header(out, o->headers[i].name, o->headers[i].value);
    }
    buf_add(out, STR("\r\n"));
    return true;
}

bool ws_handshake_start(struct http_ws *ws, const struct world_ws_connect *o)
{
    struct ws_handshake *hs = MEM_NEW(struct ws_handshake);
    unsigned char nonce[WS_KEY_BYTES];
    struct buf key = {0};
    ws->handshake = hs;
    world_random(ws->w, nonce, sizeof(nonce));
    base64_encode(&key, (struct str){(const char *)nonce, sizeof(nonce)});
    ws_accept_text(hs->accept, buf_str(&key));
    hs->refusal.max = WORLD_WS_REFUSAL_BYTES_MAX;
    bool good = put_request(&hs->request, o, buf_str(&key));
    buf_free(&key);
    return good;
}

void ws_handshake_free(struct http_ws *ws)
{
    if (!ws->handshake)
        return;
    buf_free(&ws->handshake->request);
    buf_free(&ws->handshake->refusal);
    http_head_free(&ws->handshake->head);
    mem_free(ws->handshake);
    ws->handshake = NULL;
}

void ws_handshake_sent(struct http_ws *ws)
{
    BUG_ON(ws->state != WS_CONNECTING, "a stream opens once");
    world_stream_write(ws->stream, buf_str(&ws->handshake->request));
    ws->state = WS_HANDSHAKE;
}

static enum err_code refusal_code(int status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHORIZED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    case 429:
        return ERR_TOO_MANY;
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return ERR_PROTOCOL;
    }
}

static void tell_refusal(struct http_ws *ws)
{
    struct ws_handshake *hs = ws->handshake;
    struct err *err = err_new(refusal_code(hs->head.status),
                              "the server refused the WebSocket with status %d", hs->head.status);
    struct world_ws_closed how = {.err = err,
                                  .http_status = hs->head.status,
                                  .http_body = buf_str(&hs->refusal),
                                  .code = 1006};
    ws_finish(ws, &how, true);
    err_free(err);
}

static bool agrees(const struct ws_handshake *hs)
{
    const struct http_headers *h = &hs->head.headers;
    return http_headers_has_token(h, "Upgrade", "websocket") &&
           http_headers_has_token(h, "Connection", "Upgrade") &&
           http_headers_count(h, "Sec-WebSocket-Accept") == 1 &&
           str_eq(http_headers_get(h, "Sec-WebSocket-Accept"),
                  (struct str){hs->accept, sizeof(hs->accept)}) &&
           !http_headers_has(h, "Sec-WebSocket-Extensions") &&
           !http_headers_has(h, "Sec-WebSocket-Protocol");
}

static bool read_refusal(struct http_ws *ws)
{
    struct ws_handshake *hs = ws->handshake;
    struct str piece;
    enum http_body_step step;
    while ((step = http_body_next(&hs->body, &ws->input.rest, &piece)) == HTTP_BODY_PIECE)
        buf_add(&hs->refusal, piece);
    if (step != HTTP_BODY_MORE || hs->refusal.n == WORLD_WS_REFUSAL_BYTES_MAX)
        tell_refusal(ws);
    return false;
}

static bool read_answer(struct http_ws *ws)
{
    struct ws_handshake *hs = ws->handshake;
    if (hs->head.status == 101) {
        if (!agrees(hs)) {
            ws_fail(ws, err_new(ERR_PROTOCOL, "the server's WebSocket handshake does not match"));
            return false;
        }
        ws_handshake_free(ws);
        ws_opened(ws);
        return !ws->dead;
    }
    if (hs->head.status < 200) {
        ws_fail(ws, err_new(ERR_PROTOCOL, "the server answered %d", hs->head.status));
        return false;
    }
    ws->state = WS_REFUSED;
    enum http_body_kind kind = hs->head.status == 204 || hs->head.status == 304 ? HTTP_BODY_NONE
                               : hs->head.chunked                               ? HTTP_BODY_CHUNKED
                               : hs->head.has_length                            ? HTTP_BODY_LENGTH
                                                     : HTTP_BODY_UNTIL_END;
    hs->body = http_body_make(kind, hs->head.length);
    return read_refusal(ws);
}

bool ws_handshake_read(struct http_ws *ws)
{
    size_t used = 0;
    if (ws->state == WS_REFUSED)
        return read_refusal(ws);
    switch (http_head_read(&ws->handshake->head, HTTP_HEAD_RESPONSE, ws->input.rest,
                           (size_t)64 << 10, &used)) {
    case HTTP_HEAD_MORE:
        break;
    case HTTP_HEAD_DONE:
        http_input_skip(&ws->input, used);
        return read_answer(ws);
    case HTTP_HEAD_REFUSED:
        ws_fail(ws, err_new(ERR_PROTOCOL, "the server's answer is malformed: %s",
                            ws->handshake->head.why));
        break;
    }
    return false;
}

void ws_handshake_ended(struct http_ws *ws)
{
    if (ws->state == WS_REFUSED)
        tell_refusal(ws);
    else
        ws_fail(ws, err_new(ERR_EOF, "the server ended the connection within the handshake"));
}
