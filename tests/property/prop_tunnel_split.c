/* Goal: how a byte stream cuts what it carries, and how a WebSocket cuts its messages into frames, changes nothing.
 * Method: the same traffic over real WebSockets (engine/http) on streams that hand over pieces of random length and
 * senders that cut messages at random lengths; every connection's bytes and end are compared with an uncut run. */
#include "engine/tunnel/router.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define MS          NS_PER_MS
#define S           NS_PER_S
#define RUNS        40
#define CONNS       12u
#define REQUEST_MAX 200000u

struct near {
    struct tunnel_conn *conn;
    uint64_t hash, n;
    int code; /* 0: open, -1: ended in order */
};
struct rig;
struct far {
    struct rig *rig;
    struct tunnel_conn *conn;
    size_t want; /* bytes of the request */
    size_t got;
    uint64_t hash;
};
struct rig {
    struct tiny *t;
    struct policies policies;
    struct tunnel_router *router;
    struct http_server *http;
    struct world *agent_world;
    struct http_ws *ws;
    struct tunnel_session *session;
    struct near near[CONNS];
    struct far far[CONNS];
};

static uint64_t hash_add(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (uint8_t)bytes.p[i]) * 0x100000001b3u;
    return hash;
}

/* ---- far side: answers a request of so many bytes with its hash and a body, and closes or fails ---- */

static void far_answer(struct far *f)
{
    struct buf out = {0};
    buf_addf(&out, "%llu:", (unsigned long long)f->hash);
    for (size_t i = 0; i < f->want * 3; i++)
        buf_add_char(&out, (char)(i * 31 >> 3));
    tunnel_conn_write(f->conn, buf_str(&out));
    buf_free(&out);
    struct tunnel_conn *c = f->conn;
    f->conn = NULL;
    if (f->want % 3)
        tunnel_conn_close(c);
    else
        tunnel_conn_fail(c, STR("read tcp: connection reset by peer"));
}

static void far_data(void *owner, struct str bytes)
{
    struct far *f = owner;
    f->hash = hash_add(f->hash, bytes);
    f->got += bytes.n;
    if (f->got == f->want)
        far_answer(f);
}

static void far_closed(void *owner, const struct err *err)
{
    (void)err;
    ((struct far *)owner)->conn = NULL;
}

static const struct tunnel_conn_handler far_handler = {far_data, NULL, far_closed};

static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct rig *r = owner;
    struct str index, want;
    uint64_t i = 0, n = 0;
    (void)proto;
    assert_true(str_cut(address, ':', &index, &want) && str_to_u64(index, &i) &&
                str_to_u64(want, &n));
    r->far[i] = (struct far){.rig = r, .conn = c, .want = n};
    tunnel_conn_attach(c, &far_handler, &r->far[i]);
}

/* ---- near side ---- */

static void near_data(void *owner, struct str bytes)
{
    struct near *e = owner;
    e->hash = hash_add(e->hash, bytes);
    e->n += bytes.n;
}

static void near_closed(void *owner, const struct err *err)
{
    struct near *e = owner;
    e->conn = NULL;
    e->code = err ? (int)err->code : -1;
}

static const struct tunnel_conn_handler near_handler = {near_data, NULL, near_closed};

/* ---- the WebSocket ---- */

static void on_request(void *owner, struct http_exchange *x)
{
    struct rig *r = owner;
    const struct tunnel_identity who = {.key = STR("c-1")};
    assert_non_null(tunnel_router_accept(r->router, x, &who));
}

static void on_session_closed(void *owner, const struct err *why)
{
    (void)why;
    ((struct rig *)owner)->session = NULL;
}

static void on_open(void *owner)
{
    struct rig *r = owner;
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &r->policies,
                                       .key = STR("client"),
                                       .incoming = on_incoming,
                                       .closed = on_session_closed,
                                       .owner = r};
    r->session = tunnel_session_new(r->agent_world, &tunnel_transport_http_ws, r->ws, &o);
}

static void on_message(void *owner, bool text, struct str payload)
{
    tunnel_session_on_message(((struct rig *)owner)->session, text, payload);
}

static void on_control(void *owner, struct str payload)
{
    (void)payload;
    tunnel_session_on_alive(((struct rig *)owner)->session);
}

static void on_drained(void *owner)
{
    tunnel_session_on_drained(((struct rig *)owner)->session);
}

static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct rig *r = owner;
    assert_non_null(r->session); /* the handshake always works here */
    tunnel_session_on_down(r->session, how->err);
}

static const struct world_ws_handler ws_handler = {on_open,    on_message, on_control,
                                                   on_control, on_drained, on_closed};

static void rig_open(struct rig *r, size_t pieces, size_t fragment_bytes)
{
    *r = (struct rig){.t = tiny_new(1), .policies = policies_hardened()};
    struct world *server = tiny_process(r->t, "10.0.0.1");
    const struct http_server_options options = {0};
    const struct world_listen listen = {.address = world_addr_make(STR("10.0.0.1"), 80)};
    struct world_listener *listener;
    tiny_stream_pieces(r->t, pieces);
    r->agent_world = tiny_process(r->t, "10.0.0.2");
    r->router = tunnel_router_new(server, &r->policies);
    r->http = http_server_new(server, &options, on_request, r);
    assert_null(http_server_listen(r->http, &listen, &listener));
    const struct world_ws_connect connect = {.address = listen.address,
                                             .host = STR("10.0.0.1"),
                                             .path = STR("/v3/connect"),
                                             .fragment_bytes = fragment_bytes};
    r->ws = http_ws_connect(r->agent_world, &connect, &ws_handler, r);
    tiny_run(r->t, 5 * S);
    assert_non_null(r->session);
}

static void rig_close(struct rig *r)
{
    tunnel_session_close(r->session);
    tunnel_router_free(r->router);
    http_server_free(r->http);
    tiny_free(r->t);
}

static void dial(struct rig *r, size_t i, size_t want)
{
    char address[32];
    struct near *e = &r->near[i];
    (void)snprintf(address, sizeof(address), "%zu:%zu", i, want);
    assert_null(tunnel_router_dial(r->router, STR("c-1"), STR("tcp"), str_c(address), &near_handler,
                                   e, &e->conn));
}

/* The request in random portions, interleaved over the connections. */
static void traffic(struct rig *r, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    size_t want[CONNS], sent[CONNS] = {0}, left = CONNS;
    char *bytes = mem_alloc(REQUEST_MAX);
    rng_bytes(&rng, bytes, REQUEST_MAX);
    for (size_t i = 0; i < CONNS; i++) {
        want[i] = 1 + rng_below(&rng, i % 2 ? REQUEST_MAX : 3000);
        dial(r, i, want[i]);
    }
    while (left > 0) {
        size_t i = rng_below(&rng, CONNS), n = 1 + rng_below(&rng, 50000);
        n = n < want[i] - sent[i] ? n : want[i] - sent[i];
        if (n == 0)
            continue;
        tunnel_conn_write(r->near[i].conn, (struct str){bytes + sent[i], n});
        sent[i] += n;
        left -= sent[i] == want[i];
    }
    mem_free(bytes);
}

static void result(struct rig *r, uint64_t seed, size_t pieces, size_t fragment_bytes,
                   struct near out[CONNS])
{
    rig_open(r, pieces, fragment_bytes);
    traffic(r, seed);
    for (int i = 0; i < 12; i++)
        tiny_run(r->t, 5 * S);
    for (size_t i = 0; i < CONNS; i++)
        out[i] = r->near[i];
    rig_close(r);
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    struct rig *r = MEM_NEW(struct rig);
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct rng rng = rng_seed(seed);
        struct near whole[CONNS], cut[CONNS];
        size_t pieces = (size_t)1 << (9 + rng_below(&rng, 7));
        size_t fragments = 100 + rng_below(&rng, 1 << (7 + rng_below(&rng, 9)));
        print_message("seed %llu: pieces up to %zu, frames of %zu\n", (unsigned long long)seed,
                      pieces, fragments);
        result(r, seed, 0, 0, whole);
        result(r, seed, pieces, fragments, cut);
        for (size_t i = 0; i < CONNS; i++) {
            assert_true(whole[i].code != 0);
            assert_int_equal(whole[i].code, cut[i].code);
            assert_true(whole[i].n == cut[i].n && whole[i].n > 0);
            assert_true(whole[i].hash == cut[i].hash);
        }
    }
    mem_free(r);
}

/* Byte by byte, with little traffic: every border is hit. */
static void test_single_bytes(void **state)
{
    (void)state;
    struct rig *r = MEM_NEW(struct rig);
    rig_open(r, 1, 1);
    dial(r, 0, 40);
    for (int i = 0; i < 40; i++)
        tunnel_conn_write(r->near[0].conn, STR("x"));
    tiny_run(r->t, 50 * S);
    assert_int_equal(r->near[0].code, -1);
    assert_true(r->near[0].n > 120);
    rig_close(r);
    mem_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_change_nothing),
        cmocka_unit_test(test_single_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
