/* Goal: schemas of definitions are refused where they are not structural, in the words of a real server; compiled ones
 * prune, default and validate values by the rules.
 * Method: tables of schema, value and what is said of it. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/crd_schema.h"
#include "sim/kubeapi/types/prune.h"

static cJSON *parse(struct arena *a, const char *text)
{
    cJSON *v = NULL;
    check_ok(json_parse(a, str_c(text), &v));
    return v;
}

/* "field: message" lines. */
static const char *lines_of(const struct type_report *report, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < report->n; i++)
        buf_addf(out, "%s" STR_FMT ": " STR_FMT, i > 0 ? "\n" : "", STR_ARG(report->list[i].field),
                 STR_ARG(report->list[i].message));
    return buf_c(out);
}

/* ---- schemas ---- */

#define EMPTY "Required value: must not be empty for specified object fields"

static const struct {
    const char *schema, *said;
} schema_cases[] = {
    {"{\"type\":\"object\"}", ""},
    {"{\"type\":\"string\"}", "s.type: Invalid value: \"string\": must be object at the root"},
    {"{}", "s.type: Required value: must not be empty at the root"},
    {"{\"type\":\"object\",\"properties\":{\"b\":{},\"a\":{}}}",
     "s.properties[a].type: " EMPTY "\ns.properties[b].type: " EMPTY},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"thing\"}}}",
     "s.properties[a].type: Unsupported value: \"thing\": supported values: \"array\", "
     "\"boolean\", "
     "\"integer\", \"number\", \"object\", \"string\""},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"}}}",
     "s.properties[a].items: Required value: must be specified"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"$ref\":\"x\"}}}",
     "s.properties[a].$ref: Forbidden: $ref is not supported"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{"
     "\"type\":\"string\"}},\"additionalProperties\":{\"type\":\"string\"}}}}",
     "s.properties[a].additionalProperties: Forbidden: additionalProperties and properties are "
     "mutual exclusive"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"uniqueItems\":true,"
     "\"items\":{\"type\":\"string\"}}}}",
     "s.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the "
     "runtime complexity becomes quadratic"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"(\"}}}",
     "s.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but "
     "isn't: error parsing regexp: missing closing ): `(`"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}}",
     "s.properties[a].default: Invalid value: \"string\":  in body must be of type integer: "
     "\"string\""},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"default\":{\"x\":1}}}}",
     "s.properties[a].default: Invalid value: {\"x\":1}: must not have unknown fields"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"default\":{\"x\":1},"
     "\"properties\":{\"x\":{\"type\":\"string\"}}}}}",
     "s.properties[a].default.x: Invalid value: \"integer\": x in body must be of type string: "
     "\"integer\""},
    {"{\"type\":\"object\",\"anyOf\":[{\"required\":[\"a\"]},{\"properties\":{\"a\":{}}}]}",
     "s.properties[a]: Required value: because it is defined in s.anyOf[1].properties[a]"},
    {"{\"type\":\"object\",\"not\":{\"type\":\"object\",\"nullable\":true}}",
     "s.not.nullable: Forbidden: must be false to be structural\n"
     "s.not.type: Forbidden: must be empty to be structural"},
    {"{\"type\":\"object\",\"properties\":{\"p\":{\"x-kubernetes-int-or-string\":true,"
     "\"anyOf\":["
     "{\"type\":\"integer\"},{\"type\":\"string\"}]}}}",
     ""},
    {"{\"type\":\"object\",\"properties\":{\"p\":{\"x-kubernetes-int-or-string\":true,\"type\":"
     "\"string\"}}}",
     "s.properties[p].type: Invalid value: \"string\": must be empty if "
     "x-kubernetes-int-or-string is true"},
    {"{\"type\":\"object\",\"properties\":{\"e\":{\"type\":\"object\","
     "\"x-kubernetes-embedded-resource\":true}}}",
     "s.properties[e].properties: Required value: must not be empty if "
     "x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"},
    {"{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"x-kubernetes-list-"
     "type\":"
     "\"map\",\"x-kubernetes-list-map-keys\":[\"k\"],\"items\":{\"type\":\"object\","
     "\"properties\":{\"k\":{\"type\":\"string\"}}}}}}",
     "s.properties[l].items.properties[k].default: Required value: this property is in "
     "x-kubernetes-list-map-keys, so it must have a default or be a required property"},
    {"{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"string\",\"x-kubernetes-list-"
     "type\":"
     "\"set\"}}}",
     "s.properties[l].type: Invalid value: \"string\": must be array if x-kubernetes-list-type "
     "is specified"},
    {"{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"object\",\"x-kubernetes-map-"
     "type\":"
     "\"odd\"}}}",
     "s.properties[l].x-kubernetes-map-type: Unsupported value: \"odd\": supported values: "
     "\"atomic\", \"granular\""},
    {"{\"type\":\"object\",\"properties\":{\"metadata\":{\"type\":\"object\",\"properties\":{"
     "\"name\":{\"type\":\"string\",\"maxLength\":3}}}}}",
     ""},
    {"{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"x-kubernetes-list-"
     "type\":"
     "\"set\",\"items\":{\"type\":\"object\",\"nullable\":true}}}}",
     "s.properties[l].items.nullable: Forbidden: cannot be nullable when "
     "x-kubernetes-list-type "
     "is set\n"
     "s.properties[l].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item "
     "of a list with x-kubernetes-list-type=set"},
    {"{\"type\":\"object\",\"nullable\":true}",
     "s.nullable: Forbidden: nullable cannot be true at the root"},
    {"{\"type\":\"object\",\"x-kubernetes-validations\":[{\"rule\":\"true\"}]}",
     "s.x-kubernetes-validations: Forbidden: not supported: this server has no evaluator for "
     "validation rules"},
};

static void schemas_are_checked(void **state)
{
    const struct crd_schema_options options = {0};
    struct buf said = {0};
    for (size_t i = 0; i < ARRAY_LEN(schema_cases); i++) {
        struct arena a = {0};
        struct type_report report = {.a = &a};
        crd_schema_check(&options, parse(&a, schema_cases[i].schema), STR("s"), &report);
        assert_string_equal(lines_of(&report, &said), schema_cases[i].said);
        arena_free(&a);
    }
    buf_free(&said);
}

static void open_schemas_are_known(void **state)
{
    static const struct {
        const char *schema;
        bool open;
    } cases[] = {
        {"{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}", true},
        {"{\"type\":\"object\",\"description\":\"d\",\"x-kubernetes-preserve-unknown-fields\":"
         "true}",
         true},
        {"{\"type\":\"object\"}", false},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"x-kubernetes-preserve-unknown-fields\":true}",
         false},
        {"{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true,\"properties\":{\"a\":"
         "{"
         "\"type\":\"string\"}}}",
         false},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(crd_schema_is_open(parse(&a, cases[i].schema)), cases[i].open);
    assert_true(crd_schema_is_open(NULL));
    arena_free(&a);
}

/* ---- values ---- */

#define SPEC(properties)                                                                           \
    "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","                          \
    "\"properties\":" properties "}}}"

/* What a value looks like behind pruning, which unknown members are told, and what validation says of it. */
static const struct {
    const char *schema, *value, *pruned, *unknown, *said;
} values[] = {
    {SPEC("{\"a\":{\"type\":\"string\"}}"), "{\"spec\":{\"a\":\"x\",\"b\":1},\"c\":2}",
     "{\"spec\":{\"a\":\"x\"}}", "c spec.b", ""},
    {SPEC("{\"a\":{\"type\":\"integer\",\"default\":3}}"), "{\"spec\":{}}", "{\"spec\":{\"a\":3}}",
     "", ""},
    {SPEC("{\"a\":{\"type\":\"integer\",\"default\":3}}"), "{}", "{}", "", ""},
    {SPEC("{\"a\":{\"type\":\"integer\",\"default\":3}}"), "{\"spec\":{\"a\":null}}",
     "{\"spec\":{\"a\":3}}", "", ""},
    {SPEC("{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\",\"nullable\":true}}"),
     "{\"spec\":{\"a\":null,\"b\":null}}", "{\"spec\":{\"b\":null}}", "", ""},
    {SPEC("{\"m\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\","
          "\"default\":3}},\"l\":{\"type\":\"array\",\"items\":{\"type\":\"integer\","
          "\"default\":4}}}"),
     "{\"spec\":{\"l\":[null,1],\"m\":{\"a\":null}}}", "{\"spec\":{\"l\":[4,1],\"m\":{\"a\":3}}}",
     "", ""},
    {SPEC("{\"o\":{\"type\":\"object\",\"default\":{},\"properties\":{\"x\":{\"type\":\"string\","
          "\"default\":\"d\"}}}}"),
     "{\"spec\":{}}", "{\"spec\":{\"o\":{\"x\":\"d\"}}}", "", ""},
    {SPEC("{\"m\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}}"),
     "{\"spec\":{\"m\":{\"a\":1,\"b\":\"x\"}}}", "{\"spec\":{\"m\":{\"a\":1,\"b\":\"x\"}}}", "",
     "spec.m.b: Invalid value: \"string\": spec.m.b in body must be of type integer: \"string\""},
    {SPEC("{\"l\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"x\":{"
          "\"type\":"
          "\"number\"}}}}}"),
     "{\"spec\":{\"l\":[{\"x\":1.50,\"y\":1},null]}}", "{\"spec\":{\"l\":[{\"x\":1.5},null]}}",
     "spec.l[0].y",
     "spec.l[1]: Invalid value: \"null\": spec.l[1] in body must be of type object: \"null\""},
    {SPEC("{\"i\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10,\"multipleOf\":3}}"),
     "{\"spec\":{\"i\":11}}", "{\"spec\":{\"i\":11}}", "",
     "spec.i: Invalid value: 11: spec.i in body should be a multiple of 3\n"
     "spec.i: Invalid value: 11: spec.i in body should be less than or equal to 10"},
    {SPEC("{\"i\":{\"type\":\"number\",\"minimum\":1,\"exclusiveMinimum\":true,\"maximum\":2000000}"
          "}"),
     "{\"spec\":{\"i\":1.0}}", "{\"spec\":{\"i\":1}}", "",
     "spec.i: Invalid value: 1: spec.i in body should be greater than 1"},
    {SPEC("{\"i\":{\"type\":\"number\",\"maximum\":2000000}}"), "{\"spec\":{\"i\":2000000.5}}",
     "{\"spec\":{\"i\":2000000.5}}", "",
     "spec.i: Invalid value: 2000000.5: spec.i in body should be less than or equal to 2e+06"},
    {SPEC("{\"s\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}}"),
     "{\"spec\":{\"s\":\"\xc3\xa4\xc3\xb6\xc3\xbc\"}}",
     "{\"spec\":{\"s\":\"\xc3\xa4\xc3\xb6\xc3\xbc\"}}", "", ""},
    {SPEC("{\"s\":{\"type\":\"string\",\"minLength\":2,\"enum\":[\"ab\",\"cd\"]}}"),
     "{\"spec\":{\"s\":\"x\"}}", "{\"spec\":{\"s\":\"x\"}}", "",
     "spec.s: Invalid value: \"x\": spec.s in body should be at least 2 chars long\n"
     "spec.s: Unsupported value: \"x\": supported values: \"ab\", \"cd\""},
    {SPEC("{\"l\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}}"),
     "{\"spec\":{\"l\":[]}}", "{\"spec\":{\"l\":[]}}", "",
     "spec.l: Invalid value: 0: spec.l in body should have at least 1 items"},
    {SPEC("{\"o\":{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":true}}"),
     "{\"spec\":{\"o\":{}}}", "{\"spec\":{\"o\":{}}}", "",
     "spec.o: Invalid value: 0: spec.o in body should have at least 1 properties"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}}"
     ","
     "\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\",\"b\":\"2\"}", "",
     "<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found 2 "
     "valid "
     "alternatives"},
    {SPEC("{\"a\":{\"type\":\"string\",\"anyOf\":[{\"pattern\":\"^x\"},{\"pattern\":\"^y\"}]}}"),
     "{\"spec\":{\"a\":\"z\"}}", "{\"spec\":{\"a\":\"z\"}}", "",
     "<nil>: Invalid value: \"\": \"spec.a\" must validate at least one schema (anyOf)\n"
     "spec.a: Invalid value: \"z\": spec.a in body should match '^x'"},
    {SPEC("{\"a\":{\"type\":\"string\",\"not\":{\"enum\":[\"z\"]}}}"), "{\"spec\":{\"a\":\"z\"}}",
     "{\"spec\":{\"a\":\"z\"}}", "",
     "<nil>: Invalid value: \"\": \"spec.a\" must not validate the schema (not)"},
    {SPEC("{\"p\":{\"x-kubernetes-int-or-string\":true}}"), "{\"spec\":{\"p\":true}}",
     "{\"spec\":{\"p\":true}}", "",
     "spec.p: Invalid value: \"boolean\": spec.p in body must be of type integer,string: "
     "\"boolean\""},
    {SPEC("{\"e\":{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true,"
          "\"x-kubernetes-preserve-unknown-fields\":true}}"),
     "{\"spec\":{\"e\":{\"kind\":\"K\",\"metadata\":{\"name\":\"n\",\"odd\":1},\"x\":1e2}}}",
     "{\"spec\":{\"e\":{\"kind\":\"K\",\"metadata\":{\"name\":\"n\"},\"x\":100}}}",
     "spec.e.metadata.odd", "spec.e.apiVersion: Required value"},
    {SPEC("{\"s\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\",\"items\":{\"type\":"
          "\"string\"}}}"),
     "{\"spec\":{\"s\":[\"a\",\"b\",\"a\"]}}", "{\"spec\":{\"s\":[\"a\",\"b\",\"a\"]}}", "",
     "spec.s[2]: Duplicate value: \"a\""},
};

static void values_are_pruned_and_validated(void **state)
{
    const struct crd_schema_options options = {0};
    const struct type_check check = {.keys_held = true};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct arena a = {0};
        struct prune_report unknown = {.a = &a};
        struct type_report report = {.a = &a};
        const struct type *t = crd_schema_compile(&options, &a, parse(&a, values[i].schema));
        cJSON *v = parse(&a, values[i].value);
        (void)type_prune(&a, t, v, PRUNE_ALL, &unknown);
        json_write(&text, v);
        assert_string_equal(buf_c(&text), values[i].pruned);
        buf_clear(&text);
        for (size_t k = 0; k < unknown.n; k++)
            buf_addf(&text, "%s" STR_FMT, k > 0 ? " " : "", STR_ARG(unknown.unknown[k]));
        assert_string_equal(buf_c(&text), values[i].unknown);
        type_validate(&check, t, v, NULL, NULL, &report);
        type_report_sort(&report);
        assert_string_equal(lines_of(&report, &text), values[i].said);
        assert_false(type_prune(&a, t, v, PRUNE_ALL, NULL)); /* twice is once */
        buf_clear(&text);
        arena_free(&a);
    }
    buf_free(&text);
}

static void what_was_so_may_stay_so(void **state)
{
    static const struct {
        const char *old, *fresh, *said;
    } cases[] = {
        {"{\"spec\":{\"i\":50,\"o\":\"x\"}}", "{\"spec\":{\"i\":50,\"o\":\"y\"}}", ""},
        {"{\"spec\":{\"i\":50}}", "{\"spec\":{\"i\":51}}",
         "spec.i: Invalid value: 51: spec.i in body should be less than or equal to 10"},
        {"{\"spec\":{\"l\":[{\"k\":\"a\",\"n\":50},{\"k\":\"b\"}]}}",
         "{\"spec\":{\"l\":[{\"k\":\"c\"},{\"k\":\"a\",\"n\":50}]}}", ""},
        {"{\"spec\":{\"l\":[{\"k\":\"a\",\"n\":50}]}}",
         "{\"spec\":{\"l\":[{\"k\":\"b\",\"n\":50}]}}",
         "spec.l[0].n: Invalid value: 50: spec.l[0].n in body should be less than or equal to 10"},
    };
    static const char schema[] = SPEC(
        "{\"i\":{\"type\":\"integer\",\"maximum\":10},\"o\":{\"type\":\"string\"},\"l\":{\"type\":"
        "\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"k\"],"
        "\"items\":{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"type\":"
        "\"string\"},\"n\":{\"type\":\"integer\",\"maximum\":10}}}}}");
    const struct crd_schema_options options = {0};
    const struct type_check check = {.keys_held = true};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a = {0};
        struct type_report report = {.a = &a};
        const struct type *t = crd_schema_compile(&options, &a, parse(&a, schema));
        type_validate(&check, t, parse(&a, cases[i].fresh), parse(&a, cases[i].old), NULL, &report);
        assert_string_equal(lines_of(&report, &text), cases[i].said);
        arena_free(&a);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_checked),
        cmocka_unit_test(open_schemas_are_known),
        cmocka_unit_test(values_are_pruned_and_validated),
        cmocka_unit_test(what_was_so_may_stay_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
