/* Functions of lists and sets. */
#include "sim/kubeapi/cel/cel_internal.h"

static struct cel_value spent(struct cel_run *run)
{
    return cel_fail(run, CEL_OVER_BUDGET);
}

static struct cel_value is_sorted(struct cel_run *run, const struct cel_node *node,
                                  struct cel_value *args, size_t n)
{
    struct cel_value *v = cel_list_items(run->a, args[0].list);
    int c;
    for (size_t i = 1; i < args[0].list->n && cel_work(run, 1); i++) {
        if (!cel_compare(v[i - 1], v[i], &c))
            return cel_no_overload(run);
        if (c > 0)
            return cel_bool(false);
    }
    return cel_bool(true);
}

static struct cel_value sum(struct cel_run *run, const struct cel_node *node,
                            struct cel_value *args, size_t n)
{
    struct cel_value *v = cel_list_items(run->a, args[0].list);
    static const struct cel_func plus = {"_+_", "ii:i|uu:u|dd:d|DD:D", NULL, COST_ONE, '+'};
    const struct cel_func *add = cel_func_find(STR("_+_"), false);
    struct cel_node as = {.func = add};
    const struct cel_type *item = node->args[0]->type;
    if (args[0].list->n == 0) {
        enum cel_tkind kind = item->kind == T_LIST ? item->a->kind : T_INT;
        return (struct cel_value){.kind = kind == T_DOUBLE     ? CEL_DOUBLE
                                          : kind == T_UINT     ? CEL_UINT
                                          : kind == T_DURATION ? CEL_DURATION
                                                               : CEL_INT};
    }
    struct cel_value total = v[0];
    for (size_t i = 1; i < args[0].list->n && !cel_is_error(total) && cel_work(run, 1); i++) {
        struct cel_value pair[2] = {total, v[i]};
        total =
            cel_func_admits(&plus, pair, 2) ? add->call(run, &as, pair, 2) : cel_no_overload(run);
    }
    return total;
}

static struct cel_value extreme(struct cel_run *run, const struct cel_node *node,
                                struct cel_value *args, size_t n)
{
    struct cel_value *v = cel_list_items(run->a, args[0].list), best;
    int c, wanted = node->func->which ? 1 : -1;
    if (args[0].list->n == 0)
        return cel_fail(run, "%s called on empty list", wanted > 0 ? "max" : "min");
    best = v[0];
    for (size_t i = 1; i < args[0].list->n && cel_work(run, 1); i++) {
        if (!cel_compare(v[i], best, &c))
            return cel_no_overload(run);
        if (c == wanted)
            best = v[i];
    }
    return best;
}

static struct cel_value index_of(struct cel_run *run, const struct cel_node *node,
                                 struct cel_value *args, size_t n)
{
    bool last = node->func->which != 0;
    if (args[0].kind == CEL_STRING)
        return cel_string_index(run, args, n, last);
    struct cel_value *v = cel_list_items(run->a, args[0].list);
    size_t count = args[0].list->n;
    for (size_t i = 0; i < count && !run->over; i++) {
        size_t at = last ? count - 1 - i : i;
        if (cel_equal(run, v[at], args[1]))
            return cel_int((int64_t)at);
    }
    return cel_int(-1);
}

static bool has(struct cel_run *run, struct cel_list *list, struct cel_value v)
{
    struct cel_value *items = cel_list_items(run->a, list);
    for (size_t i = 0; i < list->n && !run->over; i++)
        if (cel_equal(run, items[i], v))
            return true;
    return false;
}

enum { CONTAINS, EQUIVALENT, INTERSECTS };

static bool contains_all(struct cel_run *run, struct cel_list *x, struct cel_list *y)
{
    struct cel_value *v = cel_list_items(run->a, y);
    for (size_t i = 0; i < y->n; i++)
        if (!has(run, x, v[i]))
            return false;
    return true;
}

static struct cel_value sets(struct cel_run *run, const struct cel_node *node,
                             struct cel_value *args, size_t n)
{
    struct cel_list *x = args[0].list, *y = args[1].list;
    struct cel_value *v = cel_list_items(run->a, y);
    if (node->func->which != INTERSECTS)
        return cel_bool(contains_all(run, x, y) &&
                        (node->func->which == CONTAINS || contains_all(run, y, x)));
    for (size_t i = 0; i < y->n && !run->over; i++)
        if (has(run, x, v[i]))
            return cel_bool(true);
    return run->over ? spent(run) : cel_bool(false);
}

const struct cel_func cel_funcs_lists[] = {
    {".isSorted", "LA:b", is_sorted, COST_TRAVERSE, 0},
    {".sum", "Li:i|Lu:u|Ld:d|LD:D", sum, COST_TRAVERSE, 0},
    {".min", "LA:A", extreme, COST_TRAVERSE, 0},
    {".max", "LA:A", extreme, COST_TRAVERSE, 1},
    {".indexOf", "ss:i|ssi:i|LAA:i", index_of, COST_TRAVERSE, 0},
    {".lastIndexOf", "ss:i|ssi:i|LAA:i", index_of, COST_TRAVERSE, 1},
    {"sets.contains", "LALA:b", sets, COST_SET, CONTAINS},
    {"sets.equivalent", "LALA:b", sets, COST_SETS, EQUIVALENT},
    {"sets.intersects", "LALA:b", sets, COST_SET, INTERSECTS},
    {0},
};
