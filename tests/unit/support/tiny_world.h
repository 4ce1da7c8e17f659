/* tiny_world: a world for tests of engine/tunnel that is small enough to be read in a minute: virtual time, timers,
 * byte streams, listeners, name look-up, and message pipes ("wires") that carry tunnel sessions or outgoing WebSockets.
 *
 * All processes of a test share one network; each tiny_process is a `struct world` of its own with its address.
 * Ownership: everything dies with tiny_free, which fails the test when a handle is still open (leaks). */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_TINY_WORLD_H
#define PADDOCK_TESTS_UNIT_SUPPORT_TINY_WORLD_H

#include "engine/base/rng.h"
#include "engine/tunnel/session.h"
#include "engine/world/world.h"

struct tiny;
struct tiny *tiny_new(uint64_t seed);
void tiny_free(struct tiny *t);
struct world *tiny_process(struct tiny *t, const char *address); /* made at first use */
world_time tiny_now(const struct tiny *t);
uint64_t tiny_events(const struct tiny *t);
struct rng *tiny_rng(struct tiny *t);
void tiny_run(struct tiny *t, world_time duration);
bool tiny_run_until(struct tiny *t, bool (*holds)(void *arg), void *arg, world_time limit);
void tiny_after(struct tiny *t, world_time delay, void (*fire)(void *arg), void *arg);
void tiny_name(struct tiny *t, const char *name, const char *address); /* for world_dns_query */
/* A connect or a listen to "address:port", or a look-up of a name, ends so; ERR_CODE_COUNT: the name has no address. */
void tiny_fail(struct tiny *t, const char *where, enum err_code code);
void tiny_stream_fail(struct world_stream *s, enum err_code code); /* what its other end sees */
size_t tiny_open_streams(const struct tiny *t);
/* Pieces in which streams hand over bytes: random in [1, max]; 0: whole. */
void tiny_stream_pieces(struct tiny *t, size_t max);

/* A wire has two ends; each end is a transport (tiny_wire_ops) of a session or, for its dialling end, a world_ws. */
struct tiny_wire;
struct tiny_end;
extern const struct tunnel_transport tiny_wire_ops; /* transport: struct tiny_end */
struct tiny_wire *tiny_wire_new(struct tiny *t, world_time latency,
                                int64_t bytes_per_second); /* 0: unlimited */
struct tiny_end *tiny_wire_end(struct tiny_wire *wire, int which);
struct tiny_wire *tiny_end_wire(struct tiny_end *e);
void tiny_end_attach(struct tiny_end *e, const struct world_ws_handler *handler, void *owner);
void tiny_wire_cut(struct tiny_wire *wire, bool cut); /* what is sent is lost and nobody is told */
void tiny_wire_break(struct tiny_wire *wire);         /* both ends see it go down */
void tiny_wire_drop_next(struct tiny_wire *wire, int from, size_t messages); /* lose just these */
size_t tiny_end_queued(const struct tiny_end *e);
uint64_t tiny_end_pings(const struct tiny_end *e);
/* Hand-made traffic: as if the other end had sent it. */
void tiny_end_inject(struct tiny_end *e, struct str message);
/* Looks at every message that this end sends. */
void tiny_end_tap(struct tiny_end *e, void (*sent)(void *arg, struct str message), void *arg);

/* Outgoing WebSockets of any process to `address` end here: return true to take the far end (attach it), or false and
 * a status to refuse. */
struct tiny_upgrade {
    struct str path, host;
    const struct world_header *headers;
    size_t headers_n;
    size_t fragment_bytes;
    int refuse_status; /* to be set when refusing */
    const char *refuse_body;
};
void tiny_ws_serve(struct tiny *t, const char *address,
                   bool (*upgrade)(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end),
                   void *arg);
struct str tiny_upgrade_header(const struct tiny_upgrade *u,
                               const char *name); /* str_empty: absent */

#endif
