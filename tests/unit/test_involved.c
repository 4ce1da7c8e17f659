/* Goal: a failure is told with the components that it names, and with their last events, up to its moment and no others.
 * Method: one small timeline; a table of failures with the components and the events (by index) that must come out. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/run/involved.h"

static const struct report_lane lanes[] = {{STR_INIT("site/a/manager-0"), STR_INIT("site/a")},
                                           {STR_INIT("site/b/manager-0"), STR_INIT("site/b")},
                                           {STR_INIT("agents of edge"), STR_INIT("agents")},
                                           {STR_INIT("dns"), STR_INIT("network")},
                                           {STR_INIT("world"), STR_INIT("network")}};

#define AT(s, lane_, kind_, text_)                                                                 \
    {                                                                                              \
        .at_ns = (s)*NS_PER_S, .lane = lane_, .kind = STR_INIT(kind_), .text = STR_INIT(text_)     \
    }
static const struct report_event timeline[] = {
    AT(1, 4, "cluster.imported", "edge-1"),
    AT(2, 2, "process.start", "edge-1/agent-0"),
    AT(2, 2, "process.start", "edge-10/agent-0"),
    AT(3, 0, "leader.started", "site/a/manager-0"),
    AT(4, 3, "dns.servfail", "manager.x.test"),
    AT(5, 4, "fault.began", "cut link/cluster/edge[1]/site/a"),
    AT(6, 2, "agent.disconnected", "edge-1/agent-0 the stream was cut"),
    AT(7, 1, "process.start", "site/b/manager-0"),
    AT(8, 2, "agent.connected", "edge-1/agent-0 198.51.100.1"),
};
static const struct report_fault faults[] = {{.name = STR_INIT("cut"),
                                              .target = STR_INIT("link/cluster/edge[10]/site/b"),
                                              .begin_ns = 5 * NS_PER_S,
                                              .end_ns = 7 * NS_PER_S},
                                             {.name = STR_INIT("open"),
                                              .target = STR_INIT("cluster/edge[1]"),
                                              .begin_ns = 5 * NS_PER_S,
                                              .end_ns = -1}};

static struct str listed(struct arena *a, const struct report_failure *f)
{
    struct buf out = {0};
    for (size_t i = 0; i < f->components_n; i++)
        buf_addf(&out, "%s" STR_FMT, i ? " " : "", STR_ARG(f->components[i]));
    buf_add_char(&out, ':');
    for (size_t i = 0; i < f->events_n; i++)
        buf_addf(&out, " %u", f->events[i]);
    struct str text = arena_str(a, buf_str(&out));
    buf_free(&out);
    return text;
}

static void who_and_what(void **state)
{
    static const struct {
        const char *kind, *name, *seen;
        int64_t at_s; /* -1: not at a moment */
        const char *want;
    } rows[] = {
        {"assert", "x", "1 of 2 agents fails: edge-1/agent-0: connected = false", 6,
         "edge-1/agent-0: 0 1 5 6"},
        {"assert", "x", "1 of 2 agents fails: edge-1/agent-0: connected = false", 8,
         "edge-1/agent-0: 0 1 5 6 8"},
        {"assert", "x", "edge-10/agent-0: connected = false", 8, "edge-10/agent-0: 2"},
        {"assert", "x", "edge-1: active_at = never", 8, "edge-1: 0 1 5 6 8"},
        {"assert", "x", "peer = site/b, and that is all.", 8, "site/b: 7"},
        {"assert", "x", "site/a/manager-0: leads = true; edge-10: x", 8,
         "site/a/manager-0 edge-10: 2 3 5"},
        {"assert", "x", "dns answers nothing", 8, "dns: 4"},
        {"assert", "x", "count(agent where connected) = 1", 4, ": 0 1 2 3 4"},
        {"assert", "x", "nothing at all", 0, ":"},
        {"wait", "x", "", 2, ": 0 1 2"},
        {"fault", "cut", "never took effect", -1, "edge-10 site/b: 2 7"},
        {"assert", "x", "(Edge_0) {edge-1/} ... //", 8, "edge-1: 0 1 5 6 8"},
        {"assert", "x", "a/b/c/d/e/f/g/h/edge-1/agent-0", 8, ": 0 1 2 3 4 5 6 7 8"},
        {"fault", "open", "never took effect", -1, "edge-1: 0 1 5 6 8"},
        {"fault", "no such one", "edge-1/agent-0", -1, "edge-1/agent-0: 0 1 5 6 8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a = {0};
        const struct report_failure f = {.kind = str_c(rows[i].kind),
                                         .name = str_c(rows[i].name),
                                         .seen = str_c(rows[i].seen),
                                         .at_ns = rows[i].at_s < 0 ? -1 : rows[i].at_s * NS_PER_S};
        struct report_run run = {.lanes = lanes,
                                 .lanes_n = ARRAY_LEN(lanes),
                                 .timeline = timeline,
                                 .timeline_n = ARRAY_LEN(timeline),
                                 .faults = faults,
                                 .faults_n = ARRAY_LEN(faults),
                                 .failures = &f,
                                 .failures_n = 1,
                                 .simulated_ns = 10 * NS_PER_S};
        involved_add(&a, &run);
        struct str got = listed(&a, &run.failures[0]);
        if (!str_eq_c(got, rows[i].want))
            fail_msg("%s: \"%.*s\" instead of \"%s\"", rows[i].seen, STR_ARG(got), rows[i].want);
        arena_free(&a);
    }
}

/* Only the last ones, and of many names only some. */
static void bounds(void **state)
{
    struct arena a = {0};
    struct report_event *many = ARENA_NEW_ARRAY(&a, struct report_event, 1000);
    struct buf seen = {0};
    for (size_t i = 0; i < 1000; i++) {
        many[i] = (struct report_event){.at_ns = (int64_t)i * NS_PER_S,
                                        .lane = 2,
                                        .kind = STR("k"),
                                        .text = arena_printf(&a, "edge-%zu/agent-0", i % 40)};
        buf_addf(&seen, "edge-%zu ", i % 40);
    }
    const struct report_failure f = {.kind = STR("assert"), .seen = buf_str(&seen), .at_ns = -1};
    struct report_run run = {.lanes = lanes,
                             .lanes_n = ARRAY_LEN(lanes),
                             .timeline = many,
                             .timeline_n = 1000,
                             .failures = &f,
                             .failures_n = 1,
                             .simulated_ns = 1000 * NS_PER_S};
    involved_add(&a, &run);
    assert_int_equal(run.failures[0].components_n, INVOLVED_COMPONENTS_MAX);
    assert_int_equal(run.failures[0].events_n, INVOLVED_EVENTS_MAX);
    for (size_t i = 0; i < INVOLVED_EVENTS_MAX; i++)
        assert_true(run.failures[0].events[i] % 40 < INVOLVED_COMPONENTS_MAX);
    assert_int_equal(run.failures[0].events[INVOLVED_EVENTS_MAX - 1], 40 * 24 + 15);
    buf_free(&seen);
    arena_free(&a);
}

/* Of many failures the first are told with what they name, the others stand alone. */
static void many_failures(void **state)
{
    (void)state;
    struct arena a = {0};
    struct report_failure *list =
        ARENA_NEW_ARRAY(&a, struct report_failure, INVOLVED_FAILURES_MAX + 2);
    for (size_t i = 0; i < INVOLVED_FAILURES_MAX + 2; i++)
        list[i] = (struct report_failure){
            .kind = STR("assert"), .name = STR("x"), .text = STR("edge-1: no"), .at_ns = -1};
    struct report_run run = {.lanes = lanes,
                             .lanes_n = ARRAY_LEN(lanes),
                             .timeline = timeline,
                             .timeline_n = ARRAY_LEN(timeline),
                             .failures = list,
                             .failures_n = INVOLVED_FAILURES_MAX + 2,
                             .simulated_ns = 10 * NS_PER_S};
    involved_add(&a, &run);
    assert_int_equal(run.failures[INVOLVED_FAILURES_MAX - 1].components_n, 1);
    assert_int_equal(run.failures[INVOLVED_FAILURES_MAX].components_n, 0);
    assert_int_equal(run.failures[INVOLVED_FAILURES_MAX].events_n, 0);
    check_str(run.failures[INVOLVED_FAILURES_MAX + 1].text, "edge-1: no");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_and_what), cmocka_unit_test(bounds),
                                       cmocka_unit_test(many_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
