/* The parser: precedence climbing over the tokens, with macros made into loops on the way.
 *
 * Recursion is bounded by CEL_DEPTH_MAX; after the first problem the parser gives up. */
#include "sim/kubeapi/cel/cel_internal.h"

#define EXPECTING                                                                                  \
    "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "       \
    "NUM_UINT, STRING, BYTES, IDENTIFIER}"

struct parser {
    struct cel_report *report;
    struct cel_token t; /* the next one */
    size_t at, end;     /* where it begins and ends */
    unsigned depth;
    bool failed;
};
/* Children of a node while they are being read. */
struct nodes {
    struct cel_node **at;
    bool *maybe;
    size_t n, cap;
    bool any_maybe;
};

static struct cel_node *parse_expr(struct parser *p);

/* ---- tokens ---- */

static struct cel_node *fail(struct parser *p, size_t at, const char *fmt, ...) printf_like(3, 4);
static struct cel_node *fail(struct parser *p, size_t at, const char *fmt, ...)
{
    struct buf b = {.max = 1024};
    va_list ap;
    if (!p->failed) {
        va_start(ap, fmt);
        buf_addv(&b, fmt, ap);
        va_end(ap);
        cel_problem(p->report, at, "%s", buf_c(&b));
        buf_free(&b);
    }
    p->failed = true;
    return NULL;
}

static void next(struct parser *p)
{
    struct str text = p->report->text;
    p->t = cel_lex(p->report->a, text, p->end);
    p->at = (size_t)(p->t.text.p - text.p);
    p->end = p->at + p->t.text.n;
    if (p->t.kind == TOKEN_BAD)
        fail(p, p->at, "Syntax error: " STR_FMT "'" STR_FMT "'", STR_ARG(p->t.value),
             STR_ARG(p->t.text));
}

static bool is(const struct parser *p, const char *op)
{
    return p->t.kind == TOKEN_OP && strcmp(p->t.op, op) == 0;
}

static bool take(struct parser *p, const char *op)
{
    if (p->failed || !is(p, op))
        return false;
    next(p);
    return true;
}

static struct str shown(const struct parser *p)
{
    return p->t.kind == TOKEN_END ? STR("<EOF>") : p->t.text;
}

static bool expect(struct parser *p, const char *op)
{
    if (take(p, op))
        return true;
    fail(p, p->at, "Syntax error: mismatched input '" STR_FMT "' expecting '%s'", STR_ARG(shown(p)),
         op);
    return false;
}

static bool enter(struct parser *p)
{
    if (++p->depth <= CEL_DEPTH_MAX)
        return true;
    fail(p, p->at, "expression recursion limit exceeded: %u", CEL_DEPTH_MAX);
    return false;
}

/* ---- nodes ---- */

static struct cel_node *node_new(struct parser *p, enum cel_op op, size_t at)
{
    struct cel_node *x = ARENA_NEW(p->report->a, struct cel_node);
    x->op = op;
    x->at = (uint32_t)at;
    return x;
}

static void nodes_add(struct parser *p, struct nodes *list, struct cel_node *x, bool maybe)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        struct cel_node **at = ARENA_NEW_ARRAY(p->report->a, struct cel_node *, cap);
        bool *flags = ARENA_NEW_ARRAY(p->report->a, bool, cap);
        if (list->n > 0) {
            memcpy(at, list->at, list->n * sizeof(*at));
            memcpy(flags, list->maybe, list->n);
        }
        list->at = at;
        list->maybe = flags;
        list->cap = cap;
    }
    list->any_maybe = list->any_maybe || maybe;
    list->maybe[list->n] = maybe;
    list->at[list->n++] = x;
}

/* The tree must not be deeper than what walks it can bear, however it came to be: by parentheses or by long chains. */
static struct cel_node *with(struct parser *p, struct cel_node *x, const struct nodes *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i]->depth >= x->depth)
            x->depth = (uint16_t)(list->at[i]->depth + 1);
    if (x->depth > CEL_TREE_DEPTH_MAX)
        return fail(p, x->at, "expression recursion limit exceeded: %u", CEL_TREE_DEPTH_MAX);
    x->args = list->at;
    x->n = list->n;
    x->maybe = list->any_maybe ? list->maybe : NULL;
    return x;
}

static struct cel_node *call(struct parser *p, const char *name, size_t at, struct cel_node *x,
                             struct cel_node *y, struct cel_node *z)
{
    struct cel_node *c = node_new(p, NODE_CALL, at);
    struct nodes list = {0};
    nodes_add(p, &list, x, false);
    if (y)
        nodes_add(p, &list, y, false);
    if (z)
        nodes_add(p, &list, z, false);
    c->name = str_c(name);
    return with(p, c, &list);
}

/* ---- literals ---- */

static struct cel_node *literal(struct parser *p, size_t at, struct cel_value v)
{
    struct cel_node *x = node_new(p, NODE_LITERAL, at);
    x->literal = v;
    return x;
}

static bool digits_value(struct str s, uint64_t *out)
{
    unsigned base = str_starts(s, STR("0x")) ? 16 : 10;
    uint64_t v = 0;
    for (size_t i = base == 16 ? 2 : 0; i < s.n && s.p[i] != 'u' && s.p[i] != 'U'; i++) {
        char c = s.p[i];
        unsigned d = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *out = v;
    return true;
}

static struct cel_node *number(struct parser *p, size_t at, bool negative)
{
    struct cel_value v = {.kind = CEL_INT};
    uint64_t u = 0;
    bool ok = true;
    if (p->t.kind == TOKEN_DOUBLE) {
        v.kind = CEL_DOUBLE;
        v.d = cel_parse_double(p->t.text, &ok);
        v.d = negative ? -v.d : v.d;
        if (!ok)
            return fail(p, at, "Syntax error: invalid double literal");
    } else if (p->t.kind == TOKEN_UINT) {
        v.kind = CEL_UINT;
        if (!digits_value(p->t.text, &v.u))
            return fail(p, at, "Syntax error: invalid uint literal");
    } else {
        if (!digits_value(p->t.text, &u) || u > (uint64_t)INT64_MAX + negative)
            return fail(p, at, "Syntax error: invalid int literal");
        v.i = negative ? (int64_t)(0 - u) : (int64_t)u;
    }
    next(p);
    return literal(p, at, v);
}

/* ---- macros ---- */

static bool loop_var(struct parser *p, const struct cel_node *x, struct str *out)
{
    if (x->op != NODE_NAME) {
        fail(p, x->at, "argument must be a simple name");
        return false;
    }
    *out = x->name;
    return true;
}

static const struct macro {
    const char *name;
    size_t args; /* without the target */
    enum cel_loop loop;
    size_t vars;
} macros[] = {
    {"all", 2, LOOP_ALL, 1},
    {"all", 3, LOOP_ALL, 2},
    {"exists", 2, LOOP_EXISTS, 1},
    {"exists", 3, LOOP_EXISTS, 2},
    {"exists_one", 2, LOOP_EXISTS_ONE, 1},
    {"existsOne", 2, LOOP_EXISTS_ONE, 1},
    {"existsOne", 3, LOOP_EXISTS_ONE, 2},
    {"map", 2, LOOP_MAP, 1},
    {"map", 3, LOOP_MAP, 1},
    {"filter", 2, LOOP_FILTER, 1},
    {"transformList", 3, LOOP_LIST, 2},
    {"transformList", 4, LOOP_LIST, 2},
    {"transformMap", 3, LOOP_TO_MAP, 2},
    {"transformMap", 4, LOOP_TO_MAP, 2},
    {"transformMapEntry", 3, LOOP_ENTRY, 2},
    {"transformMapEntry", 4, LOOP_ENTRY, 2},
    {"optMap", 2, LOOP_OPT_MAP, 1},
    {"optFlatMap", 2, LOOP_OPT_FLAT_MAP, 1},
};

static struct cel_node *loop(struct parser *p, const struct macro *m, struct str name, size_t at,
                             struct cel_node *target, const struct nodes *args)
{
    struct cel_node *x = node_new(p, NODE_LOOP, at);
    struct nodes list = {0};
    if (!loop_var(p, args->at[0], &x->name) ||
        (m->vars == 2 && !loop_var(p, args->at[1], &x->name2)))
        return NULL;
    if (m->vars == 2 && str_eq(x->name, x->name2))
        return fail(p, args->at[1]->at, "duplicate variable name: " STR_FMT, STR_ARG(x->name));
    x->loop = (uint8_t)m->loop;
    nodes_add(p, &list, target, false);
    for (size_t i = m->vars; i < args->n; i++)
        nodes_add(p, &list, args->at[i], false);
    return with(p, x, &list);
}

static struct cel_node *member_call(struct parser *p, struct cel_node *target, struct str name,
                                    size_t at, const struct nodes *args)
{
    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (str_eq_c(name, macros[i].name) && args->n == macros[i].args)
            return loop(p, &macros[i], name, at, target, args);
    struct cel_node *x = node_new(p, NODE_CALL, at);
    struct nodes list = {0};
    nodes_add(p, &list, target, false);
    for (size_t i = 0; i < args->n; i++)
        nodes_add(p, &list, args->at[i], false);
    x->name = name;
    x->member = true;
    return with(p, x, &list);
}

static struct cel_node *global_call(struct parser *p, struct str name, size_t at,
                                    const struct nodes *args)
{
    if (str_eq_c(name, "has") && args->n == 1) {
        struct cel_node *x = args->at[0];
        if (x->op != NODE_SELECT || x->optional)
            return fail(p, x->at, "invalid argument to has() macro");
        struct cel_node *h = node_new(p, NODE_HAS, at);
        *h = *x;
        h->op = NODE_HAS;
        h->at = (uint32_t)at;
        return h;
    }
    struct cel_node *x = node_new(p, NODE_CALL, at);
    x->name = name;
    return with(p, x, args);
}

/* ---- primaries ---- */

/* Up to the closing sign; the opening one has been taken. */
static bool parse_list(struct parser *p, const char *close, bool optionals, struct nodes *list)
{
    while (!p->failed && !is(p, close)) {
        bool maybe = optionals && take(p, "?");
        struct cel_node *x = parse_expr(p);
        if (!x)
            return false;
        nodes_add(p, list, x, maybe);
        if (!optionals && list->n > CEL_ARGS_MAX) {
            fail(p, x->at, "more than %u arguments", CEL_ARGS_MAX);
            return false;
        }
        if (!take(p, ","))
            break;
        if (!optionals && is(p, close)) /* only literals may end with a comma */
            return fail(p, p->at, "Syntax error: mismatched input '%s' " EXPECTING, close) != NULL;
    }
    return expect(p, close);
}

static struct cel_node *parse_map(struct parser *p, size_t at)
{
    struct nodes list = {0};
    while (!p->failed && !is(p, "}")) {
        bool maybe = take(p, "?");
        struct cel_node *key = parse_expr(p);
        if (!key || !expect(p, ":"))
            return NULL;
        struct cel_node *value = parse_expr(p);
        if (!value)
            return NULL;
        nodes_add(p, &list, key, maybe);
        nodes_add(p, &list, value, maybe);
        if (!take(p, ","))
            break;
    }
    return expect(p, "}") ? with(p, node_new(p, NODE_MAP, at), &list) : NULL;
}

static bool is_reserved(struct str name)
{
    static const char *const words[] = {
        "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
        "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_c(name, words[i]))
            return true;
    return false;
}

static struct cel_node *parse_name(struct parser *p)
{
    struct str name = p->t.text;
    size_t at = p->at;
    struct nodes args = {0};
    if (str_eq_c(name, "true") || str_eq_c(name, "false")) {
        next(p);
        return literal(p, at, cel_bool(str_eq_c(name, "true")));
    }
    if (str_eq_c(name, "null")) {
        next(p);
        return literal(p, at, cel_null());
    }
    if (str_eq_c(name, "in"))
        return fail(p, at, "Syntax error: mismatched input 'in' " EXPECTING);
    next(p);
    if (is_reserved(name))
        return fail(p, at, "reserved identifier: " STR_FMT, STR_ARG(name));
    if (is(p, "(")) {
        size_t open = p->at;
        next(p);
        return parse_list(p, ")", false, &args) ? global_call(p, name, open, &args) : NULL;
    }
    struct cel_node *x = node_new(p, NODE_NAME, at);
    x->name = name;
    return x;
}

static bool starts_primary(struct cel_token t)
{
    if (t.kind == TOKEN_OP)
        return strchr("[{(.-!", t.op[0]) != NULL && t.op[1] == '\0';
    return t.kind != TOKEN_END && t.kind != TOKEN_BAD;
}

static struct cel_node *parse_primary(struct parser *p)
{
    size_t at = p->at;
    struct nodes list = {0};
    struct cel_token t = p->t;
    if (p->failed)
        return NULL;
    if (t.kind == TOKEN_NAME)
        return parse_name(p);
    if (t.kind == TOKEN_INT || t.kind == TOKEN_UINT || t.kind == TOKEN_DOUBLE)
        return number(p, at, false);
    if (t.kind == TOKEN_STRING || t.kind == TOKEN_BYTES) {
        next(p);
        struct cel_value v = {.kind = t.kind == TOKEN_BYTES ? CEL_BYTES : CEL_STRING, .s = t.value};
        return literal(p, at, v);
    }
    if (take(p, "(")) {
        struct cel_node *x = parse_expr(p);
        return x && expect(p, ")") ? x : NULL;
    }
    if (take(p, "["))
        return parse_list(p, "]", true, &list) ? with(p, node_new(p, NODE_LIST, at), &list) : NULL;
    if (take(p, "{"))
        return parse_map(p, at);
    if (take(p, ".") && p->t.kind == TOKEN_NAME)
        return parse_name(p);
    struct cel_token after = cel_lex(p->report->a, p->report->text, p->end);
    bool extra = p->t.kind != TOKEN_END && starts_primary(after);
    return fail(p, p->at, "Syntax error: %s input '" STR_FMT "' " EXPECTING,
                extra ? "extraneous" : "mismatched", STR_ARG(shown(p)));
}

/* ---- selections, indexes, calls ---- */

static struct cel_node *parse_select(struct parser *p, struct cel_node *x, size_t dot)
{
    bool optional = take(p, "?");
    struct nodes args = {0};
    if (p->t.kind != TOKEN_NAME && p->t.kind != TOKEN_QUOTED)
        return fail(p, p->at, "Syntax error: no viable alternative at input '." STR_FMT "'",
                    STR_ARG(shown(p)));
    struct str name = p->t.value;
    bool quoted = p->t.kind == TOKEN_QUOTED;
    if (str_eq_c(name, "in") || str_eq_c(name, "true") || str_eq_c(name, "false") ||
        str_eq_c(name, "null"))
        return fail(p, p->at, "Syntax error: no viable alternative at input '." STR_FMT "'",
                    STR_ARG(name));
    next(p);
    if (is(p, "(") && !quoted && !optional) {
        size_t open = p->at;
        next(p);
        return parse_list(p, ")", false, &args) ? member_call(p, x, name, open, &args) : NULL;
    }
    struct cel_node *s = node_new(p, NODE_SELECT, dot);
    nodes_add(p, &args, x, false);
    s->name = name;
    s->optional = optional;
    return with(p, s, &args);
}

static struct cel_node *parse_member(struct parser *p)
{
    struct cel_node *x = parse_primary(p);
    while (x && !p->failed) {
        size_t at = p->at;
        if (take(p, ".")) {
            x = parse_select(p, x, at);
        } else if (take(p, "[")) {
            const char *name = take(p, "?") ? "_[?_]" : "_[_]";
            struct cel_node *i = parse_expr(p);
            x = i && expect(p, "]") ? call(p, name, at, x, i, NULL) : NULL;
        } else if (is(p, "{") && (x->op == NODE_NAME || x->op == NODE_SELECT)) {
            return fail(p, at, "undeclared reference to '" STR_FMT "' (in container '')",
                        STR_ARG(x->name));
        } else {
            break;
        }
    }
    return p->failed ? NULL : x;
}

static struct cel_node *parse_unary(struct parser *p)
{
    size_t at = p->at, n = 0;
    const char *sign = is(p, "!") ? "!" : is(p, "-") ? "-" : NULL;
    if (!sign)
        return parse_member(p);
    while (take(p, sign))
        n++;
    bool digits = p->t.kind == TOKEN_INT || p->t.kind == TOKEN_DOUBLE;
    struct cel_node *x;
    if (p->failed)
        return NULL;
    if (sign[0] == '-' && n == 1 && digits) {
        size_t end = p->end;
        struct cel_token after = cel_lex(p->report->a, p->report->text, end);
        if (!(after.kind == TOKEN_OP && strchr(".[", after.op[0]))) /* -1 is one literal */
            return number(p, at, true);
    }
    x = parse_member(p);
    if (!x || n % 2 == 0)
        return x;
    return call(p, sign[0] == '!' ? "!_" : "-_", at, x, NULL, NULL);
}

/* ---- operators ---- */

static const struct binary {
    const char *token, *name;
    int level; /* higher binds tighter */
} binaries[] = {
    {"||", "_||_", 1}, {"&&", "_&&_", 2}, {"<", "_<_", 3},   {"<=", "_<=_", 3}, {">=", "_>=_", 3},
    {">", "_>_", 3},   {"==", "_==_", 3}, {"!=", "_!=_", 3}, {"+", "_+_", 4},   {"-", "_-_", 4},
    {"*", "_*_", 5},   {"/", "_/_", 5},   {"%", "_%_", 5},
};

static const struct binary *binary_of(const struct parser *p)
{
    static const struct binary in = {"in", "@in", 3};
    if (p->t.kind == TOKEN_NAME && str_eq_c(p->t.text, "in"))
        return &in;
    for (size_t i = 0; p->t.kind == TOKEN_OP && i < ARRAY_LEN(binaries); i++)
        if (strcmp(p->t.op, binaries[i].token) == 0)
            return &binaries[i];
    return NULL;
}

static struct cel_node *parse_binary(struct parser *p, int level)
{
    if (level > 5)
        return parse_unary(p);
    struct cel_node *x = parse_binary(p, level + 1);
    while (x && !p->failed) {
        const struct binary *b = binary_of(p);
        size_t at = p->at;
        if (!b || b->level != level)
            break;
        next(p);
        struct cel_node *y = parse_binary(p, level + 1);
        x = y ? call(p, b->name, at, x, y, NULL) : NULL;
    }
    return p->failed ? NULL : x;
}

static struct cel_node *parse_expr(struct parser *p)
{
    struct cel_node *x = NULL;
    if (!p->failed && enter(p)) {
        x = parse_binary(p, 1);
        size_t at = p->at;
        if (x && take(p, "?")) {
            struct cel_node *yes = parse_binary(p, 1);
            struct cel_node *no = yes && expect(p, ":") ? parse_expr(p) : NULL;
            x = no ? call(p, "_?_:_", at, x, yes, no) : NULL;
        }
    }
    p->depth--;
    return p->failed ? NULL : x;
}

struct cel_node *cel_parse(struct cel_report *report)
{
    struct parser p = {.report = report};
    if (report->text.n > CEL_TEXT_MAX)
        return fail(&p, 0, "expression code point size exceeds limit: size: %zu, limit %u",
                    report->text.n, CEL_TEXT_MAX);
    next(&p);
    struct cel_node *x = parse_expr(&p);
    if (x && p.t.kind != TOKEN_END && !p.failed) {
        struct cel_token after = cel_lex(report->a, report->text, p.end);
        return fail(&p, p.at, "Syntax error: %s input '" STR_FMT "' expecting <EOF>",
                    after.kind == TOKEN_END ? "extraneous" : "mismatched", STR_ARG(shown(&p)));
    }
    return p.failed ? NULL : x;
}
