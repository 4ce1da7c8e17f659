/* Goal: a fresh server that stands for a control plane has what programs look for first, once, and again when it has moved.
 * Method: a server in process, furnished twice; the objects by name; a PUT that makes a cluster-wide object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/furnish/furnish.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define RBAC "/apis/rbac.authorization.k8s.io/v1"
#define FLOW "/apis/flowcontrol.apiserver.k8s.io/v1"

static const struct furnish_options first = {
    .host = STR_INIT("127.0.0.1"), .port = 6443, .ca_pem = STR_INIT("PEM\n")};

static void everything_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path, *value;
    } rows[] = {
        {"/api/v1/namespaces/default/services/kubernetes", "spec.clusterIP", "10.96.0.1"},
        {"/apis/networking.k8s.io/v1/servicecidrs/kubernetes", "metadata.name", "kubernetes"},
        {"/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1", "spec.parentRef.name", "kubernetes"},
        {"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes", "addressType",
         "IPv4"},
        {"/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
         "data.client-ca-file", "PEM\n"},
        {"/apis/apiregistration.k8s.io/v1/apiservices/v1.", "spec.version", "v1"},
        {"/apis/apiregistration.k8s.io/v1/apiservices/v2.autoscaling", "spec.group", "autoscaling"},
        {"/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical", "preemptionPolicy",
         "PreemptLowerPriority"},
        {FLOW "/prioritylevelconfigurations/exempt", "spec.type", "Exempt"},
        {FLOW "/prioritylevelconfigurations/workload-low", "spec.limited.limitResponse.type",
         "Queue"},
        {FLOW "/flowschemas/kube-scheduler", "spec.priorityLevelConfiguration.name",
         "workload-high"},
        {RBAC "/clusterroles/system:controller:job-controller", "kind", "ClusterRole"},
        {RBAC
         "/namespaces/kube-system/rolebindings/system::extension-apiserver-authentication-reader",
         "roleRef.name", "extension-apiserver-authentication-reader"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    kubeapi_furnish(f.api, &first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, 200, "GET", rows[i].target, NULL);
        assert_string_equal(said(&f, rows[i].path), rows[i].value);
    }
    fixture_close(&f);
}

static void what_is_there_stays(void **state)
{
    (void)state;
    struct fixture f;
    struct furnish_options moved = first;
    fixture_open(&f, NULL);
    kubeapi_furnish(f.api, &first);
    uint64_t revision = store_revision(kubeapi_store(f.api));
    kubeapi_furnish(f.api, &first);
    assert_true(store_revision(kubeapi_store(f.api)) == revision);
    must(&f, 200, "PATCH", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
         "{\"description\":\"mine\"}");
    moved.port = 7443;
    kubeapi_furnish(f.api, &moved);
    must(&f, 200, "GET", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical", NULL);
    assert_string_equal(said(&f, "description"), "mine");
    must(&f, 200, "GET", "/api/v1/namespaces/default/endpoints/kubernetes", NULL);
    assert_non_null(memmem(f.last.body.p, f.last.body.n, "7443", 4));
    fixture_close(&f);
}

static void definitions_register_their_groups(void **state)
{
#define SERVICES "/apis/apiregistration.k8s.io/v1/apiservices"
#define DEFINED  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define VERSION(name)                                                                              \
    "{\"name\":\"" name "\",\"served\":true,\"storage\":false,\"schema\":{"                        \
    "\"openAPIV3Schema\":{\"type\":\"object\"}}}"
    (void)state;
    static const struct furnish_options options = {.host = STR_INIT("10.0.0.1"), .port = 6443};
    struct fixture f;
    fixture_open(&f, NULL);
    kubeapi_furnish(f.api, &options);
    must(&f, 201, "POST", DEFINED,
         "{\"metadata\":{\"name\":\"foos.e.com\"},\"spec\":{\"group\":\"e.com\",\"scope\":"
         "\"Cluster\",\"names\":{\"plural\":\"foos\",\"kind\":\"Foo\"},\"versions\":[{\"name\":"
         "\"v2\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
         "\"object\"}}}," VERSION("v1") "]}}");
    settle(&f);
    for (int i = 0; i < 2; i++) { /* there; and again when somebody takes it away */
        must(&f, 200, "GET", SERVICES "/v1.e.com", NULL);
        assert_string_equal(said(&f, "spec.group"), "e.com");
        must(&f, 200, "DELETE", SERVICES "/v1.e.com", NULL);
        settle(&f);
    }
    must(&f, 200, "PATCH", SERVICES "/v2.e.com", "{\"spec\":{\"versionPriority\":3}}");
    settle(&f);
    must(&f, 200, "GET", SERVICES "/v2.e.com", NULL);
    assert_int_equal(json_int_at(json_get(f.body, "spec"), "versionPriority", 0), 100);
    must(&f, 200, "DELETE", DEFINED "/foos.e.com", NULL);
    settle(&f);
    must(&f, 404, "GET", SERVICES "/v1.e.com", NULL);
    must(&f, 404, "GET", SERVICES "/v2.e.com", NULL);
    must(&f, 200, "GET", SERVICES "/v1.apps", NULL);
    fixture_close(&f);
}

static void a_put_makes_cluster_wide_objects(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "PUT", RBAC "/clusterroles/made",
         "{\"metadata\":{\"name\":\"made\"},\"rules\":[]}");
    must(&f, 201, "PUT", "/apis/node.k8s.io/v1/runtimeclasses/made",
         "{\"metadata\":{\"name\":\"made\"},\"handler\":\"h\"}");
    must(&f, 404, "PUT", "/apis/storage.k8s.io/v1/storageclasses/made",
         "{\"metadata\":{\"name\":\"made\"},\"provisioner\":\"p\"}");
    fixture_close(&f);
}

static void events_are_selected_by_their_source(void **state)
{
    (void)state;
    static const char *const events[] = {"\"source\":{\"component\":\"c\"}",
                                         "\"reportingComponent\":\"c\",\"reportingInstance\":\"i\"",
                                         "\"source\":{\"component\":\"d\"}"};
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        must(&f, 201, "POST", "/api/v1/namespaces/default/events",
             arena_c(&f.a, arena_printf(&f.a,
                                        "{\"metadata\":{\"name\":\"e%zu\"},\"involvedObject\":{"
                                        "\"namespace\":\"default\"},%s}",
                                        i, events[i])));
    must(&f, 200, "GET", "/api/v1/namespaces/default/events?fieldSelector=source%3Dc", NULL);
    assert_string_equal(items(&f), "e0 e1");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_there),
        cmocka_unit_test(what_is_there_stays),
        cmocka_unit_test(definitions_register_their_groups),
        cmocka_unit_test(a_put_makes_cluster_wide_objects),
        cmocka_unit_test(events_are_selected_by_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
