/* Goal: what the steps of a request leave for an audit log: who allowed it, what webhooks, policies and pod security found.
 * Method: an observer of a server in a simulated world writes the annotations of each exchange as lines; rows are requests
 * and lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "sim/kubeapi/core/exchange.h"
#include "tests/unit/support/hook_world.h"

#include <string.h>

#define CM    "/api/v1/namespaces/default/configmaps"
#define PODS  "/api/v1/namespaces/default/pods"
#define ADMIT "/apis/admissionregistration.k8s.io/v1/"

static int answer(struct hook_world *n, const char *path, const cJSON *review, struct buf *out)
{
    struct str uid = json_string_at(review, "request.uid");
    buf_addf(out,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
             "\"uid\":\"" STR_FMT
             "\",\"allowed\":true,\"auditAnnotations\":{\"said\":\"this\",\"bad key\":\"x\"}",
             STR_ARG(uid));
    if (strcmp(path, "/grow") == 0) {
        buf_add_c(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        base64_encode(out,
                      STR("[{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"seen\":\"yes\"}}]"));
        buf_add_char(out, '"');
    }
    buf_add_c(out, "}}");
    return strcmp(path, "/500") == 0 ? 500 : 200;
}

static void seen(void *owner, const struct kubeapi_exchange *x)
{
    struct hook_world *n = owner;
    buf_clear(&n->log);
    for (size_t i = 0; i < x->annotations_n; i++)
        buf_addf(&n->log, STR_FMT "=" STR_FMT "\n", STR_ARG(x->annotations[i].key),
                 STR_ARG(x->annotations[i].value));
}

static void post(struct hook_world *n, const char *target, const char *body)
{
    if (hook_world_call(n, "POST", target, body) != 201)
        fail_msg("%s", buf_c(&n->body));
}

static void check(struct hook_world *n, const char *lines)
{
    assert_string_equal(buf_c(&n->log), lines);
}

#define ALLOWED "authorization.k8s.io/decision=allow\nauthorization.k8s.io/reason=\n"
#define OBJECT                                                                                     \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"generateName\":\"o\"}}"

static void configure(struct hook_world *n, const char *kind, const char *to, const char *path)
{
    struct buf b = {0};
    buf_addf(&b,
             "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
             "\"%sWebhookConfiguration\",\"metadata\":{\"name\":\"%c\"},\"webhooks\":[{\"name\":"
             "\"h%s.x.io\",\"clientConfig\":{\"url\":\"https://10.0.0.2%s\",\"caBundle\":\"" STR_FMT
             "\"},\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"],\"failurePolicy\":"
             "\"Ignore\",\"rules\":[{\"operations\":[\"*\"],\"apiGroups\":[\"\"],\"apiVersions\":["
             "\"v1\"],\"resources\":[\"configmaps\"]}]}]}",
             kind, path[1], strcmp(path, "/500") == 0 ? "five" : path + 1, path,
             STR_ARG(buf_str(&n->bundle)));
    post(n, to, buf_c(&b));
    buf_free(&b);
}

static void webhooks_are_noted(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    kubeapi_observe(n.api, seen, &n, KUBEAPI_BODIES_SMALL);
    post(&n, CM, OBJECT);
    check(&n, ALLOWED);
    configure(&n, "Mutating", ADMIT "mutatingwebhookconfigurations", "/grow");
    configure(&n, "Mutating", ADMIT "mutatingwebhookconfigurations", "/ok");
    post(&n, CM, OBJECT);
    check(&n, ALLOWED "hgrow.x.io/said=this\nhok.x.io/said=this\n"
                      "mutation.webhook.admission.k8s.io/round_0_index_0={\"configuration\":\"g\","
                      "\"webhook\":\"hgrow.x.io\",\"mutated\":true}\n"
                      "mutation.webhook.admission.k8s.io/round_0_index_1={\"configuration\":\"o\","
                      "\"webhook\":\"hok.x.io\",\"mutated\":false}\n");
    (void)hook_world_call(&n, "DELETE", ADMIT "mutatingwebhookconfigurations/g", "");
    (void)hook_world_call(&n, "DELETE", ADMIT "mutatingwebhookconfigurations/o", "");
    configure(&n, "Validating", ADMIT "validatingwebhookconfigurations", "/500");
    post(&n, CM, OBJECT);
    check(&n,
          ALLOWED "failed-open.validating.webhook.admission.k8s.io/round_0_index_0=hfive.x.io\n");
    assert_int_equal(hook_world_call(&n, "GET", "/version", ""), 200);
    check(&n, ALLOWED);
    hook_world_close(&n);
}

static void policies_are_noted(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    kubeapi_observe(n.api, seen, &n, KUBEAPI_BODIES_SMALL);
    post(&n, ADMIT "validatingadmissionpolicies",
         "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
         "\"ValidatingAdmissionPolicy\",\"metadata\":{\"name\":\"p\"},\"spec\":{"
         "\"matchConstraints\":{\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],"
         "\"operations\":[\"CREATE\"],\"resources\":[\"configmaps\"]}]},\"validations\":[{"
         "\"expression\":\"true\"},{\"expression\":\"false\",\"message\":\"no\"}],"
         "\"auditAnnotations\":[{\"key\":\"k\",\"valueExpression\":\"'for ' + "
         "object.metadata.namespace\"},{\"key\":\"none\",\"valueExpression\":\"null\"}]}}");
    post(&n, ADMIT "validatingadmissionpolicybindings",
         "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
         "\"ValidatingAdmissionPolicyBinding\",\"metadata\":{\"name\":\"b\"},\"spec\":{"
         "\"policyName\":\"p\",\"validationActions\":[\"Audit\"]}}");
    post(&n, CM, OBJECT);
    check(&n, ALLOWED "p/k=for default\n"
                      "validation.policy.admission.k8s.io/validation_failure=[{\"message\":\"no\","
                      "\"policy\":\"p\",\"binding\":\"b\",\"expressionIndex\":1,"
                      "\"validationActions\":[\"Audit\"]}]\n");
    hook_world_close(&n);
}

#define POD(name)                                                                                  \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name                       \
    "\"},\"spec\":{\"hostNetwork\":true,\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"

static void pod_security_is_noted(void **state)
{
    struct hook_world n;
    hook_world_open(&n, answer);
    kubeapi_observe(n.api, seen, &n, KUBEAPI_BODIES_SMALL);
    post(&n, PODS, POD("a"));
    check(&n, ALLOWED "pod-security.kubernetes.io/enforce-policy=privileged:latest\n");
    assert_int_equal(hook_world_call(&n, "PATCH", "/api/v1/namespaces/default",
                                     "{\"metadata\":{\"labels\":{"
                                     "\"pod-security.kubernetes.io/audit\":\"baseline\"}}}"),
                     200);
    post(&n, PODS, POD("b"));
    check(&n, ALLOWED "pod-security.kubernetes.io/audit-violations=would violate PodSecurity "
                      "\"baseline:latest\": host namespaces (hostNetwork=true)\n"
                      "pod-security.kubernetes.io/enforce-policy=privileged:latest\n");
    hook_world_close(&n);
}

static void reasons_name_who_is_bound(void **state)
{
    static const char *const rows[][2] = {
        {"system:serviceaccount:default:robot", "RBAC: allowed by ClusterRoleBinding \\\"b\\\" of "
                                                "ClusterRole \\\"reader\\\" to ServiceAccount "
                                                "\\\"robot/default\\\""},
        {"jane",
         "RBAC: allowed by ClusterRoleBinding \\\"b\\\" of ClusterRole \\\"reader\\\" to User "
         "\\\"jane\\\""},
    };
    struct hook_world n;
    hook_world_open(&n, answer);
    post(
        &n, "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "{\"metadata\":{\"name\":\"reader\"},\"rules\":[{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],"
        "\"resources\":[\"x\"]}]}");
    post(&n, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
         "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
         "\"kind\":\"ClusterRole\",\"name\":\"reader\"},\"subjects\":[{\"kind\":\"ServiceAccount\","
         "\"namespace\":\"default\",\"name\":\"robot\"},{\"kind\":\"User\",\"name\":\"jane\"}]}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = {0};
        buf_addf(
            &b,
            "{\"spec\":{\"user\":\"%s\",\"resourceAttributes\":{\"verb\":\"list\",\"resource\":"
            "\"x\"}}}",
            rows[i][0]);
        post(&n, "/apis/authorization.k8s.io/v1/subjectaccessreviews", buf_c(&b));
        if (!hook_world_said(&n, rows[i][1]))
            fail_msg("%s", buf_c(&n.body));
        buf_free(&b);
    }
    hook_world_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webhooks_are_noted),
        cmocka_unit_test(policies_are_noted),
        cmocka_unit_test(pod_security_is_noted),
        cmocka_unit_test(reasons_name_who_is_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
