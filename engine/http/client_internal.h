/* client_internal: origins, connections and calls of the HTTP client. Private to engine/http.
 *
 *   connection: CONNECTING ─► BUSY ◄─► IDLE        any ─► dead (when busy with a call: the call fails or is sent again)
 *
 * A call has a connection from its start on; without one (a malformed request, too many connections) it waits in
 * `stillborn` for the loop to fail it. The answer is read into the connection's buffers: they serve call after call. */
#ifndef PADDOCK_ENGINE_HTTP_CLIENT_INTERNAL_H
#define PADDOCK_ENGINE_HTTP_CLIENT_INTERNAL_H

#include "engine/base/list.h"
#include "engine/http/body.h"
#include "engine/http/client.h"
#include "engine/http/flow.h"
#include "engine/http/head.h"
#include "engine/http/limits.h"

#define HTTP_CLIENT_IDLE_LIMIT                                                                     \
    (90 * NS_PER_S) /* less than servers keep: the race is theirs to lose seldom */

enum client_state { CLIENT_CONNECTING, CLIENT_BUSY, CLIENT_IDLE };

struct http_origin {
    struct list link;
    struct world_addr address;
    bool has_tls;
    struct world_tls tls;   /* strings owned */
    struct list idle;       /* most recently used first */
    size_t idle_n, conns_n; /* freed with its last connection */
};

struct http_client {
    struct world *w;
    struct list origins, conns, stillborn;
    size_t conns_n;
    struct world_timer *fail_timer; /* for stillborn calls */
    struct buf out;                 /* requests and chunks are put together here */
    bool keep_peer;
    struct str peer_pem; /* owned; of the last handshake, if it is kept */
};

struct client_conn {
    struct list link, idle_link;
    struct http_client *client;
    struct http_origin *origin;
    struct world *w;
    struct world_stream *stream;
    struct http_alarm alarm;
    enum client_state state;
    unsigned busy;
    bool dead, pumping, kick;
    bool used; /* has carried a call to its end */
    bool no_reuse, stream_paused;
    bool in_body;   /* the head of the answer is there */
    bool got_bytes; /* of the answer to the present call */
    bool ended;
    unsigned interim;
    world_time since; /* last byte of the answer */
    uint64_t copied;  /* bytes of streamed bodies */
    struct http_input input;
    struct http_head head;
    struct http_body body;
    struct http_response response; /* headers are those of head, borrowed */
    struct http_call *call;
};

struct http_call {
    struct list link; /* in stillborn */
    struct http_client *client;
    struct client_conn *conn;
    const struct http_call_handler *handler;
    void *owner;
    bool is_head, idempotent, streamed, paused, finished, has_head;
    bool upgrades; /* asks for another protocol */
    bool sending;  /* its streamed body has not ended */
    bool chunked;
    bool stream_body;
    uint64_t body_left;               /* of a streamed body of known length */
    world_time head_timeout, sent_at; /* of a call with a streamed body: its last progress */
    struct str again;                 /* owned: the request, to be sent once more */
    world_time deadline, head_deadline, idle_timeout; /* 0: none */
    size_t body_bytes_max;
    struct err *err; /* of a stillborn call */
};

/* client.c */
struct client_conn *client_conn_open(struct http_client *c, struct http_origin *o);
void client_conn_end(struct client_conn *conn, bool abort);
void client_leave(struct client_conn *conn);
static inline void client_enter(struct client_conn *conn)
{
    conn->busy++;
}

/* client_conn.c */
extern const struct world_stream_handler client_stream_handler;
void client_fire(void *owner);
void client_conn_start(struct client_conn *conn,
                       struct http_call *call); /* the request has been written */

/* origin.c */
struct http_origin *origin_get(struct http_client *c, const struct world_addr *address,
                               const struct world_tls *tls);
void origin_release(struct http_origin *o); /* frees it when it has no connection */

void call_destroy(struct http_call *call);

#endif
