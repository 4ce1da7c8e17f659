/* Programs and their values as text: printing that parses back, and the explanation of a value. */
#include "sim/scenario/expr/expr_internal.h"

#define EXPLAIN_ITEMS 3u    /* items that are shown; the rest is counted */
#define EXPLAIN_MAX   2000u /* bytes */

/* ---- printing ---- */

static void print_string(struct str s, struct buf *out)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_add_char(out, '\'');
        buf_add_char(out, s.p[i]);
    }
    buf_add_char(out, '\'');
}

/* What is not known has no literal: a division by zero of its type. */
static void print_value(const struct expr_value *v, struct buf *out)
{
    if (!v->known)
        buf_add_c(out, v->type == EXPR_DURATION ? "(1s / 0)" : "(1 / 0)");
    else if (v->type == EXPR_STRING)
        print_string(v->s, out);
    else
        expr_value_print(v, out);
}

static const char *function_name(enum expr_op op)
{
    static const char *const names[] = {
        [OP_COUNT] = "count", [OP_EXISTS] = "exists", [OP_ALL] = "all",
        [OP_NONE] = "none",   [OP_SUM] = "sum",       [OP_MIN_OF] = "min",
        [OP_MAX_OF] = "max",  [OP_MIN] = "min",       [OP_MAX] = "max",
        [OP_AGE] = "age",     [OP_KNOWN] = "known",   [OP_DISTINCT] = "distinct",
    };
    return names[op];
}

static const char *operator_text(enum expr_op op)
{
    static const char *const texts[] = {
        [OP_AND] = " and ", [OP_OR] = " or ", [OP_ADD] = " + ", [OP_SUB] = " - ",
        [OP_MUL] = " * ",   [OP_DIV] = " / ", [OP_EQ] = " == ", [OP_NE] = " != ",
        [OP_LT] = " < ",    [OP_LE] = " <= ", [OP_GT] = " > ",  [OP_GE] = " >= ",
    };
    return texts[op];
}

static void print_field(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    buf_addf(out, STR_FMT ".%s", STR_ARG(n->alias),
             expr_collection_of(e, n->collection)->fields[n->index].name);
}

/* An item's name that is no word stands in quotes. */
static void print_item(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    bool word = true;
    for (size_t i = 0; i < n->name.n; i++) {
        char c = n->name.p[i];
        word = word && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        (c >= '0' && c <= '9'));
    }
    const char *quote = word ? "" : str_find_char(n->name, '\'') >= 0 ? "\"" : "'";
    buf_addf(out, "%s.%s" STR_FMT "%s.%s", expr_collection_of(e, n->collection)->name, quote,
             STR_ARG(n->name), quote, n->field->name);
}

static void print(const struct expr *e, const struct expr_node *n, struct buf *out);

static void print_opening(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    bool aggregate = n->op >= OP_SUM;
    buf_addf(out, "%s(", function_name(n->op));
    if (aggregate)
        print(e, n->b, out);
    else
        buf_add(out, n->name);
    if (!aggregate && !str_eq(n->alias, n->name))
        buf_addf(out, " as " STR_FMT, STR_ARG(n->alias));
    if (n->a) {
        buf_add(out, STR(" where "));
        print(e, n->a, out);
    }
    if (!aggregate && n->b) {
        buf_add(out, STR(": "));
        print(e, n->b, out);
    }
    buf_add_char(out, ')');
}

static const struct expr_node *find_history(const struct expr_node *n)
{
    if (!n || n->op >= OP_COUNT)
        return NULL; /* a window of its own inside */
    if (n->op == OP_HISTORY)
        return n;
    const struct expr_node *found = find_history(n->a);
    return found ? found : find_history(n->b);
}

/* Does `left`, at the left of `op`, need no parentheses? So that a long sum is not nested more deeply than it was written. */
static bool is_chain(enum expr_op op, enum expr_op left)
{
    return ((op == OP_ADD || op == OP_SUB) && (left == OP_ADD || left == OP_SUB)) ||
           ((op == OP_MUL || op == OP_DIV) && (left == OP_MUL || left == OP_DIV)) ||
           ((op == OP_AND || op == OP_OR) && left == op);
}

static void print_operands(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    if (is_chain(n->op, n->a->op))
        print_operands(e, n->a, out);
    else
        print(e, n->a, out);
    buf_add_c(out, operator_text(n->op));
    print(e, n->b, out);
}

static void print_binary(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    buf_add_char(out, '(');
    print_operands(e, n, out);
    bool compares = n->op >= OP_EQ && n->op <= OP_GE;
    const struct expr_node *history = compares ? find_history(n) : NULL;
    if (history) {
        buf_add(out, STR(" within "));
        print_value(&history->value, out);
    }
    buf_add_char(out, ')');
}

static void print_call(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    buf_addf(out, "%s(", function_name(n->op));
    print(e, n->a, out);
    if (n->b) {
        buf_add(out, STR(", "));
        print(e, n->b, out);
    }
    buf_add_char(out, ')');
}

static void print_in(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    buf_add_char(out, '(');
    print(e, n->a, out);
    buf_add(out, STR(" in ["));
    for (const struct expr_node *item = n->b; item; item = item->next) {
        print(e, item, out);
        if (item->next)
            buf_add(out, STR(", "));
    }
    buf_add(out, STR("])"));
}

static void print_leaf(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    const struct expr_scope *scope = e->scope;
    switch (n->op) {
    case OP_CONST:
        print_value(&n->value, out);
        return;
    case OP_SAME_STATE:
        buf_add(out, STR("(state("));
        print_string(n->name, out);
        buf_add(out, STR(") == reference.state("));
        print_string(n->name, out);
        buf_add(out, STR("))"));
        return;
    case OP_FIELD:
        print_field(e, n, out);
        return;
    case OP_ITEM:
        print_item(e, n, out);
        return;
    case OP_GLOBAL:
        buf_add_c(out, scope->vocabulary->globals[n->index].name);
        return;
    case OP_STEP_TIME:
        buf_add(out, STR("time("));
        print_string(scope->steps[n->index], out);
        buf_add_char(out, ')');
        return;
    case OP_RATE:
        buf_addf(out, "rate(%s, ", scope->vocabulary->globals[n->index].name);
        print_value(&n->value, out);
        buf_add_char(out, ')');
        return;
    case OP_HISTORY:
        buf_add(out, STR("distinct("));
        print_field(e, n, out);
        buf_add_char(out, ')');
        return;
    default:
        buf_add(out, STR("now"));
    }
}

static void print(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    switch (n->op) {
    case OP_NOT:
        buf_add(out, STR("(not "));
        print(e, n->a, out);
        buf_add_char(out, ')');
        return;
    case OP_NEG:
        buf_add(out, STR("(-"));
        print(e, n->a, out);
        buf_add_char(out, ')');
        return;
    case OP_AGE:
    case OP_KNOWN:
    case OP_MIN:
    case OP_MAX:
        print_call(e, n, out);
        return;
    case OP_IN:
        print_in(e, n, out);
        return;
    default:
        break;
    }
    if (n->op >= OP_COUNT)
        print_opening(e, n, out);
    else if (n->op >= OP_AND && n->op <= OP_GE)
        print_binary(e, n, out);
    else
        print_leaf(e, n, out);
}

static void expr_node_print(const struct expr *e, const struct expr_node *n, struct buf *out)
{
    print(e, n, out);
}

void expr_print(const struct expr *e, struct buf *out)
{
    expr_node_print(e, e->root, out);
}

/* ---- explaining ---- */

static void explain(struct evaluation *v, const struct expr_node *n, struct buf *out);

static void explain_side(struct evaluation *v, const struct expr_node *n, struct buf *out)
{
    if (n->op == OP_CONST)
        return;
    if (out->n && out->p[out->n - 1] != ' ')
        buf_add(out, STR(", "));
    if (n->op == OP_FIELD)
        buf_add_c(out, n->field->name);
    else
        expr_node_print(v->expr, n, out);
    struct expr_value value = expr_node_eval(v, n);
    buf_add(out, STR(" = "));
    expr_value_print(&value, out);
}

static void explain_joined(struct evaluation *v, const struct expr_node *n, struct buf *out)
{
    bool wanted = n->op == OP_OR, first = expr_node_holds(v, n->a);
    if (first == wanted) { /* one side decided */
        explain(v, n->a, out);
        return;
    }
    if (expr_node_holds(v, n->b) == wanted) {
        explain(v, n->b, out);
        return;
    }
    explain(v, n->a, out);
    explain(v, n->b, out);
}

/* Whether the item at hand is one that decided: for all, those that fail; else those that match. */
static bool item_decides(struct evaluation *v, const struct expr_node *n)
{
    if (n->a && !expr_node_holds(v, n->a))
        return false;
    bool holds = !n->b || expr_node_holds(v, n->b);
    return n->op == OP_ALL ? !holds : holds;
}

static void explain_one(struct evaluation *v, const struct expr_node *n, uint32_t item,
                        struct buf *out)
{
    struct str name = v->env->ops->item_name(v->env->ctx, n->collection, item);
    struct buf why = {.max = EXPLAIN_MAX};
    if (n->b)
        explain(v, n->b, &why);
    if (n->a && (n->op != OP_ALL || !n->b))
        explain(v, n->a, &why);
    buf_addf(out, STR_FMT "%s" STR_FMT, STR_ARG(name), why.n ? ": " : "", STR_ARG(buf_str(&why)));
    buf_free(&why);
}

static void explain_quantified(struct evaluation *v, const struct expr_node *n, struct buf *out)
{
    uint32_t count = v->env->ops->count(v->env->ctx, n->collection), found = 0;
    struct buf items = {.max = EXPLAIN_MAX};
    for (uint32_t i = 0; i < count && !v->exhausted; i++) {
        v->items[n->var] = i;
        v->exhausted = ++v->visits > EXPR_VISITS_MAX;
        if (!item_decides(v, n) || ++found > EXPLAIN_ITEMS)
            continue;
        buf_add_c(&items, found > 1 ? "; " : "");
        explain_one(v, n, i, &items);
    }
    const char *name = expr_collection_of(v->expr, n->collection)->name;
    const char *verb = n->op == OP_ALL ? "fail" : "match";
    if (out->n && out->p[out->n - 1] != ' ')
        buf_add(out, STR(", "));
    if (found == 0)
        buf_addf(out, "none of %u %ss %s", count, name, n->op == OP_ALL ? "fails" : "matches");
    else
        buf_addf(out, "%u of %u %ss %s%s: " STR_FMT "%s", found, count, name, verb,
                 found == 1 ? (n->op == OP_ALL ? "s" : "es") : "", STR_ARG(buf_str(&items)),
                 found > EXPLAIN_ITEMS ? "; ..." : "");
    buf_free(&items);
}

static void explain(struct evaluation *v, const struct expr_node *n, struct buf *out)
{
    switch (n->op) {
    case OP_AND:
    case OP_OR:
        explain_joined(v, n, out);
        return;
    case OP_NOT:
        explain(v, n->a, out);
        return;
    case OP_EXISTS:
    case OP_ALL:
    case OP_NONE:
        explain_quantified(v, n, out);
        return;
    case OP_IN:
    case OP_KNOWN:
        explain_side(v, n->a, out);
        return;
    case OP_SAME_STATE:
        (void)v->env->ops->same_state(v->env->ctx, n->index, out);
        return;
    default:
        break;
    }
    if (n->op >= OP_EQ && n->op <= OP_GE) {
        explain_side(v, n->a, out);
        explain_side(v, n->b, out);
    } else {
        explain_side(v, n, out);
    }
}

void expr_explain(const struct expr *e, const struct expr_env *env, int64_t now, struct buf *out)
{
    struct evaluation v = {.expr = e, .env = env, .now = now, .next_change = EXPR_NEVER};
    struct buf text = {.max = EXPLAIN_MAX};
    explain(&v, e->root, &text);
    if (text.n == 0) {
        struct expr_value value = expr_node_eval(&v, e->root);
        expr_value_print(&value, &text);
    }
    buf_add(out, buf_str(&text));
    buf_free(&text);
}
