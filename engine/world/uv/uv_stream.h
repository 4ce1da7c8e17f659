/* uv_stream: the state of one TCP stream, plain or TLS, shared by uv_stream.c (life, reading) and uv_stream_out.c.
 *
 *   connecting ─► handshaking (TLS) ─► open ─► finished ─(closed callback)─► gone
 *        └──────────────┴── ended by the owner ──► lingering: the queue is sent, FIN, the peer's rest is thrown away
 *
 * `finished` means that the closed callback is due; it is made from the loop. A lingering stream has no owner. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_STREAM_H
#define PADDOCK_ENGINE_WORLD_UV_UV_STREAM_H

#include "engine/world/uv/uv_tls.h"

enum uvw_stream_state {
    UVW_STREAM_CONNECTING,
    UVW_STREAM_HANDSHAKING,
    UVW_STREAM_OPEN,
    UVW_STREAM_FINISHED,
    UVW_STREAM_GONE, /* libuv is closing it */
};

#define UVW_HANDSHAKE_TIMEOUT (10 * NS_PER_S) /* accepted connections */
#define UVW_FLUSH_TIMEOUT     (30 * NS_PER_S) /* an ended stream's queue */
#define UVW_LINGER_TIMEOUT    (2 * NS_PER_S)  /* and then the peer's FIN */

struct uvw_listener;
struct uvw_stream {
    struct world_stream base;
    struct uv_world *uv;
    struct list node;
    enum uvw_stream_state state;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t writing;
    uv_shutdown_t shutting;
    struct uvw_tls *tls; /* NULL: plain */
    struct uvw_later later;
    struct uvw_alarm deadline;
    struct uvw_listener *from; /* accepted, still in its handshake */
    struct list from_node;
    bool heard; /* its peer has said something */

    const struct world_stream_handler *handler;
    void *owner;
    bool owned; /* false: ended by the owner, lingering */
    struct err *failure;

    struct buf early;  /* plain bytes written before a TLS stream is open */
    struct buf out;    /* bytes for the wire, not yet given to libuv */
    struct buf flight; /* given to libuv */
    size_t
        direct_n; /* sent by write itself since the last flush: whoever wrote much is still told that it is gone */
    bool in_flight, was_high;
    bool shutdown_asked, shutdown_sent, shutdown_done;
    bool reading, paused, end_seen, end_told;

    struct world_addr peer, local;
    struct buf peer_pem;
};

static inline struct uvw_stream *uvw_stream_of(const struct world_stream *s)
{
    return container_of((struct world_stream *)(uintptr_t)s, struct uvw_stream, base);
}

/* life: uv_stream.c */
struct uvw_stream *uvw_stream_new(struct uv_world *uv);
void uvw_stream_finish(struct uvw_stream *s,
                       struct err *take_why); /* the closed callback follows from the loop */
void uvw_stream_destroy(struct uvw_stream *s);
void uvw_stream_up(struct uvw_stream *s); /* TCP is there: start TLS or be open */
void uvw_stream_maybe_done(struct uvw_stream *s);

/* a listener's part of an accepted stream: uv_listener.c */
void uvw_listener_stream_ready(struct uvw_stream *s);
void uvw_listener_stream_lost(struct uvw_stream *s);

/* writing: uv_stream_out.c */
void uvw_stream_flush(struct uvw_stream *s);
void uvw_stream_write_early(struct uvw_stream *s);

#endif
