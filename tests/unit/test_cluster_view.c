/* Goal: the manager shows what a cluster's agent keeps, to those who may get the Cluster, and each answer that is made of a
 * cache says how old it is.
 * Method: a real manager, a cluster with its agent; requests from outside; an API that falls silent. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/outside.h"

#include "engine/kube/served.h"
#include "engine/tunnel/router_internal.h"

static void open_outside(struct outside *o)
{
    struct policies p = policies_compat(); /* nothing is compared: ages are those of the watch */
    outside_open(o, 1, &p, 1);
}

static int64_t age_ms(const struct outside *o)
{
    uint64_t ms = 0;
    assert_true(str_to_u64(buf_str(&o->age), &ms));
    return (int64_t)ms;
}

static void test_rights(void **state)
{
    (void)state;
    static const struct {
        const char *target, *token;
        int status;
    } rows[] = {{"/k8s/clusters/c-0/v1/pods", NULL, 401},
                {"/k8s/clusters/c-0/v1/pods", "nobody", 401},
                {"/k8s/clusters/c-0/v1/pods", BENCH_GUEST, 403},
                {"/v1/management.cattle.io.clusters", BENCH_GUEST, 403},
                {"/k8s/clusters/c-0/v2/pods", BENCH_TOKEN, 404},
                {"/k8s/clusters/c-9/v1/pods", BENCH_TOKEN, 503},
                {"/k8s/clusters/c-0/v1/secrets", BENCH_TOKEN, 404},
                {"/k8s/clusters/c-0/v1/namespaces/nowhere", BENCH_TOKEN, 404},
                {"/k8s/clusters/c-0/v1/namespaces/default", BENCH_TOKEN, 200},
                {"/v1/management.cattle.io.clusters", NULL, 401},
                {"/v1/management.cattle.io.clusters", BENCH_TOKEN, 200},
                {"/v1/management.cattle.io.clusters/c-0", BENCH_TOKEN, 200},
                {"/v1/management.cattle.io.clusters/c-9", BENCH_TOKEN, 404}};
    struct outside o;
    open_outside(&o);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (outside_ask(&o, rows[i].target, rows[i].token) != rows[i].status)
            fail_msg("%s: %d %s", rows[i].target, o.status, buf_c(&o.body));
    outside_close(&o);
}

static void test_what_the_agent_keeps(void **state)
{
    (void)state;
    struct outside o;
    open_outside(&o);
    assert_int_equal(outside_ask(&o, "/k8s/clusters/c-0/v1/namespaces?x=1", BENCH_TOKEN), 200);
    assert_true(outside_says(&o, "\"type\":\"collection\",\"resourceType\":\"namespace\""));
    assert_true(outside_says(&o, "{\"id\":\"cattle-system\",\"type\":\"namespace\","));
    assert_int_equal(outside_ask(&o, "/k8s/clusters/c-0/v1/pods/cattle-system", BENCH_TOKEN), 200);
    assert_true(outside_says(&o, "\"count\":1,"));
    assert_true(outside_says(&o, "{\"id\":\"cattle-system/cattle-cluster-agent-"));
    assert_int_equal(outside_ask(&o, "/k8s/clusters/c-0/v1/pods/default", BENCH_TOKEN), 200);
    assert_true(outside_says(&o, "\"count\":0,\"data\":[]}"));
    outside_close(&o);
}

static void test_age(void **state)
{
    (void)state;
    struct outside o;
    open_outside(&o);
    struct kubeapi_fault silent = {.kind = KUBEAPI_FAULT_WATCH_STALL};
    kubeapi_fault_add(bench_downstream(o.b, 0), &silent);
    kubeapi_fault_add(bench_local(o.b), &silent);
    bench_run(o.b, S);
    assert_int_equal(outside_ask(&o, "/k8s/clusters/c-0/v1/namespaces", BENCH_TOKEN), 200);
    int64_t before = age_ms(&o);
    bench_run(o.b, 40 * S);
    outside_ask(&o, "/k8s/clusters/c-0/v1/namespaces", BENCH_TOKEN);
    assert_in_range(age_ms(&o) - before, 40000, 41000); /* silent, and older */
    static const char *const own[] = {"/v3/settings/cacerts", "/cacerts",
                                      "/v1/management.cattle.io.clusters"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        assert_int_equal(outside_ask(&o, own[i], BENCH_TOKEN), 200);
        assert_true(age_ms(&o) >= 40000);
    }
    outside_ask(&o, "/ping", NULL);
    assert_int_equal(o.age.n, 0); /* it is made of nothing that could be old */
    outside_close(&o);
}

static void forget(struct tunnel_router *r, const char *key)
{
    struct list *head = &r->peers;
    list_each (head, it, next)
        tunnel_announced_by_peer(container_of(it, struct route, link), false, str_c(key), 0);
}

/* Its agent ends at the other replica, of which this one has not heard: the other one is asked for a way. */
static void test_agent_elsewhere(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    p.value[POLICY_PEER_ANNOUNCE] = POLICY_PEER_EDGE;
    for (uint64_t seed = 1; seed < 9; seed++) {
        struct outside o;
        outside_open(&o, seed, &p, 2);
        struct server *asked = sim_process_instance(o.b->managers[0].process);
        bool elsewhere = server_state(asked).agents == 0;
        if (elsewhere) {
            assert_int_equal(
                outside_ask(&o, "/k8s/clusters/c-0/v1/namespaces/default", BENCH_TOKEN), 200);
            forget(server_router(asked), "c-0");
            assert_false(tunnel_router_has(server_router(asked), STR("c-0")));
            assert_int_equal(
                outside_ask(&o, "/k8s/clusters/c-0/v1/namespaces/default", BENCH_TOKEN), 200);
            assert_int_equal(
                outside_ask(&o, "/k8s/clusters/c-9/v1/namespaces/default", BENCH_TOKEN), 503);
        }
        outside_close(&o);
        if (elsewhere)
            return;
    }
    fail_msg("every agent ends at the first replica");
}

static void on_drained(void *owner)
{
    *(bool *)owner = true;
}

/* Who balances load, and agents, are told when a replica is about to stop. */
static void test_readiness(void **state)
{
    (void)state;
    struct outside o;
    bool drained = false;
    struct policies p = policies_hardened();
    outside_open(&o, 1, &p, 1);
    assert_int_equal(outside_ask(&o, "/readyz", NULL), 200);
    server_drain(sim_process_instance(o.b->managers[0].process), on_drained, &drained);
    assert_int_equal(outside_ask(&o, "/readyz", NULL), 503);
    assert_int_equal(outside_ask(&o, "/healthz", NULL), 200);
    outside_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights), cmocka_unit_test(test_agent_elsewhere),
        cmocka_unit_test(test_readiness), cmocka_unit_test(test_what_the_agent_keeps),
        cmocka_unit_test(test_age)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
