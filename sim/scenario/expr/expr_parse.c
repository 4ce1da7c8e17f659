/* Tokens into a tree, by recursive descent; the grammar is in grammar.c. Nesting is bounded by EXPR_DEPTH_MAX. The first
 * mistake ends the expression: what follows would be guesses. */
#include "sim/scenario/expr/expr_internal.h"

struct parser {
    struct compilation *c;
    struct lexer lexer;
    struct token token;
    unsigned depth;
};

void expr_fail(struct compilation *c, size_t offset, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    diag_add(c->diags, place_inside(c->diags, c->at, offset), STR_FMT, STR_ARG(buf_str(&text)));
    buf_free(&text);
    c->failed = true;
}

static struct expr_node *expr_node_new(struct compilation *c, enum expr_op op, size_t offset)
{
    struct expr_node *n = ARENA_NEW(c->arena, struct expr_node);
    n->op = op;
    n->offset = (uint32_t)offset;
    if (++c->nodes == EXPR_NODES_MAX && !c->failed)
        expr_fail(c, offset, "the expression is too long");
    return n;
}

/* ---- tokens ---- */

static void advance(struct parser *p)
{
    p->token = lexer_next(&p->lexer);
    if (p->token.kind == TOKEN_BAD && !p->c->failed)
        expr_fail(p->c, p->token.offset, "\"" STR_FMT "\" %s", STR_ARG(p->token.text),
                  p->token.problem);
}

static bool at_mark(const struct parser *p, const char *mark)
{
    return p->token.kind == TOKEN_MARK && str_eq_c(p->token.text, mark);
}

static bool at_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && str_eq_c(p->token.text, word);
}

static bool take_mark(struct parser *p, const char *mark)
{
    bool there = at_mark(p, mark);
    if (there)
        advance(p);
    return there;
}

static bool take_word(struct parser *p, const char *word)
{
    bool there = at_word(p, word);
    if (there)
        advance(p);
    return there;
}

static struct expr_node *fail_expected(struct parser *p, const char *what)
{
    if (p->c->failed)
        return NULL;
    if (p->token.kind == TOKEN_END)
        expr_fail(p->c, p->token.offset, "expected %s, but the expression ends here", what);
    else
        expr_fail(p->c, p->token.offset, "expected %s, not \"" STR_FMT "\"", what,
                  STR_ARG(p->token.text));
    return NULL;
}

static bool expect(struct parser *p, const char *mark)
{
    if (take_mark(p, mark))
        return true;
    struct str what = arena_printf(p->c->arena, "\"%s\"", mark);
    fail_expected(p, what.p);
    return false;
}

static bool is_keyword(struct str word)
{
    static const char *const words[] = {"and", "or", "not", "in", "within", "where", "as"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_c(word, words[i]))
            return true;
    return false;
}

static struct expr_node *pair(struct parser *p, enum expr_op op, size_t offset, struct expr_node *a,
                              struct expr_node *b)
{
    BUG_ON(!a, "the left side is read before its operator");
    if (!b)
        return NULL;
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->a = a;
    n->b = b;
    return p->c->failed ? NULL : n;
}

static struct expr_node *parse_or(struct parser *p);
static struct expr_node *parse_sum(struct parser *p);

/* ---- calls ---- */

/* NAME [as NAME] [where COND] [: COND] */
static struct expr_node *parse_over(struct parser *p, enum expr_op op, size_t offset)
{
    if (p->token.kind != TOKEN_WORD || is_keyword(p->token.text))
        return fail_expected(p, "a collection");
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->name = n->alias = p->token.text;
    n->index = p->token.offset; /* of the collection's name, until it is resolved */
    advance(p);
    if (take_word(p, "as")) {
        if (p->token.kind != TOKEN_WORD || is_keyword(p->token.text))
            return fail_expected(p, "a name");
        n->alias = p->token.text;
        advance(p);
    }
    if (take_word(p, "where") && !(n->a = parse_or(p)))
        return NULL;
    if (op != OP_COUNT && take_mark(p, ":") && !(n->b = parse_or(p)))
        return NULL;
    if (op == OP_ALL && !n->b)
        return fail_expected(p, "\":\" and a condition: all(agent: connected)");
    if (op != OP_COUNT && op != OP_ALL && !n->a && !n->b)
        return fail_expected(p, "\"where\" and a condition");
    if (op == OP_COUNT && at_mark(p, ":"))
        return fail_expected(p, "\"where\"");
    return n;
}

/* EXPR [where COND], or for min and max several values. */
static struct expr_node *parse_aggregate(struct parser *p, enum expr_op op, size_t offset)
{
    struct expr_node *value = parse_or(p);
    bool takes_two = op == OP_MIN_OF || op == OP_MAX_OF;
    if (value && takes_two && at_mark(p, ",")) {
        while (value && take_mark(p, ","))
            value = pair(p, op == OP_MIN_OF ? OP_MIN : OP_MAX, offset, value, parse_or(p));
        return value;
    }
    if (!value)
        return NULL;
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->b = value;
    if (take_word(p, "where") && !(n->a = parse_or(p)))
        return NULL;
    return n;
}

/* values(agent.peer where connected) */
static struct expr_node *parse_values(struct parser *p, enum expr_op op, size_t offset)
{
    bool field = p->token.kind == TOKEN_WORD && str_find_char(p->token.text, '.') > 0;
    if (!field)
        return fail_expected(p, "a field of a collection, such as agent.peer");
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->name = p->token.text;
    n->index = p->token.offset;
    advance(p);
    if (take_word(p, "where") && !(n->a = parse_or(p)))
        return NULL;
    return n;
}

static struct expr_node *parse_unary_call(struct parser *p, enum expr_op op, size_t offset)
{
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->a = parse_or(p);
    return n->a ? n : NULL;
}

static struct expr_node *parse_rate(struct parser *p, enum expr_op op, size_t offset)
{
    struct expr_node *n = expr_node_new(p->c, op, offset);
    n->a = parse_or(p);
    if (!n->a || !expect(p, ","))
        return NULL;
    n->b = parse_or(p);
    return n->b ? n : NULL;
}

static const struct {
    const char *name;
    enum expr_op op;
    struct expr_node *(*parse)(struct parser *p, enum expr_op op, size_t offset);
} functions[] = {
    {"count", OP_COUNT, parse_over},
    {"exists", OP_EXISTS, parse_over},
    {"all", OP_ALL, parse_over},
    {"none", OP_NONE, parse_over},
    {"sum", OP_SUM, parse_aggregate},
    {"min", OP_MIN_OF, parse_aggregate},
    {"max", OP_MAX_OF, parse_aggregate},
    {"distinct", OP_DISTINCT, parse_aggregate},
    {"age", OP_AGE, parse_unary_call},
    {"known", OP_KNOWN, parse_unary_call},
    {"values", OP_VALUES, parse_values},
    {"rate", OP_RATE, parse_rate},
    {"time", OP_STEP_TIME, NULL},
    {"state", OP_STATE, NULL},
    {"reference.state", OP_REFERENCE_STATE, NULL},
};

/* time(NAME OF A STEP), state(TARGET): blanks, brackets and all. The lexer stands behind the parenthesis. */
static struct expr_node *parse_raw_call(struct parser *p, enum expr_op op)
{
    bool closed;
    struct token name = lexer_raw(&p->lexer, &closed);
    struct expr_node *n = expr_node_new(p->c, op, name.offset);
    n->name = name.text;
    advance(p);
    if (closed)
        return n;
    expr_fail(p->c, name.offset, "\")\" is missing behind the %s",
              op == OP_STEP_TIME ? "step's name" : "target");
    return NULL;
}

static struct expr_node *parse_call(struct parser *p, struct token name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(functions) && !str_eq_c(name.text, functions[i].name))
        i++;
    if (i == ARRAY_LEN(functions)) {
        struct str names[ARRAY_LEN(functions)];
        for (size_t j = 0; j < ARRAY_LEN(functions); j++)
            names[j] = str_c(functions[j].name);
        struct str tail = diag_suggest_tail(p->c->arena, name.text, names, ARRAY_LEN(names));
        expr_fail(p->c, name.offset, "unknown function \"" STR_FMT "\"" STR_FMT, STR_ARG(name.text),
                  STR_ARG(tail));
        return NULL;
    }
    if (!functions[i].parse)
        return parse_raw_call(p, functions[i].op);
    advance(p);
    struct expr_node *n = functions[i].parse(p, functions[i].op, name.offset);
    return n && expect(p, ")") ? n : NULL;
}

/* ---- values ---- */

static struct expr_node *parse_word(struct parser *p)
{
    struct token word = p->token;
    if (is_keyword(word.text))
        return fail_expected(p, "a value");
    /* A call's parenthesis is not taken yet: the lexer must stand right behind it. */
    advance(p);
    if (at_mark(p, "("))
        return parse_call(p, word);
    struct expr_node *n = expr_node_new(p->c, OP_NAME, word.offset);
    n->name = word.text;
    return n;
}

static struct expr_node *parse_enclosed(struct parser *p, const char *close, enum expr_op op)
{
    size_t offset = p->token.offset;
    advance(p);
    struct expr_node *inner = parse_or(p);
    if (!inner || !expect(p, close))
        return NULL;
    if (op != OP_SUBST)
        return inner;
    struct expr_node *n = expr_node_new(p->c, OP_SUBST, offset);
    n->a = inner;
    return n;
}

static struct expr_node *parse_primary(struct parser *p)
{
    if (p->token.kind == TOKEN_VALUE) {
        struct expr_node *n = expr_node_new(p->c, OP_CONST, p->token.offset);
        n->value = p->token.value;
        n->type = n->value.type;
        advance(p);
        return n;
    }
    if (p->token.kind == TOKEN_WORD)
        return parse_word(p);
    if (at_mark(p, "("))
        return parse_enclosed(p, ")", OP_NAME);
    if (at_mark(p, "${"))
        return parse_enclosed(p, "}", OP_SUBST);
    return fail_expected(p, "a value");
}

static struct expr_node *parse_unary(struct parser *p)
{
    size_t offset = p->token.offset, signs = 0;
    while (take_mark(p, "-"))
        signs++;
    struct expr_node *n = parse_primary(p);
    if (!n || signs % 2 == 0)
        return n;
    struct expr_node *negative = expr_node_new(p->c, OP_NEG, offset);
    negative->a = n;
    return negative;
}

static struct expr_node *parse_product(struct parser *p)
{
    struct expr_node *n = parse_unary(p);
    while (n && (at_mark(p, "*") || at_mark(p, "/"))) {
        enum expr_op op = at_mark(p, "*") ? OP_MUL : OP_DIV;
        size_t offset = p->token.offset;
        advance(p);
        n = pair(p, op, offset, n, parse_unary(p));
    }
    return n;
}

static struct expr_node *parse_sum(struct parser *p)
{
    struct expr_node *n = parse_product(p);
    while (n && (at_mark(p, "+") || at_mark(p, "-"))) {
        enum expr_op op = at_mark(p, "+") ? OP_ADD : OP_SUB;
        size_t offset = p->token.offset;
        advance(p);
        n = pair(p, op, offset, n, parse_product(p));
    }
    return n;
}

/* Names that begin with a collection's begin with another alias from here on, but where the collection is opened anew. */
static void rename(struct parser *p, struct expr_node *n, struct str from, struct str to)
{
    struct str head, tail;
    if (!n || (n->op >= OP_COUNT && str_eq(n->alias, from)))
        return;
    if (n->op == OP_NAME && str_cut(n->name, '.', &head, &tail) && str_eq(head, from))
        n->name = arena_printf(p->c->arena, STR_FMT "." STR_FMT, STR_ARG(to), STR_ARG(tail));
    rename(p, n->a, from, to);
    rename(p, n->b, from, to);
    rename(p, n->c, from, to);
    for (struct expr_node *item = n->op == OP_IN ? n->b->next : NULL; item; item = item->next)
        rename(p, item, from, to);
}

/* NAME's field under the alias. */
static struct expr_node *field_of(struct parser *p, const struct expr_node *values,
                                  struct str alias)
{
    struct str head, field;
    struct expr_node *n = expr_node_new(p->c, OP_NAME, values->index);
    (void)str_cut(values->name, '.', &head, &field);
    n->name = arena_printf(p->c->arena, STR_FMT "." STR_FMT, STR_ARG(alias), STR_ARG(field));
    return n;
}

/* An opening of the collection whose items also have to fulfil `further`. */
static struct expr_node *open_values(struct parser *p, enum expr_op op, struct expr_node *values,
                                     struct str alias, struct expr_node *further)
{
    struct expr_node *n = expr_node_new(p->c, op, values->offset);
    struct str field;
    (void)str_cut(values->name, '.', &n->name, &field);
    n->alias = alias;
    n->index = values->index;
    n->a = values->a ? pair(p, OP_AND, values->offset, values->a, further) : further;
    return p->c->failed ? NULL : n;
}

static struct expr_node *parse_list(struct parser *p, struct expr_node *a, size_t offset);

/* values(A.f where P) subset of values(B.g where Q) is short for
 * all(A where P and known(A.f): exists(B where Q and B.g == A.f)); of a list: ... : A.f in [...]). */
static struct expr_node *parse_subset(struct parser *p, struct expr_node *a)
{
    size_t offset = p->token.offset;
    struct str head, other = str_empty, field;
    if (!take_word(p, "subset") || !take_word(p, "of"))
        return fail_expected(p, "\"subset of\" behind values(...)");
    struct expr_node *b = at_mark(p, "[") ? NULL : parse_sum(p);
    if (!b && !at_mark(p, "["))
        return NULL;
    if (b && b->op != OP_VALUES) {
        expr_fail(p->c, b->offset, "\"subset of\" takes values(...) or a list [...]");
        return NULL;
    }
    (void)str_cut(a->name, '.', &head, &field);
    if (b)
        (void)str_cut(b->name, '.', &other, &field);
    struct str alias = str_eq(head, other) ? STR("one") : head;
    if (str_eq(head, other))
        rename(p, a->a, head, alias);
    struct expr_node *known = expr_node_new(p->c, OP_KNOWN, a->offset);
    known->a = field_of(p, a, alias);
    struct expr_node *each = open_values(p, OP_ALL, a, alias, known);
    if (!each)
        return NULL;
    if (b)
        each->b = open_values(p, OP_EXISTS, b, other,
                              pair(p, OP_EQ, offset, field_of(p, b, other), field_of(p, a, alias)));
    else
        each->b = parse_list(p, field_of(p, a, alias), offset);
    return each->b ? each : NULL;
}

static struct expr_node *parse_list(struct parser *p, struct expr_node *a, size_t offset)
{
    if (!expect(p, "["))
        return NULL;
    struct expr_node *n = expr_node_new(p->c, OP_IN, offset);
    n->a = a;
    struct expr_node **end = &n->b;
    do {
        struct expr_node *item = parse_sum(p);
        if (!item)
            return NULL;
        *end = item;
        end = &item->next;
    } while (take_mark(p, ","));
    return expect(p, "]") ? n : NULL;
}

static bool at_comparison(const struct parser *p, enum expr_op *op)
{
    static const struct {
        const char *mark;
        enum expr_op op;
    } operators[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},
                     {"<=", OP_LE}, {">", OP_GT},  {">=", OP_GE}};
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (at_mark(p, operators[i].mark)) {
            *op = operators[i].op;
            return true;
        }
    }
    return false;
}

static struct expr_node *parse_comparison(struct parser *p)
{
    struct expr_node *n = parse_sum(p);
    if (!n)
        return NULL;
    enum expr_op op;
    size_t offset = p->token.offset;
    if (n->op == OP_VALUES)
        return parse_subset(p, n);
    if (take_word(p, "in"))
        return parse_list(p, n, offset);
    if (!at_comparison(p, &op))
        return n;
    advance(p);
    n = pair(p, op, offset, n, parse_sum(p));
    if (n && at_comparison(p, &op)) {
        expr_fail(p->c, p->token.offset, "comparisons do not chain; join them with \"and\"");
        return NULL;
    }
    if (n && take_word(p, "within") && !(n->c = parse_sum(p)))
        return NULL;
    return n;
}

static struct expr_node *parse_not(struct parser *p)
{
    size_t offset = p->token.offset, nots = 0;
    while (take_word(p, "not"))
        nots++;
    struct expr_node *n = parse_comparison(p);
    if (!n || nots % 2 == 0)
        return n;
    struct expr_node *negated = expr_node_new(p->c, OP_NOT, offset);
    negated->a = n;
    return negated;
}

static struct expr_node *parse_and(struct parser *p)
{
    struct expr_node *n = parse_not(p);
    size_t offset = p->token.offset;
    while (n && take_word(p, "and")) {
        n = pair(p, OP_AND, offset, n, parse_not(p));
        offset = p->token.offset;
    }
    return n;
}

static struct expr_node *parse_or(struct parser *p)
{
    if (++p->depth > EXPR_DEPTH_MAX) {
        expr_fail(p->c, p->token.offset, "nested too deeply");
        return NULL;
    }
    struct expr_node *n = parse_and(p);
    size_t offset = p->token.offset;
    while (n && take_word(p, "or")) {
        n = pair(p, OP_OR, offset, n, parse_and(p));
        offset = p->token.offset;
    }
    p->depth--;
    return p->c->failed ? NULL : n;
}

struct expr_node *expr_parse(struct compilation *c)
{
    struct parser p = {.c = c, .lexer = {.text = c->text, .arena = c->arena}};
    advance(&p);
    if (p.token.kind == TOKEN_END) {
        expr_fail(c, 0, "the expression is empty");
        return NULL;
    }
    struct expr_node *n = parse_or(&p);
    if (n && p.token.kind != TOKEN_END)
        return fail_expected(&p, "an operator or the end");
    return n;
}
