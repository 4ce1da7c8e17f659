/* Goal: a session in use that says nothing is asked, avoided and left, a handshake is begun by a second one, and none of
 * it happens to a session that is merely slow, alone, or in the profile that waits for silence.
 * Method: two agents of one cluster on wires that can be cut, a local listener, a service behind both. */
#include "engine/tunnel/local.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS      NS_PER_MS
#define S       NS_PER_S
#define SERVICE "10.43.0.1"
#define TIPS    8

struct tip {                     /* one end of a stream */
    struct world_stream *stream; /* NULL: ended */
    size_t got;
    bool echo;
};
struct agent {
    struct tiny_wire *wire;
    struct tunnel_session *near, *far; /* the agent's, the server's; NULL: gone */
};
struct pair_of_agents {
    struct tiny *t;
    struct world *server;
    struct policies policies;
    struct tunnel_router *router;
    struct tunnel_local *local;
    struct world_listener *listener;
    struct agent agents[2];
    struct tip accepted[TIPS];
    size_t accepted_n;
    bool mute; /* the service only reads */
};

static void tip_open(void *owner)
{
    (void)owner;
}
static void tip_data(void *owner, struct str bytes)
{
    struct tip *tip = owner;
    tip->got += bytes.n;
    if (tip->echo)
        world_stream_write(tip->stream, bytes);
}
static void tip_end(void *owner)
{
    struct tip *tip = owner;
    world_stream_close(tip->stream);
    tip->stream = NULL;
}
static void tip_closed(void *owner, const struct err *err)
{
    (void)err;
    ((struct tip *)owner)->stream = NULL;
}
static const struct world_stream_handler tip_handler = {tip_open, tip_data, tip_end, NULL,
                                                        tip_closed};

static void tip_drop(struct tip *tip)
{
    if (tip->stream)
        world_stream_abort(tip->stream);
    tip->stream = NULL;
}

static void on_accept(void *owner, struct world_stream *s)
{
    struct pair_of_agents *p = owner;
    assert_true(p->accepted_n < TIPS);
    struct tip *tip = &p->accepted[p->accepted_n++];
    *tip = (struct tip){.stream = s, .echo = !p->mute};
    world_stream_attach(s, &tip_handler, tip);
}

static void agent_gone(void *owner, const struct err *why)
{
    (void)why;
    ((struct agent *)owner)->near = NULL;
}

static void join(struct pair_of_agents *p, size_t i, int64_t rate)
{
    static const char *const addresses[] = {"10.42.0.7", "10.42.0.8"};
    const struct tunnel_identity who = {.key = STR("c-1")};
    struct agent *a = &p->agents[i];
    a->wire = tiny_wire_new(p->t, 5 * MS, rate);
    struct tiny_end *far = tiny_wire_end(a->wire, 0), *near = tiny_wire_end(a->wire, 1);
    a->far = tunnel_router_add(p->router, &tiny_wire_ops, far, &who);
    tiny_end_attach(far, &tunnel_session_ws_handler, a->far);
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &p->policies,
                                       .key = STR("client"),
                                       .closed = agent_gone,
                                       .owner = a};
    a->near = tunnel_session_new(tiny_process(p->t, addresses[i]), &tiny_wire_ops, near, &o);
    tiny_end_attach(near, &tunnel_session_ws_handler, a->near);
}

static struct pair_of_agents *pair_new(const struct policies *policies, size_t agents, int64_t rate)
{
    struct pair_of_agents *p = MEM_NEW(struct pair_of_agents);
    p->t = tiny_new(7);
    p->server = tiny_process(p->t, "10.0.0.1");
    p->policies = *policies;
    p->router = tunnel_router_new(p->server, &p->policies);
    const struct tunnel_local_options o = {
        .key = STR("c-1"), .proto = STR("tcp"), .address = STR(SERVICE ":443")};
    assert_null(tunnel_local_new(p->server, p->router, &o, &p->local));
    const struct world_listen listen = {.address = world_addr_make(STR(SERVICE), 443)};
    assert_null(world_listen(tiny_process(p->t, SERVICE), &listen, on_accept, p, &p->listener));
    for (size_t i = 0; i < agents; i++)
        join(p, i, rate);
    tiny_run(p->t, 1 * S);
    return p;
}

static void pair_free(struct pair_of_agents *p)
{
    tunnel_local_free(p->local);
    for (size_t i = 0; i < ARRAY_LEN(p->agents); i++)
        tunnel_session_close(p->agents[i].near);
    tunnel_router_free(p->router);
    if (p->listener)
        world_listener_close(p->listener);
    for (size_t i = 0; i < TIPS; i++)
        tip_drop(&p->accepted[i]);
    tiny_free(p->t);
    mem_free(p);
}

static void dial(struct pair_of_agents *p, struct tip *tip, struct str hello)
{
    const struct world_connect o = {
        .address = world_addr_make(STR("127.0.0.1"), tunnel_local_port(p->local))};
    tip->stream = world_stream_connect(p->server, &o, &tip_handler, tip);
    world_stream_write(tip->stream, hello);
}

#define HELLO "\x16hello"

/* K44: a connection through a frozen agent ends within two seconds, and the next one goes to the other. */
static void test_silent_session_is_left(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip old = {0}, new = {0};
    dial(p, &old, STR(HELLO));
    tiny_run(p->t, 100 * MS);
    assert_int_equal(old.got, 6);
    tiny_wire_cut(p->agents[1].wire, true); /* the newest: the one in use */
    world_stream_write(old.stream, STR("?"));
    tiny_run(p->t, 800 * MS);
    assert_false(tunnel_session_doubted(p->agents[1].far));
    tiny_run(p->t, 200 * MS);
    assert_true(tunnel_session_doubted(p->agents[1].far));
    assert_non_null(old.stream);
    tiny_run(p->t, 600 * MS);
    assert_null(old.stream);
    dial(p, &new, STR("plain"));
    tiny_run(p->t, 100 * MS);
    assert_int_equal(new.got, 5);
    tip_drop(&new);
    pair_free(p);
}

/* Nobody else is there: what is under way waits, and goes on when the path does. */
static void test_alone_is_kept(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 1, 0);
    struct tip tip = {0};
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 100 * MS);
    tiny_wire_cut(p->agents[0].wire, true);
    world_stream_write(tip.stream, STR("lost"));
    tiny_run(p->t, 5 * S);
    assert_true(tunnel_session_doubted(p->agents[0].far));
    tiny_wire_cut(p->agents[0].wire, false);
    tiny_run(p->t, 6 * S); /* the agent pings */
    assert_false(tunnel_session_doubted(p->agents[0].far));
    world_stream_write(tip.stream, STR("there"));
    tiny_run(p->t, 100 * MS);
    assert_int_equal(tip.got, 6 + 5);
    tip_drop(&tip);
    pair_free(p);
}

/* A handshake's first message may be said twice; a request may not. */
static void test_second_way(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip hello = {0}, plain = {0};
    tiny_wire_cut(p->agents[1].wire, true);
    dial(p, &hello, STR(HELLO));
    dial(p, &plain, STR("GET / HTTP/1.1"));
    tiny_run(p->t, 250 * MS);
    assert_int_equal(p->accepted_n, 0);
    tiny_run(p->t, 150 * MS);
    assert_int_equal(hello.got, 6);
    assert_int_equal(p->accepted_n, 1);
    assert_int_equal(tunnel_local_stats(p->local).hedged, 1);
    tiny_run(p->t, 2 * S);
    assert_int_equal(p->accepted_n, 1);
    assert_null(plain.stream); /* told, so that its user decides */
    world_stream_write(hello.stream, STR("on"));
    tiny_run(p->t, 100 * MS);
    assert_int_equal(hello.got, 8);
    tip_drop(&hello);
    pair_free(p);
}

/* Neither leads anywhere: it is tried twice, not for ever. */
static void test_two_ways_and_no_more(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip tip = {0};
    world_listener_close(p->listener); /* every dial is refused */
    p->listener = NULL;
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 10 * S);
    assert_null(tip.stream);
    assert_true(tunnel_local_stats(p->local).hedged <= 1);
    assert_true(tunnel_session_stats(p->agents[0].far).opened +
                    tunnel_session_stats(p->agents[1].far).opened <=
                2);
    pair_free(p);
}

/* Both answer: one way stays, and nothing is said or heard twice. */
static void test_late_first_answer(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip tip = {0};
    tiny_wire_cut(p->agents[1].wire, true);
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 290 * MS);
    tiny_wire_cut(p->agents[1].wire, false);
    tiny_run(p->t, 3 * S);
    assert_int_equal(tip.got, 6);
    assert_int_equal(tunnel_session_stats(p->agents[1].far).open, 0);
    assert_int_equal(tunnel_session_stats(p->agents[0].far).open, 1);
    tip_drop(&tip);
    pair_free(p);
}

/* Much is queued on a slow link: that nothing comes back yet proves nothing. */
static void test_slow_is_not_dead(void **state)
{
    (void)state;
    enum { TOTAL = 1 << 20 };
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 64 << 10);
    struct tip tip = {0};
    char *bytes = mem_alloc(TOTAL);
    p->mute = true;
    dial(p, &tip, (struct str){bytes, TOTAL});
    mem_free(bytes);
    for (int i = 0; i < 20; i++) {
        tiny_run(p->t, 500 * MS);
        assert_non_null(tip.stream);
        assert_false(tunnel_session_doubted(p->agents[1].far));
    }
    tip_drop(&tip);
    pair_free(p);
}

static void test_compat_waits(void **state)
{
    (void)state;
    struct policies policies = policies_compat();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip tip = {0};
    tiny_wire_cut(p->agents[0].wire, true); /* the oldest: the one in use */
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 50 * S);
    assert_non_null(tip.stream);
    assert_int_equal(tip.got, 0);
    assert_false(tunnel_session_doubted(p->agents[0].far));
    tiny_run(p->t, 12 * S);
    assert_null(tip.stream);
    pair_free(p);
}

/* A handshake's first message that comes in pieces is said whole; one that is too long is not said twice. */
static void test_hello_in_pieces(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    for (int too_long = 0; too_long < 2; too_long++) {
        struct policies policies = policies_hardened();
        struct pair_of_agents *p = pair_new(&policies, 2, 0);
        struct tip tip = {0};
        char *more = mem_alloc(LONG);
        tiny_wire_cut(p->agents[1].wire, true);
        dial(p, &tip, STR("\x16he"));
        tiny_run(p->t, 20 * MS);
        world_stream_write(tip.stream, (struct str){more, too_long ? LONG : 3});
        tiny_run(p->t, S);
        assert_int_equal(tip.got, too_long ? 0 : 6);
        assert_int_equal(tunnel_local_stats(p->local).hedged, !too_long);
        mem_free(more);
        tip_drop(&tip);
        pair_free(p);
    }
}

/* There is no second agent when one is wanted; later there is. */
static void test_second_way_comes_late(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 1, 0);
    struct tip tip = {0};
    tiny_wire_cut(p->agents[0].wire, true);
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 2 * S);
    assert_int_equal(tip.got, 0);
    assert_int_equal(tunnel_local_stats(p->local).hedged, 0);
    join(p, 1, 0);
    tiny_run(p->t, 2 * S);
    assert_int_equal(tip.got, 6);
    assert_int_equal(tunnel_local_stats(p->local).hedged, 1);
    tip_drop(&tip);
    pair_free(p);
}

/* Both ways are open and neither has answered: the loss of one is none for the stream. */
static void test_one_of_two_ways_is_lost(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    struct pair_of_agents *p = pair_new(&policies, 2, 0);
    struct tip tip = {0};
    p->mute = true;
    dial(p, &tip, STR(HELLO));
    tiny_run(p->t, 500 * MS);
    assert_int_equal(tunnel_local_stats(p->local).hedged, 1);
    assert_int_equal(p->accepted_n, 2);
    tiny_wire_break(p->agents[1].wire);
    tiny_run(p->t, 100 * MS);
    assert_non_null(tip.stream);
    world_stream_write(p->accepted[1].stream, STR("late"));
    tiny_run(p->t, 100 * MS);
    assert_int_equal(tip.got, 4);
    tip_drop(&tip);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_session_is_left),
        cmocka_unit_test(test_alone_is_kept),
        cmocka_unit_test(test_second_way),
        cmocka_unit_test(test_two_ways_and_no_more),
        cmocka_unit_test(test_late_first_answer),
        cmocka_unit_test(test_slow_is_not_dead),
        cmocka_unit_test(test_compat_waits),
        cmocka_unit_test(test_hello_in_pieces),
        cmocka_unit_test(test_second_way_comes_late),
        cmocka_unit_test(test_one_of_two_ways_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
