/* Goal: a session knows whether the other end lives, drains in order, and agrees with it about open connections.
 * Method: two sessions on the ends of a simulated wire, or one session and hand-made frames at its other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/session_pair.h"

#include <string.h>

/* ---- keep-alive ---- */

static void test_pings_and_silence(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        world_time dead_after = policy_get(&p->policies, POLICY_TUNNEL_DEAD_AFTER);
        tiny_run(p->t, 120 * S + MS);
        assert_int_equal(tiny_end_pings(tiny_wire_end(p->wire, 1)), 24); /* every 5 s */
        assert_int_equal(tiny_end_pings(tiny_wire_end(p->wire, 0)), 0);  /* the server never does */
        assert_non_null(p->server);
        tiny_wire_cut(p->wire, true);
        tiny_run(p->t, dead_after - 6 * S);
        assert_non_null(p->server);
        assert_non_null(p->client);
        tiny_run(p->t, 7 * S);
        assert_null(p->server);
        assert_null(p->client);
        assert_int_equal(p->server_code, ERR_TIMEOUT);
        assert_int_equal(p->client_code, ERR_TIMEOUT);
        pair_free(p);
    }
}

/* tunnel.alive_by: traffic keeps a session whose pings are held back somewhere; control does not. */
static void test_alive_by_traffic(void **state)
{
    (void)state;
    for (int traffic = 0; traffic < 2; traffic++) {
        struct policies policies = policies_hardened();
        policies.value[POLICY_TUNNEL_ALIVE_BY] =
            traffic ? POLICY_ALIVE_BY_TRAFFIC : POLICY_ALIVE_BY_CONTROL;
        policies.value[POLICY_TUNNEL_PING] = 1000 * S;
        struct pair *p = pair_new(policies, 5 * MS, 0);
        struct peer near = {0};
        p->far[0].echo = true;
        pair_dial(p, &near, "a:1");
        for (int i = 0; i < 10 && near.conn; i++) {
            tunnel_conn_write(near.conn, STR("x"));
            tiny_run(p->t, 5 * S);
        }
        assert_int_equal(p->server != NULL, traffic);
        assert_int_equal(p->client != NULL, traffic);
        buf_free(&near.got);
        pair_free(p);
    }
}

static void test_idle_session_costs_few_events(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    uint64_t before = tiny_events(p->t);
    tiny_run(p->t, 600 * S);
    /* 120 pings: timer, ping, pong and two events of the test's wire each; 10 syncs; 40 silence checks of the server */
    assert_true(tiny_events(p->t) - before <= 120 * 5 + 10 * 3 + 60);
    pair_free(p);
}

static void test_transport_down(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tiny_wire_break(p->wire);
    assert_null(p->server);
    assert_null(p->client);
    assert_int_equal(near.closes, 1);
    assert_int_equal(p->far[0].closes, 1);
    assert_int_equal(p->server_code, ERR_CONN_RESET);
    pair_free(p);
}

static void test_drain(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_session_drain(p->server);
    struct tunnel_conn *c;
    struct err *err =
        tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), &peer_handler, &near, &c);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    err_free(err);
    tunnel_conn_write(near.conn, STR("still works"));
    tiny_run(p->t, 30 * S);
    assert_string_equal(buf_c(&p->far[0].got), "still works");
    assert_non_null(p->server);
    tunnel_conn_close(near.conn);
    tiny_run(p->t, S);
    assert_null(p->server);
    assert_int_equal(p->server_code, -1);
    pair_free(p);
}

/* A connection whose peer never resumes does not outlive its close for long. */
static void test_linger_is_bounded(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    tunnel_conn_write(near.conn, STR("never sent"));
    tunnel_conn_close(near.conn);
    tiny_run(p->t, TUNNEL_LINGER_TIMEOUT - S);
    assert_int_equal(tunnel_session_stats(p->server).open, 1);
    tiny_run(p->t, 2 * S);
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    assert_int_equal(p->far[0].code, ERR_TIMEOUT);
    pair_free(p);
}

/* Nothing but its own deadline wakes the session for it. */
static void test_linger_is_bounded_in_silence(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    policies.value[POLICY_TUNNEL_DEAD_AFTER] = 3600 * S;
    policies.value[POLICY_TUNNEL_PING] = 1000 * S;
    struct pair *p = pair_new(policies, 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, S);
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    tunnel_conn_write(near.conn, STR("never sent"));
    tunnel_conn_close(near.conn);
    tiny_run(p->t, TUNNEL_LINGER_TIMEOUT + S);
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    pair_free(p);
}

/* A session that drains is not waited for as long as others: two pings are enough. */
static void test_drained_and_silent(void **state)
{
    (void)state;
    struct policies policies = policies_hardened();
    policies.value[POLICY_TUNNEL_DEAD_AFTER] = 3600 * S;
    struct pair *p = pair_new(policies, 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, S);
    tunnel_session_drain(p->server);
    tiny_run(p->t, 60 * S);
    assert_non_null(p->server); /* it answers */
    tiny_wire_cut(p->wire, true);
    tiny_run(p->t, 2 * policy_get(&policies, POLICY_TUNNEL_PING) + S);
    assert_null(p->server);
    assert_int_equal(p->server_code, ERR_TIMEOUT);
    assert_int_equal(near.closes, 1);
    pair_free(p);
}

/* ---- sync ---- */

static void test_sync_list_and_effect(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_compat(), 5 * MS, 0);
    struct frame_log up = {0}, down = {0};
    struct peer near[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < 3; i++)
        pair_dial(p, &near[i], "a:1");
    tiny_run(p->t, S);
    tiny_wire_drop_next(p->wire, 1,
                        1); /* the agent's Error is lost: the server keeps a dead connection */
    tunnel_conn_close(p->far[1].conn);
    tiny_end_tap(tiny_wire_end(p->wire, 1), frame_log_add, &up);
    tiny_end_tap(tiny_wire_end(p->wire, 0), frame_log_add, &down);
    tiny_run(p->t, 61 * S);
    assert_string_equal(buf_c(&up.text), "sync 0 2 4\n");
    assert_int_equal(near[1].closes, 1);
    assert_int_equal(near[1].code, ERR_CANCELLED);
    assert_string_equal(near[1].text, "sync from client");
    assert_int_equal(near[0].closes + near[2].closes, 0);
    assert_int_equal(down.text.n, 0); /* and without telling */
    buf_free(&up.text);
    buf_free(&down.text);
    pair_free(p);
}

/* A connection whose reader stands still for many lists is still a connection. */
static void test_sync_lists_paused_ones(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        struct peer near[2] = {{0}, {0}};
        pair_dial(p, &near[0], "a:1");
        pair_dial(p, &near[1], "a:1");
        tiny_run(p->t, S);
        tunnel_conn_pause(p->far[0].conn);
        tunnel_conn_pause(near[1].conn);
        conn_write_n(near[0].conn, 100, 'a');
        tiny_run(p->t, 300 * S);
        assert_int_equal(near[0].closes + near[1].closes, 0);
        tunnel_conn_resume(p->far[0].conn);
        tiny_run(p->t, S);
        assert_int_equal(p->far[0].got.n, 100);
        pair_free(p);
    }
}

/* young-safe: younger than the newest listed id: only after it was absent twice. Older: at once. */
static void test_sync_young_safe(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near[4] = {{0}};
    for (size_t i = 0; i < 4; i++)
        pair_dial(p, &near[i], "a:1"); /* 2 3 4 5 */
    struct buf list = {0};
    tunnel_sync_add(&list, 2);
    tunnel_sync_add(&list, 4);
    pair_inject(p, 0, TUNNEL_SYNC, 0, buf_str(&list));
    assert_int_equal(near[1].closes, 1);
    assert_int_equal(near[0].closes + near[2].closes + near[3].closes, 0);
    pair_inject(p, 0, TUNNEL_SYNC, 0, buf_str(&list));
    assert_int_equal(near[3].closes, 1);
    assert_int_equal(near[0].closes + near[2].closes, 0);
    pair_inject(p, 0, TUNNEL_SYNC, 0, str_empty);
    assert_int_equal(near[0].closes + near[2].closes, 0);
    pair_inject(p, 0, TUNNEL_SYNC, 0, str_empty);
    assert_int_equal(near[0].closes + near[2].closes, 2);
    buf_free(&list);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pings_and_silence),
        cmocka_unit_test(test_alive_by_traffic),
        cmocka_unit_test(test_idle_session_costs_few_events),
        cmocka_unit_test(test_transport_down),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_linger_is_bounded),
        cmocka_unit_test(test_linger_is_bounded_in_silence),
        cmocka_unit_test(test_drained_and_silent),
        cmocka_unit_test(test_sync_list_and_effect),
        cmocka_unit_test(test_sync_lists_paused_ones),
        cmocka_unit_test(test_sync_young_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
