/* What a program may cost: the same scale as cel_cost.c and cel_eval.c, over sizes that are known as ranges.
 *
 *   node ─► { cost, size of its value, sizes within it, way to it }
 *
 * Definitions are accepted or refused by these numbers, so they follow the original also where it is odd: a way that does
 * not begin at a variable is looked up from the root, scalars of a schema have the size 0, join is half as dear. */
#include "sim/kubeapi/cel/cel_estimate.h"

struct local {
    const struct cel_step *at;
    const struct cel_type *type;
    struct cel_range size;
    bool sized;
};
struct estimator {
    struct arena *a;
    const struct type *self;
    struct local locals[CEL_LOCALS_MAX + 1];
};

static struct cel_estimate estimate(struct estimator *e, const struct cel_node *x);

/* ---- sizes ---- */

static const struct cel_step *step(struct estimator *e, const struct cel_step *up, struct str name)
{
    struct cel_step *s = ARENA_NEW(e->a, struct cel_step);
    *s = (struct cel_step){up, name};
    return s;
}

static bool is_scalar(const struct cel_type *t)
{
    if (t->kind == T_OPTIONAL)
        return is_scalar(t->a);
    return t->kind == T_BOOL || t->kind == T_INT || t->kind == T_UINT || t->kind == T_DOUBLE ||
           t->kind == T_DURATION || t->kind == T_TIMESTAMP;
}

/* By where it is, or by its type. */
static bool size_known(struct estimator *e, const struct cel_step *at, const struct cel_type *t,
                       struct cel_range *out)
{
    *out = (struct cel_range){0, 0};
    if (cel_size_at(e->a, e->self, at, &out->max))
        return true;
    *out = cel_fixed(1);
    return is_scalar(t);
}

static struct cel_entry join_entries(const struct cel_entry *x, const struct cel_entry *y)
{
    struct cel_entry out = {.known = x->known && y->known};
    out.key = cel_union(x->key, y->key);
    out.value = cel_union(x->value, y->value);
    return out;
}

/* ---- calls ---- */

static bool is_named(const struct cel_node *x, const char *name)
{
    return strcmp(x->func->name, name) == 0;
}

/* &&, || and ?: cost what is evaluated of them. */
static struct cel_estimate of_choice(const struct cel_node *x, const struct cel_estimate *args)
{
    struct cel_estimate out = {.cost = args[0].cost};
    if (!is_named(x, "_?_:_")) {
        out.cost.max = cel_add(args[0].cost.max, args[1].cost.max);
        return out;
    }
    out.cost = cel_sum(args[0].cost, cel_union(args[1].cost, args[2].cost));
    out.size = cel_union(cel_size_or_unknown(&args[1]), cel_size_or_unknown(&args[2]));
    out.sized = true;
    out.entry = join_entries(&args[1].entry, &args[2].entry);
    return out;
}

/* The element of a list or the value of a map is known by its way. */
static void follow_index(struct estimator *e, const struct cel_estimated_call *c,
                         const struct cel_estimate *base, struct cel_estimate *out)
{
    bool list = c->sig[0] == 'L';
    if (!is_named(c->x, "_[_]") || (!list && c->sig[0] != 'M'))
        return;
    out->at = step(e, base->at, list ? STR("@items") : STR("@values"));
    out->sized = base->entry.known;
    out->size = base->entry.value;
}

static struct cel_estimate of_call(struct estimator *e, const struct cel_node *x)
{
    struct cel_estimate *args = ARENA_NEW_ARRAY(e->a, struct cel_estimate, x->n + 1);
    struct cel_estimate out = {.cost = {UINT64_MAX, 0}};
    struct cel_estimated_call c = {.a = e->a, .self = e->self, .x = x, .args = args};
    for (size_t i = 0; i < x->n; i++)
        args[i] = estimate(e, x->args[i]);
    if (x->func->cost == COST_NONE)
        return of_choice(x, args);
    for (const char *p = x->func->sigs; *p;) {
        c.sig = p;
        c.sized = false;
        if (!cel_overload_next(e->a, x, &p))
            continue;
        cel_estimate_overload(&c);
        out.cost = cel_union(out.cost, c.cost);
        if (c.sized)
            out.size = out.sized ? cel_union(out.size, c.size) : c.size;
        out.sized = out.sized || c.sized;
        follow_index(e, &c, &args[0], &out);
        if (!out.sized)
            out.sized = size_known(e, out.at, x->type, &out.size);
    }
    for (size_t i = 0; i < x->n; i++)
        out.cost = cel_sum(out.cost, args[i].cost);
    if (is_named(x, "_+_"))
        out.entry = join_entries(&args[0].entry, &args[1].entry);
    if (is_named(x, "dyn")) {
        out.sized = args[0].sized;
        out.size = args[0].size;
        out.entry = args[0].entry;
    }
    return out;
}

/* ---- literals and fields ---- */

static struct cel_estimate of_literal(const struct cel_node *x)
{
    const struct cel_value *v = &x->literal;
    struct cel_estimate out = {.sized = v->kind != CEL_TYPE, .size = cel_fixed(1)};
    if (v->kind == CEL_TYPE) /* a name */
        out.cost = cel_fixed(1);
    else if (v->kind == CEL_STRING)
        out.size = cel_fixed(cel_code_points(v->s));
    else if (v->kind == CEL_BYTES)
        out.size = cel_fixed(v->s.n);
    return out;
}

static struct cel_estimate of_container(struct estimator *e, const struct cel_node *x)
{
    bool map = x->op == NODE_MAP;
    size_t n = map ? x->n / 2 : x->n;
    struct cel_estimate out = {.cost = cel_fixed(map ? CEL_COST_MAP : CEL_COST_LIST)};
    struct cel_range none = {n > 0 ? UINT64_MAX : 0, 0};
    out.entry = (struct cel_entry){true, map ? none : cel_fixed(1), none};
    for (size_t i = 0; i < x->n; i++) {
        struct cel_estimate part = estimate(e, x->args[i]);
        struct cel_range *to = map && i % 2 == 0 ? &out.entry.key : &out.entry.value;
        out.cost = cel_sum(out.cost, part.cost);
        *to = cel_union(*to, cel_size_or_unknown(&part));
    }
    out.size = cel_fixed(n);
    out.sized = true;
    return out;
}

static struct cel_estimate of_select(struct estimator *e, const struct cel_node *x)
{
    struct cel_estimate base = estimate(e, x->args[0]), out = {.cost = base.cost};
    enum cel_tkind kind = x->args[0]->type->kind;
    bool counts = kind == T_MAP || kind == T_OBJECT || kind == T_RECORD || x->optional;
    if (x->op == NODE_HAS)
        return out;
    out.cost = cel_sum(out.cost, cel_fixed(counts));
    out.at = x->optional ? NULL : step(e, base.at, x->name);
    return out;
}

static struct cel_estimate of_local(struct estimator *e, const struct cel_node *x)
{
    const struct local *l = &e->locals[x->slot];
    struct cel_estimate out = {.cost = cel_fixed(1), .at = l->at};
    out.sized = size_known(e, l->at, l->type, &out.size);
    if (!out.sized && l->sized) {
        out.sized = true;
        out.size = l->size;
    }
    return out;
}

/* ---- loops ---- */

static void bind(struct estimator *e, uint32_t slot, const struct cel_estimate *range,
                 const struct cel_type *type, bool key, const char *part)
{
    struct local *l = &e->locals[slot];
    l->type = type;
    l->at = step(e, range->at, str_c(part));
    l->sized = range->entry.known;
    l->size = key ? range->entry.key : range->entry.value;
}

static void bind_all(struct estimator *e, const struct cel_node *x,
                     const struct cel_estimate *range)
{
    const struct cel_type *t = x->args[0]->type, *dyn = &cel_type_dyn;
    bool list = t->kind == T_LIST, map = t->kind == T_MAP;
    const struct cel_type *value = list ? t->a : map ? t->b : dyn;
    if (x->name2.n > 0) {
        bind(e, x->slot, range,
             list  ? cel_type_simple(T_INT)
             : map ? t->a
                   : dyn,
             true, list ? "@indices" : "@keys");
        bind(e, x->slot + 1, range, value, false, list ? "@items" : "@values");
    } else {
        bind(e, x->slot, range, list ? value : map ? t->a : dyn, !list, list ? "@items" : "@keys");
    }
}

/* x.optMap(v, f): x.hasValue() ? optional.of(f of x.value()) : optional.none(); of an optional in f, nothing is put around. */
static struct cel_estimate of_optional(struct estimator *e, const struct cel_node *x,
                                       const struct cel_estimate *target)
{
    const struct cel_type *t = x->args[0]->type;
    struct cel_estimate out = {.sized = true, .size = cel_unbounded()};
    struct local *l = &e->locals[x->slot];
    *l = (struct local){.type = t->kind == T_OPTIONAL ? t->a : &cel_type_dyn};
    struct cel_estimate f = estimate(e, x->args[1]);
    uint64_t around = x->loop == LOOP_OPT_MAP ? 1 : 0;
    struct cel_range some =
        cel_sum(cel_sum(target->cost, f.cost), cel_fixed(CEL_COST_LIST + 1 + around));
    out.cost = cel_sum(cel_sum(target->cost, cel_fixed(1)), cel_union(some, cel_fixed(1)));
    if (is_scalar(x->type))
        out.size = cel_fixed(1);
    return out;
}

/* A turn's cost by the costs of its expressions: see turn_cost and result_cost of cel_eval.c. */
static struct cel_range turn_range(const struct cel_node *x, struct cel_range filter,
                                   struct cel_range body)
{
    bool filtered = x->loop == LOOP_FILTER || x->n > 2;
    switch ((enum cel_loop)x->loop) {
    case LOOP_ALL:
        return (struct cel_range){3, cel_add(3, body.max)};
    case LOOP_EXISTS:
        return (struct cel_range){4, cel_add(4, body.max)};
    case LOOP_EXISTS_ONE:
        return cel_sum(body, (struct cel_range){1, 2});
    case LOOP_FILTER:
        body = cel_fixed(CEL_COST_LIST + 3);
        break;
    case LOOP_TO_MAP:
        body = cel_sum(body, cel_fixed(3));
        break;
    case LOOP_ENTRY:
        body = cel_sum(body, cel_fixed(2));
        break;
    default:
        body = cel_sum(body, cel_fixed(CEL_COST_LIST + 2));
    }
    return filtered ? cel_sum(filter, cel_union(body, cel_fixed(1))) : body;
}

static struct cel_estimate of_loop(struct estimator *e, const struct cel_node *x)
{
    struct cel_estimate range = estimate(e, x->args[0]), filter = {.cost = {0, 0}}, body, out = {0};
    bool collects = x->loop > LOOP_EXISTS_ONE;
    bool map = x->loop == LOOP_TO_MAP || x->loop == LOOP_ENTRY;
    if (x->loop == LOOP_OPT_MAP || x->loop == LOOP_OPT_FLAT_MAP)
        return of_optional(e, x, &range);
    bind_all(e, x, &range);
    if (x->loop == LOOP_FILTER || x->n > 2)
        filter = estimate(e, x->args[1]);
    if (x->loop == LOOP_FILTER)
        body = of_local(e, &(struct cel_node){.slot = x->slot});
    else
        body = estimate(e, x->args[x->n - 1]);
    struct cel_range count = cel_size_or_unknown(&range);
    out.cost = cel_sum(range.cost, cel_product(count, turn_range(x, filter.cost, body.cost)));
    out.cost = cel_sum(out.cost, cel_fixed(map                          ? CEL_COST_MAP + 1
                                           : collects                   ? CEL_COST_LIST + 1
                                           : x->loop == LOOP_EXISTS_ONE ? 2
                                                                        : 1));
    out.size = collects ? count : cel_fixed(1);
    out.sized = true;
    if (collects && !map) {
        struct cel_range item = cel_size_or_unknown(&body);
        out.entry = (struct cel_entry){true, cel_fixed(1), {0, item.max}};
    }
    return out;
}

static struct cel_estimate estimate(struct estimator *e, const struct cel_node *x)
{
    struct cel_estimate out = {.cost = cel_fixed(1)};
    switch (x->op) {
    case NODE_LITERAL:
        return of_literal(x);
    case NODE_LOCAL:
        return of_local(e, x);
    case NODE_LIST:
    case NODE_MAP:
        return of_container(e, x);
    case NODE_LOOP:
        return of_loop(e, x);
    case NODE_CALL:
        out = of_call(e, x);
        break;
    case NODE_SELECT:
    case NODE_HAS:
        out = of_select(e, x);
        break;
    case NODE_VAR:
        out.at = step(e, NULL, x->name);
        break;
    case NODE_NAME:
        BUG_ON(true, "names are gone after the check");
    }
    if (!out.sized)
        out.sized = size_known(e, out.at, x->type, &out.size);
    return out;
}

uint64_t cel_program_cost_max(struct arena *a, const struct cel_program *p, const struct type *self)
{
    struct estimator *e = ARENA_NEW(a, struct estimator);
    e->a = a;
    e->self = self;
    return estimate(e, p->root).cost.max;
}
