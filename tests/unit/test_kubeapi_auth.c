/* Goal: nobody does what they may not: authentication, RBAC with its texts, grants, reviews, account tokens.
 * Method: a server with bootstrap roles; users ask before and after they are given rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/codec.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define RBAC "/apis/rbac.authorization.k8s.io/v1"

static void as(struct fixture *f, const char *user, int status, const char *method,
               const char *target, const char *body)
{
    f->as = user;
    must(f, status, method, target, body);
    f->as = NULL;
}

static int authorized(struct fixture *f, struct str authorization, const char *target)
{
    struct kubeapi_request r = {
        .method = "GET", .target = str_c(target), .authorization = authorization};
    struct kubeapi_answer answer;
    kubeapi_call(f->api, &r, &answer);
    int status = answer.status;
    kubeapi_answer_free(&answer);
    return status;
}

static int with_token(struct fixture *f, const char *token, const char *target)
{
    return authorized(f, arena_printf(&f->a, "Bearer %s", token), target);
}

static void rights_are_those_of_the_bindings(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/pods", NULL);
    assert_string_equal(
        said(&f, "message"),
        "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" "
        "in the namespace \"default\"");
    as(&f, "u", 403, "GET", "/api/v1/nodes/x", NULL);
    assert_string_equal(said(&f, "message"),
                        "nodes \"x\" is forbidden: User \"u\" cannot get resource \"nodes\" in API "
                        "group \"\" at the cluster scope");
    as(&f, "u", 403, "GET", "/metrics", NULL);
    assert_string_equal(said(&f, "message"), "forbidden: User \"u\" cannot get path \"/metrics\"");
    as(&f, "u", 200, "GET", "/version", NULL);
    as(&f, "u", 200, "GET", "/apis", NULL);
    must(&f, 201, "POST", RBAC "/namespaces/default/roles",
         "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
         "\"verbs\":[\"list\",\"get\"]},{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],"
         "\"resourceNames\":[\"one\"],\"verbs\":[\"*\"]}]}");
    must(&f, 201, "POST", RBAC "/namespaces/default/rolebindings",
         "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
         "\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 200, "GET", "/api/v1/namespaces/default/pods", NULL);
    as(&f, "v", 403, "GET", "/api/v1/namespaces/default/pods", NULL);
    as(&f, "u", 403, "GET", "/api/v1/pods", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/kube-system/pods", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/pods/p/log", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/podsets", NULL);
    as(&f, "uu", 403, "GET", "/api/v1/namespaces/default/pods", NULL);
    as(&f, "u", 403, "DELETE", "/api/v1/namespaces/default/pods/p", NULL);
    as(&f, "u", 404, "GET", "/api/v1/namespaces/default/configmaps/one", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/configmaps/two", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/configmaps/one-more", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/configmaps", NULL);
    as(&f, "u", 200, "GET",
       "/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Done", NULL);
    must(&f, 200, "PATCH", RBAC "/namespaces/default/roles/r", "{\"rules\":[]}");
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/pods", NULL);
    must(&f, 422, "PATCH", RBAC "/namespaces/default/rolebindings/b",
         "{\"roleRef\":{\"name\":\"other\"}}");
    must(&f, 200, "DELETE", RBAC "/namespaces/default/rolebindings/b", NULL);
    fixture_close(&f);
}

static void paths_are_whole_or_have_a_star(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"paths\"},\"rules\":[{\"nonResourceURLs\":[\"/metrics\","
         "\"/logs/*\"],\"verbs\":[\"get\"]}]}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"paths\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"paths\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 200, "GET", "/metrics", NULL);
    as(&f, "u", 403, "GET", "/metrics/slis", NULL);
    as(&f, "u", 403, "GET", "/metricsx", NULL);
    as(&f, "u", 404, "GET", "/logs/kube.log", NULL);
    as(&f, "u", 403, "GET", "/log", NULL);
    as(&f, "u", 403, "POST", "/metrics", NULL);
    as(&f, "v", 403, "GET", "/metrics", NULL);
    fixture_close(&f);
}

static void aggregated_roles_hold_their_parts(void **state)
{
    struct fixture f;
    struct kubeapi_options options = {.name = STR("test")};
    fixture_open(&f, &options);
    settle(&f);
    must(&f, 201, "POST", RBAC "/namespaces/default/rolebindings",
         "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"view\"},"
         "\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 200, "GET", "/api/v1/namespaces/default/pods", NULL);
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/secrets", NULL);
    as(&f, "u", 403, "GET", "/apis/x.io/v1/namespaces/default/widgets", NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"more\",\"labels\":{"
         "\"rbac.authorization.k8s.io/aggregate-to-view\":\"true\"}},\"rules\":[{\"apiGroups\":"
         "[\"x.io\"],\"resources\":[\"widgets\"],\"verbs\":[\"list\"]}]}");
    settle(&f);
    as(&f, "u", 404, "GET", "/apis/x.io/v1/namespaces/default/widgets", NULL);
    must(&f, 200, "GET", RBAC "/clusterroles/admin", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "x.io"));
    must(&f, 200, "PATCH", RBAC "/clusterroles/more", "{\"metadata\":{\"labels\":null}}");
    settle(&f);
    as(&f, "u", 403, "GET", "/apis/x.io/v1/namespaces/default/widgets", NULL);
    must(&f, 200, "PATCH", RBAC "/clusterroles/more",
         "{\"metadata\":{\"labels\":{\"rbac.authorization.k8s.io/aggregate-to-view\":\"true\"}}}");
    settle(&f);
    as(&f, "u", 404, "GET", "/apis/x.io/v1/namespaces/default/widgets", NULL);
    must(&f, 200, "DELETE", RBAC "/clusterroles/more", NULL);
    settle(&f);
    as(&f, "u", 403, "GET", "/apis/x.io/v1/namespaces/default/widgets", NULL);
    fixture_close(&f);
}

static void nobody_grants_more_than_they_hold(void **state)
{
    static const char role[] = "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"apiGroups\":[\"\"],"
                               "\"resources\":[\"secrets\"],"
                               "\"verbs\":[\"get\"]}]}";
    static const char binding[] =
        "{\"metadata\":{\"name\":\"x\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
        "\"cluster-admin\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"maker\"},\"rules\":[{\"apiGroups\":[\"rbac.authorization.k8s."
         "io\"],"
         "\"resources\":[\"roles\",\"rolebindings\"],\"verbs\":[\"create\"]}]}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"maker\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"maker\"},"
         "\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 403, "POST", RBAC "/namespaces/default/roles", role);
    assert_string_equal(
        said(&f, "message"),
        "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"u\" "
        "(groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions "
        "not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], "
        "Verbs:[\"get\"]}");
    as(&f, "u", 403, "POST", RBAC "/namespaces/default/rolebindings", binding);
    must(&f, 201, "POST", RBAC "/namespaces/default/roles", role);
    must(&f, 201, "POST", RBAC "/namespaces/default/rolebindings",
         "{\"metadata\":{\"name\":\"y\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"x\"},"
         "\"subjects\":"
         "[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 409, "POST", RBAC "/namespaces/default/roles", role);
    fixture_close(&f);
}

static void reviews_answer(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    as(&f, "u", 201, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
       "{\"spec\":{\"resourceAttributes\":{\"verb\":\"get\",\"resource\":\"pods\"}}}");
    assert_string_equal(said(&f, "status.allowed"), "false");
    as(&f, "u", 201, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
       "{\"spec\":{\"nonResourceAttributes\":{\"verb\":\"get\",\"path\":\"/version\"}}}");
    assert_string_equal(said(&f, "status.allowed"), "true");
    must(&f, 201, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
         "{\"spec\":{\"user\":\"x\",\"groups\":[\"system:masters\"],\"resourceAttributes\":{"
         "\"verb\":"
         "\"delete\",\"resource\":\"nodes\"}}}");
    assert_string_equal(said(&f, "status.allowed"), "true");
    as(&f, "u", 403, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "{\"spec\":{}}");
    as(&f, "u", 201, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
       "{\"spec\":{\"namespace\":\"default\"}}");
    assert_non_null(strstr(buf_c(&f.last.body), "\"/version\"")); /* by its group alone */
    as(&f, "u", 201, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
    assert_string_equal(said(&f, "status.userInfo.username"), "u");
    fixture_close(&f);
}

static void account_tokens_live_with_their_secret(void **state)
{
    static const char secret[] = "{\"metadata\":{\"name\":\"t\",\"annotations\":{\"kubernetes.io/"
                                 "service-account.name\":\"a\"}},"
                                 "\"type\":\"kubernetes.io/service-account-token\"}";
    struct fixture f;
    struct kubeapi_token known = {STR("s3cret"), STR("op"), STR("1"), NULL, 0};
    struct kubeapi_options options = {.tokens = &known, .tokens_n = 1, .ca_pem = STR("CA")};
    fixture_open(&f, &options);
    settle(&f);
    must(&f, 200, "GET", "/api/v1/namespaces/default/serviceaccounts/default", NULL);
    must(&f, 200, "GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", NULL);
    assert_string_equal(said(&f, "data.ca.crt"), "");
    must(&f, 201, "POST", "/api/v1/namespaces/default/serviceaccounts",
         "{\"metadata\":{\"name\":\"a\"}}");
    must(&f, 201, "POST", "/api/v1/namespaces/default/secrets", secret);
    assert_string_equal(said(&f, "data.token"), "");
    settle(&f);
    must(&f, 200, "GET", "/api/v1/namespaces/default/secrets/t", NULL);
    struct buf token = {0};
    assert_true(base64_decode(&token, str_c(said(&f, "data.token"))));
    const char *text = arena_c(&f.a, buf_str(&token));
    buf_free(&token);
    assert_int_equal(with_token(&f, "s3cret", "/version"), 200);
    assert_int_equal(with_token(&f, "wrong", "/version"), 401);
    assert_int_equal(with_token(&f, text, "/version"), 200);
    /* the scheme is a word in any letters; another one is nobody's */
    assert_int_equal(authorized(&f, STR("bEARER wrong"), "/version"), 401);
    assert_int_equal(authorized(&f, STR("Basic wrong"), "/version"), 200);
    assert_int_equal(with_token(&f, text, "/api/v1/pods"), 403);
    struct str forged = arena_printf(&f.a, "%sA", text);
    assert_int_equal(with_token(&f, forged.p, "/version"), 401);
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"a\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"cluster-admin\"},\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"a\","
         "\"namespace\":"
         "\"default\"}]}");
    assert_int_equal(with_token(&f, text, "/api/v1/pods"), 200);
    struct str review = arena_printf(&f.a, "{\"spec\":{\"token\":\"%s\"}}", text);
    must(&f, 200, "GET", "/api/v1/namespaces/default/secrets/t", NULL);
    const cJSON *labels = json_path(f.body, "metadata.labels");
    assert_true(str_starts(json_string(json_get(labels, "kubernetes.io/legacy-token-last-used")),
                           STR("1970-01-")));
    struct str revision =
        arena_str(&f.a, json_string(json_path(f.body, "metadata.resourceVersion")));
    assert_int_equal(with_token(&f, text, "/version"), 200);
    must(&f, 200, "GET", "/api/v1/namespaces/default/secrets/t", NULL); /* once a day */
    assert_true(str_eq(json_string_at(json_get(f.body, "metadata"), "resourceVersion"), revision));
    must(&f, 201, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", review.p);
    assert_string_equal(said(&f, "status.user.username"), "system:serviceaccount:default:a");
#define INVALID "kubernetes.io/legacy-token-invalid-since"
    must(&f, 200, "PATCH", "/api/v1/namespaces/default/secrets/t",
         "{\"metadata\":{\"labels\":{\"" INVALID "\":\"1970-01-01\"}}}");
    assert_int_equal(with_token(&f, text, "/version"), 401);
    must(&f, 200, "PATCH", "/api/v1/namespaces/default/secrets/t",
         "{\"metadata\":{\"labels\":{\"" INVALID "\":null}}}");
    assert_int_equal(with_token(&f, text, "/version"), 200);
    must(&f, 200, "DELETE", "/api/v1/namespaces/default/serviceaccounts/a", NULL);
    assert_int_equal(with_token(&f, text, "/version"), 401);
    settle(&f);
    must(&f, 404, "GET", "/api/v1/namespaces/default/secrets/t", NULL);
    must(&f, 422, "POST", "/api/v1/namespaces/default/secrets",
         "{\"metadata\":{\"name\":\"x\"},\"type\":\"kubernetes.io/service-account-token\"}");
    fixture_close(&f);
}

/* Roles are the same objects, namespaces are not, and what one server does is not seen in the other. */
static void bootstrap_roles_can_be_shared(void **state)
{
    static const char role[] = RBAC "/clusterroles/view";
    struct store_snapshot *shared = NULL;
    struct kubeapi_options options = {.name = STR("test"), .ca_pem = STR("CA"), .shared = &shared};
    struct fixture f[2];
    const char *roles[2], *namespaces[2];
    for (size_t i = 0; i < 2; i++) {
        f[i] = (struct fixture){.world = fake_new(i + 1)};
        f[i].api = kubeapi_new(fake_of(f[i].world), &options);
        must(&f[i], 200, "GET", RBAC "/clusterroles/admin", NULL); /* aggregated from the start */
        assert_true(strstr(buf_c(&f[i].last.body), "deletecollection") != NULL);
        must(&f[i], 200, "GET", role, NULL);
        roles[i] = said(&f[i], "metadata.uid");
        must(&f[i], 200, "GET", "/api/v1/namespaces/kube-system", NULL);
        namespaces[i] = said(&f[i], "metadata.uid");
    }
    store_snapshot_free(shared);
    assert_string_equal(roles[0], roles[1]);
    assert_string_not_equal(namespaces[0], namespaces[1]);
    assert_int_equal(store_revision(kubeapi_store(f[0].api)),
                     store_revision(kubeapi_store(f[1].api)));
    must(&f[0], 200, "DELETE", role, NULL);
    must(&f[0], 404, "GET", role, NULL);
    must(&f[1], 200, "GET", role, NULL);
    for (size_t i = 0; i < 2; i++)
        fixture_close(&f[i]);
}

static void refusals_name_what_is_missing(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"maker\"},\"rules\":[{\"apiGroups\":[\"rbac.authorization.k8s."
         "io\"],\"resources\":[\"*\"],\"verbs\":[\"create\",\"update\",\"patch\",\"get\"]},"
         "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\",\"list\"]}]}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"maker\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"maker\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 403, "POST", RBAC "/clusterroles",
       "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"nonResourceURLs\":[\"/metrics\"],\"verbs\":"
       "[\"get\"]},{\"apiGroups\":[\"\"],\"resources\":[\"secrets\",\"pods\"],\"verbs\":"
       "[\"get\",\"delete\"]},{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],"
       "\"resourceNames\":[\"a\"],\"verbs\":[\"*\"]}]}");
    assert_string_equal(
        said(&f, "message"),
        "clusterroles.rbac.authorization.k8s.io \"x\" is forbidden: user \"u\" "
        "(groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently "
        "held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}\n"
        "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"a\"], Verbs:[\"*\"]}\n"
        "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"delete\"]}\n"
        "{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}");
    as(&f, "u", 201, "POST", RBAC "/clusterroles",
       "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
       "\"verbs\":[\"get\"]}]}");
    as(&f, "u", 403, "PUT", RBAC "/namespaces/default/roles/made-by-put",
       "{\"metadata\":{\"name\":\"made-by-put\"},\"rules\":[{\"apiGroups\":[\"*\"],"
       "\"resources\":[\"*\"],\"verbs\":[\"*\"]}]}");
    as(&f, "u", 403, "POST", RBAC "/clusterroles",
       "{\"metadata\":{\"name\":\"y\"},\"aggregationRule\":{\"clusterRoleSelectors\":[{"
       "\"matchLabels\":{\"a\":\"b\"}}]}}");
    assert_non_null(strstr(said(&f, "message"), "must have cluster-admin privileges to use the"));
    as(&f, "u", 404, "POST", RBAC "/clusterrolebindings",
       "{\"metadata\":{\"name\":\"z\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"none\"},"
       "\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    fixture_close(&f);
}

/* Who held a role may hand it on; not any more when the role grows, or when they lose it. */
static void what_is_remembered_of_grants_follows_changes(void **state)
{
    static const char body[] =
        "{\"metadata\":{\"generateName\":\"b\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
        "\"shared\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"v\"}]}";
    static const char target[] = RBAC "/namespaces/default/rolebindings";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"shared\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":"
         "[\"pods\"],\"verbs\":[\"get\"]},{\"apiGroups\":[\"rbac.authorization.k8s.io\"],"
         "\"resources\":[\"rolebindings\"],\"verbs\":[\"create\"]}]}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"shared\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"shared\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 201, "POST", target, body);
    as(&f, "u", 201, "POST", target, body);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"binds\"},\"rules\":[{\"apiGroups\":["
         "\"rbac.authorization.k8s.io\"],\"resources\":[\"rolebindings\"],\"verbs\":[\"create\"]}]"
         "}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"binds\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"binds\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    must(&f, 200, "DELETE", RBAC "/clusterrolebindings/shared", NULL);
    as(&f, "u", 403, "POST", target, body);
    fixture_close(&f);
}

static void bindings_of_missing_roles_are_named(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/namespaces/default/rolebindings",
         "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"gone\"},"
         "\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]}");
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/pods", NULL);
    assert_string_equal(said(&f, "message"),
                        "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group "
                        "\"\" in the namespace \"default\": RBAC: "
                        "role.rbac.authorization.k8s.io \"gone\" not found");
    fixture_close(&f);
}

static void roles_and_bindings_are_checked(void **state)
{
    static const struct {
        const char *target, *body, *says;
    } rows[] = {
        {RBAC "/clusterroles", "{\"metadata\":{\"name\":\"x\"},\"rules\":[{}]}",
         "rules[0].verbs: Required value: verbs must contain at least one value, "
         "rules[0].apiGroups: "
         "Required value: resource rules must supply at least one api group, rules[0].resources: "
         "Required value: resource rules must supply at least one resource"},
        {RBAC "/namespaces/default/roles",
         "{\"metadata\":{\"name\":\"x\"},\"rules\":[{\"nonResourceURLs\":[\"/x\"],\"verbs\":"
         "[\"get\"]}]}",
         "namespaced rules cannot apply to non-resource URLs"},
        {RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"x\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},"
         "\"subjects\":[{\"kind\":\"Robot\",\"name\":\"r\"},{\"kind\":\"ServiceAccount\","
         "\"name\":\"a\"},{\"kind\":\"User\",\"name\":\"\"}]}",
         "[roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\", "
         "subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", "
         "\"User\", \"Group\", subjects[1].namespace: Required value, subjects[2].name: Required "
         "value]"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, 422, "POST", rows[i].target, rows[i].body);
        assert_non_null(strstr(said(&f, "message"), rows[i].says));
    }
    fixture_close(&f);
}

static void reviews_refuse_what_they_cannot_answer(void **state)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}",
         "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
         "resourceAttributes must be specified, spec.user: Invalid value: \"\": at least one of "
         "user or group must be specified"},
        {"{\"spec\":{\"user\":\"u\",\"resourceAttributes\":{},\"nonResourceAttributes\":{\"path\":"
         "\"/a\",\"verb\":\"get\"}}}",
         "spec.nonResourceAttributes: Invalid value: {\"Path\":\"/a\",\"Verb\":\"get\"}: cannot be "
         "specified in combination with resourceAttributes"},
        {"{\"spec\":{\"user\":\"u\",\"resourceAttributes\":{\"fieldSelector\":{}}}}",
         "when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is "
         "required"},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, 422, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", rows[i].body);
        assert_non_null(strstr(said(&f, "message"), rows[i].says));
    }
    must(&f, 201, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
         "{\"spec\":{\"user\":\"u\",\"groups\":[\"system:masters\"],\"resourceAttributes\":{"
         "\"verb\":\"list\",\"resource\":\"pods\",\"fieldSelector\":{\"rawSelector\":"
         "\"spec.nodeName=a\"}}}}");
    fixture_close(&f);
}

/* NotIn is true of what has no such label at all. */
static void aggregates_select_what_lacks_a_label(void **state)
{
    struct fixture f;
    struct kubeapi_options options = {.name = STR("test")}; /* with controllers */
    fixture_open(&f, &options);
    must(
        &f, 201, "POST", RBAC "/clusterroles",
        "{\"metadata\":{\"name\":\"part\",\"labels\":{\"mine\":\"yes\"}},\"rules\":[{\"apiGroups\":"
        "[\"x.io\"],\"resources\":[\"widgets\"],\"verbs\":[\"list\"]}]}");
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"whole\"},\"aggregationRule\":{\"clusterRoleSelectors\":[{"
         "\"matchLabels\":{\"mine\":\"yes\"},\"matchExpressions\":[{\"key\":\"level\",\"operator\":"
         "\"NotIn\",\"values\":[\"high\"]}]}]}}");
    settle(&f);
    must(&f, 200, "GET", RBAC "/clusterroles/whole", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "x.io"));
    fixture_close(&f);
}

/* Who may change bindings adds nobody to one that gives more than they hold. */
static void subjects_are_granted_to_as_well(void **state)
{
#define BOUND(subjects)                                                                            \
    "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","      \
    "\"kind\":\"ClusterRole\",\"name\":\"cluster-admin\"},"                                        \
    "\"subjects\":[" subjects "]}"
#define USER(name)                                                                                 \
    "{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"" name "\"}"
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", RBAC "/clusterroles",
         "{\"metadata\":{\"name\":\"maker\"},\"rules\":[{\"apiGroups\":[\"rbac.authorization.k8s."
         "io\"],\"resources\":[\"rolebindings\"],\"verbs\":[\"update\"]},{\"apiGroups\":[\"\"],"
         "\"resources\":[\"configmaps\"],\"resourceNames\":[\"mine\"],\"verbs\":[\"watch\","
         "\"list\"]}"
         "]}");
    must(&f, 201, "POST", RBAC "/clusterrolebindings",
         "{\"metadata\":{\"name\":\"maker\"},\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":"
         "\"maker\"},\"subjects\":[" USER("u") "]}");
    must(&f, 201, "POST", RBAC "/namespaces/default/rolebindings", BOUND(USER("v")));
    as(&f, "u", 403, "PUT", RBAC "/namespaces/default/rolebindings/b",
       BOUND(USER("v") "," USER("u")));
    as(&f, "u", 200, "PUT", RBAC "/namespaces/default/rolebindings/b", BOUND(USER("v")));
#define OWN "/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dmine"
    as(&f, "u", 200, "GET", OWN, NULL);
    as(&f, "u", 400, "GET", OWN "&watch=1", NULL); /* allowed; but it needs a connection */
    as(&f, "u", 403, "GET", "/api/v1/namespaces/default/configmaps?watch=1", NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_are_those_of_the_bindings),
        cmocka_unit_test(paths_are_whole_or_have_a_star),
        cmocka_unit_test(aggregated_roles_hold_their_parts),
        cmocka_unit_test(nobody_grants_more_than_they_hold),
        cmocka_unit_test(reviews_answer),
        cmocka_unit_test(reviews_refuse_what_they_cannot_answer),
        cmocka_unit_test(refusals_name_what_is_missing),
        cmocka_unit_test(what_is_remembered_of_grants_follows_changes),
        cmocka_unit_test(bindings_of_missing_roles_are_named),
        cmocka_unit_test(roles_and_bindings_are_checked),
        cmocka_unit_test(bootstrap_roles_can_be_shared),
        cmocka_unit_test(account_tokens_live_with_their_secret),
        cmocka_unit_test(aggregates_select_what_lacks_a_label),
        cmocka_unit_test(subjects_are_granted_to_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
