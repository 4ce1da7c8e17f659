/* Goal: what a webhook is told about a request: operation, kinds, names, options, objects; of main resources, subresources,
 * connections and collections.
 * Method: one webhook for everything in a simulated world notes each question as one line; each row is a request and the
 * lines that it must lead to. Mutations of custom objects and of subresources' objects are looked at in the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "tests/unit/support/hook_world.h"

#include <string.h>

#define CM      "/api/v1/namespaces/default/configmaps"
#define PODS    "/api/v1/namespaces/default/pods"
#define APPS    "/apis/apps/v1/namespaces/default/deployments"
#define SCALERS "/namespaces/default/horizontalpodautoscalers"
#define ADMIT   "/apis/admissionregistration.k8s.io/v1/"

/* ---- the webhook ---- */

static void note(struct buf *log, const cJSON *v, const char *name)
{
    const cJSON *part = json_path(v, name);
    buf_addf(log, " %s=", name);
    if (!part)
        buf_add_c(log, "-");
    else if (json_is_string(part))
        buf_add(log, json_string(part));
    else
        json_write(log, part);
}

static void note_kind(struct buf *log, const cJSON *request, const char *name)
{
    const cJSON *v = json_get(request, name);
    struct str what = json_string_at(v, "kind");
    buf_addf(log, " %s=" STR_FMT "/" STR_FMT "." STR_FMT, name, STR_ARG(json_string_at(v, "group")),
             STR_ARG(json_string_at(v, "version")),
             STR_ARG(what.n > 0 ? what : json_string_at(v, "resource")));
}

/* /see tells who is asked about what; /options and /objects show these; /patch?... adds to data. */
static int answer(struct hook_world *n, const char *path, const cJSON *review, struct buf *out)
{
    const cJSON *q = json_get(review, "request");
    struct buf patch = {0};
    buf_add(&n->log, json_string_at(q, "operation"));
    if (strcmp(path, "/options") == 0) {
        note(&n->log, q, "options");
        note(&n->log, q, "dryRun");
    } else if (strcmp(path, "/object") == 0) {
        note(&n->log, q, "object");
    } else {
        note_kind(&n->log, q, "kind");
        note_kind(&n->log, q, "resource");
        note(&n->log, q, "subResource");
        note_kind(&n->log, q, "requestKind");
        note_kind(&n->log, q, "requestResource");
        note(&n->log, q, "requestSubResource");
        note(&n->log, q, "name");
        note(&n->log, q, "namespace");
        note(&n->log, q, "object.metadata.name");
        note(&n->log, q, "oldObject.metadata.name");
    }
    buf_add_char(&n->log, '\n');
    buf_addf(out,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
             "\"uid\":\"" STR_FMT "\",\"allowed\":%s",
             STR_ARG(json_string_at(q, "uid")), strcmp(path, "/deny") == 0 ? "false" : "true");
    if (strcmp(path, "/deny") == 0)
        buf_add_c(out, ",\"status\":{\"message\":\"not allowed\"}");
    if (strcmp(path, "/grow") == 0)
        buf_add_c(&patch, "[{\"op\":\"add\",\"path\":\"/data/seen\",\"value\":\"yes\"},"
                          "{\"op\":\"add\",\"path\":\"/data/unknown\",\"value\":\"gone\"}]");
    if (strcmp(path, "/scale") == 0)
        buf_add_c(&patch, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":7}]");
    if (strcmp(path, "/wrong") == 0)
        buf_add_c(&patch, "[{\"op\":\"add\",\"path\":\"/data\",\"value\":5}]");
    if (patch.n > 0) {
        buf_add_c(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        base64_encode(out, buf_str(&patch));
        buf_add_char(out, '"');
    }
    buf_add_c(out, "}}");
    buf_free(&patch);
    return 200;
}

/* A webhook for `resources` of every group. */
static void configure(struct hook_world *n, const char *kind, const char *path,
                      const char *resources, const char *more)
{
    struct buf b = {0};
    buf_addf(&b,
             "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
             "\"%sWebhookConfiguration\",\"metadata\":{\"name\":\"c\"},\"webhooks\":[{\"name\":"
             "\"h.x.io\",\"clientConfig\":{\"url\":\"https://10.0.0.2%s\",\"caBundle\":\"" STR_FMT
             "\"},\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"],\"rules\":[{"
             "\"operations\":[\"*\"],\"apiGroups\":[\"*\"],\"apiVersions\":[\"%s\"],"
             "\"resources\":[\"%s\"]}]%s}]}",
             kind, path, STR_ARG(buf_str(&n->bundle)), strstr(more, "Policy\":\"") ? "v2" : "*",
             resources, more);
    const char *to = strcmp(kind, "Mutating") == 0 ? ADMIT "mutatingwebhookconfigurations"
                                                   : ADMIT "validatingwebhookconfigurations";
    if (hook_world_call(n, "POST", to, buf_c(&b)) != 201)
        fail_msg("%s", buf_c(&n->body));
    buf_free(&b);
}

static void put(struct hook_world *n, const char *json)
{
    struct err *err = kubeapi_apply(n->api, str_c(json), NULL);
    if (err)
        fail_msg("%s", err->message);
}

#define OBJECT(name)                                                                               \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name                 \
    "\",\"namespace\":\"default\"},\"data\":{\"k\":\"v\"}}"
#define POD                                                                                        \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"          \
    "\"default\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"
#define DEPLOYMENT                                                                                 \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\","            \
    "\"namespace\":\"default\"},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"a\":"    \
    "\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{"    \
    "\"name\":\"c\",\"image\":\"i\"}]}}}}"
#define SCALER(version, spec)                                                                      \
    "{\"apiVersion\":\"autoscaling/" version "\",\"kind\":\"HorizontalPodAutoscaler\","            \
    "\"metadata\":{\"name\":\"h\",\"namespace\":\"default\"},\"spec\":{\"maxReplicas\":3,"         \
    "\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"}" spec "}}"

struct row {
    const char *method, *target, *type, *body;
    const char *path, *resources, *more; /* of the webhook */
    int status;
    const char *said; /* all that it was told */
};

static void play(const struct row *row, const char *kind)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    put(&n, OBJECT("o"));
    put(&n, OBJECT("o2"));
    put(&n, POD);
    put(&n, DEPLOYMENT);
    configure(&n, kind, row->path, row->resources, row->more);
    int status = hook_world_call_as(&n, row->method, row->target, row->type, row->body);
    if (status != row->status || strcmp(buf_c(&n.log), row->said) != 0)
        fail_msg("%s %s: %d\n%s\ntold:   %sexpected: %s", row->method, row->target, status,
                 buf_c(&n.body), buf_c(&n.log), row->said);
    hook_world_close(&n);
}

#define MAP(request)                                                                               \
    " kind=/v1.ConfigMap resource=/v1.configmaps subResource=- requestKind="                       \
    "/v1.ConfigMap requestResource=/v1.configmaps requestSubResource=-" request

static void requests_are_told(void **state)
{
    static const struct row rows[] = {
        {"POST", CM, NULL, OBJECT("n"), "/see", "configmaps", "", 201,
         "CREATE" MAP(
             " name=n namespace=default object.metadata.name=n oldObject.metadata.name=-\n")},
        {"POST", CM, NULL,
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"generateName\":\"g-\"}}",
         "/see", "configmaps", "", 201,
         "CREATE" MAP(
             " name=- namespace=default object.metadata.name=- oldObject.metadata.name=-\n")},
        {"PATCH", CM "/o", NULL, "{\"data\":{\"a\":\"b\"}}", "/see", "configmaps", "", 200,
         "UPDATE" MAP(
             " name=o namespace=default object.metadata.name=o oldObject.metadata.name=o\n")},
        {"DELETE", CM "/o", NULL, "", "/see", "configmaps", "", 200,
         "DELETE" MAP(
             " name=o namespace=default object.metadata.name=- oldObject.metadata.name=o\n")},
        {"DELETE", CM "?fieldSelector=metadata.name%3Do", NULL, "", "/see", "configmaps", "", 200,
         "DELETE" MAP(" name=- namespace=default object.metadata.name=- "
                      "oldObject.metadata.name=o\n")},
        {"PUT", APPS "/d/scale", NULL,
         "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"Scale\",\"metadata\":{\"name\":\"d\","
         "\"namespace\":\"default\"},\"spec\":{\"replicas\":3}}",
         "/see", "deployments/*", "", 200,
         "UPDATE kind=autoscaling/v1.Scale resource=apps/v1.deployments subResource=scale "
         "requestKind=autoscaling/v1.Scale requestResource=apps/v1.deployments "
         "requestSubResource=scale name=d namespace=default object.metadata.name=d "
         "oldObject.metadata.name=d\n"},
        {"POST", PODS "/p/binding", NULL,
         "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"p\"},\"target\":{"
         "\"kind\":\"Node\",\"name\":\"n\"}}",
         "/see", "pods/*", "", 201,
         "CREATE kind=/v1.Binding resource=/v1.pods subResource=binding requestKind=/v1.Binding "
         "requestResource=/v1.pods requestSubResource=binding name=p namespace=default "
         "object.metadata.name=p oldObject.metadata.name=-\n"},
        {"POST", PODS "/p/eviction", NULL,
         "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"p\"}}",
         "/see", "pods/*", "", 201,
         "CREATE kind=policy/v1.Eviction resource=/v1.pods subResource=eviction requestKind="
         "policy/v1.Eviction requestResource=/v1.pods requestSubResource=eviction name=p "
         "namespace=default object.metadata.name=p oldObject.metadata.name=-\n"},
        {"PATCH", PODS "/p/status", NULL, "{\"status\":{\"reason\":\"r\"}}", "/see", "*/*", "", 200,
         "UPDATE kind=/v1.Pod resource=/v1.pods subResource=status requestKind=/v1.Pod "
         "requestResource=/v1.pods requestSubResource=status name=p namespace=default "
         "object.metadata.name=p oldObject.metadata.name=p\n"},
        {"POST", "/apis/autoscaling/v1" SCALERS, NULL,
         SCALER("v1", ",\"targetCPUUtilizationPercentage\":50"), "/see", "horizontalpodautoscalers",
         ",\"matchPolicy\":\"Equivalent\"", 201,
         "CREATE kind=autoscaling/v2.HorizontalPodAutoscaler resource="
         "autoscaling/v2.horizontalpodautoscalers subResource=- requestKind="
         "autoscaling/v1.HorizontalPodAutoscaler requestResource="
         "autoscaling/v1.horizontalpodautoscalers requestSubResource=- name=h namespace=default "
         "object.metadata.name=h oldObject.metadata.name=-\n"},
        {"POST", "/apis/autoscaling/v1" SCALERS, NULL, SCALER("v1", ""), "/see",
         "horizontalpodautoscalers", ",\"matchPolicy\":\"Exact\"", 201, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        play(&rows[i], "Mutating");
    play(&rows[0], "Validating");
}

#define META "{\"apiVersion\":\"meta.k8s.io/v1\""

static void options_are_of_the_operation(void **state)
{
    static const struct row rows[] = {
        {"POST", CM "?fieldManager=me&fieldValidation=Strict", NULL, OBJECT("n"), "/options",
         "configmaps", "", 201,
         "CREATE options=" META ",\"fieldManager\":\"me\",\"fieldValidation\":\"Strict\",\"kind\":"
         "\"CreateOptions\"} dryRun=false\n"},
        {"PATCH", CM "/o?dryRun=All", NULL, "{\"data\":{\"a\":\"b\"}}", "/options", "configmaps",
         "", 200,
         "UPDATE options=" META ",\"dryRun\":[\"All\"],\"kind\":\"UpdateOptions\"} dryRun=true\n"},
        {"PATCH", CM "/n?fieldManager=me&force=true", "application/apply-patch+yaml",
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"n\"}}", "/options",
         "configmaps", "", 201,
         "CREATE options=" META ",\"fieldManager\":\"me\",\"kind\":\"CreateOptions\"} "
         "dryRun=false\n"},
        {"DELETE", CM "/o?gracePeriodSeconds=0&propagationPolicy=Foreground", NULL, "", "/options",
         "configmaps", "", 200,
         "DELETE options=" META ",\"gracePeriodSeconds\":0,\"kind\":\"DeleteOptions\","
         "\"propagationPolicy\":\"Foreground\"} dryRun=false\n"},
        {"GET", PODS "/p/attach?container=c&stdin=true", NULL, "", "/options", "pods/attach", "",
         400, "CONNECT options=null dryRun=false\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        play(&rows[i], "Validating");
}

#define CONNECT "CONNECT object={\"apiVersion\":\"v1\","

static void connections_are_told(void **state)
{
    static const struct row rows[] = {
        {"GET", PODS "/p/attach?container=c&stdin=true", NULL, "", "/object", "pods/attach", "",
         400,
         CONNECT "\"container\":\"c\",\"kind\":\"PodAttachOptions\",\"stderr\":true,\"stdin\":true,"
                 "\"stdout\":true}\n"},
        {"POST", PODS "/p/exec?command=ls&command=-l&tty=1", NULL, "", "/object", "pods/exec", "",
         400,
         CONNECT "\"command\":[\"ls\",\"-l\"],\"kind\":\"PodExecOptions\",\"stderr\":true,"
                 "\"stdout\":true,\"tty\":true}\n"},
        {"POST", PODS "/p/portforward?ports=80", NULL, "", "/object", "*/*", "", 400,
         CONNECT "\"kind\":\"PodPortForwardOptions\",\"ports\":[80]}\n"},
        {"GET", PODS "/p/proxy/a/b", NULL, "", "/object", "pods/proxy", "", 503,
         CONNECT "\"kind\":\"PodProxyOptions\",\"path\":\"/a/b\"}\n"},
        {"GET", PODS "/gone/attach", NULL, "", "/deny", "pods/attach", "", 400,
         "CONNECT kind=/v1.PodAttachOptions resource=/v1.pods subResource=attach requestKind="
         "/v1.PodAttachOptions requestResource=/v1.pods requestSubResource=attach name=gone "
         "namespace=default object.metadata.name=- oldObject.metadata.name=-\n"},
        {"GET", PODS "/p/log", NULL, "", "/object", "*/*", "", 204, ""},
        {"GET", PODS "/p/exec", NULL, "", "/object", "*/*",
         ",\"objectSelector\":{\"matchExpressions\":[{\"key\":\"x\",\"operator\":\"DoesNotExist\"}]"
         "}",
         400, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        play(&rows[i], "Validating");
}

/* ---- what they make of it ---- */

#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"

static void changes_are_taken_in(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    put(&n, DEPLOYMENT);
    put(&n,
        "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
        "\"metadata\":{\"name\":\"widgets.example.com\"},\"spec\":{\"group\":\"example.com\","
        "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"scope\":\"Namespaced\","
        "\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
        "\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"object\","
        "\"properties\":{\"seen\":{\"type\":\"string\"}}}}}}}]}}");
    hook_world_run(&n, 1);
    configure(&n, "Mutating", "/grow", "widgets", "");
    assert_int_equal(hook_world_call(&n, "POST", WIDGETS,
                                     "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\","
                                     "\"metadata\":{\"name\":\"w\"},\"data\":{}}"),
                     201);
    assert_true(hook_world_said(&n, "\"seen\":\"yes\""));
    assert_false(hook_world_said(&n, "\"unknown\":")); /* no field of the schema */
    (void)hook_world_call(&n, "DELETE", ADMIT "mutatingwebhookconfigurations/c", "");
    configure(&n, "Mutating", "/scale", "deployments/scale", "");
    assert_int_equal(hook_world_call(&n, "PATCH", APPS "/d/scale", "{\"spec\":{\"replicas\":3}}"),
                     200);
    assert_true(hook_world_said(&n, "\"replicas\":7"));
    (void)hook_world_call(&n, "DELETE", ADMIT "mutatingwebhookconfigurations/c", "");
    configure(&n, "Mutating", "/wrong", "configmaps", "");
    assert_int_equal(hook_world_call(&n, "POST", CM, OBJECT("x")), 500);
    assert_true(hook_world_said(&n, "Internal error occurred: json: cannot unmarshal number"));
    hook_world_close(&n);
}

/* ---- where they are ---- */

static void services_are_found(void **state)
{
#define SERVICE(name, spec)                                                                        \
    "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name                   \
    "\",\"namespace\":\"hooks\"},\"spec\":{" spec ",\"ports\":[{\"port\":443,\"name\":\"web\"}]}}"
    static const struct {
        const char *service, *said;
        int status;
    } rows[] = {
        {"\"name\":\"none\"",
         "Post \\\"https://none.hooks.svc:443/p?timeout=10s\\\": service "
         "\\\"none\\\" not found",
         500},
        {"\"name\":\"there\",\"port\":8443",
         "Post \\\"https://there.hooks.svc:8443/p?timeout=10s\\\": no service port 8443 found for "
         "service \\\"there\\\"",
         500},
        {"\"name\":\"headless\"", "cannot route to service with ClusterIP \\\"None\\\"", 500},
        /* it is reached, and its certificate is for an address alone */
        {"\"name\":\"there\"",
         "Post \\\"https://there.hooks.svc:443/p?timeout=10s\\\": tls: failed "
         "to verify certificate",
         500},
    };
    struct hook_world n;
    hook_world_open(&n, answer);
    put(&n, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"hooks\"}}");
    put(&n, SERVICE("there", "\"type\":\"ClusterIP\",\"clusterIP\":\"10.96.0.9\""));
    put(&n, SERVICE("headless", "\"type\":\"ClusterIP\",\"clusterIP\":\"None\""));
    put(&n,
        "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"there\","
        "\"namespace\":\"hooks\"},\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.9\"}],\"ports\":["
        "{\"name\":\"other\",\"port\":1}]},{\"addresses\":[{\"ip\":\"10.0.0.2\"}],\"ports\":[{"
        "\"name\":\"web\",\"port\":443}]}]}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = {0};
        buf_addf(
            &b,
            "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
            "\"ValidatingWebhookConfiguration\",\"metadata\":{\"name\":\"c%zu\"},\"webhooks\":[{"
            "\"name\":\"h.x.io\",\"clientConfig\":{\"service\":{\"namespace\":\"hooks\","
            "\"path\":\"/p\",%s},\"caBundle\":\"" STR_FMT "\"},\"sideEffects\":\"None\","
            "\"admissionReviewVersions\":[\"v1\"],\"rules\":[{\"operations\":[\"*\"],"
            "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\"]}]}]}",
            i, rows[i].service, STR_ARG(buf_str(&n.bundle)));
        if (hook_world_call(&n, "POST", ADMIT "validatingwebhookconfigurations", buf_c(&b)) != 201)
            fail_msg("%s", buf_c(&n.body));
        buf_clear(&b);
        int status = hook_world_call(&n, "POST", CM, OBJECT("n"));
        if (status != rows[i].status || !hook_world_said(&n, rows[i].said))
            fail_msg("%s: %d %s", rows[i].service, status, buf_c(&n.body));
        buf_addf(&b, ADMIT "validatingwebhookconfigurations/c%zu", i);
        (void)hook_world_call(&n, "DELETE", buf_c(&b), "");
        buf_free(&b);
    }
    hook_world_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_told),    cmocka_unit_test(options_are_of_the_operation),
        cmocka_unit_test(connections_are_told), cmocka_unit_test(changes_are_taken_in),
        cmocka_unit_test(services_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
