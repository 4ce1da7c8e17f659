/* Goal: a fake cluster behaves as a cluster does where agents can tell: rolling updates that never have fewer pods than
 * wanted, nodes that beat, an API whose crash loses nothing that it acknowledged, pods that follow their Deployment, an
 * administrator who does not give up, and a clean-up.
 * Method: a lab with a fake manager; one cluster; what happens is read from its API and its processes. */
#include "tests/unit/support/fake_manager.h"

#include "sim/cluster/cluster.h"
#include "sim/cluster/supervisor.h"
#include "sim/kubeapi/controllers/stages.h"

struct scene {
    struct lab *l;
    struct authority *ca;
    struct fake_manager m;
    struct sim_cluster *c;
    struct policies policies;
    struct buf setting;
    size_t least, most; /* ready pods, and pods that run, over time */
    bool watching;
};

static size_t running(const struct scene *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sim_cluster_slots(s->c); i++)
        n += sim_cluster_slot_used(s->c, i) && sim_process_is_running(sim_cluster_process(s->c, i));
    return n;
}

static void look(void *owner)
{
    struct scene *s = owner;
    if (!s->watching)
        return;
    size_t ready = running(s), pods = 0;
    for (uint32_t i = 0; i < sim_cluster_slots(s->c); i++)
        pods += sim_cluster_slot_used(s->c, i);
    s->least = ready < s->least ? ready : s->least;
    s->most = pods > s->most ? pods : s->most;
}

static void open_cluster(struct scene *s, uint32_t agents, const char *stages)
{
    *s = (struct scene){.l = lab_new(1), .policies = policies_hardened()};
    sim_on_event(s->l->sim, look, s);
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
                                    .stages = str_c(stages),
                                    .agent_replicas = agents,
                                    .policies = &s->policies};
    s->c = sim_cluster_new(&o);
}

static void open_scene(struct scene *s, uint32_t agents, bool import)
{
    open_cluster(s, agents, "");
    if (!import)
        return;
    sim_cluster_import(s->c, STR("https://" MANAGER_NAME "/v3/import/t_c.yaml"));
    lab_run(s->l, 30 * S);
    assert_true(sim_cluster_imported(s->c));
    assert_int_equal(running(s), agents);
}

static void close_scene(struct scene *s)
{
    fake_manager_close(&s->m);
    kube_client_free(s->l->kube);
    sim_free(s->l->sim);
    sim_cluster_free(s->c);
    authority_free(s->ca);
    buf_free(&s->setting);
    apihost_free(s->l->api);
    authority_free(s->l->ca);
    buf_free(&s->l->notes);
    mem_free(s->l);
}

static struct kubeapi *api(const struct scene *s)
{
    return apihost_api(sim_cluster_api(s->c));
}

static size_t pods(const struct scene *s)
{
    return store_count(kubeapi_table(api(s), STR("pods")));
}

static struct kube_object *first_pod(const struct scene *s)
{
    struct store_cursor c = store_seek(kubeapi_table(api(s), STR("pods")), str_empty, str_empty);
    return store_next(&c);
}

static bool is_ready(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "status.conditions"),
                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

static struct kube_object *running_pod(const struct scene *s)
{
    struct store_cursor c = store_seek(kubeapi_table(api(s), STR("pods")), str_empty, str_empty);
    struct kube_object *o;
    do {
        o = store_next(&c);
    } while (o && !is_ready(o));
    assert_non_null(o);
    return o;
}

static const char *status_of(const struct scene *s, struct arena *a, const char *field)
{
    struct kube_object *d = kubeapi_get(api(s), STR("deployments.apps"), STR("cattle-system"),
                                        STR("cattle-cluster-agent"));
    return arena_c(a, kube_object_raw(d, arena_printf(a, "status.%s", field).p));
}

static void check_status(const struct scene *s, const char *all, const char *ready,
                         const char *updated)
{
    struct arena a = {0};
    assert_string_equal(status_of(s, &a, "replicas"), all);
    assert_string_equal(status_of(s, &a, "readyReplicas"), ready);
    assert_string_equal(status_of(s, &a, "availableReplicas"), ready);
    assert_string_equal(status_of(s, &a, "updatedReplicas"), updated);
    arena_free(&a);
}

static void patch_agent(struct scene *s, const char *json)
{
    check_ok(kubeapi_patch(api(s), STR("deployments.apps"), STR("cattle-system"),
                           STR("cattle-cluster-agent"), str_c(json)));
}

#define IMAGE(TAG)                                                                                 \
    "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"tag\":\"" TAG "\"}}}}}"

static void test_rolling_update(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 2, true);
    check_status(&s, "2", "2", "2");
    struct str before = str_dup(first_pod(&s)->name);
    s.least = 99;
    s.watching = true;
    patch_agent(&s, IMAGE("2"));
    lab_run(s.l, 60 * S);
    assert_int_equal(s.least, 2); /* maxUnavailable 0 */
    assert_int_equal(s.most, 3);  /* maxSurge 1 */
    check_status(&s, "2", "2", "2");
    assert_int_equal(pods(&s), 2);
    assert_false(str_eq(before, first_pod(&s)->name));
    str_free(&before);
    /* Another change while one rolls: the newest template wins. */
    patch_agent(&s, IMAGE("3"));
    lab_run(s.l, 2 * S);
    patch_agent(&s, IMAGE("4"));
    lab_run(s.l, 60 * S);
    assert_in_range(s.least, 2, 2);
    assert_in_range(s.most, 3, 3);
    check_status(&s, "2", "2", "2");
    close_scene(&s);
}

static void test_scale(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    patch_agent(&s, "{\"spec\":{\"replicas\":5}}");
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), 5);
    check_status(&s, "5", "5", "5");
    patch_agent(&s, "{\"spec\":{\"replicas\":0}}");
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), 0);
    assert_int_equal(pods(&s), 0);
    patch_agent(&s, "{\"spec\":{\"replicas\":100}}"); /* there are only so many slots */
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), SIM_CLUSTER_PODS_MAX);
    assert_int_equal(pods(&s), 100);
    patch_agent(&s, "{\"spec\":{\"replicas\":99}}");
    check_ok(kubeapi_delete(api(&s), STR("pods"), STR("cattle-system"), running_pod(&s)->name));
    lab_run(s.l, 30 * S); /* one that has waited takes its place */
    assert_int_equal(running(&s), SIM_CLUSTER_PODS_MAX);
    check_ok(kubeapi_delete(api(&s), STR("deployments.apps"), STR("cattle-system"),
                            STR("cattle-cluster-agent")));
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), 0);
    assert_int_equal(pods(&s), 0);
    close_scene(&s);
}

/* A pod that is deleted by hand is replaced. */
static void test_deleted_pod(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    struct str name = str_dup(first_pod(&s)->name);
    check_ok(kubeapi_delete(api(&s), STR("pods"), STR("cattle-system"), name));
    lab_run(s.l, 30 * S);
    assert_int_equal(pods(&s), 1);
    assert_int_equal(running(&s), 1);
    assert_false(str_eq(first_pod(&s)->name, name));
    str_free(&name);
    close_scene(&s);
}

static int64_t renewed(const struct scene *s, const char *node)
{
    int64_t at = 0;
    struct kube_object *lease =
        kubeapi_get(api(s), STR("leases.coordination.k8s.io"), STR("kube-node-lease"), str_c(node));
    if (lease)
        assert_true(rfc3339_parse(kube_object_string(lease, "spec.renewTime"), &at));
    return lease ? (at - LAB_START) / MS : -1;
}

static void test_nodes(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, false);
    assert_int_equal(sim_cluster_nodes(s.c), 3);
    lab_run(s.l, 60 * S);
    int64_t now = sim_now(s.l->sim) / MS;
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"edge-node-0", "edge-node-1", "edge-node-2"};
        assert_non_null(kubeapi_get(api(&s), STR("nodes"), str_empty, str_c(names[i])));
        assert_in_range(now - renewed(&s, names[i]), 0, 10000);
    }
    sim_cluster_set_node(s.c, 1, false, false);
    assert_false(sim_cluster_node_ready(s.c, 1));
    lab_run(s.l, 60 * S);
    now = sim_now(s.l->sim) / MS;
    assert_in_range(now - renewed(&s, "edge-node-1"), 50000, 70000);
    assert_in_range(now - renewed(&s, "edge-node-0"), 0, 10000);
    struct kube_object *n = kubeapi_get(api(&s), STR("nodes"), str_empty, STR("edge-node-1"));
    assert_true(str_find(n->json, STR("NodeStatusUnknown")) > 0);
    sim_cluster_set_node(s.c, 1, true, false);
    sim_cluster_set_node(s.c, 2, false, true);
    assert_null(kubeapi_get(api(&s), STR("nodes"), str_empty, STR("edge-node-2")));
    lab_run(s.l, 20 * S);
    assert_in_range(sim_now(s.l->sim) / MS - renewed(&s, "edge-node-1"), 0, 10000);
    sim_cluster_set_nodes(s.c, 1);
    assert_null(kubeapi_get(api(&s), STR("nodes"), str_empty, STR("edge-node-1")));
    assert_int_equal(store_count(kubeapi_table(api(&s), STR("nodes"))), 1);
    close_scene(&s);
}

static uint32_t node_of(const struct scene *s, const struct kube_object *pod)
{
    for (uint32_t i = 0; i < sim_cluster_nodes(s->c); i++)
        if (str_eq(kube_object_string(pod, "spec.nodeName"), sim_cluster_node_name(s->c, i)))
            return i;
    fail();
    return 0;
}

/* The kubelet of a lost node is silent: its pod runs on. When the node is back soon, that is all; when it is not, another
 * pod takes over, and the first one ends when its kubelet hears of it. */
static void test_lost_node(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    uint32_t node = node_of(&s, first_pod(&s));
    struct str name = str_dup(first_pod(&s)->name);
    sim_cluster_set_node(s.c, node, false, false);
    lab_run(s.l, 60 * S);
    assert_int_equal(running(&s), 1);
    check_status(&s, "1", "", "1");
    sim_cluster_set_node(s.c, node, true, false);
    lab_run(s.l, S);
    check_status(&s, "1", "1", "1");
    assert_int_equal(sim_cluster_restarts(s.c, 0), 0);
    sim_cluster_set_node(s.c, node, false, false);
    lab_run(s.l, 290 * S);
    assert_int_equal(pods(&s), 1);
    lab_run(s.l, 30 * S);
    assert_int_equal(pods(&s), 2);
    assert_int_equal(running(&s), 2);
    check_status(&s, "1", "1", "1");
    assert_int_not_equal(node_of(&s, running_pod(&s)), node);
    sim_cluster_set_node(s.c, node, true, false);
    lab_run(s.l, S);
    assert_int_equal(pods(&s), 1);
    assert_int_equal(running(&s), 1);
    assert_false(str_eq(first_pod(&s)->name, name));
    node = node_of(&s, first_pod(&s));
    sim_cluster_set_node(s.c, node, false, true); /* removed: its pods go at once */
    lab_run(s.l, 10 * S);
    assert_int_equal(running(&s), 1);
    assert_int_not_equal(node_of(&s, first_pod(&s)), node);
    str_free(&name);
    close_scene(&s);
}

/* Another machine by the same name: nothing that ran on the old one runs on. */
static void test_replaced_node(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    struct str name = str_dup(first_pod(&s)->name);
    sim_cluster_replace_node(s.c, node_of(&s, first_pod(&s)));
    assert_int_equal(running(&s), 0);
    lab_run(s.l, 30 * S);
    assert_int_equal(pods(&s), 1);
    assert_int_equal(running(&s), 1);
    assert_false(str_eq(first_pod(&s)->name, name));
    str_free(&name);
    close_scene(&s);
}

/* What people put on a Node stays when its kubelet says that it is well. */
static void test_node_keeps_marks(void **state)
{
    (void)state;
    struct scene s;
    struct str node = STR("edge-node-1");
    open_scene(&s, 1, false);
    check_ok(kubeapi_patch(
        api(&s), STR("nodes"), str_empty, node,
        STR("{\"metadata\":{\"labels\":{\"mine\":\"1\"}},\"spec\":{\"unschedulable\":true}}")));
    lab_run(s.l, 601 * S);
    const struct kube_object *o = kubeapi_get(api(&s), STR("nodes"), str_empty, node);
    check_str(kube_object_label(o, STR("mine")), "1");
    check_str(kube_object_raw(o, "spec.unschedulable"), "true");
    check_str(kube_object_string(o, "spec.taints.0.key"), "node.kubernetes.io/unschedulable");
    int64_t at;
    assert_true(rfc3339_parse(kube_object_string(o, "status.conditions.0.lastHeartbeatTime"), &at));
    assert_in_range((at - LAB_START) / NS_PER_S, 590, 601);
    close_scene(&s);
}

/* No node that is ready: pods wait, and start when there is one. */
static void test_no_ready_node(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    for (uint32_t i = 0; i < 3; i++)
        sim_cluster_set_node(s.c, i, false, false);
    sim_process_kill(sim_cluster_process(s.c, 0), SIM_EXIT_KILLED);
    patch_agent(&s, IMAGE("2"));
    lab_run(s.l, 120 * S);
    assert_int_equal(running(&s), 0);
    sim_cluster_set_node(s.c, 1, true, false);
    lab_run(s.l, 60 * S);
    assert_int_equal(running(&s), 1);
    close_scene(&s);
}

/* What the API acknowledged before it crashed is there after it; what watches it goes on. */
static void test_api_crash(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, true);
    struct sim_process *process = apihost_process(sim_cluster_api(s.c));
    patch_agent(&s, "{\"metadata\":{\"annotations\":{\"mine\":\"kept\"}}}");
    uint64_t revision = store_revision(kubeapi_store(api(&s)));
    sim_process_kill(process, SIM_EXIT_KILLED);
    lab_run(s.l, 100 * MS);
    assert_null(api(&s));
    lab_run(s.l, 10 * S);
    assert_non_null(api(&s));
    assert_true(store_revision(kubeapi_store(api(&s))) >= revision);
    struct kube_object *d = kubeapi_get(api(&s), STR("deployments.apps"), STR("cattle-system"),
                                        STR("cattle-cluster-agent"));
    check_str(kube_object_string(d, "metadata.annotations.mine"), "kept");
    assert_int_equal(running(&s), 1); /* pods do not need the API to run */
    patch_agent(&s, "{\"spec\":{\"replicas\":2}}");
    lab_run(s.l, 60 * S);
    assert_int_equal(running(&s), 2);
    /* A machine without power: nothing beats; afterwards everything goes on. */
    sim_host_power_off(sim_process_host(process));
    lab_run(s.l, 60 * S);
    assert_null(api(&s));
    sim_host_power_on(sim_process_host(process));
    lab_run(s.l, 20 * S);
    assert_in_range(sim_now(s.l->sim) / MS - renewed(&s, "edge-node-0"), 0, 10000);
    /* And back in time. */
    struct store_snapshot *copy = apihost_copy(sim_cluster_api(s.c));
    patch_agent(&s, "{\"spec\":{\"replicas\":4}}");
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), 4);
    apihost_restore(sim_cluster_api(s.c), copy);
    lab_run(s.l, 60 * S);
    assert_int_equal(running(&s), 2);
    assert_int_equal(pods(&s), 2);
    store_snapshot_free(copy);
    close_scene(&s);
}

/* The manager is away when the administrator tries: he tries again. A URL that is none is refused at once. */
static void test_import(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 1, false);
    sim_cluster_import(s.c, STR("not a URL"));
    assert_true(lab_noted(s.l, "cluster.import-failed edge"));
    fake_dns(s.l, 1, NULL, NULL);
    s.m.mute = true;
    sim_cluster_import(s.c, STR("https://" MANAGER_NAME "/v3/import/t_c.yaml"));
    sim_cluster_import(s.c, STR("https://" MANAGER_NAME "/v3/other"));
    lab_run(s.l, 60 * S);
    fake_dns(s.l, 1, "192.0.2.1", NULL);
    lab_run(s.l, 600 * S);
    assert_false(sim_cluster_imported(s.c));
    s.m.mute = false;
    lab_run(s.l, 60 * S);
    assert_true(sim_cluster_imported(s.c));
    close_scene(&s);
}

/* An agent waits for the stages of its cluster: its image comes late, it crashes once, and then it is a process. */
static void test_stages(void **state)
{
    (void)state;
    struct scene s;
    open_cluster(&s, 1,
                 "stage crash\n when deleting=no state=none\n delay 40s\n do exit 139\n"
                 "stage again\n when deleting=no state=backoff\n delay 10s\n do run\n"
                 "stage stop\n when deleting=yes\n delay 10ms\n do delete\n");
    sim_cluster_import(s.c, STR("https://" MANAGER_NAME "/v3/import/t_c.yaml"));
    lab_run(s.l, 35 * S);
    assert_true(sim_cluster_imported(s.c));
    assert_int_equal(pods(&s), 1);
    assert_int_equal(running(&s), 0);
    lab_run(s.l, 10 * S);
    assert_string_equal(stage_state(first_pod(&s)), "backoff");
    assert_int_equal(running(&s), 0);
    lab_run(s.l, 20 * S);
    assert_int_equal(running(&s), 1);
    assert_int_equal(sim_cluster_restarts(s.c, 0), 1);
    /* another pod, the same life */
    assert_null(kubeapi_delete(api(&s), STR("pods"), first_pod(&s)->ns, first_pod(&s)->name));
    lab_run(s.l, 30 * S);
    assert_int_equal(running(&s), 0);
    lab_run(s.l, 60 * S);
    assert_int_equal(running(&s), 1);
    close_scene(&s);
}

/* The clean-up Job of a removed cluster takes the agent's namespace, and so the agents. */
static void test_cleanup(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, 2, true);
    check_ok(kubeapi_apply(
        api(&s),
        STR("{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":"
            "\"cattle-cleanup-x\",\"namespace\":\"default\"},\"spec\":{\"template\":{\"spec\":{"
            "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"),
        NULL));
    lab_run(s.l, 60 * S);
    assert_null(kubeapi_get(api(&s), STR("namespaces"), str_empty, STR("cattle-system")));
    assert_int_equal(running(&s), 0);
    struct kube_object *job =
        kubeapi_get(api(&s), STR("jobs.batch"), STR("default"), STR("cattle-cleanup-x"));
    check_str(kube_object_raw(job, "status.succeeded"), "1");
    close_scene(&s);
}

/* ---- supervisor ---- */

static struct err *start_well(struct world *w, const void *config, void **out)
{
    (void)w;
    *out = (void *)(uintptr_t)config;
    return NULL;
}
static void end_well(void *instance)
{
    (void)instance;
}

static void test_supervisor(void **state)
{
    (void)state;
    static const struct sim_program program = {.start = start_well, .destroy = end_well};
    struct lab *l = lab_new(1);
    struct supervisor s = {.sim = l->sim};
    struct sim_host_options host = {STR("h"), STR("10.0.0.5"), STR("site/h")};
    struct sim_process_options o = {.name = STR("p"),
                                    .host = sim_host_new(l->sim, &host),
                                    .program = &program,
                                    .config = &s,
                                    .exited = supervisor_exited,
                                    .owner = &s};
    s.process = sim_process_new(l->sim, &o);
    supervisor_start(&s);
    assert_true(sim_process_is_running(s.process));
    static const world_time pauses[] = {SUPERVISOR_FIRST, 5 * S,  10 * S, 20 * S,
                                        40 * S,           60 * S, 60 * S};
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        sim_process_kill(s.process, SIM_EXIT_KILLED);
        lab_run(l, pauses[i] - MS);
        assert_false(sim_process_is_running(s.process));
        lab_run(l, 2 * MS);
        assert_true(sim_process_is_running(s.process));
    }
    lab_run(l, SUPERVISOR_QUIET); /* a quiet while: it begins anew */
    sim_process_kill(s.process, SIM_EXIT_KILLED);
    lab_run(l, SUPERVISOR_FIRST + MS);
    assert_true(sim_process_is_running(s.process));
    supervisor_stop(&s);
    lab_run(l, 600 * S);
    assert_false(sim_process_is_running(s.process));
    supervisor_start(&s);
    sim_host_power_off(sim_process_host(s.process));
    lab_run(l, 600 * S);
    assert_false(sim_process_is_running(s.process));
    sim_host_power_on(sim_process_host(s.process));
    lab_run(l, SUPERVISOR_FIRST + MS);
    assert_true(sim_process_is_running(s.process));
    /* Stopped while its restart is under way. */
    sim_process_kill(s.process, SIM_EXIT_KILLED);
    lab_run(l, MS);
    supervisor_stop(&s);
    lab_run(l, 600 * S);
    assert_false(sim_process_is_running(s.process));
    lab_free(l);
}

/* Certificates are the same in every run of a seed, and others with another name. */
static void test_authority(void **state)
{
    (void)state;
    struct lab *one = lab_new(1), *two = lab_new(1), *three = lab_new(2);
    struct authority *a = authority_new(one->sim, STR("x")), *b = authority_new(two->sim, STR("x"));
    struct authority *c = authority_new(one->sim, STR("y")),
                     *d = authority_new(three->sim, STR("x"));
    check_str_eq(authority_pem(a), authority_pem(b));
    assert_false(str_eq(authority_pem(a), authority_pem(c)));
    assert_false(str_eq(authority_pem(a), authority_pem(d)));
    struct identity i = authority_issue(a, STR("m.test"), STR("10.0.0.1")),
                    j = authority_issue(b, STR("m.test"), STR("10.0.0.1")),
                    k = authority_issue(a, STR("m.test"), STR("10.0.0.1"));
    check_str_eq(i.cert_pem, j.cert_pem);
    assert_false(str_eq(i.key_pem, k.key_pem));
    identity_free(&i);
    identity_free(&j);
    identity_free(&k);
    authority_free(a);
    authority_free(b);
    authority_free(c);
    authority_free(d);
    lab_free(one);
    lab_free(two);
    lab_free(three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rolling_update),   cmocka_unit_test(test_scale),
        cmocka_unit_test(test_deleted_pod),      cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_lost_node),        cmocka_unit_test(test_replaced_node),
        cmocka_unit_test(test_node_keeps_marks), cmocka_unit_test(test_no_ready_node),
        cmocka_unit_test(test_api_crash),        cmocka_unit_test(test_import),
        cmocka_unit_test(test_stages),           cmocka_unit_test(test_cleanup),
        cmocka_unit_test(test_supervisor),       cmocka_unit_test(test_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
