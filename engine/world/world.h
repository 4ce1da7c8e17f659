/* world: everything that the engine can reach: clock, timers, randomness, DNS, byte streams, outgoing WebSockets, files
 * and CPU work. There are two implementations: engine/world/uv (real) and sim/world (simulated). One `struct world` is
 * the view of one process: it has an address, a resolver, a random stream and files of its own.
 *
 * Threads:   none. Every callback runs from the world's loop, never from inside the call that started the operation
 *            (a timer of 0, a refused connect, a file that is missing: all answer later).
 * Ownership: every handle is opaque and belongs to the world; who made it ends it. Each callback carries its owner's
 *            pointer. Strings and options are copied; bytes given to a callback are borrowed for the call.
 * Ending:    x_close / x_cancel / x_free may be called at any time, also inside any callback of the same handle; from
 *            then on no callback of the handle comes and the pointer is invalid. A `closed` callback is the handle's
 *            last: the pointer is invalid once it returns, and must not be closed again. Cancel of NULL is a no-op.
 * Errors:    a struct err given to a callback is borrowed for the call.
 * Crash:     when a simulated process dies, none of its callbacks runs any more and every call on its world is without
 *            effect; its instance is then destroyed in the ordinary way to give its memory back. */
#ifndef PADDOCK_ENGINE_WORLD_WORLD_H
#define PADDOCK_ENGINE_WORLD_WORLD_H

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/timefmt.h"

typedef int64_t world_time; /* ns */

struct world;

/* ---- clocks ---- */
world_time world_now(struct world *w); /* monotonic, from an arbitrary start; read once per event */
world_time world_wall(struct world *w); /* ns since 1970 UTC; may be skewed and may jump */

/* ---- randomness ---- */
void world_random(struct world *w, void *bytes, size_t n);
uint64_t world_random_below(struct world *w, uint64_t n);      /* uniform in [0, n), n > 0 */
world_time world_random_time(struct world *w, world_time max); /* uniform in [0, max]: jitter */
/* A point where a rare but legal choice can be made likelier; always false in the real world. */
bool world_maybe(struct world *w, const char *name);

/* ---- timers: made stopped, one shot, may be started again at any time (that moves it) ---- */
struct world_timer;
struct world_timer *world_timer_new(struct world *w, void (*fire)(void *owner), void *owner);
void world_timer_start(struct world_timer *t, world_time delay); /* < 0 counts as 0 */
void world_timer_stop(struct world_timer *t);
bool world_timer_active(const struct world_timer *t);
void world_timer_free(struct world_timer *t);

/* ---- addresses ---- */
#define WORLD_HOST_BYTES 64u
struct world_addr {
    char host[WORLD_HOST_BYTES]; /* numeric IPv4 or IPv6, without brackets, NUL-terminated */
    uint16_t port;
};
struct world_addr world_addr_make(struct str host, uint16_t port); /* cut at WORLD_HOST_BYTES - 1 */
bool world_addr_eq(const struct world_addr *a, const struct world_addr *b);
void world_addr_print(const struct world_addr *a,
                      struct buf *out); /* "10.0.0.1:443", "[::1]:443" */
bool world_host_is_numeric(struct str host);
struct str world_own_address(struct world *w); /* this process's address as its peers see it */

/* ---- DNS: one question to the process's resolver ---- */
#define WORLD_DNS_ADDRESSES_MAX 16u
struct world_dns_answer {
    size_t n;
    char host[WORLD_DNS_ADDRESSES_MAX][WORLD_HOST_BYTES];
    uint32_t ttl_s; /* least over the CNAME chain; of a negative answer: the SOA's (RFC 2308) */
};
struct world_dns;
/* On success err is NULL; else ERR_DNS_NXDOMAIN, _SERVFAIL or _TIMEOUT, and answer->ttl_s says how long the negative
 * answer may be kept. A numeric name answers itself. The handle is invalid after `done`. */
typedef void (*world_dns_done)(void *owner, const struct world_dns_answer *answer,
                               const struct err *err);
struct world_dns *world_dns_query(struct world *w, struct str name, world_time timeout,
                                  world_dns_done done, void *owner);
void world_dns_cancel(struct world_dns *q);

/* ---- byte streams, plain or TLS ---- */
struct world_tls {
    struct str server_name; /* client: SNI and the name that the certificate must carry */
    struct str ca_pem;      /* client: trust exactly these anchors; empty: the system's store */
    bool insecure;          /* client: the chain is not verified at all */
    bool ignore_name;       /* client: the chain is verified, the name is not */
    struct str cert_pem,
        key_pem; /* server: its identity (chain, leaf first); client: its certificate, or empty */
    struct str
        client_ca_pem; /* server: ask for a client certificate, verify against these; empty: do not ask */
    struct str alpn; /* one protocol, e.g. "http/1.1"; empty: none */
};

struct world_stream;
struct world_stream_handler {
    void (*open)(
        void *owner); /* connecting side: TCP and TLS are up; not called on accepted streams */
    void (*data)(void *owner, struct str bytes);
    void (*end)(void *owner); /* the peer finished writing; we may still write */
    void (*drained)(
        void *owner); /* queued bytes fell to WORLD_STREAM_LOW or less after having been above it */
    void (*closed)(void *owner, const struct err *err); /* NULL: both sides ended in order */
};
#define WORLD_STREAM_LOW             ((size_t)64 << 10)
#define WORLD_STREAM_CONNECT_TIMEOUT (10 * NS_PER_S)

struct world_connect {
    struct world_addr address;
    const struct world_tls *tls; /* NULL: plain */
    world_time timeout;          /* TCP and TLS together; 0: WORLD_STREAM_CONNECT_TIMEOUT */
};
struct world_stream *world_stream_connect(struct world *w, const struct world_connect *options,
                                          const struct world_stream_handler *handler, void *owner);
/* Takes over the callbacks from here on (also how an accepted stream gets its owner). The handler outlives the stream. */
void world_stream_attach(struct world_stream *s, const struct world_stream_handler *handler,
                         void *owner);
/* Copies. Before `open` it queues. Writing after shutdown is a bug. */
void world_stream_write(struct world_stream *s, struct str bytes);
size_t world_stream_queued(const struct world_stream *s); /* accepted by write and not yet sent */
void world_stream_shutdown(
    struct world_stream *s); /* half-close behind what is queued; idempotent */
void world_stream_pause(
    struct world_stream *s); /* no data or end callback until resume: back-pressure to the peer */
void world_stream_resume(struct world_stream *s);
/* Ends the handle. What is queued is still sent, then FIN (an orderly close). */
void world_stream_close(struct world_stream *s);
/* Ends the handle and the connection at once: RST, queued bytes are lost. */
void world_stream_abort(struct world_stream *s);
struct world_addr world_stream_peer(const struct world_stream *s);
struct world_addr world_stream_local(const struct world_stream *s);
/* The verified TLS peer's certificate chain, leaf first, PEM; empty when there is none. Borrowed from the stream. */
struct str world_stream_peer_pem(const struct world_stream *s);

struct world_listener;
struct world_listen {
    struct world_addr
        address; /* port 0: any free one; host "0.0.0.0": every address of the process */
    const struct world_tls *tls; /* NULL: plain */
};
/* `accept` attaches a handler to the stream, or ends it, before it returns. TLS handshakes are done by then. */
struct err *world_listen(struct world *w, const struct world_listen *options,
                         void (*accept)(void *owner, struct world_stream *s), void *owner,
                         struct world_listener **out) must_check;
uint16_t world_listener_port(const struct world_listener *l);
/* New identity for handshakes from now on; existing connections go on. */
struct err *world_listener_set_tls(struct world_listener *l,
                                   const struct world_tls *tls) must_check;
void world_listener_close(struct world_listener *l); /* accepted streams go on */

/* ---- outgoing WebSockets (RFC 6455, no extensions, no sub-protocol) ---- */
struct world_header {
    struct str name, value;
};
struct world_ws_connect {
    struct world_addr address;          /* where to connect */
    struct str host;                    /* Host header, e.g. "manager.example.test:8443" */
    struct str path;                    /* with query, e.g. "/v3/connect" */
    const struct world_tls *tls;        /* NULL: ws */
    const struct world_header *headers; /* extra request headers */
    size_t headers_n;
    world_time timeout;       /* whole handshake; 0: WORLD_WS_HANDSHAKE_TIMEOUT */
    size_t message_bytes_max; /* 0: WORLD_WS_MESSAGE_MAX; a longer message closes with 1009 */
    size_t fragment_bytes; /* outgoing messages are cut into frames of at most this; 0: one frame */
};
#define WORLD_WS_HANDSHAKE_TIMEOUT (10 * NS_PER_S)
#define WORLD_WS_MESSAGE_MAX       ((size_t)64 << 20)
#define WORLD_WS_REFUSAL_BYTES_MAX 4096u

struct world_ws_closed {
    const struct err
        *err; /* NULL: a close handshake took place, or the peer just ended the stream in order */
    int http_status; /* the server refused the upgrade with this status; 0: it did not come to that */
    struct str http_body; /* of that refusal, at most WORLD_WS_REFUSAL_BYTES_MAX of it */
    uint16_t code;        /* RFC 6455 close code; 1006: none was received */
    struct str reason;
};
struct world_ws;
struct world_ws_handler {
    void (*open)(void *owner);
    void (*message)(void *owner, bool text, struct str payload); /* whole, reassembled */
    void (*ping)(void *owner, struct str payload); /* has been answered already; may be NULL */
    void (*pong)(void *owner, struct str payload); /* may be NULL */
    void (*drained)(void *owner);                  /* as for streams; may be NULL */
    void (*closed)(void *owner, const struct world_ws_closed *how);
};
struct world_ws *world_ws_connect(struct world *w, const struct world_ws_connect *options,
                                  const struct world_ws_handler *handler, void *owner);
void world_ws_send(struct world_ws *ws, bool text,
                   struct str payload);                      /* copies; only after open */
void world_ws_ping(struct world_ws *ws, struct str payload); /* at most 125 bytes */
size_t world_ws_queued(const struct world_ws *ws);
/* Ends the handle; a Close frame is sent behind the queue. */
void world_ws_close(struct world_ws *ws, uint16_t code, struct str reason);
void world_ws_abort(struct world_ws *ws); /* ends the handle and the connection at once */
void world_ws_pause(struct world_ws *ws); /* nothing is read until resume */
void world_ws_resume(struct world_ws *ws);
struct world_addr world_ws_peer(const struct world_ws *ws);

/* ---- files (small ones: configuration, certificates, state) ---- */
#define WORLD_FILE_BYTES_MAX ((size_t)16 << 20)
struct world_file;
/* content is empty for writes. ERR_NOT_FOUND: no such file. The handle is invalid after `done`. */
typedef void (*world_file_done)(void *owner, struct str content, const struct err *err);
struct world_file *world_file_read(struct world *w, struct str path, world_file_done done,
                                   void *owner);
/* Write beside, fsync, rename, fsync the folder: the file is always old or new. Missing folders are made (0700). */
struct world_file *world_file_write(struct world *w, struct str path, struct str content,
                                    uint32_t mode, world_file_done done, void *owner);
struct world_file *world_file_remove(struct world *w, struct str path, world_file_done done,
                                     void *owner);
/* Names in a folder, one per line, in byte order. */
struct world_file *world_file_list(struct world *w, struct str path, world_file_done done,
                                   void *owner);
void world_file_cancel(struct world_file *f); /* the operation may still take effect */
struct world_watch;
/* `changed` comes (coalesced) after the file's content changed or the file came or went. */
struct world_watch *world_file_watch(struct world *w, struct str path, void (*changed)(void *owner),
                                     void *owner);
void world_watch_close(struct world_watch *watch);

/* ---- CPU work: `run` must not touch shared state nor the world; `done` runs on the loop ---- */
struct world_work;
struct world_work *world_work(struct world *w, void (*run)(void *job), void (*done)(void *job),
                              void *job);
/* `done` will not come. `run` may be under way elsewhere: `release` is called on the loop once it is not, and is the
 * moment to free the job. */
void world_work_cancel(struct world_work *work, void (*release)(void *job));

/* ---- the process ---- */
struct str world_env(struct world *w,
                     const char *name); /* environment variable; str_empty: unset */
struct log_sink *world_log(struct world *w);
/* The process wants to end (the original exits and its supervisor starts it again). The instance does nothing more
 * after this call; its owner is told and destroys it from outside, later. */
void world_exit(struct world *w, int status);
/* A named fact for the trace and the report, e.g. ("tunnel.open", "c-1", "10.0.0.1"). No effect on the run. */
void world_note(struct world *w, const char *kind, struct str key, struct str value);

#endif
