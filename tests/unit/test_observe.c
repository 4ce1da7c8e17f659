/* Goal: a replica shows its metrics and its state to those who may get Clusters, and to nobody else; every page of metrics
 * is as the format wants it, and what counts never goes down; pages of sessions join up.
 * Method: real managers with an agent in a simulated world, asked from outside; a strict reader of the text format. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/exposition.h"
#include "tests/unit/support/outside.h"

#include "engine/base/json.h"
#include "engine/server/observe.h"

static struct server *server(const struct outside *o, size_t i)
{
    return sim_process_instance(o->b->managers[i].process);
}

static void scrape(struct outside *o, struct exposition *e)
{
    assert_int_equal(outside_ask(o, "/metrics", BENCH_TOKEN), 200);
    exposition_read(e, buf_str(&o->body));
}

struct range {
    const char *series;
    int64_t least, most;
};

static void check_ranges(const struct exposition *e, const struct range *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value = exposition_value(e, rows[i].series);
        if (value < rows[i].least || value > rows[i].most)
            fail_msg("%s is %lld", rows[i].series, (long long)value);
    }
}

static void test_rights(void **state)
{
    static const struct {
        const char *target, *token;
        int status;
    } rows[] = {{"/metrics", NULL, 401},
                {"/metrics", "nobody", 401},
                {"/metrics", BENCH_GUEST, 403},
                {"/metrics", BENCH_TOKEN, 200},
                {"/metrics/", BENCH_TOKEN, 404},
                {"/debug/state", NULL, 401},
                {"/debug/state", "nobody", 401},
                {"/debug/state", BENCH_GUEST, 403},
                {"/debug/state", BENCH_TOKEN, 200},
                {"/debug/state?limit=0", BENCH_TOKEN, 400},
                {"/debug/state?limit=1001", BENCH_TOKEN, 400},
                {"/debug/state?limit=x", BENCH_TOKEN, 400},
                {"/debug/state?continue=-1", BENCH_TOKEN, 400},
                {"/debug/state?section=none", BENCH_TOKEN, 400},
                {"/debug/state?section=caches", BENCH_TOKEN, 200},
                {"/debug", BENCH_TOKEN, 404}};
    struct policies p = policies_hardened();
    struct outside o;
    outside_open(&o, 1, &p, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(outside_ask(&o, rows[i].target, rows[i].token), rows[i].status);
    outside_close(&o);
}

static void test_metrics_grow(void **state)
{
    static const struct range rows[] = {
        {"paddock_tunnel_sessions{kind=\"client\"}", 1, 2},
        {"paddock_tunnel_sessions{kind=\"peer-in\"}", 0, 0},
        {"paddock_tunnel_agent_connects_total", 1, 5},
        {"paddock_tunnel_connections_opened_total", 1, 1000},
        {"paddock_tunnel_received_bytes_total", 1000, INT64_MAX},
        {"paddock_tunnel_sent_bytes_total", 1000, INT64_MAX},
        {"paddock_ready", 1, 1},
        {"paddock_draining", 0, 0},
        {"paddock_leader", 1, 1},
        {"paddock_leader_changes_total", 1, 3},
        {"paddock_replicas", 1, 2},
        {"paddock_peers_connected", 0, 0},
        {"paddock_cache_objects{resource=\"clusters\"}", 1, 2},
        {"paddock_cache_synced{resource=\"clusters\"}", 1, 1},
        {"paddock_cache_lists_total{resource=\"clusters\"}", 1, 3},
        {"paddock_cache_age_seconds{resource=\"clusters\"}", 0, 600},
        {"paddock_workqueue_depth{controller=\"cluster\"}", 0, 0},
        {"paddock_workqueue_adds_total{controller=\"cluster\"}", 1, 1000},
        {"paddock_workqueue_wait_seconds_count{controller=\"cluster\"}", 1, 1000},
        {"paddock_controller_reconciles_total{controller=\"cluster\"}", 1, 1000},
        {"paddock_controller_reconcile_duration_seconds_count{controller=\"cluster\"}", 1, 1000},
        {"paddock_certificate_expires_in_seconds{use=\"serving\"}", 3600, INT64_MAX},
        {"paddock_certificate_expires_in_seconds{use=\"ca\"}", 3600, INT64_MAX},
        {"paddock_http_requests_total{route=\"connect\",code=\"101\"}", 1, 10},
        {"paddock_http_requests_total{route=\"metrics\",code=\"200\"}", 1, 1},
        {"paddock_http_request_duration_seconds_count{route=\"metrics\"}", 1, 1},
    };
    struct policies p = policies_hardened();
    struct exposition first, second;
    struct outside o;
    outside_open(&o, 1, &p, 1);
    bench_run(o.b, 60 * S);
    scrape(&o, &first);
    assert_int_equal(outside_ask(&o, "/nothing", NULL), 404);
    bench_run(o.b, 20 * S);
    scrape(&o, &second);
    exposition_check_grown(&first, &second);
    check_ranges(&second, rows, ARRAY_LEN(rows));
    assert_false(
        exposition_has(&first, "paddock_http_requests_total{route=\"other\",code=\"404\"}"));
    assert_int_equal(
        exposition_value(&second, "paddock_http_requests_total{route=\"other\",code=\"404\"}"), 1);
    exposition_free(&first);
    exposition_free(&second);
    outside_close(&o);
}

/* Whoever dials a tunnel pings in it. */
static void test_peers(void **state)
{
    static const struct range rows[] = {{"paddock_tunnel_sessions{kind=\"peer-in\"}", 1, 1},
                                        {"paddock_tunnel_sessions{kind=\"peer-out\"}", 1, 1},
                                        {"paddock_replicas", 2, 2},
                                        {"paddock_peers_connected", 1, 1},
                                        {"paddock_tunnel_pings_sent_total", 2, 100},
                                        {"paddock_tunnel_pongs_received_total", 2, 100},
                                        {"paddock_tunnel_ping_rtt_seconds_count", 2, 100}};
    struct policies p = policies_hardened();
    struct exposition e;
    struct outside o;
    outside_open(&o, 1, &p, 2);
    bench_run(o.b, 60 * S);
    scrape(&o, &e);
    check_ranges(&e, rows, ARRAY_LEN(rows));
    exposition_free(&e);
    outside_close(&o);
}

/* Sessions that are over stay counted, and loss of leadership takes no counter away. */
static void test_what_ended_counts(void **state)
{
    struct policies p = policies_hardened();
    struct exposition first, second;
    struct outside o;
    outside_open(&o, 1, &p, 1);
    scrape(&o, &first);
    tunnel_router_disconnect(server_router(server(&o, 0)), STR("c-0"));
    struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 3600 * S};
    uint64_t id = kubeapi_fault_add(bench_local(o.b), &stall);
    bench_run(o.b, 40 * S);
    kubeapi_fault_remove(bench_local(o.b), id);
    assert_false(server_state(server(&o, 0)).leading);
    scrape(&o, &second);
    exposition_check_grown(&first, &second);
    assert_int_equal(exposition_value(&second, "paddock_leader"), 0);
    assert_in_range(
        exposition_value(&second, "paddock_tunnel_sessions_begun_total{kind=\"client\"}"), 2, 3);
    exposition_free(&first);
    exposition_free(&second);
    outside_close(&o);
}

static cJSON *dump(struct outside *o, struct arena *a, const char *target)
{
    cJSON *tree = NULL;
    assert_int_equal(outside_ask(o, target, BENCH_TOKEN), 200);
    check_ok(json_parse(a, buf_str(&o->body), &tree));
    return tree;
}

static void test_dump(void **state)
{
    struct arena a = {0};
    struct policies p = policies_hardened();
    struct outside o;
    outside_open(&o, 1, &p, 2);
    bench_run(o.b, 20 * S);
    const cJSON *all = dump(&o, &a, "/debug/state");
    assert_true(json_bool_at(all, "server.ready", false));
    assert_true(json_bool_at(all, "leader.candidate", false));
    assert_true(json_bool_at(all, "leader.leading", true) == server_state(server(&o, 0)).leading);
    assert_true(json_string_at(all, "leader.holder").n > 0);
    check_str(json_string(json_get(json_get(all, "policies"), "session.choice")), "newest");
    assert_int_equal(cJSON_GetArraySize(json_get(all, "peers")), 1);
    assert_int_equal(cJSON_GetArraySize(json_get(all, "caches")), SERVER_CACHES);
    assert_true(cJSON_GetArraySize(json_get(all, "queues")) > 3);
    assert_int_equal(json_int_at(all, "sessions.total", 0),
                     (int64_t)server_state(server(&o, 0)).agents + 2);
    check_str(json_string_at(all, "sessions.continue"), "");
    assert_false(outside_says(&o, "PRIVATE KEY"));

    const cJSON *caches = dump(&o, &a, "/debug/state?section=caches");
    assert_null(json_get(caches, "sessions"));
    assert_int_equal(json_int_at(json_get(caches, "caches")->child, "objects", 0), 1);
    arena_free(&a);
    outside_close(&o);
}

/* One session a page: each comes once, in order of arrival. */
static void test_pages_of_sessions(void **state)
{
    struct arena a = {0};
    struct policies p = policies_hardened();
    struct outside o;
    struct buf target = {0};
    int64_t last = 0;
    size_t n = 0;
    outside_open(&o, 1, &p, 2);
    bench_run(o.b, 20 * S);
    for (struct str next = STR("0"); next.n > 0; n++) {
        buf_clear(&target);
        buf_addf(&target, "/debug/state?section=sessions&limit=1&continue=" STR_FMT, STR_ARG(next));
        const cJSON *page = dump(&o, &a, buf_c(&target));
        const cJSON *items = json_path(page, "sessions.items");
        assert_int_equal(cJSON_GetArraySize(items), 1);
        assert_true(json_int_at(items->child, "ordinal", 0) > last);
        assert_true(json_int_at(items->child, "ageMs", -1) > 0);
        last = json_int_at(items->child, "ordinal", 0);
        next = json_string_at(page, "sessions.continue");
    }
    assert_int_equal(n, server_state(server(&o, 0)).agents + 2);
    buf_free(&target);
    arena_free(&a);
    outside_close(&o);
}

static void test_listener_of_its_own(void **state)
{
    struct policies p = policies_hardened();
    struct world_addr address = world_addr_make(STR(OUTSIDE_MANAGER), 9090);
    struct exposition e;
    struct outside o;
    uint16_t port = 0;
    outside_open(&o, 1, &p, 1);
    check_ok(server_metrics_listen(server(&o, 0), &address, &port));
    assert_int_equal(port, 9090);
    assert_int_equal(outside_ask_plain(&o, &address, "/metrics"), 200);
    exposition_read(&e, buf_str(&o.body));
    exposition_free(&e);
    assert_int_equal(outside_ask_plain(&o, &address, "/debug/state"), 404);
    outside_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rights),
                                       cmocka_unit_test(test_metrics_grow),
                                       cmocka_unit_test(test_peers),
                                       cmocka_unit_test(test_what_ended_counts),
                                       cmocka_unit_test(test_dump),
                                       cmocka_unit_test(test_pages_of_sessions),
                                       cmocka_unit_test(test_listener_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
