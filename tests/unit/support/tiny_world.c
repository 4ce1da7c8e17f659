#include "tests/unit/support/tiny_world.h"

#include "engine/tunnel/queue.h"
#include "tests/unit/support/tiny_internal.h"

#include <stdio.h>
#include <string.h>

#define STREAM_LATENCY (200 * NS_PER_US)

/* ---- events ---- */

struct tiny *tiny_of(const struct world *w)
{
    return container_of((struct world *)(uintptr_t)w, struct process, world)->t;
}

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

/* ---- what is to fail ---- */

void tiny_fail(struct tiny *t, const char *where, enum err_code code)
{
    enum err_code *kept = MEM_NEW(enum err_code);
    *kept = code;
    mem_free(map_put(&t->failures, str_c(where), kept));
}

static struct err *failure_of(const struct tiny *t, const char *where)
{
    const enum err_code *code = map_get(&t->failures, str_c(where));
    return code && *code != ERR_CODE_COUNT ? err_new(*code, "%s", err_code_name(*code)) : NULL;
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
    const struct tiny *t = tiny_of(d->base.w);
    const char *address = map_get(&t->names, str_c(d->name));
    struct world_dns_answer answer = {.n = address != NULL, .ttl_s = 30};
    struct err *err = failure_of(t, d->name);
    if (address)
        (void)snprintf(answer.host[0], sizeof(answer.host[0]), "%s", address);
    else if (!err && !map_has(&t->failures, str_c(d->name)))
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
    struct err *failure = failure_of(t, key);
    s->event.fire = stream_move;
    if (!l || failure) {
        stream_closed(s, failure ? failure->code : ERR_CONN_REFUSED);
        err_free(failure);
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
    char where[80];
    struct world_addr a = o->address;
    address_key(where, &a);
    struct err *failure = failure_of(tiny_of(w), where);
    if (failure)
        return failure;
    struct listener *l = MEM_NEW(struct listener);
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

void tiny_stream_fail(struct world_stream *s, enum err_code code)
{
    stream_closed(stream_of(s)->peer, code);
}

size_t tiny_open_streams(const struct tiny *t)
{
    return t->open_streams;
}

void tiny_stream_pieces(struct tiny *t, size_t max)
{
    t->pieces = max;
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
    .ws_connect = tiny_ws_connect,
    .ws_send = tiny_ws_send,
    .ws_ping = tiny_ws_ping,
    .ws_queued = tiny_ws_queued,
    .ws_close = tiny_ws_close,
    .ws_abort = tiny_ws_abort,
    .ws_pause = tiny_ws_pause,
    .ws_resume = tiny_ws_resume,
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

/* What is still on its way is let go; timers were all freed by their owners. */
static void drain_events(struct tiny *t)
{
    struct heap_node *node;
    tiny_wires_end(t);
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
    tiny_wires_free(t);
    void *value;
    for (size_t i = 0; map_next(&t->processes, &i, NULL, &value);)
        mem_free(((struct process *)value)->address);
    free_values(&t->processes);
    free_values(&t->names);
    free_values(&t->servers);
    free_values(&t->failures);
    map_free(&t->listeners);
    heap_free(&t->queue);
    mem_free(t);
}
