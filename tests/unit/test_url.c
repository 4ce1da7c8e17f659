/* Goal: absolute URLs come apart as RFC 3986 says; what we do not support, or what could smuggle something into a header,
 * a DNS question or a certificate's name, is refused with the reason.
 * Method: tables. */
#include "tests/unit/support/check.h"

#include "engine/http/url.h"

static void test_good(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool tls;
        const char *host, *authority;
        uint16_t port;
        const char *target;
    } rows[] = {
        {"https://manager.example.test", true, "manager.example.test", "manager.example.test", 443,
         "/"},
        {"https://manager.example.test/", true, "manager.example.test", "manager.example.test", 443,
         "/"},
        {"http://m", false, "m", "m", 80, "/"},
        {"https://m:8443/a/b?c=d&e", true, "m", "m:8443", 8443, "/a/b?c=d&e"},
        {"https://m/?x=1", true, "m", "m", 443, "/?x=1"},
        {"http://10.0.0.1:1", false, "10.0.0.1", "10.0.0.1:1", 1, "/"},
        {"https://[::1]", true, "::1", "[::1]", 443, "/"},
        {"https://[2001:db8::7]:65535/x", true, "2001:db8::7", "[2001:db8::7]:65535", 65535, "/x"},
        {"https://a_b-c.D9/%20;v=1,2", true, "a_b-c.D9", "a_b-c.D9", 443, "/%20;v=1,2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url u;
        check_ok(url_parse(str_c(rows[i].text), &u));
        assert_int_equal(u.tls, rows[i].tls);
        check_str(u.host, rows[i].host);
        check_str(u.authority, rows[i].authority);
        assert_int_equal(u.port, rows[i].port);
        check_str(u.target, rows[i].target);
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "must begin with"},
        {"m", "must begin with"},
        {"HTTPS://m", "must begin with"},
        {"ftp://m", "must begin with"},
        {"https:/m", "must begin with"},
        {"https://", "host is missing"},
        {"https:///x", "host is missing"},
        {"https://:443", "host is missing"},
        {"https://?x", "host is missing"},
        {"https://m:", "port must be"},
        {"https://m:0", "port must be"},
        {"https://m:65536", "port must be"},
        {"https://m:-1", "port must be"},
        {"https://m:99999999999999999999", "port must be"},
        {"https://m:8a", "port must be"},
        {"https://m:1:2", "port must be"},
        {"https://u@m", "user names"},
        {"https://u:p@m:1/", "user names"},
        {"https://m/#top", "fragment"},
        {"https://m#", "fragment"},
        {"https://m/a b", "blanks"},
        {"https://m/\r\nX: y", "blanks"},
        {"https://m/\x7f", "blanks"},
        {"https://m\xc3\xb6", "blanks"},
        {"https://[::1", "brackets"},
        {"https://[]", "brackets"},
        {"https://[::1]x", "brackets"},
        {"https://[::1]:", "port must be"},
        {"https://[m.test]", "brackets"},
        {"https://[::1%eth0]", "brackets"},
        {"https://m\"x", "host holds"},
        {"https://m,n", "host holds"},
        {"https://*.test", "host holds"},
        {"https://a%2fb", "host holds"},
        {"https://m?x=1", "before its query"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url u = {.port = 7};
        check_err(url_parse(str_c(rows[i].text), &u), ERR_INVALID, rows[i].why);
        assert_int_equal(u.port, 7); /* untouched on failure */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
