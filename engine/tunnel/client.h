/* client: the side that dials a tunnel's WebSocket: agents and replicas. One attempt and one session; dialling again is
 * its owner's business.
 *
 *   connecting ─► open ─► closed          connecting ─► closed (refused: http_status and body; or an error)
 *
 * Ownership: tunnel_client_close ends the handle, also inside its callbacks; `closed` is the last callback and ends it.
 * Frames are cut at 4096 bytes, as the original's agents do. */
#ifndef PADDOCK_ENGINE_TUNNEL_CLIENT_H
#define PADDOCK_ENGINE_TUNNEL_CLIENT_H

#include "engine/tunnel/session.h"

#define TUNNEL_CLIENT_FRAGMENT_BYTES 4096u

struct tunnel_client;
struct tunnel_client_options {
    struct world_addr address;          /* numeric: whoever dials has resolved */
    struct str host;                    /* Host header */
    struct str path;                    /* "/v3/connect" or "/v3/connect/register" */
    const struct world_tls *tls;        /* NULL: plain */
    struct str token;                   /* X-API-Tunnel-Token; empty: none */
    struct str params_json;             /* X-API-Tunnel-Params, base64 made here; empty: none */
    const struct world_header *headers; /* further ones, e.g. Authorization, X-API-Tunnel-ID */
    size_t headers_n;
    world_time timeout; /* 0: WORLD_WS_HANDSHAKE_TIMEOUT */
    /* Of the session: policies, instance, allow, incoming, client, leave and their owner; the rest is set here. key empty:
     * "client". */
    struct tunnel_session_options session;
};
struct tunnel_client_closed {
    const struct err *err; /* NULL: the server ended the WebSocket in order */
    bool was_open;
    world_time idle, longest_idle; /* was_open: how long nothing had gone either way; before that */
    int http_status;               /* the upgrade was refused with it; 0: it did not come to that */
    struct str http_body;
};
struct tunnel_client_handler {
    void (*open)(void *owner, struct tunnel_session *s);
    void (*closed)(void *owner, const struct tunnel_client_closed *how);
};

struct tunnel_client *tunnel_client_connect(struct world *w,
                                            const struct tunnel_client_options *options,
                                            const struct tunnel_client_handler *handler,
                                            void *owner);
void tunnel_client_close(struct tunnel_client *c);                           /* NULL is fine */
struct tunnel_session *tunnel_client_session(const struct tunnel_client *c); /* NULL: not open */
world_time tunnel_client_opened_at(const struct tunnel_client *c);           /* 0: not open */

#endif
