/* Goal: the Endpoints and slices of a service list its pods as theirs do: by readiness, on their way out, a hundred a slice.
 * Method: pods are put into the store with the status that a kubelet would give them; the lists are read after a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/workload_fixture.h"

#include <string.h>

#define SERVICES  "/api/v1/namespaces/default/services"
#define SLICES    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
#define OF_S      SLICES "?labelSelector=kubernetes.io/service-name%3Ds"
#define ENDPOINTS "/api/v1/namespaces/default/endpoints/s"

static void put_pod(struct fixture *f, int n, const char *phase, bool ready)
{
    const char *json =
        arena_printf(&f->a,
                     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p%d\","
                     "\"namespace\":\"default\",\"labels\":{\"app\":\"s\"},\"finalizers\":[\"x/y\"]"
                     "},\"spec\":{\"schedulingGates\":[{\"name\":\"x/y\"}],\"containers\":[{"
                     "\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"name\":\"dns\","
                     "\"containerPort\":53,\"protocol\":\"UDP\"}]}]},\"status\":{\"phase\":\"%s\","
                     "\"podIP\":\"10.9.0.%d\",\"conditions\":[{\"type\":\"Ready\",\"status\":"
                     "\"%s\"}]}}",
                     n, phase, n + 1, ready ? "True" : "False")
            .p;
    assert_null(kubeapi_apply(f->api, str_c(json), NULL));
}

static void begin(struct fixture *f, const char *spec)
{
    workload_open(f, 1, NULL);
    make(f, SERVICES,
         arena_printf(&f->a,
                      "{\"metadata\":{\"name\":\"s\"},\"spec\":{%s\"selector\":{\"app\":\"s\"}}}",
                      spec)
             .p);
}

/* The conditions of the pod in the slices, as JSON text; "": it is in none. */
static const char *conditions(struct fixture *f, const char *pod)
{
    struct buf b = {0};
    must(f, 200, "GET", OF_S, NULL);
    for (const cJSON *s = json_get(f->body, "items")->child; s; s = s->next) {
        const cJSON *list = json_get(s, "endpoints");
        for (const cJSON *e = list ? list->child : NULL; e; e = e->next)
            if (str_eq_c(json_string_at(e, "targetRef.name"), pod))
                json_write(&b, json_get(e, "conditions"));
    }
    const char *text = arena_c(&f->a, buf_str(&b));
    buf_free(&b);
    return text;
}

#define READY   "{\"ready\":true,\"serving\":true,\"terminating\":false}"
#define UNREADY "{\"ready\":false,\"serving\":false,\"terminating\":false}"
#define LEAVING "{\"ready\":false,\"serving\":true,\"terminating\":true}"
#define SHOWN   "{\"ready\":true,\"serving\":true,\"terminating\":true}"

static void pods_leave_by_and_by(void **state)
{
    struct fixture f;
    begin(&f, "\"ports\":[{\"name\":\"a\",\"port\":80,\"targetPort\":\"dns\",\"protocol\":\"TCP\"},"
              "{\"name\":\"b\",\"port\":54,\"targetPort\":\"dns\",\"protocol\":\"UDP\"}],");
    put_pod(&f, 0, "Running", true);
    put_pod(&f, 1, "Running", false);
    put_pod(&f, 2, "Succeeded", true);
    pass(&f, NS_PER_S);
    assert_string_equal(conditions(&f, "p0"), READY);
    assert_string_equal(conditions(&f, "p1"), UNREADY);
    assert_string_equal(conditions(&f, "p2"), "");
    /* only the pod's port of that protocol bears the name */
    const cJSON *ports = json_get(json_get(f.body, "items")->child, "ports");
    assert_int_equal(cJSON_GetArraySize(ports), 1);
    assert_true(str_eq_c(json_string_at(ports->child, "name"), "b"));
    must(&f, 200, "DELETE", PODS "/p0", NULL);
    pass(&f, NS_PER_S);
    assert_string_equal(conditions(&f, "p0"), LEAVING);
    assert_null(strstr(at(&f, ENDPOINTS, "subsets"), "10.9.0.1\""));
    must(&f, 200, "PATCH", SERVICES "/s", "{\"spec\":{\"publishNotReadyAddresses\":true}}");
    pass(&f, NS_PER_S);
    assert_string_equal(conditions(&f, "p0"), SHOWN);
    assert_non_null(strstr(at(&f, ENDPOINTS, "subsets"), "10.9.0.1\""));
    fixture_close(&f);
}

static void a_slice_has_a_hundred(void **state)
{
    struct fixture f;
    begin(&f, "\"clusterIP\":\"None\",");
    for (int i = 0; i < 101; i++)
        put_pod(&f, i, "Running", true);
    pass(&f, NS_PER_S);
    assert_int_equal(count(&f, OF_S), 2);
    assert_string_equal(conditions(&f, "p99"), READY);
    const cJSON *first = json_get(f.body, "items")->child;
    assert_int_equal(cJSON_GetArraySize(json_get(first, "endpoints")) +
                         cJSON_GetArraySize(json_get(first->next, "endpoints")),
                     101);
    const cJSON *labels = json_path(first, "metadata.labels");
    assert_non_null(json_get(labels, "service.kubernetes.io/headless"));
    put_pod(&f, 7, "Failed", false);
    pass(&f, NS_PER_S);
    assert_int_equal(count(&f, OF_S), 1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pods_leave_by_and_by),
                                       cmocka_unit_test(a_slice_has_a_hundred)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
