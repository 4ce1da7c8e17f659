/* What calls may cost, by the rule of the function's row: the counterpart of cel_cost.c over ranges of sizes. */
#include "sim/kubeapi/cel/cel_estimate.h"

#define FORMAT_REGEX 32u /* what the longest pattern of a named format costs a tenth of a text */

static struct cel_range arg(const struct cel_estimated_call *c, size_t i)
{
    return cel_size_or_unknown(&c->args[i]);
}

static void gives(struct cel_estimated_call *c, struct cel_range size)
{
    c->size = size;
    c->sized = true;
}

static struct cel_range smaller(struct cel_range x, struct cel_range y)
{
    uint64_t max = x.max < y.max ? x.max : y.max;
    return cel_tenth((struct cel_range){max > 0, max});
}

static struct cel_range quarter(struct cel_range x)
{
    return (struct cel_range){x.min / 4 + (x.min % 4 > 0), x.max / 4 + (x.max % 4 > 0)};
}

static struct cel_range of_pattern(struct cel_range text, struct cel_range pattern)
{
    return cel_product(cel_tenth(cel_sum(text, cel_fixed(1))), quarter(pattern));
}

static void equality(struct cel_estimated_call *c)
{
    const struct cel_type *x = c->x->args[0]->type, *y = c->x->args[1]->type;
    bool opaque = x->kind == T_OPAQUE && cel_type_same(x, y) && c->x->func->name[1] == '=';
    if (!opaque)
        c->cost = smaller(arg(c, 0), arg(c, 1));
    else if (strcmp(x->name, "kubernetes.URL") == 0 && c->args[1].sized)
        c->cost = cel_tenth((struct cel_range){1, c->args[1].size.max});
    else if (strcmp(x->name, "kubernetes.NamedFormat") == 0)
        c->cost = cel_tenth((struct cel_range){1, 64});
}

static void addition(struct cel_estimated_call *c)
{
    bool texts = c->sig[0] == 's' || c->sig[0] == 'y';
    if (!texts && c->sig[0] != 'L')
        return;
    gives(c, cel_sum(arg(c, 0), arg(c, 1)));
    if (texts)
        c->cost = cel_tenth(c->size);
}

/* bytes(string): up to four of each character; string(bytes): back. */
static void conversion(struct cel_estimated_call *c)
{
    struct cel_range n = arg(c, 0);
    if (c->sig[0] == c->sig[2] || (c->sig[0] != 'y' && c->sig[2] != 'y'))
        return;
    c->cost = cel_tenth(n);
    gives(c, c->sig[0] == 's' ? (struct cel_range){n.min, cel_times(n.max, 4)}
                              : (struct cel_range){n.min / 4, n.max});
}

/* Of the elements of the list that is the first argument: only their place counts. */
static struct cel_range element_size(const struct cel_estimated_call *c)
{
    struct cel_range size = {0, 0};
    const struct cel_step at = {c->args[0].at, STR("@items")};
    bool known = at.up && cel_size_at(c->a, c->self, &at, &size.max);
    return known ? size : cel_unbounded();
}

static void traversal(struct cel_estimated_call *c)
{
    const struct cel_type *t = c->x->args[0]->type;
    struct cel_range each = cel_fixed(1);
    if (t->kind != T_LIST) {
        c->cost = cel_tenth(arg(c, 0));
        return;
    }
    if (t->a->kind == T_STRING || t->a->kind == T_BYTES)
        each = cel_sum(each, cel_tenth(element_size(c)));
    c->cost = cel_product(arg(c, 0), each);
}

static uint64_t divided(uint64_t x, uint64_t y)
{
    return x / y + (x % y > 0);
}

/* The longest result: as many replacements as there can be; the shortest in the same way. */
static void replacement(struct cel_estimated_call *c)
{
    struct cel_range s = arg(c, 0), from = arg(c, 1), to = arg(c, 2);
    struct cel_range count = {0, 0}, kept = {0, 0};
    c->cost = cel_tenth(cel_product(s, cel_fixed(2)));
    if (from.min == 0)
        count.max = cel_add(s.max, 1);
    else if (to.max > from.min)
        count.max = divided(s.max, from.min);
    if (from.min == 0 || to.max <= from.min)
        kept.max = s.max;
    if (from.max == 0)
        count.min = cel_add(s.min, 1);
    else if (from.max > to.min)
        count.min = divided(s.min, from.max);
    if (from.max == 0 || from.max <= to.min)
        kept.min = s.min;
    gives(c, cel_sum(cel_product(count, to), kept));
}

static void splitting(struct cel_estimated_call *c)
{
    struct cel_range s = arg(c, 0);
    uint64_t max = s.max;
    const struct cel_node *limit = c->x->n > 2 ? c->x->args[2] : NULL;
    if (limit && limit->op == NODE_LITERAL && limit->literal.kind == CEL_INT)
        max = (uint64_t)limit->literal.i;
    c->cost = cel_tenth(cel_product(s, cel_fixed(2)));
    gives(c, (struct cel_range){0, max});
}

static void joining(struct cel_estimated_call *c)
{
    struct cel_range list = arg(c, 0), size = {0, 0};
    const struct cel_type *t = c->x->args[0]->type;
    if (t->kind == T_LIST)
        size = cel_product(list, element_size(c));
    if (c->x->n > 1) {
        struct cel_range gaps = {list.min - (list.min > 0), list.max - (list.max > 0)};
        size = cel_sum(size, cel_product(arg(c, 1), gaps));
    }
    c->cost = cel_tenth(size);
    gives(c, size);
}

static void network(struct cel_estimated_call *c)
{
    static const struct cel_range address = {4, 16};
    c->cost = cel_tenth(cel_sum(address, address));
    if (c->x->func->cost == COST_CONTAINS_CIDR)
        c->cost = cel_sum(c->cost, cel_sum(cel_tenth(address), cel_fixed(1)));
    if (c->sig[1] == 's')
        c->cost = cel_sum(c->cost, cel_tenth(arg(c, 1)));
}

static void selector(struct cel_estimated_call *c)
{
    struct cel_range n = arg(c, 1);
    struct cel_range parts = {divided(n.min, 2), divided(n.max, 2)};
    c->cost = cel_sum(cel_fixed(CEL_COST_LIST), cel_tenth(n));
    c->cost = cel_sum(c->cost, cel_product(parts, cel_fixed(CEL_COST_LIST + CEL_COST_STRUCT)));
}

static void order(struct cel_estimated_call *c)
{
    bool texts = strncmp(c->sig, "ss", 2) == 0 || strncmp(c->sig, "yy", 2) == 0;
    if (texts)
        c->cost = smaller(arg(c, 0), arg(c, 1));
}

static void elements(struct cel_estimated_call *c)
{
    if (c->sig[1] == 'L')
        c->cost = arg(c, 1);
}

static void prefix(struct cel_estimated_call *c)
{
    c->cost = cel_tenth(arg(c, 1));
}

static void matching(struct cel_estimated_call *c)
{
    c->cost = of_pattern(arg(c, 0), arg(c, 1));
}

static void finding(struct cel_estimated_call *c)
{
    matching(c);
    gives(c, (struct cel_range){0, arg(c, 0).max});
}

static void containing(struct cel_estimated_call *c)
{
    c->cost = cel_product(cel_tenth(arg(c, 0)), cel_tenth(arg(c, 1)));
}

static void formatting(struct cel_estimated_call *c)
{
    c->cost = cel_tenth(arg(c, 0));
}

static void quoting(struct cel_estimated_call *c)
{
    struct cel_range n = arg(c, 0);
    c->cost = cel_tenth(n);
    gives(c, (struct cel_range){cel_add(n.min, 2), cel_add(cel_times(n.max, 2), 2)});
}

static void sets(struct cel_estimated_call *c)
{
    struct cel_range ways = cel_fixed(c->x->func->cost == COST_SETS ? 2 : 1);
    c->cost = cel_product(cel_product(arg(c, 0), arg(c, 1)), ways);
    c->cost = cel_sum(c->cost, cel_fixed(1));
}

static void check(struct cel_estimated_call *c)
{
    c->cost = cel_fixed(CEL_COST_CHECK);
}

static void text(struct cel_estimated_call *c)
{
    c->cost = cel_tenth(arg(c, 0));
    gives(c, arg(c, 0));
}

static void validation(struct cel_estimated_call *c)
{
    c->cost = cel_product(cel_tenth(arg(c, 1)), cel_fixed(FORMAT_REGEX));
}

void cel_estimate_overload(struct cel_estimated_call *c)
{
    static void (*const rules[])(struct cel_estimated_call * c) = {[COST_EQUAL] = equality,
                                                                   [COST_ORDER] = order,
                                                                   [COST_ADD] = addition,
                                                                   [COST_IN] = elements,
                                                                   [COST_PREFIX] = prefix,
                                                                   [COST_MATCHES] = matching,
                                                                   [COST_CONTAINS] = containing,
                                                                   [COST_CONVERT] = conversion,
                                                                   [COST_FORMAT] = formatting,
                                                                   [COST_QUOTE] = quoting,
                                                                   [COST_SET] = sets,
                                                                   [COST_SETS] = sets,
                                                                   [COST_CHECK] = check,
                                                                   [COST_SELECTOR] = selector,
                                                                   [COST_TRAVERSE] = traversal,
                                                                   [COST_TEXT] = text,
                                                                   [COST_URL] = text,
                                                                   [COST_REPLACE] = replacement,
                                                                   [COST_SPLIT] = splitting,
                                                                   [COST_JOIN] = joining,
                                                                   [COST_FIND] = finding,
                                                                   [COST_CONTAINS_IP] = network,
                                                                   [COST_CONTAINS_CIDR] = network,
                                                                   [COST_VALIDATE] = validation};
    uint16_t rule = c->x->func->cost;
    c->cost = cel_fixed(1);
    if (rule < ARRAY_LEN(rules) && rules[rule])
        rules[rule](c);
}
