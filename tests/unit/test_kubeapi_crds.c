/* Goal: definitions of custom resources are refused, named, conditioned and followed as by a real server, and their objects
 * are held to them whatever way they come and go.
 * Method: requests in process on a bare server. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define X    "/apis/x.io/v1/widgets"

/* A cluster-scoped definition x.io/v1, Widget, with more of its spec and of its only version. */
static const char *definition(struct fixture *f, const char *schema, const char *version)
{
    return arena_printf(
               &f->a,
               "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\","
               "\"scope\":\"Cluster\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},"
               "\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true%s,\"schema\":{"
               "\"openAPIV3Schema\":%s}}]}}",
               version, schema)
        .p;
}

static const char *widget(struct fixture *f, const char *name, const char *spec)
{
    return arena_printf(
               &f->a,
               "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"%s\"},"
               "\"spec\":%s}",
               name, spec)
        .p;
}

#define SPEC(properties)                                                                           \
    "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","                          \
    "\"properties\":" properties                                                                   \
    "},\"status\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":"   \
    "5},\"sel\":{\"type\":\"string\"}}}}}"
#define SIZED                                                                                      \
    SPEC("{\"size\":{\"type\":\"integer\",\"maximum\":10},\"more\":{\"type\":\"string\"}}")

static bool last_has(struct fixture *f, const char *text)
{
    return strstr(buf_c(&f->last.body), text) != NULL;
}

static void objects_are_held_to_the_schema(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS, definition(&f, SIZED, ",\"subresources\":{\"status\":{}}"));
    must(&f, 201, "POST", X, widget(&f, "a", "{\"size\":1,\"odd\":2}"));
    assert_string_equal(buf_c(&f.last.warnings), "unknown field \"spec.odd\"\n");
    assert_false(last_has(&f, "odd"));
    must(&f, 400, "POST", X "?fieldValidation=Strict", widget(&f, "b", "{\"odd\":2}"));
    assert_string_equal(said(&f, "message"),
                        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding "
                        "error: unknown field \"spec.odd\"");
    must(&f, 422, "PATCH", X "/a?fieldValidation=Strict", "{\"spec\":{\"odd\":2}}");
    assert_non_null(strstr(said(&f, "message"), "\\\"odd\\\":2")); /* all of it, as it came */
    assert_true(last_has(&f, "strict decoding error: unknown field"));
    must(&f, 422, "POST", X, widget(&f, "b", "{\"size\":11}"));
    must(&f, 422, "PATCH", X "/a", "{\"spec\":{\"size\":11}}");
    must(&f, 422, "PATCH", X "/a/status", "{\"status\":{\"n\":6}}");
    assert_true(last_has(&f, "status.n: Invalid value: 6: status.n in body should be less than"));
    must(&f, 200, "PATCH", X "/a/status", "{\"status\":{\"n\":5,\"x\":1},\"spec\":{\"size\":9}}");
    assert_true(last_has(&f, "\"status\":{\"n\":5}"));
    assert_true(last_has(&f, "\"size\":1"));
    must(&f, 200, "GET", X "/a", NULL);
    assert_string_equal(said(&f, "metadata.generation"), "1");
    fixture_close(&f);
}

static void stored_objects_follow_a_new_schema(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS,
         definition(&f, "{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}", ""));
    must(&f, 201, "POST", X, widget(&f, "a", "{\"size\":50,\"odd\":1}"));
    must(&f, 200, "GET", CRDS "/widgets.x.io", NULL);
    const char *fresh = definition(
        &f,
        SPEC("{\"size\":{\"type\":\"integer\",\"maximum\":10},\"later\":{\"type\":\"string\","
             "\"default\":\"L\"}}"),
        "");
    must(&f, 200, "PATCH", CRDS "/widgets.x.io", fresh);
    must(&f, 200, "GET", X, NULL);
    assert_true(last_has(&f, "\"spec\":{\"later\":\"L\",\"size\":50}"));
    must(&f, 200, "PATCH", X "/a", "{\"spec\":{\"later\":\"M\"}}"); /* size was so before */
    assert_true(last_has(&f, "\"spec\":{\"later\":\"M\",\"size\":50}"));
    must(&f, 422, "PATCH", X "/a", "{\"spec\":{\"size\":51}}");
    fixture_close(&f);
}

static void versions_share_the_objects(void **state)
{
    static const char two[] =
        "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
        "\"Cluster\","
        "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\","
        "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
        "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
        "\"b\":{\"type\":\"string\"}}}}}}},{\"name\":\"v2\",\"served\":true,\"storage\":false,"
        "\"deprecated\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{"
        "\"spec\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"c\":{\"type\":"
        "\"string\",\"default\":\"C\"}}}}}}}]}}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS, two);
    must(&f, 201, "POST", X, widget(&f, "a", "{\"a\":\"A\",\"b\":\"B\"}"));
    must(&f, 200, "GET", "/apis/x.io/v2/widgets/a", NULL);
    assert_string_equal(buf_c(&f.last.warnings), "x.io/v2 Widget is deprecated\n");
    assert_true(last_has(&f, "\"spec\":{\"b\":\"B\",\"c\":\"C\"}"));
    must(&f, 200, "PATCH", "/apis/x.io/v2/widgets/a", "{\"spec\":{\"b\":\"D\"}}");
    assert_string_equal(said(&f, "apiVersion"), "x.io/v2");
    struct kube_object *o = kubeapi_get(f.api, STR("widgets.x.io"), str_empty, STR("a"));
    check_str(o->api_version, "x.io/v1"); /* the storage version */
    must(&f, 200, "GET", CRDS "/widgets.x.io", NULL);
    assert_true(last_has(&f, "\"storedVersions\":[\"v1\"]"));
    fixture_close(&f);
}

static void names_are_given_once(void **state)
{
    static const char other[] =
        "{\"metadata\":{\"name\":\"gadgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
        "\"Cluster\","
        "\"names\":{\"plural\":\"gadgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\","
        "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}"
        "}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS, definition(&f, SIZED, ""));
    must(&f, 200, "PATCH", CRDS "/widgets.x.io", "{\"spec\":{\"names\":{\"shortNames\":[\"w\"]}}}");
    must(&f, 200, "PATCH", CRDS "/widgets.x.io", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_true(last_has(&f, "\"acceptedNames\":{\"kind\":\"Widget\",\"listKind\":\"WidgetList\","
                             "\"plural\":\"widgets\",\"shortNames\":[\"w\"]"));
    assert_true(last_has(&f, "no conflicts found"));
    must(&f, 201, "POST", CRDS, other);
    assert_true(last_has(&f,
                         "\"message\":\"\\\"WidgetList\\\" is already in use\",\"reason\":"
                         "\"ListKindConflict\",\"status\":\"False\",\"type\":\"NamesAccepted\""));
    assert_true(last_has(&f, "\"reason\":\"NotAccepted\",\"status\":\"False\""));
    must(&f, 404, "GET", "/apis/x.io/v1/gadgets", NULL);
    must(&f, 200, "DELETE", CRDS "/widgets.x.io", NULL);
    settle(&f);
    must(&f, 404, "GET", X, NULL);
    must(&f, 200, "GET", "/apis/x.io/v1/gadgets", NULL); /* the names came free */
    fixture_close(&f);
}

static void definitions_are_refused(void **state)
{
    static const struct {
        const char *spec, *said;
    } cases[] = {
        {"\"group\":\"x.io\",\"scope\":\"Odd\"", "spec.scope: Unsupported value"},
        {"\"group\":\"x\",\"scope\":\"Cluster\"", "should be a domain with at least one dot"},
        {"\"group\":\"a.k8s.io\",\"scope\":\"Cluster\"",
         "metadata.annotations[api-approved.kubernetes.io]: Required value"},
        {"\"group\":\"x.io\",\"scope\":\"Cluster\",\"preserveUnknownFields\":true",
         "spec.preserveUnknownFields: Invalid value: true"},
        {"\"group\":\"x.io\",\"scope\":\"Cluster\",\"conversion\":{\"strategy\":\"Webhook\"}",
         "spec.conversion.webhookClientConfig: Required value"},
        {"\"group\":\"x.io\",\"scope\":\"Cluster\",\"conversion\":{\"strategy\":\"Webhook\","
         "\"webhook\":{\"clientConfig\":{\"url\":\"https://"
         "x\"},\"conversionReviewVersions\":[\"v2\"]}}",
         "spec.conversion.conversionReviewVersions: Invalid value: []string{\"v2\"}: must include "
         "at "
         "least one of v1, v1beta1"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *body =
            arena_printf(
                &f.a,
                "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{%s,\"names\":{"
                "\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\","
                "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{"
                "\"type\":\"object\"}}}]}}",
                cases[i].spec)
                .p;
        must(&f, 422, "POST", CRDS, body);
        if (!strstr(said(&f, "message"), cases[i].said))
            fail_msg("%s", said(&f, "message"));
    }
    must(&f, 422, "POST", CRDS,
         definition(&f, SIZED,
                    ",\"additionalPrinterColumns\":[{\"name\":\"a\",\"type\":\"odd\",\"jsonPath\":"
                    "\".a[\"}]"));
    assert_true(last_has(&f, "spec.additionalPrinterColumns[0].type"));
    assert_true(last_has(&f, "spec.additionalPrinterColumns[0].JSONPath"));
    must(&f, 201, "POST", CRDS, definition(&f, SIZED, ""));
    must(&f, 422, "PATCH", CRDS "/widgets.x.io", "{\"spec\":{\"scope\":\"Namespaced\"}}");
    assert_true(last_has(&f, "field is immutable"));
    fixture_close(&f);
}

static void scale_reads_and_writes_paths(void **state)
{
    static const char paths[] =
        ",\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec.size\","
        "\"statusReplicasPath\":\".status.n\",\"labelSelectorPath\":\".status.sel\"}}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS, definition(&f, SIZED, paths));
    must(&f, 422, "POST", X, widget(&f, "a", "{\"size\":-1}"));
    assert_true(last_has(&f, ".spec.size: Invalid value: -1: should be a non-negative integer"));
    must(&f, 201, "POST", X, widget(&f, "a", "{\"size\":2}"));
    must(&f, 200, "PATCH", X "/a/status", "{\"status\":{\"n\":1,\"sel\":\"k=v\"}}");
    must(&f, 200, "GET", X "/a/scale", NULL);
    assert_true(
        last_has(&f, "\"spec\":{\"replicas\":2},\"status\":{\"replicas\":1,\"selector\":\"k=v\"}"));
    must(&f, 200, "PATCH", X "/a/scale", "{\"spec\":{\"replicas\":4}}");
    must(&f, 200, "PUT", X "/a/scale",
         "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"Scale\",\"metadata\":{\"name\":\"a\"},"
         "\"spec\":{\"replicas\":5}}");
    must(&f, 422, "PATCH", X "/a/scale", "{\"spec\":{\"replicas\":11}}"); /* the schema's maximum */
    must(&f, 409, "PUT", X "/a/scale",
         "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"Scale\",\"metadata\":{\"name\":\"a\","
         "\"resourceVersion\":\"1\"},\"spec\":{\"replicas\":5}}");
    must(&f, 200, "GET", X "/a", NULL);
    assert_true(last_has(&f, "\"size\":5"));
    must(&f, 201, "POST", X, widget(&f, "b", "{}"));
    must(&f, 500, "GET", X "/b/scale", NULL);
    must(&f, 400, "PATCH", X "/b/scale", "{\"metadata\":{\"labels\":{}}}");
    assert_string_equal(said(&f, "message"),
                        "the spec replicas field \".spec.size\" cannot be empty");
    must(&f, 422, "PATCH", X "/b/scale", "{\"spec\":{\"replicas\":\"x\"}}");
    must(&f, 200, "PATCH", X "/b/scale", "{\"spec\":{\"replicas\":3}}");
    must(&f, 200, "GET", X "/b/scale", NULL);
    assert_string_equal(said(&f, "spec.replicas"), "3");
    fixture_close(&f);
}

static void selectable_fields_select(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS,
         definition(&f, SIZED, ",\"selectableFields\":[{\"jsonPath\":\".spec.more\"}]"));
    must(&f, 201, "POST", X, widget(&f, "a", "{\"more\":\"x\"}"));
    must(&f, 201, "POST", X, widget(&f, "b", "{\"more\":\"y\"}"));
    must(&f, 200, "GET", X "?fieldSelector=spec.more%3Dy", NULL);
    assert_string_equal(items(&f), "b");
    must(&f, 200, "GET", X "?fieldSelector=spec.more!%3Dy", NULL);
    assert_string_equal(items(&f), "a");
    must(&f, 400, "GET", X "?fieldSelector=spec.size%3D1", NULL);
    assert_string_equal(said(&f, "message"), "field label not supported: spec.size");
    must(&f, 422, "PATCH", CRDS "/widgets.x.io",
         "{\"spec\":{\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
         "\"openAPIV3Schema\":{\"type\":\"object\"}},\"selectableFields\":[{\"jsonPath\":\".a[0]\"}"
         "]}]"
         "}}");
    fixture_close(&f);
}

static void selectable_fields_are_in_the_schema(void **state)
{
    static const struct {
        const char *path, *why; /* NULL: may be selected */
    } rows[] = {
        {".host", NULL},
        {".status.port", NULL},
        {".labels.any", NULL},
        {".none", "is an invalid path: does not refer to a valid field"},
        {".host.more", "is an invalid path: does not refer to a valid field"},
        {".list[0]", "is an invalid path: array notation is not allowed"},
        {"host", "is an invalid path: expected [ or . but got: host"},
        {".status.", "is an invalid path: unexpected end of JSON path"},
        {".metadata.name", "must not point to fields in metadata"},
        {".status", "must point to a field of type string, boolean or integer. Enum string fields "
                    "and strings with formats are allowed."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        char text[256], body[1024];
        fixture_open(&f, NULL);
        (void)snprintf(text, sizeof text, ",\"selectableFields\":[{\"jsonPath\":\"%s\"}]",
                       rows[i].path);
        (void)snprintf(
            body, sizeof body, "%s",
            definition(&f,
                       "{\"type\":\"object\",\"properties\":{\"host\":{\"type\":"
                       "\"string\"},\"metadata\":{\"type\":\"object\",\"properties\":{"
                       "\"name\":{\"type\":\"string\"}}},\"list\":{\"type\":\"array\","
                       "\"items\":{\"type\":\"string\"}},\"labels\":{\"type\":\"object\","
                       "\"additionalProperties\":{\"type\":\"string\"}},\"status\":{"
                       "\"type\":\"object\",\"properties\":{\"port\":{\"type\":"
                       "\"integer\"}}}}}",
                       text));
        must(&f, rows[i].why ? 422 : 201, "POST", CRDS, body);
        if (rows[i].why)
            assert_true(last_has(&f, rows[i].why));
        fixture_close(&f);
    }
}

static void a_doomed_definition_says_so(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CRDS, definition(&f, SIZED, ""));
    must(&f, 201, "POST", X,
         "{\"apiVersion\":\"x.io/"
         "v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\",\"finalizers\":["
         "\"x.y/z\"]}}");
    must(&f, 200, "DELETE", CRDS "/widgets.x.io", NULL);
    assert_true(last_has(&f, "\"reason\":\"InstanceDeletionPending\""));
    settle(&f);
    must(&f, 403, "POST", X, widget(&f, "b", "{}"));
    must(&f, 200, "GET", X "/a", NULL);
    must(&f, 200, "PATCH", X "/a", "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", CRDS "/widgets.x.io", NULL);
    fixture_close(&f);
}

/* With the subresource a status write changes nothing else; without it the status is one of the fields. */
static void a_status_is_apart_or_is_not(void **state)
{
    static const char *const extra[] = {",\"subresources\":{\"status\":{}}", ""};
    for (size_t i = 0; i < ARRAY_LEN(extra); i++) {
        struct fixture f;
        bool apart = i == 0;
        fixture_open(&f, NULL);
        must(&f, 201, "POST", CRDS, definition(&f, SIZED, extra[i]));
        must(&f, 201, "POST", X, widget(&f, "a", "{\"size\":1}"));
        must(&f, apart ? 200 : 404, "PATCH", X "/a/status",
             "{\"metadata\":{\"labels\":{\"l\":\"v\"}},\"status\":{\"n\":1}}");
        must(&f, 200, "GET", X "/a", NULL);
        assert_string_equal(said(&f, "metadata.labels.l"), "");
        assert_string_equal(said(&f, "status.n"), apart ? "1" : "");
        must(&f, 200, "PATCH", X "/a", "{\"status\":{\"n\":2}}");
        assert_string_equal(said(&f, "status.n"), apart ? "1" : "2");
        assert_string_equal(said(&f, "metadata.generation"), apart ? "1" : "2");
        fixture_close(&f);
    }
}

static void every_item_is_defaulted_and_pruned(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(
        &f, 201, "POST", CRDS,
        definition(&f,
                   SPEC("{\"l\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                        "\"p\":{\"type\":\"string\",\"default\":\"TCP\"},\"n\":{\"type\":"
                        "\"integer\"}}}}}"),
                   ""));
    must(&f, 201, "POST", X, widget(&f, "a", "{\"l\":[{\"n\":1},{\"n\":2,\"odd\":1},{\"n\":3}]}"));
    assert_true(
        last_has(&f, "[{\"n\":1,\"p\":\"TCP\"},{\"n\":2,\"p\":\"TCP\"},{\"n\":3,\"p\":\"TCP\"}]"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_held_to_the_schema),
        cmocka_unit_test(stored_objects_follow_a_new_schema),
        cmocka_unit_test(versions_share_the_objects),
        cmocka_unit_test(names_are_given_once),
        cmocka_unit_test(definitions_are_refused),
        cmocka_unit_test(scale_reads_and_writes_paths),
        cmocka_unit_test(selectable_fields_select),
        cmocka_unit_test(selectable_fields_are_in_the_schema),
        cmocka_unit_test(a_doomed_definition_says_so),
        cmocka_unit_test(a_status_is_apart_or_is_not),
        cmocka_unit_test(every_item_is_defaulted_and_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
