/* dial: which session of a client is used, and what a peer's Connect gets. */
#include "engine/tunnel/router_internal.h"

static bool session_fresh(const struct tunnel_router *r, const struct tunnel_session *s)
{
    return world_now(r->w) - s->heard <= policy_get(&r->policies, POLICY_TUNNEL_PING) * 3 / 2;
}

/* The newest fresh one; when none is, the one that was heard last. */
static struct tunnel_session *choose_newest(const struct tunnel_router *r, const struct list *head)
{
    struct tunnel_session *best = NULL;
    for (struct list *it = head->prev; it != head; it = it->prev) {
        struct tunnel_session *s = container_of(it, struct route, link)->session;
        if (tunnel_session_draining(s))
            continue;
        if (session_fresh(r, s))
            return s;
        if (!best || s->heard > best->heard)
            best = s;
    }
    return best;
}

static struct tunnel_session *choose_oldest(const struct list *head)
{
    for (struct list *it = head->next; it != head; it = it->next) {
        struct tunnel_session *s = container_of(it, struct route, link)->session;
        if (!tunnel_session_draining(s))
            return s;
    }
    return NULL;
}

static struct tunnel_session *tunnel_router_chosen(const struct tunnel_router *r, struct str key)
{
    const struct client *c = map_get(&r->clients, key);
    if (!c)
        return NULL;
    bool newest = policy_get(&r->policies, POLICY_SESSION_CHOICE) == POLICY_SESSION_NEWEST;
    return newest ? choose_newest(r, &c->routes) : choose_oldest(&c->routes);
}

/* A peer that announced the key: the first whose session is fresh, else the first. */
static struct tunnel_session *choose_peer(const struct tunnel_router *r, struct str key)
{
    bool newest = policy_get(&r->policies, POLICY_SESSION_CHOICE) == POLICY_SESSION_NEWEST;
    struct tunnel_session *first = NULL;
    for (struct list *it = r->peers.next; it != &r->peers; it = it->next) {
        const struct route *peer = container_of(it, struct route, link);
        if (!map_has(&peer->announced, key) || tunnel_session_draining(peer->session))
            continue;
        if (!newest || session_fresh(r, peer->session))
            return peer->session;
        if (!first)
            first = peer->session;
    }
    return first;
}

static struct err *no_session(struct str key)
{
    return err_new(ERR_UNAVAILABLE, "failed to find Session for client " STR_FMT, STR_ARG(key));
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

struct err *tunnel_router_dial(struct tunnel_router *r, struct str key, struct str proto,
                               struct str address, const struct tunnel_conn_handler *handler,
                               void *owner, struct tunnel_conn **out)
{
    struct tunnel_session *s = tunnel_router_chosen(r, key);
    if (s)
        return tunnel_session_dial(s, proto, address, handler, owner, out);
    s = choose_peer(r, key);
    if (s)
        return dial_peer(s, key, proto, address, handler, owner, out);
    return no_session(key);
}

bool tunnel_router_has(const struct tunnel_router *r, struct str key)
{
    return tunnel_router_chosen(r, key) || choose_peer(r, key);
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

/* Own sessions only: a connection is forwarded once. */
static void serve_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    const struct tunnel_router *r = owner;
    struct str key, rest;
    bool forward = tunnel_proto_forward(proto, &key, &rest);
    BUG_ON(!forward, "only forwarded connections are allowed");
    struct tunnel_session *s = tunnel_router_chosen(r, key);
    struct tunnel_conn *onward = NULL;
    struct err *err =
        s ? tunnel_session_dial(s, rest, address, NULL, NULL, &onward) : no_session(key);
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
}
