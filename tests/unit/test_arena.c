/* Goal: blocks are aligned, zeroed and apart from each other; reset and free give everything back.
 * Method: blocks of many sizes, each filled with its number and checked at the end. */
#include "tests/unit/support/check.h"

#include "engine/base/arena.h"

static void blocks_are_apart(void **state)
{
    enum { BLOCKS = 400 };
    struct arena a = {0};
    for (int round = 0; round < 3; round++) {
        unsigned char *blocks[BLOCKS];
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t n = i * i % 9001;
            blocks[i] = arena_alloc(&a, n);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            for (size_t k = 0; k < n; k++)
                assert_int_equal(blocks[i][k], 0);
            memset(blocks[i], (int)(i % 255 + 1), n);
        }
        for (size_t i = 0; i < BLOCKS; i++)
            for (size_t k = 0; k < i * i % 9001; k++)
                assert_int_equal(blocks[i][k], i % 255 + 1);
        assert_true(a.used > 0);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    arena_free(&a);
    arena_free(&a);
    arena_reset(&a);
}

static void large_blocks_fit(void **state)
{
    struct arena a = {0};
    char *large = arena_alloc(&a, (size_t)5 << 20);
    large[((size_t)5 << 20) - 1] = 'x';
    char *small = arena_alloc(&a, 10);
    small[9] = 'y';
    arena_reset(&a);
    (void)arena_alloc(&a, 10);
    arena_free(&a);
}

static void texts_end_with_nul(void **state)
{
    struct arena a = {0};
    struct str s = arena_str(&a, STR("a\0b"));
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 4);
    assert_string_equal(arena_c(&a, str_empty), "");
    check_str(arena_printf(&a, "%s-%05d", "x", 42), "x-00042");
    int *numbers = ARENA_NEW_ARRAY(&a, int, 10);
    assert_int_equal(numbers[9], 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_apart),
        cmocka_unit_test(large_blocks_fit),
        cmocka_unit_test(texts_end_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
