/* Goal: whoever shows a good token and asks for a probe gets a stream that echoes, for a while, and is taken for nobody's
 * agent; nobody else gets anything.
 * Method: a real manager over a simulated local API; probers made by hand at its door. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/kube/management.h"
#include "engine/tunnel/client.h"
#include "engine/tunnel/probe.h"

struct prober {
    struct bench *b;
    struct policies policies;
    struct sim_process *p;
    struct world_tls tls;
    struct tunnel_client *client;
    struct tunnel_conn *conn;
    int status; /* 101: open */
    struct buf said, echoed, conn_end;
};

static void prober_open(struct prober *r, struct bench *b)
{
    struct sim_host_options host = {STR("prober"), STR("203.0.113.9"), STR("outside")};
    struct sim_process_options o = {.name = STR("prober"), .host = sim_host_new(b->sim, &host)};
    *r = (struct prober){.b = b, .policies = policies_hardened(), .p = sim_process_new(b->sim, &o)};
    check_ok(sim_process_start(r->p));
    r->tls = (struct world_tls){.server_name = STR(BENCH_MANAGER_NAME),
                                .ca_pem = authority_pem(b->manager_ca)};
}

static void on_open(void *owner, struct tunnel_session *s)
{
    (void)s;
    ((struct prober *)owner)->status = 101;
}
static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct prober *r = owner;
    r->client = NULL;
    r->status = how->was_open ? 0 : how->http_status;
    buf_clear(&r->said);
    buf_add(&r->said, how->http_body);
}

static struct tunnel_client *knock(struct prober *r, void *owner, struct str token)
{
    static const struct tunnel_client_handler handler = {.open = on_open, .closed = on_closed};
    struct world_header probe = {STR(TUNNEL_PROBE_HEADER), STR("1")};
    struct tunnel_client_options o = {.address = world_addr_make(STR("192.0.2.10"), 443),
                                      .host = STR(BENCH_MANAGER_NAME),
                                      .path = STR("/v3/connect"),
                                      .tls = &r->tls,
                                      .token = token,
                                      .params_json = STR("{}"),
                                      .headers = &probe,
                                      .headers_n = 1,
                                      .timeout = 5 * S,
                                      .session = {.policies = &r->policies}};
    return tunnel_client_connect(sim_process_world(r->p), &o, &handler, owner);
}

static int probe(struct prober *r, struct str token)
{
    r->status = 0;
    r->client = knock(r, r, token);
    bench_run(r->b, 2 * S);
    return r->status;
}

static void on_data(void *owner, struct str bytes)
{
    buf_add(&((struct prober *)owner)->echoed, bytes);
}
static void on_conn_closed(void *owner, const struct err *err)
{
    struct prober *r = owner;
    r->conn = NULL;
    buf_clear(&r->conn_end);
    buf_add_c(&r->conn_end, err ? err->message : "EOF");
}

static void dial(struct prober *r, const char *proto, const char *address)
{
    static const struct tunnel_conn_handler handler = {.data = on_data, .closed = on_conn_closed};
    check_ok(tunnel_session_dial(tunnel_client_session(r->client), str_c(proto), str_c(address),
                                 &handler, r, &r->conn));
}

static void prober_close(struct prober *r)
{
    tunnel_client_close(r->client);
    buf_free(&r->said);
    buf_free(&r->echoed);
    buf_free(&r->conn_end);
}

static struct str good_token(const struct bench *b)
{
    struct str token = kube_object_string(bench_token(b, "c-0", "default-token"), "status.token");
    return str_dup(token);
}

static size_t agents(const struct bench *b)
{
    return server_state(sim_process_instance(b->managers[0].process)).agents;
}

static void test_echo(void **state)
{
    struct policies policies = policies_hardened();
    struct bench *b = bench_with(1, &policies, 1, 1);
    struct prober r;
    (void)state;
    prober_open(&r, b);
    struct str good = good_token(b);
    uint64_t version = bench_cluster(b, "c-0")->resource_version;
    size_t before = agents(b);
    assert_int_equal(probe(&r, good), 101);
    dial(&r, TUNNEL_PROBE_PROTO, TUNNEL_PROBE_ADDRESS);
    tunnel_conn_write(r.conn, STR("there and back"));
    bench_run(b, S);
    assert_string_equal(buf_c(&r.echoed), "there and back");
    assert_int_equal(agents(b), before);
    dial(&r, TUNNEL_PROBE_PROTO, TUNNEL_PROBE_ADDRESS); /* the first one ends */
    bench_run(b, S);
    assert_string_equal(buf_c(&r.conn_end), "EOF");
    r.status = 101;
    bench_run(b, TUNNEL_PROBE_TIMEOUT); /* and then the session */
    assert_null(r.client);
    assert_int_equal(bench_cluster(b, "c-0")->resource_version, version);
    str_free(&good);
    prober_close(&r);
    bench_free(b);
}

static void test_bounds(void **state)
{
    struct policies policies = policies_hardened();
    struct bench *b = bench_with(1, &policies, 1, 1);
    struct prober r;
    char much[TUNNEL_PROBE_ECHO_MAX + 1];
    (void)state;
    memset(much, 'x', sizeof much);
    prober_open(&r, b);
    struct str good = good_token(b);
    assert_int_equal(probe(&r, good), 101);
    dial(&r, TUNNEL_PROBE_PROTO, TUNNEL_PROBE_ADDRESS);
    tunnel_conn_write(r.conn, (struct str){much, sizeof much});
    bench_run(b, S);
    assert_true(str_find(buf_str(&r.conn_end), STR("a few bytes")) >= 0);
    assert_true(r.echoed.n < sizeof much);
    dial(&r, "tcp", "192.0.2.10:443"); /* nobody dials through a manager */
    bench_run(b, S);
    assert_null(r.conn);
    tunnel_client_close(r.client);
    bench_run(b, S);

    struct tunnel_client *many[TUNNEL_PROBES_MAX];
    struct prober silent[TUNNEL_PROBES_MAX] = {0}; /* what they are told is of no interest */
    for (size_t i = 0; i < TUNNEL_PROBES_MAX; i++)
        many[i] = knock(&r, &silent[i], good);
    bench_run(b, S);
    assert_int_equal(probe(&r, good), 503);
    for (size_t i = 0; i < TUNNEL_PROBES_MAX; i++) {
        assert_int_equal(silent[i].status, 101);
        tunnel_client_close(many[i]);
    }
    bench_run(b, S);
    assert_int_equal(probe(&r, good), 101);
    sim_process_kill(b->managers[0].process, SIM_EXIT_KILLED); /* with a probe under way */
    bench_run(b, 8 * S);
    str_free(&good);
    prober_close(&r);
    bench_free(b);
}

static void test_door(void **state)
{
    struct policies policies = policies_hardened();
    struct bench *b = bench_with(1, &policies, 1, 1);
    struct prober r;
    (void)state;
    prober_open(&r, b);
    struct str good = good_token(b);
    assert_int_equal(probe(&r, str_empty), 401);
    assert_int_equal(probe(&r, STR("no-such-token")), 400);
    assert_string_equal(buf_c(&r.said), "cluster not found");
    assert_non_null(bench_cut_off(b, "c-0", "away")); /* it cannot be cleaned up */
    bench_delete_cluster(b, "c-0");
    bench_run_until(b, "c-0", "gone", 200 * S);
    assert_int_equal(probe(&r, good), 410);
    str_free(&good);
    prober_close(&r);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
