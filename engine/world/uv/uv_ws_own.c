/* Outgoing WebSockets by the engine's own client (engine/http) over a stream of this world: no second socket, no copy more
 * than the stream's own, a few hundred bytes a connection. The choice of programs that keep thousands of them. */
#include "engine/http/ws.h"
#include "engine/world/uv/uv_internal.h"

struct own_ws {
    struct world_ws base;
    struct list node;
    struct http_ws *http; /* NULL: gone */
    const struct world_ws_handler *handler;
    void *owner;
};

static struct own_ws *own_of(const struct world_ws *ws)
{
    return container_of((struct world_ws *)(uintptr_t)ws, struct own_ws, base);
}

static void release(struct own_ws *ws)
{
    list_remove(&ws->node);
    mem_free(ws);
}

static void on_open(void *owner)
{
    const struct own_ws *ws = owner;
    if (ws->handler->open)
        ws->handler->open(ws->owner);
}
static void on_message(void *owner, bool text, struct str payload)
{
    const struct own_ws *ws = owner;
    ws->handler->message(ws->owner, text, payload);
}
static void on_ping(void *owner, struct str payload)
{
    const struct own_ws *ws = owner;
    if (ws->handler->ping)
        ws->handler->ping(ws->owner, payload);
}
static void on_pong(void *owner, struct str payload)
{
    const struct own_ws *ws = owner;
    if (ws->handler->pong)
        ws->handler->pong(ws->owner, payload);
}
static void on_drained(void *owner)
{
    const struct own_ws *ws = owner;
    if (ws->handler->drained)
        ws->handler->drained(ws->owner);
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct own_ws *ws = owner;
    ws->http = NULL;
    ws->handler->closed(ws->owner, how);
    release(ws);
}

static const struct world_ws_handler forward = {on_open, on_message, on_ping,
                                                on_pong, on_drained, on_closed};

static struct world_ws *own_connect(struct world *w, const struct world_ws_connect *o,
                                    const struct world_ws_handler *h, void *owner)
{
    struct own_ws *ws = MEM_NEW(struct own_ws);
    ws->base.w = w;
    ws->handler = h;
    ws->owner = owner;
    list_add_tail(&uvw_of(w)->own_sockets, &ws->node);
    ws->http = http_ws_connect(w, o, &forward, ws);
    return &ws->base;
}

static void own_send(struct world_ws *ws, bool text, struct str payload)
{
    http_ws_send(own_of(ws)->http, text, payload);
}

static void own_ping(struct world_ws *ws, struct str payload)
{
    http_ws_ping(own_of(ws)->http, payload);
}

static size_t own_queued(const struct world_ws *ws)
{
    return http_ws_queued(own_of(ws)->http);
}

static void own_close(struct world_ws *base, uint16_t code, struct str reason)
{
    struct own_ws *ws = own_of(base);
    BUG_ON(!ws->http, "a WebSocket is ended once, and not after its closed callback");
    http_ws_close(ws->http, code, reason);
    release(ws);
}

static void own_abort(struct world_ws *base)
{
    struct own_ws *ws = own_of(base);
    BUG_ON(!ws->http, "a WebSocket is ended once, and not after its closed callback");
    http_ws_abort(ws->http);
    release(ws);
}

static void own_pause(struct world_ws *ws)
{
    http_ws_pause(own_of(ws)->http);
}

static void own_resume(struct world_ws *ws)
{
    http_ws_resume(own_of(ws)->http);
}

static struct world_addr own_peer(const struct world_ws *ws)
{
    return http_ws_peer(own_of(ws)->http);
}

void uvw_ws_own_install(struct world_ops *ops)
{
    ops->ws_connect = own_connect;
    ops->ws_send = own_send;
    ops->ws_ping = own_ping;
    ops->ws_queued = own_queued;
    ops->ws_close = own_close;
    ops->ws_abort = own_abort;
    ops->ws_pause = own_pause;
    ops->ws_resume = own_resume;
    ops->ws_peer = own_peer;
}

void uvw_ws_own_free(struct uv_world *uv)
{
    list_each (&uv->own_sockets, it, next)
        own_abort(&container_of(it, struct own_ws, node)->base);
}
