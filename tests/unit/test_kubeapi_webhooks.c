/* Goal: webhooks and policies decide about writes as the API does: order, reinvocation, refusals, failures, time-outs, and
 * requests that go while they wait.
 * Method: an API server, a webhook over TLS and a client in a simulated world; policies are asked in process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "engine/http/client.h"
#include "engine/http/server.h"
#include "engine/pki/x509.h"
#include "sim/kubeapi/kubeapi.h"
#include "sim/world/process.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define DAY_S    86400
#define WALL_S   1767225600 /* 2026-01-01 */
#define CM       "/api/v1/namespaces/default/configmaps"
#define ADMIT    "/apis/admissionregistration.k8s.io/v1/"
#define MUTATORS ADMIT "mutatingwebhookconfigurations"
#define CHECKERS ADMIT "validatingwebhookconfigurations"
#define POLICY   ADMIT "validatingadmissionpolicies"
#define BINDING  ADMIT "validatingadmissionpolicybindings"

struct net {
    struct sim *sim;
    struct kubeapi *api;
    struct http_client *client;
    struct http_server *hooks;
    struct buf cert_pem, key_pem, bundle;
    struct arena a;
    struct buf log;             /* paths and operations that the webhook saw */
    struct http_exchange *held; /* of /hang */
    int status;
    struct buf body;
    struct http_call *call;
};

/* ---- the webhook ---- */

static const char *answer_of(const char *path, const cJSON *request, struct buf *out)
{
    const cJSON *object = json_get(request, "object");
    struct str uid = json_string_at(request, "uid"), name = json_string_at(object, "metadata.name");
    buf_addf(out,
             "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{"
             "\"uid\":\"" STR_FMT "\",",
             STR_ARG(strcmp(path, "/baduid") == 0 ? STR("x") : uid));
    if (strcmp(path, "/deny") == 0 && str_starts(name, STR("bad"))) {
        buf_add_c(out, "\"allowed\":false,\"status\":{\"code\":409,\"message\":\"no\"}}}");
        return "application/json";
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
    buf_add_c(out, "\"warnings\":[\"seen\"],\"allowed\":true}}");
    return "application/json";
}

static void on_review(void *data, struct http_exchange *x, struct str body)
{
    struct net *n = data;
    char path[32] = "";
    cJSON *review;
    struct buf out = {0};
    struct err *err = json_parse(&n->a, body, &review);
    assert_null(err);
    memcpy(path, http_path(x).p, http_path(x).n);
    struct str operation = json_string_at(review, "request.operation");
    buf_addf(&n->log, "%s " STR_FMT ";", path, STR_ARG(operation));
    if (strcmp(path, "/hang") == 0) {
        n->held = x;
        return;
    }
    const char *type = answer_of(path, json_get(review, "request"), &out);
    http_answer(x, strcmp(path, "/500") == 0 ? 500 : 200, type, NULL, buf_str(&out));
    buf_free(&out);
}

static void on_gone(void *data) {}

static void on_hook(void *owner, struct http_exchange *x)
{
    http_exchange_set(x, owner, on_gone);
    http_read_all(x, on_review);
}

/* ---- the world ---- */

static struct world *process(struct sim *sim, const char *name, const char *address)
{
    struct sim_host_options host = {str_c(name), str_c(address), STR("site")};
    struct sim_process_options options = {.name = str_c(name), .host = sim_host_new(sim, &host)};
    struct sim_process *p = sim_process_new(sim, &options);
    assert_null(sim_process_start(p));
    return sim_process_world(p);
}

/* A certificate for the webhook, and the authority behind it as caBundle. */
static void issue(struct net *n)
{
    unsigned char entropy[PKI_ENTROPY_BYTES];
    struct str ips[] = {STR("10.0.0.2")};
    struct buf ca_der = {0}, ca_pem = {0}, der = {0};
    memset(entropy, 7, sizeof(entropy));
    struct pki_key *ca_key = pki_key_derive(PKI_ED25519, entropy);
    memset(entropy, 8, sizeof(entropy));
    struct pki_key *key = pki_key_derive(PKI_ED25519, entropy);
    struct pki_cert_spec ca = {.common_name = STR("ca"),
                               .usage = PKI_CA,
                               .serial = 1,
                               .not_before_s = WALL_S - DAY_S,
                               .not_after_s = WALL_S + DAY_S};
    struct pki_cert_spec leaf = ca;
    leaf.common_name = STR("hook");
    leaf.usage = PKI_SERVER;
    leaf.serial = 2;
    leaf.ips = ips;
    leaf.ips_n = 1;
    assert_null(pki_issue(&ca, ca_key, str_empty, ca_key, &ca_der));
    assert_null(pki_issue(&leaf, key, buf_str(&ca_der), ca_key, &der));
    pki_pem_add(&ca_pem, "CERTIFICATE", buf_str(&ca_der));
    pki_pem_add(&n->cert_pem, "CERTIFICATE", buf_str(&der));
    pki_key_to_pem(key, &n->key_pem);
    base64_encode(&n->bundle, buf_str(&ca_pem));
    pki_key_free(ca_key);
    pki_key_free(key);
    buf_free(&ca_der);
    buf_free(&ca_pem);
    buf_free(&der);
}

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct net *n = owner;
    n->call = NULL;
    n->status = r ? r->status : -1;
    buf_clear(&n->body);
    if (r)
        buf_add(&n->body, buf_str(&r->body));
}

static void begin(struct net *n, const char *method, const char *target, const char *body)
{
    static const struct http_call_handler handler = {.done = on_done};
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Authorization", "Bearer t");
    struct http_request r = {.address = world_addr_make(STR("10.0.0.1"), 80),
                             .host = STR("api"),
                             .method = method,
                             .target = str_c(target),
                             .headers = &headers,
                             .body = str_c(body),
                             .content_type = strcmp(method, "PATCH") == 0
                                                 ? "application/merge-patch+json"
                                                 : "application/json"};
    n->status = 0;
    n->call = http_call_start(n->client, &r, &handler, n);
    http_headers_free(&headers);
}

static void run_for(struct net *n, int64_t seconds)
{
    sim_run_until(n->sim, sim_now(n->sim) + seconds * NS_PER_S);
}

static int call(struct net *n, const char *method, const char *target, const char *body)
{
    begin(n, method, target, body);
    run_for(n, 5);
    return n->status;
}

static void net_open_with(struct net *n, const struct kubeapi_workloads *workloads)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct kubeapi_options options = {
        .bare = !workloads, .tokens = &token, .tokens_n = 1, .workloads = workloads};
    struct sim_options sim = {.seed = 1, .wall_start = WALL_S * NS_PER_S};
    memset(n, 0, sizeof(*n));
    n->sim = sim_new(&sim);
    struct world *api = process(n->sim, "api", "10.0.0.1"),
                 *hook = process(n->sim, "hook", "10.0.0.2");
    struct world *client = process(n->sim, "client", "10.0.0.3");
    issue(n);
    n->api = kubeapi_new(api, &options);
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    assert_null(kubeapi_listen(n->api, &listen, NULL));
    struct world_tls tls = {.cert_pem = buf_str(&n->cert_pem), .key_pem = buf_str(&n->key_pem)};
    tls.server_name = tls.ca_pem = tls.client_ca_pem = tls.alpn = str_empty;
    struct world_listen secure = {.address = world_addr_make(STR("0.0.0.0"), 443), .tls = &tls};
    n->hooks = http_server_new(hook, &(struct http_server_options){0}, on_hook, n);
    assert_null(http_server_listen(n->hooks, &secure, NULL));
    n->client = http_client_new(client);
}

static void net_open(struct net *n)
{
    net_open_with(n, NULL);
}

static void net_close(struct net *n)
{
    http_client_free(n->client);
    http_server_free(n->hooks);
    kubeapi_free(n->api);
    sim_free(n->sim);
    buf_free(&n->cert_pem);
    buf_free(&n->key_pem);
    buf_free(&n->bundle);
    buf_free(&n->log);
    buf_free(&n->body);
    arena_free(&n->a);
}

/* A configuration of webhooks, each {path, extra members}. */
static void configure(struct net *n, const char *kind, const char *name,
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
    int status =
        call(n, "POST", strcmp(kind, "MutatingWebhookConfiguration") == 0 ? MUTATORS : CHECKERS,
             buf_c(&b));
    if (status != 201)
        fail_msg("%s", buf_c(&n->body));
    buf_free(&b);
}

static bool has(struct net *n, const char *text)
{
    return str_find(buf_str(&n->body), str_c(text)) >= 0;
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
    struct net n;
    net_open(&n);
    configure(&n, "MutatingWebhookConfiguration", "m", change, 2);
    configure(&n, "ValidatingWebhookConfiguration", "v", check, 2);
    assert_int_equal(call(&n, "POST", CM, OBJECT("seen")), 201);
    assert_true(has(&n, "\"a\":\"++\"")); /* asked again, because b changed the object behind it */
    assert_true(has(&n, "\"b\":\"+\""));
    assert_string_equal(buf_c(&n.log), "/a CREATE;/b CREATE;/a CREATE;/deny CREATE;/ok CREATE;");
    buf_clear(&n.log);
    assert_int_equal(call(&n, "POST", CM, OBJECT("bad")), 409);
    assert_true(has(&n, "admission webhook \\\"h0.v.x.io\\\" denied the request: no"));
    assert_int_equal(call(&n, "GET", CM "/bad", ""), 404);
    buf_clear(&n.log);
    assert_int_equal(call(&n, "PATCH", CM "/seen", "{\"data\":{\"z\":\"1\"}}"), 200);
    assert_true(has(&n, "\"a\":\"+++\""));
    assert_string_equal(buf_c(&n.log), "/a UPDATE;/b UPDATE;/deny UPDATE;");
    net_close(&n);
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
        {"/ok", ",\"objectSelector\":{\"matchLabels\":{\"x\":\"y\"}}", "\"k\":\"v\"", 201},
        {"/ok",
         ",\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"no\",\"operator\":\"Exists\"}]}",
         "\"k\":\"v\"", 201},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const hook[][2] = {{rows[i].path, rows[i].extra}};
        struct net n;
        net_open(&n);
        configure(&n, "ValidatingWebhookConfiguration", "v", hook, 1);
        int status = call(&n, "POST", CM, OBJECT("o"));
        if (status != rows[i].status || !has(&n, rows[i].text))
            fail_msg("%s %s: %d %s", rows[i].path, rows[i].extra, status, buf_c(&n.body));
        net_close(&n);
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
    struct net n;
    net_open_with(&n, &workloads);
    run_for(&n, 1);
    configure(&n, "ValidatingWebhookConfiguration", "v", check, 1);
    assert_int_equal(call(&n, "POST", SETS, SET("good")), 201);
    assert_int_equal(call(&n, "GET", SETS "/good", ""), 200);
    assert_true(has(&n, "\"readyReplicas\":3"));
    size_t asked = 0;
    for (struct str rest = buf_str(&n.log), one; str_cut(rest, ';', &one, &rest);)
        asked += str_eq_c(one, "/deny CREATE");
    assert_int_equal(asked, 3);
    assert_int_equal(call(&n, "POST", SETS, SET("bad")), 201);
    assert_int_equal(call(&n, "GET", SETS "/bad", ""), 200);
    assert_true(has(&n,
                    "\"message\":\"admission webhook \\\"h0.v.x.io\\\" denied the request: no\","
                    "\"reason\":\"FailedCreate\",\"status\":\"True\",\"type\":\"ReplicaFailure\""));
    assert_int_equal(call(&n, "GET", "/api/v1/namespaces/default/events", ""), 200);
    assert_true(
        has(&n, "Error creating: admission webhook \\\"h0.v.x.io\\\" denied the request: no"));
    assert_int_equal(call(&n, "DELETE", CHECKERS "/v", ""), 200);
    run_for(&n, 60);
    assert_int_equal(call(&n, "GET", SETS "/bad", ""), 200);
    assert_true(has(&n, "\"readyReplicas\":3") && !has(&n, "ReplicaFailure"));
    net_close(&n);
}

/* Nobody answers: the server ends all the same. */
static void a_server_ends_while_controllers_wait(void **state)
{
    static const char *const hang[][2] = {{"/hang", ",\"timeoutSeconds\":3"}};
    static const struct kubeapi_workloads workloads = {.nodes = 1, .events = true};
    struct net n;
    net_open_with(&n, &workloads);
    configure(&n, "ValidatingWebhookConfiguration", "v", hang, 1);
    begin(&n, "POST", SETS, SET("s"));
    run_for(&n, 1);
    assert_non_null(n.held);
    net_close(&n);
}

/* Others write while a request waits; what it was asked about is another object by then: it is asked again. */
static void waiting_harms_nobody(void **state)
{
    static const char *const hang[][2] = {{"/hang", ""}};
    struct net n;
    net_open(&n);
    configure(&n, "ValidatingWebhookConfiguration", "v", hang, 1);
    begin(&n, "POST", CM, OBJECT("o"));
    run_for(&n, 1);
    assert_non_null(n.held);
    assert_int_equal(n.status, 0);
    assert_null(kubeapi_get(n.api, STR("configmaps"), STR("default"), STR("o")));
    http_call_cancel(n.call); /* the client goes: its question goes with it */
    run_for(&n, 1);
    assert_int_equal(call(&n, "GET", "/api/v1/namespaces/default", ""), 200);
    begin(&n, "POST", CM, OBJECT("p"));
    run_for(&n, 1);
    net_close(&n); /* the server goes while somebody waits */
}

static void collections_are_asked_about(void **state)
{
    static const char *const hook[][2] = {{"/ok", ""}};
    struct net n;
    net_open(&n);
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
    assert_int_equal(call(&n, "DELETE", CM, ""), 200);
    size_t asked = 0;
    for (size_t i = 0; i < n.log.n; i++)
        asked += n.log.p[i] == ';';
    assert_int_equal(asked, 70);
    assert_null(kubeapi_get(n.api, STR("configmaps"), STR("default"), STR("c0")));
    net_close(&n);
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
#define DENY "\"validationActions\":[\"Deny\"]"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
