/* Goal: bytes go from a local port through the tunnel to a service behind the agent and back, with back-pressure, every
 * kind of end is passed on, and nothing is left behind.
 * Method: client streams, a local listener, a session on a simulated wire, the agent's default dialling, a service. */
#include "engine/tunnel/local.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#define MS      NS_PER_MS
#define S       NS_PER_S
#define SERVICE "10.43.0.1"

/* ---- one end of a stream, for client and service alike ---- */

struct tip {
    struct world_stream *stream; /* NULL: ended */
    struct buf got;
    size_t got_n;
    bool open, ended, echo, keep_nothing, answer_at_end, close_at_end;
    unsigned closes;
    int code; /* of closed; -1: in order */
};

static void tip_open(void *owner)
{
    ((struct tip *)owner)->open = true;
}

static void tip_data(void *owner, struct str bytes)
{
    struct tip *tip = owner;
    tip->got_n += bytes.n;
    if (!tip->keep_nothing)
        buf_add(&tip->got, bytes);
    if (tip->echo)
        world_stream_write(tip->stream, bytes);
}

static void tip_end(void *owner)
{
    struct tip *tip = owner;
    tip->ended = true;
    if (tip->answer_at_end)
        world_stream_write(tip->stream, STR("answer"));
    if (tip->close_at_end) {
        world_stream_close(tip->stream);
        tip->stream = NULL;
    }
}

static void tip_closed(void *owner, const struct err *err)
{
    struct tip *tip = owner;
    tip->stream = NULL;
    tip->closes++;
    tip->code = err ? (int)err->code : -1;
}

static const struct world_stream_handler tip_handler = {tip_open, tip_data, tip_end, NULL,
                                                        tip_closed};

/* ---- the whole chain ---- */

#define TIPS 40
struct chain {
    struct tiny *t;
    struct world *server, *agent, *service;
    struct policies policies;
    struct tunnel_router *router;
    struct tunnel_local *local;
    struct tiny_wire *wire;
    struct tunnel_session *session; /* the agent's; NULL: gone */
    struct world_listener *listener;
    struct tip accepted[TIPS];
    size_t accepted_n;
    struct tip model; /* how accepted ones behave */
};

static void tip_drop(struct tip *tip)
{
    if (tip->stream)
        world_stream_abort(tip->stream);
    tip->stream = NULL;
    buf_free(&tip->got);
}

static void on_accept(void *owner, struct world_stream *s)
{
    struct chain *c = owner;
    struct tip *tip = &c->accepted[c->accepted_n++ % TIPS];
    tip_drop(tip);
    *tip = c->model;
    tip->stream = s;
    world_stream_attach(s, &tip_handler, tip);
}

static void agent_gone(void *owner, const struct err *why)
{
    (void)why;
    ((struct chain *)owner)->session = NULL;
}

static void chain_connect_agent(struct chain *c, int64_t rate)
{
    const struct tunnel_identity who = {.key = STR("c-1")};
    c->wire = tiny_wire_new(c->t, 5 * MS, rate);
    struct tiny_end *far = tiny_wire_end(c->wire, 0), *near = tiny_wire_end(c->wire, 1);
    tiny_end_attach(far, &tunnel_session_ws_handler,
                    tunnel_router_add(c->router, &tiny_wire_ops, far, &who));
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &c->policies,
                                       .key = STR("client"),
                                       .closed = agent_gone,
                                       .owner = c};
    c->session = tunnel_session_new(c->agent, &tiny_wire_ops, near, &o);
    tiny_end_attach(near, &tunnel_session_ws_handler, c->session);
}

static struct chain *chain_new(const char *address, int64_t rate)
{
    struct chain *c = MEM_NEW(struct chain);
    c->t = tiny_new(7);
    c->server = tiny_process(c->t, "10.0.0.1");
    c->agent = tiny_process(c->t, "10.42.0.7");
    c->service = tiny_process(c->t, SERVICE);
    c->policies = policies_hardened();
    c->router = tunnel_router_new(c->server, &c->policies);
    const struct tunnel_local_options o = {
        .key = STR("c-1"), .proto = STR("tcp"), .address = str_c(address)};
    assert_null(tunnel_local_new(c->server, c->router, &o, &c->local));
    const struct world_listen listen = {.address = world_addr_make(STR(SERVICE), 443)};
    assert_null(world_listen(c->service, &listen, on_accept, c, &c->listener));
    chain_connect_agent(c, rate);
    return c;
}

static void chain_free(struct chain *c)
{
    tunnel_local_free(c->local);
    tunnel_session_close(c->session);
    tunnel_router_free(c->router);
    world_listener_close(c->listener);
    for (size_t i = 0; i < TIPS; i++)
        tip_drop(&c->accepted[i]);
    tiny_free(c->t);
    mem_free(c);
}

static void client_dial(struct chain *c, struct tip *tip)
{
    const struct world_connect o = {
        .address = world_addr_make(STR("127.0.0.1"), tunnel_local_port(c->local))};
    tip->stream = world_stream_connect(c->server, &o, &tip_handler, tip);
}

/* What is still open after everything has settled. */
static void assert_nothing_open(struct chain *c)
{
    tiny_run(c->t, 10 * S);
    assert_int_equal(tunnel_local_stats(c->local).open, 0);
    assert_int_equal(tiny_open_streams(c->t), 0);
    if (c->session)
        assert_int_equal(tunnel_session_stats(c->session).open, 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {0};
    c->model = (struct tip){.echo = true, .close_at_end = true};
    client_dial(c, &client);
    world_stream_write(client.stream, STR("hello"));
    tiny_run(c->t, 100 * MS);
    assert_string_equal(buf_c(&client.got), "hello");
    assert_int_equal(tunnel_local_stats(c->local).open, 1);
    assert_int_equal(tunnel_local_stats(c->local).bytes_up, 5);
    assert_int_equal(tunnel_local_stats(c->local).bytes_down, 5);
    world_stream_close(client.stream);
    client.stream = NULL;
    tiny_run(c->t, 10 * S);
    assert_true(c->accepted[0].ended);
    assert_nothing_open(c);
    assert_int_equal(tunnel_local_stats(c->local).failed, 0);
    assert_null(tunnel_local_last_error(c->local));
    tip_drop(&client);
    chain_free(c);
}

static void test_service_closes(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {.close_at_end = true};
    client_dial(c, &client);
    tiny_run(c->t, 100 * MS);
    world_stream_write(c->accepted[0].stream, STR("bye"));
    world_stream_close(c->accepted[0].stream);
    c->accepted[0].stream = NULL;
    tiny_run(c->t, 100 * MS);
    assert_string_equal(buf_c(&client.got), "bye");
    assert_true(client.ended);
    assert_nothing_open(c);
    tip_drop(&client);
    chain_free(c);
}

/* The client shuts its side after the request and still gets the answer; and a client that shut its side and hears
 * nothing does not hold the connection for ever. */
static void test_half_close(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {.close_at_end = true};
    client_dial(c, &client);
    world_stream_write(client.stream, STR("request"));
    world_stream_shutdown(client.stream);
    tiny_run(c->t, 100 * MS);
    assert_string_equal(buf_c(&c->accepted[0].got), "request");
    assert_false(c->accepted[0].ended);
    for (int i = 0; i < 4; i++) { /* slowly, but not silent */
        world_stream_write(c->accepted[0].stream, STR("answer "));
        tiny_run(c->t, 4 * S);
    }
    assert_string_equal(buf_c(&client.got), "answer answer answer answer ");
    assert_false(client.ended);
    c->accepted[0].close_at_end = true;
    tiny_run(c->t, 6 * S);
    assert_true(client.ended);
    assert_true(c->accepted[0].ended);
    assert_nothing_open(c);
    tip_drop(&client);
    chain_free(c);
}

/* Half-closed, and reading slower than the silence lasts: nothing of the answer is lost. */
static void test_half_close_with_slow_reader(void **state)
{
    (void)state;
    enum { TOTAL = 4 << 20 };
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {.close_at_end = true, .keep_nothing = true};
    client_dial(c, &client);
    world_stream_shutdown(client.stream);
    tiny_run(c->t, 100 * MS);
    world_stream_pause(client.stream);
    char *bytes = mem_alloc(TOTAL);
    world_stream_write(c->accepted[0].stream, (struct str){bytes, TOTAL});
    mem_free(bytes);
    tiny_run(c->t, 20 * S);
    world_stream_resume(client.stream);
    c->accepted[0].close_at_end = true;
    tiny_run(c->t, 20 * S);
    assert_int_equal(client.got_n, TOTAL);
    assert_nothing_open(c);
    chain_free(c);
}

static void test_no_session(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {0};
    tunnel_session_close(c->session);
    c->session = NULL;
    tiny_run(c->t, S);
    client_dial(c, &client);
    tiny_run(c->t, S);
    assert_int_equal(client.closes, 1);
    assert_int_equal(client.code, ERR_CONN_RESET);
    assert_string_equal(tunnel_local_last_error(c->local)->message,
                        "failed to find Session for client c-1");
    assert_int_equal(tunnel_local_stats(c->local).failed, 1);
    assert_nothing_open(c);
    tip_drop(&client);
    chain_free(c);
}

static void test_connect_fails_behind_the_agent(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        enum err_code code;
        const char *message;
    } table[] = {
        {SERVICE ":444", ERR_CONN_REFUSED, "dial tcp " SERVICE ":444: connect: connection refused"},
        {"nowhere:443", ERR_DNS_NXDOMAIN, "dial tcp nowhere:443: no such host"},
        {"10.43.0.1", ERR_CONN_RESET, "dial tcp: missing port in address"},
        {"10.43.0.1:0", ERR_CONN_RESET, "dial tcp: missing port in address"},
        {"10.43.0.1:65536", ERR_CONN_RESET, "dial tcp: missing port in address"},
        {"10.43.0.1:https", ERR_CONN_RESET, "dial tcp: missing port in address"},
        {":443", ERR_CONN_RESET, "dial tcp: missing port in address"},
        {"n:443", ERR_DNS_NXDOMAIN, "dial tcp n:443: no such host"},
        {"[no:443", ERR_DNS_NXDOMAIN, "dial tcp [no:443: no such host"},
        {"no]:443", ERR_DNS_NXDOMAIN, "dial tcp no]:443: no such host"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct chain *c = chain_new(table[i].address, 0);
        struct tip client = {0};
        client_dial(c, &client);
        world_stream_write(client.stream, STR("x"));
        tiny_run(c->t, S);
        assert_int_equal(client.closes, 1);
        assert_int_equal(tunnel_local_last_error(c->local)->code, table[i].code);
        assert_string_equal(tunnel_local_last_error(c->local)->message, table[i].message);
        assert_nothing_open(c);
        tip_drop(&client);
        chain_free(c);
    }
}

static void test_name_is_resolved_by_the_agent(void **state)
{
    (void)state;
    struct chain *c = chain_new("kubernetes.default:443", 0);
    struct tip client = {.close_at_end = true};
    tiny_name(c->t, "kubernetes.default", SERVICE);
    c->model = (struct tip){.echo = true};
    client_dial(c, &client);
    world_stream_write(client.stream, STR("hello"));
    tiny_run(c->t, S);
    assert_string_equal(buf_c(&client.got), "hello");
    tip_drop(&client);
    tiny_run(c->t, S);
    chain_free(c);
}

/* Ends inside of a name look-up and of a connect under way. */
static void test_session_dies_while_dialling(void **state)
{
    (void)state;
    static const char *const targets[] = {"kubernetes.default:443", SERVICE ":443"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        for (int after = 0; after < 8; after++) {
            struct chain *c = chain_new(targets[i], 0);
            struct tip client = {0};
            tiny_name(c->t, "kubernetes.default", SERVICE);
            client_dial(c, &client);
            tiny_run(c->t, 5200 * NS_PER_US + after * 200 * NS_PER_US);
            tiny_wire_break(c->wire);
            tiny_run(c->t, S);
            assert_int_equal(client.closes, 1);
            assert_int_equal(tiny_open_streams(c->t), 0);
            chain_free(c);
        }
    }
}

static void test_session_dies(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {0};
    client_dial(c, &client);
    tiny_run(c->t, 100 * MS);
    tiny_wire_break(c->wire);
    tiny_run(c->t, 100 * MS);
    assert_int_equal(client.code, ERR_CONN_RESET);
    assert_int_equal(c->accepted[0].code, ERR_CONN_RESET);
    assert_string_equal(tunnel_local_last_error(c->local)->message, "tunnel disconnect");
    chain_connect_agent(c, 0); /* the same listener goes on with the next session */
    c->model.echo = true;
    client_dial(c, &client);
    world_stream_write(client.stream, STR("again"));
    tiny_run(c->t, S);
    assert_string_equal(buf_c(&client.got), "again");
    tip_drop(&client);
    tiny_run(c->t, S);
    chain_free(c);
}

/* 64 MiB towards a reader that stands still: only so much is on the way; then it reads, and all of it comes. */
static void slow_reader(bool client_reads)
{
    enum { TOTAL = 64 << 20, CHUNK = 1 << 20 };
    struct chain *c = chain_new(SERVICE ":443", (int64_t)100 << 20);
    struct tip client = {.keep_nothing = true};
    c->model.keep_nothing = true;
    client_dial(c, &client);
    tiny_run(c->t, 100 * MS);
    struct tip *reader = client_reads ? &client : &c->accepted[0];
    struct tip *writer = client_reads ? &c->accepted[0] : &client;
    world_stream_pause(reader->stream);
    char *chunk = mem_alloc(CHUNK);
    for (size_t sent = 0; sent < TOTAL; sent += CHUNK)
        world_stream_write(writer->stream, (struct str){chunk, CHUNK});
    mem_free(chunk);
    tiny_run(c->t, 20 * S);
    /* in the tunnel: its mark, what was in flight when Pause went out, and the queues between its parts */
    assert_true(world_stream_queued(writer->stream) >= TOTAL - 2 * TUNNEL_BUFFER_MARK - (1 << 20));
    assert_int_equal(reader->got_n, 0);
    world_stream_resume(reader->stream);
    tiny_run(c->t, 60 * S);
    assert_int_equal(reader->got_n, TOTAL);
    tip_drop(&client);
    tiny_run(c->t, S);
    chain_free(c);
}

static void test_back_pressure(void **state)
{
    (void)state;
    slow_reader(true);
    slow_reader(false);
}

/* K14: after many connections ended by either side in every way, nothing is open. */
static void test_open_close_cycles(void **state)
{
    (void)state;
    enum { CYCLES = 10000 };
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct rng *rng = tiny_rng(c->t);
    struct tip client[TIPS] = {{0}};
    c->model = (struct tip){.echo = true, .keep_nothing = true, .close_at_end = true};
    for (int i = 0; i < CYCLES; i++) {
        struct tip *tip = &client[i % TIPS];
        tip_drop(tip);
        *tip = (struct tip){.keep_nothing = true, .close_at_end = true};
        client_dial(c, tip);
        world_stream_write(tip->stream, STR("x"));
        tiny_run(c->t, (world_time)rng_below(rng, 20) * MS);
        struct tip *victim =
            rng_below(rng, 2) ? &client[rng_below(rng, TIPS)] : &c->accepted[rng_below(rng, TIPS)];
        if (!victim->stream)
            continue;
        if (rng_below(rng, 2)) {
            world_stream_close(victim->stream);
            victim->stream = NULL;
        } else {
            tip_drop(victim);
        }
        if (i % 1000 == 999) {
            tiny_wire_break(c->wire);
            chain_connect_agent(c, 0);
        }
    }
    for (size_t i = 0; i < TIPS; i++) {
        tip_drop(&client[i]);
        tip_drop(&c->accepted[i]);
    }
    assert_nothing_open(c);
    assert_in_range(tunnel_local_stats(c->local).accepted, CYCLES - CYCLES / 100, CYCLES);
    chain_free(c);
}

static void test_free_with_open_pairs(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        client_dial(c, &client[i]);
    tiny_run(c->t, 100 * MS);
    world_stream_shutdown(client[1].stream); /* in its silence */
    tiny_run(c->t, 100 * MS);
    assert_int_equal(tunnel_local_stats(c->local).open, 3);
    tunnel_local_free(c->local);
    c->local = NULL;
    tiny_run(c->t, S);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(client[i].closes, 1);
    chain_free(c);
}

static void test_other_target(void **state)
{
    (void)state;
    struct chain *c = chain_new("10.43.9.9:443", 0);
    struct tip client = {0};
    tunnel_local_set_target(c->local, STR("tcp"), STR(SERVICE ":443"));
    c->model.echo = true;
    client_dial(c, &client);
    world_stream_write(client.stream, STR("x"));
    tiny_run(c->t, S);
    assert_string_equal(buf_c(&client.got), "x");
    tip_drop(&client);
    tiny_run(c->t, S);
    chain_free(c);
}

static void test_address_in_brackets(void **state)
{
    (void)state;
    struct chain *c = chain_new("[" SERVICE "]:443", 0);
    struct tip client = {0};
    c->model.echo = true;
    client_dial(c, &client);
    world_stream_write(client.stream, STR("hello"));
    tiny_run(c->t, S);
    assert_string_equal(buf_c(&client.got), "hello");
    tip_drop(&client);
    tiny_run(c->t, S);
    chain_free(c);
}

/* What the agent lets through and cannot dial, and what it does not let through. */
static void test_other_protocols(void **state)
{
    (void)state;
    static const struct {
        const char *proto, *address;
        enum err_code code;
        const char *message;
    } table[] = {
        {"unix", "/var/run/docker.sock", ERR_CONN_RESET,
         "dial unix /var/run/docker.sock: not supported"},
        {"unix", "/etc/passwd", ERR_FORBIDDEN, "connect not allowed"},
        {"udp", SERVICE ":443", ERR_FORBIDDEN, "connect not allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct chain *c = chain_new(SERVICE ":443", 0);
        struct tip client = {0};
        tunnel_local_set_target(c->local, str_c(table[i].proto), str_c(table[i].address));
        client_dial(c, &client);
        world_stream_write(client.stream, STR("x"));
        tiny_run(c->t, S);
        assert_int_equal(client.closes, 1);
        assert_int_equal(tunnel_local_last_error(c->local)->code, table[i].code);
        assert_string_equal(tunnel_local_last_error(c->local)->message, table[i].message);
        assert_nothing_open(c);
        chain_free(c);
    }
}

static void test_service_aborts(void **state)
{
    (void)state;
    struct chain *c = chain_new(SERVICE ":443", 0);
    struct tip client = {0};
    client_dial(c, &client);
    tiny_run(c->t, 100 * MS);
    tip_drop(&c->accepted[0]);
    tiny_run(c->t, 100 * MS);
    assert_int_equal(client.code, ERR_CONN_RESET);
    assert_string_equal(tunnel_local_last_error(c->local)->message,
                        "read tcp " SERVICE ":443: read: connection reset by peer");
    assert_nothing_open(c);
    tip_drop(&client);
    chain_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_service_closes),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_half_close_with_slow_reader),
        cmocka_unit_test(test_no_session),
        cmocka_unit_test(test_connect_fails_behind_the_agent),
        cmocka_unit_test(test_name_is_resolved_by_the_agent),
        cmocka_unit_test(test_session_dies_while_dialling),
        cmocka_unit_test(test_session_dies),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_open_close_cycles),
        cmocka_unit_test(test_free_with_open_pairs),
        cmocka_unit_test(test_other_target),
        cmocka_unit_test(test_address_in_brackets),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_service_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
