/* Goal: whichever allocation fails, the program says so and ends with status 3: it never goes on with a NULL, and never
 * ends in another way.
 * Method: a job that uses the whole layer is run in a child for each of its allocations, with that one failing. */
#include "tests/property/support/seed.h"

#include "engine/base/codec.h"
#include "engine/base/heap.h"
#include "engine/base/metrics.h"
#include "engine/base/yaml.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_OF_MEMORY 3

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

/* The exit status of the job with its n-th allocation failing. */
static int status_with_failure(uint64_t n)
{
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, STDERR_FILENO);
        mem_fail_after(n);
        struct arena a = {0};
        use_formats(&a);
        use_containers();
        arena_free(&a);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void every_failure_is_told(void **state)
{
    uint64_t n = 1;
    while (status_with_failure(n) == OUT_OF_MEMORY)
        n++;
    assert_int_equal(status_with_failure(n), 0); /* beyond the last allocation all is well */
    assert_in_range(n, 50, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failure_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
