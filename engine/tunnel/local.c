#include "engine/tunnel/local.h"

#include "engine/base/list.h"

/* One accepted stream and its connection: one object, freed when either ends. */
struct pair {
    struct tunnel_local *local;
    struct list link;
    struct world_stream *stream;
    struct tunnel_conn *conn;
    struct world_timer *silence; /* NULL until the local side has finished writing */
};

struct tunnel_local {
    struct world *w;
    struct tunnel_router *router;
    struct world_listener *listener;
    struct str key, proto, address; /* owned */
    struct list pairs;
    struct err *last;
    struct tunnel_local_stats stats;
};

static void pair_free(struct pair *p)
{
    list_remove(&p->link);
    p->local->stats.open--;
    world_timer_free(p->silence);
    mem_free(p);
}

static void local_failed(struct tunnel_local *l, const struct err *err)
{
    l->stats.failed++;
    err_free(l->last);
    l->last = err_copy(err);
}

/* ---- the local stream ---- */

static void on_open(void *owner)
{
    (void)owner;
}

static void on_data(void *owner, struct str bytes)
{
    struct pair *p = owner;
    p->local->stats.bytes_up += bytes.n;
    tunnel_conn_write(p->conn, bytes);
    if (tunnel_conn_queued(p->conn) > TUNNEL_CONN_LOW)
        world_stream_pause(p->stream);
}

static void on_silence(void *owner)
{
    struct pair *p = owner;
    if (world_stream_queued(p->stream) > 0 || tunnel_conn_buffered(p->conn) > 0) {
        world_timer_start(p->silence,
                          TUNNEL_LOCAL_HALF_CLOSE_SILENCE); /* it is only reading slowly */
        return;
    }
    tunnel_conn_close(p->conn);
    world_stream_close(p->stream);
    pair_free(p);
}

/* The tunnel has no half-close. Closing at once would lose the rest of an answer, waiting for ever would leak the
 * connection of a client that just went away: so the answer may go on until it is silent for a while. */
static void on_end(void *owner)
{
    struct pair *p = owner;
    p->silence = world_timer_new(p->local->w, on_silence, p);
    world_timer_start(p->silence, TUNNEL_LOCAL_HALF_CLOSE_SILENCE);
}

static void on_drained(void *owner)
{
    struct pair *p = owner;
    tunnel_conn_resume(p->conn);
}

static void on_closed(void *owner, const struct err *err)
{
    struct pair *p = owner;
    (void)err;
    tunnel_conn_close(p->conn);
    pair_free(p);
}

static const struct world_stream_handler stream_side = {on_open, on_data, on_end, on_drained,
                                                        on_closed};

/* ---- the connection ---- */

static void on_conn_data(void *owner, struct str bytes)
{
    struct pair *p = owner;
    p->local->stats.bytes_down += bytes.n;
    world_stream_write(p->stream, bytes);
    if (world_stream_queued(p->stream) > WORLD_STREAM_LOW)
        tunnel_conn_pause(p->conn);
    if (p->silence)
        world_timer_start(p->silence, TUNNEL_LOCAL_HALF_CLOSE_SILENCE);
}

static void on_conn_drained(void *owner)
{
    struct pair *p = owner;
    world_stream_resume(p->stream);
}

static void on_conn_closed(void *owner, const struct err *err)
{
    struct pair *p = owner;
    if (err) {
        local_failed(p->local, err);
        world_stream_abort(p->stream);
    } else {
        world_stream_close(p->stream);
    }
    pair_free(p);
}

static const struct tunnel_conn_handler conn_side = {on_conn_data, on_conn_drained, on_conn_closed};

/* ---- the listener ---- */

static void on_accept(void *owner, struct world_stream *s)
{
    struct tunnel_local *l = owner;
    struct pair *p = MEM_NEW(struct pair);
    p->local = l;
    p->stream = s;
    l->stats.accepted++;
    struct err *err =
        tunnel_router_dial(l->router, l->key, l->proto, l->address, &conn_side, p, &p->conn);
    if (err) {
        local_failed(l, err);
        err_free(err);
        world_stream_abort(s);
        mem_free(p);
        return;
    }
    world_stream_attach(s, &stream_side, p);
    list_add_tail(&l->pairs, &p->link);
    l->stats.open++;
}

struct err *tunnel_local_new(struct world *w, struct tunnel_router *r,
                             const struct tunnel_local_options *options, struct tunnel_local **out)
{
    struct tunnel_local *l = MEM_NEW(struct tunnel_local);
    const struct world_listen listen = {.address = world_addr_make(STR("127.0.0.1"), 0)};
    struct err *err = world_listen(w, &listen, on_accept, l, &l->listener);
    if (err) {
        mem_free(l);
        return err;
    }
    l->w = w;
    l->router = r;
    l->key = str_dup(options->key);
    l->proto = str_dup(options->proto);
    l->address = str_dup(options->address);
    list_init(&l->pairs);
    *out = l;
    return NULL;
}

void tunnel_local_free(struct tunnel_local *l)
{
    if (!l)
        return;
    world_listener_close(l->listener);
    while (!list_empty(&l->pairs)) {
        struct pair *p = container_of(l->pairs.next, struct pair, link);
        tunnel_conn_close(p->conn);
        world_stream_abort(p->stream);
        pair_free(p);
    }
    str_free(&l->key);
    str_free(&l->proto);
    str_free(&l->address);
    err_free(l->last);
    mem_free(l);
}

uint16_t tunnel_local_port(const struct tunnel_local *l)
{
    return world_listener_port(l->listener);
}

void tunnel_local_set_target(struct tunnel_local *l, struct str proto, struct str address)
{
    struct str old_proto = l->proto, old_address = l->address;
    l->proto = str_dup(proto);
    l->address = str_dup(address);
    str_free(&old_proto);
    str_free(&old_address);
}

struct tunnel_local_stats tunnel_local_stats(const struct tunnel_local *l)
{
    return l->stats;
}

const struct err *tunnel_local_last_error(const struct tunnel_local *l)
{
    return l->last;
}
