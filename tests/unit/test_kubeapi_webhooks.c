/* Goal: webhooks and policies decide about writes as the API does: order, reinvocation, refusals, failures, time-outs, and
 * requests that go while they wait.
 * Method: an API server, a webhook over TLS and a client in a simulated world; policies are asked in process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "tests/unit/support/hook_world.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CM       "/api/v1/namespaces/default/configmaps"
#define ADMIT    "/apis/admissionregistration.k8s.io/v1/"
#define MUTATORS ADMIT "mutatingwebhookconfigurations"
#define CHECKERS ADMIT "validatingwebhookconfigurations"
#define POLICY   ADMIT "validatingadmissionpolicies"
#define BINDING  ADMIT "validatingadmissionpolicybindings"

/* ---- the webhook ---- */

static void answer_of(const char *path, const cJSON *request, struct buf *out)
{
    const cJSON *object = json_get(request, "object");
    struct str uid = json_string_at(request, "uid"), name = json_string_at(object, "metadata.name");
    buf_addf(out,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
             "\"uid\":\"" STR_FMT "\",",
             STR_ARG(strcmp(path, "/baduid") == 0 ? STR("x") : uid));
    if (strcmp(path, "/deny") == 0 && str_starts(name, STR("bad"))) {
        buf_add_c(out, "\"allowed\":false,\"status\":{\"code\":409,\"message\":\"no\"}}}");
        return;
    }
    if (strcmp(path, "/a") == 0 || strcmp(path, "/b") == 0) {
        const char *key = path + 1;
        struct buf patch = {0};
        struct str had = json_string_at(json_get(object, "data"), key);
        if (strcmp(path, "/a") == 0 || had.n == 0) {
            buf_addf(&patch, "[{\"op\":\"add\",\"path\":\"/data/%s\",\"value\":\"" STR_FMT "+\"}]",
                     key, STR_ARG(had));
            buf_add_c(out, "\"patchType\":\"JSONPatch\",\"patch\":\"");
            base64_encode(out, buf_str(&patch));
            buf_add_c(out, "\",");
        }
        buf_free(&patch);
    }
    const cJSON *containers = json_path(object, "spec.containers");
    if (strcmp(path, "/side") == 0 && containers && !containers->child->next) {
        buf_add_c(out, "\"patchType\":\"JSONPatch\",\"patch\":\"");
        base64_encode(out, STR("[{\"op\":\"add\",\"path\":\"/spec/containers/-\",\"value\":{"
                               "\"name\":\"side\",\"image\":\"i\"}}]"));
        buf_add_c(out, "\",");
    }
    if (strcmp(path, "/uid") == 0) {
        buf_add_c(out, "\"patchType\":\"JSONPatch\",\"patch\":\"");
        base64_encode(out, STR("[{\"op\":\"add\",\"path\":\"/metadata/uid\",\"value\":\"mine\"},"
                               "{\"op\":\"add\",\"path\":\"/data/u\",\"value\":\"1\"}]"));
        buf_add_c(out, "\",");
    }
    buf_add_c(out, "\"warnings\":[\"seen\"],\"allowed\":true}}");
}

static int answer(struct hook_world *n, const char *path, const cJSON *review, struct buf *out)
{
    struct str operation = json_string_at(review, "request.operation");
    buf_addf(&n->log, "%s " STR_FMT ";", path, STR_ARG(operation));
    if (strcmp(path, "/hang") == 0)
        return 0;
    answer_of(path, json_get(review, "request"), out);
    return strcmp(path, "/500") == 0 ? 500 : 200;
}

/* A configuration of webhooks, each {path, extra members}. */
static void configure(struct hook_world *n, const char *kind, const char *name,
                      const char *const hooks[][2], size_t hooks_n)
{
    struct buf b = {0};
    buf_addf(&b,
             "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"%s\",\"metadata\":{"
             "\"name\":\"%s\"},\"webhooks\":[",
             kind, name);
    for (size_t i = 0; i < hooks_n; i++)
        buf_addf(&b,
                 "%s{\"name\":\"h%zu.%s.x.io\",\"clientConfig\":{\"url\":\"https://10.0.0.2%s\","
                 "\"caBundle\":\"" STR_FMT "\"},\"sideEffects\":\"None\",\"timeoutSeconds\":3,"
                 "\"admissionReviewVersions\":[\"v1\"],\"rules\":[{\"operations\":[\"*\"],"
                 "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\","
                 "\"pods\"]}]%s}",
                 i > 0 ? "," : "", i, name, hooks[i][0], STR_ARG(buf_str(&n->bundle)), hooks[i][1]);
    buf_add_c(&b, "]}");
    int status = hook_world_call(
        n, "POST", strcmp(kind, "MutatingWebhookConfiguration") == 0 ? MUTATORS : CHECKERS,
        buf_c(&b));
    if (status != 201)
        fail_msg("%s", buf_c(&n->body));
    buf_free(&b);
}

#define OBJECT(name)                                                                               \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name                 \
    "\"},\"data\":{\"k\":\"v\"}}"

static void webhooks_change_and_refuse(void **state)
{
    static const char *const change[][2] = {{"/a", ",\"reinvocationPolicy\":\"IfNeeded\""},
                                            {"/b", ""}};
    static const char *const check[][2] = {
        {"/deny", ""},
        {"/ok", ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object != null && "
                "object.metadata.name == 'seen' && request.operation == 'CREATE'\"}]"}};
    struct hook_world n;
    hook_world_open(&n, answer);
    configure(&n, "MutatingWebhookConfiguration", "m", change, 2);
    configure(&n, "ValidatingWebhookConfiguration", "v", check, 2);
    assert_int_equal(hook_world_call(&n, "POST", CM, OBJECT("seen")), 201);
    assert_true(hook_world_said(
        &n, "\"a\":\"++\"")); /* asked again, because b changed the object behind it */
    assert_true(hook_world_said(&n, "\"b\":\"+\""));
    assert_string_equal(buf_c(&n.log), "/a CREATE;/b CREATE;/a CREATE;/deny CREATE;/ok CREATE;");
    buf_clear(&n.log);
    assert_int_equal(hook_world_call(&n, "POST", CM, OBJECT("bad")), 409);
    assert_true(hook_world_said(&n, "admission webhook \\\"h0.v.x.io\\\" denied the request: no"));
    assert_int_equal(hook_world_call(&n, "GET", CM "/bad", ""), 404);
    buf_clear(&n.log);
    assert_int_equal(hook_world_call(&n, "PATCH", CM "/seen", "{\"data\":{\"z\":\"1\"}}"), 200);
    assert_true(hook_world_said(&n, "\"a\":\"+++\""));
    assert_string_equal(buf_c(&n.log), "/a UPDATE;/b UPDATE;/deny UPDATE;");
    hook_world_close(&n);
}

static void failures_follow_the_policy(void **state)
{
    static const struct {
        const char *path, *extra, *text;
        int status;
    } rows[] = {
        {"/500", "",
         "failed calling webhook \\\"h0.v.x.io\\\": failed to call webhook: an error on", 500},
        {"/500", ",\"failurePolicy\":\"Ignore\"", "\"k\":\"v\"", 201},
        {"/baduid", "", "received invalid webhook response: expected response.uid", 500},
        {"/hang", "", "context deadline exceeded", 500},
        {"/hang", ",\"failurePolicy\":\"Ignore\"", "\"k\":\"v\"", 201},
        {"/a", "", "validating webhook may not return response.patch", 500},
        {"/ok", ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object.nope == 1\"}]",
         "resulted in error: no such key: nope", 403},
        {"/500", ",\"objectSelector\":{\"matchLabels\":{\"x\":\"y\"}}", "\"k\":\"v\"", 201},
        {"/500",
         ",\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"no\",\"operator\":\"Exists\"}]}",
         "\"k\":\"v\"", 201},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const hook[][2] = {{rows[i].path, rows[i].extra}};
        struct hook_world n;
        hook_world_open(&n, answer);
        configure(&n, "ValidatingWebhookConfiguration", "v", hook, 1);
        int status = hook_world_call(&n, "POST", CM, OBJECT("o"));
        if (status != rows[i].status || !hook_world_said(&n, rows[i].text))
            fail_msg("%s %s: %d %s", rows[i].path, rows[i].extra, status, buf_c(&n.body));
        hook_world_close(&n);
    }
}

/* ---- controllers ---- */

#define SET(name)                                                                                  \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"metadata\":{\"name\":\"" name           \
    "\"},\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"app\":\"" name                  \
    "\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"" name                                 \
    "\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"
#define SETS "/apis/apps/v1/namespaces/default/replicasets"

/* A set's pods wait for the webhook as a client's would, no more than are wanted are ever asked for, and what it refuses
 * the set says. */
static void controllers_wait_for_webhooks(void **state)
{
    static const char *const check[][2] = {{"/deny", ""}};
    static const struct kubeapi_workloads workloads = {.nodes = 1, .events = true};
    struct hook_world n;
    hook_world_open_with(&n, answer, &workloads);
    hook_world_run(&n, 1);
    configure(&n, "ValidatingWebhookConfiguration", "v", check, 1);
    assert_int_equal(hook_world_call(&n, "POST", SETS, SET("good")), 201);
    assert_int_equal(hook_world_call(&n, "GET", SETS "/good", ""), 200);
    assert_true(hook_world_said(&n, "\"readyReplicas\":3"));
    size_t asked = 0;
    for (struct str rest = buf_str(&n.log), one; str_cut(rest, ';', &one, &rest);)
        asked += str_eq_c(one, "/deny CREATE");
    assert_int_equal(asked, 3);
    assert_int_equal(hook_world_call(&n, "POST", SETS, SET("bad")), 201);
    assert_int_equal(hook_world_call(&n, "GET", SETS "/bad", ""), 200);
    assert_true(hook_world_said(
        &n, "\"message\":\"admission webhook \\\"h0.v.x.io\\\" denied the request: no\","
            "\"reason\":\"FailedCreate\",\"status\":\"True\",\"type\":\"ReplicaFailure\""));
    assert_int_equal(hook_world_call(&n, "GET", "/api/v1/namespaces/default/events", ""), 200);
    assert_true(hook_world_said(
        &n, "Error creating: admission webhook \\\"h0.v.x.io\\\" denied the request: no"));
    assert_int_equal(hook_world_call(&n, "DELETE", CHECKERS "/v", ""), 200);
    hook_world_run(&n, 60);
    assert_int_equal(hook_world_call(&n, "GET", SETS "/bad", ""), 200);
    assert_true(hook_world_said(&n, "\"readyReplicas\":3") &&
                !hook_world_said(&n, "ReplicaFailure"));
    hook_world_close(&n);
}

/* Nobody answers: the server ends all the same. */
static void a_server_ends_while_controllers_wait(void **state)
{
    static const char *const hang[][2] = {{"/hang", ",\"timeoutSeconds\":3"}};
    static const struct kubeapi_workloads workloads = {.nodes = 1, .events = true};
    struct hook_world n;
    hook_world_open_with(&n, answer, &workloads);
    configure(&n, "ValidatingWebhookConfiguration", "v", hang, 1);
    hook_world_begin(&n, "POST", SETS, NULL, SET("s"));
    hook_world_run(&n, 1);
    assert_non_null(n.held);
    hook_world_close(&n);
}

/* Others write while a request waits; what it was asked about is another object by then: it is asked again. */
static void waiting_harms_nobody(void **state)
{
    static const char *const hang[][2] = {{"/hang", ""}};
    struct hook_world n;
    hook_world_open(&n, answer);
    configure(&n, "ValidatingWebhookConfiguration", "v", hang, 1);
    hook_world_begin(&n, "POST", CM, NULL, OBJECT("o"));
    hook_world_run(&n, 1);
    assert_non_null(n.held);
    assert_int_equal(n.status, 0);
    assert_null(kubeapi_get(n.api, STR("configmaps"), STR("default"), STR("o")));
    http_call_cancel(n.call); /* the client goes: its question goes with it */
    hook_world_run(&n, 1);
    assert_int_equal(hook_world_call(&n, "GET", "/api/v1/namespaces/default", ""), 200);
    hook_world_begin(&n, "POST", CM, NULL, OBJECT("p"));
    hook_world_run(&n, 1);
    hook_world_close(&n); /* the server goes while somebody waits */
}

static void collections_are_asked_about(void **state)
{
    static const char *const hook[][2] = {{"/ok", ""}};
    struct hook_world n;
    hook_world_open(&n, answer);
    for (int i = 0; i < 70; i++) {
        struct buf b = {0};
        buf_addf(&b,
                 "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c%d\","
                 "\"namespace\":\"default\"}}",
                 i);
        assert_null(kubeapi_apply(n.api, buf_str(&b), NULL));
        buf_free(&b);
    }
    configure(&n, "ValidatingWebhookConfiguration", "v", hook, 1);
    assert_int_equal(hook_world_call(&n, "DELETE", CM, ""), 200);
    size_t asked = 0;
    for (size_t i = 0; i < n.log.n; i++)
        asked += n.log.p[i] == ';';
    assert_int_equal(asked, 70);
    assert_null(kubeapi_get(n.api, STR("configmaps"), STR("default"), STR("c0")));
    hook_world_close(&n);
}

/* ---- policies ---- */

#define POLICY_OF(spec)                                                                            \
    "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"ValidatingAdmissionPolicy\","  \
    "\"metadata\":{\"name\":\"p\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{"           \
    "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\",\"DELETE\"],"        \
    "\"resources\":[\"configmaps\"]}]}," spec "}}"
#define BINDING_OF(spec)                                                                           \
    "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"                                \
    "\"ValidatingAdmissionPolicyBinding\",\"metadata\":{\"name\":\"b\"},\"spec\":{\"policyName\":" \
    "\"p\"," spec "}}"
#define DENY                 "\"validationActions\":[\"Deny\"]"

#define TEN                  "[0,1,2,3,4,5,6,7,8,9]"
#define DEAR                 TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " TEN ".all(e, e >= 0)))))"

#define DEAR_CONDITION(name) "{\"name\":\"" name "\",\"expression\":\"" DEAR "\"}"
#define DEAR_VALIDATION      "{\"expression\":\"" DEAR "\"}"

static void policies_decide(void **state)
{
    static const struct {
        const char *policy, *binding;
        int status;
        const char *said;
    } rows[] = {
        {"\"validations\":[{\"expression\":\"object.data.k == 'v'\"}]", DENY, 201, ""},
        {"\"validations\":[{\"expression\":\"object.data.k == 'w'\",\"message\":\"m\"}]", DENY, 422,
         "denied request: m"},
        {"\"validations\":[{\"expression\":\"false\",\"reason\":\"Forbidden\"}]", DENY, 403,
         "denied request: failed expression: false"},
        {"\"validations\":[{\"expression\":\"false\",\"messageExpression\":\"'got ' + "
         "object.data.k\"}]",
         DENY, 422, "denied request: got v"},
        {"\"validations\":[{\"expression\":\"object.nope\"}]", DENY, 422, "no such key: nope"},
        {"\"failurePolicy\":\"Ignore\",\"validations\":[{\"expression\":\"object.nope\"}]", DENY,
         201, ""},
        {"\"variables\":[{\"name\":\"d\",\"expression\":\"object.data\"}],\"validations\":[{"
         "\"expression\":\"variables.d.k.size() == 2\",\"message\":\"short\"}]",
         DENY, 422, "short"},
        {"\"matchConditions\":[{\"name\":\"c\",\"expression\":\"request.userInfo.username == "
         "'x'\"}],"
         "\"validations\":[{\"expression\":\"false\"}]",
         DENY, 201, ""},
        {"\"validations\":[{\"expression\":\"authorizer.group('').resource('pods').check('list')."
         "allowed()\"}]",
         DENY, 201, ""},
        {"\"validations\":[{\"expression\":\"authorizer.requestResource.check('create').allowed() "
         "&& "
         "namespaceObject.metadata.name == 'default' && request.namespace == 'default'\"}]",
         DENY, 201, ""},
        {"\"validations\":[{\"expression\":\"false\"}]", "\"validationActions\":[\"Audit\"]", 201,
         ""},
        {"\"validations\":[{\"expression\":\"false\"}]",
         DENY ",\"matchResources\":{\"objectSelector\":{\"matchLabels\":{\"a\":\"b\"}}}", 201, ""},
        {"\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{"
         "\"expression\":\"params.data.k != object.data.k\",\"message\":\"same\"}]",
         DENY ",\"paramRef\":{\"name\":\"param\",\"namespace\":\"default\","
              "\"parameterNotFoundAction\":\"Deny\"}",
         422, "same"},
        {"\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{"
         "\"expression\":\"true\"}]",
         DENY ",\"paramRef\":{\"name\":\"none\",\"namespace\":\"default\","
              "\"parameterNotFoundAction\":\"Deny\"}",
         422, "no params found"},
        /* five of these are more than conditions may cost together, though not validations */
        {"\"matchConditions\":[" DEAR_CONDITION("a") "," DEAR_CONDITION("b") "," DEAR_CONDITION(
             "c") "," DEAR_CONDITION("d") "," DEAR_CONDITION("e") "],\"validations\":[{"
                                                                  "\"expression\":"
                                                                  "\"true\"}]",
         DENY, 422, "running out of cost budget"},
        {"\"validations\":[" DEAR_VALIDATION "," DEAR_VALIDATION "," DEAR_VALIDATION
         "," DEAR_VALIDATION "," DEAR_VALIDATION "]",
         DENY, 201, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct buf policy = {0}, binding = {0};
        fixture_open(&f, NULL);
        must(&f, 201, "POST", CM, OBJECT("param"));
        buf_addf(&policy, POLICY_OF("%s"), rows[i].policy);
        buf_addf(&binding, BINDING_OF("%s"), rows[i].binding);
        must(&f, 201, "POST", POLICY, buf_c(&policy));
        must(&f, 201, "POST", BINDING, buf_c(&binding));
        int status = ask(&f, "POST", CM, OBJECT("o"));
        if (status != rows[i].status || !strstr(said(&f, "message"), rows[i].said))
            fail_msg("%s: %d %s", rows[i].policy, status, said(&f, "message"));
        buf_free(&policy);
        buf_free(&binding);
        fixture_close(&f);
    }
}

static void policies_are_checked(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 422, "POST", POLICY, POLICY_OF("\"validations\":[{\"expression\":\"object.x ==\"}]"));
    assert_non_null(strstr(said(&f, "message"),
                           "spec.validations[0].expression: Invalid value: "
                           "\"object.x ==\": compilation failed: ERROR: <input>:1:12"));
    must(&f, 422, "POST", POLICY, POLICY_OF("\"validations\":[{\"expression\":\"params.x\"}]"));
    assert_non_null(strstr(said(&f, "message"), "undeclared reference to 'params'"));
    must(&f, 422, "POST", POLICY, POLICY_OF("\"validations\":[{\"expression\":\"'a'\"}]"));
    assert_non_null(strstr(said(&f, "message"), "must evaluate to bool"));
    /* warnings, and deletions */
    must(&f, 201, "POST", POLICY,
         POLICY_OF("\"validations\":[{\"expression\":\"request.operation != 'DELETE'\"}]"));
    must(&f, 201, "POST", BINDING, BINDING_OF("\"validationActions\":[\"Warn\"]"));
    must(&f, 201, "POST", CM, OBJECT("o"));
    must(&f, 200, "DELETE", CM "/o", NULL);
    assert_true(
        str_find(buf_str(&f.last.warnings),
                 STR("Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': "
                     "failed expression: request.operation != 'DELETE'")) >= 0);
    fixture_close(&f);
}

/* A label that goes with the change selects it still; what the server gives is not the webhooks' to change. */
static void selectors_look_at_both_states(void **state)
{
    static const char *const change[][2] = {{"/uid", ""}};
    static const char *const check[][2] = {
        {"/ok", ",\"objectSelector\":{\"matchLabels\":{\"x\":\"y\"}}"}};
    struct hook_world n;
    hook_world_open(&n, answer);
    configure(&n, "MutatingWebhookConfiguration", "m", change, 1);
    configure(&n, "ValidatingWebhookConfiguration", "v", check, 1);
    assert_int_equal(hook_world_call(&n, "POST", CM, OBJECT("o")), 201);
    assert_true(hook_world_said(&n, "\"u\":\"1\""));
    assert_false(hook_world_said(&n, "\"uid\":\"mine\""));
    (void)hook_world_call(&n, "DELETE", MUTATORS "/m", "");
    buf_clear(&n.log);
    assert_int_equal(
        hook_world_call(&n, "PATCH", CM "/o", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}"), 200);
    assert_int_equal(
        hook_world_call(&n, "PATCH", CM "/o", "{\"metadata\":{\"labels\":{\"x\":\"z\"}}}"), 200);
    assert_int_equal(
        hook_world_call(&n, "PATCH", CM "/o", "{\"metadata\":{\"labels\":{\"x\":\"w\"}}}"), 200);
    assert_string_equal(buf_c(&n.log), "/ok UPDATE;/ok UPDATE;");
    hook_world_close(&n);
}

/* The limits that the server gives to a container of a webhook are a change that the webhook sees, if it wants to. */
static void what_the_server_adds_is_shown_again(void **state)
{
    static const char *const change[][2] = {{"/side", ",\"reinvocationPolicy\":\"IfNeeded\""}};
    static const char pod[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"generateName\":\"p\"},"
        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";
    struct hook_world n;
    hook_world_open(&n, answer);
    configure(&n, "MutatingWebhookConfiguration", "m", change, 1);
    if (hook_world_call(&n, "POST", "/api/v1/namespaces/default/pods", pod) != 201)
        fail_msg("%s", buf_c(&n.body));
    assert_string_equal(buf_c(&n.log), "/side CREATE;");
    buf_clear(&n.log);
    assert_int_equal(
        hook_world_call(&n, "POST", "/api/v1/namespaces/default/limitranges",
                        "{\"apiVersion\":\"v1\",\"kind\":\"LimitRange\",\"metadata\":{\"name\":"
                        "\"l\"},\"spec\":{\"limits\":[{\"type\":\"Container\",\"default\":{"
                        "\"cpu\":\"1\"}}]}}"),
        201);
    if (hook_world_call(&n, "POST", "/api/v1/namespaces/default/pods", pod) != 201)
        fail_msg("%s", buf_c(&n.body));
    assert_string_equal(buf_c(&n.log), "/side CREATE;/side CREATE;");
    hook_world_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_decide),
        cmocka_unit_test(policies_are_checked),
        cmocka_unit_test(webhooks_change_and_refuse),
        cmocka_unit_test(failures_follow_the_policy),
        cmocka_unit_test(controllers_wait_for_webhooks),
        cmocka_unit_test(a_server_ends_while_controllers_wait),
        cmocka_unit_test(waiting_harms_nobody),
        cmocka_unit_test(collections_are_asked_about),
        cmocka_unit_test(selectors_look_at_both_states),
        cmocka_unit_test(what_the_server_adds_is_shown_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
