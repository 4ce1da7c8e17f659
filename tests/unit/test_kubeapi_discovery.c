/* Goal: discovery in both forms says what is served, in the order that clients rely on, also of definitions at once.
 * Method: requests in process on a bare server; documents are read by path or searched for exact pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#define CRDS       "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

static const char widgets[] =
    "{\"apiVersion\":\"apiextensions.k8s.io/"
    "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{"
    "\"name\":\"widgets.example.com\"},\"spec\":{\"group\":\"example.com\",\"scope\":"
    "\"Namespaced\","
    "\"names\":{\"plural\":\"widgets\",\"singular\":\"widget\",\"kind\":\"Widget\",\"shortNames\":["
    "\"wd\"],\"categories\":[\"all\",\"things\"]},\"versions\":[{\"name\":\"v1beta1\",\"served\":"
    "true,"
    "\"storage\":false,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}},{\"name\":\"v1\","
    "\"served\":true,\"storage\":true,\"subresources\":{\"status\":{}},\"schema\":{"
    "\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}";

/* The names of an array of the last answer, joined by blanks. */
static const char *names(struct fixture *f, const char *array, const char *key)
{
    struct buf b = {0};
    const cJSON *list = f->body ? json_path(f->body, array) : NULL;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        buf_addf(&b, "%s" STR_FMT, b.n > 0 ? " " : "", STR_ARG(json_string_at(c, key)));
    const char *text = arena_c(&f->a, buf_str(&b));
    buf_free(&b);
    return text;
}

static bool says(const struct fixture *f, const char *piece)
{
    return str_find(buf_str(&f->last.body), str_c(piece)) >= 0;
}

static void groups_stand_in_order(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 200, "GET", "/apis", NULL);
    assert_string_equal(
        names(&f, "groups", "name"),
        "apiregistration.k8s.io apps events.k8s.io authentication.k8s.io authorization.k8s.io "
        "autoscaling batch certificates.k8s.io networking.k8s.io policy rbac.authorization.k8s.io "
        "storage.k8s.io admissionregistration.k8s.io apiextensions.k8s.io scheduling.k8s.io "
        "coordination.k8s.io node.k8s.io discovery.k8s.io resource.k8s.io "
        "flowcontrol.apiserver.k8s.io");
    must(&f, 200, "GET", "/apis/autoscaling", NULL);
    assert_string_equal(names(&f, "versions", "version"), "v2 v1");
    assert_string_equal(said(&f, "preferredVersion.groupVersion"), "autoscaling/v2");
    fixture_close(&f);
}

static void resources_are_complete(void **state)
{
    static const struct {
        const char *path, *piece;
    } rows[] = {
        {"/api/v1",
         "{\"name\":\"pods\",\"singularName\":\"pod\",\"namespaced\":true,\"kind\":\"Pod\","
         "\"verbs\":[\"create\",\"delete\",\"deletecollection\",\"get\",\"list\",\"patch\","
         "\"update\",\"watch\"],\"shortNames\":[\"po\"],\"categories\":[\"all\"],"
         "\"storageVersionHash\":\"xPOwRZ+Yhw8=\"}"},
        {"/api/v1",
         "{\"name\":\"pods/eviction\",\"singularName\":\"\",\"namespaced\":true,\"group\":"
         "\"policy\",\"version\":\"v1\",\"kind\":\"Eviction\",\"verbs\":[\"create\"]}"},
        {"/api/v1", "\"kind\":\"Binding\",\"verbs\":[\"create\"]}"},
        {"/apis/apps/v1", "\"shortNames\":[\"deploy\"],\"categories\":[\"all\"],"
                          "\"storageVersionHash\":\"8aSe+NMegvE=\""},
        {"/apis/autoscaling/v1", "\"storageVersionHash\":\"qwQve8ut294=\""},
        {"/apis/autoscaling/v2", "\"storageVersionHash\":\"qwQve8ut294=\""},
        {"/apis/events.k8s.io/v1", "\"storageVersionHash\":\"r2yiGXH7wu8=\""},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, 200, "GET", rows[i].path, NULL);
        if (!says(&f, rows[i].piece))
            fail_msg("%s lacks %s", rows[i].path, rows[i].piece);
    }
    fixture_close(&f);
}

static void definitions_appear_and_go(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 404, "GET", "/apis/example.com", NULL);
    must(&f, 200, "GET", "/apis", NULL);
    assert_false(says(&f, "example.com"));
    must(&f, 201, "POST", CRDS, widgets);
    must(&f, 200, "GET", "/apis", NULL);
    assert_true(says(&f, "example.com"));
    must(&f, 200, "GET", "/apis/example.com", NULL);
    assert_string_equal(names(&f, "versions", "version"), "v1 v1beta1");
    must(&f, 200, "GET", "/apis/example.com/v1", NULL);
    assert_string_equal(names(&f, "resources", "name"), "widgets widgets/status");
    assert_true(says(&f, "\"singularName\":\"widget\""));
    assert_true(says(&f, "\"categories\":[\"all\",\"things\"]"));
    must(&f, 404, "GET", "/apis/example.com/v3", NULL);
    assert_string_equal(said(&f, "reason"), "NotFound");
    f.accept = AGGREGATED;
    must(&f, 200, "GET", "/apis", NULL);
    assert_true(says(&f,
                     "{\"metadata\":{\"name\":\"example.com\"},\"versions\":[{\"version\":\"v1\","
                     "\"resources\":[{\"resource\":\"widgets\",\"responseKind\":{\"group\":"
                     "\"example.com\",\"version\":\"v1\",\"kind\":\"Widget\"},\"scope\":"
                     "\"Namespaced\",\"singularResource\":\"widget\",\"verbs\":[\"delete\","
                     "\"deletecollection\",\"get\",\"list\",\"patch\",\"create\",\"update\","
                     "\"watch\"],\"shortNames\":[\"wd\"]"));
    f.accept = NULL;
    must(&f, 200, "DELETE", CRDS "/widgets.example.com", NULL);
    settle(&f);
    must(&f, 200, "GET", "/apis", NULL);
    assert_false(says(&f, "example.com"));
    fixture_close(&f);
}

static void forms_follow_the_accept_header(void **state)
{
    static const struct {
        const char *method, *path, *accept;
        int status;
        const char *kind, *type;
    } rows[] = {
        {"GET", "/api", AGGREGATED, 200, "APIGroupDiscoveryList", AGGREGATED},
        {"GET", "/apis",
         AGGREGATED ",application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
                    "application/json",
         200, "APIGroupDiscoveryList", AGGREGATED},
        {"GET", "/apis",
         "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
         "application/json",
         200, "APIGroupList", "application/json"},
        {"GET", "/api", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
         406, "Status", "application/json"},
        {"GET", "/api", "application/json, */*", 200, "APIVersions", "application/json"},
        {"GET", "/apis", "image/png", 406, "Status", "application/json"},
        {"GET", "/apis/policy", "text/html,*/*;q=0.8", 200, "APIGroup", "application/json"},
        {"POST", "/apis", NULL, 200, "APIGroupList", "application/json"},
        {"PUT", "/apis/apps", NULL, 200, "APIGroup", "application/json"},
        {"POST", "/api", NULL, 405, "Status", "application/json"},
        {"DELETE", "/apis/apps/v1", NULL, 405, "Status", "application/json"},
        {"HEAD", "/api", NULL, 405, "Status", "application/json"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f.accept = rows[i].accept;
        must(&f, rows[i].status, rows[i].method, rows[i].path, NULL);
        assert_string_equal(said(&f, "kind"), rows[i].kind);
        assert_string_equal(arena_c(&f.a, f.last.content_type), rows[i].type);
    }
    fixture_close(&f);
}

static void roots_are_listed(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 200, "GET", "/", NULL);
    assert_true(
        says(&f, "{\"paths\":[\"/.well-known/openid-configuration\",\"/api\",\"/api/v1\","));
    assert_true(says(&f, "\"/apis/apps\",\"/apis/apps/v1\""));
    fixture_close(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_stand_in_order),          cmocka_unit_test(resources_are_complete),
        cmocka_unit_test(definitions_appear_and_go),      cmocka_unit_test(roots_are_listed),
        cmocka_unit_test(forms_follow_the_accept_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
