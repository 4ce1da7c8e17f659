/* Outgoing WebSockets: the client side of engine/http over a simulated stream. */
#include "engine/http/ws.h"
#include "sim/world/sim_internal.h"

struct sim_ws {
    struct world_ws base;
    struct list link;
    struct http_ws *http;
    const struct world_ws_handler *handler;
    void *owner;
};

static struct sim_ws *ws_of(struct world_ws *ws)
{
    return container_of(ws, struct sim_ws, base);
}
static const struct sim_ws *ws_of_const(const struct world_ws *ws)
{
    return const_container_of(ws, struct sim_ws, base);
}

static void ws_release(struct sim_ws *ws)
{
    list_remove(&ws->link);
    mem_free(ws);
}

static void on_open(void *owner)
{
    struct sim_ws *ws = owner;
    if (ws->handler->open)
        ws->handler->open(ws->owner);
}
static void on_message(void *owner, bool text, struct str payload)
{
    struct sim_ws *ws = owner;
    if (ws->handler->message)
        ws->handler->message(ws->owner, text, payload);
}
static void on_ping(void *owner, struct str payload)
{
    struct sim_ws *ws = owner;
    if (ws->handler->ping)
        ws->handler->ping(ws->owner, payload);
}
static void on_pong(void *owner, struct str payload)
{
    struct sim_ws *ws = owner;
    if (ws->handler->pong)
        ws->handler->pong(ws->owner, payload);
}
static void on_drained(void *owner)
{
    struct sim_ws *ws = owner;
    if (ws->handler->drained)
        ws->handler->drained(ws->owner);
}
static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct sim_ws *ws = owner;
    ws->http = NULL;
    ws->handler->closed(ws->owner, how);
    ws_release(ws);
}

static const struct world_ws_handler forward = {on_open, on_message, on_ping,
                                                on_pong, on_drained, on_closed};

struct world_ws *sim_ws_connect(struct world *base, const struct world_ws_connect *o,
                                const struct world_ws_handler *h, void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim_ws *ws = MEM_NEW(struct sim_ws);
    ws->base.w = base;
    ws->handler = h;
    ws->owner = owner;
    list_add_tail(&w->sockets, &ws->link);
    ws->http = http_ws_connect(base, o, &forward, ws);
    return &ws->base;
}

void sim_ws_send(struct world_ws *ws, bool text, struct str payload)
{
    if (!world_of(ws->w)->dead) {
        world_of(ws->w)->sim->through = ws;
        http_ws_send(ws_of(ws)->http, text, payload);
    }
}

void sim_ws_ping(struct world_ws *ws, struct str payload)
{
    if (!world_of(ws->w)->dead) {
        world_of(ws->w)->sim->through = ws;
        http_ws_ping(ws_of(ws)->http, payload);
    }
}

size_t sim_ws_queued(const struct world_ws *ws)
{
    return http_ws_queued(ws_of_const(ws)->http);
}

/* Inside `closed` the connection is gone already, and so is the handle once that returns. */
void sim_ws_close(struct world_ws *base, uint16_t code, struct str reason)
{
    struct sim_ws *ws = ws_of(base);
    BUG_ON(!ws->http, "a WebSocket is ended once, and not after its closed callback");
    if (world_of(base->w)->dead) /* nobody is left to wait for the peer's answer */
        http_ws_abort(ws->http);
    else
        http_ws_close(ws->http, code, reason);
    ws_release(ws);
}

void sim_ws_abort(struct world_ws *base)
{
    struct sim_ws *ws = ws_of(base);
    BUG_ON(!ws->http, "a WebSocket is ended once, and not after its closed callback");
    http_ws_abort(ws->http);
    ws_release(ws);
}

void sim_ws_pause(struct world_ws *ws)
{
    if (!world_of(ws->w)->dead)
        http_ws_pause(ws_of(ws)->http);
}

void sim_ws_resume(struct world_ws *ws)
{
    if (!world_of(ws->w)->dead)
        http_ws_resume(ws_of(ws)->http);
}

struct world_addr sim_ws_peer(const struct world_ws *ws)
{
    return http_ws_peer(ws_of_const(ws)->http);
}

void sim_ws_free(struct sim_world *w)
{
    list_each (&w->sockets, it, next) {
        ++*w->sim->count.leaked_handles;
        sim_ws_abort(&container_of(it, struct sim_ws, link)->base);
    }
}
