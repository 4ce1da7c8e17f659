/* Goal: views compare, cut and convert exactly at their edges; the hash is the same on every machine.
 * Method: tables; fixed hash values. */
#include "tests/unit/support/check.h"

#include "engine/base/rng.h"

static void views_compare(void **state)
{
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq((struct str){NULL, 0}, str_empty));
    assert_true(str_eq_c(STR("ab"), "ab"));
    assert_true(str_eq_c(str_empty, NULL));
    assert_true(str_eq_nocase(STR("aB-\xc4"), STR("Ab-\xc4")));
    assert_false(str_eq_nocase(STR("\xe4"), STR("\xc4"))); /* ASCII only */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_int_equal(str_cmp(STR("a"), STR("b")), -1);
    assert_int_equal(str_cmp(STR("b"), STR("a")), 1);
    assert_int_equal(str_cmp(STR("a"), STR("a\0")), -1);
    assert_int_equal(str_cmp(STR("\x7f"), STR("\x80")), -1); /* bytes are unsigned */
    assert_int_equal(str_cmp(str_empty, str_empty), 0);
}

static void views_are_cut(void **state)
{
    check_str(str_sub(STR("hello"), 1, 3), "ell");
    check_str(str_sub(STR("hello"), 3, 99), "lo");
    check_str(str_sub(STR("hello"), 5, 1), "");
    check_str(str_sub(STR("hello"), 99, 1), "");
    check_str(str_trim(STR(" \t\r\n a b \v\f")), "a b");
    check_str(str_trim(STR("   ")), "");
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), str_empty));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
    struct str head, tail;
    assert_true(str_cut(STR("a=b=c"), '=', &head, &tail));
    check_str(head, "a");
    check_str(tail, "b=c");
    assert_true(str_cut(STR("a="), '=', &head, &tail));
    check_str(tail, "");
    assert_false(str_cut(STR("abc"), '=', &head, &tail));
    check_str(head, "abc");
    check_str(tail, "");
}

static void needles_are_found(void **state)
{
    assert_int_equal(str_find(STR("hello"), STR("l")), 2);
    assert_int_equal(str_find(STR("hello"), STR("lo")), 3);
    assert_int_equal(str_find(STR("hello"), str_empty), 0);
    assert_int_equal(str_find(STR("he"), STR("hello")), -1);
    assert_int_equal(str_find(STR("hello"), STR("xx")), -1);
    assert_int_equal(str_find_char(STR("a\0b"), 'b'), 2);
    assert_true(char_in(',', "=,") && !char_in('a', "=,") && !char_in('\0', "=,"));
    assert_int_equal(str_find_char(str_empty, 'b'), -1);
}

static void integers_are_exact(void **state)
{
    static const struct {
        const char *text;
        bool is_u64, is_i64;
        uint64_t u64;
        int64_t i64;
    } cases[] = {
        {"0", true, true, 0, 0},
        {"007", true, true, 7, 7},
        {"-0", false, true, 0, 0},
        {"-1", false, true, 0, -1},
        {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
        {"9223372036854775808", true, false, UINT64_C(9223372036854775808), 0},
        {"-9223372036854775808", false, true, 0, INT64_MIN},
        {"-9223372036854775809", false, false, 0, 0},
        {"18446744073709551615", true, false, UINT64_MAX, 0},
        {"18446744073709551616", false, false, 0, 0},
        {"99999999999999999999", false, false, 0, 0},
        {"", false, false, 0, 0},
        {"-", false, false, 0, 0},
        {"+1", false, false, 0, 0},
        {" 1", false, false, 0, 0},
        {"1 ", false, false, 0, 0},
        {"1e3", false, false, 0, 0},
        {"--1", false, false, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t u = 1;
        int64_t s = 1;
        assert_int_equal(str_to_u64(str_c(cases[i].text), &u), cases[i].is_u64);
        assert_int_equal(str_to_i64(str_c(cases[i].text), &s), cases[i].is_i64);
        assert_true(u == (cases[i].is_u64 ? cases[i].u64 : 1));
        assert_true(s == (cases[i].is_i64 ? cases[i].i64 : 1));
    }
}

static void copies_are_owned(void **state)
{
    struct str s = str_dup(STR("a\0b"));
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 4); /* with a NUL behind */
    str_free(&s);
    assert_int_equal(s.n, 0);
    str_free(&s);
    char *z = str_dup_c(str_empty);
    assert_string_equal(z, "");
    mem_free(z);
}

static void nothing_is_freed_of_the_empty(void **state)
{
    /* str_empty may have another address in every file, and a literal "" yet another. */
    static const char elsewhere[] = "";
    struct str empties[] = {
        str_empty, {elsewhere, 0}, {NULL, 0}, STR(""), str_sub(STR("ab"), 2, 1)};
    for (size_t i = 0; i < ARRAY_LEN(empties); i++) {
        struct str copy = str_dup(empties[i]);
        assert_string_equal(copy.p, ""); /* never NULL, whatever was copied */
        assert_int_equal(copy.n, 0);
        str_free(&copy);
        str_free(&empties[i]);
        assert_string_equal(empties[i].p, "");
    }
}

static void hash_is_fixed(void **state)
{
    /* A changed value would change every trace: these were written down once. */
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {
        {"", UINT64_C(0xb08f3dbd6bdb2528)},
        {"a", UINT64_C(0xb880fcf6db02a2e8)},
        {"abc", UINT64_C(0xc151c43ca9d0221d)},
        {"abcd", UINT64_C(0x3761fb2ee9b09fa8)},
        {"namespace", UINT64_C(0xfaad876549ba1a07)},
        {"kube-system/coredns", UINT64_C(0x8806881a02cbec18)},
        {"0123456789abcdef", UINT64_C(0xcb5f3c766c959830)},
        {"0123456789abcdef0", UINT64_C(0x9edbce148ac9d2ab)},
        {"the quick brown fox jumps over the lazy dog", UINT64_C(0xedb4c1b919b34bf6)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(str_hash(str_c(cases[i].text)) == cases[i].hash);
}

static void hash_sees_every_bit(void **state)
{
    char bytes[70] = {0};
    for (size_t n = 1; n <= sizeof(bytes); n++) {
        uint64_t before = str_hash((struct str){bytes, n});
        assert_true(before != str_hash((struct str){bytes, n - 1}));
        for (size_t bit = 0; bit < n * 8; bit++) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            assert_true(before != str_hash((struct str){bytes, n}));
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare),       cmocka_unit_test(views_are_cut),
        cmocka_unit_test(needles_are_found),   cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(copies_are_owned),    cmocka_unit_test(hash_is_fixed),
        cmocka_unit_test(hash_sees_every_bit), cmocka_unit_test(nothing_is_freed_of_the_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
