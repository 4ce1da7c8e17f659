/* Goal: instants and durations are read and written exactly, over the whole range, and nothing else is accepted.
 * Method: tables; every day of 800 years against a count. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"

static void instants(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
        const char *micro; /* as written back */
    } cases[] = {
        {"1970-01-01T00:00:00Z", true, 0, "1970-01-01T00:00:00.000000Z"},
        {"2026-01-01T00:00:00Z", true, INT64_C(1767225600) * NS_PER_S,
         "2026-01-01T00:00:00.000000Z"},
        {"2026-01-01T00:00:00.123456789Z", true, INT64_C(1767225600123456789),
         "2026-01-01T00:00:00.123456Z"},
        {"2026-01-01T00:00:00.1234567899Z", true, INT64_C(1767225600123456789),
         "2026-01-01T00:00:00.123456Z"},
        {"2026-01-01T01:30:00+01:30", true, INT64_C(1767225600) * NS_PER_S,
         "2026-01-01T00:00:00.000000Z"},
        {"2025-12-31T19:00:00-05:00", true, INT64_C(1767225600) * NS_PER_S,
         "2026-01-01T00:00:00.000000Z"},
        {"1969-12-31T23:59:59.5Z", true, -NS_PER_S / 2, "1969-12-31T23:59:59.500000Z"},
        {"2000-02-29T12:00:00Z", true, INT64_C(951825600) * NS_PER_S,
         "2000-02-29T12:00:00.000000Z"},
        {"2262-04-11T23:47:16.854775807Z", true, INT64_MAX, "2262-04-11T23:47:16.854775Z"},
        {"2262-04-11T23:47:16.854775808Z", false, 0, NULL},
        {"2263-01-01T00:00:00Z", false, 0, NULL},
        {"0001-01-01T00:00:00Z", false, 0, NULL},
        {"1900-02-29T00:00:00Z", false, 0, NULL},
        {"2026-02-30T00:00:00Z", false, 0, NULL},
        {"2026-13-01T00:00:00Z", false, 0, NULL},
        {"2026-00-01T00:00:00Z", false, 0, NULL},
        {"2026-01-00T00:00:00Z", false, 0, NULL},
        {"2026-01-01T24:00:00Z", false, 0, NULL},
        {"2026-01-01T00:60:00Z", false, 0, NULL},
        {"2026-01-01T00:00:60Z", false, 0, NULL},
        {"2026-01-01T00:00:00", false, 0, NULL},
        {"2026-01-01T00:00:00z", false, 0, NULL},
        {"2026-01-01 00:00:00Z", false, 0, NULL},
        {"2026-01-01T00:00:00.Z", false, 0, NULL},
        {"2026-01-01T00:00:00+0100", false, 0, NULL},
        {"2026-01-01T00:00:00+24:00", false, 0, NULL},
        {"2026-01-01T00:00:00+01:60", false, 0, NULL},
        {"2026-01-01T00:00:00+01:x0", false, 0, NULL},
        {"2026-01-01T00:00:00+x1:00", false, 0, NULL},
        {"0000-01-01T00:00:00Z", false, 0, NULL},
        {"2026-01-01T00:00:00Zx", false, 0, NULL},
        {"2026-1-01T00:00:00Z", false, 0, NULL},
        {"", false, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = 7;
        struct buf out = {0};
        bool ok = rfc3339_parse(str_c(cases[i].text), &ns);
        if (ok != cases[i].ok)
            print_error("%s\n", cases[i].text);
        assert_int_equal(ok, cases[i].ok);
        assert_true(ns == (ok ? cases[i].ns : 7));
        if (ok) {
            rfc3339_format_micro(&out, ns);
            check_str(buf_str(&out), cases[i].micro);
            buf_clear(&out);
            rfc3339_format(&out, ns);
            check_str_eq(str_sub(buf_str(&out), 0, 19), str_sub(str_c(cases[i].micro), 0, 19));
            assert_int_equal(out.n, 20);
        }
        buf_free(&out);
    }
}

static void the_first_instant_is_written(void **state)
{
    struct buf out = {0};
    rfc3339_format(&out, INT64_MIN);
    check_str(buf_str(&out), "1677-09-21T00:12:43Z");
    buf_free(&out);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static void every_day_is_counted(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = -106751; /* 1677-09-22 */
    int year = 1677, month = 8, date = 22;
    struct buf text = {0};
    for (; day < 106751; day++) {
        buf_clear(&text);
        buf_addf(&text, "%04d-%02d-%02dT00:00:00Z", year, month + 1, date);
        int64_t ns;
        assert_true(rfc3339_parse(buf_str(&text), &ns));
        assert_true(ns == day * 86400 * NS_PER_S);
        struct buf back = {0};
        rfc3339_format(&back, ns);
        check_str_eq(buf_str(&back), buf_str(&text));
        buf_free(&back);
        if (date++ == lengths[month] + (month == 1 && is_leap(year))) {
            date = 1;
            if (++month == 12) {
                month = 0;
                year++;
            }
        }
    }
    buf_free(&text);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
        const char *shortest;
    } cases[] = {
        {"0s", true, 0, "0s"},
        {"0h0m", true, 0, "0s"},
        {"1h30m", true, 5400 * NS_PER_S, "1h30m"},
        {"1h0m0s", true, 3600 * NS_PER_S, "1h"},
        {"90m", true, 5400 * NS_PER_S, "1h30m"},
        {"1h0.5s", true, 3600 * NS_PER_S + 500 * NS_PER_MS, "1h0.5s"},
        {"45s", true, 45 * NS_PER_S, "45s"},
        {"250ms", true, 250 * NS_PER_MS, "250ms"},
        {"1.5ms", true, 1500000, "1.5ms"},
        {"12m3.412s", true, INT64_C(723412000000), "12m3.412s"},
        {"-1m30s", true, -90 * NS_PER_S, "-1m30s"},
        {"+5s", true, 5 * NS_PER_S, "5s"},
        {"2d", true, 172800 * NS_PER_S, "48h"},
        {"1us", true, 1000, "1us"},
        {"1\xc2\xb5s1ns", true, 1001, "1.001us"},
        {"7ns", true, 7, "7ns"},
        {"0.3ns", true, 0, "0s"},
        {".5s", true, 500 * NS_PER_MS, "500ms"},
        {"1.s", true, NS_PER_S, "1s"},
        {"0.00000000000000000001h", true, 0, "0s"},
        {"9223372036854775807ns", true, INT64_MAX, "2562047h47m16.854775807s"},
        {"9223372036854775808ns", false, 0, NULL},
        {"18446744073709551616ns", false, 0, NULL},
        {"18446744073709551609ns", false, 0, NULL},
        {"18446744073709551615.9ns", false, 0, NULL},
        {"213503.99999999d", false, 0, NULL},
        {"9223372036854775807ns9223372036854775807ns", false, 0, NULL},
        {"99999999999999999h", false, 0, NULL},
        {"9223372036854775807ns1ns", false, 0, NULL},
        {"2562048h", false, 0, NULL},
        {"99999999999999999999s", false, 0, NULL},
        {"", false, 0, NULL},
        {"5", false, 0, NULL},
        {"0", false, 0, NULL},
        {"s", false, 0, NULL},
        {".s", false, 0, NULL},
        {"-", false, 0, NULL},
        {"1x", false, 0, NULL},
        {"1 s", false, 0, NULL},
        {"1s ", false, 0, NULL},
        {"1S", false, 0, NULL},
        {"1m-1s", false, 0, NULL},
        {"1.2.3s", false, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = 7;
        struct buf out = {0};
        bool ok = duration_parse(str_c(cases[i].text), &ns);
        if (ok != cases[i].ok)
            print_error("%s\n", cases[i].text);
        assert_int_equal(ok, cases[i].ok);
        assert_true(ns == (ok ? cases[i].ns : 7));
        if (ok) {
            duration_format(&out, ns);
            check_str(buf_str(&out), cases[i].shortest);
        }
        buf_free(&out);
    }
    struct buf out = {0};
    duration_format(&out, INT64_MIN);
    check_str(buf_str(&out), "-2562047h47m16.854775808s");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants),
        cmocka_unit_test(the_first_instant_is_written),
        cmocka_unit_test(every_day_is_counted),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
