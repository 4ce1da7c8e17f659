/* Goal: a dial reaches the right session: own ones by policy, peers' by what they announced, else the documented error.
 * Method: server replicas with agents on simulated wires; replicas reach each other through tunnel_peers. */
#include "engine/base/codec.h"
#include "engine/tunnel/client.h"
#include "engine/tunnel/peers.h"

#include "tests/unit/support/tiny_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define MS NS_PER_MS
#define S  NS_PER_S

/* ---- agents: each answers what it is sent with its name ---- */

struct agent {
    struct tiny_wire *wire;
    struct tunnel_session *session; /* NULL: gone */
    struct tunnel_session *at_server;
    const char *name;
    struct tunnel_conn *conn; /* of the last Connect */
    char address[64];
};

static void agent_data(void *owner, struct str bytes)
{
    const struct agent *a = owner;
    (void)bytes;
    tunnel_conn_write(a->conn, str_c(a->name));
}

static void agent_conn_closed(void *owner, const struct err *err)
{
    (void)err;
    ((struct agent *)owner)->conn = NULL;
}

static const struct tunnel_conn_handler agent_handler = {agent_data, NULL, agent_conn_closed};

static void agent_incoming(void *owner, struct tunnel_conn *c, struct str proto, struct str address)
{
    struct agent *a = owner;
    (void)snprintf(a->address, sizeof(a->address), STR_FMT "/" STR_FMT, STR_ARG(proto),
                   STR_ARG(address));
    a->conn = c;
    tunnel_conn_attach(c, &agent_handler, a);
}

static void agent_closed(void *owner, const struct err *why)
{
    (void)why;
    ((struct agent *)owner)->session = NULL;
}

static void agent_join(struct tiny *t, struct agent *a, struct tunnel_router *r,
                       const struct policies *policies, const char *key, const char *name,
                       const char *instance)
{
    const struct tunnel_identity who = {.key = str_c(key), .instance = str_c(instance)};
    struct tunnel_session_options o = {.side = TUNNEL_CLIENT,
                                       .policies = policies,
                                       .key = STR("client"),
                                       .incoming = agent_incoming,
                                       .closed = agent_closed,
                                       .owner = a};
    *a = (struct agent){.name = name, .wire = tiny_wire_new(t, 5 * MS, 0)};
    struct tiny_end *far = tiny_wire_end(a->wire, 0), *near = tiny_wire_end(a->wire, 1);
    a->at_server = tunnel_router_add(r, &tiny_wire_ops, far, &who);
    tiny_end_attach(far, &tunnel_session_ws_handler, a->at_server);
    a->session = tunnel_session_new(tiny_process(t, "10.9.9.9"), &tiny_wire_ops, near, &o);
    tiny_end_attach(near, &tunnel_session_ws_handler, a->session);
}

static void agent_leave(struct agent *a)
{
    tunnel_session_close(a->session);
    a->session = NULL;
}

/* ---- who answers a dial? ---- */

struct probe {
    struct tunnel_conn *conn;
    char answer[128]; /* the agent's name, or "!" and the error */
    int code;
};

static void probe_data(void *owner, struct str bytes)
{
    struct probe *p = owner;
    (void)snprintf(p->answer, sizeof(p->answer), STR_FMT, STR_ARG(bytes));
}

static void probe_closed(void *owner, const struct err *err)
{
    struct probe *p = owner;
    p->conn = NULL;
    p->code = err ? (int)err->code : -1;
    (void)snprintf(p->answer, sizeof(p->answer), "!%s", err ? err->message : "EOF");
}

static const struct tunnel_conn_handler probe_handler = {probe_data, NULL, probe_closed};

static const char *probe(struct tiny *t, struct tunnel_router *r, const char *key)
{
    static struct probe p;
    p = (struct probe){0};
    struct err *err = tunnel_router_dial(r, str_c(key), STR("tcp"), STR("10.43.0.1:443"),
                                         &probe_handler, &p, &p.conn);
    if (err) {
        (void)snprintf(p.answer, sizeof(p.answer), "!%s", err->message);
        assert_int_equal(err->code, ERR_UNAVAILABLE);
        err_free(err);
        return p.answer;
    }
    tunnel_conn_write(p.conn, STR("who?"));
    tiny_run(t, 200 * MS);
    if (p.conn)
        tunnel_conn_close(p.conn);
    if (p.answer[0] == 0)
        return "(silence)";
    return p.answer;
}

#define NOT_FOUND(key) "!failed to find Session for client " key

/* ---- one replica ---- */

struct seen {
    struct tunnel_router_listener listener;
    struct buf text;
};

static void seen_added(void *owner, struct tunnel_session *s)
{
    buf_addf(&((struct seen *)owner)->text, "+" STR_FMT " ", STR_ARG(tunnel_session_key(s)));
}

static void seen_removed(void *owner, struct tunnel_session *s)
{
    buf_addf(&((struct seen *)owner)->text, "-" STR_FMT " ", STR_ARG(tunnel_session_key(s)));
}

static void test_lookup_and_listeners(void **state)
{
    (void)state;
    struct tiny *t = tiny_new(1);
    struct policies policies = policies_hardened();
    struct tunnel_router *r = tunnel_router_new(tiny_process(t, "10.0.0.1"), &policies);
    struct seen seen = {.listener = {.added = seen_added, .removed = seen_removed, .owner = &seen}};
    struct agent a, b;
    struct str key;
    size_t i = 0;
    tunnel_router_listen(r, &seen.listener);
    assert_string_equal(probe(t, r, "c-1"), NOT_FOUND("c-1"));
    assert_false(tunnel_router_has(r, STR("c-1")));
    agent_join(t, &a, r, &policies, "c-1", "a", "");
    agent_join(t, &b, r, &policies, "stv-cluster-c-1", "b", "");
    assert_string_equal(probe(t, r, "c-1"), "a");
    assert_string_equal(a.address, "tcp/10.43.0.1:443");
    assert_string_equal(probe(t, r, "stv-cluster-c-1"), "b");
    assert_true(tunnel_router_has(r, STR("c-1")));
    assert_int_equal(tunnel_router_count(r, STR("c-1")), 1);
    assert_true(tunnel_router_next(r, &i, &key));
    assert_true(str_eq_c(key, "c-1"));
    agent_leave(&a);
    tiny_run(t, S);
    assert_string_equal(probe(t, r, "c-1"), NOT_FOUND("c-1"));
    tunnel_router_disconnect(r, STR("stv-cluster-c-1"));
    tiny_run(t, S);
    assert_null(b.session);
    assert_string_equal(buf_c(&seen.text), "+c-1 +stv-cluster-c-1 -c-1 -stv-cluster-c-1 ");
    tunnel_router_unlisten(r, &seen.listener);
    buf_free(&seen.text);
    tunnel_router_free(r);
    tiny_free(t);
}

/* K03: an agent moved, its old path is silently dead, its new session is there. */
static void test_choice_after_a_silent_death(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct tiny *t = tiny_new(1);
        struct policies policies = hardened ? policies_hardened() : policies_compat();
        struct tunnel_router *r = tunnel_router_new(tiny_process(t, "10.0.0.1"), &policies);
        struct agent old, new;
        agent_join(t, &old, r, &policies, "c-1", "old", "");
        tiny_run(t, 20 * S);
        tiny_wire_cut(old.wire, true);
        agent_join(t, &new, r, &policies, "c-1", "new", "");
        assert_string_equal(probe(t, r, "c-1"), hardened ? "new" : "(silence)");
        tiny_run(t, 61 * S);
        assert_string_equal(probe(t, r, "c-1"), "new"); /* the old one was given up at last */
        assert_int_equal(tunnel_router_count(r, STR("c-1")), 1);
        tunnel_router_free(r);
        agent_leave(&old);
        agent_leave(&new);
        tiny_free(t);
    }
}

/* K44: the newest of two healthy sessions freezes: the other is chosen as soon as pings stay away. */
static void test_choice_of_a_frozen_agent(void **state)
{
    (void)state;
    struct tiny *t = tiny_new(1);
    struct policies policies = policies_hardened();
    struct tunnel_router *r = tunnel_router_new(tiny_process(t, "10.0.0.1"), &policies);
    struct agent a, b;
    agent_join(t, &a, r, &policies, "c-1", "a", "pod-a");
    agent_join(t, &b, r, &policies, "c-1", "b", "pod-b");
    tiny_run(t, 20 * S);
    assert_string_equal(probe(t, r, "c-1"), "b");
    tiny_wire_cut(b.wire, true);
    tiny_run(t, 8 * S);
    assert_string_equal(probe(t, r, "c-1"), "a");
    tiny_wire_cut(b.wire, false);
    tiny_run(t, 6 * S);
    assert_string_equal(probe(t, r, "c-1"), "b"); /* it lives again */
    tunnel_router_free(r);
    agent_leave(&a);
    agent_leave(&b);
    tiny_free(t);
}

static void test_fence_of_the_same_instance(void **state)
{
    (void)state;
    struct tiny *t = tiny_new(1);
    struct policies policies = policies_hardened();
    struct tunnel_router *r = tunnel_router_new(tiny_process(t, "10.0.0.1"), &policies);
    struct agent old, other, new;
    struct probe running = {0};
    agent_join(t, &old, r, &policies, "c-1", "old", "pod-a");
    assert_null(tunnel_router_dial(r, STR("c-1"), STR("tcp"), STR("x:1"), &probe_handler, &running,
                                   &running.conn));
    agent_join(t, &other, r, &policies, "c-1", "other", "pod-b");
    agent_join(t, &new, r, &policies, "c-1", "new", "pod-a");
    assert_string_equal(probe(t, r, "c-1"), "new");
    tiny_run(t, 30 * S);
    assert_int_equal(tunnel_router_count(r, STR("c-1")), 3); /* it still serves a connection */
    tunnel_conn_write(running.conn, STR("who?"));
    tiny_run(t, S);
    assert_string_equal(running.answer, "old");
    tunnel_conn_close(running.conn);
    tiny_run(t, S);
    assert_int_equal(tunnel_router_count(r, STR("c-1")), 2);
    assert_null(old.session);
    tunnel_router_free(r);
    agent_leave(&other);
    agent_leave(&new);
    tiny_free(t);
}

/* ---- several replicas ---- */

#define REPLICAS 3
struct replica {
    const char *address;
    struct tunnel_router *router;
    struct tunnel_peers *peers;
    unsigned dialled;                 /* upgrades asked of it */
    struct tiny_wire *from[REPLICAS]; /* the last wire that replica i dialled to this one */
};
struct cluster {
    struct tiny *t;
    struct policies policies;
    struct replica replica[REPLICAS];
};
static const char *const addresses[REPLICAS] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};

static bool replica_upgrade(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end)
{
    struct replica *me = arg;
    struct str id = tiny_upgrade_header(u, "X-API-Tunnel-ID");
    struct str token = tiny_upgrade_header(u, "X-API-Tunnel-Token");
    me->dialled++;
    assert_true(str_eq_c(u->path, "/v3/connect"));
    if (!tunnel_peers_check(me->peers, id, token))
        return false;
    const struct tunnel_identity who = {.key = id, .peer = true};
    struct tunnel_session *s = tunnel_router_add(me->router, &tiny_wire_ops, far_end, &who);
    tiny_end_attach(far_end, &tunnel_session_ws_handler, s);
    return true;
}

static bool replica_upgrade_noting(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end)
{
    struct replica *me = arg;
    struct str id = tiny_upgrade_header(u, "X-API-Tunnel-ID");
    for (int i = 0; i < REPLICAS; i++)
        if (str_eq_c(id, addresses[i]))
            me->from[i] = tiny_end_wire(far_end);
    return replica_upgrade(arg, u, far_end);
}

static void introduce(struct cluster *c, int i)
{
    struct tunnel_peer peers[REPLICAS];
    for (int k = 0; k < REPLICAS; k++)
        peers[k] = (struct tunnel_peer){.id = str_c(addresses[k]),
                                        .address = world_addr_make(str_c(addresses[k]), 443)};
    tunnel_peers_set(c->replica[i].peers, peers,
                     REPLICAS); /* itself is among them: it does not mind */
}

static struct cluster *cluster_new(struct policies policies)
{
    struct cluster *c = MEM_NEW(struct cluster);
    c->t = tiny_new(3);
    c->policies = policies;
    for (int i = 0; i < REPLICAS; i++) {
        struct replica *me = &c->replica[i];
        struct world *w = tiny_process(c->t, addresses[i]);
        me->address = addresses[i];
        me->router = tunnel_router_new(w, &c->policies);
        me->peers =
            tunnel_peers_new(w, me->router, &c->policies, str_c(addresses[i]), STR("secret"));
        tiny_ws_serve(c->t, addresses[i], replica_upgrade_noting, me);
    }
    for (int i = 0; i < REPLICAS; i++)
        introduce(c, i);
    tiny_run(c->t, 100 * MS);
    return c;
}

static void cluster_free(struct cluster *c)
{
    for (int i = 0; i < REPLICAS; i++) {
        tunnel_peers_free(c->replica[i].peers);
        tunnel_router_free(c->replica[i].router);
    }
    tiny_free(c->t);
    mem_free(c);
}

static void test_dial_through_peers(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct cluster *c = cluster_new(hardened ? policies_hardened() : policies_compat());
        struct agent a, b;
        agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
        agent_join(c->t, &b, c->replica[1].router, &c->policies, "c-2", "b", "");
        tiny_run(c->t, 100 * MS);
        for (int i = 0; i < REPLICAS; i++) {
            assert_int_equal(tunnel_peers_connected(c->replica[i].peers), 2);
            assert_string_equal(probe(c->t, c->replica[i].router, "c-1"), "a");
            assert_string_equal(a.address, "tcp/10.43.0.1:443");
            assert_string_equal(probe(c->t, c->replica[i].router, "c-2"), "b");
            assert_string_equal(probe(c->t, c->replica[i].router, "c-3"), NOT_FOUND("c-3"));
        }
        agent_leave(&a);
        tiny_run(c->t, S);
        for (int i = 0; i < REPLICAS; i++) {
            /* by its RemoveClient, before anybody dials in vain */
            assert_false(tunnel_router_has(c->replica[i].router, STR("c-1")));
            assert_string_equal(probe(c->t, c->replica[i].router, "c-1"), NOT_FOUND("c-1"));
        }
        agent_leave(&b);
        cluster_free(c);
    }
}

/* An agent that comes back elsewhere is reached there by everybody at the first try. */
static void test_agent_changes_replica(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct cluster *c = cluster_new(hardened ? policies_hardened() : policies_compat());
        struct agent a, b;
        agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
        tiny_run(c->t, 100 * MS);
        agent_leave(&a);
        agent_join(c->t, &b, c->replica[2].router, &c->policies, "c-1", "b", "");
        tiny_run(c->t, 100 * MS);
        for (int i = 0; i < REPLICAS; i++)
            assert_string_equal(probe(c->t, c->replica[i].router, "c-1"), "b");
        agent_leave(&b);
        cluster_free(c);
    }
}

/* Hardened, but what a replica was not told it does not find out by asking. */
static struct policies without_relay(void)
{
    struct policies p = policies_hardened();
    p.value[POLICY_PEER_RELAY] = POLICY_RELAY_NEVER;
    return p;
}

/* Sessions from before the peers met are announced when they meet. */
static void test_peer_lost_and_back(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(without_relay());
    struct agent a;
    agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
    tiny_run(c->t, 100 * MS);
    tiny_wire_break(c->replica[1].from[0]);
    assert_string_equal(probe(c->t, c->replica[1].router, "c-1"), NOT_FOUND("c-1"));
    tiny_run(c->t, 6 * S);
    assert_string_equal(probe(c->t, c->replica[1].router, "c-1"), "a");
    agent_leave(&a);
    cluster_free(c);
}

/* K13: the link to the replica that has it is down; another one knows the way, and nobody sends it in circles. */
static void test_relay(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(policies_hardened());
    struct agent a;
    agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
    tiny_run(c->t, 100 * MS);
    tiny_wire_break(c->replica[1].from[0]);
    assert_false(tunnel_router_has(c->replica[1].router, STR("c-1")));
    assert_string_equal(probe(c->t, c->replica[1].router, "c-1"), "a");
    assert_string_equal(a.address, "tcp/10.43.0.1:443");
    assert_string_equal(probe(c->t, c->replica[1].router, "c-3"), NOT_FOUND("c-3"));
    agent_leave(&a);
    cluster_free(c);
}

/* K01: one AddClient between two replicas is lost. */
static void test_lost_announcement(void **state)
{
    (void)state;
    for (int digest = 0; digest < 2; digest++) {
        struct cluster *c = cluster_new(digest ? without_relay() : policies_compat());
        struct agent a;
        tiny_wire_drop_next(c->replica[1].from[0], 0, 1);
        agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
        tiny_run(c->t, 100 * MS);
        assert_string_equal(probe(c->t, c->replica[2].router, "c-1"), "a");
        assert_string_equal(probe(c->t, c->replica[1].router, "c-1"), NOT_FOUND("c-1"));
        tiny_run(c->t, TUNNEL_DIGEST_INTERVAL);
        assert_string_equal(probe(c->t, c->replica[1].router, "c-1"),
                            digest ? "a" : NOT_FOUND("c-1"));
        tiny_run(c->t, 120 * S);
        assert_string_equal(probe(c->t, c->replica[1].router, "c-1"),
                            digest ? "a" : NOT_FOUND("c-1"));
        agent_leave(&a);
        cluster_free(c);
    }
}

/* One RemoveClient is lost: the first dial fails with the cause; then the stale entry is forgotten. */
static void test_lost_removal(void **state)
{
    (void)state;
    for (int digest = 0; digest < 2; digest++) {
        struct cluster *c = cluster_new(digest ? policies_hardened() : policies_compat());
        struct agent a, b;
        agent_join(c->t, &a, c->replica[0].router, &c->policies, "c-1", "a", "");
        tiny_run(c->t, 100 * MS);
        tiny_wire_drop_next(c->replica[1].from[0], 0, 1);
        agent_leave(&a);
        tiny_run(c->t, 100 * MS);
        agent_join(c->t, &b, c->replica[2].router, &c->policies, "c-1", "b", "");
        tiny_run(c->t, 100 * MS);
        assert_string_equal(probe(c->t, c->replica[1].router, "c-1"), NOT_FOUND("c-1"));
        assert_string_equal(probe(c->t, c->replica[1].router, "c-1"),
                            digest ? "b" : NOT_FOUND("c-1"));
        agent_leave(&b);
        cluster_free(c);
    }
}

/* Two replicas that each believe the other has the client: a dial must end, not run in circles. */
static void test_no_loop(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(policies_compat());
    for (int i = 0; i < 2; i++) { /* forged: each tells the other */
        struct buf b = {0};
        tunnel_frame_encode(&b, &(struct tunnel_frame){1, 0, TUNNEL_ADD_CLIENT, STR("c-9/1")});
        tiny_end_inject(tiny_wire_end(c->replica[i].from[1 - i], 1), buf_str(&b));
        buf_free(&b);
    }
    assert_true(tunnel_router_has(c->replica[0].router, STR("c-9")));
    assert_true(tunnel_router_has(c->replica[1].router, STR("c-9")));
    assert_string_equal(probe(c->t, c->replica[0].router, "c-9"), NOT_FOUND("c-9"));
    cluster_free(c);
}

static void test_peers_are_checked_and_dialled_again(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct cluster *c = cluster_new(hardened ? policies_hardened() : policies_compat());
        const struct replica *one = &c->replica[0];
        assert_true(tunnel_peers_check(one->peers, STR("10.0.0.2"), STR("secret")));
        assert_false(tunnel_peers_check(one->peers, STR("10.0.0.2"), STR("secreT")));
        assert_false(tunnel_peers_check(one->peers, STR("10.0.0.2"), STR("")));
        assert_false(tunnel_peers_check(one->peers, STR("10.0.0.1"), STR("secret"))); /* itself */
        assert_false(tunnel_peers_check(one->peers, STR("10.0.0.7"), STR("secret")));
        /* the first replica does not know the others any more: they are refused, every 5 s */
        tunnel_peers_set(c->replica[0].peers, NULL, 0);
        for (int i = 1; i < REPLICAS; i++)
            tiny_wire_break(c->replica[0].from[i]);
        unsigned before = c->replica[0].dialled;
        tiny_run(c->t, 100 * S);
        unsigned dials = c->replica[0].dialled - before;
        assert_in_range(dials, 38, hardened ? 80 : 42);
        struct tunnel_peer_status status;
        size_t i = 0;
        assert_true(tunnel_peers_next(c->replica[1].peers, &i, &status));
        assert_true(str_eq_c(status.id, "10.0.0.1"));
        assert_false(status.connected);
        assert_in_range(status.failures, 15, 45);
        assert_string_equal(status.last->message,
                            "peer 10.0.0.1 refused the tunnel: 400 cluster not found");
        introduce(c, 0);
        tiny_run(c->t, 6 * S);
        assert_int_equal(tunnel_peers_connected(c->replica[1].peers), 2);
        i = 0;
        assert_true(tunnel_peers_next(c->replica[1].peers, &i, &status));
        assert_true(status.connected);
        assert_int_equal(status.failures, 0); /* forgotten once it is open */
        cluster_free(c);
    }
}

/* A replica that dials us would take us: it is not waited for, unless every pause is a fixed one. */
static void test_peer_that_came_is_dialled(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct cluster *c = cluster_new(hardened ? policies_hardened() : policies_compat());
        struct replica *one = &c->replica[0], *two = &c->replica[1];
        unsigned before = one->dialled;
        tiny_wire_break(one->from[1]);
        tiny_run(c->t, 100 * MS);
        assert_int_equal(tunnel_peers_connected(two->peers), 1);
        tunnel_peers_came(two->peers, STR("10.0.0.9")); /* in no list */
        tunnel_peers_came(two->peers, STR("10.0.0.3")); /* there is a tunnel to it */
        tiny_run(c->t, 100 * MS);
        assert_int_equal(one->dialled, before);
        assert_int_equal(c->replica[2].dialled, 2);
        tunnel_peers_came(two->peers, STR("10.0.0.1"));
        tiny_run(c->t, 100 * MS);
        assert_int_equal(one->dialled, before + (unsigned)hardened);
        tiny_run(c->t, TUNNEL_PEER_RETRY);
        assert_int_equal(one->dialled, before + 1);
        assert_int_equal(tunnel_peers_connected(two->peers), 2);
        cluster_free(c);
    }
}

/* Whole: a tunnel to each, and one from each. */
static void test_peers_are_whole(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(policies_hardened());
    struct replica *one = &c->replica[0], *two = &c->replica[1];
    struct policies policies = policies_hardened();
    struct tunnel_peers *none = tunnel_peers_new(tiny_process(c->t, "10.0.0.9"), one->router,
                                                 &policies, STR("10.0.0.9"), STR("secret"));
    assert_true(tunnel_peers_whole(none)); /* nobody is missing */
    tunnel_peers_free(none);
    assert_true(tunnel_peers_whole(one->peers));
    assert_false(tunnel_router_has_peer(one->router, STR("10.0.0.9")));
    tiny_wire_break(one->from[1]);
    tiny_run(c->t, 100 * MS);
    assert_int_equal(tunnel_peers_connected(one->peers), 2);
    assert_false(tunnel_router_has_peer(one->router, STR("10.0.0.2")));
    assert_false(tunnel_peers_whole(one->peers)); /* it does not hear from that one */
    assert_false(tunnel_peers_whole(two->peers)); /* it has no tunnel to that one */
    assert_true(tunnel_peers_whole(c->replica[2].peers));
    tiny_run(c->t, TUNNEL_PEER_RETRY);
    assert_true(tunnel_peers_whole(one->peers));
    assert_true(tunnel_peers_whole(two->peers));
    cluster_free(c);
}

/* A replica that has left the list is known no more, and its tunnel ends with the time that it was given first. */
static void test_parting_is_not_put_off(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(policies_hardened());
    struct replica *one = &c->replica[0];
    unsigned dialled = c->replica[1].dialled + c->replica[2].dialled;
    assert_true(tunnel_router_has_peer(c->replica[1].router, STR("10.0.0.1")));
    tunnel_peers_set(one->peers, NULL, 0);
    assert_int_equal(tunnel_peers_connected(one->peers), 0);
    assert_false(tunnel_peers_check(one->peers, STR("10.0.0.2"), STR("secret")));
    tiny_run(c->t, TUNNEL_PEER_PARTING / 2);
    tunnel_peers_set(one->peers, NULL, 0);
    tunnel_peers_came(one->peers, STR("10.0.0.2")); /* it does not know yet */
    tiny_run(c->t, TUNNEL_PEER_PARTING / 2 - S);
    assert_true(tunnel_router_has_peer(c->replica[1].router, STR("10.0.0.1")));
    tiny_run(c->t, 2 * S);
    assert_false(tunnel_router_has_peer(c->replica[1].router, STR("10.0.0.1")));
    assert_int_equal(c->replica[1].dialled + c->replica[2].dialled, dialled);
    cluster_free(c);
}

/* A digest of many sessions is spread: at most 50 announcements a second on a link. */
struct rate {
    struct tiny *t;
    size_t n;
};

static void count_add(void *arg, struct str message)
{
    struct rate *rate = arg;
    struct tunnel_frame f;
    assert_null(tunnel_frame_decode(message, &f));
    rate->n += f.type == TUNNEL_ADD_CLIENT;
}

static void test_digest_rate(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct tiny *t = tiny_new(1);
    struct policies policies = policies_hardened();
    struct world *w = tiny_process(t, "10.0.0.1");
    struct tunnel_router *r = tunnel_router_new(w, &policies);
    struct agent *agents = MEM_NEW_ARRAY(struct agent, N);
    for (int i = 0; i < N; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "c-%d", i);
        agent_join(t, &agents[i], r, &policies, key, "a", "");
    }
    struct tiny_wire *wire = tiny_wire_new(t, MS, 0);
    struct tunnel_session_options o = {
        .side = TUNNEL_CLIENT, .policies = &policies, .key = STR("p")};
    struct tunnel_session *s = tunnel_session_new(w, &tiny_wire_ops, tiny_wire_end(wire, 0), &o);
    struct rate rate = {t, 0};
    tiny_end_tap(tiny_wire_end(wire, 0), count_add, &rate);
    struct tunnel_announcer *a = tunnel_router_announce(r, s);
    assert_int_equal(rate.n, N);
    tunnel_session_on_alive(s);
    for (int i = 0; i < 10; i++) {
        tiny_run(t, 10 * S + MS);
        tunnel_session_on_alive(s);
    }
    assert_int_equal(rate.n, 6 * N);
    tunnel_router_forget(r, a);
    tunnel_session_close(s);
    tunnel_router_free(r);
    for (int i = 0; i < N; i++)
        agent_leave(&agents[i]);
    mem_free(agents);
    tiny_free(t);
}

/* ---- the agent's dialling side ---- */

struct dialler {
    struct tunnel_client *client;
    unsigned opens, closes;
    bool was_open, close_in_open;
    int status;
    char body[64], code[32];
};

static void dialler_open(void *owner, struct tunnel_session *s)
{
    struct dialler *d = owner;
    assert_ptr_equal(s, tunnel_client_session(d->client));
    d->opens++;
    if (d->close_in_open) {
        struct tunnel_client *c = d->client;
        d->client = NULL;
        tunnel_client_close(c);
    }
}

static void dialler_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct dialler *d = owner;
    d->client = NULL;
    d->closes++;
    d->was_open = how->was_open;
    d->status = how->http_status;
    (void)snprintf(d->body, sizeof(d->body), STR_FMT, STR_ARG(how->http_body));
    (void)snprintf(d->code, sizeof(d->code), "%s", how->err ? err_code_name(how->err->code) : "");
}

static const struct tunnel_client_handler dialler_handler = {dialler_open, dialler_closed};

struct front {
    struct tunnel_router *router;
    bool refuse;
    char params[128];
};

static bool front_upgrade(void *arg, struct tiny_upgrade *u, struct tiny_end *far_end)
{
    struct front *f = arg;
    struct buf json = {0};
    assert_true(str_eq_c(u->path, "/v3/connect/register"));
    assert_true(str_eq_c(u->host, "manager.example.test"));
    assert_int_equal(u->fragment_bytes, 4096);
    assert_true(str_eq_c(tiny_upgrade_header(u, "X-API-Tunnel-Token"), "token"));
    assert_true(str_eq_c(tiny_upgrade_header(u, "X-Extra"), "extra"));
    assert_true(base64_decode(&json, tiny_upgrade_header(u, "X-API-Tunnel-Params")));
    (void)snprintf(f->params, sizeof(f->params), STR_FMT, STR_ARG(buf_str(&json)));
    buf_free(&json);
    if (f->refuse)
        return false;
    const struct tunnel_identity who = {.key = STR("c-1")};
    tiny_end_attach(far_end, &tunnel_session_ws_handler,
                    tunnel_router_add(f->router, &tiny_wire_ops, far_end, &who));
    return true;
}

static void dialler_dial(struct dialler *d, struct tiny *t, const struct policies *policies)
{
    const struct world_header extra = {STR("X-Extra"), STR("extra")};
    struct tunnel_client_options o = {.address = world_addr_make(STR("10.0.0.1"), 443),
                                      .host = STR("manager.example.test"),
                                      .path = STR("/v3/connect/register"),
                                      .token = STR("token"),
                                      .params_json = STR("{\"cluster\":{}}"),
                                      .headers = &extra,
                                      .headers_n = 1};
    o.session.policies = policies;
    d->client = tunnel_client_connect(tiny_process(t, "10.8.0.1"), &o, &dialler_handler, d);
}

static void test_client(void **state)
{
    (void)state;
    struct tiny *t = tiny_new(1);
    struct policies policies = policies_hardened();
    struct front front = {.router = tunnel_router_new(tiny_process(t, "10.0.0.1"), &policies)};
    struct dialler d = {0};
    dialler_dial(&d, t, &policies); /* nobody listens */
    tiny_run(t, S);
    assert_string_equal(d.code, "conn-refused");
    assert_false(d.was_open);
    tiny_ws_serve(t, "10.0.0.1", front_upgrade, &front);
    front.refuse = true;
    dialler_dial(&d, t, &policies);
    tiny_run(t, S);
    assert_int_equal(d.status, 400);
    assert_string_equal(d.body, "cluster not found");
    assert_string_equal(front.params, "{\"cluster\":{}}");
    assert_int_equal(d.opens, 0);
    front.refuse = false;
    dialler_dial(&d, t, &policies);
    tiny_run(t, S);
    assert_int_equal(d.opens, 1);
    assert_true(tunnel_client_opened_at(d.client) > 0);
    /* the default for an incoming Connect is a stream to its address: nobody listens there */
    assert_string_equal(probe(t, front.router, "c-1"),
                        "!dial tcp 10.43.0.1:443: connect: connection refused");
    tunnel_router_disconnect(front.router, STR("c-1"));
    tiny_run(t, S);
    assert_int_equal(d.closes, 3);
    assert_true(d.was_open);
    assert_null(d.client);
    /* ended by its owner: before it opens, when it opens, later */
    dialler_dial(&d, t, &policies);
    tunnel_client_close(d.client);
    d.close_in_open = true;
    dialler_dial(&d, t, &policies);
    tiny_run(t, S);
    d.close_in_open = false;
    dialler_dial(&d, t, &policies);
    tiny_run(t, S);
    tunnel_client_close(d.client);
    tiny_run(t, S);
    assert_int_equal(d.opens, 3);
    assert_int_equal(d.closes, 3);
    tunnel_router_free(front.router);
    tiny_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup_and_listeners),
        cmocka_unit_test(test_choice_after_a_silent_death),
        cmocka_unit_test(test_choice_of_a_frozen_agent),
        cmocka_unit_test(test_fence_of_the_same_instance),
        cmocka_unit_test(test_dial_through_peers),
        cmocka_unit_test(test_agent_changes_replica),
        cmocka_unit_test(test_peer_lost_and_back),
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_lost_announcement),
        cmocka_unit_test(test_lost_removal),
        cmocka_unit_test(test_no_loop),
        cmocka_unit_test(test_peers_are_checked_and_dialled_again),
        cmocka_unit_test(test_peer_that_came_is_dialled),
        cmocka_unit_test(test_peers_are_whole),
        cmocka_unit_test(test_parting_is_not_put_off),
        cmocka_unit_test(test_digest_rate),
        cmocka_unit_test(test_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
