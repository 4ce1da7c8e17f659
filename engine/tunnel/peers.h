/* peers: keeps one tunnel to every other server replica, each a loop of its own.
 *
 *   idle ─► dialling ─► open ─► waiting (5 s; hardened: jittered, 2.5..5 s) ─► dialling ...       removed ─► gone
 *                    └─ removed, policy server.drain: handover ─► parting: dialled no more, ends with its session or after 30 s
 *
 * The certificate of a peer is not verified: peers prove themselves by the shared token.
 * Source: fixtures/incidents.yaml#K01, #K13. */
#ifndef PADDOCK_ENGINE_TUNNEL_PEERS_H
#define PADDOCK_ENGINE_TUNNEL_PEERS_H

#include "engine/tunnel/router.h"

#define TUNNEL_PEER_RETRY (5 * NS_PER_S)
#define TUNNEL_PEER_PARTING                                                                        \
    (30 * NS_PER_S) /* what is still open to a replica that left the list, before it ends */
#define TUNNEL_PEERS_MAX 64u

struct tunnel_peers;
struct tunnel_peer {
    struct str id; /* as in X-API-Tunnel-ID: the replica's address */
    struct world_addr address;
    bool plain; /* ws instead of wss */
};

/* own_id and token are what we show to others (X-API-Tunnel-ID, X-API-Tunnel-Token). */
struct tunnel_peers *tunnel_peers_new(struct world *w, struct tunnel_router *r,
                                      const struct policies *policies, struct str own_id,
                                      struct str token);
void tunnel_peers_free(struct tunnel_peers *p);
/* The present peers without ourselves: new ones are dialled, those not named are dropped. At most TUNNEL_PEERS_MAX. */
void tunnel_peers_set(struct tunnel_peers *p, const struct tunnel_peer *peers, size_t n);
/* Accepting side: is this a peer that we know, with our token? */
bool tunnel_peers_check(const struct tunnel_peers *p, struct str id, struct str token);
/* That one has dialled us: it knows us now, and would take us. One that waits to be dialled is dialled at once (policy
 * reconnect.backoff: jittered). */
void tunnel_peers_came(struct tunnel_peers *p, struct str id);
/* With every one of them there is a tunnel both ways: each has told us what it has, and hears what we have. */
bool tunnel_peers_whole(const struct tunnel_peers *p);
size_t tunnel_peers_connected(const struct tunnel_peers *p); /* of those that we dial */

struct tunnel_peer_status {
    struct str id;
    bool connected;
    uint64_t attempts, failures; /* failures: since it was last connected */
    const struct err *last; /* why the last attempt or session ended; NULL: none, or in order */
};
bool tunnel_peers_next(const struct tunnel_peers *p, size_t *i, struct tunnel_peer_status *out);

#endif
