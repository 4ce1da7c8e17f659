/* Goal: what comes at a bad moment does no harm: frames for connections in every state, calls from inside an end, bounds.
 * Method: two sessions on the ends of a simulated wire, hand-made frames, and the frames that pass as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/session_pair.h"

#include <string.h>

static void log_sent(struct pair *p, int end, struct frame_log *log)
{
    tiny_end_tap(tiny_wire_end(p->wire, end), frame_log_add, log);
}

/* ---- Connect ---- */

static void test_connect_with_a_used_id(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    pair_inject(p, 1, TUNNEL_CONNECT, 2, STR("tcp/b:1"));
    assert_null(p->client);
    assert_int_equal(p->client_code, ERR_PROTOCOL);
    assert_int_equal(p->far[0].closes, 1);
    tiny_run(p->t, 20 * MS);
    assert_int_equal(near.closes, 1);
    pair_free(p);
}

static void test_connect_without_an_address(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct pair *p = pair_new(hardened ? policies_hardened() : policies_compat(), 5 * MS, 0);
        struct frame_log up = {0};
        log_sent(p, 1, &up);
        pair_inject(p, 1, TUNNEL_CONNECT, 2, STR("nonsense"));
        assert_int_equal(p->client != NULL, hardened);
        assert_int_equal(p->far_n, 0);
        assert_string_equal(buf_c(&up.text),
                            hardened ? "error 2 failed to parse connect address \"nonsense\"\n"
                                     : "");
        buf_free(&up.text);
        pair_free(p);
    }
}

/* The peer's Connects may have taken an id that we would give. */
static void test_dial_skips_a_taken_id(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    struct peer near = {0};
    log_sent(p, 1, &up);
    pair_inject(p, 1, TUNNEL_CONNECT, 1, STR("tcp/a:1"));
    assert_null(
        tunnel_session_dial(p->client, STR("tcp"), STR("b:1"), &peer_handler, &near, &near.conn));
    assert_string_equal(buf_c(&up.text), "connect 2 tcp/b:1\n");
    buf_free(&up.text);
    pair_free(p);
}

static void test_drained_session_takes_nothing(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    struct peer near[2] = {{0}};
    pair_dial(p, &near[0], "a:1");
    pair_dial(p, &near[1], "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_session_drain(p->client);
    tunnel_session_drain(p->client); /* once more changes nothing */
    assert_true(tunnel_session_draining(p->client));
    log_sent(p, 1, &up);
    pair_inject(p, 1, TUNNEL_CONNECT, 6, STR("tcp/b:1"));
    assert_string_equal(buf_c(&up.text), "error 6 too many connections\n");
    struct tunnel_conn *c;
    struct err *err =
        tunnel_session_dial(p->client, STR("tcp"), STR("b:1"), &peer_handler, &near[0], &c);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    err_free(err);
    tunnel_conn_close(near[0].conn);
    tiny_run(p->t, S);
    assert_non_null(p->client); /* the other one still uses it */
    tunnel_conn_close(near[1].conn);
    tiny_run(p->t, S);
    assert_null(p->client);
    assert_int_equal(p->client_code, -1);
    assert_int_equal(p->far_n, 2);
    buf_free(&up.text);
    pair_free(p);
}

/* ---- bounds ---- */

struct last {
    struct tunnel_frame frame;
    char payload[64];
};

static void note_last(void *arg, struct str message)
{
    struct last *last = arg;
    assert_null(tunnel_frame_decode(message, &last->frame));
    last->payload[0] = 0;
    strncat(last->payload, last->frame.payload.p,
            last->frame.payload.n < 63 ? last->frame.payload.n : 63);
}

/* Both who dials and who is dialled stop at the bound, and a list of all ids is still one message. */
static void test_connections_are_bounded(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer own = {0};
    struct last last = {0};
    struct tunnel_conn *c;
    tiny_end_tap(tiny_wire_end(p->wire, 1), note_last, &last);
    for (int64_t id = 1; id <= TUNNEL_CONNS_MAX; id++)
        pair_inject(p, 1, TUNNEL_CONNECT, 2 * id, STR("tcp/a:1"));
    assert_int_equal(tunnel_session_stats(p->client).open, TUNNEL_CONNS_MAX);
    assert_int_equal(last.frame.id, 0); /* nothing had to be said */
    pair_inject(p, 1, TUNNEL_CONNECT, 1, STR("tcp/a:1"));
    assert_int_equal(last.frame.type, TUNNEL_ERROR);
    assert_string_equal(last.payload, "too many connections");
    struct err *err =
        tunnel_session_dial(p->client, STR("tcp"), STR("b:1"), &peer_handler, &own, &c);
    assert_int_equal(err->code, ERR_TOO_MANY);
    err_free(err);
    tiny_run(p->t, TUNNEL_SYNC_INTERVAL + 2 * S);
    assert_int_equal(last.frame.type, TUNNEL_SYNC);
    assert_int_equal(last.frame.payload.n, 8 * TUNNEL_CONNS_MAX);
    pair_free(p);
}

static void test_announcement_is_not_cut(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    char key[TUNNEL_CLIENT_BYTES_MAX];
    memset(key, 'k', sizeof(key));
    log_sent(p, 1, &up);
    tunnel_session_announce(p->client, true, (struct str){key, sizeof(key) - 2}, 7);
    assert_int_equal(tunnel_session_stats(p->client).messages_out, 1);
    tunnel_session_announce(p->client, true, (struct str){key, sizeof(key) - 1}, 7);
    assert_int_equal(tunnel_session_stats(p->client).messages_out, 1);
    pair_inject(p, 0, TUNNEL_ADD_CLIENT, 0, STR("no number")); /* of no interest: not even read */
    assert_non_null(p->server);
    buf_free(&up.text);
    pair_free(p);
}

/* ---- one end is done with a connection, the other not ---- */

/* Dialled without an owner: what comes meanwhile waits for one, the end too. */
static void test_owner_comes_late(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    assert_null(tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), NULL, NULL, &near.conn));
    tiny_run(p->t, 20 * MS);
    tunnel_conn_write(p->far[0].conn, STR("hello"));
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, 20 * MS);
    pair_inject(p, 0, TUNNEL_DATA, 2, STR("late")); /* it is over: not for this one */
    tunnel_conn_attach(near.conn, &peer_handler, &near);
    assert_int_equal(near.got.n, 0); /* never from inside the call */
    tiny_run(p->t, 20 * MS);
    assert_string_equal(buf_c(&near.got), "hello");
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    buf_free(&near.got);
    pair_free(p);
}

/* No owner came for what the peer finished in order: it goes with the session. */
static void test_owner_never_comes(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer other = {0};
    struct tunnel_conn *c;
    assert_null(tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), NULL, NULL, &c));
    pair_dial(p, &other, "b:1");
    tiny_run(p->t, 20 * MS);
    tunnel_conn_write(p->far[0].conn, STR("hello"));
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, 20 * MS);
    assert_int_equal(tunnel_session_stats(p->server).open, 2);
    assert_int_equal(tunnel_session_stats(p->server).buffered, 5);
    tiny_end_inject(tiny_wire_end(p->wire, 0), STR("\xff"));
    assert_null(p->server);
    assert_int_equal(p->server_code, ERR_PROTOCOL);
    assert_int_equal(other.code, ERR_UNAVAILABLE);
    pair_free(p);
}

/* The session ends while a connection that its peer has ended is not taken yet. */
static void test_session_ends_behind_a_connection(void **state)
{
    (void)state;
    enum { N = 100000 };
    static const struct {
        bool in_order, resumed, pauses_again;
        size_t got;
        int code;
    } table[] = {
        {true, true, false, N, -1},                 /* whole: the session's end is too late */
        {true, true, true, 32768, ERR_UNAVAILABLE}, /* its reader stopped again */
        {true, false, false, 0, ERR_UNAVAILABLE},
        {false, true, false, 0, ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
        struct peer near = {.pause_on_data = table[i].pauses_again};
        pair_dial(p, &near, "a:1");
        tiny_run(p->t, 20 * MS);
        tunnel_conn_pause(near.conn);
        conn_write_n(p->far[0].conn, N, 'a');
        tunnel_conn_fail(p->far[0].conn, table[i].in_order ? STR("EOF") : STR("reset"));
        tiny_run(p->t, S);
        assert_int_equal(tunnel_conn_buffered(near.conn), N);
        if (table[i].resumed)
            tunnel_conn_resume(near.conn);
        tiny_end_inject(tiny_wire_end(p->wire, 0), STR("\xff"));
        assert_null(p->server);
        assert_int_equal(near.got.n, table[i].got);
        assert_int_equal(near.closes, 1);
        assert_int_equal(near.code, table[i].code);
        buf_free(&near.got);
        pair_free(p);
    }
}

/* The peer's Error crosses ours, which waits behind what is queued: neither is answered. */
static void test_both_close(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log down = {0};
    struct peer near[2] = {{0}};
    pair_dial(p, &near[0], "a:1");
    pair_dial(p, &near[1], "a:1");
    tiny_run(p->t, 20 * MS);
    log_sent(p, 0, &down);
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    tunnel_conn_write(near[0].conn, STR("never sent"));
    tunnel_conn_close(near[0].conn);
    pair_inject(p, 0, TUNNEL_DATA, 2, STR("not wanted")); /* and not answered either */
    tunnel_conn_fail(p->far[0].conn, STR("read tcp: connection reset by peer"));
    tunnel_conn_pause(near[1].conn);
    tunnel_conn_write(p->far[1].conn, STR("not read"));
    tunnel_conn_close(p->far[1].conn);
    tiny_run(p->t, S);
    tunnel_conn_close(near[1].conn); /* the peer does not know it any more */
    tiny_run(p->t, S);
    assert_string_equal(buf_c(&down.text), "");
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    assert_int_equal(tunnel_session_stats(p->server).queued, 0);
    assert_int_equal(tunnel_session_stats(p->server).buffered, 0);
    assert_int_equal(near[0].closes + near[1].closes, 0);
    buf_free(&down.text);
    pair_free(p);
}

/* No Resume for a connection that has ended meanwhile; empty Data is nothing. */
static void test_no_resume_after_the_end(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 1 * MS, 0);
    struct frame_log up = {0};
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 10 * MS);
    log_sent(p, 1, &up);
    tunnel_conn_pause(p->far[0].conn);
    conn_write_n(near.conn, TUNNEL_BUFFER_MARK + 1, 'a');
    tunnel_conn_close(near.conn);
    pair_inject(p, 1, TUNNEL_DATA, 2, str_empty);
    tiny_run(p->t, S);
    tunnel_conn_resume(p->far[0].conn);
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, TUNNEL_BUFFER_MARK + 1);
    assert_int_equal(p->far[0].code, -1);
    assert_string_equal(buf_c(&up.text), "pause 2\n");
    buf_free(&up.text);
    pair_free(p);
}

/* Closed by its reader from inside of a delivery, with something still to be sent. */
static void test_close_inside_delivery_with_a_queue(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_conn_pause(p->far[0].conn);
    conn_write_n(near.conn, 100000, 'a');
    pair_inject(p, 1, TUNNEL_PAUSE, 2, str_empty);
    tunnel_conn_write(p->far[0].conn, STR("answer"));
    tiny_run(p->t, S);
    p->far[0].close_on_data = true;
    tunnel_conn_resume(p->far[0].conn);
    tiny_run(p->t, S);
    assert_int_equal(p->far[0].got.n, 32768);
    assert_int_equal(near.got.n, 0);
    pair_inject(p, 1, TUNNEL_RESUME, 2, str_empty);
    tiny_run(p->t, S);
    assert_string_equal(buf_c(&near.got), "answer");
    assert_int_equal(near.code, -1);
    assert_int_equal(tunnel_session_stats(p->client).buffered, 0);
    buf_free(&near.got);
    pair_free(p);
}

/* A list of ids is of those that the peer gave and that are open; one that we get is of those that we gave. */
static void test_sync_passes_over_others(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct frame_log up = {0};
    struct peer near[2] = {{0}}, own = {0};
    pair_dial(p, &near[0], "a:1");
    pair_dial(p, &near[1], "a:1");
    tiny_wire_drop_next(p->wire, 1, 1);
    assert_null(
        tunnel_session_dial(p->client, STR("tcp"), STR("b:1"), &peer_handler, &own, &own.conn));
    tiny_run(p->t, 20 * MS);
    tunnel_conn_pause(p->far[1].conn);
    tunnel_conn_write(near[1].conn, STR("not read yet"));
    tunnel_conn_close(near[1].conn);
    tiny_run(p->t, 20 * MS);
    log_sent(p, 1, &up);
    tiny_run(p->t, TUNNEL_SYNC_INTERVAL);
    assert_string_equal(buf_c(&up.text), "sync 0 2\n");
    struct buf ids = {0};
    tunnel_sync_add(&ids, 100);
    pair_inject(p, 1, TUNNEL_SYNC, 0, buf_str(&ids)); /* none of ours is in it */
    assert_int_equal(own.code, ERR_CANCELLED);
    assert_int_equal(p->far[0].closes + p->far[1].closes, 0);
    tunnel_conn_pause(near[0].conn);
    tunnel_conn_write(p->far[0].conn, STR("last words"));
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, S);
    pair_inject(p, 0, TUNNEL_SYNC, 0, buf_str(&ids)); /* it ended in order before */
    tunnel_conn_resume(near[0].conn);
    tiny_run(p->t, S);
    assert_string_equal(buf_c(&near[0].got), "last words");
    assert_int_equal(near[0].code, -1);
    buf_free(&near[0].got);
    buf_free(&ids);
    buf_free(&up.text);
    pair_free(p);
}

/* ---- inside the end of a session ---- */

struct mourner {
    struct tunnel_session *session;
    struct tunnel_conn *other;
    struct peer *others_owner;
    bool close_session;
    unsigned closes;
};

static void mourner_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void mourner_closed(void *owner, const struct err *why)
{
    struct mourner *m = owner;
    struct tunnel_conn *c;
    struct str frame = STR("\xff");
    assert_int_equal(why->code, ERR_UNAVAILABLE);
    m->closes++;
    assert_true(tunnel_session_draining(m->session));
    tunnel_session_drain(m->session);
    struct err *err = tunnel_session_dial(m->session, STR("tcp"), STR("a:1"), &peer_handler, m, &c);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    err_free(err);
    tunnel_session_announce(m->session, true, STR("c-1"), 1);
    tunnel_session_on_message(m->session, false, frame);
    tunnel_session_on_alive(m->session);
    tunnel_session_on_drained(m->session);
    tunnel_conn_write(m->other, STR("into the void"));
    tunnel_conn_resume(m->other);
    if (m->close_session) {
        tunnel_session_close(m->session);
        return;
    }
    tunnel_conn_close(m->other);
    m->others_owner->conn = NULL;
}

static void test_calls_inside_the_end(void **state)
{
    (void)state;
    for (int close_session = 0; close_session < 2; close_session++) {
        struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
        static const struct tunnel_conn_handler handler = {mourner_data, NULL, mourner_closed};
        struct mourner m = {.session = p->server, .close_session = close_session};
        struct peer near = {0};
        assert_null(tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), &handler, &m, &m.other));
        pair_dial(p, &near, "a:1");
        m.other = near.conn;
        m.others_owner = &near;
        tunnel_conn_pause(near.conn);
        tiny_run(p->t, 20 * MS);
        tunnel_conn_write(p->far[1].conn, STR("waits"));
        tiny_run(p->t, 20 * MS);
        uint64_t sent = tunnel_session_stats(p->client).messages_in;
        tiny_end_inject(tiny_wire_end(p->wire, 0), STR("\xff"));
        assert_int_equal(m.closes, 1);
        assert_int_equal(near.closes, close_session);
        assert_int_equal(p->server_code, close_session ? 0 : ERR_PROTOCOL);
        if (p->client)
            assert_int_equal(tunnel_session_stats(p->client).messages_in, sent);
        p->server = NULL;
        pair_free(p);
    }
}

static void incoming_ends_session(void *owner, struct tunnel_conn *c, struct str proto,
                                  struct str address)
{
    (void)c, (void)proto, (void)address;
    tunnel_session_close(*(struct tunnel_session **)owner);
}

/* The owner may end the session when a Connect comes, before the connection has an owner of its own. */
static void test_session_ends_inside_connect(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct tiny_wire *wire = tiny_wire_new(p->t, 5 * MS, 0);
    struct tunnel_session *s;
    struct buf connect = {0};
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &p->policies,
                                       .key = STR("client"),
                                       .incoming = incoming_ends_session,
                                       .owner = &s};
    s = tunnel_session_new(p->wb, &tiny_wire_ops, tiny_wire_end(wire, 1), &o);
    tunnel_frame_encode(&connect, &(struct tunnel_frame){1, 2, TUNNEL_CONNECT, STR("tcp/a:1")});
    tunnel_session_on_message(s, false, buf_str(&connect));
    buf_free(&connect);
    tiny_run(p->t, S); /* nothing of it is left: no timer, no memory */
    assert_non_null(p->client);
    pair_free(p);
}

static void drained_closes(void *owner)
{
    struct peer *near = owner;
    near->drains++;
    tunnel_conn_close(near->conn);
    near->conn = NULL;
}

/* A writer that gives up when it hears that its queue is gone. */
static void test_close_inside_drained(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct tunnel_conn_handler handler = peer_handler;
    struct peer near = {0};
    handler.drained = drained_closes;
    assert_null(
        tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), &handler, &near, &near.conn));
    tiny_run(p->t, 20 * MS);
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    conn_write_n(near.conn, 2 * TUNNEL_CONN_LOW, 'a');
    tunnel_conn_close(p->far[0].conn);
    tiny_run(p->t, 20 * MS);
    assert_int_equal(near.drains, 1);
    assert_int_equal(near.closes, 0);
    assert_int_equal(tunnel_session_stats(p->server).open, 0);
    pair_free(p);
}

static void drained_ends_session(void *owner)
{
    struct peer *near = owner;
    near->drains++;
    tunnel_session_close(near->session);
}

/* A writer that ends the whole session when it hears that it may go on, while others wait for their turn. */
static void test_session_ends_inside_drained(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct tunnel_conn_handler handler = peer_handler;
    struct peer near[2] = {{.session = p->server}, {0}};
    handler.drained = drained_ends_session;
    assert_null(
        tunnel_session_dial(p->server, STR("tcp"), STR("a:1"), &handler, &near[0], &near[0].conn));
    pair_dial(p, &near[1], "b:1");
    tiny_run(p->t, 20 * MS);
    pair_inject(p, 0, TUNNEL_PAUSE, 2, str_empty);
    conn_write_n(near[0].conn, 2 * TUNNEL_CONN_LOW, 'a');
    p->server = NULL;
    pair_inject(p, 0, TUNNEL_RESUME, 2, str_empty);
    assert_int_equal(near[0].drains, 1);
    assert_int_equal(near[0].closes + near[1].closes, 2);
    assert_int_equal(near[1].code, ERR_UNAVAILABLE);
    tiny_run(p->t, 20 * MS);
    assert_null(p->client);
    assert_int_equal(p->far[0].got.n, TUNNEL_CONN_LOW); /* what went out before */
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_with_a_used_id),
        cmocka_unit_test(test_connect_without_an_address),
        cmocka_unit_test(test_dial_skips_a_taken_id),
        cmocka_unit_test(test_drained_session_takes_nothing),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_announcement_is_not_cut),
        cmocka_unit_test(test_owner_comes_late),
        cmocka_unit_test(test_owner_never_comes),
        cmocka_unit_test(test_session_ends_behind_a_connection),
        cmocka_unit_test(test_both_close),
        cmocka_unit_test(test_no_resume_after_the_end),
        cmocka_unit_test(test_close_inside_delivery_with_a_queue),
        cmocka_unit_test(test_sync_passes_over_others),
        cmocka_unit_test(test_calls_inside_the_end),
        cmocka_unit_test(test_session_ends_inside_connect),
        cmocka_unit_test(test_close_inside_drained),
        cmocka_unit_test(test_session_ends_inside_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
