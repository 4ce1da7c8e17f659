/* ws: one WebSocket session (RFC 6455; large frames go out, and odd ones come in, through wslay) over a world stream, either
 * side. The server side is what the manager uses; the client side is how the simulated world offers world_ws.
 *
 * Enforced: masking both ways (1002), RSV bits, control frames of at most 125 bytes and not fragmented, UTF-8 of text
 * (1007), message size (1009). Pings are answered at once, also between the fragments of a message.
 * Ownership: as world_ws: see engine/world/world.h ("Ending"). The stream is taken over; a server-side session outlives the
 *            http_server that it came from.
 * Closing:   http_ws_close sends a Close frame and ends the stream in order, without waiting for the peer's. A Close
 *            frame of the peer is answered; `closed` then has its code (1005: it had none) and no error. A stream that
 *            just ends gives 1006 and no error; a reset or a broken rule gives 1006 and the error. */
#ifndef PADDOCK_ENGINE_HTTP_WS_H
#define PADDOCK_ENGINE_HTTP_WS_H

#include "engine/http/server.h"

struct http_ws;

struct http_ws_options {
    size_t message_bytes_max; /* 0: WORLD_WS_MESSAGE_MAX */
    size_t fragment_bytes;    /* outgoing; 0: one frame */
    const char *protocol; /* server: the sub-protocol chosen among the offered ones; NULL: none */
};

/* Server side: checks the upgrade request (method, Upgrade, Connection, Sec-WebSocket-Version 13, -Key), answers 101 or
 * 400/426 itself. NULL: refused, x is invalid. `open` of the handler is not called on this side. */
struct http_ws *http_ws_accept(struct http_exchange *x, const struct http_ws_options *options,
                               const struct world_ws_handler *handler, void *owner);
/* Client side: connects, sends the handshake, checks the answer; world_ws_connect of the simulated world. */
struct http_ws *http_ws_connect(struct world *w, const struct world_ws_connect *options,
                                const struct world_ws_handler *handler, void *owner);
void http_ws_send(struct http_ws *ws, bool text, struct str payload);
void http_ws_ping(struct http_ws *ws, struct str payload);
size_t http_ws_queued(const struct http_ws *ws);
void http_ws_close(struct http_ws *ws, uint16_t code, struct str reason); /* ends the handle */
void http_ws_abort(struct http_ws *ws);                                   /* ends the handle */
void http_ws_pause(struct http_ws *ws);
void http_ws_resume(struct http_ws *ws);
struct world_addr http_ws_peer(const struct http_ws *ws);

#endif
