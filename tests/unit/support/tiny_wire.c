#include "tests/unit/support/tiny_internal.h"

#include <string.h>

struct message {
    struct list link;
    struct tiny_end *to;
    char kind; /* 'm'essage, 'p'ing, p'o'ng, 'd'own */
    size_t n;
    char bytes[];
};

struct tiny_end {
    struct world_ws base; /* when a process dialled it */
    struct tiny_wire *wire;
    struct tiny_end *peer;
    const struct world_ws_handler *handler; /* NULL: nobody, or gone */
    void *owner;
    struct list inbox; /* arrived while paused */
    world_time busy_until;
    size_t queued, queued_max, drop;
    uint64_t pings;
    bool gone, paused, above, delivering;
    void (*tap)(void *arg, struct str message);
    void *tap_arg;
};

struct tiny_wire {
    struct tiny *t;
    struct list link;
    struct tiny_end end[2];
    world_time latency;
    int64_t rate;
    bool cut;
};

struct tiny_wire *tiny_wire_new(struct tiny *t, world_time latency, int64_t bytes_per_second)
{
    struct tiny_wire *wire = MEM_NEW(struct tiny_wire);
    wire->t = t;
    wire->latency = latency;
    wire->rate = bytes_per_second;
    list_add_tail(&t->wires, &wire->link);
    for (int i = 0; i < 2; i++) {
        wire->end[i].wire = wire;
        wire->end[i].peer = &wire->end[1 - i];
        list_init(&wire->end[i].inbox);
    }
    return wire;
}

struct tiny_end *tiny_wire_end(struct tiny_wire *wire, int which)
{
    return &wire->end[which];
}

struct tiny_wire *tiny_end_wire(struct tiny_end *e)
{
    return e->wire;
}

void tiny_end_attach(struct tiny_end *e, const struct world_ws_handler *handler, void *owner)
{
    e->handler = handler;
    e->owner = owner;
}

static void end_down(struct tiny_end *e)
{
    if (e->gone)
        return;
    e->gone = true;
    struct err *err = err_new(ERR_CONN_RESET, "close 1006 (abnormal closure): unexpected EOF");
    const struct world_ws_closed how = {.err = err, .code = 1006};
    if (e->handler)
        e->handler->closed(e->owner, &how);
    err_free(err);
}

static void end_send(struct tiny_end *e, char kind, struct str bytes);

static void end_take(struct tiny_end *e, const struct message *m)
{
    struct str bytes = {m->bytes, m->n};
    if (m->kind == 'd') {
        end_down(e);
    } else if (m->kind == 'p') {
        end_send(e, 'o', str_empty);
        if (e->handler->ping)
            e->handler->ping(e->owner, str_empty);
    } else if (m->kind == 'o') {
        if (e->handler->pong)
            e->handler->pong(e->owner, str_empty);
    } else {
        e->handler->message(e->owner, m->kind == 't', bytes);
    }
}

static void end_deliver(struct tiny_end *e)
{
    if (e->delivering)
        return;
    e->delivering = true;
    while (!e->paused && !list_empty(&e->inbox)) {
        struct message *m = container_of(e->inbox.next, struct message, link);
        list_remove(&m->link);
        if (!e->gone && e->handler)
            end_take(e, m);
        mem_free(m);
    }
    e->delivering = false;
}

static void message_arrive(void *arg)
{
    struct message *m = arg;
    struct tiny_end *e = m->to;
    list_add_tail(&e->inbox, &m->link);
    end_deliver(e);
}

struct sent {
    struct tiny_end *from;
    size_t n;
};

static void message_sent(void *arg)
{
    struct sent *sent = arg;
    struct tiny_end *e = sent->from;
    e->queued -= sent->n;
    mem_free(sent);
    if (e->above && e->queued <= WORLD_STREAM_LOW && !e->gone && e->handler) {
        e->above = false;
        if (e->handler->drained)
            e->handler->drained(e->owner);
    }
}

static void end_send(struct tiny_end *e, char kind, struct str bytes)
{
    struct tiny_wire *wire = e->wire;
    struct tiny *t = wire->t;
    if (e->gone && kind != 'd')
        return;
    world_time start = e->busy_until > t->now ? e->busy_until : t->now;
    world_time takes = wire->rate ? (world_time)bytes.n * NS_PER_S / wire->rate : 0;
    e->busy_until = start + takes;
    e->queued += bytes.n;
    e->queued_max = e->queued > e->queued_max ? e->queued : e->queued_max;
    e->above |= e->queued > WORLD_STREAM_LOW;
    struct sent *sent = MEM_NEW(struct sent);
    *sent = (struct sent){e, bytes.n};
    tiny_after(t, e->busy_until - t->now, message_sent, sent);
    bool drop = wire->cut || e->drop > 0;
    e->drop -= e->drop > 0;
    if (drop)
        return;
    struct message *m = mem_alloc(sizeof(*m) + bytes.n + 1);
    list_init(&m->link);
    m->to = e->peer;
    m->kind = kind;
    m->n = bytes.n;
    if (bytes.n > 0)
        memcpy(m->bytes, bytes.p, bytes.n);
    tiny_after(t, e->busy_until - t->now + wire->latency, message_arrive, m);
}

static void wire_send(void *transport, struct str message)
{
    struct tiny_end *e = transport;
    if (e->tap)
        e->tap(e->tap_arg, message);
    end_send(e, 'm', message);
}

static void wire_ping(void *transport)
{
    struct tiny_end *e = transport;
    e->pings++;
    end_send(e, 'p', str_empty);
}

static size_t wire_queued(const void *transport)
{
    return ((const struct tiny_end *)transport)->queued;
}

static void wire_abort(void *transport)
{
    struct tiny_end *e = transport;
    e->gone = true;
    e->handler = NULL;
    end_send(e, 'd', str_empty);
}

static void wire_pause(void *transport)
{
    ((struct tiny_end *)transport)->paused = true;
}

static void wire_resumed(void *arg)
{
    end_deliver(arg);
}

static void wire_resume(void *transport)
{
    struct tiny_end *e = transport;
    e->paused = false;
    tiny_after(e->wire->t, 0, wire_resumed, e);
}

const struct tunnel_transport tiny_wire_ops = {wire_send,  wire_ping,  wire_queued, wire_abort,
                                               wire_abort, wire_pause, wire_resume};

void tiny_wire_cut(struct tiny_wire *wire, bool cut)
{
    wire->cut = cut;
}

void tiny_wire_break(struct tiny_wire *wire)
{
    end_down(&wire->end[0]);
    end_down(&wire->end[1]);
}

void tiny_wire_drop_next(struct tiny_wire *wire, int from, size_t messages)
{
    wire->end[from].drop = messages;
}

size_t tiny_end_queued(const struct tiny_end *e)
{
    return e->queued;
}

uint64_t tiny_end_pings(const struct tiny_end *e)
{
    return e->pings;
}

void tiny_end_inject(struct tiny_end *e, struct str message)
{
    if (!e->gone && e->handler)
        e->handler->message(e->owner, false, message);
}

void tiny_end_tap(struct tiny_end *e, void (*sent)(void *arg, struct str message), void *arg)
{
    e->tap = sent;
    e->tap_arg = arg;
}

/* ---- outgoing WebSockets ---- */

struct server {
    bool (*upgrade)(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end);
    void *arg;
};

void tiny_ws_serve(struct tiny *t, const char *address,
                   bool (*upgrade)(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end),
                   void *arg)
{
    struct server *s = MEM_NEW(struct server);
    *s = (struct server){upgrade, arg};
    mem_free(map_put(&t->servers, str_c(address), s));
}

struct str tiny_upgrade_header(const struct tiny_upgrade *u, const char *name)
{
    for (size_t i = 0; i < u->headers_n; i++)
        if (str_eq_nocase(u->headers[i].name, str_c(name)))
            return u->headers[i].value;
    return str_empty;
}

struct dial {
    struct tiny_end *end;
    char *address;
    struct str path, host;
    struct world_header *headers;
    size_t headers_n, fragment_bytes;
};

static void dial_free(struct dial *d)
{
    for (size_t i = 0; i < d->headers_n; i++) {
        str_free(&d->headers[i].name);
        str_free(&d->headers[i].value);
    }
    mem_free(d->headers);
    mem_free(d->address);
    str_free(&d->path);
    str_free(&d->host);
    mem_free(d);
}

static void dial_refused(struct tiny_end *e, struct world_ws_closed how)
{
    e->gone = true;
    how.code = 1006;
    if (e->handler)
        e->handler->closed(e->owner, &how);
}

static void dial_arrive(void *arg)
{
    struct dial *d = arg;
    struct tiny_end *e = d->end;
    const struct server *s = map_get(&e->wire->t->servers, str_c(d->address));
    struct tiny_upgrade u = {.path = d->path,
                             .host = d->host,
                             .headers = d->headers,
                             .headers_n = d->headers_n,
                             .fragment_bytes = d->fragment_bytes,
                             .refuse_status = 400,
                             .refuse_body = "cluster not found"};
    if (e->gone) {
        /* given up meanwhile */
    } else if (!s) {
        struct err *err = err_new(ERR_CONN_REFUSED, "connection refused");
        dial_refused(e, (struct world_ws_closed){.err = err});
        err_free(err);
    } else if (s->upgrade(s->arg, &u, e->peer)) {
        e->handler->open(e->owner);
    } else {
        struct err *err = err_new(ERR_PROTOCOL, "upgrade refused");
        dial_refused(e, (struct world_ws_closed){.err = err,
                                                 .http_status = u.refuse_status,
                                                 .http_body = str_c(u.refuse_body)});
        err_free(err);
    }
    dial_free(d);
}

struct world_ws *tiny_ws_connect(struct world *w, const struct world_ws_connect *o,
                                 const struct world_ws_handler *h, void *owner)
{
    struct tiny *t = tiny_of(w);
    struct tiny_end *e = tiny_wire_end(tiny_wire_new(t, NS_PER_MS, 0), 0);
    e->base.w = w;
    tiny_end_attach(e, h, owner);
    struct dial *d = MEM_NEW(struct dial);
    d->end = e;
    d->address = str_dup_c(str_c(o->address.host));
    d->path = str_dup(o->path);
    d->host = str_dup(o->host);
    d->headers = MEM_NEW_ARRAY(struct world_header, o->headers_n + 1);
    d->headers_n = o->headers_n;
    d->fragment_bytes = o->fragment_bytes;
    for (size_t i = 0; i < o->headers_n; i++)
        d->headers[i] =
            (struct world_header){str_dup(o->headers[i].name), str_dup(o->headers[i].value)};
    tiny_after(t, NS_PER_MS, dial_arrive, d);
    return &e->base;
}

static struct tiny_end *end_of(const struct world_ws *ws)
{
    return container_of((struct world_ws *)(uintptr_t)ws, struct tiny_end, base);
}

void tiny_ws_send(struct world_ws *ws, bool text, struct str payload)
{
    end_send(end_of(ws), text ? 't' : 'm', payload);
}

void tiny_ws_ping(struct world_ws *ws, struct str payload)
{
    (void)payload;
    wire_ping(end_of(ws));
}

size_t tiny_ws_queued(const struct world_ws *ws)
{
    return end_of(ws)->queued;
}

void tiny_ws_close(struct world_ws *ws, uint16_t code, struct str reason)
{
    (void)code, (void)reason;
    wire_abort(end_of(ws));
}

void tiny_ws_abort(struct world_ws *ws)
{
    wire_abort(end_of(ws));
}

void tiny_ws_pause(struct world_ws *ws)
{
    wire_pause(end_of(ws));
}

void tiny_ws_resume(struct world_ws *ws)
{
    wire_resume(end_of(ws));
}

/* ---- the end ---- */

static void wire_free(struct tiny_wire *wire)
{
    for (int i = 0; i < 2; i++)
        while (!list_empty(&wire->end[i].inbox)) {
            struct message *m = container_of(wire->end[i].inbox.next, struct message, link);
            list_remove(&m->link);
            mem_free(m);
        }
    mem_free(wire);
}

void tiny_wires_end(struct tiny *t)
{
    struct list *head = &t->wires;
    list_each (head, it, next_it) {
        struct tiny_wire *wire = container_of(it, struct tiny_wire, link);
        wire->end[0].gone = wire->end[1].gone = true;
    }
}

void tiny_wires_free(struct tiny *t)
{
    while (!list_empty(&t->wires)) {
        struct tiny_wire *wire = container_of(t->wires.next, struct tiny_wire, link);
        list_remove(&wire->link);
        wire_free(wire);
    }
}
