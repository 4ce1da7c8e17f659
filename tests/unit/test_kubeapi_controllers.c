/* Goal: what a control plane does by itself is done: garbage collection, namespaces, custom resource definitions, copies.
 * Method: requests in process with the world running in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CM          "/api/v1/namespaces/default/configmaps"
#define EVENTS      "/api/v1/namespaces/default/events"
#define APISERVICES "/apis/apiregistration.k8s.io/v1/apiservices"
#define CRDS        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

static void open_server(struct fixture *f)
{
    struct kubeapi_options options = {.name = STR("test"), .ca_pem = STR("CA")};
    fixture_open(f, &options);
    settle(f);
}

static void make(struct fixture *f, const char *name, const char *owner_uid, bool blocks)
{
    struct str body =
        owner_uid
            ? arena_printf(
                  &f->a,
                  "{\"metadata\":{\"name\":\"%s\",\"ownerReferences\":[{\"apiVersion\":\"v1\","
                  "\"kind\":\"ConfigMap\",\"name\":\"owner\",\"uid\":\"%s\","
                  "\"blockOwnerDeletion\":%s}]}}",
                  name, owner_uid, blocks ? "true" : "false")
            : arena_printf(&f->a, "{\"metadata\":{\"name\":\"%s\"}}", name);
    must(f, 201, "POST", CM, body.p);
}

static const char *make_owner(struct fixture *f)
{
    make(f, "owner", NULL, false);
    const char *uid = said(f, "metadata.uid");
    make(f, "child", uid, true);
    return uid;
}

static void dependents_follow_in_the_background(void **state)
{
    struct fixture f;
    open_server(&f);
    (void)make_owner(&f);
    const char *child = said(&f, "metadata.uid");
    make(&f, "grandchild", child, false);
    make(&f, "stray", "00000000-0000-0000-0000-00000000dead", false);
    settle(&f);
    must(&f, 404, "GET", CM "/stray", NULL);
    must(&f, 200, "GET", CM "/child", NULL);
    must(&f, 200, "DELETE", CM "/owner", NULL);
    must(&f, 200, "GET", CM "/child", NULL);
    settle(&f);
    must(&f, 404, "GET", CM "/child", NULL);
    must(&f, 404, "GET", CM "/grandchild", NULL);
    fixture_close(&f);
}

/* One owner of several is enough to stay; a reference into another namespace is no owner. */
static void owners_count_one_by_one(void **state)
{
    struct fixture f;
    open_server(&f);
    make(&f, "one", NULL, false);
    const char *one = said(&f, "metadata.uid");
    make(&f, "two", NULL, false);
    const char *two = said(&f, "metadata.uid");
    struct str body = arena_printf(
        &f.a,
        "{\"metadata\":{\"name\":\"shared\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":"
        "\"ConfigMap\",\"name\":\"one\",\"uid\":\"%s\"},{\"apiVersion\":\"v1\",\"kind\":"
        "\"ConfigMap\","
        "\"name\":\"two\",\"uid\":\"%s\"}]}}",
        one, two);
    must(&f, 201, "POST", CM, body.p);
    body = arena_printf(&f.a,
                        "{\"metadata\":{\"name\":\"abroad\",\"ownerReferences\":[{\"apiVersion\":"
                        "\"v1\",\"kind\":\"ConfigMap\",\"name\":\"two\",\"uid\":\"%s\"}]}}",
                        two);
    must(&f, 201, "POST", "/api/v1/namespaces/kube-system/configmaps", body.p);
    settle(&f);
    must(&f, 404, "GET", "/api/v1/namespaces/kube-system/configmaps/abroad", NULL);
    must(&f, 200, "DELETE", CM "/one", NULL);
    settle(&f);
    must(&f, 200, "GET", CM "/shared", NULL);
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "metadata.ownerReferences")), 1);
    must(&f, 200, "DELETE", CM "/two", NULL);
    settle(&f);
    must(&f, 404, "GET", CM "/shared", NULL);
    fixture_close(&f);
}

static void foreground_waits_for_blocking_dependents(void **state)
{
    struct fixture f;
    open_server(&f);
    (void)make_owner(&f);
    must(&f, 200, "PATCH", CM "/child", "{\"metadata\":{\"finalizers\":[\"x.y/z\"]}}");
    must(&f, 200, "DELETE", CM "/owner", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&f);
    must(&f, 200, "GET", CM "/owner", NULL);
    must(&f, 200, "GET", CM "/child", NULL);
    assert_string_not_equal(said(&f, "metadata.deletionTimestamp"), "");
    must(&f, 200, "PATCH", CM "/child", "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", CM "/child", NULL);
    must(&f, 404, "GET", CM "/owner", NULL);
    fixture_close(&f);
}

/* The other one may have it: only the reference to the owner that waits goes. */
static void foreground_leaves_what_others_own(void **state)
{
    struct fixture f;
    open_server(&f);
    (void)make_owner(&f);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"other\"}}");
    struct str uid = str_c(said(&f, "metadata.uid"));
    f.content_type = "application/json-patch+json";
    must(&f, 200, "PATCH", CM "/child",
         arena_c(&f.a,
                 arena_printf(&f.a,
                              "[{\"op\":\"add\",\"path\":\"/metadata/ownerReferences/-\","
                              "\"value\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":"
                              "\"other\",\"uid\":\"" STR_FMT "\"}}]",
                              STR_ARG(uid))));
    f.content_type = NULL;
    must(&f, 200, "DELETE", CM "/owner", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&f);
    must(&f, 404, "GET", CM "/owner", NULL);
    must(&f, 200, "GET", CM "/child", NULL);
    assert_int_equal(cJSON_GetArraySize(json_path(f.body, "metadata.ownerReferences")), 1);
    fixture_close(&f);
}

static void orphans_stay(void **state)
{
    struct fixture f;
    open_server(&f);
    make(&f, "sibling", make_owner(&f), false);
    must(&f, 200, "DELETE", CM "/owner", "{\"propagationPolicy\":\"Orphan\"}");
    settle(&f);
    must(&f, 404, "GET", CM "/owner", NULL);
    must(&f, 200, "GET", CM "/sibling", NULL);
    assert_null(json_path(f.body, "metadata.ownerReferences"));
    must(&f, 200, "GET", CM "/child", NULL);
    assert_null(json_path(f.body, "metadata.ownerReferences"));
    must(&f, 422, "DELETE", CM "/child", "{\"propagationPolicy\":\"Odd\"}");
    fixture_close(&f);
}

/* All conditions of the last answer, in order: "Type=Status", reason, message. */
static void expect_conditions(struct fixture *f, const char *const (*rows)[3])
{
    const cJSON *list = json_path(f->body, "status.conditions"), *it = list ? list->child : NULL;
    for (; rows[0][0]; rows++, it = it->next) {
        assert_non_null(it);
        assert_string_equal(arena_printf(&f->a, STR_FMT "=" STR_FMT,
                                         STR_ARG(json_string_at(it, "type")),
                                         STR_ARG(json_string_at(it, "status")))
                                .p,
                            rows[0][0]);
        assert_string_equal(arena_c(&f->a, json_string_at(it, "reason")), rows[0][1]);
        assert_string_equal(arena_c(&f->a, json_string_at(it, "message")), rows[0][2]);
    }
    assert_null(it);
}

/* Pods go before anything else, and what cannot be discovered keeps the namespace. */
static void namespaces_go_in_order(void **state)
{
    static const char *const pods_left[][3] = {
        {"NamespaceDeletionDiscoveryFailure=True", "DiscoveryFailed",
         "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of "
         "server APIs: x.io/v1: stale GroupVersion discovery: x.io/v1"},
        {"NamespaceDeletionGroupVersionParsingFailure=False", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"},
        {"NamespaceDeletionContentFailure=False", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"},
        {"NamespaceContentRemaining=True", "SomeResourcesRemain",
         "Some resources are remaining: pods. has 1 resource instances"},
        {"NamespaceFinalizersRemaining=True", "SomeFinalizersRemain",
         "Some content in the namespace has finalizers remaining: a.b/c in 1 resource instances, "
         "x.y/z in 1 resource instances"},
        {NULL, NULL, NULL},
    };
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    settle(&f);
    must(&f, 201, "POST", "/api/v1/namespaces/n/pods",
         "{\"metadata\":{\"name\":\"p\",\"finalizers\":[\"x.y/z\",\"a.b/c\"]},\"spec\":{"
         "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    must(&f, 201, "POST", "/api/v1/namespaces/n/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
    must(&f, 201, "POST", APISERVICES,
         "{\"metadata\":{\"name\":\"v1.x.io\"},\"spec\":{\"group\":\"x.io\",\"version\":\"v1\","
         "\"groupPriorityMinimum\":1,\"versionPriority\":1,\"service\":{\"namespace\":\"n\","
         "\"name\":\"s\"}}}");
    must(&f, 200, "PATCH", APISERVICES "/v1.x.io/status",
         "{\"status\":{\"conditions\":[{\"type\":\"Available\",\"status\":\"False\"}]}}");
    must(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    settle(&f);
    must(&f, 200, "GET", "/api/v1/namespaces/n/configmaps/a", NULL);
    assert_string_equal(said(&f, "metadata.deletionTimestamp"), "");
    must(&f, 200, "GET", "/api/v1/namespaces/n", NULL);
    expect_conditions(&f, pods_left);
    must(&f, 200, "PATCH", "/api/v1/namespaces/n/pods/p", "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", "/api/v1/namespaces/n/configmaps/a", NULL);
    must(&f, 200, "GET", "/api/v1/namespaces/n", NULL);
    must(&f, 200, "DELETE", APISERVICES "/v1.x.io", NULL);
    settle(&f);
    must(&f, 404, "GET", "/api/v1/namespaces/n", NULL);
    fixture_close(&f);
}

/* Whoever writes an event, and whoever controls: it goes an hour after it was last written. */
static void events_go_after_an_hour(void **state)
{
    static const char event[] =
        "{\"metadata\":{\"name\":\"e%d\"},\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\","
        "\"namespace\":\"default\"}}";
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", EVENTS, arena_printf(&f.a, event, 1).p);
    must(&f, 201, "POST", EVENTS, arena_printf(&f.a, event, 2).p);
    fake_run_for(f.world, 1800 * NS_PER_S);
    must(&f, 200, "PATCH", EVENTS "/e2", "{\"count\":2}");
    fake_run_for(f.world, 1750 * NS_PER_S);
    must(&f, 200, "GET", EVENTS "/e1", NULL);
    fake_run_for(f.world, 120 * NS_PER_S);
    must(&f, 404, "GET", EVENTS "/e1", NULL);
    must(&f, 200, "GET", EVENTS "/e2", NULL);
    fake_run_for(f.world, 1900 * NS_PER_S);
    must(&f, 404, "GET", EVENTS "/e2", NULL);
    fixture_close(&f);
}

static void namespaces_take_their_content_along(void **state)
{
    static const char cm[] = "/api/v1/namespaces/n/configmaps";
    static const char *const remaining[][3] = {
        {"NamespaceDeletionDiscoveryFailure=False", "ResourcesDiscovered",
         "All resources successfully discovered"},
        {"NamespaceDeletionGroupVersionParsingFailure=False", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"},
        {"NamespaceDeletionContentFailure=False", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"},
        {"NamespaceContentRemaining=True", "SomeResourcesRemain",
         "Some resources are remaining: configmaps. has 1 resource instances"},
        {"NamespaceFinalizersRemaining=True", "SomeFinalizersRemain",
         "Some content in the namespace has finalizers remaining: x.y/z in 1 resource instances"},
        {NULL, NULL, NULL},
    };
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    assert_string_equal(said(&f, "status.phase"), "Active");
    must(&f, 201, "POST", cm, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.y/z\"]}}");
    must(&f, 201, "POST", cm, "{\"metadata\":{\"name\":\"b\"}}");
    settle(&f);
    must(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    assert_string_equal(said(&f, "status.phase"), "Terminating");
    must(&f, 403, "POST", cm, "{\"metadata\":{\"name\":\"c\"}}");
    assert_string_equal(
        said(&f, "message"),
        "configmaps \"c\" is forbidden: unable to create new content in namespace n "
        "because it is being terminated");
    settle(&f);
    must(&f, 200, "GET", cm, NULL);
    assert_string_equal(items(&f), "a");
    must(&f, 200, "GET", "/api/v1/namespaces/n", NULL);
    expect_conditions(&f, remaining);
    must(&f, 200, "PATCH", "/api/v1/namespaces/n/configmaps/a",
         "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", "/api/v1/namespaces/n", NULL);
    fixture_close(&f);
}

static void a_bare_server_waits_for_finalize(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    must(&f, 200, "PUT", "/api/v1/namespaces/n",
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}");
    must(&f, 200, "DELETE", "/api/v1/namespaces/n", NULL);
    settle(&f);
    must(&f, 200, "GET", "/api/v1/namespaces/n", NULL);
    must(&f, 200, "PUT", "/api/v1/namespaces/n/finalize",
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}");
    must(&f, 404, "GET", "/api/v1/namespaces/n", NULL);
    fixture_close(&f);
}

static const char widget_crd[] =
    "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
    "\"Namespaced\","
    "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\",\"shortNames\":[\"w\"]},\"versions\":["
    "{\"name\":\"v1\",\"served\":true,\"storage\":true,\"subresources\":{\"status\":{}},\"schema\":"
    "{\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}},{"
    "\"name\":\"v2\",\"served\":true,\"storage\":"
    "false,"
    "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":"
    "true}}}]}}";
#define WIDGETS "/apis/x.io/v1/namespaces/default/widgets"

static void definitions_define_at_once(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 404, "GET", WIDGETS, NULL);
    must(&f, 201, "POST", CRDS, widget_crd);
    assert_string_equal(said(&f, "spec.names.listKind"), "WidgetList");
    assert_non_null(strstr(buf_c(&f.last.body), "\"InitialNamesAccepted\""));
    must(&f, 200, "GET", "/apis/x.io/v1", NULL);
    assert_non_null(strstr(buf_c(&f.last.body), "\"widgets/status\""));
    must(&f, 201, "POST", WIDGETS,
         "{\"kind\":\"Widget\",\"apiVersion\":\"x.io/"
         "v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"s\":1},"
         "\"status\":{\"t\":1}}");
    assert_string_equal(said(&f, "metadata.generation"), "1");
    assert_string_equal(said(&f, "status.t"), "");
    must(&f, 200, "PATCH", WIDGETS "/a/status", "{\"spec\":{\"s\":5},\"status\":{\"t\":2}}");
    assert_string_equal(said(&f, "status.t"), "2");
    assert_string_equal(said(&f, "spec.s"), "1");
    assert_string_equal(said(&f, "metadata.generation"), "1");
    must(&f, 200, "GET", "/apis/x.io/v2/namespaces/default/widgets/a", NULL);
    assert_string_equal(said(&f, "apiVersion"), "x.io/v2");
    must(&f, 200, "GET", WIDGETS, NULL);
    assert_string_equal(json_string_at(json_get(f.body, "items")->child, "kind").p, "Widget");
    must(&f, 422, "PUT", WIDGETS "/a",
         "{\"kind\":\"Widget\",\"apiVersion\":\"x.io/v1\",\"metadata\":{\"name\":\"a\"}}");
    must(&f, 422, "POST", CRDS, "{\"metadata\":{\"name\":\"odd\"},\"spec\":{\"group\":\"y.io\"}}");
    fixture_close(&f);
}

static void definitions_take_their_objects_along(void **state)
{
    struct fixture f;
    open_server(&f);
    must(&f, 201, "POST", CRDS, widget_crd);
    must(&f, 201, "POST", WIDGETS,
         "{\"kind\":\"Widget\",\"apiVersion\":\"x.io/"
         "v1\",\"metadata\":{\"name\":\"a\",\"finalizers\":"
         "[\"x.y/z\"]}}");
    must(&f, 200, "DELETE", CRDS "/widgets.x.io", NULL);
    settle(&f);
    must(&f, 200, "GET", CRDS "/widgets.x.io", NULL);
    must(&f, 403, "POST", WIDGETS,
         "{\"kind\":\"Widget\",\"apiVersion\":\"x.io/v1\",\"metadata\":{\"name\":\"b\"}}");
    must(&f, 200, "PATCH", WIDGETS "/a", "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", CRDS "/widgets.x.io", NULL);
    must(&f, 404, "GET", WIDGETS, NULL);
    fixture_close(&f);
}

static void a_copy_is_a_server_of_its_own(void **state)
{
    struct fixture f, g;
    open_server(&f);
    must(&f, 201, "POST", CRDS, widget_crd);
    make(&f, "shared", NULL, false);
    struct store_snapshot *snapshot = store_snapshot_take(kubeapi_store(f.api));
    struct kubeapi_options options = {.name = STR("copy"), .restore = snapshot};
    fixture_open(&g, &options);
    must(&g, 200, "GET", CM "/shared", NULL);
    const char *revision = said(&g, "metadata.resourceVersion");
    must(&g, 200, "GET", WIDGETS, NULL);
    g.as = "nobody";
    must(&g, 403, "GET", CM, NULL);
    g.as = NULL;
    must(&g, 200, "DELETE", CM "/shared", NULL);
    must(&f, 200, "GET", CM "/shared", NULL);
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    kubeapi_restore(g.api, snapshot);
    must(&g, 200, "GET", CM "/shared", NULL);
    store_snapshot_free(snapshot);
    fixture_close(&f);
    must(&g, 200, "GET", CM "/shared", NULL);
    fixture_close(&g);
}

/* A dependent that does not block may stay behind, and an owner that waits itself holds nobody. */
static void foreground_waits_for_nobody_else(void **state)
{
    struct fixture f;
    open_server(&f);
    make(&f, "owner", NULL, false);
    const char *uid = said(&f, "metadata.uid");
    make(&f, "slow", uid, false);
    must(&f, 200, "PATCH", CM "/slow", "{\"metadata\":{\"finalizers\":[\"x.y/z\"]}}");
    must(&f, 200, "DELETE", CM "/owner", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&f);
    must(&f, 404, "GET", CM "/owner", NULL);
    must(&f, 200, "GET", CM "/slow", NULL);
    make(&f, "one", NULL, false);
    const char *one = said(&f, "metadata.uid");
    make(&f, "two", NULL, false);
    struct str body = arena_printf(
        &f.a,
        "{\"metadata\":{\"name\":\"shared\",\"finalizers\":[\"x.y/"
        "z\"],\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":"
        "\"ConfigMap\",\"name\":\"one\",\"uid\":\"%s\",\"blockOwnerDeletion\":true},"
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"two\",\"uid\":\"%s\","
        "\"blockOwnerDeletion\":true}]}}",
        one, said(&f, "metadata.uid"));
    must(&f, 201, "POST", CM, body.p);
    must(&f, 200, "DELETE", CM "/one", "{\"propagationPolicy\":\"Foreground\"}");
    must(&f, 200, "DELETE", CM "/two", "{\"propagationPolicy\":\"Foreground\"}");
    settle(&f);
    must(&f, 200, "GET", CM "/one", NULL); /* both wait for what both own */
    must(&f, 200, "GET", CM "/two", NULL);
    must(&f, 200, "PATCH", CM "/shared", "{\"metadata\":{\"finalizers\":null}}");
    settle(&f);
    must(&f, 404, "GET", CM "/shared", NULL);
    must(&f, 404, "GET", CM "/one", NULL);
    must(&f, 404, "GET", CM "/two", NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dependents_follow_in_the_background),
        cmocka_unit_test(owners_count_one_by_one),
        cmocka_unit_test(foreground_waits_for_blocking_dependents),
        cmocka_unit_test(foreground_leaves_what_others_own),
        cmocka_unit_test(orphans_stay),
        cmocka_unit_test(namespaces_take_their_content_along),
        cmocka_unit_test(namespaces_go_in_order),
        cmocka_unit_test(events_go_after_an_hour),
        cmocka_unit_test(a_bare_server_waits_for_finalize),
        cmocka_unit_test(definitions_define_at_once),
        cmocka_unit_test(definitions_take_their_objects_along),
        cmocka_unit_test(a_copy_is_a_server_of_its_own),
        cmocka_unit_test(foreground_waits_for_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
