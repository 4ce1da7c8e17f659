/* dial: which session of a client is used, and what a peer's Connect gets. */
#include "engine/tunnel/router_internal.h"

static bool session_fresh(const struct tunnel_router *r, const struct tunnel_session *s)
{
    return !tunnel_session_doubted(s) &&
           world_now(r->w) - s->heard <= policy_get(&r->policies, POLICY_TUNNEL_PING) * 3 / 2;
}

static bool newest_wins(const struct tunnel_router *r)
{
    return policy_get(&r->policies, POLICY_SESSION_CHOICE) == POLICY_SESSION_NEWEST;
}

/* The newest fresh one; when none is, the one that was heard last. */
static struct tunnel_session *choose_newest(const struct tunnel_router *r, const struct list *head,
                                            const struct tunnel_session *except)
{
    struct tunnel_session *best = NULL;
    for (struct list *it = head->prev; it != head; it = it->prev) {
        struct tunnel_session *s = container_of(it, struct route, link)->session;
        if (tunnel_session_draining(s) || s == except)
            continue;
        if (session_fresh(r, s))
            return s;
        if (!best || s->heard > best->heard)
            best = s;
    }
    return best;
}

static struct tunnel_session *choose_oldest(const struct list *head,
                                            const struct tunnel_session *except)
{
    for (struct list *it = head->next; it != head; it = it->next) {
        struct tunnel_session *s = container_of(it, struct route, link)->session;
        if (!tunnel_session_draining(s) && s != except)
            return s;
    }
    return NULL;
}

static struct tunnel_session *choose_own(const struct tunnel_router *r, struct str key,
                                         const struct tunnel_session *except)
{
    const struct client *c = map_get(&r->clients, key);
    if (!c)
        return NULL;
    return newest_wins(r) ? choose_newest(r, &c->routes, except)
                          : choose_oldest(&c->routes, except);
}

/* A peer that announced the key: the first whose session is fresh, else the first. */
static struct tunnel_session *choose_peer(const struct tunnel_router *r, struct str key,
                                          const struct tunnel_session *except)
{
    struct tunnel_session *first = NULL;
    for (struct list *it = r->peers.next; it != &r->peers; it = it->next) {
        const struct route *peer = container_of(it, struct route, link);
        struct tunnel_session *s = peer->session;
        if (!map_has(&peer->announced, key) || tunnel_session_draining(s) || s == except)
            continue;
        if (!newest_wins(r) || session_fresh(r, s))
            return s;
        if (!first)
            first = s;
    }
    return first;
}

/* Of our own sessions and those of peers: a peer's wins only over one that is doubted. */
static struct tunnel_session *choose(const struct tunnel_router *r, struct str key,
                                     const struct tunnel_session *except)
{
    struct tunnel_session *own = choose_own(r, key, except);
    if (own && !tunnel_session_doubted(own))
        return own;
    struct tunnel_session *peer = choose_peer(r, key, except);
    return peer && (!own || !tunnel_session_doubted(peer)) ? peer : own;
}

static struct err *no_session(struct str key)
{
    return err_new(ERR_UNAVAILABLE, "failed to find Session for client " STR_FMT, STR_ARG(key));
}

static const struct str relay = STR_INIT("relay"); /* no client has this key */

/* A peer that may know a way: the links between replicas need not be whole. */
static struct tunnel_session *choose_relay(const struct tunnel_router *r,
                                           const struct tunnel_session *silent,
                                           const struct tunnel_session *except)
{
    if (policy_get(&r->policies, POLICY_PEER_RELAY) == POLICY_RELAY_NEVER)
        return NULL;
    for (struct list *it = r->peers.next; it != &r->peers; it = it->next) {
        struct tunnel_session *s = container_of(it, struct route, link)->session;
        if (s != silent && s != except && !tunnel_session_draining(s) && session_fresh(r, s))
            return s;
    }
    return NULL;
}

static struct err *dial_peer(struct tunnel_session *s, struct str key, struct str proto,
                             struct str address, const struct tunnel_conn_handler *handler,
                             void *owner, struct tunnel_conn **out)
{
    struct buf forward = {0};
    buf_add(&forward, key);
    buf_add(&forward, STR("::"));
    buf_add(&forward, proto);
    struct err *err = tunnel_session_dial(s, buf_str(&forward), address, handler, owner, out);
    buf_free(&forward);
    if (!err)
        (*out)->forward = str_dup(key);
    return err;
}

static struct err *dial_by(struct tunnel_session *s, struct str key, struct str proto,
                           struct str address, const struct tunnel_conn_handler *handler,
                           void *owner, struct tunnel_conn **out)
{
    if (str_eq(s->key, key))
        return tunnel_session_dial(s, proto, address, handler, owner, out);
    return dial_peer(s, key, proto, address, handler, owner, out);
}

static struct err *dial_relay(struct tunnel_session *s, struct str key, struct str proto,
                              struct str address, const struct tunnel_conn_handler *handler,
                              void *owner, struct tunnel_conn **out)
{
    struct buf onward = {0};
    buf_addf(&onward, STR_FMT "::" STR_FMT, STR_ARG(key), STR_ARG(proto));
    struct err *err = dial_peer(s, relay, buf_str(&onward), address, handler, owner, out);
    buf_free(&onward);
    return err;
}

/* By the best session that is not `except`; where that is a peer's which is silent, or none, by a relay. */
static struct err *dial_best(struct tunnel_router *r, const struct tunnel_session *except,
                             struct str key, struct str proto, struct str address,
                             const struct tunnel_conn_handler *handler, void *owner,
                             struct tunnel_conn **out)
{
    struct tunnel_session *s = choose(r, key, except);
    bool own = s && str_eq(s->key, key);
    bool known = own || (s && session_fresh(r, s));
    struct tunnel_session *by = known ? NULL : choose_relay(r, s, except);
    if (by)
        return dial_relay(by, key, proto, address, handler, owner, out);
    if (!s || (except && tunnel_session_doubted(s)))
        return no_session(key);
    return dial_by(s, key, proto, address, handler, owner, out);
}

struct err *tunnel_router_dial(struct tunnel_router *r, struct str key, struct str proto,
                               struct str address, const struct tunnel_conn_handler *handler,
                               void *owner, struct tunnel_conn **out)
{
    return dial_best(r, NULL, key, proto, address, handler, owner, out);
}

struct err *tunnel_router_dial_other(struct tunnel_router *r, const struct tunnel_conn *first,
                                     struct str key, struct str proto, struct str address,
                                     const struct tunnel_conn_handler *handler, void *owner,
                                     struct tunnel_conn **out)
{
    return dial_best(r, first->session, key, proto, address, handler, owner, out);
}

bool tunnel_router_has(const struct tunnel_router *r, struct str key)
{
    return choose(r, key, NULL) != NULL;
}

bool tunnel_router_may_reach(const struct tunnel_router *r, struct str key)
{
    return tunnel_router_has(r, key) || choose_relay(r, NULL, NULL) != NULL;
}

void tunnel_route_give_up(struct route *route)
{
    struct tunnel_session *s = route->session;
    struct err *why = err_new(ERR_UNAVAILABLE, "tunnel does not answer");
    struct list *head = &s->all, ending;
    list_init(&ending);
    list_each (head, it, next_it) {
        const struct tunnel_conn *c = container_of(it, struct tunnel_conn, all);
        struct str key = route->client ? s->key : c->forward;
        const struct tunnel_session *other = key.n ? choose(route->router, key, s) : NULL;
        BUG_ON(!c->ours, "nobody who dialled us dials through us");
        if (c->state == CONN_ENDED || !other || tunnel_session_doubted(other))
            continue;
        list_remove(it); /* callbacks come after the walk, as they may change the list */
        list_add_tail(&ending, it);
    }
    while (!list_empty(&ending)) {
        struct tunnel_conn *c = container_of(ending.next, struct tunnel_conn, all);
        tunnel_session_send(s, TUNNEL_ERROR, c->id, str_c(why->message)); /* if it comes to life */
        tunnel_conn_break(c, why);
    }
    err_free(why);
}

bool tunnel_router_has_peer(const struct tunnel_router *r, struct str id)
{
    for (struct list *it = r->peers.next; it != &r->peers; it = it->next) {
        const struct route *peer = container_of(it, struct route, link);
        if (str_eq(peer->session->key, id))
            return true;
    }
    return false;
}

size_t tunnel_router_count(const struct tunnel_router *r, struct str key)
{
    const struct client *c = map_get(&r->clients, key);
    size_t n = 0;
    if (c)
        for (struct list *it = c->routes.next; it != &c->routes; it = it->next)
            n++;
    return n;
}

bool tunnel_router_next(const struct tunnel_router *r, size_t *i, struct str *key)
{
    return map_next(&r->clients, i, key, NULL);
}

/* ---- what a peer's Connect gets ---- */

static bool serve_allow(void *owner, struct str proto, struct str address)
{
    struct str key, rest;
    (void)owner, (void)address;
    return tunnel_proto_forward(proto, &key, &rest);
}

/* Own sessions only: a connection is forwarded once; one that asks for a relay goes to a peer's own then. */
static void serve_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    const struct tunnel_router *r = owner;
    struct str key, rest;
    bool forward = tunnel_proto_forward(proto, &key, &rest);
    BUG_ON(!forward, "only forwarded connections are allowed");
    bool relayed = str_eq(key, relay) && tunnel_proto_forward(rest, &key, &rest);
    struct tunnel_session *s = choose_own(r, key, NULL);
    if (!s && relayed)
        s = choose_peer(r, key, c->session);
    struct tunnel_conn *onward = NULL;
    struct err *err = s ? dial_by(s, key, rest, address, NULL, NULL, &onward) : no_session(key);
    if (err) {
        tunnel_conn_fail(c, str_c(err->message));
        err_free(err);
        return;
    }
    tunnel_conn_join(c, onward);
}

void tunnel_router_serve(struct tunnel_router *r, struct tunnel_session_options *options)
{
    options->allow = serve_allow;
    options->incoming = serve_incoming;
    options->owner = r;
    options->census = &r->census;
    options->census_kind = TUNNEL_TO_PEER;
}
