/* Goal: a server that is killed under open watches and half-done requests gives everything back, and goes on from its
 * store when it is started again; its clients find their way back.
 * Method: the server as a process of the simulated world, killed and started; an informer of the engine watches it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/kube/informer.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"

#include <stdio.h>

struct disk { /* what survives the process */
    struct store_snapshot *store;
    bool slow; /* each request is answered 5 s late */
};

struct instance {
    struct kubeapi *api;
    struct disk *disk;
};

static struct err *start(struct world *w, const void *config, void **out)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct disk *const *disk = config;
    struct kubeapi_options options = {
        .name = STR("api"), .tokens = &token, .tokens_n = 1, .restore = (*disk)->store};
    struct world_listen listen = {.address = world_addr_make(STR("10.0.0.1"), 6443)};
    struct kubeapi_fault late = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 5 * NS_PER_S};
    struct instance *i = MEM_NEW(struct instance);
    i->disk = *disk;
    i->api = kubeapi_new(w, &options);
    late.resource = late.verb = late.user = str_empty;
    if (i->disk->slow)
        (void)kubeapi_fault_add(i->api, &late);
    *out = i;
    return kubeapi_listen(i->api, &listen, NULL);
}

static void destroy(void *instance)
{
    struct instance *i = instance;
    store_snapshot_free(i->disk->store);
    i->disk->store = store_snapshot_take(kubeapi_store(i->api));
    kubeapi_free(i->api);
    mem_free(i);
}

static struct kubeapi *api_of(struct sim_process *p)
{
    return ((struct instance *)sim_process_instance(p))->api;
}

static void put(struct sim_process *p, const char *name)
{
    char json[200];
    int n = snprintf(json, sizeof(json),
                     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
                     "\"namespace\":\"kube-public\"}}",
                     name);
    assert_null(kubeapi_apply(api_of(p), (struct str){json, (size_t)n}, NULL));
}

static void killed_and_started_again(void **state)
{
    struct disk disk = {0}, *config = &disk;
    struct sim_options options = {.seed = 3};
    struct sim *sim = sim_new(&options);
    struct sim_host_options host = {STR("api"), STR("10.0.0.1"), STR("site")};
    struct sim_host_options user = {STR("user"), STR("10.0.0.2"), STR("site")};
    static const struct sim_program program = {.start = start, .destroy = destroy};
    struct sim_process_options po = {.name = STR("api"),
                                     .host = sim_host_new(sim, &host),
                                     .program = &program,
                                     .config = &config};
    struct sim_process_options uo = {.name = STR("user"), .host = sim_host_new(sim, &user)};
    struct sim_process *p = sim_process_new(sim, &po), *u = sim_process_new(sim, &uo);
    assert_null(sim_process_start(p));
    assert_null(sim_process_start(u));
    struct kube_context context = {
        .address = world_addr_make(STR("10.0.0.1"), 6443), .plain = true, .token = STR("t")};
    struct kube_target target = {.gvr = {STR(""), STR("v1"), STR("configmaps")},
                                 .ns = STR("kube-public"),
                                 .name = str_empty,
                                 .sub = str_empty,
                                 .query = str_empty};
    struct kube_client *client = kube_client_new(sim_process_world(u), &context);
    struct kube_informer *informer = kube_informer_new(client, &target);
    kube_informer_start(informer);
    sim_run_until(sim, 5 * NS_PER_S);
    put(p, "before");
    sim_run_until(sim, 10 * NS_PER_S);
    assert_non_null(kube_informer_get(informer, STR("kube-public/before")));

    for (int round = 0; round < 4; round++) {
        disk.slow = round % 2 == 1; /* killed with requests waiting, too */
        sim_process_kill(p, SIM_EXIT_KILLED);
        sim_run_until(sim, sim_now(sim) + NS_PER_S);
        assert_non_null(disk.store);
        assert_null(sim_process_start(p));
        sim_run_until(sim, sim_now(sim) + 3 * NS_PER_S);
    }
    sim_run_until(sim, sim_now(sim) + 60 * NS_PER_S);
    put(p, "after");
    sim_run_until(sim, sim_now(sim) + 60 * NS_PER_S);
    assert_non_null(kube_informer_get(informer, STR("kube-public/before")));
    assert_non_null(kube_informer_get(informer, STR("kube-public/after")));

    kube_informer_free(informer);
    kube_client_free(client);
    sim_free(sim);
    store_snapshot_free(disk.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_started_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
