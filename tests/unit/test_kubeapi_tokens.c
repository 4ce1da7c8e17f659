/* Goal: a token speaks for its account as long as what it hangs on stands, for those audiences that it was made for, and
 * nobody else's token does.
 * Method: tokens are asked for in a table of forms; then what they hang on goes, time passes, parts are changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "engine/http/headers.h"
#include "engine/pki/jwt.h"
#include "sim/kubeapi/auth/tokens.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define REVIEWS  "/apis/authentication.k8s.io/v1/tokenreviews"
#define SELF     "/apis/authentication.k8s.io/v1/selfsubjectreviews"

static void open_with_account(struct fixture *f)
{
    fixture_open(f, NULL);
    must(f, 201, "POST", ACCOUNTS, "{\"metadata\":{\"name\":\"sa\"}}");
    must(f, 201, "POST", "/api/v1/namespaces/default/pods",
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"serviceAccountName\":\"sa\","
         "\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}"
         "}");
}

/* A token by this spec; it is the fixture's. */
static const char *token_of(struct fixture *f, const char *spec)
{
    must(f, 201, "POST", ACCOUNTS "/sa/token",
         arena_c(&f->a, arena_printf(&f->a, "{\"spec\":%s}", spec)));
    return arena_c(&f->a, str_c(said(f, "status.token")));
}

static bool works(struct fixture *f, const char *token)
{
    struct kubeapi_request r = {.method = "POST",
                                .target = STR(SELF),
                                .content_type = STR("application/json"),
                                .body = STR("{}"),
                                .authorization = arena_printf(&f->a, "Bearer %s", token)};
    struct kubeapi_answer answer;
    kubeapi_call(f->api, &r, &answer);
    int status = answer.status;
    kubeapi_answer_free(&answer);
    assert_true(status == 201 || status == 401);
    return status == 201;
}

static void requests_are_checked(void **state)
{
    static const struct {
        const char *account, *spec;
        int status;
        const char *message;
    } rows[] = {
        {"none", "{}", 404, "serviceaccounts \"none\" not found"},
        {"sa", "{\"expirationSeconds\":599}", 422,
         "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid "
         "value: "
         "599: may not specify a duration less than 10 minutes"},
        {"sa", "{\"expirationSeconds\":4294967297}", 422,
         "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid "
         "value: "
         "4294967297: may not specify a duration larger than 2^32 seconds"},
        {"sa", "{\"expirationSeconds\":600}", 201, ""},
        {"sa", "{\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\"q\"}}", 404,
         "pods \"q\" not found"},
        {"sa", "{\"boundObjectRef\":{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"name\":\"q\"}}",
         404, "secrets \"q\" not found"},
        {"sa", "{\"boundObjectRef\":{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"name\":\"q\"}}", 404,
         "nodes \"q\" not found"},
        {"sa", "{\"boundObjectRef\":{\"kind\":\"Job\",\"apiVersion\":\"batch/v1\",\"name\":\"q\"}}",
         400, "cannot bind token to object of type batch/v1, Kind=Job"},
        {"sa",
         "{\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\"p\",\"uid\":\"x\"}"
         "}",
         409,
         "Operation cannot be fulfilled on Pod \"p\": the UID in the bound object reference (x) "
         "does "
         "not match the UID in record. The object might have been deleted and then recreated"},
        {"default", "{\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\"p\"}}",
         400,
         "cannot bind token for serviceaccount \"default\" to pod running with different "
         "serviceaccount name."},
    };
    struct fixture f;
    open_with_account(&f);
    must(&f, 201, "POST", ACCOUNTS, "{\"metadata\":{\"name\":\"default\"}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str target = arena_printf(&f.a, ACCOUNTS "/%s/token", rows[i].account);
        struct str body = arena_printf(&f.a, "{\"spec\":%s}", rows[i].spec);
        must(&f, rows[i].status, "POST", target.p, body.p);
        assert_string_equal(said(&f, "message"), rows[i].message);
    }
    must(&f, 405, "GET", ACCOUNTS "/sa/token", NULL);
    fixture_close(&f);
}

static void tokens_die_with_what_they_hang_on(void **state)
{
    static const char pod[] =
        "{\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\"p\"}}";
    static const char secret[] =
        "{\"boundObjectRef\":{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"name\":\"s\"}}";
    struct fixture f;
    open_with_account(&f);
    must(&f, 201, "POST", "/api/v1/namespaces/default/secrets", "{\"metadata\":{\"name\":\"s\"}}");
    const char *plain = token_of(&f, "{}"), *of_pod = token_of(&f, pod);
    const char *of_secret = token_of(&f, secret);
    assert_true(works(&f, plain) && works(&f, of_pod) && works(&f, of_secret));
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0", NULL);
    assert_true(works(&f, plain) && !works(&f, of_pod) && works(&f, of_secret));
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/secrets/s", NULL);
    must(&f, 201, "POST", "/api/v1/namespaces/default/secrets", "{\"metadata\":{\"name\":\"s\"}}");
    assert_true(works(&f, plain) && !works(&f, of_secret)); /* another one of that name */
    must(&f, 200, "PATCH", ACCOUNTS "/sa", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_true(works(&f, plain));
    must(&f, 200, "DELETE", ACCOUNTS "/sa", NULL);
    assert_false(works(&f, plain));
    must(&f, 201, "POST", ACCOUNTS, "{\"metadata\":{\"name\":\"sa\"}}");
    assert_false(works(&f, plain));
    fixture_close(&f);
}

static void tokens_expire(void **state)
{
    struct fixture f;
    open_with_account(&f);
    const char *token = token_of(&f, "{\"expirationSeconds\":600}");
    fake_run_for(f.world, 599 * NS_PER_S);
    assert_true(works(&f, token));
    fake_run_for(f.world, 2 * NS_PER_S);
    assert_false(works(&f, token));
    struct str review = arena_printf(&f.a, "{\"spec\":{\"token\":\"%s\"}}", token);
    must(&f, 201, "POST", REVIEWS, review.p);
    assert_string_equal(said(&f, "status.error"),
                        "[invalid bearer token, service account token has expired]");
    fixture_close(&f);
}

static void tokens_are_for_their_audiences(void **state)
{
    struct fixture f;
    open_with_account(&f);
    const char *vault = token_of(&f, "{\"audiences\":[\"vault\",\"other\"]}");
    assert_false(works(&f, vault));
    struct str review = arena_printf(
        &f.a, "{\"spec\":{\"token\":\"%s\",\"audiences\":[\"x\",\"other\",\"vault\"]}}", vault);
    must(&f, 201, "POST", REVIEWS, review.p);
    assert_string_equal(said(&f, "status.authenticated"), "true");
    assert_non_null(
        strstr(buf_c(&f.last.body), "\"audiences\":[\"vault\",\"other\"],\"authenticated\""));
    review = arena_printf(&f.a, "{\"spec\":{\"token\":\"%s\",\"audiences\":[\"vault\"]}}", vault);
    must(&f, 201, "POST", REVIEWS, review.p);
    assert_non_null(strstr(buf_c(&f.last.body), "\"audiences\":[\"vault\"],\"authenticated\""));
    review = arena_printf(&f.a, "{\"spec\":{\"token\":\"%s\"}}", vault);
    must(&f, 201, "POST", REVIEWS, review.p);
    assert_string_equal(said(&f, "status.authenticated"), "");
    assert_string_equal(
        said(&f, "status.error"),
        "[invalid bearer token, token audiences [\"vault\" \"other\"] is invalid for "
        "the target audiences [\"" TOKEN_ISSUER "\"]]");
    must(&f, 400, "POST", REVIEWS, "{\"spec\":{}}");
    fixture_close(&f);
}

static struct str part(const char *token, size_t which)
{
    struct str head, rest = str_c(token);
    for (size_t i = 0; i <= which; i++)
        (void)str_cut(rest, '.', &head, &rest);
    return head;
}

static void nobody_else_can_make_tokens(void **state)
{
    struct fixture f;
    open_with_account(&f);
    const char *a = token_of(&f, "{}"), *b = token_of(&f, "{\"audiences\":[\"x\"]}");
    struct str mixed = arena_printf(&f.a, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(part(a, 0)),
                                    STR_ARG(part(a, 1)), STR_ARG(part(b, 2)));
    assert_true(works(&f, a));
    assert_false(works(&f, mixed.p));
    struct str none = arena_printf(&f.a, "eyJhbGciOiJub25lIn0." STR_FMT ".", STR_ARG(part(a, 1)));
    assert_false(works(&f, none.p));
    assert_false(works(&f, "a.b.c"));
    struct buf claims = {0};
    assert_true(base64url_decode(&claims, part(a, 1)));
    assert_non_null(strstr(buf_c(&claims), "\"sub\":\"system:serviceaccount:default:sa\""));
    assert_non_null(strstr(buf_c(&claims), "\"iss\":\"" TOKEN_ISSUER "\""));
    buf_free(&claims);
    must(&f, 200, "GET", "/openid/v1/jwks", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "\"alg\":\"RS256\""));
    must(&f, 200, "GET", "/.well-known/openid-configuration", NULL);
    assert_string_equal(said(&f, "issuer"), TOKEN_ISSUER);
    fixture_close(&f);
}

static void tokens_of_pods_last_longer_and_warn(void **state)
{
    struct fixture f;
    struct buf claims = {0};
    open_with_account(&f);
    const char *token =
        token_of(&f, "{\"expirationSeconds\":3607,\"boundObjectRef\":{\"kind\":\"Pod\","
                     "\"apiVersion\":\"v1\",\"name\":\"p\"}}");
    int64_t until = 0; /* what the client is told is when to ask again, not when it ends */
    assert_true(rfc3339_parse(str_c(said(&f, "status.expirationTimestamp")), &until));
    assert_int_equal(until / NS_PER_S, world_wall(fake_of(f.world)) / NS_PER_S + 3607);
    assert_true(base64url_decode(&claims, part(token, 1)));
    assert_non_null(strstr(buf_c(&claims), "\"warnafter\":"));
    buf_free(&claims);
    fake_run_for(f.world, 4000 * NS_PER_S);
    assert_true(works(&f, token));
    fixture_close(&f);
}

static void browsers_offer_tokens_as_protocols(void **state)
{
    struct fixture f;
    struct buf text = {0};
    open_with_account(&f);
    const char *token = token_of(&f, "{}");
    for (int good = 0; good < 2; good++) {
        struct http_headers h = {0};
        struct kubeapi_request r = {.method = "GET", .target = STR("/version"), .headers = &h};
        struct kubeapi_answer answer;
        buf_clear(&text);
        buf_add_c(&text, "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.");
        base64url_encode(&text, str_sub(str_c(token), good ? 0 : 1, strlen(token)));
        http_headers_add_c(&h, "Upgrade", "websocket");
        assert_true(http_headers_add(&h, STR("Sec-WebSocket-Protocol"), buf_str(&text)));
        kubeapi_call(f.api, &r, &answer);
        assert_int_equal(answer.status, good ? 200 : 401);
        kubeapi_answer_free(&answer);
        http_headers_free(&h);
    }
    buf_free(&text);
    fixture_close(&f);
}

/* ---- somebody else ---- */

static int as_other(struct fixture *f, const char *user, const char *const *headers)
{
    struct http_headers h = {0};
    struct kubeapi_request r = {.method = "POST",
                                .target = STR(SELF),
                                .content_type = STR("application/json"),
                                .body = STR("{}"),
                                .as = str_c(user),
                                .headers = &h};
    for (size_t i = 0; headers[i]; i += 2)
        assert_true(http_headers_add(&h, str_c(headers[i]), str_c(headers[i + 1])));
    kubeapi_answer_free(&f->last);
    kubeapi_call(f->api, &r, &f->last);
    http_headers_free(&h);
    f->body = NULL;
    err_ignore(json_parse(&f->a, buf_str(&f->last.body), &f->body));
    return f->last.status;
}

static void impersonation_needs_the_right_to_each_part(void **state)
{
    static const struct {
        const char *headers[9];
        int status;
        const char *message;
    } rows[] = {
        {{"Impersonate-User", "jane"}, 201, ""},
        {{"Impersonate-User", "joe"},
         403,
         "users \"joe\" is forbidden: User \"boss\" cannot impersonate resource \"users\" in API "
         "group \"\" at the cluster scope"},
        {{"Impersonate-User", "jane", "Impersonate-Group", "g"},
         403,
         "groups \"g\" is forbidden: User \"boss\" cannot impersonate resource \"groups\" in API "
         "group \"\" at the cluster scope"},
        {{"Impersonate-User", "jane", "Impersonate-Uid", "1"},
         403,
         "uids.authentication.k8s.io \"1\" is forbidden: User \"boss\" cannot impersonate resource "
         "\"uids\" in API group \"authentication.k8s.io\" at the cluster scope"},
        {{"Impersonate-User", "jane", "Impersonate-Extra-Scopes", "view"}, 201, ""},
        {{"Impersonate-User", "jane", "Impersonate-Extra-Scopes", "all"},
         403,
         "userextras.authentication.k8s.io \"all\" is forbidden: User \"boss\" cannot impersonate "
         "resource \"userextras/scopes\" in API group \"authentication.k8s.io\" at the cluster "
         "scope"},
        {{"Impersonate-User", "system:serviceaccount:default:sa"},
         403,
         "serviceaccounts \"sa\" is forbidden: User \"boss\" cannot impersonate resource "
         "\"serviceaccounts\" in API group \"\" in the namespace \"default\""},
        {{"Impersonate-Extra-Scopes", "view"}, 500, ""},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    must(
        &f, 201, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "{\"metadata\":{\"name\":\"i\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"users\"],"
        "\"verbs\":[\"impersonate\"],\"resourceNames\":[\"jane\"]},{\"apiGroups\":["
        "\"authentication.k8s.io\"],\"resources\":[\"userextras/scopes\"],\"verbs\":["
        "\"impersonate\"],\"resourceNames\":[\"view\"]}]}");
    must(&f, 201, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
         "{\"metadata\":{\"name\":\"i\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"i\"},"
         "\"subjects\":[{\"kind\":\"User\",\"name\":\"boss\"}]}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(as_other(&f, "boss", rows[i].headers), rows[i].status);
        assert_string_equal(said(&f, "message"), rows[i].message);
        if (rows[i].status == 201)
            assert_string_equal(said(&f, "status.userInfo.username"), "jane");
    }
    assert_string_equal(buf_c(&f.last.body),
                        "Internal Server Error: \"" SELF "\": requested [{UserExtra  view  "
                        "authentication.k8s.io/v1  scopes}] without impersonating a user\n");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(tokens_die_with_what_they_hang_on),
        cmocka_unit_test(tokens_expire),
        cmocka_unit_test(tokens_are_for_their_audiences),
        cmocka_unit_test(nobody_else_can_make_tokens),
        cmocka_unit_test(tokens_of_pods_last_longer_and_warn),
        cmocka_unit_test(browsers_offer_tokens_as_protocols),
        cmocka_unit_test(impersonation_needs_the_right_to_each_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
