#include "sim/kubeapi/core/jsonerr.h"

enum state {
    VALUE,         /* looking for a value */
    FIRST_VALUE,   /* the same, or the end of an empty array */
    KEY,           /* looking for a key */
    FIRST_KEY,     /* the same, or the end of an empty object */
    COLON,         /* after a key */
    AFTER_VALUE,   /* after a value, within something or at the top */
    IN_STRING,     /* of a value */
    ESCAPE,        /* behind a backslash */
    HEX,           /* behind \u */
    SIGN,          /* behind a minus */
    ZERO,          /* behind a leading zero */
    DIGITS,        /* of the whole part */
    POINT,         /* behind the decimal point */
    FRACTION,      /* digits of the fraction */
    EXPONENT,      /* behind the e */
    EXPONENT_SIGN, /* behind its sign */
    EXPONENT_DIGITS,
    WORD, /* in true, false, null */
};

struct scanner {
    enum state state;
    size_t depth;
    unsigned char objects[JSONERR_DEPTH_MAX / 8 + 1]; /* a bit a level: object or array */
    bool key;                                         /* the string is a key */
    unsigned hex;                                     /* digits that were there */
    const char *word;
    size_t word_at;
    const char *problem; /* behind "invalid character 'x'" */
    char expecting;      /* of a word */
};

static bool in_object(const struct scanner *s)
{
    return s->depth > 0 && (s->objects[(s->depth - 1) / 8] >> ((s->depth - 1) % 8) & 1);
}

static void enter(struct scanner *s, bool object)
{
    unsigned char bit = (unsigned char)(1u << (s->depth % 8));
    if (s->depth == JSONERR_DEPTH_MAX) {
        s->problem = "";
        return;
    }
    if (object)
        s->objects[s->depth / 8] |= bit;
    else
        s->objects[s->depth / 8] &= (unsigned char)~bit;
    s->depth++;
    s->state = object ? FIRST_KEY : FIRST_VALUE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void begin_word(struct scanner *s, const char *word)
{
    s->state = WORD;
    s->word = word;
    s->word_at = 1;
}

static void leave(struct scanner *s)
{
    s->depth--;
    s->state = AFTER_VALUE;
}

static void on_value(struct scanner *s, char c)
{
    if (c == '{' || c == '[')
        enter(s, c == '{');
    else if (c == ']' && s->state == FIRST_VALUE)
        leave(s);
    else if (c == '"')
        s->state = IN_STRING;
    else if (c == '-')
        s->state = SIGN;
    else if (c == '0')
        s->state = ZERO;
    else if (is_digit(c))
        s->state = DIGITS;
    else if (c == 't' || c == 'f' || c == 'n')
        begin_word(s, c == 't' ? "true" : c == 'f' ? "false" : "null");
    else
        s->problem = "looking for beginning of value";
}

static void on_key(struct scanner *s, char c)
{
    if (c == '}' && s->state == FIRST_KEY) {
        leave(s);
    } else if (c == '"') {
        s->key = true;
        s->state = IN_STRING;
    } else {
        s->problem = "looking for beginning of object key string";
    }
}

static void on_after(struct scanner *s, char c)
{
    if (is_blank(c))
        return;
    if (s->depth == 0)
        s->problem = "after top-level value";
    else if (c == ',')
        s->state = in_object(s) ? KEY : VALUE;
    else if (c == (in_object(s) ? '}' : ']'))
        leave(s);
    else
        s->problem = in_object(s) ? "after object key:value pair" : "after array element";
}

static void on_string(struct scanner *s, char c)
{
    if (c == '"') {
        s->state = s->key ? COLON : AFTER_VALUE;
        s->key = false;
    } else if (c == '\\') {
        s->state = ESCAPE;
    } else if ((unsigned char)c < 0x20) {
        s->problem = "in string literal";
    }
}

static void on_escape(struct scanner *s, char c)
{
    s->hex = 0;
    if (c == 'u')
        s->state = HEX;
    else if (char_in(c, "\"\\/bfnrt"))
        s->state = IN_STRING;
    else
        s->problem = "in string escape code";
}

static void on_hex(struct scanner *s, char c)
{
    char lower = (char)(c | 0x20);
    if (!is_digit(c) && !(lower >= 'a' && lower <= 'f'))
        s->problem = "in \\u hexadecimal character escape";
    else if (++s->hex == 4)
        s->state = IN_STRING;
}

static void on_number(struct scanner *s, char c)
{
    bool exponent = c == 'e' || c == 'E', digit = is_digit(c);
    switch (s->state) {
    case SIGN:
        if (digit)
            s->state = c == '0' ? ZERO : DIGITS;
        else
            s->problem = "in numeric literal";
        return;
    case POINT:
        if (digit)
            s->state = FRACTION;
        else
            s->problem = "after decimal point in numeric literal";
        return;
    case EXPONENT:
    case EXPONENT_SIGN:
        if (digit)
            s->state = EXPONENT_DIGITS;
        else if (s->state == EXPONENT && (c == '+' || c == '-'))
            s->state = EXPONENT_SIGN;
        else
            s->problem = "in exponent of numeric literal";
        return;
    default:
        break;
    }
    bool whole = s->state == ZERO || s->state == DIGITS;
    if (digit && s->state != ZERO)
        return;
    if (c == '.' && whole)
        s->state = POINT;
    else if (exponent && s->state != EXPONENT_DIGITS)
        s->state = EXPONENT;
    else {
        s->state = AFTER_VALUE;
        on_after(s, c);
    }
}

static void on_word(struct scanner *s, char c)
{
    char want = s->word[s->word_at];
    if (c != want) {
        s->problem = "in literal";
        s->expecting = want;
    } else if (s->word[++s->word_at] == '\0') {
        s->state = AFTER_VALUE;
    }
}

static void step(struct scanner *s, char c)
{
    switch (s->state) {
    case VALUE:
    case FIRST_VALUE:
        if (!is_blank(c))
            on_value(s, c);
        return;
    case KEY:
    case FIRST_KEY:
        if (!is_blank(c))
            on_key(s, c);
        return;
    case COLON:
        if (c == ':')
            s->state = VALUE;
        else if (!is_blank(c))
            s->problem = "after object key";
        return;
    case AFTER_VALUE:
        on_after(s, c);
        return;
    case IN_STRING:
        on_string(s, c);
        return;
    case ESCAPE:
        on_escape(s, c);
        return;
    case HEX:
        on_hex(s, c);
        return;
    case WORD:
        on_word(s, c);
        return;
    default:
        on_number(s, c);
    }
}

/* As Go quotes one: the byte as a code point. */
static void write_char(struct buf *out, char c)
{
    static const char from[] = "\a\b\f\n\r\t\v\\'", to[] = "abfnrtv\\'";
    unsigned char u = (unsigned char)c;
    const char *known = c ? strchr(from, c) : NULL;
    buf_add_char(out, '\'');
    if (known)
        buf_addf(out, "\\%c", to[known - from]);
    else if (u < 0x20 || u == 0x7f)
        buf_addf(out, "\\x%02x", u);
    else if (u < 0x7f)
        buf_add_char(out, c);
    else if (u < 0xa1 || u == 0xad)
        buf_addf(out, "\\u%04x", u);
    else
        buf_addf(out, "%c%c", 0xc0 | u >> 6, 0x80 | (u & 0x3f));
    buf_add_char(out, '\'');
}

bool jsonerr_describe(struct str text, struct buf *out)
{
    struct scanner *s = MEM_NEW(struct scanner);
    size_t i = 0;
    for (; i < text.n && !s->problem; i++)
        step(s, text.p[i]);
    bool number = s->depth == 0 && (s->state == ZERO || s->state == DIGITS ||
                                    s->state == FRACTION || s->state == EXPONENT_DIGITS);
    bool complete = s->depth == 0 && (s->state == AFTER_VALUE || number);
    bool wrong = s->problem || !complete;
    if (s->problem && s->problem[0] == '\0') {
        buf_add_c(out, "exceeded max depth");
    } else if (s->problem) {
        buf_add_c(out, "invalid character ");
        write_char(out, text.p[i - 1]);
        buf_addf(out, " %s", s->problem);
        if (s->expecting)
            buf_addf(out, " %s (expecting '%c')", s->word, s->expecting);
    } else if (wrong) {
        buf_add_c(out, "unexpected end of JSON input");
    }
    mem_free(s);
    return wrong;
}

/* ---- what is repaired ---- */

static size_t utf8_length(struct str s, size_t i)
{
    unsigned char first = (unsigned char)s.p[i];
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (n == 1)
        return 1;
    if (first < 0xc2 || first > 0xf4 || s.n - i < n)
        return 0;
    for (size_t k = 1; k < n; k++)
        if (((unsigned char)s.p[i + k] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)s.p[i + 1];
    bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90) ||
               (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
    return bad ? 0 : n;
}

/* The code unit of \uXXXX at i; -1: none there. */
static int unit_at(struct str s, size_t i)
{
    int v = 0;
    if (s.n < 6 || i > s.n - 6 || s.p[i] != '\\' || s.p[i + 1] != 'u')
        return -1;
    for (size_t k = i + 2; k < i + 6; k++) {
        char c = s.p[k], lower = (char)(c | 0x20);
        if (is_digit(c))
            v = v << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (lower - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* At a backslash: appends the escape, repaired; gives the bytes it took. */
static size_t repair_escape(struct str s, size_t i, struct buf *out)
{
    int unit = unit_at(s, i), low = unit_at(s, i + 6);
    if (unit < 0xd800 || unit > 0xdfff) {
        buf_add(out, str_sub(s, i, 2));
        return s.n - i < 2 ? s.n - i : 2;
    }
    if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        buf_add(out, str_sub(s, i, 12));
        return 12;
    }
    buf_add_c(out, "\\ufffd");
    return 6;
}

void jsonerr_repair(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = utf8_length(text, i);
        if (text.p[i] == '\\') {
            i += repair_escape(text, i, out);
        } else if (n == 0) {
            buf_add_c(out, "\xef\xbf\xbd");
            i++;
        } else {
            buf_add(out, str_sub(text, i, n));
            i += n;
        }
    }
}
