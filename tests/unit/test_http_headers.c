/* Goal: the header list keeps order and repeats, refuses injection, and stays within its bounds.
 * Method: tables; the bounds exactly at and beyond. */
#include "tests/unit/support/check.h"

#include "engine/http/headers.h"

static void test_order_and_repeats(void **state)
{
    struct http_headers h = {0};
    struct str name, value;
    http_headers_add_c(&h, "Impersonate-Group", "a");
    http_headers_add_c(&h, "X", "1");
    http_headers_add_c(&h, "impersonate-group", "b");
    assert_int_equal(http_headers_count(&h, "IMPERSONATE-GROUP"), 2);
    assert_int_equal(http_headers_count(&h, "Y"), 0);
    check_str(http_headers_get(&h, "Impersonate-group"), "a");
    check_str(http_headers_get(&h, "Y"), "");
    assert_true(http_headers_has(&h, "x") && !http_headers_has(&h, "Impersonate"));
    assert_true(http_headers_at(&h, 2, &name, &value));
    check_str(name, "impersonate-group");
    check_str(value, "b");
    assert_false(http_headers_at(&h, 3, &name, &value));
    http_headers_clear(&h);
    assert_false(http_headers_has(&h, "X"));
    http_headers_add_c(&h, "Z", "");
    assert_true(http_headers_has(&h, "Z"));
    http_headers_free(&h);
    http_headers_free(&h);
}

static void test_refused(void **state)
{
    static const struct {
        struct str name, value;
        bool good;
    } cases[] = {
        {STR_INIT("X-A_b.c~!#$%&'*+^`|9"), STR_INIT("a\tb \xc3\xa4"), true},
        {STR_INIT(""), STR_INIT("a"), false},
        {STR_INIT("A B"), STR_INIT("a"), false},
        {STR_INIT("A:"), STR_INIT("a"), false},
        {STR_INIT("A\x80"), STR_INIT("a"), false},
        {STR_INIT("A\n"), STR_INIT("a"), false},
        {STR_INIT("A"), STR_INIT("a\r\nB: c"), false},
        {STR_INIT("A"), STR_INIT("a\n"), false},
        {STR_INIT("A"), STR_INIT("a\0"), false},
        {STR_INIT("A"), STR_INIT("\x7f"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_headers h = {0};
        assert_int_equal(http_headers_add(&h, cases[i].name, cases[i].value), cases[i].good);
        assert_int_equal(h.n, cases[i].good);
        http_headers_free(&h);
    }
}

static void test_tokens(void **state)
{
    static const struct {
        const char *value;
        bool has;
    } cases[] = {
        {"close", true},     {"Close", true},    {"keep-alive, close", true}, {" close ,x", true},
        {"x,\tclose", true}, {",,close,", true}, {"closed", false},           {"not-close", false},
        {"", false},         {"close x", false}, {"x;close", false},          {"\"close\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_headers h = {0};
        http_headers_add_c(&h, "Connection", "first");
        http_headers_add_c(&h, "Connection", cases[i].value);
        assert_int_equal(http_headers_has_token(&h, "connection", "close"), cases[i].has);
        assert_true(http_headers_has_token(&h, "connection", "first"));
        http_headers_free(&h);
    }
}

static void test_bounds(void **state)
{
    struct http_headers h = {0};
    struct buf big = {0};
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        assert_true(http_headers_add(&h, STR("A"), STR("b")));
    assert_false(http_headers_add(&h, STR("A"), STR("b")));
    http_headers_clear(&h);
    memset(buf_grow(&big, HTTP_HEADER_BYTES_MAX), 'x', HTTP_HEADER_BYTES_MAX);
    assert_false(http_headers_add(&h, STR("A"), buf_str(&big)));
    assert_true(http_headers_add(&h, STR("A"), str_sub(buf_str(&big), 1, big.n)));
    assert_false(http_headers_add(&h, STR("A"), str_empty));
    http_headers_free(&h);
    buf_free(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_repeats),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests_name("http_headers", tests, NULL, NULL);
}
