/* Listeners. The owner gets a stream when it can be used: after the TLS handshake. Handshakes under way are bounded in
 * number and time, so that clients which never finish theirs cannot fill the process. When all places are taken, the oldest
 * client that has not said a word makes room: who connects and is silent does not keep out who speaks. */
#include "engine/world/uv/uv_stream.h"

#define BACKLOG            1024
#define UVW_HANDSHAKES_MAX 1024u /* per listener; further connections wait in the kernel */

struct uvw_listener {
    struct world_listener base;
    struct uv_world *uv;
    struct list node;
    uv_tcp_t tcp;
    SSL_CTX *ctx; /* NULL: plain */
    void (*accept)(void *owner, struct world_stream *s);
    void *owner;
    struct list handshakes;
    size_t handshakes_n;
    bool waiting; /* a connection has not been taken from libuv yet */
    bool closed;
    uint16_t port;
};

static struct uvw_listener *listener_of(const struct world_listener *l)
{
    return container_of((struct world_listener *)(uintptr_t)l, struct uvw_listener, base);
}

static void hand_over(struct uvw_listener *l, struct uvw_stream *s)
{
    l->accept(l->owner, &s->base);
    if (s->state == UVW_STREAM_GONE || !s->owned)
        return;
    BUG_ON(!s->handler, "an accepted stream gets a handler or is ended");
    uvw_later_add(s->uv, &s->later);
}

static void take_connection(struct uvw_listener *l)
{
    l->waiting = false;
    struct uvw_stream *s = uvw_stream_new(l->uv);
    if (uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)&s->tcp) < 0) {
        uvw_stream_destroy(s);
        return;
    }
    s->from = l;
    list_add_tail(&l->handshakes, &s->from_node);
    l->handshakes_n++;
    if (l->ctx) {
        s->tls = uvw_tls_new(l->ctx, true, NULL, str_empty);
        uvw_alarm_start(l->uv, &s->deadline, UVW_HANDSHAKE_TIMEOUT);
    }
    uvw_stream_up(s);
}

/* NULL: all of them have begun. */
static struct uvw_stream *oldest_silent(const struct uvw_listener *l)
{
    for (struct list *it = l->handshakes.next; it != &l->handshakes; it = it->next) {
        struct uvw_stream *s = container_of(it, struct uvw_stream, from_node);
        if (!s->heard)
            return s;
    }
    return NULL;
}

/* Is there a place for one more? */
static bool make_room(struct uvw_listener *l)
{
    struct uvw_stream *silent = l->handshakes_n < UVW_HANDSHAKES_MAX ? NULL : oldest_silent(l);
    if (silent)
        uvw_stream_destroy(silent);
    return l->handshakes_n < UVW_HANDSHAKES_MAX;
}

static void on_connection(uv_stream_t *tcp, int status)
{
    struct uvw_listener *l = tcp->data;
    uvw_event(l->uv);
    if (l->closed)
        return;
    if (status < 0)
        log_warn(&l->uv->log, "accept on port %u: %s", l->port, uv_strerror(status));
    else if (make_room(l))
        take_connection(l);
    else
        l->waiting = true; /* libuv stops accepting until this one is taken */
}

void uvw_listener_stream_lost(struct uvw_stream *s)
{
    struct uvw_listener *l = s->from;
    if (!l)
        return;
    s->from = NULL;
    list_remove(&s->from_node);
    l->handshakes_n--;
    if (l->waiting && !l->closed)
        take_connection(l);
}

void uvw_listener_stream_ready(struct uvw_stream *s)
{
    struct uvw_listener *l = s->from;
    s->from = NULL;
    list_remove(&s->from_node);
    l->handshakes_n--;
    hand_over(l, s);
    if (!l->closed && l->waiting)
        take_connection(l);
}

static void listener_gone(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void uvw_listener_close(struct world_listener *base)
{
    struct uvw_listener *l = listener_of(base);
    BUG_ON(l->closed, "a listener is closed once");
    l->closed = true;
    list_each (&l->handshakes, it, next)
        uvw_stream_destroy(container_of(it, struct uvw_stream, from_node));
    list_remove(&l->node);
    SSL_CTX_free(l->ctx);
    l->ctx = NULL;
    uv_close((uv_handle_t *)&l->tcp, listener_gone);
}

struct err *uvw_listener_set_tls(struct world_listener *base, const struct world_tls *tls)
{
    struct uvw_listener *l = listener_of(base);
    BUG_ON(!l->ctx, "a plain listener has no identity");
    SSL_CTX *ctx;
    struct err *err = uvw_tls_server_ctx(l->uv, tls, &ctx);
    if (err)
        return err;
    SSL_CTX_up_ref(ctx);
    SSL_CTX_free(l->ctx);
    l->ctx = ctx;
    return NULL;
}

static struct err *bind_and_listen(struct uvw_listener *l, const struct world_addr *address)
{
    struct sockaddr_storage sa;
    if (!uvw_sockaddr(address, &sa))
        return err_new(ERR_INVALID, "listen on \"%s\": not a numeric address", address->host);
    int status = uv_tcp_bind(&l->tcp, (struct sockaddr *)&sa, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (status < 0)
        return uvw_net_err(status, "listen on", address);
    int n = sizeof sa;
    status = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&sa, &n);
    BUG_ON(status < 0, "a bound socket has a name");
    l->port = uvw_addr((struct sockaddr *)&sa).port;
    return NULL;
}

struct err *uvw_listen(struct world *w, const struct world_listen *o,
                       void (*accept)(void *, struct world_stream *), void *owner,
                       struct world_listener **out)
{
    struct uv_world *uv = uvw_of(w);
    SSL_CTX *ctx = NULL;
    struct err *err = o->tls ? uvw_tls_server_ctx(uv, o->tls, &ctx) : NULL;
    if (err)
        return err;
    if (ctx)
        SSL_CTX_up_ref(ctx);
    struct uvw_listener *l = MEM_NEW(struct uvw_listener);
    l->base.w = w;
    l->uv = uv;
    l->ctx = ctx;
    l->accept = accept;
    l->owner = owner;
    list_init(&l->handshakes);
    list_add_tail(&uv->listeners, &l->node);
    uv_tcp_init(&uv->loop, &l->tcp);
    l->tcp.data = l;
    err = bind_and_listen(l, &o->address);
    if (err)
        uvw_listener_close(&l->base);
    else
        *out = &l->base;
    return err;
}

uint16_t uvw_listener_port(const struct world_listener *base)
{
    return listener_of(base)->port;
}

void uvw_listeners_free(struct uv_world *uv)
{
    list_each (&uv->listeners, it, next)
        uvw_listener_close(&container_of(it, struct uvw_listener, node)->base);
}
