/* link: keeps one tunnel from the agent to the manager, for ever.
 *
 *   waiting ─► resolving ─► connecting ─► connected ─► (closed) ─► waiting ...
 *                  │             └─ refused, failed: next address of the answer, then ─► waiting
 *                  └─ no answer ─► waiting
 *   connected ── dns.recheck finds that the name has moved ─► moving: a second tunnel is opened to the new address;
 *                once it is open the first one is drained (it ends when its connections are done); if it fails the first one stays and the next recheck tries again
 *
 *   connected ── asked to leave (policy server.drain: handover; the replica is about to stop) ─► moving, as above, but to
 *                another address of the name or the same one; then the manager is told, and it ends the first tunnel
 *
 *   any ── agent_link_leave ─► leaving: what dials is given up, managers are told that we go, and end their sessions when
 *          their connections are done (idle ones at once) ─► `left`
 *
 * Waiting: policy reconnect.backoff: constant 10 s (5 s after an orderly end), or exponential with jitter up to
 *          reconnect.max. An agent whose DNS answer is kept for its life (dns.cache: process) gives up and ends its
 *          process after AGENT_GIVE_UP without a connection; its supervisor starts a new one, which asks anew. That is the
 *          5 to 10 minutes of mission L4.
 * Idle:    tunnels that are cut again and again at the same age without traffic meet a middlebox with a timeout (policy
 *          tunnel.keepalive: measured): the agent pings three times as often as that from then on, and tells the manager.
 * Source: fixtures/incidents.yaml#K03, #K04, #K06, #K12. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_LINK_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_LINK_H

#include "engine/agents/cluster/config.h"
#include "engine/agents/cluster/reason.h"
#include "engine/agents/cluster/resolver.h"
#include "engine/tunnel/client.h"

#define AGENT_BACKOFF_FIRST   NS_PER_S
#define AGENT_WAIT_ERROR      (10 * NS_PER_S)
#define AGENT_WAIT_BLOCKED    (60 * NS_PER_S) /* jittered as well, while a proxy refuses WebSockets */
#define AGENT_WAIT_CLEAN      (5 * NS_PER_S)
#define AGENT_GIVE_UP         (300 * NS_PER_S)
#define AGENT_RECHECK         (10 * NS_PER_S)   /* and up to as much again as jitter */
#define AGENT_LEAVE_RETRY     (500 * NS_PER_MS) /* and up to as much again as jitter */
#define AGENT_LEAVE_GRACE     (2 * NS_PER_S)    /* for the manager to end what we have left */
#define AGENT_TUNNELS_MAX     6u                /* in use, about to be, and left */
#define AGENT_CONNECT_TIMEOUT (10 * NS_PER_S)
/* Policy tunnel.keepalive: measured. So many tunnels in a row that were cut at the same age without traffic, which none
 * of them had lived through before, make a timeout; what is younger than the least, or differs by more, is chance. */
#define AGENT_IDLE_CUTS       3u
#define AGENT_IDLE_LEAST      NS_PER_S
#define AGENT_IDLE_SPREAD     (200 * NS_PER_MS)
#define AGENT_PINGS_PER_IDLE  3

struct agent_link;
struct agent_link_options {
    struct world *world;
    const struct policies *policies;
    const struct agent_config *config; /* outlives the link */
    struct agent_resolver *resolver;
    struct str ca_pem, params_json, instance; /* copied */
    void (*connected)(void *owner);           /* each time, also after a move; may be NULL */
    /* The manager is not trusted (any more). The link waits; it may be freed from inside. May be NULL. */
    void (*untrusted)(void *owner);
    /* The manager has let the cluster go, and says what cleans it up. The link goes on. May be NULL. */
    void (*removed)(void *owner, struct str image);
    /* The manager knows nothing of the cluster. The link goes on. May be NULL. */
    void (*unknown)(void *owner);
    /* Its state is another one. Must not free the link. May be NULL. */
    void (*changed)(void *owner);
    void *owner;
};
struct agent_link *agent_link_new(const struct agent_link_options *options);
void agent_link_free(struct agent_link *l);
/* What proves to the manager that the cluster is its own; shown with every attempt from now on. Copied. */
void agent_link_set_membership(struct agent_link *l, struct str proof);

/* The process is about to end. `left` comes once, from the loop, when no session is left; it may free the link. Sessions
 * with connections that go on and on are the caller's to wait for, or not. */
void agent_link_leave(struct agent_link *l, void (*left)(void *owner));

struct agent_link_session {
    struct world_addr peer;
    world_time opened_at;
    size_t connections; /* open ones */
    bool leaving;       /* it is not the one in use */
};
size_t agent_link_sessions(const struct agent_link *l,
                           struct agent_link_session out[AGENT_TUNNELS_MAX]);

struct agent_link_state {
    enum agent_step step; /* on which the last attempt failed; or AGENT_STEP_CONNECTED */
    bool connected;
    struct world_addr peer;  /* of the tunnel in use; empty: none */
    world_time connected_at; /* of it */
    world_time heard_at;     /* the last sign of life on it */
    uint64_t connects, failures, moves;
    world_time idle_timeout; /* of a middlebox on the way, as measured; 0: none is known */
    const char
        *reason; /* why there is no tunnel (reason.h); NULL: there is one, or none was tried yet */
};
struct agent_link_state agent_link_state(const struct agent_link *l);
struct str agent_link_last_error(const struct agent_link *l); /* also of a tunnel that ended */

#endif
