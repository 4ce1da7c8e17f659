/* Goal: a session parts without a loss: who is asked goes when it has another way, what is under way ends when it is
 * done, the other replicas hear of it at once, and whoever knows nothing of it is not disturbed.
 * Method: a session table, agents' sessions and one to another replica over simulated wires; frames are looked at. */
#include "engine/tunnel/router.h"

#include "tests/unit/support/check.h"
#include "tests/unit/support/session_pair.h"

#include <stdio.h>
#include <string.h>

struct agent {
    struct tunnel_session *session; /* NULL: ended */
    struct tunnel_session *server;  /* the replica's end of it */
    struct tiny_wire *wire;
    struct frame_log heard; /* what the replica sent to it */
    unsigned asked;
    world_time asked_at;
    struct tiny *t;
    struct peer far[4]; /* echo what they get */
    size_t far_n;
};

struct scene {
    struct tiny *t;
    struct policies policies;
    struct tunnel_router *router;
    struct tunnel_session *to_peer; /* dialled by us */
    struct tunnel_announcer *announcer;
    struct frame_log announced;
    struct agent agent;
};

static void on_asked(void *owner)
{
    struct agent *a = owner;
    a->asked++;
    a->asked_at = tiny_now(a->t);
}

static void on_ended(void *owner, const struct err *why)
{
    (void)why;
    ((struct agent *)owner)->session = NULL;
}

static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct agent *a = owner;
    (void)proto, (void)address;
    struct peer *far = &a->far[a->far_n++];
    assert_true(a->far_n <= ARRAY_LEN(a->far));
    *far = (struct peer){.conn = c, .t = a->t, .echo = true};
    tunnel_conn_attach(c, &peer_handler, far);
}

static void join(struct scene *s, struct agent *a, const char *key, bool leaves, bool minds)
{
    struct tunnel_identity who = {.key = str_c(key), .instance = STR("a"), .leaves = leaves};
    struct tiny_wire *wire = tiny_wire_new(s->t, 10 * MS, 0);
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &s->policies,
                                       .key = STR("client"),
                                       .incoming = on_incoming,
                                       .leave = minds ? on_asked : NULL,
                                       .closed = on_ended,
                                       .owner = a};
    a->t = s->t;
    a->session = tunnel_session_new(tiny_process(s->t, "10.0.0.2"), &tiny_wire_ops,
                                    tiny_wire_end(wire, 1), &o);
    a->wire = wire;
    a->server = tunnel_router_add(s->router, &tiny_wire_ops, tiny_wire_end(wire, 0), &who);
    tiny_end_attach(tiny_wire_end(wire, 0), &tunnel_session_ws_handler, a->server);
    tiny_end_attach(tiny_wire_end(wire, 1), &tunnel_session_ws_handler, a->session);
    tiny_end_tap(tiny_wire_end(wire, 0), frame_log_add, &a->heard);
}

static void on_link_ended(void *owner, const struct err *why)
{
    (void)why;
    ((struct scene *)owner)->to_peer = NULL;
}

static void link_to_peer(struct scene *s)
{
    struct tiny_wire *wire = tiny_wire_new(s->t, MS, 0);
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = &s->policies,
                                       .key = STR("peer"),
                                       .closed = on_link_ended,
                                       .owner = s};
    s->to_peer = tunnel_session_new(tiny_process(s->t, "10.0.0.1"), &tiny_wire_ops,
                                    tiny_wire_end(wire, 0), &o);
    tiny_end_attach(tiny_wire_end(wire, 0), &tunnel_session_ws_handler, s->to_peer);
    tiny_end_tap(tiny_wire_end(wire, 0), frame_log_add, &s->announced);
    s->announcer = tunnel_router_announce(s->router, s->to_peer);
}

static struct scene *scene_new(bool leaves, bool minds)
{
    struct scene *s = MEM_NEW(struct scene);
    s->t = tiny_new(1);
    s->policies = policies_hardened();
    s->policies.value[POLICY_PEER_ANNOUNCE] = POLICY_PEER_EDGE;
    s->policies.value[POLICY_TUNNEL_DEAD_AFTER] = 3600 * S; /* the link has nobody behind it */
    s->router = tunnel_router_new(tiny_process(s->t, "10.0.0.1"), &s->policies);
    link_to_peer(s);
    join(s, &s->agent, "c-1", leaves, minds);
    tiny_run(s->t, S);
    return s;
}

static void scene_free(struct scene *s)
{
    tunnel_router_forget(s->router, s->announcer);
    tunnel_router_free(s->router);
    tunnel_session_close(s->agent.session);
    tunnel_session_close(s->to_peer);
    tiny_run(s->t, S);
    buf_free(&s->agent.heard.text);
    for (size_t i = 0; i < s->agent.far_n; i++)
        buf_free(&s->agent.far[i].got);
    buf_free(&s->announced.text);
    tiny_free(s->t);
    mem_free(s);
}

static bool said(const struct frame_log *log, const char *what)
{
    return str_find(buf_str(&log->text), str_c(what)) >= 0;
}

static size_t times_said(const struct frame_log *log, const char *what)
{
    size_t n = 0;
    struct str text = buf_str(&log->text);
    for (ptrdiff_t at; (at = str_find(text, str_c(what))) >= 0; n++)
        text = str_sub(text, (size_t)at + 1, text.n);
    return n;
}

static void dial(struct scene *s, struct peer *near)
{
    near->t = s->t;
    assert_null(tunnel_router_dial(s->router, STR("c-1"), STR("tcp"), STR("x:1"), &peer_handler,
                                   near, &near->conn));
}

/* Asked, and nothing else: the session serves until the agent says that it has gone. */
static void test_serves_until_left(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer near = {0}, second = {0}, third = {0};
    tunnel_router_hand_over(s->router, 0);
    tiny_run(s->t, 10 * S);
    assert_int_equal(s->agent.asked, 1);
    assert_false(said(&s->announced, "remove"));
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    tunnel_conn_write(near.conn, STR("hello"));
    tiny_run(s->t, 100 * MS);
    check_str(buf_str(&near.got), "hello");
    tunnel_session_say_left(s->agent.session);
    tiny_run(s->t, 20 * MS);
    assert_true(said(&s->announced, "remove")); /* at once */
    dial(s, &second);                           /* was under way: a last resort */
    tiny_run(s->t, 100 * MS);
    tunnel_conn_write(second.conn, STR("late"));
    tiny_run(s->t, 100 * MS);
    check_str(buf_str(&second.got), "late");
    tiny_run(s->t, TUNNEL_LEAVE_AFTER);
    struct err *err = tunnel_router_dial(s->router, STR("c-1"), STR("tcp"), STR("x:1"),
                                         &peer_handler, &third, &third.conn);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    err_free(err);
    tiny_run(s->t, TUNNEL_IDLE_AFTER + S);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1); /* in order */
    assert_int_equal(second.closes, 1);
    assert_null(s->agent.session); /* ended by the replica */
    assert_int_equal(tunnel_router_count(s->router, STR("c-1")), 0);
    buf_free(&near.got);
    buf_free(&second.got);
    scene_free(s);
}

/* What is in use is not ended. */
static void test_busy_stays(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer busy = {0}, idle = {0};
    dial(s, &idle);
    dial(s, &busy);
    tiny_run(s->t, 100 * MS);
    tunnel_session_say_left(s->agent.session);
    for (int i = 0; i < 40; i++) {
        tunnel_conn_write(busy.conn, STR("x"));
        tiny_run(s->t, 500 * MS);
        assert_int_equal(busy.closes, 0);
    }
    assert_int_equal(idle.closes, 1);
    assert_non_null(s->agent.session);
    tiny_run(s->t, 3 * S);
    assert_int_equal(busy.closes, 1);
    assert_int_equal(busy.code, -1);
    assert_null(s->agent.session);
    buf_free(&busy.got);
    buf_free(&idle.got);
    scene_free(s);
}

/* An agent of the original cannot be asked: its session drains, and the others hear of it at once. */
static void test_who_cannot_be_asked(void **state)
{
    (void)state;
    struct scene *s = scene_new(false, false);
    struct peer near = {0};
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    tunnel_router_hand_over(s->router, 0);
    tiny_run(s->t, 10 * MS);
    assert_true(said(&s->announced, "remove"));
    assert_false(said(&s->agent.heard, "leave"));
    assert_int_equal(near.closes, 0);
    tiny_run(s->t, 2 * TUNNEL_IDLE_AFTER);
    assert_int_equal(near.code, -1);
    assert_null(s->agent.session);
    scene_free(s);
}

/* To who knows nothing of it the frame means nothing. */
static void test_unknown_is_ignored(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, false);
    struct peer near = {0};
    tunnel_router_hand_over(s->router, 0);
    tiny_run(s->t, 60 * S);
    assert_true(said(&s->agent.heard, "leave"));
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    tunnel_conn_write(near.conn, STR("hello"));
    tiny_run(s->t, 100 * MS);
    check_str(buf_str(&near.got), "hello");
    buf_free(&near.got);
    scene_free(s);
}

/* Not all in one moment, and all within the bound. */
static void test_asked_one_by_one(void **state)
{
    (void)state;
    enum { N = 200 };
    struct scene *s = scene_new(true, true);
    struct agent *agents = MEM_NEW_ARRAY(struct agent, N);
    size_t in_second[10] = {0};
    for (size_t i = 0; i < N; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "c-x%zu", i);
        join(s, &agents[i], key, true, true);
    }
    tiny_run(s->t, S);
    world_time from = tiny_now(s->t) + 10 * MS;
    tunnel_router_hand_over(s->router, 10 * S);
    tiny_run(s->t, 11 * S);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(agents[i].asked, 1);
        in_second[(agents[i].asked_at - from) / S]++;
        tunnel_session_close(agents[i].session);
        buf_free(&agents[i].heard.text);
    }
    for (size_t i = 0; i < 10; i++)
        assert_in_range(in_second[i], N / 20, N / 5);
    mem_free(agents);
    scene_free(s);
}

/* Who has gone, or is let go already, is not asked again, and that it has gone is passed on once. */
static void test_asked_and_told_once(void **state)
{
    (void)state;
    for (int drains = 0; drains < 2; drains++) {
        struct scene *s = scene_new(true, true);
        struct peer near = {0};
        dial(s, &near);
        tiny_run(s->t, 100 * MS);
        if (drains)
            tunnel_session_drain(s->agent.server);
        else
            tunnel_session_say_left(s->agent.session);
        tiny_run(s->t, 100 * MS);
        tunnel_router_hand_over(s->router, 0);
        tiny_run(s->t, 100 * MS);
        if (!drains)
            tunnel_session_say_left(s->agent.session);
        tiny_run(s->t, 100 * MS);
        assert_false(said(&s->agent.heard, "leave"));
        assert_int_equal(s->agent.asked, 0);
        assert_int_equal(times_said(&s->announced, "remove"), !drains);
        /* a second word that it has gone puts nothing off: drained after 0.5 s, ended when idle for 1 s */
        tiny_run(s->t, TUNNEL_LEAVE_AFTER + TUNNEL_IDLE_AFTER - 250 * MS);
        assert_int_equal(near.closes, !drains);
        scene_free(s);
    }
}

/* Told twice to end what is idle: the second time puts nothing off. */
static void test_idle_ends_once(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer near = {0};
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    tunnel_session_drain_idle(s->agent.server);
    tiny_run(s->t, TUNNEL_IDLE_AFTER - 100 * MS);
    assert_int_equal(near.closes, 0);
    tunnel_session_drain_idle(s->agent.server);
    tiny_run(s->t, 150 * MS);
    assert_int_equal(near.closes, 1);
    assert_int_equal(near.code, -1);
    assert_int_equal(times_said(&s->agent.heard, "error 2 EOF"), 1);
    scene_free(s);
}

/* Bytes that wait, for their reader or to be sent, are no idleness, however long they wait. */
static void test_what_waits_is_not_idle(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer unread = {0}, unsent = {0}, closed = {0};
    struct buf pause = {0};
    dial(s, &unread);
    dial(s, &unsent);
    dial(s, &closed);
    tiny_run(s->t, 100 * MS);
    tunnel_conn_pause(unread.conn);
    tunnel_conn_write(s->agent.far[0].conn, STR("not read yet"));
    for (int64_t id = 3; id <= 4; id++) {
        buf_clear(&pause);
        tunnel_frame_encode(&pause, &(struct tunnel_frame){99, id, TUNNEL_PAUSE, str_empty});
        tiny_end_inject(tiny_wire_end(s->agent.wire, 0), buf_str(&pause));
    }
    tunnel_conn_write(unsent.conn, STR("not sent yet"));
    tunnel_conn_write(closed.conn, STR("last words"));
    tunnel_conn_close(closed.conn);
    tiny_run(s->t, 100 * MS);
    tunnel_session_drain_idle(s->agent.server);
    tiny_run(s->t, 10 * TUNNEL_IDLE_AFTER);
    assert_int_equal(unread.closes + unsent.closes, 0);
    assert_false(said(&s->agent.heard, "error"));
    tunnel_conn_resume(unread.conn);
    for (int64_t id = 3; id <= 4; id++) {
        buf_clear(&pause);
        tunnel_frame_encode(&pause, &(struct tunnel_frame){99, id, TUNNEL_RESUME, str_empty});
        tiny_end_inject(tiny_wire_end(s->agent.wire, 0), buf_str(&pause));
    }
    tiny_run(s->t, 100 * MS);
    check_str(buf_str(&unread.got), "not read yet");
    check_str(buf_str(&s->agent.far[1].got), "not sent yet");
    check_str(buf_str(&s->agent.far[2].got), "last words");
    assert_int_equal(times_said(&s->agent.heard, "error 4 EOF"), 1); /* its owner's */
    tiny_run(s->t, 2 * TUNNEL_IDLE_AFTER);
    assert_int_equal(unread.code, -1);
    assert_int_equal(unsent.code, -1);
    assert_null(s->agent.session);
    buf_free(&pause);
    buf_free(&unread.got);
    buf_free(&unsent.got);
    scene_free(s);
}

/* A session that nobody keeps in a table may be let go as well. */
static void test_nobody_to_tell(void **state)
{
    (void)state;
    struct pair *p = pair_new(policies_hardened(), 5 * MS, 0);
    struct peer near = {0};
    pair_dial(p, &near, "a:1");
    tiny_run(p->t, 20 * MS);
    tunnel_session_ask_to_leave(p->server, 500 * MS);
    tiny_run(p->t, 450 * MS);
    assert_false(tunnel_session_draining(p->server));
    tiny_run(p->t, 100 * MS);
    assert_true(tunnel_session_draining(p->server));
    assert_int_equal(near.closes, 0);
    tiny_run(p->t, TUNNEL_IDLE_AFTER + 500 * MS);
    assert_int_equal(near.code, -1);
    assert_int_equal(p->server_code, -1);
    assert_null(p->client);
    pair_free(p);
}

/* Whoever links to us while a session is let go does not hear of it. */
static void test_let_go_is_not_announced(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer near = {0};
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    assert_true(said(&s->announced, "add"));
    tunnel_session_drain(s->agent.server);
    tunnel_router_forget(s->router, s->announcer);
    buf_clear(&s->announced.text);
    s->announcer = tunnel_router_announce(s->router, s->to_peer);
    tiny_run(s->t, 100 * MS);
    assert_int_equal(near.closes, 0);
    assert_false(said(&s->announced, "add"));
    scene_free(s);
}

/* That it is silent as well is no news of a session that has been left. */
static void test_left_and_silent(void **state)
{
    (void)state;
    struct scene *s = scene_new(true, true);
    struct peer near = {0};
    tunnel_session_say_left(s->agent.session);
    tiny_run(s->t, 100 * MS);
    assert_int_equal(times_said(&s->announced, "remove"), 1);
    dial(s, &near);
    tiny_run(s->t, 100 * MS);
    tiny_wire_cut(s->agent.wire, true);
    tunnel_conn_write(near.conn, STR("into the void"));
    tiny_run(s->t, TUNNEL_DOUBT_AFTER + 50 * MS);
    assert_int_equal(times_said(&s->announced, "remove"), 1);
    tiny_wire_cut(s->agent.wire, false);
    tunnel_session_on_alive(s->agent.server);
    assert_true(tunnel_session_doubted(s->agent.server)); /* others are preferred all the same */
    assert_int_equal(times_said(&s->announced, "add"), 1);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serves_until_left),
        cmocka_unit_test(test_busy_stays),
        cmocka_unit_test(test_who_cannot_be_asked),
        cmocka_unit_test(test_unknown_is_ignored),
        cmocka_unit_test(test_asked_one_by_one),
        cmocka_unit_test(test_asked_and_told_once),
        cmocka_unit_test(test_idle_ends_once),
        cmocka_unit_test(test_what_waits_is_not_idle),
        cmocka_unit_test(test_nobody_to_tell),
        cmocka_unit_test(test_left_and_silent),
        cmocka_unit_test(test_let_go_is_not_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
