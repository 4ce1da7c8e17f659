/* Time zones. */
#include "sim/kubeapi/types/zones.h"

#include "kubetypes/assets.h"

#define DAY_S 86400

/* ---- rules as POSIX writes them ---- */

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_number(struct str *s, int64_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; n < s->n && n < 6 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *out = *out * 10 + (s->p[n] - '0');
    *s = str_sub(*s, n, s->n);
    return n > 0;
}

/* "CET", "<-03>" */
static bool take_name(struct str *s)
{
    bool quoted = take(s, '<');
    size_t n = 0;
    while (n < s->n && (quoted ? s->p[n] != '>' : (s->p[n] | 32) >= 'a' && (s->p[n] | 32) <= 'z'))
        n++;
    *s = str_sub(*s, n, s->n);
    return n > 0 && (!quoted || take(s, '>'));
}

/* "3", "-1:30" */
static bool take_time(struct str *s, int64_t *seconds)
{
    bool minus = take(s, '-');
    int64_t part, unit = 3600;
    (void)take(s, '+');
    if (!take_number(s, seconds))
        return false;
    *seconds *= unit;
    while (unit > 1 && take(s, ':')) {
        unit /= 60;
        if (!take_number(s, &part))
            return false;
        *seconds += part * unit;
    }
    if (minus)
        *seconds = -*seconds;
    return true;
}

/* ",M3.5.0/3" */
static bool take_switch(struct str *s, struct zone_switch *out)
{
    int64_t month, week, weekday;
    out->time_s = (int64_t)2 * 3600;
    if (!take(s, ',') || !take(s, 'M') || !take_number(s, &month) || !take(s, '.') ||
        !take_number(s, &week) || !take(s, '.') || !take_number(s, &weekday))
        return false;
    out->month = (int)month;
    out->week = (int)week;
    out->weekday = (int)weekday;
    return !take(s, '/') || take_time(s, &out->time_s);
}

static bool parse(struct str s, struct zone *z)
{
    *z = (struct zone){0};
    if (!take_name(&s) || !take_time(&s, &z->standard_s))
        return false;
    z->standard_s = -z->standard_s; /* POSIX counts westward */
    if (s.n == 0)
        return true;
    z->has_summer = true;
    z->summer_s = z->standard_s + 3600;
    if (!take_name(&s))
        return false;
    if (s.n > 0 && s.p[0] != ',') {
        if (!take_time(&s, &z->summer_s))
            return false;
        z->summer_s = -z->summer_s;
    }
    return take_switch(&s, &z->start) && take_switch(&s, &z->end) && s.n == 0;
}

bool zone_find(struct str name, struct zone *out)
{
    struct str rest = {(const char *)asset_zones_tz, asset_zones_tz_size}, line, rule, one;
    while (rest.n > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_cut(line, ' ', &rule, &line) || rule.p[0] == '#')
            continue;
        for (bool more = true; more;) {
            more = str_cut(line, ' ', &one, &line);
            if (str_eq(one, name))
                return parse(rule, out);
        }
    }
    return false;
}

/* ---- when ---- */

/* Days since 1970 of the first of a month. */
static int64_t first_of(int64_t year, int month)
{
    int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + day / 366;
    while (first_of(year + 1, 1) <= day)
        year++;
    return year;
}

/* In seconds of local time. */
static int64_t switch_at(const struct zone_switch *s, int64_t year)
{
    int64_t first = first_of(year, s->month);
    int64_t next = s->month == 12 ? first_of(year + 1, 1) : first_of(year, s->month + 1);
    int64_t day = first + (s->weekday - (first + 4) % 7 + 7) % 7 + 7 * ((int64_t)s->week - 1);
    while (day >= next)
        day -= 7;
    return day * DAY_S + s->time_s;
}

int64_t zone_offset_s(const struct zone *z, int64_t utc_s)
{
    if (!z->has_summer || utc_s < 0)
        return z->standard_s;
    int64_t year = year_of((utc_s + z->standard_s) / DAY_S);
    int64_t start = switch_at(&z->start, year) - z->standard_s;
    int64_t end = switch_at(&z->end, year) - z->summer_s;
    bool summer = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return summer ? z->summer_s : z->standard_s;
}
