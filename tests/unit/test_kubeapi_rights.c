/* Goal: rights end with what gave them, and who acts as another has that one's rights and nothing of their own.
 * Method: rights are taken away in each way there is, and asked for again; impersonation by raw HTTP on a small world. */
#include "tests/unit/support/check.h"
#include "tests/unit/support/kubeapi_fixture.h"
#include "tests/unit/support/raw_peer.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"
#define PODS "/api/v1/namespaces/default/pods"

static void as(struct fixture *f, const char *user, int status, const char *method,
               const char *target, const char *body)
{
    f->as = user;
    must(f, status, method, target, body);
    f->as = NULL;
}

static void give(struct fixture *f, const char *role, const char *binding, const char *rules,
                 const char *subject)
{
    struct str r =
        arena_printf(&f->a, "{\"metadata\":{\"name\":\"%s\"},\"rules\":[%s]}", role, rules);
    struct str b =
        arena_printf(&f->a,
                     "{\"metadata\":{\"name\":\"%s\"},\"roleRef\":{\"apiGroup\":"
                     "\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"%s\"},"
                     "\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",%s}]}",
                     binding, role, subject);
    must(f, 201, "POST", RBAC "/clusterroles", r.p);
    must(f, 201, "POST", RBAC "/clusterrolebindings", b.p);
}

#define LIST_PODS "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"list\"]}"
#define USER_U    "\"kind\":\"User\",\"name\":\"u\""

static void rights_end_with_what_gave_them(void **state)
{
    static const char subjects[] = "{\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\","
                                   "\"kind\":\"User\",\"name\":\"v\"}]}";
    static const struct {
        const char *method, *target, *body;
    } ways[] = {
        {"DELETE", RBAC "/clusterrolebindings/b", NULL},
        {"PATCH", RBAC "/clusterrolebindings/b", subjects},
        {"DELETE", RBAC "/clusterroles/r", NULL},
        {"PATCH", RBAC "/clusterroles/r", "{\"rules\":null}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct fixture f;
        fixture_open(&f, NULL);
        as(&f, "u", 403, "GET", PODS, NULL);
        give(&f, "r", "b", LIST_PODS, USER_U);
        as(&f, "u", 200, "GET", PODS, NULL);
        must(&f, 200, ways[i].method, ways[i].target, ways[i].body);
        as(&f, "u", 403, "GET", PODS, NULL);
        fixture_close(&f);
    }
}

/* Rights that are neither asked for nor in the way: with many, answers come from an index. */
static void give_others(struct fixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct str role = arena_printf(&f->a, "other-%u", i);
        struct str rule = arena_printf(&f->a,
                                       "{\"apiGroups\":[\"x.io\"],\"resources\":[\"w%u\"],"
                                       "\"verbs\":[\"list\"]}",
                                       i);
        give(f, role.p, role.p, rule.p, USER_U);
    }
}

static const unsigned others[] = {0, 3, 100};

/* Two bindings give the same right: one of them is enough. */
static void rights_stay_while_something_gives_them(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct fixture f;
        fixture_open(&f, NULL);
        give_others(&f, others[i]);
        give(&f, "r", "b", LIST_PODS, USER_U);
        give(&f, "s", "c", LIST_PODS, USER_U);
        must(&f, 200, "DELETE", RBAC "/clusterrolebindings/b", NULL);
        as(&f, "u", 200, "GET", PODS, NULL);
        must(&f, 200, "DELETE", RBAC "/clusterrolebindings/c", NULL);
        as(&f, "u", 403, "GET", PODS, NULL);
        fixture_close(&f);
    }
}

static void rights_are_the_same_among_many(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
    } rows[] = {
        {"GET", PODS "/one", 404},
        {"GET", PODS "/two", 403},
        {"GET", PODS, 403},
        {"GET", PODS "/one/log", 403},
        {"GET", "/api/v1/nodes", 200},
        {"GET", "/api/v1/nodes/x", 403},
        {"DELETE", "/api/v1/nodes/x", 403},
        {"GET", "/apis/apps/v1/namespaces/default/deployments/d/status", 404},
        {"GET", "/apis/apps/v1/namespaces/default/deployments/d", 403},
        {"GET", "/metrics", 200},
        {"GET", "/metrics/slis", 403},
        {"GET", "/logs/x", 404},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct fixture f;
        fixture_open(&f, NULL);
        give_others(&f, others[i]);
        give(&f, "r", "r",
             "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"resourceNames\":[\"one\"],\"verbs\":"
             "[\"*\"]},{\"apiGroups\":[\"*\"],\"resources\":[\"nodes\"],\"verbs\":[\"list\"]},"
             "{\"apiGroups\":[\"apps\"],\"resources\":[\"*/status\"],\"verbs\":[\"get\"]},"
             "{\"nonResourceURLs\":[\"/metrics\",\"/logs/*\"],\"verbs\":[\"get\"]}",
             USER_U);
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            as(&f, "u", rows[k].status, rows[k].method, rows[k].target, NULL);
        fixture_close(&f);
    }
}

/* Roles that were there before are held to the same rule as new ones, and so are those who may bind. */
static void grants_grow_no_further_than_rights(void **state)
{
    static const char more[] =
        "{\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\",\"secrets\"],"
        "\"verbs\":[\"list\"]}]}";
    struct fixture f;
    fixture_open(&f, NULL);
    give(&f, "maker", "maker",
         "{\"apiGroups\":[\"rbac.authorization.k8s.io\"],\"resources\":[\"clusterroles\","
         "\"clusterrolebindings\"],\"verbs\":[\"create\",\"patch\"]}," LIST_PODS,
         USER_U);
    as(&f, "u", 201, "POST", RBAC "/clusterroles",
       "{\"metadata\":{\"name\":\"mine\"},\"rules\":[" LIST_PODS "]}");
    as(&f, "u", 403, "PATCH", RBAC "/clusterroles/mine", more);
    as(&f, "u", 200, "PATCH", RBAC "/clusterroles/mine",
       "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    as(&f, "u", 201, "POST", RBAC "/clusterrolebindings",
       "{\"metadata\":{\"name\":\"mine\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
       "\"kind\":\"ClusterRole\",\"name\":\"mine\"},\"subjects\":[]}");
    must(&f, 200, "PATCH", RBAC "/clusterroles/mine", more);
    as(&f, "u", 403, "POST", RBAC "/clusterrolebindings",
       "{\"metadata\":{\"name\":\"mine-2\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s."
       "io\","
       "\"kind\":\"ClusterRole\",\"name\":\"mine\"},\"subjects\":[]}");
    fixture_close(&f);
}

/* ---- acting as another ---- */

static int say(struct fixture *f, const char *token, const char *headers)
{
    struct raw_peer peer = {0};
    struct buf b = {0};
    int64_t status = 0;
    raw_connect(&peer, f->world, 80);
    buf_addf(&b, "GET " PODS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s\r\n", token,
             headers);
    raw_send(&peer, buf_str(&b));
    buf_free(&b);
    fake_run_for(f->world, 10 * NS_PER_MS);
    assert_true(str_to_i64(str_sub(buf_str(&peer.got), 9, 3), &status));
    raw_free(&peer);
    return (int)status;
}

static void acting_as_another(void **state)
{
    static const struct {
        const char *token, *headers;
        int status;
    } rows[] = {
        {"helper", "", 200},
        {"helper", "Impersonate-User: u\r\n", 403}, /* the helper's own rights stay behind */
        {"helper", "Impersonate-User: u\r\nImpersonate-Group: listers\r\n", 200},
        {"helper", "Impersonate-User: u\r\nImpersonate-Group: others\r\n", 403},
        {"helper", "Impersonate-User: u\r\nImpersonate-Group: system:masters\r\n", 403},
        {"helper", "Impersonate-User: v\r\n", 403},
        {"helper", "Impersonate-User: system:serviceaccount:default:a\r\n", 403},
        {"helper", "Impersonate-Group: listers\r\n", 500},
        {"nobody", "Impersonate-User: u\r\nImpersonate-Group: listers\r\n", 403},
        {"admin", "Impersonate-User: v\r\n", 403},
        {"admin", "Impersonate-User: v\r\nImpersonate-Group: listers\r\n", 200},
        {"admin", "Impersonate-User: v\r\nImpersonate-Group: system:masters\r\n", 200},
    };
    static const struct str masters[] = {STR_INIT("system:masters")},
                            listers[] = {STR_INIT("listers")};
    static const struct kubeapi_token tokens[] = {
        {STR_INIT("admin"), STR_INIT("admin"), STR_INIT("1"), masters, 1},
        {STR_INIT("helper"), STR_INIT("helper"), STR_INIT("2"), listers, 1},
        {STR_INIT("nobody"), STR_INIT("nobody"), STR_INIT("3"), NULL, 0}};
    struct kubeapi_options options = {
        .bare = true, .tokens = tokens, .tokens_n = ARRAY_LEN(tokens)};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct fixture f;
    fixture_open(&f, &options);
    check_ok(kubeapi_listen(f.api, &listen, NULL));
    give(&f, "lister", "lister", LIST_PODS, "\"kind\":\"Group\",\"name\":\"listers\"");
    give(&f, "actor", "actor",
         "{\"apiGroups\":[\"\"],\"resources\":[\"users\"],\"resourceNames\":[\"u\"],\"verbs\":"
         "[\"impersonate\"]},{\"apiGroups\":[\"\"],\"resources\":[\"groups\"],\"resourceNames\":"
         "[\"listers\",\"others\"],\"verbs\":[\"impersonate\"]}",
         "\"kind\":\"User\",\"name\":\"helper\"");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = say(&f, rows[i].token, rows[i].headers);
        if (status != rows[i].status)
            fail_msg("%s with %s: %d, not %d", rows[i].token, rows[i].headers, status,
                     rows[i].status);
    }
    give(&f, "known", "known", LIST_PODS, "\"kind\":\"Group\",\"name\":\"system:authenticated\"");
    assert_int_equal(say(&f, "admin", "Impersonate-User: v\r\n"), 200);
    assert_int_equal(say(&f, "admin", "Impersonate-User: system:anonymous\r\n"), 403);
    fake_run_for(f.world, NS_PER_S);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_end_with_what_gave_them),
        cmocka_unit_test(rights_stay_while_something_gives_them),
        cmocka_unit_test(rights_are_the_same_among_many),
        cmocka_unit_test(grants_grow_no_further_than_rights),
        cmocka_unit_test(acting_as_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
