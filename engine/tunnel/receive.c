/* receive: what a session does with each kind of frame. */
#include "engine/tunnel/session_internal.h"

static void session_fail(struct tunnel_session *s, struct err *take_why)
{
    tunnel_session_end(s, take_why);
    err_free(take_why);
}

bool tunnel_allow_default(void *owner, struct str proto, struct str address)
{
    (void)owner;
    if (str_eq_c(proto, "unix"))
        return str_eq_c(address, "/var/run/docker.sock");
    if (str_eq_c(proto, "npipe"))
        return str_eq_c(address, "//./pipe/docker_engine");
    return str_eq_c(proto, "tcp");
}

static bool connect_allowed(struct tunnel_session *s, struct str proto, struct str address)
{
    if (s->o.allow)
        return s->o.allow(s->o.owner, proto, address);
    return s->o.side == TUNNEL_CLIENT && tunnel_allow_default(NULL, proto, address);
}

static void refuse(struct tunnel_session *s, int64_t id, struct err *take_why)
{
    s->stats.refused++;
    if (policy_get(&s->policies, POLICY_TUNNEL_REFUSAL) == POLICY_REFUSAL_SESSION) {
        session_fail(s, take_why);
        return;
    }
    tunnel_session_send(s, TUNNEL_ERROR, id, str_c(take_why->message));
    err_free(take_why);
}

static void serve_incoming(struct tunnel_session *s, struct tunnel_conn *c, struct str proto,
                           struct str address)
{
    int64_t id = c->id;
    if (s->o.incoming) {
        s->o.incoming(s->o.owner, c, proto, address);
    } else if (str_eq_c(proto, "tcp")) {
        tunnel_conn_join_stream(c, s->w, address);
    } else {
        struct buf text = {0};
        buf_addf(&text, "dial " STR_FMT " " STR_FMT ": not supported", STR_ARG(proto),
                 STR_ARG(address));
        tunnel_conn_fail(c, buf_str(&text));
        buf_free(&text);
    }
    const struct tunnel_conn *now = s->ended ? NULL : tunnel_conn_find(s, id);
    BUG_ON(now && now->state == CONN_OPEN && !now->handler, "an incoming connection has an owner");
}

static void on_connect(struct tunnel_session *s, const struct tunnel_frame *f)
{
    struct str proto, address;
    struct err *err = tunnel_connect_parse(f->payload, &proto, &address);
    if (err) {
        refuse(s, f->conn, err);
        return;
    }
    if (!connect_allowed(s, proto, address)) {
        refuse(s, f->conn, err_new(ERR_FORBIDDEN, "connect not allowed"));
        return;
    }
    if (tunnel_conn_find(s, f->conn)) {
        session_fail(s, err_new(ERR_PROTOCOL, "Connect with the id %lld of an open connection",
                                (long long)f->conn));
        return;
    }
    if (map_count(&s->conns) >= TUNNEL_CONNS_MAX || s->draining) {
        tunnel_session_send(s, TUNNEL_ERROR, f->conn, STR("too many connections"));
        return;
    }
    serve_incoming(s, tunnel_conn_new(s, f->conn, false), proto, address);
}

static void on_data(struct tunnel_session *s, const struct tunnel_frame *f)
{
    struct tunnel_conn *c = tunnel_conn_find(s, f->conn);
    s->stats.bytes_in += f->payload.n;
    if (c) {
        tunnel_conn_receive(c, f->payload);
        return;
    }
    struct buf text = {0};
    bool client = s->o.side == TUNNEL_CLIENT;
    buf_addf(&text, "connection not found " STR_FMT "/%llu/%lld",
             STR_ARG(client ? STR("client") : s->key), (unsigned long long)(client ? 0 : s->number),
             (long long)f->conn);
    tunnel_session_send(s, TUNNEL_ERROR, f->conn, buf_str(&text));
    buf_free(&text);
}

/* A peer that does not know the client any more: what it announced is stale. */
static void forget_announcement(struct tunnel_session *s, const struct tunnel_conn *c,
                                struct str text)
{
    bool digest = policy_get(&s->policies, POLICY_PEER_ANNOUNCE) == POLICY_PEER_DIGEST;
    if (!digest || c->forward.n == 0 || !str_starts(text, STR("failed to find Session")))
        return;
    BUG_ON(!s->o.client, "who forwards for us announces to us");
    s->o.client(s->o.owner, false, c->forward, 0);
}

static void on_error(struct tunnel_session *s, const struct tunnel_frame *f)
{
    struct tunnel_conn *c = tunnel_conn_find(s, f->conn);
    if (!c)
        return;
    if (str_eq_c(f->payload, "EOF")) {
        tunnel_conn_ended(c, NULL);
        return;
    }
    forget_announcement(s, c, f->payload);
    tunnel_conn_ended(c, err_new(tunnel_conn_error_code(f->payload), STR_FMT, STR_ARG(f->payload)));
}

static void on_pause(struct tunnel_session *s, const struct tunnel_frame *f)
{
    struct tunnel_conn *c = tunnel_conn_find(s, f->conn);
    if (!c)
        return;
    s->stats.pauses_received += f->type == TUNNEL_PAUSE;
    tunnel_conn_peer_paused(c, f->type == TUNNEL_PAUSE);
    tunnel_session_pump(s);
}

static void on_client(struct tunnel_session *s, const struct tunnel_frame *f)
{
    struct str key;
    uint64_t number;
    if (!s->o.client)
        return;
    struct err *err = tunnel_client_parse(f->payload, &key, &number);
    if (err) {
        session_fail(s, err);
        return;
    }
    s->o.client(s->o.owner, f->type == TUNNEL_ADD_CLIENT, key, number);
}

/* Is this connection of ours surely dead for the peer, whose list lacks it? The peer knew every id up to the newest one
 * of its list when it made it, as Connects arrive in order. A younger id may have been under way; being absent from two
 * lists, which lie a minute apart, it cannot have been. */
static bool surely_dead(struct tunnel_conn *c, int64_t newest, bool young_safe)
{
    if (!young_safe || c->id < newest || c->missed)
        return true;
    c->missed = true;
    return false;
}

/* Both sides ascend: this one walks them together. */
static void on_sync(struct tunnel_session *s, const struct tunnel_frame *f)
{
    size_t n = f->payload.n / 8, i = 0;
    int64_t newest = n ? tunnel_sync_at(f->payload, n - 1) : 0;
    bool safe = policy_get(&s->policies, POLICY_TUNNEL_SYNC) == POLICY_SYNC_YOUNG_SAFE;
    struct err *why = err_new(ERR_CANCELLED, "sync from client");
    struct list *head = &s->all, dead;
    list_init(&dead);
    list_each (head, it, next_it) {
        struct tunnel_conn *c = container_of(it, struct tunnel_conn, all);
        if (!c->ours || c->state == CONN_ENDED)
            continue;
        while (i < n && tunnel_sync_at(f->payload, i) < c->id)
            i++;
        bool listed = i < n && tunnel_sync_at(f->payload, i) == c->id;
        if (listed || !surely_dead(c, newest, safe))
            continue;
        list_remove(&c->all); /* callbacks come after the walk, as they may change the list */
        list_add_tail(&dead, &c->all);
    }
    while (!list_empty(&dead)) {
        s->stats.synced_away++;
        tunnel_conn_break(container_of(dead.next, struct tunnel_conn, all), why);
    }
    err_free(why);
}

void tunnel_session_receive(struct tunnel_session *s, struct str message)
{
    struct tunnel_frame f;
    struct err *err = tunnel_frame_decode(message, &f);
    if (err) {
        session_fail(s, err);
        return;
    }
    switch (f.type) {
    case TUNNEL_DATA:
        on_data(s, &f);
        break;
    case TUNNEL_CONNECT:
        on_connect(s, &f);
        break;
    case TUNNEL_ERROR:
        on_error(s, &f);
        break;
    case TUNNEL_ADD_CLIENT:
    case TUNNEL_REMOVE_CLIENT:
        on_client(s, &f);
        break;
    case TUNNEL_PAUSE:
    case TUNNEL_RESUME:
        on_pause(s, &f);
        break;
    case TUNNEL_SYNC:
        on_sync(s, &f);
        break;
    case TUNNEL_LEAVE:
        tunnel_leave_received(s);
        break;
    default:
        break; /* of a newer version */
    }
}
