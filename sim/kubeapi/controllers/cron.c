/* Cron schedules. */
#include "sim/kubeapi/controllers/cron.h"

#define DAYS_AHEAD (5 * 366)
#define DAY_S      86400

static const char month_names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char weekday_names[] = "sunmontuewedthufrisat";

static bool read_value(struct str s, const char *names, int first, int *out)
{
    uint64_t n;
    if (str_to_u64(s, &n) && n < 100) {
        *out = (int)n;
        return true;
    }
    for (size_t i = 0; names && s.n == 3 && names[i]; i += 3) {
        if (str_eq_nocase(s, (struct str){names + i, 3})) {
            *out = first + (int)(i / 3);
            return true;
        }
    }
    return false;
}

/* "*", "3", "1-5", "1-5/2", "*" "/10" */
static bool read_range(struct str part, int min, int max, const char *names, uint64_t *bits)
{
    struct str range, step, from, to;
    int a = min, b = max, by = 1;
    bool stepped = str_cut(part, '/', &range, &step);
    if (stepped && (!read_value(step, NULL, 0, &by) || by == 0))
        return false;
    if (!str_eq_c(range, "*") && !str_eq_c(range, "?")) {
        bool ranged = str_cut(range, '-', &from, &to);
        if (!read_value(from, names, min, &a))
            return false;
        if (ranged ? !read_value(to, names, min, &b) : !stepped)
            b = a;
        if (ranged && !read_value(to, names, min, &b))
            return false;
    }
    if (a < min || b > max || a > b)
        return false;
    for (int i = a; i <= b; i += by)
        *bits |= UINT64_C(1) << i;
    return true;
}

static bool read_field(struct str *rest, int min, int max, const char *names, uint64_t *bits,
                       bool *any)
{
    struct str field, part;
    *rest = str_trim(*rest);
    if (!str_cut(*rest, ' ', &field, rest))
        *rest = str_empty;
    if (field.n == 0)
        return false;
    *any = field.p[0] == '*' || field.p[0] == '?';
    for (bool more = true; more;) {
        more = str_cut(field, ',', &part, &field);
        if (!read_range(part, min, max, names, bits))
            return false;
    }
    return true;
}

static struct str named(struct str text)
{
    static const struct {
        const char *name, *fields;
    } known[] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
                 {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
                 {"@hourly", "0 * * * *"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_c(text, known[i].name))
            return str_c(known[i].fields);
    return text;
}

bool cron_parse(struct str text, struct cron *out)
{
    bool any;
    int64_t ns;
    *out = (struct cron){0};
    text = str_trim(text);
    if (str_starts(text, STR("@every "))) {
        if (!duration_parse(str_trim(str_sub(text, 7, text.n)), &ns) || ns < NS_PER_S)
            return false;
        out->every_s = ns / NS_PER_S;
        return true;
    }
    text = named(text);
    bool ok = read_field(&text, 0, 59, NULL, &out->minutes, &any) &&
              read_field(&text, 0, 23, NULL, &out->hours, &any) &&
              read_field(&text, 1, 31, NULL, &out->days, &out->any_day) &&
              read_field(&text, 1, 12, month_names, &out->months, &any) &&
              read_field(&text, 0, 7, weekday_names, &out->weekdays, &out->any_weekday) &&
              str_trim(text).n == 0;
    if (out->weekdays & (UINT64_C(1) << 7))
        out->weekdays |= 1; /* 7 is Sunday as well */
    return ok;
}

/* Civil date of a day since 1970. */
static void civil(int64_t day, int *month, int *date)
{
    int64_t z = day + 719468, era = z / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t mp = (5 * of_year + 2) / 153;
    *date = (int)(of_year - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
}

static bool bit(uint64_t bits, int64_t n)
{
    return (bits >> n) & 1;
}

static bool day_matches(const struct cron *c, int64_t day)
{
    int month, date;
    civil(day, &month, &date);
    if (!bit(c->months, month))
        return false;
    bool by_date = bit(c->days, date), by_weekday = bit(c->weekdays, (day + 4) % 7);
    return c->any_day || c->any_weekday ? by_date && by_weekday : by_date || by_weekday;
}

int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t after)
{
    int64_t s = after / NS_PER_S;
    if (c->every_s)
        return c->every_s <= (int64_t)DAYS_AHEAD * DAY_S ? (s + c->every_s) * NS_PER_S : -1;
    s = (s / 60 + 1) * 60;
    for (int64_t last = s + (int64_t)DAYS_AHEAD * DAY_S; s <= last;) {
        int64_t local = s + (zone ? zone_offset_s(zone, s) : 0);
        int64_t minute = local / 60 % 60, hour = local / 3600 % 24;
        if (!bit(c->hours, hour) || !day_matches(c, local / DAY_S))
            s += (60 - minute) * 60;
        else if (bit(c->minutes, minute))
            return s * NS_PER_S;
        else
            s += 60;
    }
    return -1;
}
