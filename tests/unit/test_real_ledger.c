/* Goal: what real programs answer becomes what expressions see: states, times, counters; caches are compared fairly.
 * Method: a rig that nothing runs in, answers as they were recorded from the programs, and questions to the ledger. */
#include "tests/unit/support/check.h"

#include "sim/real/world/ledger.h"
#include "sim/real/world/look_caches.h"
#include "sim/scenario/language/scenario.h"

static const char file[] = "scenario: v1\n"
                           "name: t\n"
                           "clock: {limit: 30m}\n"
                           "topology:\n"
                           "  sites: {a: {}, b: {manager: {standby: true}}}\n"
                           "  clusters: {edge: {count: 1}}\n"
                           "  dns: {records: {manager: {value: site/a}}}\n";

struct fixture {
    struct arena arena;
    struct diags diags;
    struct plan *plan;
    struct rig_site sites[2];
    struct rig_replica replicas[2];
    struct rig_cluster cluster;
    struct rig_agent agent;
    struct rig rig;
    struct ledger *ledger;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.plan = NULL};
    struct scenario *s = scenario_load(&f->arena, STR("t.yaml"), str_c(file), &f->diags);
    struct plan_request request = {.seed = 1};
    f->plan = s ? scenario_plan(&f->arena, s, &request, &f->diags) : NULL;
    assert_non_null(f->plan);
    f->sites[0] = (struct rig_site){.name = STR("site/a"),
                                    .role = RIG_ACTIVE,
                                    .front = {.address = STR("10.64.0.2")},
                                    .replicas = &f->replicas[0],
                                    .replicas_n = 1,
                                    .died_at = -1};
    f->sites[1] = (struct rig_site){.name = STR("site/b"),
                                    .front = {.address = STR("10.64.0.3")},
                                    .replicas = &f->replicas[1],
                                    .replicas_n = 1,
                                    .died_at = -1};
    f->replicas[0] = (struct rig_replica){
        .site = &f->sites[0],
        .process = {.name = STR("site/a/manager-0"), .state = PROCESS_RUNNING}};
    f->replicas[1] =
        (struct rig_replica){.site = &f->sites[1], .process = {.name = STR("site/b/manager-0")}};
    f->cluster = (struct rig_cluster){
        .rig = &f->rig, .name = STR("edge-0"), .id = STR("c-edge-0"), .agents_n = 1};
    f->agent.process = (struct process){.name = STR("edge-0/agent-0"), .state = PROCESS_RUNNING};
    f->rig = (struct rig){.plan = f->plan,
                          .sites = f->sites,
                          .sites_n = 2,
                          .clusters = &f->cluster,
                          .clusters_n = 1,
                          .agents = &f->agent,
                          .agents_n = 1};
    f->ledger = ledger_new(f->plan, &f->rig);
}

static void end(struct fixture *f)
{
    ledger_free(f->ledger);
    arena_free(&f->arena);
}

static struct expr_value ask(struct fixture *f, uint32_t collection, uint32_t field)
{
    return ledger_ops.field(f->ledger, collection, 0, field);
}

static void check_int(struct fixture *f, uint32_t collection, uint32_t field, int64_t wanted)
{
    struct expr_value v = ask(f, collection, field);
    assert_true(v.known);
    assert_int_equal(v.i, wanted);
}

static void check_text(struct fixture *f, uint32_t collection, uint32_t field, const char *wanted)
{
    struct expr_value v = ask(f, collection, field);
    assert_int_equal(v.known, wanted != NULL);
    assert_true(!wanted || str_eq_c(v.s, wanted));
}

static void hear_agent(struct fixture *f, int64_t at, const char *health)
{
    ledger_at(f->ledger, at);
    ledger_take_health(f->ledger, 0, str_c(health));
}

static const char waiting[] =
    "{\"phase\":\"TCP\",\"connected\":false,\"reason\":\"Refused\",\"failures\":2,\"connects\":0,"
    "\"sessions\":[],\"caches\":{\"objects\":0,\"synced\":false}}";
static const char connected[] =
    "{\"phase\":\"Connected\",\"connected\":true,\"failures\":0,\"connects\":1,\"sessions\":[{"
    "\"peer\":\"10.64.0.2:443\",\"leaving\":false}],\"caches\":{\"objects\":9,\"synced\":true,"
    "\"silentMs\":1500}}";
static const char moved[] =
    "{\"phase\":\"Connected\",\"connected\":true,\"failures\":0,\"connects\":2,\"sessions\":[{"
    "\"peer\":\"10.64.0.2:443\",\"leaving\":true},{\"peer\":\"10.64.0.3:443\",\"leaving\":false}],"
    "\"caches\":{\"objects\":9,\"synced\":true,\"silentMs\":0}}";

static void test_agents(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    hear_agent(&f, 1 * NS_PER_S, waiting);
    check_int(&f, VOC_AGENT, VOC_AGENT_CONNECTED, false);
    check_text(&f, VOC_AGENT, VOC_AGENT_REASON, "Refused");
    check_int(&f, VOC_AGENT, VOC_AGENT_ATTEMPTS, 2);
    assert_false(ask(&f, VOC_AGENT, VOC_AGENT_CONNECTED_AT).known);
    hear_agent(&f, 5 * NS_PER_S, connected);
    check_int(&f, VOC_AGENT, VOC_AGENT_CONNECTED, true);
    check_text(&f, VOC_AGENT, VOC_AGENT_PEER, "site/a");
    check_text(&f, VOC_AGENT, VOC_AGENT_REASON, NULL);
    check_int(&f, VOC_AGENT, VOC_AGENT_ATTEMPTS, 3);
    check_int(&f, VOC_AGENT, VOC_AGENT_CONNECTED_AT, 5 * NS_PER_S);
    assert_false(ask(&f, VOC_AGENT, VOC_AGENT_RECONNECTED_AT).known);
    check_int(&f, VOC_SITE, VOC_SITE_AGENTS, 1);
    hear_agent(&f, 9 * NS_PER_S, "not JSON"); /* says nothing, changes nothing */
    check_int(&f, VOC_AGENT, VOC_AGENT_CONNECTED, true);
    hear_agent(&f, 10 * NS_PER_S, moved);
    check_text(&f, VOC_AGENT, VOC_AGENT_PEER, "site/b");
    check_int(&f, VOC_AGENT, VOC_AGENT_LOST_AT, 10 * NS_PER_S);
    check_int(&f, VOC_AGENT, VOC_AGENT_RECONNECTED_AT, 10 * NS_PER_S);
    check_int(&f, VOC_AGENT, VOC_AGENT_ATTEMPTS, 4);
    f.agent.process.state = PROCESS_WAITING;
    ledger_at(f.ledger, 12 * NS_PER_S);
    ledger_process_changed(f.ledger, &f.agent.process);
    check_int(&f, VOC_AGENT, VOC_AGENT_CONNECTED, false);
    check_int(&f, VOC_AGENT, VOC_AGENT_RUNNING, false);
    check_int(&f, VOC_AGENT, VOC_AGENT_LOST_AT, 12 * NS_PER_S);
    end(&f);
}

static const char page[] = "# HELP paddock_leader 1 while this replica leads\n"
                           "paddock_leader 1\n"
                           "paddock_tunnel_sessions{kind=\"client\"} 3\n"
                           "paddock_tunnel_sessions{kind=\"peer-in\"} 7\n"
                           "paddock_tunnel_sessions_begun_total{kind=\"client\"} 5\n"
                           "paddock_peers_connected 2\n"
                           "paddock_workqueue_depth{controller=\"cluster\"} 4\n"
                           "paddock_workqueue_depth{controller=\"token\"} 1\n"
                           "paddock_cache_synced{resource=\"clusters\"} 1\n";

static int64_t global(struct fixture *f, enum vocabulary_global which)
{
    return ledger_ops.global(f->ledger, which).i;
}

static void test_servers(void **state)
{
    struct fixture f;
    int64_t drops = 0;
    (void)state;
    start(&f);
    ledger_at(f.ledger, 3 * NS_PER_S);
    ledger_take_metrics(f.ledger, 0, str_c(page));
    check_int(&f, VOC_SERVER, VOC_SERVER_LEADER, true);
    check_int(&f, VOC_SERVER, VOC_SERVER_SESSIONS, 3);
    check_int(&f, VOC_SERVER, VOC_SERVER_PEERS, 2);
    assert_int_equal(global(&f, VOC_GLOBAL_MANAGER_LEADERS), 1);
    assert_int_equal(global(&f, VOC_GLOBAL_MANAGER_HANDSHAKES), 5);
    assert_int_equal(global(&f, VOC_GLOBAL_MANAGER_QUEUE_DEPTH), 5);
    assert_int_equal(ledger_ops.rate(f.ledger, VOC_GLOBAL_MANAGER_HANDSHAKES, NS_PER_S,
                                     3 * NS_PER_S + 1, &drops),
                     5);
    ledger_take_sessions(f.ledger, 0,
                         STR("{\"sessions\":{\"items\":[{\"kind\":\"client\",\"key\":\"c-edge-0\"},"
                             "{\"kind\":\"peer-in\",\"key\":\"c-edge-0\"},"
                             "{\"kind\":\"client\",\"key\":\"c-other\"}]}}"));
    check_int(&f, VOC_CLUSTER, VOC_CLUSTER_SESSIONS, 1);
    f.replicas[0].process.state = PROCESS_WAITING; /* it is killed: nothing of it is left */
    ledger_at(f.ledger, 4 * NS_PER_S);
    ledger_process_changed(f.ledger, &f.replicas[0].process);
    check_int(&f, VOC_SERVER, VOC_SERVER_LEADER, false);
    check_int(&f, VOC_CLUSTER, VOC_CLUSTER_SESSIONS, 0);
    assert_int_equal(global(&f, VOC_GLOBAL_MANAGER_LEADERS), 0);
    assert_int_equal(global(&f, VOC_GLOBAL_TUNNEL_SESSIONS), 0);
    ledger_take_metrics(f.ledger, 0, str_c(page)); /* came behind its end */
    check_int(&f, VOC_SERVER, VOC_SERVER_LEADER, false);
    end(&f);
}

static void hear_clusters(struct fixture *f, size_t site, const char *version, const char *ready)
{
    struct str list = arena_printf(
        &f->arena,
        "{\"items\":[{\"apiVersion\":\"management.cattle.io/"
        "v3\",\"kind\":\"Cluster\",\"metadata\":{"
        "\"name\":\"c-edge-0\",\"resourceVersion\":\"%s\"},\"status\":{\"conditions\":[{\"type\":"
        "\"Ready\",\"status\":\"%s\",\"reason\":\"R\"}]}}]}",
        version, ready);
    ledger_take_clusters(f->ledger, site, list);
}

static void test_clusters(void **state)
{
    struct fixture f;
    int64_t drops = 0;
    (void)state;
    start(&f);
    assert_false(ask(&f, VOC_CLUSTER, VOC_CLUSTER_STATE).known);
    ledger_at(f.ledger, 2 * NS_PER_S);
    hear_clusters(&f, 0, "7", "True");
    check_text(&f, VOC_CLUSTER, VOC_CLUSTER_STATE, "active");
    check_int(&f, VOC_CLUSTER, VOC_CLUSTER_ACTIVE_AT, 2 * NS_PER_S);
    check_text(&f, VOC_CLUSTER, VOC_CLUSTER_REASON, "R");
    hear_clusters(&f, 1, "90", "False"); /* the standby's: only who writes counts */
    check_text(&f, VOC_CLUSTER, VOC_CLUSTER_STATE, "active");
    assert_int_equal(ledger_ops.distinct(f.ledger, VOC_CLUSTER, 0, VOC_CLUSTER_WRITER_SITE,
                                         NS_PER_S, 2 * NS_PER_S, &drops),
                     0); /* nobody was seen to write yet */
    ledger_at(f.ledger, 3 * NS_PER_S);
    hear_clusters(&f, 0, "8", "True");
    hear_clusters(&f, 1, "91", "False");
    assert_int_equal(ledger_ops.distinct(f.ledger, VOC_CLUSTER, 0, VOC_CLUSTER_WRITER_SITE,
                                         NS_PER_S, 3 * NS_PER_S, &drops),
                     2);
    ledger_take_clusters(f.ledger, 0, STR("{\"items\":[]}"));
    assert_false(ask(&f, VOC_CLUSTER, VOC_CLUSTER_STATE).known);
    end(&f);
}

#define OBJECT(name, version)                                                                      \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"

static void test_caches(void **state)
{
    struct ledger_cache c = {0};
    (void)state;
    assert_true(look_caches_compare(
        STR("{\"items\":[" OBJECT("a", "1") "," OBJECT("b", "5") "," OBJECT("c", "3") "]}"),
        STR("{\"data\":[" OBJECT("a", "1") "," OBJECT("b", "2") "," OBJECT("x", "4") "]}"),
        STR("{\"items\":[" OBJECT("a", "1") "," OBJECT("b", "5") "," OBJECT("c", "3") "]}"), &c));
    assert_true(c.known);
    assert_int_equal(c.count, 3);
    assert_int_equal(c.missing, 1); /* c */
    assert_int_equal(c.stale, 1);   /* b */
    assert_int_equal(c.surplus, 1); /* x */
    /* What came or went between the two lists is nobody's fault. */
    assert_true(look_caches_compare(STR("{\"items\":[" OBJECT("gone", "1") "]}"),
                                    STR("{\"data\":[" OBJECT("new", "2") "]}"),
                                    STR("{\"items\":[" OBJECT("new", "2") "]}"), &c));
    assert_int_equal(c.missing + c.stale + c.surplus, 0);
    assert_false(look_caches_compare(STR("{\"items\":[]}"), STR("{\"type\":\"error\"}"),
                                     STR("{\"items\":[]}"), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
