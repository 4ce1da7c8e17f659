/* Goal: a slow reader stops its own writer and nobody else: pauses, marks, fairness between connections.
 * Method: two sessions on the ends of a simulated wire, or one session and hand-made frames at its other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/session_pair.h"

#include <string.h>

/* ---- flow control ---- */

static void test_pause_and_resume_marks(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct frame_log up = {0};
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tiny_end_tap(tiny_wire_end(p->wire, 1), frame_log_add, &up);
    tunnel_conn_pause(p->far[0].conn);
    conn_write_n(near.conn, TUNNEL_BUFFER_MARK, 'a');
    tiny_run(p->t, 100 * MS);
    assert_int_equal(up.text.n, 0); /* exactly at the mark */
    conn_write_n(near.conn, 1, 'b');
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&up.text), "pause 2\n");
    conn_write_n(near.conn, 100000, 'c'); /* waits here */
    tiny_run(p->t, 100 * MS);
    assert_int_equal(tunnel_conn_queued(near.conn), 100000);
    assert_int_equal(tunnel_conn_buffered(p->far[0].conn), TUNNEL_BUFFER_MARK + 1);
    tunnel_conn_resume(p->far[0].conn);
    assert_int_equal(p->far[0].got.n, 0); /* never from inside the call */
    tiny_run(p->t, 100 * MS);
    assert_string_equal(buf_c(&up.text), "pause 2\nresume 2\n");
    assert_int_equal(p->far[0].got.n, TUNNEL_BUFFER_MARK + 1 + 100000);
    assert_int_equal(near.drains, 2); /* once after each time above the low mark */
    buf_free(&up.text);
    pair_free(p);
}

/* The peer finished while its reader was paused: everything is delivered, then the end. */
static void test_end_waits_for_paused_reader(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(near.conn);
    conn_write_n(p->far[0].conn, 1000, 'a');
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.closes, 0);
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.got.n, 1000);
    assert_int_equal(near.code, -1);
    assert_int_equal(near.closes, 1);
    buf_free(&near.got);
    pair_free(p);
}

/* A writer that waits for `drained` learns that it is pointless, even while its own reading is paused. */
static void test_end_releases_writer(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    conn_write_n(near.conn, 2 * TUNNEL_CONN_LOW, 'a');
    tunnel_conn_pause(near.conn);
    tunnel_conn_write(p->far[0].conn, STR("last words"));
    tunnel_conn_fail(p->far[0].conn, STR("read tcp: connection reset by peer"));
    tiny_run(p->t, 10 * MS);
    assert_int_equal(near.drains, 1);
    assert_int_equal(tunnel_conn_queued(near.conn), 0);
    assert_int_equal(near.closes, 0);
    tunnel_conn_write(near.conn, STR("into the void"));
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, 10 * MS);
    assert_string_equal(buf_c(&near.got), "last words");
    assert_int_equal(near.code, ERR_CONN_RESET);
    buf_free(&near.got);
    pair_free(p);
}

static void test_sender_that_ignores_pause(void **state)
{
    (void)state;
    for (int bounded = 0; bounded < 2; bounded++) {
        struct policies policies = policies_hardened();
        if (!bounded)
            policies.value[POLICY_TUNNEL_BUFFER] = POLICY_BUFFER_UNBOUNDED;
        struct pair *p = pair_new(policies, 1 * MS, 0);
        struct peer near = {0}, other = {0};
        pair_dial(p, &near, "a:1");
        pair_dial(p, &other, "a:1");
        tiny_run(p->t, 10 * MS);
        tunnel_conn_pause(near.conn);
        char chunk[32768] = {0};
        for (size_t sent = 0; sent <= TUNNEL_BUFFER_MAX + TUNNEL_BUFFER_MARK; sent += sizeof(chunk))
            pair_inject(p, 0, TUNNEL_DATA, 2, (struct str){chunk, sizeof(chunk)});
        assert_int_equal(near.closes, bounded);
        if (bounded) {
            assert_int_equal(near.code, ERR_TOO_LARGE);
            assert_int_equal(tunnel_session_stats(p->server).buffered, 0);
        } else {
            assert_true(tunnel_conn_buffered(near.conn) > TUNNEL_BUFFER_MAX);
        }
        assert_int_equal(tunnel_session_stats(p->server).pauses_sent, 1);
        assert_int_equal(other.closes, 0); /* nobody else notices */
        assert_non_null(p->server);
        pair_free(p);
    }
}

/* K45: a reader that stands still stops what is sent to it, and nothing that it sends itself. */
static void test_pause_is_one_way(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    const size_t n = 3 * TUNNEL_BUFFER_MARK;
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(p->far[0].conn);
    for (size_t i = 0; i < 48; i++) {
        conn_write_n(near.conn, n / 48, 'a');
        tiny_run(p->t, 5 * MS);
    }
    assert_true(tunnel_conn_queued(near.conn) > 0); /* we were asked to stop */
    conn_write_n(p->far[0].conn, n, 'b');
    tiny_run(p->t, S);
    assert_int_equal(near.got.n, n);
    assert_int_equal(tunnel_conn_buffered(near.conn), 0);
    tunnel_conn_resume(p->far[0].conn);
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, n);
    buf_free(&near.got);
    pair_free(p);
}

/* K45: both readers stand still with both directions full; then one of them reads. Its direction flows, the other stays
 * paused, and nothing is mixed up. */
static void test_both_directions_paused(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct peer near = {0};
    const size_t n = 3 * TUNNEL_BUFFER_MARK;
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    tunnel_conn_pause(near.conn);
    tunnel_conn_pause(p->far[0].conn);
    for (size_t i = 0; i < 48; i++) { /* in pieces, so that Pause has its chance */
        conn_write_n(near.conn, n / 48, 'a');
        conn_write_n(p->far[0].conn, n / 48, 'b');
        tiny_run(p->t, 5 * MS);
    }
    size_t up = tunnel_conn_queued(p->far[0].conn), down = tunnel_conn_queued(near.conn);
    assert_true(up > 0 && down > 0);
    tunnel_conn_resume(p->far[0].conn); /* towards the agent it flows again */
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, n);
    assert_int_equal(tunnel_conn_queued(p->far[0].conn),
                     up); /* the other direction is still paused */
    assert_int_equal(near.got.n, 0);
    tunnel_conn_resume(near.conn);
    tiny_run(p->t, S);
    assert_int_equal(near.got.n, n);
    buf_free(&near.got);
    pair_free(p);
}

/* ---- fairness (K11) ---- */

static bool reply_there(void *arg)
{
    return ((struct peer *)arg)->got.n > 0;
}

/* One connection downloads as much as it can; another one does ping-pong. How long does its answer take? */
static world_time answer_time(struct policies policies)
{
    enum { RATE = 10 << 20 };
    struct pair *p = pair_new(policies, 5 * MS, RATE);
    struct peer bulk = {0}, quick = {0};
    p->far[1].echo = true;
    pair_dial(p, &bulk, "a:1");
    pair_dial(p, &quick, "a:1");
    tiny_run(p->t, 20 * MS);
    conn_write_n(p->far[0].conn, (size_t)64 << 20, 'x');
    tiny_run(p->t, 20 * MS);
    world_time start = tiny_now(p->t);
    tunnel_conn_write(quick.conn, STR("ping"));
    assert_true(tiny_run_until(p->t, reply_there, &quick, 60 * S));
    world_time took = tiny_now(p->t) - start;
    buf_free(&bulk.got);
    buf_free(&quick.got);
    pair_free(p);
    return took;
}

static void test_bulk_does_not_delay_others(void **state)
{
    (void)state;
    world_time fair = answer_time(policies_hardened()), fifo = answer_time(policies_compat());
    assert_true(fair <= 10 * MS + 20 * MS); /* the wire's round trip and 20 ms */
    assert_true(fifo > 200 * MS);           /* behind what a socket's buffer holds */
}

/* K11: a reader that stands still holds up nobody: others' throughput and the keep-alive go on. */
static void test_slow_reader_does_not_block(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 10 << 20);
    struct peer slow = {0}, quick = {0};
    p->far[1].echo = true;
    pair_dial(p, &slow, "a:1");
    pair_dial(p, &quick, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_conn_pause(slow.conn);
    conn_write_n(p->far[0].conn, (size_t)32 << 20, 'x');
    for (int i = 0; i < 60; i++) {
        buf_clear(&quick.got);
        world_time start = tiny_now(p->t);
        tunnel_conn_write(quick.conn, STR("ping"));
        assert_true(tiny_run_until(p->t, reply_there, &quick, 60 * S));
        assert_true(tiny_now(p->t) - start <= 30 * MS);
        tiny_run(p->t, S);
    }
    assert_true(tunnel_conn_buffered(slow.conn) <= TUNNEL_BUFFER_MARK + (1 << 20));
    assert_non_null(p->server);
    buf_free(&quick.got);
    pair_free(p);
}

/* Every connection of a backed-up tunnel gets its share. */
static void test_round_robin(void **state)
{
    (void)state;
    enum { N = 10, RATE = 1 << 20 };
    struct pair *p = pair_new(policies_hardened(), 5 * MS, RATE);
    struct peer near[N] = {{0}};
    for (size_t i = 0; i < N; i++)
        pair_dial(p, &near[i], "a:1");
    tiny_run(p->t, 100 * MS);
    for (size_t i = 0; i < N; i++)
        conn_write_n(p->far[i].conn, (size_t)4 << 20, 'x');
    tiny_run(p->t, 4 * S);
    for (size_t i = 0; i < N; i++) {
        assert_true(near[i].got.n >= (size_t)RATE * 4 / N - (64 << 10));
        assert_true(near[i].got.n <=
                    (size_t)RATE * 4 / N + (128 << 10)); /* the first found it idle */
        buf_free(&near[i].got);
    }
    pair_free(p);
}

static bool queue_small(void *arg)
{
    return tiny_end_queued(arg) == 0;
}

static void test_reading_resumes(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, (int64_t)1 << 20);
    struct tiny_end *near = tiny_wire_end(p->wire, 1);
    for (size_t i = 0; tiny_end_queued(near) <= TUNNEL_TRANSPORT_MAX; i++)
        pair_inject(p, 1, TUNNEL_DATA, 9, STR("x"));
    pair_inject(p, 1, TUNNEL_DATA, 9, STR("x")); /* was under way when reading stopped */
    struct peer conn = {0};
    pair_dial(p, &conn, "a:1");
    tiny_run(p->t, S);
    assert_int_equal(p->far_n, 0); /* not read yet */
    assert_true(tiny_run_until(p->t, queue_small, near, 60 * S));
    tiny_run(p->t, S);
    assert_int_equal(p->far_n, 1);
    pair_free(p);
}

/* Two connections joined, as a replica that forwards does: a reader that stands still stops the writer two hops away,
 * and the end of one is the end of the other, with its reason. */
static void test_joined_connections(void **state)
{
    (void)state;
    enum { TOTAL = 16 << 20, PIECE = 1 << 20 };
    for (int in_order = 0; in_order < 2; in_order++) {
        struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
        struct tunnel_conn *a, *b;
        assert_null(tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), NULL, NULL, &a));
        assert_null(tunnel_session_dial(p->server, STR("tcp"), STR("b:1"), NULL, NULL, &b));
        tunnel_conn_join(a, b);
        tiny_run(p->t, 10 * MS);
        tunnel_conn_pause(p->far[1].conn);
        for (size_t sent = 0; sent < TOTAL; sent += PIECE) {
            conn_write_n(p->far[0].conn, PIECE, 'x');
            tiny_run(p->t, 10 * MS);
        }
        assert_true(tunnel_conn_queued(p->far[0].conn) >= TOTAL / 2);
        assert_true(tunnel_conn_buffered(p->far[1].conn) <= TUNNEL_BUFFER_MARK + PIECE);
        tunnel_conn_write(p->far[1].conn, STR("the other way"));
        tunnel_conn_resume(p->far[1].conn);
        tiny_run(p->t, S);
        assert_int_equal(p->far[1].got.n, TOTAL);
        assert_string_equal(buf_c(&p->far[0].got), "the other way");
        tunnel_conn_fail(p->far[0].conn, in_order ? STR("EOF") : STR("connection refused"));
        tiny_run(p->t, S);
        assert_int_equal(p->far[1].closes, 1);
        assert_int_equal(p->far[1].code, in_order ? -1 : ERR_CONN_REFUSED);
        assert_int_equal(tunnel_session_stats(p->server).open, 0);
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause_and_resume_marks),
        cmocka_unit_test(test_end_waits_for_paused_reader),
        cmocka_unit_test(test_end_releases_writer),
        cmocka_unit_test(test_sender_that_ignores_pause),
        cmocka_unit_test(test_pause_is_one_way),
        cmocka_unit_test(test_both_directions_paused),
        cmocka_unit_test(test_bulk_does_not_delay_others),
        cmocka_unit_test(test_slow_reader_does_not_block),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_reading_resumes),
        cmocka_unit_test(test_joined_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
