/* router: the session table of one server replica: client key → its sessions, in order of arrival, and the peers (other
 * replicas) with what they announced.
 *
 *   dial K ─► own session of K (policy session.choice) ─► else a peer that announced K, as "K::proto" ─► else an error
 *
 * Peers: a replica dials every other one. On a session that we dialled we announce our sessions (AddClient, RemoveClient;
 *        policy peer.announce: digest repeats the whole list) and serve "K::proto" from our own sessions only, so that a
 *        stale table cannot make a loop. On a session that a peer dialled we read its announcements and dial through it.
 * Choice: oldest: element 0. newest: the newest that is not doubted and gave a sign of life within 1.5 ping intervals,
 *        else a peer's, else the one heard last; a new session of the same agent instance drains the older ones.
 * Ownership: the router owns the sessions that it accepted. tunnel_router_free closes them (connections get `closed`).
 * Source: fixtures/incidents.yaml#K01, #K03, #K13, #K44. */
#ifndef PADDOCK_ENGINE_TUNNEL_ROUTER_H
#define PADDOCK_ENGINE_TUNNEL_ROUTER_H

#include "engine/base/list.h"
#include "engine/tunnel/census.h"
#include "engine/tunnel/session.h"

#define TUNNEL_DIGEST_INTERVAL                                                                     \
    (5 * NS_PER_S) /* stretched so that a link carries at most 50 announcements a second */

/* An agent that goes elsewhere when it is asked to says so when it connects. */
#define TUNNEL_LEAVES_HEADER "X-Agent-Leaves"

struct tunnel_router;

struct tunnel_identity {
    struct str key;      /* "c-abcde", "stv-cluster-c-abcde", or a peer's ID */
    struct str instance; /* empty: unknown (agents other than ours) */
    bool peer;
    bool leaves; /* minds being asked to go elsewhere */
};

/* Intrusive: the owner keeps it alive until it is removed. `added` must not end the session. */
struct tunnel_router_listener {
    struct list link;
    void (*added)(void *owner, struct tunnel_session *s); /* not for peers */
    void (*removed)(void *owner,
                    struct tunnel_session *s); /* still readable, and no longer in the table */
    /* A peer told that it now has, or no longer has, any session of that client; may be NULL. */
    void (*announced)(void *owner, bool has, struct str key);
    void *owner;
};

struct tunnel_router *tunnel_router_new(struct world *w, const struct policies *policies);
void tunnel_router_free(struct tunnel_router *r);
void tunnel_router_listen(struct tunnel_router *r, struct tunnel_router_listener *l);
void tunnel_router_unlisten(struct tunnel_router *r, struct tunnel_router_listener *l);

/* Upgrades the request into a session of that identity. NULL: refused and answered. */
struct tunnel_session *tunnel_router_accept(struct tunnel_router *r, struct http_exchange *x,
                                            const struct tunnel_identity *who);
/* The same over any transport. */
struct tunnel_session *tunnel_router_add(struct tunnel_router *r,
                                         const struct tunnel_transport *ops, void *transport,
                                         const struct tunnel_identity *who);
/* This replica is about to stop: every client is asked to go elsewhere, each at a random time within `spread`. */
void tunnel_router_hand_over(struct tunnel_router *r, world_time spread);
/* Ends every session of that client. */
void tunnel_router_disconnect(struct tunnel_router *r, struct str key);

/* ERR_UNAVAILABLE "failed to find Session for client KEY" when neither we nor a peer has one; else as
 * tunnel_session_dial. */
struct err *tunnel_router_dial(struct tunnel_router *r, struct str key, struct str proto,
                               struct str address, const struct tunnel_conn_handler *handler,
                               void *owner, struct tunnel_conn **out) must_check;
/* The same by another session than that of `first`; ERR_UNAVAILABLE when there is none that is trusted. */
struct err *tunnel_router_dial_other(struct tunnel_router *r, const struct tunnel_conn *first,
                                     struct str key, struct str proto, struct str address,
                                     const struct tunnel_conn_handler *handler, void *owner,
                                     struct tunnel_conn **out) must_check;
bool tunnel_router_hedges(const struct tunnel_router *r); /* policy connect.hedge */
/* A session of it is known, here or at a peer. */
bool tunnel_router_has(const struct tunnel_router *r, struct str key);
/* The same, or a peer would be asked for a way (policy peer.relay): a dial is worth trying. */
bool tunnel_router_may_reach(const struct tunnel_router *r, struct str key);
bool tunnel_router_has_peer(const struct tunnel_router *r, struct str id); /* that dialled us */
size_t tunnel_router_count(const struct tunnel_router *r, struct str key); /* sessions here */
/* Client keys with a session here, in order of first arrival; i starts at 0. */
bool tunnel_router_next(const struct tunnel_router *r, size_t *i, struct str *key);

/* Every session of this replica: of clients, of peers, and those to peers that tunnel_router_serve was asked about. */
const struct tunnel_census *tunnel_router_census(const struct tunnel_router *r);

/* ---- sessions to peers that we dialled (peers.h) ---- */
/* Fills allow, incoming, owner and census, so that the peer's Connects are served from this table. */
void tunnel_router_serve(struct tunnel_router *r, struct tunnel_session_options *options);
/* Announces everything now and changes from now on; forget before the session ends. */
struct tunnel_announcer;
struct tunnel_announcer *tunnel_router_announce(struct tunnel_router *r, struct tunnel_session *s);
void tunnel_router_forget(struct tunnel_router *r, struct tunnel_announcer *a); /* NULL is fine */

#endif
