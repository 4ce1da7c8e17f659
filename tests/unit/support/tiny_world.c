#include "tests/unit/support/tiny_world.h"

#include "engine/base/heap.h"
#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/tunnel/queue.h"
#include "engine/world/world_impl.h"

#include <stdio.h>
#include <string.h>

#define STREAM_LATENCY (200 * NS_PER_US)

struct event {
    struct heap_node node;
    void (*fire)(void *arg);
    void *arg;
    bool once; /* freed after firing */
};

struct tiny {
    world_time now;
    uint64_t seq, events;
    struct heap queue;
    struct rng rng;
    struct map processes, names, listeners, servers; /* by address, name, "address:port", address */
    struct list streams, wires, dns;
    size_t open_streams, open_timers, open_listeners, open_dns, pieces;
    uint16_t next_port;
};

struct process {
    struct world world;
    struct tiny *t;
    char *address;
};

static struct tiny *tiny_of(const struct world *w)
{
    return container_of((struct world *)(uintptr_t)w, struct process, world)->t;
}

/* ---- events ---- */

static void event_at(struct tiny *t, struct event *e, world_time at)
{
    heap_remove(&t->queue, &e->node);
    heap_push(&t->queue, &e->node, at < t->now ? t->now : at, ++t->seq);
}

void tiny_after(struct tiny *t, world_time delay, void (*fire)(void *arg), void *arg)
{
    struct event *e = MEM_NEW(struct event);
    *e = (struct event){.fire = fire, .arg = arg, .once = true};
    event_at(t, e, t->now + delay);
}

static bool step(struct tiny *t, world_time until)
{
    int64_t at;
    struct heap_node *node;
    if (!heap_peek(&t->queue, &at, &node) || at > until)
        return false;
    (void)heap_pop(&t->queue);
    t->now = at;
    t->events++;
    struct event *e = container_of(node, struct event, node);
    void (*fire)(void *) = e->fire;
    void *arg = e->arg;
    if (e->once)
        mem_free(e);
    fire(arg);
    return true;
}

void tiny_run(struct tiny *t, world_time duration)
{
    world_time until = t->now + duration;
    while (step(t, until)) {
    }
    t->now = until;
}

bool tiny_run_until(struct tiny *t, bool (*holds)(void *arg), void *arg, world_time limit)
{
    world_time until = t->now + limit;
    while (!holds(arg))
        if (!step(t, until))
            return false;
    return true;
}

world_time tiny_now(const struct tiny *t)
{
    return t->now;
}

uint64_t tiny_events(const struct tiny *t)
{
    return t->events;
}

struct rng *tiny_rng(struct tiny *t)
{
    return &t->rng;
}

/* ---- clock, random, timers, log ---- */

static world_time tw_now(struct world *w)
{
    return tiny_of(w)->now;
}

static void tw_random(struct world *w, void *bytes, size_t n)
{
    rng_bytes(&tiny_of(w)->rng, bytes, n);
}

static bool tw_maybe(struct world *w, const char *name)
{
    (void)w, (void)name;
    return false;
}

struct timer {
    struct world_timer base;
    struct event event;
};

static struct timer *timer_of(const struct world_timer *t)
{
    return container_of((struct world_timer *)(uintptr_t)t, struct timer, base);
}

static struct world_timer *tw_timer_new(struct world *w, void (*fire)(void *), void *owner)
{
    struct timer *t = MEM_NEW(struct timer);
    t->base.w = w;
    t->event = (struct event){.fire = fire, .arg = owner};
    tiny_of(w)->open_timers++;
    return &t->base;
}

static void tw_timer_start(struct world_timer *t, world_time delay)
{
    struct tiny *tiny = tiny_of(t->w);
    event_at(tiny, &timer_of(t)->event, tiny->now + (delay < 0 ? 0 : delay));
}

static void tw_timer_stop(struct world_timer *t)
{
    heap_remove(&tiny_of(t->w)->queue, &timer_of(t)->event.node);
}

static bool tw_timer_active(const struct world_timer *t)
{
    return heap_has(&timer_of(t)->event.node);
}

static void tw_timer_free(struct world_timer *t)
{
    if (!t)
        return;
    tw_timer_stop(t);
    tiny_of(t->w)->open_timers--;
    mem_free(timer_of(t));
}

static struct str tw_own_address(struct world *w)
{
    return str_c(container_of(w, struct process, world)->address);
}

static struct log_sink *tw_log(struct world *w)
{
    (void)w;
    return NULL;
}

static void tw_note(struct world *w, const char *kind, struct str key, struct str value)
{
    (void)w, (void)kind, (void)key, (void)value;
}

/* ---- DNS ---- */

struct dns {
    struct world_dns base;
    struct event event;
    char *name;
    world_dns_done done;
    void *owner;
};

static void dns_free(struct dns *d)
{
    struct tiny *t = tiny_of(d->base.w);
    heap_remove(&t->queue, &d->event.node);
    t->open_dns--;
    mem_free(d->name);
    mem_free(d);
}

static void dns_fire(void *arg)
{
    struct dns *d = arg;
    const char *address = map_get(&tiny_of(d->base.w)->names, str_c(d->name));
    struct world_dns_answer answer = {.n = address != NULL, .ttl_s = 30};
    struct err *err = NULL;
    if (address)
        (void)snprintf(answer.host[0], sizeof(answer.host[0]), "%s", address);
    else
        err = err_new(ERR_DNS_NXDOMAIN, "no such name: %s", d->name);
    world_dns_done done = d->done;
    void *owner = d->owner;
    dns_free(d);
    done(owner, &answer, err);
    err_free(err);
}

static struct world_dns *tw_dns_query(struct world *w, struct str name, world_time timeout,
                                      world_dns_done done, void *owner)
{
    (void)timeout;
    struct dns *d = MEM_NEW(struct dns);
    d->base.w = w;
    d->event = (struct event){.fire = dns_fire, .arg = d};
    d->name = str_dup_c(name);
    d->done = done;
    d->owner = owner;
    tiny_of(w)->open_dns++;
    event_at(tiny_of(w), &d->event, tiny_of(w)->now + NS_PER_MS);
    return &d->base;
}

static void tw_dns_cancel(struct world_dns *q)
{
    if (q)
        dns_free(container_of(q, struct dns, base));
}

void tiny_name(struct tiny *t, const char *name, const char *address)
{
    char *copy = str_dup_c(str_c(address));
    mem_free(map_put(&t->names, str_c(name), copy));
}

/* ---- streams: two ends that point to each other and live until tiny_free ---- */

struct stream {
    struct world_stream base;
    struct list link;
    struct stream *peer;                        /* NULL: connecting */
    const struct world_stream_handler *handler; /* NULL: the handle has ended */
    void *owner;
    struct byte_queue q;
    bool open, paused, above, shut, fin_out, over;
    struct world_addr to;
    struct event event; /* moves q to the peer */
};

static struct stream *stream_of(const struct world_stream *s)
{
    return container_of((struct world_stream *)(uintptr_t)s, struct stream, base);
}

static void stream_kick(struct stream *s)
{
    struct tiny *t = tiny_of(s->base.w);
    if (!heap_has(&s->event.node) && !s->over && s->open)
        event_at(t, &s->event, t->now + STREAM_LATENCY);
}

/* The handle's end from the world's side. */
static void stream_closed(struct stream *s, enum err_code code)
{
    if (s->over)
        return;
    s->over = true;
    heap_remove(&tiny_of(s->base.w)->queue, &s->event.node);
    const struct world_stream_handler *h = s->handler;
    if (!h)
        return;
    s->handler = NULL;
    tiny_of(s->base.w)->open_streams--;
    struct err *err = code == ERR_CODE_COUNT ? NULL : err_new(code, "%s", err_code_name(code));
    h->closed(s->owner, err);
    err_free(err);
}

static void stream_fin(struct stream *s)
{
    s->fin_out = true;
    struct stream *p = s->peer;
    if (p->handler && p->handler->end)
        p->handler->end(p->owner);
    if (s->fin_out && p->fin_out) {
        stream_closed(s, ERR_CODE_COUNT);
        stream_closed(p, ERR_CODE_COUNT);
    }
}

static void stream_move(void *arg)
{
    struct stream *s = arg;
    struct stream *p = s->peer;
    struct tiny *t = tiny_of(s->base.w);
    if (byte_queue_n(&s->q) > 0 && (p->over || !p->handler)) {
        stream_closed(s, ERR_CONN_RESET);
        return;
    }
    if (p->handler && p->paused)
        return; /* resume kicks */
    if (byte_queue_n(&s->q) > 0) {
        size_t max = t->pieces ? 1 + rng_below(&t->rng, t->pieces) : (size_t)64 << 10;
        size_t n = byte_queue_front(&s->q, max).n;
        char *piece = mem_alloc(n);
        memcpy(piece, byte_queue_front(&s->q, n).p, n);
        byte_queue_drop(&s->q, n);
        p->handler->data(p->owner, (struct str){piece, n});
        mem_free(piece);
        if (s->above && byte_queue_n(&s->q) <= WORLD_STREAM_LOW && s->handler) {
            s->above = false;
            if (s->handler->drained)
                s->handler->drained(s->owner);
        }
    }
    if (byte_queue_n(&s->q) > 0)
        stream_kick(s);
    else if (s->shut && !s->fin_out && !s->over)
        stream_fin(s);
}

static struct stream *stream_new(struct world *w)
{
    struct stream *s = MEM_NEW(struct stream);
    s->base.w = w;
    s->event = (struct event){.fire = stream_move, .arg = s};
    list_add_tail(&tiny_of(w)->streams, &s->link);
    tiny_of(w)->open_streams++;
    return s;
}

struct listener {
    struct world_listener base;
    char key[80];
    uint16_t port;
    void (*accept)(void *owner, struct world_stream *s);
    void *owner;
};

static void address_key(char key[80], const struct world_addr *a)
{
    (void)snprintf(key, 80, "%s:%u", a->host, a->port);
}

static void stream_arrive(void *arg)
{
    struct stream *s = arg;
    struct tiny *t = tiny_of(s->base.w);
    char key[80];
    address_key(key, &s->to);
    struct listener *l = map_get(&t->listeners, str_c(key));
    s->event.fire = stream_move;
    if (!l) {
        stream_closed(s, ERR_CONN_REFUSED);
        return;
    }
    struct stream *p = stream_new(l->base.w);
    p->peer = s;
    s->peer = p;
    s->open = p->open = true;
    l->accept(l->owner, &p->base);
    if (s->handler && s->handler->open)
        s->handler->open(s->owner);
    stream_kick(s);
}

static struct world_stream *tw_stream_connect(struct world *w, const struct world_connect *o,
                                              const struct world_stream_handler *h, void *owner)
{
    struct stream *s = stream_new(w);
    s->handler = h;
    s->owner = owner;
    s->to = o->address;
    s->event.fire = stream_arrive;
    event_at(tiny_of(w), &s->event, tiny_of(w)->now + STREAM_LATENCY);
    return &s->base;
}

static void tw_stream_attach(struct world_stream *ws, const struct world_stream_handler *h,
                             void *owner)
{
    struct stream *s = stream_of(ws);
    s->handler = h;
    s->owner = owner;
    stream_kick(s->peer);
}

static void tw_stream_write(struct world_stream *ws, struct str bytes)
{
    struct stream *s = stream_of(ws);
    BUG_ON(s->shut, "no write after shutdown");
    if (s->over)
        return;
    byte_queue_add(&s->q, bytes);
    s->above |= byte_queue_n(&s->q) > WORLD_STREAM_LOW;
    stream_kick(s);
}

static size_t tw_stream_queued(const struct world_stream *s)
{
    return byte_queue_n(&stream_of(s)->q);
}

static void tw_stream_shutdown(struct world_stream *ws)
{
    stream_of(ws)->shut = true;
    stream_kick(stream_of(ws));
}

static void tw_stream_pause(struct world_stream *ws)
{
    stream_of(ws)->paused = true;
}

static void tw_stream_resume(struct world_stream *ws)
{
    struct stream *s = stream_of(ws);
    s->paused = false;
    if (s->peer)
        stream_kick(s->peer);
}

static void stream_drop_handle(struct stream *s)
{
    BUG_ON(!s->handler && s->open && s->over, "a stream is closed once");
    s->handler = NULL;
    tiny_of(s->base.w)->open_streams--;
}

static void tw_stream_close(struct world_stream *ws)
{
    struct stream *s = stream_of(ws);
    stream_drop_handle(s);
    s->shut = true;
    if (!s->open) {
        s->over = true;
        heap_remove(&tiny_of(ws->w)->queue, &s->event.node);
    }
    stream_kick(s);
}

static void stream_reset_peer(void *arg)
{
    stream_closed(arg, ERR_CONN_RESET);
}

static void tw_stream_abort(struct world_stream *ws)
{
    struct stream *s = stream_of(ws);
    stream_drop_handle(s);
    s->over = true;
    heap_remove(&tiny_of(ws->w)->queue, &s->event.node);
    if (s->peer)
        tiny_after(tiny_of(ws->w), STREAM_LATENCY, stream_reset_peer, s->peer);
}

static struct world_addr tw_stream_peer(const struct world_stream *s)
{
    return stream_of(s)->to;
}

static struct err *tw_listen(struct world *w, const struct world_listen *o,
                             void (*accept)(void *, struct world_stream *), void *owner,
                             struct world_listener **out)
{
    struct listener *l = MEM_NEW(struct listener);
    struct world_addr a = o->address;
    if (a.port == 0)
        a.port = ++tiny_of(w)->next_port;
    l->base.w = w;
    l->port = a.port;
    l->accept = accept;
    l->owner = owner;
    address_key(l->key, &a);
    void *old = map_put(&tiny_of(w)->listeners, str_c(l->key), l);
    BUG_ON(old, "a port is used once");
    tiny_of(w)->open_listeners++;
    *out = &l->base;
    return NULL;
}

static uint16_t tw_listener_port(const struct world_listener *l)
{
    return container_of((struct world_listener *)(uintptr_t)l, struct listener, base)->port;
}

static void tw_listener_close(struct world_listener *wl)
{
    struct listener *l = container_of(wl, struct listener, base);
    (void)map_remove(&tiny_of(wl->w)->listeners, str_c(l->key));
    tiny_of(wl->w)->open_listeners--;
    mem_free(l);
}

size_t tiny_open_streams(const struct tiny *t)
{
    return t->open_streams;
}

void tiny_stream_pieces(struct tiny *t, size_t max)
{
    t->pieces = max;
}

/* ---- wires ---- */

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

const struct tunnel_transport tiny_wire_ops = {wire_send,  wire_ping,  wire_queued,
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

size_t tiny_end_queued_max(const struct tiny_end *e)
{
    return e->queued_max;
}

uint64_t tiny_end_pings(const struct tiny_end *e)
{
    return e->pings;
}

bool tiny_end_gone(const struct tiny_end *e)
{
    return e->gone;
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

static struct world_ws *tw_ws_connect(struct world *w, const struct world_ws_connect *o,
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

static void tw_ws_send(struct world_ws *ws, bool text, struct str payload)
{
    end_send(end_of(ws), text ? 't' : 'm', payload);
}

static void tw_ws_ping(struct world_ws *ws, struct str payload)
{
    (void)payload;
    wire_ping(end_of(ws));
}

static size_t tw_ws_queued(const struct world_ws *ws)
{
    return end_of(ws)->queued;
}

static void tw_ws_close(struct world_ws *ws, uint16_t code, struct str reason)
{
    (void)code, (void)reason;
    wire_abort(end_of(ws));
}

static void tw_ws_abort(struct world_ws *ws)
{
    wire_abort(end_of(ws));
}

static void tw_ws_pause(struct world_ws *ws)
{
    wire_pause(end_of(ws));
}

static void tw_ws_resume(struct world_ws *ws)
{
    wire_resume(end_of(ws));
}

/* ---- the whole ---- */

static const struct world_ops ops = {
    .now = tw_now,
    .wall = tw_now,
    .random = tw_random,
    .maybe = tw_maybe,
    .timer_new = tw_timer_new,
    .timer_start = tw_timer_start,
    .timer_stop = tw_timer_stop,
    .timer_active = tw_timer_active,
    .timer_free = tw_timer_free,
    .own_address = tw_own_address,
    .dns_query = tw_dns_query,
    .dns_cancel = tw_dns_cancel,
    .stream_connect = tw_stream_connect,
    .stream_attach = tw_stream_attach,
    .stream_write = tw_stream_write,
    .stream_queued = tw_stream_queued,
    .stream_shutdown = tw_stream_shutdown,
    .stream_pause = tw_stream_pause,
    .stream_resume = tw_stream_resume,
    .stream_close = tw_stream_close,
    .stream_abort = tw_stream_abort,
    .stream_peer = tw_stream_peer,
    .listen = tw_listen,
    .listener_port = tw_listener_port,
    .listener_close = tw_listener_close,
    .ws_connect = tw_ws_connect,
    .ws_send = tw_ws_send,
    .ws_ping = tw_ws_ping,
    .ws_queued = tw_ws_queued,
    .ws_close = tw_ws_close,
    .ws_abort = tw_ws_abort,
    .ws_pause = tw_ws_pause,
    .ws_resume = tw_ws_resume,
    .log = tw_log,
    .note = tw_note,
};

struct tiny *tiny_new(uint64_t seed)
{
    struct tiny *t = MEM_NEW(struct tiny);
    t->now = 1000 * NS_PER_S;
    t->rng = rng_seed(seed);
    t->next_port = 30000;
    list_init(&t->streams);
    list_init(&t->wires);
    return t;
}

struct world *tiny_process(struct tiny *t, const char *address)
{
    struct process *p = map_get(&t->processes, str_c(address));
    if (!p) {
        p = MEM_NEW(struct process);
        p->world.ops = &ops;
        p->t = t;
        p->address = str_dup_c(str_c(address));
        (void)map_put(&t->processes, str_c(address), p);
    }
    return &p->world;
}

static void free_values(struct map *m)
{
    void *value;
    for (size_t i = 0; map_next(m, &i, NULL, &value);)
        mem_free(value);
    map_free(m);
}

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

/* What is still on its way is let go; timers were all freed by their owners. */
static void drain_events(struct tiny *t)
{
    struct heap_node *node;
    struct list *head = &t->wires;
    list_each (head, it, next_it) {
        struct tiny_wire *wire = container_of(it, struct tiny_wire, link);
        wire->end[0].gone = wire->end[1].gone = true;
    }
    while ((node = heap_pop(&t->queue))) {
        struct event *e = container_of(node, struct event, node);
        void (*fire)(void *) = e->fire;
        void *arg = e->arg;
        bool once = e->once;
        if (once)
            mem_free(e);
        if (once || fire == stream_move)
            fire(arg);
    }
}

void tiny_free(struct tiny *t)
{
    BUG_ON(t->open_streams || t->open_timers || t->open_listeners || t->open_dns,
           "every handle of the world was ended");
    drain_events(t);
    while (!list_empty(&t->streams)) {
        struct stream *s = container_of(t->streams.next, struct stream, link);
        list_remove(&s->link);
        byte_queue_free(&s->q);
        mem_free(s);
    }
    while (!list_empty(&t->wires)) {
        struct tiny_wire *wire = container_of(t->wires.next, struct tiny_wire, link);
        list_remove(&wire->link);
        wire_free(wire);
    }
    void *value;
    for (size_t i = 0; map_next(&t->processes, &i, NULL, &value);)
        mem_free(((struct process *)value)->address);
    free_values(&t->processes);
    free_values(&t->names);
    free_values(&t->servers);
    map_free(&t->listeners);
    heap_free(&t->queue);
    mem_free(t);
}
