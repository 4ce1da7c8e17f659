/* What an end of a connection does: arrivals, callbacks, windows, time-outs. All callbacks of streams start here. */
#include "sim/world/stream_internal.h"

#define FLUSH_TIMEOUT (30 * NS_PER_S) /* to be connected, when the handle is closed already */
#define LINGER_TIMEOUT                                                                             \
    (2 * NS_PER_S) /* for the peer's FIN, once ours has arrived and nobody reads any more */

static bool end_runs(const struct sim_stream *e)
{
    return e->world && world_runs(e->world);
}

uint32_t end_component(const struct sim_stream *e)
{
    return e->world                 ? e->world->component
           : e->conn->host[e->side] ? e->conn->host[e->side]->component
                                    : 0;
}

static void trace_net(const struct sim_stream *e, uint64_t what)
{
    trace_add(e->conn->sim, end_component(e), SIM_TRACE_NET, e->conn->id, what);
}

void end_poke(struct sim_stream *e)
{
    event_set(e->conn->sim, &e->in, e->conn->sim->now);
}

/* ---- what the kernel does ---- */

/* The peer's window moves when the news has crossed back; a sender that is not blocked need not wait for it. */
void end_consume(struct sim_stream *e, size_t n)
{
    struct sim_conn *c = e->conn;
    struct sim_pipe *p = end_in(e);
    p->head += n;
    if (c->faults_n > 0 && path_blocked(c, e->side, false))
        return;
    struct sim_stream *writer = end_other(e);
    bool blocked = p->end > p->sent || (p->fin && !p->fin_sent);
    if (!blocked)
        p->known = p->head;
    else if (!writer->out.active && !writer->gone)
        event_set(c->sim, &writer->out, c->sim->now + path_delay(c, e->side, 0, RTO_FIRST));
}

void end_discard(struct sim_stream *e)
{
    struct sim_pipe *p = end_in(e);
    if (p->arrived > p->head)
        end_consume(e, (size_t)(p->arrived - p->head));
    pipe_drained(p);
}

static void end_settle(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    if (!e->orphan || e->gone)
        return;
    end_discard(e);
    if (end_out(e)->fin_arrived && (end_in(e)->fin_arrived || e->brief))
        e->gone = true;
    else if (end_out(e)->fin_arrived && !e->timer.active)
        event_set(c->sim, &e->timer, c->sim->now + LINGER_TIMEOUT);
    sim_conn_release(c);
}

void end_kernel_close(struct sim_stream *e)
{
    struct sim_pipe *out = end_out(e);
    e->app = false;
    e->orphan = true;
    e->handler = NULL;
    e->world = NULL;
    event_clear(&e->timer);
    if (!e->conn->established)
        event_set(e->conn->sim, &e->timer, e->conn->sim->now + FLUSH_TIMEOUT);
    if (!out->fin && !out->reset) {
        out->fin = true;
        pipe_send(e->conn, e->side, false);
    }
    end_settle(e);
}

static void cut(struct sim_stream *e, bool tell_peer)
{
    struct sim_conn *c = e->conn;
    struct sim_pipe *out = end_out(e);
    bool was_there = !e->gone;
    e->gone = true;
    event_drop(c->sim, &e->timer);
    event_drop(c->sim, &e->out);
    pipe_cut(out);
    if (!c->established && e->side == 0) { /* the other end has not been accepted: it goes too */
        struct sim_stream *server = &c->ends[1];
        list_remove(&server->link);
        event_drop(c->sim, &server->timer);
        server->gone = true;
    } else if (tell_peer && was_there && !out->reset) {
        out->reset = true;
        pipe_send(c, e->side, true);
    }
}

void end_kernel_abort(struct sim_stream *e, bool tell_peer)
{
    e->app = false;
    e->handler = NULL;
    e->world = NULL;
    cut(e, tell_peer);
    end_discard(e);
    sim_conn_release(e->conn);
}

void end_fail(struct sim_stream *e, bool tell_peer, struct err *take_err)
{
    cut(e, tell_peer);
    if (!e->app || e->failure) {
        err_free(take_err);
        sim_conn_release(e->conn);
        return;
    }
    e->failure = take_err;
    end_poke(e);
}

/* ---- callbacks ---- */

static void tell_closed(struct sim_stream *e, struct err *take_err)
{
    const struct world_stream_handler *handler = e->handler;
    trace_add(e->conn->sim, end_component(e), SIM_TRACE_CLOSED, e->conn->id,
              take_err ? (uint64_t)take_err->code + 1 : 0);
    e->app = e->held = false;
    e->orphan = true;
    list_remove(&e->link);
    event_clear(&e->timer);
    handler->closed(e->owner, take_err);
    err_free(take_err);
    e->world = NULL;
    end_settle(e);
}

void end_deliver(struct sim_stream *e, struct str bytes)
{
    struct sim_conn *c = e->conn;
    struct sim_pipe *p = end_in(e);
    trace_add(c->sim, end_component(e), SIM_TRACE_DATA, c->id, str_hash(bytes));
    c->bytes[1 - e->side] += bytes.n;
    *c->sim->count.bytes += (int64_t)bytes.n;
    p->lent = true;
    struct buf stripped = {0};
    bool proxied = e->side == 1 && (c->sim->http_faults > 0 || e->http_refused);
    if (proxied && http_strips(e, bytes, &stripped))
        bytes = buf_str(&stripped);
    bool lied = proxied && http_lies(e, bytes);
    if (!lied && e->handler->data)
        e->handler->data(e->owner, bytes);
    buf_free(&stripped);
    pipe_give_back(p);
}

static bool may_read(const struct sim_stream *e)
{
    if (!end_runs(e) || (e->state == END_OPEN && (!e->app || e->reading_paused)))
        return false;
    return e->state != END_CONNECTING;
}

static bool plain_read(struct sim_stream *e)
{
    struct str bytes = pipe_readable(end_in(e));
    if (bytes.n == 0 || e->state != END_OPEN)
        return false;
    end_consume(e, bytes.n);
    end_deliver(e, bytes);
    return true;
}

static void tell_open(struct sim_stream *e)
{
    e->open_told = true;
    if (e->listener) {
        end_accept(e);
        return;
    }
    event_clear(&e->timer);
    trace_add(e->conn->sim, end_component(e), SIM_TRACE_OPEN, e->conn->id, 0);
    if (e->handler->open)
        e->handler->open(e->owner);
}

/* The end of what the peer sends: close_notify with TLS, where a bare FIN is a cut (RFC 8446 6.1). */
static void tell_end(struct sim_stream *e)
{
    struct sim_pipe *in = end_in(e);
    bool ended = e->tls ? tls_ended(e->tls) : in->fin_arrived && in->head == in->arrived;
    bool waits = e->state == END_OPEN && e->reading_paused; /* unread bytes come first */
    if (!ended && e->tls && in->fin_arrived && !e->failure && !waits) {
        e->failure = err_new(ERR_EOF, e->state == END_OPEN
                                          ? "the TLS stream was cut without close_notify"
                                          : "the peer ended the connection in the TLS handshake");
        end_out(e)->fin = true;
        pipe_send(e->conn, e->side, false);
    }
    if (!ended || e->end_told || !e->app || waits || e->failure)
        return;
    e->end_told = true;
    trace_add(e->conn->sim, end_component(e), SIM_TRACE_END, e->conn->id, 0);
    if (e->handler->end)
        e->handler->end(e->owner);
}

static void tell_drained(struct sim_stream *e)
{
    if (!e->above_low || !e->open_told || sim_stream_queued(&e->base) > WORLD_STREAM_LOW)
        return;
    e->above_low = false;
    if (e->handler->drained)
        e->handler->drained(e->owner);
}

/* A slow process gets its callbacks late. True: not now. */
static bool too_early(struct sim_stream *e)
{
    if (e->world->slow == 0 || e->late) {
        e->late = false;
        return false;
    }
    e->late = true;
    event_set(e->conn->sim, &e->in, e->conn->sim->now + world_lateness(e->world));
    return true;
}

/* How an end leaves its instance, or finds that there is none. */
static void tell_last(struct sim_stream *e)
{
    struct err *failure = e->failure;
    if (!end_runs(e))
        return;
    if (e->app && failure) {
        e->failure = NULL;
        tell_closed(e, failure);
    } else if (e->app && e->end_told && end_out(e)->fin_sent) {
        tell_closed(e, NULL);
    } else if (!e->app && failure) { /* a handshake that failed with nobody to tell */
        err_free(failure);
        e->failure = NULL;
        e->listener = NULL;
        list_remove(&e->link);
        end_kernel_close(e);
    } else if (!e->app && !e->listener && !e->orphan && !e->gone && e->state == END_OPEN) {
        end_kernel_close(e); /* closed while the handshake was under way */
    }
}

/* Everything that is due to the instance, in the order in which it happened. Any callback may end the handle or the
 * process: what follows asks again. */
static void pump(struct sim_stream *e)
{
    if (!end_runs(e) || too_early(e))
        return;
    e->conn->pins++;
    if (e->state == END_OPEN && !e->open_told && !e->failure && (e->app || e->listener))
        tell_open(e);
    while (may_read(e) && !e->failure && (e->tls ? tls_read(e) : plain_read(e)))
        if (e->state == END_OPEN && !e->open_told && !e->failure && (e->app || e->listener))
            tell_open(e);
    if (end_runs(e) && (e->app || e->state == END_HANDSHAKE))
        tell_end(e);
    if (end_runs(e) && e->app && !e->failure)
        tell_drained(e);
    tell_last(e);
    e->conn->pins--;
    sim_conn_release(e->conn);
}

/* ---- arrivals ---- */

static world_time retry_delay(uint32_t tries)
{
    world_time delay = RTO_FIRST << (tries < 16 ? tries : 16);
    return delay < SIM_RETRANSMIT_MAX ? delay : SIM_RETRANSMIT_MAX;
}

/* The segment got lost on a path that is cut: the sender tries again, for a while. */
static void stall(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    struct sim_pipe *p = end_in(e);
    struct sim_stream *writer = end_other(e);
    if (writer->gone) { /* nobody sends again */
        p->marks_n = 0;
        return;
    }
    if (!p->stalled) {
        p->stalled = true;
        p->stalled_at = c->sim->now;
        p->stalled_tries = 0;
        (void)path_blocked(c, writer->side, true);
    }
    if (c->sim->now - p->stalled_at >= SIM_TCP_TIMEOUT) {
        p->marks_n = 0;
        ++*c->sim->count.timeouts;
        end_fail(writer, false,
                 err_new(ERR_TIMEOUT, "connection with %s: no answer to what was sent",
                         c->address[e->side].host));
        return;
    }
    ++*c->sim->count.retransmissions;
    event_set(c->sim, &e->in, c->sim->now + retry_delay(p->stalled_tries++));
}

/* When the way back is cut the sender never learns that its bytes came in. */
static void watch_acks(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    struct sim_stream *writer = end_other(e);
    if (c->faults_n > 0 && !writer->gone && writer->state == END_OPEN && !writer->timer.active &&
        path_blocked(c, e->side, true))
        event_set(c->sim, &writer->timer, c->sim->now + SIM_TCP_TIMEOUT);
}

static void got_reset(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    if (e->gone)
        return;
    ++*c->sim->count.resets;
    end_fail(e, false,
             err_new(ERR_CONN_RESET, "connection with %s: reset by the peer",
                     c->address[1 - e->side].host));
}

/* Nobody knows this connection here. */
static void answer_reset(struct sim_stream *e)
{
    struct sim_pipe *out = end_out(e);
    end_discard(e);
    if (end_other(e)->gone || out->reset)
        return;
    pipe_cut(out);
    out->reset = true;
    pipe_send(e->conn, e->side, true);
}

static void take_arrivals(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    struct sim_pipe *p = end_in(e);
    if (p->marks_n == 0 || pipe_next(p) > c->sim->now)
        return;
    if (path_blocked(c, 1 - e->side, false)) {
        stall(e);
        return;
    }
    p->stalled = false;
    bool had_fin = p->fin_arrived;
    uint64_t before = p->arrived;
    (void)pipe_pop_marks(p, c->sim->now);
    c->last_byte_at = c->sim->now;
    watch_acks(e);
    if (e->state == END_CONNECTING && e->side == 1 && !e->gone)
        e->state = e->tls ? END_HANDSHAKE : END_OPEN; /* the ACK, whatever came with it */
    if (p->reset && p->marks_n == 0)
        return; /* told below, behind the bytes that came before it */
    if (e->gone && (p->arrived > before || p->fin_arrived) &&
        !(p->fin_arrived && end_out(e)->fin_sent))
        answer_reset(e);
    if (p->fin_arrived && !had_fin)
        end_settle(end_other(e));
    end_settle(e);
}

void end_warm(const struct sim_event *event, unsigned step)
{
    const struct sim_stream *e = const_container_of(event, struct sim_stream, in);
    const struct sim_conn *c;
    switch (step) {
    case 0:
        warm(e, sizeof(*e));
        break;
    case 1:
        c = e->conn;
        warm(c, offsetof(struct sim_conn, pipes));
        warm(end_in(e), WARM_PIPE_BYTES);
        warm(end_out(e), WARM_PIPE_BYTES);
        warm(&c->ends[1 - e->side].in, sizeof(struct sim_event));
        warm(e->owner, WARM_OWNER_BYTES);
        warm(e->tls, 64);
        warm(e->world, 192);
        break;
    default:
        c = e->conn;
        __builtin_prefetch(end_in(e)->p + (end_in(e)->head - end_in(e)->base));
        __builtin_prefetch(end_out(e)->p);
        __builtin_prefetch(c->host[0]);
        __builtin_prefetch(c->host[1]);
    }
}

void end_arrived(struct sim_event *event)
{
    struct sim_stream *e = container_of(event, struct sim_stream, in);
    struct sim_conn *c = e->conn;
    struct sim_pipe *p = end_in(e);
    c->pins++;
    trace_net(e, p->marks_n);
    take_arrivals(e);
    if (!e->gone || e->failure)
        pump(e);
    if (p->reset && p->marks_n == 0 && !c->freeing)
        got_reset(e);
    if (p->marks_n > 0 && !e->in.active) /* later ones */
        event_set(c->sim, &e->in, pipe_next(p) > c->sim->now ? pipe_next(p) : c->sim->now);
    c->pins--;
    sim_conn_release(c);
}

/* News of the reader's progress has reached the writer. */
static void window_moved(struct sim_stream *e)
{
    struct sim_conn *c = e->conn;
    trace_net(e, end_out(e)->head);
    if (e->gone)
        return;
    if (path_blocked(c, 1 - e->side, true)) {
        event_set(c->sim, &e->out, c->sim->now + SYN_RETRY_FIRST); /* a window probe */
        return;
    }
    end_out(e)->known = end_out(e)->head;
    pipe_send(c, e->side, false);
    pump(e);
}

/* `out` serves the handshake first, then the window. */
void end_window(struct sim_event *event)
{
    struct sim_stream *e = container_of(event, struct sim_stream, out);
    struct sim_conn *c = e->conn;
    c->pins++;
    if (!c->established) {
        handshake_step(e);
        pump(e);
    } else {
        window_moved(e);
    }
    c->pins--;
    sim_conn_release(c);
}

void end_timer(struct sim_event *event)
{
    struct sim_stream *e = container_of(event, struct sim_stream, timer);
    struct sim_conn *c = e->conn;
    trace_net(e, (uint64_t)e->state);
    if (!e->app) { /* nobody waits for the peer's FIN any longer; or a handshake takes too long */
        list_remove(&e->link);
        end_kernel_abort(e, !e->orphan);
    } else if (!e->open_told) {
        struct buf where = {0};
        world_addr_print(&c->address[1], &where);
        ++*c->sim->count.timeouts;
        struct err *err =
            err_new(ERR_TIMEOUT, "connect to %s: timed out during the %s", buf_c(&where),
                    e->state == END_CONNECTING ? "TCP connect" : "TLS handshake");
        buf_free(&where);
        end_fail(e, true, err);
    } else if (path_blocked(c, 1 - e->side, true)) {
        ++*c->sim->count.timeouts;
        end_fail(e, false,
                 err_new(ERR_TIMEOUT, "connection with %s: no answer to what was sent",
                         c->address[1 - e->side].host));
    }
}
