/* Goal: what the query, or the body of a DELETE, says about a request is read as the reference server reads it; what is wrong
 * with it is told all at once, in its words; and options that are not a request's are not looked at.
 * Method: tables of requests with their status and a part of the answer, in process. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"

#define CM         "/api/v1/namespaces/default/configmaps"
#define NAMED_A    "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"1\"}}}"
#define STRATEGIC  "application/strategic-merge-patch+json"
#define JSON_PATCH "application/json-patch+json"

struct row {
    const char *method, *target, *type, *body;
    int status;
    const char *text; /* a part of the message; NULL: any */
};

static void ask_all(const struct row *rows, size_t n)
{
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < n; i++) {
        (void)ask(&f, "POST", CM, NAMED_A);
        f.content_type = rows[i].type;
        int status = ask(&f, rows[i].method, rows[i].target, rows[i].body);
        f.content_type = NULL;
        if (status != rows[i].status)
            fail_msg("%s %s %s: %d %s", rows[i].method, rows[i].target,
                     rows[i].body ? rows[i].body : "", status, said(&f, "message"));
        if (rows[i].text && !strstr(said(&f, "message"), rows[i].text))
            fail_msg("%s %s: %s", rows[i].method, rows[i].target, said(&f, "message"));
    }
    fixture_close(&f);
}

static void test_options_of_writes(void **state)
{
    static const struct row rows[] = {
        {"POST", CM "?dryRun=Some", NULL, NAMED_A, 422,
         "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
         "[\"Some\"]: supported values: \"All\""},
        {"PUT", CM "/a?dryRun=All&dryRun=x", NULL, NAMED_A, 422,
         "UpdateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"All\",\"x\"]"},
        {"PATCH", CM "/a?dryRun=", NULL, "{}", 422, "PatchOptions.meta.k8s.io"},
        {"PUT", CM "/a?dryRun=x&dryRun=All", NULL, NAMED_A, 422, "dryRun: Unsupported value"},
        {"GET", CM "?resourceVersion=0&resourceVersionMatch=Exact", NULL, NULL, 422,
         "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""},
        {"PATCH",
         CM "/a?fieldManager="
            "0123456789012345678901234567890123456789012345678901234567890123456789"
            "01234567890123456789012345678901234567890123456789012345678",
         NULL, "{}", 422, "may not be more than 128 bytes"},
        {"PATCH", CM "/a?dryRun=x&fieldValidation=y&force=true&fieldManager=a%0Ab", NULL, "{}", 422,
         "is invalid: [force: Forbidden: may not be specified for non-apply patch, fieldManager: "
         "Invalid value: \"a\\nb\": invalid character U+000A (at position 1), dryRun: "},
        {"GET", CM "?dryRun=Some&fieldManager=%0A", NULL, NULL, 200, NULL},
        {"GET", CM "/a?dryRun=Some", NULL, NULL, 200, NULL},
    };
    ask_all(rows, ARRAY_LEN(rows));
}

static void test_options_of_deletions(void **state)
{
    static const struct row rows[] = {
        {"DELETE", CM "/a?propagationPolicy=Nope", NULL, NULL, 422,
         "propagationPolicy: Unsupported value: \"Nope\": supported values: \"Foreground\", "
         "\"Background\", \"Orphan\", \"nil\""},
        {"DELETE", CM "/a", NULL, "{\"propagationPolicy\":\"Orphan\",\"orphanDependents\":true}",
         422, "Invalid value: \"Orphan\": orphanDependents and deletionPropagation"},
        {"DELETE", CM "/a?gracePeriodSeconds=abc", NULL, NULL, 400,
         "strconv.ParseInt: parsing \"abc\": invalid syntax"},
        {"DELETE", CM "/a?dryRun=Some", NULL, NULL, 422, "DeleteOptions.meta.k8s.io"},
        {"DELETE", CM "/a", NULL, "{\"dryRun\":[\"Some\"]}", 422, "DeleteOptions.meta.k8s.io"},
        {"DELETE", CM "/a", NULL, "{\"dryRun\":\"All\"}", 500,
         "json: cannot unmarshal string into Go struct field DeleteOptions.dryRun of type "
         "[]string"},
        {"DELETE", CM "/a", NULL, "{\"gracePeriodSeconds\":1.5}", 500,
         "json: cannot unmarshal number 1.5 into Go struct field"},
        {"DELETE", CM "/a", NULL, "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"foo/v1\"}", 500,
         "no kind \"DeleteOptions\" is registered for version \"foo/v1\""},
        {"DELETE", CM, NULL, "[]", 500, "cannot unmarshal array into Go value"},
        {"DELETE", CM "/a", NULL, "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"apps/v1\"}", 200,
         NULL},
        {"DELETE", CM "/a", NULL, "null", 200, NULL},
        /* With a body the query is not looked at. */
        {"DELETE", CM "/a?dryRun=All&propagationPolicy=Nope", NULL, "{}", 200, NULL},
        {"PUT", CM "/a", NULL, NAMED_A, 200, NULL}, /* made again before each row */
        {"DELETE", CM "/a?dryRun=All", NULL, NULL, 200, NULL},
        {"GET", CM "/a", NULL, NULL, 200, NULL},
    };
    ask_all(rows, ARRAY_LEN(rows));
}

static void test_deletion_by_body_only(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM, NAMED_A);
    must(&f, 200, "DELETE", CM "/a?dryRun=All", "{\"propagationPolicy\":\"Background\"}");
    must(&f, 404, "GET", CM "/a", NULL);
    fixture_close(&f);
}

static void test_deletion_by_clients_of_custom_groups(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
         "{\"metadata\":{\"name\":\"ws.a.io\"},\"spec\":{\"group\":\"a.io\",\"scope\":"
         "\"Namespaced\","
         "\"names\":{\"plural\":\"ws\",\"kind\":\"W\"},\"versions\":[{\"name\":\"v1\",\"served\":"
         "true,"
         "\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}");
    settle(&f);
    must(&f, 201, "POST", "/apis/a.io/v1/namespaces/default/ws",
         "{\"apiVersion\":\"a.io/v1\",\"kind\":\"W\",\"metadata\":{\"name\":\"w\"}}");
    must(&f, 200, "DELETE", "/apis/a.io/v1/namespaces/default/ws/w",
         "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"a.io/v1\"}");
    fixture_close(&f);
}

static void test_options_of_lists(void **state)
{
    static const struct row rows[] = {
        {"GET", CM "?limit=abc", NULL, NULL, 400, "strconv.ParseInt: parsing \"abc\""},
        {"GET", CM "?limit=", NULL, NULL, 400, "strconv.ParseInt: parsing \"\""},
        {"GET", CM "?limit=-5&timeoutSeconds=7", NULL, NULL, 200, NULL},
        {"GET", CM "?timeoutSeconds=x", NULL, NULL, 400, "strconv.ParseInt: parsing \"x\""},
        {"GET", CM "?watch=FALSE", NULL, NULL, 200, NULL},
        {"GET", CM "?sendInitialEvents=true", NULL, NULL, 422,
         "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"},
        {"GET", CM "?resourceVersionMatch=Foo&continue=abc", NULL, NULL, 422,
         "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
         "resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is "
         "forbidden when continue is provided, resourceVersionMatch: Unsupported value: \"Foo\""},
        {"GET", CM "?watch=1&resourceVersion=5&resourceVersionMatch=Exact&sendInitialEvents=true",
         NULL, NULL, 422,
         "[resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
         "resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "
         "\"Exact\": "
         "supported values: \"NotOlderThan\"]"},
        {"GET", CM "?watch=1&timeoutSeconds=x", NULL, NULL, 400, "parsing \"x\""},
        {"GET", CM "?continue=%21", NULL, NULL, 400,
         "invalid continue token: continue key is not valid: illegal base64 data"},
        {"GET", "/api/v1/persistentvolumes?fieldSelector=metadata.namespace%3Da", NULL, NULL, 200,
         NULL},
        {"GET", "/api/v1/nodes?fieldSelector=metadata.namespace%3Da", NULL, NULL, 400,
         "field label not supported: metadata.namespace"},
        {"GET", CM "?labelSelector=a%2C", NULL, NULL, 400, "found '', expected: identifier after"},
        {"GET", CM "?labelSelector=%2Ca", NULL, NULL, 400,
         "found ',', expected: !, identifier, or 'end of string'"},
        {"GET", CM "?labelSelector=!", NULL, NULL, 400,
         "unable to parse requirement: found '', expected: identifier"},
        {"GET", CM "?labelSelector=a%20in%20(", NULL, NULL, 400,
         "unable to parse requirement: found '', expected: ',', ')' or identifier"},
        {"GET", CM "?labelSelector=a%20in%20(x", NULL, NULL, 400,
         "unable to parse requirement: found '', expected: ',' or ')'"},
        {"GET", CM "?labelSelector=a%20in%20()", NULL, NULL, 200, NULL},
    };
    ask_all(rows, ARRAY_LEN(rows));
}

static void test_strictness_of_patches(void **state)
{
    static const struct row rows[] = {
        {"PATCH", CM "/a?fieldValidation=Strict", NULL, "{\"foo\":1,\"foo\":2}", 422,
         "strict decoding error: duplicate field \"foo\", unknown field \"foo\""},
        {"PATCH", CM "/a?fieldValidation=Strict", NULL, "{\"data\":{\"k\":\"1\",\"k\":\"2\"}}", 422,
         "Invalid value: \"{\\\"data\\\":{\\\"k\\\":\\\"1\\\",\\\"k\\\":\\\"2\\\"}}\": strict "
         "decoding error: duplicate field \"data.k\""},
        {"PATCH", CM "/a?fieldValidation=Strict", STRATEGIC, "{\"foo\":1}", 422,
         "Invalid value: \"map[foo:1]\": strict decoding error: unknown field \"foo\""},
        {"PATCH", CM "/a?fieldValidation=Strict", JSON_PATCH,
         "[{\"op\":\"add\",\"path\":\"/data\",\"value\":{},\"zz\":1}]", 422,
         "strict decoding error: json patch unknown field \"[0].zz\""},
        {"PATCH", CM "/a?fieldValidation=Ignore", JSON_PATCH,
         "[{\"op\":\"add\",\"path\":\"/data\",\"value\":{},\"zz\":1}]", 200, NULL},
        {"PATCH", CM "/a", NULL, "{\"foo\":1,\"foo\":2}", 200, NULL},
        {"PATCH", CM "/a", NULL, "null", 400, "Invalid JSON Patch"},
        {"PATCH", CM "/a", STRATEGIC, "null", 200, NULL},
        {"PATCH", CM "/a", JSON_PATCH, "null", 200, NULL},
    };
    ask_all(rows, ARRAY_LEN(rows));
}

#define TWO_OWNERS(second)                                                                         \
    "{\"metadata\":{\"name\":\"o\",\"ownerReferences\":["                                          \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"x\",\"uid\":\"1\"},"                 \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"" second "\",\"uid\":\"1\"}]}}"

static void test_owners_and_namespaces(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM, TWO_OWNERS("x"));
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "metadata.ownerReferences")), 1);
    must(&f, 200, "PUT", CM "/o", TWO_OWNERS("y"));
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "metadata.ownerReferences")), 2);
    must(&f, 200, "PATCH", CM "/o", TWO_OWNERS("x"));
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "metadata.ownerReferences")), 1);
    must(&f, 201, "POST", "/api/v1/nodes", "{\"metadata\":{\"name\":\"n\",\"namespace\":\"x\"}}");
    assert_string_equal(said(&f, "metadata.namespace"), "");
    must(&f, 200, "PUT", "/api/v1/nodes/n", "{\"metadata\":{\"name\":\"n\",\"namespace\":\"x\"}}");
    assert_string_equal(said(&f, "metadata.namespace"), "");
    must(&f, 400, "PATCH", CM "/o", "{\"metadata\":{\"namespace\":\"x\"}}");
    assert_string_equal(said(&f, "message"), "the namespace of the object (x) does not match the "
                                             "namespace on the request (default)");
    fixture_close(&f);
}

static void test_patches_of_scales(void **state)
{
    static const char d[] = "/apis/apps/v1/namespaces/default/deployments/d/scale";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apps/v1/namespaces/default/deployments",
         "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":"
         "{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":"
         "{\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}}}");
    must(&f, 422, "PATCH", d, "{\"spec\":{\"replicas\":\"x\"}}");
    must(&f, 200, "GET", d, NULL);
    assert_int_equal(json_int_at(f.body, "spec.replicas", -1), 2);
    f.content_type = STRATEGIC;
    must(&f, 422, "PATCH",
         "/apis/apps/v1/namespaces/default/deployments/d/scale?fieldValidation=Strict",
         "{\"spec\":{\"replicas\":1,\"odd\":1}}");
    f.content_type = NULL;
    must(&f, 200, "PATCH", d, "{\"spec\":{\"replicas\":5}}");
    assert_int_equal(json_int_at(f.body, "spec.replicas", -1), 5);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_writes),
        cmocka_unit_test(test_options_of_deletions),
        cmocka_unit_test(test_deletion_by_body_only),
        cmocka_unit_test(test_options_of_lists),
        cmocka_unit_test(test_strictness_of_patches),
        cmocka_unit_test(test_owners_and_namespaces),
        cmocka_unit_test(test_patches_of_scales),
        cmocka_unit_test(test_deletion_by_clients_of_custom_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
