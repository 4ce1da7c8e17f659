/* Goal: the XML is what continuous-integration servers read, whatever the texts hold.
 * Method: the small report against fixtures/reports; hostile texts; suites of interleaved files. */
#include "tests/unit/support/check.h"

#include "tests/unit/support/golden.h"
#include "tests/unit/support/sample_report.h"

static void the_small_report(void **state)
{
    struct arena a = {0};
    struct buf out = {0};
    report_junit(sample_report_small(&a), &out);
    golden_check(buf_str(&out), "fixtures/reports/small.xml");
    buf_free(&out);
    arena_free(&a);
}

static size_t occurrences(struct str s, const char *z)
{
    size_t n = 0;
    for (ptrdiff_t at; (at = str_find(s, str_c(z))) >= 0; n++)
        s = str_sub(s, (size_t)at + 1, s.n);
    return n;
}

static void texts_are_escaped(void **state)
{
    const struct report_failure f = {.kind = STR("assert"),
                                     .name = STR("]]></failure>&amp;"),
                                     .text = STR("\x01\x1f\t\"'\xef\xbf\xbf\xff"),
                                     .at_ns = -1};
    const struct report_run run = {.name = STR("\"<&>"),
                                   .profile = STR("compat"),
                                   .outcome = REPORT_FAILED,
                                   .failures = &f,
                                   .failures_n = 1};
    const struct report_run *const runs[] = {&run};
    struct buf out = {0};
    report_junit(&(struct report){.runs = runs, .n = 1}, &out);
    struct str text = buf_str(&out);
    assert_int_equal(occurrences(text, "</failure>"), 1);
    assert_int_equal(occurrences(text, "name=\"&quot;&lt;&amp;&gt;\""), 2); /* and classname */
    assert_int_equal(occurrences(text,
                                 "message=\"]]&gt;&lt;/failure&gt;&amp;amp;: "
                                 "\xef\xbf\xbd\xef\xbf\xbd&#9;&quot;'\xef\xbf\xbd\xef\xbf\xbd\""),
                     1);
    for (size_t i = 0; i < text.n; i++)
        assert_true((unsigned char)text.p[i] >= 0x20 || text.p[i] == '\n');
    buf_free(&out);
}

static void runs_are_grouped_by_file(void **state)
{
    const struct report_run a = {.name = STR("a"), .file = STR("a.yaml"), .wall_ns = 1},
                            b = {.name = STR("b"),
                                 .file = STR("b.yaml"),
                                 .outcome = REPORT_UNSUPPORTED,
                                 .wall_ns = 2};
    const struct report_run *const runs[] = {&a, &b, &a};
    struct buf out = {0};
    report_junit(&(struct report){.runs = runs, .n = 3}, &out);
    struct str text = buf_str(&out);
    assert_int_equal(occurrences(text, "<testsuite "), 2);
    assert_int_equal(occurrences(text,
                                 "<testsuite name=\"a\" file=\"a.yaml\" tests=\"2\" failures=\"0\" "
                                 "errors=\"0\" skipped=\"0\" time=\"0.000000002\">"),
                     1);
    assert_int_equal(occurrences(text, "<skipped message=\"unsupported\"/>"), 1);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_report),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(runs_are_grouped_by_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
