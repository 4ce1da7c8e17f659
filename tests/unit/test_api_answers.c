/* Goal: a replica answers what agents and administrators ask as the original does: routes, the codes in front of a tunnel,
 * the import manifest, admission at a steady rate, and what an agent says about its cluster written down once.
 * Method: the real server beside a simulated local API; requests and tunnels from a process outside. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/api/api.h"
#include "engine/api/api_internal.h"
#include "engine/base/codec.h"
#include "engine/base/yaml.h"
#include "engine/controllers/cluster/cluster.h"
#include "engine/http/client.h"
#include "engine/kube/management.h"
#include "engine/manifests/agent_manifest.h"
#include "engine/tunnel/client.h"

#define MS      NS_PER_MS
#define MANAGER "192.0.2.10"

struct outside {
    struct bench *b;
    struct sim_process *p;
    struct http_client *http;
    struct world_tls tls;
    /* the last answer */
    int done, status;
    struct buf body, retry_after;
};

static struct world *world(struct outside *o)
{
    return sim_process_world(o->p);
}

static void open_outside(struct outside *o, const struct policies *p)
{
    *o = (struct outside){.b = bench_new(1, p, 1)};
    struct sim_host_options host = {STR("outside"), STR("198.51.100.1"), STR("outside")};
    struct sim_process_options po = {.name = STR("outside"),
                                     .host = sim_host_new(o->b->sim, &host)};
    o->p = sim_process_new(o->b->sim, &po);
    check_ok(sim_process_start(o->p));
    o->http = http_client_new(world(o));
    o->tls = (struct world_tls){.server_name = STR(BENCH_MANAGER_NAME),
                                .ca_pem = authority_pem(o->b->manager_ca)};
}

static void close_outside(struct outside *o)
{
    http_client_free(o->http);
    buf_free(&o->body);
    buf_free(&o->retry_after);
    bench_free(o->b);
}

static void on_answer(void *owner, const struct http_response *r, const struct err *err)
{
    struct outside *o = owner;
    o->done++;
    o->status = r && !err ? r->status : 0;
    buf_clear(&o->body);
    buf_clear(&o->retry_after);
    if (!r)
        return;
    buf_add(&o->body, buf_str(&r->body));
    buf_add(&o->retry_after, http_headers_get(&r->headers, "Retry-After"));
}

static struct http_call *send(struct outside *o, const char *method, struct str target,
                              const struct http_headers *headers)
{
    static const struct http_call_handler handler = {.done = on_answer};
    struct http_request r = {.address = world_addr_make(STR(MANAGER), 443),
                             .tls = &o->tls,
                             .host = STR(BENCH_MANAGER_NAME),
                             .method = method,
                             .target = target,
                             .headers = headers,
                             .timeout = 60 * S};
    o->done = 0;
    return http_call_start(o->http, &r, &handler, o);
}

static int ask(struct outside *o, const char *method, const char *target,
               const struct http_headers *headers)
{
    send(o, method, str_c(target), headers);
    for (int i = 0; !o->done && i < 6000; i++)
        bench_run(o->b, 10 * MS);
    assert_int_equal(o->done, 1);
    return o->status;
}

/* ---- routes ---- */

static void test_routes(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        int status;
        const char *body; /* within it */
    } rows[] = {
        {"GET", "/ping", 200, "pong"},
        {"GET", "/ping?x=1", 200, "pong"},
        {"GET", "/healthz", 200, "ok"},
        {"GET", "/cacerts", 200, "-----BEGIN CERTIFICATE-----"},
        {"GET", "/v3/settings/cacerts", 200, "\"value\":\"-----BEGIN CERTIFICATE-----"},
        {"GET", "/v3/settings/server-url", 401, "must authenticate"},
        {"GET", "/v3/settings/", 401, "must authenticate"},
        {"GET", "/", 404, "\"code\":\"NotFound\""},
        {"GET", "/v3/connect/other", 404, "\"type\":\"error\""},
        {"GET", "/pingx", 404, "\"status\":\"404\""},
        {"POST", "/ping", 405, "\"code\":\"MethodNotAllowed\""},
        {"DELETE", "/v3/settings/cacerts", 405, "not supported"},
        {"GET", "/v3/connect", 401, "failed authentication"},
        {"GET", "/v3/connect/register", 401, "failed authentication"},
    };
    struct outside o;
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = ask(&o, rows[i].method, rows[i].target, NULL);
        if (status != rows[i].status || str_find(buf_str(&o.body), str_c(rows[i].body)) < 0)
            fail_msg("%s %s: %d %s", rows[i].method, rows[i].target, status, buf_c(&o.body));
    }
    close_outside(&o);
}

/* ---- in front of the tunnel ---- */

/* A Cluster and its token as soon as the controllers have made it. */
static void make_cluster(struct outside *o, const char *id, struct buf *token)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"" MANAGEMENT_GROUP
             "/v3\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"%s\"},\"spec\":{}}",
             id);
    check_ok(kubeapi_apply(bench_local(o->b), buf_str(&json), NULL));
    buf_free(&json);
    for (int i = 0; token->n == 0 && i < 300; i++) {
        bench_run(o->b, 100 * MS);
        const struct kube_object *t = bench_token(o->b, id, CLUSTER_TOKEN_DEFAULT);
        if (t)
            buf_add(token, kube_object_string(t, "status.token"));
    }
    assert_true(token->n > 0);
    bench_run(o->b, 2 * S);
}

static void connect_headers(struct http_headers *h, struct str token, const char *params,
                            bool encode)
{
    struct buf coded = {0};
    if (encode)
        base64_encode(&coded, str_c(params));
    else
        buf_add_c(&coded, params);
    assert_true(http_headers_add(h, STR("X-API-Tunnel-Token"), token));
    assert_true(http_headers_add(h, STR("X-API-Tunnel-Params"), buf_str(&coded)));
    buf_free(&coded);
}

/* Everything but the upgrade. */
static int connect_with(struct outside *o, struct str token, const char *params, bool encode)
{
    struct http_headers h = {0};
    connect_headers(&h, token, params, encode);
    int status = ask(o, "GET", "/v3/connect", &h);
    http_headers_free(&h);
    return status;
}

#define GOOD "{\"cluster\":{\"address\":\"10.1.2.3:443\",\"token\":\"secret\",\"caCert\":\"Q0E=\"}}"

static void send_connects(struct outside *o, struct str token, int n)
{
    struct http_headers h = {0};
    connect_headers(&h, token, GOOD, true);
    while (n-- > 0)
        send(o, "GET", STR("/v3/connect"), &h);
    o->done = 0;
    http_headers_free(&h);
}

static void test_connect_codes(void **state)
{
    (void)state;
    static const struct {
        const char *params, *body;
        bool plain;
    } rows[] = {
        {"%%%", "is not base64", true},
        {"{", "JSON", false},
        {"{}", "neither node nor cluster", false},
        {"{\"node\":{}}", "node agents", false},
        {"{\"cluster\":{}}", "need address, token and caCert", false},
        {"{\"cluster\":{\"address\":\"a\",\"token\":\"t\"}}", "need address", false},
        {"{\"cluster\":{\"address\":7,\"token\":\"t\",\"caCert\":\"Q0E=\"}}", "need address",
         false},
        {GOOD, "", false}, /* all but the upgrade: its own answer */
    };
    struct outside o;
    struct buf token = {0};
    struct policies p = policies_compat();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    make_cluster(&o, "c-x", &token);
    assert_int_equal(connect_with(&o, STR("wrong"), GOOD, true), 400);
    check_str(buf_str(&o.body), "cluster not found");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = connect_with(&o, buf_str(&token), rows[i].params, !rows[i].plain);
        bool upgrade = i + 1 == ARRAY_LEN(rows);
        if ((upgrade ? status != 400 && status != 426 : status != 400) ||
            str_find(buf_str(&o.body), str_c(rows[i].body)) < 0)
            fail_msg("row %zu: %d %s", i, status, buf_c(&o.body));
    }
    /* The Cluster goes: its token opens nothing any more. */
    bench_delete_cluster(o.b, "c-x");
    bench_run(o.b, 30 * S);
    assert_int_equal(connect_with(&o, buf_str(&token), GOOD, true), 400);
    check_str(buf_str(&o.body), "cluster not found");
    buf_free(&token);
    close_outside(&o);
}

/* An agent of a cluster that the manager has lost, with the proof that it was one of its own. */
static int connect_member(struct outside *o, const char *id, struct str token)
{
    struct http_headers h = {0};
    struct buf proof = {0};
    agent_membership_write(STR("peers"), str_c(id), token, &proof);
    connect_headers(&h, token, GOOD, true);
    assert_true(http_headers_add(&h, STR(AGENT_MEMBERSHIP_HEADER), buf_str(&proof)));
    int status = ask(o, "GET", "/v3/connect", &h);
    http_headers_free(&h);
    buf_free(&proof);
    return status;
}

/* fixtures/incidents.yaml#K43: parts of the cluster are there already, as an adoption that was broken off leaves them. Once
 * it is known, its proof is worth nothing with another token. */
static void test_adoption_goes_on(void **state)
{
    (void)state;
    struct outside o;
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    check_ok(kubeapi_apply(bench_local(o.b),
                           STR("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{"
                               "\"name\":\"c-lost\"}}"),
                           NULL));
    assert_int_equal(connect_member(&o, "c-lost", STR("its-token")), 503);
    assert_true(str_find(buf_str(&o.body), STR("adopting")) >= 0);
    bench_run(o.b, 10 * S);
    assert_non_null(bench_cluster(o.b, "c-lost"));
    check_str(kube_object_string(bench_token(o.b, "c-lost", CLUSTER_TOKEN_DEFAULT), "status.token"),
              "its-token");
    assert_int_equal(connect_member(&o, "c-lost", STR("another")), 400);
    check_str(buf_str(&o.body), "cluster not found");
    close_outside(&o);
}

static void test_starting(void **state)
{
    (void)state;
    struct outside o;
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    struct kubeapi_fault slow = {
        .kind = KUBEAPI_FAULT_LATENCY, .delay = 20 * S, .verb = STR("list")};
    kubeapi_fault_add(bench_local(o.b), &slow);
    bench_run(o.b, 3 * S);
    assert_int_equal(ask(&o, "GET", "/ping", NULL), 200);
    assert_int_equal(connect_with(&o, STR("t"), GOOD, true), 503);
    assert_int_equal(ask(&o, "GET", "/v3/connect", NULL), 401);
    close_outside(&o);
}

/* ---- the import manifest ---- */

static void test_manifest(void **state)
{
    (void)state;
    static const char *const kinds[] = {"ClusterRole",    "ClusterRoleBinding", "Namespace",
                                        "ServiceAccount", "ClusterRoleBinding", "ClusterRole",
                                        "Secret",         "Deployment",         "Service"};
    struct outside o;
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    /* A URL that would break out of any quotes: the setting is an administrator's, the manifest still what it is. */
    static const char nasty[] = "https://m.test/\\\"\\n  evil: true #\\u2028";
    struct buf patch = {0};
    for (int round = 0; round < 2; round++) {
        if (round == 1) {
            buf_addf(&patch, "{\"value\":\"%s\"}", nasty);
            check_ok(kubeapi_patch(bench_local(o.b), STR("settings." MANAGEMENT_GROUP), str_empty,
                                   STR("server-url"), buf_str(&patch)));
            bench_run(o.b, 2 * S);
        }
        assert_int_equal(ask(&o, "GET", "/v3/import/tok123_c-abc.yaml", NULL), 200);
        struct arena a = {0};
        struct yaml_node **docs = NULL;
        size_t n = 0;
        check_ok(yaml_parse_all(&a, STR("m.yaml"), buf_str(&o.body), &docs, &n));
        assert_int_equal(n, ARRAY_LEN(kinds));
        struct kubeapi *target = apihost_api(o.b->local);
        for (size_t i = 0; i < n; i++) {
            cJSON *object = yaml_to_json(&a, docs[i]);
            check_str(json_string_at(object, "kind"), kinds[i]);
            struct buf json = {0};
            json_write(&json, object);
            check_ok(kubeapi_apply(target, buf_str(&json), NULL)); /* in this order */
            buf_free(&json);
            if (i == 6) {
                struct buf url = {0}, token = {0};
                assert_true(base64_decode(&token, json_string_at(object, "data.token")));
                check_str(buf_str(&token), "tok123");
                assert_true(base64_decode(&url, json_string_at(object, "data.url")));
                if (round)
                    check_str(buf_str(&url), "https://m.test/\"\n  evil: true #\xe2\x80\xa8");
                buf_free(&url);
                buf_free(&token);
            }
        }
        arena_free(&a);
    }
    buf_free(&patch);
    close_outside(&o);
}

static void test_manifest_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "/v3/import/",           "/v3/import/.yaml",        "/v3/import/tok.yaml",
        "/v3/import/tok_.yaml",  "/v3/import/_c.yaml",      "/v3/import/tok_c",
        "/v3/import/tok_c.yml",  "/v3/import/t%22x_c.yaml", "/v3/import/t_c%0aevil.yaml",
        "/v3/import/t_c/x.yaml", "/v3/import/t\"x_c.yaml",  "/v3/import/t_c'.yaml",
        "/v3/import/t_c:d.yaml", "/v3/import/t_c_d.yaml",
    };
    struct outside o;
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (ask(&o, "GET", bad[i], NULL) != 404)
            fail_msg("%s: %d", bad[i], o.status);
    check_ok(kubeapi_patch(bench_local(o.b), STR("settings." MANAGEMENT_GROUP), str_empty,
                           STR("server-url"), STR("{\"value\":\"\"}")));
    bench_run(o.b, 2 * S);
    assert_int_equal(ask(&o, "GET", "/v3/import/tok_c.yaml", NULL), 503);
    close_outside(&o);
}

/* ---- tunnels ---- */

struct dialer {
    struct outside *o;
    struct tunnel_client *c;
    world_time opened_at; /* 0: not */
    int status;           /* of a refusal */
    bool closed;
};

static void on_open(void *owner, struct tunnel_session *s)
{
    struct dialer *d = owner;
    (void)s;
    d->opened_at = sim_now(d->o->b->sim);
}
static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct dialer *d = owner;
    d->c = NULL;
    d->closed = true;
    d->status = how->http_status;
}

static void dial(struct outside *o, struct dialer *d, struct str token, const char *params)
{
    static const struct tunnel_client_handler handler = {on_open, on_closed};
    *d = (struct dialer){.o = o};
    struct tunnel_client_options t = {.address = world_addr_make(STR(MANAGER), 443),
                                      .host = STR(BENCH_MANAGER_NAME),
                                      .path = STR("/v3/connect/register"),
                                      .tls = &o->tls,
                                      .token = token,
                                      .params_json = str_c(params),
                                      .session = {.policies = &o->b->policies}};
    d->c = tunnel_client_connect(world(o), &t, &handler, d);
}

static void test_admission(void **state)
{
    (void)state;
    enum { N = 40, RATE = 3 }; /* one replica, few clusters: three a second */
    struct outside o;
    struct buf token = {0};
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    check_ok(kubeapi_apply(
        bench_local(o.b),
        STR("{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"" SERVER_SERVICE
            "\",\"namespace\":\"" NAMESPACE_SYSTEM
            "\"},\"subsets\":[{\"addresses\":[{\"ip\":\"" MANAGER "\"}]}]}"),
        NULL));
    make_cluster(&o, "c-x", &token);
    struct dialer d[N];
    for (size_t i = 0; i < N; i++)
        dial(&o, &d[i], buf_str(&token), GOOD);
    bench_run(o.b, 500 * MS);
    tunnel_client_close(d[4].c); /* leaves while it is held */
    d[4].c = NULL;
    bench_run(o.b, 9 * S);
    size_t in = 0, refused = 0;
    for (size_t i = 0; i < N; i++) {
        in += d[i].opened_at > 0;
        refused += d[i].status == 503;
        size_t within = 0; /* a second from each opening on */
        for (size_t j = 0; j < N && d[i].opened_at; j++)
            within += d[j].opened_at >= d[i].opened_at && d[j].opened_at < d[i].opened_at + S;
        assert_in_range(within, 0, RATE + 1); /* the way back jitters */
    }
    assert_in_range(in, API_ADMISSION_HOLD_MAX / S * RATE - 1,
                    API_ADMISSION_HOLD_MAX / S * RATE + 2);
    assert_in_range(in + refused, N - 1, N);
    /* Told when to come back. */
    for (size_t i = 0; i < N; i++) {
        tunnel_client_close(d[i].c);
        dial(&o, &d[i], buf_str(&token), GOOD);
    }
    bench_run(o.b, 300 * MS);
    uint64_t seconds = 0;
    send_connects(&o, buf_str(&token), 4); /* at most one finds a place that became free */
    bench_run(o.b, 300 * MS);
    assert_in_range(o.done, 3, 4);
    assert_int_equal(o.status, 503);
    assert_true(str_to_u64(buf_str(&o.retry_after), &seconds));
    assert_in_range(seconds, API_ADMISSION_HOLD_MAX / S + 1, 2 * API_ADMISSION_HOLD_MAX / S);
    /* Who was let in or went away left the line: as many are held as the first time. */
    bench_run(o.b, 9 * S);
    in = 0;
    for (size_t i = 0; i < N; i++)
        in += d[i].opened_at > 0;
    assert_in_range(in, API_ADMISSION_HOLD_MAX / S * RATE - 3,
                    API_ADMISSION_HOLD_MAX / S * RATE + 2);
    /* The replica ends while some are held. */
    for (size_t i = 0; i < N; i++) {
        tunnel_client_close(d[i].c);
        dial(&o, &d[i], buf_str(&token), GOOD);
    }
    bench_run(o.b, 300 * MS);
    sim_process_kill(o.b->managers[0].process, SIM_EXIT_KILLED);
    bench_run(o.b, S);
    for (size_t i = 0; i < N; i++)
        tunnel_client_close(d[i].c);
    buf_free(&token);
    close_outside(&o);
}

static void test_admission_of_all(void **state)
{
    (void)state;
    enum { N = 30 };
    struct outside o;
    struct buf token = {0};
    struct policies p = policies_compat();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    make_cluster(&o, "c-x", &token);
    struct dialer d[N];
    for (size_t i = 0; i < N; i++)
        dial(&o, &d[i], buf_str(&token), GOOD);
    bench_run(o.b, S);
    for (size_t i = 0; i < N; i++) {
        assert_true(d[i].opened_at > 0);
        tunnel_client_close(d[i].c);
    }
    buf_free(&token);
    close_outside(&o);
}

/* ---- registration ---- */

static struct kube_object *secret(struct outside *o)
{
    return kubeapi_get(bench_local(o->b), STR("secrets"), STR(NAMESPACE_GLOBAL_DATA),
                       STR("cluster-serviceaccounttoken-c-x"));
}

static void check_written(struct outside *o, const char *endpoint, const char *ca,
                          const char *credential)
{
    const struct kube_object *c = bench_cluster(o->b, "c-x"), *s = secret(o);
    check_str(kube_object_string(c, "status.apiEndpoint"), endpoint);
    check_str(kube_object_string(c, "status.caCert"), ca);
    check_str(kube_object_string(c, "status.driver"), "imported");
    check_str(kube_object_string(c, "status.serviceAccountTokenSecret"),
              "cluster-serviceaccounttoken-c-x");
    assert_non_null(s);
    struct buf token = {0};
    assert_true(base64_decode(&token, kube_object_string(s, "data.credential")));
    check_str(buf_str(&token), credential);
    buf_free(&token);
}

static void test_registration(void **state)
{
    (void)state;
    struct outside o;
    struct buf token = {0};
    struct dialer d[4];
    struct policies p = policies_compat();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    make_cluster(&o, "c-x", &token);
    dial(&o, &d[0], buf_str(&token), GOOD);
    bench_run(o.b, 5 * S);
    check_written(&o, "https://10.1.2.3:443", "Q0E=", "secret");
    /* The same again, from a second agent: nothing is written. */
    uint64_t version = secret(&o)->resource_version;
    dial(&o, &d[1], buf_str(&token), GOOD);
    bench_run(o.b, 5 * S);
    assert_int_equal(secret(&o)->resource_version, version);
    /* Something newer, while the API fails in every way it can. */
    static const struct kubeapi_fault faults[] = {
        {.kind = KUBEAPI_FAULT_LOST_ACK, .per_million = 500000},
        {.kind = KUBEAPI_FAULT_STATUS, .status = 500, .per_million = 400000},
        {.kind = KUBEAPI_FAULT_LATENCY, .delay = 100 * MS, .jitter = S}};
    uint64_t ids[ARRAY_LEN(faults)];
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        ids[i] = kubeapi_fault_add(bench_local(o.b), &faults[i]);
    dial(&o, &d[2], buf_str(&token),
         "{\"cluster\":{\"address\":\"10.9.9.9:6443\",\"token\":\"newer\",\"caCert\":\"Q0E=\"}}");
    bench_run(o.b, 10 * S);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        kubeapi_fault_remove(bench_local(o.b), ids[i]);
    bench_run(o.b, 60 * S);
    check_written(&o, "https://10.9.9.9:6443", "Q0E=", "newer");
    /* The cluster's CA was renewed, and nothing else. */
    dial(&o, &d[3], buf_str(&token),
         "{\"cluster\":{\"address\":\"10.9.9.9:6443\",\"token\":\"newer\",\"caCert\":\"Q0Ey\"}}");
    bench_run(o.b, 5 * S);
    check_written(&o, "https://10.9.9.9:6443", "Q0Ey", "newer");
    for (size_t i = 0; i < ARRAY_LEN(d); i++)
        tunnel_client_close(d[i].c);
    buf_free(&token);
    close_outside(&o);
}

/* While the Cluster is being removed, what an agent says is not written down: its Secret would outlive it. */
static void test_registration_while_removed(void **state)
{
    (void)state;
    struct outside o;
    struct buf token = {0};
    struct dialer d[2];
    struct policies p = policies_hardened();
    open_outside(&o, &p);
    bench_run_until_led(o.b);
    make_cluster(&o, "c-x", &token);
    dial(&o, &d[0], buf_str(&token), GOOD);
    bench_run(o.b, 5 * S);
    tunnel_client_close(d[0].c);
    bench_run(o.b, S);
    bench_delete_cluster(o.b, "c-x");
    bench_run(o.b, S);
    uint64_t version = secret(&o)->resource_version;
    dial(&o, &d[1], buf_str(&token),
         "{\"cluster\":{\"address\":\"10.9.9.9:6443\",\"token\":\"newer\",\"caCert\":\"Q0E=\"}}");
    bench_run(o.b, 3 * S);
    assert_true(bench_cluster(o.b, "c-x")->deleting);
    assert_true(d[1].opened_at > 0);
    assert_int_equal(secret(&o)->resource_version, version);
    tunnel_client_close(d[1].c);
    buf_free(&token);
    close_outside(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),           cmocka_unit_test(test_connect_codes),
        cmocka_unit_test(test_starting),         cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_manifest_names),   cmocka_unit_test(test_admission),
        cmocka_unit_test(test_admission_of_all), cmocka_unit_test(test_registration),
        cmocka_unit_test(test_adoption_goes_on), cmocka_unit_test(test_registration_while_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
