/* Goal: what all formats share is exact: quantiles, decimals, durations, counts.
 * Method: tables; quantiles against a count of the values below. */
#include "tests/unit/support/check.h"

#include "reports/report_internal.h"
#include "tests/unit/support/sample_report.h"

static void decimals(void **state)
{
    static const struct {
        int64_t value, scale;
        const char *text;
    } cases[] = {
        {0, 1, "0"},
        {-7, 1, "-7"},
        {1500, 1000, "1.5"},
        {-1500, 1000, "-1.5"},
        {1000, 1000, "1"},
        {1, 1000000000, "0.000000001"},
        {723412000000, 1000000000, "723.412"},
        {10, 100, "0.1"},
        {INT64_MIN, 1000000000, "-9223372036.854775808"},
        {INT64_MAX, 1000000000000000000, "9.223372036854775807"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        report_decimal(&out, cases[i].value, cases[i].scale);
        check_str(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
    assert_true(report_scale_is_fine(1) && report_scale_is_fine(1000));
    assert_false(report_scale_is_fine(0) || report_scale_is_fine(-10) || report_scale_is_fine(20));
}

static void durations(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1ns"},
        {250 * NS_PER_US, "250us"},
        {1500, "1.5us"},
        {NS_PER_MS, "0.001s"},
        {3500 * NS_PER_MS, "3.500s"},
        {60 * NS_PER_S, "1m00s"},
        {723412 * NS_PER_MS, "12m03.412s"},
        {7200 * NS_PER_S, "2h00m00s"},
        {-90 * NS_PER_S, "-1m30s"},
        {30 * 3600 * NS_PER_S + 5 * NS_PER_S, "30h00m05s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        report_duration(&out, cases[i].ns);
        check_str(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

static void measures_for_people(void **state)
{
    static const struct {
        int64_t value, scale;
        struct str unit;
        const char *text;
    } cases[] = {
        {61250, 1000, STR_INIT("s"), "1m01.250s"},
        {1234567, 1, STR_INIT("ns"), "0.001s"},
        {250, 1, STR_INIT("ms"), "0.250s"},
        {1234567, 1, STR_INIT("B"), "1,234,567 B"},
        {-5, 1, STR_INIT(""), "-5"},
        {125, 100, STR_INIT("%"), "1.25 %"},
        {INT64_MAX, 1, STR_INIT("s"), "9,223,372,036,854,775,807 s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        report_add_measure(&out, cases[i].value, cases[i].scale, cases[i].unit);
        check_str(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

static void a_quantile_is_the_least_value_with_enough_below(void **state)
{
    int64_t values[101];
    for (size_t n = 1; n <= ARRAY_LEN(values); n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (int64_t)i * 10;
        for (uint32_t p = 0; p <= 1000; p++) {
            int64_t q = report_quantile(values, n, p);
            size_t upto = (size_t)(q / 10) + 1; /* values not above q */
            assert_true(upto * 1000 >= n * (uint64_t)p);
            assert_true(upto == 1 || (upto - 1) * 1000 < n * (uint64_t)p);
        }
    }
}

static void what_a_histogram_shows(void **state)
{
    static const int64_t values[] = {-5, INT64_MAX - 1, INT64_MAX - 1, INT64_MAX};
    const struct report_hist h = {.scale = 1, .values = values, .n = 4};
    static const struct {
        struct str what;
        bool ok;
        int64_t value;
    } cases[] = {
        {STR_INIT("min"), true, -5},
        {STR_INIT("max"), true, INT64_MAX},
        {STR_INIT("p25"), true, -5},
        {STR_INIT("p50"), true, INT64_MAX - 1},
        {STR_INIT("p99.9"), true, INT64_MAX},
        {STR_INIT("p100"), true, INT64_MAX},
        {STR_INIT("mean"), true, INT64_C(6917529027641081853)},
        {STR_INIT("p101"), false, 0},
        {STR_INIT("p100.1"), false, 0},
        {STR_INIT("p9.99"), false, 0},
        {STR_INIT("p"), false, 0},
        {STR_INIT("count"), false, 0},
        {STR_INIT(""), false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = 0;
        assert_int_equal(report_hist_value(&h, cases[i].what, &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
    int64_t value;
    assert_false(report_hist_value(&(struct report_hist){.scale = 1}, STR("max"), &value));
}

/* A flat stretch keeps both its ends. */
static void a_stretch_is_flat_between_its_ends(void **state)
{
    static const struct report_point points[] = {{0, 5}, {1, 7}, {2, 7}, {3, 7}};
    assert_false(report_is_flat(points, 0, 5));
    assert_false(report_is_flat(points, 1, 5));
    assert_false(report_is_flat(points, 2, 7)); /* its beginning only */
    assert_true(report_is_flat(points, 3, 7));
    assert_false(report_is_flat(points, 3, 8));
    assert_true(report_is_flat(points, 4, 7));
}

static void pairs_keep_commas_in_values(void **state)
{
    struct str rest = STR("a=1,b=x,y,c=,d==,e"), name, value;
    static const char *const want[] = {"a", "1", "b", "x,y", "c", "", "d", "=,e"};
    for (size_t i = 0; i < ARRAY_LEN(want); i += 2) {
        assert_true(report_next_pair(&rest, &name, &value));
        check_str(name, want[i]);
        check_str(value, want[i + 1]);
    }
    assert_false(report_next_pair(&rest, &name, &value));
}

static void code_points(void **state)
{
    static const struct {
        struct str text;
        size_t columns;
        uint32_t last;
    } cases[] = {
        {STR_INIT(""), 0, 0},
        {STR_INIT("a"), 1, 'a'},
        {STR_INIT("\xc3\xa4"), 1, 0xe4},
        {STR_INIT("\xe2\x82\xac!"), 2, '!'},
        {STR_INIT("\xf0\x9f\x98\x80"), 1, 0x1f600},
        {STR_INIT("\xc0\x80"), 2, 0xfffd},     /* overlong */
        {STR_INIT("\xed\xa0\x80"), 3, 0xfffd}, /* a surrogate */
        {STR_INIT("\xf4\x90\x80\x80"), 4, 0xfffd},
        {STR_INIT("\xe2\x82"), 2, 0xfffd}, /* cut short */
        {STR_INIT("\x80\xff"), 2, 0xfffd},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t c = 0;
        for (size_t at = 0; at < cases[i].text.n;)
            c = report_code_point(cases[i].text, &at);
        assert_int_equal(c, cases[i].last);
        assert_int_equal(report_columns(cases[i].text), cases[i].columns);
    }
}

static void errors_count_as_failed(void **state)
{
    struct arena a = {0};
    size_t passed, failed;
    report_count(sample_report_small(&a), &passed, &failed);
    assert_int_equal(passed, 1);
    assert_int_equal(failed, 2);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals),
        cmocka_unit_test(durations),
        cmocka_unit_test(measures_for_people),
        cmocka_unit_test(a_quantile_is_the_least_value_with_enough_below),
        cmocka_unit_test(what_a_histogram_shows),
        cmocka_unit_test(a_stretch_is_flat_between_its_ends),
        cmocka_unit_test(pairs_keep_commas_in_values),
        cmocka_unit_test(code_points),
        cmocka_unit_test(errors_count_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
