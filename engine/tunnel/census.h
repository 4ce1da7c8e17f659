/* census: the tunnel sessions of a process: those that are open, in order of their arrival, and the sums over all that
 * there were. For whoever looks (metrics, /debug/state): nothing decides by it.
 *
 * Ownership: the sessions are not owned: each leaves by itself when it ends. The census outlives them. */
#ifndef PADDOCK_ENGINE_TUNNEL_CENSUS_H
#define PADDOCK_ENGINE_TUNNEL_CENSUS_H

#include "engine/base/list.h"
#include "engine/base/metrics.h"
#include "engine/tunnel/session.h"

enum tunnel_kind {
    TUNNEL_OF_CLIENT, /* an agent dialled it */
    TUNNEL_OF_PEER,   /* another replica dialled it */
    TUNNEL_TO_PEER,   /* we dialled it to another replica */
    TUNNEL_TO_SERVER, /* the same, as an agent */
    TUNNEL_KINDS,
};
const char *tunnel_kind_name(enum tunnel_kind kind); /* "client", "peer-in", "peer-out", "server" */

struct tunnel_census {
    struct list sessions;
    uint64_t begun[TUNNEL_KINDS];
    size_t open[TUNNEL_KINDS];
    struct tunnel_session_stats over; /* of the sessions that have ended */
    struct metric_histogram ping_rtt; /* from a ping of ours to its pong */
};
void tunnel_census_init(struct tunnel_census *c);
/* Over all sessions, those that have ended included. */
struct tunnel_session_stats tunnel_census_stats(const struct tunnel_census *c);

/* One session, as it is shown. */
struct tunnel_census_row {
    struct tunnel_session *session;
    uint64_t ordinal; /* from 1, in order of arrival; never used again */
    enum tunnel_kind kind;
    world_time age, silence; /* since it began, since its last sign of life */
    world_time ping_rtt;     /* of the last ping of ours; -1: none was answered yet */
};
/* The next open session whose ordinal is beyond `after`, in order of ordinals; false: there is none. Cost: O(sessions)
 * for the first one, O(1) for the one behind *row. */
bool tunnel_census_next(const struct tunnel_census *c, uint64_t after,
                        struct tunnel_census_row *row);

/* The sessions' side. */
void tunnel_census_enter(struct tunnel_census *c, struct tunnel_session *s, enum tunnel_kind kind);
void tunnel_census_leave(struct tunnel_session *s);  /* no-op when it is in none */
void tunnel_census_pinged(struct tunnel_session *s); /* a ping of ours goes out now */
void tunnel_census_pong(struct tunnel_session *s);   /* an answer came */

#endif
