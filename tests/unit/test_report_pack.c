/* Goal: a packed report is the same report, and bytes that are cut never make one.
 * Method: the small and the large sample are packed and read back; what all writers say of both is equal. Every shorter
 * prefix of the small one is refused. A brief run says the same of its measures; a part comes back with its runs. */
#include "tests/unit/support/check.h"

#include "reports/report_pack.h"
#include "tests/unit/support/sample_report.h"

static void check_same(const struct report_run *a, const struct report_run *b)
{
    struct buf x = {0}, y = {0};
    const struct report_run *const of_a[] = {a}, *const of_b[] = {b};
    report_html(&(struct report){.runs = of_a, .n = 1}, &x);
    report_html(&(struct report){.runs = of_b, .n = 1}, &y);
    assert_true(str_eq(buf_str(&x), buf_str(&y)));
    buf_free(&x);
    buf_free(&y);
}

static void check_round_trip(struct arena *a, const struct report *r)
{
    struct buf bytes = {0};
    for (size_t i = 0; i < r->n; i++)
        report_pack(r->runs[i], &bytes);
    struct str rest = buf_str(&bytes);
    for (size_t i = 0; i < r->n; i++) {
        struct report_run *run = NULL;
        check_ok(report_unpack(a, &rest, &run));
        check_same(r->runs[i], run);
    }
    assert_int_equal(rest.n, 0);
    buf_free(&bytes);
}

static void what_is_packed_comes_back(void **state)
{
    struct arena a = {0};
    check_round_trip(&a, sample_report_small(&a));
    check_round_trip(&a, sample_report_large(&a, 500));
    arena_free(&a);
}

static void a_cut_report_is_refused(void **state)
{
    struct arena a = {0};
    struct buf bytes = {0};
    report_pack(sample_report_small(&a)->runs[0], &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        struct str cut = {bytes.p, n};
        struct report_run *run = NULL;
        struct err *err = report_unpack(&a, &cut, &run);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_INVALID);
        err_free(err);
    }
    buf_free(&bytes);
    arena_free(&a);
}

/* What the writers rely on is looked at when a report comes from outside. */
static void an_odd_report_is_refused(void **state)
{
    struct arena a = {0};
    const struct report_series series = {.scale = 7};
    const struct report_hist hist = {.scale = 0};
    const struct report_event event = {.lane = 1};
    const struct report_span span = {.lane = 0};
    const struct report_lane lane = {.name = STR("l")};
    const struct report_run odd[] = {
        {.series = &series, .series_n = 1},
        {.hists = &hist, .hists_n = 1},
        {.lanes = &lane, .lanes_n = 1, .timeline = &event, .timeline_n = 1},
        {.spans = &span, .spans_n = 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct buf bytes = {0};
        struct report_run *run = NULL;
        report_pack(&odd[i], &bytes);
        struct str rest = buf_str(&bytes);
        check_err(report_unpack(&a, &rest, &run), ERR_INVALID, "malformed");
        buf_free(&bytes);
    }
    arena_free(&a);
}

static void a_brief_run_keeps_what_it_shows(void **state)
{
    struct arena a = {0};
    const struct report *r = sample_report_large(&a, 500);
    struct report_run *like = NULL;
    for (size_t i = 0; i < r->n; i++) {
        struct report_run *brief = report_brief(&a, r->runs[i], like), *back = NULL;
        struct buf bytes = {0}, whole = {0}, of_back = {0};
        report_pack(brief, &bytes);
        struct str rest = buf_str(&bytes);
        check_ok(report_unpack(&a, &rest, &back));
        const struct report_run *const first[] = {brief}, *const second[] = {back};
        report_json(&(struct report){.runs = first, .n = 1}, &whole);
        report_json(&(struct report){.runs = second, .n = 1}, &of_back);
        assert_true(str_eq(buf_str(&whole), buf_str(&of_back)));
        assert_int_equal(back->hists_n, r->runs[i]->hists_n);
        for (size_t h = 0; h < back->hists_n; h++) {
            int64_t want = 0, got = 0;
            const struct report_hist *full = &r->runs[i]->hists[h];
            const struct str what = full->show_n ? full->show[0] : STR("p50");
            assert_int_equal(back->hists[h].n, full->n);
            assert_int_equal(report_hist_value(full, what, &want),
                             report_hist_value(&back->hists[h], what, &got));
            assert_int_equal(got, want);
        }
        buf_free(&bytes);
        buf_free(&whole);
        buf_free(&of_back);
        like = brief;
    }
    arena_free(&a);
}

static void a_part_comes_back(void **state)
{
    struct arena a = {0};
    struct buf bytes = {0};
    struct report_part *back = NULL;
    const struct report *r = sample_report_small(&a);
    const struct report_part_file file = {STR("a.yaml"),       STR("abc"), STR("+x\n"),
                                          STR("sweep a.yaml"), 3,          7};
    const struct report_part part = {.shard = 2,
                                     .shards = 3,
                                     .planned = 9,
                                     .files = &file,
                                     .files_n = 1,
                                     .runs = r->runs,
                                     .n = r->n};
    report_part_pack(&part, &bytes);
    check_ok(report_part_unpack(&a, buf_str(&bytes), &back));
    assert_int_equal(back->shard, 2);
    assert_int_equal(back->planned, 9);
    assert_int_equal(back->n, r->n);
    assert_true(str_eq_c(back->files[0].tally, "+x\n"));
    assert_true(str_eq_c(back->files[0].again, "sweep a.yaml"));
    assert_int_equal(back->files[0].seeds_n, 7);
    for (size_t i = 0; i < r->n; i++)
        check_same(r->runs[i], back->runs[i]);
    for (size_t n = 0; n < bytes.n; n++) {
        struct err *err = report_part_unpack(&a, (struct str){bytes.p, n}, &back);
        assert_non_null(err);
        err_free(err);
    }
    buf_free(&bytes);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(a_cut_report_is_refused),
        cmocka_unit_test(an_odd_report_is_refused),
        cmocka_unit_test(a_brief_run_keeps_what_it_shows),
        cmocka_unit_test(a_part_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
