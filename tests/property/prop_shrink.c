/* Goal: whatever a scenario holds, shrinking leaves the faults that make it fail and none beside them.
 * Method: random timelines from printed seeds; a random one or two of their faults are the cause: a text fails when it has
 * them all. Texts are checked by the loader as runs would be. */
#include "engine/base/rng.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/shrink/shrink.h"
#include "tests/unit/support/check.h"

#define SEEDS      12u
#define FAULTS_MAX 14u

static const char *const kinds[] = {
    "target: site/a, fault: {tls: expired}",
    "target: dns, fault: {dns: servfail, share: 0.3}",
    "target: link/cluster/edge/site/a, fault: {net: partition}",
    "target: \"manager/a[1]\", fault: {process: pause}",
    "target: api/a, fault: {http: {code: 429, share: 0.2}}",
    "target: \"agent/edge[0..2]\", fault: {clock: skew, by: 10m}",
};

struct planted {
    struct str names[2]; /* of the faults that are the cause */
    size_t n;
};

static void run(void *ctx, const struct str *texts, size_t n, struct shrink_outcome *out)
{
    const struct planted *p = ctx;
    for (size_t i = 0; i < n; i++) {
        struct buf errors = {0};
        bool fails = true;
        for (size_t k = 0; k < p->n; k++)
            fails = fails && str_find(texts[i], p->names[k]) >= 0;
        out[i] = (struct shrink_outcome){.end = fails ? SHRINK_FAILED : SHRINK_PASSED,
                                         .kind = STR("assert"),
                                         .name = STR("it breaks"),
                                         .text = str_empty,
                                         .at_ns = INT64_C(700000000000)};
        if (scenario_validate(STR("candidate"), texts[i], NULL, &errors) > 0)
            out[i].end = SHRINK_INVALID;
        buf_free(&errors);
    }
}

static bool never_over(void *ctx)
{
    return false;
}

static size_t write_faults(struct rng *r, struct buf *out)
{
    size_t n = 2 + rng_below(r, FAULTS_MAX - 1);
    buf_add_c(out, "faults:\n");
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "  - {name: \"fault %c\", at: %dm, for: %ds, %s}\n", (char)('a' + i),
                 (int)(5 + rng_below(r, 10)), (int)(1 + rng_below(r, 90)),
                 kinds[rng_below(r, ARRAY_LEN(kinds))]);
    return n;
}

static void one_seed(uint64_t seed)
{
    struct rng r = rng_seed(seed);
    struct arena a = {0};
    struct buf text = {0}, out = {0};
    struct shrink_summary sum = {0};
    struct planted p = {.n = 1 + rng_below(&r, 2)};
    buf_addf(&text,
             "scenario: v1\nname: random\nclock: {limit: 30m}\ntopology:\n"
             "  sites: {a: {manager: {replicas: 3}}}\n  clusters: {edge: {count: %d, nodes: 2}}\n"
             "  dns: {records: {manager: {value: site/a}}}\n",
             (int)(3 + rng_below(&r, 200)));
    size_t n = write_faults(&r, &text);
    buf_add_c(&text, "assert: [{name: it breaks, never: \"exists(agent where not connected)\"}]\n");
    size_t first = rng_below(&r, n), second = (first + 1 + rng_below(&r, n - 1)) % n;
    p.names[0] = arena_printf(&a, "fault %c", (char)('a' + first));
    p.names[1] = arena_printf(&a, "fault %c", (char)('a' + second));
    struct shrink_job job = {.arena = &a,
                             .text = buf_str(&text),
                             .want = {SHRINK_FAILED, STR("assert"), STR("it breaks"), str_empty, 0},
                             .origin = STR("random"),
                             .again = STR("run"),
                             .width = 1 + rng_below(&r, 3),
                             .run = run,
                             .over = never_over,
                             .ctx = &p};
    check_ok(shrink(&job, &out, &sum));
    if (sum.after.faults != p.n)
        print_error("seed %llu:\n%s", (unsigned long long)seed, buf_c(&out));
    assert_int_equal(sum.after.faults, p.n);
    for (size_t k = 0; k < p.n; k++)
        assert_true(str_find(buf_str(&out), p.names[k]) >= 0);
    buf_free(&text);
    buf_free(&out);
    arena_free(&a);
}

static void the_cause_is_left(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        one_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_cause_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
