/* Goal: streams are the published algorithms, the same on every machine; draws are in range and even.
 * Method: reference values computed apart from this program; counts over many draws. */
#include "tests/unit/support/check.h"

#include "engine/base/rng.h"

static void streams_are_the_published_ones(void **state)
{
    static const uint64_t seed_0[] = {UINT64_C(0x99ec5f36cb75f2b4), UINT64_C(0xbf6e1f784956452a),
                                      UINT64_C(0x1a5f849d4933e6e0), UINT64_C(0x6aa594f1262d2d2c),
                                      UINT64_C(0xbba5ad4a1f842e59)};
    struct rng r = rng_seed(0);
    for (size_t i = 0; i < ARRAY_LEN(seed_0); i++)
        assert_true(rng_u64(&r) == seed_0[i]);
}

static void splits_depend_on_seed_and_name(void **state)
{
    struct rng a = rng_split(1, STR("dns")), b = rng_split(1, STR("dns")),
               c = rng_split(1, STR("net")), d = rng_split(2, STR("dns"));
    uint64_t first = rng_u64(&a);
    assert_true(first == rng_u64(&b));
    assert_true(first != rng_u64(&c));
    assert_true(first != rng_u64(&d));
}

static void draws_are_in_range(void **state)
{
    static const uint64_t limits[] = {1, 2, 3, 7, 1000, UINT64_C(1) << 63, UINT64_MAX};
    struct rng r = rng_seed(7);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        for (int k = 0; k < 1000; k++)
            assert_true(rng_below(&r, limits[i]) < limits[i]);
    for (int k = 0; k < 1000; k++) {
        assert_in_range(rng_between(&r, -3, 3) + 3, 0, 6);
        assert_true(rng_between(&r, INT64_MAX, INT64_MAX) == INT64_MAX);
        (void)rng_between(&r, INT64_MIN, INT64_MAX);
        assert_false(rng_chance(&r, 0));
        assert_true(rng_chance(&r, 1000000));
    }
}

static void draws_are_even(void **state)
{
    enum { DRAWS = 120000 };
    int counts[12] = {0}, hits = 0;
    struct rng r = rng_seed(99);
    for (int i = 0; i < DRAWS; i++) {
        counts[rng_below(&r, 12)]++;
        hits += rng_chance(&r, 250000);
    }
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_in_range(counts[i], DRAWS / 12 - 500, DRAWS / 12 + 500); /* five deviations */
    assert_in_range(hits, DRAWS / 4 - 750, DRAWS / 4 + 750);
}

static void bytes_are_little_endian(void **state)
{
    struct rng r = rng_seed(3), same = rng_seed(3);
    unsigned char bytes[11];
    rng_bytes(&r, bytes, sizeof(bytes));
    uint64_t first = rng_u64(&same), second = rng_u64(&same);
    for (int i = 0; i < 8; i++)
        assert_int_equal(bytes[i], (unsigned char)(first >> 8 * i));
    assert_int_equal(bytes[10], (unsigned char)(second >> 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_the_published_ones),
        cmocka_unit_test(splits_depend_on_seed_and_name),
        cmocka_unit_test(draws_are_in_range),
        cmocka_unit_test(draws_are_even),
        cmocka_unit_test(bytes_are_little_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
