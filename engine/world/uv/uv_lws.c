/* libwebsockets on the world's loop: one context, one plain vhost, one protocol: the connection is a local socket. */
#include "engine/world/uv/uv_ws.h"

#include <string.h>

#define PORT_UNUSED       1                            /* of a local socket */
#define WRITE_CLOSE       ((enum lws_write_protocol)4) /* kept free for it in the public enum */
#define SPARE_SOCKETS     8u                           /* the context's own */
#define NEVER_S           86400u                       /* deadlines are ours */
#define CLOSING_TURNS_MAX 1000
#define RX_BYTES          ((size_t)32 << 10)
#define HANDSHAKE_BYTES   ((size_t)16 << 10)

struct uvw_lws {
    struct lws_context *context; /* set to NULL by it when it is gone */
    unsigned sockets;
};

/* Neither pings nor hang-ups of its own. */
static const lws_retry_bo_t no_idle_policy = {.secs_since_valid_ping = 0,
                                              .secs_since_valid_hangup = 0};

/* ---- out ---- */
static void out_free(struct uvw_ws *ws, struct uvw_ws_out *out)
{
    list_remove(&out->node);
    ws->out_bytes -= out->payload.n - out->at;
    mem_free((void *)(uintptr_t)(out->payload.p - LWS_PRE));
    mem_free(out);
}

/* One frame. The protocol masks in place: the payload is ours and not needed again. */
static int write_frame(struct uvw_ws *ws, struct uvw_ws_out *out)
{
    size_t left = out->payload.n - out->at, n = left;
    if (ws->fragment_bytes && n > ws->fragment_bytes && !out->ping)
        n = ws->fragment_bytes;
    int kind = out->ping ? LWS_WRITE_PING : out->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
    if (out->begun)
        kind = LWS_WRITE_CONTINUATION;
    if (n < left)
        kind |= LWS_WRITE_NO_FIN;
    unsigned char *at = (unsigned char *)(uintptr_t)out->payload.p + out->at;
    int written = lws_write(ws->wsi, at, n, (enum lws_write_protocol)kind);
    if (written < 0)
        return -1;
    out->begun = true;
    out->at += n;
    ws->out_bytes -= n;
    if (out->at == out->payload.n)
        out_free(ws, out);
    return 0;
}

/* Written as a frame of ours: asked to close by itself, version 4.1 on this loop just ends the connection. */
static int send_close(struct uvw_ws *ws)
{
    unsigned char room[LWS_PRE + UVW_WS_CONTROL_MAX] = {0};
    size_t n = 2 + ws->close_reason.n;
    BUG_ON(n > UVW_WS_CONTROL_MAX, "the reason was cut to what a control frame takes");
    if (ws->close_sent)
        return 0;
    ws->close_sent = true;
    room[LWS_PRE] = (unsigned char)(ws->close_code >> 8);
    room[LWS_PRE + 1] = (unsigned char)ws->close_code;
    if (ws->close_reason.n)
        memcpy(room + LWS_PRE + 2, ws->close_reason.p, ws->close_reason.n);
    return lws_write(ws->wsi, room + LWS_PRE, n, WRITE_CLOSE) < 0 ? -1 : 0;
}

void uvw_lws_close_now(struct uvw_ws *ws, uint16_t code)
{
    if (!ws->wsi || ws->close_code || !ws->told_open)
        return;
    ws->close_code = code;
    (void)send_close(ws);
}

static int writeable(struct uvw_ws *ws)
{
    while (!list_empty(&ws->out) && !lws_send_pipe_choked(ws->wsi))
        if (write_frame(ws, container_of(ws->out.next, struct uvw_ws_out, node)) < 0)
            return -1;
    uvw_ws_tell_drained(ws);
    if (!list_empty(&ws->out)) {
        lws_callback_on_writable(ws->wsi);
        return 0;
    }
    return ws->close_code ? send_close(ws) : 0;
}

/* ---- in ---- */
static int received(struct uvw_ws *ws, struct str piece)
{
    if (ws->state != UVW_WS_OPEN)
        return 0;
    if (lws_is_first_fragment(ws->wsi)) {
        buf_clear(&ws->message);
        ws->message_text = !lws_frame_is_binary(ws->wsi);
    }
    if (piece.n > ws->message_bytes_max - ws->message.n) {
        uvw_lws_close_now(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
        uvw_ws_over(ws, err_new(ERR_TOO_LARGE, "a message is longer than %zu bytes",
                                ws->message_bytes_max));
        return 0;
    }
    buf_add(&ws->message, piece);
    if (lws_is_final_fragment(ws->wsi)) {
        uvw_ws_event(ws, ws->message_text ? UVW_WS_TEXT : UVW_WS_BINARY, buf_take(&ws->message));
    }
    return 0;
}

/* Our Close was first: theirs is the echo, and is not echoed again. */
static int peer_closes(struct uvw_ws *ws, struct str payload)
{
    if (ws->close_sent)
        return -1;
    ws->peer_code = LWS_CLOSE_STATUS_NO_STATUS;
    if (payload.n >= 2)
        ws->peer_code = (uint16_t)((unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1]);
    buf_clear(&ws->peer_reason);
    buf_add(&ws->peer_reason, str_sub(payload, 2, payload.n));
    return 0;
}

static int add_headers(struct uvw_ws *ws, unsigned char **at, size_t room)
{
    if (ws->headers.n > room)
        return -1;
    if (ws->headers.n)
        memcpy(*at, ws->headers.p, ws->headers.n);
    *at += ws->headers.n;
    return 0;
}

static void wsi_gone(struct uvw_ws *ws)
{
    ws->wsi = NULL;
    if (!ws->wsi_counted)
        return;
    ws->wsi_counted = false;
    ws->uv->lws->sockets--;
    uvw_ws_release(ws);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct uvw_ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    struct str bytes = {in, n};
    if (!ws)
        return 0;
    uvw_event(ws->uv);
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_headers(ws, in, n);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        uvw_ws_opened(ws);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return writeable(ws);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return received(ws, bytes);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        uvw_ws_event(ws, UVW_WS_PONG, str_dup(bytes));
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return peer_closes(ws, bytes);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        uvw_ws_over(ws, err_new(ERR_PROTOCOL, "the upgrade to WebSocket failed: " STR_FMT,
                                STR_ARG(in ? str_c(in) : STR("no reason"))));
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        wsi_gone(ws);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "paddock", .callback = on_lws, .rx_buffer_size = RX_BYTES},
    {.name = NULL},
};

/* ---- the context ---- */
static struct err *context_get(struct uv_world *uv)
{
    if (uv->lws)
        return NULL;
    struct uvw_lws *lws = MEM_NEW(struct uvw_lws);
    void *loops[] = {&uv->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8,
        .foreign_loops = loops,
        .pcontext = &lws->context,
        .timeout_secs = NEVER_S,
        .fd_limit_per_thread = UVW_WS_MAX + SPARE_SOCKETS, /* tables are as large as this */
        .max_http_header_data2 = HANDSHAKE_BYTES,
        .pt_serv_buf_size = HANDSHAKE_BYTES,
        .retry_and_idle_policy = &no_idle_policy,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };
    lws_set_log_level(0, NULL);
    lws->context = lws_create_context(&info);
    if (!lws->context) {
        mem_free(lws);
        return err_new(ERR_UNAVAILABLE, "libwebsockets cannot start on the loop");
    }
    uv->lws = lws;
    return NULL;
}

struct err *uvw_lws_connect(struct uvw_ws *ws)
{
    struct err *err = context_get(ws->uv);
    if (!err && ws->uv->lws->sockets >= UVW_WS_MAX)
        err = err_new(ERR_UNAVAILABLE, "more than %u WebSockets are open", UVW_WS_MAX);
    if (!err)
        err = uvw_ws_door_open(ws);
    if (err)
        return err;
    char door[sizeof ws->door_name.sun_path + 2] = "+@";
    memcpy(door + 2, ws->door_name.sun_path + 1, sizeof ws->door_name.sun_path - 1);
    char *host = str_dup_c(ws->host), *path = str_dup_c(ws->path);
    struct lws_client_connect_info info = {
        .context = ws->uv->lws->context,
        .address = door,
        .port = PORT_UNUSED,
        .path = path,
        .host = host,
        .pwsi = &ws->wsi,
        .local_protocol_name = protocols[0].name,
        .opaque_user_data = ws,
        .retry_and_idle_policy = &no_idle_policy,
    };
    ws->handles++; /* the wsi counts as one until it is destroyed */
    ws->wsi_counted = true;
    ws->uv->lws->sockets++;
    struct lws *wsi = lws_client_connect_via_info(&info);
    mem_free(host);
    mem_free(path);
    if (wsi)
        return NULL;
    err = err_new(ERR_UNAVAILABLE, "libwebsockets cannot start a connection");
    uvw_ws_over(ws, err); /* before what may free it */
    wsi_gone(ws);
    return NULL;
}

void uvw_lws_want_write(struct uvw_ws *ws)
{
    if (ws->wsi)
        lws_callback_on_writable(ws->wsi);
}

static void count_others(uv_handle_t *handle, void *count)
{
    struct uv_world *uv = handle->loop->data;
    const char *at = (const char *)handle, *world = (const char *)uv;
    if (at < world || at >= world + sizeof *uv)
        ++*(size_t *)count;
}

/* On a loop that is not its own the context ends in two calls; between them its handles have to be closed. */
void uvw_lws_free(struct uv_world *uv)
{
    if (!uv->lws)
        return;
    lws_context_destroy(uv->lws->context);
    size_t others = 1;
    for (int turn = 0; others && turn < CLOSING_TURNS_MAX; turn++) {
        uv_run(&uv->loop, UV_RUN_NOWAIT);
        others = 0;
        uv->loop.data = uv;
        uv_walk(&uv->loop, count_others, &others);
    }
    if (uv->lws->context)
        lws_context_destroy(uv->lws->context);
    BUG_ON(uv->lws->context, "libwebsockets gives its context back");
    mem_free(uv->lws);
    uv->lws = NULL;
}
