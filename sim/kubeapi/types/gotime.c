/* The layout is a table of parts; a part that does not fit is named together with the rest of the text. */
#include "sim/kubeapi/types/gotime.h"

#include "engine/base/json.h"

#define DAY_S           86400
#define ZERO_TIME       INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define YEAR_0_S        INT64_C(-62167219200)
#define YEAR_10000_S    INT64_C(253402300800)
#define FRACTION_DIGITS 6u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Days from 1970-01-01 of the proleptic Gregorian calendar; years begin in March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

struct reading {
    struct str rest;
    int value[6]; /* year, month, day, hour, minute, second */
    int64_t offset_s;
    int32_t nanos;
};

enum outcome { READ, BAD, OUT_OF_RANGE };

static bool take_number(struct str *s, size_t width, bool fixed, int *out)
{
    size_t n = 0;
    *out = 0;
    while (n < width && n < s->n && is_digit(s->p[n]))
        *out = *out * 10 + (s->p[n++] - '0');
    if (n == 0 || (fixed && n < width))
        return false;
    *s = str_sub(*s, n, s->n);
    return true;
}

static void take_fraction(struct reading *r, size_t n)
{
    int32_t scale = 100000000;
    r->nanos = 0;
    for (size_t i = 1; i < n; i++, scale /= 10)
        r->nanos += (r->rest.p[i] - '0') * scale;
    r->rest = str_sub(r->rest, n, r->rest.n);
}

static size_t fraction_length(struct str s)
{
    size_t n = 1;
    if (s.n < 2 || (s.p[0] != '.' && s.p[0] != ',') || !is_digit(s.p[1]))
        return 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

static enum outcome take_zone(struct reading *r, const char **what)
{
    struct str s = r->rest, number;
    int hours, minutes;
    if (s.n > 0 && s.p[0] == 'Z') {
        r->rest = str_sub(s, 1, s.n);
        return READ;
    }
    if (s.n < 6 || s.p[3] != ':' || (s.p[0] != '+' && s.p[0] != '-'))
        return BAD;
    number = str_sub(s, 1, 2);
    if (!take_number(&number, 2, true, &hours))
        return BAD;
    number = str_sub(s, 4, 2);
    if (!take_number(&number, 2, true, &minutes))
        return BAD;
    r->rest = str_sub(s, 6, s.n);
    r->offset_s = ((int64_t)hours * 60 + minutes) * 60;
    if (s.p[0] == '-')
        r->offset_s = -r->offset_s;
    *what = hours > 24 ? "time zone offset hour" : "time zone offset minute";
    return hours > 24 || minutes > 60 ? OUT_OF_RANGE : READ;
}

struct part {
    const char *layout; /* of one character: that character */
    const char *name;
    int width, from, to;
};

static enum outcome take_part(struct reading *r, const struct part *part, int slot, bool micro,
                              const char **what)
{
    if (part->width == 0) {
        if (r->rest.n == 0 || r->rest.p[0] != part->layout[0])
            return BAD;
        r->rest = str_sub(r->rest, 1, r->rest.n);
        return READ;
    }
    int v;
    if (part->width == 4 ? r->rest.n < 4 || !take_number(&r->rest, 4, true, &v)
                         : !take_number(&r->rest, 2, slot != 3, &v))
        return BAD;
    r->value[slot] = v;
    *what = part->name;
    if (v < part->from || v > part->to)
        return OUT_OF_RANGE;
    if (slot == 5 && !micro)
        take_fraction(r, fraction_length(r->rest));
    return READ;
}

static void tell(struct buf *problem, struct str text, bool micro, struct str rest,
                 const char *layout)
{
    buf_add_c(problem, "parsing time ");
    json_write_string(problem, text);
    buf_add_c(problem, micro ? " as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse "
                             : " as \"2006-01-02T15:04:05Z07:00\": cannot parse ");
    json_write_string(problem, rest);
    buf_add_c(problem, " as ");
    json_write_string(problem, str_c(layout));
}

static bool refuse(struct buf *problem, struct str text, const char *what, const char *how)
{
    buf_add_c(problem, "parsing time ");
    json_write_string(problem, text);
    buf_addf(problem, ": %s%s", what, how);
    return false;
}

static bool take_date_and_time(struct reading *r, struct str text, bool micro, struct buf *problem)
{
    static const struct part parts[] = {
        {"2006", "year", 4, 0, 9999}, {"-", NULL, 0, 0, 0},       {"01", "month", 2, 1, 12},
        {"-", NULL, 0, 0, 0},         {"02", "day", 2, 0, 99},    {"T", NULL, 0, 0, 0},
        {"15", "hour", 2, 0, 23},     {":", NULL, 0, 0, 0},       {"04", "minute", 2, 0, 59},
        {":", NULL, 0, 0, 0},         {"05", "second", 2, 0, 59},
    };
    const char *what = "";
    int slot = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct str hold = r->rest;
        enum outcome outcome = take_part(r, &parts[i], slot, micro, &what);
        if (outcome == OUT_OF_RANGE)
            return refuse(problem, text, what, " out of range");
        if (outcome == BAD) {
            tell(problem, text, micro, hold, parts[i].layout);
            return false;
        }
        slot += parts[i].width > 0;
    }
    return true;
}

bool gotime_parse(struct str text, bool micro, struct gotime *out, struct buf *problem)
{
    struct reading r = {.rest = text};
    const char *what = "";
    if (!take_date_and_time(&r, text, micro, problem))
        return false;
    if (micro) {
        if (fraction_length(r.rest) < FRACTION_DIGITS + 1) {
            tell(problem, text, micro, r.rest, ".000000");
            return false;
        }
        take_fraction(&r, FRACTION_DIGITS + 1);
    }
    struct str hold = r.rest;
    enum outcome outcome = take_zone(&r, &what);
    if (outcome == OUT_OF_RANGE)
        return refuse(problem, text, what, " out of range");
    if (outcome == BAD) {
        tell(problem, text, micro, hold, "Z07:00");
        return false;
    }
    if (r.rest.n > 0) {
        (void)refuse(problem, text, "extra text: ", "");
        json_write_string(problem, r.rest);
        return false;
    }
    if (r.value[2] < 1 || r.value[2] > days_in(r.value[0], r.value[1]))
        return refuse(problem, text, "day", " out of range");
    out->seconds = days_of(r.value[0], r.value[1], r.value[2]) * DAY_S + r.value[3] * 3600 +
                   r.value[4] * 60 + r.value[5] - r.offset_s;
    out->nanos = r.nanos;
    if (out->seconds < YEAR_0_S || out->seconds >= YEAR_10000_S) /* the offset has led there */
        return refuse(problem, text, "year", " out of range");
    return true;
}

void gotime_write(struct gotime t, bool micro, struct buf *out)
{
    int64_t days = t.seconds / DAY_S, rest = t.seconds % DAY_S;
    int year, month, day;
    if (rest < 0) {
        days--;
        rest += DAY_S;
    }
    date_of(days, &year, &month, &day);
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(rest / 3600),
             (int)(rest / 60 % 60), (int)(rest % 60));
    if (micro)
        buf_addf(out, ".%06d", (int)(t.nanos / 1000));
    buf_add_char(out, 'Z');
}

bool gotime_is_zero(struct gotime t)
{
    return t.seconds == ZERO_TIME && t.nanos == 0;
}
