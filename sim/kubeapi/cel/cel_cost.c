/* What calls cost, on the original's scale: a tenth for a character that is passed over, one for what takes no time. */
#include "sim/kubeapi/cel/cel_internal.h"

#define REGEX_OF_FORMAT                                                                            \
    8u /* what looking through a text by a named format's pattern costs a character */

static uint64_t size_of(const struct cel_value *v)
{
    switch (v->kind) {
    case CEL_STRING:
        return cel_code_points(v->s);
    case CEL_BYTES:
        return v->s.n;
    case CEL_LIST:
        return v->list->n;
    case CEL_MAP:
        return cel_map_count(v->map);
    case CEL_IP:
    case CEL_CIDR:
        return cel_net_size(*v);
    default:
        return 1;
    }
}

/* Of a value and all that is in it; each step is work, because empty texts cost nothing. */
static uint64_t traversal(struct cel_run *run, const struct cel_value *v)
{
    uint64_t cost = 0;
    if (v->kind == CEL_STRING || v->kind == CEL_BYTES)
        return v->s.n / 10;
    if (v->kind == CEL_LIST) {
        const struct cel_value *items = cel_list_items(run->a, v->list);
        for (size_t i = 0; i < v->list->n && cel_work(run, 1); i++)
            cost += traversal(run, &items[i]);
        return cost;
    }
    if (v->kind != CEL_MAP)
        return 1;
    for (size_t i = 0; i < cel_map_count(v->map) && cel_work(run, 1 + i / 16); i++) {
        struct cel_value key, value;
        cel_map_at(run->a, v->map, i, &key, &value);
        cost += traversal(run, &key) + traversal(run, &value);
    }
    return cost;
}

static bool is_text(const struct cel_value *v)
{
    return v->kind == CEL_STRING || v->kind == CEL_BYTES;
}

static uint64_t quarter(uint64_t n)
{
    return n / 4 + (n % 4 > 0);
}

static uint64_t of_network(const struct cel_node *call, uint64_t cidr,
                           const struct cel_value *other)
{
    uint64_t cost = cel_text_cost(cidr * 2);
    if (call->func->cost == COST_CONTAINS_CIDR)
        cost += cel_text_cost(cidr) + 1;
    return cost + (other->kind == CEL_STRING ? cel_text_cost(size_of(other)) : 0);
}

static uint64_t of_pair(const struct cel_node *call, const struct cel_value *args, uint64_t x,
                        uint64_t y)
{
    bool texts = is_text(&args[0]) && is_text(&args[1]);
    switch ((enum cel_cost)call->func->cost) {
    case COST_EQUAL:
        return cel_text_cost(x < y ? x : y);
    case COST_ORDER:
        return texts ? cel_text_cost(x < y ? x : y) : 1;
    case COST_ADD:
        return texts ? cel_text_cost(x + y) : 1;
    case COST_IN:
        return args[1].kind == CEL_LIST ? y : 1;
    case COST_PREFIX:
        return cel_text_cost(y);
    case COST_MATCHES:
    case COST_FIND:
        return cel_text_cost(x + 1) * quarter(y);
    case COST_CONTAINS:
        return cel_text_cost(x) * cel_text_cost(y);
    case COST_SET:
        return 1 + x * y;
    case COST_SETS:
        return 1 + x * y * 2;
    case COST_SELECTOR:
        return CEL_COST_LIST + cel_text_cost(y) + (y + 1) / 2 * (CEL_COST_LIST + CEL_COST_STRUCT);
    case COST_VALIDATE:
        return cel_text_cost(y + 1) * REGEX_OF_FORMAT;
    case COST_CONTAINS_IP:
    case COST_CONTAINS_CIDR:
        return of_network(call, x, &args[1]);
    default:
        return 1;
    }
}

uint64_t cel_cost_call(struct cel_run *run, const struct cel_node *call,
                       const struct cel_value *args, size_t n)
{
    enum cel_cost rule = (enum cel_cost)call->func->cost;
    uint64_t x = n > 0 ? size_of(&args[0]) : 0;
    switch (rule) {
    case COST_NONE:
    case COST_JOIN:
        return 0;
    case COST_ONE:
        return 1;
    case COST_CHECK:
        return CEL_COST_CHECK;
    case COST_TRAVERSE:
        return traversal(run, &args[0]);
    case COST_CONVERT: {
        bool to_bytes = str_eq_c(call->name, "bytes");
        bool passes = args[0].kind == (to_bytes ? CEL_STRING : CEL_BYTES);
        return passes ? cel_text_cost(x) : 1;
    }
    case COST_FORMAT:
    case COST_QUOTE:
    case COST_TEXT:
    case COST_URL:
    case COST_PARSE:
        return cel_text_cost(x);
    case COST_CANONICAL:
    case COST_REPLACE:
    case COST_SPLIT:
        return cel_text_cost(x * 2);
    default:
        return n > 1 ? of_pair(call, args, x, size_of(&args[1])) : 1;
    }
}

uint64_t cel_cost_join(const struct cel_value *result)
{
    return cel_text_cost(size_of(result) * 2);
}
