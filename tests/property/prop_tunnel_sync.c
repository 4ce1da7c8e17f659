/* Goal: a sync list never ends a connection that was dialled while the list was under way (K10), if the policy says so;
 * and it always ends a leaked one in the end. With the policy `plain` the accident does happen.
 * Method: 100,000 rounds of one session; in each a connection is dialled at a random moment around the agent's list. */
#include "engine/tunnel/session.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define MS     NS_PER_MS
#define S      NS_PER_S
#define ROUNDS 100000
#define SEED   20240611

struct end {
    struct tunnel_conn *conn;
    unsigned synced_away;
};

static void on_data(void *owner, struct str bytes)
{
    (void)owner, (void)bytes;
}

static void on_closed(void *owner, const struct err *err)
{
    struct end *e = owner;
    e->conn = NULL;
    e->synced_away += err && err->code == ERR_CANCELLED;
}

static const struct tunnel_conn_handler handler = {on_data, NULL, on_closed};

struct far {
    struct end end[8];
    size_t n;
};

static void on_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct far *far = owner;
    (void)proto, (void)address;
    struct end *e = &far->end[far->n++ % ARRAY_LEN(far->end)];
    assert_null(e->conn);
    e->conn = c;
    tunnel_conn_attach(c, &handler, e);
}

struct rig {
    struct tiny *t;
    struct tiny_wire *wire;
    struct tunnel_session *server, *client;
    struct far far;
};

static void rig_open(struct rig *r, int64_t sync_policy)
{
    struct policies p = policies_hardened();
    p.value[POLICY_TUNNEL_SYNC] = sync_policy;
    p.value[POLICY_TUNNEL_PING] = 60 * S; /* nothing else on the wire */
    p.value[POLICY_TUNNEL_DEAD_AFTER] = 200 * S;
    *r = (struct rig){.t = tiny_new(SEED)};
    r->wire = tiny_wire_new(r->t, 5 * MS, 0);
    struct tunnel_session_options a = {.side = TUNNEL_SERVER, .policies = &p, .key = STR("c-1")};
    struct tunnel_session_options b = {.side = TUNNEL_CLIENT,
                                       .policies = &p,
                                       .key = STR("client"),
                                       .incoming = on_incoming,
                                       .owner = &r->far};
    struct world *w = tiny_process(r->t, "10.0.0.1");
    r->server = tunnel_session_new(w, &tiny_wire_ops, tiny_wire_end(r->wire, 0), &a);
    r->client = tunnel_session_new(w, &tiny_wire_ops, tiny_wire_end(r->wire, 1), &b);
    tiny_end_attach(tiny_wire_end(r->wire, 0), &tunnel_session_ws_handler, r->server);
    tiny_end_attach(tiny_wire_end(r->wire, 1), &tunnel_session_ws_handler, r->client);
}

static void rig_close(struct rig *r)
{
    tunnel_session_close(r->server);
    tunnel_session_close(r->client);
    tiny_free(r->t);
}

/* How many brand-new connections a list ended. */
static unsigned dropped_of_new(int64_t sync_policy)
{
    struct rig r;
    unsigned dropped = 0;
    rig_open(&r, sync_policy);
    tiny_run(r.t, 30 * S);
    for (int i = 0; i < ROUNDS; i++) { /* a round begins and ends in the middle between two lists */
        struct end e = {0};
        world_time wait =
            30 * S - 12 * MS + (world_time)rng_below(tiny_rng(r.t), (uint64_t)(24 * MS));
        tiny_run(r.t, wait);
        assert_null(tunnel_session_dial(r.server, STR("tcp"), STR("a:1"), &handler, &e, &e.conn));
        tiny_run(r.t, 60 * S - wait);
        if (e.conn) {
            tunnel_conn_close(e.conn);
            continue;
        }
        dropped += e.synced_away;
        struct end *far = &r.far.end[(r.far.n - 1) % ARRAY_LEN(r.far.end)];
        tunnel_conn_close(far->conn); /* nobody told the agent */
        far->conn = NULL;
    }
    rig_close(&r);
    return dropped;
}

static void test_new_connection_survives(void **state)
{
    (void)state;
    print_message("seed %d, %d rounds\n", SEED, ROUNDS);
    assert_int_equal(dropped_of_new(POLICY_SYNC_YOUNG_SAFE), 0);
    assert_true(dropped_of_new(POLICY_SYNC_PLAIN) > ROUNDS / 100);
}

/* Whatever the order of ends and lists: a connection that the agent does not have is gone after two lists. */
static void test_leak_is_found(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, POLICY_SYNC_YOUNG_SAFE);
    struct rng *rng = tiny_rng(r.t);
    for (int i = 0; i < 2000; i++) {
        struct end leaked = {0}, kept = {0};
        bool younger = rng_below(rng, 2);
        if (younger)
            assert_null(
                tunnel_session_dial(r.server, STR("tcp"), STR("a:1"), &handler, &kept, &kept.conn));
        assert_null(
            tunnel_session_dial(r.server, STR("tcp"), STR("a:1"), &handler, &leaked, &leaked.conn));
        if (!younger)
            assert_null(
                tunnel_session_dial(r.server, STR("tcp"), STR("a:1"), &handler, &kept, &kept.conn));
        tiny_run(r.t, (world_time)rng_below(rng, 60) * S + S);
        struct end *far = &r.far.end[(r.far.n - (younger ? 1 : 2)) % ARRAY_LEN(r.far.end)];
        tiny_wire_drop_next(r.wire, 1, 1); /* its Error is lost */
        tunnel_conn_close(far->conn);
        far->conn = NULL;
        tiny_run(r.t, 121 * S);
        assert_int_equal(leaked.synced_away, 1);
        assert_non_null(kept.conn);
        tunnel_conn_close(kept.conn);
        tiny_run(r.t, S);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_connection_survives),
        cmocka_unit_test(test_leak_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
