/* Streams: the outgoing side. Writes of one event are collected and go out together before the loop waits; a large one goes
 * out at once, behind what was collected, so that it is not copied. */
#include "engine/world/uv/uv_stream.h"

#define KEEP_BYTES   ((size_t)256 << 10) /* an empty buffer larger than this is given back */
#define DIRECT_BYTES ((size_t)12 << 10)  /* a copy costs more than a system call from here on */

size_t uvw_stream_queued(const struct world_stream *base)
{
    const struct uvw_stream *s = uvw_stream_of(base);
    return s->early.n + s->out.n + uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
}

static void note_high(struct uvw_stream *s)
{
    if (uvw_stream_queued(&s->base) + s->direct_n > WORLD_STREAM_LOW)
        s->was_high = true;
}

static void tell_drained(struct uvw_stream *s)
{
    if (!s->was_high || uvw_stream_queued(&s->base) > WORLD_STREAM_LOW)
        return;
    s->was_high = false;
    if (s->owned && s->state == UVW_STREAM_OPEN && s->handler && s->handler->drained)
        s->handler->drained(s->owner);
}

static void give_back(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_free(b);
    else
        buf_clear(b);
}

static void on_write(uv_write_t *writing, int status)
{
    struct uvw_stream *s = writing->data;
    s->in_flight = false;
    if (s->state == UVW_STREAM_GONE)
        return;
    uvw_event(s->uv);
    give_back(&s->flight);
    if (status < 0) {
        uvw_stream_finish(s, uvw_net_err(status, "write to", &s->peer));
        return;
    }
    uvw_stream_flush(s);
}

/* Hands `out` to libuv: what the socket takes at once costs no request. */
static void send_out(struct uvw_stream *s)
{
    uv_buf_t all = uv_buf_init(s->out.p, (unsigned)s->out.n);
    int sent = uv_try_write((uv_stream_t *)&s->tcp, &all, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        buf_clear(&s->out);
        uvw_stream_finish(s, uvw_net_err(sent, "write to", &s->peer));
        return;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == s->out.n) {
        give_back(&s->out);
        return;
    }
    struct buf empty = s->flight;
    s->flight = s->out;
    s->out = empty;
    uv_buf_t rest = uv_buf_init(s->flight.p + done, (unsigned)(s->flight.n - done));
    s->writing.data = s;
    s->in_flight = true;
    int status = uv_write(&s->writing, (uv_stream_t *)&s->tcp, &rest, 1, on_write);
    if (status < 0) {
        s->in_flight = false;
        uvw_stream_finish(s, uvw_net_err(status, "write to", &s->peer));
    }
}

static void on_shutdown(uv_shutdown_t *shutting, int status)
{
    struct uvw_stream *s = shutting->data;
    if (s->state == UVW_STREAM_GONE || s->state == UVW_STREAM_FINISHED)
        return;
    uvw_event(s->uv);
    if (status < 0 && status != UV_ENOTCONN) {
        uvw_stream_finish(s, uvw_net_err(status, "shutdown of", &s->peer));
        return;
    }
    s->shutdown_done = true;
    uvw_stream_maybe_done(s);
}

static void send_fin(struct uvw_stream *s)
{
    s->shutdown_sent = true;
    if (s->tls) {
        uvw_tls_shutdown(s->tls);
        uvw_tls_take(s->tls, &s->out);
        if (s->out.n)
            send_out(s);
        if (s->state != UVW_STREAM_OPEN)
            return;
    }
    s->shutting.data = s;
    int status = uv_shutdown(&s->shutting, (uv_stream_t *)&s->tcp, on_shutdown);
    if (status < 0)
        uvw_stream_finish(s, uvw_net_err(status, "shutdown of", &s->peer));
}

/* Called from the loop only. */
void uvw_stream_flush(struct uvw_stream *s)
{
    BUG_ON(s->state == UVW_STREAM_CONNECTING, "nothing is sent before there is a connection");
    if (s->state != UVW_STREAM_OPEN && s->state != UVW_STREAM_HANDSHAKING)
        return;
    note_high(s); /* encryption adds bytes: whoever sees the queue high hears of its end */
    s->direct_n = 0;
    if (s->out.n && !s->in_flight)
        send_out(s);
    if (s->state == UVW_STREAM_OPEN && s->shutdown_asked && !s->shutdown_sent && !s->out.n &&
        !s->in_flight)
        send_fin(s);
    if (s->state == UVW_STREAM_OPEN)
        tell_drained(s);
}

static void encrypt(struct uvw_stream *s, struct str plain)
{
    struct err *err = NULL;
    enum uvw_tls_result r = uvw_tls_write(s->tls, plain, &err);
    uvw_tls_take(s->tls, &s->out);
    if (r == UVW_TLS_FAILED)
        uvw_stream_finish(s, err);
    else if (r != UVW_TLS_OK)
        uvw_stream_finish(s, err_new(ERR_TLS, "the peer's TLS session takes no more data"));
}

void uvw_stream_write_early(struct uvw_stream *s)
{
    if (s->early.n)
        encrypt(s, buf_str(&s->early));
    buf_free(&s->early);
}

/* What the socket takes of `out` and then of these bytes, without a copy; false: nothing was tried. An error is found again,
 * and told, by the flush that follows. */
static bool write_direct(struct uvw_stream *s, struct str bytes)
{
    if (s->tls || s->state != UVW_STREAM_OPEN || s->in_flight || bytes.n < DIRECT_BYTES ||
        bytes.n > INT32_MAX)
        return false;
    uv_buf_t both[2] = {uv_buf_init(s->out.p, (unsigned)s->out.n),
                        uv_buf_init((char *)(uintptr_t)bytes.p, (unsigned)bytes.n)};
    bool has_out = s->out.n > 0;
    int sent = uv_try_write((uv_stream_t *)&s->tcp, has_out ? both : both + 1, has_out ? 2 : 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    size_t of_out = done < s->out.n ? done : s->out.n;
    if (of_out == s->out.n)
        give_back(&s->out);
    else
        buf_consume(&s->out, of_out);
    buf_add(&s->out, str_sub(bytes, done - of_out, bytes.n));
    s->direct_n += done - of_out;
    return true;
}

void uvw_stream_write(struct world_stream *base, struct str bytes)
{
    struct uvw_stream *s = uvw_stream_of(base);
    BUG_ON(s->shutdown_asked, "nothing is written after shutdown");
    if (s->state == UVW_STREAM_FINISHED)
        return; /* the owner is about to hear of the end */
    if (s->tls && s->state < UVW_STREAM_OPEN)
        buf_add(&s->early, bytes);
    else if (s->tls)
        encrypt(s, bytes);
    else if (!write_direct(s, bytes))
        buf_add(&s->out, bytes);
    if (!buf_ok(&s->early) || !buf_ok(&s->out))
        uvw_stream_finish(s, err_new(ERR_TOO_LARGE, "more than %zu bytes wait to be sent",
                                     (size_t)BUF_MAX_DEFAULT));
    note_high(s);
    uvw_later_add(s->uv, &s->later);
}

void uvw_stream_shutdown(struct world_stream *base)
{
    struct uvw_stream *s = uvw_stream_of(base);
    s->shutdown_asked = true;
    uvw_later_add(s->uv, &s->later);
}
