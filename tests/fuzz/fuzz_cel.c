/* Any text: it compiles or says why; what compiles prints as text that compiles to the same, and ends within its budget. */
#include "sim/kubeapi/cel/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COST_MAX 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct cel_program *p = NULL, *again = NULL;
    struct buf first = {0}, second = {0};
    cJSON *tree;
    struct err *err =
        json_parse(&a, STR("{\"a\":[1,2],\"s\":\"x\",\"m\":{\"k\":1.5},\"n\":null}"), &tree);
    BUG_ON(err, "the object is JSON");
    const struct cel_var var = {.name = STR("self"), .type = &cel_type_dyn};
    const struct cel_env env = {&var, 1};
    err = cel_compile(&a, &env, (struct str){(const char *)data, size}, &p);
    if (!err) {
        cel_program_print(p, &first);
        err = cel_compile(&a, &env, buf_str(&first), &again);
        BUG_ON(err && first.n < CEL_TEXT_MAX / 2 && !strstr(err->message, "recursion"),
               "what was printed compiles");
    }
    if (again) {
        cel_program_print(again, &second);
        BUG_ON(!str_eq(buf_str(&first), buf_str(&second)), "printing is stable");
    }
    if (p) {
        struct cel_value self = cel_of_json(&a, NULL, tree);
        struct cel_run *run = ARENA_NEW(&a, struct cel_run);
        run->a = &a;
        run->vars = &self;
        run->cost_max = COST_MAX;
        struct cel_value v = cel_eval(run, p);
        BUG_ON(run->over != (v.kind == CEL_ERROR && str_eq_c(v.s, CEL_OVER_BUDGET)),
               "a spent budget is the answer");
        BUG_ON(a.used > ((size_t)64 << 20), "memory is bounded by the budget");
        (void)cel_program_cost_max(&a, p, NULL);
    }
    err_free(err);
    buf_free(&first);
    buf_free(&second);
    arena_free(&a);
    return 0;
}
