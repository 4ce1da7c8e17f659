/* Goal: people and scripts can read the terminal's report: columns, reasons, the command, the last line.
 * Method: whole texts of a small report at each verbosity against fixtures/reports; single lines for odd data. */
#include "tests/unit/support/check.h"

#include "tests/unit/support/golden.h"
#include "tests/unit/support/sample_report.h"

static void whole(const struct report *r, const struct report_style *style, struct buf *out)
{
    for (size_t i = 0; i < r->n; i++)
        report_pretty_run(r->runs[i], style, out);
    report_pretty_end(r, style, out);
}

static void each_verbosity(void **state)
{
    static const char *const files[] = {"fixtures/reports/small-quiet.txt",
                                        "fixtures/reports/small.txt",
                                        "fixtures/reports/small-verbose.txt"};
    struct arena a = {0};
    const struct report *r = sample_report_small(&a);
    for (int v = -1; v <= 1; v++) {
        struct buf out = {0};
        whole(r, &(struct report_style){.verbosity = v, .profile_width = 8}, &out);
        golden_check(buf_str(&out), files[v + 1]);
        buf_free(&out);
    }
    arena_free(&a);
}

/* Without its colours a coloured report is the plain one. */
static void colours_add_nothing_else(void **state)
{
    struct arena a = {0};
    const struct report *r = sample_report_small(&a);
    struct buf plain = {0}, coloured = {0}, stripped = {0};
    whole(r, &(struct report_style){.verbosity = 1}, &plain);
    whole(r, &(struct report_style){.verbosity = 1, .color = true}, &coloured);
    for (size_t i = 0; i < coloured.n; i++) {
        if (coloured.p[i] == '\033')
            while (coloured.p[i] != 'm')
                i++;
        else
            buf_add_char(&stripped, coloured.p[i]);
    }
    assert_true(coloured.n > plain.n);
    check_str_eq(buf_str(&stripped), buf_str(&plain));
    buf_free(&plain);
    buf_free(&coloured);
    buf_free(&stripped);
    arena_free(&a);
}

static void the_last_line_counts(void **state)
{
    const struct report_run passed = {.profile = STR("compat"), .outcome = REPORT_PASSED},
                            skipped = {.profile = STR("compat"), .outcome = REPORT_SKIPPED},
                            unsupported = {.profile = STR("compat"), .outcome = REPORT_UNSUPPORTED};
    const struct report_run *const runs[] = {&passed, &unsupported, &skipped, &passed};
    static const struct {
        size_t n;
        const char *text;
    } cases[] = {
        {0, "0 passed, 0 failed\n"},
        {1, "1 passed, 0 failed\n"},
        {4, "1 unsupported in this world\n1 skipped\n2 passed, 0 failed\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        report_pretty_end(&(struct report){.runs = runs, .n = cases[i].n},
                          &(struct report_style){.color = true}, &out);
        check_str(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

static void texts_cannot_leave_their_line(void **state)
{
    const struct report_failure f = {.kind = STR("assert"),
                                     .name = STR("a \"b\" \\ \033[2J\nok \x7f\xc2\x9b"),
                                     .at_ns = 1500000};
    const struct report_run run = {.name = STR("x\ny"),
                                   .profile = STR("compat"),
                                   .case_id = STR("gr\xc3\xb6\xc3\x9f"
                                                  "e=1"),
                                   .seed = UINT64_MAX,
                                   .outcome = REPORT_FAILED,
                                   .failures = &f,
                                   .failures_n = 1};
    const struct report_run *const runs[] = {&run};
    struct buf out = {0};
    report_pretty_end(&(struct report){.runs = runs, .n = 1},
                      &(struct report_style){.verbosity = -1}, &out);
    check_str(buf_str(&out), "FAIL x y case=gr\xc3\xb6\xc3\x9f"
                             "e:1 profile=compat "
                             "seed=18446744073709551615 t=0.001s "
                             "assert=\"a \\\"b\\\" \\\\  [2J ok   \"\n0 passed, 1 failed\n");
    buf_free(&out);
}

static void speed(void **state)
{
    static const struct {
        int64_t simulated_ns, wall_ns;
        const char *text;
    } cases[] = {
        {1800000000000, 1204000000, "30m00s in 1.204s (1,495x)  0 events\n"},
        {1000000000, 400000000, "1s in 0.400s (2.4x)  0 events\n"},
        {1000000000, 4000000000, "1s in 4s (0.2x)  0 events\n"},
        {1000000000, 0, "1s in 0s  0 events\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct report_run run = {.profile = STR("compat"),
                                       .simulated_ns = cases[i].simulated_ns,
                                       .wall_ns = cases[i].wall_ns};
        struct buf out = {0};
        report_pretty_run(&run, &(struct report_style){0}, &out);
        if (!str_ends(buf_str(&out), str_c(cases[i].text)))
            check_str(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verbosity),
        cmocka_unit_test(colours_add_nothing_else),
        cmocka_unit_test(the_last_line_counts),
        cmocka_unit_test(texts_cannot_leave_their_line),
        cmocka_unit_test(speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
