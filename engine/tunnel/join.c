/* join: pairs that shovel bytes both ways with back-pressure: connection with stream, connection with connection. A pair
 * is one object that owns both of its ends and is freed with them, in whichever callback that happens. */
#include "engine/tunnel/conn.h"

#include "engine/tunnel/session_internal.h"

/* ---- connection with stream ---- */

struct stream_pair {
    struct world *w;
    struct tunnel_conn *conn;
    struct world_stream *stream; /* NULL: resolving */
    struct world_dns *dns;       /* NULL: done */
    struct str address;          /* owned: "host:port" for messages */
    uint16_t port;
    bool open;
};

static void stream_pair_free(struct stream_pair *p)
{
    world_dns_cancel(p->dns);
    str_free(&p->address);
    mem_free(p);
}

static const char *dial_reason(const struct err *err)
{
    switch (err->code) {
    case ERR_CONN_REFUSED:
        return "connect: connection refused";
    case ERR_UNREACHABLE:
        return "connect: no route to host";
    case ERR_CONN_RESET:
        return "connect: connection reset by peer";
    case ERR_TIMEOUT:
    case ERR_DNS_TIMEOUT:
        return "i/o timeout";
    case ERR_DNS_NXDOMAIN:
    case ERR_DNS_SERVFAIL:
        return "no such host";
    default:
        return err->message;
    }
}

/* Ends the pair; the far side learns why. */
static void stream_pair_fail(struct stream_pair *p, const char *what, const char *reason)
{
    struct buf text = {0};
    buf_addf(&text, "%s tcp " STR_FMT ": %s", what, STR_ARG(p->address), reason);
    tunnel_conn_fail(p->conn, buf_str(&text));
    buf_free(&text);
    stream_pair_free(p);
}

static void pair_stream_open(void *owner)
{
    struct stream_pair *p = owner;
    p->open = true;
}

static void pair_stream_data(void *owner, struct str bytes)
{
    struct stream_pair *p = owner;
    tunnel_conn_write(p->conn, bytes);
    if (tunnel_conn_queued(p->conn) > TUNNEL_CONN_LOW)
        world_stream_pause(p->stream);
}

/* No half-close in the protocol: one direction's end is the other's too, behind what is still queued. */
static void pair_stream_end(void *owner)
{
    struct stream_pair *p = owner;
    tunnel_conn_close(p->conn);
    world_stream_close(p->stream);
    stream_pair_free(p);
}

static void pair_stream_drained(void *owner)
{
    struct stream_pair *p = owner;
    tunnel_conn_resume(p->conn);
}

static void pair_stream_closed(void *owner, const struct err *err)
{
    struct stream_pair *p = owner;
    BUG_ON(!err, "our side of it ends with the pair");
    bool reset = err->code == ERR_CONN_RESET;
    if (p->open)
        stream_pair_fail(p, "read", reset ? "read: connection reset by peer" : err->message);
    else
        stream_pair_fail(p, "dial", dial_reason(err));
}

static const struct world_stream_handler stream_side = {
    pair_stream_open, pair_stream_data, pair_stream_end, pair_stream_drained, pair_stream_closed};

static void pair_conn_data(void *owner, struct str bytes)
{
    struct stream_pair *p = owner;
    BUG_ON(!p->stream, "a connection is not read before there is a stream");
    world_stream_write(p->stream, bytes);
    if (world_stream_queued(p->stream) > WORLD_STREAM_LOW)
        tunnel_conn_pause(p->conn);
}

static void pair_conn_drained(void *owner)
{
    const struct stream_pair *p = owner;
    BUG_ON(!p->stream, "only what a stream gave has waited");
    world_stream_resume(p->stream);
}

static void pair_conn_closed(void *owner, const struct err *err)
{
    struct stream_pair *p = owner;
    if (p->stream && err)
        world_stream_abort(p->stream);
    else if (p->stream)
        world_stream_close(p->stream);
    stream_pair_free(p);
}

static const struct tunnel_conn_handler conn_side = {pair_conn_data, pair_conn_drained,
                                                     pair_conn_closed};

static void stream_pair_connect(struct stream_pair *p, struct str host)
{
    struct world_connect options = {.address = world_addr_make(host, p->port),
                                    .timeout = TUNNEL_DIAL_TIMEOUT};
    p->stream = world_stream_connect(p->w, &options, &stream_side, p);
    tunnel_conn_resume(p->conn);
}

static void pair_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct stream_pair *p = owner;
    p->dns = NULL;
    if (err)
        stream_pair_fail(p, "dial", dial_reason(err));
    else if (answer->n == 0)
        stream_pair_fail(p, "dial", "no such host");
    else
        stream_pair_connect(p, str_c(answer->host[0]));
}

/* "10.0.0.1:443", "[::1]:443", "name:80". */
static bool split_address(struct str address, struct str *host, uint16_t *port)
{
    size_t at = address.n;
    while (at > 0 && address.p[at - 1] != ':')
        at--;
    uint64_t number;
    if (at < 2 || !str_to_u64(str_sub(address, at, address.n), &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    struct str name = str_sub(address, 0, at - 1);
    if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = str_sub(name, 1, name.n - 2);
    *host = name;
    *port = (uint16_t)number;
    return name.n > 0;
}

void tunnel_conn_join_stream(struct tunnel_conn *c, struct world *w, struct str address)
{
    struct str host;
    uint16_t port;
    if (!split_address(address, &host, &port)) {
        tunnel_conn_fail(c, STR("dial tcp: missing port in address"));
        return;
    }
    struct stream_pair *p = MEM_NEW(struct stream_pair);
    p->w = w;
    p->conn = c;
    p->address = str_dup(address);
    p->port = port;
    tunnel_conn_pause(c);
    tunnel_conn_attach(c, &conn_side, p);
    if (world_host_is_numeric(host))
        stream_pair_connect(p, host);
    else
        p->dns = world_dns_query(w, host, TUNNEL_DIAL_TIMEOUT, pair_resolved, p);
}

/* ---- connection with connection ---- */

struct conn_pair;
struct conn_end {
    struct conn_pair *pair;
    struct tunnel_conn *conn, *other;
};
struct conn_pair {
    struct conn_end end[2];
};

static void end_data(void *owner, struct str bytes)
{
    struct conn_end *e = owner;
    tunnel_conn_write(e->other, bytes);
    if (tunnel_conn_queued(e->other) > TUNNEL_CONN_LOW)
        tunnel_conn_pause(e->conn);
}

static void end_drained(void *owner)
{
    struct conn_end *e = owner;
    tunnel_conn_resume(e->other);
}

static void end_closed(void *owner, const struct err *err)
{
    struct conn_end *e = owner;
    if (err)
        tunnel_conn_fail(e->other, str_c(err->message));
    else
        tunnel_conn_close(e->other);
    mem_free(e->pair);
}

static const struct tunnel_conn_handler end_side = {end_data, end_drained, end_closed};

void tunnel_conn_join(struct tunnel_conn *a, struct tunnel_conn *b)
{
    struct conn_pair *p = MEM_NEW(struct conn_pair);
    p->end[0] = (struct conn_end){p, a, b};
    p->end[1] = (struct conn_end){p, b, a};
    tunnel_conn_attach(a, &end_side, &p->end[0]);
    tunnel_conn_attach(b, &end_side, &p->end[1]);
}
