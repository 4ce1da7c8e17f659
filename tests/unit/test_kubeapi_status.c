/* Goal: what is written to the status holds together, is completed as the API completes it, and is refused at the field for
 * what cannot be; and what a server with controllers does about endpoints, certificates and generations of pods.
 * Method: requests in process: a table of objects, each with one write to its status and the causes of the answer or what it
 * says; then a server with workloads, run on for a second between the steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <stdio.h>
#include <string.h>

#define CORE "/api/v1/namespaces/default/"
#define APPS "/apis/apps/v1/namespaces/default/"
#define POD  "{'containers':[{'name':'c','image':'i:1'}],'restartPolicy':'Never'}"
#define SET                                                                                        \
    "{'selector':{'matchLabels':{'a':'b'}},'template':{'metadata':{'labels':{'a':'b'}},'spec':"    \
    "{'containers':[{'name':'c','image':'i:1'}]}}}"

struct row {
    const char *collection, *spec, *first, *status; /* first: a write before, or NULL */
    const char *causes;                             /* "field:Reason ..."; NULL: accepted */
    const char *path, *says;                        /* of what was accepted; NULL: anything */
};

/* The three texts in a row, ' made ". */
static const char *quoted(char *out, size_t cap, const char *before, const char *part,
                          const char *behind)
{
    int n = snprintf(out, cap, "%s%s%s", before, part, behind);
    assert_true(n > 0 && (size_t)n < cap);
    for (char *p = out; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return out;
}

static const char *causes_of(struct fixture *f, char *out, size_t cap)
{
    const cJSON *list = json_path(f->body, "details.causes");
    size_t n = 0;
    *out = '\0';
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        struct str field = json_string_at(c, "field"), reason = json_string_at(c, "reason");
        n += (size_t)snprintf(out + n, cap - n, "%s" STR_FMT ":" STR_FMT, n ? " " : "",
                              STR_ARG(field), STR_ARG(str_sub(reason, 10, reason.n)));
        assert_true(n < cap);
    }
    return out;
}

static const char pods[] = CORE "pods", services[] = CORE "services",
                  deployments[] = APPS "deployments", sets[] = APPS "statefulsets",
                  daemons[] = APPS "daemonsets", replicas[] = APPS "replicasets",
                  jobs[] = "/apis/batch/v1/namespaces/default/jobs",
                  budgets[] = "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                  ingresses[] = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
static const char ports[] = "{'ports':[{'port':80}]}";
static const char balanced[] = "{'type':'LoadBalancer','ports':[{'port':80}]}";
static const char job[] = "{'template':{'spec':" POD "}}";
static const char paused[] = "{'suspend':true,'template':{'spec':" POD "}}";
static const char ended[] = "{'containerStatuses':[{'name':'c','image':'i','imageID':'','ready'"
                            ":false,'restartCount':0,'state':{'terminated':{'exitCode':0}}}]}";
static const char again[] = "{'containerStatuses':[{'name':'c','image':'i','imageID':'','ready'"
                            ":false,'restartCount':0,'state':{'running':{}}}]}";
static const struct row rows[] = {
    {pods, POD, NULL, "{'podIP':'10.1.1.1'}", NULL, "status.podIPs.0.ip", "10.1.1.1"},
    {pods, POD, NULL, "{'podIPs':[{'ip':'10.1.1.1'}]}", NULL, "status.podIP", "10.1.1.1"},
    {pods, POD, NULL, "{'podIP':'10.1.1.2','podIPs':[{'ip':'10.1.1.1'}]}", NULL,
     "status.podIPs.0.ip", "10.1.1.2"},
    {pods, POD, NULL, "{'podIP':'x'}", "status.podIPs[0]:Invalid", NULL, NULL},
    {pods, POD, NULL, "{'podIPs':[{'ip':'10.1.1.1'},{'ip':'10.1.1.2'}]}", "status.podIPs:Invalid",
     NULL, NULL},
    {pods, POD, NULL, "{'hostIP':'10.1.1.1','hostIPs':[{'ip':'10.1.1.2'}]}",
     "status.hostIPs[0].ip:Invalid", NULL, NULL},
    {pods, POD, NULL, "{'qosClass':''}", NULL, "status.qosClass", "BestEffort"},
    {pods, POD, NULL, "{'qosClass':'Burstable'}", "status.qosClass:Invalid", NULL, NULL},
    {pods, POD, ended, again, "status.containerStatuses[0].state:Forbidden", NULL, NULL},
    {services, ports, NULL, "{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}",
     "status.loadBalancer.ingress:Forbidden", NULL, NULL},
    {services, balanced, NULL, "{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}", NULL,
     "status.loadBalancer.ingress.0.ipMode", "VIP"},
    {services, balanced, NULL, "{'loadBalancer':{'ingress':[{'hostname':'1.2.3.4'}]}}",
     "status.loadBalancer.ingress[0].hostname:Invalid", NULL, NULL},
    {ingresses, "{'defaultBackend':{'service':{'name':'s','port':{'number':1}}}}", NULL,
     "{'loadBalancer':{'ingress':[{'ip':'x'}]}}", "status.loadBalancer.ingress[0].ip:Invalid", NULL,
     NULL},
    {deployments, SET, NULL, "{'replicas':1,'readyReplicas':2}", "status.readyReplicas:Invalid",
     NULL, NULL},
    {deployments, SET, NULL, "{'replicas':2,'readyReplicas':1,'availableReplicas':2}",
     "status.availableReplicas:Invalid", NULL, NULL},
    {deployments, SET, "{'collisionCount':2}", "{'collisionCount':1}",
     "status.collisionCount:Invalid", NULL, NULL},
    {replicas, SET, NULL, "{'replicas':1,'fullyLabeledReplicas':2}",
     "status.fullyLabeledReplicas:Invalid", NULL, NULL},
    {sets, SET, NULL, "{'replicas':1,'currentReplicas':2}", "status.currentReplicas:Invalid", NULL,
     NULL},
    {daemons, SET, NULL,
     "{'currentNumberScheduled':0,'numberMisscheduled':0,'desiredNumberScheduled':0,"
     "'numberReady':-1}",
     "status.numberReady:Invalid", NULL, NULL},
    {jobs, job, "{'startTime':'2025-01-02T03:04:05Z'}", "{'startTime':'2025-01-02T03:04:06Z'}",
     "status.startTime:Required", NULL, NULL},
    {jobs, paused, "{'startTime':'2025-01-02T03:04:05Z'}", "{'startTime':'2025-01-02T03:04:06Z'}",
     NULL, "status.startTime", "2025-01-02T03:04:06Z"},
    {budgets, "{'minAvailable':1}", NULL,
     "{'conditions':[{'type':'A','status':'Odd','reason':'','lastTransitionTime':null,"
     "'message':''}]}",
     "status.conditions[0].status:NotSupported "
     "status.conditions[0].lastTransitionTime:Required status.conditions[0].reason:Required",
     NULL, NULL},
};

static void statuses_hold_together(void **state)
{
    static char body[2048], target[256], causes[1024];
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[16], head[64];
        (void)snprintf(name, sizeof(name), "x%zu", i);
        (void)snprintf(head, sizeof(head), "{'metadata':{'name':'%s'},'spec':", name);
        must(&f, 201, "POST", rows[i].collection,
             quoted(body, sizeof(body), head, rows[i].spec, "}"));
        (void)snprintf(target, sizeof(target), "%s/%s/status", rows[i].collection, name);
        if (rows[i].first)
            must(&f, 200, "PATCH", target,
                 quoted(body, sizeof(body), "{'status':", rows[i].first, "}"));
        int got =
            ask(&f, "PATCH", target, quoted(body, sizeof(body), "{'status':", rows[i].status, "}"));
        const char *are = causes_of(&f, causes, sizeof(causes));
        if (got != (rows[i].causes ? 422 : 200) ||
            strcmp(are, rows[i].causes ? rows[i].causes : "") != 0)
            fail_msg("row %zu: %d [%s]", i, got, are);
        const cJSON *list = json_path(f.body, "status.podIPs");
        if (rows[i].path && strcmp(rows[i].path, "status.podIPs.0.ip") == 0)
            assert_true(str_eq_c(json_string_at(list->child, "ip"), rows[i].says));
        else if (rows[i].path && strcmp(rows[i].path, "status.loadBalancer.ingress.0.ipMode") == 0)
            assert_true(str_eq_c(
                json_string_at(json_path(f.body, "status.loadBalancer.ingress")->child, "ipMode"),
                rows[i].says));
        else if (rows[i].path)
            assert_string_equal(said(&f, rows[i].path), rows[i].says);
    }
    fixture_close(&f);
}

static void nodes_come_with_a_status(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/api/v1/nodes",
         "{\"metadata\":{\"name\":\"n\"},\"status\":{\"phase\":\"Running\",\"capacity\":{\"cpu\":"
         "\"4\"}}}");
    assert_string_equal(said(&f, "status.phase"), "Running");
    assert_string_equal(said(&f, "status.allocatable.cpu"), "4");
    must(&f, 201, "POST", CORE "persistentvolumeclaims",
         "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
         "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}},\"status\":{\"phase\":\"Bound\"}}");
    assert_string_equal(said(&f, "status.phase"), "Pending");
    fixture_close(&f);
}

static void addresses_and_ranges_stay(void **state)
{
#define ADDRESSES "/apis/networking.k8s.io/v1/ipaddresses"
#define RANGES    "/apis/networking.k8s.io/v1/servicecidrs"
#define ADDRESS(name)                                                                              \
    "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"parentRef\":{\"resource\":\"r\","           \
    "\"name\":\"n\"}}}"
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", ADDRESSES, ADDRESS("fe80::42:1dff:fe84:f9e2"));
    must(&f, 201, "POST", ADDRESSES, ADDRESS("::"));
    must(&f, 201, "POST", ADDRESSES, ADDRESS("1::2:0:0:3"));
    must(&f, 422, "POST", ADDRESSES, ADDRESS("FE80::1"));
    must(&f, 422, "POST", ADDRESSES, ADDRESS("fe80:0:0:0:0:0:0:1"));
    must(&f, 422, "POST", ADDRESSES, ADDRESS("name"));
    must(&f, 422, "PATCH", ADDRESSES "/::", "{\"spec\":{\"parentRef\":{\"name\":\"other\"}}}");
    must(&f, 201, "POST", RANGES,
         "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"cidrs\":[\"10.99.0.0/16\"]}}");
    must(&f, 422, "PATCH", RANGES "/r", "{\"spec\":{\"cidrs\":[\"10.98.0.0/16\"]}}");
    must(&f, 422, "PATCH", RANGES "/r", "{\"spec\":{\"cidrs\":[\"10.98.0.0/16\",\"fd00::/112\"]}}");
    must(&f, 200, "PATCH", RANGES "/r", "{\"spec\":{\"cidrs\":[\"10.99.0.0/16\",\"fd00::/112\"]}}");
    fixture_close(&f);
}

/* ---- with controllers ---- */

static void begin_whole(struct fixture *f)
{
    static const struct kubeapi_workloads workloads = {.nodes = 1};
    const struct kubeapi_options options = {.workloads = &workloads};
    fixture_open(f, &options);
    settle(f);
}

static void endpoints_are_mirrored(void **state)
{
#define SLICES "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
#define OF_S   "?labelSelector=kubernetes.io/service-name%3Ds"
    struct fixture f;
    begin_whole(&f);
    must(&f, 201, "POST", CORE "services",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
    must(&f, 201, "POST", CORE "endpoints",
         "{\"metadata\":{\"name\":\"s\"},\"subsets\":[{\"addresses\":[{\"ip\":\"10.1.2.3\"},"
         "{\"ip\":\"fd00::1\"}],\"ports\":[{\"port\":80}]}]}");
    settle(&f);
    must(&f, 200, "GET", SLICES OF_S, NULL);
    const cJSON *list = json_get(f.body, "items");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_true(str_eq_c(json_string_at(list->child, "addressType"), "IPv4") !=
                str_eq_c(json_string_at(list->child->next, "addressType"), "IPv4"));
    must(&f, 200, "PATCH", CORE "endpoints/s",
         "{\"subsets\":[{\"addresses\":[{\"ip\":\"10.2.3.4\"}],\"ports\":[{\"port\":80}]}]}");
    settle(&f);
    must(&f, 200, "GET", SLICES OF_S, NULL);
    list = json_get(f.body, "items");
    assert_int_equal(cJSON_GetArraySize(list), 1);
    const cJSON *endpoint = json_get(list->child, "endpoints")->child;
    assert_true(str_eq_c(json_string(json_get(endpoint, "addresses")->child), "10.2.3.4"));
    must(&f, 201, "POST", CORE "endpoints", "{\"metadata\":{\"name\":\"of-none\"}}");
    settle(&f);
    must(&f, 200, "GET", CORE "endpoints/of-none", NULL); /* without a service it is nobody's */
    must(&f, 200, "DELETE", CORE "endpoints/s", NULL);
    settle(&f);
    must(&f, 200, "GET", SLICES OF_S, NULL);
    assert_int_equal(cJSON_GetArraySize(json_get(f.body, "items")), 0);
    fixture_close(&f);
}

static void the_root_certificate_comes_back(void **state)
{
    struct fixture f;
    begin_whole(&f);
    must(&f, 200, "GET", CORE "configmaps/kube-root-ca.crt", NULL);
    struct str was = arena_str(&f.a, json_string(json_get(json_get(f.body, "data"), "ca.crt")));
    must(&f, 200, "PATCH", CORE "configmaps/kube-root-ca.crt", "{\"data\":{\"ca.crt\":\"mine\"}}");
    settle(&f);
    must(&f, 200, "GET", CORE "configmaps/kube-root-ca.crt", NULL);
    assert_true(str_eq(json_string(json_get(json_get(f.body, "data"), "ca.crt")), was));
    fixture_close(&f);
}

static void pods_say_which_generation_they_run(void **state)
{
    struct fixture f;
    begin_whole(&f);
    must(&f, 201, "POST", CORE "pods",
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}"
         "]}}");
    settle(&f);
    for (int64_t generation = 1; generation <= 2; generation++) {
        must(&f, 200, "GET", CORE "pods/p", NULL);
        assert_int_equal(json_int_at(json_get(f.body, "metadata"), "generation", 0), generation);
        assert_int_equal(json_int_at(json_get(f.body, "status"), "observedGeneration", 0),
                         generation);
        must(&f, 200, "PATCH", CORE "pods/p", "{\"spec\":{\"activeDeadlineSeconds\":5000}}");
        settle(&f);
    }
    fixture_close(&f);
}

static void a_status_that_somebody_else_wrote_is_set_right(void **state)
{
    static char body[1024];
    struct fixture f;
    begin_whole(&f);
    must(&f, 201, "POST", APPS "deployments",
         quoted(body, sizeof(body), "{'metadata':{'name':'d'},'spec':", SET, "}"));
    settle(&f);
    must(&f, 200, "PATCH", APPS "deployments/d/status",
         "{\"status\":{\"readyReplicas\":0,\"availableReplicas\":0}}");
    settle(&f);
    must(&f, 200, "GET", APPS "deployments/d", NULL);
    assert_int_equal(json_int_at(json_get(f.body, "status"), "readyReplicas", 0), 1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_hold_together),
        cmocka_unit_test(nodes_come_with_a_status),
        cmocka_unit_test(addresses_and_ranges_stay),
        cmocka_unit_test(endpoints_are_mirrored),
        cmocka_unit_test(the_root_certificate_comes_back),
        cmocka_unit_test(pods_say_which_generation_they_run),
        cmocka_unit_test(a_status_that_somebody_else_wrote_is_set_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
