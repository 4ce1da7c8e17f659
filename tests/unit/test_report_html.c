/* Goal: the page is whole, holds its data once and unharmed, and no text of a scenario becomes markup or script.
 * Method: hostile texts, the data parsed back by the strict reader, a page of 10,000 events a run.
 * With an argument the program writes that large page to a file instead, to be looked at:
 *     build/debug/test_report_html /tmp/page.html */
#include "tests/unit/support/check.h"

#include "engine/base/json.h"
#include "tests/unit/support/sample_report.h"

static const struct str opening = STR_INIT("<script type=\"application/json\" id=\"data\">");

static size_t occurrences(struct str s, const char *z)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = str_find(s, str_c(z))) >= 0; n++)
        s = str_sub(s, (size_t)at + 1, s.n);
    return n;
}

/* What an HTML parser takes for the data: up to the first end tag of a script. */
static cJSON *data_of(struct arena *a, struct str page)
{
    ptrdiff_t at = str_find(page, opening);
    assert_true(at >= 0);
    struct str text = str_sub(page, (size_t)at + opening.n, page.n);
    text.n = (size_t)str_find(text, STR("</script"));
    cJSON *tree = NULL;
    check_ok(json_parse(a, text, &tree));
    return tree;
}

static void the_data_comes_back(void **state)
{
    struct arena a = {0};
    struct buf page = {0};
    report_html(sample_report_small(&a), &page);
    const cJSON *runs = json_get(data_of(&a, buf_str(&page)), "runs");
    assert_int_equal(cJSON_GetArraySize(runs), 3);
    const cJSON *failed = cJSON_GetArrayItem(runs, 1);
    assert_int_equal(cJSON_GetArraySize(json_get(failed, "timeline")), 3);
    assert_int_equal(cJSON_GetArraySize(json_get(failed, "spans")), 3);
    assert_int_equal(cJSON_GetArraySize(json_get(failed, "lanes")), 2);
    const cJSON *values = json_get(json_get(failed, "measures")->child, "values");
    check_str(str_c(cJSON_GetArrayItem(values, 2)->valuestring), "61.25");
    check_str(json_string_at(failed, "seedText"), "137");
    assert_int_equal(occurrences(buf_str(&page), "obedient agents are back"),
                     2); /* assert, failure */
    buf_free(&page);
    arena_free(&a);
}

static const char hostile[] =
    "</script><img src=x onerror=alert(1)><!-- & \"' @style@ \xe2\x80\xa8 \x01";

static void texts_stay_texts(void **state)
{
    struct arena a = {0};
    struct buf page = {0}, plain = {0};
    const struct str text = {hostile, sizeof(hostile) - 1};
    const struct report_failure f = {
        .kind = text, .name = text, .text = text, .place = text, .expected = text, .seen = text};
    const struct report_lane lane = {text, text};
    const struct report_event event = {.kind = text, .text = text};
    const struct report_metric metric = {text, 1};
    const struct report_run run = {.name = text,
                                   .doc = text,
                                   .file = text,
                                   .profile = text,
                                   .case_id = text,
                                   .params = text,
                                   .replay = text,
                                   .failures = &f,
                                   .failures_n = 1,
                                   .lanes = &lane,
                                   .lanes_n = 1,
                                   .timeline = &event,
                                   .timeline_n = 1,
                                   .metrics = &metric,
                                   .metrics_n = 1};
    const struct report_run *const runs[] = {&run};
    report_html(&(struct report){.runs = runs, .n = 1, .command = text}, &page);
    report_html(&(struct report){.runs = runs, .n = 0}, &plain);
    assert_int_equal(occurrences(buf_str(&page), "<img"), 0);
    assert_int_equal(occurrences(buf_str(&page), "</script"),
                     occurrences(buf_str(&plain), "</script"));
    assert_int_equal(occurrences(buf_str(&page), "<!--"), occurrences(buf_str(&plain), "<!--"));
    const cJSON *got = json_get(data_of(&a, buf_str(&page)), "runs")->child;
    check_str_eq(json_string(json_get(got, "name")), text);
    check_str_eq(json_string(json_get(got, "replay")), text);
    buf_free(&page);
    buf_free(&plain);
    arena_free(&a);
}

/* Nothing in the page names another resource, and its policy forbids it. */
static void the_page_is_by_itself(void **state)
{
    struct arena a = {0};
    struct buf page = {0};
    report_html(sample_report_small(&a), &page);
    struct str text = buf_str(&page);
    assert_true(str_starts(text, STR("<!doctype html>")));
    assert_int_equal(occurrences(text, "default-src 'none'"), 1);
    static const char *const outside[] = {" src=",         "@import", "url(",          "<link",
                                          "sourceMapping", "fetch(",  "XMLHttpRequest"};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        if (occurrences(text, outside[i]) != 0)
            fail_msg("the page has %s", outside[i]);
    assert_int_equal(occurrences(text, "Chart.js v"), 1);
    assert_int_equal(occurrences(text, "id=\"data\""), 1);
    assert_int_equal(occurrences(text, "<title>dns-failover: 1 passed, 2 failed</title>"), 1);
    buf_free(&page);
    arena_free(&a);
}

static void a_large_page(void **state)
{
    struct arena a = {0};
    struct buf page = {0};
    report_html(sample_report_large(&a, 10000), &page);
    assert_true(buf_ok(&page));
    assert_in_range(page.n, 1 << 20, 8 << 20);
    const cJSON *runs = json_get(data_of(&a, buf_str(&page)), "runs");
    assert_int_equal(cJSON_GetArraySize(runs), 8);
    assert_int_equal(cJSON_GetArraySize(json_get(runs->child, "timeline")), 10000);
    buf_free(&page);
    arena_free(&a);
}

/* The page has a bound; runs that failed keep their events. */
static void too_many_events(void **state)
{
    struct arena a = {0};
    struct buf page = {0};
    const struct report_lane lane = {STR("x"), STR("y")};
    struct report_event *events = ARENA_NEW_ARRAY(&a, struct report_event, 150000);
    const struct report_run passed = {.lanes = &lane,
                                      .lanes_n = 1,
                                      .timeline = events,
                                      .timeline_n = 150000,
                                      .timeline_dropped = 5};
    struct report_run failed = passed;
    failed.outcome = REPORT_FAILED;
    const struct report_run *const runs[] = {&passed, &failed};
    report_html(&(struct report){.runs = runs, .n = 2}, &page);
    const cJSON *got = json_get(data_of(&a, buf_str(&page)), "runs")->child;
    assert_int_equal(cJSON_GetArraySize(json_get(got, "timeline")), 50000);
    assert_int_equal(json_int_at(got, "eventsDropped", 0), 100005);
    assert_int_equal(cJSON_GetArraySize(json_get(got->next, "timeline")), 150000);
    assert_int_equal(json_int_at(got->next, "eventsDropped", 0), 5);
    buf_free(&page);
    arena_free(&a);
}

static int write_page(const char *path)
{
    struct arena a = {0};
    struct buf page = {0};
    report_html(sample_report_large(&a, 10000), &page);
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(page.p, 1, page.n, f) == page.n;
    ok = f && fclose(f) == 0 && ok;
    buf_free(&page);
    arena_free(&a);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return write_page(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_comes_back),   cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(the_page_is_by_itself), cmocka_unit_test(a_large_page),
        cmocka_unit_test(too_many_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
