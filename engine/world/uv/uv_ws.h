/* uv_ws: outgoing WebSockets: libwebsockets speaks the protocol, a stream of uv_stream.c is the connection.
 *
 *   owner ─► uv_ws.c ─► libwebsockets (uv_lws.c) ◄─ local socket ─► relay (uv_ws_relay.c) ◄─► world stream ◄─► server
 *
 * Why not libwebsockets' own sockets: version 4.1 hides the body of a refused upgrade, incoming pings and whether the
 * peer ended or reset the connection; it has one set of TLS options a vhost and checks names against the Host header.
 * With a stream of ours all of that is as for every other connection of the world.
 *
 *   connecting ─► upgrading ─► open ─► closing ─► over (closed callback) ─► freed when stream, socket and wsi are gone
 *                     └─► refused: the answer's body is read first
 *
 * Bounds: an answer's head UVW_WS_HEAD_MAX, a refusal's body WORLD_WS_REFUSAL_BYTES_MAX, a message the caller's. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_WS_H
#define PADDOCK_ENGINE_WORLD_UV_UV_WS_H

#include "engine/world/uv/uv_internal.h"

#include <libwebsockets.h>
#include <sys/un.h>

#define UVW_WS_MAX             4096u /* open at a time in one world */
#define UVW_WS_HEAD_MAX        ((size_t)16 << 10)
#define UVW_WS_RELAY_BYTES     ((size_t)64 << 10) /* waiting on either side of the relay */
#define UVW_WS_REFUSAL_TIMEOUT (2 * NS_PER_S)
#define UVW_WS_CLOSE_TIMEOUT   (5 * NS_PER_S) /* queue, Close frame, its echo */
#define UVW_WS_CONTROL_MAX     125u           /* RFC 6455 5.5 */

enum uvw_ws_state {
    UVW_WS_CONNECTING,
    UVW_WS_UPGRADING,
    UVW_WS_REFUSED,
    UVW_WS_OPEN,
    UVW_WS_OVER, /* nothing more is told, except `closed` when it is due */
};

/* A message of ours, or a part of one that has been sent already. */
struct uvw_ws_out {
    struct list node;
    bool text, ping, begun;
    size_t at;
    struct str payload; /* owned; LWS_PRE bytes of room before it */
};

enum uvw_ws_kind { UVW_WS_TEXT, UVW_WS_BINARY, UVW_WS_PING, UVW_WS_PONG };

/* Something to tell the owner: kept while the socket is paused. */
struct uvw_ws_event {
    struct list node;
    enum uvw_ws_kind kind;
    struct str payload; /* owned */
};

/* Where we are in the frames that the server sends (uv_ws_scan.c). */
struct uvw_ws_scan {
    unsigned char head[10];
    size_t head_n;
    uint64_t payload_left;
    bool in_payload, in_message, is_ping;
    struct buf ping;
};

struct uvw_ws {
    struct world_ws base;
    struct list node;
    struct uv_world *uv;
    enum uvw_ws_state state;
    const struct world_ws_handler *handler;
    void *owner; /* with handler NULL: the owner has ended it */
    struct uvw_later later;
    struct uvw_alarm deadline;

    struct world_addr address;
    struct str host, path;
    struct buf headers; /* extra ones as "name: value\r\n" */
    bool secure;
    size_t message_bytes_max, fragment_bytes;

    /* the transport; each part reports its end, the last one frees */
    struct world_stream *stream;
    bool stream_ended;
    uv_pipe_t door, pipe; /* the listening local socket, and the one end of it that is ours */
    bool door_used, pipe_used, pipe_reading, pipe_shut, pipe_ended, stream_paused;
    bool upgraded;  /* libwebsockets has accepted the answer: frames pass */
    size_t handles; /* libuv handles not closed yet */
    struct lws *wsi;
    bool wsi_counted; /* among the handles */
    struct sockaddr_un door_name;
    struct buf head; /* the answer to the upgrade; then what came behind it */
    struct uvw_ws_scan scan;

    /* messages */
    struct list out;
    size_t out_bytes;
    bool was_high;
    struct buf message;
    bool message_text;
    struct list events;
    bool paused;

    /* the end */
    uint16_t close_code; /* ours; 0: none asked */
    bool close_sent;
    struct buf close_reason;
    uint16_t peer_code;
    struct buf peer_reason;
    struct err *err;
    int http_status;
    struct buf http_body;
    bool told_open, closed_due;
};

/* uv_ws.c */
void uvw_ws_over(struct uvw_ws *ws,
                 struct err *take_err); /* the closed callback follows from the loop */
void uvw_ws_event(struct uvw_ws *ws, enum uvw_ws_kind kind, struct str take_payload);
void uvw_ws_opened(struct uvw_ws *ws);
void uvw_ws_note_high(struct uvw_ws *ws);
void uvw_ws_tell_drained(struct uvw_ws *ws);
void uvw_ws_release(struct uvw_ws *ws); /* one part of the transport is gone */

/* uv_ws_relay.c */
void uvw_ws_relay_start(struct uvw_ws *ws, const struct world_tls *tls, world_time timeout);
void uvw_ws_relay_opened(struct uvw_ws *ws);
void uvw_ws_relay_pause(struct uvw_ws *ws, bool paused);
void uvw_ws_relay_end(struct uvw_ws *ws, bool abort);
struct err *uvw_ws_door_open(struct uvw_ws *ws) must_check;

/* uv_ws_answer.c: the server's answer to the upgrade */
/* True: the head is complete; *status and *body_at are set. */
bool uvw_ws_answer_head(struct str head, int *status, size_t *body_at, struct err **err);
/* What of a refusal's body is there; true: it is complete. */
bool uvw_ws_answer_body(struct str head, size_t body_at, struct buf *body);

/* uv_ws_scan.c: NULL, or what breaks the protocol. */
const char *uvw_ws_scan(struct uvw_ws *ws, struct str bytes);

/* uv_lws.c */
struct err *uvw_lws_connect(struct uvw_ws *ws) must_check;
void uvw_lws_want_write(struct uvw_ws *ws);
void uvw_lws_close_now(struct uvw_ws *ws, uint16_t code); /* a Close frame, before what is queued */

#endif
