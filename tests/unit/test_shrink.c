/* Goal: what shrinking leaves is the least that fails the same way, says why each line is there, and is a scenario that the
 * loader takes; what fails otherwise, or without any fault, is not taken for it; the time ends it with the best so far.
 * Method: candidates are judged by a predicate over their text instead of by a run: some lines are what makes it fail. */
#include "sim/scenario/language/plan.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/shrink/freeze.h"
#include "sim/scenario/shrink/shrink.h"
#include "tests/unit/support/check.h"

#define HEAD                                                                                       \
    "scenario: v1\nname: many\ndoc: Much happens.\ntags: [ci]\n"                                   \
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 30m}\n"                                       \
    "topology:\n"                                                                                  \
    "  sites: {a: {manager: {replicas: 3}}, b: {manager: {standby: true}}}\n"                      \
    "  clusters: {edge: {count: 40, nodes: 3}}\n"                                                  \
    "  dns: {records: {manager: {ttl: 60s, value: site/a}}}\n"                                     \
    "  links: [{between: [cluster/edge, site/*], latency: {p50: 40ms, p99: 180ms}}]\n"
#define STEPS                                                                                      \
    "steps:\n"                                                                                     \
    "  - {name: settle, wait: {until: \"all(agent: connected)\", within: 5m}}\n"                   \
    "  - {name: again, at: 12m, do: {manager.restart: site/a}}\n"
#define FAULTS                                                                                     \
    "faults:\n"                                                                                    \
    "  - {at: 5m, for: 40s, target: dns/resolver/default, fault: {dns: servfail, share: 0.2}}\n"   \
    "  - {at: 6m, for: 7m, target: site/a, fault: {tls: expired}}\n"                               \
    "  - {at: 7m, for: 20s, target: \"link/cluster/edge[0..4]/site/a\", fault: {net: "             \
    "partition}}\n"                                                                                \
    "  - {at: 8m, for: 1m, target: site/a, fault: {process: pause}}\n"
#define ASSERTS                                                                                    \
    "assert:\n"                                                                                    \
    "  - {name: it holds, always: \"count(agent) >= 0\"}\n"                                        \
    "  - {name: it breaks, never: \"exists(agent where not connected)\", from: 5m}\n"

struct judge {
    const char *needs[4];  /* all of them are in what fails */
    const char *alone;     /* with this text and none of `needs`, it fails as well; NULL: never */
    size_t runs, runs_max; /* 0: as many as it takes */
};

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) >= 0;
}

static void run(void *ctx, const struct str *texts, size_t n, struct shrink_outcome *out)
{
    struct judge *j = ctx;
    for (size_t i = 0; i < n; i++) {
        struct arena a = {0};
        struct buf errors = {0};
        bool fails = has(texts[i], "it breaks");
        for (size_t k = 0; k < ARRAY_LEN(j->needs) && j->needs[k]; k++)
            fails = fails && has(texts[i], j->needs[k]);
        fails = fails || (j->alone && !has(texts[i], j->alone));
        out[i] = (struct shrink_outcome){.end = SHRINK_PASSED, .at_ns = -1};
        if (scenario_validate(STR("candidate"), texts[i], NULL, &errors) > 0)
            out[i].end = SHRINK_INVALID;
        else if (fails)
            out[i] = (struct shrink_outcome){SHRINK_FAILED, STR("assert"), STR("it breaks"),
                                             STR("seen: one"), 361 * INT64_C(1000000000)};
        j->runs++;
        buf_free(&errors);
        arena_free(&a);
    }
}

static bool over(void *ctx)
{
    const struct judge *j = ctx;
    return j->runs_max > 0 && j->runs >= j->runs_max;
}

static struct err *shrink_text(struct arena *a, struct judge *j, const char *text, size_t width,
                               struct buf *out, struct shrink_summary *sum)
{
    struct shrink_job job = {.arena = a,
                             .text = str_c(text),
                             .want = {SHRINK_FAILED, STR("assert"), STR("it breaks"), str_empty, 0},
                             .origin = STR("many.yaml"),
                             .again = STR("paddock-sim run shrunk.yaml"),
                             .width = width,
                             .run = run,
                             .over = over,
                             .ctx = j};
    *sum = (struct shrink_summary){0};
    return shrink(&job, out, sum);
}

static void leaves_what_makes_it_fail(void **state)
{
    struct arena a = {0};
    struct buf one = {0}, two = {0};
    struct shrink_summary sum;
    struct judge j = {.needs = {"tls: expired", "edge: {"}}, k = j;
    check_ok(shrink_text(&a, &j, HEAD STEPS FAULTS ASSERTS, 1, &one, &sum));
    assert_true(sum.complete);
    assert_int_equal(sum.before.faults, 4);
    assert_int_equal(sum.after.faults, 1);
    assert_int_equal(sum.after.steps, 0);
    assert_int_equal(sum.after.clusters, 1);
    assert_true(has(buf_str(&one),
                    "# Shrunk from many.yaml: 1 of 4 faults, 0 of 2 steps, 1 of 40 clusters left"));
    assert_true(has(buf_str(&one), "# It fails: assert \"it breaks\" at 6m1s: seen: one\n"));
    assert_true(has(buf_str(&one), "fault: {tls: expired}}  # without it: passes\n"));
    assert_true(has(buf_str(&one), "{at: 6m, for: 1s, target: site/a"));
    assert_true(has(buf_str(&one), "# this is what fails\n"));
    assert_true(has(buf_str(&one), "limit: 6m2s"));
    assert_false(has(buf_str(&one), "it holds"));
    assert_false(has(buf_str(&one), "steps:"));
    assert_false(has(buf_str(&one), "links:"));
    check_ok(shrink_text(&a, &k, HEAD STEPS FAULTS ASSERTS, 2, &two, &sum));
    struct str first, second, skip; /* all but the number of runs is the same */
    (void)str_cut(buf_str(&one), '\n', &skip, &first);
    (void)str_cut(buf_str(&two), '\n', &skip, &second);
    assert_true(first.n > 0 && has(first, "scenario: v1"));
    check_str_eq(str_sub(first, (size_t)str_find(first, STR("scenario:")), first.n),
                 str_sub(second, (size_t)str_find(second, STR("scenario:")), second.n));
    buf_free(&one);
    buf_free(&two);
    arena_free(&a);
}

static void several_of_them_and_numbers(void **state)
{
    struct arena a = {0};
    struct buf out = {0};
    struct shrink_summary sum;
    struct judge j = {.needs = {"servfail", "process: pause", "name: again", "for: 20s"}};
    check_ok(shrink_text(&a, &j, HEAD STEPS FAULTS ASSERTS, 2, &out, &sum));
    assert_int_equal(sum.after.faults, 3);
    assert_int_equal(sum.after.steps, 1);
    assert_true(has(buf_str(&out), "{at: 7m, for: 20s, target: \"link/cluster/edge[0]/site/a\""));
    assert_true(has(buf_str(&out), "with 15s it passes"));
    buf_free(&out);
    arena_free(&a);
}

/* A topology without the record fails like this as well, with or without faults: that is not what was looked for. */
static void does_not_slip_to_what_fails_without_faults(void **state)
{
    struct arena a = {0};
    struct buf out = {0};
    struct shrink_summary sum;
    struct judge j = {.needs = {"tls: expired"}, .alone = "settle"};
    check_ok(shrink_text(&a, &j, HEAD STEPS FAULTS ASSERTS, 1, &out, &sum));
    assert_int_equal(sum.after.faults, 1);
    assert_true(has(buf_str(&out), "settle"));
    assert_true(has(buf_str(&out), "without it: fails without any fault as well"));
    buf_free(&out);
    arena_free(&a);
}

static void what_does_not_fail_is_said(void **state)
{
    struct arena a = {0};
    struct buf out = {0};
    struct shrink_summary sum;
    struct judge j = {.needs = {"nowhere"}};
    check_err(shrink_text(&a, &j, HEAD FAULTS ASSERTS, 1, &out, &sum), ERR_INVALID, "it passes");
    check_err(shrink_text(&a, &j, "scenario: v1\nname: x\n", 1, &out, &sum), ERR_INVALID,
              "it is no scenario");
    check_err(shrink_text(&a, &j, "a: [", 1, &out, &sum), ERR_INVALID, "frozen");
    assert_int_equal(out.n, 0);
    arena_free(&a);
}

static void the_time_ends_it(void **state)
{
    size_t last = SIZE_MAX;
    for (size_t runs = 2; runs < 60; runs += 6) {
        struct arena a = {0};
        struct buf out = {0}, errors = {0};
        struct shrink_summary sum;
        struct judge j = {.needs = {"tls: expired"}, .runs_max = runs},
                     again = {.needs = {"tls: expired"}};
        check_ok(shrink_text(&a, &j, HEAD STEPS FAULTS ASSERTS, 1, &out, &sum));
        struct shrink_outcome o;
        struct str text = buf_str(&out);
        run(&again, &text, 1, &o);
        assert_int_equal(o.end, SHRINK_FAILED); /* whatever was reached fails the same way */
        assert_true(sum.complete || has(text, "# The time"));
        assert_true(sum.after.faults <= last);
        last = sum.after.faults;
        buf_free(&errors);
        buf_free(&out);
        arena_free(&a);
    }
}

/* ---- freezing ---- */

static void a_frozen_file_has_nothing_left_to_choose(void **state)
{
    static const char text[] =
        "scenario: v1\nname: many\nprofile: [compat, hardened]\n"
        "seeds: {first: 3, count: 50}\n"
        "params: {size: {type: int, default: 4}}\n"
        "matrix: {x: [{id: one, fault: {tls: expired}}, {id: two, fault: {net: reset}}]}\n"
        "clock: {limit: 5m}\n"
        "topology:\n"
        "  sites: {a: {manager: {replicas: 1}}}\n"
        "  clusters: {edge: {count: \"${size}\"}}\n"
        "  dns: {records: {manager: {value: site/a}}}\n"
        "faults: [{at: 1m, for: 5s, target: site/a, fault: \"${matrix.x.fault}\"}]\n"
        "assert: [{name: it breaks, never: \"exists(agent where not connected)\"}]\n";
    struct arena a = {0};
    struct buf out = {0}, errors = {0};
    struct str set = STR("size=2"), policy = STR("tunnel.dead_after=5m");
    struct freeze_request q = {.file = STR("many.yaml"),
                               .bytes = STR(text),
                               .case_filter = STR("x=one"),
                               .profile = STR("compat"),
                               .sets = &set,
                               .sets_n = 1,
                               .policies = &policy,
                               .policies_n = 1,
                               .seed = 17};
    check_ok(shrink_freeze(&a, &q, &out));
    assert_int_equal(scenario_validate(STR("frozen"), buf_str(&out), NULL, &errors), 0);
    assert_true(has(buf_str(&out), "profile: compat\n"));
    assert_true(has(buf_str(&out), "seeds: {first: 17, count: 1}\n"));
    assert_true(has(buf_str(&out), "policies: {tunnel.dead_after: 5m}\n"));
    assert_true(has(buf_str(&out), "fault: {tls: expired}"));
    assert_true(has(buf_str(&out), "count: 2"));
    assert_false(has(buf_str(&out), "${"));
    assert_false(has(buf_str(&out), "matrix"));
    buf_free(&out);
    q.bytes = STR("scenario: v1\nname: x\n");
    check_err(shrink_freeze(&a, &q, &out), ERR_INVALID, "many.yaml:1:1");
    buf_free(&out);
    buf_free(&errors);
    arena_free(&a);
}

/* What a seed draws is a timeline in the file; policies of the file and of the command are joined. */
static void what_is_drawn_becomes_the_timeline(void **state)
{
    static const char text[] =
        "scenario: v1\nname: many\nseeds: {count: 50, swarm: true}\n"
        "policies: {tunnel.dead_after: 4m, agent.start: retry}\n"
        "clock: {limit: 8m}\n"
        "topology:\n"
        "  sites: {a: {manager: {replicas: 1}}}\n"
        "  clusters: {edge: {count: 2}}\n"
        "  dns: {records: {manager: {value: site/a}}}\n"
        "chaos:\n"
        "  from: 1m\n  until: 5m\n  every: 30s\n"
        "  palette: [{target: site/a, for: 5s..20s, fault: {process: pause}}]\n"
        "assert: [{name: it breaks, never: \"exists(agent where not connected)\"}]\n";
    struct str policy = STR("tunnel.dead_after=5m");
    struct arena a = {0};
    struct buf out = {0}, errors = {0};
    struct freeze_request q = {.file = STR("many.yaml"),
                               .bytes = STR(text),
                               .policies = &policy,
                               .policies_n = 1,
                               .seed = 9};
    check_ok(shrink_freeze(&a, &q, &out));
    assert_int_equal(scenario_validate(STR("frozen"), buf_str(&out), NULL, &errors), 0);
    assert_true(str_starts(buf_str(&out), STR("scenario: v1\nname: many\nprofile: hardened\n"
                                              "seeds: {first: 9, count: 1}\npolicies: {")));
    assert_true(has(buf_str(&out), "tunnel.dead_after: 5m"));
    assert_false(has(buf_str(&out), "tunnel.dead_after: 4m"));
    assert_true(has(buf_str(&out), "\nfaults:\n  - name: \"chaos 1: process pause on site/a\"\n"
                                   "    at: 1m41.805s\n    for: 11.526s\n"));
    assert_false(has(buf_str(&out), "palette") || has(buf_str(&out), "swarm"));
    buf_clear(&out);
    q.policies_n = 0;
    check_ok(shrink_freeze(&a, &q, &out));
    assert_true(has(buf_str(&out), "tunnel.dead_after: 4m"));
    buf_free(&out);
    buf_free(&errors);
    arena_free(&a);
}

/* Whoever can run plans puts the crash in: it has the plan of the seed and policies that are asked for. */
static struct err *strike(struct arena *a, struct plan *plan, size_t point)
{
    if (point > 2)
        return err_new(ERR_INVALID, "there is no point %zu", point);
    plan->faults[0].name = arena_printf(a, "it, point %zu of seed %d", point, (int)plan->seed);
    return NULL;
}

static void a_point_is_put_in_by_whoever_can(void **state)
{
    static const char text[] =
        HEAD "seeds: {first: 5, count: 9}\n"
             "faults:\n  - {name: it, at: 5m, target: manager/a, fault: {process: crash, at: "
             "each-write}}\n"
             "  - {at: 6m, for: 7m, target: site/a, fault: {tls: expired}}\n";
    struct str policy = STR("tunnel.dead=5m");
    struct arena a = {0};
    struct buf out = {0};
    struct freeze_request q = {.file = STR("many.yaml"),
                               .bytes = STR(text),
                               .profile = STR("compat"),
                               .point = 2,
                               .strike = strike,
                               .seed = 17};
    check_ok(shrink_freeze(&a, &q, &out));
    assert_true(has(buf_str(&out), "name: \"it, point 2 of seed 17\""));
    assert_true(has(buf_str(&out), "seeds: {first: 17, count: 1}\n"));
    buf_clear(&out);
    q.first_seed = true;
    check_ok(shrink_freeze(&a, &q, &out));
    assert_true(has(buf_str(&out), "name: \"it, point 2 of seed 5\""));
    assert_true(has(buf_str(&out), "fault: {tls: expired}"));
    q.point = 3;
    check_err(shrink_freeze(&a, &q, &out), ERR_INVALID, "there is no point 3");
    q.policies = &policy;
    q.policies_n = 1;
    check_err(shrink_freeze(&a, &q, &out), ERR_INVALID, "unknown policy \"tunnel.dead\"");
    buf_free(&out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_makes_it_fail),
        cmocka_unit_test(several_of_them_and_numbers),
        cmocka_unit_test(does_not_slip_to_what_fails_without_faults),
        cmocka_unit_test(what_does_not_fail_is_said),
        cmocka_unit_test(the_time_ends_it),
        cmocka_unit_test(a_frozen_file_has_nothing_left_to_choose),
        cmocka_unit_test(what_is_drawn_becomes_the_timeline),
        cmocka_unit_test(a_point_is_put_in_by_whoever_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
