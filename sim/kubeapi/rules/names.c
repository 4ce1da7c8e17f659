#include "sim/kubeapi/rules/names.h"

#include <string.h>

/* ---- texts ---- */

#define SUBDOMAIN_TEXT                                                                             \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_TEXT                                                                                 \
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "   \
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "     \
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define DNS1035_TEXT                                                                               \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define QUALIFIED_TEXT                                                                             \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "    \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "         \
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define LABEL_VALUE_TEXT                                                                           \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "    \
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', " \
    " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
#define CONFIG_KEY_TEXT                                                                            \
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "           \
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "                    \
    "'[-._a-zA-Z0-9]+')"
#define WILDCARD_TEXT                                                                              \
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "      \
    "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "        \
    "alphanumeric character (e.g. '*.example.com', regex used for validation is "                  \
    "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define HEADER_TEXT                                                                                \
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "                    \
    "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"

#define SYSCTL_TEXT                                                                                \
    "must have at most 253 characters and match regex "                                            \
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

struct problems {
    const char **out;
    size_t n;
};

static void add(struct problems *p, bool bad, const char *text)
{
    if (bad && p->n < NAMES_PROBLEMS_MAX)
        p->out[p->n++] = text;
}

/* ---- characters ---- */

static bool lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool alnum(char c)
{
    return lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!lower_alnum(s.p[i]) && (s.p[i] != '-' || i == 0 || i + 1 == s.n))
            return false;
    return s.n > 0;
}

static bool is_subdomain(struct str s)
{
    struct str head, rest = s;
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &head, &rest);
        if (!is_label(head))
            return false;
    }
    return true;
}

/* Alphanumeric at both ends, '-', '_' and '.' between; or empty. */
static bool is_name_part(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool inner = s.p[i] == '-' || s.p[i] == '_' || s.p[i] == '.';
        if (!alnum(s.p[i]) && (!inner || i == 0 || i + 1 == s.n))
            return false;
    }
    return true;
}

static bool only(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++)
        if (!alnum(s.p[i]) && !char_in(s.p[i], more))
            return false;
    return s.n > 0;
}

/* ---- addresses ---- */

static bool parse_ip4(struct str s, unsigned char out[4])
{
    struct str part;
    for (int i = 0; i < 4; i++) {
        uint64_t v;
        bool more = str_cut(s, '.', &part, &s);
        if (more != (i < 3) || part.n > 3 || !str_to_u64(part, &v) || v > 255 ||
            (part.n > 1 && part.p[0] == '0'))
            return false;
        out[i] = (unsigned char)v;
    }
    return true;
}

static bool parse_hex(struct str s, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *out = *out * 16 + (unsigned)digit;
    }
    return s.n > 0 && s.n <= 4;
}

/* The 16-bit groups of one side of "::". -1: not an address. */
static int parse_groups(struct str s, unsigned char *out, int max)
{
    struct str part;
    int n = 0;
    for (bool more = s.n > 0; more;) {
        unsigned v;
        unsigned char four[4];
        more = str_cut(s, ':', &part, &s);
        if (!more && n + 2 <= max && parse_ip4(part, four)) {
            memcpy(out + n * 2, four, 4);
            return n + 2;
        }
        if (n == max || !parse_hex(part, &v))
            return -1;
        out[n * 2] = (unsigned char)(v >> 8);
        out[n * 2 + 1] = (unsigned char)v;
        n++;
    }
    return n;
}

static bool parse_ip6(struct str s, unsigned char out[16])
{
    unsigned char back[16] = {0};
    ptrdiff_t gap = str_find(s, STR("::"));
    memset(out, 0, 16);
    if (gap < 0)
        return parse_groups(s, out, 8) == 8;
    int head = parse_groups(str_sub(s, 0, (size_t)gap), out, 7);
    int tail = parse_groups(str_sub(s, (size_t)gap + 2, s.n), back, 7);
    if (head < 0 || tail < 0 || head + tail > 7)
        return false;
    memcpy(out + 16 - tail * 2, back, (size_t)tail * 2);
    return true;
}

bool names_ip_parse(struct str s, unsigned char out[16])
{
    if (str_find_char(s, ':') >= 0)
        return parse_ip6(s, out);
    memset(out, 0, 16);
    out[10] = out[11] = 0xff;
    return parse_ip4(s, out + 12);
}

struct str names_ip_text(struct arena *a, const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    size_t from = 8, zeros = 1; /* the run that is left out: at least two groups, the first */
    unsigned group[8];
    struct buf b = {0};
    if (memcmp(ip, mapped, sizeof(mapped)) == 0)
        return arena_printf(a, "%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
    for (size_t i = 0; i < 8; i++)
        group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;
        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > zeros)
            from = i, zeros = n;
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == from) {
            buf_add_c(&b, "::");
            i += zeros - 1;
            continue;
        }
        buf_addf(&b, i > 0 && i != from + zeros ? ":%x" : "%x", group[i]);
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

int names_ip_family(struct str s)
{
    unsigned char bytes[16];
    if (!names_ip_parse(s, bytes))
        return 0;
    return str_find_char(s, ':') >= 0 ? 6 : 4;
}

bool names_cidr_parse(struct str s, unsigned char out[16], unsigned *bits)
{
    struct str ip, length;
    uint64_t n;
    if (!str_cut(s, '/', &ip, &length) || length.n > 3 || !str_to_u64(length, &n) ||
        (length.n > 1 && length.p[0] == '0') || !names_ip_parse(ip, out))
        return false;
    bool six = str_find_char(ip, ':') >= 0;
    *bits = (unsigned)n + (six ? 0 : 96);
    return n <= (six ? 128u : 32u);
}

/* ---- forms ---- */

static void check_dns(struct problems *p, enum name_form form, struct str s)
{
    bool sub = form == NAME_SUBDOMAIN || form == NAME_CRON_JOB;
    add(p, sub && s.n > 253, "must be no more than 253 characters");
    add(p, !sub && s.n > 63, "must be no more than 63 characters");
    if (sub) {
        add(p, !is_subdomain(s), SUBDOMAIN_TEXT);
        add(p, form == NAME_CRON_JOB && s.n > 52, "must be no more than 52 characters");
    } else if (form == NAME_LABEL) {
        add(p, !is_label(s), is_subdomain(s) ? "must not contain dots" : LABEL_TEXT);
    } else {
        add(p, !is_label(s) || (s.p[0] >= '0' && s.p[0] <= '9'), DNS1035_TEXT);
    }
}

/* Parts between dots or slashes, each beginning and ending with a letter or digit. */
static bool is_sysctl(struct str s)
{
    bool within = false; /* a letter or digit has come in this part */
    for (size_t i = 0; i < s.n; i++) {
        bool parts = s.p[i] == '.' || s.p[i] == '/', dashes = s.p[i] == '-' || s.p[i] == '_';
        if (!lower_alnum(s.p[i]) && !((parts || dashes) && within))
            return false;
        if (parts && !lower_alnum(s.p[i - 1]))
            return false;
        within = !parts;
    }
    return s.n > 0 && s.n <= 253 && lower_alnum(s.p[s.n - 1]);
}

static void check_segment(struct problems *p, struct str s)
{
    add(p, str_eq_c(s, "."), "may not be '.'");
    add(p, str_eq_c(s, ".."), "may not be '..'");
    add(p, str_find_char(s, '/') >= 0, "may not contain '/'");
    add(p, str_find_char(s, '%') >= 0, "may not contain '%'");
}

static void check_qualified(struct problems *p, struct str s)
{
    struct str prefix, name;
    bool has_prefix = str_cut(s, '/', &prefix, &name);
    if (has_prefix && str_find_char(name, '/') >= 0) {
        add(p, true,
            "a qualified name " QUALIFIED_TEXT
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
        return;
    }
    if (!has_prefix)
        name = s;
    add(p, has_prefix && prefix.n == 0, "prefix part must be non-empty");
    add(p, has_prefix && prefix.n > 253, "prefix part must be no more than 253 characters");
    add(p, has_prefix && prefix.n > 0 && !is_subdomain(prefix), "prefix part " SUBDOMAIN_TEXT);
    add(p, name.n == 0, "name part must be non-empty");
    add(p, name.n > 63, "name part must be no more than 63 characters");
    add(p, name.n == 0 || !is_name_part(name), "name part " QUALIFIED_TEXT);
}

static void check_port(struct problems *p, struct str s)
{
    bool charset = s.n > 0, letter = false;
    for (size_t i = 0; i < s.n; i++) {
        charset = charset && (lower_alnum(s.p[i]) || s.p[i] == '-');
        letter = letter || (s.p[i] >= 'a' && s.p[i] <= 'z');
    }
    add(p, s.n > 15, "must be no more than 15 characters");
    add(p, !charset, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    add(p, !letter, "must contain at least one letter (a-z)");
    add(p, str_find(s, STR("--")) >= 0, "must not contain consecutive hyphens");
    add(p, s.n > 0 && (s.p[0] == '-' || s.p[s.n - 1] == '-'),
        "must not begin or end with a hyphen");
}

static void check_config_key(struct problems *p, struct str s)
{
    add(p, s.n > 253, "must be no more than 253 characters");
    add(p, !only(s, "-._"), CONFIG_KEY_TEXT);
    if (str_starts(s, STR("..")))
        add(p, true, s.n == 2 ? "must not be '..'" : "must not start with '..'");
    else
        add(p, str_eq_c(s, "."), "must not be '.'");
}

static void check_env(struct problems *p, struct str s)
{
    bool ok = s.n > 0;
    for (size_t i = 0; i < s.n; i++)
        ok = ok && s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '=';
    add(p, !ok,
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='");
}

static void check_domain(struct problems *p, struct str s, size_t segments)
{
    size_t dots = 0;
    add(p, s.n > 253, "must be no more than 253 characters");
    if (!is_subdomain(s)) {
        add(p, true, SUBDOMAIN_TEXT);
        return;
    }
    for (size_t i = 0; i < s.n; i++)
        dots += s.p[i] == '.';
    add(p, dots + 1 < segments,
        segments == 3 ? "should be a domain with at least three segments separated by dots"
                      : "should be a domain with at least two segments separated by dots");
}

static void check_prefixed(struct problems *p, struct str s)
{
    struct str domain, path;
    if (!str_cut(s, '/', &domain, &path) || domain.n == 0 || path.n == 0) {
        add(p, true, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        return;
    }
    add(p, !is_subdomain(domain), SUBDOMAIN_TEXT);
}

static void check_percent(struct problems *p, struct str s)
{
    bool ok = s.n > 1 && s.p[s.n - 1] == '%';
    for (size_t i = 0; ok && i + 1 < s.n; i++)
        ok = s.p[i] >= '0' && s.p[i] <= '9';
    add(p, !ok,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  "
        "or '93%', regex used for validation is '[0-9]+%')");
}

static void check_address(struct problems *p, enum name_form form, struct str s)
{
    unsigned char bytes[16];
    unsigned bits;
    if (form == NAME_IP)
        add(p, !names_ip_parse(s, bytes),
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    else
        add(p, !names_cidr_parse(s, bytes, &bits),
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
}

size_t names_problems(enum name_form form, struct str s, const char *out[NAMES_PROBLEMS_MAX])
{
    struct problems p = {out, 0};
    switch (form) {
    case NAME_SUBDOMAIN:
    case NAME_CRON_JOB:
    case NAME_LABEL:
    case NAME_1035:
        check_dns(&p, form, s);
        break;
    case NAME_SEGMENT:
        check_segment(&p, s);
        break;
    case NAME_QUALIFIED:
        check_qualified(&p, s);
        break;
    case NAME_LABEL_VALUE:
        add(&p, s.n > 63, "must be no more than 63 characters");
        add(&p, !is_name_part(s), LABEL_VALUE_TEXT);
        break;
    case NAME_PORT:
        check_port(&p, s);
        break;
    case NAME_CONFIG_KEY:
        check_config_key(&p, s);
        break;
    case NAME_ENV:
        check_env(&p, s);
        break;
    case NAME_IP:
    case NAME_CIDR:
        check_address(&p, form, s);
        break;
    case NAME_DOMAIN2:
    case NAME_DOMAIN3:
        check_domain(&p, s, form == NAME_DOMAIN3 ? 3 : 2);
        break;
    case NAME_PREFIXED:
        check_prefixed(&p, s);
        break;
    case NAME_WILDCARD:
        add(&p, s.n > 253, "must be no more than 253 characters");
        add(&p, !str_starts(s, STR("*.")) || !is_subdomain(str_sub(s, 2, s.n)), WILDCARD_TEXT);
        break;
    case NAME_PERCENT:
        check_percent(&p, s);
        break;
    case NAME_HEADER:
        add(&p, !only(s, "-"), HEADER_TEXT);
        break;
    case NAME_SYSCTL:
        add(&p, !is_sysctl(s), SYSCTL_TEXT);
        break;
    }
    return p.n;
}

bool names_fit(enum name_form form, struct str s)
{
    const char *out[NAMES_PROBLEMS_MAX];
    return names_problems(form, s, out) == 0;
}
