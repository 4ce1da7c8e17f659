/* Goal: cells are found by name and labels, and written as Prometheus reads them, in order of registration. */
#include "tests/unit/support/check.h"

#include "engine/base/metrics.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_are_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
