/* Goal: numbers compare and divide exactly and are printed as Go prints them; patterns mean what they mean in Go; formats
 * hold and refuse what a real server's do.
 * Method: tables. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/decimal.h"
#include "sim/kubeapi/types/formats.h"
#include "sim/kubeapi/types/pattern.h"

static struct decimal decimal(const char *text)
{
    struct decimal d;
    assert_true(decimal_parse(str_c(text), &d));
    return d;
}

static void numbers_are_printed_as_go_does(void **state)
{
    static const struct {
        const char *text, *g, *json;
    } cases[] = {
        {"0", "0", "0"},
        {"-0.0", "0", "0"},
        {"1.0", "1", "1"},
        {"1e2", "100", "100"},
        {"1.50", "1.5", "1.5"},
        {"-12.340e1", "-123.4", "-123.4"},
        {"0.00012", "0.00012", "0.00012"},
        {"0.000012", "1.2e-05", "0.000012"},
        {"0.00000012", "1.2e-07", "1.2e-7"},
        {"999999", "999999", "999999"},
        {"1000000", "1e+06", "1000000"},
        {"2147483647", "2.147483647e+09", "2147483647"},
        {"1e20", "1e+20", "100000000000000000000"},
        {"1e21", "1e+21", "1e+21"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal d = decimal(cases[i].text);
        struct buf g = {0}, json = {0};
        decimal_write_g(&d, &g);
        decimal_write_json(&d, &json);
        assert_string_equal(buf_c(&g), cases[i].g);
        assert_string_equal(buf_c(&json), cases[i].json);
        buf_free(&g);
        buf_free(&json);
    }
    static const char *const bad[] = {"", "-", "1.", ".5", "1e", "1e+", "0x1", "1 ", "--1", "1.e2"};
    struct decimal d;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(decimal_parse(str_c(bad[i]), &d));
}

static void numbers_are_ordered(void **state)
{
    static const char *const rising[] = {"-1e300", "-10",   "-9.5", "-0.1",  "0",   "1e-300",
                                         "0.09",   "0.1",   "1",    "1.001", "9.9", "10",
                                         "99",     "100.5", "1e3",  "1e300"};
    for (size_t i = 0; i < ARRAY_LEN(rising); i++)
        for (size_t k = 0; k < ARRAY_LEN(rising); k++) {
            struct decimal a = decimal(rising[i]), b = decimal(rising[k]);
            int c = decimal_cmp(&a, &b);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
}

static void multiples_are_exact(void **state)
{
    static const struct {
        const char *number, *of;
        bool is;
    } cases[] = {
        {"10", "5", true},      {"11", "5", false},       {"0.3", "0.1", true},
        {"0.35", "0.1", false}, {"-10", "5", true},       {"0", "7", true},
        {"5", "0", true},       {"1e20", "3", false},     {"1e20", "4", true},
        {"3e30", "3", true},    {"0.1", "1", false},      {"2.5", "0.5", true},
        {"1e300", "2", true},   {"123456", "1e3", false}, {"123000", "1e3", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal a = decimal(cases[i].number), b = decimal(cases[i].of);
        if (decimal_is_multiple(&a, &b) != cases[i].is)
            fail_msg("%s of %s", cases[i].number, cases[i].of);
    }
}

static void patterns_match_as_in_go(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"^[a-z]+$", "abc", true},
        {"^[a-z]+$", "abC", false},
        {"b", "abc", true},        /* anywhere */
        {"^a$", "a\n", false},     /* the end is the end */
        {"^.$", "\xc3\xa4", true}, /* code points */
        {"^a{2,3}$", "aaaa", false},
        {"^(?:a|b)*$", "abba", true},
        {"(?i)^ABC$", "abc", true},
        {"^\\d+$", "12", true},
        {"^[[:alpha:]]+$", "ab", true},
        {"^\\p{Lu}$", "\xc3\x84", true},
        {"^\\Qa.b\\E$", "a.b", true},
        {"^(?P<n>x)$", "x", true},
        {"^[]a]$", "]", true},
        {"^a{,2}$", "a{,2}", true}, /* a literal */
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pattern *p = NULL;
        check_ok(pattern_compile(&a, str_c(cases[i].pattern), &p));
        if (pattern_matches(p, str_c(cases[i].text)) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
    }
    arena_free(&a);
}

static void patterns_that_go_refuses(void **state)
{
    static const struct {
        const char *pattern, *message;
    } cases[] = {
        {"(a", "error parsing regexp: missing closing ): `(a`"},
        {"a)", "error parsing regexp: unexpected ): `a)`"},
        {"[a", "error parsing regexp: missing closing ]: `[a`"},
        {"(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
        {"(?<!a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?<`"},
        {"(?>a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?>`"},
        {"(a)\\1", "error parsing regexp: invalid escape sequence: `\\1`"},
        {"\\Z", "error parsing regexp: invalid escape sequence: `\\Z`"},
        {"a++", "error parsing regexp: invalid nested repetition operator: `++`"},
        {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
        {"*a", "error parsing regexp: missing argument to repetition operator: `*`"},
        {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
        {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
        {"(*COMMIT)a", "error parsing regexp: missing argument to repetition operator: `*`"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pattern *p = NULL;
        struct err *err = pattern_compile(&a, str_c(cases[i].pattern), &p);
        if (!err)
            fail_msg("%s is taken", cases[i].pattern);
        assert_string_equal(err->message, cases[i].message);
        err_free(err);
    }
    arena_free(&a);
}

static void a_hard_match_ends(void **state)
{
    struct arena a = {0};
    struct pattern *p = NULL;
    check_ok(pattern_compile(&a, STR("^(a+)+(b+)+(a|aa)+$"), &p));
    struct buf text = {0};
    for (int i = 0; i < 5000; i++)
        buf_add_char(&text, 'a');
    buf_add_char(&text, 'c');
    assert_false(pattern_matches(p, buf_str(&text)));
    buf_free(&text);
    arena_free(&a);
}

static void formats_hold(void **state)
{
    static const struct {
        const char *format, *good[6], *bad[6];
    } cases[] = {
        {"date-time",
         {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1+01:00"},
         {"nope", "2026-13-01T00:00:00Z"}},
        {"date", {"2026-02-28"}, {"2026-02-30", "2026-2-1", "x"}},
        {"duration", {"1h30m", "5s", "3 days", "0"}, {"", "x", "5 parsecs"}},
        {"byte", {"", "aGk="}, {"!!", "aGk"}},
        {"ipv4", {"1.2.3.4", "0.0.0.0"}, {"1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "::1"}},
        {"ipv6",
         {"::", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"},
         {"1.2.3.4", ":::", "1::2::3", "1:2:3:4:5:6:7", "12345::"}},
        {"cidr", {"10.0.0.0/8", "fd00::/8"}, {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/x"}},
        {"mac", {"01:23:45:67:89:ab"}, {"01:23:45:67:89", "zz:23:45:67:89:ab"}},
        {"uuid", {"01234567-89ab-cdef-0123-456789abcdef"}, {"01234567", "x"}},
        {"uuid4",
         {"01234567-89ab-4def-8123-456789abcdef"},
         {"01234567-89ab-1def-8123-456789abcdef"}},
        {"hostname", {"a", "a.b-c.example"}, {"", "-a", "a..b"}},
        {"email", {"a@b.c", "Somebody <a@b.c>"}, {"a", "@b", "a@", "a b@c"}},
        {"uri", {"http://x/y", "urn:a", "/path"}, {"", "x", "http://a b", "http://%zz"}},
        {"isbn", {"0-306-40615-2", "978-0-306-40615-7"}, {"0-306-40615-3"}},
        {"creditcard", {"4111 1111 1111 1111"}, {"4111 1111 1111 1112"}},
        {"hexcolor", {"#fff", "a0b1c2"}, {"#ffff", "red"}},
        {"rgbcolor", {"rgb(1, 2, 255)"}, {"rgb(1,2)", "rgb(1,2,256)"}},
        {"ssn", {"111-22-3333"}, {"1112-2-3333"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct format *f = format_find(str_c(cases[i].format));
        assert_non_null(f);
        for (size_t k = 0; k < 6 && cases[i].good[k]; k++)
            if (!format_holds(f, str_c(cases[i].good[k])))
                fail_msg("%s is no %s", cases[i].good[k], cases[i].format);
        for (size_t k = 0; k < 6 && cases[i].bad[k]; k++)
            if (format_holds(f, str_c(cases[i].bad[k])))
                fail_msg("%s is a %s", cases[i].bad[k], cases[i].format);
    }
    assert_null(format_find(STR("int32")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_printed_as_go_does),
        cmocka_unit_test(numbers_are_ordered),
        cmocka_unit_test(multiples_are_exact),
        cmocka_unit_test(patterns_match_as_in_go),
        cmocka_unit_test(patterns_that_go_refuses),
        cmocka_unit_test(a_hard_match_ends),
        cmocka_unit_test(formats_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
