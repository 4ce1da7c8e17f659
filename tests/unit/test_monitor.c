/* Goal: every kind of assertion is judged at the right time, with a witness, and looks only when it has to.
 * Method: small scenarios over a made-up world; scripts of changes with the expected verdicts. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/scenario_world.h"

#include "sim/scenario/language/scenario.h"
#include "sim/scenario/run/monitor.h"
#include "sim/scenario/run/sometimes.h"

#define S NS_PER_S

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {limit: 30m}\n"
    "params: {ttl: {type: duration, default: 60s}}\n"
    "topology:\n"
    "  sites: {a: {}, b: {manager: {standby: true}}}\n"
    "  clusters: {edge: {count: 3}}\n"
    "  dns:\n"
    "    records: {manager: {value: site/a}}\n"
    "    resolvers: {default: {}, sticky: {share: 0.1}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: count(agent where connected) == 3, within: 5m}}\n"
    "  - {name: move, at: 10m, do: {dns.set: {record: manager, value: site/b}}}\n"
    "assert:\n";

struct fixture {
    struct arena arena;
    struct diags diags;
    struct plan *plan;
    struct scenario_world world;
    struct expr_env env;
    struct monitor *monitor;
};

static void start(struct fixture *f, const char *clauses)
{
    *f = (struct fixture){.plan = NULL};
    struct str text = arena_printf(&f->arena, "%s%s", head, clauses);
    struct scenario *s = scenario_load(&f->arena, STR("t.yaml"), text, &f->diags);
    struct plan_request request = {.seed = 1};
    f->plan = s ? scenario_plan(&f->arena, s, &request, &f->diags) : NULL;
    if (!f->plan) {
        struct buf errors = {0};
        diags_print(&f->diags, &errors);
        print_error("%s", buf_c(&errors));
    }
    assert_non_null(f->plan);
    world_fill(&f->world);
    for (size_t i = 0; i < WORLD_STEPS_MAX; i++)
        f->world.steps[i] = -1;
    f->env = (struct expr_env){&world_ops, &f->world};
    f->monitor = monitor_new(&f->arena, f->plan, &f->env);
}

static void set_peer(struct fixture *f, uint32_t agent, const char *peer)
{
    world_set_str(&f->world, VOC_AGENT, agent, VOC_AGENT_PEER, peer);
    monitor_changed_field(f->monitor, VOC_AGENT, VOC_AGENT_PEER);
}

static void set_queries(struct fixture *f, int64_t queries)
{
    f->world.globals[VOC_GLOBAL_DNS_QUERIES] = queries;
    monitor_changed_global(f->monitor, VOC_GLOBAL_DNS_QUERIES);
}

static void end_step(struct fixture *f, uint32_t step, int64_t now)
{
    f->world.steps[step] = now;
    monitor_step_ended(f->monitor, step, now);
}

static void check_result(struct fixture *f, size_t i, enum monitor_verdict verdict, int64_t at,
                         const char *witness)
{
    const struct monitor_result *r = monitor_result(f->monitor, i);
    if (r->verdict != verdict)
        print_error("%s, not %s: " STR_FMT "\n", monitor_verdict_name(r->verdict),
                    monitor_verdict_name(verdict), STR_ARG(r->witness));
    assert_int_equal(r->verdict, verdict);
    if (at >= 0)
        assert_int_equal(r->at_ns, at);
    check_str(r->witness, witness);
}

static void always_and_never(void **state)
{
    struct fixture f;
    start(&f, "  - {name: few, always: dns.queries <= 5}\n"
              "  - {name: none, never: dns.queries > 7, from: 10s, until: 20s}\n"
              "  - {name: early, never: dns.queries > 7, until: 5s}\n");
    assert_int_equal(monitor_run(f.monitor, 0), 5 * S);
    check_result(&f, 0, MONITOR_WATCHING, -1, "");
    check_result(&f, 1, MONITOR_PENDING, -1, "");
    assert_int_equal(monitor_run(f.monitor, 5 * S), 10 * S);
    check_result(&f, 2, MONITOR_HELD, 5 * S, "");
    set_queries(&f, 9);
    assert_int_equal(monitor_run(f.monitor, 6 * S), 10 * S);
    check_result(&f, 0, MONITOR_FAILED, 6 * S, "dns.queries = 9");
    monitor_run(f.monitor, 10 * S);
    check_result(&f, 1, MONITOR_FAILED, 10 * S, "dns.queries = 9");
    monitor_finish(f.monitor, 60 * S);
    arena_free(&f.arena);
}

static void breaches_that_must_last(void **state)
{
    struct fixture f;
    start(&f, "  - {name: lasting, never: dns.queries > 5, lasting: 10s}\n");
    assert_int_equal(monitor_run(f.monitor, 0), EXPR_NEVER);
    set_queries(&f, 6);
    assert_int_equal(monitor_run(f.monitor, 1 * S), 11 * S);
    set_queries(&f, 1);
    assert_int_equal(monitor_run(f.monitor, 5 * S), EXPR_NEVER);
    set_queries(&f, 8);
    assert_int_equal(monitor_run(f.monitor, 7 * S), 17 * S);
    check_result(&f, 0, MONITOR_WATCHING, -1, "");
    assert_int_equal(monitor_run(f.monitor, 17 * S), EXPR_NEVER);
    check_result(&f, 0, MONITOR_FAILED, 7 * S, "for 10s: dns.queries = 8");
    arena_free(&f.arena);
}

static void eventually(void **state)
{
    struct fixture f;
    start(&f, "  - {name: soon, eventually: dns.queries > 5, by: 1m}\n"
              "  - {name: late, eventually: dns.queries > 50, by: 1m}\n"
              "  - {name: open, eventually: dns.queries > 50}\n"
              "  - {name: begun, eventually: dns.queries > 5, from: move, by: 20m}\n");
    assert_int_equal(monitor_run(f.monitor, 0), 60 * S);
    set_queries(&f, 6);
    monitor_run(f.monitor, 30 * S);
    check_result(&f, 0, MONITOR_HELD, 30 * S, "");
    monitor_run(f.monitor, 60 * S);
    check_result(&f, 1, MONITOR_FAILED, 60 * S, "not by 1m: dns.queries = 6");
    end_step(&f, 1, 600 * S);
    monitor_run(f.monitor, 600 * S);
    check_result(&f, 3, MONITOR_HELD, 600 * S, "");
    monitor_finish(f.monitor, 700 * S);
    check_result(&f, 2, MONITOR_FAILED, 700 * S, "not by 11m40s: dns.queries = 6");
    arena_free(&f.arena);
}

static void within(void **state)
{
    struct fixture f;
    start(&f, "  - name: back\n"
              "    within: {time: \"${ttl} + 45s\", after: move}\n"
              "    that: \"all(agent: peer == site/b)\"\n"
              "  - name: stays\n"
              "    within: {time: 30s, after: {step: move, delay: 10s}}\n"
              "    that: dns.queries == 1\n");
    assert_int_equal(monitor_run(f.monitor, 0), EXPR_NEVER);
    end_step(&f, 1, 600 * S);
    assert_int_equal(monitor_run(f.monitor, 600 * S), 610 * S);
    set_queries(&f, 1);
    set_peer(&f, 1, "site/b");
    assert_int_equal(monitor_run(f.monitor, 610 * S), 640 * S);
    set_queries(&f, 0); /* it held, but not to the end */
    set_peer(&f, 2, "site/b");
    assert_int_equal(monitor_run(f.monitor, 620 * S), 640 * S);
    assert_int_equal(monitor_run(f.monitor, 640 * S), 705 * S);
    check_result(&f, 1, MONITOR_FAILED, 640 * S, "not within 30s: dns.queries = 0");
    assert_int_equal(monitor_run(f.monitor, 705 * S), EXPR_NEVER);
    check_result(&f, 0, MONITOR_HELD, 620 * S, "");
    assert_int_equal(monitor_result(f.monitor, 0)->opened_ns, 600 * S);
    arena_free(&f.arena);
}

/* What must come true is judged from there on, also where nothing is said. */
static void once_it_is_quiet(void **state)
{
    struct fixture f;
    start(&f, "  - {name: calm, within: {time: 1m, after: quiet}, that: dns.queries == 0}\n"
              "  - {name: some day, eventually: dns.queries == 0}\n"
              "  - {name: safe, never: dns.queries == 9}\n"
              "quiet: {from: 25m}\n");
    monitor_run(f.monitor, 0);
    check_result(&f, 0, MONITOR_PENDING, -1, "");
    check_result(&f, 1, MONITOR_PENDING, -1, "");
    check_result(&f, 2, MONITOR_WATCHING, -1, "");
    monitor_quiet_began(f.monitor, 1500 * S);
    assert_int_equal(monitor_run(f.monitor, 1500 * S), 1560 * S);
    check_result(&f, 1, MONITOR_HELD, 1500 * S, "");
    monitor_finish(f.monitor, 1520 * S); /* judged at the end of the run */
    check_result(&f, 0, MONITOR_HELD, 1500 * S, "");
    arena_free(&f.arena);
}

static void at_a_moment(void **state)
{
    struct fixture f;
    start(&f, "  - {name: then, at: 10s, that: dns.queries == 1}\n"
              "  - {name: after, at: settle, that: dns.queries == 2}\n"
              "  - {name: not reached, at: move, that: true}\n");
    assert_int_equal(monitor_run(f.monitor, 0), 10 * S);
    set_queries(&f, 1);
    monitor_run(f.monitor, 10 * S);
    check_result(&f, 0, MONITOR_HELD, 10 * S, "");
    set_queries(&f, 3);
    end_step(&f, 0, 20 * S);
    monitor_run(f.monitor, 20 * S);
    check_result(&f, 1, MONITOR_FAILED, 20 * S, "dns.queries = 3");
    monitor_finish(f.monitor, 30 * S);
    check_result(&f, 2, MONITOR_VACUOUS, 30 * S, "");
    arena_free(&f.arena);
}

static void sometimes_over_runs(void **state)
{
    struct arena tally_arena = {0};
    struct sometimes_tally tally = {.arena = &tally_arena};
    static const int64_t seen[] = {0, 6};
    struct str name;
    size_t at = 0;
    for (size_t run = 0; run < ARRAY_LEN(seen); run++) {
        struct fixture f;
        start(&f, "  - {name: rare, sometimes: dns.queries > 5}\n"
                  "  - {name: never seen, sometimes: dns.queries > 50}\n");
        monitor_run(f.monitor, 0);
        set_queries(&f, seen[run]);
        monitor_run(f.monitor, 1 * S);
        set_queries(&f, 0);
        monitor_finish(f.monitor, 2 * S);
        check_result(&f, 0, run ? MONITOR_HELD : MONITOR_UNSEEN, -1, "");
        sometimes_add(&tally, f.monitor);
        arena_free(&f.arena);
    }
    assert_true(sometimes_unseen(&tally, &at, &name));
    check_str(name, "never seen");
    assert_false(sometimes_unseen(&tally, &at, &name));
    arena_free(&tally_arena);
}

/* Time alone breaks a promise: the monitor asks to be called exactly then. */
static void time_alone(void **state)
{
    struct fixture f;
    start(&f,
          "  - {name: heard, never: \"exists(agent where known(peer) and age(last_byte) > 90s)\"}\n"
          "  - {name: rate, always: \"rate(manager.handshakes, 1s) <= 2\"}\n");
    for (uint32_t i = 0; i < 3; i++)
        world_set_int(&f.world, VOC_AGENT, i, VOC_AGENT_LAST_BYTE, (int64_t)(i + 1) * S);
    f.world.ticks_n = 0;
    int64_t next = monitor_run(f.monitor, 3 * S);
    assert_int_equal(next, 91 * S + 1);
    assert_int_equal(monitor_run(f.monitor, 50 * S), next); /* nothing to do */
    assert_int_equal(monitor_result(f.monitor, 0)->evaluations, 1);
    monitor_changed_field(f.monitor, VOC_AGENT, VOC_AGENT_RESTARTS); /* names it not */
    monitor_run(f.monitor, 60 * S);
    assert_int_equal(monitor_result(f.monitor, 0)->evaluations, 1);
    monitor_run(f.monitor, next);
    check_result(&f, 0, MONITOR_FAILED, next,
                 "1 of 3 agents matches: edge-0/agent-0: peer = site/b, age(agent.last_byte) = "
                 "1m30.000000001s");
    arena_free(&f.arena);
}

/* What one process saw another one learns, as often as it is told; other names are refused. */
static void sometimes_as_bytes(void **state)
{
    struct arena arena = {0};
    struct sometimes_tally first = {.arena = &arena}, second = {.arena = &arena};
    struct fixture f;
    struct buf bytes = {0};
    struct str name;
    size_t at = 0;
    start(&f, "  - {name: rare, sometimes: dns.queries > 5}\n"
              "  - {name: few, always: dns.queries <= 50}\n"
              "  - {name: behind, sometimes: dns.queries > 5, from: move}\n");
    monitor_run(f.monitor, 0);
    set_queries(&f, 6);
    monitor_run(f.monitor, 1 * S);
    monitor_finish(f.monitor, 2 * S);
    check_result(&f, 0, MONITOR_HELD, 1 * S, "");
    check_result(&f, 2, MONITOR_UNSEEN, 2 * S, ""); /* it never began to look: not seen, no more */
    sometimes_add(&first, f.monitor);
    sometimes_pack(&first, &bytes);
    check_str(buf_str(&bytes), "-behind\n+rare\n");
    check_ok(sometimes_unpack(&second, STR("-behind\n-rare\n")));
    check_ok(sometimes_unpack(&second, buf_str(&bytes)));
    check_ok(sometimes_unpack(&second, STR("-behind\n-rare\n"))); /* seen stays seen */
    assert_true(sometimes_unseen(&second, &at, &name));
    check_str(name, "behind");
    assert_false(sometimes_unseen(&second, &at, &name));
    buf_free(&bytes);
    arena_free(&f.arena);
    arena_free(&arena);
}

/* What was never looked at was not shown to hold. */
static void a_window_that_never_opens_fails(void **state)
{
    struct fixture f;
    start(&f, "  - {name: open, always: dns.queries <= 5}\n"
              "  - {name: shut, always: dns.queries <= 5, from: move}\n");
    monitor_run(f.monitor, 0);
    monitor_finish(f.monitor, 60 * S);
    check_result(&f, 0, MONITOR_HELD, 60 * S, "");
    check_result(&f, 1, MONITOR_VACUOUS, -1, "");
    arena_free(&f.arena);
}

static uint32_t countless(void *ctx, uint32_t collection)
{
    (void)ctx;
    (void)collection;
    return EXPR_VISITS_MAX + 1;
}

static struct expr_value always_one(void *ctx, uint32_t collection, uint32_t item, uint32_t field)
{
    (void)ctx;
    (void)collection;
    (void)item;
    (void)field;
    return (struct expr_value){.type = EXPR_INT, .known = true, .i = 1};
}

/* What cannot be judged has not held: a condition whose value is not known is no `never` that was kept. */
static void conditions_without_end_fail(void **state)
{
    struct fixture f;
    struct expr_ops ops = world_ops;
    ops.count = countless;
    ops.field = always_one;
    start(&f, "  - {name: many, never: max(agent.restarts) > 5}\n");
    f.env.ops = &ops;
    monitor_run(f.monitor, 3 * S);
    check_result(&f, 0, MONITOR_FAILED, 3 * S,
                 "the condition looks at too many items to be judged");
    monitor_finish(f.monitor, 5 * S);
    arena_free(&f.arena);
}

static void finish_is_idempotent(void **state)
{
    struct fixture f;
    start(&f, "  - {name: few, always: dns.queries <= 5}\n");
    monitor_run(f.monitor, 0);
    monitor_finish(f.monitor, 5 * S);
    monitor_finish(f.monitor, 9 * S);
    check_result(&f, 0, MONITOR_HELD, 5 * S, "");
    assert_int_equal(monitor_count(f.monitor), 1);
    arena_free(&f.arena);
}

/* ---- what cannot change a condition costs nothing ---- */

#define MANY 2000u

/* Clusters edge-0 .. edge-1999, all active; how often a field was asked for. */
struct many {
    struct scenario_world world;
    char names[MANY][16];
    const char *states[MANY];
    uint64_t asked;
};

static uint32_t many_count(void *ctx, uint32_t collection)
{
    return collection == VOC_CLUSTER ? MANY : world_count(ctx, collection);
}

static struct expr_value many_field(void *ctx, uint32_t collection, uint32_t item, uint32_t field)
{
    struct many *m = ctx; /* its first member is the world */
    m->asked++;
    if (collection != VOC_CLUSTER)
        return world_field(ctx, collection, item, field);
    struct str text = str_c(field == VOC_CLUSTER_STATE  ? m->states[item]
                            : field == VOC_CLUSTER_NAME ? m->names[item]
                                                        : "edge");
    return (struct expr_value){EXPR_STRING, true, 0, text};
}

static void others_cost_nothing(void **state)
{
    static const char *const rows[] = {
        "  - {name: one, always: \"none(cluster where name == 'edge-7' and state != active)\"}\n",
        "  - {name: all, always: \"all(cluster where name == 'edge-7': state == active)\"}\n",
        /* in brackets: one element in two pieces, not two without a comma */
        ("  - {name: two, always: \"count(cluster where name in ['edge-7', 'edge-8'] and state == "
         "active) == 2 and manager.leaders == 0\"}\n"),
        "  - {name: group, never: \"exists(cluster where group != edge and state != active)\"}\n",
        "  - {name: gauge, always: \"manager.queue_depth < 100\"}\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct many *m = MEM_NEW(struct many);
        struct expr_ops ops = world_ops;
        ops.count = many_count;
        ops.field = many_field;
        start(&f, rows[i]);
        for (uint32_t c = 0; c < MANY; c++) {
            (void)snprintf(m->names[c], sizeof m->names[c], "edge-%u", c);
            m->states[c] = "active";
        }
        f.env = (struct expr_env){&ops, m};
        monitor_run(f.monitor, 0);
        const struct monitor_result *r = monitor_result(f.monitor, 0);
        assert_int_equal(r->evaluations, 1);
        m->asked = 0;
        for (uint32_t e = 0; e < 20000; e++) { /* of others: clusters, agents, gauges */
            uint32_t c = 100 + e % (MANY - 100);
            m->states[c] = e & 1 ? "active" : "unavailable";
            monitor_changed_item(f.monitor, VOC_CLUSTER, VOC_CLUSTER_STATE, c);
            monitor_changed_item(f.monitor, VOC_CLUSTER, VOC_CLUSTER_CONNECTED, 7);
            monitor_changed_item(f.monitor, VOC_AGENT, VOC_AGENT_CONNECTED, e % 3);
            monitor_changed_global(f.monitor, VOC_GLOBAL_TUNNEL_OPENED);
            monitor_run(f.monitor, (int64_t)(e + 1) * 1000);
        }
        if (r->evaluations != 1 || m->asked)
            fail_msg("%s%llu evaluations, %llu fields", rows[i], (unsigned long long)r->evaluations,
                     (unsigned long long)m->asked);
        m->states[7] = "unavailable"; /* its own change is seen */
        m->world.globals[VOC_GLOBAL_MANAGER_QUEUE_DEPTH] = 100;
        monitor_changed_item(f.monitor, VOC_CLUSTER, VOC_CLUSTER_STATE, 7);
        monitor_changed_global(f.monitor, VOC_GLOBAL_MANAGER_QUEUE_DEPTH);
        monitor_run(f.monitor, 30 * S);
        bool other_group = str_find(str_c(rows[i]), STR("group")) >= 0;
        assert_int_equal(r->verdict, other_group ? MONITOR_WATCHING : MONITOR_FAILED);
        assert_int_equal(r->evaluations, other_group ? 1 : 2);
        mem_free(m);
        arena_free(&f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_and_never),
        cmocka_unit_test(breaches_that_must_last),
        cmocka_unit_test(eventually),
        cmocka_unit_test(within),
        cmocka_unit_test(once_it_is_quiet),
        cmocka_unit_test(at_a_moment),
        cmocka_unit_test(sometimes_over_runs),
        cmocka_unit_test(sometimes_as_bytes),
        cmocka_unit_test(a_window_that_never_opens_fails),
        cmocka_unit_test(conditions_without_end_fail),
        cmocka_unit_test(others_cost_nothing),
        cmocka_unit_test(time_alone),
        cmocka_unit_test(finish_is_idempotent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
