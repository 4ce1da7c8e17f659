/* Goal: documents become trees with positions and the types of the core schema; what is outside of the subset is
 * refused with file, line and column.
 * Method: tables of documents with their JSON or their error. */
#include "tests/unit/support/check.h"

#include "engine/base/yaml.h"

static void accepted_documents(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "null"},
        {"# nothing\n", "null"},
        {"a: 1\nb: [x, 'y', \"z\"]\n", "{\"a\":1,\"b\":[\"x\",\"y\",\"z\"]}"},
        {"[~, null, Null, NULL, true, True, FALSE, nUll, tRue]",
         "[null,null,null,null,true,true,false,\"nUll\",\"tRue\"]"},
        {"[on, off, yes, no, y, n, On]", "[\"on\",\"off\",\"yes\",\"no\",\"y\",\"n\",\"On\"]"},
        {"[0, -7, +7, 007, 0o17, 0x1f, 0xFF, -0]", "[0,-7,7,7,15,31,255,0]"},
        {"[+, -, '-', +-1, --1, 0o8, 0xg, 0x, 1_000, 1:30]",
         "[\"+\",\"-\",\"-\",\"+-1\",\"--1\",\"0o8\",\"0xg\",\"0x\",\"1_000\",\"1:30\"]"},
        {"[9223372036854775807, 9223372036854775808, 0x8000000000000000]",
         "[9223372036854775807,9223372036854775808,\"0x8000000000000000\"]"},
        {"[1.5, .5, 1., -.5, +1.50, 1e3, 1E-3, 00.5, 1.e2]",
         "[1.5,0.5,1.0,-0.5,1.50,1e3,1E-3,0.5,1.0e2]"},
        {"[., .e1, 1e, e1, 1.2.3]", "[\".\",\".e1\",\"1e\",\"e1\",\"1.2.3\"]"},
        {"[.inf, -.Inf, .nan, .NaN, -.INF]", "[\".inf\",\"-.Inf\",\".nan\",\".NaN\",\"-.INF\"]"},
        {"[1e+, 1e5x, 2.]", "[\"1e+\",\"1e5x\",2.0]"},
        {"[60s, 5m, 1Gi, 2026-01-01]", "[\"60s\",\"5m\",\"1Gi\",\"2026-01-01\"]"},
        {"['1', \"true\", '', 'null']", "[\"1\",\"true\",\"\",\"null\"]"},
        {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
        {"a:\nb:\n- 1\n-\n", "{\"a\":null,\"b\":[1,null]}"},
        {"a: &x {k: 1}\nb: *x\nc: [*x, *x]\n",
         "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1},{\"k\":1}]}"},
        {"a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}"},
        {"<<: 1\n1: 2\ntrue: 3\n", "{\"<<\":1,\"1\":2,\"true\":3}"},
        {"%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}"},
        {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
        {"\xef\xbb\xbf"
         "a: 1",
         "{\"a\":1}"},
        {"k: \"\\u00e9\\n\"", "{\"k\":\"\xc3\xa9\\n\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct buf out = {0};
        struct yaml_node *n;
        check_ok(yaml_parse(&a, STR("t.yaml"), str_c(cases[i].text), &n));
        json_write_ordered(&out, yaml_to_json(&a, n));
        check_str(buf_str(&out), cases[i].json);
        buf_free(&out);
        arena_free(&a);
    }
}

static void refused_documents(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key \"a\" is there twice (first in line 1)"},
        {"\xc3\xa9\xe2\x82\xac: {a: 1, \"a\": 2}", "t.yaml:1:12: the key \"a\""},
        {"a: !!str 1", "t.yaml:1:4: tags"},
        {"a: !x {b: 1}", "t.yaml:1:4: tags"},
        {"- ! x", "t.yaml:1:3: tags"},
        {"? [a]\n: b\n", "t.yaml:1:3: a key must be"},
        {"? {a: b}\n: b\n", "t.yaml:1:3: a key must be"},
        {"a: *x\n", "t.yaml:1:4: an alias to an anchor"},
        {"a: &x [*x]\n", "t.yaml:1:8: an alias to an anchor"},
        {"a: &x 1\n---\nb: *x\n", "t.yaml:3:4: an alias to an anchor"},
        {"\"a\\0b\": 1", "t.yaml:1:1: a string must not hold a NUL"},
        {"a: [1", "t.yaml:1:6: malformed YAML"},
        {"a: b: c\n", "malformed YAML: mapping values"},
        {"\ta: 1\n", "t.yaml:1:1: malformed YAML"},
        {"a: 1\n  b: 2\n", "malformed YAML"},
        {"a: \"x\n", "malformed YAML"},
        {"a: \xff\n", "t.yaml:1:4: malformed YAML: invalid"},
        {"a: 1\n\xc3\xa9: \x01\n", "t.yaml:2:4: malformed YAML: control"},
        {"a\n---\nb\n", "t.yaml:3:1: one document is expected"},
        {"@x", "malformed YAML"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct yaml_node *n;
        check_err(yaml_parse(&a, STR("t.yaml"), str_c(cases[i].text), &n), ERR_INVALID,
                  cases[i].message);
        arena_free(&a);
    }
}

/* However many keys there are, and wherever the repeated one was: k0 to k<n-1>, then k<again>. */
static void repeated_keys_are_found(void **state)
{
    for (unsigned n = 1; n <= 40; n++)
        for (unsigned again = 0; again <= n; again++) {
            struct arena a = {0};
            struct yaml_node *root;
            struct buf text = {0}, message = {0};
            for (unsigned i = 0; i < n; i++)
                buf_addf(&text, "k%u: {k0: [1], k%u: 2}\n", i, i + 1);
            buf_addf(&text, "k%u: 1\n", again);
            buf_addf(&message, "t.yaml:%u:1: the key \"k%u\" is there twice (first in line %u)",
                     n + 1, again, again + 1);
            struct err *err = yaml_parse(&a, STR("t.yaml"), buf_str(&text), &root);
            if (again < n)
                check_err(err, ERR_INVALID, buf_c(&message));
            else
                check_ok(err);
            buf_free(&text);
            buf_free(&message);
            arena_free(&a);
        }
}

static void check_at(const struct yaml_node *n, uint32_t line, uint32_t column)
{
    assert_non_null(n);
    assert_int_equal(n->line, line);
    assert_int_equal(n->column, column);
}

static void positions_and_styles_are_kept(void **state)
{
    struct arena a = {0};
    struct yaml_node *root;
    check_ok(yaml_parse(&a, STR("t"),
                        STR("top:\n  \xc3\xa9\xc3\xa9: {a: 1, 'b': [x, \"y\"]}\n  list:\n  - 60s\n"
                            "  -   deep: true\nalias: &n 5\nuse: *n\n"),
                        &root));
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 3);
    const struct yaml_node *top = yaml_get(root, "top"), *e = yaml_get(top, "\xc3\xa9\xc3\xa9");
    check_at(e, 2, 7);
    assert_int_equal(e->key_line, 2);
    assert_int_equal(e->key_column, 3);
    check_at(yaml_get(e, "a"), 2, 11);
    assert_true(yaml_get(e, "a")->key_plain);
    const struct yaml_node *b = yaml_get(e, "b");
    check_at(b, 2, 19);
    assert_false(b->key_plain);
    assert_true(b->first->plain);
    assert_false(b->first->next->plain);
    check_at(b->first->next, 2, 23);
    const struct yaml_node *list = yaml_get(top, "list");
    assert_int_equal(list->count, 2);
    check_at(list->first, 4, 5);
    check_at(list->first->next, 5, 7);
    assert_int_equal(yaml_get(list->first->next, "deep")->kind, YAML_BOOL);
    assert_int_equal(yaml_get(list->first->next, "deep")->integer, 1);
    check_at(yaml_get(root, "use"), 7, 6);
    check_str(yaml_get(root, "use")->key, "use");
    check_str(yaml_get(root, "alias")->key, "alias");
    assert_int_equal(yaml_get(root, "use")->integer, 5);
    assert_null(yaml_get(root, "none"));
    assert_null(yaml_get(list, "none"));
    assert_null(yaml_get(NULL, "none"));
    arena_free(&a);
}

static void several_documents(void **state)
{
    struct arena a = {0};
    struct yaml_node **docs;
    size_t n;
    check_ok(yaml_parse_all(&a, STR("t"), STR("a: 1\n---\n---\n- 2\n"), &docs, &n));
    assert_int_equal(n, 3);
    assert_int_equal(docs[0]->kind, YAML_MAP);
    assert_int_equal(docs[1]->kind, YAML_NULL);
    assert_int_equal(docs[2]->kind, YAML_LIST);
    assert_null(docs[0]->next);
    check_ok(yaml_parse_all(&a, STR("t"), str_empty, &docs, &n));
    assert_int_equal(n, 0);
    arena_free(&a);
}

static void bounds_hold(void **state)
{
    struct arena a = {0};
    struct buf text = {0};
    struct yaml_node *n;
    for (unsigned i = 0; i < YAML_DEPTH_MAX; i++)
        buf_add_char(&text, '[');
    buf_add_char(&text, '1');
    for (unsigned i = 0; i < YAML_DEPTH_MAX; i++)
        buf_add_char(&text, ']');
    check_ok(yaml_parse(&a, STR("t"), buf_str(&text), &n));
    (void)yaml_to_json(&a, n);
    buf_clear(&text);
    for (unsigned i = 0; i <= YAML_DEPTH_MAX; i++)
        buf_add_char(&text, '[');
    check_err(yaml_parse(&a, STR("t"), buf_str(&text), &n), ERR_INVALID, "t:1:65: nested too");
    buf_clear(&text); /* each line stands for ten times the one before */
    buf_add_c(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 7; i++) {
        buf_addf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_addf(&text, "%s*a%d", k ? "," : "", i - 1);
        buf_add_c(&text, "]\n");
    }
    check_err(yaml_parse(&a, STR("t"), buf_str(&text), &n), ERR_INVALID, "stand for too much");
    buf_clear(&text); /* each line is ten deeper than the one before */
    buf_add_c(&text, "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n");
    for (int i = 1; i < 8; i++)
        buf_addf(&text, "a%d: &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i, i - 1);
    check_err(yaml_parse(&a, STR("t"), buf_str(&text), &n), ERR_INVALID, "t:7:19: aliases stand");
    check_err(yaml_parse(&a, STR("t"), (struct str){text.p, YAML_BYTES_MAX + 1}, &n), ERR_TOO_LARGE,
              "at most");
    buf_free(&text);
    arena_free(&a);
}

/* What Go's readers make of a Kubernetes body: YAML 1.1 where the two differ. */
static void kubernetes_bodies(void **state)
{
    static const struct {
        const char *text, *json, *repeated;
    } cases[] = {
        {"", "null", ""},
        {"[y, Yes, on, N, off, true, False]", "[true,true,true,false,false,true,false]", ""},
        {"{y: 1, no: 2, 07: 3, x: 4}", "{\"true\":1,\"false\":2,\"7\":3,\"x\":4}", ""},
        {"[017, 0o17, 0O7, -010, +0x1F, 0xaf, 0b101, 0B1, 1_000, 0_7, -5, 0]",
         "[15,15,7,-8,31,175,5,1,1000,7,-5,0]", ""},
        {"[0x, 0xg, 08, 0b2, 1x, -, +, 1Z]", "[\"0x\",\"0xg\",8,\"0b2\",\"1x\",\"-\",\"+\",\"1Z\"]",
         ""},
        {"[9223372036854775807, 9223372036854775808, -9223372036854775808]",
         "[9223372036854775807,9223372036854775808,-9223372036854775808]", ""},
        {"[1.5, 1e3, 'yes', !!str 5, ! on, '']", "[1.5,1e3,\"yes\",\"5\",\"on\",\"\"]", ""},
        {"a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n",
         "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":1,\"l\":3}}", ""},
        {"a: &x {k: 1}\nc: &y {m: 4}\nb: {<<: [*x, *y, 7], z: 5}\nd: {<<: 3}\n",
         "{\"a\":{\"k\":1},\"c\":{\"m\":4},\"b\":{\"k\":1,\"m\":4,\"z\":5},\"d\":{}}", ""},
        {"a: 1\nb: [{}]\na: {c: 2}\n", "{\"a\":{\"c\":2},\"b\":[{}]}",
         "line 3: key \"a\" already set in map"},
        {"a: 1\na: 2\nyes: x\non: z\n", "{\"a\":2,\"true\":\"z\"}",
         "line 2: key \"a\" already set in map\nline 4: key \"true\" already set in map"},
        {"a: 1\n---\nb: 2\n", "{\"a\":1}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct buf out = {0}, repeated = {.max = 4096};
        cJSON *v;
        check_ok(yaml_compat_to_json(&a, str_c(cases[i].text), &v, &repeated));
        json_write_ordered(&out, v);
        check_str(buf_str(&out), cases[i].json);
        check_str(buf_str(&repeated), cases[i].repeated);
        check_ok(yaml_compat_to_json(&a, str_c(cases[i].text), &v, NULL));
        buf_free(&out);
        buf_free(&repeated);
        arena_free(&a);
    }
    static const struct {
        const char *text, *message;
    } refused[] = {
        {"a: [1", "yaml: "},
        {"a: b: c", "yaml: mapping values are not allowed"},
        {"a: 1\n b: 2\n", "yaml: line 2: "},
        {"a: !!int 1", "tags are not supported"},
        {"\x80", "yaml: "},
        {"[x]: 1", "a key must be a plain word or a string"},
        {"*x", "an alias to an anchor"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arena a = {0};
        cJSON *v;
        check_err(yaml_compat_to_json(&a, str_c(refused[i].text), &v, NULL), ERR_INVALID,
                  refused[i].message);
        arena_free(&a);
    }
}

static void too_many_nodes(void **state)
{
    struct arena a = {0};
    struct buf text = {0};
    struct yaml_node *n;
    static const char *const items[] = {"1,", "[],", "{},"};
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        buf_clear(&text);
        buf_add_char(&text, '[');
        for (size_t k = 0; k <= YAML_NODES_MAX; k++)
            buf_add_c(&text, items[i]);
        buf_add_char(&text, ']');
        check_err(yaml_parse(&a, STR("t"), buf_str(&text), &n), ERR_INVALID, "too many nodes");
        arena_reset(&a);
    }
    buf_free(&text);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kubernetes_bodies),       cmocka_unit_test(too_many_nodes),
        cmocka_unit_test(accepted_documents),      cmocka_unit_test(refused_documents),
        cmocka_unit_test(repeated_keys_are_found), cmocka_unit_test(positions_and_styles_are_kept),
        cmocka_unit_test(several_documents),       cmocka_unit_test(bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
