/* Names into meanings, types checked from the leaves up, constants folded. Goes on behind a mistake, so that one pass
 * finds several. */
#include "sim/scenario/expr/expr_names.h"

static bool resolve(struct resolver *r, struct expr_node *n);

static bool is_number(enum expr_type t)
{
    return t == EXPR_INT || t == EXPR_RATIO;
}

static bool is_span(enum expr_type t)
{
    return t == EXPR_DURATION || t == EXPR_TIME;
}

static struct str op_text(enum expr_op op)
{
    static const char *const texts[] = {
        [OP_ADD] = "+",   [OP_SUB] = "-", [OP_MUL] = "*",   [OP_DIV] = "/",   [OP_EQ] = "==",
        [OP_NE] = "!=",   [OP_LT] = "<",  [OP_LE] = "<=",   [OP_GT] = ">",    [OP_GE] = ">=",
        [OP_AND] = "and", [OP_OR] = "or", [OP_MIN] = "min", [OP_MAX] = "max", [OP_DISTINCT] = "",
    };
    return str_c(texts[op]);
}

static bool fail_types(struct resolver *r, const struct expr_node *n, const struct expr_node *a,
                       const struct expr_node *b)
{
    const char *hint = "";
    bool spans = is_span(a->type) || is_span(b->type);
    if (spans && (a->type == EXPR_INT || b->type == EXPR_INT))
        hint = "; a duration needs a unit: 5s";
    expr_fail(r->c, n->offset, "\"" STR_FMT "\" does not take %s and %s%s", STR_ARG(op_text(n->op)),
              expr_type_name(a->type), expr_type_name(b->type), hint);
    return false;
}

static bool want_type(struct resolver *r, const struct expr_node *n, enum expr_type type,
                      const char *where)
{
    if (n->type == type)
        return true;
    expr_fail(r->c, n->offset, "%s takes %s, not %s", where, expr_type_name(type),
              expr_type_name(n->type));
    return false;
}

/* ---- folding ---- */

static bool is_constant(const struct expr_node *n)
{
    return !n || n->op == OP_CONST;
}

static void become_constant(struct expr_node *n, struct expr_value value)
{
    n->op = OP_CONST;
    n->value = value;
    n->type = value.type;
    n->a = n->b = n->c = NULL;
}

static struct expr_value boolean(bool holds)
{
    return (struct expr_value){EXPR_BOOL, true, holds, str_empty};
}

static bool holds(const struct expr_node *n)
{
    return n->value.known && n->value.i;
}

static void fold(struct expr_node *n)
{
    if (!is_constant(n->a) || !is_constant(n->b))
        return;
    if (n->op == OP_NOT)
        become_constant(n, boolean(!holds(n->a)));
    else if (n->op == OP_AND)
        become_constant(n, boolean(holds(n->a) && holds(n->b)));
    else if (n->op == OP_OR)
        become_constant(n, boolean(holds(n->a) || holds(n->b)));
    else if (n->op == OP_KNOWN)
        become_constant(n, boolean(n->a->value.known));
    else if (n->op >= OP_EQ && n->op <= OP_GE)
        become_constant(n, boolean(expr_compare(n->op, &n->a->value, &n->b->value)));
    else if (n->op >= OP_ADD && n->op <= OP_MAX)
        become_constant(n, expr_arith(n->op, n->type, &n->a->value, &n->b->value));
    else if (n->op == OP_NEG)
        become_constant(n, expr_arith(OP_NEG, n->type, &n->a->value, NULL));
}

/* ---- names ---- */

/* A name that was found is used as a plain value: not so a record over time. */
static bool settle(struct resolver *r, struct expr_node *n)
{
    if (!n->field || !(n->field->flags & EXPR_HISTORY))
        return true;
    expr_fail(r->c, n->offset, "\"%s\" is a record over time: write distinct(%s) ... within 1s",
              n->field->name, n->field->name);
    return false;
}

static bool resolve_name(struct resolver *r, struct expr_node *n)
{
    if (names_lookup(r, n))
        return settle(r, n);
    names_fail(r, n);
    return false;
}

/* ---- comparisons ---- */

/* Against a field with known values, a string must be one of them. */
static bool check_domain(struct resolver *r, const struct expr_node *literal,
                         const struct expr_node *other)
{
    const struct expr_domain *domain = other->field ? names_domain(r, other->field->domain) : NULL;
    if (!domain || literal->op != OP_CONST || literal->value.type != EXPR_STRING ||
        names_in_domain(domain, literal->value.s))
        return true;
    struct str word = literal->value.s;
    expr_fail(r->c, literal->offset, "\"%s\" is never \"" STR_FMT "\"" STR_FMT, other->field->name,
              STR_ARG(word),
              STR_ARG(diag_suggest_tail(r->c->arena, word, domain->values, domain->n)));
    return false;
}

static void become_string(struct expr_node *n)
{
    become_constant(n, (struct expr_value){EXPR_STRING, true, 0, n->name});
}

/* A bare word beside a string: a value of the other side's domain, else a name, else just text. */
static bool resolve_beside(struct resolver *r, struct expr_node *n, const struct expr_node *other)
{
    if (n->op != OP_NAME)
        return resolve(r, n);
    const struct expr_domain *domain = other->field ? names_domain(r, other->field->domain) : NULL;
    if (other->type == EXPR_STRING && names_in_domain(domain, n->name))
        become_string(n);
    else if (names_lookup(r, n))
        return settle(r, n);
    else if (other->type == EXPR_STRING)
        become_string(n);
    else
        return resolve_name(r, n);
    return true;
}

static bool comparable(enum expr_op op, enum expr_type a, enum expr_type b)
{
    if ((is_number(a) && is_number(b)) || (is_span(a) && is_span(b)))
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
        bool ok = b->op == OP_FIELD || b->op == OP_ITEM ? settle(r, b) : resolve(r, b);
        if (ok && b->op == OP_CONST && b->value.type == EXPR_STRING && !r->in_constant) {
            names_fail(r, a); /* text beside text: the word was meant as a name */
            return false;
        }
        return ok && resolve_beside(r, a, b) && check_domain(r, a, b);
    }
    bool ok = a->op == OP_FIELD || a->op == OP_ITEM ? settle(r, a) : resolve(r, a);
    if (!ok) {
        if (b->op != OP_NAME)
            (void)resolve(r, b);
        return false;
    }
    if (!resolve_beside(r, b, a))
        return false;
    return a->type != EXPR_STRING || b->type != EXPR_STRING ||
           (check_domain(r, b, a) && check_domain(r, a, b));
}

static bool resolve_window(struct resolver *r, struct expr_node *window)
{
    const struct expr_node *outer = r->window;
    r->window = NULL;
    bool ok = resolve(r, window) && want_type(r, window, EXPR_DURATION, "a window");
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

static bool resolve_comparison(struct resolver *r, struct expr_node *n)
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
        ok = fail_types(r, n, n->a, n->b);
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

static bool resolve_in(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    bool ok = resolve(r, n->a);
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
        become_constant(n, boolean(found));
    return ok;
}

/* ---- arithmetic ---- */

static bool arith_type(enum expr_op op, enum expr_type a, enum expr_type b, enum expr_type *out)
{
    bool numbers = is_number(a) && is_number(b), spans = is_span(a) && is_span(b);
    enum expr_type number = a == EXPR_INT && b == EXPR_INT ? EXPR_INT : EXPR_RATIO;
    bool times = a == EXPR_TIME || b == EXPR_TIME;
    switch (op) {
    case OP_ADD:
        *out = numbers ? number : times ? EXPR_TIME : EXPR_DURATION;
        return numbers || (spans && !(a == EXPR_TIME && b == EXPR_TIME));
    case OP_SUB:
        *out = numbers ? number : a == b ? EXPR_DURATION : EXPR_TIME;
        return numbers || (spans && !(a == EXPR_DURATION && b == EXPR_TIME));
    case OP_MUL:
        *out = numbers ? number : EXPR_DURATION;
        return numbers || (a == EXPR_DURATION && is_number(b)) ||
               (is_number(a) && b == EXPR_DURATION);
    case OP_DIV:
        *out = a == EXPR_DURATION && is_number(b) ? EXPR_DURATION : EXPR_RATIO;
        return numbers || (a == EXPR_DURATION && (is_number(b) || b == EXPR_DURATION));
    default: /* min, max */
        *out = numbers ? number : times ? EXPR_TIME : EXPR_DURATION;
        return numbers || spans;
    }
}

static bool resolve_arith(struct resolver *r, struct expr_node *n)
{
    bool ok = resolve(r, n->a);
    ok = resolve(r, n->b) && ok;
    if (!ok)
        return false;
    if (!arith_type(n->op, n->a->type, n->b->type, &n->type))
        return fail_types(r, n, n->a, n->b);
    return true;
}

static bool resolve_neg(struct resolver *r, struct expr_node *n)
{
    if (!resolve(r, n->a))
        return false;
    n->type = n->a->type;
    if (is_number(n->type) || n->type == EXPR_DURATION)
        return true;
    expr_fail(r->c, n->offset, "\"-\" does not take %s", expr_type_name(n->type));
    return false;
}

static bool resolve_logic(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    const char *where = n->op == OP_AND ? "\"and\"" : n->op == OP_OR ? "\"or\"" : "\"not\"";
    bool ok = resolve(r, n->a) && want_type(r, n->a, EXPR_BOOL, where);
    if (n->b)
        ok = resolve(r, n->b) && want_type(r, n->b, EXPR_BOOL, where) && ok;
    return ok;
}

/* ---- functions ---- */

static bool resolve_age(struct resolver *r, struct expr_node *n)
{
    r->e->uses_time = true;
    n->type = EXPR_DURATION;
    return resolve(r, n->a) && want_type(r, n->a, EXPR_TIME, "age()");
}

static bool resolve_known(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    return resolve(r, n->a);
}

static bool resolve_rate(struct resolver *r, struct expr_node *n)
{
    r->e->uses_time = true;
    if (!resolve(r, n->a) || !resolve_window(r, n->b))
        return false;
    const struct expr_vocabulary *v = r->e->scope->vocabulary;
    if (n->a->op != OP_GLOBAL || !(v->globals[n->a->index].flags & EXPR_COUNTER)) {
        expr_fail(r->c, n->a->offset, "rate() takes a counter, such as manager.handshakes");
        return false;
    }
    n->type = EXPR_INT;
    n->index = n->a->index;
    n->value = n->b->value;
    return true;
}

static bool resolve_step_time(struct resolver *r, struct expr_node *n)
{
    const struct expr_scope *scope = r->e->scope;
    n->type = EXPR_TIME;
    for (size_t i = 0; i < scope->steps_n; i++) {
        if (str_eq(n->name, scope->steps[i])) {
            n->index = (uint32_t)i;
            names_depend(r, EXPR_DEP_STEP, n->index, 0);
            return true;
        }
    }
    expr_fail(r->c, n->offset, "unknown step \"" STR_FMT "\"" STR_FMT, STR_ARG(n->name),
              STR_ARG(diag_suggest_tail(r->c->arena, n->name, scope->steps, scope->steps_n)));
    return false;
}

/* ---- collections ---- */

static bool open_collection(struct resolver *r, struct expr_node *n, struct opening opening)
{
    if (r->open_n == EXPR_VARS_MAX) {
        expr_fail(r->c, n->offset, "at most %u collections can be open at once", EXPR_VARS_MAX);
        return false;
    }
    n->var = r->open_n;
    r->open[r->open_n++] = opening;
    return true;
}

static bool resolve_quantified(struct resolver *r, struct expr_node *n)
{
    n->type = n->op == OP_COUNT ? EXPR_INT : EXPR_BOOL;
    const struct expr_vocabulary *v = r->e->scope->vocabulary;
    if (!v || r->in_constant) {
        expr_fail(r->c, n->offset, "here only parameters, the matrix and the profile can be named");
        return false;
    }
    if (!names_collection(r, n->name, &n->collection)) {
        struct str names[EXPR_NODES_MAX];
        size_t count = 0;
        for (size_t i = 0; i < v->collections_n && i < ARRAY_LEN(names); i++)
            names[count++] = str_c(v->collections[i].name);
        expr_fail(r->c, n->index, "unknown collection \"" STR_FMT "\"" STR_FMT, STR_ARG(n->name),
                  STR_ARG(diag_suggest_tail(r->c->arena, n->name, names, count)));
        return false;
    }
    if (!open_collection(r, n, (struct opening){n->collection, n->alias}))
        return false;
    names_depend(r, EXPR_DEP_ITEMS, n->collection, 0);
    bool ok = true;
    if (n->a)
        ok = resolve(r, n->a) && want_type(r, n->a, EXPR_BOOL, "\"where\"");
    if (n->b)
        ok = resolve(r, n->b) && want_type(r, n->b, EXPR_BOOL, "\":\"") && ok;
    r->open_n--;
    return ok;
}

/* distinct(writer.site): the field of an open item that is a record over time. */
static bool resolve_history(struct resolver *r, struct expr_node *n, const struct expr_node *field)
{
    if (!r->window) {
        expr_fail(r->c, n->offset, "\"%s\" is a record over time: write distinct(%s) ... within 1s",
                  field->field->name, field->field->name);
        return false;
    }
    r->window_used = true;
    r->e->uses_time = true;
    n->op = OP_HISTORY;
    n->type = EXPR_INT;
    n->var = field->var;
    n->alias = field->alias;
    n->collection = field->collection;
    n->index = field->index;
    n->field = NULL;
    n->name = str_c(field->field->name);
    n->value = r->window->value;
    n->a = n->b = NULL;
    return true;
}

static const char *aggregate_name(enum expr_op op)
{
    return op == OP_SUM ? "sum" : op == OP_MIN_OF ? "min" : op == OP_MAX_OF ? "max" : "distinct";
}

static bool check_aggregate(struct resolver *r, struct expr_node *n)
{
    const char *name = aggregate_name(n->op);
    if (r->open[n->var].collection == NAMES_NOT_BOUND) {
        expr_fail(r->c, n->b->offset,
                  "%s() needs a field of a collection, such as %s(agent.restarts)", name, name);
        return false;
    }
    n->collection = r->open[n->var].collection;
    n->name = n->alias = r->open[n->var].alias;
    n->type = n->op == OP_DISTINCT ? EXPR_INT : n->b->type;
    enum expr_type t = n->b->type;
    bool fits = n->op == OP_DISTINCT || is_number(t) || t == EXPR_DURATION ||
                (t == EXPR_TIME && n->op != OP_SUM);
    if (!fits)
        expr_fail(r->c, n->b->offset, "%s() does not take %s", name, expr_type_name(t));
    return fits;
}

static bool resolve_aggregate(struct resolver *r, struct expr_node *n)
{
    if (!open_collection(r, n, (struct opening){NAMES_NOT_BOUND, str_empty}))
        return false;
    bool ok = n->b->op == OP_NAME ? names_lookup(r, n->b) : resolve(r, n->b);
    if (!ok && n->b->op == OP_NAME)
        names_fail(r, n->b);
    const struct expr_node *field = n->b;
    bool record = ok && field->op == OP_FIELD && (field->field->flags & EXPR_HISTORY);
    if (record && n->op == OP_DISTINCT && field->var != n->var && !n->a) {
        r->open_n--;
        return resolve_history(r, n, field);
    }
    if (record && field->var == n->var)
        expr_fail(r->c, n->offset,
                  "\"%s\" is a record of one item: use it inside exists(" STR_FMT " where ...)",
                  field->field->name, STR_ARG(r->open[n->var].alias));
    else if (record)
        (void)settle(r, n->b);
    ok = ok && !record && check_aggregate(r, n);
    if (ok && n->a)
        ok = resolve(r, n->a) && want_type(r, n->a, EXPR_BOOL, "\"where\"");
    r->open_n--;
    return ok;
}

/* ---- the tree ---- */

static bool resolve_subst(struct resolver *r, struct expr_node *n)
{
    bool outer = r->in_constant;
    r->in_constant = true;
    bool ok = resolve(r, n->a);
    r->in_constant = outer;
    if (!ok)
        return false;
    if (n->a->op != OP_CONST) {
        expr_fail(r->c, n->offset, "${...} takes parameters only, not what happens in the run");
        return false;
    }
    become_constant(n, n->a->value);
    return true;
}

static bool resolve_kind(struct resolver *r, struct expr_node *n)
{
    switch (n->op) {
    case OP_NAME:
        return resolve_name(r, n);
    case OP_SUBST:
        return resolve_subst(r, n);
    case OP_NOT:
    case OP_AND:
    case OP_OR:
        return resolve_logic(r, n);
    case OP_NEG:
        return resolve_neg(r, n);
    case OP_IN:
        return resolve_in(r, n);
    case OP_AGE:
        return resolve_age(r, n);
    case OP_KNOWN:
        return resolve_known(r, n);
    case OP_RATE:
        return resolve_rate(r, n);
    case OP_STEP_TIME:
        return resolve_step_time(r, n);
    case OP_STATE:
    case OP_REFERENCE_STATE:
        expr_fail(r->c, n->offset,
                  "a state is no value; compare it: state(api/a) == reference.state(api/a)");
        return false;
    case OP_COUNT:
    case OP_EXISTS:
    case OP_ALL:
    case OP_NONE:
        return resolve_quantified(r, n);
    case OP_SUM:
    case OP_MIN_OF:
    case OP_MAX_OF:
    case OP_DISTINCT:
        return resolve_aggregate(r, n);
    default:
        if (n->op >= OP_EQ && n->op <= OP_GE)
            return resolve_comparison(r, n);
        return n->op == OP_CONST || n->op == OP_FIELD || n->op == OP_ITEM || n->op == OP_GLOBAL ||
               n->op == OP_NOW || n->op == OP_SAME_STATE || resolve_arith(r, n);
    }
}

static bool resolve(struct resolver *r, struct expr_node *n)
{
    if (!resolve_kind(r, n))
        return false;
    if (n->op == OP_NOT || n->op == OP_AND || n->op == OP_OR || n->op == OP_NEG ||
        n->op == OP_KNOWN || (n->op >= OP_ADD && n->op <= OP_GE))
        fold(n);
    return true;
}

static bool check_wanted(struct compilation *c, const struct expr_node *root, int want)
{
    bool ok = want == EXPR_WANT_ANY || (int)root->type == want ||
              (want == EXPR_WANT_NUMBER && root->type != EXPR_BOOL && root->type != EXPR_STRING);
    if (ok)
        return true;
    const char *wanted =
        want == EXPR_WANT_NUMBER ? "a number" : expr_type_name((enum expr_type)want);
    expr_fail(c, 0, "expected %s, but this is %s", wanted, expr_type_name(root->type));
    return false;
}

bool expr_resolve(struct compilation *c, struct expr *e, int want)
{
    struct resolver r = {.c = c, .e = e};
    e->over = -1;
    if (e->scope->per_item)
        r.open[r.open_n++] = (struct opening){NAMES_NOT_BOUND, str_empty};
    if (!resolve(&r, e->root))
        return false;
    if (e->scope->per_item && r.open[0].collection != NAMES_NOT_BOUND)
        e->over = (int)r.open[0].collection;
    return check_wanted(c, e->root, want);
}
