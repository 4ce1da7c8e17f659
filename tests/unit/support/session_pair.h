/* session_pair: two tunnel sessions on the ends of a simulated wire, the server's and the client's, with owners of
 * connections that record what happens to them, and the frames that pass as text. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_SESSION_PAIR_H
#define PADDOCK_TESTS_UNIT_SUPPORT_SESSION_PAIR_H

#include "engine/tunnel/session.h"
#include "tests/unit/support/tiny_world.h"

#define MS NS_PER_MS
#define S  NS_PER_S

/* A connection's owner. */
struct peer {
    struct tunnel_conn *conn; /* NULL: closed */
    struct buf got;
    unsigned closes, drains;
    int code; /* of the end; -1: in order */
    char text[128];
    bool pause_on_data, echo, close_on_data, close_session_on_data;
    struct tunnel_session *session;
    world_time got_at;
    struct tiny *t;
};

extern const struct tunnel_conn_handler peer_handler;

#define FAR_MAX 64u
struct pair {
    struct tiny *t;
    struct world *wa, *wb;
    struct tiny_wire *wire;
    struct tunnel_session *server, *client; /* NULL: closed */
    struct peer far[FAR_MAX]; /* the agent's ends, in order of arrival; the last has all others */
    size_t far_n;
    int server_code, client_code; /* of the sessions' ends; 0: open, -1: without an error */
    struct policies policies;
};

/* rate: bytes a second of the wire; 0: as fast as can be. */
struct pair *pair_new(struct policies policies, world_time latency, int64_t rate);
/* Two new sessions on a new wire. */
void pair_connect(struct pair *p, world_time latency, int64_t rate);
void pair_free(struct pair *p);
/* From the server to an address on the client's side. */
void pair_dial(struct pair *p, struct peer *near, const char *address);
/* A frame that no session made, as if this end had sent it. */
void pair_inject(struct pair *p, int end, enum tunnel_type type, int64_t conn, struct str payload);
void conn_write_n(struct tunnel_conn *c, size_t n, char fill);

struct frame_log {
    struct buf text; /* "connect 2 tcp/x\n" ... */
};
void frame_log_add(void *log, struct str message);

#endif
