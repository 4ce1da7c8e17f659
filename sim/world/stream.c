/* world.h's functions of streams. None of them calls back: what is due comes from an event. */
#include "sim/world/stream_internal.h"

static struct sim_stream *stream_of(struct world_stream *s)
{
    return container_of(s, struct sim_stream, base);
}
static const struct sim_stream *stream_of_const(const struct world_stream *s)
{
    return const_container_of(s, struct sim_stream, base);
}
static bool is_dead(const struct sim_stream *e)
{
    return world_of(e->base.w)->dead;
}

static struct err *prepare(struct sim_stream *e, const struct world_connect *o)
{
    if (!world_host_is_numeric(str_c(o->address.host)))
        return err_new(ERR_INVALID, "connect to \"%s\": not a numeric address", o->address.host);
    return o->tls ? tls_client_new(e->conn->sim, o->tls, str_c(o->address.host), &e->tls) : NULL;
}

struct world_stream *sim_stream_connect(struct world *base, const struct world_connect *o,
                                        const struct world_stream_handler *h, void *owner)
{
    struct sim_world *w = world_of(base);
    struct sim_conn *c = conn_new(w, &o->address);
    struct sim_stream *e = &c->ends[0];
    e->handler = h;
    e->owner = owner;
    e->held = true;
    if (w->dead) {
        e->gone = true;
        e->world = NULL;
        return &e->base;
    }
    e->app = true;
    struct err *err = prepare(e, o);
    if (err) {
        end_fail(e, false, err);
        return &e->base;
    }
    event_set(c->sim, &e->timer,
              c->sim->now + (o->timeout > 0 ? o->timeout : WORLD_STREAM_CONNECT_TIMEOUT));
    handshake_start(c);
    return &e->base;
}

void sim_stream_attach(struct world_stream *s, const struct world_stream_handler *h, void *owner)
{
    struct sim_stream *e = stream_of(s);
    BUG_ON(!h || !h->closed, "a stream needs its handler");
    if (is_dead(e))
        return;
    e->handler = h;
    e->owner = owner;
    end_poke(e);
}

void sim_stream_write(struct world_stream *s, struct str bytes)
{
    struct sim_stream *e = stream_of(s);
    struct sim_pipe *out = end_out(e);
    if (is_dead(e))
        return;
    if (e->gone || e->failure || e->http_muted)
        return; /* the owner is about to hear of the end */
    if (e->http_cut)
        bytes.n /= 2;
    if (e->conn->sim->firing)
        timer_wrote(e->conn->sim, (const void *[WROTE_PARTS]){e, e->conn, out, e->owner,
                                                              &end_other(e)->in, e->tls});
    if (e->tls) {
        tls_write(e, bytes);
    } else {
        pipe_put(out, bytes);
        if (e->conn->established)
            pipe_send(e->conn, e->side, false);
    }
    size_t queued = sim_stream_queued(s);
    if (queued > WORLD_STREAM_LOW)
        e->above_low = true;
    if (queued > BUF_MAX_DEFAULT)
        end_fail(e, true,
                 err_new(ERR_TOO_LARGE, "more than %zu bytes wait to be sent", BUF_MAX_DEFAULT));
    else if (e->http_cut)
        http_cut_here(e);
}

size_t sim_stream_queued(const struct world_stream *s)
{
    const struct sim_stream *e = stream_of_const(s);
    const struct sim_pipe *out = end_out(e);
    return (size_t)(out->end - out->sent) + (e->tls ? tls_waiting(e->tls) : 0);
}

void sim_stream_shutdown(struct world_stream *s)
{
    struct sim_stream *e = stream_of(s);
    struct sim_pipe *out = end_out(e);
    if (is_dead(e) || e->gone || out->fin || e->failure)
        return;
    if (e->tls) {
        tls_shutdown(e);
    } else {
        out->fin = true;
        if (e->conn->established)
            pipe_send(e->conn, e->side, false);
    }
    if (e->end_told)
        end_poke(e); /* both sides have ended */
}

void sim_stream_pause(struct world_stream *s)
{
    stream_of(s)->reading_paused = true;
}

void sim_stream_resume(struct world_stream *s)
{
    struct sim_stream *e = stream_of(s);
    e->reading_paused = false;
    if (!is_dead(e))
        end_poke(e);
}

static void handle_ends(struct sim_stream *e)
{
    BUG_ON(!e->held, "a stream is ended once, and not after its closed callback");
    e->held = false;
    list_remove(&e->link);
    err_free(e->failure);
    e->failure = NULL;
}

void sim_stream_close(struct world_stream *s)
{
    struct sim_stream *e = stream_of(s);
    struct sim_conn *c = e->conn;
    handle_ends(e);
    if (is_dead(e)) {
        sim_conn_release(c);
        return;
    }
    bool nothing_to_send = e->state != END_OPEN && sim_stream_queued(s) == 0 && !end_out(e)->fin;
    if (e->gone || nothing_to_send) {
        end_kernel_abort(e, true);
        return;
    }
    if (e->tls)
        tls_shutdown(e);
    if (e->tls && e->state != END_OPEN && !end_out(e)->fin) {
        e->app = false; /* the handshake goes on, then the queue is sent: end.c */
        event_set(c->sim, &e->timer, c->sim->now + WORLD_STREAM_CONNECT_TIMEOUT);
        list_add_tail(&e->world->streams, &e->link); /* it still needs its process */
        return;
    }
    end_kernel_close(e);
}

void sim_stream_abort(struct world_stream *s)
{
    struct sim_stream *e = stream_of(s);
    handle_ends(e);
    if (is_dead(e))
        sim_conn_release(e->conn);
    else
        end_kernel_abort(e, true);
}

struct world_addr sim_stream_peer(const struct world_stream *s)
{
    const struct sim_stream *e = stream_of_const(s);
    return e->conn->address[1 - e->side];
}

struct world_addr sim_stream_local(const struct world_stream *s)
{
    const struct sim_stream *e = stream_of_const(s);
    return e->conn->address[e->side];
}

struct str sim_stream_peer_pem(const struct world_stream *s)
{
    const struct sim_stream *e = stream_of_const(s);
    return e->tls ? tls_peer_pem(e->tls) : str_empty;
}

/* ---- when the process dies ---- */

static void kill_one(struct sim_stream *e, bool power_loss)
{
    e->world = NULL;
    e->app = false;
    e->handler = NULL;
    e->listener = NULL;
    e->brief = true;
    err_free(e->failure);
    e->failure = NULL;
    if (e->gone) {
        sim_conn_release(e->conn);
        return;
    }
    struct sim_pipe *in = end_in(e);
    if (power_loss || !e->conn->established)
        end_kernel_abort(e, false);
    else if (in->arrived > in->head || e->state != END_OPEN)
        end_kernel_abort(e, true);
    else
        end_kernel_close(e);
}

void streams_kill(struct sim_world *w, bool power_loss)
{
    struct list all; /* the end of one may take another with it */
    list_init(&all);
    while (!list_empty(&w->streams)) {
        struct list *link = w->streams.next;
        list_remove(link);
        list_add_tail(&all, link);
    }
    while (!list_empty(&all)) {
        struct sim_stream *e = container_of(all.next, struct sim_stream, link);
        list_remove(&e->link);
        if (e->held)
            list_add_tail(&w->streams, &e->link);
        kill_one(e, power_loss);
    }
}

void streams_resume(struct sim_world *w)
{
    list_each (&w->streams, it, next)
        end_poke(container_of(it, struct sim_stream, link));
}

void streams_free(struct sim_world *w)
{
    list_each (&w->streams, it, next) {
        struct sim_stream *e = container_of(it, struct sim_stream, link);
        ++*w->sim->count.leaked_handles;
        e->held = false;
        list_remove(&e->link);
        sim_conn_release(e->conn);
    }
}
