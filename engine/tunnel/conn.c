#include "engine/tunnel/conn.h"

#include "engine/tunnel/session_internal.h"

#define TURN_BYTES    ((size_t)16 << 10) /* what a connection may send at its turn when others wait */
#define DELIVER_BYTES ((size_t)32 << 10) /* what a reader gets at a time from the buffer */

static struct str id_key(const int64_t *id)
{
    return (struct str){(const char *)id, sizeof(*id)};
}

struct tunnel_conn *tunnel_conn_find(struct tunnel_session *s, int64_t id)
{
    if (!s->recent || s->recent->id != id)
        s->recent = map_get(&s->conns, id_key(&id));
    return s->recent;
}

struct tunnel_conn *tunnel_conn_new(struct tunnel_session *s, int64_t id, bool ours)
{
    struct tunnel_conn *c = MEM_NEW(struct tunnel_conn);
    c->session = s;
    c->id = id;
    c->ours = ours;
    list_add_tail(&s->all, &c->all);
    list_init(&c->ready);
    list_init(&c->backlog);
    list_init(&c->linger);
    void *old = map_put(&s->conns, id_key(&id), c);
    BUG_ON(old, "a connection id is used once at a time");
    s->stats.opened++;
    s->stats.open++;
    return c;
}

static void conn_free(struct tunnel_conn *c)
{
    byte_queue_free(&c->in);
    byte_queue_free(&c->out);
    err_free(c->why);
    str_free(&c->last);
    str_free(&c->forward);
    mem_free(c);
}

/* The peer may not name it any more. */
static void conn_unmap(struct tunnel_conn *c)
{
    if (c->session->recent == c)
        c->session->recent = NULL;
    if (map_get(&c->session->conns, id_key(&c->id)) == c)
        (void)map_remove(&c->session->conns, id_key(&c->id));
}

static void conn_drop_out(struct tunnel_conn *c)
{
    list_remove(&c->backlog);
    list_remove(&c->linger);
    c->session->stats.queued -= byte_queue_n(&c->out);
    byte_queue_drop(&c->out, byte_queue_n(&c->out));
}

/* Ends the handle. What a callback further up the stack still looks at is freed when that returns. */
static void conn_release(struct tunnel_conn *c)
{
    struct tunnel_session *s = c->session;
    BUG_ON(c->state == CONN_GONE, "a connection ends once");
    conn_unmap(c);
    conn_drop_out(c);
    s->stats.buffered -= byte_queue_n(&c->in);
    c->state = CONN_GONE;
    c->handler = NULL;
    list_remove(&c->all);
    list_remove(&c->ready);
    s->stats.open--;
    s->stats.closed++;
    if (s->draining && list_empty(&s->all))
        tunnel_session_wake(s, 0);
    if (c->busy == 0)
        conn_free(c);
}

static void conn_leave(struct tunnel_conn *c)
{
    if (--c->busy == 0 && c->state == CONN_GONE)
        conn_free(c);
}

static void conn_ready(struct tunnel_conn *c)
{
    bool something = byte_queue_n(&c->in) > 0 || c->state == CONN_ENDED;
    if (!c->handler || c->paused || !something || !list_empty(&c->ready))
        return;
    list_add_tail(&c->session->ready, &c->ready);
    tunnel_session_wake(c->session, 0);
}

/* ---- from the peer ---- */

static void conn_call_data(struct tunnel_conn *c, struct str bytes)
{
    c->busy++;
    c->handler->data(c->owner, bytes);
    conn_leave(c);
}

static void conn_call_closed(struct tunnel_conn *c, const struct err *why)
{
    const struct tunnel_conn_handler *handler = c->handler;
    c->busy++;
    conn_release(c);
    if (handler)
        handler->closed(c->owner, why);
    conn_leave(c);
}

void tunnel_conn_break(struct tunnel_conn *c, const struct err *why)
{
    if (c->state == CONN_ENDED && !c->why && !c->paused) {
        c->busy++; /* the peer had finished in order and what it sent is whole: the session's end is too late to spoil it */
        tunnel_conn_deliver(c);
        bool done = c->state == CONN_GONE;
        conn_leave(c);
        if (done)
            return;
    }
    conn_call_closed(c, why);
}

static void conn_overflow(struct tunnel_conn *c)
{
    struct tunnel_session *s = c->session;
    struct err *why = err_new(ERR_TOO_LARGE, "receive buffer full: the sender went on after Pause");
    s->stats.overflows++;
    tunnel_session_send(s, TUNNEL_ERROR, c->id, str_c(why->message));
    conn_call_closed(c, why);
    err_free(why);
}

void tunnel_conn_receive(struct tunnel_conn *c, struct str bytes)
{
    struct tunnel_session *s = c->session;
    if (c->state != CONN_OPEN || bytes.n == 0)
        return;
    tunnel_leave_moved(c);
    if (c->handler && !c->paused && byte_queue_n(&c->in) == 0) {
        conn_call_data(c, bytes);
        return;
    }
    byte_queue_add(&c->in, bytes);
    s->stats.buffered += bytes.n;
    size_t n = byte_queue_n(&c->in);
    if (n > TUNNEL_BUFFER_MAX &&
        policy_get(&s->policies, POLICY_TUNNEL_BUFFER) == POLICY_BUFFER_BOUNDED) {
        conn_overflow(c);
        return;
    }
    if (n > TUNNEL_BUFFER_MARK && !c->pause_sent) {
        c->pause_sent = true;
        s->stats.pauses_sent++;
        tunnel_session_send(s, TUNNEL_PAUSE, c->id, str_empty);
    }
    conn_ready(c);
}

void tunnel_conn_deliver(struct tunnel_conn *c)
{
    struct tunnel_session *s = c->session;
    c->busy++;
    while (c->handler && !c->paused && byte_queue_n(&c->in) > 0) {
        struct str piece = byte_queue_front(&c->in, DELIVER_BYTES);
        conn_call_data(c, piece);
        if (c->state == CONN_GONE || c->state == CONN_LINGERING)
            break;
        byte_queue_drop(&c->in, piece.n);
        s->stats.buffered -= piece.n;
        if (c->pause_sent && c->state == CONN_OPEN && byte_queue_n(&c->in) < TUNNEL_BUFFER_LOW) {
            c->pause_sent = false;
            tunnel_session_send(s, TUNNEL_RESUME, c->id, str_empty);
        }
    }
    if (c->state == CONN_ENDED && c->handler && !c->paused)
        conn_call_closed(c, c->why);
    conn_leave(c);
}

static void conn_tell_drained(struct tunnel_conn *c)
{
    if (!c->above || byte_queue_n(&c->out) > TUNNEL_CONN_LOW)
        return;
    c->above = false;
    if (!c->handler || !c->handler->drained)
        return;
    c->busy++;
    c->handler->drained(c->owner);
    conn_leave(c);
}

void tunnel_conn_ended(struct tunnel_conn *c, struct err *take_why)
{
    if (c->state == CONN_LINGERING) {
        err_free(take_why);
        conn_release(c);
        return;
    }
    BUG_ON(c->state != CONN_OPEN, "only what the peer may name can be ended by it");
    c->state = CONN_ENDED;
    c->why = take_why;
    conn_unmap(c);
    conn_drop_out(c);
    c->busy++;
    conn_tell_drained(
        c); /* who stopped reading elsewhere for our queue's sake must not wait for ever */
    if (c->state == CONN_ENDED && c->handler &&
        !c->paused) { /* else attach or resume goes on from here */
        list_remove(&c->ready);
        tunnel_conn_deliver(c);
    }
    conn_leave(c);
}

void tunnel_conn_peer_paused(struct tunnel_conn *c, bool paused)
{
    c->peer_paused = paused;
    list_remove(&c->backlog);
    if (!paused && byte_queue_n(&c->out) > 0)
        list_add_tail(&c->session->backlog, &c->backlog);
}

/* ---- to the peer ---- */

static void conn_send(struct tunnel_conn *c, struct str bytes)
{
    tunnel_leave_moved(c);
    tunnel_session_send(c->session, TUNNEL_DATA, c->id, bytes);
    c->session->stats.bytes_out += bytes.n;
}

/* The last frame of a connection that its owner has closed. */
static void conn_finish(struct tunnel_conn *c)
{
    tunnel_session_send(c->session, TUNNEL_ERROR, c->id, c->last);
    conn_release(c);
}

void tunnel_conn_serve(struct tunnel_conn *c)
{
    struct tunnel_session *s = c->session;
    list_remove(&c->backlog);
    struct str piece = byte_queue_front(&c->out, TURN_BYTES);
    conn_send(c, piece);
    byte_queue_drop(&c->out, piece.n);
    s->stats.queued -= piece.n;
    size_t left = byte_queue_n(&c->out);
    if (left > 0)
        list_add_tail(&s->backlog, &c->backlog);
    else if (c->state == CONN_LINGERING) {
        conn_finish(c);
        return;
    }
    conn_tell_drained(c);
}

void tunnel_conn_linger_timeout(struct tunnel_conn *c)
{
    str_free(&c->last);
    c->last = str_dup(STR("i/o timeout"));
    conn_finish(c);
}

void tunnel_conn_write(struct tunnel_conn *c, struct str bytes)
{
    struct tunnel_session *s = c->session;
    BUG_ON(c->state == CONN_GONE || c->state == CONN_LINGERING, "no write after close");
    if (c->state != CONN_OPEN)
        return; /* `closed` is on its way */
    bool first = !c->peer_paused && byte_queue_n(&c->out) == 0 && list_empty(&s->backlog);
    while (first && bytes.n > 0 && !tunnel_session_congested(s)) {
        struct str piece = str_sub(bytes, 0, TUNNEL_DATA_BYTES_MAX);
        conn_send(c, piece);
        bytes = str_sub(bytes, piece.n, bytes.n);
    }
    if (bytes.n == 0)
        return;
    byte_queue_add(&c->out, bytes);
    s->stats.queued += bytes.n;
    if (byte_queue_n(&c->out) > TUNNEL_CONN_LOW)
        c->above = true;
    if (!c->peer_paused && list_empty(&c->backlog))
        list_add_tail(&s->backlog, &c->backlog);
}

/* ---- the owner's calls ---- */

void tunnel_conn_attach(struct tunnel_conn *c, const struct tunnel_conn_handler *handler,
                        void *owner)
{
    BUG_ON(c->state == CONN_GONE || c->state == CONN_LINGERING, "a closed connection has no owner");
    BUG_ON(!handler || !handler->data || !handler->closed, "an owner takes data and the end");
    c->handler = handler;
    c->owner = owner;
    conn_ready(c);
}

size_t tunnel_conn_queued(const struct tunnel_conn *c)
{
    return byte_queue_n(&c->out);
}

size_t tunnel_conn_buffered(const struct tunnel_conn *c)
{
    return byte_queue_n(&c->in);
}

void tunnel_conn_pause(struct tunnel_conn *c)
{
    c->paused = true;
    list_remove(&c->ready);
}

void tunnel_conn_resume(struct tunnel_conn *c)
{
    c->paused = false;
    conn_ready(c);
}

void tunnel_conn_close(struct tunnel_conn *c)
{
    tunnel_conn_fail(c, STR("EOF"));
}

void tunnel_conn_fail(struct tunnel_conn *c, struct str text)
{
    struct tunnel_session *s = c->session;
    BUG_ON(c->state == CONN_GONE || c->state == CONN_LINGERING, "a connection is closed once");
    if (c->state == CONN_ENDED || s->ended) {
        conn_release(c);
        return;
    }
    c->last = str_dup(text);
    c->handler = NULL;
    if (byte_queue_n(&c->out) == 0) {
        conn_finish(c);
        return;
    }
    c->state = CONN_LINGERING;
    list_remove(&c->ready);
    if (c->busy == 0) { /* else the reader is looking at it */
        s->stats.buffered -= byte_queue_n(&c->in);
        byte_queue_drop(&c->in, byte_queue_n(&c->in));
    }
    c->linger_until = world_now(s->w) + TUNNEL_LINGER_TIMEOUT;
    list_add_tail(&s->linger, &c->linger);
    tunnel_session_wake(s, c->linger_until);
}

/* Texts are the original's, which are the operating system's. */
enum err_code tunnel_conn_error_code(struct str text)
{
    static const struct {
        struct str part;
        enum err_code code;
    } table[] = {
        {STR_INIT("connection refused"), ERR_CONN_REFUSED},
        {STR_INIT("no route to host"), ERR_UNREACHABLE},
        {STR_INIT("unreachable"), ERR_UNREACHABLE},
        {STR_INIT("no such host"), ERR_DNS_NXDOMAIN},
        {STR_INIT("timeout"), ERR_TIMEOUT},
        {STR_INIT("timed out"), ERR_TIMEOUT},
        {STR_INIT("deadline exceeded"), ERR_TIMEOUT},
        {STR_INIT("not allowed"), ERR_FORBIDDEN},
        {STR_INIT("failed to find Session"), ERR_UNAVAILABLE},
        {STR_INIT("tunnel disconnect"), ERR_UNAVAILABLE},
        {STR_INIT("receive buffer full"), ERR_TOO_LARGE},
        {STR_INIT("sync from client"), ERR_CANCELLED},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_find(text, table[i].part) >= 0)
            return table[i].code;
    return ERR_CONN_RESET;
}
