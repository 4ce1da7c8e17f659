/* Goal: each address behind a client has one local listener with a port that stays, and whoever asks for what cannot be
 * had is told. Method: an agent on a simulated wire that notes what is dialled, streams to the ports, a network that
 * fails as told. */
#include "engine/tunnel/forwards.h"

#include "tests/unit/support/check.h"
#include "tests/unit/support/tiny_world.h"

#define S NS_PER_S

struct scene {
    struct tiny *t;
    struct world *w;
    struct policies policies;
    struct tunnel_router *router;
    struct tunnel_forwards *forwards;
    struct tunnel_session *agent;
    struct buf dialled; /* "tcp/a:1 " ... */
};

static void note_dialled(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct scene *s = owner;
    buf_addf(&s->dialled, STR_FMT "/" STR_FMT " ", STR_ARG(proto), STR_ARG(address));
    tunnel_conn_close(c);
}

static bool allow_all(void *owner, struct str proto, struct str address)
{
    (void)owner, (void)proto, (void)address;
    return true;
}

static struct scene *scene_new(void)
{
    struct scene *s = MEM_NEW(struct scene);
    s->t = tiny_new(5);
    s->w = tiny_process(s->t, "10.0.0.1");
    s->policies = policies_hardened();
    s->router = tunnel_router_new(s->w, &s->policies);
    s->forwards = tunnel_forwards_new(s->w, s->router);
    struct tiny_wire *wire = tiny_wire_new(s->t, NS_PER_MS, 0);
    struct tiny_end *far = tiny_wire_end(wire, 0), *near = tiny_wire_end(wire, 1);
    const struct tunnel_identity who = {.key = STR("c-1")};
    tiny_end_attach(far, &tunnel_session_ws_handler,
                    tunnel_router_add(s->router, &tiny_wire_ops, far, &who));
    const struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                             .policies = &s->policies,
                                             .key = STR("client"),
                                             .allow = allow_all,
                                             .incoming = note_dialled,
                                             .owner = s};
    s->agent = tunnel_session_new(tiny_process(s->t, "10.0.0.2"), &tiny_wire_ops, near, &o);
    tiny_end_attach(near, &tunnel_session_ws_handler, s->agent);
    return s;
}

static void scene_free(struct scene *s)
{
    tunnel_forwards_free(s->forwards);
    tunnel_session_close(s->agent);
    tunnel_router_free(s->router);
    buf_free(&s->dialled);
    tiny_free(s->t);
    mem_free(s);
}

static uint16_t port_of(struct scene *s, const char *key, const char *address)
{
    uint16_t port = 0;
    check_ok(tunnel_forwards_port(s->forwards, str_c(key), str_c(address), &port));
    assert_int_not_equal(port, 0);
    return port;
}

static void note_closed(void *owner, const struct err *err)
{
    *(int *)owner = err ? (int)err->code : -1;
}

/* How a stream to that port ends: -1: in order. */
static int visit(struct scene *s, uint16_t port)
{
    static const struct world_stream_handler handler = {.closed = note_closed};
    const struct world_connect o = {.address = world_addr_make(STR("127.0.0.1"), port)};
    int code = 0;
    struct world_stream *stream = world_stream_connect(s->w, &o, &handler, &code);
    world_stream_shutdown(stream);
    tiny_run(s->t, 10 * S);
    assert_int_not_equal(code, 0);
    return code;
}

static void test_one_listener_for_each_address(void **state)
{
    (void)state;
    static const struct {
        const char *key, *address, *dialled; /* dialled: at the agent of c-1 */
    } table[] = {{"c-1", "10.43.0.1:443", "tcp/10.43.0.1:443 "},
                 {"c-1", "10.43.0.2:443", "tcp/10.43.0.2:443 "},
                 {"c-1", "unix//run/api.sock", "unix//run/api.sock "},
                 {"c-1", "unix", "tcp/unix "},
                 {"c-2", "10.43.0.1:443", ""}};
    struct scene *s = scene_new();
    uint16_t ports[ARRAY_LEN(table)];
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        ports[i] = port_of(s, table[i].key, table[i].address);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(ports[i], ports[j]);
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        assert_int_equal(port_of(s, table[i].key, table[i].address), ports[i]);
        buf_clear(&s->dialled);
        (void)visit(s, ports[i]);
        check_str(buf_str(&s->dialled), table[i].dialled);
    }
    scene_free(s);
}

/* Those of one client end; those of another do not, and what is asked for again is made anew. */
static void test_those_of_a_client_end(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    uint16_t first = port_of(s, "c-1", "a:1"), second = port_of(s, "c-1", "a:2");
    uint16_t others = port_of(s, "c-2", "a:1");
    tunnel_forwards_end(s->forwards, STR("c-1"));
    tunnel_forwards_end(s->forwards, STR("c-1")); /* none any more */
    assert_int_equal(visit(s, first), ERR_CONN_REFUSED);
    assert_int_equal(visit(s, second), ERR_CONN_REFUSED);
    assert_int_equal(visit(s, others), ERR_CONN_RESET); /* it has no session */
    assert_int_equal(port_of(s, "c-2", "a:1"), others);
    assert_int_not_equal(port_of(s, "c-1", "a:1"), first);
    assert_int_equal(buf_str(&s->dialled).n, 0);
    tunnel_forwards_free(NULL);
    scene_free(s);
}

/* No listener can be had: the cause is told, nothing is kept, and what there is goes on. */
static void test_no_listener(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    uint16_t port = 7, before = port_of(s, "c-1", "a:1");
    tiny_fail(s->t, "127.0.0.1:0", ERR_IO);
    static const char *const keys[] = {"c-1", "c-2"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        check_err(tunnel_forwards_port(s->forwards, str_c(keys[i]), STR("a:2"), &port), ERR_IO,
                  "io");
        assert_int_equal(port, 7);
    }
    assert_int_equal(port_of(s, "c-1", "a:1"), before);
    tiny_fail(s->t, "127.0.0.1:0", ERR_CODE_COUNT);
    assert_int_not_equal(port_of(s, "c-2", "a:2"), before);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_listener_for_each_address),
        cmocka_unit_test(test_those_of_a_client_end),
        cmocka_unit_test(test_no_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
