/* Dispatch of world.h to the implementation that a handle or world belongs to. */
#include "engine/world/world_impl.h"

#include <string.h>

world_time world_now(struct world *w)
{
    return w->ops->now(w);
}
world_time world_wall(struct world *w)
{
    return w->ops->wall(w);
}
void world_random(struct world *w, void *bytes, size_t n)
{
    w->ops->random(w, bytes, n);
}
bool world_maybe(struct world *w, const char *name)
{
    return w->ops->maybe(w, name);
}

uint64_t world_random_below(struct world *w, uint64_t n)
{
    BUG_ON(n == 0, "an empty range has no random member");
    uint64_t limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n: no modulo bias below it */
    uint64_t v;
    do {
        uint8_t raw[8];
        world_random(w, raw, sizeof raw);
        v = 0;
        for (size_t i = 0; i < sizeof raw; i++)
            v |= (uint64_t)raw[i] << (8 * i);
    } while (v >= limit);
    return v % n;
}

world_time world_random_time(struct world *w, world_time max)
{
    return max <= 0 ? 0 : (world_time)world_random_below(w, (uint64_t)max + 1);
}

struct world_timer *world_timer_new(struct world *w, void (*fire)(void *owner), void *owner)
{
    BUG_ON(!fire, "a timer needs a callback");
    return w->ops->timer_new(w, fire, owner);
}
void world_timer_start(struct world_timer *t, world_time delay)
{
    t->w->ops->timer_start(t, delay < 0 ? 0 : delay);
}
void world_timer_stop(struct world_timer *t)
{
    t->w->ops->timer_stop(t);
}
bool world_timer_active(const struct world_timer *t)
{
    return t->w->ops->timer_active(t);
}
void world_timer_free(struct world_timer *t)
{
    if (t)
        t->w->ops->timer_free(t);
}

struct world_addr world_addr_make(struct str host, uint16_t port)
{
    struct world_addr a = {.port = port};
    size_t n = host.n < WORLD_HOST_BYTES - 1 ? host.n : WORLD_HOST_BYTES - 1;
    memcpy(a.host, host.p, n);
    return a;
}

bool world_addr_eq(const struct world_addr *a, const struct world_addr *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

void world_addr_print(const struct world_addr *a, struct buf *out)
{
    if (strchr(a->host, ':'))
        buf_addf(out, "[%s]:%u", a->host, (unsigned)a->port);
    else
        buf_addf(out, "%s:%u", a->host, (unsigned)a->port);
}

static bool is_ipv4(struct str host)
{
    struct str part, rest = host;
    for (int i = 0; i < 4; i++) {
        uint64_t v;
        bool more = str_cut(rest, '.', &part, &rest);
        if (more != (i < 3) || part.n > 3 || !str_to_u64(part, &v) || v > 255)
            return false;
    }
    return true;
}

bool world_host_is_numeric(struct str host)
{
    return str_find_char(host, ':') >= 0 || is_ipv4(host); /* a colon never stands in a DNS name */
}

struct str world_own_address(struct world *w)
{
    return w->ops->own_address(w);
}

struct world_dns *world_dns_query(struct world *w, struct str name, world_time timeout,
                                  world_dns_done done, void *owner)
{
    BUG_ON(!done || timeout <= 0, "a query needs a callback and a deadline");
    return w->ops->dns_query(w, name, timeout, done, owner);
}
void world_dns_cancel(struct world_dns *q)
{
    if (q)
        q->w->ops->dns_cancel(q);
}

struct world_stream *world_stream_connect(struct world *w, const struct world_connect *options,
                                          const struct world_stream_handler *handler, void *owner)
{
    BUG_ON(!handler || !handler->closed, "a stream needs its handler");
    return w->ops->stream_connect(w, options, handler, owner);
}
void world_stream_attach(struct world_stream *s, const struct world_stream_handler *handler,
                         void *owner)
{
    s->w->ops->stream_attach(s, handler, owner);
}
void world_stream_write(struct world_stream *s, struct str bytes)
{
    if (bytes.n > 0)
        s->w->ops->stream_write(s, bytes);
}
size_t world_stream_queued(const struct world_stream *s)
{
    return s->w->ops->stream_queued(s);
}
void world_stream_shutdown(struct world_stream *s)
{
    s->w->ops->stream_shutdown(s);
}
void world_stream_pause(struct world_stream *s)
{
    s->w->ops->stream_pause(s);
}
void world_stream_resume(struct world_stream *s)
{
    s->w->ops->stream_resume(s);
}
void world_stream_close(struct world_stream *s)
{
    if (s)
        s->w->ops->stream_close(s);
}
void world_stream_abort(struct world_stream *s)
{
    if (s)
        s->w->ops->stream_abort(s);
}
struct world_addr world_stream_peer(const struct world_stream *s)
{
    return s->w->ops->stream_peer(s);
}
struct world_addr world_stream_local(const struct world_stream *s)
{
    return s->w->ops->stream_local(s);
}
struct str world_stream_peer_pem(const struct world_stream *s)
{
    return s->w->ops->stream_peer_pem(s);
}

struct err *world_listen(struct world *w, const struct world_listen *options,
                         void (*accept)(void *owner, struct world_stream *s), void *owner,
                         struct world_listener **out)
{
    BUG_ON(!accept || !out, "a listener needs its callback");
    return w->ops->listen(w, options, accept, owner, out);
}
uint16_t world_listener_port(const struct world_listener *l)
{
    return l->w->ops->listener_port(l);
}
struct err *world_listener_set_tls(struct world_listener *l, const struct world_tls *tls)
{
    return l->w->ops->listener_set_tls(l, tls);
}
void world_listener_close(struct world_listener *l)
{
    if (l)
        l->w->ops->listener_close(l);
}

struct world_ws *world_ws_connect(struct world *w, const struct world_ws_connect *options,
                                  const struct world_ws_handler *handler, void *owner)
{
    BUG_ON(!handler || !handler->closed || !handler->message, "a WebSocket needs its handler");
    return w->ops->ws_connect(w, options, handler, owner);
}
void world_ws_send(struct world_ws *ws, bool text, struct str payload)
{
    ws->w->ops->ws_send(ws, text, payload);
}
void world_ws_ping(struct world_ws *ws, struct str payload)
{
    BUG_ON(payload.n > 125, "RFC 6455 5.5: a control frame carries at most 125 bytes");
    ws->w->ops->ws_ping(ws, payload);
}
size_t world_ws_queued(const struct world_ws *ws)
{
    return ws->w->ops->ws_queued(ws);
}
void world_ws_close(struct world_ws *ws, uint16_t code, struct str reason)
{
    if (ws)
        ws->w->ops->ws_close(ws, code, reason);
}
void world_ws_abort(struct world_ws *ws)
{
    if (ws)
        ws->w->ops->ws_abort(ws);
}
void world_ws_pause(struct world_ws *ws)
{
    ws->w->ops->ws_pause(ws);
}
void world_ws_resume(struct world_ws *ws)
{
    ws->w->ops->ws_resume(ws);
}
struct world_addr world_ws_peer(const struct world_ws *ws)
{
    return ws->w->ops->ws_peer(ws);
}

struct world_file *world_file_read(struct world *w, struct str path, world_file_done done,
                                   void *owner)
{
    return w->ops->file_read(w, path, done, owner);
}
struct world_file *world_file_write(struct world *w, struct str path, struct str content,
                                    uint32_t mode, world_file_done done, void *owner)
{
    BUG_ON(content.n > WORLD_FILE_BYTES_MAX, "files of the engine are small");
    return w->ops->file_write(w, path, content, mode, done, owner);
}
struct world_file *world_file_remove(struct world *w, struct str path, world_file_done done,
                                     void *owner)
{
    return w->ops->file_remove(w, path, done, owner);
}
struct world_file *world_file_list(struct world *w, struct str path, world_file_done done,
                                   void *owner)
{
    return w->ops->file_list(w, path, done, owner);
}
void world_file_cancel(struct world_file *f)
{
    if (f)
        f->w->ops->file_cancel(f);
}
struct world_watch *world_file_watch(struct world *w, struct str path, void (*changed)(void *owner),
                                     void *owner)
{
    return w->ops->file_watch(w, path, changed, owner);
}
void world_watch_close(struct world_watch *watch)
{
    if (watch)
        watch->w->ops->watch_close(watch);
}

struct world_work *world_work(struct world *w, void (*run)(void *job), void (*done)(void *job),
                              void *job)
{
    BUG_ON(!run || !done, "work needs both of its callbacks");
    return w->ops->work(w, run, done, job);
}
void world_work_cancel(struct world_work *work, void (*release)(void *job))
{
    if (work)
        work->w->ops->work_cancel(work, release);
}

struct str world_env(struct world *w, const char *name)
{
    return w->ops->env(w, name);
}
struct log_sink *world_log(struct world *w)
{
    return w->ops->log(w);
}
void world_exit(struct world *w, int status)
{
    w->ops->exit(w, status);
}
void world_note(struct world *w, const char *kind, struct str key, struct str value)
{
    w->ops->note(w, kind, key, value);
}
