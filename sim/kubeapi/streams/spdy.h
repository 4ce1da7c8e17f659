/* spdy: the server's side of one SPDY/3.1 session: streams that the client opens, data both ways, pings answered. I/O-free:
 * bytes come by spdy_feed, what is to be sent collects in `out`, which the owner empties. No windows: Kubernetes' library
 * keeps none, so back-pressure is the connection's. Private to this folder.
 *
 *   stream: OPEN ─► (client FIN) ─► (our FIN) ─► gone        any ─► reset ─► gone
 *
 * Bounds: SPDY_STREAMS_MAX streams at a time (more: refused), and those of spdy_frames.h. */
#ifndef PADDOCK_SIM_KUBEAPI_STREAMS_SPDY_H
#define PADDOCK_SIM_KUBEAPI_STREAMS_SPDY_H

#include "engine/base/list.h"
#include "sim/kubeapi/streams/spdy_frames.h"

#define SPDY_STREAMS_MAX 2048u
#define SPDY_DATA_MAX    ((size_t)32 << 10) /* of a frame that we send */

struct spdy;
struct spdy_stream {
    struct list link;
    uint32_t id;
    bool in_ended, out_ended;
    void *user; /* the owner's */
};
/* Every pointer to a stream is invalid behind `gone`. */
struct spdy_handler {
    bool (*opened)(void *owner, struct spdy_stream *st, const struct spdy_pair *headers,
                   size_t n); /* false: refused, and forgotten */
    void (*data)(void *owner, struct spdy_stream *st, struct str bytes);
    void (*ended)(void *owner, struct spdy_stream *st); /* the client writes no more */
    void (*gone)(void *owner, struct spdy_stream *st);
};

struct spdy *spdy_new(const struct spdy_handler *handler, void *owner);
void spdy_free(struct spdy *s); /* NULL is fine; streams are not told of */
/* False: what came is not SPDY, or beyond a bound: the connection has to end. */
bool spdy_feed(struct spdy *s, struct str bytes);
struct buf *spdy_out(struct spdy *s);
bool spdy_going(const struct spdy *s); /* the client has said that it goes away */

void spdy_send(struct spdy *s, struct spdy_stream *st, struct str bytes);
void spdy_finish(struct spdy *s, struct spdy_stream *st); /* FIN; may be its end */
void spdy_reset(struct spdy *s, struct spdy_stream *st);
void spdy_goodbye(struct spdy *s); /* GOAWAY */

/* The value of a header; empty: absent. Names are compared without regard to case. */
struct str spdy_header(const struct spdy_pair *headers, size_t n, const char *name);

#endif
