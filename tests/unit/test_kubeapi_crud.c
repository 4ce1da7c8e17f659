/* Goal: create, get, update, patch and delete follow the rules of metadata, locking and errors with their exact texts.
 * Method: requests in process on a bare server, as a table where a row suffices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CM         "/api/v1/namespaces/default/configmaps"

#define CONTAINERS "\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]"

static void open_server(struct fixture *f)
{
    fixture_open(f, NULL);
}

static void metadata_is_made_by_the_server(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM,
         "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"uid\":\"x\","
         "\"selfLink\":\"/y\",\"generation\":7,\"deletionTimestamp\":\"2020-01-01T00:00:00Z\"},"
         "\"data\":{\"k\":\"v\"}}");
    assert_int_equal(strlen(said(&f, "metadata.uid")), 36);
    assert_string_equal(said(&f, "metadata.namespace"), "default");
    assert_string_equal(said(&f, "metadata.generation"), "");
    assert_string_equal(said(&f, "metadata.deletionTimestamp"), "");
    assert_string_equal(said(&f, "metadata.selfLink"), "");
    assert_int_equal(strlen(said(&f, "metadata.creationTimestamp")), 20);
    assert_string_equal(said(&f, "kind"), "ConfigMap");
    must(&f, 201, "POST", CM, "{\"metadata\":{\"generateName\":\"g-\"}}");
    assert_int_equal(strlen(said(&f, "metadata.name")), 7);
    assert_string_equal(said(&f, "metadata.generateName"), "g-");
    fixture_close(&f);
}

static void errors_have_their_texts(void **state)
{
    static const struct {
        const char *method, *target, *body;
        int status;
        const char *reason, *message;
    } rows[] = {
        {"GET", CM "/nope", NULL, 404, "NotFound", "configmaps \"nope\" not found"},
        {"GET", "/apis/apps/v1/namespaces/default/deployments/d", NULL, 404, "NotFound",
         "deployments.apps \"d\" not found"},
        {"POST", CM, "{\"metadata\":{\"name\":\"a\"}}", 409, "AlreadyExists",
         "configmaps \"a\" already exists"},
        {"POST", CM, "{\"metadata\":{}}", 422, "Invalid",
         "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is "
         "required"},
        {"POST", CM, "null", 422, "Invalid",
         "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is "
         "required"},
        {"POST", CM, "{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"1\"}}", 500, "",
         "resourceVersion should not be set on objects to be created"},
        {"POST", CM, "{\"metadata\":{\"name\":\"x\",\"namespace\":\"kube-system\"}}", 400,
         "BadRequest",
         "the namespace of the provided object does not match the namespace sent on the request"},
        {"POST", "/api/v1/namespaces/gone/configmaps", "{\"metadata\":{\"name\":\"a\"}}", 404,
         "NotFound", "namespaces \"gone\" not found"},
        {"POST", "/api/v1/configmaps", "{\"metadata\":{\"name\":\"a\"}}", 405, "MethodNotAllowed",
         "the server does not allow this method on the requested resource"},
        {"POST", CM, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":\"a\"}}",
         400, "BadRequest",
         "ConfigMap in version \"v2\" cannot be handled as a ConfigMap: no kind \"ConfigMap\" is "
         "registered for version \"v2\" in scheme \"pkg/api/legacyscheme/scheme.go:30\""},
        {"PUT", CM "/a", "{\"metadata\":{\"name\":\"b\"}}", 400, "BadRequest",
         "the name of the object (b) does not match the name on the URL (a)"},
        {"PUT", CM "/zz", "{\"metadata\":{\"name\":\"zz\"}}", 404, "NotFound",
         "configmaps \"zz\" not found"},
        {"PUT", CM "/a", "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}", 409,
         "Conflict",
         "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please "
         "apply "
         "your changes to the latest version and try again"},
        {"PATCH", CM "/a", "{\"metadata\":{\"uid\":\"00000000-0000-0000-0000-000000000001\"}}", 422,
         "Invalid",
         "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: "
         "\"00000000-0000-0000-0000-000000000001\": field is immutable"},
        {"POST", CM, "{\"metadata\":{\"name\":\"f\",\"finalizers\":[\"odd\"]}}", 422, "Invalid",
         "ConfigMap \"f\" is invalid: metadata.finalizers[0]: Invalid value: \"odd\": name is "
         "neither "
         "a "
         "standard finalizer name nor is it fully qualified"},
        {"POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"a.b\"}}", 422, "Invalid",
         "Namespace \"a.b\" is invalid: metadata.name: Invalid value: \"a.b\": must not contain "
         "dots"},
        {"DELETE", "/api/v1/namespaces/default", NULL, 403, "Forbidden",
         "namespaces \"default\" is forbidden: this namespace may not be deleted"},
        {"GET", "/apis/nope.example.com/v1/things", NULL, 404, "", ""},
        {"GET", "/api/v1/odds", NULL, 404, "NotFound",
         "the server could not find the requested resource"},
    };
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, rows[i].status, rows[i].method, rows[i].target, rows[i].body);
        assert_string_equal(said(&f, "reason"), rows[i].reason);
        assert_string_equal(said(&f, "message"), rows[i].message);
    }
    fixture_close(&f);
}

static void unchanged_writes_keep_the_revision(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
    uint64_t revision = store_revision(kubeapi_store(f.api));
    must(&f, 200, "PUT", CM "/a", "{\"data\":{\"k\":\"v\"},\"metadata\":{\"name\":\"a\"}}");
    must(&f, 200, "PATCH", CM "/a", "{\"data\":{\"k\":\"v\"}}");
    must(&f, 200, "PATCH", CM "/a?dryRun=All", "{\"data\":{\"k\":\"w\"}}");
    assert_string_equal(said(&f, "data.k"), "w");
    must(&f, 201, "POST", CM "?dryRun=All", "{\"metadata\":{\"name\":\"b\"}}");
    assert_string_equal(said(&f, "metadata.resourceVersion"), "");
    must(&f, 200, "DELETE", CM "/a?dryRun=All", NULL);
    assert_int_equal(store_revision(kubeapi_store(f.api)), revision);
    must(&f, 200, "GET", CM "/a", NULL);
    must(&f, 200, "PATCH", CM "/a", "{\"data\":{\"k\":null,\"l\":\"x\"}}");
    assert_string_equal(said(&f, "data.k"), "");
    assert_string_equal(said(&f, "data.l"), "x");
    assert_int_equal(store_revision(kubeapi_store(f.api)), revision + 1);
    fixture_close(&f);
}

static void generation_follows_the_spec(void **state)
{
    static const char path[] = "/apis/apps/v1/namespaces/default/deployments";
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", path,
         "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
         "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{" CONTAINERS "}}},"
         "\"status\":{\"observedGeneration\":1}}");
    assert_string_equal(said(&f, "metadata.generation"), "1");
    assert_string_equal(said(&f, "status.observedGeneration"), "");
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/deployments/d",
         "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_string_equal(said(&f, "metadata.generation"), "1");
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/deployments/d",
         "{\"spec\":{\"replicas\":2},\"status\":{\"observedGeneration\":2}}");
    assert_string_equal(said(&f, "metadata.generation"), "2");
    assert_string_equal(said(&f, "status.observedGeneration"), "");
    must(&f, 200, "PATCH", "/apis/apps/v1/namespaces/default/deployments/d/status",
         "{\"spec\":{\"replicas\":9},\"status\":{\"observedGeneration\":3}}");
    assert_string_equal(said(&f, "metadata.generation"), "2");
    assert_string_equal(said(&f, "status.observedGeneration"), "3");
    assert_string_equal(said(&f, "spec.replicas"), "2");
    fixture_close(&f);
}

static void merge_patches(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}");
    must(&f, 200, "PATCH", CM "/m", "{\"data\":{\"a\":null,\"c\":\"3\"}}");
    must(&f, 200, "GET", CM "/m", NULL);
    assert_null(json_path(f.body, "data.a"));
    assert_string_equal(said(&f, "data.b"), "2");
    assert_string_equal(said(&f, "data.c"), "3");
    must(&f, 200, "PATCH", CM "/m", "{\"data\":null}");
    assert_null(json_path(f.body, "data"));
    fixture_close(&f);
}

/* Each side of a status subresource is deaf to the other, whichever verb writes. */
static void status_and_the_rest_are_written_apart(void **state)
{
    static const char pods[] = "/api/v1/namespaces/default/pods";
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{" CONTAINERS
         ",\"nodeName\":\"n\"},\"status\":{\"reason\":"
         "\"no\"}}");
    assert_string_equal(said(&f, "status.reason"), "");
    for (int put = 0; put < 2; put++) {
        const char *verb = put ? "PUT" : "PATCH";
        must(&f, 200, verb, "/api/v1/namespaces/default/pods/p/status",
             "{\"metadata\":{\"name\":\"p\"},\"spec\":{" CONTAINERS ",\"nodeName\":\"other\"},"
             "\"status\":{\"reason\":\"yes\"}}");
        assert_string_equal(said(&f, "status.reason"), "yes");
        assert_string_equal(said(&f, "spec.nodeName"), "n");
        must(&f, 200, verb, "/api/v1/namespaces/default/pods/p",
             "{\"metadata\":{\"name\":\"p\",\"labels\":{\"l\":\"1\"}},\"spec\":{" CONTAINERS
             ",\"nodeName\":\"n\"},"
             "\"status\":{\"reason\":\"no\"}}");
        assert_string_equal(said(&f, "status.reason"), "yes");
    }
    fixture_close(&f);
}

static void json_patches(void **state)
{
    static const struct {
        const char *patch;
        int status;
        const char *path, *value;
    } rows[] = {
        {"[{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"x/y\":\"0\"}},"
         "{\"op\":\"replace\",\"path\":\"/metadata/annotations/x~1y\",\"value\":\"1\"}]",
         200, "metadata.annotations.x/y", "1"},
        {"[{\"op\":\"replace\",\"path\":\"/data/new\",\"value\":\"2\"}]", 200, "data.new", "2"},
        {"[{\"op\":\"remove\",\"path\":\"/data/new\"}]", 200, "data.new", ""},
        {"[{\"op\":\"remove\",\"path\":\"/data/new\"}]", 422, "message",
         "the server rejected our request due to an error in our request"},
        {"[{\"op\":\"test\",\"path\":\"/data/k\",\"value\":\"w\"}]", 422, "reason", "Invalid"},
        {"[{\"op\":\"test\",\"path\":\"/data/k\",\"value\":\"v\"},"
         "{\"op\":\"move\",\"from\":\"/data/k\",\"path\":\"/data/m\"}]",
         200, "data.m", "v"},
        {"[{\"op\":\"copy\",\"from\":\"/data/m\",\"path\":\"/data/n\"}]", 200, "data.n", "v"},
        {"[{\"op\":\"add\",\"path\":\"/metadata/finalizers\",\"value\":[\"a/1\",\"a/3\"]},"
         "{\"op\":\"add\",\"path\":\"/metadata/finalizers/1\",\"value\":\"a/2\"},"
         "{\"op\":\"add\",\"path\":\"/metadata/finalizers/-\",\"value\":\"a/4\"},"
         "{\"op\":\"remove\",\"path\":\"/metadata/finalizers/0\"}]",
         200, "metadata.name", "a"},
        {"[{\"op\":\"add\",\"path\":\"/metadata/finalizers/4\",\"value\":\"a/5\"}]", 422, "reason",
         "Invalid"}, /* there are three: behind them is 3 */
        {"[{\"op\":\"test\",\"path\":\"/data/gone\",\"value\":\"v\"}]", 422, "reason", "Invalid"},
        {"[{\"op\":\"test\",\"path\":\"/data/gone\",\"value\":null}]", 200, "data.gone", ""},
        {"[{\"op\":\"add\",\"path\":\"/none/x\",\"value\":1}]", 422, "reason", "Invalid"},
        {"{}", 400, "reason", "BadRequest"},
        {"[{\"op\":\"odd\",\"path\":\"/x\"}]", 422, "reason", "Invalid"},
    };
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
    f.content_type = "application/json-patch+json";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, rows[i].status, "PATCH", CM "/a", rows[i].patch);
        assert_string_equal(said(&f, rows[i].path), rows[i].value);
    }
    const cJSON *list = json_path(f.body, "metadata.finalizers");
    must(&f, 200, "GET", CM "/a", NULL);
    list = json_path(f.body, "metadata.finalizers");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    assert_string_equal(list->child->valuestring, "a/2");
    f.content_type = "application/strategic-merge-patch+json";
    must(&f, 200, "PATCH", CM "/a", "{}");
    f.content_type = "application/json";
    must(&f, 415, "PATCH", CM "/a", "{}");
    fixture_close(&f);
}

static void finalizers_hold_an_object(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.y/z\"]}}");
    must(&f, 200, "DELETE", CM "/a", NULL);
    assert_string_equal(said(&f, "kind"), "ConfigMap");
    assert_string_equal(said(&f, "metadata.deletionGracePeriodSeconds"), "0");
    must(&f, 409, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    assert_string_equal(said(&f, "message"),
                        "object is being deleted: configmaps \"a\" already exists");
    must(&f, 422, "PATCH", CM "/a", "{\"metadata\":{\"finalizers\":[\"x.y/z\",\"x.y/more\"]}}");
    must(&f, 200, "DELETE", CM "/a", NULL);
    must(&f, 200, "PATCH", CM "/a", "{\"metadata\":{\"labels\":{\"changed\":\"yes\"}}}");
    must(&f, 200, "GET", CM "/a", NULL); /* no other write lets it go */
    must(&f, 200, "PATCH", CM "/a", "{\"metadata\":{\"finalizers\":null}}");
    must(&f, 404, "GET", CM "/a", NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}");
    const char *uid = said(&f, "metadata.uid");
    must(&f, 409, "DELETE", CM "/b", "{\"preconditions\":{\"uid\":\"other\"}}");
    must(&f, 200, "DELETE", CM "/b", "{\"propagationPolicy\":\"Background\"}");
    assert_string_equal(said(&f, "status"), "Success");
    assert_string_equal(said(&f, "details.uid"), uid);
    fixture_close(&f);
}

static void pods_go_gracefully(void **state)
{
    static const char pods[] = "/api/v1/namespaces/default/pods";
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{" CONTAINERS ",\"nodeName\":\"n\"}}");
    assert_string_equal(said(&f, "status.phase"), "Pending");
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/pods/p", NULL);
    assert_string_equal(said(&f, "metadata.deletionGracePeriodSeconds"), "30");
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/pods/p", "{\"gracePeriodSeconds\":60}");
    assert_string_equal(said(&f, "metadata.deletionGracePeriodSeconds"), "30");
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/pods/p", "{\"gracePeriodSeconds\":0}");
    must(&f, 404, "GET", "/api/v1/namespaces/default/pods/p", NULL);
    fixture_close(&f);
}

/* Who deletes names what they mean: an object that is another by now stays, and so does one of a dry run. */
static void deletions_mind_their_options(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    const char *uid = said(&f, "metadata.uid"), *old = said(&f, "metadata.resourceVersion");
    struct str by_old = arena_printf(&f.a, "{\"preconditions\":{\"resourceVersion\":\"%s\"}}", old);
    struct str by_uid = arena_printf(&f.a, "{\"preconditions\":{\"uid\":\"%s\"}}", uid);
    must(&f, 200, "PATCH", CM "/a", "{\"data\":{\"k\":\"v\"}}");
    must(&f, 409, "DELETE", CM "/a", by_old.p);
    must(&f, 409, "DELETE", CM "/a", "{\"preconditions\":{\"uid\":\"another\"}}");
    must(&f, 200, "DELETE", CM "/a", "{\"dryRun\":[\"All\"]}");
    must(&f, 200, "DELETE", CM "/a?dryRun=All", NULL);
    must(&f, 200, "GET", CM "/a", NULL);
    must(&f, 200, "DELETE", CM "/a", by_uid.p);
    must(&f, 404, "GET", CM "/a", NULL);
    fixture_close(&f);
}

static void leases_need_a_revision_and_may_be_put(void **state)
{
    static const char lease[] = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    struct fixture f;
    open_server(&f);
    must(&f, 201, "PUT", lease,
         "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"holderIdentity\":\"a\"}}");
    const char *revision = said(&f, "metadata.resourceVersion");
    must(&f, 422, "PUT", lease, "{\"metadata\":{\"name\":\"l\"}}");
    assert_string_equal(said(&f, "message"),
                        "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: "
                        "Invalid value: 0: must be specified for an update");
    struct str body = arena_printf(
        &f.a, "{\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"%s\"},\"spec\":{}}", revision);
    must(&f, 200, "PUT", lease, body.p);
    must(&f, 409, "PUT", lease, body.p);
    fixture_close(&f);
}

static void the_system_writes_past_the_rules(void **state)
{
    struct fixture f;
    struct kube_object *o;
    open_server(&f);
    assert_null(kubeapi_apply(f.api,
                              STR("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":"
                                  "\"n\"},\"status\":{\"phase\":\"a\"}}"),
                              &o));
    assert_non_null(o);
    assert_int_equal(o->uid.n, 36);
    uint64_t revision = o->resource_version;
    assert_null(kubeapi_patch(f.api, STR("nodes"), str_empty, STR("n"),
                              STR("{\"status\":{\"phase\":\"a\"}}")));
    assert_int_equal(store_revision(kubeapi_store(f.api)), revision);
    assert_null(kubeapi_patch(f.api, STR("nodes"), str_empty, STR("n"),
                              STR("{\"status\":{\"phase\":\"b\"}}")));
    assert_int_equal(store_revision(kubeapi_store(f.api)), revision + 1);
    assert_null(kubeapi_delete(f.api, STR("nodes"), str_empty, STR("n")));
    struct err *err = kubeapi_delete(f.api, STR("nodes"), str_empty, STR("n"));
    assert_int_equal(err->code, ERR_NOT_FOUND);
    err_free(err);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_made_by_the_server),
        cmocka_unit_test(errors_have_their_texts),
        cmocka_unit_test(unchanged_writes_keep_the_revision),
        cmocka_unit_test(generation_follows_the_spec),
        cmocka_unit_test(merge_patches),
        cmocka_unit_test(status_and_the_rest_are_written_apart),
        cmocka_unit_test(json_patches),
        cmocka_unit_test(finalizers_hold_an_object),
        cmocka_unit_test(pods_go_gracefully),
        cmocka_unit_test(deletions_mind_their_options),
        cmocka_unit_test(leases_need_a_revision_and_may_be_put),
        cmocka_unit_test(the_system_writes_past_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
