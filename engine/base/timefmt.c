#include "engine/base/timefmt.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define DAYS_PER_ERA    146097 /* 400 years */
#define DAYS_TO_EPOCH   719468 /* from 0000-03-01 to 1970-01-01 */
#define FRACTION_DIGITS 9

struct civil {
    int64_t year;
    unsigned month, day;
};

/* Years are counted from March, so that the leap day is a year's last day; eras of 400 years repeat. */
static int64_t days_from_civil(struct civil c)
{
    int64_t year = c.month <= 2 ? c.year - 1 : c.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = c.month > 2 ? c.month - 3 : c.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static struct civil civil_from_days(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t era = (days >= 0 ? days : days - DAYS_PER_ERA + 1) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil c = {.year = year_of_era + era * 400,
                      .month = (unsigned)(month < 10 ? month + 3 : month - 9),
                      .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1)};
    c.year += c.month <= 2;
    return c;
}

static char *put_digits(char *to, unsigned n, int64_t v)
{
    for (unsigned i = n; i > 0; i--, v /= 10)
        to[i - 1] = (char)('0' + v % 10);
    return to + n;
}

/* Times are written so often that printf's way to the same digits would show. */
static void format_seconds(struct buf *out, int64_t unix_s)
{
    int64_t days = unix_s / SECONDS_PER_DAY, second = unix_s % SECONDS_PER_DAY;
    if (second < 0) {
        second += SECONDS_PER_DAY;
        days--;
    }
    struct civil c = civil_from_days(days);
    const struct {
        int64_t value;
        char before;
    } parts[] = {{c.month, '-'},
                 {c.day, '-'},
                 {second / 3600, 'T'},
                 {second / 60 % 60, ':'},
                 {second % 60, ':'}};
    char text[32], *to = text;
    if (c.year >= 0 && c.year <= 9999)
        to = put_digits(to, 4, c.year);
    else
        buf_addf(out, "%04d", (int)c.year);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        *to++ = parts[i].before;
        to = put_digits(to, 2, parts[i].value);
    }
    buf_add(out, (struct str){text, (size_t)(to - text)});
}

/* Rounds down, also before 1970. */
static int64_t floor_seconds(int64_t unix_ns, int64_t *rest_ns)
{
    int64_t seconds = unix_ns / NS_PER_S;
    *rest_ns = unix_ns % NS_PER_S;
    if (*rest_ns < 0) {
        *rest_ns += NS_PER_S;
        seconds--;
    }
    return seconds;
}

void rfc3339_format(struct buf *out, int64_t unix_ns)
{
    int64_t rest_ns;
    format_seconds(out, floor_seconds(unix_ns, &rest_ns));
    buf_add_char(out, 'Z');
}

void rfc3339_format_micro(struct buf *out, int64_t unix_ns)
{
    int64_t rest_ns;
    format_seconds(out, floor_seconds(unix_ns, &rest_ns));
    char text[] = ".000000Z";
    (void)put_digits(text + 1, 6, rest_ns / NS_PER_US);
    buf_add_c(out, text);
}

/* Takes exactly n digits and the given byte behind them (0: none) off the front. */
static bool take_digits(struct str *s, size_t n, char behind, unsigned *out)
{
    size_t whole = n + (behind != 0);
    if (s->n < whole)
        return false;
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(unsigned char)s->p[i] - '0';
        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    if (behind && s->p[n] != behind)
        return false;
    *s = (struct str){s->p + whole, s->n - whole};
    *out = v;
    return true;
}

/* ".123": at least one digit; what is finer than a nanosecond is dropped. */
static bool take_fraction(struct str *s, int64_t *ns)
{
    size_t n = 1;
    int64_t unit = NS_PER_S;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        unit /= 10;
        *ns += unit * (s->p[n] - '0');
    }
    *s = (struct str){s->p + n, s->n - n};
    return n > 1;
}

static bool take_offset(struct str s, int64_t *offset_s)
{
    if (str_eq(s, STR("Z"))) {
        *offset_s = 0;
        return true;
    }
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    bool west = s.p[0] == '-';
    unsigned hours, minutes;
    s = str_sub(s, 1, 5);
    if (!take_digits(&s, 2, ':', &hours) || !take_digits(&s, 2, 0, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_s = (west ? -60 : 60) * (int64_t)(hours * 60 + minutes);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool rfc3339_parse(struct str text, int64_t *unix_ns)
{
    unsigned year, month, day, hour, minute, second;
    if (!take_digits(&text, 4, '-', &year) || !take_digits(&text, 2, '-', &month) ||
        !take_digits(&text, 2, 'T', &day) || !take_digits(&text, 2, ':', &hour) ||
        !take_digits(&text, 2, ':', &minute) || !take_digits(&text, 2, 0, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    int64_t ns = 0, offset_s;
    if (text.n && text.p[0] == '.' && !take_fraction(&text, &ns))
        return false;
    if (!take_offset(text, &offset_s))
        return false;
    int64_t seconds = days_from_civil((struct civil){year, month, day}) * SECONDS_PER_DAY +
                      (int64_t)(hour * 3600 + minute * 60 + second) - offset_s;
    int64_t result;
    /* The first second that int64 holds only in part is out of range as well. */
    if (__builtin_mul_overflow(seconds, NS_PER_S, &result) ||
        __builtin_add_overflow(result, ns, &result))
        return false;
    *unix_ns = result;
    return true;
}

static const struct {
    struct str name;
    uint64_t ns;
} units[] = {
    {STR_INIT("ns"), 1},
    {STR_INIT("us"), 1000},
    {STR_INIT("\xc2\xb5s"), 1000},
    {STR_INIT("\xce\xbcs"), 1000}, /* the two micro signs */
    {STR_INIT("ms"), 1000000},
    {STR_INIT("s"), 1000000000},
    {STR_INIT("m"), UINT64_C(60000000000)},
    {STR_INIT("h"), UINT64_C(3600000000000)},
    {STR_INIT("d"), UINT64_C(86400000000000)},
};

static uint64_t take_unit(struct str *s)
{
    size_t n = 0;
    while (n < s->n && s->p[n] != '.' && (s->p[n] < '0' || s->p[n] > '9'))
        n++;
    struct str name = {s->p, n};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq(name, units[i].name)) {
            *s = (struct str){s->p + n, s->n - n};
            return units[i].ns;
        }
    }
    return 0;
}

/* One "1.5h": digits, an optional fraction, a unit; added to *ns. */
static bool take_term(struct str *s, uint64_t *ns)
{
    uint64_t whole = 0, fraction = 0, scale = 1;
    size_t digits = 0, i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++, digits++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(s->p[i] - '0'), &whole))
            return false;
    if (i < s->n && s->p[i] == '.') {
        for (i++; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++, digits++) {
            if (scale >= UINT64_C(1000000000000000))
                continue; /* finer than a nanosecond of a day */
            fraction = fraction * 10 + (uint64_t)(s->p[i] - '0');
            scale *= 10;
        }
    }
    if (digits == 0)
        return false;
    *s = (struct str){s->p + i, s->n - i};
    uint64_t unit = take_unit(s);
    if (unit == 0 || __builtin_mul_overflow(whole, unit, &whole))
        return false;
    uint64_t part = (uint64_t)((unsigned __int128)fraction * unit / scale); /* less than a unit */
    if (__builtin_add_overflow(whole, part, &whole))
        return false;
    return whole <= INT64_MAX && !__builtin_add_overflow(*ns, whole, ns) && *ns <= INT64_MAX;
}

bool duration_parse(struct str text, int64_t *ns)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_sub(text, 1, text.n);
    if (text.n == 0)
        return false;
    uint64_t sum = 0;
    while (text.n > 0)
        if (!take_term(&text, &sum))
            return false;
    *ns = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

/* v counted in units of 10^-digits: "3.412" without trailing zeros. */
static void add_decimal(struct buf *out, uint64_t v, unsigned digits)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    buf_add_u64(out, v / scale);
    uint64_t fraction = v % scale;
    if (fraction == 0)
        return;
    buf_add_char(out, '.');
    do {
        scale /= 10;
        buf_add_char(out, (char)('0' + fraction / scale % 10));
    } while (fraction % scale != 0);
}

void duration_format(struct buf *out, int64_t ns)
{
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_add_char(out, '-');
    if (v == 0) {
        buf_add(out, STR("0s"));
    } else if (v < (uint64_t)NS_PER_US) {
        buf_addf(out, "%uns", (unsigned)v);
    } else if (v < (uint64_t)NS_PER_MS) {
        add_decimal(out, v, 3);
        buf_add(out, STR("us"));
    } else if (v < (uint64_t)NS_PER_S) {
        add_decimal(out, v, 6);
        buf_add(out, STR("ms"));
    } else {
        uint64_t minutes = v / (60 * (uint64_t)NS_PER_S), rest = v % (60 * (uint64_t)NS_PER_S);
        if (minutes / 60)
            buf_addf(out, "%lluh", (unsigned long long)(minutes / 60));
        if (minutes % 60)
            buf_addf(out, "%um", (unsigned)(minutes % 60));
        if (rest) {
            add_decimal(out, rest, FRACTION_DIGITS);
            buf_add_char(out, 's');
        }
    }
}
