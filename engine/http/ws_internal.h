/* ws_internal: one WebSocket session. Private to engine/http.
 *
 *   client: CONNECTING ─► HANDSHAKE ─► OPEN ─► dead        server: OPEN ─► dead
 *                            └─► REFUSED (collects the refusal's body) ─► dead
 *
 * As in the server: callbacks of the world enter with busy++ and leave through ws_leave, which frees a dead session. */
#ifndef PADDOCK_ENGINE_HTTP_WS_INTERNAL_H
#define PADDOCK_ENGINE_HTTP_WS_INTERNAL_H

#include "engine/http/body.h"
#include "engine/http/flow.h"
#include "engine/http/head.h"
#include "engine/http/ws.h"

#include <wslay/wslay.h>

#define WS_CONTROL_BYTES_MAX 125u
#define WS_KEY_BYTES         16u
#define WS_KEY_TEXT          24u /* its base64 */
#define WS_ACCEPT_TEXT       28u /* base64 of a SHA-1 */
/* Pongs that may wait behind a full queue; a peer that pings on without reading gets no more. */
#define WS_PONGS_MAX         64u

enum ws_state { WS_CONNECTING, WS_HANDSHAKE, WS_REFUSED, WS_OPEN };

/* Of the client until the session is open. */
struct ws_handshake {
    struct buf request;
    char accept[WS_ACCEPT_TEXT];
    struct http_head head;
    struct http_body body;
    struct buf refusal;
};

/* What each ping touches comes first, on few cache lines. */
struct http_ws {
    struct world *w;
    struct world_stream *stream; /* NULL: gone */
    const struct world_ws_handler *handler;
    void *owner;
    enum ws_state state;
    unsigned busy;
    unsigned pongs;
    bool client;
    bool dead, paused, kick, more; /* more: reading stopped because of a pause */
    /* the frame that is coming */
    bool in_frame, fin;
    bool piecewise;  /* its payload goes straight into the message ... */
    uint8_t mask_at; /* ... from this byte of its key on */
    char mask[4];
    uint8_t opcode;
    /* the message that is coming */
    bool in_message, text;
    struct http_input input;
    uint64_t wslay_left; /* of the frame that wslay reads: bytes that it has not seen */
    size_t message_bytes_max, fragment_bytes;
    wslay_frame_context_ptr frames; /* NULL until an odd frame comes or a large one goes out */
    struct http_alarm alarm;        /* timer is NULL until it is needed */
    struct buf out;                 /* large frames are put together here */
    uint64_t frame_left;
    size_t control_n;
    struct buf message;
    struct ws_handshake *handshake; /* NULL: done */
    uint8_t control[WS_CONTROL_BYTES_MAX];
};

/* ws.c */
struct http_ws *ws_new(struct world *w, const struct world_ws_handler *handler, void *owner);
/* Ends the session and tells the owner. */
void ws_finish(struct http_ws *ws, const struct world_ws_closed *how, bool abort);
/* Takes the error. */
void ws_fail(struct http_ws *ws, struct err *take_err);
void ws_opened(struct http_ws *ws);
void ws_wake(struct http_ws *ws, world_time delay); /* the alarm, made when needed */
extern const struct world_stream_handler ws_stream_handler;

/* ws_frames.c */
void ws_read(struct http_ws *ws);
void ws_send_frame(struct http_ws *ws, uint8_t opcode, bool fin, struct str payload);
void ws_send_close(struct http_ws *ws, uint16_t code, struct str reason);

/* ws_handshake.c */
/* False: the options would break the request. */
bool ws_handshake_start(struct http_ws *ws, const struct world_ws_connect *o) must_check;
void ws_handshake_sent(struct http_ws *ws);
/* Reads the answer; true: the session is open and more input may follow. */
bool ws_handshake_read(struct http_ws *ws);
void ws_handshake_ended(struct http_ws *ws);
void ws_handshake_free(struct http_ws *ws);

bool http_is_utf8(struct str s);

#endif
