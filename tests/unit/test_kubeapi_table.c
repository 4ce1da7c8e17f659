/* Goal: Tables have the cells that clients print, for each kind; ages follow the world's clock; rows carry what was asked.
 * Method: objects are applied as the system does (spec and status at once); cells are compared as JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io"

static void apply(struct fixture *f, const char *json)
{
    struct err *err = kubeapi_apply(f->api, str_c(json), NULL);
    if (err)
        fail_msg("%s: %s", json, err->message);
}

/* The cells of the only row, as text. */
static const char *cells(struct fixture *f, const char *target)
{
    struct buf b = {0};
    f->accept = TABLE;
    must(f, 200, "GET", target, NULL);
    const cJSON *rows = json_get(f->body, "rows");
    assert_non_null(rows);
    assert_non_null(rows->child);
    json_write(&b, json_get(rows->child, "cells"));
    const char *text = arena_c(&f->a, buf_str(&b));
    buf_free(&b);
    return text;
}

#define POD(name, spec, status)                                                                    \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name                       \
    "\",\"namespace\":\"default\"},\"spec\":{" spec                                                \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"d\",\"image\":\"j\"}]},"         \
    "\"status\":{" status "}}"
#define PODS "/api/v1/namespaces/default/pods/"

static const struct {
    const char *json, *target, *cells;
} pod_rows[] = {
    {POD("pending", "", "\"phase\":\"Pending\""), PODS "pending",
     "[\"pending\",\"0/"
     "2\",\"Pending\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("running", "\"nodeName\":\"n1\",",
         "\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"10.0.0.1\"}],\"containerStatuses\":["
         "{\"name\":\"c\",\"ready\":true,\"restartCount\":2,\"state\":{\"running\":{}}},"
         "{\"name\":\"d\",\"ready\":true,\"restartCount\":1,\"state\":{\"running\":{}}}]"),
     PODS "running",
     "[\"running\",\"2/"
     "2\",\"Running\",\"3\",\"0s\",\"10.0.0.1\",\"n1\",\"<none>\",\"<none>\"]"},
    {POD("crash", "",
         "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"c\",\"restartCount\":4,"
         "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}},{\"name\":\"d\",\"ready\":"
         "true,"
         "\"restartCount\":0,\"state\":{\"running\":{}}}]"),
     PODS "crash",
     "[\"crash\",\"1/"
     "2\",\"CrashLoopBackOff\",\"4\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("init", "\"initContainers\":[{\"name\":\"a\"},{\"name\":\"b\"}],",
         "\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"restartCount\":0,"
         "\"state\":{\"terminated\":{\"exitCode\":0}}},{\"name\":\"b\",\"restartCount\":1,"
         "\"state\":{\"running\":{}}}]"),
     PODS "init",
     "[\"init\",\"0/2\",\"Init:1/"
     "2\",\"1\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("sidecar", "\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\"}],",
         "\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"s\",\"restartCount\":1,"
         "\"started\":true,\"ready\":true,\"state\":{\"running\":{}}}],\"containerStatuses\":["
         "{\"name\":\"c\",\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}}]"),
     PODS "sidecar",
     "[\"sidecar\",\"2/"
     "3\",\"Running\",\"1\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("failed", "",
         "\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"restartCount\":0,"
         "\"state\":"
         "{\"terminated\":{\"exitCode\":3}}}]"),
     PODS "failed",
     "[\"failed\",\"0/"
     "2\",\"ExitCode:3\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("done", "",
         "\"phase\":\"Succeeded\",\"containerStatuses\":[{\"name\":\"c\",\"restartCount\":0,"
         "\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}}]"),
     PODS "done",
     "[\"done\",\"0/"
     "2\",\"Completed\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("gated", "\"readinessGates\":[{\"conditionType\":\"x/y\"}],",
         "\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
         "\"False\","
         "\"reason\":\"SchedulingGated\"},{\"type\":\"x/y\",\"status\":\"True\"}]"),
     PODS "gated",
     "[\"gated\",\"0/2\",\"SchedulingGated\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"1/"
     "1\"]"},
    {POD("sidecar2", "\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\"}],",
         "\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"s\",\"restartCount\":0,"
         "\"started\":true,\"ready\":false,\"state\":{\"running\":{}}}],\"containerStatuses\":["
         "{\"name\":\"c\",\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}}]"),
     PODS "sidecar2",
     "[\"sidecar2\",\"1/"
     "3\",\"Running\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("begun", "\"initContainers\":[{\"name\":\"a\"}],",
         "\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"a\",\"restartCount\":5,"
         "\"state\":{\"terminated\":{\"exitCode\":0}}}],\"containerStatuses\":["
         "{\"name\":\"c\",\"ready\":true,\"restartCount\":1,\"state\":{\"running\":{}}}]"),
     PODS "begun",
     "[\"begun\",\"1/"
     "2\",\"Running\",\"1\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("begins", "\"initContainers\":[{\"name\":\"a\"}],",
         "\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"restartCount\":0,"
         "\"state\":{\"waiting\":{\"reason\":\"PodInitializing\"}}}]"),
     PODS "begins",
     "[\"begins\",\"0/2\",\"Init:0/"
     "1\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
    {POD("killed", "\"readinessGates\":[{\"conditionType\":\"x/y\"}],",
         "\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"restartCount\":0,"
         "\"state\":{\"terminated\":{\"exitCode\":137,\"signal\":9}}}],\"conditions\":[{\"type\":"
         "\"x/y\",\"status\":\"False\"}]"),
     PODS "killed",
     "[\"killed\",\"0/2\",\"Signal:9\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"0/"
     "1\"]"},
    {POD("evicted", "", "\"phase\":\"Failed\",\"reason\":\"Evicted\""), PODS "evicted",
     "[\"evicted\",\"0/"
     "2\",\"Evicted\",\"0\",\"0s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"},
};

static void pods_say_what_they_do(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(pod_rows); i++) {
        apply(&f, pod_rows[i].json);
        assert_string_equal(cells(&f, pod_rows[i].target), pod_rows[i].cells);
    }
    must(&f, 200, "GET", PODS "done", NULL);
    assert_true(str_find(buf_str(&f.last.body), STR("\"reason\":\"Succeeded\"")) >= 0);
    fixture_close(&f);
}

#define OBJECT(version, kind, name, rest)                                                          \
    "{\"apiVersion\":\"" version "\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name         \
    "\",\"namespace\":\"default\"}," rest "}"
#define CLUSTER(version, kind, name, rest)                                                         \
    "{\"apiVersion\":\"" version "\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name         \
    "\"}," rest "}"
#define CORE(resource, name)         "/api/v1/namespaces/default/" resource "/" name
#define GROUP(group, resource, name) "/apis/" group "/namespaces/default/" resource "/" name
#define TEMPLATE                                                                                   \
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"containers\":[{\"name\":" \
    "\"c\","                                                                                       \
    "\"image\":\"i:1\"},{\"name\":\"d\",\"image\":\"j\"}]}}"

#define LASTED(name, from, to, cell)                                                               \
    OBJECT("batch/v1", "Job", name,                                                                \
           "\"spec\":{\"completions\":4," TEMPLATE                                                 \
           "},\"status\":{\"succeeded\":4,\"startTime\":\"" from "\","                             \
           "\"completionTime\":\"" to                                                              \
           "\",\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}"),                    \
        GROUP("batch/v1", "jobs", name),                                                           \
        "[\"" name "\",\"Complete\",\"4/4\",\"" cell "\",\"0s\",\"c,d\",\"i:1,j\",\"<none>\"]"

static const struct {
    const char *json, *target, *cells;
} kind_rows[] = {
    {OBJECT("v1", "ConfigMap", "cm",
            "\"data\":{\"a\":\"1\",\"b\":\"2\"},\"binaryData\":{\"c\":\"AA==\"}"),
     CORE("configmaps", "cm"), "[\"cm\",3,\"0s\"]"},
    {OBJECT("v1", "Secret", "s", "\"type\":\"Opaque\",\"data\":{\"a\":\"AA==\"}"),
     CORE("secrets", "s"), "[\"s\",\"Opaque\",1,\"0s\"]"},
    {OBJECT("apps/v1", "Deployment", "d",
            "\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"a\"},"
            "\"matchExpressions\":["
            "{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"y\",\"x\"]},{\"key\":\"b\","
            "\"operator\":"
            "\"DoesNotExist\"}]}," TEMPLATE
            "},\"status\":{\"readyReplicas\":2,\"updatedReplicas\":3,"
            "\"availableReplicas\":1}"),
     GROUP("apps/v1", "deployments", "d"),
     "[\"d\",\"2/3\",3,1,\"0s\",\"c,d\",\"i:1,j\",\"app=a,!b,tier in (x,y)\"]"},
    {OBJECT("apps/v1", "DaemonSet", "ds",
            "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"a\"}}," TEMPLATE
            "},\"status\":{\"desiredNumberScheduled\":5,\"numberReady\":4}"),
     GROUP("apps/v1", "daemonsets", "ds"),
     "[\"ds\",5,0,4,0,0,\"<none>\",\"0s\",\"c,d\",\"i:1,j\",\"app=a\"]"},
    {OBJECT("v1", "Service", "lb",
            "\"spec\":{\"type\":\"LoadBalancer\",\"clusterIP\":\"10.0.0.9\",\"selector\":{"
            "\"app\":\"a\","
            "\"b\":\"c\"},\"ports\":[{\"port\":80,\"nodePort\":30080,\"protocol\":\"TCP\"},{"
            "\"port\":53,"
            "\"protocol\":\"UDP\"}]}"),
     CORE("services", "lb"),
     "[\"lb\",\"LoadBalancer\",\"10.0.0.9\",\"<pending>\",\"80:30080/TCP,53/"
     "UDP\",\"0s\",\"app=a,b=c\"]"},
    {OBJECT("v1", "Endpoints", "e",
            "\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.2\"}],"
            "\"ports\":[{"
            "\"port\":80},{\"port\":443}]}]"),
     CORE("endpoints", "e"), "[\"e\",\"10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...\",\"0s\"]"},
    {OBJECT("batch/v1", "Job", "j",
            "\"spec\":{\"completions\":4,\"parallelism\":1," TEMPLATE
            "},\"status\":{\"succeeded\":4,"
            "\"startTime\":\"2025-01-01T00:00:00Z\",\"completionTime\":\"2025-01-01T00:03:10Z\","
            "\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}"),
     GROUP("batch/v1", "jobs", "j"),
     "[\"j\",\"Complete\",\"4/4\",\"3m10s\",\"0s\",\"c,d\",\"i:1,j\",\"<none>\"]"},
    {LASTED("j150m", "2025-01-01T00:00:00Z", "2025-01-01T02:30:00Z", "150m")},
    {LASTED("j7d", "2025-01-01T00:00:00Z", "2025-01-08T05:00:00Z", "7d5h")},
    {LASTED("j8y", "2015-01-01T00:00:00Z", "2023-03-01T00:00:00Z", "8y")},
    {OBJECT("autoscaling/v2", "HorizontalPodAutoscaler", "h",
            "\"spec\":{\"minReplicas\":1,\"maxReplicas\":5,\"scaleTargetRef\":{\"kind\":"
            "\"Deployment\","
            "\"name\":\"d\"},\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":"
            "\"cpu\",\"target\":{"
            "\"type\":\"Utilization\",\"averageUtilization\":80}}},{\"type\":\"Pods\",\"pods\":"
            "{\"metric\":{"
            "\"name\":\"m\"},\"target\":{\"averageValue\":\"10\"}}}]},\"status\":{"
            "\"currentReplicas\":2,"
            "\"currentMetrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\","
            "\"current\":{"
            "\"averageUtilization\":7}}}]}"),
     GROUP("autoscaling/v2", "horizontalpodautoscalers", "h"),
     "[\"h\",\"Deployment/d\",\"cpu: 7%/80%, <unknown>/10\",\"1\",5,2,\"0s\"]"},
    {OBJECT("networking.k8s.io/v1", "Ingress", "i",
            "\"spec\":{\"tls\":[{}],\"rules\":[{\"host\":\"a\"},{\"host\":\"b\"},{\"host\":"
            "\"c\"},{\"host\":"
            "\"d\"}]},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"1.2.3.4\"}]}}"),
     GROUP("networking.k8s.io/v1", "ingresses", "i"),
     "[\"i\",\"<none>\",\"a,b,c + 1 more...\",\"1.2.3.4\",\"80, 443\",\"0s\"]"},
    {OBJECT("rbac.authorization.k8s.io/v1", "RoleBinding", "rb",
            "\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"view\",\"apiGroup\":"
            "\"rbac.authorization.k8s.io\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{"
            "\"kind\":"
            "\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"a\"},{\"kind\":\"User\","
            "\"name\":\"v\"}]"),
     GROUP("rbac.authorization.k8s.io/v1", "rolebindings", "rb"),
     "[\"rb\",\"ClusterRole/view\",\"0s\",\"u, v\",\"\",\"n/a\"]"},
    {CLUSTER("v1", "Node", "node",
             "\"spec\":{\"unschedulable\":true},\"status\":{\"conditions\":[{\"type\":"
             "\"Ready\",\"status\":"
             "\"True\"}],\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"1.1.1.1\"}],"
             "\"nodeInfo\":{"
             "\"kubeletVersion\":\"v1\",\"osImage\":\"os\"}}"),
     "/api/v1/nodes/node",
     "[\"node\",\"Ready,SchedulingDisabled\",\"<none>\",\"0s\",\"v1\",\"1.1.1.1\",\"<none>\","
     "\"os\","
     "\"<unknown>\",\"<unknown>\"]"},
    {CLUSTER("v1", "PersistentVolume", "pv",
             "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteMany\","
             "\"ReadWriteOnce\"],\"persistentVolumeReclaimPolicy\":\"Retain\",\"claimRef\":{"
             "\"namespace\":"
             "\"n\",\"name\":\"c\"},\"volumeMode\":\"Block\"},\"status\":{\"phase\":\"Bound\"}"),
     "/api/v1/persistentvolumes/pv",
     "[\"pv\",\"1Gi\",\"RWO,RWX\",\"Retain\",\"Bound\",\"n/"
     "c\",\"\",\"<unset>\",\"\",\"0s\",\"Block\"]"},
    {OBJECT("v1", "ResourceQuota", "q",
            "\"status\":{\"hard\":{\"limits.cpu\":\"2\",\"pods\":\"10\",\"requests.cpu\":\"1\"}"
            ",\"used\":{"
            "\"pods\":\"3\"}}"),
     CORE("resourcequotas", "q"),
     "[\"q\",\"pods: 3/10, requests.cpu: 0/1\",\"limits.cpu: 0/2\",\"0s\"]"},
    {OBJECT("v1", "Event", "ev",
            "\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\",\"namespace\":\"default\"},"
            "\"type\":"
            "\"Warning\",\"reason\":\"Odd\",\"message\":\" it is "
            "\\\"odd\\\"\\n\",\"source\":{\"component\":"
            "\"k\",\"host\":\"n\"},\"count\":3"),
     CORE("events", "ev"),
     "[\"<unknown>\",\"Warning\",\"Odd\",\"pod/p\",\"\",\"k, n\",\"it is "
     "\\\"odd\\\"\",\"<unknown>\",3,"
     "\"ev\"]"},
};

static void kinds_have_their_cells(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(kind_rows); i++) {
        apply(&f, kind_rows[i].json);
        assert_string_equal(cells(&f, kind_rows[i].target), kind_rows[i].cells);
    }
    fixture_close(&f);
}

static void ages_follow_the_clock(void **state)
{
    static const struct {
        int64_t seconds; /* since the row before */
        const char *age;
    } rows[] = {
        {0, "0s"},
        {119, "119s"},
        {1, "2m"},
        {65, "3m5s"},
        {600 - 185, "10m"},
        {3 * 3600 - 600, "3h"},
        {60, "3h1m"},
        {5 * 3600 - 60, "8h"},
        {32 * 3600, "40h"},
        {8 * 3600, "2d"},
        {3600, "2d1h"},
        {6 * 86400, "8d"},
        {600 * 86400, "608d"},
        {200 * 86400, "2y78d"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    apply(&f, OBJECT("v1", "ConfigMap", "a", "\"data\":{}"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = {.max = 64};
        fake_run_for(f.world, rows[i].seconds * NS_PER_S);
        buf_addf(&b, "[\"a\",0,\"%s\"]", rows[i].age);
        assert_string_equal(cells(&f, CORE("configmaps", "a")), buf_c(&b));
        buf_free(&b);
    }
    fixture_close(&f);
}

static bool says(const struct fixture *f, const char *piece)
{
    return str_find(buf_str(&f->last.body), str_c(piece)) >= 0;
}

static void rows_carry_what_was_asked(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    apply(&f, OBJECT("v1", "ConfigMap", "a", "\"data\":{\"k\":\"v\"}"));
    f.accept = TABLE ",application/json";
    must(&f, 200, "GET", "/api/v1/configmaps", NULL);
    assert_string_equal(said(&f, "kind"), "Table");
    assert_true(says(&f, "\"object\":{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":"
                         "\"meta.k8s.io/v1\",\"metadata\":{"));
    assert_true(says(&f, "\"namespace\":\"default\""));
    assert_false(says(&f, "\"k\":\"v\""));
    must(&f, 200, "GET", "/api/v1/configmaps?includeObject=Object", NULL);
    assert_true(says(&f, "\"object\":{\"apiVersion\":\"v1\",\"data\":{\"k\":\"v\"}"));
    must(&f, 200, "GET", "/api/v1/configmaps?includeObject=None", NULL);
    assert_true(says(&f, "\"object\":null"));
    must(&f, 200, "GET", "/api/v1/namespaces/default/configmaps/a", NULL); /* a Table of one */
    assert_string_equal(said(&f, "kind"), "Table");
    struct str revision =
        json_string_at(json_get(f.body, "rows")->child, "object.metadata.resourceVersion");
    assert_true(revision.n > 0 && str_eq_c(revision, said(&f, "metadata.resourceVersion")));
    must(&f, 400, "GET", "/api/v1/configmaps?includeObject=x", NULL);
    must(&f, 200, "GET", "/api/v1/namespaces/default/secrets", NULL);
    assert_true(says(&f, "\"rows\":[]"));
    f.accept = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
    must(&f, 200, "GET", "/api/v1/configmaps", NULL);
    assert_string_equal(said(&f, "apiVersion"), "meta.k8s.io/v1beta1");
    f.accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    must(&f, 200, "GET", "/api/v1/configmaps", NULL);
    assert_string_equal(said(&f, "kind"), "PartialObjectMetadataList");
    f.accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    must(&f, 201, "POST", "/api/v1/namespaces/default/configmaps",
         "{\"metadata\":{\"name\":\"b\"},\"data\":{\"k\":\"v\"}}");
    assert_string_equal(said(&f, "kind"), "PartialObjectMetadata");
    assert_string_equal(said(&f, "metadata.name"), "b");
    must(&f, 406, "GET", "/api/v1/configmaps", NULL);
    assert_string_equal(said(&f, "message"),
                        "you requested PartialObjectMetadata, but the requested object is a list "
                        "(*core.ConfigMapList)");
    f.accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    must(&f, 406, "GET", "/api/v1/namespaces/default/configmaps/b", NULL);
    assert_string_equal(said(&f, "message"),
                        "you requested PartialObjectMetadataList, but the requested object is not "
                        "a list (*core.ConfigMap)");
    fixture_close(&f);
}

static void pages_keep_their_token(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    apply(&f, OBJECT("v1", "ConfigMap", "a", "\"data\":{}"));
    apply(&f, OBJECT("v1", "ConfigMap", "b", "\"data\":{}"));
    f.accept = TABLE;
    must(&f, 200, "GET", "/api/v1/namespaces/default/configmaps?limit=1", NULL);
    assert_string_equal(said(&f, "metadata.remainingItemCount"), "1");
    assert_true(strlen(said(&f, "metadata.continue")) > 0);
    assert_true(strlen(said(&f, "metadata.resourceVersion")) > 0);
    fixture_close(&f);
}

static void definitions_bring_columns(void **state)
{
    static const char crd[] =
        "{\"apiVersion\":\"apiextensions.k8s.io/"
        "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{"
        "\"name\":\"ws.example.com\"},\"spec\":{\"group\":\"example.com\",\"scope\":\"Namespaced\","
        "\"names\":{"
        "\"plural\":\"ws\",\"kind\":\"W\"},\"versions\":[{\"name\":\"v1\",\"served\":true,"
        "\"storage\":true,"
        "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-"
        "fields\":true}},"
        "\"additionalPrinterColumns\":[{\"name\":\"Size\",\"type\":\"integer\",\"jsonPath\":\"."
        "spec.size\"},{"
        "\"name\":\"Any\",\"type\":\"string\",\"jsonPath\":\".spec\"},{\"name\":\"Ready\",\"type\":"
        "\"string\","
        "\"jsonPath\":\".status.conditions[?(@.type==\\\"Ready\\\")].status\"},{\"name\":\"On\","
        "\"type\":"
        "\"boolean\",\"jsonPath\":\".spec.on\"},{\"name\":\"None\",\"type\":\"integer\","
        "\"jsonPath\":\".x\"},{"
        "\"name\":\"Age\",\"type\":\"date\",\"jsonPath\":\".metadata.creationTimestamp\"}]},{"
        "\"name\":\"v2\","
        "\"served\":true,\"storage\":false,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
        "\"x-kubernetes-preserve-unknown-fields\":true}}}]}}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
    must(&f, 201, "POST", "/apis/example.com/v1/namespaces/default/ws",
         "{\"apiVersion\":\"example.com/"
         "v1\",\"kind\":\"W\",\"metadata\":{\"name\":\"w\"},\"spec\":{\"on\":true,"
         "\"size\":3},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}");
    assert_string_equal(cells(&f, "/apis/example.com/v1/namespaces/default/ws/w"),
                        "[\"w\",3,\"{\\\"on\\\":true,\\\"size\\\":3}\",\"True\",true,null,\"0s\"]");
    assert_true(says(&f, "Custom resource definition column (in JSONPath format): .spec.size"));
    assert_string_equal(cells(&f, "/apis/example.com/v2/namespaces/default/ws"), "[\"w\",\"0s\"]");
    fixture_close(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_say_what_they_do),     cmocka_unit_test(kinds_have_their_cells),
        cmocka_unit_test(ages_follow_the_clock),     cmocka_unit_test(rows_carry_what_was_asked),
        cmocka_unit_test(definitions_bring_columns), cmocka_unit_test(pages_keep_their_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
