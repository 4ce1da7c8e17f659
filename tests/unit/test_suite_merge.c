/* Goal: what was run in shares is put together to what one machine would have reported, or it is said why it cannot be.
 * Method: parts are saved by suites, most of whose runs are only described; where no suite would save such a part, it is made
 * up. */
#include "tests/unit/support/suite_bench.h"

#include "reports/report_pack.h"

#define PARTS_MAX 6

struct joined {
    struct arena arena;
    struct buf bytes[PARTS_MAX], whole, notes;
    struct suite_part parts[PARTS_MAX];
    size_t n;
    struct report report;
};

/* What the command line has run is a part; `of`: in case the file differs. */
static void join_run(struct joined *j, const char *line, const char *of, size_t passed)
{
    struct bench b;
    bench_open(&b, line);
    bench_lay_out(&b, of);
    for (size_t i = 0; i < suite_count(b.suite); i++)
        (void)(i < passed ? pass(&b, i) : lose(&b, i));
    suite_save(b.suite, &j->bytes[j->n]);
    j->parts[j->n] =
        (struct suite_part){arena_printf(&j->arena, "part %zu", j->n), buf_str(&j->bytes[j->n])};
    j->n++;
    bench_close(&b);
}

/* A part that no suite would save. */
static void join_made(struct joined *j, const struct report_part *part)
{
    report_part_pack(part, &j->bytes[j->n]);
    j->parts[j->n] = (struct suite_part){STR("made"), buf_str(&j->bytes[j->n])};
    j->n++;
}

static struct err *join(struct joined *j)
{
    return suite_merge(&j->arena, j->parts, j->n, &j->report, &j->whole, &j->notes);
}

static void joined_free(struct joined *j)
{
    for (size_t i = 0; i < j->n; i++)
        buf_free(&j->bytes[i]);
    buf_free(&j->whole);
    buf_free(&j->notes);
    arena_free(&j->arena);
}

static void expect_refused(struct joined *j, const char *text)
{
    check_err(join(j), ERR_INVALID, text);
    joined_free(j);
}

static void shares_are_put_together_in_their_order(void **state)
{
    struct joined j = {.n = 0};
    join_run(&j, "sweep --seeds 1..6 --shard 3/3", "", 2);
    join_run(&j, "sweep --seeds 1..6 --shard 1/3", "", 1);
    join_run(&j, "sweep --seeds 1..6 --shard 2/3", "", 0);
    check_ok(join(&j));
    assert_int_equal(j.report.n, 6);
    assert_int_equal(j.report.left, 0);
    assert_int_equal(j.notes.n, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(j.report.runs[i]->seed, i + 1);
        bool passed = i == 0 || i >= 4;
        assert_int_equal(j.report.runs[i]->outcome, passed ? REPORT_PASSED : REPORT_ERROR);
        assert_int_equal(j.report.runs[i]->brief, i >= 4); /* of what passed the first is shown */
    }
    struct joined again = {.n = 1}; /* what was merged can be merged again */
    again.parts[0] = (struct suite_part){STR("whole"), buf_str(&j.whole)};
    check_ok(join(&again));
    assert_int_equal(again.report.n, 6);
    assert_int_equal(again.notes.n, 0);
    joined_free(&again);
    joined_free(&j);
}

static void shares_that_are_missing_are_told(void **state)
{
    struct joined j = {.n = 0};
    join_run(&j, "sweep --seeds 1..10 --shard 2/5", UNSEEN, 9);
    join_run(&j, "sweep --seeds 1..10 --shard 4/5", UNSEEN, 9);
    check_ok(join(&j));
    check_str(buf_str(&j.notes), "shard 1 of 5 is missing\nshard 3 of 5 is missing\n"
                                 "shard 5 of 5 is missing\n"
                                 "6 of 10 runs are missing: `sometimes` is not judged\n");
    assert_int_equal(j.report.left, 6);
    assert_int_equal(j.report.n, 4);
    joined_free(&j);
}

static struct buf carried_out(const char *line, const char *rest)
{
    struct bench b;
    struct buf out = {0};
    bench_open(&b, line);
    bench_lay_out(&b, rest);
    carry_out_all(&b);
    suite_save(b.suite, &out);
    bench_close(&b);
    return out;
}

/* Runs that are no shares: seeds are told from the least to the greatest. */
static void sometimes_is_judged_over_all_parts(void **state)
{
    static const struct {
        const char *first, *second;
        size_t rows;
    } rows[] = {
        {"sweep --seeds 5..6", "sweep --seeds 2..3", 1},
        {"sweep --seeds 2..3", "sweep --seeds 5..6", 1},
        {"run --seed 2", "run --seed 6 --until 20s", 0}, /* stopped early on purpose */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct joined j = {.n = 2};
        j.bytes[0] = carried_out(rows[i].first, UNSEEN);
        j.bytes[1] = carried_out(rows[i].second, UNSEEN);
        for (size_t k = 0; k < 2; k++)
            j.parts[k] = (struct suite_part){STR("part"), buf_str(&j.bytes[k])};
        check_ok(join(&j));
        const struct report_run *last = j.report.runs[j.report.n - 1];
        assert_int_equal(last->over > 0, rows[i].rows);
        if (last->over) {
            assert_int_equal(last->over, 4);
            check_str(last->replay, "paddock-sim sweep t.yaml --seeds 2..6");
        }
        joined_free(&j);
    }
}

/* As many as one sweep of all of them would have kept. */
static void what_is_shown_in_full_is_bounded(void **state)
{
    struct report_run run = {.name = STR("t"), .profile = STR("compat"), .file = STR("t.yaml")};
    struct report_run failed[SUITE_SHOWN_MAX + 1], passed[SUITE_SHOWN_MAX + 1];
    const struct report_run *runs[2 * (SUITE_SHOWN_MAX + 1)];
    struct report_part_file files[SUITE_SHOWN_MAX + 1];
    struct joined j = {.n = 0};
    size_t n = 0;
    for (size_t i = 0; i <= SUITE_SHOWN_MAX; i++) {
        passed[i] = failed[i] = run;
        passed[i].file = arena_printf(&j.arena, "%zu.yaml", i);
        failed[i].file = passed[0].file;
        failed[i].seed = i + 1;
        failed[i].outcome = i % 2 ? REPORT_FAILED : REPORT_ERROR;
        files[i] = (struct report_part_file){.file = passed[i].file, .digest = STR("d")};
        runs[n++] = &passed[i];
        runs[n++] = &failed[i];
    }
    join_made(&j, &(struct report_part){.planned = n,
                                        .swept = true,
                                        .files = files,
                                        .files_n = ARRAY_LEN(files),
                                        .runs = runs,
                                        .n = n});
    check_ok(join(&j));
    assert_int_equal(j.report.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(j.report.runs[i]->brief, i / 2 == SUITE_SHOWN_MAX);
    joined_free(&j);
}

static void what_does_not_fit_together_is_refused(void **state)
{
    struct joined j = {.n = 0};
    join_run(&j, "sweep --seeds 1..6 --shard 1/3", "", 0);
    join_run(&j, "sweep --seeds 1..6 --shard 2/4", "", 0);
    expect_refused(&j,
                   "part 0 is shard 1 of 3 of 6 runs, but part 1 is shard 2 of 4 of 6: they are "
                   "not shares of one whole");
    j = (struct joined){.n = 0};
    join_run(&j, "sweep --seeds 1..6 --shard 1/3", "", 0);
    join_run(&j, "sweep --seeds 1..9 --shard 2/3", "", 0);
    expect_refused(&j, "shard 1 of 3 of 6 runs, but part 1 is shard 2 of 3 of 9");
    j = (struct joined){.n = 0};
    join_run(&j, "sweep --seeds 1..6 --shard 1/3", "", 0);
    join_run(&j, "sweep --seeds 9", "", 0);
    expect_refused(&j, "part 1 is shard 0 of 0 of 1 runs, but part 0 is shard 1 of 3 of 6");
    j = (struct joined){.n = 0};
    join_run(&j, "run --seed 4 --set size=2 --policy agent.start=retry --case x=one", PARAMS MATRIX,
             1);
    join_run(&j, "run --seed 4 --set size=2 --policy agent.start=retry", PARAMS MATRIX, 1);
    expect_refused(&j, "part 0 and part 1 hold the same run: seed 4, hardened, x=one, t.yaml, "
                       "size=2, agent.start=retry");
    j = (struct joined){.n = 0};
    join_run(&j, "sweep --seeds 1", "", 0);
    join_run(&j, "sweep --seeds 2", BOTH, 0);
    expect_refused(&j, "part 0 and part 1 ran different versions of t.yaml (sha256 ");
    j = (struct joined){.n = 1};
    j.parts[0] = (struct suite_part){STR("odd"), STR("x")};
    expect_refused(&j, "odd");
}

static void made_up_parts_are_refused(void **state)
{
    struct report_run run = {.name = STR("t"), .file = STR("t.yaml"), .profile = STR("compat")};
    const struct report_run *runs[] = {&run};
    struct report_part_file file = {.file = STR("t.yaml"), .digest = STR("d"), .seeds_n = 1};
    struct report_part part = {.planned = 1, .runs = runs, .n = 1};
    struct joined j = {.n = 0};
    join_made(&j, &part);
    expect_refused(&j, "made: a run of a file that it does not name: t.yaml");
    part.files = &file;
    part.files_n = 1;
    file.tally = STR("*1 0\n");
    j = (struct joined){.n = 0};
    join_made(&j, &part);
    expect_refused(&j, "the tally of a palette is malformed");
    j = (struct joined){.n = 0};
    join_made(&j, &part); /* the first mistake counts */
    j.parts[j.n++] = j.parts[0];
    expect_refused(&j, "the tally of a palette is malformed");
    file.tally = STR("-a\n");
    j = (struct joined){.n = 0};
    join_made(&j, &part);
    file.tally = STR("-a\n-b\n-c\n-d\n-e\n-f\n"); /* more clauses than the other one has */
    part.n = 0;
    part.planned = 0;
    join_made(&j, &part);
    check_ok(join(&j));
    assert_int_equal(j.report.n, 2); /* the run, and the file's row */
    assert_int_equal(j.report.runs[1]->failures_n, 6);
    joined_free(&j);
    j = (struct joined){.n = 0};
    join_made(&j, &part); /* a file without any run: nothing to judge */
    check_ok(join(&j));
    assert_int_equal(j.report.n, 0);
    joined_free(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_put_together_in_their_order),
        cmocka_unit_test(shares_that_are_missing_are_told),
        cmocka_unit_test(sometimes_is_judged_over_all_parts),
        cmocka_unit_test(what_is_shown_in_full_is_bounded),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
        cmocka_unit_test(made_up_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
