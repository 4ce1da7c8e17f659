#include "sim/scenario/expr/expr_internal.h"

struct expr *expr_compile(struct arena *a, const struct expr_scope *scope, struct str text,
                          struct place at, int want, struct diags *diags)
{
    BUG_ON(!scope || !diags, "a compilation has a scope and a place for its errors");
    struct compilation c = {.arena = a, .text = text, .at = at, .diags = diags};
    struct expr *e = ARENA_NEW(a, struct expr);
    struct expr_scope *copy = ARENA_NEW(a, struct expr_scope);
    *copy = *scope;
    e->scope = copy;
    e->text = text;
    e->root = expr_parse(&c);
    if (!e->root || !expr_resolve(&c, e, want))
        return NULL;
    BUG_ON(c.failed, "what failed has no program");
    expr_mark_slots(e);
    return e;
}

enum expr_type expr_result_type(const struct expr *e)
{
    return e->root->type;
}

struct str expr_text(const struct expr *e)
{
    return e->text;
}

int expr_over(const struct expr *e)
{
    return e->over;
}

const struct expr_dep *expr_deps(const struct expr *e, size_t *n)
{
    *n = e->deps_n;
    return e->deps;
}

bool expr_depends_on(const struct expr *e, struct expr_dep dep)
{
    for (size_t i = 0; i < e->deps_n; i++)
        if (e->deps[i].kind == dep.kind && e->deps[i].a == dep.a && e->deps[i].b == dep.b)
            return true;
    return false;
}

bool expr_uses_time(const struct expr *e)
{
    return e->uses_time;
}

size_t expr_states(const struct expr *e)
{
    return e->states_n;
}

struct str expr_state(const struct expr *e, size_t i)
{
    BUG_ON(i >= e->states_n, "no such comparison");
    return e->states[i]->name;
}

void expr_state_bind(struct expr *e, size_t i, uint32_t id)
{
    BUG_ON(i >= e->states_n, "no such comparison");
    e->states[i]->index = id;
}

const struct expr_collection *expr_collection_of(const struct expr *e, uint32_t collection)
{
    BUG_ON(collection >= e->scope->vocabulary->collections_n, "a program names what there is");
    return &e->scope->vocabulary->collections[collection];
}

struct expr_result expr_run(struct evaluation *v)
{
    struct expr_result r = {.value = expr_node_eval(v, v->expr->root)};
    r.next_change = v->next_change;
    r.exhausted = v->exhausted;
    if (v->exhausted)
        r.value.known = false;
    return r;
}

struct expr_result expr_eval(const struct expr *e, const struct expr_env *env, int64_t now)
{
    BUG_ON(e->over >= 0, "a program with an open collection is evaluated for an item");
    struct evaluation v = {.expr = e, .env = env, .now = now, .next_change = EXPR_NEVER};
    return expr_run(&v);
}

struct expr_result expr_eval_item(const struct expr *e, const struct expr_env *env, int64_t now,
                                  uint32_t item)
{
    BUG_ON(e->over < 0, "only a program with an open collection takes an item");
    struct evaluation v = {.expr = e, .env = env, .now = now, .next_change = EXPR_NEVER};
    v.items[0] = item;
    return expr_run(&v);
}

struct expr_value expr_eval_constant(const struct expr *e)
{
    BUG_ON(e->root->op != OP_CONST, "a program of constants folds to a constant");
    return e->root->value;
}
