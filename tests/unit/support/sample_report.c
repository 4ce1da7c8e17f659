#include "tests/unit/support/sample_report.h"

#include "engine/base/rng.h"
#include "engine/base/timefmt.h"

#define AT_S(s)  ((int64_t)(s)*NS_PER_S)
#define AT_MS(s) ((int64_t)(s)*NS_PER_MS)

/* ---- small ---- */

static const struct report_failure small_failures[] = {
    {.kind = STR_INIT("assert"),
     .name = STR_INIT("obedient agents are back"),
     .text = STR_INIT("not held within 1m45s: 3 of 100 agents: edge-2/agent-0: connected = false"),
     .at_ns = AT_MS(723412),
     .place = STR_INIT("scenarios/dns/dns-failover.yaml:82:5")},
    {.kind = STR_INIT("fault"),
     .name = STR_INIT("net half-open"),
     .text = STR_INIT("never fired"),
     .at_ns = -1},
};
static const struct report_failure small_errors[] = {
    {.kind = STR_INIT("budget"),
     .name = STR_INIT("wall time"),
     .text = STR_INIT("more than 20s <of> \"wall\" & time\n\x01 \xff"),
     .at_ns = AT_S(60)},
};
static const struct report_assert small_asserts[] = {
    {.name = STR_INIT("two managers never both write one cluster"),
     .mode = STR_INIT("never"),
     .expression = STR_INIT("exists(cluster where distinct(writer.site) > 1 within 1s)"),
     .verdict = STR_INIT("held"),
     .ok = true,
     .from_ns = 0,
     .decided_ns = AT_S(1800),
     .evaluations = 4211},
    {.name = STR_INIT("obedient agents are back"),
     .mode = STR_INIT("within"),
     .expression = STR_INIT("all(agent where resolver == default: connected)"),
     .verdict = STR_INIT("failed"),
     .from_ns = AT_S(620),
     .decided_ns = AT_MS(723412),
     .witness = STR_INIT("3 of 100 agents: edge-2/agent-0: connected = false"),
     .evaluations = 97},
};
static const struct report_step small_steps[] = {
    {STR_INIT("settle"), 0, AT_MS(9250)},
    {STR_INIT("operator moves the name"), AT_S(620), -1},
};
static const struct report_fault small_faults[] = {
    {STR_INIT("dns servfail"), STR_INIT("dns/resolver/default"), AT_S(660), AT_S(700), 1312, false,
     STR_INIT("")},
    {STR_INIT("net half-open"), STR_INIT("link/cluster/edge/site/b"), AT_S(720), -1, 0, false,
     STR_INIT("")},
};
static const struct report_lane small_lanes[] = {
    {STR_INIT("site/a/manager-0"), STR_INIT("site/a")},
    {STR_INIT("agents of edge"), STR_INIT("agents")},
};
static const struct report_event small_events[] = {
    {AT_MS(1500), 0, STR_INIT("leader.started"), STR_INIT("manager-0 leads"), false},
    {AT_S(600), 0, STR_INIT("process.end"), STR_INIT("power loss"), true},
    {AT_MS(600000), 1, STR_INIT("agent.disconnected"), STR_INIT("edge-2/agent-0"), true},
};
static const struct report_span small_spans[] = {
    {0, 0, AT_MS(1500), STR_INIT("up")},
    {0, AT_MS(1500), AT_S(600), STR_INIT("leading")},
    {0, AT_S(600), -1, STR_INIT("down")},
};
static const struct report_point small_points[] = {{0, 0}, {AT_S(5), 100}, {AT_S(601), 3}};
static const struct report_series small_series[] = {
    {.name = STR_INIT("agents connected"), .scale = 1, .points = small_points, .n = 3}};
static const int64_t small_values[] = {1500, 2500, 61250};
static const struct report_hist small_hists[] = {
    {.name = STR_INIT("outage"),
     .unit = STR_INIT("s"),
     .doc = STR_INIT("from the site's death to the agent's return"),
     .scale = 1000,
     .values = small_values,
     .n = 3},
    {.name = STR_INIT("nothing"), .unit = STR_INIT("B"), .scale = 1}};
static const struct report_metric small_metrics[] = {{STR_INIT("dns.queries"), 1312},
                                                     {STR_INIT("net.resets"), 0}};

static struct report_run *small_run(struct arena *a, const char *case_id, const char *profile,
                                    enum report_outcome outcome)
{
    struct report_run *run = ARENA_NEW(a, struct report_run);
    *run = (struct report_run){.name = STR("dns-failover"),
                               .doc = STR("The manager moves from site A to site B."),
                               .file = STR("scenarios/dns/dns-failover.yaml"),
                               .profile = str_c(profile),
                               .case_id = str_c(case_id),
                               .params = STR("clusters=3,sites=a,b,ttl=60s"),
                               .seed = 137,
                               .outcome = outcome,
                               .trace_hash = STR("5eed0123"),
                               .simulated_ns = AT_S(1800),
                               .wall_ns = AT_MS(1204),
                               .events = 1234567,
                               .wall_start_unix_ns = INT64_C(1767225600) * NS_PER_S};
    run->replay = arena_printf(
        a, "paddock-sim run dns-failover.yaml --case %s --profile %s --seed 137", case_id, profile);
    return run;
}

const struct report *sample_report_small(struct arena *a)
{
    struct report_run *passed = small_run(a, "lie=drop,cut=power", "hardened", REPORT_PASSED),
                      *failed = small_run(a, "lie=drop,cut=power", "compat", REPORT_FAILED),
                      *error = small_run(a, "lie=none,cut=power", "compat", REPORT_ERROR);
    passed->asserts = small_asserts;
    passed->asserts_n = 1;
    failed->failures = small_failures;
    failed->failures_n = ARRAY_LEN(small_failures);
    failed->asserts = small_asserts;
    failed->asserts_n = ARRAY_LEN(small_asserts);
    failed->steps = small_steps;
    failed->steps_n = ARRAY_LEN(small_steps);
    failed->faults = small_faults;
    failed->faults_n = ARRAY_LEN(small_faults);
    failed->lanes = small_lanes;
    failed->lanes_n = ARRAY_LEN(small_lanes);
    failed->timeline = small_events;
    failed->timeline_n = ARRAY_LEN(small_events);
    failed->spans = small_spans;
    failed->spans_n = ARRAY_LEN(small_spans);
    failed->series = small_series;
    failed->series_n = ARRAY_LEN(small_series);
    failed->hists = small_hists;
    failed->hists_n = ARRAY_LEN(small_hists);
    failed->metrics = small_metrics;
    failed->metrics_n = ARRAY_LEN(small_metrics);
    error->failures = small_errors;
    error->failures_n = ARRAY_LEN(small_errors);
    const struct report_run **runs = ARENA_NEW_ARRAY(a, const struct report_run *, 3);
    runs[0] = passed;
    runs[1] = failed;
    runs[2] = error;
    struct report *r = ARENA_NEW(a, struct report);
    *r = (struct report){
        .runs = runs, .n = 3, .command = STR("paddock-sim run scenarios/dns/dns-failover.yaml")};
    return r;
}
