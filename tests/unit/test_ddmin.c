/* Goal: ddmin leaves exactly what has to stay, does not depend on how many candidates are judged at a time, and stops when
 * the time is over with something that still happens; bisect finds the least value.
 * Method: predicates over sets of numbers, some of them random from printed seeds; judgements are counted. */
#include "engine/base/rng.h"
#include "sim/scenario/shrink/ddmin.h"
#include "tests/unit/support/check.h"

#define THINGS_MAX 200u

struct world {
    size_t n;
    bool needed[THINGS_MAX]; /* it happens when all of them are there ... */
    size_t pair[2];          /* ... and one of these two, if they differ */
    size_t judged, limit;    /* 0: no limit */
};

static bool happens_with(struct world *w, const bool *keep)
{
    w->judged++;
    for (size_t i = 0; i < w->n; i++)
        if (w->needed[i] && !keep[i])
            return false;
    return w->pair[0] == w->pair[1] || keep[w->pair[0]] || keep[w->pair[1]];
}

static size_t happens(void *ctx, const bool *const *candidates, size_t n)
{
    size_t i = 0;
    while (i < n && !happens_with(ctx, candidates[i]))
        i++;
    return i;
}

static bool over(void *ctx)
{
    const struct world *w = ctx;
    return w->limit > 0 && w->judged >= w->limit;
}

static bool run(struct world *w, bool *keep, size_t width)
{
    struct ddmin d = {.happens = happens, .over = over, .ctx = w, .width = width};
    w->judged = 0;
    for (size_t i = 0; i < w->n; i++)
        keep[i] = true;
    return ddmin(&d, keep, w->n);
}

static size_t count(const bool *v, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += v[i];
    return c;
}

static void leaves_what_is_needed(void **state)
{
    static const struct {
        size_t n, needed[4], needed_n, judged_max;
    } cases[] = {
        {0, {0}, 0, 0},        {1, {0}, 0, 2},
        {1, {0}, 1, 4},        {100, {0}, 0, 2},
        {100, {57}, 1, 40},    {100, {0, 99}, 2, 60},
        {7, {1, 3, 5}, 3, 40}, {128, {3, 4, 90, 91}, 4, 140},
    };
    bool keep[THINGS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w = {.n = cases[i].n};
        for (size_t k = 0; k < cases[i].needed_n; k++)
            w.needed[cases[i].needed[k]] = true;
        assert_true(run(&w, keep, 1));
        assert_memory_equal(keep, w.needed, w.n * sizeof *keep);
        assert_true(w.judged <= cases[i].judged_max);
    }
}

/* Nothing single may go of what is left, whatever the predicate; the width changes nothing. */
static void one_minimal_at_any_width(void **state)
{
    static const size_t widths[] = {1, 2, 3, DDMIN_WIDTH_MAX};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rng r = rng_seed(seed);
        struct world w = {.n = 2 + rng_below(&r, THINGS_MAX - 2)};
        for (size_t i = 0; i < 4; i++)
            w.needed[rng_below(&r, w.n)] = true;
        w.pair[0] = rng_below(&r, w.n);
        w.pair[1] = rng_below(&r, w.n);
        bool first[THINGS_MAX], keep[THINGS_MAX];
        for (size_t k = 0; k < ARRAY_LEN(widths); k++) {
            assert_true(run(&w, keep, widths[k]));
            if (k == 0)
                memcpy(first, keep, sizeof first);
            assert_memory_equal(keep, first, w.n * sizeof *keep);
        }
        assert_true(happens_with(&w, keep));
        for (size_t i = 0; i < w.n; i++) {
            if (!keep[i])
                continue;
            keep[i] = false;
            if (happens_with(&w, keep))
                print_error("seed %llu: %zu may go\n", (unsigned long long)seed, i);
            assert_false(happens_with(&w, keep));
            keep[i] = true;
        }
    }
}

static void stops_with_the_best_so_far(void **state)
{
    bool keep[THINGS_MAX];
    size_t before = THINGS_MAX;
    for (size_t limit = 1; limit < 40; limit++) {
        struct world w = {.n = 150, .limit = limit};
        w.needed[3] = w.needed[77] = w.needed[149] = true;
        bool minimal = run(&w, keep, 1);
        assert_int_equal(minimal, w.judged < limit);
        assert_true(w.judged <= limit);
        assert_true(happens_with(&w, keep));
        assert_true(count(keep, w.n) <= before); /* more time never leaves more */
        before = count(keep, w.n);
    }
}

struct threshold {
    int64_t least, asked;
};

static bool from_least_on(void *ctx, int64_t value)
{
    struct threshold *t = ctx;
    t->asked++;
    return value >= t->least;
}

static bool never_over(void *ctx)
{
    return false;
}

static void bisects(void **state)
{
    static const int64_t cases[][3] = {/* low, high, least */
                                       {1, 1, 1},    {1, 5000, 1},      {1, 5000, 5000},
                                       {1, 5000, 2}, {1, 5000, 4999},   {0, 24, 7},
                                       {1, 2, 2},    {1, INT64_MAX, 99}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct threshold t = {.least = cases[i][2]};
        struct bisect b = {.happens = from_least_on, .over = never_over, .ctx = &t};
        assert_int_equal(bisect(&b, cases[i][0], cases[i][1]), cases[i][2]);
        assert_true(t.asked <= 65);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_is_needed),
        cmocka_unit_test(one_minimal_at_any_width),
        cmocka_unit_test(stops_with_the_best_so_far),
        cmocka_unit_test(bisects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
