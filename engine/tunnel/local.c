#include "engine/tunnel/local.h"

#include "engine/base/list.h"

#define TLS_HANDSHAKE   "\x16" /* the first byte of a ClientHello */
#define HELLO_BYTES_MAX ((size_t)16 << 10)
#define HEDGE_AFTER     (300 * NS_PER_MS)

/* One way through the tunnel; a pair has a second one while nobody has answered on the first. */
struct way {
    struct pair *pair;
    struct tunnel_conn *conn; /* NULL: none */
};

/* One accepted stream and its connection: one object, freed when either ends. */
struct pair {
    struct tunnel_local *local;
    struct list link;
    struct world_stream *stream;
    struct way ways[2], *way; /* way: the one that answered; before that, one that is open */
    bool answered; /* a byte came back: what was sent has been heard, and there is one way only */
    bool
        hedges; /* not answered, all that was sent is a handshake's first message, and no second way was begun */
    struct buf hello;            /* that message, to be sent by the second way as well */
    struct world_timer *hedge;   /* NULL: none */
    struct world_timer *silence; /* NULL until the local side has finished writing */
};

struct tunnel_local {
    struct world *w;
    struct tunnel_router *router;
    struct world_listener *listener;
    bool hedges;                    /* policy connect.hedge */
    struct str key, proto, address; /* owned */
    struct list pairs;
    struct err *last;
    struct tunnel_local_stats stats;
};

static void hedge_end(struct pair *p)
{
    p->hedges = false;
    buf_free(&p->hello);
    world_timer_free(p->hedge);
    p->hedge = NULL;
}

static void pair_free(struct pair *p)
{
    list_remove(&p->link);
    p->local->stats.open--;
    hedge_end(p);
    world_timer_free(p->silence);
    mem_free(p);
}

static void ways_close(struct pair *p, const struct way *but)
{
    for (size_t i = 0; i < ARRAY_LEN(p->ways); i++) {
        struct way *way = &p->ways[i];
        if (way == but || !way->conn)
            continue;
        tunnel_conn_close(way->conn);
        way->conn = NULL;
    }
}

static void local_failed(struct tunnel_local *l, const struct err *err)
{
    l->stats.failed++;
    err_free(l->last);
    l->last = err_copy(err);
}

/* ---- the second way ---- */

static const struct tunnel_conn_handler conn_side;

/* A ClientHello asks for nothing, so it may be said twice; whoever answers first has the stream. */
static bool way_second(struct pair *p)
{
    struct tunnel_local *l = p->local;
    struct way *open = p->way, *free_way = &p->ways[open == p->ways];
    if (!p->hedges || p->hello.n == 0)
        return false;
    BUG_ON(free_way->conn, "a second way is begun once");
    struct err *err =
        open->conn ? tunnel_router_dial_other(l->router, open->conn, l->key, l->proto, l->address,
                                              &conn_side, free_way, &free_way->conn)
                   : tunnel_router_dial(l->router, l->key, l->proto, l->address, &conn_side,
                                        free_way, &free_way->conn);
    if (err) {
        err_free(err);
        return false;
    }
    l->stats.hedged++;
    tunnel_conn_write(free_way->conn, buf_str(&p->hello));
    hedge_end(p);
    return true;
}

static void on_hedge(void *owner)
{
    struct pair *p = owner;
    if (!way_second(p))
        world_timer_start(p->hedge, HEDGE_AFTER); /* one may come */
}

/* What the local side sends before it has been answered. */
static void hello_add(struct pair *p, struct str bytes)
{
    bool first = p->hello.n == 0;
    if (!p->hedges)
        return;
    if ((first && !str_starts(bytes, STR(TLS_HANDSHAKE))) ||
        p->hello.n + bytes.n > HELLO_BYTES_MAX) {
        hedge_end(p);
        return;
    }
    buf_add(&p->hello, bytes);
    if (!first)
        return;
    p->hedge = world_timer_new(p->local->w, on_hedge, p);
    world_timer_start(p->hedge, HEDGE_AFTER);
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
    hello_add(p, bytes);
    for (size_t i = 0; i < ARRAY_LEN(p->ways); i++)
        if (p->ways[i].conn)
            tunnel_conn_write(p->ways[i].conn, bytes);
    if (tunnel_conn_queued(p->way->conn) > TUNNEL_CONN_LOW)
        world_stream_pause(p->stream);
}

static void on_silence(void *owner)
{
    struct pair *p = owner;
    if (world_stream_queued(p->stream) > 0 || tunnel_conn_buffered(p->way->conn) > 0) {
        world_timer_start(p->silence,
                          TUNNEL_LOCAL_HALF_CLOSE_SILENCE); /* it is only reading slowly */
        return;
    }
    ways_close(p, NULL);
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
    tunnel_conn_resume(p->way->conn);
}

static void on_closed(void *owner, const struct err *err)
{
    struct pair *p = owner;
    (void)err;
    ways_close(p, NULL);
    pair_free(p);
}

static const struct world_stream_handler stream_side = {on_open, on_data, on_end, on_drained,
                                                        on_closed};

/* ---- the connection ---- */

static void answered(struct pair *p, struct way *way)
{
    p->answered = true;
    p->way = way;
    ways_close(p, way);
    hedge_end(p);
}

static void on_conn_data(void *owner, struct str bytes)
{
    struct way *way = owner;
    struct pair *p = way->pair;
    if (!p->answered)
        answered(p, way);
    p->local->stats.bytes_down += bytes.n;
    world_stream_write(p->stream, bytes);
    if (world_stream_queued(p->stream) > WORLD_STREAM_LOW)
        tunnel_conn_pause(way->conn);
    if (p->silence)
        world_timer_start(p->silence, TUNNEL_LOCAL_HALF_CLOSE_SILENCE);
}

static void on_conn_drained(void *owner)
{
    const struct way *way = owner;
    world_stream_resume(way->pair->stream);
}

/* Another way may still answer, or be found. */
static bool goes_on(struct pair *p, const struct way *lost)
{
    struct way *other = &p->ways[lost == p->ways];
    if (p->answered || (!other->conn && !way_second(p)))
        return false;
    p->way = other;
    return true;
}

static void on_conn_closed(void *owner, const struct err *err)
{
    struct way *way = owner;
    struct pair *p = way->pair;
    way->conn = NULL;
    if (err && goes_on(p, way))
        return;
    ways_close(p, way);
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
    p->hedges = l->hedges;
    p->way = &p->ways[0];
    p->ways[0].pair = p->ways[1].pair = p;
    l->stats.accepted++;
    struct err *err = tunnel_router_dial(l->router, l->key, l->proto, l->address, &conn_side,
                                         p->way, &p->way->conn);
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
    struct world_listen listen = {.address = options->listen};
    if (!listen.address.host[0])
        listen.address = world_addr_make(STR("127.0.0.1"), 0);
    struct err *err = world_listen(w, &listen, on_accept, l, &l->listener);
    if (err) {
        mem_free(l);
        return err;
    }
    l->w = w;
    l->router = r;
    l->hedges = tunnel_router_hedges(r);
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
        ways_close(p, NULL);
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
