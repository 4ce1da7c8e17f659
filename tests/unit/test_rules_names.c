/* Goal: names, keys and addresses are told apart from what only looks like them, in the API's words.
 * Method: a table of texts with the beginning of each complaint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/rules/names.h"

#include <string.h>

static const struct {
    enum name_form form;
    const char *text, *says[3]; /* beginnings; NULL: no more */
} rows[] = {
    {NAME_SUBDOMAIN, "a.b-c.0", {NULL}},
    {NAME_SUBDOMAIN, "a..b", {"a lowercase RFC 1123 subdomain"}},
    {NAME_SUBDOMAIN, "", {"a lowercase RFC 1123 subdomain"}},
    {NAME_LABEL, "a-b", {NULL}},
    {NAME_LABEL, "a.b", {"must not contain dots"}},
    {NAME_LABEL, "A.b", {"a lowercase RFC 1123 label"}},
    {NAME_1035, "0a", {"a DNS-1035 label"}},
    {NAME_SEGMENT, "..", {"may not be '..'"}},
    {NAME_SEGMENT, "a/b%c", {"may not contain '/'", "may not contain '%'"}},
    {NAME_QUALIFIED, "example.com/Name_1", {NULL}},
    {NAME_QUALIFIED, "/x", {"prefix part must be non-empty"}},
    {NAME_QUALIFIED, "a/b/c", {"a qualified name must consist"}},
    {NAME_QUALIFIED, "", {"name part must be non-empty", "name part must consist"}},
    {NAME_LABEL_VALUE, "", {NULL}},
    {NAME_LABEL_VALUE, "-a", {"a valid label must be"}},
    {NAME_PORT, "http-2", {NULL}},
    {NAME_PORT, "80", {"must contain at least one letter"}},
    {NAME_PORT, "a--", {"must not contain consecutive", "must not begin or end"}},
    {NAME_CONFIG_KEY, "..a", {"must not start with '..'"}},
    {NAME_CONFIG_KEY, ".", {"must not be '.'"}},
    {NAME_ENV, "a=b", {"a valid environment variable"}},
    {NAME_IP, "10.0.0.1", {NULL}},
    {NAME_IP, "::ffff:1.2.3.4", {NULL}},
    {NAME_IP, "2001:db8::1", {NULL}},
    {NAME_IP, "10.0.0.01", {"must be a valid IP address"}},
    {NAME_IP, "1:2:3", {"must be a valid IP address"}},
    {NAME_IP, "1::2::3", {"must be a valid IP address"}},
    {NAME_CIDR, "10.0.0.0/33", {"must be a valid CIDR value"}},
    {NAME_CIDR, "fe80::/10", {NULL}},
    {NAME_DOMAIN3, "a.b", {"should be a domain with at least three segments"}},
    {NAME_PREFIXED, "a.b", {"must be a domain-prefixed path"}},
    {NAME_WILDCARD, "*.a.b", {NULL}},
    {NAME_WILDCARD, "*", {"a wildcard DNS-1123 subdomain"}},
    {NAME_PERCENT, "5%", {NULL}},
    {NAME_PERCENT, "%", {"a valid percent string"}},
};

static void forms_are_told_apart(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *texts[NAMES_PROBLEMS_MAX];
        size_t n = names_problems(rows[i].form, str_c(rows[i].text), texts), want = 0;
        while (want < 3 && rows[i].says[want])
            want++;
        if (n != want)
            fail_msg("\"%s\": %zu complaints instead of %zu (%s)", rows[i].text, n, want,
                     n ? texts[0] : "");
        for (size_t k = 0; k < n && k < 3; k++)
            if (!str_starts(str_c(texts[k]), str_c(rows[i].says[k])))
                fail_msg("\"%s\": %s", rows[i].text, texts[k]);
    }
}

static void addresses_have_bytes(void **state)
{
    unsigned char a[16], b[16];
    unsigned bits;
    assert_true(names_ip_parse(STR("1.2.3.4"), a) && names_ip_parse(STR("::ffff:1.2.3.4"), b));
    assert_memory_equal(a, b, 16);
    assert_true(names_cidr_parse(STR("10.0.0.0/8"), a, &bits));
    assert_int_equal(bits, 104);
    assert_int_equal(names_ip_family(STR("::1")), 6);
    assert_int_equal(names_ip_family(STR("1.2.3")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms_are_told_apart),
                                       cmocka_unit_test(addresses_have_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
