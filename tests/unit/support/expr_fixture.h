/* expr_fixture: expressions compiled over the made-up world of scenario_world.h, at one moment. Include it behind cmocka.h. */
#ifndef PADDOCK_TESTS_UNIT_SUPPORT_EXPR_FIXTURE_H
#define PADDOCK_TESTS_UNIT_SUPPORT_EXPR_FIXTURE_H

#include "tests/unit/support/scenario_world.h"

#define NOW (660 * NS_PER_S)

struct fixture {
    struct arena arena;
    struct source source;
    struct diags diags;
    struct expr_scope scope;
    struct scenario_world world;
    struct expr_env env;
};

static inline struct expr *compile(struct fixture *f, const char *text, int want)
{
    f->source = (struct source){.file = STR("x"), .text = str_c(text)};
    diags_init(&f->diags, &f->arena, &f->source);
    return expr_compile(&f->arena, &f->scope, str_c(text), (struct place){.line = 1, .column = 1},
                        want, &f->diags);
}

static inline void start(struct fixture *f)
{
    *f = (struct fixture){.scope = world_scope()};
    f->scope.constant = world_constant;
    f->scope.constants = world_constants;
    world_fill(&f->world);
    f->env = (struct expr_env){&world_ops, &f->world};
}

static inline void print_errors(struct fixture *f)
{
    struct buf text = {0};
    diags_print(&f->diags, &text);
    print_message("%s", buf_c(&text));
    buf_free(&text);
}

#endif
