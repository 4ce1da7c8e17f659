/* uv_world: the real world of engine/world/world.h: libuv's loop, OpenSSL, c-ares and libwebsockets' client.
 *
 *   uv_world_new ─► uv_world_run (callbacks) ─► uv_world_stop ─► uv_world_free
 *
 * Ownership: the world owns every handle that was made with it. uv_world_free ends those that are left without a
 *            callback, waits for jobs of the work queue that are under way and gives all memory back.
 * Threads:   one world belongs to one thread; only jobs and file operations run elsewhere, inside.
 * Errors:    uv_world_new fails when the process is out of files or a given address cannot be read.
 * Process:   SIGPIPE is ignored from the first world on; other signals are left alone unless on_signal is given. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_WORLD_H
#define PADDOCK_ENGINE_WORLD_UV_UV_WORLD_H

#include "engine/world/world.h"

struct uv_loop_s;
struct uv_world;

struct uv_world_options {
    struct log_sink *log;       /* NULL: lines on stderr, up to log_level */
    enum log_level log_level;   /* of the stderr sink; 0 is LOG_ERROR */
    enum log_format log_format; /* the same; 0 is LOG_LOGFMT */
    struct str own_address;     /* empty: the first IPv4 address that is not a loopback one */
    struct str
        dns_server; /* "10.0.0.53:53": asked instead of the system's resolvers; empty: resolv.conf */
    world_time dns_try; /* how long one DNS server is waited for; 0: UV_WORLD_DNS_TRY */
    /* Outgoing WebSockets by the engine's own client instead of libwebsockets: for programs that keep many or move much.
     * The contract suite holds the two together. */
    bool own_websockets;
    /* SIGTERM or SIGINT arrived; NULL: both keep what they do by default. */
    void (*on_signal)(void *owner, int signum);
    /* The instance called world_exit: destroy it, then stop or free the world. NULL: uv_world_stop. */
    void (*on_exit)(void *owner, int status);
    void *owner;
};
#define UV_WORLD_DNS_TRY (2 * NS_PER_S)

struct err *uv_world_new(const struct uv_world_options *options, struct uv_world **out) must_check;
struct world *uv_world_view(struct uv_world *uv); /* what the engine gets */
/* Runs callbacks until uv_world_stop; returns the status of world_exit, or 0. May be called again. */
int uv_world_run(struct uv_world *uv);
/* uv_world_run returns after the present callback. */
void uv_world_stop(struct uv_world *uv);
/* Not from inside a callback. */
void uv_world_free(struct uv_world *uv);
/* The loop, for what stands beside the engine in the same thread (tests). Borrowed. */
struct uv_loop_s *uv_world_loop(struct uv_world *uv);

#endif
