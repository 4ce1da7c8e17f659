#include "sim/kubeapi/types/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_HEAP_KIB_MAX 4096u

struct pattern {
    pcre2_code *code;
};

/* ---- memory: all of it the arena's ---- */

static void *take(size_t n, void *arena)
{
    return arena_alloc(arena, n);
}

static void keep(void *block, void *arena) {}

/* ---- what Go refuses and PCRE2 takes ---- */

static struct err *refuse(const char *what, struct str part)
{
    return err_new(ERR_INVALID, "error parsing regexp: %s: `" STR_FMT "`", what, STR_ARG(part));
}

/* "(?" at `at`: named and plain groups and flags are RE2's, the rest is not. */
static struct err *check_group(struct str text, size_t at)
{
    struct str rest = str_sub(text, at + 2, text.n);
    if (str_starts(rest, STR("P<")) || str_starts(rest, STR(":")))
        return NULL;
    if (rest.n > 1 && rest.p[0] == '<' && rest.p[1] != '=' && rest.p[1] != '!')
        return NULL;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == ')' || rest.p[i] == ':')
            return i > 0 ? NULL
                         : refuse("invalid or unsupported Perl syntax", str_sub(text, at, 3));
        if (!char_in(rest.p[i], "imsU-"))
            return refuse("invalid or unsupported Perl syntax", str_sub(text, at, i + 3));
    }
    return refuse("missing closing )", text);
}

static struct err *check_escape(struct str text, size_t at)
{
    static const char known[] = "AzbBdDsSwWpPQEafnrtvxC";
    char c = at + 1 < text.n ? text.p[at + 1] : '\0';
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (at + 1 >= text.n)
        return err_new(ERR_INVALID,
                       "error parsing regexp: trailing backslash at end of expression: ``");
    if ((letter && !char_in(c, known)) || (c >= '1' && c <= '9') || c == 'C')
        return refuse("invalid escape sequence", str_sub(text, at, 2));
    return NULL;
}

/* A repetition ends at `at` (exclusive): another '+' makes it possessive, '*' or a count repeats it again. */
static struct err *check_repeated(struct str text, size_t from, size_t at)
{
    if (at < text.n && text.p[at] == '?')
        at++;
    if (at < text.n && (text.p[at] == '+' || text.p[at] == '*' || text.p[at] == '?'))
        return refuse("invalid nested repetition operator", str_sub(text, from, at + 1 - from));
    return NULL;
}

static struct err *check_count(struct str text, size_t *at)
{
    int64_t n = 0;
    size_t i = *at + 1;
    for (; i < text.n && text.p[i] != '}'; i++) {
        if (text.p[i] == ',') {
            n = 0;
            continue;
        }
        if (text.p[i] < '0' || text.p[i] > '9')
            return NULL; /* a literal brace */
        n = n * 10 + (text.p[i] - '0');
        if (n > PATTERN_REPEAT_MAX)
            return refuse("invalid repeat count", str_sub(text, *at, text.n));
    }
    if (i == text.n || i == *at + 1)
        return NULL;
    struct err *err = check_repeated(text, *at, i + 1);
    *at = i;
    return err;
}

/* Behind a '[': to its ']', which is plain in the first place. */
static struct err *skip_class(struct str text, size_t *at)
{
    size_t from = *at, i = from + 1;
    if (i < text.n && text.p[i] == '^')
        i++;
    if (i < text.n && text.p[i] == ']')
        i++;
    for (; i < text.n && text.p[i] != ']'; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (str_starts(str_sub(text, i, 2), STR("[:")) &&
                 str_find(str_sub(text, i, text.n), STR(":]")) > 0)
            i += (size_t)str_find(str_sub(text, i, text.n), STR(":]")) + 1;
    }
    if (i >= text.n)
        return refuse("missing closing ]", str_sub(text, from, text.n));
    *at = i;
    return NULL;
}

static struct err *check_syntax(struct str text)
{
    struct err *err = NULL;
    for (size_t i = 0; i < text.n && !err; i++) {
        char c = text.p[i];
        if (c == '\\') {
            err = check_escape(text, i);
            if (text.n > i + 1 && text.p[i + 1] == 'Q') { /* literal up to \E */
                ptrdiff_t end = str_find(str_sub(text, i, text.n), STR("\\E"));
                i = end < 0 ? text.n : i + (size_t)end;
            }
            i++;
        } else if (c == '[') {
            err = skip_class(text, &i);
        } else if (c == '(' && i + 1 < text.n && text.p[i + 1] == '?') {
            err = check_group(text, i);
            i++;
        } else if (c == '(' && i + 1 < text.n && text.p[i + 1] == '*') {
            err = refuse("missing argument to repetition operator", STR("*"));
        } else if (c == '{') {
            err = check_count(text, &i);
        } else if (c == '*' || c == '+' || c == '?') {
            err = check_repeated(text, i, i + 1);
        }
    }
    return err;
}

/* ---- PCRE2 ---- */

static struct err *explain(int code, size_t at, struct str text)
{
    switch (code) {
    case 114: /* missing closing parenthesis */
        return refuse("missing closing )", text);
    case 122: /* unmatched closing parenthesis */
        return refuse("unexpected )", text);
    case 106: /* missing terminating ] */
        return refuse("missing closing ]", str_sub(text, at > 0 ? at - 1 : 0, text.n));
    case 108: /* range out of order */
        return refuse("invalid character class range", text);
    case 109: /* quantifier does not follow a repeatable item */
        return refuse("missing argument to repetition operator",
                      str_sub(text, at > 0 ? at - 1 : 0, 1));
    default:
        return refuse("invalid syntax", text);
    }
}

struct err *pattern_compile(struct arena *a, struct str text, struct pattern **out)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    if (text.n > PATTERN_BYTES_MAX)
        return refuse("expression too large", str_sub(text, 0, 40));
    struct err *err = check_syntax(text);
    if (err)
        return err;
    pcre2_general_context *memory = pcre2_general_context_create(take, keep, a);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    struct pattern *p = ARENA_NEW(a, struct pattern);
    p->code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
                            PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                            context);
    if (!p->code)
        return explain(code, at, text);
    *out = p;
    return NULL;
}

bool pattern_find(const struct pattern *p, struct str text, size_t from, size_t *start, size_t *end)
{
    struct arena scratch = {0};
    pcre2_general_context *memory = pcre2_general_context_create(take, keep, &scratch);
    pcre2_match_context *limits = pcre2_match_context_create(memory);
    pcre2_match_data *data = pcre2_match_data_create(1, memory);
    (void)pcre2_set_match_limit(limits, PATTERN_STEPS_MAX);
    (void)pcre2_set_heap_limit(limits, PATTERN_HEAP_KIB_MAX);
    int rc = pcre2_match(p->code, (PCRE2_SPTR)text.p, text.n, from, 0, data, limits);
    if (rc >= 0) {
        *start = pcre2_get_ovector_pointer(data)[0];
        *end = pcre2_get_ovector_pointer(data)[1];
    }
    arena_free(&scratch);
    return rc >= 0;
}

bool pattern_matches(const struct pattern *p, struct str text)
{
    size_t start, end;
    return pattern_find(p, text, 0, &start, &end);
}
