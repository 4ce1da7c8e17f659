#include "sim/kubeapi/types/formats.h"

#include "engine/base/codec.h"
#include "engine/base/timefmt.h"

struct format {
    struct str name;
    bool (*holds)(struct str v);
};

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool all_digits(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!is_digit(v.p[i]))
            return false;
    return v.n > 0;
}

static bool all_hex(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!is_hex(v.p[i]))
            return false;
    return true;
}

/* '#' of the shape stands for a hexadecimal digit, anything else for itself. */
static bool has_shape(struct str v, const char *shape)
{
    if (v.n != strlen(shape))
        return false;
    for (size_t i = 0; i < v.n; i++)
        if (shape[i] == '#' ? !is_hex(v.p[i]) : v.p[i] != shape[i])
            return false;
    return true;
}

/* ---- time ---- */

static bool is_date(struct str v)
{
    int64_t at;
    char text[sizeof("2000-01-01T00:00:00Z")];
    if (v.n != 10)
        return false;
    memcpy(text, v.p, 10);
    memcpy(text + 10, "T00:00:00Z", sizeof("T00:00:00Z"));
    return rfc3339_parse(str_c(text), &at);
}

static bool is_date_time(struct str v)
{
    int64_t at;
    return rfc3339_parse(v, &at) || is_date(v);
}

/* Go's durations, and "3 days", "2 hours". */
static bool is_duration(struct str v)
{
    static const char *const units[] = {
        "d",   "day",    "days",    "w", "week", "weeks",  "h",       "hr", "hour", "hours", "m",
        "min", "minute", "minutes", "s", "sec",  "second", "seconds", "ms", "us",   "ns"};
    int64_t ns;
    size_t n = 0;
    if (duration_parse(v, &ns) || str_eq_c(v, "0"))
        return true;
    while (n < v.n && is_digit(v.p[n]))
        n++;
    struct str unit = str_trim(str_sub(v, n, v.n));
    for (size_t i = 0; n > 0 && i < ARRAY_LEN(units); i++)
        if (str_eq_c(unit, units[i]))
            return true;
    return false;
}

/* ---- addresses ---- */

static bool is_ipv4(struct str v)
{
    struct str head, rest = v;
    for (int i = 0; i < 4; i++) {
        uint64_t part;
        bool more = str_cut(rest, '.', &head, &rest);
        if (more != (i < 3) || head.n > 3 || !str_to_u64(head, &part) || part > 255 ||
            (head.n > 1 && head.p[0] == '0'))
            return false;
    }
    return true;
}

/* Groups of up to four digits with colons between; the last may be an IPv4 address (two groups). */
static bool count_groups(struct str v, size_t *groups)
{
    struct str head, rest = v;
    *groups = 0;
    for (bool more = v.n > 0; more;) {
        more = str_cut(rest, ':', &head, &rest);
        if (!more && str_find_char(head, '.') >= 0) {
            *groups += 2;
            return is_ipv4(head);
        }
        if (head.n == 0 || head.n > 4 || !all_hex(head))
            return false;
        ++*groups;
    }
    return true;
}

static bool is_ipv6(struct str v)
{
    size_t before, behind;
    ptrdiff_t gap = str_find(v, STR("::"));
    if (gap < 0)
        return count_groups(v, &before) && before == 8;
    struct str tail = str_sub(v, (size_t)gap + 2, v.n);
    if (str_find(tail, STR("::")) >= 0 || !count_groups(str_sub(v, 0, (size_t)gap), &before) ||
        !count_groups(tail, &behind))
        return false;
    return before + behind < 8;
}

static bool is_ip(struct str v)
{
    return is_ipv4(v) || is_ipv6(v);
}

static bool is_cidr(struct str v)
{
    struct str address, bits;
    uint64_t n;
    if (!str_cut(v, '/', &address, &bits) || !str_to_u64(bits, &n) ||
        (bits.n > 1 && bits.p[0] == '0'))
        return false;
    return (is_ipv4(address) && n <= 32) || (is_ipv6(address) && n <= 128);
}

static bool is_mac(struct str v)
{
    return has_shape(v, "##:##:##:##:##:##") || has_shape(v, "##-##-##-##-##-##") ||
           has_shape(v, "####.####.####") || has_shape(v, "##:##:##:##:##:##:##:##");
}

/* ---- names ---- */

static bool is_label(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!is_alnum(v.p[i]) && v.p[i] != '-' && v.p[i] != '_' && !(v.p[i] & 0x80))
            return false;
    return v.n > 0 && v.n <= 63 && v.p[0] != '-' && v.p[v.n - 1] != '-';
}

static bool is_hostname(struct str v)
{
    struct str head, rest = v;
    if (v.n == 0 || v.n > 255)
        return false;
    if (rest.p[rest.n - 1] == '.')
        rest.n--;
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &head, &rest);
        if (!is_label(head))
            return false;
    }
    return true;
}

static bool is_local_part(struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (!is_alnum(v.p[i]) && c < 0x80 && !char_in(v.p[i], ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    }
    return v.n > 0 && v.p[0] != '.' && v.p[v.n - 1] != '.' && str_find(v, STR("..")) < 0;
}

static bool is_email(struct str v)
{
    struct str local, domain;
    if (v.n > 0 && v.p[v.n - 1] == '>') { /* Somebody <a@b> */
        ptrdiff_t open = str_find_char(v, '<');
        if (open < 0)
            return false;
        v = str_sub(v, (size_t)open + 1, v.n - (size_t)open - 2);
    }
    return str_cut(v, '@', &local, &domain) && is_local_part(local) &&
           (is_hostname(domain) || (domain.n > 2 && domain.p[0] == '['));
}

/* An absolute URI, or a path from the root. */
static bool is_uri(struct str v)
{
    size_t i = 0;
    for (size_t k = 0; k < v.n; k++)
        if ((unsigned char)v.p[k] <= 0x20 || v.p[k] == 0x7f ||
            (v.p[k] == '%' && (k + 2 >= v.n || !is_hex(v.p[k + 1]) || !is_hex(v.p[k + 2]))))
            return false;
    if (v.n > 0 && v.p[0] == '/')
        return true;
    while (i < v.n && (is_alnum(v.p[i]) || (i > 0 && char_in(v.p[i], "+-."))))
        i++;
    return i > 0 && !is_digit(v.p[0]) && i + 1 < v.n && v.p[i] == ':';
}

/* ---- identifiers and codes ---- */

static bool is_uuid(struct str v)
{
    return has_shape(v, "########-####-####-####-############") ||
           has_shape(v, "################################");
}

static bool is_uuid_of(struct str v, char version)
{
    bool dashed = v.n == 36;
    char at = v.n > 14 ? v.p[dashed ? 14 : 12] : '\0',
         variant = v.n > 19 ? v.p[dashed ? 19 : 16] : '\0';
    return is_uuid(v) && at == version && (version == '3' || char_in(variant, "89abAB"));
}

static bool is_uuid3(struct str v)
{
    return is_uuid_of(v, '3');
}

static bool is_uuid4(struct str v)
{
    return is_uuid_of(v, '4');
}

static bool is_uuid5(struct str v)
{
    return is_uuid_of(v, '5');
}

static bool is_byte(struct str v)
{
    struct buf b = {0};
    bool ok = base64_decode(&b, v);
    buf_free(&b);
    return ok;
}

static bool is_object_id(struct str v)
{
    return v.n == 24 && all_hex(v);
}

/* The digits of v without blanks and dashes; n: how many fit. A last 'X' counts as ten where it may. */
static size_t digits_of(struct str v, int8_t *out, size_t max, bool x)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == ' ' || v.p[i] == '-')
            continue;
        bool ten = x && n == max - 1 && v.p[i] == 'X';
        if (n == max || (!is_digit(v.p[i]) && !ten))
            return 0;
        out[n++] = (int8_t)(ten ? 10 : v.p[i] - '0');
    }
    return n;
}

static bool is_isbn10(struct str v)
{
    int8_t d[10];
    int sum = 0;
    if (digits_of(v, d, 10, true) != 10)
        return false;
    for (int i = 0; i < 10; i++)
        sum += d[i] * (10 - i);
    return sum % 11 == 0;
}

static bool is_isbn13(struct str v)
{
    int8_t d[13];
    int sum = 0;
    if (digits_of(v, d, 13, false) != 13)
        return false;
    for (int i = 0; i < 13; i++)
        sum += d[i] * (i % 2 == 0 ? 1 : 3);
    return sum % 10 == 0;
}

static bool is_isbn(struct str v)
{
    return is_isbn10(v) || is_isbn13(v);
}

static bool is_credit_card(struct str v)
{
    int8_t d[19];
    size_t n = digits_of(v, d, 19, false);
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int twice = d[n - 1 - i] * (i % 2 == 0 ? 1 : 2);
        sum += twice > 9 ? twice - 9 : twice;
    }
    return n >= 12 && sum % 10 == 0;
}

static bool is_ssn(struct str v)
{
    return v.n == 11 && v.p[3] == v.p[6] && (v.p[3] == '-' || v.p[3] == ' ') &&
           all_digits(str_sub(v, 0, 3)) && all_digits(str_sub(v, 4, 2)) &&
           all_digits(str_sub(v, 7, 4));
}

static bool is_hex_color(struct str v)
{
    struct str digits = v.n > 0 && v.p[0] == '#' ? str_sub(v, 1, v.n) : v;
    return (digits.n == 3 || digits.n == 6) && all_hex(digits);
}

static bool is_rgb_color(struct str v)
{
    struct str head, rest;
    if (!str_starts(v, STR("rgb(")) || v.p[v.n - 1] != ')')
        return false;
    rest = str_sub(v, 4, v.n - 5);
    for (int i = 0; i < 3; i++) {
        uint64_t part;
        if (str_cut(rest, ',', &head, &rest) != (i < 2) || !str_to_u64(str_trim(head), &part) ||
            part > 255)
            return false;
    }
    return true;
}

/* ---- the table ---- */

static const struct format formats[] = {
    {STR_INIT("bsonobjectid"), is_object_id},
    {STR_INIT("byte"), is_byte},
    {STR_INIT("cidr"), is_cidr},
    {STR_INIT("creditcard"), is_credit_card},
    {STR_INIT("date"), is_date},
    {STR_INIT("date-time"), is_date_time},
    {STR_INIT("datetime"), is_date_time},
    {STR_INIT("duration"), is_duration},
    {STR_INIT("email"), is_email},
    {STR_INIT("hexcolor"), is_hex_color},
    {STR_INIT("hostname"), is_hostname},
    {STR_INIT("ip"), is_ip},
    {STR_INIT("ipv4"), is_ipv4},
    {STR_INIT("ipv6"), is_ipv6},
    {STR_INIT("isbn"), is_isbn},
    {STR_INIT("isbn10"), is_isbn10},
    {STR_INIT("isbn13"), is_isbn13},
    {STR_INIT("mac"), is_mac},
    {STR_INIT("rgbcolor"), is_rgb_color},
    {STR_INIT("ssn"), is_ssn},
    {STR_INIT("uri"), is_uri},
    {STR_INIT("uuid"), is_uuid},
    {STR_INIT("uuid3"), is_uuid3},
    {STR_INIT("uuid4"), is_uuid4},
    {STR_INIT("uuid5"), is_uuid5},
};

const struct format *format_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_eq(formats[i].name, name))
            return &formats[i];
    return NULL;
}

struct str format_name(const struct format *f)
{
    return f->name;
}

bool format_holds(const struct format *f, struct str value)
{
    return f->holds(value);
}
