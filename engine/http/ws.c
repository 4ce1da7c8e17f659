#include "engine/http/ws_internal.h"

#include "engine/http/limits.h"

/* ---- life ---- */

struct http_ws *ws_new(struct world *w, const struct world_ws_handler *handler, void *owner)
{
    BUG_ON(!handler->message || !handler->closed, "a WebSocket has an owner who listens");
    struct http_ws *ws = MEM_NEW(struct http_ws);
    ws->w = w;
    ws->handler = handler;
    ws->owner = owner;
    return ws;
}

static void ws_destroy(struct http_ws *ws)
{
    world_timer_free(ws->alarm.timer);
    if (ws->frames)
        wslay_frame_context_free(ws->frames);
    ws_handshake_free(ws);
    buf_free(&ws->input.kept);
    buf_free(&ws->out);
    buf_free(&ws->message);
    mem_free(ws);
}

static void ws_enter(struct http_ws *ws)
{
    ws->busy++;
}

static void ws_leave(struct http_ws *ws)
{
    BUG_ON(ws->busy == 0, "who leaves has entered");
    if (--ws->busy == 0 && ws->dead)
        ws_destroy(ws);
}

static void ws_end(struct http_ws *ws, bool abort)
{
    if (ws->dead)
        return;
    ws->dead = true;
    if (ws->alarm.timer)
        world_timer_stop(ws->alarm.timer);
    if (ws->stream && abort)
        world_stream_abort(ws->stream);
    else if (ws->stream)
        world_stream_close(ws->stream);
    ws->stream = NULL;
    if (ws->busy == 0)
        ws_destroy(ws);
}

void ws_finish(struct http_ws *ws, const struct world_ws_closed *how, bool abort)
{
    BUG_ON(ws->busy == 0, "the owner is told from the loop");
    ws_end(ws, abort);
    ws->handler->closed(ws->owner, how);
}

void ws_fail(struct http_ws *ws, struct err *take_err)
{
    struct world_ws_closed how = {.err = take_err, .code = 1006};
    ws_finish(ws, &how, true);
    err_free(take_err);
}

/* ---- the world's callbacks ---- */

static void process(struct http_ws *ws, struct str bytes)
{
    http_input_begin(&ws->input, bytes);
    if (ws->state == WS_OPEN || ws_handshake_read(ws))
        ws_read(ws);
    http_input_end(&ws->input);
}

static void on_timer(void *owner)
{
    struct http_ws *ws = owner;
    ws_enter(ws);
    http_alarm_fired(&ws->alarm);
    if (ws->state != WS_OPEN && !ws->stream)
        ws_fail(ws, err_new(ERR_INVALID, "path, Host or a header of the WebSocket is malformed"));
    else if (ws->state != WS_OPEN)
        ws_fail(ws, err_new(ERR_TIMEOUT, "the WebSocket handshake took too long"));
    else if (ws->kick) {
        ws->kick = false;
        process(ws, str_empty);
    }
    ws_leave(ws);
}

void ws_wake(struct http_ws *ws, world_time delay)
{
    if (!ws->alarm.timer)
        ws->alarm.timer = world_timer_new(ws->w, on_timer, ws);
    http_alarm_by(&ws->alarm, ws->w, world_now(ws->w) + delay);
}

void ws_opened(struct http_ws *ws)
{
    world_timer_stop(ws->alarm.timer);
    ws->alarm.set = false;
    ws->state = WS_OPEN;
    if (ws->paused)
        world_stream_pause(ws->stream);
    if (ws->handler->open)
        ws->handler->open(ws->owner);
}

static void on_open(void *owner)
{
    struct http_ws *ws = owner;
    ws_enter(ws);
    ws_handshake_sent(ws);
    ws_leave(ws);
}

static void on_data(void *owner, struct str bytes)
{
    struct http_ws *ws = owner;
    ws_enter(ws);
    process(ws, bytes);
    ws_leave(ws);
}

static void on_end(void *owner)
{
    struct http_ws *ws = owner;
    struct world_ws_closed how = {.code = 1006};
    ws_enter(ws);
    if (ws->state == WS_OPEN)
        ws_finish(ws, &how, false);
    else
        ws_handshake_ended(ws);
    ws_leave(ws);
}

static void on_drained(void *owner)
{
    struct http_ws *ws = owner;
    ws_enter(ws);
    if (ws->state == WS_OPEN && ws->handler->drained)
        ws->handler->drained(ws->owner);
    ws_leave(ws);
}

static void on_closed(void *owner, const struct err *err)
{
    struct http_ws *ws = owner;
    struct world_ws_closed how = {.err = err, .code = 1006};
    ws_enter(ws);
    ws->stream = NULL;
    if (ws->state == WS_OPEN || err)
        ws_finish(ws, &how, true);
    else
        ws_handshake_ended(ws);
    ws_leave(ws);
}

const struct world_stream_handler ws_stream_handler = {
    .open = on_open, .data = on_data, .end = on_end, .drained = on_drained, .closed = on_closed};

/* ---- the owner's calls ---- */

struct http_ws *http_ws_connect(struct world *w, const struct world_ws_connect *o,
                                const struct world_ws_handler *handler, void *owner)
{
    struct http_ws *ws = ws_new(w, handler, owner);
    world_time timeout = o->timeout ? o->timeout : WORLD_WS_HANDSHAKE_TIMEOUT;
    struct world_connect connect = {.address = o->address, .tls = o->tls, .timeout = timeout};
    http_head_setup();
    ws->client = true;
    ws->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : WORLD_WS_MESSAGE_MAX;
    ws->fragment_bytes = o->fragment_bytes;
    bool good = ws_handshake_start(ws, o);
    ws_wake(ws, good ? timeout : 0);
    if (good)
        ws->stream = world_stream_connect(w, &connect, &ws_stream_handler, ws);
    return ws;
}

void http_ws_send(struct http_ws *ws, bool text, struct str payload)
{
    BUG_ON(ws->state != WS_OPEN || ws->dead, "only an open WebSocket sends");
    size_t most = ws->fragment_bytes ? ws->fragment_bytes : payload.n;
    uint8_t opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
    for (bool fin = false; !fin; opcode = WSLAY_CONTINUATION_FRAME) {
        struct str piece = str_sub(payload, 0, most);
        fin = piece.n == payload.n;
        ws_send_frame(ws, opcode, fin, piece);
        payload = str_sub(payload, piece.n, payload.n);
    }
}

void http_ws_ping(struct http_ws *ws, struct str payload)
{
    BUG_ON(ws->state != WS_OPEN || ws->dead, "only an open WebSocket pings");
    BUG_ON(payload.n > WS_CONTROL_BYTES_MAX, "a ping holds at most 125 bytes");
    ws_send_frame(ws, WSLAY_PING, true, payload);
}

size_t http_ws_queued(const struct http_ws *ws)
{
    return ws->stream ? world_stream_queued(ws->stream) : 0;
}

void http_ws_close(struct http_ws *ws, uint16_t code, struct str reason)
{
    if (ws->dead)
        return;
    if (ws->state == WS_OPEN)
        ws_send_close(ws, code, reason);
    ws_end(ws, ws->state != WS_OPEN);
}

void http_ws_abort(struct http_ws *ws)
{
    ws_end(ws, true);
}

void http_ws_pause(struct http_ws *ws)
{
    if (ws->dead || ws->paused)
        return;
    ws->paused = true;
    if (ws->state == WS_OPEN) /* the handshake goes on */
        world_stream_pause(ws->stream);
}

void http_ws_resume(struct http_ws *ws)
{
    if (ws->dead || !ws->paused)
        return;
    ws->paused = false;
    if (ws->state == WS_OPEN)
        world_stream_resume(ws->stream);
    if (ws->more) { /* what was read before the pause: from the loop, never from inside this call */
        ws->kick = true;
        ws_wake(ws, 0);
    }
}

struct world_addr http_ws_peer(const struct http_ws *ws)
{
    return ws->stream ? world_stream_peer(ws->stream) : (struct world_addr){0};
}
