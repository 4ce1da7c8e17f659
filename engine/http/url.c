/* Absolute URLs. */
#include "engine/http/url.h"

static struct err *bad(struct str text, const char *why)
{
    return err_new(ERR_INVALID, "\"" STR_FMT "\" is not a usable URL: %s", STR_ARG(text), why);
}

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

static struct err *parse_port(struct str text, struct str digits, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_to_u64(digits, &port) || port == 0 || port > 65535)
        return bad(text, "the port must be a number from 1 to 65535");
    *out = (uint16_t)port;
    return NULL;
}

/* Names go into DNS questions and are compared with certificates; addresses into both sides of brackets. */
static bool holds_only(struct str s, const char *punctuation, bool hex_only)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        bool letter = lower >= 'a' && lower <= (hex_only ? 'f' : 'z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && str_find_char(str_c(punctuation), c) < 0)
            return false;
    }
    return true;
}

static struct err *parse_authority(struct str text, struct url *u)
{
    struct str rest = u->authority;
    if (str_find_char(rest, '@') >= 0)
        return bad(text, "user names in URLs are not supported");
    if (rest.n && rest.p[0] == '[') {
        ptrdiff_t end = str_find_char(rest, ']');
        if (end < 2)
            return bad(text, "the address in brackets does not end");
        u->host = str_sub(rest, 1, (size_t)end - 1);
        if (!holds_only(u->host, ":.", true) || str_find_char(u->host, ':') < 0)
            return bad(text, "the brackets hold no IPv6 address");
        rest = str_sub(rest, (size_t)end + 1, rest.n);
        if (rest.n == 0)
            return NULL;
        return rest.p[0] == ':' ? parse_port(text, str_sub(rest, 1, rest.n), &u->port)
                                : bad(text, "something follows the brackets");
    }
    struct str digits;
    bool has_port = str_cut(rest, ':', &u->host, &digits);
    if (u->host.n == 0)
        return bad(text, "the host is missing");
    if (!holds_only(u->host, "-._", false))
        return bad(text, "the host holds what no name or address may");
    return has_port ? parse_port(text, digits, &u->port) : NULL;
}

struct err *url_parse(struct str text, struct url *out)
{
    struct url u = {0};
    struct str rest;
    if (!is_visible(text))
        return bad(text, "it holds blanks or control characters");
    if (str_starts(text, STR("https://"))) {
        u.tls = true;
        u.port = 443;
        rest = str_sub(text, 8, text.n);
    } else if (str_starts(text, STR("http://"))) {
        u.port = 80;
        rest = str_sub(text, 7, text.n);
    } else {
        return bad(text, "it must begin with https:// or http://");
    }
    if (str_find_char(rest, '#') >= 0)
        return bad(text, "a fragment has no place here");
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    u.authority = str_sub(rest, 0, n);
    if (n < rest.n && rest.p[n] == '?')
        return u.authority.n ? bad(text, "a slash is missing before its query")
                             : bad(text, "the host is missing");
    u.target = n < rest.n ? str_sub(rest, n, rest.n) : STR("/");
    struct err *err = parse_authority(text, &u);
    if (!err)
        *out = u;
    return err;
}
