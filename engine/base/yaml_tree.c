/* The core schema, look-ups, and the way to JSON. */
#include "engine/base/yaml_internal.h"

#include <string.h>

static const struct {
    struct str text;
    enum yaml_kind kind;
    int64_t integer;
} words[] = {
    {STR_INIT(""), YAML_NULL, 0},      {STR_INIT("~"), YAML_NULL, 0},
    {STR_INIT("null"), YAML_NULL, 0},  {STR_INIT("Null"), YAML_NULL, 0},
    {STR_INIT("NULL"), YAML_NULL, 0},  {STR_INIT("true"), YAML_BOOL, 1},
    {STR_INIT("True"), YAML_BOOL, 1},  {STR_INIT("TRUE"), YAML_BOOL, 1},
    {STR_INIT("false"), YAML_BOOL, 0}, {STR_INIT("False"), YAML_BOOL, 0},
    {STR_INIT("FALSE"), YAML_BOOL, 0}, {STR_INIT(".nan"), YAML_FLOAT, 0},
    {STR_INIT(".NaN"), YAML_FLOAT, 0}, {STR_INIT(".NAN"), YAML_FLOAT, 0},
};

static struct str without_sign(struct str s)
{
    return s.n && (s.p[0] == '-' || s.p[0] == '+') ? str_sub(s, 1, s.n) : s;
}

static size_t count_digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(struct str text)
{
    struct str s = without_sign(text);
    if (str_eq(s, STR(".inf")) || str_eq(s, STR(".Inf")) || str_eq(s, STR(".INF")))
        return true;
    size_t whole = count_digits(s), fraction = 0;
    s = str_sub(s, whole, s.n);
    if (s.n && s.p[0] == '.') {
        s = str_sub(s, 1, s.n);
        fraction = count_digits(s);
        s = str_sub(s, fraction, s.n);
    }
    if (whole + fraction == 0)
        return false;
    if (s.n && (s.p[0] == 'e' || s.p[0] == 'E')) {
        s = without_sign(str_sub(s, 1, s.n));
        return s.n > 0 && count_digits(s) == s.n;
    }
    return s.n == 0;
}

static int digit_of(char c, unsigned base)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    return digit < (int)base ? digit : -1;
}

/* 0o17 and 0xff. Beyond int64 they are strings: no other kind could hold them exactly. */
static bool parse_prefixed(struct str s, int64_t *out)
{
    bool octal = str_starts(s, STR("0o")), hex = str_starts(s, STR("0x"));
    if ((!octal && !hex) || s.n == 2)
        return false;
    unsigned base = octal ? 8 : 16;
    int64_t v = 0;
    for (size_t i = 2; i < s.n; i++) {
        int digit = digit_of(s.p[i], base);
        if (digit < 0 || __builtin_mul_overflow(v, (int64_t)base, &v) ||
            __builtin_add_overflow(v, (int64_t)digit, &v))
            return false;
    }
    *out = v;
    return true;
}

enum yaml_kind yaml_resolve(struct str text, int64_t *integer)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(text, words[i].text)) {
            *integer = words[i].integer;
            return words[i].kind;
        }
    }
    bool plus = text.p[0] == '+' && text.n > 1 && text.p[1] != '-';
    if (str_to_i64(plus ? str_sub(text, 1, text.n) : text, integer) ||
        parse_prefixed(text, integer))
        return YAML_INT;
    return is_float(text) ? YAML_FLOAT : YAML_STRING;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (struct yaml_node *n = map->first; n; n = n->next)
        if (str_eq_c(n->key, key))
            return n;
    return NULL;
}

/* The same number as JSON writes it: a digit on both sides of the point, no plus, no zeros in front. */
static cJSON *float_to_json(struct arena *a, struct str text)
{
    struct str s = without_sign(text);
    size_t whole = count_digits(s);
    struct buf out = {0};
    if (whole == 0 && (s.n < 2 || s.p[1] < '0' || s.p[1] > '9'))
        return json_str(a, text); /* infinite, or not a number */
    if (text.p[0] == '-')
        buf_add_char(&out, '-');
    size_t zeros = 0;
    while (zeros + 1 < whole && s.p[zeros] == '0')
        zeros++;
    buf_add(&out, whole ? str_sub(s, zeros, whole - zeros) : STR("0"));
    s = str_sub(s, whole, s.n);
    if (s.n && s.p[0] == '.') {
        size_t fraction = count_digits(str_sub(s, 1, s.n));
        buf_add(&out, fraction ? str_sub(s, 0, fraction + 1) : STR(".0"));
        s = str_sub(s, fraction + 1, s.n);
    }
    buf_add(&out, s);
    cJSON *v = json_raw(a, buf_str(&out));
    buf_free(&out);
    return v;
}

static cJSON *to_json(struct arena *a, const struct yaml_node *n, unsigned depth)
{
    BUG_ON(depth > YAML_DEPTH_MAX, "a document is not deeper than the loader lets it be");
    switch (n->kind) {
    case YAML_NULL:
        return json_null(a);
    case YAML_BOOL:
        return json_bool_new(a, n->integer != 0);
    case YAML_INT:
        return json_int_new(a, n->integer);
    case YAML_FLOAT:
        return float_to_json(a, n->text);
    case YAML_STRING:
        return json_str(a, n->text);
    case YAML_LIST:
    case YAML_MAP:
        break;
    }
    cJSON *v = n->kind == YAML_LIST ? json_array(a) : json_object(a);
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        cJSON *child = to_json(a, c, depth + 1);
        if (n->kind == YAML_LIST)
            json_append(v, child);
        else
            json_add(a, v, c->key, child);
    }
    return v;
}

cJSON *yaml_to_json(struct arena *a, const struct yaml_node *n)
{
    return to_json(a, n, 0);
}
