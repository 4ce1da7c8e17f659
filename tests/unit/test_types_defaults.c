/* Goal: defaults fill what is absent, on their conditions, and only there.
 * Method: bodies are decoded and filled; parts of the outcome are compared; filling again changes nothing. */
#include "tests/unit/support/check.h"

#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/types/defaults.h"

static void check_defaults(const char *group, const char *kind, const char *body, const char *path,
                           const char *want)
{
    struct arena a = {0};
    struct buf out = {0}, again = {0};
    struct decode_report report = {0};
    const struct type *t = type_builtin(str_c(group), STR("v1"), str_c(kind));
    cJSON *tree;
    assert_non_null(t);
    check_ok(json_parse(&a, str_c(body), &tree));
    assert_true(type_decode(&a, t, tree, &report));
    type_default(&a, t, tree);
    cJSON *part = json_path(tree, path);
    if (part)
        json_write(&out, part);
    check_str(buf_str(&out), want);
    buf_clear(&out);
    json_write(&out, tree);
    assert_true(type_decode(&a, t, tree, &report));
    type_default(&a, t, tree);
    json_write(&again, tree);
    check_str_eq(buf_str(&again), buf_str(&out));
    buf_free(&out);
    buf_free(&again);
    arena_free(&a);
}

static void fills(void **state)
{
    const struct {
        const char *group, *kind, *body, *path, *want;
    } rows[] = {
        {"", "Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}", "spec",
         "{\"containers\":[{\"name\":\"a\",\"resources\":{},\"terminationMessagePath\":\"/dev/"
         "termination-log\",\"terminationMessagePolicy\":\"File\"}],\"dnsPolicy\":\"ClusterFirst\","
         "\"enableServiceLinks\":true,\"restartPolicy\":\"Always\",\"schedulerName\":\"default-"
         "scheduler\",\"securityContext\":{},\"terminationGracePeriodSeconds\":30}"},
        {"", "Pod", "{\"spec\":{\"restartPolicy\":\"Never\",\"terminationGracePeriodSeconds\":0}}",
         "spec.terminationGracePeriodSeconds", "0"},
        {"", "Pod",
         "{\"spec\":{\"containers\":[{\"name\":\"a\",\"livenessProbe\":{\"httpGet\":{\"port\":80},"
         "\"timeoutSeconds\":0,\"periodSeconds\":3}}]}}",
         "spec.containers",
         "[{\"livenessProbe\":{\"failureThreshold\":3,\"httpGet\":{\"path\":\"/\",\"port\":80,"
         "\"scheme\":\"HTTP\"},\"periodSeconds\":3,\"successThreshold\":1,\"timeoutSeconds\":1},"
         "\"name\":\"a\",\"resources\":{},\"terminationMessagePath\":\"/dev/termination-log\","
         "\"terminationMessagePolicy\":\"File\"}]"},
        {"apps", "Deployment", "{}", "spec.strategy",
         "{\"rollingUpdate\":{\"maxSurge\":\"25%\",\"maxUnavailable\":\"25%\"},\"type\":"
         "\"RollingUpdate\"}"},
        {"apps", "Deployment", "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1}}}}",
         "spec.strategy",
         "{\"rollingUpdate\":{\"maxSurge\":1,\"maxUnavailable\":\"25%\"},\"type\":"
         "\"RollingUpdate\"}"},
        {"apps", "Deployment", "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}", "spec.strategy",
         "{\"type\":\"Recreate\"}"},
        {"apps", "Deployment", "{\"spec\":{\"replicas\":0}}", "spec.replicas", "0"},
        {"apps", "Deployment", "{}", "spec.template.spec.enableServiceLinks", ""},
        {"apps", "StatefulSet", "{}", "spec.persistentVolumeClaimRetentionPolicy",
         "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}"},
        {"batch", "Job", "{}", "spec.completions", "1"},
        {"batch", "Job", "{\"spec\":{\"parallelism\":2}}", "spec.completions", ""},
        {"batch", "Job", "{\"spec\":{\"completions\":2}}", "spec.parallelism", "1"},
        {"batch", "Job", "{}", "spec.backoffLimit", "6"},
        {"batch", "CronJob", "{}", "spec.jobTemplate.spec.backoffLimit", ""},
        {"", "Service", "{\"spec\":{\"type\":\"LoadBalancer\",\"ports\":[{\"port\":1}]}}", "spec",
         "{\"allocateLoadBalancerNodePorts\":true,\"externalTrafficPolicy\":\"Cluster\","
         "\"internalTrafficPolicy\":\"Cluster\",\"ports\":[{\"port\":1,\"protocol\":\"TCP\","
         "\"targetPort\":1}],\"sessionAffinity\":\"None\",\"type\":\"LoadBalancer\"}"},
        {"", "Service", "{\"spec\":{\"type\":\"ExternalName\"}}", "spec",
         "{\"sessionAffinity\":\"None\",\"type\":\"ExternalName\"}"},
        {"rbac.authorization.k8s.io", "RoleBinding",
         "{\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{\"kind\":\"ServiceAccount\",\"name\":"
         "\"s\"}]}",
         "subjects",
         "[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\",\"name\":\"u\"},{\"kind\":"
         "\"ServiceAccount\",\"name\":\"s\"}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_defaults(rows[i].group, rows[i].kind, rows[i].body, rows[i].path, rows[i].want);
}

static void leaves_raw_text_alone(void **state)
{
    struct arena a = {0};
    cJSON *tree = json_object(&a), *raw = json_int_new(&a, 0);
    raw->valuestring = arena_c(&a, STR("{\"containers\":[]}"));
    json_set(&a, tree, STR("spec"), raw);
    type_default(&a, type_builtin(STR(""), STR("v1"), STR("Pod")), tree);
    assert_ptr_equal(json_get(tree, "spec"), raw);
    check_str(str_c(raw->valuestring), "{\"containers\":[]}");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills),
        cmocka_unit_test(leaves_raw_text_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
