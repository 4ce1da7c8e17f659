/* tiny_internal: what tiny_world.c (clock, timers, names, streams) and tiny_wire.c (wires, WebSockets) share. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_TINY_INTERNAL_H
#define PADDOCK_TESTS_UNIT_SUPPORT_TINY_INTERNAL_H

#include "engine/base/heap.h"
#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/world/world_impl.h"
#include "tests/unit/support/tiny_world.h"

struct event {
    struct heap_node node;
    void (*fire)(void *arg);
    void *arg;
    bool once; /* freed after firing */
};

struct tiny {
    world_time now;
    uint64_t seq, events;
    struct heap queue;
    struct rng rng;
    struct map processes, names, listeners, servers; /* by address, name, "address:port", address */
    struct map failures;                             /* by where: enum err_code */
    struct list streams, wires, dns;
    size_t open_streams, open_timers, open_listeners, open_dns, pieces;
    uint16_t next_port;
};

struct process {
    struct world world;
    struct tiny *t;
    char *address;
};

struct tiny *tiny_of(const struct world *w);
struct world_ws *tiny_ws_connect(struct world *w, const struct world_ws_connect *o,
                                 const struct world_ws_handler *h, void *owner);
void tiny_ws_send(struct world_ws *ws, bool text, struct str payload);
void tiny_ws_ping(struct world_ws *ws, struct str payload);
size_t tiny_ws_queued(const struct world_ws *ws);
void tiny_ws_close(struct world_ws *ws, uint16_t code, struct str reason);
void tiny_ws_abort(struct world_ws *ws);
void tiny_ws_pause(struct world_ws *ws);
void tiny_ws_resume(struct world_ws *ws);
void tiny_wires_end(struct tiny *t); /* nothing is delivered any more */
void tiny_wires_free(struct tiny *t);

#endif
