/* Goal: the built-in plug-ins change and refuse writes; subresources do what they are for; kinds of two versions are one.
 * Method: requests in process on a bare server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <stdio.h>
#include <string.h>

#define NS   "/namespaces/default/"
#define PODS "/api/v1" NS "pods"
#define C    "'containers':[{'name':'c','image':'i:1'}]"

static void says(struct fixture *f, int status, const char *method, const char *target,
                 const char *body)
{
    static char text[4096];
    int n = snprintf(text, sizeof(text), "%s", body ? body : "");
    assert_true(n >= 0 && (size_t)n < sizeof(text));
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    must(f, status, method, target, body ? text : NULL);
}

static void message_has(struct fixture *f, const char *part)
{
    if (!strstr(said(f, "message"), part))
        fail_msg("\"%s\" has no \"%s\"", said(f, "message"), part);
}

static void limits_are_filled_in_and_kept(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1" NS "limitranges",
         "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container','max':{'cpu':'500m'},"
         "'defaultRequest':{'cpu':'100m'}}]}}");
    says(&f, 201, "POST", PODS, "{'metadata':{'name':'p'},'spec':{" C "}}");
    const cJSON *c = json_path(f.body, "spec.containers")->child;
    assert_true(str_eq_c(json_string_at(c, "resources.limits.cpu"), "500m"));
    assert_true(str_eq_c(json_string_at(c, "resources.requests.cpu"), "100m"));
    says(&f, 403, "POST", PODS,
         "{'metadata':{'name':'q'},'spec':{'containers':[{'name':'c','image':'i','resources':{'"
         "limits':{'cpu':'2'}}}]}}");
    message_has(&f,
                "pods \"q\" is forbidden: maximum cpu usage per Container is 500m, but limit is 2");
    fixture_close(&f);
}

static void quotas_are_charged(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1" NS "resourcequotas",
         "{'metadata':{'name':'q'},'spec':{'hard':{'count/secrets':'1','requests.cpu':'1'}}}");
    says(&f, 200, "PATCH", "/api/v1" NS "resourcequotas/q/status",
         "{'status':{'hard':{'count/secrets':'1','requests.cpu':'1'},'used':{'count/"
         "secrets':'0'}}}");
    says(&f, 201, "POST", "/api/v1" NS "secrets?dryRun=All", "{'metadata':{'name':'a'}}");
    says(&f, 201, "POST", "/api/v1" NS "secrets", "{'metadata':{'name':'a'}}");
    says(&f, 403, "POST", "/api/v1" NS "secrets", "{'metadata':{'name':'b'}}");
    message_has(&f, "exceeded quota: q, requested: count/secrets=1, used: count/secrets=1, "
                    "limited: count/secrets=1");
    says(&f, 403, "POST", PODS, "{'metadata':{'name':'p'},'spec':{" C "}}");
    message_has(&f, "failed quota: q: must specify requests.cpu for: c");
    fixture_close(&f);
}

static void pods_get_a_priority_and_tolerations(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/apis/scheduling.k8s.io/v1/priorityclasses",
         "{'metadata':{'name':'high'},'value':7,'preemptionPolicy':'Never'}");
    says(&f, 201, "POST", PODS,
         "{'metadata':{'name':'p'},'spec':{'priorityClassName':'high'," C "}}");
    assert_int_equal(json_int_at(f.body, "spec.priority", 0), 7);
    assert_string_equal(said(&f, "spec.preemptionPolicy"), "Never");
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "spec.tolerations")), 2);
    says(&f, 403, "POST", PODS,
         "{'metadata':{'name':'q'},'spec':{'priorityClassName':'no'," C "}}");
    message_has(&f, "no PriorityClass with name no was found");
    says(&f, 403, "POST", PODS, "{'metadata':{'name':'q'},'spec':{'runtimeClassName':'no'," C "}}");
    fixture_close(&f);
}

static void security_levels_hold(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 200, "PATCH", "/api/v1/namespaces/default",
         "{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'baseline',"
         "'pod-security.kubernetes.io/warn':'restricted'}}}");
    says(&f, 201, "POST", PODS, "{'metadata':{'name':'p'},'spec':{" C "}}");
    says(&f, 403, "POST", PODS, "{'metadata':{'name':'q'},'spec':{'hostNetwork':true," C "}}");
    message_has(&f, "violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)");
    fixture_close(&f);
}

static void everything_of_a_level_is_looked_at(void **state)
{
#define OF(security) "'containers':[{'name':'c','image':'i:1','securityContext':{" security "}}]"
#define SAFE                                                                                       \
    "'allowPrivilegeEscalation':false,'runAsNonRoot':true,'seccompProfile':{'type':"               \
    "'RuntimeDefault'},'capabilities':{'drop':['ALL']"
    static const struct {
        const char *level, *spec, *says; /* says NULL: it keeps to the level */
    } pods[] = {
        {"baseline", OF("'capabilities':{'add':['NET_ADMIN','CHOWN']}"),
         "non-default capabilities (container \"c\" must not include \"NET_ADMIN\" in "
         "securityContext.capabilities.add)"},
        {"baseline",
         "'containers':[{'name':'c','image':'i','ports':[{'containerPort':1,'hostPort':80}]}]",
         "hostPort (container \"c\" uses hostPort 80)"},
        {"baseline", OF("'appArmorProfile':{'type':'Unconfined'}"),
         "forbidden AppArmor profile (container \"c\" must not set AppArmor profile type to "
         "\"Unconfined\")"},
        {"baseline",
         "'securityContext':{'seLinuxOptions':{'type':'x','user':'u'}}," OF("'seLinuxOptions':{"
                                                                            "'role':'r'}"),
         "seLinuxOptions (pod and container \"c\" set forbidden securityContext.seLinuxOptions: "
         "type \"x\"; user may not be set; role may not be set)"},
        {"baseline", "'hostUsers':false," OF("'procMount':'Unmasked'"),
         "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")"},
        {"baseline", "'securityContext':{'sysctls':[{'name':'kernel.msgmax','value':'1'}]}," C,
         "forbidden sysctls (kernel.msgmax)"},
        {"baseline",
         "'securityContext':{'sysctls':[{'name':'net.ipv4.tcp_syncookies','value':'1'}]}," C, NULL},
        {"baseline", "'securityContext':{'seccompProfile':{'type':'Unconfined'}}," C,
         "seccompProfile (pod must not set securityContext.seccompProfile.type to "
         "\"Unconfined\")"},
        {"baseline",
         "'containers':[{'name':'c','image':'i','livenessProbe':{'tcpSocket':{'host':'h','port':1}}"
         ","
         "'lifecycle':{'preStop':{'httpGet':{'host':'a','port':1}}}}]",
         "probe or lifecycle host (container \"c\" uses probe or lifecycle hosts \"a\", \"h\")"},
        {"baseline','pod-security.kubernetes.io/enforce-version':'v1.33",
         "'containers':[{'name':'c','image':'i','livenessProbe':{'tcpSocket':{'host':'h','port':1}}"
         "}"
         "]",
         NULL},
        {"restricted','pod-security.kubernetes.io/enforce-version':'latest",
         OF(SAFE ",'add':['NET_BIND_SERVICE']}"), NULL},
        {"restricted", OF(SAFE ",'add':['SYS_ADMIN']}"),
         "unrestricted capabilities (container \"c\" must not include \"SYS_ADMIN\" in "
         "securityContext.capabilities.add)"},
    };
    struct fixture f;
    char body[1024];
    fixture_open(&f, NULL);
    for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
        (void)snprintf(body, sizeof(body),
                       "{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'%s'}}}",
                       pods[i].level);
        says(&f, 200, "PATCH", "/api/v1/namespaces/default", body);
        (void)snprintf(body, sizeof(body), "{'metadata':{'name':'p%zu'},'spec':{%s}}", i,
                       pods[i].spec);
        says(&f, pods[i].says ? 403 : 201, "POST", PODS, body);
        if (pods[i].says)
            message_has(&f, pods[i].says);
    }
    fixture_close(&f);
}

static void profiles_of_annotations_are_looked_at(void **state)
{
#define APPARMOR "container.apparmor.security.beta.kubernetes.io/"
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 200, "PATCH", "/api/v1/namespaces/default",
         "{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'baseline',"
         "'pod-security.kubernetes.io/warn':'baseline'}}}");
    says(&f, 201, "POST", PODS,
         "{'metadata':{'name':'good','annotations':{'" APPARMOR "c':'runtime/default','" APPARMOR
         "d':'localhost/x'}},'spec':{" C "}}");
    says(&f, 201, "POST", "/api/v1/namespaces/default/podtemplates",
         "{'metadata':{'name':'t'},'template':{'metadata':{'annotations':{'" APPARMOR
         "x':'unconfined'}},'spec':{" C "}}}");
    assert_non_null(strstr(buf_c(&f.last.warnings),
                           "forbidden AppArmor profile (annotation must not set AppArmor profile "
                           "type to \"" APPARMOR "x=\"unconfined\"\")"));
    fixture_close(&f);
}

static void levels_of_namespaces_are_checked(void **state)
{
    static const struct {
        const char *labels, *says;
    } bad[] = {
        {"'pod-security.kubernetes.io/enforce':'foo'",
         "Namespace \"default\" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: "
         "Invalid value: \"foo\": must be one of privileged, baseline, restricted"},
        {"'pod-security.kubernetes.io/warn-version':'1.30'",
         "Invalid value: \"1.30\": must be \"latest\" or \"v1.x\""},
        {"'pod-security.kubernetes.io/audit-version':'v1.03'", "Invalid value: \"v1.03\": must be"},
    };
    struct fixture f;
    char body[256];
    fixture_open(&f, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(body, sizeof(body), "{'metadata':{'labels':{%s}}}", bad[i].labels);
        says(&f, 422, "PATCH", "/api/v1/namespaces/default", body);
        message_has(&f, bad[i].says);
    }
    says(&f, 201, "POST", PODS, "{'metadata':{'name':'a'},'spec':{'hostNetwork':true," C "}}");
    says(&f, 200, "PATCH", "/api/v1/namespaces/default",
         "{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'baseline'}}}");
    assert_string_equal(
        buf_c(&f.last.warnings),
        "existing pods in namespace \"default\" violate the new PodSecurity enforce "
        "level \"baseline:latest\"\na: host namespaces\n");
    says(&f, 200, "PATCH", PODS "/a", "{'metadata':{'labels':{'x':'y'}}}"); /* it may stay */
    says(&f, 403, "PATCH", PODS "/a/ephemeralcontainers",
         "{'spec':{'ephemeralContainers':[{'name':'e','image':'i'}]}}");
    message_has(&f, "pods \"a\" is forbidden: violates PodSecurity \"baseline:latest\"");
    says(&f, 403, "PATCH", PODS "/a", "{'spec':{'containers':[{'name':'c','image':'i:2'}]}}");
    fixture_close(&f);
}

static void namespaces_go_without_grace(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1/namespaces", "{'metadata':{'name':'n'}}");
    says(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    assert_string_equal(said(&f, "status.phase"), "Terminating");
    assert_true(said(&f, "metadata.deletionTimestamp")[0] != 0);
    assert_null(json_path(f.body, "metadata.deletionGracePeriodSeconds"));
    says(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    fixture_close(&f);
}

static void services_take_addresses_of_the_range(void **state)
{
    static const struct {
        const char *ip;
        int status;
    } rows[] = {{"10.97.0.5", 201},      {"10.97.0.5", 422},  {"1.2.3.4", 422},
                {"10.96.0.0", 422},      {"10.112.0.1", 422}, {"10.111.255.255", 422},
                {"10.111.255.254", 201}, {"None", 201}};
    struct fixture f;
    char body[256];
    fixture_open(&f, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(
            body, sizeof(body),
            "{'metadata':{'name':'s%zu'},'spec':{'clusterIP':'%s','ports':[{'port':80}]}}", i,
            rows[i].ip);
        says(&f, rows[i].status, "POST", "/api/v1" NS "services", body);
    }
    says(&f, 422, "POST", "/api/v1" NS "services",
         "{'metadata':{'name':'z'},'spec':{'clusterIP':'1.2.3.4','ports':[{'port':80}]}}");
    message_has(&f, "spec.clusterIPs: Invalid value: [\"1.2.3.4\"]: failed to allocate IP 1.2.3.4: "
                    "the provided network does not match the current range");
    fixture_close(&f);
}

static void evictions_come_in_two_versions(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", PODS, "{'metadata':{'name':'p'},'spec':{" C "}}");
    says(&f, 400, "POST", PODS "/p/eviction",
         "{'apiVersion':'policy/v2','kind':'Eviction','metadata':{'name':'p'}}");
    says(&f, 201, "POST", PODS "/p/eviction",
         "{'apiVersion':'policy/v1beta1','kind':'Eviction','metadata':{'name':'p'}}");
    says(&f, 404, "GET", PODS "/p", NULL);
    fixture_close(&f);
}

static void storage_is_defaulted_and_protected(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/apis/storage.k8s.io/v1/storageclasses",
         "{'metadata':{'name':'fast','annotations':{'storageclass.kubernetes.io/"
         "is-default-class':'true'}},"
         "'provisioner':'x/y'}");
    says(&f, 201, "POST", "/api/v1" NS "persistentvolumeclaims",
         "{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':"
         "{'storage':'1Gi'}}}}");
    assert_string_equal(said(&f, "spec.storageClassName"), "fast");
    assert_true(str_eq_c(json_string(json_path(f.body, "metadata.finalizers")->child),
                         "kubernetes.io/pvc-protection"));
    says(&f, 201, "POST", "/api/v1/persistentvolumes",
         "{'metadata':{'name':'v'},'spec':{'accessModes':['ReadWriteOnce'],'capacity':"
         "{'storage':'1Gi'},'hostPath':{'path':'/x'}}}");
    assert_string_equal(said(&f, "status.phase"), "Pending");
    assert_string_equal(said(&f, "status.lastPhaseTransitionTime"),
                        said(&f, "metadata.creationTimestamp"));
    fixture_close(&f);
}

static void singulars_and_plurals_agree(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1/nodes",
         "{'metadata':{'name':'n'},'spec':{'podCIDR':'10.0.0.0/24'}}");
    assert_true(str_eq_c(json_string(json_path(f.body, "spec.podCIDRs")->child), "10.0.0.0/24"));
    says(&f, 422, "PATCH", "/api/v1/nodes/n", "{'spec':{'podCIDR':'10.1.0.0/24'}}");
    message_has(&f, "node updates may not change podCIDR except from \"\" to valid");
    says(&f, 201, "POST", "/api/v1/nodes",
         "{'metadata':{'name':'m'},'spec':{'podCIDRs':['10.0.2.0/24']}}");
    assert_string_equal(said(&f, "spec.podCIDR"), "10.0.2.0/24");
    fixture_close(&f);
}

static void scales_stand_for_replicas(void **state)
{
    static const char scale[] = "/apis/apps/v1" NS "deployments/d/scale";
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/apis/apps/v1" NS "deployments",
         "{'metadata':{'name':'d'},'spec':{'selector':{'matchLabels':{'a':'b'},'matchExpressions':"
         "[{'key':'c','operator':'In','values':['d','e']}]},'template':{'metadata':{'labels':{'a':'"
         "b','c':'d'}},"
         "'spec':{" C "}}}}");
    says(&f, 200, "GET", scale, NULL);
    assert_string_equal(said(&f, "status.selector"), "a=b,c in (d,e)");
    says(&f, 200, "PATCH", scale, "{'spec':{'replicas':5}}");
    assert_int_equal(json_int_at(f.body, "spec.replicas", 0), 5);
    says(&f, 422, "PATCH", scale, "{'spec':{'replicas':-5}}");
    says(&f, 404, "GET", "/apis/apps/v1" NS "deployments/e/scale", NULL);
    fixture_close(&f);
}

static void evictions_spend_budgets(void **state)
{
    static const char pod[] =
        "{'metadata':{'name':'p','labels':{'a':'b'}},'spec':{'nodeName':'n'," C "}}";
    static const char eviction[] =
        "{'apiVersion':'policy/v1','kind':'Eviction','metadata':{'name':'p'}}";
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", PODS, pod);
    says(&f, 200, "PATCH", PODS "/p/status",
         "{'status':{'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}}");
    says(
        &f, 201, "POST", "/apis/policy/v1" NS "poddisruptionbudgets",
        "{'metadata':{'name':'b'},'spec':{'minAvailable':1,'selector':{'matchLabels':{'a':'b'}}}}");
    says(&f, 429, "POST", PODS "/p/eviction", eviction);
    message_has(&f, "Cannot evict pod as it would violate the pod's disruption budget.");
    says(&f, 200, "PATCH", "/apis/policy/v1" NS "poddisruptionbudgets/b/status",
         "{'status':{'observedGeneration':1,'disruptionsAllowed':0,'currentHealthy':1,'"
         "desiredHealthy':1,"
         "'expectedPods':1}}");
    says(&f, 429, "POST", PODS "/p/eviction", eviction);
    const cJSON *cause = json_path(f.body, "details.causes")->child;
    assert_true(str_eq_c(json_string_at(cause, "message"),
                         "The disruption budget b needs 1 healthy pods and has 1 currently"));
    says(&f, 200, "PATCH", "/apis/policy/v1" NS "poddisruptionbudgets/b/status",
         "{'status':{'observedGeneration':1,'disruptionsAllowed':1,'currentHealthy':2,'"
         "desiredHealthy':1,"
         "'expectedPods':2}}");
    says(&f, 201, "POST", PODS "/p/eviction", eviction);
    says(&f, 200, "GET", "/apis/policy/v1" NS "poddisruptionbudgets/b", NULL);
    assert_int_equal(json_int_at(f.body, "status.disruptionsAllowed", 9), 0);
    assert_non_null(json_path(f.body, "status.disruptedPods.p"));
    fixture_close(&f);
}

static void bindings_place_pods(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", PODS, "{'metadata':{'name':'p'},'spec':{" C "}}");
    says(&f, 201, "POST", "/api/v1" NS "bindings",
         "{'metadata':{'name':'p'},'target':{'kind':'Node','name':'n'}}");
    says(&f, 200, "GET", PODS "/p", NULL);
    assert_string_equal(said(&f, "spec.nodeName"), "n");
    assert_int_equal(json_int_at(f.body, "metadata.generation", 0), 1);
    says(&f, 409, "POST", PODS "/p/binding",
         "{'metadata':{'name':'p'},'target':{'kind':'Node','name':'m'}}");
    says(&f, 404, "GET", PODS "/q/log", NULL);
    says(&f, 400, "GET", PODS "/p/log?container=no", NULL);
    says(&f, 201, "POST", PODS,
         "{'metadata':{'name':'gated'},'spec':{'schedulingGates':[{'name':'x.y/z'}]," C "}}");
    says(&f, 409, "POST", PODS "/gated/binding",
         "{'metadata':{'name':'gated'},'target':{'name':'n'}}");
    fixture_close(&f);
}

static void two_versions_are_one_object(void **state)
{
    static const char v1[] = "/apis/autoscaling/v1" NS "horizontalpodautoscalers";
    static const char v2[] = "/apis/autoscaling/v2" NS "horizontalpodautoscalers";
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", v2,
         "{'metadata':{'name':'h'},'spec':{'maxReplicas':3,'scaleTargetRef':{'kind':'D','name':'d'}"
         ",'metrics':["
         "{'type':'Resource','resource':{'name':'memory','target':{'type':'Utilization','"
         "averageUtilization':9}}}]}}");
    says(&f, 200, "PATCH", "/apis/autoscaling/v1" NS "horizontalpodautoscalers/h",
         "{'spec':{'targetCPUUtilizationPercentage':40}}");
    says(&f, 200, "GET", "/apis/autoscaling/v2" NS "horizontalpodautoscalers/h", NULL);
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "spec.metrics")), 2);
    assert_null(json_path(f.body, "metadata.annotations"));
    says(&f, 200, "GET", v1, NULL);
    assert_string_equal(items(&f), "h");
    assert_int_equal(
        json_int_at(json_get(f.body, "items")->child, "spec.targetCPUUtilizationPercentage", 0),
        40);
    says(&f, 201, "POST", "/api/v1" NS "events",
         "{'metadata':{'name':'e'},'involvedObject':{'kind':'Pod','namespace':'default'},'message':"
         "'m','count':3}");
    says(&f, 200, "GET", "/apis/events.k8s.io/v1" NS "events/e", NULL);
    assert_string_equal(said(&f, "note"), "m");
    assert_int_equal(json_int_at(f.body, "deprecatedCount", 0), 3);
    says(&f, 200, "GET", "/apis/events.k8s.io/v1" NS "events?fieldSelector=regarding.kind%3DPod",
         NULL);
    assert_string_equal(items(&f), "e");
    says(&f, 200, "GET", "/apis/events.k8s.io/v1" NS "events?fieldSelector=regarding.kind%3DNode",
         NULL);
    assert_string_equal(items(&f), "");
    fixture_close(&f);
}

#define BUDGET "/apis/policy/v1" NS "poddisruptionbudgets/b"

/* A budget that is not counted yet allows nothing; a dry run spends nothing; who never ran is not counted. */
static void evictions_in_their_corners(void **state)
{
    static const char eviction[] = "{'metadata':{'name':'p'}}";
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", PODS,
         "{'metadata':{'name':'p','labels':{'a':'b'}},'spec':{'nodeName':'n'," C "}}");
    says(&f, 201, "POST", PODS,
         "{'metadata':{'name':'q','labels':{'a':'b'}},'spec':{'nodeName':'n'," C "}}");
    says(&f, 200, "PATCH", PODS "/p/status",
         "{'status':{'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}}");
    says(
        &f, 201, "POST", "/apis/policy/v1" NS "poddisruptionbudgets",
        "{'metadata':{'name':'b'},'spec':{'minAvailable':1,'selector':{'matchLabels':{'a':'b'}}}}");
    says(&f, 200, "PATCH", BUDGET "/status",
         "{'status':{'observedGeneration':0,'disruptionsAllowed':1,'currentHealthy':2,"
         "'desiredHealthy':1,'expectedPods':2}}");
    says(&f, 429, "POST", PODS "/p/eviction", eviction);
    says(&f, 200, "PATCH", BUDGET "/status", "{'status':{'observedGeneration':1}}");
    says(&f, 201, "POST", PODS "/p/eviction?dryRun=All", eviction);
    says(&f, 200, "GET", BUDGET, NULL);
    assert_int_equal(json_int_at(f.body, "status.disruptionsAllowed", 9), 1);
    assert_null(json_path(f.body, "status.disruptedPods.p"));
    says(&f, 200, "GET", PODS "/p", NULL);
    assert_string_equal(said(&f, "metadata.deletionTimestamp"), "");
    says(&f, 200, "PATCH", BUDGET "/status",
         "{'status':{'disruptionsAllowed':0,'currentHealthy':0}}");
    says(&f, 429, "POST", PODS "/p/eviction", eviction);
    says(&f, 201, "POST", PODS "/q/eviction", "{'metadata':{'name':'q'}}"); /* pending */
    fixture_close(&f);
}

static void bounds_hold_for_all_containers(void **state)
{
#define RESOURCES(request, limit)                                                                  \
    "'resources':{'requests':{'cpu':'" request "'},'limits':{'cpu':'" limit "'}}"
#define POD_OF(init, main)                                                                         \
    "{'metadata':{'name':'p'},'spec':{'initContainers':[{'name':'i','image':'i'," init "}],"       \
    "'containers':[{'name':'c','image':'i'," main "}]}}"
    static const struct {
        const char *pod;
        int status;
    } rows[] = {
        {POD_OF(RESOURCES("1", "2"), RESOURCES("1", "2")), 201}, /* the ratio itself is allowed */
        {POD_OF(RESOURCES("1", "2"), RESOURCES("1", "2100m")), 403},
        {POD_OF(RESOURCES("1", "2100m"), RESOURCES("1", "2")), 403},
        {POD_OF(RESOURCES("3", "5"), RESOURCES("1", "2")), 403},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1" NS "limitranges",
         "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container','max':{'cpu':'4'},"
         "'maxLimitRequestRatio':{'cpu':'2'}}]}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        says(&f, rows[i].status, "POST", PODS "?dryRun=All", rows[i].pod);
    fixture_close(&f);
}

/* A pod whose init container alone asks for something is not of the best-effort kind. */
static void init_containers_are_efforts(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1" NS "resourcequotas",
         "{'metadata':{'name':'q'},'spec':{'scopes':['BestEffort'],'hard':{'pods':'0'}}}");
    says(&f, 200, "PATCH", "/api/v1" NS "resourcequotas/q/status",
         "{'status':{'hard':{'pods':'0'},'used':{'pods':'0'}}}");
    says(&f, 403, "POST", PODS "?dryRun=All", "{'metadata':{'name':'p'},'spec':{" C "}}");
    says(&f, 201, "POST", PODS "?dryRun=All",
         "{'metadata':{'name':'p'},'spec':{'initContainers':[{'name':'i','image':'i',"
         "'resources':{'requests':{'cpu':'1'}}}]," C "}}");
    fixture_close(&f);
}

static void makers_of_pods_are_warned(void **state)
{
#define PRIVILEGED                                                                                 \
    "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'restartPolicy':'Never','hostNetwork':"   \
    "true," C "}}"
    static const char *const rows[][2] = {
        {"/apis/batch/v1/namespaces/strict/jobs",
         "{'metadata':{'name':'x'},'spec':{" PRIVILEGED "}}"},
        {"/apis/batch/v1/namespaces/strict/cronjobs",
         "{'metadata':{'name':'x'},'spec':{'schedule':'0 0 * * "
         "*','jobTemplate':{'spec':{" PRIVILEGED "}}}}"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    says(&f, 201, "POST", "/api/v1/namespaces",
         "{'metadata':{'name':'strict','labels':{'pod-security.kubernetes.io/warn':'baseline'}}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        says(&f, 201, "POST", rows[i][0], rows[i][1]);
        assert_non_null(strstr(buf_c(&f.last.warnings), "would violate PodSecurity"));
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_filled_in_and_kept),
        cmocka_unit_test(quotas_are_charged),
        cmocka_unit_test(pods_get_a_priority_and_tolerations),
        cmocka_unit_test(security_levels_hold),
        cmocka_unit_test(everything_of_a_level_is_looked_at),
        cmocka_unit_test(singulars_and_plurals_agree),
        cmocka_unit_test(levels_of_namespaces_are_checked),
        cmocka_unit_test(profiles_of_annotations_are_looked_at),
        cmocka_unit_test(namespaces_go_without_grace),
        cmocka_unit_test(services_take_addresses_of_the_range),
        cmocka_unit_test(evictions_come_in_two_versions),
        cmocka_unit_test(storage_is_defaulted_and_protected),
        cmocka_unit_test(scales_stand_for_replicas),
        cmocka_unit_test(evictions_spend_budgets),
        cmocka_unit_test(bindings_place_pods),
        cmocka_unit_test(two_versions_are_one_object),
        cmocka_unit_test(evictions_in_their_corners),
        cmocka_unit_test(bounds_hold_for_all_containers),
        cmocka_unit_test(init_containers_are_efforts),
        cmocka_unit_test(makers_of_pods_are_warned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
