#include "engine/tunnel/session.h"

#include "engine/tunnel/session_internal.h"

#include <stdlib.h>

#define NEVER              INT64_MAX
/* What may lie in the transport before Data waits in its connection. Fair: little, so that a control frame or another
 * connection's turn is never far behind. fifo: about what a kernel's socket buffer takes. */
#define FAIR_BACKLOG_BYTES WORLD_STREAM_LOW
#define FIFO_BACKLOG_BYTES ((size_t)4 << 20)

/* ---- life ---- */

static void tunnel_session_enter(struct tunnel_session *s)
{
    s->busy++;
}

static void session_free(struct tunnel_session *s)
{
    BUG_ON(!list_empty(&s->all), "connections end before their session's memory");
    map_free(&s->conns);
    buf_free(&s->scratch);
    str_free(&s->key);
    str_free(&s->instance);
    mem_free(s);
}

static void tunnel_session_leave(struct tunnel_session *s)
{
    BUG_ON(s->busy == 0, "every leave has its enter");
    if (--s->busy == 0 && s->ended)
        session_free(s);
}

static world_time least(world_time a, world_time b)
{
    return a < b ? a : b;
}

static world_time session_next_event(const struct tunnel_session *s)
{
    world_time at = s->heard + s->dead_after;
    if (s->ping_every > 0)
        at = least(at, least(s->ping_at, s->sync_at));
    at = least(least(at, tunnel_doubt_next(s)), s->part_at);
    if (!list_empty(&s->linger))
        at = least(at, container_of(s->linger.next, struct tunnel_conn, linger)->linger_until);
    if (s->draining && list_empty(&s->all)) /* what becomes ready wakes it by itself */
        at = 0;
    return at;
}

void tunnel_session_wake(struct tunnel_session *s, world_time at)
{
    if (s->ended || at >= s->armed_for)
        return;
    s->armed_for = at;
    world_timer_start(s->timer, at - world_now(s->w));
}

static int id_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The ids, ascending, that the other side gave and that we still have. */
static void session_send_sync(struct tunnel_session *s)
{
    size_t n = 0;
    int64_t *ids = MEM_NEW_ARRAY(int64_t, map_count(&s->conns) + 1);
    struct list *head = &s->all;
    list_each (head, it, next_it) {
        const struct tunnel_conn *c = container_of(it, struct tunnel_conn, all);
        if (!c->ours && c->state != CONN_ENDED)
            ids[n++] = c->id;
    }
    qsort(ids, n, sizeof(*ids), id_order);
    struct buf payload = {0};
    for (size_t i = 0; i < n; i++)
        tunnel_sync_add(&payload, ids[i]);
    tunnel_session_send(s, TUNNEL_SYNC, 0, buf_str(&payload));
    buf_free(&payload);
    mem_free(ids);
}

static void session_used(struct tunnel_session *s, world_time now)
{
    if (now - s->used > s->longest_idle)
        s->longest_idle = now - s->used;
    s->used = now;
}

static void session_keep_alive(struct tunnel_session *s, world_time now)
{
    if (s->ping_every == 0)
        return;
    if (now >= s->ping_at) {
        s->ping_at = now + s->ping_every;
        session_used(s, now);
        tunnel_census_pinged(s);
        s->ops->ping(s->transport);
    }
    if (now >= s->sync_at) {
        s->sync_at = now + TUNNEL_SYNC_INTERVAL;
        session_send_sync(s);
    }
}

static void session_deliver_ready(struct tunnel_session *s)
{
    struct list now; /* what becomes ready meanwhile waits for the next round */
    list_init(&now);
    while (!list_empty(&s->ready)) {
        struct list *first = s->ready.next;
        list_remove(first);
        list_add_tail(&now, first);
    }
    while (!list_empty(&now)) {
        struct list *first = now.next;
        list_remove(first);
        tunnel_conn_deliver(container_of(first, struct tunnel_conn, ready));
    }
}

static void session_linger_timeouts(struct tunnel_session *s, world_time now)
{
    while (!list_empty(&s->linger)) { /* nobody is called back: their owners are gone */
        struct tunnel_conn *c = container_of(s->linger.next, struct tunnel_conn, linger);
        if (c->linger_until > now)
            return;
        tunnel_conn_linger_timeout(c);
    }
}

static void session_check_silence(struct tunnel_session *s, world_time now)
{
    if (now < s->heard + s->dead_after)
        return;
    struct err *why =
        err_new(ERR_TIMEOUT, "tunnel silent for %d s: no sign of life from \"" STR_FMT "\"",
                (int)((now - s->heard) / NS_PER_S), STR_ARG(s->key));
    tunnel_session_end(s, why);
    err_free(why);
}

static void session_fire(void *owner)
{
    struct tunnel_session *s = owner;
    world_time now = world_now(s->w);
    s->armed_for = NEVER;
    tunnel_session_enter(s);
    session_deliver_ready(s);
    if (!s->ended && s->draining && list_empty(&s->all)) {
        s->ops->close(s->transport); /* the last connection's Error may be queued */
        s->transport = NULL;
        tunnel_session_end(s, NULL);
    }
    if (!s->ended)
        session_check_silence(s, now);
    if (!s->ended) {
        session_linger_timeouts(s, now);
        session_keep_alive(s, now);
        tunnel_doubt_fire(s, now);
        tunnel_leave_fire(s, now);
        tunnel_session_wake(s, session_next_event(s));
    }
    tunnel_session_leave(s);
}

struct tunnel_session *tunnel_session_new(struct world *w, const struct tunnel_transport *ops,
                                          void *transport,
                                          const struct tunnel_session_options *options)
{
    struct tunnel_session *s = MEM_NEW(struct tunnel_session);
    s->w = w;
    s->ops = ops;
    s->transport = transport;
    s->o = *options;
    s->policies = *options->policies;
    s->o.policies = &s->policies;
    s->key = str_dup(options->key);
    s->instance = str_dup(options->instance);
    s->o.key = s->key;
    s->o.instance = s->instance;
    world_random(w, &s->number, sizeof(s->number));
    s->number >>= 1;
    s->next_conn = s->o.side == TUNNEL_SERVER ? 2 : 1; /* so does the original */
    list_init(&s->all);
    list_init(&s->ready);
    list_init(&s->backlog);
    list_init(&s->linger);
    s->timer = world_timer_new(w, session_fire, s);
    s->armed_for = NEVER;
    s->part_at = NEVER;
    s->ping_rtt = -1;
    s->heard = s->used = world_now(w);
    s->dead_after = policy_get(&s->policies, POLICY_TUNNEL_DEAD_AFTER);
    s->ping_every = s->o.side == TUNNEL_CLIENT ? policy_get(&s->policies, POLICY_TUNNEL_PING) : 0;
    s->echo = s->o.side == TUNNEL_SERVER &&
              policy_get(&s->policies, POLICY_SESSION_LIVENESS) == POLICY_LIVENESS_ECHO;
    s->ping_at = s->heard + s->ping_every;
    s->sync_at = s->heard + TUNNEL_SYNC_INTERVAL;
    tunnel_session_wake(s, session_next_event(s));
    return s;
}

void tunnel_session_end(struct tunnel_session *s, const struct err *why)
{
    if (s->ended)
        return;
    tunnel_session_enter(s);
    s->ended = true;
    tunnel_census_leave(s);
    world_timer_free(s->timer);
    s->timer = NULL;
    if (s->transport)
        s->ops->abort(s->transport);
    s->transport = NULL;
    struct err *lost = err_new(ERR_UNAVAILABLE, "tunnel disconnect");
    while (!list_empty(&s->all))
        tunnel_conn_break(container_of(s->all.next, struct tunnel_conn, all), lost);
    err_free(lost);
    void (*closed)(void *, const struct err *) = s->o.closed;
    s->o.closed = NULL;
    if (closed)
        closed(s->o.owner, why);
    tunnel_session_leave(s);
}

void tunnel_session_close(struct tunnel_session *s)
{
    if (!s)
        return;
    s->o.closed = NULL;
    tunnel_session_end(s, NULL);
}

void tunnel_session_drain(struct tunnel_session *s)
{
    if (s->draining || s->ended)
        return;
    s->draining = true;
    s->dead_after = least(s->dead_after, 2 * policy_get(&s->policies, POLICY_TUNNEL_PING));
    tunnel_session_wake(s, session_next_event(s));
}

/* ---- sending ---- */

void tunnel_session_send(struct tunnel_session *s, enum tunnel_type type, int64_t conn,
                         struct str payload)
{
    if (s->ended)
        return;
    struct tunnel_frame f = {++s->next_id, conn, (int64_t)type, payload};
    buf_clear(&s->scratch);
    tunnel_frame_encode(&s->scratch, &f);
    s->stats.messages_out++;
    session_used(s, world_now(s->w));
    s->ops->send(s->transport, buf_str(&s->scratch));
    if (type == TUNNEL_CONNECT || type == TUNNEL_DATA)
        tunnel_doubt_sent(s);
    if (s->scratch.cap > BYTE_QUEUE_KEEP_BYTES)
        buf_free(&s->scratch);
    /* Answers are made by what we read: a peer that sends and never reads must not fill our memory with them. */
    if (!s->reading_paused && s->ops->queued(s->transport) > TUNNEL_TRANSPORT_MAX) {
        s->reading_paused = true;
        s->ops->pause(s->transport);
    }
}

bool tunnel_session_congested(const struct tunnel_session *s)
{
    if (s->ended)
        return true;
    bool fair = policy_get(&s->policies, POLICY_TUNNEL_QUEUE) == POLICY_QUEUE_FAIR;
    return s->ops->queued(s->transport) > (fair ? FAIR_BACKLOG_BYTES : FIFO_BACKLOG_BYTES);
}

/* Round robin: every connection in the backlog sends one chunk, then goes to its end. As connections are streams of
 * bytes that can be cut anywhere, a turn is used up exactly and no deficit is carried over. */
void tunnel_session_pump(struct tunnel_session *s)
{
    while (!list_empty(&s->backlog) && !tunnel_session_congested(s)) /* one that ended is */
        tunnel_conn_serve(container_of(s->backlog.next, struct tunnel_conn, backlog));
}

void tunnel_session_announce(struct tunnel_session *s, bool add, struct str key,
                             uint64_t session_key)
{
    struct buf text = {0};
    buf_add(&text, key);
    buf_add_char(&text, '/');
    buf_add_u64(&text, session_key);
    if (text.n <= TUNNEL_CLIENT_BYTES_MAX) /* a cut one would name somebody else */
        tunnel_session_send(s, add ? TUNNEL_ADD_CLIENT : TUNNEL_REMOVE_CLIENT, 0, buf_str(&text));
    buf_free(&text);
}

struct err *tunnel_session_dial(struct tunnel_session *s, struct str proto, struct str address,
                                const struct tunnel_conn_handler *handler, void *owner,
                                struct tunnel_conn **out)
{
    if (s->ended || s->draining)
        return err_new(ERR_UNAVAILABLE, "tunnel disconnect");
    if (proto.n + 1 + address.n > TUNNEL_CONNECT_BYTES_MAX)
        return err_new(ERR_INVALID, "address " STR_FMT "/" STR_FMT " is longer than %u bytes",
                       STR_ARG(proto), STR_ARG(address), TUNNEL_CONNECT_BYTES_MAX);
    if (map_count(&s->conns) >= TUNNEL_CONNS_MAX)
        return err_new(ERR_TOO_MANY, "tunnel of \"" STR_FMT "\" has %u connections",
                       STR_ARG(s->key), TUNNEL_CONNS_MAX);
    while (
        tunnel_conn_find(s, s->next_conn)) /* the peer may have taken it for a Connect of its own */
        s->next_conn++;
    struct tunnel_conn *c = tunnel_conn_new(s, s->next_conn++, true);
    struct buf text = {0};
    buf_add(&text, proto);
    buf_add_char(&text, '/');
    buf_add(&text, address);
    tunnel_session_send(s, TUNNEL_CONNECT, c->id, buf_str(&text));
    buf_free(&text);
    if (handler)
        tunnel_conn_attach(c, handler, owner);
    *out = c;
    return NULL;
}

/* ---- events of the transport ---- */

static void session_alive(struct tunnel_session *s)
{
    s->heard = world_now(s->w); /* the timer finds out when it fires */
}

void tunnel_session_on_message(struct tunnel_session *s, bool text, struct str payload)
{
    if (s->ended)
        return;
    tunnel_session_enter(s);
    if (policy_get(&s->policies, POLICY_TUNNEL_ALIVE_BY) == POLICY_ALIVE_BY_TRAFFIC)
        session_alive(s);
    session_used(s, world_now(s->w));
    if (s->doubt)
        tunnel_doubt_heard(s);
    s->stats.messages_in++;
    if (text) {
        struct err *why =
            err_new(ERR_PROTOCOL, "text message in a tunnel: wrong websocket message type");
        tunnel_session_end(s, why);
        err_free(why);
    } else {
        tunnel_session_receive(s, payload);
    }
    tunnel_session_leave(s);
}

void tunnel_session_on_alive(struct tunnel_session *s)
{
    if (s->ended)
        return;
    session_alive(s);
    session_used(s, s->heard);
    if (s->doubt)
        tunnel_doubt_heard(s);
}

void tunnel_session_on_pong(struct tunnel_session *s)
{
    if (!s->ended)
        tunnel_census_pong(s);
    tunnel_session_on_alive(s);
}

void tunnel_session_on_drained(struct tunnel_session *s)
{
    if (s->ended)
        return;
    tunnel_session_enter(s);
    if (s->reading_paused) {
        s->reading_paused = false;
        s->ops->resume(s->transport);
    }
    tunnel_session_pump(s);
    tunnel_session_leave(s);
}

void tunnel_session_on_down(struct tunnel_session *s, const struct err *why)
{
    s->transport = NULL;
    tunnel_session_end(s, why);
}

/* ---- looking ---- */

struct str tunnel_session_key(const struct tunnel_session *s)
{
    return s->key;
}

struct str tunnel_session_instance(const struct tunnel_session *s)
{
    return s->instance;
}

world_time tunnel_session_heard(const struct tunnel_session *s)
{
    return s->heard;
}

world_time tunnel_session_idle(const struct tunnel_session *s, world_time *longest_before)
{
    *longest_before = s->longest_idle;
    return world_now(s->w) - s->used;
}

bool tunnel_session_draining(const struct tunnel_session *s)
{
    return s->draining || s->ended;
}

struct tunnel_session_stats tunnel_session_stats(const struct tunnel_session *s)
{
    return s->stats;
}
