/* Outgoing WebSockets: the owner's side: its calls, what it is told, and the end. */
#include "engine/world/uv/uv_ws.h"

#include <string.h>

static struct uvw_ws *ws_of(const struct world_ws *ws)
{
    return container_of((struct world_ws *)(uintptr_t)ws, struct uvw_ws, base);
}

static void event_free(struct uvw_ws_event *event)
{
    list_remove(&event->node);
    str_free(&event->payload);
    mem_free(event);
}

static void out_drop(struct uvw_ws *ws)
{
    list_each (&ws->out, it, next) {
        struct uvw_ws_out *out = container_of(it, struct uvw_ws_out, node);
        list_remove(&out->node);
        mem_free((void *)(uintptr_t)(out->payload.p - LWS_PRE));
        mem_free(out);
    }
    ws->out_bytes = 0;
}

static void ws_free(struct uvw_ws *ws)
{
    list_each (&ws->events, it, next)
        event_free(container_of(it, struct uvw_ws_event, node));
    out_drop(ws);
    uvw_later_cancel(&ws->later);
    uvw_alarm_stop(ws->uv, &ws->deadline);
    list_remove(&ws->node);
    struct buf *const bufs[] = {&ws->headers,      &ws->head,        &ws->scan.ping, &ws->message,
                                &ws->close_reason, &ws->peer_reason, &ws->http_body};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_free(bufs[i]);
    str_free(&ws->host);
    str_free(&ws->path);
    err_free(ws->err);
    mem_free(ws);
}

/* The last part of the transport that goes, or the owner's end, gives the memory back. */
static void free_when_done(struct uvw_ws *ws)
{
    if (!ws->handler && !ws->handles)
        ws_free(ws);
}

void uvw_ws_release(struct uvw_ws *ws)
{
    BUG_ON(ws->handles == 0, "a part goes once");
    ws->handles--;
    free_when_done(ws);
}

/* From here on the owner hears nothing, and may be gone. */
static void forget_owner(struct uvw_ws *ws)
{
    ws->handler = NULL;
    ws->owner = NULL;
    uvw_later_cancel(&ws->later);
}

/* ---- telling the owner ---- */
static void tell_closed(struct uvw_ws *ws)
{
    bool code_received = ws->peer_code != 0;
    const struct world_ws_closed how = {
        .err = code_received ? NULL : ws->err,
        .http_status = ws->http_status,
        .http_body = buf_str(&ws->http_body),
        .code = code_received ? ws->peer_code : 1006,
        .reason = buf_str(&ws->peer_reason),
    };
    const struct world_ws_handler *handler = ws->handler;
    void *owner = ws->owner;
    forget_owner(ws);
    uvw_alarm_stop(ws->uv, &ws->deadline);
    ws->handles++; /* the callback borrows from ws */
    handler->closed(owner, &how);
    uvw_ws_relay_end(ws, false);
    uvw_ws_release(ws);
}

static void tell_event(struct uvw_ws *ws)
{
    struct uvw_ws_event *event = container_of(ws->events.next, struct uvw_ws_event, node);
    const struct world_ws_handler *h = ws->handler;
    list_remove(&event->node);
    switch (event->kind) {
    case UVW_WS_TEXT:
    case UVW_WS_BINARY:
        h->message(ws->owner, event->kind == UVW_WS_TEXT, event->payload);
        break;
    case UVW_WS_PING:
        if (h->ping)
            h->ping(ws->owner, event->payload);
        break;
    case UVW_WS_PONG:
        if (h->pong)
            h->pong(ws->owner, event->payload);
        break;
    }
    event_free(event);
}

static void later_run(struct uvw_later *later)
{
    struct uvw_ws *ws = container_of(later, struct uvw_ws, later);
    ws->handles++; /* callbacks may end it */
    while (ws->handler && ws->told_open && !ws->paused && !list_empty(&ws->events))
        tell_event(ws);
    if (ws->handler && ws->closed_due && (list_empty(&ws->events) || !ws->told_open))
        tell_closed(ws);
    uvw_ws_release(ws);
}

void uvw_ws_event(struct uvw_ws *ws, enum uvw_ws_kind kind, struct str take_payload)
{
    if (!ws->handler) {
        str_free(&take_payload);
        return;
    }
    struct uvw_ws_event *event = MEM_NEW(struct uvw_ws_event);
    event->kind = kind;
    event->payload = take_payload;
    list_add_tail(&ws->events, &event->node);
    uvw_later_add(ws->uv, &ws->later);
}

void uvw_ws_opened(struct uvw_ws *ws)
{
    if (!ws->handler) /* ended meanwhile: close_code says how */
        return;
    uvw_alarm_stop(ws->uv, &ws->deadline);
    ws->told_open = true;
    ws->handles++;
    ws->handler->open(ws->owner);
    uvw_ws_relay_opened(ws);
    uvw_ws_release(ws);
}

/* The queue also grows without a send, when the relay takes what waited in the local socket: an owner that sees it high
 * then waits for `drained`, too. */
void uvw_ws_note_high(struct uvw_ws *ws)
{
    if (uvw_ws_queued(&ws->base) > WORLD_STREAM_LOW)
        ws->was_high = true;
}

void uvw_ws_tell_drained(struct uvw_ws *ws)
{
    if (!ws->was_high || uvw_ws_queued(&ws->base) > WORLD_STREAM_LOW)
        return;
    ws->was_high = false;
    if (ws->handler && ws->state == UVW_WS_OPEN && ws->handler->drained)
        ws->handler->drained(ws->owner);
}

void uvw_ws_over(struct uvw_ws *ws, struct err *take_err)
{
    if (ws->err)
        err_free(take_err);
    else
        ws->err = take_err;
    if (!ws->handler) {
        uvw_ws_relay_end(ws, false);
        return;
    }
    ws->state = UVW_WS_OVER;
    ws->closed_due = true;
    uvw_later_add(ws->uv, &ws->later);
}

static void deadline_passed(struct uvw_alarm *alarm)
{
    struct uvw_ws *ws = container_of(alarm, struct uvw_ws, deadline);
    if (!ws->handler) { /* the closing took too long */
        uvw_ws_relay_end(ws, true);
        return;
    }
    if (ws->state == UVW_WS_REFUSED)
        uvw_ws_over(ws, err_new(ERR_PROTOCOL, "the server refused the WebSocket with status %d",
                                ws->http_status));
    else
        uvw_ws_over(ws, err_new(ERR_TIMEOUT, "the WebSocket handshake with %s timed out",
                                ws->address.host));
}

/* ---- calls of the owner ---- */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == ':')
            return false;
    return s.n > 0;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
            return false;
    return true;
}

static struct err *copy_options(struct uvw_ws *ws, const struct world_ws_connect *o)
{
    ws->address = o->address;
    ws->host = str_dup(o->host);
    ws->path = str_dup(o->path);
    ws->secure = o->tls != NULL;
    ws->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : WORLD_WS_MESSAGE_MAX;
    ws->message.max = ws->message_bytes_max;
    ws->fragment_bytes = o->fragment_bytes;
    bool good = is_value(o->host) && is_value(o->path) && str_starts(o->path, STR("/"));
    for (size_t i = 0; good && i < o->headers_n; i++) {
        const struct world_header *h = &o->headers[i];
        good = is_token(h->name) && is_value(h->value);
        buf_addf(&ws->headers, STR_FMT ": " STR_FMT "\r\n", STR_ARG(h->name), STR_ARG(h->value));
    }
    return good
               ? NULL
               : err_new(ERR_INVALID, "the upgrade request has a header or path that HTTP forbids");
}

struct world_ws *uvw_ws_connect(struct world *w, const struct world_ws_connect *o,
                                const struct world_ws_handler *h, void *owner)
{
    struct uvw_ws *ws = MEM_NEW(struct uvw_ws);
    ws->base.w = w;
    ws->uv = uvw_of(w);
    ws->handler = h;
    ws->owner = owner;
    ws->deadline.fire = deadline_passed;
    uvw_later_init(&ws->later, later_run);
    list_init(&ws->out);
    list_init(&ws->events);
    list_add_tail(&ws->uv->sockets, &ws->node);
    world_time timeout = o->timeout ? o->timeout : WORLD_WS_HANDSHAKE_TIMEOUT;
    struct err *err = copy_options(ws, o);
    if (err) {
        uvw_ws_over(ws, err);
        return &ws->base;
    }
    uvw_alarm_start(ws->uv, &ws->deadline, timeout);
    uvw_ws_relay_start(ws, o->tls, timeout);
    return &ws->base;
}

static void queue_frame(struct uvw_ws *ws, bool text, bool ping, struct str payload)
{
    BUG_ON(!ws->told_open || ws->close_code, "messages are sent between open and close");
    if (ws->state != UVW_WS_OPEN)
        return; /* the owner is about to hear of the end */
    struct uvw_ws_out *out = MEM_NEW(struct uvw_ws_out);
    char *room = mem_alloc(LWS_PRE + payload.n);
    memcpy(room + LWS_PRE, payload.p, payload.n);
    out->payload = (struct str){room + LWS_PRE, payload.n};
    out->text = text;
    out->ping = ping;
    struct uvw_ws_out *first = container_of(ws->out.next, struct uvw_ws_out, node);
    if (ping && !list_empty(&ws->out) && !first->begun && !first->ping)
        list_add_head(&ws->out, &out->node); /* a ping measures the connection, not the queue */
    else
        list_add_tail(&ws->out, &out->node);
    ws->out_bytes += payload.n;
    uvw_ws_note_high(ws);
    uvw_lws_want_write(ws);
}

void uvw_ws_send(struct world_ws *base, bool text, struct str payload)
{
    queue_frame(ws_of(base), text, false, payload);
}

void uvw_ws_ping(struct world_ws *base, struct str payload)
{
    queue_frame(ws_of(base), false, true, payload);
}

size_t uvw_ws_queued(const struct world_ws *base)
{
    const struct uvw_ws *ws = ws_of(base);
    return ws->out_bytes + (ws->stream ? uvw_stream_queued(ws->stream) : 0);
}

void uvw_ws_close(struct world_ws *base, uint16_t code, struct str reason)
{
    struct uvw_ws *ws = ws_of(base);
    BUG_ON(!ws->handler, "a WebSocket is ended once, and not after its closed callback");
    bool can_say = ws->told_open && ws->state == UVW_WS_OPEN && ws->wsi;
    forget_owner(ws);
    if (!can_say) {
        uvw_ws_relay_end(ws, false);
        free_when_done(ws);
        return;
    }
    ws->close_code = code ? code : LWS_CLOSE_STATUS_NORMAL;
    buf_add(&ws->close_reason, str_sub(reason, 0, UVW_WS_CONTROL_MAX - 2));
    uvw_ws_relay_pause(ws, false);
    uvw_alarm_start(ws->uv, &ws->deadline, UVW_WS_CLOSE_TIMEOUT);
    uvw_lws_want_write(ws);
}

void uvw_ws_abort(struct world_ws *base)
{
    struct uvw_ws *ws = ws_of(base);
    BUG_ON(!ws->handler, "a WebSocket is ended once, and not after its closed callback");
    forget_owner(ws);
    out_drop(ws);
    uvw_alarm_stop(ws->uv, &ws->deadline);
    uvw_ws_relay_end(ws, true);
    free_when_done(ws);
}

void uvw_ws_pause(struct world_ws *base)
{
    uvw_ws_relay_pause(ws_of(base), true);
}

void uvw_ws_resume(struct world_ws *base)
{
    struct uvw_ws *ws = ws_of(base);
    uvw_ws_relay_pause(ws, false);
    uvw_later_add(ws->uv, &ws->later);
}

struct world_addr uvw_ws_peer(const struct world_ws *base)
{
    return ws_of(base)->address;
}

void uvw_ws_free(struct uv_world *uv)
{
    list_each (&uv->sockets, it, next) {
        struct uvw_ws *ws = container_of(it, struct uvw_ws, node);
        if (ws->handler)
            uvw_ws_abort(&ws->base);
        else
            uvw_ws_relay_end(ws, true);
    }
}
