/* Goal: lists are complete, ordered, selected and paged at one revision; resourceVersion options mean what they say.
 * Method: tables of queries against a handful of objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CM         "/api/v1/namespaces/default/configmaps"

#define CONTAINERS "\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]"

static void fill(struct fixture *f)
{
    fixture_open(f, NULL);
    must(f, 201, "POST", CM,
         "{\"metadata\":{\"name\":\"a\",\"labels\":{\"tier\":\"web\",\"n\":\"5\"}}}");
    must(f, 201, "POST", CM,
         "{\"metadata\":{\"name\":\"b\",\"labels\":{\"tier\":\"db\",\"n\":\"9\"}}}");
    must(f, 201, "POST", CM, "{\"metadata\":{\"name\":\"c\",\"labels\":{\"tier\":\"\"}}}");
    must(f, 201, "POST", CM, "{\"metadata\":{\"name\":\"d\"}}");
    must(f, 201, "POST", "/api/v1/namespaces/kube-system/configmaps",
         "{\"metadata\":{\"name\":\"a\"}}");
}

static void selectors_select(void **state)
{
    static const struct {
        const char *query;
        int status;
        const char *names;
    } rows[] = {
        {"", 200, "a b c d"},
        {"?labelSelector=tier", 200, "a b c"},
        {"?labelSelector=!tier", 200, "d"},
        {"?labelSelector=tier%3Dweb", 200, "a"},
        {"?labelSelector=tier%3D%3Dweb,n", 200, "a"},
        {"?labelSelector=tier,n%3D9", 200, "b"},
        {"?labelSelector=tier!%3Dweb", 200, "b c d"},
        {"?labelSelector=tier%3D", 200, "c"},
        {"?labelSelector=tier+in+(web,+db)", 200, "a b"},
        {"?labelSelector=tier%20notin%20(web)", 200, "b c d"},
        {"?labelSelector=n%3E5", 200, "b"},
        {"?labelSelector=n%3C6", 200, "a"},
        {"?labelSelector=n%3Cx", 400, ""},
        {"?labelSelector=tier+in+web", 400, ""},
        {"?labelSelector=%3Dx", 400, ""},
        {"?labelSelector=a%20b", 400, ""},
        {"?fieldSelector=metadata.name%3Db", 200, "b"},
        {"?fieldSelector=metadata.name!%3Db,metadata.namespace%3Ddefault", 200, "a c d"},
        {"?fieldSelector=data.x%3Db", 400, ""},
        {"?fieldSelector=metadata.name", 400, ""},
        {"?fieldSelector=metadata.name%3Db%00metadata.name%3Db%00", 200, ""},
        {"?fieldSelector=metadata.name%00%3Db", 400, ""},
    };
    struct fixture f;
    fill(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str target = arena_printf(&f.a, CM "%s", rows[i].query);
        must(&f, rows[i].status, "GET", target.p, NULL);
        assert_string_equal(items(&f), rows[i].names);
    }
    must(&f, 400, "GET", CM "?fieldSelector=data.x%3Db", NULL);
    assert_string_equal(said(&f, "message"),
                        "\"data.x\" is not a known field selector: only \"metadata.name\", "
                        "\"metadata.namespace\"");
    must(&f, 200, "GET", "/api/v1/configmaps", NULL);
    assert_string_equal(items(&f), "a b c d a");
    assert_string_equal(said(&f, "kind"), "ConfigMapList");
    assert_null(json_get(json_get(f.body, "items")->child, "kind"));
    fixture_close(&f);
}

static void fields_of_pods_select(void **state)
{
    static const char pods[] = "/api/v1/namespaces/default/pods";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", pods,
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{" CONTAINERS ",\"nodeName\":\"n-1\"}}");
    must(&f, 201, "POST", pods, "{\"metadata\":{\"name\":\"q\"},\"spec\":{" CONTAINERS "}}");
    must(&f, 200, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn-1", NULL);
    assert_string_equal(items(&f), "p");
    must(&f, 200, "GET", "/api/v1/pods?fieldSelector=status.phase%3DPending", NULL);
    assert_string_equal(items(&f), "p q");
    must(&f, 400, "GET", "/api/v1/pods?fieldSelector=spec.nope%3Dx", NULL);
    assert_string_equal(said(&f, "message"), "field label not supported: spec.nope");
    fixture_close(&f);
}

static void pages_show_the_first_pages_revision(void **state)
{
    struct fixture f;
    fill(&f);
    must(&f, 200, "GET", CM "?limit=2", NULL);
    assert_string_equal(items(&f), "a b");
    assert_string_equal(said(&f, "metadata.remainingItemCount"), "2");
    const char *revision = said(&f, "metadata.resourceVersion");
    struct str next = arena_printf(&f.a, CM "?limit=2&continue=%s", said(&f, "metadata.continue"));
    must(&f, 200, "DELETE", CM "/c", NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"bb\"}}");
    must(&f, 200, "PATCH", CM "/d", "{\"data\":{\"x\":\"y\"}}");
    must(&f, 200, "GET", next.p, NULL);
    assert_string_equal(items(&f), "c d");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    assert_string_equal(said(&f, "metadata.continue"), "");
    struct str with = arena_printf(&f.a, STR_FMT "&resourceVersion=%s", STR_ARG(next), revision);
    must(&f, 400, "GET", with.p, NULL);
    assert_string_equal(said(&f, "message"),
                        "specifying resource version is not allowed when using continue");
    store_compact(kubeapi_store(f.api), store_revision(kubeapi_store(f.api)));
    must(&f, 410, "GET", next.p, NULL);
    assert_string_equal(said(&f, "reason"), "Expired");
    struct str again = arena_printf(&f.a, CM "?continue=%s", said(&f, "metadata.continue"));
    must(&f, 200, "GET", again.p, NULL);
    assert_string_equal(items(&f), "d");
    must(&f, 400, "GET", CM "?continue=!!!", NULL);
    fixture_close(&f);
}

/* A page can be continued as it was for five minutes at least and six at most, whenever in the server's life it was asked. */
static void the_past_lasts_five_minutes(void **state)
{
    for (world_time begin = 0; begin < 120 * NS_PER_S; begin += 50 * NS_PER_S) {
        struct fixture f;
        fill(&f);
        fake_run_for(f.world, begin);
        must(&f, 200, "GET", CM "?limit=2", NULL);
        struct str next = arena_printf(&f.a, CM "?continue=%s", said(&f, "metadata.continue"));
        const char *revision = said(&f, "metadata.resourceVersion");
        must(&f, 200, "DELETE", CM "/c", NULL);
        fake_run_for(f.world, 299 * NS_PER_S);
        must(&f, 200, "GET", next.p, NULL);
        assert_string_equal(items(&f), "c d");
        fake_run_for(f.world, 62 * NS_PER_S);
        must(&f, 410, "GET", next.p, NULL);
        struct str again = arena_printf(&f.a, CM "?continue=%s", said(&f, "metadata.continue"));
        must(&f, 200, "GET", again.p, NULL);
        assert_string_equal(items(&f), "d");
        assert_string_not_equal(said(&f, "metadata.resourceVersion"), revision);
        fixture_close(&f);
    }
}

static void revisions_are_honoured(void **state)
{
    struct fixture f;
    fill(&f);
    must(&f, 200, "GET", CM, NULL);
    const char *revision = said(&f, "metadata.resourceVersion");
    must(&f, 200, "DELETE", CM "/a", NULL);
    struct str exact =
        arena_printf(&f.a, CM "?resourceVersion=%s&resourceVersionMatch=Exact", revision);
    must(&f, 200, "GET", exact.p, NULL);
    assert_string_equal(items(&f), "a b c d");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    struct str newer = arena_printf(&f.a, CM "?resourceVersion=%s", revision);
    must(&f, 200, "GET", newer.p, NULL);
    assert_string_equal(items(&f), "b c d");
    must(&f, 200, "GET", CM "?resourceVersion=0&limit=2", NULL);
    struct str next = arena_printf(&f.a, CM "?resourceVersion=%llu",
                                   (unsigned long long)(store_revision(kubeapi_store(f.api)) + 1));
    must(&f, 504, "GET", next.p, NULL);
    must(&f, 504, "GET", CM "?resourceVersion=999999", NULL);
    assert_string_equal(said(&f, "reason"), "Timeout");
    must(&f, 400, "GET", CM "?resourceVersion=abc", NULL);
    must(&f, 422, "GET", CM "?resourceVersionMatch=Exact", NULL);
    assert_string_equal(said(&f, "message"),
                        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                        "resourceVersionMatch is forbidden unless resourceVersion is provided");
    must(&f, 500, "GET", CM "/b?resourceVersion=abc", NULL);
    fixture_close(&f);
}

static void collections_are_deleted(void **state)
{
    struct fixture f;
    fill(&f);
    must(&f, 200, "DELETE", CM "?labelSelector=tier", NULL);
    assert_string_equal(items(&f), "a b c");
    must(&f, 200, "GET", CM, NULL);
    assert_string_equal(items(&f), "d");
    must(&f, 405, "DELETE", "/api/v1/namespaces", NULL);
    fixture_close(&f);
}

static void discovery_lists_what_is_served(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 200, "GET", "/version", NULL);
    assert_string_equal(said(&f, "minor"), "34");
    must(&f, 200, "GET", "/api", NULL);
    assert_string_equal(said(&f, "kind"), "APIVersions");
    must(&f, 200, "GET", "/api/v1", NULL);
    assert_string_equal(said(&f, "groupVersion"), "v1");
    must(&f, 200, "GET", "/apis", NULL);
    assert_string_equal(json_string_at(json_get(f.body, "groups")->child, "name").p,
                        "apiregistration.k8s.io");
    must(&f, 200, "GET", "/apis/apps", NULL);
    assert_string_equal(said(&f, "preferredVersion.groupVersion"), "apps/v1");
    must(&f, 200, "GET", "/apis/apps/v1", NULL);
    must(&f, 404, "GET", "/apis/apps/v7", NULL);
    must(&f, 404, "GET", "/nope", NULL);
    must(&f, 200, "GET", "/healthz", NULL);
    must(&f, 200, "GET", "/readyz?verbose", NULL);
    must(&f, 200, "GET", "/metrics", NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_select),
        cmocka_unit_test(fields_of_pods_select),
        cmocka_unit_test(pages_show_the_first_pages_revision),
        cmocka_unit_test(the_past_lasts_five_minutes),
        cmocka_unit_test(revisions_are_honoured),
        cmocka_unit_test(collections_are_deleted),
        cmocka_unit_test(discovery_lists_what_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
