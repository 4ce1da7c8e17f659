/* Goal: whatever is written, what compiles prints as text that means the same, evaluates to the same value each time, and
 * stops as soon as its budget is spent.
 * Method: random expressions of a small grammar over an object; the text that a program prints is compiled and evaluated
 * beside it, under budgets of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "sim/kubeapi/cel/cel.h"

#include <stdlib.h>

#define EXPRESSIONS 4000
#define STEP_MAX    2000u /* the dearest single step over this object: a loop over it, or a text */

static const char object[] =
    "{\"n\":3,\"f\":2.5,\"s\":\"abc\",\"l\":[1,2,3],\"w\":[\"x\",\"yy\"],\"m\":{\"a\":1,\"b\":2},"
    "\"o\":{\"l\":[{\"k\":\"a\"}],\"z\":null}}";

struct gen {
    struct rng rng;
    struct buf out;
};

static void expression(struct gen *g, unsigned depth);

static void pick(struct gen *g, const char *const *list, size_t n)
{
    buf_add_c(&g->out, list[rng_below(&g->rng, n)]);
}

static void leaf(struct gen *g)
{
    static const char *const leaves[] = {"1",
                                         "0",
                                         "-7",
                                         "2u",
                                         "1.5",
                                         "'abc'",
                                         "\"\"",
                                         "true",
                                         "false",
                                         "null",
                                         "self.n",
                                         "self.f",
                                         "self.s",
                                         "self.l",
                                         "self.w",
                                         "self.m",
                                         "self.o.l[0].k",
                                         "self.nope",
                                         "self.?nope",
                                         "b'q'",
                                         "9223372036854775807",
                                         "duration('90s')",
                                         "timestamp('2024-01-01T00:00:00Z')",
                                         "x",
                                         "[]",
                                         "{}",
                                         "int",
                                         "quantity('1Gi')",
                                         "ip('10.0.0.1')"};
    pick(g, leaves, ARRAY_LEN(leaves));
}

static void binary(struct gen *g, unsigned depth)
{
    static const char *const ops[] = {
        " + ", " - ", " * ", " / ", " % ", " == ", " != ", " < ", " >= ", " && ", " || ", " in "};
    buf_add_char(&g->out, '(');
    expression(g, depth);
    pick(g, ops, ARRAY_LEN(ops));
    expression(g, depth);
    buf_add_char(&g->out, ')');
}

static void call(struct gen *g, unsigned depth)
{
    static const char *const names[] = {"size", "string", "int", "double", "type", "dyn", "has"};
    static const char *const members[] = {
        ".size()", ".sum()",      ".orValue(1)", "[0]",        "['a']",  ".a",         ".?a",
        ".trim()", ".isSorted()", ".split('')",  ".join('-')", ".max()", ".hasValue()"};
    if (rng_below(&g->rng, 2)) {
        pick(g, names, ARRAY_LEN(names));
        buf_add_char(&g->out, '(');
        expression(g, depth);
        buf_add_char(&g->out, ')');
    } else {
        expression(g, depth);
        pick(g, members, ARRAY_LEN(members));
    }
}

static void loop(struct gen *g, unsigned depth)
{
    static const char *const names[] = {"all", "exists", "exists_one", "map", "filter"};
    expression(g, depth);
    buf_add_char(&g->out, '.');
    pick(g, names, ARRAY_LEN(names));
    buf_add_c(&g->out, "(x, ");
    expression(g, depth);
    buf_add_char(&g->out, ')');
}

static void list(struct gen *g, unsigned depth)
{
    buf_add_c(&g->out, "[dyn(");
    expression(g, depth);
    buf_add_c(&g->out, "), ");
    expression(g, depth);
    buf_add_char(&g->out, ']');
}

static void expression(struct gen *g, unsigned depth)
{
    static void (*const forms[])(struct gen * g, unsigned depth) = {binary, call,   loop,
                                                                    list,   binary, call};
    if (depth == 0 || rng_below(&g->rng, 4) == 0)
        leaf(g);
    else
        forms[rng_below(&g->rng, ARRAY_LEN(forms))](g, depth - 1);
}

static struct str value_of(struct arena *a, const struct cel_program *p,
                           const struct cel_value *self, uint64_t cost_max, struct cel_run **out)
{
    struct buf b = {0};
    struct cel_run *run = ARENA_NEW(a, struct cel_run);
    run->a = a;
    run->vars = self;
    run->cost_max = cost_max;
    struct cel_value v = cel_eval(run, p);
    assert_true(run->over == (v.kind == CEL_ERROR && str_eq_c(v.s, CEL_OVER_BUDGET)));
    assert_true(run->cost <= cost_max + STEP_MAX);
    cel_value_print(&v, a, &b);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    *out = run;
    return s;
}

/* True: it compiles. */
static bool check_one(struct gen *g, const struct cel_env *env, const cJSON *tree)
{
    struct arena a = {0};
    struct cel_program *p = NULL, *q = NULL;
    struct cel_run *run, *other;
    struct buf first = {0}, second = {0};
    struct err *err = cel_compile(&a, env, buf_str(&g->out), &p);
    if (!err) {
        struct cel_value self = cel_of_json(&a, NULL, tree);
        cel_program_print(p, &first);
        err = cel_compile(&a, env, buf_str(&first), &q);
        if (err)
            fail_msg("%s\n%s\n%s", buf_c(&g->out), buf_c(&first), err->message);
        cel_program_print(q, &second);
        assert_string_equal(buf_c(&first), buf_c(&second));
        struct str v = value_of(&a, p, &self, CEL_CALL_COST, &run);
        struct str w = value_of(&a, q, &self, CEL_CALL_COST, &other);
        if (!str_eq(v, w) || run->cost != other->cost)
            fail_msg("%s: %s but %s", buf_c(&g->out), v.p, w.p);
        if (run->cost > 0) {
            (void)value_of(&a, p, &self, rng_below(&g->rng, run->cost), &other);
            assert_true(other->over);
        }
    }
    bool compiled = p != NULL;
    err_free(err);
    buf_free(&first);
    buf_free(&second);
    arena_free(&a);
    return compiled;
}

static void random_expressions(void **state)
{
    const char *given = getenv("PADDOCK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20261122;
    struct gen g = {0};
    struct arena a = {0};
    cJSON *tree;
    size_t compiled = 0;
    const struct cel_var vars[] = {{.name = STR("self"), .type = &cel_type_dyn}};
    const struct cel_env env = {vars, 1};
    print_message("PADDOCK_SEED=%llu\n", (unsigned long long)seed);
    g.rng = rng_seed(seed);
    assert_null(json_parse(&a, STR(object), &tree));
    for (int i = 0; i < EXPRESSIONS; i++) {
        buf_clear(&g.out);
        expression(&g, 4);
        compiled += check_one(&g, &env, tree);
    }
    assert_true(compiled > EXPRESSIONS / 20);
    buf_free(&g.out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_expressions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
