/* Streams: connecting, reading, TLS handshakes and the end. */
#include "engine/world/uv/uv_stream.h"

#include <string.h>
#include <sys/socket.h>

/* ---- life ---- */
static void later_run(struct uvw_later *later);
static void deadline_passed(struct uvw_alarm *alarm);

struct uvw_stream *uvw_stream_new(struct uv_world *uv)
{
    struct uvw_stream *s = MEM_NEW(struct uvw_stream);
    s->base.w = &uv->base;
    s->uv = uv;
    s->owned = true;
    s->deadline.fire = deadline_passed;
    uvw_later_init(&s->later, later_run);
    list_init(&s->from_node);
    list_add_tail(&uv->streams, &s->node);
    uv_tcp_init(&uv->loop, &s->tcp);
    s->tcp.data = s;
    return s;
}

static void handle_closed(uv_handle_t *handle)
{
    struct uvw_stream *s = handle->data;
    buf_free(&s->out);
    buf_free(&s->flight); /* libuv has let go of it only now */
    mem_free(s);
}

/* No callback comes from here on. */
void uvw_stream_destroy(struct uvw_stream *s)
{
    BUG_ON(s->state == UVW_STREAM_GONE, "a stream ends once");
    s->state = UVW_STREAM_GONE;
    uvw_listener_stream_lost(s);
    uvw_later_cancel(&s->later);
    uvw_alarm_stop(s->uv, &s->deadline);
    list_remove(&s->node);
    err_free(s->failure);
    s->failure = NULL;
    uvw_tls_free(s->tls);
    s->tls = NULL;
    buf_free(&s->early);
    buf_free(&s->peer_pem);
    uv_close((uv_handle_t *)&s->tcp, handle_closed);
}

static void stop_reading(struct uvw_stream *s)
{
    if (s->reading)
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->reading = false;
}

void uvw_stream_finish(struct uvw_stream *s, struct err *take_why)
{
    if (s->state == UVW_STREAM_GONE || s->state == UVW_STREAM_FINISHED) {
        err_free(take_why);
        return;
    }
    if (!s->owned || s->from) { /* nobody to tell */
        if (take_why)
            log_debug(&s->uv->log, "connection from %s ended: %s", s->peer.host, take_why->message);
        err_free(take_why);
        uvw_stream_destroy(s);
        return;
    }
    s->state = UVW_STREAM_FINISHED;
    s->failure = take_why;
    stop_reading(s);
    uvw_alarm_stop(s->uv, &s->deadline);
    uvw_later_add(s->uv, &s->later);
}

static void uvw_stream_linger(struct uvw_stream *s);

/* The last callback. What is queued then is the alert that tells the peer why: it gets a moment to be sent. */
static void tell_closed(struct uvw_stream *s)
{
    struct err *why = s->failure;
    s->failure = NULL;
    s->owned = false;
    s->handler->closed(s->owner, why);
    if (why && why->code == ERR_TLS && s->out.n && !s->shutdown_asked) {
        s->state = UVW_STREAM_OPEN;
        uvw_tls_free(s->tls);
        s->tls = NULL;
        uvw_stream_linger(s);
    } else {
        uvw_stream_destroy(s);
    }
    err_free(why);
}

static void uvw_stream_start_reading(struct uvw_stream *s);

/* Without an owner: send the queue, FIN, wait for the peer's FIN for a while. Closing at once while the peer still
 * sends would make the kernel answer RST, and the peer lose what it had not read yet. */
static void uvw_stream_linger(struct uvw_stream *s)
{
    s->owned = false;
    s->handler = NULL;
    s->shutdown_asked = true;
    s->paused = false;
    if (s->state == UVW_STREAM_OPEN && !s->end_seen)
        uvw_stream_start_reading(s);
    uvw_alarm_start(s->uv, &s->deadline, UVW_FLUSH_TIMEOUT);
    uvw_later_add(s->uv, &s->later);
}

void uvw_stream_maybe_done(struct uvw_stream *s)
{
    if (!s->shutdown_done)
        return;
    if (!s->owned) {
        if (s->end_seen)
            uvw_stream_destroy(s);
        else
            uvw_alarm_start(s->uv, &s->deadline, UVW_LINGER_TIMEOUT);
    } else if (s->end_told) {
        uvw_stream_finish(s, NULL);
    }
}

static void deadline_passed(struct uvw_alarm *alarm)
{
    struct uvw_stream *s = container_of(alarm, struct uvw_stream, deadline);
    if (!s->owned || s->from) {
        uvw_stream_destroy(s);
        return;
    }
    struct buf where = {0};
    world_addr_print(&s->peer, &where);
    uvw_stream_finish(s,
                      err_new(ERR_TIMEOUT, "connect to %s: timed out during the %s", buf_c(&where),
                              s->state == UVW_STREAM_CONNECTING ? "TCP connect" : "TLS handshake"));
    buf_free(&where);
}

/* ---- reading ---- */
static void tell_end(struct uvw_stream *s)
{
    if (s->end_told || s->paused || !s->owned)
        return;
    s->end_told = true;
    if (s->handler->end)
        s->handler->end(s->owner);
    if (s->state == UVW_STREAM_OPEN)
        uvw_stream_maybe_done(s);
}

static void peer_ended(struct uvw_stream *s)
{
    s->end_seen = true;
    stop_reading(s);
    if (!s->owned)
        uvw_stream_maybe_done(s);
    else
        tell_end(s);
}

static bool may_tell(const struct uvw_stream *s)
{
    return s->state == UVW_STREAM_OPEN && s->owned && !s->paused;
}

/* Hands out what a TLS session has in store, as far as the owner wants it. */
static void tls_pump(struct uvw_stream *s)
{
    while (may_tell(s) && !s->end_seen) {
        struct err *err = NULL;
        size_t n;
        enum uvw_tls_result r =
            uvw_tls_read(s->tls, s->uv->plain_bytes, sizeof s->uv->plain_bytes, &n, &err);
        if (r == UVW_TLS_OK) {
            s->handler->data(s->owner, (struct str){s->uv->plain_bytes, n});
            continue;
        }
        uvw_tls_take(s->tls, &s->out); /* an alert or a key update */
        if (s->out.n)
            uvw_later_add(s->uv, &s->later);
        if (r == UVW_TLS_FAILED)
            uvw_stream_finish(s, err);
        else if (r == UVW_TLS_END)
            peer_ended(s);
        return;
    }
}

static void opened(struct uvw_stream *s)
{
    s->state = UVW_STREAM_OPEN;
    uvw_alarm_stop(s->uv, &s->deadline);
    if (s->tls) {
        uvw_tls_peer_pem(s->tls, s->from != NULL, &s->peer_pem);
        uvw_stream_write_early(s);
    }
    if (s->state != UVW_STREAM_OPEN)
        return;
    if (!s->owned)
        uvw_stream_linger(s);
    else if (s->from)
        uvw_listener_stream_ready(s);
    else if (s->handler->open)
        s->handler->open(s->owner);
    if (s->state == UVW_STREAM_OPEN)
        uvw_later_add(s->uv, &s->later); /* to send and to read */
}

static void tls_step(struct uvw_stream *s)
{
    struct err *err = NULL;
    enum uvw_tls_result r = uvw_tls_handshake(s->tls, &err);
    uvw_tls_take(s->tls, &s->out);
    uvw_stream_flush(s);
    if (s->state != UVW_STREAM_HANDSHAKING)
        err_free(err);
    else if (r == UVW_TLS_OK)
        opened(s);
    else if (r == UVW_TLS_END)
        uvw_stream_finish(s,
                          err_new(ERR_EOF, "the peer ended the connection in the TLS handshake"));
    else if (r == UVW_TLS_FAILED)
        uvw_stream_finish(s, err);
}

static void got(struct uvw_stream *s, struct str bytes)
{
    if (!s->owned && s->state == UVW_STREAM_OPEN)
        return; /* lingering: thrown away */
    if (!s->tls) {
        s->handler->data(s->owner, bytes);
        return;
    }
    s->heard = true;
    uvw_tls_feed(s->tls, bytes);
    if (s->state == UVW_STREAM_HANDSHAKING)
        tls_step(s);
    else
        tls_pump(s);
}

/* TCP's end. TLS has its own; without it the stream was cut (RFC 8446 6.1). */
static void got_fin(struct uvw_stream *s)
{
    if (s->tls && s->owned && !s->end_seen)
        uvw_stream_finish(
            s, err_new(ERR_EOF, s->state == UVW_STREAM_OPEN
                                    ? "the TLS stream was cut without close_notify"
                                    : "the peer ended the connection in the TLS handshake"));
    else
        peer_ended(s);
}

static void alloc_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct uvw_stream *s = handle->data;
    *room = uv_buf_init(s->uv->read_bytes, sizeof s->uv->read_bytes);
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *room)
{
    struct uvw_stream *s = tcp->data;
    uvw_event(s->uv);
    if (s->state == UVW_STREAM_GONE || s->state == UVW_STREAM_FINISHED || n == 0)
        return;
    if (n > 0) {
        got(s, (struct str){room->base, (size_t)n});
        return;
    }
    s->reading = false;
    uv_read_stop(tcp);
    if (n == UV_EOF)
        got_fin(s);
    else
        uvw_stream_finish(s, uvw_net_err((int)n, "connection with", &s->peer));
}

static void uvw_stream_start_reading(struct uvw_stream *s)
{
    if (s->reading || s->end_seen)
        return;
    int status = uv_read_start((uv_stream_t *)&s->tcp, alloc_room, on_read);
    if (status < 0)
        uvw_stream_finish(s, uvw_net_err(status, "read from", &s->peer));
    else
        s->reading = true;
}

/* What calls of the owner, and ends, have left to do. */
static void later_run(struct uvw_later *later)
{
    struct uvw_stream *s = container_of(later, struct uvw_stream, later);
    if (s->state == UVW_STREAM_FINISHED) {
        tell_closed(s);
        return;
    }
    if (s->state == UVW_STREAM_CONNECTING)
        return;
    uvw_stream_flush(s);
    if (!may_tell(s))
        return;
    if (s->tls)
        tls_pump(s);
    if (may_tell(s) && s->end_seen)
        tell_end(s);
    else if (may_tell(s))
        uvw_stream_start_reading(s);
}

/* ---- connecting ---- */
static void note_addresses(struct uvw_stream *s)
{
    struct sockaddr_storage sa;
    int n = sizeof sa;
    if (uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&sa, &n) == 0)
        s->local = uvw_addr((struct sockaddr *)&sa);
    n = sizeof sa;
    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&sa, &n) == 0)
        s->peer = uvw_addr((struct sockaddr *)&sa);
}

void uvw_stream_up(struct uvw_stream *s)
{
    note_addresses(s);
    uv_tcp_nodelay(&s->tcp, 1);
    if (!s->tls) {
        opened(s);
        return;
    }
    s->state = UVW_STREAM_HANDSHAKING;
    uvw_stream_start_reading(s);
    if (s->state == UVW_STREAM_HANDSHAKING)
        tls_step(s);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct uvw_stream *s = connect->data;
    if (s->state == UVW_STREAM_GONE || s->state == UVW_STREAM_FINISHED)
        return;
    uvw_event(s->uv);
    if (status < 0)
        uvw_stream_finish(s, uvw_net_err(status, "connect to", &s->peer));
    else
        uvw_stream_up(s);
}

static struct err *start(struct uvw_stream *s, const struct world_connect *o)
{
    struct sockaddr_storage sa;
    if (!uvw_sockaddr(&o->address, &sa))
        return err_new(ERR_INVALID, "connect to \"%s\": not a numeric address", o->address.host);
    if (o->tls) {
        SSL_CTX *ctx;
        struct err *err = uvw_tls_client_ctx(s->uv, o->tls, &ctx);
        if (err)
            return err;
        struct str name = o->tls->server_name.n ? o->tls->server_name : str_c(o->address.host);
        s->tls = uvw_tls_new(ctx, false, o->tls, name);
    }
    s->connect.data = s;
    int status = uv_tcp_connect(&s->connect, &s->tcp, (struct sockaddr *)&sa, on_connect);
    return status < 0 ? uvw_net_err(status, "connect to", &o->address) : NULL;
}

struct world_stream *uvw_stream_connect(struct world *w, const struct world_connect *o,
                                        const struct world_stream_handler *h, void *owner)
{
    struct uvw_stream *s = uvw_stream_new(uvw_of(w));
    s->handler = h;
    s->owner = owner;
    s->peer = o->address;
    struct err *err = start(s, o);
    if (err)
        uvw_stream_finish(s, err);
    else
        uvw_alarm_start(s->uv, &s->deadline,
                        o->timeout ? o->timeout : WORLD_STREAM_CONNECT_TIMEOUT);
    return &s->base;
}

/* ---- calls of the owner ---- */
void uvw_stream_attach(struct world_stream *base, const struct world_stream_handler *h, void *owner)
{
    struct uvw_stream *s = uvw_stream_of(base);
    BUG_ON(!h || !h->closed || !h->data, "a stream needs its handler");
    s->handler = h;
    s->owner = owner;
    uvw_later_add(s->uv, &s->later);
}

void uvw_stream_pause(struct world_stream *base)
{
    struct uvw_stream *s = uvw_stream_of(base);
    s->paused = true;
    if (s->state == UVW_STREAM_OPEN)
        stop_reading(s);
}

void uvw_stream_resume(struct world_stream *base)
{
    struct uvw_stream *s = uvw_stream_of(base);
    s->paused = false;
    uvw_later_add(s->uv, &s->later);
}

void uvw_stream_close(struct world_stream *base)
{
    struct uvw_stream *s = uvw_stream_of(base);
    BUG_ON(!s->owned, "a stream is ended once, and not after its closed callback");
    bool nothing_to_send = s->state < UVW_STREAM_OPEN && !s->early.n && (s->tls || !s->out.n);
    if (s->state == UVW_STREAM_FINISHED || nothing_to_send) {
        s->owned = false;
        uvw_stream_destroy(s);
        return;
    }
    uvw_stream_linger(s);
}

void uvw_stream_abort(struct world_stream *base)
{
    struct uvw_stream *s = uvw_stream_of(base);
    BUG_ON(!s->owned, "a stream is ended once, and not after its closed callback");
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0) {
        const struct linger none = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none); /* close sends RST */
    }
    s->owned = false;
    uvw_stream_destroy(s);
}

struct world_addr uvw_stream_peer(const struct world_stream *base)
{
    return uvw_stream_of(base)->peer;
}

struct world_addr uvw_stream_local(const struct world_stream *base)
{
    return uvw_stream_of(base)->local;
}

struct str uvw_stream_peer_pem(const struct world_stream *base)
{
    return buf_str(&uvw_stream_of(base)->peer_pem);
}

void uvw_streams_free(struct uv_world *uv)
{
    list_each (&uv->streams, it, next)
        uvw_stream_destroy(container_of(it, struct uvw_stream, node));
}
