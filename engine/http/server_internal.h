/* server_internal: connection and exchange of the HTTP server. Private to engine/http.
 *
 *   HEAD ──► OPEN ──► (body not read to its end) SKIP ──► HEAD       any ──► dead
 *     └─ refused ──► LINGER ◄── close after the answer, body unread ──┘
 *
 * A connection has one exchange at a time, embedded: requests behind it wait in `input`. Every callback of the world
 * enters through conn_enter and leaves through conn_leave, which frees a connection that died on the way. */
#ifndef PADDOCK_ENGINE_HTTP_SERVER_INTERNAL_H
#define PADDOCK_ENGINE_HTTP_SERVER_INTERNAL_H

#include "engine/base/arena.h"
#include "engine/base/list.h"
#include "engine/http/body.h"
#include "engine/http/flow.h"
#include "engine/http/head.h"
#include "engine/http/server.h"

#define HTTP_HEAD_LIMIT       (32 * NS_PER_S)
#define HTTP_IDLE_LIMIT       (120 * NS_PER_S)
#define HTTP_STALL_LIMIT      (60 * NS_PER_S)
/* How long the rest of a refused request is read past, so that the answer is not lost to a reset. */
#define HTTP_LINGER_LIMIT     (5 * NS_PER_S)
/* A client that ended its side may still take the rest of a streamed answer, for this long. */
#define HTTP_HALF_CLOSE_LIMIT (5 * NS_PER_S)
/* What is read past of an unread body to get at the next request; beyond, the connection is closed. */
#define HTTP_SKIP_MAX         ((uint64_t)256 << 10)

enum conn_state { CONN_HEAD, CONN_OPEN, CONN_SKIP, CONN_LINGER };
enum read_mode { READ_NONE, READ_ALL, READ_STREAM };
enum answer_phase { ANSWER_NONE, ANSWER_STREAM };
enum answer_framing { FRAMING_NONE, FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_CLOSE };

struct http_exchange {
    void *data;
    void (*gone)(void *data);
    enum read_mode mode;
    bool paused;    /* by the handler */
    bool delivered; /* the end of the body was told */
    bool expects;   /* 100-continue is still owed */
    void (*on_all)(void *data, struct http_exchange *x, struct str body);
    void (*on_data)(void *data, struct http_exchange *x, struct str piece);
    void (*on_end)(void *data, struct http_exchange *x);
    struct buf whole;      /* of read_all */
    struct arena arena;    /* decoded parameters */
    world_time began;      /* its head was complete */
    struct str request_id; /* in the head or the arena; empty: nobody asked for it yet */
    enum answer_phase phase;
    enum answer_framing framing;
    uint64_t answer_left; /* of FRAMING_LENGTH */
    void (*drained)(void *data);
};

struct http_conn {
    struct list link;
    struct http_server *server;
    struct world *w;
    struct world_stream *stream; /* NULL: gone or handed over */
    struct http_alarm alarm;
    world_time since; /* of the last progress that a deadline counts from */
    enum conn_state state;
    unsigned busy; /* our frames on the stack: the memory stays */
    bool dead, pumping, kick;
    bool fresh;       /* no request yet */
    bool partial;     /* a head has begun */
    bool ended;       /* the client finished writing */
    bool close_after; /* this is the last request */
    bool stream_paused, stalling;
    uint64_t written, sent_seen; /* progress of a slow reader */
    uint64_t copied;             /* bytes of streamed answers */
    uint64_t skipped;            /* in CONN_SKIP */
    struct http_input input;
    struct http_head head;
    struct http_body body;
    struct http_exchange x;
};

struct http_server {
    struct world *w;
    struct http_server_options options;
    http_handler handler;
    void *owner;
    struct list conns;
    size_t conns_n;
    struct world_listener **listeners;
    size_t listeners_n;
    bool draining;
    uint64_t id_name, ids; /* of the request ids made here */
    struct buf out;        /* answers are put together here */
};

static inline void conn_answered(const struct http_conn *c, struct http_exchange *x, int status)
{
    if (c->server->options.answered)
        c->server->options.answered(c->server->owner, x, status);
}

/* server.c */
void conn_end(struct http_conn *c,
              bool abort); /* ends stream and connection; freed now, or when no longer busy */

/* server_conn.c */
extern const struct world_stream_handler http_conn_handler;
void conn_fire(void *owner);
void conn_arm(struct http_conn *c); /* makes sure that the alarm covers the deadline of the state */
void conn_continue(struct http_conn *c); /* what waits in the input is looked at, from the loop */
void conn_finish(struct http_conn *c);   /* the answer is complete */
void conn_lose(struct http_conn *c);     /* an open exchange gets `gone` */
void conn_write(struct http_conn *c, struct str bytes);
void conn_flow(struct http_conn *c); /* pauses or resumes the stream as the state wants it */
static inline void conn_enter(struct http_conn *c)
{
    c->busy++;
}
void conn_leave(struct http_conn *c);

/* exchange.c */
bool exchange_too_large(
    const struct http_conn *c); /* the announced length is beyond body_bytes_max */

/* What is left of the body may be read past. */
static inline bool conn_skippable(const struct http_conn *c)
{
    return c->body.kind == HTTP_BODY_CHUNKED || c->body.left <= HTTP_SKIP_MAX;
}

static inline struct http_conn *conn_of(const struct http_exchange *x)
{
    return (struct http_conn *)((uintptr_t)x - offsetof(struct http_conn, x));
}

#endif
