/* Text into tokens. A word may hold dots, and - and / where no blank stands around them (site/a, power-loss): so minus
 * and division need blanks between words. */
#include "engine/base/timefmt.h"
#include "sim/scenario/expr/expr_internal.h"
#include "sim/scenario/expr/quantity.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : '\0';
}

static struct token token_of(struct lexer *l, enum token_kind kind, size_t n)
{
    struct token t = {.kind = kind, .text = str_sub(l->text, l->at, n), .offset = (uint32_t)l->at};
    l->at += t.text.n;
    return t;
}

static struct token bad(struct lexer *l, size_t n, const char *problem)
{
    struct token t = token_of(l, TOKEN_BAD, n);
    t.problem = problem;
    return t;
}

/* At a dot: steps over a quoted part behind it, as in fault.'the cut'.fired, to its end. */
static bool quoted_part(const struct lexer *l, size_t *n)
{
    char quote = peek(l, *n + 1);
    size_t end = *n + 2;
    if (quote != '\'' && quote != '"')
        return false;
    while (peek(l, end) != quote && peek(l, end) != '\0')
        end++;
    if (peek(l, end) != quote || end == *n + 2)
        return false;
    *n = end;
    return true;
}

static struct token take_word(struct lexer *l)
{
    size_t n = 1;
    for (;; n++) {
        char c = peek(l, n);
        if (is_letter(c) || is_digit(c))
            continue;
        if (c == '.' && quoted_part(l, &n))
            continue;
        bool joins = c == '.' || c == '-' || c == '/';
        if (!joins || !(is_letter(peek(l, n + 1)) || is_digit(peek(l, n + 1))))
            break;
    }
    struct token t = token_of(l, TOKEN_WORD, n);
    if (str_eq(t.text, STR("true")) || str_eq(t.text, STR("false"))) {
        t.kind = TOKEN_VALUE;
        t.value = (struct expr_value){EXPR_BOOL, true, t.text.n == 4, str_empty};
    }
    return t;
}

static bool classify(struct str text, struct expr_value *out)
{
    out->known = true;
    out->type = EXPR_INT;
    if (str_to_i64(text, &out->i))
        return true;
    out->type = EXPR_RATIO;
    if (share_parse(text, &out->i))
        return true;
    out->type = EXPR_DURATION;
    if (duration_parse(text, &out->i))
        return true;
    out->type = EXPR_INT;
    out->s = EXPR_BYTES;
    return size_parse(text, &out->i);
}

static struct token take_number(struct lexer *l)
{
    size_t n = 1;
    while (is_digit(peek(l, n)) || is_letter(peek(l, n)) ||
           (peek(l, n) == '.' && is_digit(peek(l, n + 1))))
        n++;
    if (peek(l, n) == '%')
        n++;
    struct expr_value value = {0};
    if (!classify(str_sub(l->text, l->at, n), &value))
        return bad(l, n, "is not a number; write 5, 0.25, 10%, 1m30s or 8GiB");
    struct token t = token_of(l, TOKEN_VALUE, n);
    t.value = value;
    return t;
}

/* Quotes of either kind; a doubled quote stands for one. */
static struct token take_string(struct lexer *l)
{
    char quote = peek(l, 0);
    struct buf text = {0};
    size_t n = 1;
    for (; l->at + n < l->text.n; n++) {
        if (peek(l, n) == quote && peek(l, n + 1) == quote)
            n++;
        else if (peek(l, n) == quote)
            break;
        buf_add_char(&text, peek(l, n));
    }
    struct token t;
    if (peek(l, n) != quote) {
        t = bad(l, n, "begins a string that does not end");
    } else {
        t = token_of(l, TOKEN_VALUE, n + 1);
        t.value = (struct expr_value){EXPR_STRING, true, 0, arena_str(l->arena, buf_str(&text))};
    }
    buf_free(&text);
    return t;
}

static struct token take_mark(struct lexer *l)
{
    static const char *const marks[] = {"==", "!=", "<=", ">=", "${", "<", ">", "(", ")",
                                        "[",  "]",  ",",  ":",  "+",  "-", "*", "/", "}"};
    static const struct {
        const char *mark, *problem;
    } slips[] = {{"&&", "is not an operator; did you mean \"and\"?"},
                 {"||", "is not an operator; did you mean \"or\"?"},
                 {"=", "is not an operator; did you mean \"==\"?"},
                 {"$", "does not belong here; a parameter is written ${NAME}"},
                 {"!", "is not an operator; did you mean \"not\"?"}};
    struct str rest = str_sub(l->text, l->at, l->text.n);
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (str_starts(rest, str_c(marks[i])))
            return token_of(l, TOKEN_MARK, str_c(marks[i]).n);
    for (size_t i = 0; i < ARRAY_LEN(slips); i++)
        if (str_starts(rest, str_c(slips[i].mark)))
            return bad(l, str_c(slips[i].mark).n, slips[i].problem);
    size_t n = 1;
    while (((unsigned char)peek(l, n) & 0xc0) == 0x80)
        n++;
    return bad(l, n, "does not belong here");
}

struct token lexer_next(struct lexer *l)
{
    while (peek(l, 0) == ' ' || peek(l, 0) == '\t' || peek(l, 0) == '\n')
        l->at++;
    if (l->at >= l->text.n)
        return token_of(l, TOKEN_END, 0);
    char c = peek(l, 0);
    if (is_letter(c))
        return take_word(l);
    if (is_digit(c))
        return take_number(l);
    if (c == '\'' || c == '"')
        return take_string(l);
    return take_mark(l);
}

struct token lexer_raw(struct lexer *l, bool *closed)
{
    struct str rest = str_sub(l->text, l->at, l->text.n);
    struct str inner = str_trim(rest);
    if (inner.n && (inner.p[0] == '\'' || inner.p[0] == '"')) {
        struct token t = lexer_next(l);
        struct token end = lexer_next(l);
        *closed = end.kind == TOKEN_MARK && str_eq(end.text, STR(")"));
        t.text = t.value.s;
        return t;
    }
    ptrdiff_t n = str_find_char(rest, ')');
    *closed = n >= 0;
    struct token t = token_of(l, TOKEN_WORD, n < 0 ? rest.n : (size_t)n);
    struct str trimmed = str_trim(t.text);
    if (trimmed.n)
        t.offset += (uint32_t)(trimmed.p - t.text.p);
    t.text = trimmed;
    l->at += *closed;
    return t;
}
