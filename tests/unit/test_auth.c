/* Goal: whoever is let in to a cluster is who the credential says, and may use it; everything else is turned away alike.
 * Method: headers and hashes from tables; a real manager with Tokens and Users in its API, asked from outside. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/proxy_bench.h"

#include "engine/auth/credential.h"
#include "engine/base/codec.h"
#include "engine/kube/management.h"
#include "engine/pki/secret.h"

#define SECRET "bcdfghjklmnpqrstvwxz2456789bcdfghjklmnpqrstvwxz2456789"

/* ---- the header ---- */

static void test_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum credential_kind kind;
        const char *name, *secret;
    } rows[] = {
        {"", CREDENTIAL_NONE, "", ""},
        {"Bearer", CREDENTIAL_BAD, "", ""},
        {"Bearer ", CREDENTIAL_BAD, "", ""},
        {"Digest a:b", CREDENTIAL_BAD, "", ""},
        {"Bearer token-abcde:s3cret", CREDENTIAL_TOKEN, "token-abcde", "s3cret"},
        {"bearer  kubeconfig-u-abc.c-m-1x:s", CREDENTIAL_TOKEN, "kubeconfig-u-abc.c-m-1x", "s"},
        {"Basic dG9rZW4tYWJjZGU6czNjcmV0", CREDENTIAL_TOKEN, "token-abcde", "s3cret"},
        {"Basic dG9rZW4tYWJjZGU", CREDENTIAL_BAD, "", ""},
        {"Basic !", CREDENTIAL_BAD, "", ""},
        {"Bearer token-abcde:", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer :secret", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer a:b:c", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer ../users/x:b", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer a%2f:b", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer Token:b", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer -a:b", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer a.:b", CREDENTIAL_BAD, NULL, NULL},
        {"Bearer eyJhbGciOi.x-_y", CREDENTIAL_KUBERNETES, "", ""},
        {"Bearer two words", CREDENTIAL_BAD, "", ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct credential c;
        credential_read(str_c(rows[i].header), &c);
        if (c.kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].header, (int)c.kind);
        if (c.kind == CREDENTIAL_TOKEN) {
            check_str(c.name, rows[i].name);
            check_str(c.secret, rows[i].secret);
        }
        credential_free(&c);
    }
    struct buf large = {0};
    struct credential c;
    buf_add_c(&large, "Bearer ");
    while (large.n <= CREDENTIAL_BYTES_MAX)
        buf_add_char(&large, 'x');
    credential_read(buf_str(&large), &c);
    assert_int_equal(c.kind, CREDENTIAL_BAD);
    assert_false(credential_is_name(str_sub(buf_str(&large), 7, 254)));
    assert_true(credential_is_name(str_sub(buf_str(&large), 7, 253)));
    buf_free(&large);
}

/* ---- hashes, made by another implementation of the same rules ---- */

static void test_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *stored;
        bool fits;
    } rows[] = {{"a", "a", true},
                {"a", "b", false},
                {"a", "aa", false},
                {"", "", false},
                {"", "a", false},
                {"s3cret", "$2:AQIDBAUGBwg:pYYV0NKe6IjGpUawDkoaOBYJ+38RlaHP34yX4rpvSfU", true},
                {"s3cre7", "$2:AQIDBAUGBwg:pYYV0NKe6IjGpUawDkoaOBYJ+38RlaHP34yX4rpvSfU", false},
                {"s3cret",
                 "$3:1:AQIDBAUGBwg:Z0PWoxocP7A+8vEuPHi3aGQCfUG/UuICbH9lDWB/"
                 "gyXwL3Pa+vZ86cpT7nTWGa00cRbXZRD3vKQQatz3EUTcNA",
                 true},
                {"s3cre7",
                 "$3:1:AQIDBAUGBwg:Z0PWoxocP7A+8vEuPHi3aGQCfUG/UuICbH9lDWB/"
                 "gyXwL3Pa+vZ86cpT7nTWGa00cRbXZRD3vKQQatz3EUTcNA",
                 false},
                {"s3cret",
                 "$1:0102030405060708:15:8:1:rk0H4SLSJkLi08TPqTOIg1XSuhmnDEhwQJgrWDt5wL1ECuu/"
                 "b667+9fgDTH3SLVr2MIQMT1Wg+QkgE7IEQNFGg",
                 true},
                {"s3cre7",
                 "$1:0102030405060708:15:8:1:rk0H4SLSJkLi08TPqTOIg1XSuhmnDEhwQJgrWDt5wL1ECuu/"
                 "b667+9fgDTH3SLVr2MIQMT1Wg+QkgE7IEQNFGg",
                 false},
                {"s3cret", "$2::", false},
                {"s3cret", "$2:YWJj:", false},
                {"s3cret", "$2:YWJj", false},
                {"s3cret", "$3:2:YWJj:YWJj", false},
                {"s3cret", "$9:a:b", false},
                {"s3cret", "$1:61:40:8:1:YWJj", false},
                {"s3cret", "$1:61:15:9:1:YWJj", false},
                {"s3cret", "$1:61:15:8:2:YWJj", false},
                {"s3cret", "$1:6:15:8:1:YWJj", false},
                {"s3cret", "$1:61:0:8:1:YWJj", false},
                {"s3cret", "$1:61:15:8:1:YWJj:x", false},
                {"$2:YWJj:x", "$2:YWJj:x", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (pki_secret_fits(str_c(rows[i].secret), str_c(rows[i].stored)) != rows[i].fits)
            fail_msg("%s and %s", rows[i].secret, rows[i].stored);
    struct buf large = {0};
    while (large.n <= PKI_SECRET_BYTES_MAX)
        buf_add_char(&large, 'x');
    assert_false(pki_secret_fits(buf_str(&large), buf_str(&large)));
    buf_free(&large);
}

/* ---- through the manager ---- */

static void apply(struct kubeapi *api, const char *fmt, ...) printf_like(2, 3);
static void apply(struct kubeapi *api, const char *fmt, ...)
{
    struct buf json = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&json, fmt, ap);
    va_end(ap);
    check_ok(kubeapi_apply(api, buf_str(&json), NULL));
    buf_free(&json);
}

static void apply_kind(struct kubeapi *api, const char *plural, const char *kind)
{
    apply(api,
          "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
          "\"metadata\":{\"name\":\"%s." MANAGEMENT_GROUP "\"},\"spec\":{\"group\":"
          "\"" MANAGEMENT_GROUP "\",\"names\":{\"kind\":\"%s\",\"listKind\":\"%sList\",\"plural\":"
          "\"%s\",\"singular\":\"x%s\"},\"scope\":\"Cluster\",\"versions\":[{\"name\":\"v3\","
          "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
          "\"x-kubernetes-preserve-unknown-fields\":true}},\"served\":true,\"storage\":true}]}}",
          plural, kind, kind, plural, plural);
}

static void apply_token(struct kubeapi *api, const char *name, const char *members)
{
    apply(api,
          "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\",\"kind\":\"Token\",\"metadata\":{\"name\":"
          "\"%s\",\"creationTimestamp\":\"2025-01-01T00:00:00Z\"},%s}",
          name, members);
}

/* c-0 may be seen by user and group. */
static void apply_right(struct kubeapi *api, const char *kind, const char *name)
{
    apply(api,
          "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\",\"metadata\":"
          "{\"name\":\"see\"},\"rules\":[{\"apiGroups\":[\"" MANAGEMENT_GROUP
          "\"],\"resources\":[\"clusters\"],\"resourceNames\":[\"c-0\"],\"verbs\":[\"get\"]}]}");
    apply(api,
          "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRoleBinding\","
          "\"metadata\":{\"name\":\"see-%s\"},\"roleRef\":{\"apiGroup\":"
          "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"see\"},\"subjects\":"
          "[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"%s\",\"name\":\"%s\"}]}",
          kind, kind, name);
}

static void open_users(struct proxy_bench *pb, uint64_t seed)
{
    proxy_bench_open(pb, seed, 1);
    proxy_bench_backend(pb);
    struct kubeapi *api = bench_local(pb->b);
    apply_kind(api, "tokens", "Token");
    apply_kind(api, "users", "User");
    apply_kind(api, "userattributes", "UserAttribute");
    bench_run(pb->b, S);
    static const char *const users[][2] = {{"u-1", "true"}, {"u-2", "false"}, {"u-3", "true"}};
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        apply(api,
              "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\",\"kind\":\"User\",\"metadata\":{"
              "\"name\":\"%s\"},\"username\":\"anna\",\"enabled\":%s}",
              users[i][0], users[i][1]);
    apply(api,
          "{\"apiVersion\":\"" MANAGEMENT_GROUP "/v3\",\"kind\":\"UserAttribute\",\"metadata\":{"
          "\"name\":\"u-1\"},\"GroupPrincipals\":{\"local\":{\"Items\":[{\"metadata\":{\"name\":"
          "\"local://team\"}},{\"metadata\":{\"name\":\"system:masters\"}}]},\"github\":{\"Items\":"
          "[{\"metadata\":{\"name\":\"github_team://7\"}}]}}}");
    apply_right(api, "User", "u-1");
    apply_right(api, "Group", "github_team://9");
}

#define GOOD "\"userId\":\"u-1\",\"token\":\"" SECRET "\""

static void test_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *name, *members;
        int status;
    } rows[] = {
        {"good", GOOD ",\"ttl\":0", 200},
        {"hashed",
         "\"userId\":\"u-1\",\"token\":\"$3:1:AQIDBAUGBwg:"
         "wf9HJYI9PNnWVMgHrh3pxwFIqtAKUE5E5DPgRutfx6HrpFniTQTo6KJKqPCG93AzBzeEeBVip8qE5n1oS9XYhA\"",
         200},
        {"lasting", GOOD ",\"ttl\":315360000000,\"expiresAt\":\"2035-01-01T00:00:00Z\"", 200},
        {"of-cluster", GOOD ",\"clusterName\":\"c-0\"", 200},
        {"of-another", GOOD ",\"clusterName\":\"c-1\"", 401},
        {"over", GOOD ",\"ttl\":500", 401},
        {"expired", GOOD ",\"expired\":true", 401},
        {"ended", GOOD ",\"expiresAt\":\"2025-06-01T00:00:00Z\"", 401},
        {"odd-end", GOOD ",\"expiresAt\":\"soon\"", 401},
        {"negative", GOOD ",\"ttl\":-1", 401},
        {"off", GOOD ",\"enabled\":false", 401},
        {"other-secret", "\"userId\":\"u-1\",\"token\":\"x\"", 401},
        {"no-secret", "\"userId\":\"u-1\"", 401},
        {"no-user", "\"token\":\"" SECRET "\"", 401},
        {"bad-user", "\"userId\":\"system:admin\",\"token\":\"" SECRET "\"", 401},
        {"gone-user", "\"userId\":\"u-9\",\"token\":\"" SECRET "\"", 401},
        {"user-off", "\"userId\":\"u-2\",\"token\":\"" SECRET "\"", 401},
        {"no-right", "\"userId\":\"u-3\",\"token\":\"" SECRET "\"", 403},
        {"by-group",
         "\"userId\":\"u-3\",\"token\":\"" SECRET
         "\",\"groupPrincipals\":[{\"metadata\":{\"name\":\"github_team://9\"}}]",
         200},
    };
    struct proxy_bench pb;
    struct buf token = {0};
    open_users(&pb, 7);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        apply_token(bench_local(pb.b), rows[i].name, rows[i].members);
        bench_run(pb.b, S);
        buf_clear(&token);
        buf_addf(&token, "%s:" SECRET, rows[i].name);
        int got = proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", buf_c(&token), NULL, NULL);
        if (got != rows[i].status)
            fail_msg("%s: %d %s", rows[i].name, got, buf_c(&pb.body));
        if (got == 401)
            assert_true(proxy_says(&pb, "\"message\":\"must authenticate\""));
    }
    buf_free(&token);
    proxy_bench_close(&pb);
}

static void test_who_it_is(void **state)
{
    (void)state;
    struct proxy_bench pb;
    struct buf basic = {0};
    open_users(&pb, 8);
    apply_token(bench_local(pb.b), "token-abcde",
                GOOD ",\"userPrincipal\":{\"metadata\":{\"name\":\"local://u-1\"}}");
    buf_add_c(&basic, "Authorization: Basic ");
    base64_encode(&basic, STR("token-abcde:" SECRET));
    buf_add_char(&basic, '\n');
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", NULL, buf_c(&basic), NULL), 200);
    if (!proxy_saw(&pb, "\nImpersonate-User: u-1\n"
                        "Impersonate-Group: github_team://7\nImpersonate-Group: team\n"
                        "Impersonate-Group: system:authenticated\n"
                        "Impersonate-Group: system:cattle:authenticated\n"
                        "Impersonate-Extra-Principalid: local://u-1\n"
                        "Impersonate-Extra-Username: anna\n"))
        fail_msg("%s", buf_c(&pb.seen));
    assert_false(proxy_saw(&pb, "system:masters"));
    assert_false(proxy_saw(&pb, SECRET));
    /* Taken back: it works on for the time that a yes is kept, and no longer. */
    check_ok(kubeapi_delete(bench_local(pb.b), STR("tokens." MANAGEMENT_GROUP), str_empty,
                            STR("token-abcde")));
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", NULL, buf_c(&basic), NULL), 200);
    bench_run(pb.b, 10 * S);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", NULL, buf_c(&basic), NULL), 401);
    buf_free(&basic);
    proxy_bench_close(&pb);
}

/* What agents have is no login. */
static void test_machines(void **state)
{
    (void)state;
    struct proxy_bench pb;
    open_users(&pb, 9);
    const struct kube_object *registration = bench_token(pb.b, "c-0", "default-token");
    assert_non_null(registration);
    struct str text = kube_object_string(registration, "status.token");
    char *token = str_dup_c(text);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", token, NULL, NULL), 401);
    assert_true(proxy_says(&pb, "a registration token is for agents only"));
    mem_free(token);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_NODE, NULL, NULL), 403);
    assert_true(proxy_says(&pb, "nodes may not"));
    /* The agent's own account belongs to its cluster: here it is nobody. */
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_TOKEN, NULL, NULL), 200);
    ptrdiff_t at = str_find(buf_str(&pb.seen), STR("Authorization: Bearer "));
    assert_true(at >= 0);
    struct str line, rest, all = buf_str(&pb.seen);
    (void)str_cut(str_sub(all, (size_t)at + 22, all.n), '\n', &line, &rest);
    char *agents = str_dup_c(line);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", agents, NULL, NULL), 401);
    mem_free(agents);
    assert_int_equal(pb.asked, 1);
    proxy_bench_close(&pb);
}

/* A service account of the manager's own cluster is somebody else in another one. */
static void test_accounts(void **state)
{
    (void)state;
    struct proxy_bench pb;
    open_users(&pb, 10);
    apply_right(bench_local(pb.b), "User", "system:serviceaccount:default:ci");
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_ACCOUNT, NULL, NULL), 200);
    assert_true(proxy_saw(&pb, "\nImpersonate-User: local:system:serviceaccount:default:ci\n"
                               "Impersonate-Group: system:authenticated\nX-Forwarded-For"));
    proxy_bench_close(&pb);
}

/* The local API is away: nobody is let in, and nobody is told that he is wrong. */
static void test_api_away(void **state)
{
    (void)state;
    struct proxy_bench pb;
    open_users(&pb, 11);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_TOKEN, NULL, NULL), 200);
    struct kubeapi_fault broken = {.kind = KUBEAPI_FAULT_STATUS, .status = 500};
    kubeapi_fault_add(bench_local(pb.b), &broken);
    bench_run(pb.b, 20 * S);
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", BENCH_TOKEN, NULL, NULL), 503);
    assert_true(proxy_says(&pb, "the local API did not"));
    assert_int_equal(proxy_ask(&pb, "GET", "/k8s/clusters/c-0/x", "good:" SECRET, NULL, NULL), 503);
    assert_int_equal(pb.asked, 1);
    proxy_bench_close(&pb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_tokens),      cmocka_unit_test(test_who_it_is),
        cmocka_unit_test(test_machines),    cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_api_away)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
