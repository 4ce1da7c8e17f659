/* session_internal: what session.c (life and timer), conn.c (connections), receive.c (incoming frames) and router.c share.
 *
 * Lists of a session; a connection is in
 *   all      from its making to its release
 *   ready    has something to deliver that must not be delivered from inside a call: the timer does it
 *   backlog  has queued bytes that may be sent and waits for the transport (served round robin)
 *   linger   was closed by its owner with bytes still queued (earliest deadline first: the time is the same for all)
 * and in the map `conns` while the peer may name it. */
#ifndef PADDOCK_ENGINE_TUNNEL_SESSION_INTERNAL_H
#define PADDOCK_ENGINE_TUNNEL_SESSION_INTERNAL_H

#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/tunnel/census.h"
#include "engine/tunnel/queue.h"
#include "engine/tunnel/session.h"

/* What each ping touches comes first, on few cache lines: there are many sessions, and they do little else. */
struct tunnel_session {
    struct world *w;
    const struct tunnel_transport *ops;
    void *transport; /* NULL: gone */
    struct world_timer *timer;
    world_time armed_for; /* INT64_MAX: not armed */
    world_time heard, dead_after;
    world_time used, longest_idle; /* anything last went either way; the longest pause before */
    world_time ping_every;         /* 0: the other side pings */
    world_time ping_at, sync_at;
    world_time pinged_at, ping_rtt; /* of the last ping of ours; rtt -1: none was answered yet */
    unsigned busy;                  /* callbacks under way: memory stays */
    bool ended, draining, reading_paused;
    bool pinged;              /* a ping of ours is unanswered */
    bool left;                /* the other side has gone elsewhere */
    bool ends_idle;           /* draining: connections without traffic are ended */
    world_time part_at;       /* the next step of parting: leave.c; INT64_MAX: none */
    bool echo;                /* silence after what was sent is looked into */
    uint8_t doubt;            /* enum session_doubt */
    world_time unheard_since; /* with doubt: when the first thing was sent that met silence */
    struct list ready, linger, all, backlog;
    struct tunnel_conn *recent; /* the one that the peer named last; NULL: none */
    int64_t next_id, next_conn;
    struct map conns;                /* 8-byte id → struct tunnel_conn */
    struct buf scratch;              /* the frame being sent */
    struct tunnel_session_options o; /* o.policies points to `policies` */
    struct policies policies;
    struct str key, instance; /* owned */
    uint64_t number;
    struct tunnel_census *census; /* NULL: counted nowhere */
    struct list in_census;
    enum tunnel_kind census_kind;
    uint64_t ordinal;
    world_time begun_at;
    struct tunnel_session_stats stats;
};

/* unasked ─ sent ─► waiting ─ 0.4 s: ping ─► pinged ─ 0.9 s ─► doubted ─ 1.5 s ─► given up; heard: unasked */
enum session_doubt { DOUBT_NONE, DOUBT_WAITING, DOUBT_PINGED, DOUBT_DOUBTED, DOUBT_GIVEN_UP };

enum conn_state {
    CONN_OPEN,
    CONN_LINGERING, /* closed by its owner, queue not empty */
    CONN_ENDED,     /* the peer is done with it; what it sent is being delivered */
    CONN_GONE,      /* the handle has ended; memory stays while a callback is under way */
};

struct tunnel_conn {
    struct tunnel_session *session;
    int64_t id;
    enum conn_state state;
    const struct tunnel_conn_handler *handler; /* NULL: no owner yet, or none any more */
    void *owner;
    struct list all, ready, backlog, linger;
    struct byte_queue in, out;
    struct err *why;    /* of CONN_ENDED; NULL: orderly */
    struct str last;    /* owned: text of the Error that ends a lingering connection */
    struct str forward; /* the same: client key that a peer forwards to; empty: none */
    world_time linger_until;
    world_time moved_at; /* the last byte, while its session ends idle connections */
    unsigned busy;
    bool ours;        /* we sent Connect */
    bool paused;      /* our owner does not want to read */
    bool pause_sent;  /* we told the peer to stop: our direction ... */
    bool peer_paused; /* ... and the peer told us: the other one; two flags, never one (K45) */
    bool above;       /* `drained` is owed */
    bool missed;      /* was absent from the last sync list, and younger than its newest id */
};

/* session.c */
void tunnel_session_end(struct tunnel_session *s, const struct err *why);
void tunnel_session_wake(struct tunnel_session *s,
                         world_time at); /* the timer fires at `at` or earlier */
void tunnel_session_send(struct tunnel_session *s, enum tunnel_type type, int64_t conn,
                         struct str payload);
bool tunnel_session_congested(const struct tunnel_session *s);
void tunnel_session_pump(struct tunnel_session *s);

/* doubt.c */
void tunnel_doubt_sent(struct tunnel_session *s);  /* something that should be answered was sent */
void tunnel_doubt_heard(struct tunnel_session *s); /* any sign of life */
world_time tunnel_doubt_next(const struct tunnel_session *s); /* INT64_MAX: nothing to look into */
void tunnel_doubt_fire(struct tunnel_session *s, world_time now);

/* leave.c */
void tunnel_leave_received(struct tunnel_session *s);
void tunnel_leave_fire(struct tunnel_session *s, world_time now);
void tunnel_leave_moved(struct tunnel_conn *c); /* bytes went through it */

/* conn.c */
struct tunnel_conn *tunnel_conn_new(struct tunnel_session *s, int64_t id, bool ours);
struct tunnel_conn *tunnel_conn_find(struct tunnel_session *s, int64_t id);
void tunnel_conn_receive(struct tunnel_conn *c, struct str bytes);
void tunnel_conn_peer_paused(struct tunnel_conn *c, bool paused);
/* The peer is done with it: `closed` comes once what it sent is taken. take_why NULL: orderly. */
void tunnel_conn_ended(struct tunnel_conn *c, struct err *take_why);
/* Ends it at once: `closed` comes now, whatever is buffered. */
void tunnel_conn_break(struct tunnel_conn *c, const struct err *why);
void tunnel_conn_deliver(struct tunnel_conn *c); /* from the timer */
void tunnel_conn_serve(struct tunnel_conn *c);   /* its turn: one chunk goes out */
void tunnel_conn_linger_timeout(struct tunnel_conn *c);
enum err_code tunnel_conn_error_code(struct str text);

/* receive.c */
void tunnel_session_receive(struct tunnel_session *s, struct str message);

#endif
