/* Tokens: identifiers, numbers, strings in all their quotings, operators. */
#include "sim/kubeapi/cel/cel_internal.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char at(struct str text, size_t i)
{
    return i < text.n ? text.p[i] : '\0';
}

static size_t skip_blank(struct str text, size_t i)
{
    for (;;) {
        if (i < text.n && char_in(text.p[i], " \t\n\r\f")) {
            i++;
        } else if (at(text, i) == '/' && at(text, i + 1) == '/') {
            while (i < text.n && text.p[i] != '\n')
                i++;
        } else {
            return i;
        }
    }
}

/* ---- numbers ---- */

static struct cel_token number(struct str text, size_t from)
{
    struct cel_token t = {.kind = TOKEN_INT};
    size_t i = from;
    if (at(text, i) == '0' && at(text, i + 1) == 'x' && hex_digit(at(text, i + 2)) >= 0) {
        i += 2;
        while (hex_digit(at(text, i)) >= 0)
            i++;
    } else {
        while (is_digit(at(text, i)))
            i++;
        if (at(text, i) == '.' && is_digit(at(text, i + 1))) {
            t.kind = TOKEN_DOUBLE;
            for (i++; is_digit(at(text, i)); i++)
                ;
        }
        size_t e = i + 1;
        if (at(text, e) == '+' || at(text, e) == '-')
            e++;
        if ((at(text, i) == 'e' || at(text, i) == 'E') && is_digit(at(text, e))) {
            t.kind = TOKEN_DOUBLE;
            for (i = e; is_digit(at(text, i)); i++)
                ;
        }
    }
    if (t.kind == TOKEN_INT && (at(text, i) == 'u' || at(text, i) == 'U')) {
        t.kind = TOKEN_UINT;
        i++;
    }
    t.text = str_sub(text, from, i - from);
    return t;
}

/* ---- strings ---- */

static void add_rune(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_add_char(b, (char)c);
    } else if (c < 0x800) {
        buf_add_char(b, (char)(0xc0 | c >> 6));
        buf_add_char(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_char(b, (char)(0xe0 | c >> 12));
        buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_char(b, (char)(0xf0 | c >> 18));
        buf_add_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

/* n digits of a base at *i; false: they are not all there. */
static bool digits(struct str s, size_t *i, size_t n, unsigned base, uint32_t *out)
{
    uint32_t v = 0;
    for (size_t k = 0; k < n; k++, (*i)++) {
        int d = hex_digit(at(s, *i));
        if (d < 0 || (unsigned)d >= base)
            return false;
        v = v * base + (uint32_t)d;
    }
    *out = v;
    return true;
}

/* An escape behind its backslash; false: there is no such one. */
static bool escape(struct str s, size_t *i, bool bytes, struct buf *out)
{
    static const char plain[] = "abfnrtv\\?\"'`", means[] = "\a\b\f\n\r\t\v\\?\"'`";
    char c = at(s, *i);
    uint32_t v = 0;
    const char *p = c ? strchr(plain, c) : NULL;
    if (p) {
        buf_add_char(out, means[p - plain]);
        (*i)++;
        return true;
    }
    if (c >= '0' && c <= '3') {
        if (!digits(s, i, 3, 8, &v))
            return false;
    } else {
        size_t n = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        (*i)++;
        if (n == 0 || (bytes && n > 2) || !digits(s, i, n, 16, &v))
            return false;
    }
    if (v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return false;
    if (bytes)
        buf_add_char(out, (char)v);
    else
        add_rune(out, v);
    return true;
}

static struct cel_token bad(struct str text, size_t from, size_t n, const char *what)
{
    return (struct cel_token){
        .kind = TOKEN_BAD, .text = str_sub(text, from, n), .value = str_c(what)};
}

/* A string whose quotes begin at q, behind prefixes from `from`. */
static struct cel_token quoted(struct arena *a, struct str text, size_t from, size_t q, bool raw,
                               bool bytes)
{
    char quote = text.p[q];
    bool triple = at(text, q + 1) == quote && at(text, q + 2) == quote;
    size_t i = q + (triple ? 3 : 1);
    struct buf b = {.max = CEL_TEXT_MAX * 4};
    struct cel_token t = {.kind = bytes ? TOKEN_BYTES : TOKEN_STRING};
    for (;;) {
        if (i >= text.n || (!triple && (text.p[i] == '\n' || text.p[i] == '\r'))) {
            buf_free(&b);
            return bad(text, from, text.n - from, "token recognition error at: ");
        }
        if (text.p[i] == quote &&
            (!triple || (at(text, i + 1) == quote && at(text, i + 2) == quote)))
            break;
        if (text.p[i] == '\\' && !raw) {
            i++;
            if (!escape(text, &i, bytes, &b)) {
                buf_free(&b);
                return bad(text, from, text.n - from, "token recognition error at: ");
            }
            continue;
        }
        if (text.p[i] == '\\' && raw && i + 1 < text.n) /* r'\'' keeps both */
            buf_add_char(&b, text.p[i++]);
        buf_add_char(&b, text.p[i++]);
    }
    i += triple ? 3 : 1;
    t.text = str_sub(text, from, i - from);
    t.value = arena_str(a, buf_str(&b));
    buf_free(&b);
    return t;
}

/* Is a string at i, with prefixes? */
static bool string_at(struct str text, size_t i, size_t *q, bool *raw, bool *bytes)
{
    *raw = *bytes = false;
    for (size_t k = 0; k < 2; k++, i++) {
        char c = at(text, i);
        if ((c == 'r' || c == 'R') && !*raw)
            *raw = true;
        else if ((c == 'b' || c == 'B') && !*bytes && !*raw)
            *bytes = true;
        else
            break;
    }
    *q = i;
    return at(text, i) == '"' || at(text, i) == '\'';
}

/* ---- the rest ---- */

static struct cel_token op(struct str text, size_t i)
{
    static const char *const two[] = {"==", "!=", "<=", ">=", "&&", "||"};
    struct cel_token t = {.kind = TOKEN_OP};
    for (size_t k = 0; k < ARRAY_LEN(two); k++)
        if (at(text, i) == two[k][0] && at(text, i + 1) == two[k][1]) {
            memcpy(t.op, two[k], 3);
            t.text = str_sub(text, i, 2);
            return t;
        }
    if (!char_in(text.p[i], "[]{}().,:?!<>-+*/%"))
        return bad(text, i, (unsigned char)text.p[i] < 0x80 ? 1 : 1 + (size_t)(i + 1 < text.n),
                   "token recognition error at: ");
    t.op[0] = text.p[i];
    t.text = str_sub(text, i, 1);
    return t;
}

static struct cel_token name(struct str text, size_t from)
{
    struct cel_token t = {.kind = TOKEN_NAME};
    size_t i = from;
    while (is_name(at(text, i)))
        i++;
    t.text = t.value = str_sub(text, from, i - from);
    return t;
}

static struct cel_token backquoted(struct str text, size_t from)
{
    size_t i = from + 1;
    while (i < text.n && (is_name(text.p[i]) || char_in(text.p[i], ".-/ ")))
        i++;
    if (at(text, i) != '`' || i == from + 1)
        return bad(text, from, 1, "token recognition error at: ");
    return (struct cel_token){.kind = TOKEN_QUOTED,
                              .text = str_sub(text, from, i + 1 - from),
                              .value = str_sub(text, from + 1, i - from - 1)};
}

struct cel_token cel_lex(struct arena *a, struct str text, size_t from)
{
    size_t i = skip_blank(text, from), q;
    bool raw, bytes;
    if (i >= text.n)
        return (struct cel_token){.kind = TOKEN_END, .text = {text.p + text.n, 0}};
    if (string_at(text, i, &q, &raw, &bytes))
        return quoted(a, text, i, q, raw, bytes);
    if (is_digit(text.p[i]) || (text.p[i] == '.' && is_digit(at(text, i + 1))))
        return number(text, i);
    if (is_name(text.p[i]))
        return name(text, i);
    if (text.p[i] == '`')
        return backquoted(text, i);
    return op(text, i);
}
