/* Goal: what is refused of built-in kinds is refused at the field, for the reason and in the order that the API has; what the
 * server computes is there.
 * Method: requests in process on a bare server: a table of bodies per kind, with the causes of each answer on one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <stdio.h>
#include <string.h>

#define NS  "/namespaces/default/"
#define C   "'containers':[{'name':'c','image':'i:1'}]"
#define SEL "'selector':{'matchLabels':{'a':'b'}},"
#define TPL "'template':{'metadata':{'labels':{'a':'b'}},'spec':{" C "}}"
#define JOB "'template':{'spec':{'restartPolicy':'Never'," C "}}"

struct row {
    const char *path, *name, *body; /* body: behind metadata; quotes are ' */
    const char *causes;             /* "field:Reason ..."; "": accepted */
};

static const char *doubled(char *out, size_t cap, const char *name, const char *body)
{
    int n = snprintf(out, cap, "{'metadata':{'name':'%s'}%s%s}", name, *body ? "," : "", body);
    assert_true(n > 0 && (size_t)n < cap);
    for (char *p = out; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return out;
}

static void causes_of(struct fixture *f, char *out, size_t cap)
{
    const cJSON *list = json_path(f->body, "details.causes");
    size_t n = 0;
    *out = '\0';
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
        struct str field = json_string_at(c, "field"), reason = json_string_at(c, "reason");
        reason = str_sub(reason, sizeof("FieldValue") - 1, reason.n);
        n += (size_t)snprintf(out + n, cap - n, "%s" STR_FMT ":" STR_FMT, n ? " " : "",
                              STR_ARG(field), STR_ARG(reason));
        assert_true(n < cap);
    }
}

static void check_rows(const struct row *rows, size_t n)
{
    static char body[4096], causes[2048];
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < n; i++) {
        int status =
            ask(&f, "POST", rows[i].path, doubled(body, sizeof(body), rows[i].name, rows[i].body));
        causes_of(&f, causes, sizeof(causes));
        if (status != (*rows[i].causes ? 422 : 201) || strcmp(causes, rows[i].causes) != 0)
            fail_msg("%s %s: %d [%s] instead of [%s]", rows[i].path, rows[i].body, status, causes,
                     rows[i].causes);
    }
    fixture_close(&f);
}

static void pods_hold_to_their_rules(void **state)
{
    static const char pods[] = "/api/v1" NS "pods";
    static const struct row rows[] = {
        {pods, "ok", "'spec':{" C "}", ""},
        {pods, "p", "", "spec.containers:Required"},
        {pods, "p", "'spec':{'containers':[{'name':'A'}]}",
         "spec.containers[0].name:Invalid spec.containers[0].image:Required"},
        {pods, "p", "'spec':{" C ",'restartPolicy':'No','dnsPolicy':'Odd'}",
         "spec.restartPolicy:NotSupported spec.dnsPolicy:NotSupported"},
        {pods, "p",
         "'spec':{'volumes':[{'name':'v'},{'name':'v','emptyDir':{},'hostPath':{'path':'/'}}]," C
         "}",
         "spec.volumes[0]:Required spec.volumes[1].hostPath:Forbidden "
         "spec.volumes[1].name:Duplicate"},
        {pods, "p",
         "'spec':{'containers':[{'name':'c','image':'i','volumeMounts':[{'name':'x','mountPath':'/"
         "a'},"
         "{'name':'x','mountPath':'/a'}]}]}",
         "spec.containers[0].volumeMounts[0].name:NotFound "
         "spec.containers[0].volumeMounts[1].name:NotFound "
         "spec.containers[0].volumeMounts[1].mountPath:Invalid"},
        {pods, "p",
         "'spec':{'containers':[{'name':'c','image':'i','resources':{'limits':{'cpu':'1'},'"
         "requests':{'cpu':'2',"
         "'nope':'1'}}}]}",
         "spec.containers[0].resources.requests[nope]:Invalid "
         "spec.containers[0].resources.requests:Invalid"},
        {pods, "p",
         "'spec':{'containers':[{'name':'c','image':'i','ports':[{'containerPort':0},{'"
         "containerPort':70000}]}]}",
         "spec.containers[0].ports[0].containerPort:Required "
         "spec.containers[0].ports[1].containerPort:Invalid"},
        {pods, "p",
         "'spec':{'containers':[{'name':'c','image':'i','livenessProbe':{'successThreshold':2}}]}",
         "spec.containers[0].livenessProbe:Required "
         "spec.containers[0].livenessProbe.successThreshold:Invalid"},
        {pods, "p",
         "'spec':{'containers':[{'name':'c','image':'i','env':[{'name':'A','valueFrom':{}}]}]}",
         "spec.containers[0].env[0].valueFrom:Invalid"},
        {pods, "p",
         "'spec':{" C ",'tolerations':[{'operator':'Equal'},{'key':'k','effect':'Odd'}]}",
         "spec.tolerations[0].operator:Invalid spec.tolerations[1].effect:NotSupported"},
        {pods, "p",
         "'spec':{" C ",'initContainers':[{'name':'c','image':'i','readinessProbe':{'exec':{'"
         "command':['a']}}}]}",
         "spec.initContainers[0].name:Duplicate spec.initContainers[0].readinessProbe:Forbidden"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void workloads_hold_to_their_rules(void **state)
{
    static const char deployments[] = "/apis/apps/v1" NS "deployments",
                      sets[] = "/apis/apps/v1" NS "statefulsets";
    static const char daemons[] = "/apis/apps/v1" NS "daemonsets",
                      jobs[] = "/apis/batch/v1" NS "jobs";
    static const char crons[] = "/apis/batch/v1" NS "cronjobs";
    static const struct row rows[] = {
        {deployments, "ok", "'spec':{" SEL TPL "}", ""},
        {deployments, "d", "'spec':{'replicas':-1,'selector':{}," TPL ",'minReadySeconds':-1}",
         "spec.replicas:Invalid spec.selector:Invalid spec.minReadySeconds:Invalid"},
        {deployments, "d",
         "'spec':{" SEL TPL ",'strategy':{'type':'Recreate','rollingUpdate':{'maxSurge':1}}}",
         "spec.strategy.rollingUpdate:Forbidden"},
        {deployments, "d",
         "'spec':{" SEL TPL ",'strategy':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':'0%'}}}",
         "spec.strategy.rollingUpdate.maxUnavailable:Invalid"},
        {deployments, "d",
         "'spec':{'selector':{'matchExpressions':[{'key':'a','operator':'In'}]}," TPL "}",
         "spec.selector.matchExpressions[0].values:Required spec.template.metadata.labels:Invalid"},
        {sets, "s", "'spec':{" SEL TPL ",'updateStrategy':{'type':'Odd'},'ordinals':{'start':-2}}",
         "spec.updateStrategy:Invalid spec.ordinals.start:Invalid"},
        {daemons, "d", "'spec':{" SEL TPL ",'updateStrategy':{'rollingUpdate':{'maxSurge':2}}}",
         "spec.updateStrategy.rollingUpdate.maxSurge:Invalid"},
        {jobs, "ok", "'spec':{" JOB "}", ""},
        {jobs, "j", "'spec':{'parallelism':-1,'template':{'spec':{" C "}}}",
         "spec.parallelism:Invalid spec.template.spec.restartPolicy:Required"},
        {jobs, "j", "'spec':{'completionMode':'Indexed','parallelism':2," JOB "}",
         "spec.completions:Required"},
        {crons, "ok", "'spec':{'schedule':'*/5 0-6 1,15 jan mon','jobTemplate':{'spec':{" JOB "}}}",
         ""},
        {crons, "c",
         "'spec':{'schedule':'61 * * * *','timeZone':'Mars/Base','jobTemplate':{'spec':{" JOB "}}}",
         "spec.schedule:Invalid spec.timeZone:Invalid"},
        {crons, "ccccccccccccccccccccccccccccccccccccccccccccccccccccc",
         "'spec':{'schedule':'@daily','jobTemplate':{'spec':{" JOB "}}}", "metadata.name:Invalid"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void services_and_networks_hold_to_their_rules(void **state)
{
    static const char services[] = "/api/v1" NS "services",
                      ingresses[] = "/apis/networking.k8s.io/v1" NS "ingresses";
    static const char policies[] = "/apis/networking.k8s.io/v1" NS "networkpolicies";
    static const char slices[] = "/apis/discovery.k8s.io/v1" NS "endpointslices";
    static const struct row rows[] = {
        {services, "ok", "'spec':{'clusterIP':'10.96.0.9','ports':[{'port':80}]}", ""},
        {services, "s", "'spec':{'clusterIP':'10.96.0.9','ports':[{'port':80}]}",
         "spec.clusterIPs:Invalid"},
        {services, "s", "'spec':{}", "spec.ports:Required"},
        {services, "s", "'spec':{'ports':[{'port':80},{'port':80}]}",
         "spec.ports[0].name:Required spec.ports[1].name:Required spec.ports[1]:Duplicate"},
        {services, "s", "'spec':{'type':'NodePort','ports':[{'port':80,'nodePort':80}]}",
         "spec.ports[0].nodePort:Invalid"},
        {services, "s", "'spec':{'type':'ExternalName'}", "spec.externalName:Required"},
        {services, "s", "'spec':{'type':'NodePort','clusterIP':'None','ports':[{'port':80}]}",
         "spec.clusterIPs[0]:Invalid"},
        {ingresses, "i",
         "'spec':{'rules':[{'host':'10.0.0.1','http':{'paths':[{'pathType':'Prefix','path':'x'}]}}]"
         "}",
         "spec.rules[0].host:Invalid spec.rules[0].http.paths[0].path:Invalid "
         "spec.rules[0].http.paths[0].backend:Required"},
        {policies, "n",
         "'spec':{'podSelector':{},'ingress':[{'from':[{},{'ipBlock':{'cidr':'10.0.0.0/"
         "8','except':['11.0.0.0/16']}}]}]}",
         "spec.ingress[0].from[0]:Required spec.ingress[0].from[1].ipBlock.except[0]:Invalid"},
        {slices, "e", "'addressType':'IPv4','endpoints':[{'addresses':['::1']},{'addresses':[]}]",
         "endpoints[0].addresses[0]:Invalid endpoints[1].addresses:Required"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void other_kinds_hold_to_their_rules(void **state)
{
    static const char secrets[] = "/api/v1" NS "secrets",
                      claims[] = "/api/v1" NS "persistentvolumeclaims";
    static const char hooks[] =
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    static const struct row rows[] = {
        {secrets, "s", "'type':'kubernetes.io/ssh-auth'", "data[ssh-privatekey]:Required"},
        {secrets, "s",
         "'type':'kubernetes.io/dockerconfigjson','stringData':{'.dockerconfigjson':'['}",
         "data[.dockerconfigjson]:Invalid"},
        {claims, "c", "'spec':{}",
         "spec.accessModes:Required spec.resources.requests[storage]:Required"},
        {"/api/v1/persistentvolumes", "v", "'spec':{'accessModes':['ReadWriteOnce']}",
         "spec.capacity:Required spec:Required"},
        {"/api/v1" NS "limitranges", "l",
         "'spec':{'limits':[{'type':'Container','min':{'cpu':'2'},'max':{'cpu':'1'}}]}",
         "spec.limits[0].min[cpu]:Invalid spec.limits[0].defaultRequest[cpu]:Invalid "
         "spec.limits[0].min[cpu]:Invalid"},
        {"/api/v1" NS "resourcequotas", "q", "'spec':{'hard':{'pods':'1.5','nope':'1'}}",
         "spec.hard[pods]:Invalid spec.hard[nope]:Invalid"},
        {"/apis/policy/v1" NS "poddisruptionbudgets", "b",
         "'spec':{'minAvailable':1,'maxUnavailable':'x'}",
         "spec:Invalid spec.maxUnavailable:Invalid"},
        {"/apis/autoscaling/v2" NS "horizontalpodautoscalers", "h",
         "'spec':{'minReplicas':3,'maxReplicas':2,'scaleTargetRef':{'kind':'Deployment'}}",
         "spec.maxReplicas:Invalid spec.scaleTargetRef.name:Required"},
        {"/apis/scheduling.k8s.io/v1/priorityclasses", "system-x", "'value':1",
         "metadata.name:Forbidden"},
        {"/apis/coordination.k8s.io/v1" NS "leases", "l", "'spec':{'leaseDurationSeconds':0}",
         "spec.leaseDurationSeconds:Invalid"},
        {hooks, "w", "'webhooks':[{'name':'a.b','clientConfig':{'url':'http://x'}}]",
         "webhooks[0].name:Invalid webhooks[0].admissionReviewVersions:Required "
         "webhooks[0].sideEffects:Required "
         "webhooks[0].clientConfig.url:Invalid"},
        {"/apis/events.k8s.io/v1" NS "events", "e",
         "'type':'Odd','regarding':{'namespace':'default'}",
         "eventTime:Required reportingController:Required reportingInstance:Required "
         "action:Required "
         "reason:Required type:Invalid"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void change(struct fixture *f, int status, const char *target, const char *patch)
{
    static char body[4096];
    int n = snprintf(body, sizeof(body), "%s", patch);
    assert_true(n > 0 && (size_t)n < sizeof(body));
    for (char *p = body; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    must(f, status, "PATCH", target, body);
}

static void add(struct fixture *f, const char *path, const char *name, const char *body)
{
    static char text[4096];
    must(f, 201, "POST", path, doubled(text, sizeof(text), name, body));
}

static void updates_keep_what_cannot_change(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    add(&f, "/apis/apps/v1" NS "deployments", "d", "'spec':{" SEL TPL "}");
    change(&f, 422, "/apis/apps/v1" NS "deployments/d",
           "{'spec':{'selector':{'matchLabels':{'a':'c'}},'template':{'metadata':{'labels':{'a':'c'"
           "}}}}}");
    assert_non_null(strstr(
        said(&f, "message"),
        "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"c\"}}: field is immutable"));
    add(&f, "/api/v1" NS "pods", "p", "'spec':{" C "}");
    change(&f, 200, "/api/v1" NS "pods/p", "{'spec':{'containers':[{'name':'c','image':'i:2'}]}}");
    change(&f, 422, "/api/v1" NS "pods/p", "{'spec':{'nodeSelector':{'a':'b'}}}");
    assert_non_null(strstr(said(&f, "message"), "\n+ \"NodeSelector\": {\n"));
    add(&f, "/api/v1" NS "services", "s", "'spec':{'ports':[{'port':80}]}");
    change(&f, 422, "/api/v1" NS "services/s",
           "{'spec':{'clusterIP':'10.96.7.7','clusterIPs':['10.96.7.7']}}");
    change(&f, 200, "/api/v1" NS "services/s", "{'spec':{'type':'NodePort'}}");
    const cJSON *port = json_path(f.body, "spec.ports");
    assert_in_range(json_int_at(port->child, "nodePort", 0), 30000, 32767);
    change(&f, 200, "/api/v1" NS "services/s", "{'spec':{'type':'ClusterIP'}}");
    assert_null(json_get(json_path(f.body, "spec.ports")->child, "nodePort"));
    fixture_close(&f);
}

static void what_is_computed_is_there(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    add(&f, "/api/v1" NS "pods", "p",
        "'spec':{'containers':[{'name':'c','image':'i','resources':{'limits':{'cpu':'1','memory':'"
        "1Gi'}}}],"
        "'serviceAccount':'x'}");
    assert_string_equal(said(&f, "status.qosClass"), "Guaranteed");
    assert_string_equal(said(&f, "spec.serviceAccountName"), "x");
    const cJSON *c = json_path(f.body, "spec.containers")->child;
    assert_true(str_eq_c(json_string_at(c, "imagePullPolicy"), "Always"));
    assert_true(str_eq_c(json_string_at(c, "resources.requests.memory"), "1Gi"));
    add(&f, "/apis/batch/v1" NS "jobs", "j", "'spec':{" JOB "}");
    assert_string_equal(said(&f, "metadata.labels.job-name"), "j");
    add(&f, "/api/v1" NS "replicationcontrollers", "r", "'spec':{" TPL "}");
    assert_string_equal(said(&f, "spec.selector.a"), "b");
    add(&f, "/api/v1/namespaces", "n", "");
    fixture_close(&f);
}

/* What the server adds to services, and takes away when they become something else. */
static void services_get_what_their_type_needs(void **state)
{
#define SVC "/api/v1" NS "services"
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", SVC,
         "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"sessionAffinity\":"
         "\"None\","
         "\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":5}},\"ports\":[{\"name\":"
         "\"t\","
         "\"port\":53},{\"name\":\"u\",\"port\":53,\"protocol\":\"UDP\"}]}}");
    const cJSON *ports = json_path(f.body, "spec.ports");
    assert_true(json_int_at(ports->child, "nodePort", 0) > 0);
    assert_int_equal(json_int_at(ports->child, "nodePort", 0),
                     json_int_at(ports->child->next, "nodePort", -1));
    assert_null(json_path(f.body, "spec.sessionAffinityConfig"));
    must(&f, 201, "POST", SVC,
         "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"type\":\"LoadBalancer\","
         "\"allocateLoadBalancerNodePorts\":false,\"ports\":[{\"port\":80}]}}");
    assert_null(json_get(json_path(f.body, "spec.ports")->child, "nodePort"));
    assert_null(json_path(f.body, "spec.healthCheckNodePort"));
    must(&f, 201, "POST", SVC,
         "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"clusterIP\":\"None\",\"selector\":{\"a\":"
         "\"b\"}}}");
    assert_string_equal(said(&f, "spec.ipFamilyPolicy"), "SingleStack");
    must(&f, 200, "PATCH", SVC "/a",
         "{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"x.y\",\"ports\":null}}");
    assert_string_equal(said(&f, "spec.clusterIP"), "");
    must(&f, 200, "PATCH", SVC "/a",
         "{\"spec\":{\"type\":\"ClusterIP\",\"ports\":[{\"port\":80}]}}");
    assert_string_equal(said(&f, "spec.externalName"), "");
    fixture_close(&f);
}

static void names_in_metadata_are_minded(void **state)
{
#define MAPS "/api/v1" NS "configmaps"
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", MAPS,
         "{\"metadata\":{\"name\":\"a\",\"annotations\":{\"EXAMPLE.com/a\":\"1\"}}}");
    must(&f, 422, "POST", MAPS,
         "{\"metadata\":{\"name\":\"b\",\"finalizers\":[\"orphan\",\"foregroundDeletion\"]}}");
    assert_non_null(strstr(said(&f, "message"), "cannot be both set"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_get_what_their_type_needs),
        cmocka_unit_test(names_in_metadata_are_minded),
        cmocka_unit_test(pods_hold_to_their_rules),
        cmocka_unit_test(workloads_hold_to_their_rules),
        cmocka_unit_test(services_and_networks_hold_to_their_rules),
        cmocka_unit_test(other_kinds_hold_to_their_rules),
        cmocka_unit_test(updates_keep_what_cannot_change),
        cmocka_unit_test(what_is_computed_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
