/* server: HTTP/1.1 (RFC 9112) on accepted world streams: keep-alive, pipelining, chunked both ways, 100-continue, Upgrade.
 *
 *   accepted ─► reading head ─► handler(exchange) ─► body ─► answered ─► (keep-alive) reading head ...
 *                   └─ bad input: 400, 413, 431, 501, 505 and close        └─► upgraded: the stream is the handler's
 *
 * Refused as smuggling: Content-Length with Transfer-Encoding, a repeated Content-Length, a missing or repeated Host,
 * obs-fold, bare CR/LF, blanks before a colon, Transfer-Encoding other than exactly "chunked".
 * Ownership: an exchange belongs to the server; the handler answers it exactly once (now or later), after which, or
 *            after `gone`, the pointer is invalid. Requests of one connection are answered in order.
 *            Everything may be ended or freed inside any callback.
 * Bounds:    options below. Deadlines: head 32 s, idle keep-alive 120 s, body stalled 60 s, a reader that takes nothing of a
 *            streamed answer 60 s, a streamed answer to a client that ended its side 5 s after the last write.
 * A body is read only when asked for (read_all, or stream) and 100-continue is sent only then; back-pressure both ways. */
#ifndef PADDOCK_ENGINE_HTTP_SERVER_H
#define PADDOCK_ENGINE_HTTP_SERVER_H

#include "engine/http/headers.h"
#include "engine/world/world.h"

struct http_server;
struct http_exchange;

struct http_server_options {
    size_t header_bytes_max; /* 0: 64 KiB; beyond: 431 */
    size_t body_bytes_max;   /* for read_all; 0: 3 MiB; beyond: 413 */
    const char *too_large;   /* the JSON document of that 413; NULL: a line of text */
    /* Every answer when it begins, also 101, with the handler's owner; NULL: nobody wants to know. x is NULL for what the
     * server refused before there was a request, or while its body came. */
    void (*answered)(void *owner, struct http_exchange *x, int status);
};
/* Called when the head of a request is complete. */
typedef void (*http_handler)(void *owner, struct http_exchange *x);

/* Serves streams given to http_server_accept (e.g. from world_listen's accept callback). */
struct http_server *http_server_new(struct world *w, const struct http_server_options *options,
                                    http_handler handler, void *owner);
void http_server_accept(struct http_server *s, struct world_stream *take_stream);
/* Convenience: world_listen with http_server_accept as its callback; the listener is closed with the server. */
struct err *http_server_listen(struct http_server *s, const struct world_listen *options,
                               struct world_listener **out) must_check;
size_t http_server_connections(const struct http_server *s);
/* No new requests: idle connections are closed, busy ones after their answer (with Connection: close). */
void http_server_drain(struct http_server *s);
void http_server_free(
    struct http_server *s); /* aborts all connections; open exchanges get `gone` */

/* ---- the request ---- */
struct str http_method(const struct http_exchange *x);
struct str http_target(const struct http_exchange *x); /* as sent: path?query */
struct str http_path(const struct http_exchange *x);   /* raw, up to '?' */
struct str http_query(const struct http_exchange *x);  /* raw, without '?' */
const struct http_headers *http_request_headers(const struct http_exchange *x);
/* The first query parameter of that name, percent-decoded into the exchange's memory. False: absent. */
bool http_query_param(struct http_exchange *x, const char *name, struct str *value);
/* What it is called on the log of every hop: the X-Request-Id that came with it if that is one field of at most
 * HTTP_REQUEST_ID_MAX letters, digits, '-', '_' and '.'; else one of our own making. As long as x. */
#define HTTP_REQUEST_ID_MAX 64u
struct str http_request_id(struct http_exchange *x);
struct str
http_request_id_given(const struct http_exchange *x); /* empty: none that is well-formed */
world_time http_age(const struct http_exchange *x);   /* since its head was complete */
struct world *http_world(const struct http_exchange *x);
/* For the peer's address and certificate. */
struct world_stream *http_stream(struct http_exchange *x);
/* `gone`: the connection ended before the answer was complete; x is invalid after it. May be NULL. */
void http_exchange_set(struct http_exchange *x, void *data, void (*gone)(void *data));

/* Whole body, at most body_bytes_max; borrowed until x is answered. When it is too large, malformed or does not come, the
 * server answers itself (413, 400, 408) and x gets `gone`. `done` comes from the loop, never from inside this call. */
void http_read_all(struct http_exchange *x,
                   void (*done)(void *data, struct http_exchange *x, struct str body));
/* Streaming: `data` for each piece; `end` once. The handler may pause and resume reading. */
void http_read_stream(struct http_exchange *x,
                      void (*data)(void *data, struct http_exchange *x, struct str piece),
                      void (*end)(void *data, struct http_exchange *x));
void http_read_pause(struct http_exchange *x);
void http_read_resume(struct http_exchange *x);

/* ---- the answer ---- */
/* Complete: Content-Length is set. headers may be NULL. content_type may be NULL when body is empty. */
void http_answer(struct http_exchange *x, int status, const char *content_type,
                 const struct http_headers *headers, struct str body);
/* Streaming: chunked, or until close for HTTP/1.0, or by length when headers hold a Content-Length (then exactly that
 * much must be written). Headers are sent at once. Connection and Transfer-Encoding of headers are ignored, but for
 * "Connection: close". */
void http_answer_start(struct http_exchange *x, int status, const struct http_headers *headers);
void http_answer_write(struct http_exchange *x, struct str piece);
size_t http_answer_queued(const struct http_exchange *x);
/* As http_call_copied: of the exchange's connection. */
uint64_t http_exchange_copied(const struct http_exchange *x);
void http_answer_on_drained(struct http_exchange *x, void (*drained)(void *data));
void http_answer_end(struct http_exchange *x);   /* the final chunk */
void http_answer_abort(struct http_exchange *x); /* the client sees a cut connection */

/* Upgrade: writes `101` with these headers and gives the raw stream to the caller together with bytes that were read
 * beyond the head (borrowed for the call: early). x is invalid afterwards. */
struct world_stream *http_upgrade(struct http_exchange *x, const struct http_headers *headers,
                                  struct buf *early);

#endif
