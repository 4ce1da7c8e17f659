/* Evaluation: a walk over the checked tree that pays for every step. */
#include "sim/kubeapi/cel/cel_internal.h"

static struct cel_value over(struct cel_run *run)
{
    return (struct cel_value){.kind = CEL_ERROR, .s = STR(CEL_OVER_BUDGET)};
}

static struct cel_value no_such_key(struct cel_run *run, struct cel_value key)
{
    struct buf b = {.max = 1024};
    if (key.kind == CEL_STRING)
        buf_add(&b, key.s);
    else
        cel_value_print(&key, run->a, &b);
    struct cel_value v = cel_fail(run, "no such key: " STR_FMT, STR_ARG(buf_str(&b)));
    buf_free(&b);
    return v;
}

/* ---- fields ---- */

/* The k-th field of a record: evaluated at the first look, with the loops of who looks out of the way. */
static struct cel_value record_field(struct cel_run *run, struct cel_record_value *r, size_t k)
{
    struct cel_value locals[CEL_LOCALS_MAX];
    if (r->state[k] == 2)
        return r->values[k];
    BUG_ON(r->state[k] == 1, "fields refer to those before them");
    r->state[k] = 1;
    memcpy(locals, run->locals, sizeof(locals));
    r->values[k] = cel_eval_node(run, r->fields[k].program->root);
    memcpy(run->locals, locals, sizeof(locals));
    r->state[k] = 2;
    return r->values[k];
}

/* False: there is no such field. */
static bool field(struct cel_run *run, const struct cel_node *x, struct cel_value v,
                  struct cel_value *out)
{
    if (v.kind == CEL_RECORD) {
        for (size_t i = 0; i < v.record->n; i++)
            if (str_eq(v.record->fields[i].name, x->name)) {
                *out = record_field(run, v.record, i);
                return true;
            }
        return false;
    }
    if (v.kind != CEL_MAP)
        return false;
    const struct cel_type *t = x->args[0]->type;
    bool escaped = t && t->kind == T_OBJECT && t->definition;
    struct str name = escaped ? cel_unescape(run->a, x->name) : x->name;
    return cel_map_get(run->a, v.map, cel_string(name), out);
}

static struct cel_value eval_has(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value v = cel_eval_node(run, x->args[0]), out;
    if (cel_is_error(v))
        return v;
    if (v.kind == CEL_OPTIONAL)
        return cel_bool(v.inner && field(run, x, *v.inner, &out));
    return cel_bool(field(run, x, v, &out));
}

static struct cel_value eval_select(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value v = cel_eval_node(run, x->args[0]), out;
    bool optional = x->optional;
    if (cel_is_error(v))
        return v;
    if (v.kind == CEL_OPTIONAL) {
        if (!v.inner)
            return v;
        v = *v.inner;
        optional = true;
    }
    if (field(run, x, v, &out)) {
        if (!optional || cel_is_error(out) || out.kind == CEL_OPTIONAL)
            return out;
        return cel_optional(run->a, &out);
    }
    return optional ? cel_optional(run->a, NULL) : no_such_key(run, cel_string(x->name));
}

/* ---- indexes ---- */

static struct cel_value list_at(struct cel_run *run, struct cel_list *list, struct cel_value i,
                                bool *found)
{
    int64_t k = i.i;
    *found = false;
    if (i.kind == CEL_UINT)
        k = i.u > INT64_MAX ? -1 : (int64_t)i.u;
    else if (i.kind == CEL_DOUBLE)
        k = i.d >= 0 && i.d < 1e15 && (double)(int64_t)i.d == i.d ? (int64_t)i.d : -1;
    else if (i.kind != CEL_INT)
        return cel_no_overload(run);
    if (k < 0 || (uint64_t)k >= list->n)
        return cel_fail(run, "index out of bounds: %lld", (long long)k);
    *found = true;
    return cel_list_items(run->a, list)[k];
}

static struct cel_value eval_index(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value v = cel_eval_node(run, x->args[0]), out;
    bool optional = x->name.n > 4, found = false; /* "_[?_]" */
    if (cel_is_error(v) || (v.kind == CEL_OPTIONAL && !v.inner))
        return v;
    struct cel_value i = cel_eval_node(run, x->args[1]);
    if (cel_is_error(i))
        return i;
    if (v.kind == CEL_OPTIONAL) {
        v = *v.inner;
        optional = true;
    }
    if (v.kind == CEL_LIST) {
        out = list_at(run, v.list, i, &found);
    } else if (v.kind == CEL_MAP) {
        found = cel_map_get(run->a, v.map, i, &out);
        if (!found)
            out = no_such_key(run, i);
    } else {
        return cel_no_overload(run);
    }
    if (!optional || (found && out.kind == CEL_OPTIONAL))
        return out;
    return cel_optional(run->a, found ? &out : NULL);
}

/* ---- logic: an error on one side does not matter when the other decides ---- */

static struct cel_value eval_logic(struct cel_run *run, const struct cel_node *x, bool decides)
{
    struct cel_value l = cel_eval_node(run, x->args[0]);
    if (run->over || (l.kind == CEL_BOOL && l.b == decides))
        return l;
    struct cel_value r = cel_eval_node(run, x->args[1]);
    if (r.kind == CEL_BOOL && r.b == decides)
        return r;
    if (cel_is_error(l))
        return l;
    if (cel_is_error(r))
        return r;
    return l.kind == CEL_BOOL && r.kind == CEL_BOOL ? r : cel_no_overload(run);
}

static struct cel_value eval_condition(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value v = cel_eval_node(run, x->args[0]);
    if (cel_is_error(v))
        return v;
    if (v.kind != CEL_BOOL)
        return cel_no_overload(run);
    return cel_eval_node(run, x->args[v.b ? 1 : 2]);
}

/* .or and .orValue look at their argument only when they need it. */
static struct cel_value eval_or(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value v = cel_eval_node(run, x->args[0]);
    if (cel_is_error(v))
        return v;
    if (v.kind != CEL_OPTIONAL)
        return cel_no_overload(run);
    if (v.inner)
        return str_eq_c(x->name, "or") ? v : *v.inner;
    return cel_eval_node(run, x->args[1]);
}

static struct cel_value eval_call(struct cel_run *run, const struct cel_node *x)
{
    struct cel_value args[CEL_ARGS_MAX + 1];
    const char *name = x->func->name;
    if (!x->func->call) {
        if (!cel_charge(run, x->func->cost == COST_ONE))
            return over(run);
        if (name[0] == '.')
            return eval_or(run, x);
        if (strcmp(name, "_&&_") == 0)
            return eval_logic(run, x, false);
        if (strcmp(name, "_||_") == 0)
            return eval_logic(run, x, true);
        return name[1] == '?' ? eval_condition(run, x) : eval_index(run, x);
    }
    for (size_t i = 0; i < x->n; i++) {
        args[i] = cel_eval_node(run, x->args[i]);
        if (cel_is_error(args[i]))
            return args[i];
    }
    if (!cel_charge(run, cel_cost_call(run, x, args, x->n)))
        return over(run);
    if (!cel_func_admits(x->func, args, x->n))
        return cel_no_overload(run);
    struct cel_value v = x->func->call(run, x, args, x->n);
    if (x->func->cost == COST_JOIN)
        (void)cel_charge(run, cel_cost_join(&v));
    return v;
}

/* ---- literals ---- */

static struct cel_value eval_list(struct cel_run *run, const struct cel_node *x)
{
    size_t n = 0;
    if (!cel_charge(run, CEL_COST_LIST) || !cel_work(run, x->n * 4))
        return over(run);
    struct cel_value *items = ARENA_NEW_ARRAY(run->a, struct cel_value, x->n + 1);
    for (size_t i = 0; i < x->n; i++) {
        struct cel_value v = cel_eval_node(run, x->args[i]);
        if (cel_is_error(v))
            return v;
        if (x->maybe && x->maybe[i]) {
            if (v.kind != CEL_OPTIONAL)
                return cel_no_overload(run);
            if (!v.inner)
                continue;
            v = *v.inner;
        }
        items[n++] = v;
    }
    return cel_list_new(run->a, items, n);
}

/* Adds a pair; an error when the key is there, or is none. */
static struct cel_value map_add(struct cel_run *run, struct cel_map *m, struct cel_value key,
                                struct cel_value value)
{
    struct cel_value was;
    if (!cel_work(run, 1 + m->n / 16)) /* looking for the key takes time */
        return over(run);
    if (key.kind != CEL_STRING && key.kind != CEL_BOOL && !cel_numeric(key))
        return cel_fail(run, "unsupported key type: %s",
                        cel_type_of_value(run->a, key)->name ? cel_type_of_value(run->a, key)->name
                                                             : "list");
    if (cel_map_get(run->a, m, key, &was))
        return cel_fail(run, "Failed with repeated key");
    m->keys[m->n] = key;
    m->values[m->n++] = value;
    return cel_null();
}

static struct cel_value map_empty(struct cel_run *run, size_t cap)
{
    return cel_map_new(run->a, ARENA_NEW_ARRAY(run->a, struct cel_value, cap + 1),
                       ARENA_NEW_ARRAY(run->a, struct cel_value, cap + 1), 0);
}

static struct cel_value eval_map(struct cel_run *run, const struct cel_node *x)
{
    if (!cel_charge(run, CEL_COST_MAP) || !cel_work(run, x->n * 4))
        return over(run);
    struct cel_value m = map_empty(run, x->n / 2);
    for (size_t i = 0; i < x->n; i += 2) {
        struct cel_value key = cel_eval_node(run, x->args[i]);
        struct cel_value value = cel_is_error(key) ? key : cel_eval_node(run, x->args[i + 1]);
        if (cel_is_error(value))
            return value;
        if (x->maybe && x->maybe[i]) {
            if (value.kind != CEL_OPTIONAL)
                return cel_no_overload(run);
            if (!value.inner)
                continue;
            value = *value.inner;
        }
        value = map_add(run, m.map, key, value);
        if (cel_is_error(value))
            return value;
    }
    return m;
}

/* ---- loops ---- */

struct loop {
    struct cel_run *run;
    const struct cel_node *x;
    struct cel_value range, out, error;
    size_t n, found, cap; /* cap: there is room for so many results */
    bool done;
};

/* Sets the variables of the i-th turn. */
static void turn(struct loop *l, size_t i)
{
    struct cel_value *one = &l->run->locals[l->x->slot], *two = one + 1, key, value;
    bool both = l->x->name2.n > 0;
    if (l->range.kind == CEL_LIST) {
        key = cel_int((int64_t)i);
        value = cel_list_items(l->run->a, l->range.list)[i];
        *one = both ? key : value;
    } else {
        cel_map_at(l->run->a, l->range.map, i, &key, &value);
        *one = key;
    }
    if (both)
        *two = value;
}

static void decide(struct loop *l, struct cel_value v)
{
    if (v.kind != CEL_BOOL) {
        if (!cel_is_error(l->error))
            l->error = cel_is_error(v) ? v : cel_no_overload(l->run);
        l->done = l->x->loop == LOOP_EXISTS_ONE;
        return;
    }
    l->found += v.b;
    l->done = l->x->loop == LOOP_ALL ? !v.b : l->x->loop == LOOP_EXISTS && v.b;
}

static void merge_entry(struct loop *l, struct cel_value v)
{
    struct cel_value key, value;
    size_t n = v.kind == CEL_MAP ? cel_map_count(v.map) : 0;
    if (v.kind != CEL_MAP || n != 1) {
        l->error = cel_fail(l->run, "transformMapEntry: the result must be a map of one entry");
        l->done = true;
        return;
    }
    cel_map_at(l->run->a, v.map, 0, &key, &value);
    l->error = map_add(l->run, l->out.map, key, value);
    l->done = cel_is_error(l->error);
}

/* Room for one more result: it grows as results come, so that a loop that ends early takes no memory. */
static void make_room(struct loop *l)
{
    struct arena *a = l->run->a;
    struct cel_value **rows[2] = {NULL, NULL};
    size_t n = l->out.kind == CEL_LIST ? l->out.list->n : l->out.map->n;
    if (n < l->cap)
        return;
    rows[0] = l->out.kind == CEL_LIST ? &l->out.list->items : &l->out.map->keys;
    rows[1] = l->out.kind == CEL_LIST ? NULL : &l->out.map->values;
    l->cap = l->cap > 0 ? l->cap * 2 : 4;
    for (size_t i = 0; i < 2 && rows[i]; i++) {
        struct cel_value *more = ARENA_NEW_ARRAY(a, struct cel_value, l->cap);
        if (n > 0)
            memcpy(more, *rows[i], n * sizeof(*more));
        *rows[i] = more;
    }
}

static void collect(struct loop *l, struct cel_value v)
{
    struct cel_run *run = l->run;
    make_room(l);
    if (cel_is_error(v)) {
        l->error = v;
        l->done = true;
    } else if (l->x->loop == LOOP_TO_MAP) {
        l->error = map_add(run, l->out.map, run->locals[l->x->slot], v);
        l->done = cel_is_error(l->error);
    } else if (l->x->loop == LOOP_ENTRY) {
        merge_entry(l, v);
    } else {
        l->out.list->items[l->out.list->n++] = v;
    }
}

/* The filter between the variables and what comes out; false: this turn gives nothing. */
static bool let_through(struct loop *l)
{
    const struct cel_node *x = l->x;
    if (x->loop != LOOP_FILTER && x->n < 3)
        return true;
    struct cel_value v = cel_eval_node(l->run, x->args[1]);
    if (v.kind == CEL_BOOL)
        return v.b;
    l->error = cel_is_error(v) ? v : cel_no_overload(l->run);
    l->done = true;
    return false;
}

static struct cel_value loop_end(struct loop *l)
{
    uint8_t kind = l->x->loop;
    if (l->run->over)
        return over(l->run);
    if (kind == LOOP_ALL && l->done)
        return cel_bool(false);
    if (kind == LOOP_EXISTS && l->done)
        return cel_bool(true);
    if (cel_is_error(l->error))
        return l->error;
    if (kind == LOOP_ALL || kind == LOOP_EXISTS)
        return cel_bool(kind == LOOP_ALL);
    return kind == LOOP_EXISTS_ONE ? cel_bool(l->found == 1) : l->out;
}

static struct cel_value eval_optional(struct cel_run *run, const struct cel_node *x,
                                      struct cel_value v)
{
    if (v.kind != CEL_OPTIONAL)
        return cel_no_overload(run);
    if (!cel_charge(run, v.inner ? 2 : 1)) /* hasValue() and value() */
        return over(run);
    if (!v.inner)
        return v;
    run->locals[x->slot] = *v.inner;
    struct cel_value out = cel_eval_node(run, x->args[1]);
    if (cel_is_error(out) || x->loop == LOOP_OPT_FLAT_MAP)
        return out;
    return cel_optional(run->a, &out);
}

/* What a loop costs by itself: the accumulator that macros hide begins as a list, a map or a scalar, and is the result. */
static uint64_t begin_cost(const struct cel_node *x)
{
    if (x->loop == LOOP_TO_MAP || x->loop == LOOP_ENTRY)
        return CEL_COST_MAP + 1;
    return x->loop == LOOP_EXISTS_ONE ? 2 : x->loop > LOOP_EXISTS_ONE ? CEL_COST_LIST + 1 : 1;
}

/* What a turn costs beside its expressions: the condition, and the accumulator. */
static uint64_t turn_cost(const struct cel_node *x)
{
    static const uint8_t costs[] = {[LOOP_ALL] = 3, [LOOP_EXISTS] = 4, [LOOP_EXISTS_ONE] = 2};
    return x->loop <= LOOP_EXISTS_ONE ? costs[x->loop] : x->loop == LOOP_FILTER || x->n > 2;
}

/* And one that gives a result: a list of its own, added to the others; or an entry put into the map. */
static uint64_t result_cost(const struct cel_node *x)
{
    uint64_t filtered = x->n > 2; /* a turn has paid for the accumulator then */
    if (x->loop == LOOP_TO_MAP || x->loop == LOOP_ENTRY)
        return (x->loop == LOOP_TO_MAP ? 3 : 2) - filtered;
    return CEL_COST_LIST + 2 - filtered;
}

static struct cel_value eval_loop(struct cel_run *run, const struct cel_node *x)
{
    struct loop l = {.run = run, .x = x, .range = cel_eval_node(run, x->args[0])};
    if (cel_is_error(l.range))
        return l.range;
    if (x->loop == LOOP_OPT_MAP || x->loop == LOOP_OPT_FLAT_MAP)
        return eval_optional(run, x, l.range);
    if (l.range.kind == CEL_LIST)
        l.n = l.range.list->n;
    else if (l.range.kind == CEL_MAP)
        l.n = cel_map_count(l.range.map);
    else
        return cel_no_overload(run);
    bool map = x->loop == LOOP_TO_MAP || x->loop == LOOP_ENTRY;
    if (!cel_charge(run, begin_cost(x)))
        return over(run);
    if (map)
        l.out = map_empty(run, 0);
    else if (x->loop > LOOP_EXISTS_ONE)
        l.out = cel_list_new(run->a, NULL, 0);
    for (size_t i = 0; i < l.n && !l.done && cel_charge(run, turn_cost(x)) && cel_work(run, 1);
         i++) {
        turn(&l, i);
        if (x->loop <= LOOP_EXISTS_ONE)
            decide(&l, cel_eval_node(run, x->args[1]));
        else if (let_through(&l) && cel_charge(run, result_cost(x)))
            collect(&l, x->loop == LOOP_FILTER ? run->locals[x->slot]
                                               : cel_eval_node(run, x->args[x->n - 1]));
    }
    return loop_end(&l);
}

/* ---- nodes ---- */

struct cel_value cel_eval_node(struct cel_run *run, const struct cel_node *x)
{
    bool named = x->op == NODE_VAR || x->op == NODE_LOCAL || x->op == NODE_SELECT;
    if (run->over || !cel_charge(run, named))
        return over(run);
    struct cel_value v;
    switch (x->op) {
    case NODE_LITERAL:
        return x->literal;
    case NODE_VAR:
        return run->vars[x->slot];
    case NODE_LOCAL:
        return run->locals[x->slot];
    case NODE_SELECT:
        v = eval_select(run, x);
        break;
    case NODE_HAS:
        v = eval_has(run, x);
        break;
    case NODE_CALL:
        v = eval_call(run, x);
        break;
    case NODE_LIST:
        v = eval_list(run, x);
        break;
    case NODE_MAP:
        v = eval_map(run, x);
        break;
    case NODE_LOOP:
        v = eval_loop(run, x);
        break;
    case NODE_NAME:
        BUG_ON(true, "names are gone after the check");
    }
    return run->over ? over(run) : v;
}

struct cel_value cel_eval(struct cel_run *run, const struct cel_program *p)
{
    return cel_eval_node(run, p->root);
}
