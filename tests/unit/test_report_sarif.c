/* Goal: findings are a SARIF 2.1.0 log: what the standard requires is there, lines and columns are right, any text and any
 * path fit.
 * Method: the log is parsed again and its required members are looked up (OASIS SARIF 2.1.0, sections 3.13 to 3.30). */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"
#include "reports/report_sarif.h"

static const cJSON *at(const cJSON *v, int i)
{
    const cJSON *item = cJSON_GetArrayItem(v, i);
    assert_non_null(item);
    return item;
}

static const cJSON *log_of(struct arena *a, struct buf *text)
{
    cJSON *log;
    check_ok(json_parse(a, buf_str(text), &log));
    check_str(json_string(json_get(log, "version")), "2.1.0");
    assert_int_equal(cJSON_GetArraySize(json_get(log, "runs")), 1);
    const cJSON *run = at(json_get(log, "runs"), 0);
    check_str(json_string_at(run, "tool.driver.name"), "paddock-sim");
    check_str(json_string(json_get(run, "columnKind")), "unicodeCodePoints");
    const cJSON *rules = json_path(run, "tool.driver.rules");
    const cJSON *results = json_get(run, "results");
    assert_true(cJSON_IsArray(results)); /* there even when nothing was found */
    for (const cJSON *r = results->child; r; r = r->next) {
        int64_t index = json_int_at(r, "ruleIndex", -1);
        check_str_eq(json_string(json_get(at(rules, (int)index), "id")),
                     json_string(json_get(r, "ruleId")));
        assert_true(json_string_at(r, "message.text").n > 0);
    }
    return results;
}

static void findings(void **state)
{
    static const struct report_finding list[] = {
        {.rule = STR_INIT("scenario"),
         .text = STR_INIT("steps[0]: a \"quote\"\nand \xff bytes"),
         .file = STR_INIT("a folder/x#1.yaml"),
         .line = 3,
         .column = 7},
        {.rule = STR_INIT("unsupported"),
         .note = true,
         .text = STR_INIT("no"),
         .file = STR_INIT("/x.yaml")},
        {.rule = STR_INIT("newer than this"), .text = STR_INIT("no place"), .file = {"", 0}},
    };
    struct arena a = {0};
    struct buf out = {0};
    report_sarif_findings(list, ARRAY_LEN(list), &out);
    const cJSON *results = log_of(&a, &out);
    assert_int_equal(cJSON_GetArraySize(results), 3);
    const cJSON *where = json_get(at(json_get(at(results, 0), "locations"), 0), "physicalLocation");
    check_str(json_string_at(where, "artifactLocation.uri"), "a%20folder/x%231.yaml");
    assert_int_equal(json_int_at(where, "region.startLine", 0), 3);
    assert_int_equal(json_int_at(where, "region.startColumn", 0), 7);
    check_str(json_string(json_get(at(results, 0), "level")), "error");
    check_str(json_string(json_get(at(results, 1), "level")), "note");
    where = json_get(at(json_get(at(results, 1), "locations"), 0), "physicalLocation");
    check_str(json_string_at(where, "artifactLocation.uri"), "file:///x.yaml");
    assert_null(json_get(where, "region"));
    assert_null(json_get(at(results, 2), "locations"));
    check_str(json_string(json_get(at(results, 2), "ruleId")), "error");
    buf_free(&out);
    arena_free(&a);
}

static void failures_of_runs(void **state)
{
    static const struct report_failure failures[] = {
        {.kind = STR_INIT("assert"),
         .name = STR_INIT("all are back"),
         .text = STR_INIT("2 of 3"),
         .at_ns = 61500000000,
         .place = STR_INIT("d:e/x.yaml:82:5")},
        {.kind = STR_INIT("fault"),
         .name = STR_INIT("idle"),
         .text = STR_INIT("never"),
         .at_ns = -1},
        {.kind = STR_INIT("error"),
         .name = STR_INIT("process"),
         .text = STR_INIT("gone"),
         .at_ns = -1,
         .place = STR_INIT("x.yaml:99999999999:1")},
    };
    static const struct report_run run = {.name = STR_INIT("x"),
                                          .file = STR_INIT("d:e/x.yaml"),
                                          .profile = STR_INIT("compat"),
                                          .case_id = STR_INIT("lie=drop"),
                                          .seed = 7,
                                          .outcome = REPORT_FAILED,
                                          .replay = STR_INIT("paddock-sim run x"),
                                          .failures = failures,
                                          .failures_n = ARRAY_LEN(failures)};
    const struct report_run *runs[] = {&run, &run};
    struct report report = {.runs = runs, .n = 1};
    struct arena a = {0};
    struct buf out = {0};
    report_sarif(&report, &out);
    const cJSON *results = log_of(&a, &out);
    assert_int_equal(cJSON_GetArraySize(results), 3);
    check_str(json_string_at(at(results, 0), "message.text"),
              "all are back: 2 of 3 (at 1m01.500s)\nx, profile compat, case lie=drop, seed "
              "7\npaddock-sim run x");
    const cJSON *where = json_get(at(json_get(at(results, 0), "locations"), 0), "physicalLocation");
    check_str(json_string_at(where, "artifactLocation.uri"), "d%3Ae/x.yaml");
    assert_int_equal(json_int_at(where, "region.startLine", 0), 82);
    assert_int_equal(json_int_at(where, "region.startColumn", 0), 5);
    where = json_get(at(json_get(at(results, 1), "locations"), 0), "physicalLocation");
    assert_null(json_get(where, "region")); /* the file as a whole */
    where = json_get(at(json_get(at(results, 2), "locations"), 0), "physicalLocation");
    assert_null(json_get(where, "region"));
    buf_clear(&out);
    report.n = 0;
    report_sarif(&report, &out);
    assert_int_equal(cJSON_GetArraySize(log_of(&a, &out)), 0);
    buf_free(&out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings),
        cmocka_unit_test(failures_of_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
