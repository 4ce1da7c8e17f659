/* The filter of traces: parsed by descent into nodes of an arena. */
#include "sim/trace/filter.h"

#include "engine/base/timefmt.h"

enum node_kind { NODE_TRUE, NODE_AND, NODE_OR, NODE_NOT, NODE_TERM };
enum filter_field { FIELD_TIME, FIELD_COMPONENT, FIELD_KIND, FIELD_KEY, FIELD_TEXT, FIELD_COUNT };
enum op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_COUNT };

struct trace_filter {
    enum node_kind kind;
    const struct trace_filter *left, *right;
    enum filter_field field;
    enum op op;
    struct str pattern;
    int64_t time_ns;
};

static const char *const field_names[FIELD_COUNT] = {"time", "component", "kind", "key", "text"};
static const char *const op_names[OP_COUNT] = {
    "=", "!=", "<=", ">=", "<", ">"}; /* long ones first */

struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth, terms;
    struct err *err;
};

/* ---- words ---- */

static struct trace_filter *node_new(struct parser *p, enum node_kind kind,
                                     const struct trace_filter *left,
                                     const struct trace_filter *right)
{
    struct trace_filter *f = ARENA_NEW(p->arena, struct trace_filter);
    f->kind = kind;
    f->left = left;
    f->right = right;
    return f;
}

static const struct trace_filter *give_up(struct parser *p, size_t at, const char *what)
{
    if (!p->err)
        p->err = err_new(ERR_INVALID, "column %zu: %s", at + 1, what);
    return node_new(p, NODE_TRUE, NULL, NULL);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static char peek(struct parser *p)
{
    while (p->at < p->text.n && is_blank(p->text.p[p->at]))
        p->at++;
    return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The word that stands next, without taking it. */
static struct str next_word(struct parser *p)
{
    (void)peek(p);
    size_t n = 0;
    while (p->at + n < p->text.n && is_word_char(p->text.p[p->at + n]))
        n++;
    return str_sub(p->text, p->at, n);
}

static bool take_word(struct parser *p, const char *word)
{
    struct str next = next_word(p);
    if (!str_eq_c(next, word))
        return false;
    p->at += next.n;
    return true;
}

/* Bare: up to a blank or a parenthesis. */
static struct str take_pattern(struct parser *p)
{
    char quote = peek(p);
    size_t from = p->at;
    if (quote == '"' || quote == '\'') {
        for (p->at++; p->at < p->text.n && p->text.p[p->at] != quote;)
            p->at++;
        struct str inner = str_sub(p->text, from + 1, p->at - from - 1);
        if (p->at == p->text.n)
            (void)give_up(p, from, "the quote is not closed");
        else
            p->at++;
        return inner;
    }
    while (p->at < p->text.n && !is_blank(p->text.p[p->at]) && p->text.p[p->at] != '(' &&
           p->text.p[p->at] != ')')
        p->at++;
    return str_sub(p->text, from, p->at - from);
}

/* ---- terms ---- */

static bool take_field(struct parser *p, enum filter_field *out)
{
    struct str word = next_word(p);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (str_eq_c(word, field_names[i])) {
            p->at += word.n;
            *out = (enum filter_field)i;
            return true;
        }
    (void)give_up(
        p, p->at,
        "expected time, component, kind, key or text, and what it shall be: component=site/a/* "
        "kind=tunnel.* time>=10m");
    return false;
}

static bool take_op(struct parser *p, enum filter_field field, enum op *out)
{
    (void)peek(p);
    for (size_t i = 0; i < OP_COUNT; i++) {
        struct str op = str_c(op_names[i]);
        if (!str_starts(str_sub(p->text, p->at, op.n), op))
            continue;
        if (field != FIELD_TIME && i > OP_NE) {
            (void)give_up(p, p->at, "texts are compared with = and != only");
            return false;
        }
        p->at += op.n;
        *out = (enum op)i;
        return true;
    }
    (void)give_up(p, p->at,
                  field == FIELD_TIME ? "expected one of = != < <= > >=" : "expected = or !=");
    return false;
}

static const struct trace_filter *parse_term(struct parser *p)
{
    struct trace_filter *f = node_new(p, NODE_TERM, NULL, NULL);
    if (++p->terms > TRACE_FILTER_TERMS_MAX)
        return give_up(p, p->at, "too many terms");
    if (!take_field(p, &f->field) || !take_op(p, f->field, &f->op))
        return f;
    (void)peek(p);
    size_t at = p->at;
    f->pattern = take_pattern(p);
    if (f->field == FIELD_TIME && !duration_parse(f->pattern, &f->time_ns))
        return give_up(p, at, "expected a time since the start, such as 12m30s");
    return f;
}

static const struct trace_filter *parse_or(struct parser *p);

static const struct trace_filter *parse_one(struct parser *p)
{
    bool negated = false;
    while (take_word(p, "not"))
        negated = !negated;
    const struct trace_filter *f;
    if (peek(p) == '(') {
        size_t open = p->at++;
        if (++p->depth > TRACE_FILTER_DEPTH_MAX)
            return give_up(p, open, "nested too deeply");
        f = parse_or(p);
        p->depth--;
        if (!p->err && peek(p) != ')')
            return give_up(p, open, "the parenthesis is not closed");
        p->at++;
    } else {
        f = parse_term(p);
    }
    return negated ? node_new(p, NODE_NOT, f, NULL) : f;
}

static const struct trace_filter *parse_and(struct parser *p)
{
    const struct trace_filter *f = parse_one(p);
    while (!p->err) {
        bool said = take_word(p, "and");
        char next = peek(p);
        if (!said && (next == '\0' || next == ')' || str_eq_c(next_word(p), "or")))
            break;
        f = node_new(p, NODE_AND, f, parse_one(p));
    }
    return f;
}

static const struct trace_filter *parse_or(struct parser *p)
{
    const struct trace_filter *f = parse_and(p);
    while (!p->err && take_word(p, "or"))
        f = node_new(p, NODE_OR, f, parse_and(p));
    return f;
}

struct err *trace_filter_compile(struct arena *a, struct str text, const struct trace_filter **out)
{
    struct parser p = {.arena = a, .text = text};
    const struct trace_filter *f =
        peek(&p) == '\0' ? node_new(&p, NODE_TRUE, NULL, NULL) : parse_or(&p);
    if (!p.err && peek(&p) != '\0')
        (void)give_up(&p, p.at, "this parenthesis was not opened");
    if (!p.err)
        *out = f;
    return p.err;
}

/* ---- matching ---- */

/* Steps back to the last * only: linear for a pattern with one, at worst pattern times text. */
bool trace_glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool time_holds(const struct trace_filter *f, int64_t at)
{
    switch (f->op) {
    case OP_EQ:
        return at == f->time_ns;
    case OP_NE:
        return at != f->time_ns;
    case OP_LE:
        return at <= f->time_ns;
    case OP_GE:
        return at >= f->time_ns;
    case OP_LT:
        return at < f->time_ns;
    default:
        return at > f->time_ns;
    }
}

static bool term_holds(const struct trace_filter *f, const struct sim_trace_record *rec)
{
    char scratch[24];
    struct str text;
    switch (f->field) {
    case FIELD_TIME:
        return time_holds(f, rec->at);
    case FIELD_COMPONENT:
        text = rec->component;
        break;
    case FIELD_KIND:
        text = trace_kind(rec);
        break;
    case FIELD_KEY:
        text = trace_key(rec, scratch);
        break;
    default:
        text = trace_text(rec);
        break;
    }
    return trace_glob(f->pattern, text) == (f->op == OP_EQ);
}

/* The depth is bounded: by that of parentheses, and by the number of terms. */
bool trace_filter_holds(const struct trace_filter *f, const struct sim_trace_record *rec)
{
    switch (f->kind) {
    case NODE_TRUE:
        return true;
    case NODE_AND:
        return trace_filter_holds(f->left, rec) && trace_filter_holds(f->right, rec);
    case NODE_OR:
        return trace_filter_holds(f->left, rec) || trace_filter_holds(f->right, rec);
    case NODE_NOT:
        return !trace_filter_holds(f->left, rec);
    default:
        return term_holds(f, rec);
    }
}
