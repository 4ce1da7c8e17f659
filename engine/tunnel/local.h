/* local: a listener on 127.0.0.1, by default with a port of its own, whose every stream becomes a tunnel connection to one address
 * behind one client: how the server's HTTP client reaches a downstream API.
 *
 *   accepted ─► joined ─► local end: up to 5 s of silence for the rest of the answer ─► gone
 *                  └─ either side closed, errored, or the session ended ─► gone (an error resets the stream)
 *
 * Policy connect.hedge: handshake: while nothing has come back and all that was sent is a TLS ClientHello, it is sent by
 * another session as well after 0.3 s, or at once when the first fails; who answers first has the stream. What a user
 * asks is never sent twice: that comes behind the far side's answer.
 * Back-pressure goes both ways. A stream for which no session is found is reset; the cause is kept for its user.
 * Ownership: the listener owns its pairs; tunnel_local_free ends them all.
 * Source: fixtures/incidents.yaml#K14. */
#ifndef PADDOCK_ENGINE_TUNNEL_LOCAL_H
#define PADDOCK_ENGINE_TUNNEL_LOCAL_H

#include "engine/tunnel/router.h"

#define TUNNEL_LOCAL_HALF_CLOSE_SILENCE (5 * NS_PER_S)

struct tunnel_local;
struct tunnel_local_options {
    struct str key, proto, address; /* "c-abcde", "tcp", "10.43.0.1:443" */
    struct world_addr listen;       /* all zero: 127.0.0.1, any free port */
};
struct tunnel_local_stats {
    uint64_t accepted, failed;     /* failed: no session, or the connection ended with an error */
    uint64_t bytes_up, bytes_down; /* into the tunnel, out of it */
    uint64_t hedged;               /* second ways that were begun */
    size_t open;
};

struct err *tunnel_local_new(struct world *w, struct tunnel_router *r,
                             const struct tunnel_local_options *options,
                             struct tunnel_local **out) must_check;
void tunnel_local_free(struct tunnel_local *l); /* NULL is fine */
uint16_t tunnel_local_port(const struct tunnel_local *l);
/* For streams from now on; existing ones go on. */
void tunnel_local_set_target(struct tunnel_local *l, struct str proto, struct str address);
struct tunnel_local_stats tunnel_local_stats(const struct tunnel_local *l);
const struct err *
tunnel_local_last_error(const struct tunnel_local *l); /* borrowed; NULL: none yet */

#endif
