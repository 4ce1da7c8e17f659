/* Goal: agents as pods of a fake cluster: they read their configuration, get a token for the manager (two at once as well),
 * check, connect and fill their caches; a failed check ends the process or is tried again, by policy; what the cluster
 * withholds from them (CoreDNS, CNI, nodes, its API) shows.
 * Method: a fake cluster imported from a manager that says what the test wants. */
#include "tests/unit/support/fake_manager.h"

#include "sim/cluster/cluster.h"

#include "engine/base/codec.h"

struct scene {
    struct lab *l;
    struct authority *ca;
    struct fake_manager m;
    struct sim_cluster *c;
    struct policies policies;
    struct buf setting;
};

static void open_scene(struct scene *s, const struct policies *policies, uint32_t agents)
{
    *s = (struct scene){.l = lab_new(1), .policies = *policies};
    s->ca = authority_new(s->l->sim, STR("manager"));
    fake_manager_open(&s->m, s->l, "site/a", "192.0.2.1", s->ca, false);
    buf_add_c(&s->setting, "{\"value\":");
    json_write_string(&s->setting, authority_pem(s->ca));
    buf_add_c(&s->setting, "}");
    s->m.cacerts = buf_str(&s->setting);
    s->m.ca_pem = authority_pem(s->ca);
    fake_dns(s->l, 60, "192.0.2.1", NULL);
    struct sim_cluster_options o = {.sim = s->l->sim,
                                    .name = STR("edge"),
                                    .zone = STR("edge"),
                                    .index = 7,
                                    .nodes = 3,
                                    .agent_replicas = agents,
                                    .policies = &s->policies};
    s->c = sim_cluster_new(&o);
    sim_cluster_import(s->c, STR("https://" MANAGER_NAME "/v3/import/t_c.yaml"));
}

static void close_scene(struct scene *s)
{
    fake_manager_close(&s->m);
    kube_client_free(s->l->kube);
    s->l->kube = NULL;
    sim_free(s->l->sim);
    sim_cluster_free(s->c);
    authority_free(s->ca);
    buf_free(&s->setting);
    apihost_free(s->l->api);
    authority_free(s->l->ca);
    buf_free(&s->l->notes);
    mem_free(s->l);
}

static size_t connected(const struct scene *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sim_cluster_slots(s->c); i++) {
        struct cluster_agent *a = sim_cluster_agent(s->c, i);
        n += a && cluster_agent_state(a).link.connected;
    }
    return n;
}

static bool one_is(void *owner)
{
    return connected(owner) >= 1;
}
static bool two_are(void *owner)
{
    return connected(owner) == 2;
}

static struct kubeapi *api(const struct scene *s)
{
    return apihost_api(sim_cluster_api(s->c));
}

static struct str secret_ref(const struct scene *s, struct arena *a)
{
    struct kube_object *account =
        kubeapi_get(api(s), STR("serviceaccounts"), STR("cattle-system"), STR("cattle"));
    const cJSON *annotations = json_path(kube_object_tree(account, a), "metadata.annotations");
    return json_string(json_get(annotations, "rancher.io/service-account.secret-ref"));
}

/* Token secrets of the agent's account. */
static size_t secrets_made(const struct scene *s)
{
    size_t made = 0;
    struct store_cursor c = store_seek(kubeapi_table(api(s), STR("secrets")), str_empty, str_empty);
    for (const struct kube_object *o; (o = store_next(&c));)
        made += str_eq_c(kube_object_label(o, STR("cattle.io/service-account.name")), "cattle");
    return made;
}

static void test_start(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    assert_true(lab_until(s.l, one_is, &s, 30 * S));
    assert_true(sim_cluster_imported(s.c));
    lab_run(s.l, 5 * S);
    struct cluster_agent_state st = cluster_agent_state(sim_cluster_agent(s.c, 0));
    assert_int_equal(st.phase, AGENT_PHASE_CONNECTED);
    assert_true(st.synced);
    assert_int_equal(st.check_failures, 0);
    assert_int_equal(st.cached, store_count(kubeapi_table(api(&s), STR("namespaces"))) +
                                    store_count(kubeapi_table(api(&s), STR("nodes"))) +
                                    store_count(kubeapi_table(api(&s), STR("pods"))));
    size_t before = st.cached;
    sim_cluster_set_nodes(s.c, 5);
    lab_run(s.l, 2 * S);
    st = cluster_agent_state(sim_cluster_agent(s.c, 0));
    assert_int_equal(st.cached, before + 2);
    assert_in_range(sim_now(s.l->sim) - st.heard_at, 0, 70 * S);
    struct str ca = str_empty;
    assert_true(sim_volume_read(s.l->sim, sim_process_name(sim_cluster_process(s.c, 0)),
                                STR(AGENT_FILE_SERVER_CA), &ca));
    check_str_eq(ca, authority_pem(s.ca));
    close_scene(&s);
}

static bool is_ready(struct scene *s)
{
    bool ready = false;
    struct store_cursor c = store_seek(kubeapi_table(api(s), STR("pods")), str_empty, str_empty);
    for (const struct kube_object *o; (o = store_next(&c));)
        ready = ready || (str_eq_c(o->ns, "cattle-system") &&
                          str_find(kube_object_raw(o, "status.conditions"),
                                   STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0);
    return ready;
}

/* The manifest of a real manager: the agent in it is the same, and ready when its /readyz says so. */
static void test_confined(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    s.m.agent_command = STR("paddock agent cluster");
    s.m.connect_status = 503;
    lab_run(s.l, 40 * S);
    assert_true(sim_cluster_imported(s.c));
    assert_int_equal(connected(&s), 0);
    assert_false(is_ready(&s));
    s.m.connect_status = 0;
    assert_true(lab_until(s.l, one_is, &s, 60 * S));
    lab_run(s.l, 5 * S);
    assert_true(is_ready(&s));
    close_scene(&s);
}

/* Two replicas start together: both hand over a token that the cluster's API takes, and the account names one secret. */
static void test_credentials_race(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 2);
    assert_true(lab_until(s.l, two_are, &s, 60 * S));
    struct arena a = {0};
    struct str ns, name, line, rest = buf_str(&s.m.tokens);
    assert_true(str_cut(secret_ref(&s, &a), '/', &ns, &name));
    assert_non_null(kubeapi_get(api(&s), STR("secrets"), ns, name));
    for (int i = 0; i < 2; i++) {
        assert_true(str_cut(rest, '\n', &line, &rest));
        struct kubeapi_request r = {.method = "GET",
                                    .target = STR("/api/v1/nodes"),
                                    .authorization =
                                        arena_printf(&a, "Bearer " STR_FMT, STR_ARG(line))};
        struct kubeapi_answer answer;
        kubeapi_call(api(&s), &r, &answer);
        assert_int_equal(answer.status, 200);
        kubeapi_answer_free(&answer);
    }
    lab_run(s.l, 30 * S);
    assert_int_equal(secrets_made(&s), 1); /* who came second has taken its own back */
    arena_free(&a);
    close_scene(&s);
}

/* The account cannot be marked for a while: the secret that was made stays the one, and no second one is made. */
static void test_credentials_take_what_was_left(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    struct kubeapi_fault busy = {.kind = KUBEAPI_FAULT_STATUS,
                                 .status = 503,
                                 .verb = STR("patch"),
                                 .resource = STR("serviceaccounts")};
    uint64_t id = kubeapi_fault_add(api(&s), &busy);
    lab_run(s.l, 60 * S);
    assert_true(kubeapi_fault_fired(api(&s), id) > 2);
    kubeapi_fault_remove(api(&s), id);
    assert_true(lab_until(s.l, one_is, &s, 60 * S));
    assert_int_equal(secrets_made(&s), 1);
    close_scene(&s);
}

/* The agent reads the account as it was before its secret was named: it makes one more, and takes it back in the end. */
static void test_credentials_of_the_past(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    struct store_snapshot *empty = apihost_copy(sim_cluster_api(s.c));
    struct kubeapi_fault busy = {.kind = KUBEAPI_FAULT_STATUS,
                                 .status = 503,
                                 .verb = STR("patch"),
                                 .resource = STR("serviceaccounts")};
    uint64_t id = kubeapi_fault_add(api(&s), &busy);
    lab_run(s.l, 60 * S);
    struct store_snapshot *unnamed = apihost_copy(sim_cluster_api(s.c));
    kubeapi_fault_remove(api(&s), id);
    assert_true(lab_until(s.l, one_is, &s, 60 * S));
    struct kubeapi_fault past = {
        .kind = KUBEAPI_FAULT_STALE_READ, .past = unnamed, .resource = STR("serviceaccounts")};
    uint64_t account = kubeapi_fault_add(api(&s), &past);
    past.resource = STR("secrets");
    past.past = empty;
    uint64_t secrets = kubeapi_fault_add(api(&s), &past);
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    lab_run(s.l, 60 * S);
    assert_int_equal(secrets_made(&s), 2);
    kubeapi_fault_remove(api(&s), account);
    kubeapi_fault_remove(api(&s), secrets);
    assert_true(lab_until(s.l, one_is, &s, 60 * S));
    assert_int_equal(secrets_made(&s), 1);
    store_snapshot_free(unnamed);
    store_snapshot_free(empty);
    close_scene(&s);
}

/* The API does not answer for a while: the secret that is named and good stays the one. */
static void test_credentials_outlast_the_api(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    assert_true(lab_until(s.l, one_is, &s, 30 * S));
    struct arena a = {0};
    struct str before = secret_ref(&s, &a);
    size_t secrets = store_count(kubeapi_table(api(&s), STR("secrets")));
    static const struct str refused[] = {STR_INIT(""), STR_INIT("secrets")};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct kubeapi_fault busy = {.kind = KUBEAPI_FAULT_STATUS,
                                     .status = 503,
                                     .verb = STR("get"),
                                     .resource = refused[i]};
        uint64_t id = kubeapi_fault_add(api(&s), &busy);
        sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
        lab_run(s.l, 60 * S);
        assert_int_equal(connected(&s), 0);
        kubeapi_fault_remove(api(&s), id);
        assert_true(lab_until(s.l, one_is, &s, 60 * S));
        check_str_eq(secret_ref(&s, &a), before);
        assert_int_equal(store_count(kubeapi_table(api(&s), STR("secrets"))), secrets);
    }
    /* One that has no token and never gets one is replaced. */
    struct str ns, name;
    assert_true(str_cut(before, '/', &ns, &name));
    check_ok(kubeapi_delete(api(&s), STR("secrets"), ns, name));
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    lab_run(s.l, S);
    assert_true(lab_until(s.l, one_is, &s, 120 * S));
    assert_false(str_eq(secret_ref(&s, &a), before));
    arena_free(&a);
    close_scene(&s);
}

/* compat: each failed check ends the process, and the kubelet's back-off is the retry: 10 s, doubling, at most 5 min. */
static void test_exit_on_failed_check(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_compat();
    open_scene(&s, &p, 1);
    s.m.ping = "nobody home";
    lab_run(s.l, 20 * S);
    world_time pause = 10 * S;
    uint32_t restarts = sim_cluster_restarts(s.c, 0);
    assert_in_range(restarts, 1, 2);
    while (sim_cluster_restarts(s.c, 0) == restarts)
        lab_run(s.l, 100 * MS);
    world_time last = sim_now(s.l->sim);
    pause *= restarts == 1 ? 2 : 4; /* of the pause that has just begun */
    for (int i = 0; i < 8; i++) {
        restarts = sim_cluster_restarts(s.c, 0);
        while (sim_cluster_restarts(s.c, 0) == restarts)
            lab_run(s.l, 100 * MS);
        assert_in_range(sim_now(s.l->sim) - last, pause, pause + 3 * S);
        last = sim_now(s.l->sim);
        pause = pause * 2 > 300 * S ? 300 * S : pause * 2;
    }
    assert_true(lab_noted(s.l, "/ping is not accessible"));
    s.m.ping = "pong";
    assert_true(lab_until(s.l, one_is, &s, 310 * S));
    /* Ten good minutes: the back-off begins anew. */
    lab_run(s.l, 601 * S);
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    lab_run(s.l, S);
    assert_true(lab_until(s.l, one_is, &s, 14 * S));
    close_scene(&s);
}

/* hardened: the same process tries again, within seconds. */
static void test_retry_failed_check(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    s.m.ping = "nobody home";
    lab_run(s.l, 300 * S);
    assert_int_equal(sim_cluster_restarts(s.c, 0), 0);
    struct cluster_agent_state st = cluster_agent_state(sim_cluster_agent(s.c, 0));
    assert_int_equal(st.phase, AGENT_PHASE_PING);
    assert_in_range(st.check_failures, 25, 80);
    assert_true(str_find(cluster_agent_last_error(sim_cluster_agent(s.c, 0)),
                         STR("/ping is not accessible")) >= 0);
    s.m.ping = "pong";
    assert_true(lab_until(s.l, one_is, &s, 11 * S));
    close_scene(&s);
}

/* mission L1: with another CA than the pinned one nothing is connected, whatever the policy. */
static void test_wrong_ca_never_connects(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        struct scene s;
        struct policies p = hardened ? policies_hardened() : policies_compat();
        open_scene(&s, &p, 1);
        struct authority *other = authority_new(s.l->sim, STR("other"));
        s.m.ca_pem = authority_pem(other);
        lab_run(s.l, 400 * S);
        assert_int_equal(s.m.dials, 0);
        assert_true(s.m.pings > 2);
        authority_free(other);
        close_scene(&s);
    }
}

/* mission L3: no CoreDNS, no agent; one that is connected holds on. */
static void test_coredns(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    assert_true(lab_until(s.l, one_is, &s, 30 * S));
    sim_cluster_set_coredns(s.c, false);
    sim_cluster_set_coredns(s.c, false);
    lab_run(s.l, 120 * S);
    assert_int_equal(connected(&s), 1);
    struct kube_object *d =
        kubeapi_get(api(&s), STR("deployments.apps"), STR("kube-system"), STR("coredns"));
    check_str(kube_object_raw(d, "status.readyReplicas"), ""); /* typed encoders leave zero out */
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    lab_run(s.l, 120 * S);
    assert_int_equal(connected(&s), 0);
    assert_int_equal(cluster_agent_state(sim_cluster_agent(s.c, 0)).phase, AGENT_PHASE_RESOLVE);
    sim_cluster_set_coredns(s.c, true);
    assert_true(lab_until(s.l, one_is, &s, 20 * S));
    close_scene(&s);
}

/* mission L2: without CNI pods reach nothing, and none starts. */
static void test_cni(void **state)
{
    (void)state;
    struct scene s;
    struct policies p = policies_hardened();
    open_scene(&s, &p, 1);
    assert_true(lab_until(s.l, one_is, &s, 30 * S));
    sim_cluster_set_cni(s.c, false);
    lab_run(s.l, 60 * S);
    assert_int_equal(connected(&s), 0);
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    lab_run(s.l, 60 * S);
    assert_false(sim_process_is_running(sim_cluster_process(s.c, 0)));
    sim_cluster_set_cni(s.c, true);
    assert_true(lab_until(s.l, one_is, &s, 30 * S));
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_confined),
        cmocka_unit_test(test_credentials_race),
        cmocka_unit_test(test_credentials_take_what_was_left),
        cmocka_unit_test(test_credentials_of_the_past),
        cmocka_unit_test(test_credentials_outlast_the_api),
        cmocka_unit_test(test_exit_on_failed_check),
        cmocka_unit_test(test_retry_failed_check),
        cmocka_unit_test(test_wrong_ca_never_connects),
        cmocka_unit_test(test_coredns),
        cmocka_unit_test(test_cni),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
