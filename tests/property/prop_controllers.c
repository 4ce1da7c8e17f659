/* Goal: whatever happens to managers, API and tunnels meanwhile, clusters that are imported end up active, clusters that are
 * deleted end up gone, and nothing is there twice.
 * Method: random faults from a printed seed (managers killed, writes that fail or whose answer is lost, watches cut,
 * clusters cut off) while two clusters are imported and one of them is deleted; then everything heals, and the world has
 * a bounded time to become what was asked for. Both profiles. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/controllers/cluster/cluster.h"
#include "engine/kube/management.h"

#define TROUBLES   12u
#define HEAL_LIMIT (300 * NS_PER_S)

static void trouble_api(struct bench *b, struct rng *r)
{
    static const char *const verbs[] = {"patch", "create", "delete", "update"};
    struct kubeapi_fault f = {.kind = draw(r, 2) ? KUBEAPI_FAULT_STATUS : KUBEAPI_FAULT_LOST_ACK,
                              .status = 500,
                              .per_million = 100000 + (uint32_t)draw(r, 500000),
                              .verb = str_c(verbs[draw(r, ARRAY_LEN(verbs))])};
    uint64_t id = kubeapi_fault_add(bench_local(b), &f);
    bench_run(b, (world_time)draw(r, 20) * S);
    kubeapi_fault_remove(bench_local(b), id);
}

static void trouble_tunnel(struct bench *b, struct rng *r, size_t serial)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "cut-%zu", serial);
    struct sim_fault *f = bench_cut_off(b, draw(r, 2) ? "c-0" : "c-1", name);
    bench_run(b, (world_time)draw(r, 60) * S);
    sim_fault_end(f);
}

static void one_trouble(struct bench *b, struct rng *r, size_t serial)
{
    switch (draw(r, 4)) {
    case 0:
        sim_process_kill(b->managers[draw(r, BENCH_MANAGERS)].process, SIM_EXIT_KILLED);
        break;
    case 1:
        (void)kubeapi_cut_watches(bench_local(b), str_empty, draw(r, 2) != 0);
        break;
    case 2:
        trouble_api(b, r);
        break;
    default:
        trouble_tunnel(b, r, serial);
        break;
    }
    bench_run(b, (world_time)draw(r, 10) * S);
}

static void check_living(const struct bench *b)
{
    struct kubeapi *local = bench_local(b);
    assert_int_equal(bench_count(local, "clusterregistrationtokens." MANAGEMENT_GROUP, "c-0"), 2);
    assert_in_range(bench_count(local, "secrets", NAMESPACE_GLOBAL_DATA), 1, 3);
    assert_non_null(kubeapi_get(local, STR("secrets"), STR(NAMESPACE_GLOBAL_DATA),
                                STR("cluster-serviceaccounttoken-c-0")));
    assert_int_equal(bench_count(bench_downstream(b, 0), "deployments.apps", NAMESPACE_SYSTEM), 1);
    assert_int_equal(bench_count(bench_downstream(b, 0), "jobs.batch", "default"), 0);
}

static void check_gone(const struct bench *b)
{
    struct kubeapi *local = bench_local(b);
    assert_null(kubeapi_get(local, STR("namespaces"), str_empty, STR("c-1")));
    assert_int_equal(bench_count(local, "clusterregistrationtokens." MANAGEMENT_GROUP, "c-1"), 0);
    assert_in_range(bench_count(bench_downstream(b, 1), "jobs.batch", "default"), 0, 1);
}

static void try_seed(struct rng *r)
{
    struct policies p = draw(r, 2) ? policies_hardened() : policies_compat();
    struct bench *b = bench_new(rng_u64(r), &p, BENCH_MANAGERS);
    bench_run_until_led(b);
    bench_import(b, 1, 1);
    bench_import(b, 1, 1 + (uint32_t)draw(r, 2));
    size_t deleted_at = draw(r, TROUBLES);
    for (size_t i = 0; i < TROUBLES; i++) {
        if (i == deleted_at)
            bench_delete_cluster(b, "c-1");
        one_trouble(b, r, i);
    }
    bench_run_until(b, "c-0", "active", HEAL_LIMIT);
    bench_run_until(b, "c-1", "gone", HEAL_LIMIT);
    bench_run(b, 60 * S);
    bench_run_until(b, "c-0", "active", HEAL_LIMIT);
    check_living(b);
    check_gone(b);
    bench_free(b);
}

static void test_converges(void **state)
{
    (void)state;
    each_seed(12, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_converges)};
    return cmocka_run_group_tests_name("controllers", tests, NULL, NULL);
}
