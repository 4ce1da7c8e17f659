/* Goal: the rules of definitions (x-kubernetes-validations) hold their objects, word by word; rules that are wrong are refused.
 * Method: requests in process on a bare server; a table of rules, an object, its change, and what is said. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define X    "/apis/x.io/v1/widgets"

static int define(struct fixture *f, const char *spec)
{
    struct str body = arena_printf(
        &f->a,
        "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
        "\"Cluster\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{"
        "\"name\":"
        "\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
        "\"object\",\"properties\":{\"spec\":%s}}}}]}}",
        spec);
    return ask(f, "POST", CRDS, body.p);
}

#define RULE(rule, more) "\"x-kubernetes-validations\":[{\"rule\":\"" rule "\"" more "}]"
#define NUMBER(rule, more)                                                                         \
    "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"," RULE(rule, more) "}}}"
#define LIST(rule)                                                                                 \
    "{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"items\":{\"type\":"          \
    "\"string\"}}}," RULE(rule, "") "}"

#define BOUNDED(items, length, rule)                                                               \
    "{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"maxItems\":" items           \
    ",\"items\":{\"type\":\"string\",\"maxLength\":" length "}}}," RULE(rule, "") "}"

static void rules_hold(void **state)
{
    static const struct {
        const char *schema, *spec, *change; /* change NULL: the creation is refused */
        const char *message;                /* "": all is well */
    } rows[] = {
        {NUMBER("self < 5", ""), "{\"n\":5}", NULL,
         "spec.n: Invalid value: \"integer\": failed rule: self < 5"},
        {NUMBER("self < 5", ",\"message\":\" small \""), "{\"n\":5}", NULL,
         "spec.n: Invalid value: \"integer\": small"},
        {NUMBER("self < 5", ",\"messageExpression\":\"'was %d'.format([self])\""), "{\"n\":7}",
         NULL, "spec.n: Invalid value: \"integer\": was 7"},
        {NUMBER("self < 5", ",\"messageExpression\":\"string(1 / 0)\""), "{\"n\":7}", NULL,
         "spec.n: Invalid value: \"integer\": failed rule: self < 5"},
        {NUMBER("self < 5", ",\"reason\":\"FieldValueRequired\",\"message\":\"m\""), "{\"n\":7}",
         NULL, "spec.n: Required value: m"},
        {NUMBER("self < 5", ",\"reason\":\"FieldValueDuplicate\""), "{\"n\":7}", NULL,
         "spec.n: Duplicate value: \"integer\""},
        {NUMBER("1 / self > 0", ""), "{\"n\":0}", NULL,
         "spec.n: Invalid value: \"integer\": division by zero evaluating rule: 1 / self > 0"},
        {NUMBER("self >= oldSelf", ""), "{\"n\":3}", "{\"n\":3}", ""},
        {NUMBER("self >= oldSelf", ""), "{\"n\":3}", "{\"n\":2}",
         "spec.n: Invalid value: \"integer\": failed rule: self >= oldSelf"},
        {NUMBER("oldSelf.hasValue() || self == 1", ",\"optionalOldSelf\":true"), "{\"n\":3}", NULL,
         "failed rule: oldSelf.hasValue() || self == 1"},
        {NUMBER("self < 2 || oldSelf.orValue(0) == 1", ",\"optionalOldSelf\":true"), "{\"n\":1}",
         "{\"n\":9}", ""},
        {LIST("self.l.all(x, x.startsWith('a'))"), "{\"l\":[\"a\",\"b\"]}", NULL,
         "spec: Invalid value: \"object\": failed rule"},
        {LIST("size(self.l) == 2 && self.l[1] == 'b'"), "{\"l\":[\"a\",\"b\"]}",
         "{\"l\":[\"c\",\"b\"]}", ""},
        {"{\"type\":\"object\",\"properties\":{\"a-b\":{\"x-kubernetes-int-or-string\":true}}"
         "," RULE("self.a__dash__b < 3", "") "}",
         "{\"a-b\":\"x\"}", NULL,
         "'no such overload': call arguments did not match a supported operator, function or macro "
         "signature for rule: self.a__dash__b < 3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct buf b = {0};
        fixture_open(&f, NULL);
        if (define(&f, rows[i].schema) != 201)
            fail_msg("%s", buf_c(&f.last.body));
        buf_addf(&b,
                 "{\"apiVersion\":\"x.io/"
                 "v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},\"spec\":%s}",
                 rows[i].spec);
        int status = ask(&f, "POST", X, buf_c(&b));
        if (rows[i].change) {
            assert_int_equal(status, 201);
            buf_clear(&b);
            buf_addf(&b, "{\"spec\":%s}", rows[i].change);
            status = ask(&f, "PATCH", X "/a", buf_c(&b));
        }
        bool fine = rows[i].message[0] == '\0';
        if ((status == 422) == fine || (!fine && !strstr(said(&f, "message"), rows[i].message)))
            fail_msg("%s: %d %s", rows[i].schema, status, said(&f, "message"));
        buf_free(&b);
        fixture_close(&f);
    }
}

static void wrong_rules_are_refused(void **state)
{
    static const struct {
        const char *schema, *message;
    } rows[] = {
        {NUMBER("self.x", ""), "rule: Invalid value: "},
        {NUMBER("self + 1", ""), ": cel expression must evaluate to a bool"},
        {NUMBER("self <", ""),
         "compilation failed: ERROR: <input>:1:7: Syntax error: mismatched input '<EOF>'"},
        {NUMBER("true", ",\"messageExpression\":\"1\""),
         "x-kubernetes-validations[0].messageExpression: Invalid value: "},
        {NUMBER("true", ",\"messageExpression\":\"x\""),
         "messageExpression compilation failed: ERROR: "},
        {NUMBER("true", ",\"reason\":\"Nope\""), "reason: Unsupported value: \"Nope\""},
        {NUMBER("true", ",\"fieldPath\":\".nope\""),
         "fieldPath: Invalid value: \".nope\": fieldPath must be a valid path"},
        {NUMBER("", ""), "rule is not specified"},
        {NUMBER("true &&\\n true", ""),
         "message: Required value: message must be specified if rule"},
        {NUMBER("true", ",\"message\":\"a\\nb\""), "message must not contain line breaks"},
        {NUMBER("true", ",\"optionalOldSelf\":true"),
         "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"},
        {"{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"items\":{\"type\":"
         "\"integer\"," RULE("self == oldSelf", "") "}}}}",
         "properties[l].items.x-kubernetes-validations[0].rule: Invalid value: \"self == "
         "oldSelf\": "
         "oldSelf cannot be used on the uncorrelatable portion of the schema within "
         "spec.validation.openAPIV3Schema.properties[spec].properties[l]"},
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"allOf\":[{" RULE(
             "self > 1", "") "}]}}}",
         "properties[n].allOf[0].x-kubernetes-validations: Forbidden: must be empty to be "
         "structural"},
        {"{\"x-kubernetes-preserve-unknown-fields\":true," RULE("true", "") "}",
         "properties[spec].x-kubernetes-validations: Internal error: internal error: failed to "
         "construct type information for x-kubernetes-validations rules: unable to convert "
         "structural schema to CEL declarations"},
        /* what it costs at most */
        {NUMBER("self < 5", ",\"messageExpression\":\"'was ' + string(self)\""),
         "messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor "
         "of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and "
         "maxLength where arrays, maps, and strings are declared)"},
        {LIST("self.l.all(x, self.l.all(y, x != y))"),
         "rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try"},
        {LIST("self.l.all(x, self.l.all(y, x != y))"),
         "rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for "
         "entire OpenAPIv3 schema, spec.validation.openAPIV3Schema: Forbidden: "
         "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds "
         "budget by factor of more than 100x (try"},
        {BOUNDED("1600", "10", "self.l.all(x, self.l.all(y, x != 'q'))"),
         "estimated rule cost exceeds budget by factor of 1.280960x (try"},
        {BOUNDED("2000", "10", "self.l.all(x, self.l.all(y, x != 'q'))"),
         "estimated rule cost exceeds budget by factor of 2.0x (try"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":100," RULE(
             "self.matches('[a-z]*')", "") "}}",
         "estimated rule cost exceeds budget by factor of 8.7x (try"},
        {"{\"type\":\"array\",\"maxItems\":300000,\"items\":{\"type\":\"string\",\"maxLength\":"
         "100," RULE("self.matches('[a-z]*')", "") "}}",
         "estimated rule cost exceeds budget by factor of 2.5x (try"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_open(&f, NULL);
        if (define(&f, rows[i].schema) != 422 || !strstr(said(&f, "message"), rows[i].message))
            fail_msg("%s: %s", rows[i].schema, buf_c(&f.last.body));
        fixture_close(&f);
    }
}

#define WIDGET(spec)                                                                               \
    "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},\"spec\":" spec \
    "}"

/* Parts that do not change may break rules that came later, with a warning; but not those that compare with what was. */
static void what_does_not_change_is_forgiven(void **state)
{
#define PAIR(n)                                                                                    \
    "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"" n                           \
    "},\"m\":{\"type\":\"integer\"}}}"
    struct fixture f;
    fixture_open(&f, NULL);
    assert_int_equal(define(&f, PAIR("")), 201);
    must(&f, 201, "POST", X, WIDGET("{\"n\":7,\"m\":1}"));
    must(&f, 200, "PATCH", CRDS "/widgets.x.io",
         "{\"spec\":{\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
         "\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":" PAIR(
             "," RULE("self < 5", "")) "}}}}]}}");
    must(&f, 200, "PATCH", X "/a", "{\"spec\":{\"m\":2}}");
    assert_string_equal(buf_c(&f.last.warnings),
                        "spec.n: Invalid value: \"integer\": failed rule: self < 5\n");
    must(&f, 422, "PATCH", X "/a", "{\"spec\":{\"n\":8}}");
    must(&f, 200, "PATCH", CRDS "/widgets.x.io",
         "{\"spec\":{\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
         "\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":" PAIR(
             "," RULE("self != oldSelf", "")) "}}}}]}}");
    must(&f, 422, "PATCH", X "/a", "{\"spec\":{\"m\":3}}");
    fixture_close(&f);
}

/* Rules are not looked at before the object has its shape. */
static void rules_wait_for_shapes(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    assert_int_equal(define(&f, NUMBER("self < 5", "")), 201);
    must(&f, 422, "POST", X, WIDGET("{\"n\":\"x\"}"));
    assert_non_null(
        strstr(said(&f, "message"),
               "<nil>: Invalid value: \"null\": some validation rules were not checked because the "
               "object was invalid; correct the existing errors to complete validation"));
    assert_null(strstr(said(&f, "message"), "self < 5"));
    fixture_close(&f);
}

/* A rule that would look at everything beside everything is stopped, and says so. */
static void rules_have_a_budget(void **state)
{
    struct fixture f;
    struct buf b = {0};
    fixture_open(&f, NULL);
    assert_int_equal(define(&f, BOUNDED("700", "4", "self.l.all(x, self.l.all(y, x != 'q'))")),
                     201);
    buf_add_c(&b, "{\"apiVersion\":\"x.io/"
                  "v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"l\":[");
    for (int i = 0; i < 700; i++)
        buf_addf(&b, "%s\"v%d\"", i > 0 ? "," : "", i);
    buf_add_c(&b, "]}}");
    must(&f, 422, "POST", X, buf_c(&b));
    assert_non_null(
        strstr(said(&f, "message"),
               "no further validation rules will be run due to call cost exceeds limit"));
    buf_free(&b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test(what_does_not_change_is_forgiven),
        cmocka_unit_test(rules_wait_for_shapes),
        cmocka_unit_test(rules_have_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
