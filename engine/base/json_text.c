/* The texts inside of a JSON text: strings are checked and decoded, numbers are checked. */
#include "engine/base/json_internal.h"

static char *fail(struct json_cursor *at, const char *where, const char *problem)
{
    at->problem = problem;
    at->problem_at = where;
    return NULL;
}

size_t json_utf8_length(const char *p, const char *end)
{
    unsigned char first = (unsigned char)*p;
    if (first < 0x80)
        return 1;
    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || (size_t)(end - p) < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)p[1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second >= 0xa0;
    bool beyond = first == 0xf4 && second >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

static void put_code_point(struct json_cursor *at, uint32_t c)
{
    if (c < 0x80) {
        *at->out++ = (char)c;
        return;
    }
    if (c < 0x800) {
        *at->out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *at->out++ = (char)(0xe0 | c >> 12);
        } else {
            *at->out++ = (char)(0xf0 | c >> 18);
            *at->out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *at->out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *at->out++ = (char)(0x80 | (c & 0x3f));
}

/* At the u of \uXXXX. */
static bool read_unicode_escape(struct json_cursor *at)
{
    const char *backslash = at->p - 1;
    int unit = hex4(at->p + 1, at->end);
    if (unit < 0) {
        fail(at, backslash, "expected four hexadecimal digits after \\u");
        return false;
    }
    at->p += 5;
    uint32_t c = (uint32_t)unit;
    if (c >= 0xd800 && c < 0xe000) {
        int low = c < 0xdc00 && at->end - at->p >= 6 && at->p[0] == '\\' && at->p[1] == 'u'
                      ? hex4(at->p + 2, at->end)
                      : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            fail(at, backslash, "expected a pair of surrogates, found a lone one");
            return false;
        }
        at->p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    }
    if (c == 0) { /* a C string holds no NUL: two bytes that stand in no UTF-8 */
        memcpy(at->out, JSON_NUL, 2);
        at->out += 2;
        return true;
    }
    put_code_point(at, c);
    return true;
}

/* At the backslash. */
static bool read_escape(struct json_cursor *at)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    at->p++;
    char c = at->p < at->end ? *at->p : '\0';
    if (c == 'u')
        return read_unicode_escape(at);
    const char *known = c ? strchr(from, c) : NULL;
    if (!known) {
        fail(at, at->p - 1, "expected one of \" \\ / b f n r t u after a backslash");
        return false;
    }
    *at->out++ = to[known - from];
    at->p++;
    return true;
}

/* Copies what needs no care; stops at the first byte that does. */
static inline void copy_plain(struct json_cursor *at)
{
    const char *p = at->p;
    char *out = at->out;
    while (at->end - p >= 8) {
        uint64_t marks = json_special8(json_load8(p));
        memcpy(out, p, 8);
        if (marks) {
            int plain = __builtin_ctzll(marks) / 8;
            at->p = p + plain;
            at->out = out + plain;
            return;
        }
        p += 8;
        out += 8;
    }
    while (p < at->end && !json_is_special(*p))
        *out++ = *p++;
    at->p = p;
    at->out = out;
}

char *json_read_string(struct json_cursor *at, size_t *length)
{
    const char *from = at->p++;
    char *first = at->out;
    for (;;) {
        copy_plain(at);
        if (at->p == at->end) {
            return fail(at, from, "this string has no end: expected '\"'");
        }
        char c = *at->p;
        if (c == '"') {
            at->p++;
            *length = (size_t)(at->out - first);
            *at->out++ = '\0';
            return first;
        }
        if (c == '\\') {
            if (!read_escape(at))
                return NULL;
            continue;
        }
        size_t n = (unsigned char)c < 0x20 ? 0 : json_utf8_length(at->p, at->end);
        if (n == 0) {
            return fail(at, at->p,
                        (unsigned char)c < 0x20 ? "a control character must be escaped"
                                                : "expected UTF-8, found another byte");
        }
        memcpy(at->out, at->p, n);
        at->out += n;
        at->p += n;
    }
}

static bool skip_digits(struct json_cursor *at)
{
    const char *from = at->p;
    while (at->p < at->end && *at->p >= '0' && *at->p <= '9')
        at->p++;
    return at->p > from;
}

char *json_read_number(struct json_cursor *at)
{
    const char *from = at->p;
    if (*at->p == '-')
        at->p++;
    if (at->p < at->end && *at->p == '0')
        at->p++;
    else if (!skip_digits(at))
        return fail(at, at->p, "expected a digit");
    if (at->p < at->end && *at->p >= '0' && *at->p <= '9')
        return fail(at, from, "expected a number without leading zeros");
    if (at->p < at->end && *at->p == '.') {
        at->p++;
        if (!skip_digits(at))
            return fail(at, at->p, "expected a digit after the decimal point");
    }
    if (at->p < at->end && (*at->p == 'e' || *at->p == 'E')) {
        at->p++;
        if (at->p < at->end && (*at->p == '+' || *at->p == '-'))
            at->p++;
        if (!skip_digits(at))
            return fail(at, at->p, "expected a digit in the exponent");
    }
    size_t n = (size_t)(at->p - from);
    char *text = memcpy(at->out, from, n);
    text[n] = '\0';
    at->out += n + 1;
    return text;
}
