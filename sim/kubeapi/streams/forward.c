/* port-forward: pairs of SPDY streams, one for errors and one for data, each pair a connection to a port of the pod.
 *
 *   pair: one of two ─► both: is somebody there? ─► yes: a server runs ─► it ends, or the client does ─► gone
 *                                              └─► no: the error in words, and the end of both */
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/session.h"
#include "sim/kubeapi/streams/spdy.h"
#include "sim/kubeapi/streams/wire.h"

#define REQUEST_ID_MAX 128u

struct forward {
    struct session s;
    struct wire wire;
    struct spdy *spdy;
    struct list pairs; /* who was served last comes last */
};
struct pair {
    struct list link;
    struct str request; /* owned: what the client calls it */
    uint16_t port;
    struct spdy_stream *error, *data; /* NULL: not there yet, or gone */
    struct program *server;           /* NULL: it has not begun, or has ended */
};

size_t session_forward_size(void)
{
    return sizeof(struct forward);
}

static void pair_free(struct pair *p)
{
    list_remove(&p->link);
    program_free(p->server);
    str_free(&p->request);
    mem_free(p);
}

static void forward_free(struct forward *f)
{
    list_each (&f->pairs, it, next)
        pair_free(container_of(it, struct pair, link));
    spdy_free(f->spdy);
    session_free(&f->s);
}

static void flush(struct forward *f)
{
    struct buf *out = spdy_out(f->spdy);
    if (out->n == 0)
        return;
    wire_send(&f->wire, buf_str(out));
    buf_clear(out);
}

static void end(struct session *s, bool abort)
{
    struct forward *f = container_of(s, struct forward, s);
    if (!abort) {
        spdy_goodbye(f->spdy);
        flush(f);
    }
    (abort ? wire_abort : wire_close)(&f->wire);
    forward_free(f);
}

/* ---- pairs ---- */

/* May free the pair. */
static void finish(struct forward *f, struct pair *p)
{
    struct spdy_stream *error = p->error, *data = p->data;
    program_free(p->server);
    p->server = NULL;
    if (error)
        spdy_finish(f->spdy, error);
    if (data)
        spdy_finish(f->spdy, data);
}

static const struct container_port *listens(const struct stream_ask *ask, uint16_t port)
{
    for (size_t i = 0; i < ask->ports_n; i++)
        if (ask->ports[i].number == port)
            return &ask->ports[i];
    return NULL;
}

/* In the words of a container runtime. */
static void say_refused(struct forward *f, struct pair *p)
{
    const struct stream_ask *ask = f->s.ask;
    struct buf text = {0};
    buf_addf(&text,
             "error forwarding port %u to pod " STR_FMT ", uid : failed to execute portforward in "
             "network namespace \"/var/run/netns/cni-" STR_FMT "\": failed to connect to "
             "localhost:%u inside namespace \"" STR_FMT "\", IPv4: dial tcp4 127.0.0.1:%u: "
             "connect: connection refused",
             p->port, STR_ARG(ask->uid), STR_ARG(ask->uid), p->port, STR_ARG(ask->uid), p->port);
    spdy_send(f->spdy, p->error, buf_str(&text));
    buf_free(&text);
}

static void begin(struct forward *f, struct pair *p)
{
    const struct container_port *port = listens(f->s.ask, p->port);
    if (port) {
        p->server = program_port(port, f->s.ask->pod);
        return;
    }
    say_refused(f, p);
    finish(f, p);
}

/* One turn of it. True: it would go on at once. May free the pair. */
static bool serve(struct forward *f, struct pair *p)
{
    struct program_output o = {.max = SESSION_PIECE};
    int code;
    bool more = program_run(p->server, world_wall(f->s.api->w), &o);
    if (o.out.n > 0 && p->data)
        spdy_send(f->spdy, p->data, buf_str(&o.out));
    flush(f);
    buf_free(&o.out);
    buf_free(&o.err);
    if (program_exited(p->server, &code))
        finish(f, p);
    return more;
}

static void pump(struct forward *f)
{
    bool more = true, full = false;
    while (more && wire_has_room(&f->wire)) {
        struct list turn;
        more = false;
        list_init(&turn);
        list_each (&f->pairs, it, next) {
            struct pair *p = container_of(it, struct pair, link);
            if (!p->server)
                continue;
            if (!wire_has_room(&f->wire))
                break;
            list_remove(&p->link); /* others first, next time */
            list_add_tail(&turn, &p->link);
            more = serve(f, p) || more;
        }
        list_each (&turn, it, next) {
            list_remove(it);
            list_add_tail(&f->pairs, it);
        }
    }
    list_each (&f->pairs, it, next) {
        const struct pair *p = container_of(it, struct pair, link);
        full = full || (p->server && program_full(p->server));
    }
    flush(f);
    wire_pause(&f->wire, full || !wire_has_room(&f->wire));
}

/* ---- SPDY ---- */

static struct pair *pair_of(struct forward *f, struct str request, uint16_t port)
{
    list_each (&f->pairs, it, next) {
        struct pair *p = container_of(it, struct pair, link);
        if (str_eq(p->request, request) && p->port == port)
            return p;
    }
    struct pair *p = MEM_NEW(struct pair);
    p->request = str_dup(request);
    p->port = port;
    list_add_tail(&f->pairs, &p->link);
    return p;
}

static bool on_opened(void *owner, struct spdy_stream *st, const struct spdy_pair *headers,
                      size_t n)
{
    struct forward *f = owner;
    struct str type = spdy_header(headers, n, "streamType");
    struct str request = spdy_header(headers, n, "requestID");
    bool error = str_eq_c(type, "error");
    uint64_t port;
    if ((!error && !str_eq_c(type, "data")) || request.n == 0 || request.n > REQUEST_ID_MAX ||
        !str_to_u64(spdy_header(headers, n, "port"), &port) || port == 0 || port > UINT16_MAX)
        return false;
    struct pair *p = pair_of(f, request, (uint16_t)port);
    struct spdy_stream **place = error ? &p->error : &p->data;
    if (*place || p->server)
        return false;
    *place = st;
    st->user = p;
    if (p->error && p->data)
        begin(f, p);
    return true;
}

static void on_data(void *owner, struct spdy_stream *st, struct str bytes)
{
    struct pair *p = st->user;
    (void)owner;
    if (st == p->data && p->server)
        program_input(p->server, bytes);
}

static void on_stream_ended(void *owner, struct spdy_stream *st)
{
    struct pair *p = st->user;
    (void)owner;
    if (st == p->data && p->server)
        program_input_end(p->server);
}

static void on_stream_gone(void *owner, struct spdy_stream *st)
{
    struct pair *p = st->user;
    (void)owner;
    if (st == p->error)
        p->error = NULL;
    if (st == p->data) {
        p->data = NULL;
        program_free(p->server);
        p->server = NULL;
    }
    if (!p->error && !p->data)
        pair_free(p);
}

/* ---- the wire ---- */

static void on_bytes(void *owner, struct str bytes)
{
    struct forward *f = owner;
    if (!spdy_feed(f->spdy, bytes))
        end(&f->s, true);
    else
        pump(f);
}

static void on_ended(void *owner)
{
    struct forward *f = owner;
    end(&f->s, false);
}

static void on_drained(void *owner)
{
    pump(owner);
}

static void on_closed(void *owner)
{
    forward_free(owner);
}

static void wake(struct session *s)
{
    if (session_alive(s))
        session_sleep(s, -1);
    else
        end(s, false);
}

void forward_begin(struct session *s, struct http_exchange *x, const struct http_headers *headers)
{
    static const struct session_kind kind = {wake, end};
    static const struct wire_handler wire_handler = {on_bytes, on_ended, on_drained, on_closed};
    static const struct spdy_handler handler = {on_opened, on_data, on_stream_ended,
                                                on_stream_gone};
    struct forward *f = container_of(s, struct forward, s);
    struct buf early = {0};
    s->kind = &kind;
    list_init(&f->pairs);
    f->spdy = spdy_new(&handler, f);
    if (s->ask->carrier == STREAM_SPDY) {
        wire_upgrade(&f->wire, x, headers, &wire_handler, f, &early);
    } else if (!wire_websocket(&f->wire, x, s->ask->protocol, &wire_handler, f)) {
        forward_free(f);
        return;
    }
    session_sleep(s, -1);
    if (early.n > 0)
        on_bytes(f, buf_str(&early));
    buf_free(&early);
}
