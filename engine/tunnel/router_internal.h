/* router_internal: the session table as router.c (table), announce.c (peers' lists), dial.c (choice) and accept.c share it. */
#ifndef PADDOCK_ENGINE_TUNNEL_ROUTER_INTERNAL_H
#define PADDOCK_ENGINE_TUNNEL_ROUTER_INTERNAL_H

#include "engine/tunnel/router.h"
#include "engine/tunnel/session_internal.h"

#define ANNOUNCED_SESSIONS_MAX 64u /* of one key of one peer */

/* One session in the table, of a client or of a peer that dialled us. */
struct route {
    struct tunnel_router *router;
    struct tunnel_session *session;
    struct client *client; /* NULL: a peer */
    struct list link;      /* in client->routes or router->peers */
    struct map announced;  /* of a peer: client key → struct announced */
};

struct client {
    struct str key; /* owned */
    struct list routes;
};

struct announced {
    size_t n;
    uint64_t sessions[ANNOUNCED_SESSIONS_MAX];
};

struct tunnel_announcer {
    struct list link;
    struct tunnel_session *session;
};

struct tunnel_router {
    struct world *w;
    struct policies policies;
    struct map clients;                       /* key → struct client, none of them empty */
    struct list peers, announcers, listeners; /* route, tunnel_announcer, tunnel_router_listener */
    struct tunnel_census census;
    struct world_timer *digest;
    bool freeing;
};

/* router.c */
struct route *tunnel_route_new(struct tunnel_router *r, const struct tunnel_identity *who);
void tunnel_route_free(struct route *route);
struct tunnel_session_options tunnel_route_session_options(struct tunnel_router *r,
                                                           const struct tunnel_identity *who,
                                                           struct route *route);
struct tunnel_session *tunnel_route_add(struct tunnel_router *r, struct route *route,
                                        struct tunnel_session *s,
                                        const struct tunnel_identity *who);

/* dial.c: ends the connections through it for whose client there is another way. */
void tunnel_route_give_up(struct route *route);

/* announce.c */
void tunnel_announce_change(struct tunnel_router *r, bool add, const struct tunnel_session *s);
void tunnel_announce_digest(void *router); /* the timer's */
/* What a peer tells; the owner is its route. */
void tunnel_announced_by_peer(void *route, bool add, struct str key, uint64_t number);

#endif
