/* Goal: a session of either side follows the protocol: connections, errors, and their end, also from inside callbacks.
 * Method: two sessions on the ends of a simulated wire, or one session and hand-made frames at its other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/session_pair.h"

#include <string.h>

/* ---- life of connections ---- */

static void test_dial_echo_close(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    struct frame_log up = {0}, down = {0};
    tiny_end_tap(tiny_wire_end(p->wire, 0), frame_log_add, &down);
    tiny_end_tap(tiny_wire_end(p->wire, 1), frame_log_add, &up);
    p->far[0].echo = true;
    pair_dial(p, &near, "10.43.0.1:443");
    tunnel_conn_write(near.conn, STR("hello"));
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&near.got), "hello");
    tunnel_conn_close(near.conn);
    tiny_run(p->t, 100 * MS);
    assert_int_equal(near.closes, 0); /* whoever closes is not told */
    assert_int_equal(p->far[0].closes, 1);
    assert_int_equal(p->far[0].code, -1);
    assert_string_equal(buf_c(&down.text),
                        "connect 2 tcp/10.43.0.1:443\ndata 2 hello\nerror 2 EOF\n");
    assert_string_equal(buf_c(&up.text), "data 2 hello\n");
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    assert_int_equal(tunnel_session_stats(p->client).open, 0);
    buf_free(&near.got);
    buf_free(&up.text);
    buf_free(&down.text);
    pair_free(p);
}

static void test_far_end_closes_behind_its_data(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 1 << 20);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    conn_write_n(p->far[0].conn, 300000, 'x');
    tunnel_conn_close(p->far[0].conn); /* most of it is still queued */
    tiny_run(p->t, 5 * S);
    assert_int_equal(near.got.n, 300000);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    assert_int_equal(tunnel_session_stats(p->client).open, 0);
    buf_free(&near.got);
    pair_free(p);
}

static void test_errors_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } table[] = {
        {"EOF", -1},
        {"dial tcp 10.43.0.1:443: connect: connection refused", ERR_CONN_REFUSED},
        {"dial tcp 10.43.0.1:443: connect: no route to host", ERR_UNREACHABLE},
        {"dial tcp 10.43.0.1:443: i/o timeout", ERR_TIMEOUT},
        {"dial tcp: lookup kubernetes: no such host", ERR_DNS_NXDOMAIN},
        {"connect not allowed", ERR_FORBIDDEN},
        {"failed to find Session for client c-9", ERR_UNAVAILABLE},
        {"read tcp: connection reset by peer", ERR_CONN_RESET},
        {"something new", ERR_CONN_RESET},
    };
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct peer near = {0};
        pair_dial(p, &near, "a:1");
        tiny_run(p->t, 20 * MS);
        tunnel_conn_fail(p->far[i].conn, str_c(table[i].text));
        tiny_run(p->t, 20 * MS);
        assert_int_equal(near.closes, 1);
        assert_int_equal(near.code, table[i].code);
        assert_string_equal(near.text, table[i].code == -1 ? "" : table[i].text);
    }
    pair_free(p);
}

static void test_data_for_unknown_connection(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    tiny_end_tap(tiny_wire_end(p->wire, 1), frame_log_add, &up);
    pair_inject(p, 1, TUNNEL_DATA, 44, STR("x"));
    pair_inject(p, 1, TUNNEL_ERROR, 44, STR("x"));
    pair_inject(p, 1, TUNNEL_PAUSE, 44, str_empty);
    pair_inject(p, 1, TUNNEL_RESUME, 44, str_empty);
    assert_string_equal(buf_c(&up.text), "error 44 connection not found client/0/44\n");
    buf_free(&up.text);
    pair_free(p);
}

static void test_unknown_types_are_ignored(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    pair_inject(p, 0, (enum tunnel_type)9, 1, STR("x"));
    pair_inject(p, 1, (enum tunnel_type)1000, 1, STR("x"));
    tiny_run(p->t, S);
    assert_non_null(p->server);
    assert_non_null(p->client);
    pair_free(p);
}

static void test_text_message_ends_the_session(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    tunnel_session_on_message(p->server, true, STR("hi"));
    assert_null(p->server);
    assert_int_equal(p->server_code, ERR_PROTOCOL);
    pair_free(p);
}

static void test_malformed_frame_ends_the_session(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_end_inject(tiny_wire_end(p->wire, 0), STR("\xff"));
    assert_null(p->server);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, ERR_UNAVAILABLE);
    assert_string_equal(near.text, "tunnel disconnect");
    tiny_run(p->t, S);
    assert_null(p->client); /* its WebSocket went down */
    pair_free(p);
}

static void test_refused_connect(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        struct frame_log down = {0};
        tiny_end_tap(tiny_wire_end(p->wire, 0), frame_log_add, &down);
        struct peer near = {0};
        pair_dial(p, &near, "a:1");
        pair_inject(p, 0, TUNNEL_CONNECT, 1,
                    STR("tcp/10.0.0.1:80")); /* an agent that dials the server */
        tiny_run(p->t, S);
        assert_int_equal(p->server != NULL, hardened);
        assert_int_equal(near.closes, !hardened); /* the others die with it, or do not notice */
        if (hardened)
            assert_true(str_find(buf_str(&down.text), STR("error 1 connect not allowed")) > 0);
        buf_free(&down.text);
        pair_free(p);
    }
}

static void test_default_allow(void **state)
{
    (void)state;
    assert_true(tunnel_allow_default(NULL, STR("tcp"), STR("10.0.0.1:1")));
    assert_true(tunnel_allow_default(NULL, STR("unix"), STR("/var/run/docker.sock")));
    assert_true(tunnel_allow_default(NULL, STR("npipe"), STR("//./pipe/docker_engine")));
    assert_false(tunnel_allow_default(NULL, STR("unix"), STR("/etc/passwd")));
    assert_false(tunnel_allow_default(NULL, STR("npipe"), STR("//./pipe/x")));
    assert_false(tunnel_allow_default(NULL, STR("udp"), STR("10.0.0.1:1")));
    assert_false(tunnel_allow_default(NULL, STR("c-1::tcp"), STR("10.0.0.1:1")));
}

static void test_address_bound(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    char address[400];
    memset(address, 'a', sizeof(address));
    struct tunnel_conn *c;
    struct peer near = {0};
    assert_null(tunnel_session_dial(p->server, STR("tcp"), (struct str){address, 262},
                                    &peer_handler, &near, &c));
    struct err *err = tunnel_session_dial(p->server, STR("tcp"), (struct str){address, 263},
                                          &peer_handler, &near, &c);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_INVALID);
    err_free(err);
    pair_free(p);
}

/* ---- ending inside callbacks ---- */

static void test_close_inside_data(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    p->far[0].close_on_data = true;
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tunnel_conn_write(near.conn, STR("one"));
    tunnel_conn_write(near.conn, STR("two"));
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&p->far[0].got), "one");
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    pair_free(p);
}

static void test_close_session_inside_data(void **state)
{
    (void)state;
    for (int paused_first = 0; paused_first < 2; paused_first++) {
        struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
        struct peer near = {0}, other = {0};
        pair_dial(p, &near, "a:1");
        pair_dial(p, &other, "a:1");
        tiny_run(p->t, 20 * MS);
        p->far[0].close_session_on_data = true;
        p->far[0].session = p->client;
        if (paused_first)
            tunnel_conn_pause(p->far[0].conn);
        tunnel_conn_write(near.conn, STR("one"));
        tiny_run(p->t, 100 * MS);
        if (paused_first)
            tunnel_conn_resume(p->far[0].conn);
        p->client = NULL;
        tiny_run(p->t, 100 * MS);
        assert_int_equal(p->far[0].closes, 1);
        assert_int_equal(p->far[1].closes, 1);
        assert_int_equal(near.closes, 1);
        assert_int_equal(other.closes, 1);
        assert_int_equal(near.code, ERR_UNAVAILABLE);
        assert_int_equal(p->client_code, 0); /* its owner closed it */
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dial_echo_close),
        cmocka_unit_test(test_far_end_closes_behind_its_data),
        cmocka_unit_test(test_errors_are_typed),
        cmocka_unit_test(test_data_for_unknown_connection),
        cmocka_unit_test(test_unknown_types_are_ignored),
        cmocka_unit_test(test_text_message_ends_the_session),
        cmocka_unit_test(test_malformed_frame_ends_the_session),
        cmocka_unit_test(test_refused_connect),
        cmocka_unit_test(test_default_allow),
        cmocka_unit_test(test_address_bound),
        cmocka_unit_test(test_close_inside_data),
        cmocka_unit_test(test_close_session_inside_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
