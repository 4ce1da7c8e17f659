/* Goal: the JSONPath of printer columns finds what a real server finds, and is refused where it makes no sense.
 * Method: one document, a table of paths. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/jsonpath.h"

static const char document[] =
    "{\"metadata\":{\"labels\":{\"app.kubernetes.io/"
    "name\":\"n\",\"x\":\"1\"}},\"spec\":{\"size\":3,"
    "\"list\":[1,2,3,4],\"names\":[{\"name\":\"a\",\"n\":1},{\"name\":\"b\",\"n\":2}]},\"status\":{"
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"Old\",\"status\":"
    "\"False\"}]}}";

static void paths_find(void **state)
{
    static const struct {
        const char *path, *found;
    } cases[] = {
        {".spec.size", "3"},
        {"spec.size", NULL},
        {"{.spec.size}", "3"},
        {"$.spec.size", "3"},
        {".spec.missing", ""},
        {".spec.size.deeper", ""},
        {".metadata.labels.app\\.kubernetes\\.io/name", "\"n\""},
        {".metadata.labels['app.kubernetes.io/name']", "\"n\""},
        {".metadata.labels['x','app.kubernetes.io/name']", "\"1\" \"n\""},
        {".spec.list[0]", "1"},
        {".spec.list[-1]", "4"},
        {".spec.list[1:3]", "2 3"},
        {".spec.list[:2]", "1 2"},
        {".spec.list[2:]", "3 4"},
        {".spec.list[9]", ""},
        {".spec.list[*]", "1 2 3 4"},
        {".spec.names[*].name", "\"a\" \"b\""},
        {".spec.names.*.n", "1 2"},
        {"..name", "\"a\" \"b\""},
        {".status.conditions[?(@.type==\"Ready\")].status", "\"True\""},
        {".status.conditions[?(@.type!='Ready')].status", "\"False\""},
        {".status.conditions[?(@.type == \"None\")].status", ""},
        {".spec.names[?(@.n>1)].name", "\"b\""},
        {".spec.names[?(@.n<=1)].name", "\"a\""},
        {".spec.names[?(@.name)].n", "1 2"},
        {".spec.names[?(@.none)].n", ""},
        {".", "{"},
        {"", "{"},
        {".spec.", NULL},
        {".spec[", NULL},
        {".spec['a", NULL},
        {".spec[?(@.a==)]", NULL},
        {".spec[?(a)]", NULL},
        {".spec[x]", NULL},
    };
    struct arena a = {0};
    cJSON *v = NULL;
    struct buf text = {0};
    check_ok(json_parse(&a, str_c(document), &v));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const cJSON *found[8];
        struct jsonpath *p = NULL;
        struct err *err = jsonpath_compile(&a, str_c(cases[i].path), &p);
        if (!err != (cases[i].found != NULL))
            fail_msg("%s: %s", cases[i].path, err ? err->message : "taken");
        err_free(err);
        if (!p)
            continue;
        buf_clear(&text);
        size_t n = jsonpath_find(p, v, found, ARRAY_LEN(found));
        for (size_t k = 0; k < n; k++) {
            buf_add_c(&text, k > 0 ? " " : "");
            json_write(&text, found[k]);
        }
        if (strcmp(cases[i].found, "{") == 0 ? found[0] != v
                                             : strcmp(buf_c(&text), cases[i].found) != 0)
            fail_msg("%s finds %s", cases[i].path, buf_c(&text));
        assert_ptr_equal(jsonpath_first(p, v), n > 0 ? found[0] : NULL);
    }
    buf_free(&text);
    arena_free(&a);
}

static void simple_paths_have_names(void **state)
{
    struct arena a = {0};
    struct jsonpath *p = NULL;
    check_ok(jsonpath_compile(&a, STR(".spec.replicas"), &p));
    assert_true(jsonpath_is_simple(p));
    assert_int_equal(jsonpath_length(p), 2);
    assert_true(str_eq_c(jsonpath_name(p, 1), "replicas"));
    check_ok(jsonpath_compile(&a, STR(".spec.list[0]"), &p));
    assert_false(jsonpath_is_simple(p));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find),
        cmocka_unit_test(simple_paths_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
