/* Functions of texts: matching, searching, cutting, formatting. */
#include <stdio.h>

#include "sim/kubeapi/cel/cel_internal.h"
#include "sim/kubeapi/types/pattern.h"

#define RESULT_MAX ((size_t)16 << 20)

static bool pay(struct cel_run *run, size_t bytes)
{
    return cel_work(run, cel_text_cost(bytes));
}

static struct cel_value spent(struct cel_run *run)
{
    return cel_fail(run, CEL_OVER_BUDGET);
}

/* ---- looking ---- */

enum { CONTAINS, STARTS, ENDS };

static struct cel_value look(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct str s = args[0].s, what = args[1].s;
    if (node->func->which == STARTS)
        return pay(run, what.n) ? cel_bool(str_starts(s, what)) : spent(run);
    if (node->func->which == ENDS)
        return pay(run, what.n) ? cel_bool(str_ends(s, what)) : spent(run);
    if (!cel_work(run, cel_text_cost(s.n) * (1 + cel_text_cost(what.n))))
        return spent(run);
    return cel_bool(str_find(s, what) >= 0);
}

const struct pattern *cel_pattern(struct cel_run *run, const struct cel_node *node, struct str text,
                                  struct cel_value *failed)
{
    struct pattern *p = NULL;
    if (!cel_work(run, 1 + text.n / 4)) {
        *failed = spent(run);
        return NULL;
    }
    struct err *err = pattern_compile(run->a, text, &p);
    if (err)
        *failed = cel_fail(run, "%s", err->message);
    err_free(err);
    return p;
}

static struct cel_value matches(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    struct cel_value failed;
    if (!cel_work(run, cel_text_cost(args[0].s.n + 1) * (1 + args[1].s.n / 4)))
        return spent(run);
    const struct pattern *p = cel_pattern(run, node, args[1].s, &failed);
    return p ? cel_bool(pattern_matches(p, args[0].s)) : failed;
}

static struct cel_value find(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct cel_value failed;
    struct str s = args[0].s;
    size_t from, to;
    if (!cel_work(run, cel_text_cost(s.n + 1) * (1 + args[1].s.n / 4)))
        return spent(run);
    const struct pattern *p = cel_pattern(run, node, args[1].s, &failed);
    if (!p)
        return failed;
    if (!pattern_find(p, s, 0, &from, &to))
        return cel_string(str_empty);
    return cel_string(str_sub(s, from, to - from));
}

static struct cel_value find_all(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    struct cel_value failed;
    struct str s = args[0].s;
    int64_t limit = n > 2 ? args[2].i : -1;
    size_t from, to, at = 0, found = 0, cap = s.n + 2;
    if (!cel_work(run, cel_text_cost(s.n + 1) * (1 + args[1].s.n / 4) + s.n))
        return spent(run);
    const struct pattern *p = cel_pattern(run, node, args[1].s, &failed);
    if (!p)
        return failed;
    struct cel_value *items = ARENA_NEW_ARRAY(run->a, struct cel_value, cap);
    while (at <= s.n && (limit < 0 || found < (size_t)limit) && found < cap &&
           pattern_find(p, s, at, &from, &to)) {
        items[found++] = cel_string(str_sub(s, from, to - from));
        at = to > from ? to : to + 1;
        while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at++;
    }
    return cel_list_new(run->a, items, found);
}

/* ---- places, counted in code points ---- */

static struct cel_value char_at(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    struct str s = args[0].s;
    int64_t count = (int64_t)cel_code_points(s), i = args[1].i;
    if (!pay(run, s.n))
        return spent(run);
    if (i < 0 || i > count)
        return cel_fail(run, "index out of range: %lld", (long long)i);
    size_t from = cel_code_point_at(s, (size_t)i), to = cel_code_point_at(s, (size_t)i + 1);
    return cel_string(str_sub(s, from, to - from));
}

struct cel_value cel_string_index(struct cel_run *run, struct cel_value *args, size_t n, bool last)
{
    struct str s = args[0].s, what = args[1].s;
    int64_t count = (int64_t)cel_code_points(s), at = n > 2 ? args[2].i : last ? count : 0;
    if (!cel_work(run, cel_text_cost(s.n) * (1 + cel_text_cost(what.n))))
        return spent(run);
    if (n > 2 && (at < 0 || at > count))
        return cel_fail(run, "index out of range: %lld", (long long)at);
    size_t from = cel_code_point_at(s, (size_t)at);
    if (!last) {
        ptrdiff_t found = str_find(str_sub(s, from, s.n), what);
        if (what.n == 0)
            return cel_int(at);
        return cel_int(found < 0 ? -1
                                 : (int64_t)cel_code_points(str_sub(s, 0, from + (size_t)found)));
    }
    if (what.n == 0)
        return cel_int(at);
    for (size_t i = from + 1; i-- > 0;)
        if (str_starts(str_sub(s, i, s.n), what) && what.n <= s.n - i)
            return cel_int((int64_t)cel_code_points(str_sub(s, 0, i)));
    return cel_int(-1);
}

static struct cel_value substring(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    struct str s = args[0].s;
    int64_t count = (int64_t)cel_code_points(s), from = args[1].i, to = n > 2 ? args[2].i : count;
    if (!pay(run, s.n))
        return spent(run);
    if (from < 0 || from > count)
        return cel_fail(run, "index out of range: %lld", (long long)from);
    if (to < 0 || to > count)
        return cel_fail(run, "index out of range: %lld", (long long)to);
    if (from > to)
        return cel_fail(run, "invalid substring range. start: %lld, end: %lld", (long long)from,
                        (long long)to);
    size_t a = cel_code_point_at(s, (size_t)from), b = cel_code_point_at(s, (size_t)to);
    return cel_string(str_sub(s, a, b - a));
}

/* ---- other texts ---- */

static struct cel_value change_case(struct cel_run *run, const struct cel_node *node,
                                    struct cel_value *args, size_t n)
{
    char low = node->func->which ? 'a' : 'A';
    if (!pay(run, args[0].s.n))
        return spent(run);
    struct str s = arena_str(run->a, args[0].s);
    char *p = arena_c(run->a, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= low && p[i] < low + 26)
            p[i] = (char)(p[i] ^ 0x20);
    return cel_string((struct str){p, s.n});
}

static struct cel_value replace(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    struct str s = args[0].s, from = args[1].s, to = args[2].s;
    int64_t limit = n > 3 ? args[3].i : -1;
    struct buf b = {.max = RESULT_MAX};
    size_t at = 0;
    while (limit != 0 && at <= s.n && !run->over) {
        ptrdiff_t found = from.n ? str_find(str_sub(s, at, s.n), from) : 0;
        if (found < 0)
            break;
        buf_add(&b, str_sub(s, at, (size_t)found));
        buf_add(&b, to);
        at += (size_t)found + from.n;
        if (from.n == 0) { /* before each code point, and at the end */
            size_t width = cel_code_point_at(str_sub(s, at, s.n), 1);
            buf_add(&b, str_sub(s, at, width));
            at += width > 0 ? width : 1;
        }
        limit -= limit > 0;
        (void)pay(run, to.n + (size_t)found + 10);
    }
    if (at < s.n)
        buf_add(&b, str_sub(s, at, s.n));
    if (!pay(run, s.n + b.n) || b.overflow) {
        buf_free(&b);
        return spent(run);
    }
    return cel_take(run, &b);
}

static struct cel_value split(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    struct str s = args[0].s, by = args[1].s;
    int64_t limit = n > 2 ? args[2].i : -1;
    size_t count = 0, at = 0;
    if (!cel_work(run, s.n + 2))
        return spent(run);
    struct cel_value *items = ARENA_NEW_ARRAY(run->a, struct cel_value, s.n + 2);
    if (limit == 0 || (by.n == 0 && s.n == 0))
        return cel_list_new(run->a, items, 0);
    while (limit < 0 || count + 1 < (size_t)limit) {
        struct str rest = str_sub(s, at, s.n);
        ptrdiff_t found = by.n ? str_find(rest, by) : (ptrdiff_t)cel_code_point_at(rest, 1);
        if (found < 0 || (by.n == 0 && (size_t)found >= rest.n))
            break;
        items[count++] = cel_string(str_sub(rest, 0, (size_t)found));
        at += (size_t)found + by.n;
    }
    items[count++] = cel_string(str_sub(s, at, s.n));
    return cel_list_new(run->a, items, count);
}

static struct cel_value join(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct cel_value *items = cel_list_items(run->a, args[0].list);
    struct buf b = {.max = RESULT_MAX};
    bool strings = true;
    for (size_t i = 0; i < args[0].list->n && strings && !run->over; i++) {
        strings = items[i].kind == CEL_STRING;
        if (i > 0 && n > 1)
            buf_add(&b, args[1].s);
        if (strings)
            buf_add(&b, items[i].s);
        (void)pay(run, (strings ? items[i].s.n : 0) + (n > 1 ? args[1].s.n : 0) + 10);
    }
    if (!strings || run->over || b.overflow) {
        buf_free(&b);
        return strings ? spent(run) : cel_no_overload(run);
    }
    return cel_take(run, &b);
}

/* Unicode's white space, as far as it is not ASCII: U+0085, U+00A0, U+1680, U+2000-200A, 2028, 2029, 202F, 205F, 3000. */
static size_t blank(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n == 0)
        return 0;
    if (p[0] == ' ' || (p[0] >= 9 && p[0] <= 13))
        return 1;
    if (s.n >= 2 && p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0))
        return 2;
    if (s.n < 3)
        return 0;
    bool wide = (p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80) ||
                (p[0] == 0xe2 && p[1] == 0x80 &&
                 (p[2] <= 0x8a || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf)) ||
                (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) ||
                (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80);
    return wide ? 3 : 0;
}

static struct cel_value trim(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct str s = args[0].s;
    size_t width;
    if (!pay(run, s.n))
        return spent(run);
    while ((width = blank(s)) > 0)
        s = str_sub(s, width, s.n);
    for (bool more = true; more && s.n > 0;) {
        size_t at = s.n - 1;
        while (at > 0 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at--;
        more = blank(str_sub(s, at, s.n)) == s.n - at;
        s = more ? str_sub(s, 0, at) : s;
    }
    return cel_string(s);
}

static struct cel_value quote(struct cel_run *run, const struct cel_node *node,
                              struct cel_value *args, size_t n)
{
    static const char plain[] = "\a\b\f\n\r\t\v\\\"", names[] = "abfnrtv\\\"";
    struct buf b = {.max = RESULT_MAX};
    if (!pay(run, args[0].s.n * 2))
        return spent(run);
    buf_add_char(&b, '"');
    for (size_t i = 0; i < args[0].s.n; i++) {
        char c = args[0].s.p[i];
        const char *p = c ? strchr(plain, c) : NULL;
        if (p)
            buf_add_char(&b, '\\');
        buf_add_char(&b, p ? names[p - plain] : c);
    }
    buf_add_char(&b, '"');
    return cel_take(run, &b);
}

/* ---- format ---- */

static bool format_plain(struct cel_run *run, struct cel_value v, bool inside, struct buf *out);

static void format_list(struct cel_run *run, struct cel_list *l, struct buf *out)
{
    struct cel_value *items = cel_list_items(run->a, l);
    buf_add_char(out, '[');
    for (size_t i = 0; i < l->n; i++) {
        buf_add_c(out, i > 0 ? ", " : "");
        (void)format_plain(run, items[i], true, out);
    }
    buf_add_char(out, ']');
}

/* Keys go in the order of their texts. */
static void format_map(struct cel_run *run, struct cel_map *m, struct buf *out)
{
    size_t n = cel_map_count(m);
    struct str *keys = ARENA_NEW_ARRAY(run->a, struct str, n + 1);
    struct cel_value *values = ARENA_NEW_ARRAY(run->a, struct cel_value, n + 1), key, value;
    for (size_t i = 0; i < n; i++) {
        struct buf b = {0};
        size_t k = i;
        cel_map_at(run->a, m, i, &key, &value);
        (void)format_plain(run, key, true, &b);
        for (; k > 0 && str_cmp(keys[k - 1], buf_str(&b)) > 0; k--) {
            keys[k] = keys[k - 1];
            values[k] = values[k - 1];
        }
        keys[k] = arena_str(run->a, buf_str(&b));
        values[k] = value;
        buf_free(&b);
        (void)cel_work(run, i - k + 1);
    }
    buf_add_char(out, '{');
    for (size_t i = 0; i < n && !run->over; i++) {
        buf_addf(out, "%s" STR_FMT ": ", i > 0 ? ", " : "", STR_ARG(keys[i]));
        (void)format_plain(run, values[i], true, out);
    }
    buf_add_char(out, '}');
}

/* %s */
static bool format_plain(struct cel_run *run, struct cel_value v, bool inside, struct buf *out)
{
    if (v.kind == CEL_LIST)
        format_list(run, v.list, out);
    else if (v.kind == CEL_MAP)
        format_map(run, v.map, out);
    else if (v.kind == CEL_STRING || v.kind == CEL_BYTES)
        buf_add(out, v.s);
    else if (v.kind == CEL_UINT)
        buf_add_u64(out, v.u);
    else if (v.kind <= CEL_TYPE)
        cel_value_print(&v, run->a, out);
    else
        return false;
    return pay(run, 10);
}

static bool format_number(struct cel_value v, char verb, int precision, struct buf *out)
{
    char text[400];
    double d = v.kind == CEL_INT ? (double)v.i : v.kind == CEL_UINT ? (double)v.u : v.d;
    if (verb == 'd') {
        if (v.kind == CEL_DOUBLE)
            cel_print_double(v.d, out);
        else if (v.kind == CEL_UINT)
            buf_add_u64(out, v.u);
        else
            buf_add_i64(out, v.i);
        return cel_numeric(v);
    }
    if (!cel_numeric(v))
        return false;
    if (__builtin_isnan(d) || __builtin_isinf(d)) {
        buf_add_c(out, __builtin_isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return true;
    }
    if (verb == 'e')
        (void)snprintf(text, sizeof(text), "%.*e", precision, d);
    else
        (void)snprintf(text, sizeof(text), "%.*f", precision, d);
    buf_add_c(out, text);
    return true;
}

static bool format_base(struct cel_value v, char verb, struct buf *out)
{
    bool text = v.kind == CEL_STRING || v.kind == CEL_BYTES;
    const char *digits = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = verb == 'b' ? 2 : verb == 'o' ? 8 : 16;
    char reversed[65];
    size_t n = 0;
    if (text && base == 16) {
        for (size_t i = 0; i < v.s.n; i++) {
            buf_add_char(out, digits[(unsigned char)v.s.p[i] >> 4]);
            buf_add_char(out, digits[(unsigned char)v.s.p[i] & 15]);
        }
        return true;
    }
    if (v.kind == CEL_BOOL && base == 2) {
        buf_add_char(out, v.b ? '1' : '0');
        return true;
    }
    if (v.kind != CEL_INT && v.kind != CEL_UINT)
        return false;
    bool negative = v.kind == CEL_INT && v.i < 0;
    uint64_t u = v.kind == CEL_UINT ? v.u : negative ? 0 - (uint64_t)v.i : (uint64_t)v.i;
    do {
        reversed[n++] = digits[u % base];
        u /= base;
    } while (u > 0);
    buf_add_c(out, negative ? "-" : "");
    while (n > 0)
        buf_add_char(out, reversed[--n]);
    return true;
}

static bool format_one(struct cel_run *run, char verb, int precision, struct cel_value v,
                       struct buf *out)
{
    if (verb == 's')
        return format_plain(run, v, false, out);
    if (verb == 'd' || verb == 'f' || verb == 'e')
        return format_number(v, verb, precision, out);
    return format_base(v, verb, out);
}

/* The clause behind a '%' at *at; an error, or CEL_NULL. */
static struct cel_value format_clause(struct cel_run *run, struct str f, size_t *at,
                                      const struct cel_list *list, size_t *next, struct buf *out)
{
    int precision = 6;
    size_t i = *at + 1;
    if (i < f.n && f.p[i] == '%') {
        buf_add_char(out, '%');
        *at = i;
        return cel_null();
    }
    if (i < f.n && f.p[i] == '.') {
        precision = 0;
        for (i++; i < f.n && f.p[i] >= '0' && f.p[i] <= '9'; i++)
            precision = precision < 100 ? precision * 10 + (f.p[i] - '0') : precision;
    }
    if (i >= f.n)
        return cel_fail(run, "unexpected end of string");
    if (!char_in(f.p[i], "sdfebxXo"))
        return cel_fail(run, "unrecognized formatting clause \"%c\"", f.p[i]);
    if (*next >= list->n)
        return cel_fail(run, "index %zu out of range", *next);
    struct cel_value v = list->items[(*next)++];
    if (precision > 60)
        precision = 60;
    if (!format_one(run, f.p[i], precision, v, out))
        return cel_fail(run, "error during formatting: %%%c clause does not take %s", f.p[i],
                        cel_type_of_value(run->a, v)->name ? cel_type_of_value(run->a, v)->name
                                                           : "a container");
    *at = i;
    return cel_null();
}

static struct cel_value format(struct cel_run *run, const struct cel_node *node,
                               struct cel_value *args, size_t n)
{
    struct str f = args[0].s;
    struct buf b = {.max = RESULT_MAX};
    size_t next = 0;
    struct cel_value v = cel_null();
    (void)cel_list_items(run->a, args[1].list);
    for (size_t i = 0; i < f.n && !cel_is_error(v) && !run->over; i++) {
        if (f.p[i] == '%')
            v = format_clause(run, f, &i, args[1].list, &next, &b);
        else
            buf_add_char(&b, f.p[i]);
    }
    if (cel_is_error(v) || !pay(run, b.n) || b.overflow) {
        buf_free(&b);
        return cel_is_error(v) ? v : spent(run);
    }
    return cel_take(run, &b);
}

const struct cel_func cel_funcs_strings[] = {
    {".contains", "ss:b", look, COST_CONTAINS, CONTAINS},
    {".startsWith", "ss:b", look, COST_PREFIX, STARTS},
    {".endsWith", "ss:b", look, COST_PREFIX, ENDS},
    {".matches", "ss:b", matches, COST_MATCHES, 0},
    {"matches", "ss:b", matches, COST_ONE, 0},
    {".find", "ss:s", find, COST_FIND, 0},
    {".findAll", "ss:Ls|ssi:Ls", find_all, COST_FIND, 0},
    {".charAt", "si:s", char_at, COST_ONE, 0},
    {".substring", "si:s|sii:s", substring, COST_TEXT, 0},
    {".lowerAscii", "s:s", change_case, COST_TEXT, 0},
    {".upperAscii", "s:s", change_case, COST_TEXT, 1},
    {".replace", "sss:s|sssi:s", replace, COST_REPLACE, 0},
    {".split", "ss:Ls|ssi:Ls", split, COST_SPLIT, 0},
    {".join", "Ls:s|Lss:s", join, COST_JOIN, 0},
    {".trim", "s:s", trim, COST_TEXT, 0},
    {".format", "sLA:s", format, COST_FORMAT, 0},
    {"strings.quote", "s:s", quote, COST_QUOTE, 0},
    {0},
};
