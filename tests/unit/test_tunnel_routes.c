/* Goal: of several ways to a client the right one is dialled, whatever state each is in, and what peers announce is kept
 * within bounds. Method: a session table over simulated wires with nobody behind them; who gets the Connect? */
#include "engine/tunnel/client.h"
#include "engine/tunnel/peers.h"
#include "engine/tunnel/router.h"

#include "tests/unit/support/session_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* ---- ways ---- */

enum { WAYS = 3 };
struct way {
    struct tunnel_session *session;
    struct tiny_wire *wire;
    struct frame_log sent;
};
struct table {
    struct tiny *t;
    struct policies policies;
    struct tunnel_router *router;
    struct way way[WAYS];
    size_t n;
};

static struct table *table_new(struct policies policies)
{
    struct table *b = MEM_NEW(struct table);
    b->t = tiny_new(1);
    b->policies = policies;
    b->router = tunnel_router_new(tiny_process(b->t, "10.0.0.1"), &b->policies);
    return b;
}

static void table_free(struct table *b)
{
    tunnel_router_free(b->router);
    for (size_t i = 0; i < b->n; i++)
        buf_free(&b->way[i].sent.text);
    tiny_free(b->t);
    mem_free(b);
}

static void hear(struct way *way, enum tunnel_type type, const char *payload)
{
    struct buf b = {0};
    tunnel_frame_encode(&b, &(struct tunnel_frame){1, 0, (int64_t)type, str_c(payload)});
    tiny_end_inject(tiny_wire_end(way->wire, 0), buf_str(&b));
    buf_free(&b);
}

/* kind: o of our own; p by a peer that announced the client; u by one that did not. */
static void add(struct table *b, char kind)
{
    char key[16];
    struct way *way = &b->way[b->n++];
    (void)snprintf(key, sizeof(key), "peer-%zu", b->n);
    const struct tunnel_identity who = {.key = str_c(kind == 'o' ? "c-1" : key),
                                        .peer = kind != 'o'};
    way->wire = tiny_wire_new(b->t, MS, 0);
    struct tiny_end *end = tiny_wire_end(way->wire, 0);
    way->session = tunnel_router_add(b->router, &tiny_wire_ops, end, &who);
    tiny_end_attach(end, &tunnel_session_ws_handler, way->session);
    if (kind == 'p')
        hear(way, TUNNEL_ADD_CLIENT, "c-1/1");
    tiny_end_tap(end, frame_log_add, &way->sent);
}

/* Signs of life to those ways whose state is one of these; a way of a spec is its kind and its state, "of ps". */
static void alive(struct table *b, const char *spec, const char *states)
{
    for (size_t i = 0; i < b->n; i++)
        if (strchr(states, spec[3 * i + 1]))
            tunnel_session_on_alive(b->way[i].session);
}

/* States: f fresh, s silent, S silent for longer, d doubted, D draining. */
static void set_up(struct table *b, const char *spec)
{
    struct tunnel_conn *c;
    for (size_t i = 0; i * 3 < strlen(spec); i++)
        add(b, spec[3 * i]);
    tiny_run(b->t, S);
    alive(b, spec, "s");
    tiny_run(b->t, 9 * S);
    alive(b, spec, "fdD");
    for (size_t i = 0; i < b->n; i++) {
        char is = spec[3 * i + 1];
        if (is == 'd' || is == 'D') /* what nobody answers, and what keeps a drained one */
            assert_null(
                tunnel_session_dial(b->way[i].session, STR("tcp"), STR("x:1"), NULL, NULL, &c));
        if (is == 'D')
            tunnel_session_drain(b->way[i].session);
    }
    tiny_run(b->t, 950 * MS);
    alive(b, spec, "fD");
    for (size_t i = 0; i < b->n; i++)
        assert_int_equal(tunnel_session_doubted(b->way[i].session), spec[3 * i + 1] == 'd');
}

/* "1 tcp/a:1": the way and its Connect. */
static void who_is_dialled(struct table *b, int except, char *out, size_t size)
{
    struct tunnel_conn *first, *c;
    if (except)
        assert_null(tunnel_session_dial(b->way[except - 1].session, STR("tcp"), STR("0:0"), NULL,
                                        NULL, &first));
    for (size_t i = 0; i < b->n; i++)
        buf_clear(&b->way[i].sent.text);
    struct err *err =
        except ? tunnel_router_dial_other(b->router, first, STR("c-1"), STR("tcp"), STR("a:1"),
                                          NULL, NULL, &c)
               : tunnel_router_dial(b->router, STR("c-1"), STR("tcp"), STR("a:1"), NULL, NULL, &c);
    (void)snprintf(out, size, "none");
    if (err) {
        assert_int_equal(err->code, ERR_UNAVAILABLE);
        assert_string_equal(err->message, "failed to find Session for client c-1");
    }
    err_free(err);
    for (size_t i = 0; i < b->n; i++) {
        struct str text = buf_str(&b->way[i].sent.text);
        if (str_starts(text, STR("connect")))
            (void)snprintf(out, size, "%zu %s", i + 1,
                           strrchr(buf_c(&b->way[i].sent.text), ' ') + 1);
    }
    out[strcspn(out, "\n")] = 0;
}

static void test_choice(void **state)
{
    (void)state;
    static const struct {
        const char *ways;
        int except; /* which other is wanted; 0: any */
        const char *hardened, *compat;
    } table[] = {
        {"of of", 0, "2 tcp/a:1", "1 tcp/a:1"},
        {"of of", 2, "1 tcp/a:1", "1 tcp/a:1"},
        {"of of", 1, "2 tcp/a:1", "2 tcp/a:1"},
        {"of", 1, "none", "none"},
        {"of oD", 0, "1 tcp/a:1", "1 tcp/a:1"},
        {"oD of", 0, "2 tcp/a:1", "2 tcp/a:1"},
        {"oD", 0, "none", "none"},
        {"of os", 0, "1 tcp/a:1", "1 tcp/a:1"},
        {"os oS", 0, "1 tcp/a:1", "1 tcp/a:1"},
        {"oS os", 0, "2 tcp/a:1", "1 tcp/a:1"},
        {"of od", 0, "1 tcp/a:1", NULL},
        {"od", 0, "1 tcp/a:1", NULL}, /* better than nothing */
        {"of od", 1, "none", NULL},   /* not as a second way */
        {"pf", 0, "1 c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"pf", 1, "none", "none"},
        {"pD pf", 0, "2 c-1::tcp/a:1", "2 c-1::tcp/a:1"},
        {"pf pf", 0, "1 c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"pf pf", 1, "2 c-1::tcp/a:1", "2 c-1::tcp/a:1"},
        {"ps pf", 0, "2 c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"ps ps", 0, "1 c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"ps us", 0, "1 c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"ps uf", 0, "2 relay::c-1::tcp/a:1", "1 c-1::tcp/a:1"},
        {"uf pf", 0, "2 c-1::tcp/a:1", "2 c-1::tcp/a:1"},
        {"of pf", 0, "1 tcp/a:1", "1 tcp/a:1"},
        {"of pf", 1, "2 c-1::tcp/a:1", "2 c-1::tcp/a:1"},
        {"od pf", 0, "2 c-1::tcp/a:1", NULL},
        {"od pd", 0, "1 tcp/a:1", NULL},
        {"pd", 0, "1 c-1::tcp/a:1", NULL},
        {"uf", 0, "1 relay::c-1::tcp/a:1", "none"},
        {"us", 0, "none", "none"},
        {"uf", 1, "none", "none"},
        {"uf uf", 1, "2 relay::c-1::tcp/a:1", "none"},
        {"uD uf", 0, "2 relay::c-1::tcp/a:1", "none"},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(table); i++) {
        const char *want = i % 2 ? table[i / 2].hardened : table[i / 2].compat;
        char got[128];
        if (!want)
            continue; /* compat has no doubts */
        struct table *b = table_new(i % 2 ? policies_hardened() : policies_compat());
        set_up(b, table[i / 2].ways);
        who_is_dialled(b, table[i / 2].except, got, sizeof(got));
        if (strcmp(got, want) != 0)
            print_error("row \"%s\" except %d, hardened %zu\n", table[i / 2].ways,
                        table[i / 2].except, i % 2);
        assert_string_equal(got, want);
        table_free(b);
    }
}

/* ---- what peers announce ---- */

struct seen {
    struct tunnel_router_listener listener;
    struct buf text;
    unsigned n;
};

static void seen_announced(void *owner, bool has, struct str key)
{
    struct seen *seen = owner;
    if (seen->n++ < 8)
        buf_addf(&seen->text, "%c" STR_FMT " ", has ? '+' : '-', STR_ARG(key));
}

/* A client that a peer has several sessions of is there until the last one goes. */
static void test_announced_sessions_are_counted(void **state)
{
    (void)state;
    struct table *b = table_new(policies_hardened());
    struct seen seen = {.listener = {.announced = seen_announced, .owner = &seen}};
    struct seen deaf = {.listener = {.owner = &deaf}};
    tunnel_router_listen(b->router, &seen.listener);
    tunnel_router_listen(b->router, &deaf.listener);
    add(b, 'u');
    hear(b->way, TUNNEL_ADD_CLIENT, "c-1/1");
    hear(b->way, TUNNEL_ADD_CLIENT, "c-1/2");
    hear(b->way, TUNNEL_ADD_CLIENT, "c-1/2");
    hear(b->way, TUNNEL_REMOVE_CLIENT, "c-1/2");
    hear(b->way, TUNNEL_REMOVE_CLIENT, "c-9/1");
    assert_true(tunnel_router_has(b->router, STR("c-1")));
    hear(b->way, TUNNEL_REMOVE_CLIENT, "c-1/1");
    assert_false(tunnel_router_has(b->router, STR("c-1")));
    assert_string_equal(buf_c(&seen.text), "+c-1 -c-1 ");
    char text[32];
    for (int i = 1; i <= 100; i++) { /* more than are remembered */
        (void)snprintf(text, sizeof(text), "c-2/%d", i);
        hear(b->way, TUNNEL_ADD_CLIENT, text);
    }
    for (int i = 1; i <= 64; i++) {
        assert_true(tunnel_router_has(b->router, STR("c-2")));
        (void)snprintf(text, sizeof(text), "c-2/%d", i);
        hear(b->way, TUNNEL_REMOVE_CLIENT, text);
    }
    assert_false(tunnel_router_has(b->router, STR("c-2")));
    add(b, 'o');
    tunnel_router_disconnect(b->router, STR("c-1"));
    assert_string_equal(buf_c(&seen.text),
                        "+c-1 -c-1 +c-2 -c-2 "); /* our own are no news of peers */
    tunnel_router_unlisten(b->router, &seen.listener);
    tunnel_router_unlisten(b->router, &deaf.listener);
    buf_free(&seen.text);
    table_free(b);
}

static void test_announced_clients_are_bounded(void **state)
{
    (void)state;
    enum { MOST = 200000 };
    struct table *b = table_new(policies_compat());
    char text[32];
    add(b, 'u');
    for (int i = 0; i <= MOST; i++) {
        (void)snprintf(text, sizeof(text), "c-%d/1", i);
        hear(b->way, TUNNEL_ADD_CLIENT, text);
    }
    assert_true(tunnel_router_has(b->router, STR("c-199999")));
    assert_false(tunnel_router_has(b->router, STR("c-200000")));
    hear(b->way, TUNNEL_REMOVE_CLIENT, "c-7/1");
    hear(b->way, TUNNEL_ADD_CLIENT, "c-200000/1");
    assert_true(tunnel_router_has(b->router, STR("c-200000")));
    table_free(b);
}

static void test_malformed_announcement_ends_the_session(void **state)
{
    (void)state;
    static const char *const table[] = {"", "c-1", "c-1/", "/1", "c-1/x", "c-1/-1"};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct table *b = table_new(policies_hardened());
        add(b, 'p');
        assert_true(tunnel_router_has(b->router, STR("c-1")));
        hear(b->way, TUNNEL_ADD_CLIENT, table[i]);
        assert_false(tunnel_router_has(b->router, STR("c-1")));
        table_free(b);
    }
}

/* A peer's answer that it knows no such client ends what it announced; any other error does not. */
static void test_refusal_of_a_peer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool stays;
    } table[] = {{"dial tcp a:1: connect: connection refused", true},
                 {"failed to find Session for client c-1", false}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct table *b = table_new(policies_hardened());
        struct peer near = {0};
        struct buf error = {0};
        add(b, 'p');
        assert_null(tunnel_router_dial(b->router, STR("c-1"), STR("tcp"), STR("a:1"), &peer_handler,
                                       &near, &near.conn));
        tunnel_frame_encode(&error,
                            &(struct tunnel_frame){1, 2, TUNNEL_ERROR, str_c(table[i].text)});
        tiny_end_inject(tiny_wire_end(b->way->wire, 0), buf_str(&error));
        assert_int_equal(near.closes, 1);
        assert_string_equal(near.text, table[i].text);
        assert_int_equal(tunnel_router_has(b->router, STR("c-1")), table[i].stays);
        buf_free(&error);
        table_free(b);
    }
}

/* A link to a peer that does not answer is given up for those clients that there is another way to. */
static void test_silent_peer_is_given_up(void **state)
{
    (void)state;
    for (int both_silent = 0; both_silent < 2; both_silent++) {
        struct table *b = table_new(policies_hardened());
        struct peer forwarded = {0}, other = {0}, direct = {0};
        struct tunnel_conn *c;
        char address[300] = {0};
        add(b, 'p');
        add(b, 'p');
        memset(address, 'a', sizeof(address) - 1);
        struct err *err = tunnel_router_dial(b->router, STR("c-1"), STR("tcp"), str_c(address),
                                             &peer_handler, &direct, &c);
        assert_int_equal(err->code, ERR_INVALID);
        err_free(err);
        assert_null(tunnel_router_dial(b->router, STR("c-1"), STR("tcp"), STR("a:1"), &peer_handler,
                                       &forwarded, &forwarded.conn));
        assert_null(tunnel_session_dial(b->way[0].session, STR("tcp"), STR("a:1"), &peer_handler,
                                        &direct, &direct.conn));
        if (both_silent)
            assert_null(tunnel_router_dial_other(b->router, forwarded.conn, STR("c-1"), STR("tcp"),
                                                 STR("a:1"), &peer_handler, &other, &other.conn));
        tiny_run(b->t, 2 * S);
        assert_true(tunnel_session_doubted(b->way[0].session));
        assert_int_equal(forwarded.closes, !both_silent);
        assert_string_equal(forwarded.text, both_silent ? "" : "tunnel does not answer");
        assert_int_equal(direct.closes + other.closes, 0);
        table_free(b);
    }
}

/* What the far side had finished before its link fell silent is whole: it is not given up. */
static void test_finished_is_not_given_up(void **state)
{
    (void)state;
    struct table *b = table_new(policies_hardened());
    struct peer finished = {0}, waiting = {0};
    struct buf frame = {0};
    add(b, 'p');
    add(b, 'p');
    struct peer *near[] = {&finished, &waiting};
    for (size_t i = 0; i < 2; i++)
        assert_null(tunnel_router_dial(b->router, STR("c-1"), STR("tcp"), STR("a:1"), &peer_handler,
                                       near[i], &near[i]->conn));
    tunnel_conn_pause(finished.conn);
    static const struct tunnel_frame said[] = {{1, 2, TUNNEL_DATA, STR_INIT("answer")},
                                               {2, 2, TUNNEL_ERROR, STR_INIT("EOF")}};
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&frame);
        tunnel_frame_encode(&frame, &said[i]);
        tiny_end_inject(tiny_wire_end(b->way[0].wire, 0), buf_str(&frame));
    }
    tunnel_conn_write(waiting.conn, STR("?"));
    tiny_run(b->t, 2 * S);
    assert_string_equal(waiting.text, "tunnel does not answer");
    assert_int_equal(finished.closes, 0);
    tunnel_conn_resume(finished.conn);
    tiny_run(b->t, MS);
    assert_string_equal(buf_c(&finished.got), "answer");
    assert_int_equal(finished.code, -1);
    buf_free(&finished.got);
    buf_free(&frame);
    table_free(b);
}

/* A session in doubt is not announced to a peer that joins. */
static void test_doubted_session_is_not_announced(void **state)
{
    (void)state;
    struct table *b = table_new(policies_hardened());
    struct tunnel_session_options o = {
        .side = TUNNEL_CLIENT, .policies = &b->policies, .key = STR("p")};
    struct tiny_wire *wire = tiny_wire_new(b->t, MS, 0);
    struct frame_log said = {0};
    set_up(b, "od of");
    struct tunnel_session *s = tunnel_session_new(tiny_process(b->t, "10.0.0.1"), &tiny_wire_ops,
                                                  tiny_wire_end(wire, 0), &o);
    tiny_end_tap(tiny_wire_end(wire, 0), frame_log_add, &said);
    struct tunnel_announcer *a = tunnel_router_announce(b->router, s);
    assert_true(str_starts(buf_str(&said.text), STR("add 0 c-1/")));
    assert_int_equal(tunnel_session_stats(s).messages_out, 1);
    tunnel_router_forget(b->router, a);
    tunnel_session_close(s);
    buf_free(&said.text);
    table_free(b);
}

/* ---- the list of peers ---- */

struct front {
    struct table *table;
    const char *address;
    unsigned dialled;
    struct tunnel_session *session;
};

static bool front_upgrade(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end)
{
    struct front *f = arg;
    const struct tunnel_identity who = {.key = tiny_upgrade_header(u, "X-API-Tunnel-ID"),
                                        .peer = true};
    f->dialled++;
    f->session = tunnel_router_add(f->table->router, &tiny_wire_ops, far_end, &who);
    tiny_end_attach(far_end, &tunnel_session_ws_handler, f->session);
    return true;
}

/* Only what changes is dialled anew: a peer that moved, and one that was not there. */
static void test_peer_list_changes(void **state)
{
    (void)state;
    struct table *b = table_new(policies_hardened());
    struct front front[2] = {{.table = b, .address = "10.0.0.2"},
                             {.table = b, .address = "10.0.0.3"}};
    struct policies policies = policies_hardened();
    struct world *w = tiny_process(b->t, "10.0.0.9");
    struct tunnel_router *r = tunnel_router_new(w, &policies);
    struct tunnel_peers *peers = tunnel_peers_new(w, r, &policies, STR("me"), STR("secret"));
    for (size_t i = 0; i < 2; i++)
        tiny_ws_serve(b->t, front[i].address, front_upgrade, &front[i]);
    static const struct {
        int address; /* of the peer "p"; -1: not in the list */
        bool plain;
        unsigned dialled[2]; /* in all, after this list */
    } table[] = {
        {0, false, {1, 0}}, {0, false, {1, 0}}, {1, false, {1, 1}}, {1, true, {1, 2}},
        {1, true, {1, 2}},  {-1, true, {1, 2}}, {0, false, {2, 2}},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct tunnel_peer list[2] = {
            {.id = STR("me"), .address = world_addr_make(STR("10.0.0.9"), 443)}, {.id = STR("p")}};
        bool there = table[i].address >= 0;
        if (there)
            list[1].address = world_addr_make(str_c(front[table[i].address].address), 443);
        list[1].plain = table[i].plain;
        tunnel_peers_set(peers, list, there ? 2 : 1);
        tiny_run(b->t, S);
        assert_int_equal(front[0].dialled, table[i].dialled[0]);
        assert_int_equal(front[1].dialled, table[i].dialled[1]);
        assert_int_equal(tunnel_peers_connected(peers), there);
        assert_int_equal(tunnel_peers_check(peers, STR("p"), STR("secret")), there);
    }
    struct peer near = {0}; /* "relay" is a word between replicas, no client */
    assert_null(tunnel_session_dial(front[0].session, STR("relay::tcp"), STR("a:1"), &peer_handler,
                                    &near, &near.conn));
    tiny_run(b->t, S);
    assert_string_equal(near.text, "failed to find Session for client relay");
    tunnel_peers_free(peers);
    peers = tunnel_peers_new(w, r, &policies, STR("me"), str_empty); /* no token: nobody has it */
    tunnel_peers_set(peers, &(struct tunnel_peer){.id = STR("p")}, 1);
    assert_false(tunnel_peers_check(peers, STR("p"), str_empty));
    tunnel_peers_free(peers);
    tunnel_peers_free(NULL);
    tiny_run(b->t, S);
    tunnel_router_free(r);
    table_free(b);
}

/* ---- a client with what is optional, and without ---- */

static void count_client(void *owner, bool add, struct str key, uint64_t number)
{
    struct peer *p = owner;
    assert_true(add && str_eq_c(key, "c-5") && number == 6);
    p->drains++;
}

static void client_closed(void *owner, const struct tunnel_client_closed *how)
{
    (void)how;
    ((struct peer *)owner)->closes++;
}

static void test_client_options(void **state)
{
    (void)state;
    static const struct tunnel_client_handler handler = {NULL, client_closed};
    struct table *b = table_new(policies_hardened());
    struct front front = {.table = b};
    struct peer p = {0};
    tiny_ws_serve(b->t, "10.0.0.2", front_upgrade, &front);
    const struct world_header id = {STR("X-API-Tunnel-ID"), STR("p")};
    struct tunnel_client_options o = {.address = world_addr_make(STR("10.0.0.2"), 443),
                                      .path = STR("/v3/connect"),
                                      .headers = &id,
                                      .headers_n = 1};
    o.session = (struct tunnel_session_options){
        .policies = &b->policies, .key = STR("agent-7"), .client = count_client, .owner = &p};
    struct tunnel_client *c =
        tunnel_client_connect(tiny_process(b->t, "10.0.0.9"), &o, &handler, &p);
    tiny_run(b->t, S);
    assert_true(str_eq_c(tunnel_session_key(tunnel_client_session(c)), "agent-7"));
    tunnel_session_announce(front.session, true, STR("c-5"), 6);
    tiny_run(b->t, S);
    assert_int_equal(p.drains, 1);
    tunnel_router_disconnect(b->router, STR("p")); /* no client of that name: a peer stays */
    assert_int_equal(p.closes, 0);
    tunnel_client_close(c);
    tiny_run(b->t, S);
    assert_int_equal(p.closes, 0); /* whoever closes is not told */
    table_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_announced_sessions_are_counted),
        cmocka_unit_test(test_announced_clients_are_bounded),
        cmocka_unit_test(test_malformed_announcement_ends_the_session),
        cmocka_unit_test(test_refusal_of_a_peer),
        cmocka_unit_test(test_silent_peer_is_given_up),
        cmocka_unit_test(test_finished_is_not_given_up),
        cmocka_unit_test(test_doubted_session_is_not_announced),
        cmocka_unit_test(test_peer_list_changes),
        cmocka_unit_test(test_client_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
