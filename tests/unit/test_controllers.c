/* Goal: the leader's controllers lead imported clusters through their whole life, alone and over a change of leader, and
 * write nothing when nothing changes.
 * Method: a simulated world with a local API server, manager replicas that run the real server, and fake downstream
 * clusters whose agents are the real ones. Everything is seen through the local API and the trace's notes. */
#include "tests/unit/support/check.h"

#include "engine/controllers/cluster/cluster.h"
#include "engine/controllers/cluster/state.h"
#include "engine/controllers/conditions.h"
#include "engine/controllers/health/health.h"
#include "engine/kube/management.h"
#include "engine/server/server.h"
#include "sim/cluster/cluster.h"
#include "sim/world/fault.h"

#include <stdlib.h>

#define MANAGER_NAME "manager.test"
#define MANAGERS     2u
#define CLUSTERS     3u
#define S            NS_PER_S

struct manager {
    struct bench *bench;
    const void *config; /* points to this */
    struct sim_process *process;
};

struct bench {
    struct sim *sim;
    struct authority *local_ca, *manager_ca;
    struct identity identity;
    struct apihost *local;
    struct policies policies;
    struct manager managers[MANAGERS];
    struct sim_cluster *clusters[CLUSTERS];
    size_t clusters_n;
    struct buf states; /* "c-0 pending, c-0 waiting, ..." */
    /* what run_until waits for */
    const char *id, *state;
};

/* ---- managers ---- */

static struct err *manager_start(struct world *w, const void *config, void **out)
{
    const struct manager *m = *(struct manager *const *)config;
    struct bench *b = m->bench;
    struct server_config c = {
        .kube = {.address = world_addr_make(apihost_address(b->local), APIHOST_PORT),
                 .host = apihost_address(b->local),
                 .ca_pem = apihost_ca_pem(b->local),
                 .token = STR("manager")},
        .identity = sim_process_name(m->process),
        .server_url = STR("https://" MANAGER_NAME),
        .listen = world_addr_make(STR("0.0.0.0"), 443),
        .cert_pem = b->identity.cert_pem,
        .key_pem = b->identity.key_pem,
        .ca_pem = authority_pem(b->manager_ca),
        .agent_image = STR("agent:1"),
        .peer_token = STR("peers"),
        .policies = b->policies};
    struct server *s = NULL;
    struct err *err = server_new(w, &c, &s);
    *out = s;
    return err;
}

static void manager_destroy(void *instance)
{
    server_free(instance);
}

static const struct sim_program manager_program = {manager_start, manager_destroy};

static void add_manager(struct bench *b, size_t i)
{
    struct manager *m = &b->managers[i];
    struct buf name = {0}, ip = {0};
    buf_addf(&name, "manager-%zu", i);
    buf_addf(&ip, "192.0.2.%zu", 10 + i);
    struct sim_host_options host = {
        .name = buf_str(&name), .address = buf_str(&ip), .zone = STR("site")};
    struct sim_host *h = sim_host_new(b->sim, &host);
    sim_host_add_address(h, STR("192.0.2.100")); /* the balancer's */
    m->bench = b;
    m->config = m;
    struct sim_process_options o = {
        .name = buf_str(&name), .host = h, .program = &manager_program, .config = &m->config};
    m->process = sim_process_new(b->sim, &o);
    check_ok(sim_process_start(m->process));
    buf_free(&name);
    buf_free(&ip);
}

static struct server *leader(const struct bench *b, size_t *index)
{
    for (size_t i = 0; i < MANAGERS; i++) {
        struct server *s =
            b->managers[i].process ? sim_process_instance(b->managers[i].process) : NULL;
        if (!s || !server_state(s).leading)
            continue;
        if (index)
            *index = i;
        return s;
    }
    return NULL;
}

/* ---- the bench ---- */

static void on_note(void *owner, const struct sim_note *n)
{
    struct bench *b = owner;
    if (getenv("PADDOCK_TEST_LOG"))
        print_message("%10.3f %s " STR_FMT " " STR_FMT "\n", (double)n->at / 1e9, n->kind,
                      STR_ARG(n->key), STR_ARG(n->value));
    if (str_eq_c(str_c(n->kind), "cluster.state"))
        buf_addf(&b->states, "%s" STR_FMT " " STR_FMT, b->states.n ? ", " : "", STR_ARG(n->key),
                 STR_ARG(n->value));
}

/* With PADDOCK_TEST_LOG set, to see what went on. */
static void on_log(void *owner, const struct sim_log_line *l)
{
    (void)owner;
    print_message("%10.3f " STR_FMT " %s " STR_FMT ": " STR_FMT "\n", (double)l->at / 1e9,
                  STR_ARG(l->process ? sim_process_name(l->process) : str_empty),
                  log_level_name(l->level), STR_ARG(l->component), STR_ARG(l->message));
}

static struct bench *bench_new(const struct policies *policies, size_t managers)
{
    static const struct str admins[] = {STR_INIT("system:masters")};
    struct bench *b = MEM_NEW(struct bench);
    bool talk = getenv("PADDOCK_TEST_LOG") != NULL;
    struct sim_options so = {.seed = 1,
                             .wall_start = INT64_C(1767225600) * S,
                             .log_level = talk ? LOG_DEBUG : LOG_ERROR};
    b->sim = sim_new(&so);
    if (talk)
        sim_on_log(b->sim, on_log, b);
    b->policies = *policies;
    sim_on_note(b->sim, on_note, b);
    struct sim_resolver_options resolver = {.name = STR("default")};
    (void)sim_resolver_new(b->sim, &resolver);
    struct str address = STR("192.0.2.100");
    sim_dns_set(b->sim, STR(MANAGER_NAME), 30, &address, 1);
    b->local_ca = authority_new(b->sim, STR("local"));
    b->manager_ca = authority_new(b->sim, STR("manager"));
    b->identity = authority_issue(b->manager_ca, STR(MANAGER_NAME), str_empty);
    struct kubeapi_token token = {
        .token = STR("manager"), .user = STR("manager"), .groups = admins, .groups_n = 1};
    struct apihost_options api = {.sim = b->sim,
                                  .name = STR("local"),
                                  .address = STR("192.0.2.1"),
                                  .zone = STR("site"),
                                  .authority = b->local_ca,
                                  .tokens = &token,
                                  .tokens_n = 1};
    b->local = apihost_new(&api);
    for (size_t i = 0; i < managers; i++)
        add_manager(b, i);
    return b;
}

static void bench_free(struct bench *b)
{
    sim_free(b->sim);
    for (size_t i = 0; i < b->clusters_n; i++)
        sim_cluster_free(b->clusters[i]);
    apihost_free(b->local);
    identity_free(&b->identity);
    authority_free(b->local_ca);
    authority_free(b->manager_ca);
    buf_free(&b->states);
    mem_free(b);
}

static void run(struct bench *b, world_time duration)
{
    sim_run_until(b->sim, sim_now(b->sim) + duration);
}

static struct kube_object *cluster(const struct bench *b, const char *id)
{
    return kubeapi_get(apihost_api(b->local), STR("clusters." MANAGEMENT_GROUP), str_empty,
                       str_c(id));
}

static bool reached(void *owner)
{
    struct bench *b = owner;
    const struct kube_object *o = cluster(b, b->id);
    return o ? str_eq_c(cluster_state(o), b->state) : str_eq_c(str_c(b->state), "gone");
}

/* "gone": the object is. */
static void run_until(struct bench *b, const char *id, const char *state, world_time limit)
{
    b->id = id;
    b->state = state;
    if (sim_run_while_not(b->sim, reached, b, sim_now(b->sim) + limit))
        return;
    const struct kube_object *o = cluster(b, id);
    print_error("%s is not %s after %lld s: " STR_FMT "\n", id, state, (long long)(limit / S),
                STR_ARG(o ? o->json : str_empty));
    fail();
}

static bool leads(void *owner)
{
    return leader(owner, NULL) != NULL;
}

static void run_until_led(struct bench *b)
{
    if (!sim_run_while_not(b->sim, leads, b, sim_now(b->sim) + 120 * S)) {
        struct buf m = {0};
        metrics_write(kubeapi_metrics(apihost_api(b->local)), &m);
        print_error("%s\nevents %llu\n", buf_c(&m), (unsigned long long)sim_events(b->sim));
        fail();
    }
}

static void apply(struct bench *b, const char *json)
{
    check_ok(kubeapi_apply(apihost_api(b->local), str_c(json), NULL));
}

static bool has_manifest(void *owner)
{
    struct bench *b = owner;
    const struct kube_object *o =
        kubeapi_get(apihost_api(b->local), STR("clusterregistrationtokens." MANAGEMENT_GROUP),
                    str_c(b->id), STR(CLUSTER_TOKEN_DEFAULT));
    return o && kube_object_string(o, "status.manifestUrl").n > 0;
}

/* A Cluster c-<n> and a fake cluster that its administrator imports as soon as there is a manifest. */
static void import(struct bench *b, uint32_t nodes, uint32_t agents)
{
    static const char *const ids[] = {"c-0", "c-1", "c-2"};
    uint32_t i = (uint32_t)b->clusters_n++;
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"" MANAGEMENT_GROUP
             "/v3\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"%s\"},\"spec\":{}}",
             ids[i]);
    apply(b, buf_c(&json));
    struct sim_cluster_options o = {.sim = b->sim,
                                    .name = str_c(ids[i]),
                                    .zone = str_c(ids[i]),
                                    .index = i,
                                    .nodes = nodes,
                                    .agent_replicas = agents,
                                    .policies = &b->policies};
    b->clusters[i] = sim_cluster_new(&o);
    b->id = ids[i];
    assert_true(sim_run_while_not(b->sim, has_manifest, b, sim_now(b->sim) + 30 * S));
    const struct kube_object *token =
        kubeapi_get(apihost_api(b->local), STR("clusterregistrationtokens." MANAGEMENT_GROUP),
                    str_c(ids[i]), STR(CLUSTER_TOKEN_DEFAULT));
    sim_cluster_import(b->clusters[i], kube_object_string(token, "status.manifestUrl"));
    buf_free(&json);
}

/* What Kubernetes keeps for a Service of all managers. */
static void publish_managers(struct bench *b)
{
    apply(b,
          "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"" SERVER_SERVICE
          "\",\"namespace\":\"" NAMESPACE_SYSTEM "\"},\"subsets\":[{\"addresses\":[{\"ip\":"
          "\"192.0.2.10\"},{\"ip\":\"192.0.2.11\"}],\"ports\":[{\"port\":443}]}]}");
}

static struct bench *bench_with(const struct policies *policies, size_t managers, size_t clusters)
{
    struct bench *b = bench_new(policies, managers);
    static const char *const ids[] = {"c-0", "c-1", "c-2"};
    run_until_led(b);
    if (managers > 1)
        publish_managers(b);
    for (size_t i = 0; i < clusters; i++)
        import(b, 1, 1);
    for (size_t i = 0; i < clusters; i++)
        run_until(b, ids[i], "active", 120 * S);
    run(b, 60 * S);
    return b;
}

static struct kubeapi *downstream(const struct bench *b, size_t i)
{
    return apihost_api(sim_cluster_api(b->clusters[i]));
}

static struct sim_fault *cut_off(struct bench *b, const char *zone, const char *name)
{
    struct sim_fault_options o = {.name = str_c(name),
                                  .kind = SIM_FAULT_NET_PARTITION,
                                  .at = sim_now(b->sim),
                                  .from = {.zone = str_c(zone)},
                                  .to = {.zone = STR("site")}};
    return sim_fault_add(b->sim, &o);
}

/* ---- tests ---- */

static void test_life(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    check_str(buf_str(&b->states), "c-0 pending, c-0 waiting, c-0 active");
    struct kube_object *o = cluster(b, "c-0");
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
    assert_non_null(kubeapi_get(apihost_api(b->local), STR("namespaces"), str_empty, STR("c-0")));
    /* Nothing happens: nothing is written, but every 15 s there is a probe. */
    uint64_t version = o->resource_version;
    struct metrics *m = server_metrics(leader(b, NULL));
    int64_t probes = metrics_sum(m, "paddock_health_probes_total");
    int64_t runs = metrics_sum(m, "paddock_controller_reconciles_total");
    run(b, 600 * S);
    assert_int_equal(cluster(b, "c-0")->resource_version, version);
    assert_in_range(metrics_sum(m, "paddock_health_probes_total") - probes, 39, 41);
    assert_in_range(metrics_sum(m, "paddock_controller_reconciles_total") - runs, 0, 3);
    bench_free(b);
}

static void test_unavailable_and_back(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    struct sim_fault *f = cut_off(b, "c-0", "cut");
    run_until(b, "c-0", "unavailable", 60 * S);
    struct condition c;
    assert_true(condition_get(cluster(b, "c-0"), "Ready", &c));
    check_str(c.reason, "Disconnected");
    check_str(c.message_json, "\"" HEALTH_DISCONNECTED "\"");
    assert_true(condition_is(cluster(b, "c-0"), "Connected", "False"));
    /* Down for an hour: no work for it. */
    uint64_t version = cluster(b, "c-0")->resource_version;
    struct metrics *m = server_metrics(leader(b, NULL));
    int64_t runs = metrics_sum(m, "paddock_controller_reconciles_total");
    run(b, 3600 * S);
    assert_int_equal(cluster(b, "c-0")->resource_version, version);
    assert_in_range(metrics_sum(m, "paddock_controller_reconciles_total") - runs, 0, 3);
    sim_fault_end(f);
    run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

static void test_api_down(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    struct kubeapi_fault f = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 500, .resource = STR("namespaces")};
    uint64_t id = kubeapi_fault_add(downstream(b, 0), &f);
    run_until(b, "c-0", "unavailable", 30 * S);
    struct condition c;
    assert_true(condition_get(cluster(b, "c-0"), "Ready", &c));
    check_str(c.reason, "ComponentStatusFetchingFailure");
    assert_true(condition_is(cluster(b, "c-0"), "Connected", "True"));
    kubeapi_fault_remove(downstream(b, 0), id);
    run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

/* The first cluster's API accepts and never answers; then the second one is cut off. */
static void hang_first_cut_second(struct bench *b)
{
    sim_process_pause(apihost_process(sim_cluster_api(b->clusters[0])));
    run(b, 30 * S);
    (void)cut_off(b, "c-1", "cut");
}

static void test_hung_cluster_independent(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 2);
    hang_first_cut_second(b);
    run_until(b, "c-0", "unavailable", 1 * S);
    run_until(b, "c-1", "unavailable", 40 * S);
    sim_process_resume(apihost_process(sim_cluster_api(b->clusters[0])));
    run_until(b, "c-0", "active", 30 * S);
    bench_free(b);
}

static void test_hung_cluster_sequential(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    check_ok(policies_set(&p, STR("health.probe"), STR("sequential")));
    struct bench *b = bench_with(&p, 1, 2);
    hang_first_cut_second(b);
    run(b, 600 * S);
    check_str(cluster_state(cluster(b, "c-0")), "active"); /* nobody knows */
    check_str(cluster_state(cluster(b, "c-1")), "active");
    sim_process_resume(apihost_process(sim_cluster_api(b->clusters[0])));
    run_until(b, "c-1", "unavailable", 60 * S);
    bench_free(b);
}

static void test_agent_update(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    buf_clear(&b->states);
    check_ok(kubeapi_patch(apihost_api(b->local), STR("clusters." MANAGEMENT_GROUP), str_empty,
                           STR("c-0"),
                           STR("{\"spec\":{\"desiredAgentImage\":\"agent:2\",\"agentEnvVars\":[{"
                               "\"name\":\"EXTRA\",\"value\":\"1\"}]}}")));
    run_until(b, "c-0", "updating", 10 * S);
    run_until(b, "c-0", "active", 60 * S);
    run(b, 1 * S); /* the leader sees it, too */
    check_str(buf_str(&b->states), "c-0 updating, c-0 active");
    check_str(kube_object_string(cluster(b, "c-0"), "status.agentImage"), "agent:2");
    const struct kube_object *d = kubeapi_get(downstream(b, 0), STR("deployments.apps"),
                                              STR(NAMESPACE_SYSTEM), STR(AGENT_DEPLOYMENT));
    assert_true(str_find(d->json, STR("\"agent:2\"")) >= 0);
    assert_true(str_find(d->json, STR("{\"name\":\"EXTRA\",\"value\":\"1\"}")) >= 0);
    bench_free(b);
}

static void test_scale(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_new(&p, 1);
    run_until_led(b);
    import(b, 2, 1);
    run_until(b, "c-0", "active", 120 * S);
    run(b, 30 * S);
    const struct kube_object *d = kubeapi_get(downstream(b, 0), STR("deployments.apps"),
                                              STR(NAMESPACE_SYSTEM), STR(AGENT_DEPLOYMENT));
    check_str(kube_object_raw(d, "spec.replicas"), "2");
    bench_free(b);
}

static void delete_cluster(struct bench *b)
{
    check_ok(kubeapi_delete(apihost_api(b->local), STR("clusters." MANAGEMENT_GROUP), str_empty,
                            STR("c-0")));
}

static size_t count(struct kubeapi *api, const char *resource, const char *ns)
{
    struct store_cursor c = store_seek(kubeapi_table(api, str_c(resource)), str_c(ns), str_empty);
    size_t n = 0;
    for (const struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, ns);)
        n++;
    return n;
}

static void test_removal(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    delete_cluster(b);
    run_until(b, "c-0", "gone", 30 * S);
    run(b, 30 * S);
    struct kubeapi *local = apihost_api(b->local);
    assert_null(kubeapi_get(local, STR("namespaces"), str_empty, STR("c-0")));
    assert_int_equal(count(local, "clusterregistrationtokens." MANAGEMENT_GROUP, "c-0"), 0);
    assert_int_equal(count(local, "secrets", NAMESPACE_GLOBAL_DATA), 0);
    assert_int_equal(count(downstream(b, 0), "jobs.batch", "default"), 1);
    assert_null(kubeapi_get(downstream(b, 0), STR("namespaces"), str_empty, STR(NAMESPACE_SYSTEM)));
    assert_int_equal(server_state(leader(b, NULL)).agents, 0);
    bench_free(b);
}

static void test_removal_detaches(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 1, 1);
    (void)cut_off(b, "c-0", "cut");
    run_until(b, "c-0", "unavailable", 60 * S);
    delete_cluster(b);
    run(b, 55 * S);
    check_str(cluster_state(cluster(b, "c-0")), "removing");
    run_until(b, "c-0", "gone", 20 * S);
    assert_int_equal(count(downstream(b, 0), "jobs.batch", "default"), 0);
    bench_free(b);
}

static void test_removal_waits(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    check_ok(policies_set(&p, STR("cluster.remove"), STR("wait")));
    struct bench *b = bench_with(&p, 1, 1);
    struct sim_fault *f = cut_off(b, "c-0", "cut");
    run_until(b, "c-0", "unavailable", 60 * S);
    delete_cluster(b);
    run(b, 1800 * S);
    check_str(cluster_state(cluster(b, "c-0")), "removing");
    sim_fault_end(f);
    run_until(b, "c-0", "gone", 60 * S);
    assert_int_equal(count(downstream(b, 0), "jobs.batch", "default"), 1);
    bench_free(b);
}

/* The leader dies; its successor takes over what it finds and finds nothing to do. */
static void test_leader_change(void **state)
{
    (void)state;
    struct policies p = policies_hardened();
    struct bench *b = bench_with(&p, 2, 2);
    size_t old = 0;
    assert_non_null(leader(b, &old));
    buf_clear(&b->states);
    sim_process_kill(b->managers[old].process, SIM_EXIT_KILLED);
    run_until_led(b);
    size_t now = old;
    assert_non_null(leader(b, &now));
    assert_int_not_equal(now, old);
    run(b, 120 * S);
    check_str(cluster_state(cluster(b, "c-0")), "active");
    check_str(cluster_state(cluster(b, "c-1")), "active");
    check_str(buf_str(&b->states), "");
    (void)cut_off(b, "c-1", "cut");
    run_until(b, "c-1", "unavailable", 60 * S);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_unavailable_and_back),
        cmocka_unit_test(test_api_down),
        cmocka_unit_test(test_hung_cluster_independent),
        cmocka_unit_test(test_hung_cluster_sequential),
        cmocka_unit_test(test_agent_update),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_removal_detaches),
        cmocka_unit_test(test_removal_waits),
        cmocka_unit_test(test_leader_change),
    };
    cmocka_set_test_filter(getenv("T"));
    return cmocka_run_group_tests_name("controllers", tests, NULL, NULL);
}
