/* Goal: a run's verdict is right in both directions: what must fail does, for its own reason and at its own time, and
 * nothing else does.
 * Method: small scenario files over one and the same little estate, run as the program runs them; each row names the
 * failures that its run must have, "" for none. */
#include "tests/unit/support/check.h"

#include "engine/world/world.h"
#include "sim/scenario/suite/suite.h"

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 5m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 1}}}\n"
    "  clusters: {edge: {count: 2, nodes: 1, agent: {replicas: 1}}, empty: {count: 0}}\n"
    "  dns: {zone: x.test, resolvers: {default: {cache: true}, idle: {share: 0.0001%}},\n"
    "        records: {manager: {ttl: 30s, value: [site/a]}, other: {value: [site/a]}}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: \"all(agent: connected)\", within: 2m}}\n";

/* What holds in this estate from 2m on, and what a cut from 3m to 4m changes. */
#define CUT                                                                                        \
    "faults:\n"                                                                                    \
    "  - {name: cut, at: 3m, for: 60s, target: link/cluster/edge/site/a, fault: {net: "            \
    "partition}}\n"
/* Nobody shakes hands in that second. */
#define IDLE(optional)                                                                             \
    "faults:\n"                                                                                    \
    "  - {name: idle, at: 3m, for: 1s, target: site/a, fault: {tls: expired}, optional: " optional \
    "}\n"
/* Everybody has to connect anew, while something else goes on. */
#define REDIAL(target, fault)                                                                      \
    "faults:\n"                                                                                    \
    "  - {name: reset, at: 3m, target: site/a, fault: {net: reset}}\n"                             \
    "  - {name: it, at: 2m59s, for: 60s, target: " target ", fault: {" fault "}}\n"
#define ASSERT(text) "assert:\n  - {name: it, " text "}\n"
#define ON           "\"all(agent: connected)\""
#define SOME_OFF     "\"exists(agent where not connected)\""

static const struct row {
    const char *text, *failures, *reason;
    int64_t at_ns; /* of the first failure; 0: whatever */
} rows[] = {
    /* always, never and their windows */
    {ASSERT("always: " ON ", from: settle"), "", "", 0},
    {ASSERT("always: " ON), "assert it", "agent", 0}, /* not yet at the start */
    {CUT ASSERT("always: " ON ", from: settle"), "assert it", "connected = false", 0},
    {CUT ASSERT("always: " ON ", from: settle, until: 3m"), "", "", 0},
    {CUT ASSERT("never: " SOME_OFF ", from: 4m50s"), "", "", 0},
    {CUT ASSERT("never: " SOME_OFF ", from: 3m50s"), "assert it", "", 230 * NS_PER_S},
    {CUT ASSERT("never: " SOME_OFF ", from: 3m, lasting: 20s"), "assert it", "for 20s", 0},
    {CUT ASSERT("never: " SOME_OFF ", from: 3m, lasting: 90s"), "", "", 0},
    /* `when`: what does not apply is not judged */
    {CUT ASSERT("always: " ON ", from: settle, when: \"${profile == 'compat'}\""), "", "", 0},
    {CUT ASSERT("always: " ON ", from: settle, when: \"${profile == 'hardened'}\""), "assert it",
     "connected = false", 0},
    {"  - {name: wish, when: \"${profile == 'compat'}\", wait: {until: " SOME_OFF
     ", within: 30s}}\n",
     "", "", 0},
    /* promises */
    {CUT ASSERT("eventually: " SOME_OFF ", from: 3m, by: 4m"), "", "", 0},
    {ASSERT("eventually: " SOME_OFF ", from: settle"), "assert it", "not by 5m", 300 * NS_PER_S},
    {CUT ASSERT("eventually: " SOME_OFF ", from: settle, by: 2m50s"), "assert it", "not by 2m50s",
     170 * NS_PER_S},
    {ASSERT("within: {time: 1m, after: settle}, that: " ON), "", "", 0},
    {ASSERT("within: {time: 1m, after: settle}, that: " SOME_OFF), "assert it", "not within 1m", 0},
    /* it was so meanwhile, but is not when the time is up */
    {CUT ASSERT("within: {time: 3m30s, after: settle}, that: " ON), "assert it", "", 0},
    {ASSERT("within: {time: 10m, after: settle}, that: " SOME_OFF), "assert it", "not within",
     300 * NS_PER_S},
    {CUT ASSERT("at: 2m50s, that: " ON), "", "", 0},
    {CUT ASSERT("at: 3m50s, that: " ON), "assert it", "", 230 * NS_PER_S},
    /* steps */
    {"  - {name: wish, wait: {until: " SOME_OFF ", within: 30s}}\n", "wait wish", "waited 30s", 0},
    {"  - {name: wish, wait: {until: " SOME_OFF
     ", within: 30s}}\n" ASSERT("at: {step: wish}, that: " ON),
     "wait wish|assert it", "", 0},
    /* faults that do nothing */
    {IDLE("false"), "fault idle", "", 0},
    {IDLE("true"), "", "", 0},
    {CUT, "", "", 0},
    /* nobody there: that is nobody, not everybody */
    {"faults: [{name: it, at: 3m, for: 1m, target: agent/empty, fault: {process: pause}}]\n" ASSERT(
         "always: " ON ", from: settle"),
     "fault it", "", 0},
    {"faults: [{name: it, at: 3m, for: 1m, target: link/cluster/empty/site/a, fault: {net: "
     "partition}}]\n" ASSERT("always: " ON ", from: settle"),
     "fault it", "", 0},
    {REDIAL("dns/resolver/idle", "dns: nxdomain"), "fault it", "", 0},
    /* one record of two, and the default of a name that is remembered as missing */
    {REDIAL("dns", "dns: nxdomain, record: other"), "fault it", "", 0},
    {REDIAL("dns", "dns: nxdomain, record: manager"), "", "", 0},
    {REDIAL("dns/resolver/default", "dns: negative-cached"), "", "", 0},
    {REDIAL("dns/resolver/default", "dns: split-horizon, value: [site/a]"), "", "", 0},
    {REDIAL("link/cluster/edge/site/a", "net: refuse") ASSERT("at: 3m50s, that: " SOME_OFF), "", "",
     0},
    {REDIAL("dns", "dns: nxdomain, share: 0%"), "fault it", "", 0},
    {"  - {name: restart, at: 3m, do: {manager.restart: all}}\n" ASSERT(
         "eventually: \"process.starts > 4\", from: 3m, by: 4m"),
     "", "", 0},
    /* the API of a place, by the name of the place */
    {"faults: [{name: it, at: 3m, for: 1m, target: site/a, fault: {write: lost-ack}}]\n", "", "",
     0},
    {"faults: [{name: it, at: 3m, for: 1m, target: cluster/edge, fault: {store: compaction}}]\n",
     "", "", 0},
    /* once it is quiet: everything is healed, nothing new is injected, promises are judged */
    {"quiet: {from: 3m10s}\n"
     "faults: [{name: cut, at: 3m, target: link/cluster/edge/site/a, fault: {net: "
     "partition}}]\n" ASSERT("at: 4m50s, that: " ON) "  - {name: promise, eventually: " ON "}\n",
     "", "", 0},
    {"faults: [{name: cut, at: 3m, target: link/cluster/edge/site/a, fault: {net: "
     "partition}}]\n" ASSERT("at: 4m50s, that: " ON),
     "assert it", "", 0},
    {"quiet: {from: {step: settle, delay: 1s}}\n"
     "faults: [{name: late, after: {step: settle, delay: 3s}, target: site/a, fault: {net: "
     "reset}}]\n",
     "error late", "it is quiet already", 0},
    {"  - {name: late, after: {step: settle, delay: 3s}, do: {process.kill: manager/a}}\n"
     "quiet: {from: {step: settle, delay: 1s}}\n",
     "error late", "it is quiet already", 0},
    {"  - {name: orderly, after: {step: settle, delay: 3s}, do: {process.restart: manager/a}}\n"
     "quiet: {from: {step: settle, delay: 1s}}\n",
     "", "", 0},
    /* has a fault happened, is it going on; also before it has begun, and where it never begins */
    {CUT "  - {name: 'two words', when: profile == compat, at: 1m, target: dns, fault: {dns: "
         "timeout}}\n" ASSERT("always: \"fault.cut.active == (now >= 3m and now < 4m) and "
                              "(fault.cut.fired == 0 or now > 3m) "
                              "and fault.'two words'.fired == 0 and not fault.'two "
                              "words'.active\"") "  - {name: fired, at: "
                                                 "3m30s, that: fault.cut.fired > 0}\n  - {name: "
                                                 "began, at: 5m, that: fault.cut.started_at == "
                                                 "3m}\n",
     "", "", 0},
    {"  - {name: hit, at: 3m, do: {fault: {net: reset}, target: site/a}}\n" ASSERT(
         "at: 4m, that: fault.hit.fired > 0") "  - {name: before, at: 2m, that: fault.hit.fired > "
                                              "0}\n",
     "assert before", "", 0},
    /* several at once, each by its name */
    {IDLE("false") ASSERT("never: " ON ", from: settle") "  - {name: other, at: 4m, that: " SOME_OFF
                                                         "}\n",
     "assert it|assert other|fault idle", "", 0},
};

static void failures_of(const struct report_run *run, struct buf *out)
{
    for (size_t i = 0; i < run->failures_n; i++)
        buf_addf(out, "%s" STR_FMT " " STR_FMT, i ? "|" : "", STR_ARG(run->failures[i].kind),
                 STR_ARG(run->failures[i].name));
}

static bool check_run(const struct row *row, const struct report_run *run)
{
    struct buf got = {0};
    failures_of(run, &got);
    const struct report_failure *first = run->failures_n ? run->failures : NULL;
    bool same = strcmp(buf_c(&got), row->failures) == 0;
    bool error = first && str_eq_c(first->kind, "error");
    bool passed = run->outcome == (error ? REPORT_ERROR : first ? REPORT_FAILED : REPORT_PASSED);
    bool reason = !first || str_find(first->text, str_c(row->reason)) >= 0;
    bool time = !row->at_ns || (first && first->at_ns == row->at_ns);
    if (!same || !passed || !reason || !time)
        print_error("%sgot \"%s\" (" STR_FMT " at %lld), want \"%s\" (%s at %lld)\n", row->text,
                    buf_c(&got), STR_ARG(first ? first->text : str_empty),
                    first ? (long long)first->at_ns : -1, row->failures, row->reason,
                    (long long)row->at_ns);
    buf_free(&got);
    return same && passed && reason && time;
}

static int64_t no_clock(void *ctx)
{
    (void)ctx;
    return 0;
}

static bool all_run(const char *before, const struct row *of, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        struct options options = {.command = COMMAND_RUN, .profile = STR("hardened")};
        struct run_options run = {.log_level = LOG_ERROR, .wall_clock = no_clock, .until_ns = -1};
        struct suite *s = suite_new(&options, &run);
        struct buf errors = {0}, text = {0};
        buf_addf(&text, "%s%s", before, of[i].text);
        if (!suite_add_file(s, STR("t.yaml"), buf_str(&text), &errors)) {
            print_error("%s%s", of[i].text, buf_c(&errors));
            ok = false;
        } else {
            struct arena a = {0};
            check_ok(suite_lay_out(s));
            for (size_t k = 0; k < suite_count(s); k++)
                suite_done(s, k, suite_run(s, k, &a));
            arena_free(&a);
            const struct report *r = suite_report(s);
            assert_int_equal(r->n, 1);
            ok &= check_run(&of[i], r->runs[0]);
        }
        buf_free(&text);
        buf_free(&errors);
        suite_free(s);
    }
    return ok;
}

static void verdicts(void **state)
{
    (void)state;
    assert_true(all_run(head, rows, ARRAY_LEN(rows)));
}

/* Of several replicas, those that the moment tells. */
static void targets_of_the_moment(void **state)
{
    static const char wide[] =
        "scenario: v1\n"
        "name: t\n"
        "clock: {start: \"2026-01-01T00:00:00Z\", limit: 2m}\n"
        "topology:\n"
        "  sites: {a: {manager: {replicas: 3}}}\n"
        "  clusters: {edge: {count: 4, nodes: 1, agent: {replicas: 2}}}\n"
        "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n"
        "steps:\n"
        "  - {name: settle, wait: {until: \"all(agent: connected)\", within: 1m}}\n";
#define AT_ONCE(what) "  - {name: it, at: 90s, do: " what "}\n"
#define AFTER(text)   "assert:\n  - {name: so, at: 100s, that: \"" text "\"}\n"
#define KILLED        "count(server where started_at >= 90s)"
#define ONE_LEADER    " and manager.leader_changes == 1"
    static const struct row told[] = {
        {AT_ONCE("{process.kill: follower/a}") AFTER(KILLED " == 1" ONE_LEADER), "", "", 0},
        {AT_ONCE("{process.kill: leader/a}") AFTER(KILLED " == 1" ONE_LEADER), "assert so", "", 0},
        {AT_ONCE("[{process.kill: 'follower/a[1]'}, {process.kill: follower/a}]")
             AFTER(KILLED " == 2" ONE_LEADER),
         "", "", 0},
        {AT_ONCE("{process.kill: 'follower/a[2]'}") AFTER(KILLED " == 0"), "", "", 0},
        {AT_ONCE("{process.kill: 'holder/edge[2]/1'}")
             AFTER(KILLED " == 1 and exists(agent where name == 'edge-2/agent-1' and lost_at >= "
                          "90s) and exists(agent where not known(lost_at))"),
         "", "", 0},
        {AT_ONCE("{process.kill: held/a}") AFTER("all(agent: restarts == 1)"), "", "", 0},
        {AT_ONCE("{process.kill: 'held/a[0..1]'}")
             AFTER("exists(agent where restarts == 1) and exists(agent where restarts == 0)"),
         "", "", 0},
    };
    (void)state;
    assert_true(all_run(wide, told, ARRAY_LEN(told)));
}

/* Any number of steps may wait side by side. */
static void waits_side_by_side(void **state)
{
    (void)state;
    struct options options = {.command = COMMAND_RUN, .profile = STR("hardened")};
    struct run_options run = {.log_level = LOG_ERROR, .wall_clock = no_clock, .until_ns = -1};
    struct suite *s = suite_new(&options, &run);
    struct buf errors = {0}, text = {0};
    buf_add_c(&text, head); /* it ends in the list of steps */
    for (int i = 0; i < 300; i++)
        buf_addf(&text,
                 "  - {name: w%d, at: 1s, wait: {until: \"all(agent: connected)\", within: 4m}}\n",
                 i);
    if (!suite_add_file(s, STR("t.yaml"), buf_str(&text), &errors))
        fail_msg("%s", buf_c(&errors));
    struct arena a = {0};
    check_ok(suite_lay_out(s));
    const struct report_run *r = suite_done(s, 0, suite_run(s, 0, &a));
    arena_free(&a);
    assert_int_equal(r->outcome, REPORT_PASSED);
    assert_int_equal(r->steps_n, 301);
    for (size_t i = 0; i < r->steps_n; i++)
        assert_true(r->steps[i].end_ns > r->steps[i].begin_ns);
    buf_free(&text);
    buf_free(&errors);
    suite_free(s);
}

/* A gauge is looked at all along, at its moment, or at a step's end; a cut of a minute shows in it. */
static void gauges(void **state)
{
    static const char text[] =
        CUT "measure:\n"
            "  up: {gauge: \"count(agent where connected)\", every: 10s}\n"
            "  cut: {gauge: \"count(agent where connected)\", at: 3m50s}\n"
            "  settled: {gauge: \"count(agent where connected)\", at: {step: settle, delay: 5s}}\n"
            "  lost: {hist: \"agent.reconnected_at - agent.lost_at\"}\n";
    (void)state;
    struct options options = {.command = COMMAND_RUN, .profile = STR("hardened")};
    struct run_options run = {.log_level = LOG_ERROR, .wall_clock = no_clock, .until_ns = -1};
    struct suite *s = suite_new(&options, &run);
    struct arena a = {0};
    struct buf file = {0}, errors = {0};
    buf_addf(&file, "%s%s", head, text);
    if (!suite_add_file(s, STR("t.yaml"), buf_str(&file), &errors))
        fail_msg("%s", buf_c(&errors));
    check_ok(suite_lay_out(s));
    const struct report_run *r = suite_done(s, 0, suite_run(s, 0, &a));
    assert_int_equal(r->hists_n, 4);
    assert_int_equal(r->hists[0].n, 30);         /* 5m: the last one at the end */
    assert_int_equal(r->hists[0].values[0], 0);  /* cut off */
    assert_int_equal(r->hists[0].values[29], 2); /* and well */
    assert_int_equal(r->hists[1].n, 1);
    assert_int_equal(r->hists[1].values[0], 0);
    assert_int_equal(r->hists[2].n, 1);
    assert_int_equal(r->hists[2].values[0], 2);
    assert_int_equal(r->hists[3].n, 2);
    size_t found = 0;
    for (size_t i = 0; i < r->series_n; i++)
        if (str_eq_c(r->series[i].name, "up")) {
            found++;
            assert_true(r->series[i].points[0].at_ns == 10 * NS_PER_S);
            assert_true(r->series[i].n >= 5 && r->series[i].n < 20);
        }
    assert_int_equal(found, 1);
    buf_free(&file);
    buf_free(&errors);
    suite_free(s);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts), cmocka_unit_test(targets_of_the_moment),
        cmocka_unit_test(waits_side_by_side), cmocka_unit_test(gauges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
