/* Goal: a buf grows to its maximum and not beyond, and says so; numbers and formats are exact.
 * Method: every edge around the maximum and the first capacity. */
#include "tests/unit/support/check.h"

static void bytes_are_appended(void **state)
{
    struct buf b = {0};
    check_str(buf_str(&b), "");
    assert_string_equal(buf_c(&b), "");
    buf_add(&b, STR("ab"));
    buf_add_c(&b, "cd");
    buf_add_char(&b, 'e');
    buf_addf(&b, "-%d-%s", 7, "x");
    check_str(buf_str(&b), "abcde-7-x");
    buf_consume(&b, 5);
    check_str(buf_str(&b), "-7-x");
    assert_string_equal(buf_c(&b), "-7-x");
    buf_consume(&b, 4);
    check_str(buf_str(&b), "");
    memcpy(buf_grow(&b, 3), "xyz", 3);
    struct str taken = buf_take(&b);
    check_str(taken, "xyz");
    assert_int_equal(b.n, 0);
    str_free(&taken);
    buf_add(&b, STR("gone"));
    buf_clear(&b);
    taken = buf_take(&b); /* of nothing: the memory is given back at once */
    check_str(taken, "");
    assert_null(b.p);
    str_free(&taken);
    buf_free(&b);
}

static void growth_keeps_bytes(void **state)
{
    struct buf b = {0};
    for (int i = 0; i < 5000; i++)
        buf_add_char(&b, (char)i);
    for (int i = 0; i < 5000; i++)
        assert_int_equal((char)i, b.p[i]);
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "%03d", i);
    assert_int_equal(b.n, 3000);
    check_str(str_sub(buf_str(&b), 2997, 3), "999");
    buf_free(&b);
}

static void maximum_holds(void **state)
{
    for (size_t max = 1; max < 200; max++) {
        struct buf b = {.max = max};
        while (buf_ok(&b))
            buf_add_char(&b, 'x');
        assert_int_equal(b.n, max);
        assert_null(buf_grow(&b, 1));
        buf_clear(&b);
        assert_true(buf_ok(&b));
        buf_addf(&b, "%0200d", 7); /* what fits is kept */
        assert_false(buf_ok(&b));
        assert_int_equal(b.n, max);
        assert_int_equal(b.p[0], '0');
        buf_clear(&b);
        assert_non_null(buf_grow(&b, max));
        assert_true(buf_ok(&b));
        buf_add(&b, STR("y"));
        assert_false(buf_ok(&b));
        buf_free(&b);
        assert_int_equal(b.max, max);
    }
}

static void numbers_are_decimal(void **state)
{
    struct buf b = {0};
    buf_add_u64(&b, 0);
    buf_add_char(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    check_str(buf_str(&b), "0 18446744073709551615 -9223372036854775808 9223372036854775807");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_appended),
        cmocka_unit_test(growth_keeps_bytes),
        cmocka_unit_test(maximum_holds),
        cmocka_unit_test(numbers_are_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
