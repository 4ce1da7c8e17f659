/* Goal: lines reach the sink of their log when the level asks for them, and cost nothing otherwise; as text they are one line
 * in either format. Method: a sink that keeps the last line; tables of records and their text. */
#include "tests/unit/support/check.h"

#include "engine/base/log.h"
#include "engine/base/timefmt.h"

struct keeper {
    struct log_sink sink;
    struct buf last;
    int lines;
};

static void keep(struct log_sink *sink, const struct log_record *r)
{
    struct keeper *k = container_of(sink, struct keeper, sink);
    buf_clear(&k->last);
    buf_addf(&k->last, "%s " STR_FMT ": " STR_FMT, log_level_name(r->level), STR_ARG(r->component),
             STR_ARG(r->message));
    for (size_t i = 0; i < r->fields_n; i++)
        buf_addf(&k->last, " %s=" STR_FMT, r->fields[i].key, STR_ARG(r->fields[i].value));
    k->lines++;
}

static int evaluated(int *count)
{
    return ++*count;
}

static void levels_are_kept(void **state)
{
    struct keeper k = {.sink = {keep, LOG_INFO}};
    struct log log = {&k.sink, STR("agent")};
    int count = 0;
    log_info(&log, "connected attempts=%d", evaluated(&count));
    check_str(buf_str(&k.last), "info agent: connected attempts=1");
    log_debug(&log, "never %d", evaluated(&count));
    assert_int_equal(count, 1);
    assert_int_equal(k.lines, 1);
    log_write(&log, LOG_DEBUG, "nor this");
    log_error(&log, "%s", "x");
    log_warn(&log, "%s", "y");
    check_str(buf_str(&k.last), "warn agent: y");
    assert_int_equal(k.lines, 3);
    const struct log_field fields[] = {{"request_id", STR("r-1")}, {"code", STR("200")}};
    log_at_with(&log, LOG_INFO, fields, "answered in %d ms", evaluated(&count));
    check_str(buf_str(&k.last), "info agent: answered in 2 ms request_id=r-1 code=200");
    log_at_with(&log, LOG_DEBUG, fields, "never %d", evaluated(&count));
    log_write_with(&log, LOG_DEBUG, fields, 1, "nor this");
    assert_int_equal(k.lines, 4);
    struct log silent = {NULL, STR("x")};
    log_error(&silent, "never %d", evaluated(&count));
    log_write(&silent, LOG_ERROR, "nor this");
    assert_int_equal(count, 2);
    buf_free(&k.last);
}

static void lines_are_written(void **state)
{
    static const struct log_field fields[] = {
        {"request_id", STR_INIT("r-1")}, {"path", STR_INIT("/a b\"=\n")},
        {"msg", STR_INIT("forged")},     {"b k\n", STR_INIT("")},
        {"path", STR_INIT("again")},     {"", STR_INIT("x=y")}};
    const struct {
        enum log_format format;
        const char *text;
    } rows[] = {
        {LOG_LOGFMT, "ts=2026-01-02T03:04:05.678901Z level=warn component=api "
                     "msg=\"a \\\"b\\\" \\n\\u001b\xef\xbf\xbd\\u0085\\u2028\xc3\xa4\\t\\\\\" "
                     "request_id=r-1 path=\"/a b\\\"=\\n\" b_k_=\"\" _=\"x=y\"\n"},
        {LOG_JSON, "{\"ts\":\"2026-01-02T03:04:05.678901Z\",\"level\":\"warn\","
                   "\"component\":\"api\",\"msg\":\"a \\\"b\\\" "
                   "\\n\\u001b\xef\xbf\xbd\\u0085\\u2028\xc3\xa4\\t\\\\\",\"request_id\":\"r-1\","
                   "\"path\":\"/a b\\\"=\\n\",\"b_k_\":\"\",\"_\":\"x=y\"}\n"}};
    struct log_record r = {.level = LOG_WARN,
                           .component = STR("api"),
                           .message = STR("a \"b\" \n\x1b\xff\xc2\x85\xe2\x80\xa8\xc3\xa4\t\\"),
                           .fields = fields,
                           .fields_n = ARRAY_LEN(fields)};
    assert_true(rfc3339_parse(STR("2026-01-02T03:04:05.678901Z"), &r.unix_ns));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {0};
        log_record_write(&out, rows[i].format, &r);
        check_str(buf_str(&out), rows[i].text);
        buf_free(&out);
    }
}

static void long_ones_are_cut(void **state)
{
    struct buf text = {0}, out = {0};
    for (size_t i = 0; i < LOG_MESSAGE_BYTES_MAX; i++)
        buf_add_c(&text, "\n\xc3\xa4");
    struct log_field fields[LOG_FIELDS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = (struct log_field){i % 2 ? "long" : "longer", buf_str(&text)};
    struct log_record r = {
        .message = buf_str(&text), .fields = fields, .fields_n = ARRAY_LEN(fields)};
    for (enum log_format f = LOG_LOGFMT; f <= LOG_JSON; f++) {
        buf_clear(&out);
        log_record_write(&out, f, &r);
        assert_true(out.n < LOG_MESSAGE_BYTES_MAX + 2 * LOG_VALUE_BYTES_MAX + 256);
        assert_true(str_find(buf_str(&out), STR("\\n...\"")) > 0);
    }
    buf_free(&text);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(levels_are_kept),
                                       cmocka_unit_test(lines_are_written),
                                       cmocka_unit_test(long_ones_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
