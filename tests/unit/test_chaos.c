/* Goal: what chaos draws keeps to what the file says, for every seed; swarm draws subsets; a drawn schedule can be
 * written down as a timeline that is the same run.
 * Method: properties of the plans of many seeds; the text of a plan's faults is loaded again and compared; one small file
 * is carried out both ways, and the traces are compared. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/suite/drawn.h"
#include "sim/scenario/suite/suite.h"

#define SEEDS 150u

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {limit: 30m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 3}}, b: {manager: {replicas: 2, standby: true}}}\n"
    "  clusters: {edge: {count: 5}, core: {count: 2}, empty: {count: 0}}\n"
    "  dns: {zone: x.test, resolvers: {default: {}, odd: {share: 0.1}},\n"
    "        records: {manager: {ttl: 30s, value: [site/a]}}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: \"all(agent: connected)\", within: 2m}}\n";

#define PALETTE                                                                                    \
    "  palette:\n"                                                                                 \
    "    - {fault: {process: crash}, one_of: manager/*}\n"                                         \
    "    - {fault: {dns: servfail, share: 50%}, for: 5s..20s, target: dns, weight: 3}\n"           \
    "    - {fault: {net: half-open}, for: 40s, one_of: \"link/cluster/*/site/a\"}\n"               \
    "    - {name: skewed, fault: {clock: skew, by: -3s}, for: 1s..1m30s, one_of: \"agent/*\",\n"   \
    "       never_with: [process pause, dns]}\n"                                                   \
    "    - {fault: {process: pause}, for: 9s..10s, one_of: \"agent/edge[1..3]/1\"}\n"              \
    "    - {fault: {node: gone}, for: 10s, one_of: node/empty}\n"

struct made {
    struct arena arena;
    struct diags diags;
    struct plan *plan;
};

static bool try_make(struct made *m, const char *start, struct str rest, uint64_t seed)
{
    *m = (struct made){.plan = NULL};
    struct str text = arena_printf(&m->arena, "%s" STR_FMT, start, STR_ARG(rest));
    struct scenario *s = scenario_load(&m->arena, STR("t.yaml"), text, &m->diags);
    struct plan_request request = {.seed = seed};
    m->plan = s ? scenario_plan(&m->arena, s, &request, &m->diags) : NULL;
    return m->plan != NULL;
}

static void make(struct made *m, const char *rest, uint64_t seed)
{
    if (try_make(m, head, str_c(rest), seed))
        return;
    struct buf errors = {0};
    diags_print(&m->diags, &errors);
    fail_msg("%s", buf_c(&errors));
}

static void faults_text(const struct plan *plan, struct buf *out)
{
    scenario_freeze_faults(plan, out);
}

static void the_seed_decides(void **state)
{
    static const char text[] = "chaos:\n  from: 2m\n  every: 10s\n" PALETTE;
    struct buf first = {0};
    size_t other = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct made a, b;
        struct buf once = {0}, again = {0};
        make(&a, text, seed);
        make(&b, text, seed);
        faults_text(a.plan, &once);
        faults_text(b.plan, &again);
        check_str_eq(buf_str(&once), buf_str(&again));
        if (seed == 1)
            buf_add(&first, buf_str(&once));
        other += !str_eq(buf_str(&once), buf_str(&first));
        buf_free(&once);
        buf_free(&again);
        arena_free(&a.arena);
        arena_free(&b.arena);
    }
    assert_int_equal(other, 19);
    buf_free(&first);
}

/* ---- the schedule ---- */

static int64_t end_of(const struct plan_fault *f)
{
    return f->when.at_ns + f->for_ns;
}

/* Under way together for some time. */
static bool meet(const struct plan_fault *a, const struct plan_fault *b)
{
    return a->when.at_ns < end_of(b) && b->when.at_ns < end_of(a) && a->for_ns && b->for_ns;
}

static size_t at_once(const struct plan *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->faults_n; i++) {
        size_t n = 0;
        for (size_t j = 0; j <= i; j++)
            n += p->faults[j].when.at_ns <= p->faults[i].when.at_ns &&
                 (end_of(&p->faults[j]) > p->faults[i].when.at_ns || j == i);
        most = n > most ? n : most;
    }
    return most;
}

/* How long some fault is under way. */
static int64_t covered(const struct plan *p)
{
    int64_t sum = 0, end = 0;
    for (size_t i = 0; i < p->faults_n; i++) {
        const struct plan_fault *f = &p->faults[i];
        int64_t begin = f->when.at_ns > end ? f->when.at_ns : end;
        if (end_of(f) > begin)
            sum += end_of(f) - begin;
        end = end_of(f) > end ? end_of(f) : end;
    }
    return sum;
}

static bool is_skew(const struct plan_fault *f)
{
    return f->fault.kind == FAULT_CLOCK_SKEW;
}
static bool is_pause(const struct plan_fault *f)
{
    return f->fault.kind == FAULT_PROCESS_PAUSE;
}
static bool is_dns(const struct plan_fault *f)
{
    return f->fault.kind == FAULT_DNS_SERVFAIL;
}

static void check_fault(const struct plan *p, size_t i, int64_t from_ns, int64_t until_ns)
{
    const struct plan_fault *f = &p->faults[i];
    assert_non_null(f->drawn_from);
    assert_true(f->optional);
    assert_true(f->when.at_ns >= from_ns && end_of(f) <= until_ns);
    assert_true(i == 0 || p->faults[i - 1].when.at_ns <= f->when.at_ns);
    if (f->fault.kind == FAULT_DNS_SERVFAIL)
        assert_true(f->for_ns >= 5 * NS_PER_S && f->for_ns <= 20 * NS_PER_S);
    if (f->fault.kind == FAULT_PROCESS_PAUSE)
        assert_true(f->target.a.first >= 1 && f->target.a.last <= 3 && f->target.a.slot == 1);
    assert_true(f->fault.kind != FAULT_NODE_GONE); /* there is none that it could meet */
    for (size_t j = 0; j < i; j++) {
        const struct plan_fault *other = &p->faults[j];
        if (!meet(f, other))
            continue;
        assert_false(is_skew(f) && (is_pause(other) || is_dns(other)));
        assert_false(is_skew(other) && (is_pause(f) || is_dns(f)));
        assert_false(f->drawn_from == other->drawn_from &&
                     target_overlaps(&f->target, &other->target));
    }
}

static void schedules_keep_their_budget(void **state)
{
    static const struct row {
        const char *text;
        size_t once, all;
        int64_t duty_ns, until_ns;
    } rows[] = {
        {"chaos:\n  from: 2m\n  until: 20m\n  every: 4s\n" PALETTE, 3, 1000, 18 * 60 * NS_PER_S,
         1200},
        {"chaos:\n  from: 2m\n  until: 20m\n  every: 4s\n  budget: {at_once: 1, in_all: "
         "40}\n" PALETTE,
         1, 40, 18 * 60 * NS_PER_S, 1200},
        {"chaos:\n  from: 2m\n  every: 4s\n  budget: {at_once: 9, duty: 10%}\n" PALETTE
         "quiet: {from: 12m}\n",
         9, 1000, 60 * NS_PER_S, 720},
        {"chaos:\n  from: 2m\n  count: 200\n  budget: {at_once: 2}\n" PALETTE, 2, 200,
         28 * 60 * NS_PER_S, 1800},
    };
    for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
        size_t most = 0, all = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct made m;
            make(&m, rows[r].text, seed);
            for (size_t i = 0; i < m.plan->faults_n; i++)
                check_fault(m.plan, i, 120 * NS_PER_S, rows[r].until_ns * NS_PER_S);
            assert_true(at_once(m.plan) <= rows[r].once);
            assert_true(covered(m.plan) <= rows[r].duty_ns);
            assert_true(m.plan->faults_n > 0 && m.plan->faults_n <= rows[r].all);
            most = at_once(m.plan) > most ? at_once(m.plan) : most;
            all = m.plan->faults_n > all ? m.plan->faults_n : all;
            arena_free(&m.arena);
        }
        assert_true(most == rows[r].once || rows[r].once == 9); /* the budget is used */
        assert_true(all == rows[r].all || rows[r].all != 40);
    }
}

/* every: the mean; weight: three times as often. */
static void rates_and_weights(void **state)
{
    static const char text[] = "chaos:\n  from: 0s\n  every: 10s\n  budget: {at_once: 100}\n"
                               "  palette:\n"
                               "    - {fault: {net: reset}, one_of: cluster/edge, weight: 3}\n"
                               "    - {fault: {process: oom}, one_of: agent/edge}\n";
    size_t all = 0, resets = 0, members[5] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct made m;
        make(&m, text, seed);
        all += m.plan->faults_n;
        for (size_t i = 0; i < m.plan->faults_n; i++) {
            resets += m.plan->faults[i].fault.kind == FAULT_NET_RESET;
            members[m.plan->faults[i].target.a.first]++;
        }
        arena_free(&m.arena);
    }
    assert_in_range(all / SEEDS, 165, 195); /* 1,800 s at 10 s */
    assert_in_range(resets * 100 / all, 72, 78);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_in_range(members[i] * 100 / all, 18, 22);
}

static void other_targets_only(void **state)
{
    static const char text[] =
        "chaos:\n  from: 0s\n  every: 2s\n  overlap: other-targets\n  budget: {at_once: 50}\n"
        "  palette:\n"
        "    - {fault: {process: pause}, for: 10s..60s, one_of: manager/a}\n"
        "    - {fault: {net: loss}, for: 10s, target: site/a}\n"
        "    - {fault: {watch: drop}, for: 10s, target: api/a}\n"
        "    - {fault: {net: partition}, for: 10s, one_of: \"link/cluster/edge/site/*\"}\n"
        "    - {fault: {clock: skew, by: 1s}, for: 10s, one_of: \"agent/edge\"}\n"
        "    - {fault: {addon: cni-down}, for: 10s, one_of: \"cluster/*\"}\n";
    size_t together = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct made m;
        make(&m, text, seed);
        const struct plan_fault *f = m.plan->faults;
        for (size_t i = 0; i < m.plan->faults_n; i++)
            for (size_t j = 0; j < i; j++) {
                assert_false(meet(&f[i], &f[j]) && target_overlaps(&f[i].target, &f[j].target));
                together += meet(&f[i], &f[j]);
            }
        arena_free(&m.arena);
    }
    assert_true(together > SEEDS);
}

static void overlaps(void **state)
{
    static const struct {
        const char *a, *b;
        bool overlap;
    } rows[] = {
        {"manager/a", "manager/a[1]", true},
        {"manager/a[0..1]", "manager/a[2]", false},
        {"manager/a[0]", "manager/b[0]", false},
        {"manager", "manager/b[0]", true},
        {"site/a", "manager/a[0]", true},
        {"site/a", "api/a", true},
        {"api/a", "manager/a", false},
        {"api/a", "api/edge", false},
        {"cluster/edge[1]", "agent/edge[0..2]", true},
        {"cluster/edge[1]", "api/edge[2]", false},
        {"agent/edge[1]", "node/edge[1]", false},
        {"node/*", "node/edge[1]", true},
        {"dns", "dns/resolver/odd", true},
        {"dns/resolver/default", "dns/resolver/odd", false},
        {"link/cluster/edge[1]/site/a", "link/site/a/cluster/edge", true},
        {"link/cluster/edge[1]/site/a", "link/cluster/edge[1]/site/b", false},
        {"link/cluster/edge[1]/site/a", "site/a", true},
        {"agent/edge[1]", "link/cluster/edge[1]/site/a", true},
        {"agent/edge[2]", "link/cluster/edge[1]/site/a", false},
        {"all", "dns", true},
        {"leader", "manager/a[1]", true},
        {"agent/edge[1]/0", "agent/edge/1", false},
        {"agent/edge[1]/1", "agent/edge[0..1]", true},
        {"leader/a", "site/b", false},
        {"follower/a[1]", "manager/a[0]", true},
        {"follower/a", "site/b", false},
        {"holder/edge[1]", "manager/b", true},
        {"holder/edge[1]", "cluster/edge[1]", false},
        {"held/a", "agent/edge[1]", true},
        {"held/a[0]", "node/edge", false},
        {"agent/edge/1", "agent/edge/1", true},
        {"agent/edge[3]", "agent/edge[0..2]", false},
        {"agent/edge", "agent/core", false},
        {"link/site/a/site/b", "link/site/b/site/a", true},
        {"link/site/a/site/b", "link/cluster/core/site/b", false},
        {"link/cluster/core/site/b", "link/site/b/cluster/edge", false},
        {"link/site/a/site/b", "link/site/b/cluster/edge", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct made m;
        struct buf text = {0};
        buf_addf(&text,
                 "faults:\n  - {at: 1m, target: \"%s\", fault: {net: loss}}\n"
                 "  - {at: 1m, target: \"%s\", fault: {net: loss}}\n",
                 rows[i].a, rows[i].b);
        (void)try_make(&m, head, buf_str(&text), 1); /* whether or not it may be aimed there */
        static const struct str sites[] = {STR_INIT("a"), STR_INIT("b")},
                                groups[] = {STR_INIT("edge"), STR_INIT("core")},
                                resolvers[] = {STR_INIT("default"), STR_INIT("odd")};
        static const int64_t counts[] = {5, 2}, replicas[] = {3, 2};
        struct target_names names = {sites, groups, resolvers, 2, 2, 2, counts, replicas};
        struct target a, b;
        struct place nowhere = {0};
        assert_true(target_parse(str_c(rows[i].a), nowhere, &a, &m.diags));
        assert_true(target_parse(str_c(rows[i].b), nowhere, &b, &m.diags));
        assert_true(target_resolve(&a, &names, &m.diags) && target_resolve(&b, &names, &m.diags));
        if (target_overlaps(&a, &b) != rows[i].overlap ||
            target_overlaps(&b, &a) != rows[i].overlap)
            fail_msg("%s, %s", rows[i].a, rows[i].b);
        buf_free(&text);
        arena_free(&m.arena);
    }
}

/* ---- members ---- */

#define DRAWS 300u

/* Of what a target names one member is drawn, each of them at some time, and nothing else. */
static void members_are_drawn(void **state)
{
    static const struct {
        const char *target, *members[6];
    } rows[] = {
        {"site/*", {"site/a", "site/b"}},
        {"leader/a", {"leader/a"}},
        {"manager/a[1..2]", {"manager/a[1]", "manager/a[2]"}},
        {"manager/*[1..2]", {"manager/a[1]", "manager/a[2]", "manager/b[1]"}},
        {"follower/*", {"follower/a", "follower/b"}},
        {"follower/a[1]", {"follower/a[1]"}},
        {"held/b", {"held/b[0]", "held/b[1]"}},
        {"holder/edge[3..4]/1", {"holder/edge[3]/1", "holder/edge[4]/1"}},
        {"agent/core/0", {"agent/core[0]/0", "agent/core[1]/0"}},
        {"cluster/core", {"cluster/core[0]", "cluster/core[1]"}},
        {"node/*[4..6]", {"node/edge[4]"}},
        {"node/*[9]", {NULL}},
        {"api/a", {"api/a"}},
        {"api/edge[0..1]", {"api/edge[0]", "api/edge[1]"}},
        {"dns", {"dns"}},
        {"dns/resolver/*", {"dns/resolver/default", "dns/resolver/odd"}},
        {"link/cluster/core/site/*",
         {"link/cluster/core[0]/site/a", "link/cluster/core[1]/site/a",
          "link/cluster/core[0]/site/b", "link/cluster/core[1]/site/b"}},
        {"link/cluster/*[9]/site/a", {NULL}},
        {"link/site/a/cluster/*[9]", {NULL}},
    };
    static const struct str sites[] = {STR_INIT("a"), STR_INIT("b")},
                            groups[] = {STR_INIT("edge"), STR_INIT("core")},
                            resolvers[] = {STR_INIT("default"), STR_INIT("odd")};
    static const int64_t counts[] = {5, 2}, replicas[] = {3, 2};
    const struct target_names names = {sites, groups, resolvers, 2, 2, 2, counts, replicas};
    struct arena arena = {0};
    struct diags diags;
    struct source source = {.file = STR("t")};
    diags_init(&diags, &arena, &source);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rng rng = rng_split(i, STR("members"));
        struct target t;
        bool met[6] = {false};
        assert_true(target_parse(str_c(rows[i].target), (struct place){0}, &t, &diags));
        assert_true(target_resolve(&t, &names, &diags));
        for (size_t n = 0; n < DRAWS; n++) {
            struct buf text = {0};
            bool some = target_draw(&t, &names, &rng, &text);
            size_t m = 0;
            while (some && m < 6 && rows[i].members[m] &&
                   !str_eq_c(buf_str(&text), rows[i].members[m]))
                m++;
            if (some != (rows[i].members[0] != NULL) || (some && !rows[i].members[m]))
                fail_msg("%s: %s", rows[i].target, buf_c(&text));
            met[m] = true;
            buf_free(&text);
        }
        for (size_t m = 0; m < 6 && rows[i].members[m]; m++)
            if (!met[m])
                fail_msg("%s: never %s", rows[i].target, rows[i].members[m]);
    }
    arena_free(&arena);
}

/* ---- swarm ---- */

static void swarm_draws_subsets(void **state)
{
    static const char text[] = "seeds: {swarm: true}\n"
                               "faults:\n"
                               "  - {name: one, at: 1m, target: dns, fault: {dns: timeout}}\n"
                               "  - {name: two, at: 2m, target: dns, fault: {dns: nxdomain}}\n"
                               "  - {name: two, at: 3m, target: dns, fault: {dns: nxdomain}}\n"
                               "chaos:\n  from: 4m\n  every: 10s\n" PALETTE;
    size_t on[9] = {0}, fewest = 9, most = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct made m;
        make(&m, text, seed);
        struct plan *p = m.plan;
        size_t n = 0, timeline = 0;
        assert_int_equal(p->choices_n, ARRAY_LEN(on));
        for (size_t i = 0; i < p->choices_n; i++) {
            on[i] += p->choices[i]->on;
            n += p->choices[i]->on;
        }
        assert_int_equal(p->choices[1]->on, p->choices[2]->on);
        for (size_t i = 0; i < p->faults_n; i++) {
            timeline += !p->faults[i].drawn_from;
            assert_true(!p->faults[i].drawn_from || p->faults[i].drawn_from->on);
        }
        assert_int_equal(timeline, (size_t)p->choices[0]->on + 2 * (size_t)p->choices[1]->on);
        fewest = n < fewest ? n : fewest;
        most = n > most ? n : most;
        arena_free(&m.arena);
    }
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        assert_in_range(on[i], SEEDS / 3, SEEDS * 2 / 3);
    assert_true(fewest >= 1 && fewest <= 2 && most >= 8);
}

static void swarm_never_draws_nothing(void **state)
{
    static const char text[] =
        "seeds: {swarm: true}\n"
        "faults: [{name: one, at: 1m, target: dns, fault: {dns: timeout}}]\n";
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct made m;
        make(&m, text, seed);
        assert_int_equal(m.plan->faults_n, 1);
        arena_free(&m.arena);
    }
}

/* ---- written down ---- */

static void frozen_is_the_same(void **state)
{
    static const char text[] =
        "faults:\n"
        "  - {name: \"a \\\"b\\\": c\", at: 90s, for: 1m, target: site/a, fault: {net: latency, "
        "delay: 1.5ms, "
        "jitter: 2us}}\n"
        "  - {after: {step: settle, delay: 3s}, target: dns, fault: {dns: wrong-answer, record: "
        "manager, value: [site/b, site/a], share: 0.000001}}\n"
        "  - {after: settle, target: manager/a, fault: {http: {code: 503, retry_after: 2s, share: "
        "12.5%}}, optional: true}\n"
        "  - {at: 2m, target: site/a, fault: {net: throttle, rate: 64KiB}}\n"
        "  - {at: 2m, target: api/a, fault: {watch: reorder, window: 5 events, of: pods}}\n"
        "  - {at: 2m, target: api/a, fault: {http: slow, verb: list, user: manager}}\n"
        "  - {at: 2m, target: manager/a, fault: {process: crash, at: after-write, nth: 3, of: "
        "clusters, delay: 4s}}\n"
        "  - {at: 2m, target: manager/a, fault: {clock: drift, ppm: -300}}\n"
        "chaos:\n  from: 2m\n  every: 10s\n" PALETTE;
    struct made a, b;
    struct buf once = {0}, again = {0};
    make(&a, text, 7);
    faults_text(a.plan, &once);
    make(&b, buf_c(&once), 1); /* no draw is left: any seed */
    faults_text(b.plan, &again);
    check_str_eq(buf_str(&again), buf_str(&once));
    assert_true(a.plan->faults_n > 20);
    assert_int_equal(a.plan->faults_n, b.plan->faults_n);
    for (size_t i = 0; i < a.plan->faults_n; i++) {
        struct fault x = a.plan->faults[i].fault, y = b.plan->faults[i].fault;
        assert_int_equal(a.plan->faults[i].when.at_ns, b.plan->faults[i].when.at_ns);
        assert_int_equal(a.plan->faults[i].when.delay_ns, b.plan->faults[i].when.delay_ns);
        assert_int_equal(a.plan->faults[i].when.step, b.plan->faults[i].when.step);
        assert_int_equal(x.share_ppm, y.share_ppm);
        assert_int_equal(x.delay_ns, y.delay_ns);
        assert_int_equal(x.bytes_per_s, y.bytes_per_s);
        assert_int_equal(x.drift_ppm, y.drift_ppm);
        check_str_eq(x.user, y.user);
    }
    buf_free(&once);
    buf_free(&again);
    arena_free(&a.arena);
    arena_free(&b.arena);
}

static const char little[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {limit: 8m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 1}}}\n"
    "  clusters: {edge: {count: 2, agent: {replicas: 1}}}\n"
    "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n";

static const struct report_run *carry_out(struct suite *s, const char *text)
{
    struct buf errors = {0};
    if (!suite_add_file(s, STR("t.yaml"), str_c(text), &errors))
        fail_msg("%s", buf_c(&errors));
    buf_free(&errors);
    struct arena a = {0};
    check_ok(suite_lay_out(s));
    suite_done(s, 0, suite_run(s, 0, &a));
    arena_free(&a);
    return suite_report(s)->runs[0];
}

static void frozen_runs_the_same(void **state)
{
    static const char drawn[] =
        "seeds: {swarm: true}\n"
        "chaos:\n  from: 2m\n  until: 6m\n  every: 15s\n"
        "  palette:\n"
        "    - {fault: {net: reset}, one_of: cluster/edge}\n"
        "    - {fault: {process: crash}, one_of: agent/edge}\n"
        "    - {fault: {dns: servfail, share: 50%}, for: 5s..30s, target: dns}\n"
        "    - {fault: {watch: drop, share: 30%}, for: 5s..30s, target: api/a}\n";
    struct options options = {
        .command = COMMAND_RUN, .profile = STR("hardened"), .has_seed = true, .seed = 5};
    struct run_options run = {.log_level = LOG_ERROR, .until_ns = -1};
    struct made m;
    struct buf text = {0}, frozen = {0};
    buf_addf(&text, "%s%s", little, drawn);
    assert_true(try_make(&m, little, str_c(drawn), 5));
    buf_add_c(&frozen, little);
    scenario_freeze_faults(m.plan, &frozen);
    struct suite *a = suite_new(&options, &run), *b = suite_new(&options, &run);
    const struct report_run *first = carry_out(a, buf_c(&text)),
                            *second = carry_out(b, buf_c(&frozen));
    assert_true(first->faults_n > 5);
    assert_int_equal(first->faults_n, second->faults_n);
    check_str_eq(first->trace_hash, second->trace_hash);
    assert_true(str_starts(first->swarm, STR("on: ")));
    assert_true(first->faults[0].drawn_from.n > 0);
    suite_free(a);
    suite_free(b);
    buf_free(&text);
    buf_free(&frozen);
    arena_free(&m.arena);
}

/* ---- over many runs ---- */

static void palettes_without_effect(void **state)
{
    struct arena a = {0};
    struct drawn_tally t = {.arena = &a};
    const struct report_fault faults[] = {
        {STR_INIT("chaos 1: x on y"), STR_INIT("y"), 5, 6, 0, true, STR_INIT("x")},
        {STR_INIT("chaos 2: z on y"), STR_INIT("y"), 5, 6, 0, true, STR_INIT("z")},
        {STR_INIT("of the timeline"), STR_INIT("y"), 5, 6, 0, true, STR_INIT("")},
    };
    struct report_fault fired = faults[1];
    fired.fired = 3;
    const struct report_fault twice[] = {faults[0], faults[1], faults[0], faults[2]};
    struct report_run nothing, one = {.faults = &fired, .faults_n = 1};
    size_t i = 0;
    for (int n = 0; n < DRAWN_RUNS_MIN; n++) {
        assert_null(drawn_unfired(&t, &i)); /* it may be chance */
        nothing = (struct report_run){.faults = twice, .faults_n = ARRAY_LEN(twice)};
        drawn_add(&t, &nothing); /* all in one place, as runs that come from processes may be */
        i = 0;
    }
    drawn_add(&t, &one);
    i = 0;
    const struct drawn *d = drawn_unfired(&t, &i);
    assert_non_null(d);
    check_str(d->name, "x");
    assert_int_equal(d->runs, DRAWN_RUNS_MIN);
    assert_null(drawn_unfired(&t, &i));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(schedules_keep_their_budget),
        cmocka_unit_test(rates_and_weights),
        cmocka_unit_test(other_targets_only),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(members_are_drawn),
        cmocka_unit_test(swarm_draws_subsets),
        cmocka_unit_test(swarm_never_draws_nothing),
        cmocka_unit_test(frozen_is_the_same),
        cmocka_unit_test(frozen_runs_the_same),
        cmocka_unit_test(palettes_without_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
