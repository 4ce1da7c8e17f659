/* Goal: the status of an admission policy says where its expressions do not fit the types of the resources that it names.
 * Method: policies in a server in process; a table of rules, expressions and what is warned of. */
#include "sim/kubeapi/admission/policy_types.h"
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"

#define POLICIES "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"

static const char *const definition =
    "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":\"Cluster\","
    "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\","
    "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
    "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}}}"
    "}}"
    "]}}";

#define RULE(group, resources)                                                                     \
    "{\"apiGroups\":[\"" group "\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],"         \
    "\"resources\":[" resources "]}"

/* Texts of the warnings, each behind its field, one a line. */
static struct str warned(struct fixture *f, const char *rules, const char *spec)
{
    struct buf b = {0};
    cJSON *tree = NULL;
    buf_addf(&b, "{\"spec\":{\"matchConstraints\":{\"resourceRules\":[%s]},%s}}", rules, spec);
    struct err *err = json_parse(&f->a, arena_str(&f->a, buf_str(&b)), &tree);
    assert_null(err);
    const cJSON *list = json_get(policy_type_checking(f->api, &f->a, tree), "expressionWarnings");
    buf_clear(&b);
    for (const cJSON *w = list ? list->child : NULL; w; w = w->next)
        buf_addf(&b, STR_FMT "|" STR_FMT, STR_ARG(json_string_at(w, "fieldRef")),
                 STR_ARG(json_string_at(w, "warning")));
    struct str s = arena_str(&f->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static void types_are_held_against_expressions(void **state)
{
#define EXPRESSION(text) "\"validations\":[{\"expression\":\"" text "\"}]"
    static const struct {
        const char *rules, *spec, *warning;
    } rows[] = {
        {RULE("apps", "\"deployments\""), EXPRESSION("object.spec.replicas > 1"), ""},
        {RULE("apps", "\"deployments\""), EXPRESSION("object.spec.nope > 1"),
         "spec.validations[0].expression|apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined "
         "field 'nope'\n | object.spec.nope > 1\n | ...........^\n"},
        {RULE("apps", "\"deployments\""), EXPRESSION("object.spec.replicas == 'a'"),
         "found no matching overload for '_==_' applied to '(int, string)'"},
        {RULE("apps", "\"deployments\",\"statefulsets\""), EXPRESSION("object.spec.paused"),
         "spec.validations[0].expression|apps/v1, Kind=StatefulSet: ERROR: <input>:1:12: undefined "
         "field 'paused'\n | object.spec.paused\n | ...........^\n"},
        {RULE("", "\"pods\""),
         "\"validations\":[{\"expression\":\"true\",\"messageExpression\":\"object.spec.x\"}]",
         "spec.validations[0].messageExpression|/v1, Kind=Pod: ERROR: "},
        {RULE("", "\"pods\""),
         "\"variables\":[{\"name\":\"c\",\"expression\":\"object.spec.containers\"}],"
         "\"validations\":[{\"expression\":\"variables.c.all(x, x.image != 1)\"}]",
         "found no matching overload for '_!=_' applied to '(string, int)'"},
        {RULE("x.io", "\"widgets\""), EXPRESSION("object.spec.n + object.metadata.name"),
         "x.io/v1, Kind=Widget: ERROR: <input>:1:15: found no matching overload"},
        {RULE("x.io", "\"widgets\""), EXPRESSION("object.metadata.labels.a == 'b'"), ""},
        {RULE("apps", "\"*\""), EXPRESSION("object.nope"), ""},
        {RULE("*", "\"pods\""), EXPRESSION("object.nope"), ""},
        {RULE("", "\"pods/status\",\"nothings\""), EXPRESSION("object.nope"), ""},
        {RULE("", "\"pods\""),
         "\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}," EXPRESSION(
             "params.data.k == 1"),
         "'(string, int)'"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = warned(&f, rows[i].rules, rows[i].spec);
        bool whole = str_starts(str_c(rows[i].warning), STR("spec.validations[0].expression|apps"));
        if (whole || rows[i].warning[0] == '\0' ? !str_eq_c(got, rows[i].warning)
                                                : str_find(got, str_c(rows[i].warning)) < 0)
            fail_msg("%s over %s: " STR_FMT, rows[i].spec, rows[i].rules, STR_ARG(got));
    }
    fixture_close(&f);
}

static void the_status_follows_generations(void **state)
{
#define POLICY(text)                                                                               \
    "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[" RULE(     \
        "apps", "\"deployments\"") "]}," EXPRESSION(text) "}}"
    struct kubeapi_options options = {.name = STR("test"), .ca_pem = STR("CA")};
    struct fixture f;
    fixture_open(&f, &options);
    must(&f, 201, "POST", POLICIES, POLICY("object.spec.nope == 1"));
    settle(&f);
    must(&f, 200, "GET", POLICIES "/p", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "\"observedGeneration\":1"));
    assert_non_null(strstr(buf_c(&f.last.body), "undefined field 'nope'"));
    must(&f, 200, "PATCH", POLICIES "/p",
         "{\"spec\":{" EXPRESSION("object.spec.replicas == 1") "}}");
    settle(&f);
    must(&f, 200, "GET", POLICIES "/p", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "\"observedGeneration\":2"));
    assert_non_null(strstr(buf_c(&f.last.body), "\"typeChecking\":{}"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_held_against_expressions),
        cmocka_unit_test(the_status_follows_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
