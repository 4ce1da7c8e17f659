/* Goal: /k8s/clusters/ID/... is the cluster's own API for those who may use the cluster, in their name, and for nobody else; what
 * passes is what was sent, and an error says how far a request came.
 * Method: a real manager, a cluster with its agent and API; requests from outside, and an API of ours that looks at what
 * reaches it. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/proxy_bench.h"

#include "engine/base/codec.h"
#include "engine/kube/management.h"

#define PODS "/k8s/clusters/c-0/api/v1/namespaces/default/pods"
#define MAPS "/k8s/clusters/c-0/api/v1/namespaces/default/configmaps"

static void test_codes(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *token, *headers;
        int status;
        const char *says;
    } rows[] = {
        {"GET", PODS, NULL, NULL, 401, "\"reason\":\"Unauthorized\""},
        {"GET", PODS, "nobody", NULL, 401, "must authenticate"},
        {"GET", PODS, "a:b:c", NULL, 401, "must authenticate"},
        {"GET", PODS, "token-none:secret", NULL, 401, "must authenticate"},
        {"GET", PODS, BENCH_GUEST, NULL, 403, "you may not use this cluster"},
        {"GET", "/k8s/clusters/c-9/api", BENCH_GUEST, NULL, 403, "you may not use"},
        {"GET", "/k8s/clusters/c-9/api", BENCH_TOKEN, NULL, 404, "there is no cluster c-9"},
        {"GET", "/k8s/clusters/..", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters/../c-0/api", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters/%2e%2e/api", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters/c-0%2fapi", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters/c-0%00/api", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters//api", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"GET", "/k8s/clusters/C-0/api", BENCH_TOKEN, NULL, 400, "the id is malformed"},
        {"TRACE", PODS, BENCH_TOKEN, NULL, 405, "not passed on"},
        {"GET", PODS, BENCH_TOKEN, "Impersonate-User: admin\n", 403, "impersonation"},
        {"GET", PODS, BENCH_TOKEN, "impersonate-group: system:masters\n", 403, "impersonation"},
        {"GET", PODS, BENCH_TOKEN, "Impersonate-Extra-scopes: x\n", 403, "impersonation"},
        {"GET", PODS, BENCH_TOKEN, "IMPERSONATE_UID: x\n", 403, "impersonation"},
        {"POST", "/k8s/clusters/c-0/v1/pods", BENCH_TOKEN, NULL, 405, "MethodNotAllowed"},
        {"GET", PODS, BENCH_TOKEN, NULL, 200, "\"kind\":\"PodList\""},
        {"GET", PODS "/none", BENCH_TOKEN, NULL, 404, "pods \\\"none\\\" not found"},
        {"GET", "/k8s/clusters/c-0", BENCH_TOKEN, NULL, 200, "/api/v1"},
        {"GET", "/k8s/clusters/c-0/version?timeout=32s", BENCH_TOKEN, NULL, 200, "gitVersion"},
    };
    struct proxy_bench pb;
    proxy_bench_open(&pb, 1, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got =
            proxy_ask(&pb, rows[i].method, rows[i].target, rows[i].token, rows[i].headers, NULL);
        if (got != rows[i].status || !proxy_says(&pb, rows[i].says))
            fail_msg("%zu %s: %d %s %s", i, rows[i].target, got, buf_c(&pb.body), buf_c(&pb.error));
    }
    proxy_bench_close(&pb);
}

static void test_verbs(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *headers, *body;
        int status;
        const char *says;
    } rows[] = {
        {"POST", MAPS, "Content-Type: application/json\n",
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}", 201,
         "\"name\":\"m\""},
        {"PATCH", MAPS "/m", "Content-Type: application/merge-patch+json\n",
         "{\"data\":{\"a\":\"1\"}}", 200, "\"a\":\"1\""},
        {"PUT", MAPS "/m", "Content-Type: application/json\n",
         "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"},"
         "\"data\":{\"b\":\"2\"}}",
         200, "\"b\":\"2\""},
        {"GET", MAPS "/m", NULL, NULL, 200, "\"b\":\"2\""},
        {"HEAD", MAPS "/m", NULL, NULL, 405, ""}, /* as the API has it */
        {"DELETE", MAPS "/m", NULL, NULL, 200, "\"status\":\"Success\""},
        {"GET", MAPS "/m", NULL, NULL, 404, "NotFound"},
    };
    struct proxy_bench pb;
    proxy_bench_open(&pb, 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got = proxy_ask(&pb, rows[i].method, rows[i].target, BENCH_TOKEN, rows[i].headers,
                            rows[i].body);
        if (got != rows[i].status || !proxy_says(&pb, rows[i].says))
            fail_msg("%zu %s %s: %d %s %s", i, rows[i].method, rows[i].target, got, buf_c(&pb.body),
                     buf_c(&pb.error));
    }
    assert_true(proxy_metric(&pb, "paddock_proxy_requests_total") >= 7);
    assert_int_equal(proxy_metric(&pb, "paddock_proxy_open"), 0);
    proxy_bench_close(&pb);
}

/* What is sent in whose name, and what is not passed on. */
static void test_identity(void **state)
{
    (void)state;
    struct proxy_bench pb;
    proxy_bench_open(&pb, 3, 1);
    proxy_bench_backend(&pb);
    const char *target = "/k8s/clusters/c-0/a%2Fb/../c?x=%20&y=/k8s/clusters/c-1&z";
    int got = proxy_ask(&pb, "GET", target, BENCH_TOKEN,
                        "Cookie: R_SESS=token-x:y\nX-Remote-User: root\nX_REMOTE_GROUP: root\n"
                        "Keep-Alive: 5\nTE: trailers\nProxy-Authorization: Basic eA==\n"
                        "X-Forwarded-For: 203.0.113.7\nX-Custom: 1\nX-Custom: 2\nAccept: a/b\n",
                        NULL);
    if (got != 200)
        fail_msg("%d %s", got, buf_c(&pb.body));
    assert_true(proxy_says(&pb, "fine"));
    static const char *const there[] = {
        "GET /a%2Fb/../c?x=%20&y=/k8s/clusters/c-1&z\n",
        "Host: " PROXY_BACKEND "\n",
        "\nAuthorization: Bearer ",
        "\nImpersonate-User: manager\n",
        "\nImpersonate-Group: system:masters\nImpersonate-Group: system:authenticated\n",
        "\nX-Forwarded-For: 203.0.113.7, 198.51.100.1\n",
        "\nX-Forwarded-Host: " BENCH_MANAGER_NAME "\n",
        "\nX-Forwarded-Proto: https\n",
        "\nX-Custom: 1\nX-Custom: 2\nAccept: a/b\n"};
    static const char *const gone[] = {"R_SESS", "root", "Keep-Alive", "TE:", "Proxy-Auth"};
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        if (!proxy_saw(&pb, there[i]))
            fail_msg("no %s in %s", there[i], buf_c(&pb.seen));
    assert_false(proxy_saw(&pb, "Bearer " BENCH_TOKEN "\n"));
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        if (proxy_saw(&pb, gone[i]))
            fail_msg("%s in %s", gone[i], buf_c(&pb.seen));
    assert_int_equal(pb.asked, 1);
    proxy_bench_close(&pb);
}

/* ---- where it stops ---- */

static void test_hops(void **state)
{
    (void)state;
    struct proxy_bench pb;
    proxy_bench_open(&pb, 4, 1);
    proxy_bench_backend(&pb);
    bench_patch_cluster(pb.b, "c-0",
                        "{\"status\":{\"apiEndpoint\":\"http://" PROXY_BACKEND ":8081\"}}");
    bench_run(pb.b, 2 * S);
    assert_int_equal(proxy_ask(&pb, "GET", PODS, BENCH_TOKEN, NULL, NULL), 502);
    if (!proxy_says(&pb, "{\"message\":\"agent\",\"reason\":\"Hop\"}"))
        fail_msg("%s", buf_c(&pb.body));
    bench_cut_off(pb.b, "c-0", "cut");
    bench_run(pb.b, 60 * S);
    assert_int_equal(proxy_ask(&pb, "GET", PODS, BENCH_TOKEN, NULL, NULL), 503);
    assert_true(proxy_says(&pb, "{\"message\":\"tunnel\",\"reason\":\"Hop\"}"));
    bench_patch_cluster(pb.b, "c-0", "{\"status\":{\"apiEndpoint\":null}}");
    bench_run(pb.b, 2 * S);
    assert_int_equal(proxy_ask(&pb, "GET", PODS, BENCH_TOKEN, NULL, NULL), 503);
    assert_true(proxy_says(&pb, "has not registered it yet"));
    proxy_bench_close(&pb);
}

/* ---- bytes that are no good request: refused before anything is asked or dialled ---- */

#define START                                                                                      \
    "POST /k8s/clusters/c-0/x HTTP/1.1\r\nHost: m\r\nAuthorization: Bearer " BENCH_TOKEN "\r\n"
#define NEXT "GET /k8s/clusters/c-0/smuggled HTTP/1.1\r\nHost: m\r\n\r\n"

static void test_smuggling(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *answer;
    } rows[] = {
        {START "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, " 400 "},
        {START "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", " 400 "},
        {START "Content-Length: 4\r\nContent-Length: 9\r\n\r\nabcd", " 400 "},
        {START "Content-Length: 4, 4\r\n\r\nabcd", " 400 "},
        {START "Content-Length: +4\r\n\r\nabcd", " 400 "},
        {START "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", " 501 "},
        {START "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
         " 400 "},
        {START "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", " 400 "},
        {START "X-A: 1\r\n Impersonate-User: admin\r\n\r\n", " 400 "},
        {START "X-A: 1\nImpersonate-User: admin\r\n\r\n", " 400 "},
        {START "X-A: 1\rImpersonate-User: admin\r\n\r\n", " 400 "},
        {START "X-A: 1\r\nImpersonate-User : admin\r\n\r\n", " 400 "},
        {START "X-A: a\001b\r\n\r\n", " 400 "},
        {START "Host: other\r\n\r\n", " 400 "},
        {START "Connection: Authorization, Impersonate-User\r\nImpersonate-User: a\r\n\r\n",
         " 403 "},
        {START "Authorization: Bearer " BENCH_TOKEN "\r\n\r\n", " 400 "},
        {START "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 3\r\n\r\nabc", " 400 "},
        {"GET /k8s/clusters/c-0/ x HTTP/1.1\r\nHost: m\r\n\r\n", " 400 "},
        {"GET /k8s/clusters/c-0/\001 HTTP/1.1\r\nHost: m\r\n\r\n", " 400 "},
        {"GET /k8s/clusters/c-0/a#b HTTP/1.1\r\nHost: m\r\n\r\n", " 400 "},
        {"GET /k8s/clusters/../c-0/api HTTP/1.1\r\nHost: m\r\n\r\n", " 400 "},
        {"CONNECT /k8s/clusters/c-0/api HTTP/1.1\r\nHost: m\r\n\r\n", " 40"},
    };
    struct proxy_bench pb;
    proxy_bench_open(&pb, 5, 1);
    proxy_bench_backend(&pb);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        proxy_raw(&pb, rows[i].bytes, strlen(rows[i].bytes));
        struct str line, rest;
        (void)str_cut(buf_str(&pb.body), '\n', &line, &rest);
        if (str_find(line, str_c(rows[i].answer)) < 0 || pb.asked)
            fail_msg("%zu: %s, %zu came through", i, buf_c(&pb.body), pb.asked);
    }
    /* A NUL, which no string constant shows. */
    static const char nul[] = "GET /k8s/clusters/c-0\0/api HTTP/1.1\r\nHost: m\r\n\r\n";
    proxy_raw(&pb, nul, sizeof(nul) - 1);
    assert_true(proxy_says(&pb, " 400 "));
    assert_int_equal(pb.asked, 0);
    /* The absolute form means the same path. */
    static const char *const absolute =
        "GET http://m/k8s/clusters/c-0/a?b HTTP/1.1\r\nHost: m\r\nConnection: close\r\n"
        "Authorization: bearer " BENCH_TOKEN "\r\n\r\n";
    proxy_raw(&pb, absolute, strlen(absolute));
    assert_true(proxy_says(&pb, " 200 "));
    assert_true(proxy_saw(&pb, "GET /a?b\n"));
    /* What Connection names is of this hop, but takes nothing from what we say. */
    (void)proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_TOKEN, "X-Hop: 1\n", NULL);
    assert_true(proxy_saw(&pb, "X-Hop: 1\n"));
    static const char *const named =
        "GET /k8s/clusters/c-0/x HTTP/1.1\r\nHost: m\r\nX-Hop: 1\r\n"
        "Connection: close, X-Hop, Authorization, impersonate-user, X-Forwarded-For\r\n"
        "Authorization: Bearer " BENCH_TOKEN "\r\n\r\n";
    proxy_raw(&pb, named, strlen(named));
    assert_true(proxy_says(&pb, " 200 "));
    assert_false(proxy_saw(&pb, "X-Hop"));
    assert_true(proxy_saw(&pb, "\nImpersonate-User: manager\n"));
    assert_true(proxy_saw(&pb, "\nAuthorization: Bearer "));
    proxy_bench_close(&pb);
}

static void test_many_headers(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct buf large = {0}, many = {0};
    proxy_bench_open(&pb, 6, 1);
    proxy_bench_backend(&pb);
    buf_add_c(&large, START "X-Large: ");
    for (int i = 0; i < 70000; i++)
        buf_add_char(&large, 'x');
    buf_add_c(&large, "\r\n\r\n");
    proxy_raw(&pb, large.p, large.n);
    assert_true(proxy_says(&pb, " 431 "));
    buf_add_c(&many, START "Connection: a");
    for (int i = 0; i < 40; i++)
        buf_addf(&many, ", n%d", i);
    buf_add_c(&many, "\r\n\r\n");
    proxy_raw(&pb, many.p, many.n);
    assert_true(proxy_says(&pb, " 400 "));
    buf_clear(&many);
    buf_add_c(&many, START);
    for (int i = 0; i < 250; i++) /* with ours they are too many */
        buf_addf(&many, "X-%d: 1\r\n", i);
    buf_add_c(&many, "\r\n");
    proxy_raw(&pb, many.p, many.n);
    assert_true(proxy_says(&pb, " 400 "));
    assert_int_equal(pb.asked, 0);
    buf_free(&large);
    buf_free(&many);
    proxy_bench_close(&pb);
}

/* Its agent ends at the other replica. */
static void test_elsewhere(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 9; seed++) {
        struct proxy_bench pb;
        proxy_bench_open(&pb, seed, 2);
        bool elsewhere = server_state(proxy_server(&pb)).agents == 0;
        if (elsewhere) {
            assert_int_equal(proxy_ask(&pb, "GET", PODS, BENCH_TOKEN, NULL, NULL), 200);
            assert_true(proxy_says(&pb, "PodList"));
        }
        proxy_bench_close(&pb);
        if (elsewhere)
            return;
    }
    fail_msg("every agent ends at the first replica");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),     cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_identity),  cmocka_unit_test(test_hops),
        cmocka_unit_test(test_smuggling), cmocka_unit_test(test_many_headers),
        cmocka_unit_test(test_elsewhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
