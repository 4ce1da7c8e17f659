/* session: one WebSocket between two processes that carries many logical connections, either side, as a state machine
 * over callbacks. The side that dialled the WebSocket (agent, dialling peer) pings and syncs; the other side usually
 * dials logical connections through it.
 *
 *   new ─► open ── message, ping, pong, drained ──► open
 *            └─ transport down, silence, protocol error, refused Connect (policy) ─► ended: each connection gets
 *               `closed` ("tunnel disconnect"), then the session's `closed`; memory is given back
 *
 * Timers:    one. It fires at the earliest of ping (tunnel.ping), sync (60 s), silence (tunnel.dead_after, counted from
 *            the last sign of life of kind tunnel.alive_by) and linger; signs of life only move a deadline.
 * Doubt:     what was sent and met silence is followed by a ping after 0.4 s; no sign of life for 0.9 s: doubted; for 1.5 s:
 *            given up; anything that is heard: trusted again. A transport with a queue is slow, which proves nothing.
 * Writing:   control frames go straight to the transport. Data waits per connection while the transport is backed up and
 *            is then served round robin, 16 KiB a turn (policy tunnel.queue: fair), or lies in the transport (fifo).
 * Ownership: tunnel_session_close ends the handle, also inside callbacks; `closed` is the last callback and ends it too.
 *            The session owns its transport and its connections.
 * Bounds:    TUNNEL_CONNS_MAX; transport queue: reading stops above TUNNEL_TRANSPORT_MAX; buffers: conn.h.
 * Source: fixtures/incidents.yaml#K10, #K11, #K44, #K46. */
#ifndef PADDOCK_ENGINE_TUNNEL_SESSION_H
#define PADDOCK_ENGINE_TUNNEL_SESSION_H

#include "engine/http/ws.h"
#include "engine/tunnel/conn.h"
#include "engine/world/policy.h"

#define TUNNEL_CONNS_MAX     65536u
#define TUNNEL_TRANSPORT_MAX ((size_t)8 << 20)
#define TUNNEL_SYNC_INTERVAL (60 * NS_PER_S)
/* Policy session.liveness: echo, on the side that dials connections: counted from what was sent into silence. */
#define TUNNEL_ECHO_AFTER    (400 * NS_PER_MS)  /* a ping asks whether somebody is there */
#define TUNNEL_DOUBT_AFTER   (900 * NS_PER_MS)  /* others are preferred */
#define TUNNEL_GIVE_UP_AFTER (1500 * NS_PER_MS) /* its connections end where there is another way */
/* Of a session that its agent has left for another replica: how long Connects are still under way to it, and after which
 * silence a connection of it is taken for idle and ended. */
#define TUNNEL_LEAVE_AFTER   (500 * NS_PER_MS)
#define TUNNEL_IDLE_AFTER    NS_PER_S
#define TUNNEL_DIAL_TIMEOUT  (60 * NS_PER_S) /* of the stream behind an incoming connection */

struct tunnel_session;

/* What a session needs of the thing that carries its messages. Calls never call back. */
struct tunnel_transport {
    void (*send)(void *transport, struct str message); /* binary; copies */
    void (*ping)(void *transport);
    size_t (*queued)(const void *transport);
    void (*abort)(void *transport); /* ends the transport at once: no more events from it */
    void (*close)(void *transport); /* the same, but what is queued is still sent */
    void (*pause)(void *transport);
    void (*resume)(void *transport);
};

enum tunnel_side { TUNNEL_CLIENT, TUNNEL_SERVER }; /* client: we dialled the WebSocket */

enum tunnel_doubt { TUNNEL_TRUSTED, TUNNEL_DOUBTED, TUNNEL_GIVEN_UP };

struct tunnel_census; /* census.h */

struct tunnel_session_options {
    enum tunnel_side side;
    const struct policies *policies; /* copied */
    struct str key; /* client key of the other side; on the client side "client" is customary */
    struct str instance; /* names the agent process behind it; empty: unknown */
    /* May the peer's Connect be served? NULL: on the client side tunnel_allow_default; on the server side nothing. A refusal ends the
     * session (policy tunnel.refusal: session) or only answers Error (connection). */
    bool (*allow)(void *owner, struct str proto, struct str address);
    /* An allowed Connect: attach, join or end c before returning. NULL: tunnel_conn_join_stream. */
    void (*incoming)(void *owner, struct tunnel_conn *c, struct str proto, struct str address);
    /* AddClient (add) and RemoveClient of a peer. NULL: ignored. */
    void (*client)(void *owner, bool add, struct str key, uint64_t session_key);
    /* Client side: we are asked to go elsewhere. Server side: the other side has gone elsewhere; the session is only a last
     * resort from here on and soon drains. NULL: ignored. Must not end the session. */
    void (*leave)(void *owner);
    bool leaves; /* server side: the other side minds being asked to go */
    /* It does not answer, answers again, has not answered for so long that its connections had better end; may be NULL.
     * Must not end the session. */
    void (*doubt)(void *owner, enum tunnel_doubt doubt);
    void (*closed)(void *owner, const struct err *why);
    void *owner;
    struct tunnel_census *census; /* of sessions that client.h dials: counted there; NULL: not */
    unsigned census_kind;         /* enum tunnel_kind */
};

/* tcp to anywhere; unix and npipe only to Docker's socket (which a world cannot dial: the connection gets an Error). */
bool tunnel_allow_default(void *owner, struct str proto, struct str address);

struct tunnel_session *tunnel_session_new(struct world *w, const struct tunnel_transport *ops,
                                          void *transport,
                                          const struct tunnel_session_options *options);
/* Server side: upgrades the request. NULL: it was refused and answered; x is invalid either way. */
struct tunnel_session *tunnel_session_accept(struct world *w, struct http_exchange *x,
                                             const struct tunnel_session_options *options);
/* Ends it at once (no Close frame, as the original). Its connections get `closed` before this returns. NULL is fine. */
void tunnel_session_close(struct tunnel_session *s);
/* Takes no new connections; ends itself when the last one is gone, or after two silent ping intervals. */
void tunnel_session_drain(struct tunnel_session *s);
/* The same, and connections without any traffic for TUNNEL_IDLE_AFTER are ended in order, one by one. */
void tunnel_session_drain_idle(struct tunnel_session *s);
/* Server side: asks the other side to go elsewhere after `delay`, or drains when it would not mind that. */
void tunnel_session_ask_to_leave(struct tunnel_session *s, world_time delay);
/* Client side: says that we have gone elsewhere. The server ends the session when it has drained. */
void tunnel_session_say_left(struct tunnel_session *s);

/* ---- events of the transport ---- */
void tunnel_session_on_message(struct tunnel_session *s, bool text, struct str payload);
void tunnel_session_on_alive(struct tunnel_session *s); /* a ping or a pong came */
void tunnel_session_on_pong(struct tunnel_session *s);  /* the same, of a pong: its time is kept */
void tunnel_session_on_drained(struct tunnel_session *s);
void tunnel_session_on_down(struct tunnel_session *s,
                            const struct err *why); /* the transport is gone already */
/* The same as a handler for either kind of WebSocket; the owner is the session. `open` is empty. */
extern const struct world_ws_handler tunnel_session_ws_handler;
extern const struct tunnel_transport tunnel_transport_http_ws;  /* transport: struct http_ws */
extern const struct tunnel_transport tunnel_transport_world_ws; /* transport: struct world_ws */

/* Opens a logical connection: sends Connect. ERR_INVALID: "proto/address" is beyond TUNNEL_CONNECT_BYTES_MAX;
 * ERR_TOO_MANY: TUNNEL_CONNS_MAX; ERR_UNAVAILABLE: draining. */
struct err *tunnel_session_dial(struct tunnel_session *s, struct str proto, struct str address,
                                const struct tunnel_conn_handler *handler, void *owner,
                                struct tunnel_conn **out) must_check;
/* AddClient, RemoveClient to the peer. */
void tunnel_session_announce(struct tunnel_session *s, bool add, struct str key,
                             uint64_t session_key);

struct str tunnel_session_key(const struct tunnel_session *s);
struct str tunnel_session_instance(const struct tunnel_session *s);
world_time tunnel_session_heard(
    const struct tunnel_session *s); /* last sign of life of kind tunnel.alive_by */
/* How long nothing has gone either way, and the longest such pause before it. */
world_time tunnel_session_idle(const struct tunnel_session *s, world_time *longest_before);
bool tunnel_session_draining(const struct tunnel_session *s);
bool tunnel_session_doubted(
    const struct tunnel_session *s); /* others are preferred: it does not answer, or was left */

struct tunnel_session_stats {
    uint64_t messages_in, messages_out, bytes_in, bytes_out; /* bytes: payload of Data */
    uint64_t opened, closed;                                 /* connections */
    uint64_t pauses_sent, pauses_received, synced_away, overflows, refused;
    uint64_t pings, pongs;         /* that we sent, that came */
    size_t open, buffered, queued; /* connections and their bytes at present */
};
struct tunnel_session_stats tunnel_session_stats(const struct tunnel_session *s);

#endif
