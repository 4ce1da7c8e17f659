/* Goal: replicas serve from caches, find each other through Endpoints, one of them leads; what losing the lease costs is
 * policy; a restart writes nothing that was there.
 * One that is asked to stop hands over what it has. Method: real servers in a simulated world with a local API, and real agents where tunnels matter. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/kube/management.h"

static struct server *server(const struct bench *b, size_t i)
{
    return sim_process_instance(b->managers[i].process);
}

static void publish(struct bench *b, const char *addresses)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":"
             "\"" SERVER_SERVICE "\",\"namespace\":\"" NAMESPACE_SYSTEM
             "\"},\"subsets\":[{\"addresses\":[%s],\"ports\":[{\"port\":443}]}]}",
             addresses);
    check_ok(kubeapi_apply(bench_local(b), buf_str(&json), NULL));
    buf_free(&json);
}

static void test_peers(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_new(1, &p, 2);
    bench_run_until_led(b);
    for (size_t i = 0; i < 2; i++) /* whoever is dialled dials: nobody waits for another attempt */
        assert_int_equal(server_state(server(b, i)).peers, 1);
    publish(b, "{\"ip\":\"192.0.2.10\"},{\"ip\":\"192.0.2.11\"}");
    bench_run(b, 20 * S);
    for (size_t i = 0; i < 2; i++) {
        struct server_state s = server_state(server(b, i));
        assert_true(s.serving);
        assert_int_equal(s.peers, 1); /* the other one, never itself */
    }
    assert_int_equal(server_state(server(b, 0)).leading + server_state(server(b, 1)).leading, 1);
    publish(b, "{\"ip\":\"192.0.2.10\"}");
    bench_run(b, 5 * S);
    assert_int_equal(server_state(server(b, 0)).peers, 0);
    publish(b, "{\"ip\":\"192.0.2.10\"},{\"ip\":\"192.0.2.11\"},{\"ip\":\"192.0.2.77\"},{}");
    bench_run(b, 60 * S);
    assert_int_equal(server_state(server(b, 0)).peers, 1); /* one of them is not there */
    bench_free(b);
}

/* fixtures/incidents.yaml#K19: the API stalls for 40 s. exit: the leader's process ends, and its tunnels with it;
 * controllers: only the leader's work stops. */
static void test_leader_loss(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct policies p = hardened ? policies_hardened() : policies_compat();
        struct bench *b = bench_with(1, &p, 1, 1);
        struct sim_process *process = b->managers[0].process;
        uint32_t starts = sim_process_starts(process);
        uint64_t connects = server_state(server(b, 0)).connects;
        assert_int_equal(server_state(server(b, 0)).agents, 1);
        struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 3600 * S};
        uint64_t id = kubeapi_fault_add(bench_local(b), &stall);
        bench_run(b, 29 * S);
        assert_int_equal(sim_process_starts(process), starts);
        bench_run(b, 11 * S);
        kubeapi_fault_remove(bench_local(b), id);
        if (hardened) {
            assert_int_equal(sim_process_starts(process), starts);
            assert_false(server_state(server(b, 0)).leading);
            assert_int_equal(server_state(server(b, 0)).connects, connects);
            assert_int_equal(server_state(server(b, 0)).agents, 1);
        } else {
            assert_true(sim_process_starts(process) > starts);
        }
        bench_run_until_led(b);
        bench_run(b, 60 * S);
        assert_int_equal(server_state(server(b, 0)).agents, 1);
        bench_free(b);
    }
}

/* A leader that sees half of what there is would do harm: each cache alone keeps a replica from serving and leading; that
 * of its peers only from being ready. */
static void test_waits_for_each_cache(void **state)
{
    (void)state;
    static const char *const resources[] = {"clusters", "clusterregistrationtokens", "settings",
                                            "secrets", "endpoints"};
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        struct policies p = policies_hardened();
        struct bench *b = bench_new(1, &p, 1);
        struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY,
                                     .delay = 3600 * S,
                                     .verb = STR("list"),
                                     .resource = str_c(resources[i])};
        uint64_t id = kubeapi_fault_add(bench_local(b), &slow);
        bench_run(b, 10 * S);
        assert_true(kubeapi_fault_fired(bench_local(b), id) > 0);
        struct server_state s = server_state(server(b, 0));
        bool peers = str_eq_c(slow.resource, "endpoints");
        if (s.serving != peers || s.leading != peers || s.ready)
            fail_msg("%s: serving %d, leading %d, ready %d", resources[i], s.serving, s.leading,
                     s.ready);
        kubeapi_fault_remove(bench_local(b), id);
        bench_free(b);
    }
}

/* Restarted, a replica finds everything as it is: what exists is left alone. */
static void test_restart(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    uint64_t version = bench_cluster(b, "c-0")->resource_version;
    struct kube_object *crd =
        kubeapi_get(bench_local(b), STR("customresourcedefinitions.apiextensions.k8s.io"),
                    str_empty, STR("clusters." MANAGEMENT_GROUP));
    uint64_t crd_version = crd->resource_version;
    sim_process_kill(b->managers[0].process, SIM_EXIT_KILLED);
    bench_run(b, 2 * S);
    bench_run_until_led(b);
    bench_run(b, 60 * S);
    assert_true(server_state(server(b, 0)).serving);
    assert_int_equal(server_state(server(b, 0)).agents, 1);
    assert_true(server_cluster_port(server(b, 0), STR("c-0")) > 0);
    assert_int_equal(server_cluster_port(server(b, 0), STR("c-9")), 0);
    crd = kubeapi_get(bench_local(b), STR("customresourcedefinitions.apiextensions.k8s.io"),
                      str_empty, STR("clusters." MANAGEMENT_GROUP));
    assert_int_equal(crd->resource_version, crd_version);
    assert_true(bench_cluster(b, "c-0")->resource_version >= version);
    bench_free(b);
}

/* Killed at every hundredth of its first two seconds: nothing leaks, and the next start serves. */
static void test_killed_while_starting(void **state)
{
    (void)state;
    for (int ms = 0; ms < 2000; ms += 100) {
        struct policies p = policies_hardened();
        struct bench *b = bench_new(1, &p, 1);
        bench_run(b, ms * NS_PER_MS);
        sim_process_kill(b->managers[0].process, SIM_EXIT_KILLED);
        bench_run_until_led(b);
        assert_int_equal(sim_counter_value(b->sim, STR("process.leaked_handles")), 0);
        bench_free(b);
    }
}

static void count(void *owner)
{
    ++*(unsigned *)owner;
}

static size_t all_agents(const struct bench *b)
{
    return server_state(server(b, 0)).agents + server_state(server(b, 1)).agents;
}

/* The leader is asked to stop: another one leads at once, its agents go to the other replica without ever being without
 * a tunnel, and none comes. */
static void test_drain(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 2, 3);
    size_t i = 0;
    unsigned done = 0;
    struct server *s = bench_leader(b, &i), *other = server(b, 1 - i);
    uint64_t connects = server_state(s).connects;
    assert_true(server_state(s).agents > 0 && server_state(s).ready);
    world_time from = sim_now(b->sim), led_at = 0;
    server_drain(s, count, &done);
    server_drain(s, count, &done); /* asked twice is asked once */
    assert_false(server_state(s).ready || server_state(s).leading);
    while (!done && sim_now(b->sim) - from < SERVER_DRAIN_MAX) {
        bench_run(b, 10 * NS_PER_MS);
        assert_true(all_agents(b) >= 3);
        if (server_state(other).leading && !led_at)
            led_at = sim_now(b->sim) - from;
    }
    assert_in_range(led_at, 1, 5 * S);
    assert_int_equal(done, 1);
    assert_int_equal(server_state(s).agents, 0);
    assert_int_equal(server_state(s).connects, connects);
    assert_int_equal(server_state(other).agents, 3);
    assert_true(sim_now(b->sim) - from < SERVER_DRAIN_SPREAD + 5 * S);
    bench_run(b, 60 * S);
    assert_int_equal(done, 1);
    assert_false(server_state(s).leading);
    bench_free(b);
}

/* Nobody is there to take its agents: it does not wait for them. Policy none: it waits for nothing at all. */
static void test_drain_alone(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct policies p = hardened ? policies_hardened() : policies_compat();
        struct bench *b = bench_with(1, &p, 1, 1);
        unsigned done = 0;
        publish(b, "{\"ip\":\"192.0.2.10\"}");
        bench_run(b, S);
        server_drain(server(b, 0), count, &done);
        assert_int_equal(done, 0); /* never from inside */
        bench_run(b, hardened ? SERVER_DRAIN_MIN - S : NS_PER_MS);
        assert_int_equal(done, !hardened);
        assert_int_equal(server_state(server(b, 0)).leading, !hardened);
        bench_run(b, 2 * S);
        assert_int_equal(done, 1);
        bench_free(b);
    }
}

/* fixtures/incidents.yaml#K01: who starts knows no cluster until the others have told. */
static void test_ready(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct policies p = hardened ? policies_hardened() : policies_compat();
        struct bench *b = bench_with(1, &p, 2, 1);
        size_t i = server_state(server(b, 0)).agents > 0 ? 1 : 0; /* the one without the agent */
        sim_process_kill(b->managers[i].process, SIM_EXIT_KILLED);
        bench_run(b, BENCH_RESTART + NS_PER_MS);
        while (!server_state(server(b, i)).ready)
            bench_run(b, NS_PER_MS);
        assert_true(server_state(server(b, i)).serving);
        assert_int_equal(tunnel_router_has(server_router(server(b, i)), STR("c-0")), hardened);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),   cmocka_unit_test(test_leader_loss),
        cmocka_unit_test(test_restart), cmocka_unit_test(test_killed_while_starting),
        cmocka_unit_test(test_drain),   cmocka_unit_test(test_drain_alone),
        cmocka_unit_test(test_ready),   cmocka_unit_test(test_waits_for_each_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
