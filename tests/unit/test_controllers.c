/* Goal: the leader's controllers lead imported clusters through their whole life, alone and over a change of leader, and
 * write nothing when nothing changes.
 * Method: a simulated world with real servers and agents (support/manager_bench.h). Everything is seen through the APIs
 * and the trace's notes. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/controllers/cluster/cluster.h"
#include "engine/controllers/cluster/state.h"
#include "engine/controllers/expiry/expiry.h"
#include "engine/controllers/health/health.h"
#include "engine/controllers/rotation/rotation.h"
#include "engine/controllers/tombstone/tombstone.h"
#include "engine/kube/conditions.h"
#include "engine/kube/management.h"

#include <stdlib.h>

static void test_life(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    check_str(buf_str(&b->states), "c-0 pending, c-0 waiting, c-0 active");
    struct kube_object *o = bench_cluster(b, "c-0");
    static const char *const true_ones[] = {
        "BackingNamespaceCreated", "Pending", "Provisioned", "Waiting", "Connected", "Ready",
        "AgentDeployed",           "Updated"};
    for (size_t i = 0; i < ARRAY_LEN(true_ones); i++)
        if (!condition_is(o, true_ones[i], "True")) {
            print_error("%s: " STR_FMT "\n", true_ones[i], STR_ARG(o->json));
            fail();
        }
    check_str(kube_object_string(o, "status.agentImage"), "agent:1");
    assert_true(kube_object_has_finalizer(o, STR(CLUSTER_FINALIZER)));
    assert_non_null(kubeapi_get(bench_local(b), STR("namespaces"), str_empty, STR("c-0")));
    /* Nothing happens: nothing is written, but every 15 s there is a probe. */
    uint64_t version = o->resource_version;
    struct metrics *m = server_metrics(bench_leader(b, NULL));
    int64_t probes = metrics_sum(m, "paddock_health_probes_total");
    int64_t runs = metrics_sum(m, "paddock_controller_reconciles_total");
    bench_run(b, 600 * S);
    assert_int_equal(bench_cluster(b, "c-0")->resource_version, version);
    assert_in_range(metrics_sum(m, "paddock_health_probes_total") - probes, 39, 41);
    assert_in_range(metrics_sum(m, "paddock_controller_reconciles_total") - runs, 0, 3);
    bench_free(b);
}

static void test_unavailable_and_back(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    struct sim_fault *f = bench_cut_off(b, "c-0", "cut");
    bench_run_until(b, "c-0", "unavailable", 60 * S);
    struct condition c;
    assert_true(condition_get(bench_cluster(b, "c-0"), "Ready", &c));
    check_str(c.reason, "Disconnected");
    check_str(c.message_json, "\"" HEALTH_DISCONNECTED "\"");
    assert_true(condition_is(bench_cluster(b, "c-0"), "Connected", "False"));
    /* Down for an hour: no work for it, once what was written has been looked at again. */
    bench_run(b, CONTROLLER_CONFIRM);
    uint64_t version = bench_cluster(b, "c-0")->resource_version;
    struct metrics *m = server_metrics(bench_leader(b, NULL));
    int64_t runs = metrics_sum(m, "paddock_controller_reconciles_total");
    bench_run(b, 3600 * S);
    assert_int_equal(bench_cluster(b, "c-0")->resource_version, version);
    assert_in_range(metrics_sum(m, "paddock_controller_reconciles_total") - runs, 0, 3);
    sim_fault_end(f);
    bench_run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

static void test_api_down(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    struct kubeapi_fault f = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 500, .resource = STR("namespaces")};
    uint64_t id = kubeapi_fault_add(bench_downstream(b, 0), &f);
    for (int i = 0; i < 200 && kubeapi_fault_fired(bench_downstream(b, 0), id) == 0; i++)
        bench_run(b, S / 10);
    bench_run_until(b, "c-0", "unavailable", 5 * S); /* a miss is soon looked at again */
    struct condition c;
    assert_true(condition_get(bench_cluster(b, "c-0"), "Ready", &c));
    check_str(c.reason, "ComponentStatusFetchingFailure");
    assert_true(condition_is(bench_cluster(b, "c-0"), "Connected", "True"));
    kubeapi_fault_remove(bench_downstream(b, 0), id);
    bench_run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

/* One probe that goes wrong says nothing: only the second in a row is believed. */
static void test_one_miss(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    struct kubeapi *api = bench_downstream(b, 0);
    struct kubeapi_fault f = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 500, .resource = STR("namespaces")};
    uint64_t id = kubeapi_fault_add(api, &f);
    buf_clear(&b->states);
    for (int i = 0; i < 300 && kubeapi_fault_fired(api, id) == 0; i++)
        bench_run(b, S / 10);
    assert_int_equal(kubeapi_fault_fired(api, id), 1);
    kubeapi_fault_remove(api, id);
    bench_run(b, 60 * S);
    check_str(buf_str(&b->states), "");
    bench_free(b);
}

/* The first cluster's API accepts and never answers; then the second one is cut off. */
static void hang_first_cut_second(struct bench *b)
{
    sim_process_pause(apihost_process(sim_cluster_api(b->clusters[0])));
    bench_run(b, 30 * S);
    (void)bench_cut_off(b, "c-1", "cut");
}

static void test_hung_cluster_independent(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 2);
    hang_first_cut_second(b);
    bench_run_until(b, "c-0", "unavailable", 1 * S);
    bench_run_until(b, "c-1", "unavailable", 40 * S);
    sim_process_resume(apihost_process(sim_cluster_api(b->clusters[0])));
    bench_run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

static void test_hung_cluster_sequential(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    check_ok(policies_set(&p, STR("health.probe"), STR("sequential")));
    struct bench *b = bench_with(1, &p, 1, 2);
    hang_first_cut_second(b);
    bench_run(b, 600 * S);
    check_str(cluster_state(bench_cluster(b, "c-0")), "active"); /* nobody knows */
    check_str(cluster_state(bench_cluster(b, "c-1")), "active");
    sim_process_resume(apihost_process(sim_cluster_api(b->clusters[0])));
    bench_run_until(b, "c-1", "unavailable", 60 * S);
    bench_free(b);
}

static void test_agent_update(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    buf_clear(&b->states);
    bench_patch_cluster(b, "c-0",
                        "{\"spec\":{\"desiredAgentImage\":\"agent:2\",\"agentEnvVars\":[{"
                        "\"name\":\"EXTRA\",\"value\":\"1\"}]}}");
    bench_run_until(b, "c-0", "updating", 10 * S);
    bench_run_until(b, "c-0", "active", 60 * S);
    bench_run(b, 1 * S); /* the leader sees it, too */
    check_str(buf_str(&b->states), "c-0 updating, c-0 active");
    check_str(kube_object_string(bench_cluster(b, "c-0"), "status.agentImage"), "agent:2");
    const struct kube_object *d = kubeapi_get(bench_downstream(b, 0), STR("deployments.apps"),
                                              STR(NAMESPACE_SYSTEM), STR(AGENT_DEPLOYMENT));
    assert_true(str_find(d->json, STR("\"agent:2\"")) >= 0);
    assert_true(str_find(d->json, STR("{\"name\":\"EXTRA\",\"value\":\"1\"}")) >= 0);
    bench_free(b);
}

/* New addresses and a new CA reach tokens and agents through the tunnels that are there. */
static void test_new_ca(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    const struct kube_object *token = bench_token(b, "c-0", CLUSTER_TOKEN_DEFAULT);
    struct str text = str_dup(kube_object_string(token, "status.token"));
    struct str command = str_dup(kube_object_string(token, "status.nodeCommand"));
    assert_int_equal(text.n, 54);
    assert_true(str_ends(kube_object_string(token, "status.manifestUrl"), STR("_c-0.yaml")));
    assert_true(str_find(command, STR(" --ca-checksum ")) >= 0);
    struct buf patch = {0}, ca = {0};
    buf_add(&ca, authority_pem(b->manager_ca));
    struct authority *next = authority_new(b->sim, STR("next"));
    buf_add(&ca, authority_pem(next)); /* both, as while one replaces the other */
    authority_free(next);
    buf_add_c(&patch, "{\"value\":");
    json_write_string(&patch, buf_str(&ca));
    buf_add_char(&patch, '}');
    check_ok(kubeapi_patch(bench_local(b), STR("settings." MANAGEMENT_GROUP), str_empty,
                           STR("cacerts"), buf_str(&patch)));
    bench_run_until(b, "c-0", "updating", 10 * S);
    bench_run_until(b, "c-0", "active", 60 * S);
    token = bench_token(b, "c-0", CLUSTER_TOKEN_DEFAULT);
    check_str_eq(kube_object_string(token, "status.token"), text);
    assert_false(str_eq(kube_object_string(token, "status.nodeCommand"), command));
    bench_run(b, 60 * S);
    check_str(cluster_state(bench_cluster(b, "c-0")), "active");
    buf_free(&patch);
    buf_free(&ca);
    str_free(&text);
    str_free(&command);
    bench_free(b);
}

/* What cannot be seen to end within its time is an error, until it is seen. */
static void test_late_rollout(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    bench_patch_cluster(b, "c-0", "{\"spec\":{\"desiredAgentImage\":\"agent:2\"}}");
    bench_run_until(b, "c-0", "updating", 10 * S);
    bench_run(b, S / 2); /* applied */
    struct kubeapi_fault f = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 500, .resource = STR("deployments")};
    uint64_t id = kubeapi_fault_add(bench_downstream(b, 0), &f);
    bench_run(b, 280 * S);
    check_str(cluster_state(bench_cluster(b, "c-0")), "updating");
    bench_run_until(b, "c-0", "error", 40 * S);
    kubeapi_fault_remove(bench_downstream(b, 0), id);
    bench_run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

static void test_scale(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_new(1, &p, 1);
    bench_run_until_led(b);
    bench_import(b, 2, 1);
    bench_run_until(b, "c-0", "active", 120 * S);
    bench_run(b, 30 * S);
    const struct kube_object *d = kubeapi_get(bench_downstream(b, 0), STR("deployments.apps"),
                                              STR(NAMESPACE_SYSTEM), STR(AGENT_DEPLOYMENT));
    check_str(kube_object_raw(d, "spec.replicas"), "2");
    bench_free(b);
}

static void test_removal(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    bench_delete_cluster(b, "c-0");
    bench_run_until(b, "c-0", "gone", 30 * S);
    bench_run(b, 30 * S);
    struct kubeapi *local = bench_local(b);
    assert_null(kubeapi_get(local, STR("namespaces"), str_empty, STR("c-0")));
    assert_int_equal(bench_count(local, "clusterregistrationtokens." MANAGEMENT_GROUP, "c-0"), 0);
    /* What keeps its agent from being adopted again: two tokens, for as long as an agent may be away. */
    assert_int_equal(bench_count(local, "secrets", NAMESPACE_GLOBAL_DATA), 2);
    assert_int_equal(bench_count(bench_downstream(b, 0), "jobs.batch", "default"), 1);
    assert_null(
        kubeapi_get(bench_downstream(b, 0), STR("namespaces"), str_empty, STR(NAMESPACE_SYSTEM)));
    assert_int_equal(server_state(bench_leader(b, NULL)).agents, 0);
    bench_free(b);
}

/* Tokens of removed clusters are forgotten after TOMBSTONE_LIFE, and not before. */
static void test_tombstones_end(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    bench_delete_cluster(b, "c-0");
    bench_run_until(b, "c-0", "gone", 30 * S);
    struct sim_fault_options o = {.name = STR("later"),
                                  .kind = SIM_FAULT_CLOCK_JUMP,
                                  .delay = TOMBSTONE_LIFE - TOMBSTONE_LOOK};
    (void)sim_fault_add(b->sim, &o);
    bench_run(b, TOMBSTONE_LOOK - 60 * S);
    assert_int_equal(bench_count(bench_local(b), "secrets", NAMESPACE_GLOBAL_DATA), 2);
    bench_run(b, TOMBSTONE_LOOK + 120 * S);
    assert_int_equal(bench_count(bench_local(b), "secrets", NAMESPACE_GLOBAL_DATA), 0);
    bench_free(b);
}

static void test_expiry_words(void **state)
{
    (void)state;
    static const struct {
        int64_t left_s;
        const char *word;
    } rows[] = {{31 * 86400, ""},
                {30 * 86400 + 1, ""},
                {30 * 86400, "ExpiresWithin30Days"},
                {14 * 86400 + 1, "ExpiresWithin30Days"},
                {14 * 86400, "ExpiresWithin14Days"},
                {7 * 86400, "ExpiresWithin7Days"},
                {86401, "ExpiresWithin7Days"},
                {86400, "ExpiresWithin1Day"},
                {1, "ExpiresWithin1Day"},
                {0, "Expired"},
                {-5, "Expired"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(expiry_word(1000000 + rows[i].left_s, 1000000 * S), rows[i].word);
}

static void test_removal_detaches(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    struct sim_fault *f = bench_cut_off(b, "c-0", "cut");
    bench_run_until(b, "c-0", "unavailable", 60 * S);
    bench_delete_cluster(b, "c-0");
    bench_run(b, 55 * S);
    check_str(cluster_state(bench_cluster(b, "c-0")), "removing");
    bench_run_until(b, "c-0", "gone", 20 * S);
    assert_int_equal(bench_count(bench_downstream(b, 0), "jobs.batch", "default"), 0);
    sim_fault_end(f); /* it comes back, is told, and cleans up by itself */
    bench_run(b, 60 * S);
    assert_int_equal(bench_count(bench_downstream(b, 0), "jobs.batch", "default"), 1);
    assert_null(
        kubeapi_get(bench_downstream(b, 0), STR("namespaces"), str_empty, STR(NAMESPACE_SYSTEM)));
    bench_free(b);
}

/* The cluster can be reached, and its API refuses the Job: so many tries, then it goes all the same. */
static void test_removal_refused(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 1, 1);
    struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_STATUS, .status = 403, .resource = STR("jobs")};
    uint64_t id = kubeapi_fault_add(bench_downstream(b, 0), &f);
    bench_delete_cluster(b, "c-0");
    bench_run_until(b, "c-0", "gone", 120 * S);
    assert_int_equal(kubeapi_fault_fired(bench_downstream(b, 0), id), CLUSTER_CLEANUP_TRIES);
    bench_free(b);
}

static void test_removal_waits(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    check_ok(policies_set(&p, STR("cluster.remove"), STR("wait")));
    struct bench *b = bench_with(1, &p, 1, 1);
    struct sim_fault *f = bench_cut_off(b, "c-0", "cut");
    bench_run_until(b, "c-0", "unavailable", 60 * S);
    bench_delete_cluster(b, "c-0");
    bench_run(b, S);
    struct metrics *m = server_metrics(bench_leader(b, NULL));
    int64_t probes = metrics_sum(m, "paddock_health_probes_total");
    bench_run(b, 1800 * S);
    assert_int_equal(metrics_sum(m, "paddock_health_probes_total"), probes); /* who asks? */
    check_str(cluster_state(bench_cluster(b, "c-0")), "removing");
    sim_fault_end(f);
    bench_run_until(b, "c-0", "gone", 60 * S);
    assert_int_equal(bench_count(bench_downstream(b, 0), "jobs.batch", "default"), 1);
    bench_free(b);
}

/* What an earlier change of the CA left in the setting is not about this one. */
static void test_rotation_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool over;
    } rows[] = {
        {"ca-rotation", "abc over", true},  {"ca-rotation", "abc waiting for 1 of 2: c-1", false},
        {"ca-rotation", "abd over", false}, {"ca-rotation", "abcd over", false},
        {"ca-rotation", "", false},         {"cacerts", "abc over", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf json = {0};
        struct kube_object *o = NULL;
        buf_addf(&json, "{\"metadata\":{\"name\":\"%s\"},\"value\":\"%s\"}", rows[i].name,
                 rows[i].value);
        check_ok(kube_object_from_json(buf_str(&json), &o));
        assert_int_equal(rotation_is_over(o, STR("abc")), rows[i].over);
        kube_object_unref(o);
        buf_free(&json);
    }
}

/* The leader dies; its successor takes over what it finds and finds nothing to do. */
static void test_leader_change(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(1, &p, 2, 2);
    size_t old = 0;
    assert_non_null(bench_leader(b, &old));
    buf_clear(&b->states);
    sim_host_power_off(sim_process_host(b->managers[old].process));
    bench_run_until_led(b);
    size_t now = old;
    assert_non_null(bench_leader(b, &now));
    assert_int_not_equal(now, old);
    bench_run(b, 120 * S);
    check_str(cluster_state(bench_cluster(b, "c-0")), "active");
    check_str(cluster_state(bench_cluster(b, "c-1")), "active");
    check_str(buf_str(&b->states), "");
    (void)bench_cut_off(b, "c-1", "cut");
    bench_run_until(b, "c-1", "unavailable", 60 * S);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_unavailable_and_back),
        cmocka_unit_test(test_api_down),
        cmocka_unit_test(test_one_miss),
        cmocka_unit_test(test_hung_cluster_independent),
        cmocka_unit_test(test_hung_cluster_sequential),
        cmocka_unit_test(test_agent_update),
        cmocka_unit_test(test_new_ca),
        cmocka_unit_test(test_late_rollout),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_tombstones_end),
        cmocka_unit_test(test_expiry_words),
        cmocka_unit_test(test_removal_detaches),
        cmocka_unit_test(test_removal_refused),
        cmocka_unit_test(test_removal_waits),
        cmocka_unit_test(test_rotation_is_over),
        cmocka_unit_test(test_leader_change),
    };
    cmocka_set_test_filter(getenv("T"));
    return cmocka_run_group_tests_name("controllers", tests, NULL, NULL);
}
