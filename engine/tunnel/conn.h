/* conn: one logical connection inside a tunnel session, as either end sees it.
 *
 *              local close, queue not empty
 *        open ── close or fail, bytes queued ──► lingering ──► gone     (the Error goes out behind the last Data)
 *         │ └─── close or fail, nothing queued ────────────► gone
 *         └─ Error from the peer, session ended ─► ended ──► gone     (what was received is delivered, then `closed`)
 *
 * There is no acknowledgement of a dial: a connect that fails on the far side comes as `closed` with its cause.
 * There is no half-close: closing ends both directions.
 *
 * Ownership: as world.h's handles: tunnel_conn_close and _fail end the handle, also inside its callbacks; `closed` is the
 *            last callback and ends it too. A connection belongs to its session: when that ends, `closed` comes.
 * Callbacks: from the world's loop, never from inside dial, write, pause or resume; but tunnel_session_close calls
 *            `closed` of its connections before it returns.
 * Errors:    `closed` gets NULL after an orderly "EOF"; else the far side's text with the code that fits it best:
 *            ERR_CONN_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_CONN_RESET, ERR_FORBIDDEN, ERR_UNAVAILABLE (the
 *            session ended, or the far side has no session either), ERR_TOO_LARGE (our bound), ERR_CANCELLED (sync).
 * Bounds:    received and not yet taken (reading paused): Pause goes out above TUNNEL_BUFFER_MARK, Resume below
 *            TUNNEL_BUFFER_LOW; a peer that goes on gets its connection failed at TUNNEL_BUFFER_MAX
 *            (policy tunnel.buffer: bounded). What we write is bounded by the writer, who minds queued and drained.
 * Source: fixtures/incidents.yaml#K11, #K14, #K15, #K45. */
#ifndef PADDOCK_ENGINE_TUNNEL_CONN_H
#define PADDOCK_ENGINE_TUNNEL_CONN_H

#include "engine/tunnel/frame.h"
#include "engine/world/world.h"

#define TUNNEL_BUFFER_MARK    ((size_t)2 << 20)
#define TUNNEL_BUFFER_LOW     (TUNNEL_BUFFER_MARK / 8)
/* A peer that minds Pause still has on its way what its own queue (TUNNEL_TRANSPORT_MAX) and the kernels' buffers hold. */
#define TUNNEL_BUFFER_MAX     (16 * TUNNEL_BUFFER_MARK)
#define TUNNEL_CONN_LOW       ((size_t)64 << 10) /* see `drained` */
#define TUNNEL_LINGER_TIMEOUT (60 * NS_PER_S) /* a closed connection's queue may take this long */

struct tunnel_conn;
struct tunnel_conn_handler {
    void (*data)(void *owner, struct str bytes);
    void (*drained)(
        void *
            owner); /* queued fell to TUNNEL_CONN_LOW or less after having been above it; may be NULL */
    void (*closed)(void *owner, const struct err *err);
};

/* Gives a connection its owner; data waits until then. The handler outlives the connection. */
void tunnel_conn_attach(struct tunnel_conn *c, const struct tunnel_conn_handler *handler,
                        void *owner);
void tunnel_conn_write(struct tunnel_conn *c, struct str bytes); /* copies */
size_t tunnel_conn_queued(
    const struct tunnel_conn *c); /* accepted by write, not yet given to the session */
size_t tunnel_conn_buffered(const struct tunnel_conn *c); /* received, not yet taken */
void tunnel_conn_pause(
    struct tunnel_conn *c); /* no data or closed until resume (unless the session ends) */
void tunnel_conn_resume(struct tunnel_conn *c);
void tunnel_conn_close(struct tunnel_conn *c); /* what is queued is still sent, then "EOF" */
void tunnel_conn_fail(struct tunnel_conn *c,
                      struct str text); /* the same with another text than "EOF" */

/* Joins an incoming connection with a new stream to `address` ("host:port", numeric) and shovels both ways with
 * back-pressure until either ends. The pair owns itself and dies with the connection. What the agent does by default. */
void tunnel_conn_join_stream(struct tunnel_conn *c, struct world *w, struct str address);
/* Joins two connections of any sessions (a peer's Connect with a client's). */
void tunnel_conn_join(struct tunnel_conn *a, struct tunnel_conn *b);

#endif
