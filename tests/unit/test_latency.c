/* Goal: quantiles of times are right within the cells' width, at any magnitude.
 * Method: known sets, and single values over all octaves. */
#include "sim/scenario/run/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_empty(void **state)
{
    (void)state;
    struct latency l = {0};
    assert_int_equal(latency_quantile(&l, 50), -1);
}

static void test_error_of_every_octave(void **state)
{
    (void)state;
    for (int64_t v = 1; v < INT64_MAX / 5; v = v * 5 / 3 + 1) {
        struct latency l = {0};
        latency_add(&l, v);
        latency_add(&l, v * 2); /* so that the greatest value does not bound it */
        int64_t got = latency_quantile(&l, 50);
        assert_true(got >= v);
        assert_true(got - v <= v / 32 + 1);
        assert_int_equal(latency_quantile(&l, 100), v * 2);
    }
}

static void test_ranks(void **state)
{
    (void)state;
    struct latency l = {0};
    for (int64_t i = 0; i < 99; i++)
        latency_add(&l, 10);
    latency_add(&l, 1000);
    assert_int_equal(latency_quantile(&l, 50), 10);
    assert_int_equal(latency_quantile(&l, 99), 10);
    assert_int_equal(latency_quantile(&l, 100), 1000);
    latency_add(&l, 0);
    assert_int_equal(latency_quantile(&l, 1), 10); /* the second of a hundred and one */
    assert_int_equal(l.max, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_error_of_every_octave),
        cmocka_unit_test(test_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
