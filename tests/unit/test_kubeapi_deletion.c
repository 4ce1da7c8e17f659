/* Goal: what is deleted, and what a client says of deletions and identities, keeps to the rules in their corners: marks
 * are set once, dry runs leave no trace, nobody chooses a uid.
 * Method: requests in process on a bare server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_fixture.h"

#include <string.h>

#define CM          "/api/v1/namespaces/default/configmaps"
#define PODS        "/api/v1/namespaces/default/pods"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define CONTAINERS  "\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]"
#define HELD        "\"finalizers\":[\"x.y/z\"]"

static void a_mark_is_set_once(void **state)
{
    static const char deployment[] =
        "{\"metadata\":{\"name\":\"d\"," HELD "},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":"
        "\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{" CONTAINERS
        "}}}}";
    static const char *const targets[] = {"/api/v1/namespaces/n", DEPLOYMENTS "/d"};
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    must(&f, 201, "POST", DEPLOYMENTS, deployment);
    assert_string_equal(said(&f, "metadata.generation"), "1");
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        must(&f, 200, "DELETE", targets[i], NULL);
        must(&f, 200, "GET", targets[i], NULL);
        const char *marked = said(&f, "metadata.deletionTimestamp"),
                   *revision = said(&f, "metadata.resourceVersion");
        assert_string_not_equal(marked, "");
        fake_run_for(f.world, 5 * NS_PER_S);
        assert_int_not_equal(ask(&f, "DELETE", targets[i], NULL), 404);
        must(&f, 200, "GET", targets[i], NULL);
        assert_string_equal(said(&f, "metadata.deletionTimestamp"), marked);
        assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    }
    assert_string_equal(said(&f, "metadata.generation"), "2"); /* the mark is a change, once */
    fixture_close(&f);
}

static void policies_become_finalizers(void **state)
{
    static const struct {
        const char *query, *body;
        bool orphan, foreground;
    } rows[] = {
        {"", NULL, false, false},
        {"?orphanDependents=true", NULL, true, false},
        {"?orphanDependents=false", NULL, false, false},
        {"", "{\"orphanDependents\":true}", true, false},
        {"", "{\"orphanDependents\":false}", false, false},
        {"?propagationPolicy=Orphan", NULL, true, false},
        {"", "{\"propagationPolicy\":\"Orphan\"}", true, false},
        {"", "{\"propagationPolicy\":\"Foreground\"}", false, true},
        {"", "{\"propagationPolicy\":\"Background\"}", false, false},
    };
    struct fixture f;
    fixture_open(&f, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = arena_printf(&f.a, CM "/c%zu", i);
        struct str target = arena_printf(&f.a, STR_FMT "%s", STR_ARG(name), rows[i].query);
        struct str body = arena_printf(&f.a, "{\"metadata\":{\"name\":\"c%zu\"," HELD "}}", i);
        must(&f, 201, "POST", CM, body.p);
        must(&f, 200, "DELETE", target.p, rows[i].body);
        must(&f, 200, "GET", name.p, NULL);
        const cJSON *list = json_path(f.body, "metadata.finalizers");
        if (json_list_has(list, STR("orphan")) != rows[i].orphan ||
            json_list_has(list, STR("foregroundDeletion")) != rows[i].foreground)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(buf_str(&f.last.body)));
    }
    fixture_close(&f);
}

/* Somebody thinks again: the last word holds, and alone. */
static void a_later_policy_replaces_an_earlier_one(void **state)
{
    static const struct {
        const char *policy;
        bool orphan, foreground;
    } rows[] = {{"Orphan", true, false},     {"Foreground", false, true},
                {"Orphan", true, false},     {"Background", false, false},
                {"Foreground", false, true}, {"Background", false, false}};
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"," HELD "}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&f, 200, "DELETE", arena_printf(&f.a, CM "/a?propagationPolicy=%s", rows[i].policy).p,
             NULL);
        must(&f, 200, "GET", CM "/a", NULL);
        const cJSON *list = json_path(f.body, "metadata.finalizers");
        assert_int_equal(json_list_has(list, STR("orphan")), rows[i].orphan);
        assert_int_equal(json_list_has(list, STR("foregroundDeletion")), rows[i].foreground);
        assert_true(json_list_has(list, STR("x.y/z")));
    }
    fixture_close(&f);
}

struct follower { /* takes b away as soon as it sees that a is gone */
    struct kubeapi *api;
    size_t deleted;
};

static void follow(void *owner, struct store_event *e)
{
    struct follower *w = owner;
    if (e->type != STORE_DELETED)
        return;
    w->deleted++;
    if (str_eq_c(e->object->name, "a"))
        assert_null(kubeapi_delete(w->api, STR("configmaps"), STR("default"), STR("b")));
}

static void what_went_meanwhile_does_not_go_again(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    struct follower w = {.api = f.api};
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}");
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"c\"}}");
    struct store_watch *watch =
        store_watch_start(kubeapi_table(f.api, STR("configmaps")), str_empty, follow, &w);
    must(&f, 200, "DELETE", CM, NULL);
    assert_int_equal(w.deleted, 3);
    must(&f, 200, "GET", CM, NULL);
    assert_string_equal(items(&f), "");
    store_watch_stop(watch);
    fixture_close(&f);
}

static void dry_runs_leave_no_trace(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"," HELD "}}");
    const char *revision = said(&f, "metadata.resourceVersion");
    must(&f, 200, "DELETE", CM "/a?dryRun=All", NULL);
    assert_string_not_equal(said(&f, "metadata.deletionTimestamp"), "");
    must(&f, 200, "PATCH", CM "/a?dryRun=All", "{\"data\":{\"k\":\"v\"}}");
    assert_string_equal(said(&f, "data.k"), "v");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    must(&f, 200, "DELETE", CM "?dryRun=All", NULL);
    must(&f, 200, "GET", CM "/a", NULL);
    assert_string_equal(said(&f, "metadata.deletionTimestamp"), "");
    assert_string_equal(said(&f, "metadata.resourceVersion"), revision);
    fixture_close(&f);
}

/* Its finalizer is gone, its time is not over: both must be. */
static void a_pod_keeps_its_grace(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", PODS,
         "{\"metadata\":{\"name\":\"p\"," HELD "},\"spec\":{" CONTAINERS ",\"nodeName\":\"n\"}}");
    must(&f, 200, "DELETE", PODS "/p", NULL);
    must(&f, 200, "PATCH", PODS "/p", "{\"metadata\":{\"finalizers\":null}}");
    must(&f, 200, "GET", PODS "/p", NULL);
    must(&f, 200, "DELETE", PODS "/p", "{\"gracePeriodSeconds\":0}");
    must(&f, 404, "GET", PODS "/p", NULL);
    fixture_close(&f);
}

/* What has ended, well or not, needs no time to end. */
static void an_ended_pod_goes_at_once(void **state)
{
    static const struct {
        const char *phase;
        int status;
    } rows[] = {{"Running", 200}, {"Succeeded", 404}, {"Failed", 404}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_open(&f, NULL);
        must(&f, 201, "POST", PODS,
             "{\"metadata\":{\"name\":\"p\"},\"spec\":{" CONTAINERS ",\"nodeName\":\"n\"}}");
        must(&f, 200, "PATCH", PODS "/p/status",
             arena_printf(&f.a, "{\"status\":{\"phase\":\"%s\"}}", rows[i].phase).p);
        must(&f, 200, "DELETE", PODS "/p", NULL);
        must(&f, rows[i].status, "GET", PODS "/p", NULL);
        fixture_close(&f);
    }
}

static void clients_choose_no_identity(void **state)
{
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 201, "POST", CM,
         "{\"metadata\":{\"name\":\"a\",\"uid\":\"mine\",\"generation\":7,\"deletionTimestamp\":"
         "\"2020-01-01T00:00:00Z\",\"deletionGracePeriodSeconds\":5,\"creationTimestamp\":"
         "\"2020-01-01T00:00:00Z\"}}");
    const char *uid = said(&f, "metadata.uid");
    assert_string_not_equal(uid, "mine");
    assert_string_equal(said(&f, "metadata.deletionTimestamp"), "");
    assert_string_equal(said(&f, "metadata.deletionGracePeriodSeconds"), "");
    assert_string_equal(said(&f, "metadata.generation"), "");
    assert_string_not_equal(said(&f, "metadata.creationTimestamp"), "2020-01-01T00:00:00Z");
    must(&f, 409, "PUT", CM "/a", "{\"metadata\":{\"name\":\"a\",\"uid\":\"another\"}}");
    must(&f, 422, "PATCH", CM "/a", "{\"metadata\":{\"uid\":\"another\"}}");
    must(&f, 422, "PATCH", CM "/a",
         "{\"metadata\":{\"deletionTimestamp\":\"2020-01-01T00:00:00Z\"}}");
    must(&f, 200, "DELETE", CM "/a", NULL);
    must(&f, 201, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    assert_string_not_equal(said(&f, "metadata.uid"), uid);
    fixture_close(&f);
}

static void metadata_is_checked(void **state)
{
#define OWNER(name)                                                                                \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"" name "\",\"uid\":\"" name                \
    "\",\"controller\":true}"
    struct fixture f;
    fixture_open(&f, NULL);
    must(&f, 422, "POST", CM,
         "{\"metadata\":{\"name\":\"a\",\"ownerReferences\":[" OWNER("x") "," OWNER("y") "]}}");
    assert_non_null(
        strstr(said(&f, "message"), "Only one reference can have Controller set to true"));
    must(&f, 201, "POST", CM,
         "{\"metadata\":{\"name\":\"a\",\"ownerReferences\":[" OWNER("x") "]}}");
    must(&f, 422, "POST", CM, "{\"metadata\":{\"generateName\":\"Upper-\"}}");
    assert_non_null(strstr(said(&f, "message"), "metadata.generateName: Invalid value"));
    must(&f, 201, "POST", CM, "{\"metadata\":{\"generateName\":\"lower-\"}}");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_set_once),
        cmocka_unit_test(policies_become_finalizers),
        cmocka_unit_test(dry_runs_leave_no_trace),
        cmocka_unit_test(a_pod_keeps_its_grace),
        cmocka_unit_test(an_ended_pod_goes_at_once),
        cmocka_unit_test(clients_choose_no_identity),
        cmocka_unit_test(metadata_is_checked),
        cmocka_unit_test(a_later_policy_replaces_an_earlier_one),
        cmocka_unit_test(what_went_meanwhile_does_not_go_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
