/* Goal: errors carry code, message, position and causes, and map to HTTP and Kubernetes.
 * Method: printed chains; every code has its three names. */
#include "tests/unit/support/check.h"

static void check_print(const struct err *e, const char *want)
{
    struct buf text = {0};
    err_print(e, &text);
    check_str(buf_str(&text), want);
    buf_free(&text);
}

static void chains_are_printed(void **state)
{
    struct err *e = err_new(ERR_IO, "no space on %s", "disk");
    check_print(e, "no space on disk");
    e = err_wrap(e, ERR_INTERNAL, "cannot write %d", 7);
    check_print(e, "cannot write 7: no space on disk");
    e = err_at(e, STR("a.yaml"), 3, 14);
    check_print(e, "a.yaml:3:14: cannot write 7: no space on disk");
    struct err *copy = err_copy(e);
    err_free(e);
    check_print(copy, "a.yaml:3:14: cannot write 7: no space on disk");
    assert_int_equal(copy->code, ERR_INTERNAL);
    assert_int_equal(copy->cause->code, ERR_IO);
    copy = err_at(copy, STR("b"), 1, 0);
    check_print(copy, "b:1: cannot write 7: no space on disk");
    copy = err_at(copy, str_empty, 2, 5);
    check_print(copy, "2:5: cannot write 7: no space on disk");
    err_ignore(copy);
    err_free(NULL);
    assert_null(err_copy(NULL));
}

static void long_messages_are_cut(void **state)
{
    struct err *e = err_new(ERR_INVALID, "%0100000d", 1);
    assert_int_equal(strlen(e->message), 4096);
    err_free(e);
}

static void codes_have_names(void **state)
{
    for (int code = 0; code < ERR_CODE_COUNT; code++) {
        assert_non_null(err_code_name((enum err_code)code));
        assert_non_null(err_reason((enum err_code)code));
        assert_in_range(err_http_status((enum err_code)code), 400, 504);
        for (int other = 0; other < code; other++)
            assert_string_not_equal(err_code_name((enum err_code)code),
                                    err_code_name((enum err_code)other));
    }
    assert_int_equal(err_http_status(ERR_GONE), 410);
    assert_string_equal(err_reason(ERR_GONE), "Expired");
    assert_string_equal(err_reason(ERR_UNPROCESSABLE), "Invalid");
    assert_string_equal(err_code_name(ERR_NOT_FOUND), "not-found");
    assert_int_equal(err_http_status(ERR_DNS_TIMEOUT), 500);
}

/* The reason of a TLS failure is found through what was wrapped around it. */
static void tls_reasons_are_found(void **state)
{
    (void)state;
    assert_int_equal(err_tls_of(NULL), ERR_TLS_OTHER);
    struct err *e = err_new(ERR_TLS, "handshake failed");
    assert_int_equal(err_tls_of(e), ERR_TLS_OTHER);
    e = err_wrap(err_tls(e, ERR_TLS_PIN), ERR_UNAVAILABLE, "cannot register");
    assert_int_equal(err_tls_of(e), ERR_TLS_PIN);
    err_free(e);
    e = err_wrap(err_new(ERR_TIMEOUT, "silence"), ERR_TLS, "handshake");
    assert_int_equal(err_tls_of(e), ERR_TLS_OTHER);
    err_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_are_printed),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(codes_have_names),
        cmocka_unit_test(tls_reasons_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
