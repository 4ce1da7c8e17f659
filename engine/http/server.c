#include "engine/http/server_internal.h"

#include "engine/http/limits.h"

struct http_server *http_server_new(struct world *w, const struct http_server_options *options,
                                    http_handler handler, void *owner)
{
    BUG_ON(!handler, "a server has a handler");
    struct http_server *s = MEM_NEW(struct http_server);
    http_head_setup();
    s->w = w;
    if (options)
        s->options = *options;
    if (s->options.header_bytes_max == 0)
        s->options.header_bytes_max = HTTP_SERVER_HEADER_BYTES;
    if (s->options.header_bytes_max > HTTP_HEADER_BYTES_MAX)
        s->options.header_bytes_max = HTTP_HEADER_BYTES_MAX;
    if (s->options.body_bytes_max == 0)
        s->options.body_bytes_max = HTTP_SERVER_BODY_BYTES;
    s->handler = handler;
    s->owner = owner;
    list_init(&s->conns);
    return s;
}

void http_server_accept(struct http_server *s, struct world_stream *take_stream)
{
    if (s->draining || s->conns_n >= HTTP_SERVER_CONNECTIONS_MAX) {
        world_stream_abort(take_stream);
        return;
    }
    struct http_conn *c = MEM_NEW(struct http_conn);
    c->server = s;
    c->w = s->w;
    c->stream = take_stream;
    c->fresh = true;
    c->since = world_now(s->w);
    c->alarm.timer = world_timer_new(s->w, conn_fire, c);
    list_add_tail(&s->conns, &c->link);
    s->conns_n++;
    world_stream_attach(take_stream, &http_conn_handler, c);
    conn_arm(c);
}

static void on_accept(void *owner, struct world_stream *stream)
{
    http_server_accept(owner, stream);
}

struct err *http_server_listen(struct http_server *s, const struct world_listen *options,
                               struct world_listener **out)
{
    struct world_listener *listener = NULL;
    struct err *err = world_listen(s->w, options, on_accept, s, &listener);
    if (err)
        return err;
    s->listeners = mem_resize(s->listeners, (s->listeners_n + 1) * sizeof(struct world_listener *));
    s->listeners[s->listeners_n++] = listener;
    if (out)
        *out = listener;
    return NULL;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conns_n;
}

void http_server_drain(struct http_server *s)
{
    s->draining = true;
    list_each (&s->conns, it, next) {
        struct http_conn *c = container_of(it, struct http_conn, link);
        if (c->state == CONN_HEAD && c->input.kept.n == 0 && !c->pumping)
            conn_end(c, false);
        else
            c->close_after = true;
    }
}

static void conn_destroy(struct http_conn *c)
{
    world_timer_free(c->alarm.timer);
    buf_free(&c->input.kept);
    buf_free(&c->x.whole);
    arena_free(&c->x.arena);
    http_head_free(&c->head);
    mem_free(c);
}

void conn_end(struct http_conn *c, bool abort)
{
    if (c->dead)
        return;
    c->dead = true;
    world_timer_stop(c->alarm.timer);
    if (c->stream && abort)
        world_stream_abort(c->stream);
    else if (c->stream)
        world_stream_close(c->stream);
    c->stream = NULL;
    list_remove(&c->link);
    c->server->conns_n--;
    if (c->busy == 0)
        conn_destroy(c);
}

void conn_leave(struct http_conn *c)
{
    BUG_ON(c->busy == 0, "who leaves has entered");
    if (--c->busy == 0 && c->dead)
        conn_destroy(c);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->listeners_n; i++)
        world_listener_close(s->listeners[i]);
    s->draining = true; /* whatever `gone` does: nothing new */
    while (!list_empty(&s->conns)) {
        struct http_conn *c = container_of(s->conns.next, struct http_conn, link);
        conn_enter(c);
        conn_lose(c);
        conn_end(c, true);
        conn_leave(c);
    }
    mem_free(s->listeners);
    buf_free(&s->out);
    mem_free(s);
}
