/* Goal: who owns which fields, by requests: creates, updates, patches and applies of built-in kinds and custom resources; what
 * options and bodies are refused; what costs no write.
 * Method: requests in process against a bare server, and the answers' managedFields as text. */
#include "tests/unit/support/kubeapi_fixture.h"

#include "tests/unit/support/check.h"

#define CM    "/api/v1/namespaces/default/configmaps"
#define APPLY "?fieldManager=m1"

static void patch(struct fixture *f, const char *type, int status, const char *target,
                  const char *body)
{
    f->content_type = type;
    must(f, status, "PATCH", target, body);
    f->content_type = NULL;
}

static void apply(struct fixture *f, int status, const char *target, const char *body)
{
    patch(f, "application/apply-patch+yaml", status, target, body);
}

/* "m1 Apply {set}; up Update scale {set}" of the last answer. */
static void check_owners(struct fixture *f, const char *expected)
{
    struct buf b = {0};
    const cJSON *entries = json_path(f->body, "metadata.managedFields");
    for (const cJSON *e = entries ? entries->child : NULL; e; e = e->next) {
        struct str sub = json_string_at(e, "subresource");
        buf_addf(&b, "%s" STR_FMT " " STR_FMT "%s" STR_FMT " ", b.n ? "; " : "",
                 STR_ARG(json_string_at(e, "manager")), STR_ARG(json_string_at(e, "operation")),
                 sub.n ? " " : "", STR_ARG(sub));
        json_write(&b, json_get(e, "fieldsV1"));
    }
    check_str(buf_str(&b), expected);
    buf_free(&b);
}

static void writers_own_what_they_change(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM "?fieldManager=one",
         "{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"1\"}},\"data\":{\"k\":\"1\",\"n\":"
         "\"1\"}}");
    check_owners(&f, "one Update {\"f:data\":{\".\":{},\"f:k\":{},\"f:n\":{}},\"f:metadata\":{"
                     "\"f:labels\":{\".\":{},\"f:l\":{}}}}");
    patch(&f, "application/merge-patch+json", 200, CM "/a?fieldManager=two",
          "{\"data\":{\"k\":\"2\"},\"metadata\":{\"labels\":null}}");
    check_owners(
        &f, "one Update {\"f:data\":{\".\":{},\"f:n\":{}}}; two Update {\"f:data\":{\"f:k\":{}}}");
    must(&f, 200, "PUT", CM "/a?fieldManager=three",
         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"n\":\"3\"}}");
    check_owners(&f, "one Update {\"f:data\":{}}; three Update {\"f:data\":{\"f:n\":{}}}");
    const char *revision = arena_c(&f.a, str_c(said(&f, "metadata.resourceVersion")));
    must(&f, 200, "PUT", CM "/a?fieldManager=four",
         "{\"metadata\":{\"name\":\"a\"},\"data\":{\"n\":\"3\"}}");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    patch(&f, "application/merge-patch+json", 200, CM "/a",
          "{\"metadata\":{\"managedFields\":[{}]}}");
    check_owners(&f, "");
    patch(&f, "application/merge-patch+json", 200, CM "/a?fieldManager=x",
          "{\"data\":{\"x\":\"1\"}}");
    check_owners(&f, ""); /* nobody begins again by an update */
    fixture_close(&f);
}

static void applies_conflict_and_share(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    apply(&f, 201, CM "/a?fieldManager=m1",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v, l: w}\n");
    check_owners(&f, "m1 Apply {\"f:data\":{\"f:k\":{},\"f:l\":{}}}");
    const char *revision = arena_c(&f.a, str_c(said(&f, "metadata.resourceVersion")));
    apply(&f, 200, CM "/a?fieldManager=m1",
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{"
          "\"k\":"
          "\"v\",\"l\":\"w\"}}");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    apply(&f, 409, CM "/a?fieldManager=m2",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: x, l: z}\n");
    assert_string_equal(
        said(&f, "message"),
        "Apply failed with 2 conflicts: conflicts with \"m1\":\n- .data.k\n- .data.l");
    assert_string_equal(
        json_string(json_get(json_path(f.body, "details.causes")->child, "reason")).p,
        "FieldManagerConflict");
    apply(&f, 200, CM "/a?fieldManager=m2&force=true",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: x}\n");
    check_owners(&f, "m1 Apply {\"f:data\":{\"f:l\":{}}}; m2 Apply {\"f:data\":{\"f:k\":{}}}");
    apply(&f, 200, CM "/a?fieldManager=m1&dryRun=All",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    check_owners(&f, "m2 Apply {\"f:data\":{\"f:k\":{}}}");
    must(&f, 200, "GET", CM "/a", NULL);
    assert_string_equal(said(&f, "data.l"), "w");
    fixture_close(&f);
}

static void kubectl_takes_over_from_itself(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM "?fieldManager=kubectl-client-side-apply",
         "{\"metadata\":{\"name\":\"a\",\"annotations\":{\"kubectl.kubernetes.io/"
         "last-applied-configuration\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"k\\\":"
         "\\\"1\\\"},\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":\\\"a\\\"}}"
         "\\n\"}},"
         "\"data\":{\"k\":\"1\",\"other\":\"1\"}}");
    apply(&f, 409, CM "/a?fieldManager=kubectl",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: '2', other: '2'}\n");
    assert_string_equal(said(&f, "message"),
                        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" "
                        "using v1: .data.other");
    apply(&f, 409, CM "/a?fieldManager=another", /* is not kubectl, and so took nothing over */
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: '2'}\n");
    apply(&f, 200, CM "/a?fieldManager=kubectl",
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: '2'}\n");
    const cJSON *notes = json_path(f.body, "metadata.annotations");
    assert_true(str_find(json_string(notes->child), STR("\"k\":\"2\"")) > 0);
    fixture_close(&f);
}

static void refusals(void **state)
{
    static const struct {
        const char *type, *target, *body;
        int status;
        const char *message;
    } rows[] = {
        {"apply-patch+yaml", CM "/a", "{}", 422,
         "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
         "apply "
         "patch"},
        {"apply-patch+yaml", CM "/a" APPLY, "{\"metadata\":{\"name\":\"a\"}}", 400,
         "invalid object type: /, Kind="},
        {"apply-patch+yaml", CM "/a" APPLY,
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\","
         "\"managedFields\":[]"
         "}}",
         400, "metadata.managedFields must be nil"},
        {"apply-patch+yaml", CM "/a" APPLY,
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"odd\":1}",
         500,
         "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .odd: field not declared "
         "in "
         "schema"},
        {"apply-patch+yaml", CM "/new" APPLY,
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"new\",\"uid\":"
         "\"u\"}}",
         409, NULL},
        {"apply-patch+yaml", CM "/a" APPLY,
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"b\"}}", 400, NULL},
        {"merge-patch+json", CM "/a?force=true", "{}", 422,
         "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for "
         "non-apply patch"},
        {"merge-patch+json", CM "/a?fieldManager=a%01b", "{}", 422,
         "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\u0001b\": "
         ""
         "invalid character U+0001 (at position 1)"},
        {"strategic-merge-patch+json", CM "/a", "{\"metadata\":{\"$patch\":\"odd\"}}", 500,
         "unknown patch type: odd in map: map[$patch:odd]"},
        {"strategic-merge-patch+json", CM "/a", "{\"data\":[]}", 422,
         " \"\" is invalid: patch: Invalid value: \"map[data:[]]\": cannot restore map from slice"},
    };
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        patch(&f, arena_c(&f.a, arena_printf(&f.a, "application/%s", rows[i].type)), rows[i].status,
              rows[i].target, rows[i].body);
        if (rows[i].message)
            assert_string_equal(said(&f, "message"), rows[i].message);
    }
    fixture_close(&f);
}

static void the_status_is_owned_apart(void **state)
{
    static const char deployment[] =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 1\n"
        "  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {"
        "containers: [{name: c, image: x}]}}\nstatus: {replicas: 7}\n";
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    apply(&f, 201, "/apis/apps/v1/namespaces/default/deployments/d?fieldManager=m1", deployment);
    assert_null(json_path(f.body, "status.replicas"));
    apply(&f, 200, "/apis/apps/v1/namespaces/default/deployments/d/status?fieldManager=m1",
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 9}\n"
          "status: {replicas: 2}\n");
    assert_int_equal(json_int_at(f.body, "spec.replicas", 0), 1);
    check_owners(
        &f,
        "m1 Apply {\"f:spec\":{\"f:replicas\":{},\"f:selector\":{},\"f:template\":{"
        "\"f:metadata\":{\"f:labels\":{\"f:a\":{}}},\"f:spec\":{\"f:containers\":{\"k:{"
        "\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{}}}}}}}; m1 Apply status "
        "{\"f:status\":{\"f:replicas\":{}}}");
    fixture_close(&f);
}

static void the_system_owns_nothing(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    check_ok(kubeapi_apply(f.api,
                           STR("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
                               "\"name\":\"s\",\"namespace\":\"default\"},\"data\":{\"k\":\"1\"}}"),
                           NULL));
    must(&f, 200, "GET", CM "/s", NULL);
    check_owners(&f, "");
    apply(&f, 409, CM "/s" APPLY,
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {k: '2'}\n");
    assert_string_equal(
        said(&f, "message"),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: "
        ".data.k");
    apply(&f, 200, CM "/s" APPLY,
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {m: '2'}\n");
    check_ok(kubeapi_patch(f.api, STR("configmaps"), STR("default"), STR("s"),
                           STR("{\"data\":{\"k\":\"3\"}}")));
    must(&f, 200, "GET", CM "/s", NULL);
    check_owners(&f,
                 "m1 Apply {\"f:data\":{\"f:m\":{}}}; before-first-apply Update {\"f:data\":{\".\":"
                 "{},\"f:k\":{}}}");
    fixture_close(&f);
}

static const char gizmos[] =
    "{\"metadata\":{\"name\":\"gizmos.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
    "\"Namespaced\","
    "\"names\":{\"plural\":\"gizmos\",\"kind\":\"Gizmo\"},\"versions\":[{\"name\":\"v1\","
    "\"served\":true,"
    "\"storage\":true,\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec."
    "size\","
    "\"statusReplicasPath\":\".status.size\"}},\"schema\":{\"openAPIV3Schema\":{\"type\":"
    "\"object\","
    "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{\"size\":{\"type\":\"integer\"},"
    "\"parts\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-"
    "keys\":["
    "\"id\"],\"items\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":"
    "\"string\"},\"v\":{\"type\":\"integer\"}}}}}},\"status\":{\"type\":\"object\",\"properties\":{"
    "\"size\":{\"type\":\"integer\"}}}}}}}]}}";

#define GIZMO "/apis/x.io/v1/namespaces/default/gizmos/g"

static void custom_resources_and_their_scale(void **state)
{
    static const char scale[] =
        "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"Scale\",\"metadata\":{"
        "\"name\":\"g\"},\"spec\":{\"replicas\":3}}";
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", gizmos);
    settle(&f);
    apply(&f, 201, GIZMO "?fieldManager=m1",
          "apiVersion: x.io/v1\nkind: Gizmo\nmetadata: {name: g}\nspec:\n  size: 1\n"
          "  parts: [{id: a, v: 1}]\n");
    apply(
        &f, 200, GIZMO "?fieldManager=m2",
        "apiVersion: x.io/v1\nkind: Gizmo\nmetadata: {name: g}\nspec:\n  parts: [{id: b, v: 2}]\n");
    check_owners(
        &f, "m1 Apply {\"f:spec\":{\"f:parts\":{\"k:{\\\"id\\\":\\\"a\\\"}\":{\".\":{},\"f:id\":{}"
            ",\"f:v\":{}}},\"f:size\":{}}}; m2 Apply {\"f:spec\":{\"f:parts\":{\"k:{\\\"id\\\":"
            "\\\"b\\\"}\":{\".\":{},\"f:id\":{},\"f:v\":{}}}}}");
    apply(&f, 200, GIZMO "?fieldManager=m2",
          "apiVersion: x.io/v1\nkind: Gizmo\nmetadata: {name: g}\n");
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "spec.parts")), 1);
    apply(&f, 409, GIZMO "/scale?fieldManager=m3", scale);
    assert_string_equal(said(&f, "message"),
                        "Apply failed with 1 conflict: conflict with \"m1\": .spec.replicas");
    apply(&f, 200, GIZMO "/scale?fieldManager=m3&force=1", scale);
    must(&f, 200, "GET", GIZMO, NULL);
    assert_int_equal(json_int_at(f.body, "spec.size", 0), 3);
    check_owners(
        &f, "m3 Apply scale {\"f:spec\":{\"f:size\":{}}}; "
            "m1 Apply {\"f:spec\":{\"f:parts\":{\"k:{\\\"id\\\":\\\"a\\\"}\":{\".\":{},\"f:id\":{}"
            ",\"f:v\":{}}}}}");
    patch(&f, "application/merge-patch+json", 200, GIZMO "/scale?fieldManager=hpa",
          "{\"spec\":{\"replicas\":5}}");
    must(&f, 200, "GET", GIZMO, NULL);
    check_owners(
        &f, "m1 Apply {\"f:spec\":{\"f:parts\":{\"k:{\\\"id\\\":\\\"a\\\"}\":{\".\":{},\"f:id\":{}"
            ",\"f:v\":{}}}}}; hpa Update scale {\"f:spec\":{\"f:size\":{}}}");
    patch(&f, "application/strategic-merge-patch+json", 415, GIZMO, "{}");
    fixture_close(&f);
}

/* Who owns by one version loses what changed by the other; an apply's entry names the version of the last. */
static void owners_of_two_versions(void **state)
{
#define SCALER(version) "/apis/autoscaling/" version "/namespaces/default/horizontalpodautoscalers"
#define TARGET                                                                                     \
    "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"}"
    struct fixture f;
    (void)state;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", SCALER("v2") "?fieldManager=two",
         "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"minReplicas\":2,\"maxReplicas\":5," TARGET
         "}}");
    patch(&f, "application/merge-patch+json", 200, SCALER("v1") "/a?fieldManager=one",
          "{\"spec\":{\"maxReplicas\":7,\"targetCPUUtilizationPercentage\":50}}");
    const cJSON *entries = json_path(f.body, "metadata.managedFields");
    for (const cJSON *e = entries->child; e; e = e->next) {
        bool one = str_eq_c(json_string_at(e, "manager"), "one");
        const cJSON *spec = json_get(json_get(e, "fieldsV1"), "f:spec");
        check_str(json_string_at(e, "apiVersion"), one ? "autoscaling/v1" : "autoscaling/v2");
        assert_true((json_get(spec, "f:maxReplicas") != NULL) == one);
        assert_true((json_get(spec, "f:minReplicas") != NULL) == !one);
        assert_null(json_get(spec, "f:metrics")); /* is what the other version calls otherwise */
    }
    assert_int_equal(cJSON_GetArraySize(entries), 2);
    for (int v = 2; v > 0; v--) {
        struct str body = arena_printf(&f.a,
                                       "{\"apiVersion\":\"autoscaling/"
                                       "v%d\",\"kind\":\"HorizontalPodAutoscaler\",\"metadata\":{"
                                       "\"name\":\"b\"},\"spec\":{\"maxReplicas\":%d," TARGET "}}",
                                       v, 7 - v);
        apply(&f, v == 2 ? 201 : 200, v == 2 ? SCALER("v2") "/b" APPLY : SCALER("v1") "/b" APPLY,
              body.p);
    }
    entries = json_path(f.body, "metadata.managedFields");
    assert_int_equal(cJSON_GetArraySize(entries), 1);
    check_str(json_string_at(entries->child, "apiVersion"), "autoscaling/v1");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_own_what_they_change),
        cmocka_unit_test(applies_conflict_and_share),
        cmocka_unit_test(kubectl_takes_over_from_itself),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_status_is_owned_apart),
        cmocka_unit_test(the_system_owns_nothing),
        cmocka_unit_test(custom_resources_and_their_scale),
        cmocka_unit_test(owners_of_two_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
