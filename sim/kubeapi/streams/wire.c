#include "sim/kubeapi/streams/wire.h"

#include "engine/http/ws.h"

#define WS_NORMAL 1000

/* ---- a WebSocket ---- */

static void on_message(void *owner, bool text, struct str payload)
{
    struct wire *w = owner;
    (void)text; /* some clients send what they type as text */
    w->handler->bytes(w->owner, payload);
}

static void on_ws_drained(void *owner)
{
    struct wire *w = owner;
    w->handler->drained(w->owner);
}

static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct wire *w = owner;
    (void)how;
    w->ws = NULL;
    w->handler->closed(w->owner);
}

bool wire_websocket(struct wire *w, struct http_exchange *x, const char *protocol,
                    const struct wire_handler *handler, void *owner)
{
    static const struct world_ws_handler ws_handler = {
        .message = on_message, .drained = on_ws_drained, .closed = on_ws_closed};
    const struct http_ws_options options = {.message_bytes_max = WIRE_MESSAGE_MAX,
                                            .protocol = protocol};
    *w = (struct wire){.handler = handler, .owner = owner};
    http_exchange_set(x, NULL, NULL); /* the session tells when it is gone */
    w->ws = http_ws_accept(x, &options, &ws_handler, w);
    return w->ws != NULL;
}

/* ---- a plain connection ---- */

static void on_open(void *owner)
{
    (void)owner; /* it is */
}

static void on_data(void *owner, struct str bytes)
{
    struct wire *w = owner;
    w->handler->bytes(w->owner, bytes);
}

static void on_end(void *owner)
{
    struct wire *w = owner;
    w->handler->ended(w->owner);
}

static void on_drained(void *owner)
{
    struct wire *w = owner;
    w->handler->drained(w->owner);
}

static void on_closed(void *owner, const struct err *err)
{
    struct wire *w = owner;
    (void)err;
    w->stream = NULL;
    w->handler->closed(w->owner);
}

void wire_upgrade(struct wire *w, struct http_exchange *x, const struct http_headers *headers,
                  const struct wire_handler *handler, void *owner, struct buf *early)
{
    static const struct world_stream_handler stream_handler = {on_open, on_data, on_end, on_drained,
                                                               on_closed};
    *w = (struct wire){.handler = handler, .owner = owner};
    http_exchange_set(x, NULL, NULL);
    w->stream = http_upgrade(x, headers, early);
    world_stream_attach(w->stream, &stream_handler, w);
}

/* ---- both ---- */

bool wire_open(const struct wire *w)
{
    return w->ws || w->stream;
}

void wire_send(struct wire *w, struct str bytes)
{
    if (w->ws)
        http_ws_send(w->ws, false, bytes);
    else if (w->stream && bytes.n > 0)
        world_stream_write(w->stream, bytes);
}

bool wire_has_room(const struct wire *w)
{
    size_t queued = w->ws ? http_ws_queued(w->ws) : w->stream ? world_stream_queued(w->stream) : 0;
    return queued <= WORLD_STREAM_LOW;
}

void wire_pause(struct wire *w, bool paused)
{
    if (w->paused == paused)
        return;
    w->paused = paused;
    if (w->ws)
        (paused ? http_ws_pause : http_ws_resume)(w->ws);
    else if (w->stream)
        (paused ? world_stream_pause : world_stream_resume)(w->stream);
}

void wire_close(struct wire *w)
{
    if (w->ws)
        http_ws_close(w->ws, WS_NORMAL, str_empty);
    if (w->stream)
        world_stream_close(w->stream);
    w->ws = NULL;
    w->stream = NULL;
}

void wire_abort(struct wire *w)
{
    if (w->ws)
        http_ws_abort(w->ws);
    if (w->stream)
        world_stream_abort(w->stream);
    w->ws = NULL;
    w->stream = NULL;
}
