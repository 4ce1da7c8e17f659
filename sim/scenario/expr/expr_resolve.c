/* Names into meanings, types checked from the leaves up, constants folded. Goes on behind a mistake, so that one pass
 * finds several. */
#include "sim/scenario/expr/expr_resolve.h"

static struct str op_text(enum expr_op op)
{
    static const char *const texts[] = {
        [OP_ADD] = "+",   [OP_SUB] = "-", [OP_MUL] = "*",   [OP_DIV] = "/",   [OP_EQ] = "==",
        [OP_NE] = "!=",   [OP_LT] = "<",  [OP_LE] = "<=",   [OP_GT] = ">",    [OP_GE] = ">=",
        [OP_AND] = "and", [OP_OR] = "or", [OP_MIN] = "min", [OP_MAX] = "max", [OP_DISTINCT] = "",
    };
    return str_c(texts[op]);
}

bool resolve_fail_types(struct resolver *r, const struct expr_node *n, const struct expr_node *a,
                        const struct expr_node *b)
{
    const char *hint = "";
    bool spans = resolve_is_span(a->type) || resolve_is_span(b->type);
    if (spans && (a->type == EXPR_INT || b->type == EXPR_INT))
        hint = "; a duration needs a unit: 5s";
    expr_fail(r->c, n->offset, "\"" STR_FMT "\" does not take %s and %s%s", STR_ARG(op_text(n->op)),
              expr_type_name(a->type), expr_type_name(b->type), hint);
    return false;
}

bool resolve_want(struct resolver *r, const struct expr_node *n, enum expr_type type,
                  const char *where)
{
    if (n->type == type)
        return true;
    bool counts = type == EXPR_BOOL && n->type == EXPR_INT;
    expr_fail(r->c, n->offset, "%s takes %s, not %s%s", where, expr_type_name(type),
              expr_type_name(n->type), counts ? "; compare it: ... > 0" : "");
    return false;
}

/* ---- folding ---- */

static bool is_constant(const struct expr_node *n)
{
    return !n || n->op == OP_CONST;
}

void resolve_constant(struct expr_node *n, struct expr_value value)
{
    n->op = OP_CONST;
    n->value = value;
    n->type = value.type;
    n->a = n->b = n->c = NULL;
    n->named = false;
    n->range = NULL;
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
        resolve_constant(n, resolve_truth(!holds(n->a)));
    else if (n->op == OP_AND)
        resolve_constant(n, resolve_truth(holds(n->a) && holds(n->b)));
    else if (n->op == OP_OR)
        resolve_constant(n, resolve_truth(holds(n->a) || holds(n->b)));
    else if (n->op == OP_KNOWN)
        resolve_constant(n, resolve_truth(n->a->value.known));
    else if (n->op >= OP_EQ && n->op <= OP_GE)
        resolve_constant(n, resolve_truth(expr_compare(n->op, &n->a->value, &n->b->value)));
    else if (n->op >= OP_ADD && n->op <= OP_MAX)
        resolve_constant(n, expr_arith(n->op, n->type, &n->a->value, &n->b->value));
    else if (n->op == OP_NEG)
        resolve_constant(n, expr_arith(OP_NEG, n->type, &n->a->value, NULL));
}

/* ---- names ---- */

bool resolve_settle(struct resolver *r, struct expr_node *n)
{
    if (!n->field || !(n->field->flags & EXPR_HISTORY))
        return true;
    expr_fail(r->c, n->offset, "\"%s\" is a record over time: write distinct(%s) ... within 1s",
              n->field->name, n->field->name);
    return false;
}

bool resolve_name(struct resolver *r, struct expr_node *n)
{
    if (names_lookup(r, n))
        return resolve_settle(r, n);
    names_fail(r, n);
    return false;
}

/* ---- arithmetic ---- */

static bool arith_type(enum expr_op op, enum expr_type a, enum expr_type b, enum expr_type *out)
{
    bool numbers = resolve_is_number(a) && resolve_is_number(b),
         spans = resolve_is_span(a) && resolve_is_span(b);
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
        return numbers || (a == EXPR_DURATION && resolve_is_number(b)) ||
               (resolve_is_number(a) && b == EXPR_DURATION);
    case OP_DIV:
        *out = a == EXPR_DURATION && resolve_is_number(b) ? EXPR_DURATION : EXPR_RATIO;
        return numbers || (a == EXPR_DURATION && (resolve_is_number(b) || b == EXPR_DURATION));
    default: /* min, max */
        *out = numbers ? number : times ? EXPR_TIME : EXPR_DURATION;
        return numbers || spans;
    }
}

static bool resolve_arith(struct resolver *r, struct expr_node *n)
{
    bool ok = resolve_node(r, n->a);
    ok = resolve_node(r, n->b) && ok;
    if (!ok)
        return false;
    if (!arith_type(n->op, n->a->type, n->b->type, &n->type))
        return resolve_fail_types(r, n, n->a, n->b);
    return true;
}

static bool resolve_neg(struct resolver *r, struct expr_node *n)
{
    if (!resolve_node(r, n->a))
        return false;
    n->type = n->a->type;
    if (resolve_is_number(n->type) || n->type == EXPR_DURATION)
        return true;
    expr_fail(r->c, n->offset, "\"-\" does not take %s", expr_type_name(n->type));
    return false;
}

static bool resolve_logic(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    const char *where = n->op == OP_AND ? "\"and\"" : n->op == OP_OR ? "\"or\"" : "\"not\"";
    bool ok = resolve_node(r, n->a) && resolve_want(r, n->a, EXPR_BOOL, where);
    if (n->b)
        ok = resolve_node(r, n->b) && resolve_want(r, n->b, EXPR_BOOL, where) && ok;
    return ok;
}

/* ---- functions ---- */

static bool resolve_age(struct resolver *r, struct expr_node *n)
{
    r->e->uses_time = true;
    n->type = EXPR_DURATION;
    return resolve_node(r, n->a) && resolve_want(r, n->a, EXPR_TIME, "age()");
}

static bool resolve_known(struct resolver *r, struct expr_node *n)
{
    n->type = EXPR_BOOL;
    return resolve_node(r, n->a);
}

static bool resolve_rate(struct resolver *r, struct expr_node *n)
{
    r->e->uses_time = true;
    if (!resolve_node(r, n->a) || !resolve_window(r, n->b))
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
        BUG_ON(v->collections_n > ARRAY_LEN(names), "there are few collections");
        for (size_t i = 0; i < v->collections_n; i++)
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
        ok = resolve_node(r, n->a) && resolve_want(r, n->a, EXPR_BOOL, "\"where\"");
    if (n->b)
        ok = resolve_node(r, n->b) && resolve_want(r, n->b, EXPR_BOOL, "\":\"") && ok;
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
    bool fits = n->op == OP_DISTINCT || resolve_is_number(t) || t == EXPR_DURATION ||
                (t == EXPR_TIME && n->op != OP_SUM);
    if (!fits)
        expr_fail(r->c, n->b->offset, "%s() does not take %s", name, expr_type_name(t));
    return fits;
}

static bool resolve_aggregate(struct resolver *r, struct expr_node *n)
{
    if (!open_collection(r, n, (struct opening){NAMES_NOT_BOUND, str_empty}))
        return false;
    bool ok = n->b->op == OP_NAME ? names_lookup(r, n->b) : resolve_node(r, n->b);
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
        (void)resolve_settle(r, n->b);
    ok = ok && !record && check_aggregate(r, n);
    if (ok && n->a)
        ok = resolve_node(r, n->a) && resolve_want(r, n->a, EXPR_BOOL, "\"where\"");
    r->open_n--;
    return ok;
}

/* ---- the tree ---- */

static bool resolve_subst(struct resolver *r, struct expr_node *n)
{
    bool outer = r->in_constant;
    r->in_constant = true;
    bool ok = resolve_node(r, n->a);
    r->in_constant = outer;
    if (!ok)
        return false;
    if (n->a->op != OP_CONST) {
        expr_fail(r->c, n->offset, "${...} takes parameters only, not what happens in the run");
        return false;
    }
    const struct expr_node *inner = n->a;
    resolve_constant(n, inner->value);
    n->named = true;
    n->range = inner->range;
    n->name = inner->name;
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
    case OP_VALUES:
        expr_fail(r->c, n->offset,
                  "a set is no value; compare it: values(agent.peer) subset of "
                  "[site/a, site/b]");
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

bool resolve_node(struct resolver *r, struct expr_node *n)
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
    if (!resolve_node(&r, e->root))
        return false;
    if (e->scope->per_item && r.open[0].collection != NAMES_NOT_BOUND)
        e->over = (int)r.open[0].collection;
    return check_wanted(c, e->root, want);
}
