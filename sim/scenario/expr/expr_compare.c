/* Comparisons: what a bare word means beside something that is known, and what can be compared. */
#include "sim/scenario/expr/expr_resolve.h"

/* The texts that a side can have; NULL: any. */
static const struct expr_domain *domain_of(const struct resolver *r, const struct expr_node *n)
{
    return n->field ? names_domain(r, n->field->domain) : n->range;
}

static struct str side_name(const struct expr_node *n)
{
    return n->field ? str_c(n->field->name) : n->name;
}

/* Against a field with known values, a string must be one of them; against a parameter only what is written there: the
 * values of another parameter may well be others. */
static bool check_domain(struct resolver *r, const struct expr_node *literal,
                         const struct expr_node *other)
{
    const struct expr_domain *domain = domain_of(r, other);
    if (!other->field && literal->named)
        return true;
    if (!domain || literal->op != OP_CONST || literal->value.type != EXPR_STRING ||
        names_in_domain(domain, literal->value.s))
        return true;
    struct str word = literal->value.s;
    expr_fail(r->c, literal->offset, "\"" STR_FMT "\" is never \"" STR_FMT "\"" STR_FMT,
              STR_ARG(side_name(other)), STR_ARG(word),
              STR_ARG(diag_suggest_tail(r->c->arena, word, domain->values, domain->n)));
    return false;
}

static void become_string(struct expr_node *n)
{
    resolve_constant(n, (struct expr_value){EXPR_STRING, true, 0, n->name});
}

/* A bare word beside a string: a value of the other side's domain, else a name, else just text. */
static bool resolve_beside(struct resolver *r, struct expr_node *n, const struct expr_node *other)
{
    if (n->op != OP_NAME)
        return resolve_node(r, n);
    const struct expr_domain *domain = domain_of(r, other);
    if (other->type == EXPR_STRING && names_in_domain(domain, n->name))
        become_string(n);
    else if (names_lookup(r, n))
        return resolve_settle(r, n);
    else if (other->type == EXPR_STRING)
        become_string(n);
    else
        return resolve_name(r, n);
    return true;
}

static bool comparable(enum expr_op op, enum expr_type a, enum expr_type b)
{
    if ((resolve_is_number(a) && resolve_is_number(b)) ||
        (resolve_is_span(a) && resolve_is_span(b)))
        return true;
    return a == b && (op == OP_EQ || op == OP_NE);
}

/* Words such as site/a can only be text. */
static bool is_text(struct str word)
{
    return str_find_char(word, '/') >= 0 || str_find_char(word, '-') >= 0;
}

static bool resolve_sides(struct resolver *r, struct expr_node *n)
{
    struct expr_node *a = n->a, *b = n->b;
    bool a_is_word = a->op == OP_NAME && !names_lookup(r, a);
    if (a_is_word) { /* "site/a == peer": the other side tells what the word is */
        if (b->op == OP_NAME && !names_lookup(r, b)) {
            names_fail(r, is_text(a->name) ? b : a); /* what the other is cannot be told */
            return false;
        }
        bool ok = b->op == OP_FIELD || b->op == OP_ITEM ? resolve_settle(r, b) : resolve_node(r, b);
        if (ok && b->op == OP_CONST && b->value.type == EXPR_STRING && !b->named &&
            !r->in_constant) {
            names_fail(r, a); /* text beside text: the word was meant as a name */
            return false;
        }
        return ok && resolve_beside(r, a, b) && check_domain(r, a, b);
    }
    bool ok = a->op == OP_FIELD || a->op == OP_ITEM ? resolve_settle(r, a) : resolve_node(r, a);
    if (!ok) {
        if (b->op != OP_NAME)
            (void)resolve_node(r, b);
        return false;
    }
    if (!resolve_beside(r, b, a))
        return false;
    return a->type != EXPR_STRING || b->type != EXPR_STRING ||
           (check_domain(r, b, a) && check_domain(r, a, b));
}

bool resolve_window(struct resolver *r, struct expr_node *window)
{
    const struct expr_node *outer = r->window;
    r->window = NULL;
    bool ok = resolve_node(r, window) && resolve_want(r, window, EXPR_DURATION, "a window");
    r->window = outer;
    if (ok && (window->op != OP_CONST || window->value.i <= 0)) {
        expr_fail(r->c, window->offset, "a window is a fixed duration above zero, such as 1s");
        return false;
    }
    return ok;
}

static bool is_state(const struct expr_node *n)
{
    return n->op == OP_STATE || n->op == OP_REFERENCE_STATE;
}

/* state(X) == reference.state(X), in any order; `!=` is its negation. */
static bool resolve_states(struct resolver *r, struct expr_node *n)
{
    struct expr *e = r->e;
    bool equal = n->op == OP_EQ, fits = equal || n->op == OP_NE;
    if (!fits || n->c || !is_state(n->a) || !is_state(n->b) || n->a->op == n->b->op ||
        !str_eq(n->a->name, n->b->name)) {
        expr_fail(r->c, n->offset,
                  "states are compared with those of the faultless run: state(api/a) == "
                  "reference.state(api/a)");
        return false;
    }
    if (!e->scope->vocabulary || r->in_constant || e->states_n == EXPR_STATES_MAX) {
        expr_fail(r->c, n->offset,
                  e->states_n == EXPR_STATES_MAX
                      ? "too many states in one expression"
                      : "here only parameters, the matrix and the profile can be named");
        return false;
    }
    struct expr_node *same = equal ? n : n->a;
    *same = (struct expr_node){
        .op = OP_SAME_STATE, .type = EXPR_BOOL, .name = n->a->name, .offset = n->offset};
    e->states[e->states_n++] = same;
    e->uses_time = true;
    if (!equal)
        *n = (struct expr_node){
            .op = OP_NOT, .type = EXPR_BOOL, .a = same, .offset = same->offset, .next = n->next};
    return true;
}

bool resolve_comparison(struct resolver *r, struct expr_node *n)
{
    if (is_state(n->a) || is_state(n->b))
        return resolve_states(r, n);
    n->type = EXPR_BOOL;
    const struct expr_node *outer = r->window;
    bool outer_used = r->window_used;
    if (n->c) {
        if (!resolve_window(r, n->c))
            return false;
        r->window = n->c;
        r->window_used = false;
    }
    bool ok = resolve_sides(r, n);
    if (ok && !comparable(n->op, n->a->type, n->b->type))
        ok = resolve_fail_types(r, n, n->a, n->b);
    if (n->c) {
        if (ok && !r->window_used) {
            expr_fail(r->c, n->c->offset,
                      "\"within\" needs a record over time before it, as in distinct(writer.site)");
            ok = false;
        }
        r->window = outer;
        r->window_used = outer_used;
    }
    return ok;
}

bool resolve_in(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    bool ok = resolve_node(r, n->a);
    bool constant = ok && n->a->op == OP_CONST, found = false;
    for (struct expr_node *item = n->b; ok && item; item = item->next) {
        ok = resolve_beside(r, item, n->a) && check_domain(r, item, n->a);
        if (ok && !comparable(OP_EQ, n->a->type, item->type)) {
            expr_fail(r->c, item->offset, "the list has %s, but %s is looked for",
                      expr_type_name(item->type), expr_type_name(n->a->type));
            ok = false;
        }
        constant = constant && ok && item->op == OP_CONST;
        found = found || (constant && expr_compare(OP_EQ, &n->a->value, &item->value));
    }
    if (constant)
        resolve_constant(n, resolve_truth(found));
    return ok;
}
