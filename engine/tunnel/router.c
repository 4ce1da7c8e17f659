#include "engine/tunnel/router.h"

#include "engine/tunnel/router_internal.h"

void tunnel_route_free(struct route *route)
{
    void *value;
    for (size_t i = 0; map_next(&route->announced, &i, NULL, &value);)
        mem_free(value);
    map_free(&route->announced);
    mem_free(route);
}

static struct client *client_get(struct tunnel_router *r, struct str key)
{
    struct client *c = map_get(&r->clients, key);
    if (c)
        return c;
    c = MEM_NEW(struct client);
    c->key = str_dup(key);
    list_init(&c->routes);
    (void)map_put(&r->clients, key, c);
    return c;
}

static void route_unlink(struct route *route)
{
    struct client *c = route->client;
    list_remove(&route->link);
    if (!c || !list_empty(&c->routes))
        return;
    (void)map_remove(&route->router->clients, c->key);
    str_free(&c->key);
    mem_free(c);
}

static void tell_added(struct tunnel_router *r, struct tunnel_session *s)
{
    struct list *head = &r->listeners;
    list_each (head, it, next_it) {
        const struct tunnel_router_listener *l =
            container_of(it, struct tunnel_router_listener, link);
        if (l->added)
            l->added(l->owner, s);
    }
}

static void tell_removed(struct tunnel_router *r, struct tunnel_session *s)
{
    struct list *head = &r->listeners;
    list_each (head, it, next_it) {
        const struct tunnel_router_listener *l =
            container_of(it, struct tunnel_router_listener, link);
        if (l->removed)
            l->removed(l->owner, s);
    }
}

/* Takes it out of the table and tells everybody; the session is the caller's business. */
static void route_remove(struct route *route)
{
    struct tunnel_router *r = route->router;
    struct tunnel_session *s = route->session;
    bool peer = !route->client;
    route_unlink(route);
    tunnel_route_free(route);
    if (r->freeing)
        return;
    tunnel_announce_change(r, false, s);
    if (!peer)
        tell_removed(r, s);
}

static void on_session_closed(void *owner, const struct err *why)
{
    struct route *route = owner;
    (void)why;
    route_remove(route);
}

/* A session that does not answer is none for the other replicas, and where there is another way to its client its
 * connections end: whoever waits on them tries again there. */
static void on_doubt(void *owner, enum tunnel_doubt doubt)
{
    struct route *route = owner;
    struct tunnel_router *r = route->router;
    if (doubt == TUNNEL_GIVEN_UP)
        tunnel_route_give_up(route);
    else if (route->client && !route->session->left)
        tunnel_announce_change(r, doubt == TUNNEL_TRUSTED, route->session);
}

/* The client has gone to another replica, which has announced it before we heard of it. */
static void on_left(void *owner)
{
    const struct route *route = owner;
    tunnel_announce_change(route->router, false, route->session);
}

/* A newer session of the same agent process: the older ones take nothing new and end soon. */
static void fence_older(struct tunnel_router *r, const struct route *newest)
{
    const struct tunnel_session *s = newest->session;
    bool newest_wins = policy_get(&r->policies, POLICY_SESSION_CHOICE) == POLICY_SESSION_NEWEST;
    if (!newest_wins || s->instance.n == 0)
        return;
    struct list *head = &newest->client->routes;
    list_each (head, it, next_it) {
        const struct route *route = container_of(it, struct route, link);
        if (route != newest && str_eq(route->session->instance, s->instance))
            tunnel_session_drain(route->session);
    }
}

static bool allow_nothing(void *owner, struct str proto, struct str address)
{
    (void)owner, (void)proto, (void)address;
    return false; /* nobody who dialled us may dial through us */
}

struct tunnel_session_options tunnel_route_session_options(struct tunnel_router *r,
                                                           const struct tunnel_identity *who,
                                                           struct route *route)
{
    return (struct tunnel_session_options){.side = TUNNEL_SERVER,
                                           .policies = &r->policies,
                                           .key = who->key,
                                           .instance = who->instance,
                                           .allow = allow_nothing,
                                           .client = who->peer ? tunnel_announced_by_peer : NULL,
                                           .doubt = on_doubt,
                                           .leave = who->peer ? NULL : on_left,
                                           .leaves = who->leaves,
                                           .closed = on_session_closed,
                                           .owner = route};
}

struct tunnel_session *tunnel_route_add(struct tunnel_router *r, struct route *route,
                                        struct tunnel_session *s, const struct tunnel_identity *who)
{
    route->session = s;
    tunnel_census_enter(&r->census, s, who->peer ? TUNNEL_OF_PEER : TUNNEL_OF_CLIENT);
    if (who->peer) {
        list_add_tail(&r->peers, &route->link);
    } else {
        route->client = client_get(r, who->key);
        list_add_tail(&route->client->routes, &route->link);
        fence_older(r, route);
    }
    tunnel_announce_change(r, true, s);
    if (!who->peer)
        tell_added(r, s);
    return s;
}

struct route *tunnel_route_new(struct tunnel_router *r, const struct tunnel_identity *who)
{
    BUG_ON(who->key.n == 0, "a session has a client key");
    struct route *route = MEM_NEW(struct route);
    route->router = r;
    list_init(&route->link);
    return route;
}

struct tunnel_session *tunnel_router_add(struct tunnel_router *r,
                                         const struct tunnel_transport *ops, void *transport,
                                         const struct tunnel_identity *who)
{
    struct route *route = tunnel_route_new(r, who);
    struct tunnel_session_options o = tunnel_route_session_options(r, who, route);
    return tunnel_route_add(r, route, tunnel_session_new(r->w, ops, transport, &o), who);
}

void tunnel_router_hand_over(struct tunnel_router *r, world_time spread)
{
    void *client;
    for (size_t i = 0; map_next(&r->clients, &i, NULL, &client);) {
        struct list *head = &((struct client *)client)->routes;
        list_each (head, it, next_it)
            tunnel_session_ask_to_leave(container_of(it, struct route, link)->session,
                                        world_random_time(r->w, spread));
    }
}

void tunnel_router_disconnect(struct tunnel_router *r, struct str key)
{
    const struct client *c;
    while ((c = map_get(&r->clients, key))) {
        struct route *route = container_of(c->routes.next, struct route, link);
        struct tunnel_session *s = route->session;
        route_remove(route);
        tunnel_session_close(s);
    }
}

struct tunnel_router *tunnel_router_new(struct world *w, const struct policies *policies)
{
    struct tunnel_router *r = MEM_NEW(struct tunnel_router);
    r->w = w;
    r->policies = *policies;
    list_init(&r->peers);
    list_init(&r->announcers);
    list_init(&r->listeners);
    tunnel_census_init(&r->census);
    r->digest = world_timer_new(w, tunnel_announce_digest, r);
    return r;
}

static struct route *any_route(const struct tunnel_router *r)
{
    size_t i = 0;
    void *client;
    if (map_next(&r->clients, &i, NULL, &client))
        return container_of(((struct client *)client)->routes.next, struct route, link);
    return list_empty(&r->peers) ? NULL : container_of(r->peers.next, struct route, link);
}

void tunnel_router_free(struct tunnel_router *r)
{
    r->freeing = true;
    BUG_ON(!list_empty(&r->announcers), "sessions to peers end before the table");
    struct route *route;
    while ((route = any_route(r))) {
        struct tunnel_session *session = route->session;
        route_remove(route);
        tunnel_session_close(session);
    }
    map_free(&r->clients);
    world_timer_free(r->digest);
    mem_free(r);
}

bool tunnel_router_hedges(const struct tunnel_router *r)
{
    return policy_get(&r->policies, POLICY_CONNECT_HEDGE) == POLICY_HEDGE_HANDSHAKE;
}

const struct tunnel_census *tunnel_router_census(const struct tunnel_router *r)
{
    return &r->census;
}

void tunnel_router_listen(struct tunnel_router *r, struct tunnel_router_listener *l)
{
    list_add_tail(&r->listeners, &l->link);
}

void tunnel_router_unlisten(struct tunnel_router *r, struct tunnel_router_listener *l)
{
    (void)r;
    list_remove(&l->link);
}
