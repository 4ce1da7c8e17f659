/* Goal: the points of a scenario are all there, each is a run of its own in which exactly one crash happens, at its write
 * and on its side of it; options choose among them; a state that differs from the faultless run's is told.
 * Method: a little estate, carried out as the program does it. */
#include "tests/unit/support/check.h"

#include "engine/world/world.h"
#include "sim/scenario/run/points.h"
#include "sim/scenario/shrink/freeze.h"
#include "sim/scenario/suite/strike.h"
#include "sim/scenario/suite/suite.h"

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 2m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 1}}}\n"
    "  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}\n"
    "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n";

#define EACH(of)                                                                                   \
    "faults:\n"                                                                                    \
    "  - {name: it, at: 0s, for: 60s, target: manager/a, fault: {process: crash, at: each-write, " \
    "of: " of "}}\n"
#define SAME "assert:\n  - {name: same, at: 1m55s, that: \"state(all) == reference.state(all)\"}\n"

static int64_t no_clock(void *ctx)
{
    (void)ctx;
    return 0;
}

struct ran {
    struct options options;
    struct suite *suite;
    struct arena arena;
    const struct report *report;
};

static void carry_out_file(struct ran *r, struct str text)
{
    struct run_options run = {.log_level = LOG_ERROR, .wall_clock = no_clock, .until_ns = -1};
    struct buf errors = {0};
    r->options.command = COMMAND_RUN;
    r->options.profile = STR("hardened");
    r->suite = suite_new(&r->options, &run);
    if (!suite_add_file(r->suite, STR("t.yaml"), text, &errors))
        fail_msg("%s", buf_c(&errors));
    check_ok(suite_lay_out(r->suite));
    for (size_t i = 0; i < suite_count(r->suite); i++)
        suite_done(r->suite, i, suite_run(r->suite, i, &r->arena));
    r->report = suite_report(r->suite);
    buf_free(&errors);
}

static void carry_out(struct ran *r, const char *text)
{
    struct buf all = {0};
    buf_addf(&all, "%s%s", head, text);
    carry_out_file(r, buf_str(&all));
    buf_free(&all);
}

static void ran_free(struct ran *r)
{
    suite_free(r->suite);
    arena_free(&r->arena);
}

static bool same_state_is_told(const struct report_run *run)
{
    for (size_t i = 0; i < run->failures_n; i++)
        if (str_eq_c(run->failures[i].name, "same"))
            return str_find(run->failures[i].text, STR("in the reference")) > 0;
    return false;
}

/* How often a process crashed. */
static int64_t crashes(const struct report_run *run)
{
    for (size_t i = 0; i < run->metrics_n; i++)
        if (str_eq_c(run->metrics[i].name, "process.crashes"))
            return run->metrics[i].value;
    return 0;
}

/* The writes of the manager to registration tokens: each with a point before and one behind it. */
static void every_point_is_a_run_with_one_crash(void **state)
{
    (void)state;
    struct ran r = {.options = {.points_of = 0}};
    carry_out(&r, EACH("clusterregistrationtokens") SAME);
    size_t n = r.report->n;
    assert_int_equal(n, 2 * 4); /* two tokens: each is made, and its status written */
    for (size_t i = 0; i < n; i++) {
        const struct report_run *run = r.report->runs[i];
        struct buf id = {0}, side = {0};
        buf_addf(&id, "point=%zu", i + 1);
        buf_addf(&side, "it, %s write %zu: site/a/manager-0: ", i % 2 ? "after" : "before",
                 i / 2 + 1);
        check_str(run->case_id, buf_c(&id));
        if (run->outcome != REPORT_PASSED)
            fail_msg("%s: %.*s", buf_c(&id), (int)run->failures[0].text.n, run->failures[0].text.p);
        assert_int_equal(run->faults_n, 1);
        assert_int_equal(run->faults[0].fired, 1);
        assert_true(str_starts(run->faults[0].name, buf_str(&side)));
        assert_true(str_find(run->replay, STR("--case point=")) > 0);
        assert_int_equal(crashes(run), 1);
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(run->faults[0].name, r.report->runs[k]->faults[0].name));
        buf_free(&id);
        buf_free(&side);
    }
    ran_free(&r);

    struct ran one = {.options = {.case_filter = STR("point=3")}};
    carry_out(&one, EACH("clusterregistrationtokens") SAME);
    assert_int_equal(one.report->n, 1);
    check_str(one.report->runs[0]->case_id, "point=3");
    ran_free(&one);

    struct ran some = {.options = {.points_at = 2, .points_of = 3}};
    carry_out(&some, EACH("clusterregistrationtokens") SAME);
    assert_int_equal(some.report->n, (n + 1) / 3);
    check_str(some.report->runs[0]->case_id, "point=2");
    ran_free(&some);
}

static struct err *strike(struct arena *a, struct plan *plan, size_t point)
{
    return strike_plan(a, plan, point, no_clock);
}

/* The other replica writes as well: what counts is whose write it is. */
static void a_point_written_down_is_the_same_run(void **state)
{
    static const char text[] =
        "scenario: v1\n"
        "name: t\n"
        "clock: {start: \"2026-01-01T00:00:00Z\", limit: 30s}\n"
        "topology:\n"
        "  sites: {a: {manager: {replicas: 2}}}\n"
        "  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}\n"
        "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n"
        "faults:\n"
        "  - {name: it, at: 0s, for: 20s, target: manager, fault: {process: crash, at: "
        "each-write}}\n";
    struct arena a = {0};
    struct ran all = {.options = {.points_of = 0}};
    size_t points = 0, compared = 0;
    (void)state;
    carry_out_file(&all, STR(text));
    points = all.report->n;
    for (size_t i = 3; i < points; i += 13) {
        struct freeze_request q = {.file = STR("t.yaml"),
                                   .bytes = STR(text),
                                   .point = i,
                                   .strike = strike,
                                   .profile = STR("hardened"),
                                   .seed = 1};
        struct buf frozen = {0};
        struct ran one = {.options = {.points_of = 0}};
        check_ok(shrink_freeze(&a, &q, &frozen));
        carry_out_file(&one, buf_str(&frozen));
        assert_int_equal(one.report->n, 1);
        assert_int_equal(crashes(one.report->runs[0]), 1);
        check_str(one.report->runs[0]->trace_hash,
                  arena_c(&a, all.report->runs[i - 1]->trace_hash));
        compared++;
        ran_free(&one);
        buf_free(&frozen);
    }
    assert_true(compared >= 4);
    struct freeze_request beyond = {.file = STR("t.yaml"),
                                    .bytes = STR(text),
                                    .point = 10000,
                                    .strike = strike,
                                    .profile = STR("hardened")};
    struct buf none = {0};
    check_err(shrink_freeze(&a, &beyond, &none), ERR_INVALID, "there is no point 10000");
    ran_free(&all);
    arena_free(&a);
}

/* How many differences from the faultless run are told. */
static uint64_t differences(const struct report_run *run)
{
    uint64_t n = 0;
    struct str number, rest = run->failures[0].text;
    ptrdiff_t at = str_find(rest, STR(" difference"));
    while (at > 0 && rest.p[at - 1] != '(')
        at--;
    assert_true(at > 0);
    assert_true(str_cut(str_sub(rest, (size_t)at, rest.n), ' ', &number, &rest));
    assert_true(str_to_u64(number, &n));
    return n;
}

/* A manager that stays away after its crash: the write is missing before its point, and there behind it. */
static void a_point_is_before_or_after_its_write(void **state)
{
    (void)state;
    struct ran r = {.options = {.points_of = 0}};
    carry_out(&r,
              "faults:\n"
              "  - {at: 0s, for: 60s, target: manager/a, fault: {process: crash, at: each-write, "
              "of: secrets, delay: 110s}}\n" SAME);
    assert_int_equal(r.report->n, 2);
    assert_int_equal(differences(r.report->runs[0]), differences(r.report->runs[1]) + 1);
    struct str text = r.report->runs[0]->failures[0].text;
    assert_true(str_find(text, STR("; the crash was before write 1: site/a/manager-0: POST")) > 0);
    ran_free(&r);
}

static void points_that_are_not_there(void **state)
{
    (void)state;
    struct ran none = {.options = {.points_of = 0}};
    carry_out(&none, EACH("pods"));
    assert_int_equal(none.report->n, 1);
    assert_int_equal(none.report->runs[0]->outcome, REPORT_FAILED); /* it never took effect */
    check_str(none.report->runs[0]->failures[0].kind, "fault");
    ran_free(&none);
    struct ran far = {.options = {.case_filter = STR("point=10000")}};
    carry_out(&far, EACH("clusters"));
    assert_int_equal(far.report->n, 1);
    check_str(far.report->runs[0]->failures[0].name, "point");
    ran_free(&far);
}

/* Other faults happen in the probing run as they do in the points'; the reference has none of them. */
static void other_faults_are_part_of_each_point(void **state)
{
    (void)state;
    struct ran r = {.options = {.points_at = 1, .points_of = 7}};
    carry_out(
        &r,
        EACH(
            "clusters") "  - {name: away, at: 90s, target: node/edge, fault: {node: gone}}\n" SAME);
    assert_true(r.report->n >= 1);
    for (size_t i = 0; i < r.report->n; i++) {
        const struct report_run *run = r.report->runs[i];
        assert_int_equal(run->faults_n, 2);
        assert_int_equal(run->faults[0].fired, 1);
        assert_true(same_state_is_told(run));
    }
    ran_free(&r);
}

static void a_run_without_faults_is_its_own_reference(void **state)
{
    (void)state;
    struct ran r = {.options = {.points_of = 0}};
    carry_out(&r, SAME);
    assert_int_equal(r.report->n, 1);
    assert_int_equal(r.report->runs[0]->outcome, REPORT_PASSED);
    struct str plain = r.report->runs[0]->trace_hash;
    struct ran other = {.options = {.points_of = 0}};
    carry_out(&other, "assert:\n  - {name: it, at: 1m55s, that: \"count(agent) == 1\"}\n");
    assert_true(
        str_eq(plain, other.report->runs[0]->trace_hash)); /* the reference leaves no trace */
    ran_free(&r);
    ran_free(&other);
}

static void what_has_points_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {EACH("a") "  - {at: 1s, target: manager/a, fault: {process: crash, at: each-write}}\n",
         "only one fault may be \"at: each-write\""},
        {"steps:\n  - {do: {fault: {process: crash, at: each-write}, target: manager/a}}\n",
         "belongs to the timeline"},
        {"assert:\n  - {name: x, at: 1m, that: \"count(agent) == 1\", ignore: [uid]}\n",
         "\"ignore\" goes with states"},
        {"assert:\n  - {name: x, at: 1m, that: \"state(manager/a) == "
         "reference.state(manager/a)\"}\n",
         "only APIs have a state"},
        {"steps:\n  - {wait: {until: \"state(all) == reference.state(all)\", within: 1m}}\n",
         "cannot wait for itself"},
        {"measure:\n  m: {gauge: \"count(agent where state(all) == reference.state(all))\"}\n",
         "no measure"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct options options = {.command = COMMAND_RUN};
        struct run_options run = {.until_ns = -1};
        struct suite *s = suite_new(&options, &run);
        struct buf errors = {0}, all = {0};
        buf_addf(&all, "%s%s", head, rows[i].text);
        assert_false(suite_add_file(s, STR("t.yaml"), buf_str(&all), &errors));
        if (str_find(buf_str(&errors), str_c(rows[i].error)) < 0)
            fail_msg("%s: %s", rows[i].error, buf_c(&errors));
        buf_free(&errors);
        buf_free(&all);
        suite_free(s);
    }
}

/* The list of writes is bounded: what comes behind it is counted. */
static void writes_beyond_the_bound_are_counted(void **state)
{
    (void)state;
    struct points p = {0};
    struct buf text = {0};
    for (size_t i = 0; i < POINTS_WRITES_MAX + 3; i++)
        points_add(&p, STR("edge-0"), STR("PUT"), i % 2 ? STR("/a") : STR("/b"), (int64_t)i);
    assert_int_equal(points_count(&p), 2 * POINTS_WRITES_MAX);
    assert_int_equal(p.left_out, 3);
    points_describe(&p, 1, &text);
    check_str(buf_str(&text), "before write 1: edge-0: PUT /b");
    buf_clear(&text);
    points_describe(&p, 6, &text);
    check_str(buf_str(&text), "after write 3: edge-0: PUT /b for the 2. time");
    buf_free(&text);
    points_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_beyond_the_bound_are_counted),
        cmocka_unit_test(every_point_is_a_run_with_one_crash),
        cmocka_unit_test(a_point_is_before_or_after_its_write),
        cmocka_unit_test(a_point_written_down_is_the_same_run),
        cmocka_unit_test(points_that_are_not_there),
        cmocka_unit_test(other_faults_are_part_of_each_point),
        cmocka_unit_test(a_run_without_faults_is_its_own_reference),
        cmocka_unit_test(what_has_points_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
