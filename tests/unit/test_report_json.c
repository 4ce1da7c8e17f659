/* Goal: the JSON is what design and scripts expect: strict, exact, complete.
 * Method: the small report is parsed back by the strict reader and compared with fixtures/reports; odd texts and extreme
 * numbers survive. */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"
#include "tests/unit/support/golden.h"
#include "tests/unit/support/sample_report.h"

static cJSON *written(struct arena *a, const struct report *r)
{
    struct buf out = {0};
    cJSON *tree = NULL;
    report_json(r, &out);
    check_ok(json_parse(a, arena_str(a, buf_str(&out)), &tree));
    buf_free(&out);
    return tree;
}

static void the_small_report(void **state)
{
    struct arena a = {0};
    struct str file = golden_read("fixtures/reports/small.json");
    cJSON *got = written(&a, sample_report_small(&a)), *want = NULL;
    check_ok(json_parse(&a, file, &want));
    assert_true(json_equal(got, want));
    str_free(&file);
    arena_free(&a);
}

/* The keys that design/cli.md promises. */
static void each_run_has_the_promised_keys(void **state)
{
    static const char *const keys[] = {
        "name",     "file",    "profile",     "case",      "params",
        "policies", "seed",    "result",      "traceHash", "events",
        "failures", "metrics", "wallSeconds", "asserts",   "simulatedSeconds"};
    struct arena a = {0};
    const cJSON *runs = json_get(written(&a, sample_report_small(&a)), "scenarios");
    assert_int_equal(cJSON_GetArraySize(runs), 3);
    for (const cJSON *run = runs->child; run; run = run->next)
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            assert_non_null(json_get(run, keys[i]));
    arena_free(&a);
}

static void texts_and_numbers_survive(void **state)
{
    struct arena a = {0};
    const struct report_metric metrics[] = {{STR("least"), INT64_MIN}, {STR("a.\"b\"\n"), 1}};
    const struct report_run run = {.name = STR("</script><!-- \x01 \xff \""),
                                   .seed = UINT64_MAX,
                                   .metrics = metrics,
                                   .metrics_n = 2,
                                   .simulated_ns = INT64_MAX};
    const struct report_run *const runs[] = {&run};
    const cJSON *got =
        json_get(written(&a, &(struct report){.runs = runs, .n = 1}), "scenarios")->child;
    check_str(json_string(json_get(got, "name")), "</script><!-- \x01 \xef\xbf\xbd \"");
    check_str(str_c(json_get(got, "seed")->valuestring), "18446744073709551615");
    check_str(str_c(json_get(got, "simulatedSeconds")->valuestring), "9223372036.854775807");
    int64_t value;
    assert_true(json_int(json_get(json_get(got, "metrics"), "least"), &value));
    assert_true(value == INT64_MIN);
    assert_non_null(json_get(json_get(got, "metrics"), "a.\"b\"\n"));
    arena_free(&a);
}

static void nothing_ran(void **state)
{
    struct buf out = {0};
    report_json(&(struct report){0}, &out);
    check_str(buf_str(&out), "{\"scenarios\":[\n],\"passed\":0,\"failed\":0,\"command\":\"\"}\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_report),
        cmocka_unit_test(each_run_has_the_promised_keys),
        cmocka_unit_test(texts_and_numbers_survive),
        cmocka_unit_test(nothing_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
