/* The parts of a connection: two ends (sockets) and two pipes (directions), a path between two hosts, TLS on top.
 *
 *   end 0 (client): connecting ─► [handshake] ─► open ─► closed        pipe 0: written by end 0, read by end 1
 *   end 1 (server): connecting ─► [handshake] ─► open (accepted) ─►    pipe 1: the other way
 *
 * An end has up to two lives: `app` while an instance holds the handle, and the kernel's until `gone`. Callbacks are made
 * in end_pump only, which runs from the end's `in` event. A connection is given back once nobody is left, at the end
 * of the event. */
#ifndef PADDOCK_SIM_WORLD_STREAM_INTERNAL_H
#define PADDOCK_SIM_WORLD_STREAM_INTERNAL_H

#include "sim/world/sim_internal.h"

struct mark { /* bytes up to `end` arrive at `at` */
    uint64_t end;
    world_time at;
};

#define WARM_PIPE_BYTES 128u /* a ping touches no more of a pipe */

struct sim_pipe {
    char *p;
    size_t cap;
    uint64_t
        base; /* offset in the stream of p[0]; head <= arrived <= sent <= end are such offsets too */
    uint64_t head, arrived, sent, end;
    uint64_t
        known; /* of head, what the sender has been told: its window is known + SIM_WINDOW_BYTES */

    struct mark *marks; /* a ring of marks_cap, a power of two; NULL: it is `mark` */
    uint32_t marks_first, marks_n, marks_cap;
    bool fin, fin_sent, fin_arrived, reset;
    bool stalled; /* since stalled_at */
    bool lent;    /* a callback is reading from p: it must not move */
    bool
        lent_moved; /* ... and had to be replaced by another meanwhile: lent_block is the old one */
    struct mark mark;
    world_time sent_at, last_at;

    world_time busy_until, stalled_at;
    char *lent_block;
    uint32_t stalled_tries;
};

enum end_state { END_CONNECTING, END_HANDSHAKE, END_OPEN };

struct sim_stream {
    struct world_stream base;
    struct sim_conn *conn;
    struct sim_world *world; /* NULL: its process is gone, or nobody there yet */
    const struct world_stream_handler *handler;
    void *owner;
    struct sim_tls *tls;
    struct sim_listener *listener; /* server side, until accepted */
    struct err *failure;           /* to be told to the app */
    enum end_state state;
    uint8_t side;
    bool app; /* callbacks go to the instance */
    bool
        held; /* the instance may still use the handle: longer than app when its process was killed */
    bool gone;   /* no kernel knows this end any more */
    bool orphan; /* the kernel ends it alone: nobody reads, what is queued is still sent */
    bool brief;  /* ... and does not wait for the peer's FIN: its process was killed */
    bool open_told, end_told, reading_paused, above_low, late, refused, syn_answered;
    /* Faults of HTTP at a server's end: it hears no more; half of what it writes next goes out; nothing goes out. */
    bool http_refused, http_cut, http_muted;
    uint32_t syn_tries;
    struct sim_event in;         /* arrivals and callbacks */
    struct list link;            /* in world->streams while app or not yet accepted */
    struct sim_event out, timer; /* SYN, then window updates; connect, then unacked */
};

struct sim_conn {
    struct sim *sim;
    uint64_t id;
    uint32_t pins;
    bool loopback, established, forgotten, freeing;
    uint64_t epoch; /* of what follows, sim->fault_epoch + 1 when it was looked up */
    const struct sim_link *sim_link;
    struct sim_fault **faults;
    size_t faults_n, faults_cap;
    struct rng random;
    struct sim_host *host[2];
    uint64_t bytes[2];                   /* delivered, by writer's side */
    world_time last_byte_at, answers_at; /* what the server writes arrives no sooner */
    struct sim_pipe pipes[2];
    struct sim_stream ends[2];
    struct list link; /* sim->conns, then sim->conns_free */
    world_time opened_at;
    struct world_addr address[2];
};

struct sim_listener {
    struct world_listener base;
    struct sim_world *world;
    struct world_addr address;
    void (*accept)(void *owner, struct world_stream *s);
    void *owner;
    struct list link;
    struct tls_identity *identity; /* NULL: plain */
    struct sim_host *host;
};

static inline struct sim_stream *end_other(const struct sim_stream *e)
{
    return &e->conn->ends[1 - e->side];
}
static inline struct sim_pipe *end_in(const struct sim_stream *e)
{
    return &e->conn->pipes[1 - e->side];
}
static inline struct sim_pipe *end_out(const struct sim_stream *e)
{
    return &e->conn->pipes[e->side];
}

/* ---- conn.c: life of connections ---- */
struct sim_conn *conn_new(struct sim_world *client, const struct world_addr *to);
void sim_conn_release(
    struct sim_conn *c); /* gives it back at the end of the event if nobody is left */
void conns_sweep(struct sim *sim);
void conns_free_all(struct sim *sim);
void conns_of_dead_host(struct sim_host *h);
void conn_reset_both(struct sim_conn *c); /* RST at both ends, from the middle */

/* ---- end.c: what an end does ---- */
void end_arrived(struct sim_event *e); /* fires `in` */
void end_window(struct sim_event *e);  /* fires `out` once established */
void end_timer(struct sim_event *e);
void end_poke(struct sim_stream *e); /* callbacks may be due: soon, from the loop */
void end_fail(struct sim_stream *e, bool tell_peer,
              struct err *take_err); /* `closed` with it, soon */
void end_consume(struct sim_stream *e,
                 size_t n);             /* the reader has taken n bytes: the window moves */
void end_discard(struct sim_stream *e); /* ... all that has arrived */
uint32_t end_component(const struct sim_stream *e);
void end_deliver(struct sim_stream *e, struct str bytes); /* the data callback */
void end_kernel_close(struct sim_stream *e); /* no app any more: FIN behind what is queued */
void end_kernel_abort(struct sim_stream *e, bool tell_peer);

/* ---- handshake.c: SYN and its answers ---- */
void handshake_start(struct sim_conn *c);
void handshake_step(struct sim_stream *client);
void end_accept(struct sim_stream *e); /* gives a server end to its listener's owner */

/* ---- pipe.c ---- */
void pipe_put(struct sim_pipe *p, struct str bytes);
void pipe_send(struct sim_conn *c, uint8_t side, bool even_empty); /* what the window lets go */
struct str pipe_readable(const struct sim_pipe *p);
void pipe_cut(struct sim_pipe *p); /* drops what has not been sent */
void pipe_free(struct sim_pipe *p);
void pipe_give_back(struct sim_pipe *p); /* the callback that read from it has returned */
void pipe_drained(struct sim_pipe *p);   /* gives memory back when nothing is in it */
bool pipe_pop_marks(struct sim_pipe *p, world_time now); /* true: something came in */
world_time pipe_next(const struct sim_pipe *p);          /* arrival of the first mark; -1: none */

/* ---- path.c ---- */
bool path_blocked(struct sim_conn *c, uint8_t from, bool count);
world_time path_delay(struct sim_conn *c, uint8_t from, size_t bytes, world_time rto);
/* The fault's two ends are the connection's two hosts, in either direction. */
bool path_matches(const struct sim_conn *c, const struct sim_fault *f);
void path_established(struct sim_conn *c); /* faults that act on connections */

/* ---- http.c ---- */
/* Faults of HTTP meet what came in at a server's end; true: the server is not to hear of it. */
bool http_lies(struct sim_stream *e, struct str bytes);
/* The request without its header Upgrade; false: it is as it was. */
bool http_strips(struct sim_stream *e, struct str bytes, struct buf *out);
/* What a server wrote was cut in its middle: nothing more goes out. */
void http_cut_here(struct sim_stream *e);

/* ---- tls.c ---- */
struct tls_identity;
/* Parsed once for each distinct text; they live as long as sim. */
struct err *tls_identity_get(struct sim *sim, const struct world_tls *tls,
                             struct tls_identity **out) must_check;
struct err *tls_client_new(struct sim *sim, const struct world_tls *tls, struct str host,
                           struct sim_tls **out) must_check;
struct sim_tls *tls_server_new(struct tls_identity *id);
void tls_store_free(struct sim *sim);
void tls_free(struct sim_tls *tls);
void tls_hello(struct sim_stream *e);      /* client: TCP is up */
bool tls_read(struct sim_stream *e);       /* one record; false: none that may be taken now */
bool tls_ended(const struct sim_tls *tls); /* close_notify has come */
void tls_write(struct sim_stream *e, struct str bytes);
void tls_shutdown(struct sim_stream *e);
size_t tls_waiting(const struct sim_tls *tls); /* bytes that wait for the handshake's end */
struct str tls_peer_pem(struct sim_tls *tls);

/* ---- stream.c, listen.c: world.h's functions ---- */
struct world_stream *sim_stream_connect(struct world *w, const struct world_connect *o,
                                        const struct world_stream_handler *h, void *owner);
void sim_stream_attach(struct world_stream *s, const struct world_stream_handler *h, void *owner);
void sim_stream_write(struct world_stream *s, struct str bytes);
size_t sim_stream_queued(const struct world_stream *s);
void sim_stream_shutdown(struct world_stream *s);
void sim_stream_pause(struct world_stream *s);
void sim_stream_resume(struct world_stream *s);
void sim_stream_close(struct world_stream *s);
void sim_stream_abort(struct world_stream *s);
struct world_addr sim_stream_peer(const struct world_stream *s);
struct world_addr sim_stream_local(const struct world_stream *s);
struct str sim_stream_peer_pem(const struct world_stream *s);
void streams_kill(struct sim_world *w, bool power_loss);
void streams_resume(struct sim_world *w);
void streams_free(struct sim_world *w);

struct err *sim_listen(struct world *w, const struct world_listen *o,
                       void (*accept)(void *, struct world_stream *), void *owner,
                       struct world_listener **out) must_check;
uint16_t sim_listener_port(const struct world_listener *l);
struct err *sim_listener_set_tls(struct world_listener *l, const struct world_tls *tls) must_check;
void sim_listener_close(struct world_listener *l);
void listeners_kill(struct sim_world *w);
void listeners_free(struct sim_world *w);

bool host_bind(struct sim_host *h, uint16_t port, struct sim_listener *l); /* false: taken */
void host_unbind(struct sim_host *h, uint16_t port);
uint16_t host_free_port(struct sim_host *h);

#endif
