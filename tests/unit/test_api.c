/* Goal: a replica lets in whom it should, at the rate it should, and tells the others why; what agents register is written
 * once, wherever they connect.
 * Method: real managers over a simulated local API; callers made by hand at their door, real agents behind it. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/manager_bench.h"

#include "engine/base/codec.h"
#include "engine/http/client.h"
#include "engine/kube/management.h"

#define MS NS_PER_MS
#define GOOD_PARAMS                                                                                \
    "{\"cluster\":{\"address\":\"10.43.0.1:443\",\"token\":\"t\",\"caCert\":\"Y2E=\"}}"

struct caller {
    struct bench *b;
    struct sim_process *p;
    struct http_client *http;
    struct world_tls tls;
    struct world_ws *ws;
    int status;
    struct buf body;
};

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct caller *c = owner;
    c->status = err ? -1 : r->status;
    buf_clear(&c->body);
    buf_add(&c->body, r ? buf_str(&r->body) : str_empty);
}

static void caller_open(struct caller *c, struct bench *b)
{
    struct sim_host_options host = {STR("caller"), STR("203.0.113.9"), STR("outside")};
    struct sim_process_options o = {.name = STR("caller"), .host = sim_host_new(b->sim, &host)};
    *c = (struct caller){.b = b, .p = sim_process_new(b->sim, &o)};
    check_ok(sim_process_start(c->p));
    c->http = http_client_new(sim_process_world(c->p));
    c->tls = (struct world_tls){.server_name = STR(BENCH_MANAGER_NAME),
                                .ca_pem = authority_pem(b->manager_ca)};
}

static void caller_close(struct caller *c)
{
    http_client_free(c->http);
    buf_free(&c->body);
}

/* The status of the answer; 0: none within ten seconds. */
static int ask(struct caller *c, const char *method, const char *target,
               const struct http_headers *headers)
{
    static const struct http_call_handler handler = {.done = on_done};
    struct http_request r = {.address = world_addr_make(STR("192.0.2.10"), 443),
                             .tls = &c->tls,
                             .host = STR(BENCH_MANAGER_NAME),
                             .method = method,
                             .target = str_c(target),
                             .headers = headers};
    c->status = 0;
    struct http_call *call = http_call_start(c->http, &r, &handler, c);
    bench_run(c->b, 10 * S);
    if (!c->status)
        http_call_cancel(call);
    return c->status;
}

static void on_ws_open(void *owner)
{
    ((struct caller *)owner)->status = 101;
}
static void on_ws_message(void *owner, bool text, struct str payload)
{
    (void)owner, (void)text, (void)payload;
}
static void on_ws_closed(void *owner, const struct world_ws_closed *how)
{
    struct caller *c = owner;
    c->ws = NULL;
    c->status = how->http_status ? how->http_status : -1;
    buf_clear(&c->body);
    buf_add(&c->body, how->http_body);
}

static struct world_ws *connect_ws(struct caller *c, const struct world_ws_handler *handler,
                                   void *owner, const char *id, struct str token,
                                   const char *params)
{
    struct buf encoded = {0};
    base64_encode(&encoded, str_c(params ? params : ""));
    struct world_header headers[3];
    size_t n = 0;
    if (id)
        headers[n++] = (struct world_header){STR("X-API-Tunnel-ID"), str_c(id)};
    if (token.n)
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Token"), token};
    if (params)
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Params"), buf_str(&encoded)};
    struct world_ws_connect o = {.address = world_addr_make(STR("192.0.2.10"), 443),
                                 .host = STR(BENCH_MANAGER_NAME),
                                 .path = STR("/v3/connect"),
                                 .tls = &c->tls,
                                 .headers = headers,
                                 .headers_n = n,
                                 .timeout = 60 * S};
    struct world_ws *ws = world_ws_connect(sim_process_world(c->p), &o, handler, owner);
    buf_free(&encoded);
    return ws;
}

/* The status that the door answers: 101 is a tunnel, which is given up again. */
static int knock(struct caller *c, const char *id, struct str token, const char *params)
{
    static const struct world_ws_handler handler = {
        .open = on_ws_open, .message = on_ws_message, .closed = on_ws_closed};
    c->status = 0;
    c->ws = connect_ws(c, &handler, c, id, token, params);
    bench_run(c->b, 10 * S);
    if (c->ws)
        world_ws_abort(c->ws);
    return c->status;
}

/* Owned. */
static struct str good_token(const struct bench *b)
{
    struct str token = kube_object_string(bench_token(b, "c-0", "default-token"), "status.token");
    assert_true(token.n > 8);
    return str_dup(token);
}

static void test_paths(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *body; /* part of it */
    } rows[] = {
        {"GET", "/ping", 200, "pong"},
        {"GET", "/healthz", 200, "ok"},
        {"GET", "/cacerts", 200, "-----BEGIN CERTIFICATE-----"},
        {"GET", "/v3/settings/cacerts", 200, "\"value\":\"-----BEGIN CERTIFICATE-----"},
        {"GET", "/v3/settings/server-url", 401, "Unauthorized"},
        {"GET", "/v3/settings/", 401, "Unauthorized"},
        {"GET", "/v3/clusters", 404, "NotFound"},
        {"GET", "/pingx", 404, "NotFound"},
        {"POST", "/ping", 405, "MethodNotAllowed"},
        {"GET", "/v3/connect", 401, "failed authentication"},
        {"GET", "/v3/connect/register", 401, "failed authentication"},
    };
    struct policies policies = policies_hardened();
    struct bench *b = bench_new(1, &policies, 1);
    struct caller c;
    (void)state;
    bench_run_until_led(b);
    caller_open(&c, b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = ask(&c, rows[i].method, rows[i].path, NULL);
        if (status != rows[i].status || str_find(buf_str(&c.body), str_c(rows[i].body)) < 0)
            fail_msg("%s %s: %d %s", rows[i].method, rows[i].path, status, buf_c(&c.body));
    }
    caller_close(&c);
    bench_free(b);
}

/* fixtures/incidents.yaml#K46: what is refused is told why, and nobody gets a session by guessing. */
static void test_door(void **state)
{
    static const struct {
        const char *what, *id, *token, *params; /* token "": the good one */
        int status;
        const char *body;
    } rows[] = {
        {"no token", NULL, NULL, GOOD_PARAMS, 401, "failed authentication"},
        {"a token that nobody gave out", NULL, "no-such-token", GOOD_PARAMS, 400,
         "cluster not found"},
        {"the good one, cut short", NULL, "half", GOOD_PARAMS, 400, "cluster not found"},
        {"no parameters", NULL, "", NULL, 400, ""},
        {"parameters that are no JSON", NULL, "", "cluster", 400, ""},
        {"neither node nor cluster", NULL, "", "{}", 400, "neither node nor cluster"},
        {"a node agent", NULL, "", "{\"node\":{}}", 400, "node agents"},
        {"no CA", NULL, "", "{\"cluster\":{\"address\":\"a:1\",\"token\":\"t\"}}", 400, "caCert"},
        {"a stranger as a replica", "192.0.2.77", "secret", NULL, 400, "cluster not found"},
        {"a replica's name without its token", "192.0.2.11", "guess", NULL, 400,
         "cluster not found"},
    };
    struct policies policies = policies_hardened();
    struct bench *b = bench_with(1, &policies, 2, 1);
    struct caller c;
    (void)state;
    caller_open(&c, b);
    struct str good = kube_object_string(bench_token(b, "c-0", "default-token"), "status.token");
    assert_true(good.n > 8);
    good = str_dup(good);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str token = rows[i].token ? str_c(rows[i].token) : str_empty;
        if (rows[i].token && !token.n)
            token = good;
        else if (str_eq_c(token, "half"))
            token = str_sub(good, 0, good.n / 2);
        int status = knock(&c, rows[i].id, token, rows[i].params);
        if (status != rows[i].status || str_find(buf_str(&c.body), str_c(rows[i].body)) < 0)
            fail_msg("%s: %d %s", rows[i].what, status, buf_c(&c.body));
    }
    assert_int_equal(knock(&c, NULL, good, GOOD_PARAMS), 101);
    bench_delete_cluster(b, "c-0");
    bench_run_until(b, "c-0", "gone", 200 * S);
    assert_int_equal(knock(&c, NULL, good, GOOD_PARAMS), 410); /* gone, and not cleaned up */
    str_free(&good);
    caller_close(&c);
    bench_free(b);
}

/* fixtures/incidents.yaml#K48: a replica whose caches are empty says so; it does not say that a cluster is unknown. */
static void test_starting(void **state)
{
    struct policies policies = policies_hardened();
    struct bench *b = bench_with(1, &policies, 1, 1);
    struct caller c;
    (void)state;
    caller_open(&c, b);
    struct str good = good_token(b);
    struct kubeapi_fault hang = {.kind = KUBEAPI_FAULT_LATENCY, .delay = 3600 * S};
    uint64_t id = kubeapi_fault_add(bench_local(b), &hang);
    sim_process_kill(b->managers[0].process, SIM_EXIT_KILLED);
    bench_run(b, BENCH_RESTART + S);
    assert_int_equal(ask(&c, "GET", "/ping", NULL), 200);
    assert_int_equal(knock(&c, NULL, good, GOOD_PARAMS), 503);
    assert_true(str_find(buf_str(&c.body), STR("starting")) >= 0);
    kubeapi_fault_remove(bench_local(b), id);
    bench_run_until_led(b);
    assert_int_equal(knock(&c, NULL, good, GOOD_PARAMS), 101);
    str_free(&good);
    caller_close(&c);
    bench_free(b);
}

/* fixtures/incidents.yaml#K26, #K29: a cluster's agents register with both replicas at the same moment, again and again:
 * there is one Secret, and what is known already is not written again. */
static void test_registrations_meet(void **state)
{
    struct policies policies = policies_hardened();
    struct bench *b = bench_new(3, &policies, 2);
    (void)state;
    bench_run_until_led(b);
    bench_import(b, 2, 2);
    bench_run_until(b, "c-0", "active", 120 * S);
    bench_run(b, 60 * S);
    assert_int_equal(bench_count(bench_local(b), "secrets", NAMESPACE_GLOBAL_DATA), 1);
    uint64_t version = bench_cluster(b, "c-0")->resource_version;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < BENCH_MANAGERS; i++)
            tunnel_router_disconnect(server_router(sim_process_instance(b->managers[i].process)),
                                     STR("c-0"));
        bench_run(b, 14 * S); /* back, and before two probes have missed it */
        size_t sessions = 0;
        for (size_t i = 0; i < BENCH_MANAGERS; i++)
            sessions += server_state(sim_process_instance(b->managers[i].process)).agents;
        assert_int_equal(sessions, 2);
    }
    assert_int_equal(bench_count(bench_local(b), "secrets", NAMESPACE_GLOBAL_DATA), 1);
    assert_int_equal(bench_cluster(b, "c-0")->resource_version, version);
    bench_free(b);
}

/* fixtures/incidents.yaml#K43: the Secret goes, the Cluster that names it stays: the agents, asked to come back, tell their
 * token again. */
static void test_lost_secret(void **state)
{
    struct str name = STR("cluster-serviceaccounttoken-c-0"), ns = STR(NAMESPACE_GLOBAL_DATA);
    struct policies policies = policies_hardened();
    struct bench *b = bench_new(3, &policies, 2);
    (void)state;
    bench_run_until_led(b);
    bench_import(b, 1, 1);
    bench_run_until(b, "c-0", "active", 120 * S);
    bench_run(b, 60 * S);
    struct kube_object *secret = kubeapi_get(bench_local(b), STR("secrets"), ns, name);
    struct str uid = str_dup(secret->uid);
    struct str credential = str_dup(kube_object_string(secret, "data.credential"));
    check_ok(kubeapi_delete(bench_local(b), STR("secrets"), ns, name));
    bench_run(b, 20 * S);
    secret = kubeapi_get(bench_local(b), STR("secrets"), ns, name);
    assert_non_null(secret);
    assert_false(str_eq(secret->uid, uid));
    assert_true(str_eq(kube_object_string(secret, "data.credential"), credential));
    bench_run_until(b, "c-0", "active", 60 * S);
    str_free(&uid);
    str_free(&credential);
    bench_free(b);
}

/* ---- admission ---- */

#define CALLERS 60

struct crowd {
    struct world_ws *ws[CALLERS];
    world_time opened[CALLERS];
    size_t opened_n, refused;
    struct sim *sim;
};
struct knocker {
    struct crowd *crowd;
    size_t i;
};

static void on_admitted(void *owner)
{
    struct crowd *c = ((struct knocker *)owner)->crowd;
    c->opened[c->opened_n++] = sim_now(c->sim);
}
static void on_refused(void *owner, const struct world_ws_closed *how)
{
    struct knocker *k = owner;
    k->crowd->ws[k->i] = NULL;
    k->crowd->refused += how->http_status == 503;
}

/* fixtures/incidents.yaml#K12: one cluster is known, so a site admits three agents a second and each of its two replicas
 * half of them; it holds those whose turn comes soon and sends the others away. In compat it takes all at once. */
static void test_admission(void **state)
{
    static const struct world_ws_handler handler = {
        .open = on_admitted, .message = on_ws_message, .closed = on_refused};
    (void)state;
    for (int paced = 0; paced < 2; paced++) {
        struct policies policies = policies_hardened();
        policies.value[POLICY_CONNECT_ADMISSION] =
            paced ? POLICY_ADMISSION_PACED : POLICY_ADMISSION_ALL;
        struct bench *b = bench_with(1, &policies, 1, 1);
        struct caller c;
        struct crowd crowd = {.sim = b->sim};
        struct knocker knockers[CALLERS];
        caller_open(&c, b);
        struct str token = good_token(b);
        world_time from = sim_now(b->sim);
        for (size_t i = 0; i < CALLERS; i++) {
            knockers[i] = (struct knocker){&crowd, i};
            crowd.ws[i] = connect_ws(&c, &handler, &knockers[i], NULL, token, GOOD_PARAMS);
        }
        bench_run(b, 30 * S);
        assert_int_equal(crowd.opened_n + crowd.refused, CALLERS);
        assert_in_range(crowd.opened_n, paced ? 6 : CALLERS, paced ? 9 : CALLERS);
        for (size_t i = 0; i < crowd.opened_n; i++) {
            world_time turn = paced ? (world_time)i * S * 2 / 3 : 0;
            assert_in_range(crowd.opened[i] - from, turn, turn + 500 * MS);
        }
        for (size_t i = 0; i < CALLERS; i++)
            if (crowd.ws[i])
                world_ws_abort(crowd.ws[i]);
        str_free(&token);
        caller_close(&c);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),       cmocka_unit_test(test_door),
        cmocka_unit_test(test_starting),    cmocka_unit_test(test_registrations_meet),
        cmocka_unit_test(test_lost_secret), cmocka_unit_test(test_admission)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
