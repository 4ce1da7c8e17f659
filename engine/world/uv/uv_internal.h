/* uv_internal: what the files of the real world share.
 *
 * Two rules hold everywhere. Callbacks of the owner are made from the loop only: what is found out inside a call of the
 * owner is noted and delivered by a `struct uvw_later`. And every handle's memory outlives its end until libuv has
 * closed it, so that a handle may be ended inside any of its own callbacks. */
#ifndef PADDOCK_ENGINE_WORLD_UV_UV_INTERNAL_H
#define PADDOCK_ENGINE_WORLD_UV_UV_INTERNAL_H

#include "engine/base/heap.h"
#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/world/uv/uv_world.h"
#include "engine/world/world_impl.h"

#include <openssl/ssl.h>
#include <uv.h>

#define UVW_READ_BYTES ((size_t)64 << 10)
#define UVW_RANDOM_BYTES                                                                           \
    1024u /* asked for at a time: each frame of a WebSocket's client has a key of its own */

/* Something to do before the loop waits again. */
struct uvw_later {
    struct list node;
    void (*run)(struct uvw_later *later);
};

/* A deadline inside the world: ns on the monotonic clock, equal ones in the order of their starts. */
struct uvw_alarm {
    struct heap_node node;
    int64_t at;
    uint64_t seq;
    void (*fire)(struct uvw_alarm *alarm);
};

struct uvw_resolver;
struct uvw_lws;

struct uv_world {
    struct world base;
    struct world_ops ops;
    uv_loop_t loop;
    uv_prepare_t
        prepare; /* the two places where the later queue is run: before and after the loop waits */
    uv_check_t check;
    uv_idle_t idle;   /* active: the loop does not wait */
    uv_timer_t timer; /* of the earliest alarm */
    uv_async_t alive; /* keeps the loop running while there is nothing to do */
    uv_signal_t signals[2];

    void (*on_signal)(void *owner, int signum);
    void (*on_exit)(void *owner, int status);
    void *owner;
    struct uvw_later exit_later;
    int exit_status;
    bool in_loop, stopped, freeing;

    world_time now; /* of the present event; valid in the loop */
    struct list later;
    struct heap alarms;
    uint64_t alarm_seq;
    int64_t armed_at; /* what `timer` waits for; INT64_MAX: nothing */

    struct log_sink own_log;
    enum log_format log_format; /* its */
    struct log_sink *log_sink;
    struct log log;
    struct str own_address;

    struct list timers, queries, streams, listeners, sockets, own_sockets, files, watches, works;
    struct list
        file_queue; /* waiting for the one that is under way: files change in the order of the calls */
    bool file_busy;

    struct map tls_contexts; /* key of the options → SSL_CTX * */
    struct map interned;     /* texts that contexts refer to */
    unsigned char
        random[UVW_RANDOM_BYTES]; /* from the kernel, not given out yet: its last random_n bytes */
    size_t random_n;
    char read_bytes[UVW_READ_BYTES];
    char plain_bytes[UVW_READ_BYTES];

    struct str dns_server; /* empty: resolv.conf */
    world_time dns_try;
    struct uvw_resolver *resolver;
    struct uvw_lws *lws;
};

static inline struct uv_world *uvw_of(struct world *w)
{
    return container_of(w, struct uv_world, base);
}
/* Every libuv callback begins with it: the clock is read once per event. */
void uvw_event(struct uv_world *uv);
world_time uvw_now(struct uv_world *uv);

void uvw_wake(struct uv_world *uv);

void uvw_later_init(struct uvw_later *later, void (*run)(struct uvw_later *));
void uvw_later_add(struct uv_world *uv, struct uvw_later *later); /* no-op when it waits already */
void uvw_later_cancel(struct uvw_later *later);

void uvw_alarm_start(struct uv_world *uv, struct uvw_alarm *alarm, world_time delay);
void uvw_alarm_stop(struct uv_world *uv, struct uvw_alarm *alarm);
void uvw_alarms_arm(struct uv_world *uv);

/* errors and addresses (uv_net.c) */
enum err_code uvw_net_code(int status);
struct err *uvw_net_err(int status, const char *what, const struct world_addr *address) must_check;
bool uvw_sockaddr(const struct world_addr *address, struct sockaddr_storage *out);
struct world_addr uvw_addr(const struct sockaddr *sa);
struct str uvw_find_own_address(void); /* str_free */

/* streams (uv_stream.c) */
struct uvw_stream;
struct world_stream *uvw_stream_connect(struct world *w, const struct world_connect *o,
                                        const struct world_stream_handler *h, void *owner);
void uvw_stream_attach(struct world_stream *s, const struct world_stream_handler *h, void *owner);
void uvw_stream_write(struct world_stream *s, struct str bytes);
size_t uvw_stream_queued(const struct world_stream *s);
void uvw_stream_shutdown(struct world_stream *s);
void uvw_stream_pause(struct world_stream *s);
void uvw_stream_resume(struct world_stream *s);
void uvw_stream_close(struct world_stream *s);
void uvw_stream_abort(struct world_stream *s);
struct world_addr uvw_stream_peer(const struct world_stream *s);
struct world_addr uvw_stream_local(const struct world_stream *s);
struct str uvw_stream_peer_pem(const struct world_stream *s);
void uvw_streams_free(struct uv_world *uv);

/* listeners (uv_listener.c) */
struct err *uvw_listen(struct world *w, const struct world_listen *o,
                       void (*accept)(void *, struct world_stream *), void *owner,
                       struct world_listener **out) must_check;
uint16_t uvw_listener_port(const struct world_listener *l);
struct err *uvw_listener_set_tls(struct world_listener *l, const struct world_tls *tls) must_check;
void uvw_listener_close(struct world_listener *l);
void uvw_listeners_free(struct uv_world *uv);

/* timers (uv_timer.c) */
struct world_timer *uvw_timer_new(struct world *w, void (*fire)(void *), void *owner);
void uvw_timer_start(struct world_timer *t, world_time delay);
void uvw_timer_stop(struct world_timer *t);
bool uvw_timer_active(const struct world_timer *t);
void uvw_timer_free(struct world_timer *t);
void uvw_timers_free(struct uv_world *uv);

/* DNS (uv_dns.c) */
struct world_dns *uvw_dns_query(struct world *w, struct str name, world_time timeout,
                                world_dns_done done, void *owner);
void uvw_dns_cancel(struct world_dns *q);
void uvw_dns_free(struct uv_world *uv);

/* WebSockets (uv_ws.c) */
struct world_ws *uvw_ws_connect(struct world *w, const struct world_ws_connect *o,
                                const struct world_ws_handler *h, void *owner);
void uvw_ws_send(struct world_ws *ws, bool text, struct str payload);
void uvw_ws_ping(struct world_ws *ws, struct str payload);
size_t uvw_ws_queued(const struct world_ws *ws);
void uvw_ws_close(struct world_ws *ws, uint16_t code, struct str reason);
void uvw_ws_abort(struct world_ws *ws);
void uvw_ws_pause(struct world_ws *ws);
void uvw_ws_resume(struct world_ws *ws);
struct world_addr uvw_ws_peer(const struct world_ws *ws);
void uvw_ws_free(struct uv_world *uv);
void uvw_lws_free(struct uv_world *uv); /* after everything else: it runs the loop */

/* the same by engine/http (uv_ws_own.c) */
void uvw_ws_own_install(struct world_ops *ops);
void uvw_ws_own_free(struct uv_world *uv);

/* files and work (uv_file.c, uv_watch.c, uv_work.c) */
struct world_file *uvw_file_read(struct world *w, struct str path, world_file_done done,
                                 void *owner);
struct world_file *uvw_file_write(struct world *w, struct str path, struct str content,
                                  uint32_t mode, world_file_done done, void *owner);
struct world_file *uvw_file_remove(struct world *w, struct str path, world_file_done done,
                                   void *owner);
struct world_file *uvw_file_list(struct world *w, struct str path, world_file_done done,
                                 void *owner);
void uvw_file_cancel(struct world_file *f);
void uvw_files_free(struct uv_world *uv);
struct world_watch *uvw_file_watch(struct world *w, struct str path, void (*changed)(void *),
                                   void *owner);
void uvw_watch_close(struct world_watch *watch);
void uvw_watches_free(struct uv_world *uv);
struct world_work *uvw_work(struct world *w, void (*run)(void *), void (*done)(void *), void *job);
void uvw_work_cancel(struct world_work *work, void (*release)(void *));
void uvw_works_free(struct uv_world *uv);

/* the log on stderr (uv_log.c) */
void uvw_log_line(struct log_sink *sink, const struct log_record *record);

#endif
