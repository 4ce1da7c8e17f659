/* Durations and timestamps: Go's texts, UTC and fixed offsets, the getters. */
#include <stdio.h>

#include "engine/base/timefmt.h"
#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/zones.h"

#define SECONDS_MIN INT64_C(-62135596800) /* 0001-01-01 */
#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31 */
#define DAY         INT64_C(86400)

/* ---- texts ---- */

bool cel_parse_duration(struct str text, int64_t *nanos)
{
    if (str_find_char(text, 'd') >= 0) /* Go knows no days */
        return false;
    if (str_eq_c(text, "0") || str_eq_c(text, "+0") || str_eq_c(text, "-0")) {
        *nanos = 0;
        return true;
    }
    return duration_parse(text, nanos);
}

/* Of the second, without zeros at the end: ".5". */
static void print_fraction(int64_t nanos, struct buf *out)
{
    char text[16];
    if (nanos == 0)
        return;
    int n = snprintf(text, sizeof(text), ".%09lld", (long long)nanos);
    while (n > 0 && text[n - 1] == '0')
        text[--n] = '\0';
    buf_add_c(out, text);
}

void cel_print_duration(int64_t nanos, struct buf *out)
{
    uint64_t n = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;
    buf_add_c(out, nanos < 0 ? "-" : "");
    buf_add_u64(out, n / (uint64_t)NS_PER_S);
    print_fraction((int64_t)(n % (uint64_t)NS_PER_S), out);
    buf_add_char(out, 's');
}

bool cel_time_valid(struct cel_time t)
{
    return t.seconds >= SECONDS_MIN && t.seconds <= SECONDS_MAX;
}

/* Days since the epoch of a date in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date {
    int64_t year, month, day, hour, minute, second; /* months and days from 1 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct date date_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY), rest = seconds - days * DAY;
    int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), mp = (5 * of_year + 2) / 153;
    struct date d = {.day = of_year - (153 * mp + 2) / 5 + 1, .month = mp < 10 ? mp + 3 : mp - 9};
    d.year = year + era * 400 + (d.month <= 2);
    d.hour = rest / 3600;
    d.minute = rest / 60 % 60;
    d.second = rest % 60;
    return d;
}

static bool number(struct str s, size_t *i, size_t n, int64_t *out)
{
    struct str part = str_sub(s, *i, n);
    *i += n;
    for (size_t k = 0; k < part.n; k++)
        if (part.p[k] < '0' || part.p[k] > '9')
            return false;
    return part.n == n && str_to_i64(part, out);
}

static bool sign(struct str s, size_t *i, char c)
{
    return *i < s.n && s.p[(*i)++] == c;
}

/* "Z", "+02:00": seconds east of UTC. */
static bool parse_offset(struct str s, size_t i, int64_t *out)
{
    int64_t hours, minutes;
    *out = 0;
    if (i + 1 == s.n && s.p[i] == 'Z')
        return true;
    if (i + 6 != s.n || (s.p[i] != '+' && s.p[i] != '-'))
        return false;
    bool west = s.p[i++] == '-';
    if (!number(s, &i, 2, &hours) || !sign(s, &i, ':') || !number(s, &i, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *out = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool cel_parse_time(struct str s, struct cel_time *out)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct date d;
    int64_t offset, nanos = 0, unit = NS_PER_S / 10;
    size_t i = 0;
    if (!number(s, &i, 4, &d.year) || !sign(s, &i, '-') || !number(s, &i, 2, &d.month) ||
        !sign(s, &i, '-') || !number(s, &i, 2, &d.day) || !sign(s, &i, 'T') ||
        !number(s, &i, 2, &d.hour) || !sign(s, &i, ':') || !number(s, &i, 2, &d.minute) ||
        !sign(s, &i, ':') || !number(s, &i, 2, &d.second))
        return false;
    bool leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);
    if (d.month < 1 || d.month > 12 || d.day < 1 ||
        d.day > days[d.month - 1] + (leap && d.month == 2) || d.hour > 23 || d.minute > 59 ||
        d.second > 59)
        return false;
    if (i + 1 < s.n && s.p[i] == '.' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, unit /= 10)
            nanos += (s.p[i] - '0') * unit;
    if (!parse_offset(s, i, &offset))
        return false;
    out->seconds =
        days_of(d.year, d.month, d.day) * DAY + d.hour * 3600 + d.minute * 60 + d.second - offset;
    out->nanos = (int32_t)nanos;
    return cel_time_valid(*out);
}

void cel_print_time(struct cel_time t, struct buf *out)
{
    struct date d = date_of(t.seconds);
    buf_addf(out, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)d.year,
             (long long)d.month, (long long)d.day, (long long)d.hour, (long long)d.minute,
             (long long)d.second);
    print_fraction(t.nanos, out);
    buf_add_char(out, 'Z');
}

/* ---- getters ---- */

enum { YEAR, MONTH, DATE, DAY_OF_MONTH, DAY_OF_WEEK, DAY_OF_YEAR, HOURS, MINUTES, SECONDS, MILLIS };

static struct cel_value of_duration(const struct cel_node *node, int64_t n)
{
    switch (node->func->which) {
    case HOURS:
        return cel_int(n / (3600 * NS_PER_S));
    case MINUTES:
        return cel_int(n / (60 * NS_PER_S));
    case SECONDS:
        return cel_int(n / NS_PER_S);
    default:
        return cel_int(n / NS_PER_MS);
    }
}

/* "+02:00", "-08:00", "02:00", or a name of the time zone database. */
static bool zone_of(struct str zone, int64_t utc_s, int64_t *offset)
{
    char text[8] = "+";
    struct zone found;
    *offset = 0;
    if (str_eq_c(zone, "UTC") || str_eq_c(zone, "Local") || zone.n == 0)
        return true;
    if (str_find_char(zone, ':') < 0) {
        if (!zone_find(zone, &found))
            return false;
        *offset = zone_offset_s(&found, utc_s);
        return true;
    }
    if (zone.n == 5)
        memcpy(text + 1, zone.p, 5);
    return parse_offset(zone.n == 5 ? str_c(text) : zone, 0, offset) && zone.p[0] != 'Z';
}

static struct cel_value getter(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    int64_t offset = 0;
    if (args[0].kind == CEL_DURATION)
        return of_duration(node, args[0].i);
    if (n > 1 && !zone_of(args[1].s, args[0].time.seconds, &offset))
        return cel_fail(run, "unknown time zone " STR_FMT, STR_ARG(args[1].s));
    struct cel_time t = args[0].time;
    t.seconds += offset;
    struct date d = date_of(t.seconds);
    int64_t days = floor_div(t.seconds, DAY);
    switch (node->func->which) {
    case YEAR:
        return cel_int(d.year);
    case MONTH:
        return cel_int(d.month - 1);
    case DATE:
        return cel_int(d.day);
    case DAY_OF_MONTH:
        return cel_int(d.day - 1);
    case DAY_OF_WEEK:
        return cel_int(((days + 4) % 7 + 7) % 7);
    case DAY_OF_YEAR:
        return cel_int(days - days_of(d.year, 1, 1));
    case HOURS:
        return cel_int(d.hour);
    case MINUTES:
        return cel_int(d.minute);
    case SECONDS:
        return cel_int(d.second);
    default:
        return cel_int(t.nanos / NS_PER_MS);
    }
}

const struct cel_func cel_funcs_time[] = {
    {".getFullYear", "T:i|Ts:i", getter, COST_ONE, YEAR},
    {".getMonth", "T:i|Ts:i", getter, COST_ONE, MONTH},
    {".getDate", "T:i|Ts:i", getter, COST_ONE, DATE},
    {".getDayOfMonth", "T:i|Ts:i", getter, COST_ONE, DAY_OF_MONTH},
    {".getDayOfWeek", "T:i|Ts:i", getter, COST_ONE, DAY_OF_WEEK},
    {".getDayOfYear", "T:i|Ts:i", getter, COST_ONE, DAY_OF_YEAR},
    {".getHours", "T:i|Ts:i|D:i", getter, COST_ONE, HOURS},
    {".getMinutes", "T:i|Ts:i|D:i", getter, COST_ONE, MINUTES},
    {".getSeconds", "T:i|Ts:i|D:i", getter, COST_ONE, SECONDS},
    {".getMilliseconds", "T:i|Ts:i|D:i", getter, COST_ONE, MILLIS},
    {0},
};
