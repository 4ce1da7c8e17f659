/* A report like that of the DNS failover scenario: 200 agents hold on to site a until it goes away, and come back to
 * site b: soon in one profile, late or never in the other. */
#include "tests/unit/support/sample_report.h"

#include "engine/base/rng.h"
#include "engine/base/timefmt.h"

#include <stdlib.h>

#define AGENTS        200u
#define SERVERS       6u
#define LANE_AGENTS   SERVERS
#define LANE_DNS      (SERVERS + 1)
#define LANE_WORLD    (SERVERS + 2)
#define END_S         1800
#define CUT_S         600
#define MOVE_S        620
#define AT_S(seconds) ((int64_t)(seconds)*NS_PER_S)

struct shape {
    const char *case_id, *profile;
    int64_t lost_s;          /* agents notice within this long after the cut */
    int64_t first_s, late_s; /* and are back between these times; 0: only few of them */
    bool failed;
};
static const struct shape shapes[] = {
    {"cut=power-loss", "compat", 45, 905, 1260, false},
    {"cut=power-loss", "hardened", 30, 650, 725, false},
    {"cut=demoted", "compat", 2, 0, 0, true},
    {"cut=demoted", "hardened", 60, 640, 700, false},
    {"cut=sticky-resolvers", "compat", 45, 920, 1500, false},
    {"cut=sticky-resolvers", "hardened", 30, 650, 1010, false},
    {"cut=name-returns", "compat", 45, 905, 1300, false},
    {"cut=name-returns", "hardened", 30, 645, 720, false},
};

struct agent {
    int64_t up, lost, back; /* back: INT64_MAX: never */
};

struct making {
    struct arena *a;
    struct rng rng;
    const struct shape *shape;
    struct agent agents[AGENTS];
    struct report_event *events;
    size_t n, max;
};

static int64_t between(struct making *m, int64_t from, int64_t to)
{
    return from + (int64_t)rng_below(&m->rng, (uint64_t)(to - from));
}

static void add(struct making *m, int64_t at, uint32_t lane, const char *kind, struct str text,
                bool bad)
{
    if (m->n < m->max)
        m->events[m->n++] = (struct report_event){at, lane, str_c(kind), text, bad};
}

static void live_agents(struct making *m)
{
    const struct shape *s = m->shape;
    for (uint32_t i = 0; i < AGENTS; i++) {
        struct agent *agent = &m->agents[i];
        struct str name = arena_printf(m->a, "edge-%u/agent-%u", i / 2, i % 2);
        agent->up = between(m, AT_S(4), AT_S(24));
        agent->lost = between(m, AT_S(CUT_S), AT_S(CUT_S + s->lost_s));
        agent->back = s->late_s ? between(m, AT_S(s->first_s), AT_S(s->late_s)) : INT64_MAX;
        if (!s->late_s && i % 8 != 0) /* the old site still answers: it is stuck there */
            agent->lost = INT64_MAX;
        add(m, agent->up, LANE_AGENTS, "agent.connected",
            arena_printf(m->a, STR_FMT " to site/a", STR_ARG(name)), false);
        if (agent->lost != INT64_MAX)
            add(m, agent->lost, LANE_AGENTS, "agent.disconnected",
                arena_printf(m->a, STR_FMT " from site/a: no answer to ping", STR_ARG(name)), true);
        if (agent->back != INT64_MAX)
            add(m, agent->back, LANE_AGENTS, "agent.connected",
                arena_printf(m->a, STR_FMT " to site/b", STR_ARG(name)), false);
    }
}

static void fill(struct making *m)
{
    add(m, AT_S(2), 0, "leader.started", STR("a/manager-0 leads"), false);
    add(m, AT_S(CUT_S), 0, "process.end", STR("a/manager-0 lost its power"), true);
    add(m, AT_S(MOVE_S), LANE_WORLD, "dns.set", STR("manager.example.test is now at site/b"),
        false);
    add(m, AT_S(MOVE_S + 5), 3, "leader.started", STR("b/manager-0 leads"), false);
    while (m->n < m->max) {
        uint32_t i = (uint32_t)rng_below(&m->rng, AGENTS);
        int64_t at = between(m, AT_S(1), AT_S(END_S));
        if (rng_below(&m->rng, 3) == 0)
            add(m, at, LANE_DNS, "dns.answer",
                arena_printf(m->a, "edge-%u: manager.example.test at site/%s, 60 s", i / 2,
                             at < AT_S(MOVE_S) ? "a" : "b"),
                false);
        else
            add(m, at, (uint32_t)rng_below(&m->rng, LANE_DNS), "cluster.probed",
                arena_printf(m->a, "edge-%u is healthy", i / 2), false);
    }
}

static int by_time(const void *x, const void *y)
{
    const struct report_event *a = x, *b = y;
    return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static int ascending(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* ---- series: what = 0 connected, 1 at a, 2 at b, 3 admitted in this second ---- */

static int64_t sample(const struct making *m, int64_t at, int what)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < AGENTS; i++) {
        const struct agent *g = &m->agents[i];
        bool a = g->up <= at && at < g->lost, b = g->back <= at;
        bool now = (g->up > at - NS_PER_S && g->up <= at) ||
                   (g->back != INT64_MAX && g->back > at - NS_PER_S && g->back <= at);
        n += what == 0 ? a || b : what == 1 ? a : what == 2 ? b : now;
    }
    return n;
}

static void make_series(struct making *m, struct report_run *run)
{
    static const struct {
        const char *name, *doc, *chart;
    } rows[] = {{"agents connected", "agents with an established tunnel", ""},
                {"agents at site/a", "agents whose tunnel ends there", "agents by site"},
                {"agents at site/b", "agents whose tunnel ends there", "agents by site"},
                {"agents admitted per second", "tunnels that managers accepted", ""}};
    struct report_series *s = ARENA_NEW_ARRAY(m->a, struct report_series, ARRAY_LEN(rows));
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct report_point *points = ARENA_NEW_ARRAY(m->a, struct report_point, END_S + 1);
        for (int64_t t = 0; t <= END_S; t++)
            points[t] = (struct report_point){AT_S(t), sample(m, AT_S(t), (int)k)};
        s[k] = (struct report_series){str_c(rows[k].name),
                                      STR(""),
                                      str_c(rows[k].doc),
                                      str_c(rows[k].chart),
                                      1,
                                      points,
                                      END_S + 1};
    }
    run->series = s;
    run->series_n = ARRAY_LEN(rows);
}

static void make_hist(struct making *m, struct report_run *run)
{
    int64_t *values = ARENA_NEW_ARRAY(m->a, int64_t, AGENTS);
    size_t n = 0;
    for (uint32_t i = 0; i < AGENTS; i++)
        if (m->agents[i].back != INT64_MAX)
            values[n++] = m->agents[i].back - m->agents[i].lost;
    qsort(values, n, sizeof(*values), ascending);
    struct report_hist *h = ARENA_NEW(m->a, struct report_hist);
    *h = (struct report_hist){.name = STR("outage"),
                              .unit = STR("s"),
                              .doc = STR("how long each agent was without a manager"),
                              .scale = NS_PER_S,
                              .values = values,
                              .n = n};
    run->hists = h;
    run->hists_n = 1;
}

/* ---- what stands still ---- */

static const struct report_lane lanes[] = {
    {STR_INIT("a/manager-0"), STR_INIT("site/a")},
    {STR_INIT("a/manager-1"), STR_INIT("site/a")},
    {STR_INIT("a/manager-2"), STR_INIT("site/a")},
    {STR_INIT("b/manager-0"), STR_INIT("site/b")},
    {STR_INIT("b/manager-1"), STR_INIT("site/b")},
    {STR_INIT("b/manager-2"), STR_INIT("site/b")},
    {STR_INIT("agents of edge"), STR_INIT("agents")},
    {STR_INIT("dns"), STR_INIT("network")},
    {STR_INIT("administrators and world"), STR_INIT("network")},
};
static const struct report_span spans[] = {
    {0, 0, AT_S(2), STR_INIT("up")},
    {0, AT_S(2), AT_S(CUT_S), STR_INIT("leading")},
    {0, AT_S(CUT_S), -1, STR_INIT("down")},
    {1, 0, AT_S(CUT_S), STR_INIT("up")},
    {1, AT_S(CUT_S), -1, STR_INIT("down")},
    {2, 0, AT_S(CUT_S), STR_INIT("up")},
    {2, AT_S(CUT_S), -1, STR_INIT("down")},
    {3, 0, AT_S(MOVE_S + 5), STR_INIT("up")},
    {3, AT_S(MOVE_S + 5), -1, STR_INIT("leading")},
    {4, 0, AT_S(700), STR_INIT("up")},
    {4, AT_S(700), AT_S(760), STR_INIT("paused")},
    {4, AT_S(760), -1, STR_INIT("up")},
    {5, 0, -1, STR_INIT("up")},
};
static const struct report_step steps[] = {
    {STR_INIT("settle"), 0, AT_S(24)},
    {STR_INIT("site a dies without closing connections"), AT_S(CUT_S), AT_S(CUT_S)},
    {STR_INIT("operator moves the name"), AT_S(MOVE_S), AT_S(MOVE_S)},
    {STR_INIT("site b takes over"), AT_S(MOVE_S + 5), AT_S(MOVE_S + 5)},
};
static const struct report_fault faults[] = {
    {STR_INIT("process power-loss"), STR_INIT("site/a"), AT_S(CUT_S), -1, 3, false, STR_INIT("")},
    {STR_INIT("dns servfail"), STR_INIT("dns/resolver/default"), AT_S(660), AT_S(700), 312, false,
     STR_INIT("")},
    {STR_INIT("net half-open"), STR_INIT("link/cluster/edge[0..4]/site/b"), AT_S(720), AT_S(740), 5,
     false, STR_INIT("")},
    {STR_INIT("tls expired"), STR_INIT("site/b"), AT_S(780), AT_S(900), 0, true,
     STR_INIT("tls expired")},
};
static const struct report_assert asserts[] = {
    {STR_INIT("no agent talks to a dead site after it can know better"), STR_INIT("never"),
     STR_INIT(
         "exists(agent where resolver == default and peer == site/a and age(last_byte) > 60s + "
         "45s)"),
     STR_INIT("held"), true, AT_S(CUT_S), AT_S(END_S), STR_INIT(""), 8123},
    {STR_INIT("two managers never both write one cluster"), STR_INIT("never"),
     STR_INIT("exists(cluster where distinct(writer.site) > 1 within 1s)"), STR_INIT("held"), true,
     0, AT_S(END_S), STR_INIT(""), 20441},
    {STR_INIT("obedient agents are back"), STR_INIT("within"),
     STR_INIT("all(agent where resolver == default: connected and peer == site/b)"),
     STR_INIT("held"), true, AT_S(MOVE_S), AT_S(725), STR_INIT(""), 411},
    {STR_INIT("sticky agents are back as well"), STR_INIT("eventually"),
     STR_INIT("all(agent: connected and peer == site/b)"), STR_INIT("held"), true, 0, AT_S(1010),
     STR_INIT(""), 902},
    {STR_INIT("no reconnect storm"), STR_INIT("always"),
     STR_INIT("rate(manager.handshakes, 1s) <= max(0.1 * count(agent), 5)"), STR_INIT("held"), true,
     AT_S(CUT_S), AT_S(END_S), STR_INIT(""), 4120},
    {STR_INIT("the faults really happened"), STR_INIT("sometimes"),
     STR_INIT("dns.servfail_answers > 0 and net.half_open_sessions > 0"), STR_INIT("held"), true, 0,
     AT_S(721), STR_INIT(""), 77},
};
static const struct report_metric metrics[] = {
    {STR_INIT("manager.handshakes"), 400},   {STR_INIT("dns.queries"), 5312},
    {STR_INIT("dns.servfail_answers"), 312}, {STR_INIT("net.resets"), 17},
    {STR_INIT("tunnel.opened"), 400},        {STR_INIT("api.requests"), 1204418},
};
static const struct report_failure stuck = {
    .kind = STR_INIT("assert"),
    .name = STR_INIT("obedient agents are back"),
    .text = STR_INIT("not held within 1m45s after \"operator moves the name\""),
    .at_ns = AT_S(725),
    .place = STR_INIT("scenarios/dns/dns-failover.yaml:82:5")};

static void make_asserts(struct making *m, struct report_run *run)
{
    struct report_assert *copy = ARENA_NEW_ARRAY(m->a, struct report_assert, ARRAY_LEN(asserts));
    for (size_t i = 0; i < ARRAY_LEN(asserts); i++)
        copy[i] = asserts[i];
    if (m->shape->failed) {
        copy[2].ok = copy[3].ok = false;
        copy[2].verdict = copy[3].verdict = STR("failed");
        copy[2].witness = STR("175 of 180 agents: edge-0/agent-1: connected = true, peer = site/a "
                              "(wanted site/b); edge-1/agent-0: connected = true, peer = site/a "
                              "(wanted site/b); ...");
        copy[3].witness = STR("no manager at site/b has seen 175 of 200 agents");
        copy[3].decided_ns = AT_S(1200);
        struct report_failure *f = ARENA_NEW_ARRAY(m->a, struct report_failure, 2);
        f[0] = stuck;
        f[1] = stuck;
        f[1].name = copy[3].name;
        f[1].text = STR("not held by 20m00s");
        f[1].at_ns = AT_S(1200);
        run->failures = f;
        run->failures_n = 2;
    }
    run->asserts = copy;
    run->asserts_n = ARRAY_LEN(asserts);
}

static const struct report_run *make_run(struct arena *a, const struct shape *shape, size_t events)
{
    struct making *m = ARENA_NEW(a, struct making);
    *m = (struct making){.a = a,
                         .rng = rng_split(137, str_c(shape->case_id)),
                         .shape = shape,
                         .events = ARENA_NEW_ARRAY(a, struct report_event, events),
                         .max = events};
    struct report_run *run = ARENA_NEW(a, struct report_run);
    *run = (struct report_run){
        .name = STR("dns-failover"),
        .doc = STR("The manager moves from site A to site B. DNS follows 20 s later."),
        .file = STR("scenarios/dns/dns-failover.yaml"),
        .profile = str_c(shape->profile),
        .case_id = str_c(shape->case_id),
        .params = STR("clusters=100,ttl=60s"),
        .policies = STR("dns.cache=process"),
        .seed = 137,
        .outcome = shape->failed ? REPORT_FAILED : REPORT_PASSED,
        .trace_hash = STR("9f2c61d0b6f14ce2a8a5b3d5e6f70112a4b5c6d7e8f901234567890abcdef012"),
        .simulated_ns = AT_S(END_S),
        .wall_ns = INT64_C(1204331000),
        .events = 1234567,
        .wall_start_unix_ns = INT64_C(1767225600) * NS_PER_S,
        .replay = arena_printf(a,
                               "paddock-sim run scenarios/dns/dns-failover.yaml --case %s "
                               "--profile %s --seed 137",
                               shape->case_id, shape->profile),
        .steps = steps,
        .steps_n = ARRAY_LEN(steps),
        .faults = faults,
        .faults_n = ARRAY_LEN(faults),
        .lanes = lanes,
        .lanes_n = ARRAY_LEN(lanes),
        .spans = spans,
        .spans_n = ARRAY_LEN(spans),
        .metrics = metrics,
        .metrics_n = ARRAY_LEN(metrics),
    };
    live_agents(m);
    fill(m);
    qsort(m->events, m->n, sizeof(*m->events), by_time);
    run->timeline = m->events;
    run->timeline_n = m->n;
    make_series(m, run);
    make_hist(m, run);
    make_asserts(m, run);
    return run;
}

const struct report *sample_report_large(struct arena *a, size_t events)
{
    const struct report_run **runs =
        ARENA_NEW_ARRAY(a, const struct report_run *, ARRAY_LEN(shapes));
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        runs[i] = make_run(a, &shapes[i], events);
    struct report *r = ARENA_NEW(a, struct report);
    *r = (struct report){.runs = runs,
                         .n = ARRAY_LEN(shapes),
                         .command =
                             STR("paddock-sim run scenarios/dns/dns-failover.yaml --seed 137")};
    return r;
}
