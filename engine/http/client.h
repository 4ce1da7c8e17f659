/* client: HTTP/1.1 requests over world streams with keep-alive connections kept per origin (address, TLS identity).
 *
 *   queued ─► connecting ─► sending ─► head ─► body ─► done          any state ─► failed (one `done` with an error)
 *
 * Ownership: a request handle lives until `done` returns or http_cancel. Options are copied.
 * Errors:    `done` gets NULL after a complete answer of any status, else the error (borrowed): connect errors,
 *            ERR_TIMEOUT, ERR_PROTOCOL, ERR_EOF. A request on a kept connection that the server closed before any byte
 *            of the answer is sent again once on a new one when it is idempotent (GET, HEAD, PUT, DELETE).
 * Bounds:    HTTP_CLIENT_CONNECTIONS_MAX (limits.h): beyond, a call fails with ERR_UNAVAILABLE. Idle connections are closed
 *            after 90 s. A malformed method, target or Host fails with ERR_INVALID.
 * A body may also be streamed (body_streamed): it is written by http_call_write as it comes, and such a call is never sent
 * again. While it waits for more of a body there is no deadline for the head: its owner minds who sends it.
 * A call may ask to go over to another protocol (upgrade): 101 ends it with `upgraded` instead of `done`.
 * Names are not resolved here: the address is numeric. */
#ifndef PADDOCK_ENGINE_HTTP_CLIENT_H
#define PADDOCK_ENGINE_HTTP_CLIENT_H

#include "engine/http/headers.h"
#include "engine/world/world.h"

struct http_client;
struct http_call;

#define HTTP_CLIENT_TIMEOUT (45 * NS_PER_S)

struct http_request {
    struct world_addr address;
    const struct world_tls *tls; /* NULL: plain */
    struct str host;             /* Host header */
    const char *method;
    struct str target;                  /* "/path?query" */
    const struct http_headers *headers; /* NULL: none; Host, Content-Length are ours */
    struct str body;                    /* copied */
    const char *content_type;           /* of the body; NULL: none */
    world_time timeout; /* to the end of the answer; 0: HTTP_CLIENT_TIMEOUT; < 0: none (watches) */
    world_time head_timeout; /* to the answer's head when timeout < 0; 0: HTTP_CLIENT_TIMEOUT */
    world_time idle_timeout; /* longest silence within a streamed body; 0: none */
    size_t body_bytes_max;   /* collected bodies; 0: 64 MiB */
    bool body_streamed;      /* body comes by http_call_write, then http_call_end */
    int64_t body_length;     /* of such a body; < 0: not known, it goes out in chunks */
    struct str upgrade;      /* "SPDY/3.1"; empty: none is asked for */
};

struct http_response {
    int status;
    struct http_headers headers;
    struct buf body; /* empty when streamed */
};
struct http_call_handler {
    /* The head is there; may be NULL. Return false to collect the body, true to get it piecewise through `data`. */
    bool (*head)(void *owner, const struct http_response *r);
    void (*data)(void *owner, struct str piece);
    /* Once, last; r is borrowed and NULL when no head came. */
    void (*done)(void *owner, const struct http_response *r, const struct err *err);
    /* Of a streamed body: http_call_queued fell to WORLD_STREAM_LOW or less after having been above it; may be NULL. */
    void (*drained)(void *owner);
    /* Instead of done: the server goes over to the protocol that was asked for. The stream is the owner's from here on;
     * early: what came behind the head, borrowed. */
    void (*upgraded)(void *owner, const struct http_response *r, struct world_stream *take_stream,
                     struct str early);
};

struct http_client *http_client_new(struct world *w);
void http_client_free(struct http_client *c); /* cancels everything: no callbacks */
struct http_call *http_call_start(struct http_client *c, const struct http_request *r,
                                  const struct http_call_handler *handler, void *owner);
void http_call_cancel(
    struct http_call *call); /* NULL is fine; the connection is closed if it was under way */
void http_call_pause(struct http_call *call); /* back-pressure on a streamed body */
void http_call_resume(struct http_call *call);
/* Of a streamed body. What is written after the end of the call is dropped. */
void http_call_write(struct http_call *call, struct str piece);
void http_call_end(struct http_call *call);
size_t http_call_queued(const struct http_call *call);
/* How many bytes the call's connection has copied so far on their way through this process: the difference of two
 * readings is what was copied between them. */
uint64_t http_call_copied(const struct http_call *call);
/* Closes idle kept connections, e.g. after a change of address or identity. */
void http_client_forget(struct http_client *c);
size_t http_client_connections(const struct http_client *c);
/* From now on the certificates of the last server that a TLS connection was made to are kept. */
void http_client_keep_peer(struct http_client *c);
struct str http_client_peer_pem(const struct http_client *c); /* empty: none yet */

#endif
