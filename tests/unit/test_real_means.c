/* Goal: what the world of real processes cannot do of a plan is found before anything starts, by name; what it can do is
 * not. Method: plans of small files, their gaps; rules of API faults as their port takes them. */
#include "tests/unit/support/check.h"

#include "sim/real/world/means.h"
#include "sim/real/world/wrongs.h"
#include "sim/scenario/language/scenario.h"

static const char head[] = "scenario: v1\n"
                           "name: t\n"
                           "clock: {limit: 30m}\n"
                           "topology:\n"
                           "  sites: {a: {}, b: {manager: {standby: true}}}\n"
                           "  clusters: {edge: {count: 3}}\n"
                           "  dns: {records: {manager: {value: site/a}}}\n";

struct fixture {
    struct arena arena;
    struct diags diags;
    struct plan *plan;
    struct means_gaps run, asserts;
};

static void look(struct fixture *f, const char *rest)
{
    *f = (struct fixture){.plan = NULL};
    struct str text = arena_printf(&f->arena, "%s%s", head, rest);
    struct scenario *s = scenario_load(&f->arena, STR("t.yaml"), text, &f->diags);
    struct plan_request request = {.seed = 1};
    f->plan = s ? scenario_plan(&f->arena, s, &request, &f->diags) : NULL;
    if (!f->plan) {
        struct buf errors = {0};
        diags_print(&f->diags, &errors);
        print_error("%s", buf_c(&errors));
    }
    assert_non_null(f->plan);
    means_of_run(&f->arena, f->plan, &f->run);
    means_of_asserts(&f->arena, f->plan, &f->asserts);
}

static void check_gap(const struct means_gaps *g, size_t i, const char *name, const char *part)
{
    assert_true(i < g->n);
    assert_true(str_eq_c(g->items[i].name, name));
    if (str_find(g->items[i].text, str_c(part)) < 0)
        print_error(STR_FMT "\n", STR_ARG(g->items[i].text));
    assert_true(str_find(g->items[i].text, str_c(part)) >= 0);
}

static void test_what_can_be_done(void **state)
{
    struct fixture f;
    (void)state;
    look(&f,
         "steps:\n"
         "  - {wait: {until: 'all(cluster: state == active) and all(cache: synced)', within: 1m}}\n"
         "  - {at: 3m, do: {dns.set: {record: manager, value: site/b}}}\n"
         "  - {at: 4m, do: {manager.promote: site/b}}\n"
         "  - {at: 5m, do: {fault: {process: power-loss}, target: site/a}}\n"
         "  - {at: 6m, do: {process.kill: agent/edge}}\n"
         "faults:\n"
         "  - {at: 2m, for: 1m, target: link/cluster/edge/site/a, fault: {net: partition}}\n"
         "  - {at: 2m, for: 1m, target: 'api/edge[0]', fault: {watch: drop, share: 0.5}}\n"
         "  - {at: 2m, for: 1m, target: manager/a, fault: {http: no-upgrade}}\n"
         "assert:\n"
         "  - {name: well, eventually: 'all(agent: connected and peer == site/b)', by: 9m}\n"
         "  - {name: calm, always: 'rate(manager.handshakes, 1s) < 9'}\n");
    assert_int_equal(f.run.n, 0);
    assert_int_equal(f.asserts.n, 0);
    arena_free(&f.arena);
}

static void test_what_keeps_a_run_from_beginning(void **state)
{
    struct fixture f;
    (void)state;
    look(&f, "steps:\n"
             "  - {name: nodes, wait: {until: 'all(node: ready)', within: 1m}}\n"
             "  - {name: more, at: 3m, do: {cluster.create: {group: edge, count: 1}}}\n"
             "faults:\n"
             "  - {at: 2m, for: 1m, target: manager/a, fault: {clock: skew, by: 5s}}\n"
             "  - {at: 2m, target: manager/a, fault: {process: crash, at: before-write}}\n");
    assert_int_equal(f.run.n, 4);
    check_gap(&f.run, 0, "clock skew on manager/a", "cannot do it");
    check_gap(&f.run, 1, "process crash on manager/a", "cannot meet a write");
    check_gap(&f.run, 2, "nodes", "cannot see node");
    check_gap(&f.run, 3, "cluster.create", "step more");
    assert_true(f.run.items[0].place.line > 0);
    arena_free(&f.arena);
}

static void test_what_cannot_be_judged(void **state)
{
    struct fixture f;
    (void)state;
    look(&f, "assert:\n"
             "  - {name: seen, eventually: 'all(agent: connected)'}\n"
             "  - {name: unseen, always: 'all(cache: heals == 0)'}\n"
             "  - {name: counted, at: 5m, that: 'api.requests > 3'}\n");
    assert_int_equal(f.run.n, 0);
    assert_int_equal(f.asserts.n, 2);
    check_gap(&f.asserts, 0, "unseen", "cache.heals");
    check_gap(&f.asserts, 1, "counted", "api.requests");
    assert_true(means_assert(&f.arena, &f.plan->asserts[0]));
    assert_false(means_assert(&f.arena, &f.plan->asserts[1]));
    arena_free(&f.arena);
}

static void check_rule(const struct fault *fault, const char *wanted)
{
    struct buf rule = {0};
    assert_true(wrong_rule(fault, STR("f"), &rule));
    assert_string_equal(buf_c(&rule), wanted);
    buf_free(&rule);
}

static void test_rules(void **state)
{
    struct buf none = {0};
    (void)state;
    struct fault drop = {.kind = FAULT_WATCH_DROP, .share_ppm = 900000, .of = STR("pods")};
    check_rule(&drop, "{\"id\":\"f\",\"kind\":\"watch-drop\",\"perMillion\":900000,"
                      "\"resource\":\"pods\"}");
    struct fault rewind = {
        .kind = FAULT_WATCH_REWIND, .share_ppm = 1000000, .behind_ns = 20 * NS_PER_S};
    check_rule(&rewind, "{\"delayNs\":20000000000,\"id\":\"f\",\"kind\":\"watch-rewind\","
                        "\"perMillion\":1000000}");
    struct fault busy = {.kind = FAULT_HTTP_ERROR,
                         .share_ppm = 1000000,
                         .code = 429,
                         .retry_after_ns = NS_PER_S / 2,
                         .verb = 1};
    check_rule(&busy, "{\"id\":\"f\",\"kind\":\"status\",\"perMillion\":1000000,"
                      "\"retryAfterS\":1,\"status\":429,\"verb\":\"get\"}");
    assert_false(wrong_rule(&(struct fault){.kind = FAULT_NET_RESET}, STR("f"), &none));
    assert_int_equal(none.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_done),
        cmocka_unit_test(test_what_keeps_a_run_from_beginning),
        cmocka_unit_test(test_what_cannot_be_judged),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
