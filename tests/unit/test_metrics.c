/* Goal: cells are found by name and labels, and written as Prometheus reads them, in order of registration; hostile label
 * values stay inside their quotes.
 * Method: pages are compared with their text, and read by a strict reader. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/exposition.h"

#include "engine/base/metrics_page.h"
#include "engine/base/timefmt.h"

static void cells_are_written(void **state)
{
    struct metrics m = {0};
    int64_t *one = metrics_cell(&m, METRIC_COUNTER, "dials_total", STR("cluster=\"c-1\""),
                                "dials, by\ncluster \\");
    int64_t *agents = metrics_cell(&m, METRIC_GAUGE, "agents", str_empty, "");
    int64_t *two = metrics_cell(&m, METRIC_COUNTER, "dials_total", STR("cluster=\"c-2\""), "");
    assert_ptr_equal(metrics_cell(&m, METRIC_COUNTER, "dials_total", STR("cluster=\"c-1\""), ""),
                     one);
    *one += 3;
    *two += 4;
    *agents = -1;
    assert_int_equal(metrics_value(&m, "dials_total", STR("cluster=\"c-2\"")), 4);
    assert_int_equal(metrics_value(&m, "dials_total", str_empty), 0);
    assert_int_equal(metrics_value(&m, "none", str_empty), 0);
    assert_int_equal(metrics_sum(&m, "dials_total"), 7);
    assert_int_equal(metrics_sum(&m, "none"), 0);
    struct buf out = {0};
    metrics_write(&m, &out);
    check_str(buf_str(&out), "# HELP dials_total dials, by\\ncluster \\\\\n"
                             "# TYPE dials_total counter\n"
                             "dials_total{cluster=\"c-1\"} 3\n"
                             "dials_total{cluster=\"c-2\"} 4\n"
                             "# TYPE agents gauge\n"
                             "agents -1\n");
    buf_free(&out);
    metrics_free(&m);
}

static void histograms_are_written(void **state)
{
    static const struct {
        int64_t ns;
        const char *bucket; /* the first one that has it */
    } rows[] = {{-5, "0.0001"},         {NS_PER_MS / 10, "0.0001"}, {NS_PER_MS / 10 + 1, "0.0005"},
                {NS_PER_S, "1"},        {2500 * NS_PER_MS, "2.5"},  {30 * NS_PER_S, "30"},
                {31 * NS_PER_S, "+Inf"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct metrics m = {0};
        struct buf out = {0}, series = {0};
        struct exposition e;
        struct metric_histogram *h =
            metrics_histogram(&m, "paddock_a_seconds", STR("queue=\"q\""), "how long");
        assert_ptr_equal(metrics_histogram(&m, "paddock_a_seconds", STR("queue=\"q\""), ""), h);
        metric_observe(h, rows[i].ns);
        assert_int_equal(metric_count(h), 1);
        metrics_write(&m, &out);
        exposition_read(&e, buf_str(&out));
        buf_addf(&series, "paddock_a_seconds_bucket{queue=\"q\",le=\"%s\"}", rows[i].bucket);
        assert_int_equal(exposition_value(&e, buf_c(&series)), 1);
        assert_int_equal(exposition_value(&e, "paddock_a_seconds_count{queue=\"q\"}"), 1);
        assert_int_equal(exposition_value(&e, "paddock_a_seconds_sum{queue=\"q\"}"),
                         rows[i].ns > 0 ? rows[i].ns / NS_PER_S : 0);
        assert_int_equal(map_count(&e.samples), METRIC_BOUNDS + 3);
        exposition_free(&e);
        buf_free(&series);
        buf_free(&out);
        metrics_free(&m);
    }
}

static void collect(void *owner, struct metrics_page *page)
{
    const int64_t *ns = owner;
    metrics_page_family(page, METRIC_GAUGE, "paddock_b_seconds", "");
    metrics_page_seconds(page, str_empty, *ns);
}

static void seconds_are_decimal(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "0.000000001"},
                {NS_PER_S, "1"},
                {1500 * NS_PER_MS, "1.5"},
                {-1500 * NS_PER_MS, "-1.5"},
                {INT64_MIN, "-9223372036.854775808"},
                {INT64_MAX, "9223372036.854775807"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct metrics m = {0};
        struct buf out = {0}, wanted = {0};
        metrics_on_write(&m, collect, (void *)(uintptr_t)&rows[i].ns);
        metrics_write(&m, &out);
        buf_addf(&wanted, "# TYPE paddock_b_seconds gauge\npaddock_b_seconds %s\n", rows[i].text);
        check_str(buf_str(&out), buf_c(&wanted));
        buf_free(&wanted);
        buf_free(&out);
        metrics_free(&m);
    }
}

static void label_values_are_escaped(void **state)
{
    static const struct {
        struct str value;
        const char *label;
    } rows[] = {{STR_INIT(""), "x=\"\""},
                {STR_INIT("a\"} 1\nforged{b=\"c"), "x=\"a\\\"} 1\\nforged{b=\\\"c\""},
                {STR_INIT("back\\"), "x=\"back\\\\\""},
                {STR_INIT("\xc3\xa4\xff\xc3"), "x=\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct metrics m = {0};
        struct buf label = {0}, out = {0};
        struct exposition e;
        metrics_label(&label, "x", rows[i].value);
        check_str(buf_str(&label), rows[i].label);
        metrics_label(&label, "y", STR("2"));
        ++*metrics_cell(&m, METRIC_COUNTER, "paddock_c_total", buf_str(&label), "a thing");
        metrics_write(&m, &out);
        exposition_read(&e, buf_str(&out));
        assert_int_equal(map_count(&e.samples), 1);
        exposition_free(&e);
        buf_free(&label);
        buf_free(&out);
        metrics_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_written), cmocka_unit_test(histograms_are_written),
        cmocka_unit_test(seconds_are_decimal), cmocka_unit_test(label_values_are_escaped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
