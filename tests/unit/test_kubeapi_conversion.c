/* Goal: a definition's webhook makes one version of another: for reads, lists, watches and every kind of write; what it
 * must not change is refused in the API's words, and how often it is asked is known.
 * Method: a webhook that splits and joins a field, in a simulated world; what it was asked is logged as one line a review.
 * Its answers are spoilt by the path that the definition names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "tests/unit/support/hook_world.h"

#include <string.h>

#define V1   "/apis/stable.io/v1/namespaces/default/points"
#define V2   "/apis/stable.io/v2/namespaces/default/points"
#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

/* ---- the webhook: v1 has spec.at "x:y", v2 has spec.x and spec.y ---- */

static void convert(struct arena *a, cJSON *o, struct str wanted, const char *path)
{
    cJSON *spec = json_get(o, "spec");
    struct str x, y, at = json_string_at(spec, "at");
    if (str_ends(wanted, STR("/v2")) && str_cut(at, ':', &x, &y)) {
        json_set_str(a, spec, "x", x);
        json_set_str(a, spec, "y", y);
        (void)json_unset(spec, STR("at"));
    } else if (str_ends(wanted, STR("/v1")) && at.n == 0) {
        json_set_str(a, spec, "at",
                     arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(json_string_at(spec, "x")),
                                  STR_ARG(json_string_at(spec, "y"))));
        (void)json_unset(spec, STR("x"));
        (void)json_unset(spec, STR("y"));
    }
    json_set_str(a, spec, "unknown", STR("goes"));
    json_set_str(a, json_ensure(a, o, "metadata.labels"), "by", STR("webhook"));
    json_set_str(a, json_get(o, "metadata"), "generateName", STR("not-mine"));
    if (strcmp(path, "/version") != 0)
        json_set_str(a, o, "apiVersion", wanted);
    if (strcmp(path, "/kind") == 0)
        json_set_str(a, o, "kind", STR("Other"));
    if (strcmp(path, "/name") == 0)
        json_set_str(a, json_get(o, "metadata"), "name", STR("other"));
    if (strcmp(path, "/labels") == 0)
        json_set_int(a, json_path(o, "metadata.labels"), "n", 1);
    if (strcmp(path, "/metadata") == 0)
        (void)json_unset(o, STR("metadata"));
}

/* Admission of v2 alone: it wants an x, and doubles it. */
static int admit(struct hook_world *n, const cJSON *q, struct buf *out)
{
    struct str x = json_string_at(q, "object.spec.x"), was = json_string_at(q, "oldObject.spec.x");
    struct buf patch = {0};
    buf_addf(&n->log, "admit " STR_FMT " (" STR_FMT "); ", STR_ARG(x), STR_ARG(was));
    buf_addf(&patch,
             "[{\"op\":\"replace\",\"path\":\"/spec/x\",\"value\":\"" STR_FMT STR_FMT "\"}]",
             STR_ARG(x), STR_ARG(x));
    buf_addf(out,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
             "\"uid\":\"" STR_FMT "\",\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"",
             STR_ARG(json_string_at(q, "uid")));
    base64_encode(out, buf_str(&patch));
    buf_add_c(out, "\"}}");
    buf_free(&patch);
    return 200;
}

static int answer(struct hook_world *n, const char *path, const cJSON *review, struct buf *out)
{
    struct arena *a = &n->a;
    if (strcmp(path, "/admit") == 0)
        return admit(n, json_get(review, "request"), out);
    const cJSON *q = json_get(review, "request"), *list = json_get(q, "objects");
    struct str wanted = json_string_at(q, "desiredAPIVersion");
    cJSON *all = json_array(a);
    buf_addf(&n->log, STR_FMT ":", STR_ARG(wanted));
    for (const cJSON *o = list->child; o; o = o->next) {
        cJSON *copy = json_copy(a, o);
        buf_addf(&n->log, " " STR_FMT "%s", STR_ARG(json_string_at(o, "metadata.name")),
                 json_path(o, "metadata.resourceVersion") ? "!" : "");
        convert(a, copy, wanted, path);
        json_append(all, copy);
    }
    buf_add_c(&n->log, "; ");
    if (strcmp(path, "/hang") == 0)
        return 0;
    if (strcmp(path, "/few") == 0)
        all = json_array(a);
    buf_addf(
        out,
        "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"ConversionReview\",\"response\":"
        "{\"uid\":\"" STR_FMT "\",\"result\":{\"status\":\"%s\",\"message\":\"no way\"},"
        "\"convertedObjects\":",
        STR_ARG(strcmp(path, "/uid") == 0 ? STR("u") : json_string_at(q, "uid")),
        strcmp(path, "/failure") == 0 ? "Failure" : "Success");
    json_write(out, all);
    buf_add_c(out, "}}");
    return strcmp(path, "/500") == 0 ? 500 : 200;
}

/* ---- the definition ---- */

#define SCHEMA(fields)                                                                             \
    "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":"     \
    "\"object\",\"properties\":{" fields "}},\"status\":{\"type\":\"object\",\"properties\":{"     \
    "\"seen\":{\"type\":\"string\"}}}}}},\"subresources\":{\"status\":{}}"

static void define(struct hook_world *n, const char *path, const char *stored)
{
    struct buf b = {0};
    bool one = strcmp(stored, "v1") == 0;
    buf_addf(&b,
             "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
             "\"metadata\":{\"name\":\"points.stable.io\"},\"spec\":{\"group\":\"stable.io\","
             "\"names\":{\"plural\":\"points\",\"kind\":\"Point\"},\"scope\":\"Namespaced\","
             "\"conversion\":{\"strategy\":\"Webhook\",\"webhook\":{\"conversionReviewVersions\":["
             "\"v1\"],\"clientConfig\":{\"url\":\"https://10.0.0.2%s\",\"caBundle\":\"" STR_FMT
             "\"}}},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":%s," SCHEMA(
                 "\"at\":{\"type\":\"string\"}") "},{\"name\":\"v2\",\"served\":true,"
                                                 "\"storage\":%s," SCHEMA(
                                                     "\"x\":{\"type\":\"string\"},\"y\":{\"type\":"
                                                     "\"string\"},\"z\":{\"type\":\"string\","
                                                     "\"default\":\"0\"}") "}]}}",
             path, STR_ARG(buf_str(&n->bundle)), one ? "true" : "false", one ? "false" : "true");
    int status = hook_world_call(n, "POST", CRDS, buf_c(&b));
    if (status == 409)
        status = hook_world_call(n, "PATCH", CRDS "/points.stable.io", buf_c(&b));
    if (status != 200 && status != 201)
        fail_msg("%d: %s", status, buf_c(&n->body));
    hook_world_run(n, 1);
    buf_clear(&n->log);
    buf_free(&b);
}

#define POINT1(name, at)                                                                           \
    "{\"apiVersion\":\"stable.io/v1\",\"kind\":\"Point\",\"metadata\":{\"name\":\"" name           \
    "\"},\"spec\":{\"at\":\"" at "\"}}"
#define POINT2(name, x, y)                                                                         \
    "{\"apiVersion\":\"stable.io/v2\",\"kind\":\"Point\",\"metadata\":{\"name\":\"" name           \
    "\",\"namespace\":\"default\"},\"spec\":{\"x\":\"" x "\",\"y\":\"" y "\"}}"

#define CHECK_SAID(n, text)                                                                        \
    do {                                                                                           \
        if (!hook_world_said(n, text))                                                             \
            fail_msg("not %s: %s", text, buf_c(&(n)->body));                                       \
    } while (0)
#define CHECK_CALL(n, status, ...)                                                                 \
    do {                                                                                           \
        int is = hook_world_call(n, __VA_ARGS__);                                                  \
        if (is != (status))                                                                        \
            fail_msg("%d: %s", is, buf_c(&(n)->body));                                             \
    } while (0)
#define CHECK_LOG(n, text)                                                                         \
    do {                                                                                           \
        assert_string_equal(buf_c(&(n)->log), text);                                               \
        buf_clear(&(n)->log);                                                                      \
    } while (0)

/* ---- reads and writes ---- */

static void versions_are_made_of_each_other(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    define(&n, "/ok", "v2");
    CHECK_CALL(&n, 201, "POST", V1, POINT1("a", "1:2"));
    CHECK_SAID(&n, "\"apiVersion\":\"stable.io/v1\"");
    CHECK_SAID(&n, "\"at\":\"1:2\"");
    CHECK_SAID(&n, "\"labels\":{\"by\":\"webhook\"}");
    CHECK_SAID(&n, "\"resourceVersion\":\"");
    assert_false(hook_world_said(&n, "unknown\":\"goes"));
    assert_false(hook_world_said(&n, "not-mine"));
    CHECK_LOG(&n, "stable.io/v2: a; stable.io/v1: a; "); /* into the store, and out of it */
    const struct kube_object *o =
        kubeapi_get(n.api, STR("points.stable.io"), STR("default"), STR("a"));
    assert_string_equal(kube_object_string(o, "spec.x").p ? "there" : "", "there");
    assert_true(str_eq_c(o->api_version, "stable.io/v2"));
    CHECK_CALL(&n, 200, "GET", V2 "/a", "");
    CHECK_SAID(&n, "\"spec\":{\"x\":\"1\",\"y\":\"2\",\"z\":\"0\"}");
    CHECK_LOG(&n, "");
    CHECK_CALL(&n, 200, "GET", V1 "/a", "");
    CHECK_SAID(&n, "\"at\":\"1:2\"");
    CHECK_LOG(&n, "stable.io/v1: a; ");
    CHECK_CALL(&n, 200, "PATCH", V1 "/a", "{\"spec\":{\"at\":\"3:4\"}}");
    CHECK_SAID(&n, "\"at\":\"3:4\"");
    CHECK_SAID(&n, "\"generation\":2");
    CHECK_LOG(&n, "stable.io/v1: a; stable.io/v2: a; stable.io/v1: a; ");
    CHECK_CALL(&n, 200, "PATCH", V1 "/a/status", "{\"status\":{\"seen\":\"yes\"}}");
    CHECK_SAID(&n, "\"seen\":\"yes\"");
    CHECK_SAID(&n, "\"generation\":2");
    CHECK_CALL(&n, 200, "GET", V2 "/a", "");
    CHECK_SAID(&n, "\"x\":\"3\"");
    CHECK_SAID(&n, "\"seen\":\"yes\"");
    CHECK_CALL(&n, 200, "PATCH", V2 "/a", "{\"metadata\":{\"finalizers\":[\"x.io/f\"]}}");
    CHECK_CALL(&n, 200, "DELETE", V1 "/a", "");
    CHECK_SAID(&n, "\"at\":\"3:4\"");
    CHECK_SAID(&n, "\"deletionTimestamp\"");
    hook_world_close(&n);
}

static void applies_are_converted(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    define(&n, "/ok", "v2");
    assert_int_equal(hook_world_call_as(&n, "PATCH", V1 "/a?fieldManager=me",
                                        "application/apply-patch+yaml", POINT1("a", "1:2")),
                     201);
    assert_int_equal(hook_world_call_as(&n, "PATCH", V1 "/a?fieldManager=me",
                                        "application/apply-patch+yaml", POINT1("a", "5:2")),
                     200);
    CHECK_SAID(&n, "\"at\":\"5:2\"");
    CHECK_CALL(&n, 200, "GET", V2 "/a", "");
    CHECK_SAID(&n, "\"x\":\"5\"");
    hook_world_close(&n);
}

/* Objects that were stored in different versions. */
static void lists_are_asked_about_at_once(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    define(&n, "/ok", "v1");
    CHECK_CALL(&n, 201, "POST", V1, POINT1("a", "1:2"));
    CHECK_CALL(&n, 201, "POST", V1, POINT1("b", "3:4"));
    define(&n, "/ok", "v2");
    CHECK_CALL(&n, 200, "GET", CRDS "/points.stable.io", "");
    CHECK_SAID(&n, "\"storedVersions\":[\"v1\",\"v2\"]");
    CHECK_CALL(&n, 201, "POST", V2, POINT2("c", "5", "6"));
    buf_clear(&n.log);
    CHECK_CALL(&n, 200, "GET", V2, "");
    CHECK_SAID(&n, "\"x\":\"1\"");
    CHECK_SAID(&n, "\"x\":\"3\"");
    CHECK_SAID(&n, "\"x\":\"5\"");
    assert_false(hook_world_said(&n, "\"at\""));
    CHECK_LOG(&n, "stable.io/v2: a b; ");
    CHECK_CALL(&n, 200, "GET", V1, "");
    CHECK_SAID(&n, "\"at\":\"1:2\"");
    CHECK_SAID(&n, "\"at\":\"5:6\"");
    CHECK_LOG(&n, "stable.io/v1: c; ");
    /* written again without a change: into the version that is stored now */
    CHECK_CALL(&n, 200, "PATCH", V2 "/a", "{}");
    CHECK_SAID(&n, "\"generation\":1");
    const struct kube_object *o =
        kubeapi_get(n.api, STR("points.stable.io"), STR("default"), STR("a"));
    assert_true(str_eq_c(o->api_version, "stable.io/v2"));
    CHECK_CALL(&n, 200, "DELETE", V1, "");
    CHECK_SAID(&n, "\"at\":\"3:4\"");
    hook_world_close(&n);
}

static void watches_are_converted(void **state)
{
    struct hook_world n;
    struct http_call *watch;
    hook_world_open(&n, answer);
    define(&n, "/ok", "v2");
    CHECK_CALL(&n, 201, "POST", V2, POINT2("a", "1", "2"));
    hook_world_begin(&n, "GET", V1 "?watch=true&timeoutSeconds=20", NULL, "");
    hook_world_run(&n, 1);
    watch = n.call;
    assert_non_null(watch);
    struct buf json = {0};
    buf_add_c(&json, POINT2("b", "3", "4"));
    for (int i = 0; i < 3; i++) { /* faster than the webhook */
        json.p[json.n - 4] = (char)('5' + i);
        struct err *err = kubeapi_apply(n.api, buf_str(&json), NULL);
        if (err)
            fail_msg("%s", err->message);
    }
    buf_free(&json);
    hook_world_run(&n, 30);
    CHECK_SAID(&n, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"stable.io/v1\"");
    CHECK_SAID(&n, "\"at\":\"1:2\"");
    CHECK_SAID(&n, "\"at\":\"3:5\"");
    CHECK_SAID(&n, "\"at\":\"3:6\"");
    CHECK_SAID(&n, "\"at\":\"3:7\"");
    assert_false(hook_world_said(&n, "\"x\":"));
    hook_world_close(&n);
}

/* Whoever writes v1, the webhook of admission sees v2, and what it makes of it comes back. */
static void admission_sees_its_version(void **state)
{
    struct hook_world n;
    struct buf b = {0};
    hook_world_open(&n, answer);
    define(&n, "/ok", "v1");
    buf_addf(&b,
             "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
             "\"MutatingWebhookConfiguration\",\"metadata\":{\"name\":\"c\"},\"webhooks\":[{"
             "\"name\":\"h.x.io\",\"clientConfig\":{\"url\":\"https://10.0.0.2/admit\","
             "\"caBundle\":\"" STR_FMT "\"},\"sideEffects\":\"None\",\"admissionReviewVersions\":["
             "\"v1\"],\"matchConditions\":[{\"name\":\"x\",\"expression\":\"object.spec.x != '0'\"}"
             "],\"rules\":[{\"operations\":[\"*\"],\"apiGroups\":[\"stable.io\"],\"apiVersions\":["
             "\"v2\"],\"resources\":[\"points\"]}]}]}",
             STR_ARG(buf_str(&n.bundle)));
    CHECK_CALL(&n, 201, "POST",
               "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", buf_c(&b));
    CHECK_CALL(&n, 201, "POST", V1, POINT1("a", "1:2"));
    CHECK_SAID(&n, "\"at\":\"11:2\"");
    CHECK_LOG(&n, "stable.io/v2: a; admit 1 (); stable.io/v1: a; ");
    CHECK_CALL(&n, 200, "PATCH", V1 "/a", "{\"spec\":{\"at\":\"3:4\"}}");
    CHECK_SAID(&n, "\"at\":\"33:4\"");
    CHECK_CALL(&n, 201, "POST", V1, POINT1("b", "0:2"));
    CHECK_SAID(&n, "\"at\":\"0:2\"");
    buf_free(&b);
    hook_world_close(&n);
}

/* ---- refusals ---- */

static void answers_are_held_to_the_rules(void **state)
{
#define FOR "\"message\":\"conversion webhook for stable.io/v2, Kind=Point "
    static const struct {
        const char *path, *said;
    } rows[] = {
        {"/uid", FOR "failed: expected response.uid="},
        {"/failure", FOR "failed: no way\""},
        {"/few", FOR "returned 0 objects, expected 1\""},
        {"/version", FOR "returned invalid object at index 0: invalid groupVersion (expected "
                         "stable.io/v1, received stable.io/v2)\""},
        {"/kind", FOR "returned invalid object at index 0: invalid kind (expected Point, received "
                      "Other)\""},
        {"/name", FOR "returned invalid object: must have the same name: a != other\""},
        {"/labels", FOR "returned invalid metadata: metadata.labels[n] must be a string, but is "
                        "int64 in converted object\""},
        {"/metadata", FOR "returned invalid object: must have the same name: a != \""},
        {"/500", FOR "failed: an error on the server"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hook_world n;
        hook_world_open(&n, answer);
        define(&n, "/ok", "v2");
        CHECK_CALL(&n, 201, "POST", V2, POINT2("a", "1", "2"));
        define(&n, rows[i].path, "v2");
        CHECK_CALL(&n, 500, "GET", V1 "/a", "");
        CHECK_SAID(&n, rows[i].said);
        assert_false(hook_world_said(&n, "\"reason\""));
        CHECK_CALL(&n, 500, "POST", V1, POINT1("b", "1:2"));
        CHECK_CALL(&n, 404, "GET", V2 "/b", "");
        CHECK_CALL(&n, 500, "GET", V1, "");
        CHECK_CALL(&n, 200, "GET", V2, "");
        hook_world_close(&n);
    }
}

static void nobody_waits_for_a_webhook_that_hangs(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    define(&n, "/ok", "v2");
    CHECK_CALL(&n, 201, "POST", V2, POINT2("a", "1", "2"));
    define(&n, "/hang", "v2");
    hook_world_begin(&n, "GET", V1 "/a", NULL, "");
    hook_world_run(&n, 2);
    assert_int_equal(n.status, 0);
    struct http_call *waiting = n.call;
    CHECK_CALL(&n, 200, "GET", V2 "/a", "");
    hook_world_run(&n, 31);
    CHECK_SAID(&n, "failed: Post \\\"https://10.0.0.2/hang?timeout=30s\\\": context deadline "
                   "exceeded");
    assert_non_null(waiting);
    hook_world_begin(&n, "GET", V1 "?watch=true", NULL, "");
    hook_world_run(&n, 1);
    hook_world_close(&n); /* the server goes while a watch waits */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_made_of_each_other),
        cmocka_unit_test(applies_are_converted),
        cmocka_unit_test(lists_are_asked_about_at_once),
        cmocka_unit_test(watches_are_converted),
        cmocka_unit_test(admission_sees_its_version),
        cmocka_unit_test(answers_are_held_to_the_rules),
        cmocka_unit_test(nobody_waits_for_a_webhook_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
