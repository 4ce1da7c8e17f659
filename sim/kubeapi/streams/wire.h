/* wire: what lies between a client and a stream of ours behind an upgrade: a plain connection, or a WebSocket whose binary
 * messages are pieces of it (or messages, to who reads them as such).
 *
 * Ownership: the connection is taken over. `closed` comes last and not after wire_close or wire_abort. */
#ifndef PADDOCK_SIM_KUBEAPI_STREAMS_WIRE_H
#define PADDOCK_SIM_KUBEAPI_STREAMS_WIRE_H

#include "engine/http/server.h"

#define WIRE_MESSAGE_MAX ((size_t)1 << 20) /* of a WebSocket; longer: 1009 */

struct http_ws;

struct wire_handler {
    void (*bytes)(void *owner, struct str bytes);
    void (*ended)(void *owner); /* no more bytes; we may still write */
    void (*drained)(void *owner);
    void (*closed)(void *owner);
};
struct wire {
    struct http_ws *ws;
    struct world_stream *stream;
    const struct wire_handler *handler;
    void *owner;
    bool paused;
};

/* False: the handshake was refused and answered. protocol: the chosen one, or NULL. */
bool wire_websocket(struct wire *w, struct http_exchange *x, const char *protocol,
                    const struct wire_handler *handler, void *owner);
/* Answers 101 with these headers. *early: what came with the request; the caller's, to be read first. */
void wire_upgrade(struct wire *w, struct http_exchange *x, const struct http_headers *headers,
                  const struct wire_handler *handler, void *owner, struct buf *early);

bool wire_open(const struct wire *w);
void wire_send(struct wire *w, struct str bytes);
bool wire_has_room(const struct wire *w); /* else `drained` will come */
void wire_pause(struct wire *w, bool paused);
void wire_close(struct wire *w); /* behind what is queued */
void wire_abort(struct wire *w);

#endif
