/* Goal: a run ends where it is told to, for the reason that its report names, and what it leaves (timeline, dump, log) tells
 * the world as it then is.
 * Method: one little estate; each test gives the run its own clock, memory, stop or listener. */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"
#include "engine/world/world.h"
#include "sim/scenario/run/verdict.h"
#include "tests/unit/support/small_run.h"

static const char head[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {start: \"2026-01-01T00:00:00Z\", limit: 5m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 1}}, b: {manager: {replicas: 1, standby: true}}}\n"
    "  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}\n"
    "  dns: {zone: x.test, records: {manager: {ttl: 30s, value: [site/a]}}}\n"
    "steps:\n"
    "  - {name: settle, wait: {until: \"all(agent: connected)\", within: 2m}}\n";

/* ---- budgets ---- */

struct meters {
    int64_t wall_ns, wall_step_ns; /* the clock, and what it goes on by at each look */
    int64_t memory_bytes;
};

static int64_t read_clock(void *ctx)
{
    struct meters *m = ctx;
    return m->wall_ns += m->wall_step_ns;
}

static int64_t read_memory(void *ctx)
{
    return ((struct meters *)ctx)->memory_bytes;
}

static void budgets(void **state)
{
    static const struct {
        const char *text, *reason; /* NULL: it passes */
        int64_t wall_step_ns, memory_bytes;
    } rows[] = {
        {"budget: {wall: 1s}\n", "wall-clock limit", NS_PER_S, 0},
        {"budget: {wall: 1h}\n", NULL, NS_PER_S, 0},
        {"budget: {events: 100}\n", "more events", 0, 0},
        {"budget: {events: 10000000}\n", NULL, 0, 0},
        {"budget: {memory: 1MiB}\n", "more memory", 0, 2 << 20},
        {"budget: {memory: 2MiB}\n", NULL, 0, 2 << 20},
        {"", NULL, NS_PER_S, 2 << 20},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct meters m = {.wall_step_ns = rows[i].wall_step_ns,
                           .memory_bytes = rows[i].memory_bytes};
        struct small_run r = {
            .run = {.wall_clock = read_clock, .memory_bytes = read_memory, .ctx = &m}};
        small_run(&r, head, rows[i].text);
        assert_int_equal(r.first->outcome, rows[i].reason ? REPORT_ERROR : REPORT_PASSED);
        if (rows[i].reason) {
            assert_int_equal(r.first->failures_n, 1);
            check_str(r.first->failures[0].kind, "budget");
            assert_true(str_find(r.first->failures[0].text, str_c(rows[i].reason)) >= 0);
            assert_true(r.first->simulated_ns < 300 * NS_PER_S);
        }
        small_run_free(&r);
    }
}

/* ---- stops ---- */

static void interruptions(void **state)
{
    bool yes = true;
    (void)state;
    struct small_run r = {.run = {.interrupted = &yes}};
    small_run(&r, head, "assert:\n  - {name: it, always: \"all(agent: connected)\", from: 4m}\n");
    assert_int_equal(r.first->outcome, REPORT_SKIPPED);
    assert_int_equal(r.first->failures_n, 1);
    check_str(r.first->failures[0].kind, "interrupted");
    assert_int_equal(r.first->simulated_ns, 0);
    small_run_free(&r);
    /* a run that compares is interrupted in its faultless run: that is no failure of it either */
    struct small_run both = {.run = {.interrupted = &yes}};
    small_run(&both, head,
              "assert:\n  - {name: it, at: 4m, that: \"state(all) == reference.state(all)\"}\n");
    assert_int_equal(both.first->outcome, REPORT_SKIPPED);
    assert_int_equal(both.first->failures_n, 1);
    check_str(both.first->failures[0].kind, "interrupted");
    small_run_free(&both);
}

static void stops_at_a_step(void **state)
{
    static const char text[] = "  - {name: last, at: 4m, do: {heal: all}}\n"
                               "assert:\n"
                               "  - {name: late, at: {step: last, delay: 1s}, that: \"1 == 2\"}\n";
    (void)state;
    struct small_run all = {0}, settled = {.options = {.until = STR("settle")}};
    small_run(&all, head, text);
    assert_int_equal(all.first->outcome, REPORT_FAILED);
    small_run_free(&all);
    small_run(&settled, head, text);
    assert_int_equal(settled.first->outcome, REPORT_PASSED); /* what is not decided is not judged */
    assert_true(settled.first->simulated_ns < 60 * NS_PER_S);
    assert_int_equal(settled.first->simulated_ns, settled.first->steps[0].end_ns);
    assert_int_equal(settled.first->steps[1].begin_ns, -1);
    small_run_free(&settled);
}

/* It becomes quiet once, whether its time is known beforehand or hangs on a wait. */
static void quiet_comes_once(void **state)
{
    static const char *const from[] = {"3m", "{step: settle, delay: 1m}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        struct buf text = {0};
        struct small_run r = {0};
        buf_addf(&text,
                 "quiet: {from: %s}\n"
                 "measure:\n  it: {gauge: \"count(agent where connected)\", at: {step: quiet, "
                 "delay: 5s}}\n",
                 from[i]);
        small_run(&r, head, buf_c(&text));
        assert_int_equal(r.first->outcome, REPORT_PASSED);
        assert_int_equal(small_run_events(r.first, "quiet"), 1);
        assert_int_equal(r.first->hists[0].n, 1);
        assert_int_equal(r.first->hists[0].values[0], 1);
        small_run_free(&r);
        buf_free(&text);
    }
}

/* ---- what a run leaves ---- */

static cJSON *member(cJSON *tree, const char *path)
{
    struct str name, rest = str_c(path);
    for (bool more = true; more && tree;) {
        uint64_t index;
        more = str_cut(rest, '.', &name, &rest);
        char *z = str_dup_c(name);
        tree = str_to_u64(name, &index) ? cJSON_GetArrayItem(tree, (int)index)
                                        : cJSON_GetObjectItemCaseSensitive(tree, z);
        mem_free(z);
    }
    return tree;
}

static void check_member(cJSON *tree, const char *path, const char *want)
{
    struct buf got = {0};
    cJSON *at = member(tree, path);
    if (!at)
        fail_msg("%s is not there", path);
    json_write(&got, at);
    if (!str_eq_c(buf_str(&got), want))
        fail_msg("%s is %s, not %s", path, buf_c(&got), want);
    buf_free(&got);
}

static void dumps(void **state)
{
    static const char text[] =
        "  - {name: reset, at: 2m10s, do: {fault: {net: reset}, target: site/a}}\n"
        "  - {name: dark, at: 3m, do: {fault: {process: power-loss}, target: api/b}}\n"
        "  - {name: gone, at: 3m, do: {fault: {process: power-loss}, target: agent/edge}}\n"
        "faults:\n"
        "  - {name: soon, at: 3m, for: 10s, target: site/a, fault: {net: latency, delay: 1ms}}\n"
        "  - {name: over, at: 3m, for: 1s, target: dns, fault: {dns: nxdomain}, optional: true}\n";
    (void)state;
    static const struct {
        const char *until, *path, *value;
    } rows[] = {
        {"120s", "sites.0.api.up", "true"},
        {"120s", "sites.0.replicas.0.running", "true"},
        {"120s", "sites.0.replicas.0.leading", "true"},
        {"120s", "sites.1.role", "\"standby\""},
        {"120s", "sites.1.replicas.0.running", "false"},
        {"120s", "sites.1.replicas.0.startedAt", "null"},
        {"120s", "clusters.0.agents.0.connected", "true"},
        {"120s", "clusters.0.agents.0.peer", "\"site/a\""},
        {"120s", "clusters.0.inManager", "true"},
        {"120s", "faults", "[]"},
        {"185s", "sites.1.api.up", "false"},
        {"185s", "clusters.0.agents.0.running", "false"},
        {"185s", "faults.0.underWay", "false"},
        {"185s", "faults.1.underWay", "true"},
        {"185s", "faults.1.end", "null"},
        {"0s", "clusters.0.inManager", "false"},
        {"0s", "clusters.0.registered", "false"},
        {"5s", "clusters.0.resolver.0.negative", "false"},
        {"130100ms", "clusters.0.agents.0.connected", "false"},
        {"130100ms", "clusters.0.agents.0.connectedAt", "null"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {0};
        struct arena a = {0};
        struct run_dump dump = {.out = &out};
        struct small_run r = {.options = {.until = str_c(rows[i].until)}, .run = {.dump = &dump}};
        cJSON *tree = NULL;
        small_run(&r, head, text);
        check_ok(json_parse(&a, buf_str(&out), &tree));
        check_member(tree, rows[i].path, rows[i].value);
        arena_free(&a);
        buf_free(&out);
        small_run_free(&r);
    }
}

/* Words of commands as a shell takes them. */
static void words(void **state)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a-Z_0./=,:@%+", "a-Z_0./=,:@%+"},
        {"", "''"},
        {"two words", "'two words'"},
        {"it's", "'it'\\''s'"},
        {"[x]", "'[x]'"},
        {"{x", "'{x'"},
        {"a;b", "'a;b'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {0};
        verdict_add_word(&out, str_c(rows[i][0]));
        check_str(buf_str(&out), rows[i][1]);
        buf_free(&out);
    }
}

/* What the world cannot do is said before anything begins, and so is a faultless run that does not get to its end. */
static void runs_that_never_begin(void **state)
{
    static const struct {
        const char *text, *kind, *reason;
        enum report_outcome outcome;
    } rows[] = {
        {"faults: [{name: it, at: 3m, target: api/a, fault: {http: slow, delay: 1ms, verb: get}, "
         "optional: true}]\n",
         NULL, NULL, REPORT_PASSED},
        {"faults: [{name: it, at: 3m, target: manager/a, fault: {http: error, code: 500, verb: "
         "get}}]\n",
         "unsupported", "knows no `verb`", REPORT_UNSUPPORTED},
        {"faults: [{name: it, at: 3m, target: manager/a, fault: {http: slow, user: x}}]\n",
         "unsupported", "no `user`", REPORT_UNSUPPORTED},
        {"  - {name: it, do: {fault: {http: slow, user: x}, target: manager/a}}\n", "unsupported",
         "no `user`", REPORT_UNSUPPORTED},
        {"  - {name: it, wait: {until: \"none(agent: connected)\", within: 10s}}\n"
         "assert:\n  - {name: same, at: 4m, that: \"state(all) == reference.state(all)\"}\n",
         "error", "did not get to its end: it: waited 10s", REPORT_ERROR},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct small_run r = {0};
        small_run(&r, head, rows[i].text);
        if (r.first->outcome != rows[i].outcome)
            fail_msg("%s: outcome %d", rows[i].text, (int)r.first->outcome);
        for (size_t k = 0; rows[i].kind && k < r.first->failures_n; k++) {
            check_str(r.first->failures[k].kind, rows[i].kind);
            assert_true(str_find(r.first->failures[k].text, str_c(rows[i].reason)) >= 0);
            assert_int_equal(r.first->simulated_ns, 0);
        }
        small_run_free(&r);
    }
}

/* Two runs that differ by a fault are told apart by what it did; of some APIs, of one, or of all of them. */
static void compared_with_the_faultless_run(void **state)
{
#define GONE "  - {name: gone, at: 3m, do: {fault: {node: not-ready}, target: cluster/edge}}\n"
#define HEAL "  - {name: back, at: 3m30s, do: {heal: all}}\n"
#define SAME(of)                                                                                   \
    "assert:\n  - {name: it, at: 4m50s, that: \"state(" of ") == reference.state(" of ")\"}\n"
    static const struct small_row rows[] = {
        {GONE SAME("api/b"), "", ""},
        {GONE SAME("api/edge"), "assert it", "availableReplicas is not there"},
        {GONE SAME("api/*"), "assert it", "difference"},
        {GONE SAME("all"), "assert it", "availableReplicas is not there"},
        {GONE HEAL SAME("api/b"), "", ""},
        {"  - {name: more, at: 3m, do: {cluster.create: edge}}\n" SAME("api/b"), "", ""},
    };
    bool ok = true;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ok &= small_row_holds(head, &rows[i]);
    assert_true(ok);
}

/* A command that is told the same options, and that goes on until the failure has happened: also when a breach had to last
 * to be one. */
static void replays(void **state)
{
    static const char text[] =
        "params: {size: {type: int, default: 1, max: 5}}\n"
        "measure: {m: {gauge: \"count(agent) * ${size}\"}}\n"
        "faults:\n"
        "  - {name: cut, at: 3m, for: 60s, target: link/cluster/edge/site/a, fault: {net: "
        "partition}}\n"
        "assert:\n"
        "  - {name: it, never: \"exists(agent where not connected)\", from: 3m, lasting: 20s}\n";
    struct str sets[] = {STR("size=2")};
    struct str policies[] = {STR("agent.start=retry"), STR("tunnel.dead_after=30s")};
    const struct options told = {
        .sets = sets, .sets_n = 1, .policies = policies, .policies_n = ARRAY_LEN(policies)};
    struct str word = STR(" --seed 1 --until ");
    struct small_run r = {.options = told}, again = {.options = told};
    (void)state;
    small_run(&r, head, text);
    assert_int_equal(r.first->failures_n, 1);
    assert_true(str_starts(r.first->replay,
                           STR("paddock-sim run t.yaml --profile hardened --set size=2 --policy "
                               "agent.start=retry --policy tunnel.dead_after=30s --seed 1 ")));
    ptrdiff_t at = str_find(r.first->replay, word);
    assert_true(at > 0);
    again.options.until = str_sub(r.first->replay, (size_t)at + word.n, r.first->replay.n);
    small_run(&again, head, text);
    assert_int_equal(again.first->failures_n, 1);
    check_str(again.first->failures[0].name, "it");
    assert_int_equal(again.first->failures[0].at_ns, r.first->failures[0].at_ns);
    small_run_free(&again);
    small_run_free(&r);
}

/* What the report lists of each assertion agrees with the verdict of the run. */
static void asserts_that_do_not_hold(void **state)
{
    static const char text[] =
        "  - {name: wish, wait: {until: \"none(agent: connected)\", within: 10s}}\n"
        "assert:\n"
        "  - {name: never looked at, at: {step: wish}, that: \"count(agent) == 1\"}\n"
        "  - {name: wrong, at: 5s, that: \"count(agent) == 7\"}\n"
        "  - {name: right, at: 5s, that: \"count(agent) == 1\"}\n";
    static const char *const verdicts[] = {"vacuous", "failed", "held"};
    struct small_run r = {0};
    (void)state;
    small_run(&r, head, text);
    assert_int_equal(r.first->asserts_n, ARRAY_LEN(verdicts));
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        check_str(r.first->asserts[i].verdict, verdicts[i]);
        assert_int_equal(r.first->asserts[i].ok, i == 2);
    }
    small_run_free(&r);
}

/* What is not known yet is no sample; a ratio has its scale, and a number of no collection is one. */
static void samples(void **state)
{
    (void)state;
    struct small_run r = {0};
    small_run(&r, head,
              "quiet: {from: 4m}\n"
              "measure:\n"
              "  since: {gauge: \"age(time(settle))\", every: 30s}\n"
              "  part: {gauge: \"0.25\", at: 1m}\n"
              "  lone: {hist: \"count(agent)\"}\n"
              "  calm: {gauge: \"count(agent where connected)\", at: {step: quiet, delay: 1s}}\n"
              "  never: {gauge: \"min(agent.lost_at)\", at: 2m}\n"
              "  later: {gauge: \"age(time(settle))\", at: {step: settle, delay: 7s}}\n");
    assert_int_equal(r.first->failures_n, 0);
    assert_int_equal(r.first->hists_n, 6);
    assert_true(r.first->hists[0].n >= 8 && r.first->hists[0].n <= 10);
    assert_int_equal(r.first->hists[1].scale, 1000000);
    assert_int_equal(r.first->hists[1].values[0], 250000);
    assert_int_equal(r.first->hists[2].n, 1);
    assert_int_equal(r.first->hists[2].values[0], 1);
    assert_int_equal(r.first->hists[3].n, 1);
    assert_int_equal(r.first->hists[4].n, 0);
    assert_int_equal(r.first->hists[5].n, 1);
    assert_int_equal(r.first->hists[5].values[0], 7000);
    small_run_free(&r);
}

struct heard {
    size_t lines, bytes;
    bool of_process;
};

static void on_line(void *ctx, int64_t at_ns, enum log_level level, struct str component,
                    struct str message)
{
    struct heard *h = ctx;
    (void)level;
    h->lines += at_ns >= 0 && message.n > 0;
    h->of_process = h->of_process || str_starts(component, STR("site/a/"));
}

static void on_block(void *ctx, struct str bytes)
{
    ((struct heard *)ctx)->bytes += bytes.n;
}

/* Who listens hears of the run as it goes on, and hears nothing of the faultless one beside it. */
static void listeners(void **state)
{
    static const char *const rows[] = {
        "", "assert:\n  - {name: it, at: 4m, that: \"state(all) == reference.state(all)\"}\n"};
    struct heard heard[ARRAY_LEN(rows)] = {0};
    struct buf objects = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run_dump dump = {.out = &objects, .objects = true};
        struct small_run r = {.run = {.log_line = on_line,
                                      .trace_block = on_block,
                                      .dump = i ? NULL : &dump,
                                      .ctx = &heard[i]}};
        small_run(&r, head, rows[i]);
        assert_int_equal(r.first->outcome, REPORT_PASSED);
        small_run_free(&r);
    }
    assert_true(heard[0].bytes > 0);
    assert_int_equal(heard[0].bytes, heard[1].bytes);
    assert_int_equal(heard[0].lines, heard[1].lines);
    assert_true(str_find(buf_str(&objects), STR("\"kind\":\"Deployment\"")) > 0);
    buf_free(&objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(budgets),
                                       cmocka_unit_test(interruptions),
                                       cmocka_unit_test(stops_at_a_step),
                                       cmocka_unit_test(quiet_comes_once),
                                       cmocka_unit_test(dumps),
                                       cmocka_unit_test(words),
                                       cmocka_unit_test(runs_that_never_begin),
                                       cmocka_unit_test(compared_with_the_faultless_run),
                                       cmocka_unit_test(replays),
                                       cmocka_unit_test(asserts_that_do_not_hold),
                                       cmocka_unit_test(samples),
                                       cmocka_unit_test(listeners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
