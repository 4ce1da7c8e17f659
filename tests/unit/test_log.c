/* Goal: lines reach the sink of their log when the level asks for them, and cost nothing otherwise.
 * Method: a sink that keeps the last line. */
#include "tests/unit/support/check.h"

#include "engine/base/log.h"

struct keeper {
    struct log_sink sink;
    struct buf last;
    int lines;
};

static void keep(struct log_sink *sink, enum log_level level, struct str component,
                 struct str message)
{
    struct keeper *k = container_of(sink, struct keeper, sink);
    buf_clear(&k->last);
    buf_addf(&k->last, "%s " STR_FMT ": " STR_FMT, log_level_name(level), STR_ARG(component),
             STR_ARG(message));
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
    struct log silent = {NULL, STR("x")};
    log_error(&silent, "never %d", evaluated(&count));
    log_write(&silent, LOG_ERROR, "nor this");
    assert_int_equal(count, 1);
    buf_free(&k.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(levels_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
