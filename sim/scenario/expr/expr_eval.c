/* Evaluation, with the time at which the value may change by itself.
 *
 * Every number carries its slope: how it moves while nothing happens (now and age(x) by 1 ns each ns, everything else by
 * 0, sums and multiples accordingly). A comparison of two moving numbers changes where their lines cross, which is
 * exact; what moves otherwise (products and quotients of moving numbers) is looked at again after EXPR_RECHECK_NS. */
#include "sim/scenario/expr/expr_internal.h"

#include "engine/base/map.h"

struct moving {
    struct expr_value v;
    int64_t slope;
    bool bent; /* moves, but not on a line */
};

static struct moving eval(struct evaluation *v, const struct expr_node *n);

static void note_change(struct evaluation *v, int64_t at)
{
    if (at > v->now && at < v->next_change)
        v->next_change = at;
}

static void note_after(struct evaluation *v, int64_t delay)
{
    int64_t at;
    if (!__builtin_add_overflow(v->now, delay, &at))
        note_change(v, at);
}

static struct moving still(struct expr_value v)
{
    return (struct moving){.v = v};
}

static struct moving truth(bool holds)
{
    return still((struct expr_value){EXPR_BOOL, true, holds, str_empty});
}

static bool is_true(struct moving m)
{
    return m.v.known && m.v.i;
}

bool expr_node_holds(struct evaluation *v, const struct expr_node *n)
{
    return is_true(eval(v, n));
}

struct expr_value expr_node_eval(struct evaluation *v, const struct expr_node *n)
{
    return eval(v, n).v;
}

/* ---- comparisons ---- */

/* Both sides in one unit as a difference and its slope; false: no difference that int64 holds. */
static bool difference(const struct moving *a, const struct moving *b, int64_t *gap, int64_t *slope)
{
    return !__builtin_sub_overflow(a->v.i, b->v.i, gap) &&
           !__builtin_sub_overflow(a->slope, b->slope, slope);
}

/* The gap moves toward zero or away from it: when does `gap op 0` flip? Only the approach matters. */
static void note_crossing(struct evaluation *v, enum expr_op op, int64_t gap, int64_t slope)
{
    if (slope < 0) { /* the mirror image */
        gap = -gap;
        slope = -slope;
        op = op == OP_LT   ? OP_GT
             : op == OP_GT ? OP_LT
             : op == OP_LE ? OP_GE
             : op == OP_GE ? OP_LE
                           : op;
    }
    BUG_ON(slope == 0, "what crosses moves");
    if (gap > 0)
        return;
    int64_t reaches = (-gap + slope - 1) / slope, passes = -gap / slope + 1;
    if (op == OP_LT || op == OP_GE)
        note_after(v, reaches);
    else if (op == OP_LE || op == OP_GT)
        note_after(v, passes);
    else
        note_after(v, gap == 0 ? passes : reaches);
}

static void note_movement(struct evaluation *v, enum expr_op op, const struct moving *a,
                          const struct moving *b)
{
    if (!a->v.known || !b->v.known)
        return;
    if (a->bent || b->bent) {
        note_after(v, EXPR_RECHECK_NS);
        return;
    }
    int64_t gap, slope;
    if (a->slope == b->slope)
        return;
    if (difference(a, b, &gap, &slope) && gap != INT64_MIN && slope != INT64_MIN)
        note_crossing(v, op, gap, slope);
    else
        note_after(v, EXPR_RECHECK_NS);
}

static struct moving eval_comparison(struct evaluation *v, const struct expr_node *n)
{
    struct moving a = eval(v, n->a), b = eval(v, n->b);
    note_movement(v, n->op, &a, &b);
    return truth(expr_compare(n->op, &a.v, &b.v));
}

static struct moving eval_in(struct evaluation *v, const struct expr_node *n)
{
    struct moving a = eval(v, n->a);
    for (const struct expr_node *item = n->b; item; item = item->next) {
        struct moving b = eval(v, item);
        note_movement(v, OP_EQ, &a, &b);
        if (expr_compare(OP_EQ, &a.v, &b.v))
            return truth(true);
    }
    return truth(false);
}

/* ---- arithmetic ---- */

static void move_sum(struct moving *out, const struct moving *a, const struct moving *b, bool minus)
{
    out->bent = a->bent || b->bent;
    bool overflow = minus ? __builtin_sub_overflow(a->slope, b->slope, &out->slope)
                          : __builtin_add_overflow(a->slope, b->slope, &out->slope);
    if (overflow) {
        out->slope = 0;
        out->bent = true;
    }
}

static void move_product(struct moving *out, const struct moving *a, const struct moving *b)
{
    bool line = (a->slope == 0 || b->v.type == EXPR_INT) &&
                (b->slope == 0 || a->v.type == EXPR_INT) && !(a->slope && b->slope);
    int64_t slope = 0;
    if (line && a->slope)
        line = !__builtin_mul_overflow(a->slope, b->v.i, &slope);
    else if (line && b->slope)
        line = !__builtin_mul_overflow(b->slope, a->v.i, &slope);
    out->bent = a->bent || b->bent || !line;
    out->slope = out->bent ? 0 : slope;
}

static struct moving eval_choice(struct evaluation *v, const struct expr_node *n, struct moving a,
                                 struct moving b)
{
    struct moving out = still(expr_arith(n->op, n->type, &a.v, &b.v));
    if (!out.v.known)
        return out;
    note_movement(v, OP_EQ, &a, &b);
    bool first = (n->op == OP_MIN) == (expr_order(&a.v, &b.v) <= 0);
    out.slope = first ? a.slope : b.slope;
    out.bent = first ? a.bent : b.bent;
    return out;
}

static struct moving eval_arith(struct evaluation *v, const struct expr_node *n)
{
    struct moving a = eval(v, n->a);
    if (n->op == OP_NEG) {
        struct moving out = still(expr_arith(OP_NEG, n->type, &a.v, NULL));
        out.slope = -a.slope;
        out.bent = a.bent;
        return out;
    }
    struct moving b = eval(v, n->b);
    if (n->op == OP_MIN || n->op == OP_MAX)
        return eval_choice(v, n, a, b);
    struct moving out = still(expr_arith(n->op, n->type, &a.v, &b.v));
    if (n->op == OP_ADD || n->op == OP_SUB)
        move_sum(&out, &a, &b, n->op == OP_SUB);
    else if (n->op == OP_MUL)
        move_product(&out, &a, &b);
    else
        out.bent = a.slope || b.slope || a.bent || b.bent;
    return out;
}

static struct moving eval_age(struct evaluation *v, const struct expr_node *n)
{
    struct moving since = eval(v, n->a);
    struct moving out = {.v = {.type = EXPR_DURATION, .known = since.v.known}};
    if (!out.v.known)
        return out;
    struct expr_value now = {EXPR_TIME, true, v->now, str_empty};
    out.v = expr_arith(OP_SUB, EXPR_DURATION, &now, &since.v);
    out.slope = 1 - since.slope;
    out.bent = since.bent;
    return out;
}

/* ---- collections ---- */

/* The next item from *i on that the `where` lets through; false at the end. */
static bool next_item(struct evaluation *v, const struct expr_node *n, uint32_t count, uint32_t *i)
{
    for (; *i < count; ++*i) {
        if (++v->visits > EXPR_VISITS_MAX) {
            v->exhausted = true;
            return false;
        }
        v->items[n->var] = *i;
        if (!n->a || expr_node_holds(v, n->a))
            return true;
    }
    return false;
}

static struct moving eval_count(struct evaluation *v, const struct expr_node *n)
{
    uint32_t count = v->env->ops->count(v->env->ctx, n->collection);
    int64_t found = 0;
    if (!n->a)
        return still((struct expr_value){EXPR_INT, true, count, str_empty});
    for (uint32_t i = 0; next_item(v, n, count, &i); i++)
        found++;
    return still((struct expr_value){EXPR_INT, true, found, str_empty});
}

static struct moving eval_quantified(struct evaluation *v, const struct expr_node *n)
{
    uint32_t count = v->env->ops->count(v->env->ctx, n->collection);
    bool all = n->op == OP_ALL;
    for (uint32_t i = 0; next_item(v, n, count, &i); i++)
        if ((!n->b || expr_node_holds(v, n->b)) != all)
            return truth(n->op == OP_EXISTS);
    return truth(n->op != OP_EXISTS);
}

static struct moving better(struct evaluation *v, enum expr_op op, struct moving best,
                            struct moving m)
{
    if (!best.v.known)
        return m;
    note_movement(v, OP_EQ, &best, &m);
    int order = expr_order(&m.v, &best.v);
    return (op == OP_MIN_OF ? order < 0 : order > 0) ? m : best;
}

static struct moving eval_aggregate(struct evaluation *v, const struct expr_node *n)
{
    uint32_t count = v->env->ops->count(v->env->ctx, n->collection);
    struct moving out = {.v = {.type = n->type, .known = n->op == OP_SUM}};
    for (uint32_t i = 0; next_item(v, n, count, &i); i++) {
        struct moving m = eval(v, n->b);
        if (!m.v.known)
            continue;
        if (n->op != OP_SUM) {
            out = better(v, n->op, out, m);
            continue;
        }
        struct moving sum = still(expr_arith(OP_ADD, n->type, &out.v, &m.v));
        move_sum(&sum, &out, &m, false);
        out = sum;
    }
    return out;
}

static struct moving eval_distinct(struct evaluation *v, const struct expr_node *n)
{
    uint32_t count = v->env->ops->count(v->env->ctx, n->collection);
    struct map seen = {0};
    struct buf text = {0};
    for (uint32_t i = 0; next_item(v, n, count, &i); i++) {
        struct moving m = eval(v, n->b);
        if (m.slope || m.bent)
            note_after(v, EXPR_RECHECK_NS);
        buf_clear(&text);
        expr_value_print(&m.v, &text);
        if (m.v.known)
            map_put(&seen, buf_str(&text), NULL);
    }
    int64_t found = (int64_t)map_count(&seen);
    map_free(&seen);
    buf_free(&text);
    return still((struct expr_value){EXPR_INT, true, found, str_empty});
}

/* ---- leaves ---- */

static struct moving eval_item(struct evaluation *v, const struct expr_node *n)
{
    const struct expr_env *env = v->env;
    int64_t item = env->ops->item_find(env->ctx, n->collection, n->name);
    if (n->field->flags & EXPR_LIVE)
        note_after(v, EXPR_LIVE_NS);
    if (item < 0)
        return still((struct expr_value){.type = n->type});
    return still(env->ops->field(env->ctx, n->collection, (uint32_t)item, n->index));
}

static struct moving eval_windowed(struct evaluation *v, const struct expr_node *n)
{
    const struct expr_env *env = v->env;
    int64_t drops_at = EXPR_NEVER, count;
    if (n->op == OP_RATE)
        count = env->ops->rate(env->ctx, n->index, n->value.i, v->now, &drops_at);
    else
        count = env->ops->distinct(env->ctx, n->collection, v->items[n->var], n->index, n->value.i,
                                   v->now, &drops_at);
    note_change(v, drops_at);
    return still((struct expr_value){EXPR_INT, true, count, str_empty});
}

static struct moving eval_leaf(struct evaluation *v, const struct expr_node *n)
{
    const struct expr_env *env = v->env;
    switch (n->op) {
    case OP_CONST:
        return still(n->value);
    case OP_FIELD:
        if (n->field->flags & EXPR_LIVE)
            note_after(v, EXPR_LIVE_NS);
        return still(env->ops->field(env->ctx, n->collection, v->items[n->var], n->index));
    case OP_ITEM:
        return eval_item(v, n);
    case OP_GLOBAL:
        return still(env->ops->global(env->ctx, n->index));
    case OP_STEP_TIME:
        return still(env->ops->step_time(env->ctx, n->index));
    case OP_SAME_STATE:
        note_after(v, EXPR_STATE_NS);
        return truth(env->ops->same_state(env->ctx, n->index, NULL));
    case OP_NOW:
        return (struct moving){.v = {EXPR_TIME, true, v->now, str_empty}, .slope = 1};
    default:
        return eval_windowed(v, n);
    }
}

static struct moving eval(struct evaluation *v, const struct expr_node *n)
{
    if (v->tracker && n->slot)
        return still(expr_slot_eval(v, n));
    switch (n->op) {
    case OP_NOT:
        return truth(!expr_node_holds(v, n->a));
    case OP_AND:
        return truth(expr_node_holds(v, n->a) && expr_node_holds(v, n->b));
    case OP_OR:
        return truth(expr_node_holds(v, n->a) || expr_node_holds(v, n->b));
    case OP_KNOWN:
        return truth(eval(v, n->a).v.known);
    case OP_AGE:
        return eval_age(v, n);
    case OP_IN:
        return eval_in(v, n);
    case OP_COUNT:
        return eval_count(v, n);
    case OP_EXISTS:
    case OP_ALL:
    case OP_NONE:
        return eval_quantified(v, n);
    case OP_SUM:
    case OP_MIN_OF:
    case OP_MAX_OF:
        return eval_aggregate(v, n);
    case OP_DISTINCT:
        return eval_distinct(v, n);
    default:
        if (n->op >= OP_EQ && n->op <= OP_GE)
            return eval_comparison(v, n);
        if (n->op == OP_NEG || (n->op >= OP_ADD && n->op <= OP_MAX))
            return eval_arith(v, n);
        return eval_leaf(v, n);
    }
}
