/* Goal: no sequence of messages makes a tunnel session of either side crash, leak or call back behind its end.
 * Input: messages, each with its length in front; lengths from 0xf0 up are events of the transport and of time, and what
 * the owner does. */
#include "engine/tunnel/session.h"
#include "tests/fuzz/support/raw_net.h"

#define CONNS_MAX 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    struct raw_net net;
    struct tunnel_session *session; /* NULL: over */
    struct owned {
        struct bench *b;
        struct tunnel_conn *conn; /* NULL: over */
    } conns[CONNS_MAX];
    size_t conns_n, queued;
    bool over;
};

/* ---- the transport: whatever is sent is gone ---- */

static void transport_send(void *t, struct str message)
{
    ((struct bench *)t)->queued += message.n;
}
static void transport_nothing(void *t)
{
    BUG_ON(((struct bench *)t)->over, "a transport that has ended is left alone");
}
static size_t transport_queued(const void *t)
{
    return ((const struct bench *)t)->queued;
}
static void transport_end(void *t)
{
    struct bench *b = t;
    BUG_ON(b->over, "a transport ends once");
    b->over = true;
}
static const struct tunnel_transport transport = {
    transport_send, transport_nothing, transport_queued, transport_end,
    transport_end,  transport_nothing, transport_nothing};

/* ---- connections ---- */

static void conn_data(void *owner, struct str bytes)
{
    struct owned *o = owner;
    BUG_ON(!o->conn, "nothing comes behind the end");
    if (bytes.n && bytes.p[0] == 'e')
        tunnel_conn_write(o->conn, bytes);
    else if (bytes.n && bytes.p[0] == 'c') {
        struct tunnel_conn *c = o->conn;
        o->conn = NULL;
        tunnel_conn_close(c);
    } else if (bytes.n && bytes.p[0] == 'p')
        tunnel_conn_pause(o->conn);
}
static void conn_drained(void *owner)
{
    BUG_ON(!((struct owned *)owner)->conn, "nothing comes behind the end");
}
static void conn_closed(void *owner, const struct err *err)
{
    struct owned *o = owner;
    (void)err;
    BUG_ON(!o->conn, "a connection ends once");
    o->conn = NULL;
}
static const struct tunnel_conn_handler conn_handler = {conn_data, conn_drained, conn_closed};

static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct bench *b = owner;
    BUG_ON(proto.n == 0 || address.n == 0, "a Connect names both");
    if (b->conns_n == CONNS_MAX) {
        tunnel_conn_close(c);
        return;
    }
    struct owned *o = &b->conns[b->conns_n++];
    *o = (struct owned){b, c};
    tunnel_conn_attach(c, &conn_handler, o);
}

static void on_closed(void *owner, const struct err *why)
{
    (void)why;
    ((struct bench *)owner)->session = NULL;
}

static bool allow(void *owner, struct str proto, struct str address)
{
    (void)owner, (void)address;
    return str_eq_c(proto, "tcp");
}

static void dial(struct bench *b)
{
    struct owned *o = &b->conns[b->conns_n];
    if (b->conns_n == CONNS_MAX)
        return;
    *o = (struct owned){.b = b};
    struct err *err =
        tunnel_session_dial(b->session, STR("tcp"), STR("a:1"), &conn_handler, o, &o->conn);
    b->conns_n += err == NULL;
    err_free(err);
}

static void event(struct bench *b, uint8_t what)
{
    switch (what & 7) {
    case 0:
        b->queued = 0;
        tunnel_session_on_drained(b->session);
        break;
    case 1:
        tunnel_session_on_alive(b->session);
        break;
    case 2:
        raw_run(&b->net, 5 * NS_PER_S);
        break;
    case 3:
        raw_run(&b->net, 61 * NS_PER_S);
        break;
    case 4:
        dial(b);
        break;
    case 5:
        for (size_t i = 0; i < b->conns_n; i++)
            if (b->conns[i].conn)
                tunnel_conn_resume(b->conns[i].conn);
        break;
    case 6:
        tunnel_session_drain(b->session);
        break;
    default:
        b->over = true;
        tunnel_session_on_down(b->session, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench b = {.over = false};
    struct policies policies;
    if (size == 0)
        return 0;
    raw_open(&b.net, str_empty, 1);
    struct err *err = policies_of_profile(data[0] & 2 ? STR("compat") : STR("hardened"), &policies);
    BUG_ON(err, "both profiles are known");
    struct tunnel_session_options o = {.side = data[0] & 1 ? TUNNEL_SERVER : TUNNEL_CLIENT,
                                       .policies = &policies,
                                       .key = STR("c-1"),
                                       .allow = allow,
                                       .incoming = on_incoming,
                                       .closed = on_closed,
                                       .owner = &b};
    b.session = tunnel_session_new(b.net.server, &transport, &b, &o);
    struct str in = {(const char *)data + 1, size - 1};
    while (in.n && b.session) {
        uint8_t n = (uint8_t)in.p[0];
        in = str_sub(in, 1, in.n);
        if (n >= 0xf0) {
            event(&b, n);
            continue;
        }
        tunnel_session_on_message(b.session, false, str_sub(in, 0, n));
        in = str_sub(in, n, in.n);
    }
    tunnel_session_close(b.session);
    for (size_t i = 0; i < b.conns_n; i++)
        BUG_ON(b.conns[i].conn, "connections end with their session");
    raw_close(&b.net);
    return 0;
}
