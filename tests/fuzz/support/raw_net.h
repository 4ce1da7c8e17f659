/* raw_net: a small simulated world for fuzz targets: two processes, and at one end of a stream nobody but the input's
 * bytes, sent in pieces. Header only. */
#ifndef PADDOCK_TESTS_FUZZ_SUPPORT_RAW_NET_H
#define PADDOCK_TESTS_FUZZ_SUPPORT_RAW_NET_H

#include "engine/world/world.h"
#include "sim/world/process.h"

#include "engine/base/timefmt.h"

#define RAW_PORT  80
#define RAW_CALLS 4u /* connections that are answered; a client that tries for ever ends there */

struct raw_net {
    struct sim *sim;
    struct world *server, *client;
    struct world_stream *stream; /* of the raw end; NULL: none */
    struct world_listener *listener;
    struct str head, bytes; /* sent first; then the input */
    size_t piece;
    unsigned calls;
    bool keep; /* the stream stays open behind the bytes */
    void (*on_bytes)(struct raw_net *net, struct str seen); /* before the answer; may be NULL */
    void *owner;
};

static inline struct world *raw_process(struct raw_net *n, const char *name, const char *address)
{
    struct sim_host_options host = {str_c(name), str_c(address), STR("site")};
    struct sim_process_options o = {.name = str_c(name), .host = sim_host_new(n->sim, &host)};
    struct sim_process *p = sim_process_new(n->sim, &o);
    err_ignore(sim_process_start(p));
    return sim_process_world(p);
}

static inline void raw_open(struct raw_net *n, struct str bytes, size_t piece)
{
    struct sim_options o = {.seed = 1, .trace_off = true, .log_level = LOG_ERROR};
    *n = (struct raw_net){.sim = sim_new(&o), .bytes = bytes, .piece = piece ? piece : 1};
    n->server = raw_process(n, "server", "10.0.0.1");
    n->client = raw_process(n, "client", "10.0.0.2");
}

static inline void raw_send(struct raw_net *n)
{
    if (n->head.n)
        world_stream_write(n->stream, n->head);
    for (size_t at = 0; at < n->bytes.n && n->stream; at += n->piece)
        world_stream_write(n->stream, str_sub(n->bytes, at, n->piece));
    if (n->stream && !n->keep)
        world_stream_shutdown(n->stream);
}

static inline void raw_on_open(void *owner)
{
    raw_send(owner);
}
static inline void raw_on_data(void *owner, struct str bytes)
{
    struct raw_net *n = owner;
    if (!n->on_bytes)
        return;
    void (*first)(struct raw_net * net, struct str seen) = n->on_bytes;
    n->on_bytes = NULL;
    first(n, bytes);
    raw_send(n);
}
static inline void raw_on_end(void *owner)
{
    struct raw_net *n = owner;
    struct world_stream *s = n->stream;
    n->stream = NULL;
    world_stream_close(s);
}
static inline void raw_on_closed(void *owner, const struct err *err)
{
    (void)err;
    ((struct raw_net *)owner)->stream = NULL;
}
static const struct world_stream_handler raw_dials = {raw_on_open, raw_on_data, raw_on_end, NULL,
                                                      raw_on_closed};
static const struct world_stream_handler raw_answers = {NULL, raw_on_data, raw_on_end, NULL,
                                                        raw_on_closed};

/* The client's end is raw: it dials and sends. */
static inline void raw_dial(struct raw_net *n)
{
    struct world_connect o = {.address = world_addr_make(STR("10.0.0.1"), RAW_PORT)};
    n->stream = world_stream_connect(n->client, &o, &raw_dials, n);
}

static inline void raw_on_accept(void *owner, struct world_stream *s)
{
    struct raw_net *n = owner;
    if (n->stream || n->calls++ == RAW_CALLS) {
        world_stream_abort(s);
        return;
    }
    n->stream = s;
    world_stream_attach(s, &raw_answers, n);
    if (!n->on_bytes)
        raw_send(n);
}

/* The server's end is raw: it answers whoever comes. */
static inline void raw_serve(struct raw_net *n)
{
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), RAW_PORT)};
    struct err *err = world_listen(n->server, &o, raw_on_accept, n, &n->listener);
    BUG_ON(err, "a process of the simulated world may listen");
}

static inline void raw_run(struct raw_net *n, int64_t ns)
{
    sim_run_until(n->sim, sim_now(n->sim) + ns);
}

static inline void raw_close(struct raw_net *n)
{
    sim_free(n->sim); /* its processes end, and with them every stream */
}

#endif
