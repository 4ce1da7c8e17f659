/* Goal: the table of policies is complete and well formed, and names and values are read as it says.
 * Method: every row is checked for what all rows must have; then single entries, suggestions and both profiles. */
#include "engine/world/policy.h"

#include "engine/base/timefmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t values_n(const struct policy_row *row)
{
    size_t n = 1;
    for (const char *c = row->values; *c; c++)
        n += *c == '|';
    return n;
}

static void rows_are_complete(void **state)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const struct policy_row *row = &policy_table[i];
        assert_non_null(row->name);
        assert_non_null(strchr(row->name, '.'));
        assert_true(strlen(row->doc) > 10);
        assert_true(strlen(row->since) > 0);
        if (row->type == POLICY_DURATION) {
            assert_true(row->compat > 0 && row->hardened > 0);
            continue;
        }
        assert_true(values_n(row) >= 2);
        assert_in_range(row->compat, 0, values_n(row) - 1);
        assert_in_range(row->hardened, 0, values_n(row) - 1);
    }
}

static void names_differ(void **state)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(policy_table[i].name, policy_table[j].name);
}

static void profiles_are_columns(void **state)
{
    struct policies compat, hardened;
    struct err *err = policies_of_profile(STR("compat"), &compat);
    assert_null(err);
    err = policies_of_profile(STR("hardened"), &hardened);
    assert_null(err);
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        assert_int_equal(compat.value[i], policy_table[i].compat);
        assert_int_equal(hardened.value[i], policy_table[i].hardened);
    }
    assert_int_equal(policy_get(&compat, POLICY_SESSION_CHOICE), POLICY_SESSION_OLDEST);
    assert_int_equal(policy_get(&hardened, POLICY_DNS_CACHE), POLICY_DNS_CACHE_TTL);
}

static void unknown_profile(void **state)
{
    struct policies p = policies_compat();
    struct err *err = policies_of_profile(STR("strict"), &p);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_INVALID);
    assert_non_null(strstr(err->message, "strict"));
    assert_non_null(strstr(err->message, "hardened"));
    err_free(err);
}

/* Printing a value and reading it back gives it again, for every value of every policy. */
static void print_and_set_are_inverse(void **state)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const struct policy_row *row = &policy_table[i];
        size_t n = row->type == POLICY_ENUM ? values_n(row) : 3;
        for (size_t v = 0; v < n; v++) {
            struct policies p = policies_hardened(), q = policies_hardened();
            p.value[i] =
                row->type == POLICY_ENUM ? (int64_t)v : (int64_t)(v * 1500 + 1) * NS_PER_MS;
            struct buf text = {0};
            policies_print(&p, (enum policy)i, &text);
            struct err *err = policies_set(&q, str_c(row->name), buf_str(&text));
            assert_null(err);
            assert_memory_equal(&p, &q, sizeof p);
            buf_free(&text);
        }
    }
}

static void set_changes_one_entry(void **state)
{
    struct policies p = policies_hardened();
    struct err *err = policies_set(&p, STR("tunnel.dead_after"), STR("1m30s"));
    assert_null(err);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        assert_int_equal(p.value[i],
                         i == POLICY_TUNNEL_DEAD_AFTER ? 90 * NS_PER_S : policy_table[i].hardened);
}

static void bad_settings(void **state)
{
    static const struct {
        const char *name, *value, *says;
    } rows[] = {
        {"dns.cash", "ttl", "dns.cache"},        {"", "ttl", "unknown policy"},
        {"dns.cache", "TTL", "process|ttl"},     {"dns.cache", "", "process|ttl"},
        {"dns.cache", "process|ttl", "takes"},   {"tunnel.ping", "5", "15s"},
        {"tunnel.ping", "0s", "above zero"},     {"tunnel.ping", "-1s", "above zero"},
        {"tunnel.ping", "constant", "duration"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policies p = policies_compat(), before = p;
        struct err *err = policies_set(&p, str_c(rows[i].name), str_c(rows[i].value));
        assert_non_null(err);
        assert_int_equal(err->code, ERR_INVALID);
        if (!strstr(err->message, rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err->message, rows[i].says);
        assert_memory_equal(&p, &before, sizeof p);
        err_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(names_differ),
        cmocka_unit_test(profiles_are_columns),
        cmocka_unit_test(unknown_profile),
        cmocka_unit_test(print_and_set_are_inverse),
        cmocka_unit_test(set_changes_one_entry),
        cmocka_unit_test(bad_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
