/* server: one replica of the manager: HTTP API, tunnels, caches of the local cluster, and, on one replica at a time, the
 * leader's controllers.
 *
 *   starting: resources ensured (CRDs, namespaces, settings) ─► caches listed ─► serving
 *   serving ── leader.h: started ─► controllers run ── stopped ─► controllers stop
 *                                       (policy leader.loss: exit: the process ends with them)
 *
 *   serving ── server_drain ─► draining: no new tunnels, not ready, the lease given back; agents go elsewhere, one by one
 *                                 └─ the last one has gone, nobody is there to take them, or SERVER_DRAIN_MAX ─► done
 *
 * /ping and /healthz answer from the start; tunnels are taken when the caches are filled.
 * Peers: the addresses of the Service cattle-system/rancher, without our own; or those given.
 * Ownership: everything hangs off the instance; server_free at any time. Nothing is lost with it: state is in the API. */
#ifndef PADDOCK_ENGINE_SERVER_SERVER_H
#define PADDOCK_ENGINE_SERVER_SERVER_H

#include "engine/base/metrics.h"
#include "engine/kube/informer.h"
#include "engine/kube/leader.h"
#include "engine/tunnel/peers.h"
#include "engine/world/policy.h"

#define SERVER_SERVICE "rancher" /* Endpoints in cattle-system that list the replicas */

enum server_members {
    MEMBERS_ENDPOINTS, /* Endpoints cattle-system/rancher */
    MEMBERS_SLICES,    /* EndpointSlices of that Service */
    MEMBERS_GIVEN,     /* outside a cluster: server_set_peers tells */
};

struct server_config {
    struct kube_context kube; /* of the local cluster */
    struct str identity;      /* in the leader's record: the host's name */
    struct str server_url;    /* published as setting server-url */
    struct str
        default_host; /* without server_url: https://HOST:PORT is, unless there is one already */
    struct world_addr listen;
    struct str cert_pem, key_pem; /* of the HTTPS listener; empty: plain HTTP */
    struct str ca_pem;            /* published as setting cacerts; empty: a public CA */
    struct str internal_ca_pem; /* published as setting internal-cacerts; empty: it is left alone */
    /* The CA and certificate that are to follow, and their key; empty: none are. Policy ca.rotation: replace takes them
     * instead of the above; overlap shows both CAs and goes over to the new certificate when every cluster's agent knows
     * both (engine/controllers/rotation). */
    struct str next_cert_pem, next_key_pem, next_ca_pem;
    struct str agent_image;
    struct str
        agent_command; /* what runs in it, unless setting agent-command says; empty: its entry */
    struct str peer_token;          /* the same on all replicas; empty: no peering */
    enum server_members membership; /* where the other replicas are found */
    struct str peer_id;             /* what they know us by; empty: our address */
    enum leader_lock lock;
    /* Once, when its caches are filled; may be NULL. */
    void (*serving)(void *owner);
    void *owner;
    struct policies policies;
    bool people; /* the CRDs of Users and their Tokens are made as well */
};
struct server;
struct err *server_new(struct world *w, const struct server_config *config,
                       struct server **out) must_check;
void server_free(struct server *s);

/* Another certificate for whoever connects from now on. One that cannot be used is refused, and the old one stays. */
struct err *server_set_certificate(struct server *s, struct str cert_pem,
                                   struct str key_pem) must_check;
/* The other replicas, when those are given. At most TUNNEL_PEERS_MAX. */
void server_set_peers(struct server *s, const struct tunnel_peer *peers, size_t n);
/* Another token for the local cluster. */
void server_set_kube_token(struct server *s, struct str token);

/* To be asked to stop (SIGTERM). Policy server.drain: none is done at once; handover gives back what others can take first:
 * new requests should go elsewhere from now on, those that are under way are ended when they are done. `done` comes once,
 * from the loop; then the server is to be freed. It may be freed before. */
#define SERVER_DRAIN_SPREAD (10 * NS_PER_S) /* within which the agents are asked to go */
#define SERVER_DRAIN_MIN    (2 * NS_PER_S)  /* until everybody knows that we are not ready */
#define SERVER_DRAIN_MAX    (25 * NS_PER_S) /* less than the 30 s that Kubernetes gives */
#define SERVER_READY_WAIT   (15 * NS_PER_S) /* for the other replicas, policy server.ready: peers */
void server_drain(struct server *s, void (*done)(void *owner), void *owner);

struct server_state {
    bool serving; /* caches are filled */
    bool ready;   /* it should be asked: by policy server.ready, and not draining */
    bool draining;
    bool leading;       /* it leads, and its lease still lets it write */
    size_t agents;      /* sessions of clusters that end here */
    size_t peers;       /* tunnels that we dialled and that are up */
    size_t queue_depth; /* of the controllers */
    uint64_t connects;  /* agents' sessions accepted so far */
};
struct server_state server_state(const struct server *s);
/* Its caches of the local cluster, and what they are of. */
#define SERVER_CACHES 5u
const struct kube_gvr *server_cache_kind(size_t i);
const struct kube_informer *server_cache(const struct server *s, size_t i);
struct tunnel_router *server_router(struct server *s);
struct metrics *server_metrics(struct server *s); /* to be counted in and written: observe.h */
uint16_t server_port(const struct server *s);
/* The port on 127.0.0.1 behind which a cluster's API is; 0: not known yet. */
uint16_t server_cluster_port(struct server *s, struct str cluster_id);
/* The same for any address that its agent can reach: see downstream_forward. */
uint16_t server_forward_port(struct server *s, struct str cluster_id, struct str address);

#endif
