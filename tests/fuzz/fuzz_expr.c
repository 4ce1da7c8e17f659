/* Goal: any text ends as a program or as errors with a place; a program prints to what reads as the same program, its
 * value is bounded work, and it does not change before the time that it named. */
#include "tests/unit/support/scenario_world.h"

#include "sim/scenario/expr/diag.h"

#define BYTES_MAX 2048u /* more does not find more */
#define NOW       (660 * NS_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
    struct arena arena;
    struct source source;
    struct diags diags;
    struct expr_scope scope;
};

static struct expr *compile(struct sample *s, struct str text)
{
    s->source = (struct source){.file = STR("x"), .text = text};
    diags_init(&s->diags, &s->arena, &s->source);
    return expr_compile(&s->arena, &s->scope, text, (struct place){.line = 1, .column = 1},
                        EXPR_WANT_ANY, &s->diags);
}

static void check_print(struct sample *s, const struct expr *e)
{
    struct buf once = {0}, again = {0};
    expr_print(e, &once);
    struct expr *back = compile(s, buf_str(&once));
    BUG_ON(!back, "what a program prints is a program");
    expr_print(back, &again);
    BUG_ON(!str_eq(buf_str(&once), buf_str(&again)), "and prints the same");
    buf_free(&once);
    buf_free(&again);
}

static bool same(struct expr_value a, struct expr_value b)
{
    return a.known == b.known && (!a.known || (a.i == b.i && str_eq(a.s, b.s)));
}

static void check_value(const struct expr *e, const struct expr_env *env)
{
    struct expr_result now = expr_eval(e, env, NOW);
    struct buf said = {0};
    BUG_ON(now.next_change <= NOW, "a change lies in the future");
    if (!now.exhausted && now.next_change > NOW + 1) {
        int64_t later = now.next_change == EXPR_NEVER ? NOW + 1000 * NS_PER_S : now.next_change - 1;
        struct expr_result then = expr_eval(e, env, later);
        BUG_ON(expr_result_type(e) == EXPR_BOOL && !then.exhausted && !same(now.value, then.value),
               "nothing changes before it was said");
    }
    if (expr_result_type(e) == EXPR_BOOL)
        expr_explain(e, env, NOW, &said);
    buf_free(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scenario_world world;
    struct sample s = {.scope = world_scope()};
    struct str text = {(const char *)data, size < BYTES_MAX ? size : BYTES_MAX};
    s.scope.constant = world_constant;
    s.scope.constants = world_constants;
    world = (struct scenario_world){.ticks_n = 0};
    world_fill(&world);
    struct expr_env env = {&world_ops, &world};
    struct expr *e = compile(&s, text);
    BUG_ON(!e && s.diags.n + s.diags.dropped == 0, "an error says something");
    for (size_t i = 0; i < s.diags.n; i++)
        BUG_ON(s.diags.items[i].place.line == 0, "an error has a place");
    if (e) {
        check_value(e, &env);
        check_print(&s, e);
    }
    arena_free(&s.arena);
    return 0;
}
