/* Goal: what a rule is said to cost at most is never less than what it costs, for values within the bounds of the schema.
 * Method: random rules of a grammar that follows the types of a schema with bounds, compiled, estimated, and run over values
 * of every size that the bounds allow. Left out is what the original itself estimates too low: join, addresses and quantities
 * from texts, what is looked up in anything but the object, whether numbers of the object are equal, pieces around a separator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "sim/kubeapi/cel/cel.h"
#include "sim/kubeapi/types/crd_schema.h"

#include <stdlib.h>

#define RULES  3000
#define VALUES 3

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"n\":{\"type\":\"integer\"},\"b\":{\"type\":\"boolean\"},"
    "\"s\":{\"type\":\"string\",\"maxLength\":20},"
    "\"l\":{\"type\":\"array\",\"maxItems\":6,\"items\":{\"type\":\"string\",\"maxLength\":12}},"
    "\"i\":{\"type\":\"array\",\"maxItems\":8,\"items\":{\"type\":\"integer\"}},"
    "\"m\":{\"type\":\"object\",\"maxProperties\":5,\"additionalProperties\":{\"type\":\"string\","
    "\"maxLength\":9}},"
    "\"o\":{\"type\":\"array\",\"maxItems\":4,\"items\":{\"type\":\"object\",\"properties\":{\"k\":"
    "{"
    "\"type\":\"string\",\"maxLength\":7},\"w\":{\"type\":\"array\",\"maxItems\":3,\"items\":{"
    "\"type\":\"integer\"}}}}}}}";

enum { INT, BOOL, STRING, STRINGS, INTS, MAP, KINDS };

struct gen {
    struct rng rng;
    struct buf out;
};

static bool chance(struct gen *g, unsigned one_in)
{
    return rng_below(&g->rng, one_in) == 0;
}

/* "$2" in a form is an expression of that kind. */
static const char *const leaves[KINDS][4] = {
    [INT] = {"self.n", "3", "-1", "size(self.l)"},
    [BOOL] = {"self.b", "true", "has(self.s)", "false"},
    [STRING] = {"self.s", "'abc'", "\"\"", "self.l[0]"},
    [STRINGS] = {"self.l", "['a', 'bc']", "self.l", "self.m.map(q, q)"},
    [INTS] = {"self.i", "[1, 2, 3]", "self.i", "self.o[0].w"},
    [MAP] = {"self.m", "{'a': 'b'}", "self.m", "self.m"},
};
/* "$2" in a form is an expression of that kind. What is looped over or indexed is a part of the object: of anything else
 * the original takes the size of the root. */
static const char *const forms[KINDS][12] = {
    [INT] = {"($0 + $0)", "($1 ? $0 : $0)", "size($2)", "$4.sum()", "self.i[0]", "$3.indexOf($2)",
             "$2.indexOf($2)", "self.o.map(x, x.w.size()).max()", "$5.size()", "-($0)",
             "self.i.filter(x, x > $0).size()", "size($3)"},
    [BOOL] = {"($0 < $0)", "($2 == $2)", "($1 && $1)", "($1 || !$1)", "$2.contains($2)",
              "$2.matches('a+b')", "self.l.all(x, x.size() < $0)", "self.i.exists(x, x >= $0)",
              "($2 in $3)", "($2 in $5)", "self.o.exists_one(x, x.k == $2)",
              "sets.contains($3, $3)"},
    [STRING] = {"($2 + $2)", "($1 ? $2 : $2)", "self.l[0]", "$2.lowerAscii()",
                "$2.replace('a', $2)", "$2.substring(0)", "$2.find('[a-z]')", "self.m[$2]",
                "$2.trim()", "'%s'.format([$2])", "strings.quote($2)", "self.o[0].k"},
    [STRINGS] = {"($3 + $3)", "self.l.filter(x, x != $2)", "$2.split('')", "self.o.map(x, x.k)",
                 "self.l.map(x, x.startsWith($2), x + $2)", "self.m.map(x, x)", "[$2, $2]",
                 "($1 ? $3 : $3)", "self.l.transformList(i, x, x + $2)", "$2.findAll('a')",
                 "self.o.filter(x, x.k != $2).map(x, '')", "$3"},
    [INTS] = {"($4 + $4)", "self.i.filter(x, x > $0)", "self.i.map(x, x * $0)", "[$0, $0]",
              "($1 ? $4 : $4)", "self.l.map(x, x.size())", "self.l.transformList(i, x, i + $0)",
              "self.o[1].w", "self.o.map(x, x.w.exists(y, y > $0), x.w.size())", "$4", "$4", "$4"},
    [MAP] = {"self.m.transformMap(k, x, x + $2)", "{$2: $2}", "($1 ? $5 : $5)", "self.m",
             "self.l.transformMapEntry(i, x, {x: $2})", "$5", "$5", "$5", "$5", "$5", "$5", "$5"},
};

static void expression(struct gen *g, unsigned kind, unsigned depth)
{
    if (depth == 0 || chance(g, 5)) {
        buf_add_c(&g->out, leaves[kind][rng_below(&g->rng, 4)]);
        return;
    }
    for (const char *p = forms[kind][rng_below(&g->rng, 12)]; *p; p++)
        if (*p == '$')
            expression(g, (unsigned)(*++p - '0'), depth - 1);
        else
            buf_add_char(&g->out, *p);
}

/* ---- values ---- */

static void text(struct gen *g, size_t max)
{
    buf_add_char(&g->out, '"');
    for (size_t n = rng_below(&g->rng, max + 1); n > 0; n--)
        buf_add_char(&g->out, (char)('a' + rng_below(&g->rng, 4)));
    buf_add_char(&g->out, '"');
}

static void texts(struct gen *g, size_t max, size_t length, bool map)
{
    size_t n = rng_below(&g->rng, max + 1);
    buf_add_char(&g->out, map ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        buf_add_c(&g->out, i > 0 ? "," : "");
        if (map)
            buf_addf(&g->out, "\"k%zu\":", i);
        text(g, length);
    }
    buf_add_char(&g->out, map ? '}' : ']');
}

static void ints(struct gen *g, size_t max)
{
    size_t n = rng_below(&g->rng, max + 1);
    buf_add_char(&g->out, '[');
    for (size_t i = 0; i < n; i++)
        buf_addf(&g->out, "%s%llu", i > 0 ? "," : "", (unsigned long long)rng_below(&g->rng, 9));
    buf_add_char(&g->out, ']');
}

static cJSON *value(struct gen *g, struct arena *a)
{
    cJSON *v = NULL;
    buf_clear(&g->out);
    buf_addf(&g->out, "{\"n\":%d,\"b\":%s,\"s\":", (int)rng_below(&g->rng, 5),
             chance(g, 2) ? "true" : "false");
    text(g, 20);
    buf_add_c(&g->out, ",\"l\":");
    texts(g, 6, 12, false);
    buf_add_c(&g->out, ",\"i\":");
    ints(g, 8);
    buf_add_c(&g->out, ",\"m\":");
    texts(g, 5, 9, true);
    buf_add_c(&g->out, ",\"o\":[");
    size_t n = rng_below(&g->rng, 5);
    for (size_t i = 0; i < n; i++) {
        buf_add_c(&g->out, i > 0 ? ",{\"k\":" : "{\"k\":");
        text(g, 7);
        buf_add_c(&g->out, ",\"w\":");
        ints(g, 3);
        buf_add_char(&g->out, '}');
    }
    buf_add_c(&g->out, "]}");
    struct err *err = json_parse(a, buf_str(&g->out), &v);
    assert_null(err);
    return v;
}

/* True: the rule compiles. */
static bool check_one(struct gen *g, const struct type *t, unsigned kind)
{
    struct arena a = {0};
    struct cel_program *p = NULL;
    const struct cel_var vars[] = {{.name = STR("self"), .type = cel_type_of(&a, t, true)}};
    const struct cel_env env = {vars, 1};
    buf_clear(&g->out);
    expression(g, kind, 4);
    struct str rule = arena_str(&a, buf_str(&g->out));
    struct err *err = cel_compile(&a, &env, rule, &p);
    bool compiles = !err;
    err_free(err);
    if (compiles) {
        uint64_t most = cel_program_cost_max(&a, p, t);
        for (int i = 0; i < VALUES; i++) {
            struct cel_value self = cel_of_json(&a, t, value(g, &a));
            struct cel_run *run = ARENA_NEW(&a, struct cel_run);
            run->a = &a;
            run->vars = &self;
            run->cost_max = UINT32_MAX;
            (void)cel_eval(run, p);
            if (run->cost > most)
                fail_msg(STR_FMT " over %s: %llu, said to be %llu at most", STR_ARG(rule),
                         buf_c(&g->out), (unsigned long long)run->cost, (unsigned long long)most);
        }
    }
    arena_free(&a);
    return compiles;
}

static void estimates_are_bounds(void **state)
{
    const char *seed = getenv("PADDOCK_SEED");
    uint64_t from = seed ? strtoull(seed, NULL, 10) : 20261122;
    const struct crd_schema_options none = {0};
    struct arena a = {0};
    struct gen g = {0};
    cJSON *tree = NULL;
    size_t compiled = 0;
    print_message("PADDOCK_SEED=%llu\n", (unsigned long long)from);
    g.rng = rng_seed(from);
    struct err *err = json_parse(&a, STR(schema), &tree);
    assert_null(err);
    const struct type *t = crd_schema_compile_part(&none, &a, tree);
    for (int i = 0; i < RULES; i++)
        compiled += check_one(&g, t, (unsigned)rng_below(&g.rng, KINDS));
    assert_true(compiled > RULES / 2);
    buf_free(&g.out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(estimates_are_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
