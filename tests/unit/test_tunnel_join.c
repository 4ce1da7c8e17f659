/* Goal: what becomes of a stream behind an agent is what the far side of its connection sees: why it could not be
 * dialled, why reading ended, and nothing more when the connection ended first.
 * Method: two sessions on a simulated wire, connections joined with streams to a service, a network that fails as told. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/session_pair.h"

#include <string.h>

#define SERVICE "10.43.0.1"

struct tip {                     /* the service's end */
    struct world_stream *stream; /* NULL: none, or ended */
    struct buf got;
    int code; /* of the end; -1: in order, 0: open */
};

static void tip_data(void *owner, struct str bytes)
{
    buf_add(&((struct tip *)owner)->got, bytes);
}

static void tip_end(void *owner)
{
    struct tip *tip = owner;
    tip->code = -1;
    world_stream_close(tip->stream);
    tip->stream = NULL;
}

static void tip_closed(void *owner, const struct err *err)
{
    struct tip *tip = owner;
    tip->code = err ? (int)err->code : -1;
    tip->stream = NULL;
}

static const struct world_stream_handler tip_handler = {NULL, tip_data, tip_end, NULL, tip_closed};

static void on_accept(void *owner, struct world_stream *s)
{
    struct tip *tip = owner;
    tip->stream = s;
    world_stream_attach(s, &tip_handler, tip);
}

struct scene {
    struct pair *p;
    struct world_listener *listener;
    struct tip tip;
    struct peer near;
};

/* A connection from the server, joined by the agent with a stream to that address. */
static struct scene *scene_new(const char *address)
{
    struct scene *s = MEM_NEW(struct scene);
    s->p = pair_new(policies_hardened(), 5 * MS, 0);
    const struct world_listen listen = {.address = world_addr_make(STR(SERVICE), 443)};
    check_ok(
        world_listen(tiny_process(s->p->t, SERVICE), &listen, on_accept, &s->tip, &s->listener));
    pair_dial(s->p, &s->near, address);
    tiny_run(s->p->t, 10 * MS);
    tunnel_conn_join_stream(s->p->far[0].conn, s->p->wb, str_c(address));
    return s;
}

/* Nothing is left but what the test holds. */
static void scene_free(struct scene *s)
{
    tiny_run(s->p->t, S);
    assert_int_equal(tunnel_session_stats(s->p->client).open, 0);
    assert_int_equal(tunnel_session_stats(s->p->server).open, 0);
    assert_int_equal(tiny_open_streams(s->p->t), 0);
    world_listener_close(s->listener);
    buf_free(&s->tip.got);
    buf_free(&s->near.got);
    pair_free(s->p);
    mem_free(s);
}

static void test_why_it_could_not_be_dialled(void **state)
{
    (void)state;
    static const struct {
        const char *where, *address;
        enum err_code code;
        const char *text;
        enum err_code told;
    } table[] = {
        {SERVICE ":443", SERVICE ":443", ERR_CONN_REFUSED,
         "dial tcp " SERVICE ":443: connect: connection refused", ERR_CONN_REFUSED},
        {SERVICE ":443", SERVICE ":443", ERR_UNREACHABLE,
         "dial tcp " SERVICE ":443: connect: no route to host", ERR_UNREACHABLE},
        {SERVICE ":443", SERVICE ":443", ERR_CONN_RESET,
         "dial tcp " SERVICE ":443: connect: connection reset by peer", ERR_CONN_RESET},
        {SERVICE ":443", SERVICE ":443", ERR_TIMEOUT, "dial tcp " SERVICE ":443: i/o timeout",
         ERR_TIMEOUT},
        {SERVICE ":443", SERVICE ":443", ERR_IO, "dial tcp " SERVICE ":443: io", ERR_CONN_RESET},
        {"api", "api:443", ERR_DNS_NXDOMAIN, "dial tcp api:443: no such host", ERR_DNS_NXDOMAIN},
        {"api", "api:443", ERR_DNS_SERVFAIL, "dial tcp api:443: no such host", ERR_DNS_NXDOMAIN},
        {"api", "api:443", ERR_DNS_TIMEOUT, "dial tcp api:443: i/o timeout", ERR_TIMEOUT},
        {"api", "api:443", ERR_CODE_COUNT, "dial tcp api:443: no such host", ERR_DNS_NXDOMAIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct scene *s = scene_new(table[i].address);
        tiny_fail(s->p->t, table[i].where, table[i].code);
        tunnel_conn_write(s->near.conn, STR("waits for a stream"));
        tiny_run(s->p->t, 100 * MS);
        assert_int_equal(s->near.closes, 1);
        assert_string_equal(s->near.text, table[i].text);
        assert_int_equal(s->near.code, table[i].told);
        assert_null(s->tip.stream);
        scene_free(s);
    }
}

/* What came before the end is heard, and how it ended. */
static void test_why_reading_ended(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *text;
        enum err_code told;
    } table[] = {
        {ERR_CONN_RESET, "read tcp " SERVICE ":443: read: connection reset by peer",
         ERR_CONN_RESET},
        {ERR_TIMEOUT, "read tcp " SERVICE ":443: timeout", ERR_TIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct scene *s = scene_new(SERVICE ":443");
        tiny_run(s->p->t, 10 * MS);
        world_stream_write(s->tip.stream, STR("said"));
        tiny_run(s->p->t, 10 * MS);
        tiny_stream_fail(s->tip.stream, table[i].code);
        tiny_run(s->p->t, 10 * MS);
        check_str(buf_str(&s->near.got), "said");
        assert_int_equal(s->near.closes, 1);
        assert_string_equal(s->near.text, table[i].text);
        assert_int_equal(s->near.code, table[i].told);
        world_stream_abort(s->tip.stream);
        scene_free(s);
    }
}

/* The connection ends first: in order, the service hears all and the end; with an error, that nothing more comes. */
static void test_the_connection_ends_first(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } table[] = {{"EOF", -1}, {"read: connection reset by peer", ERR_CONN_RESET}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct scene *s = scene_new(SERVICE ":443");
        tiny_run(s->p->t, 10 * MS);
        tunnel_conn_write(s->near.conn, STR("request"));
        tiny_run(s->p->t, 10 * MS);
        tunnel_conn_fail(s->near.conn, str_c(table[i].text));
        tiny_run(s->p->t, 10 * MS);
        check_str(buf_str(&s->tip.got), "request");
        assert_int_equal(s->tip.code, table[i].code);
        assert_null(s->tip.stream);
        scene_free(s);
    }
}

/* It ends while the name is looked up: nobody is dialled. */
static void test_ends_while_resolving(void **state)
{
    (void)state;
    struct scene *s = scene_new("api:443");
    tiny_name(s->p->t, "api", SERVICE);
    pair_inject(s->p, 1, TUNNEL_ERROR, 2, STR("EOF"));
    tunnel_conn_close(s->near.conn);
    tiny_run(s->p->t, S);
    assert_int_equal(s->near.closes, 0);
    assert_null(s->tip.stream);
    assert_int_equal(s->tip.code, 0);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why_it_could_not_be_dialled),
        cmocka_unit_test(test_why_reading_ended),
        cmocka_unit_test(test_the_connection_ends_first),
        cmocka_unit_test(test_ends_while_resolving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
