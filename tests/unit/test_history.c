/* Goal: a history answers what held at a time, how much a counter grew in a window, how many different things happened in
 * it, and when those answers change by themselves; old samples go, the one at the edge stays.
 * Method: small tables, and a naive model beside random samples. */
#include "tests/unit/support/check.h"

#include "engine/base/rng.h"
#include "sim/scenario/run/history.h"

#define S INT64_C(1000000000)

static void test_values(void **state)
{
    (void)state;
    struct history h = {0};
    assert_int_equal(history_at(&h, 5 * S, 42), 42);
    history_add(&h, 1 * S, 10);
    history_add(&h, 3 * S, 30);
    history_add(&h, 3 * S, 31); /* replaces */
    static const int64_t at[][2] = {{0, 42}, {1, 10}, {2, 10}, {3, 31}, {9, 31}};
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        assert_int_equal(history_at(&h, at[i][0] * S, 42), at[i][1]);
    history_free(&h);
    history_free(&h);
}

static void test_growth(void **state)
{
    (void)state;
    struct history h = {0};
    int64_t drops;
    assert_int_equal(history_growth(&h, 10 * S, 20 * S, &drops), 0);
    assert_true(drops == INT64_MAX);
    history_add(&h, 5 * S, 1);
    history_add(&h, 12 * S, 4);
    assert_int_equal(history_growth(&h, 10 * S, 12 * S, &drops), 4); /* all of it is within */
    assert_int_equal(drops, 15 * S);
    assert_int_equal(history_growth(&h, 10 * S, 15 * S, &drops),
                     3); /* the window is open at its start */
    assert_int_equal(drops, 22 * S);
    assert_int_equal(history_growth(&h, 10 * S, 22 * S, &drops), 0);
    assert_true(drops == INT64_MAX);
    history_free(&h);
}

static void test_distinct(void **state)
{
    (void)state;
    struct history h = {0};
    int64_t drops;
    history_note(&h, 1 * S, 7);
    history_note(&h, 1 * S, 8); /* at the same time: both count */
    history_note(&h, 2 * S, 7);
    history_note(&h, 4 * S, 9);
    assert_int_equal(history_distinct(&h, 10 * S, 4 * S, &drops), 3);
    assert_int_equal(drops, 11 * S);
    assert_int_equal(history_distinct(&h, 10 * S, 11 * S, &drops), 2);
    assert_int_equal(history_distinct(&h, 10 * S, 14 * S, &drops), 0);
    assert_true(drops == INT64_MAX);
    history_free(&h);
}

static void test_long_runs(void **state)
{
    (void)state;
    struct history h = {0};
    struct rng r = rng_seed(1);
    enum { N = 150000 };
    static int64_t at[N], value[N];
    int64_t now = 0, sum = 0;
    for (size_t i = 0; i < N; i++) { /* eight times what is kept */
        now += rng_between(&r, 1, 400) * S / 1000;
        sum += rng_between(&r, 0, 5);
        at[i] = now;
        value[i] = sum;
        history_add(&h, now, sum);
        if (i % 1499)
            continue;
        int64_t window = rng_between(&r, 1, 3599) * S, drops, base = 0;
        for (size_t j = 0; j <= i && at[j] <= now - window; j++)
            base = value[j];
        assert_int_equal(history_growth(&h, window, now, &drops), sum - base);
        assert_int_equal(history_at(&h, now - window, 0), base);
    }
    assert_in_range(h.cap, 1, 65536); /* old ones were dropped */
    history_free(&h);
}

/* More samples within the time that is kept than are kept: the older half goes, the newer answers as before. */
static void test_too_many(void **state)
{
    (void)state;
    struct history h = {0};
    int64_t drops;
    for (int64_t i = 0; i <= HISTORY_SAMPLES_MAX; i++)
        history_note(&h, i * 1000, i);
    assert_int_equal(h.cap, HISTORY_SAMPLES_MAX);
    assert_int_equal(h.n, HISTORY_SAMPLES_MAX / 2 + 2);
    assert_int_equal(history_at(&h, HISTORY_SAMPLES_MAX * INT64_C(1000), 0), HISTORY_SAMPLES_MAX);
    assert_int_equal(history_growth(&h, 1000 * 1000, HISTORY_SAMPLES_MAX * INT64_C(1000), &drops),
                     1000);
    assert_int_equal(history_at(&h, 1000, -1), -1); /* gone */
    history_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_growth),
                                       cmocka_unit_test(test_distinct),
                                       cmocka_unit_test(test_long_runs),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
