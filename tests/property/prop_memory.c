/* Goal: whichever allocation fails, the program says so and ends with status 3: it never goes on with a NULL, and never
 * ends in another way.
 * Method: jobs that use a layer each are run in a child for each of their allocations, with that one failing; a whole
 * scenario for some of them. */
#include "tests/property/support/seed.h"

#include "engine/base/codec.h"
#include "engine/base/heap.h"
#include "engine/base/metrics.h"
#include "engine/base/yaml.h"
#include "engine/kube/object.h"
#include "sim/scenario/language/scenario.h"
#include "sim/scenario/suite/suite.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_OF_MEMORY 3
#define RUN_SAMPLES   39u
#define RUN_POWERS    13u /* a run has more than 2^13 allocations */

static void use_formats(struct arena *a)
{
    struct buf text = {0};
    struct yaml_node *n = NULL;
    struct err *err = yaml_parse(a, STR("t"), STR("b: &x [1, .5, two]\na: {k: *x}\n"), &n);
    BUG_ON(err != NULL, "the document is good");
    json_write(&text, yaml_to_json(a, n));
    cJSON *v = NULL;
    err = json_parse(a, buf_str(&text), &v);
    BUG_ON(err != NULL, "what was written is read");
    json_set_str(a, json_ensure(a, v, "x.y"), "z", STR("1"));
    err = json_parse(a, STR("{\"a\":1,\"a\":2}"), &v);
    err = err_wrap(err, ERR_INTERNAL, "wrapped");
    err_print(err, &text);
    struct err *copy = err_copy(err);
    err_free(copy);
    err_free(err);
    buf_free(&text);
}

static void use_containers(void)
{
    struct map m = {0};
    struct heap h = {0};
    struct heap_node nodes[20] = {{0}};
    struct metrics metrics = {0};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        heap_push(&h, &nodes[i], (int64_t)(i * 7 % 5), i);
        buf_clear(&text);
        buf_add_u64(&text, i);
        map_put(&m, buf_str(&text), &nodes[i]);
    }
    ++*metrics_cell(&metrics, METRIC_COUNTER, "c", STR("l=\"1\""), "help");
    metrics_write(&metrics, &text);
    base64_encode(&text, STR("hello"));
    metrics_free(&metrics);
    map_free(&m);
    heap_free(&h);
    buf_free(&text);
}

static void use_base(void)
{
    struct arena a = {0};
    use_formats(&a);
    use_containers();
    arena_free(&a);
}

/* ---- kube, tunnel, scenario ---- */

static void use_kube(void)
{
    struct kube_object *o = NULL, *later;
    struct buf text = {0};
    struct arena a = {0};
    struct err *err = kube_object_from_json(
        STR("{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}},"
            "\"spec\":{\"list\":[1,{\"b\":null}]}}"),
        &o);
    BUG_ON(err != NULL, "the object is good");
    later = kube_object_with_revision(o, 7);
    kube_object_key(later, &text);
    (void)kube_object_tree(later, &a);
    kube_object_unref(o);
    kube_object_unref(later);
    arena_free(&a);
    buf_free(&text);
}

static const char little[] =
    "scenario: v1\n"
    "name: t\n"
    "clock: {limit: 3m}\n"
    "topology:\n"
    "  sites: {a: {manager: {replicas: 1}}}\n"
    "  clusters: {edge: {count: 1}}\n"
    "  dns: {records: {manager: {value: site/a}}}\n"
    "chaos:\n"
    "  from: 1m\n"
    "  every: 20s\n"
    "  palette: [{fault: {net: reset}, target: site/a}]\n"
    "assert:\n"
    "  - {name: fine, eventually: \"all(agent: connected) and count(cluster) == 1\"}\n";

static void use_language(void)
{
    struct buf said = {0};
    BUG_ON(scenario_validate(STR("f"), STR(little), NULL, &said) != 0, "the scenario is good");
    buf_free(&said);
}

/* A manager, an agent, tunnels between them, in the simulated world. */
static void use_all(void)
{
    struct options options = {.command = COMMAND_RUN, .profile = STR("hardened")};
    struct run_options run = {.log_level = LOG_ERROR, .until_ns = -1};
    struct suite *s = suite_new(&options, &run);
    struct buf errors = {0};
    struct arena a = {0};
    BUG_ON(!suite_add_file(s, STR("f"), STR(little), &errors), "the scenario is good");
    BUG_ON(suite_lay_out(s) != NULL, "there is a run");
    suite_done(s, 0, suite_run(s, 0, &a));
    BUG_ON(suite_report(s)->runs[0]->outcome != REPORT_PASSED, "the scenario passes");
    buf_free(&errors);
    arena_free(&a);
    suite_free(s);
}

/* The exit status of the job with its n-th allocation failing. */
static int status_with_failure(void (*job)(void), uint64_t n)
{
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, STDERR_FILENO);
        mem_fail_after(n);
        job();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Each allocation of the job. */
static void check_each(void (*job)(void), uint64_t least, uint64_t most)
{
    uint64_t n = 1;
    while (status_with_failure(job, n) == OUT_OF_MEMORY)
        n++;
    assert_int_equal(status_with_failure(job, n), 0); /* beyond the last allocation all is well */
    assert_in_range(n, least, most);
}

static void every_failure_is_told(void **state)
{
    check_each(use_base, 50, 1000);
    check_each(use_kube, 5, 200);
    check_each(use_language, 50, 5000);
}

static void sample_failures(struct rng *rng)
{
    for (unsigned i = 0; i < RUN_SAMPLES; i++) {
        uint64_t low = UINT64_C(1) << (i % RUN_POWERS);
        assert_int_equal(status_with_failure(use_all, low + rng_below(rng, low)), OUT_OF_MEMORY);
    }
}

/* A whole run has too many for each: some, drawn evenly on a scale of powers of two. */
static void failures_of_a_run_are_told(void **state)
{
    assert_int_equal(status_with_failure(use_all, UINT64_C(1) << 40), 0);
    each_seed(1, sample_failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failure_is_told),
                                       cmocka_unit_test(failures_of_a_run_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
