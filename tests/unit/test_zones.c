/* Goal: schedules follow the clocks of the place they are for.
 * Method: offsets of known moments, next times of schedules about the nights when clocks are put forward and back, each a
 * row; every zone of the table can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/controllers/cron.h"

#include <string.h>

static int64_t at(const char *text)
{
    int64_t ns;
    assert_true(rfc3339_parse(str_c(text), &ns));
    return ns;
}

static void offsets_are_those_of_the_place(void **state)
{
    static const struct {
        const char *zone, *when;
        int64_t minutes;
    } rows[] = {
        {"UTC", "2026-07-01T00:00:00Z", 0},
        {"Etc/UTC", "2026-07-01T00:00:00Z", 0},
        {"Europe/Berlin", "2026-01-15T12:00:00Z", 60},
        {"Europe/Berlin", "2026-03-29T00:59:59Z", 60},
        {"Europe/Berlin", "2026-03-29T01:00:00Z", 120},
        {"Europe/Berlin", "2026-10-25T00:59:59Z", 120},
        {"Europe/Berlin", "2026-10-25T01:00:00Z", 60},
        {"America/New_York", "2026-03-08T06:59:59Z", -300},
        {"America/New_York", "2026-03-08T07:00:00Z", -240},
        {"America/New_York", "2026-11-01T06:00:00Z", -300},
        {"Australia/Sydney", "2026-01-15T12:00:00Z", 660},
        {"Australia/Sydney", "2026-07-15T12:00:00Z", 600},
        {"Australia/Lord_Howe", "2026-01-15T12:00:00Z", 660},
        {"Australia/Lord_Howe", "2026-07-15T12:00:00Z", 630},
        {"Asia/Kolkata", "2026-07-15T12:00:00Z", 330},
        {"Asia/Calcutta", "2026-07-15T12:00:00Z", 330},
        {"Europe/Dublin", "2026-01-15T12:00:00Z", 0},
        {"Europe/Dublin", "2026-07-15T12:00:00Z", 60},
        {"America/St_Johns", "2026-01-15T12:00:00Z", -210},
        {"Pacific/Chatham", "2026-01-15T12:00:00Z", 825},
        {"America/Sao_Paulo", "2026-01-15T12:00:00Z", -180},
        {"Asia/Jerusalem", "2026-03-27T00:00:00Z", 180},
        {"EST", "2026-07-15T12:00:00Z", -300},
    };
    struct zone z;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(zone_find(str_c(rows[i].zone), &z));
        int64_t is = zone_offset_s(&z, at(rows[i].when) / NS_PER_S) / 60;
        if (is != rows[i].minutes)
            fail_msg("%s at %s: %lld, not %lld", rows[i].zone, rows[i].when, (long long)is,
                     (long long)rows[i].minutes);
    }
}

static void what_is_no_zone_is_not_found(void **state)
{
    static const char *const names[] = {"",       "Local",     "Mars/Phobos", "europe/berlin",
                                        "Europe", "CET-1CEST", "#",           "Europe/Berlin "};
    struct zone z;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_false(zone_find(str_c(names[i]), &z));
}

static void schedules_follow_the_clocks(void **state)
{
    static const struct {
        const char *zone, *schedule, *after, *next;
    } rows[] = {
        {NULL, "30 4 * * *", "2026-07-01T00:00:00Z", "2026-07-01T04:30:00Z"},
        {"Europe/Berlin", "30 4 * * *", "2026-07-01T00:00:00Z", "2026-07-01T02:30:00Z"},
        {"Europe/Berlin", "30 4 * * *", "2026-12-01T00:00:00Z", "2026-12-01T03:30:00Z"},
        {"Europe/Berlin", "0 0 1 * *", "2026-07-15T00:00:00Z", "2026-07-31T22:00:00Z"},
        {"Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
        {"America/New_York", "0 1 * * *", "2026-11-01T04:30:00Z", "2026-11-01T05:00:00Z"},
        {"America/New_York", "0 1 * * *", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
        {"America/New_York", "0 1 * * *", "2026-11-01T06:00:00Z", "2026-11-02T06:00:00Z"},
        {"Asia/Kolkata", "0 * * * *", "2026-07-01T00:00:00Z", "2026-07-01T00:30:00Z"},
        {"Europe/Berlin", "@hourly", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
        {"Europe/Berlin", "0 12 * * 1", "2026-07-01T00:00:00Z", "2026-07-06T10:00:00Z"},
    };
    struct zone z;
    struct cron c;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(!rows[i].zone || zone_find(str_c(rows[i].zone), &z));
        assert_true(cron_parse(str_c(rows[i].schedule), &c));
        struct buf b = {0};
        rfc3339_format(&b, cron_next(&c, rows[i].zone ? &z : NULL, at(rows[i].after)));
        if (strcmp(buf_c(&b), rows[i].next) != 0)
            fail_msg("%s in %s after %s: %s, not %s", rows[i].schedule,
                     rows[i].zone ? rows[i].zone : "UTC", rows[i].after, buf_c(&b), rows[i].next);
        buf_free(&b);
    }
    assert_true(cron_parse(STR("0 0 30 2 *"), &c));
    assert_int_equal(cron_next(&c, NULL, at("2026-07-01T00:00:00Z")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_place),
        cmocka_unit_test(what_is_no_zone_is_not_found),
        cmocka_unit_test(schedules_follow_the_clocks),
    };
    return cmocka_run_group_tests_name("zones", tests, NULL, NULL);
}
