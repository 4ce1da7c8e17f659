/* Goal: watches over connections: order, resuming, selectors, bookmarks, time-outs, 410, slow readers; and the fault
 * surface: fences, refusals, delays, lost acknowledgements, stalls and cuts.
 * Method: the server and HTTP clients on one small world; streamed lines are collected as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/verbs/watch_select.h"
#include "tests/unit/support/kubeapi_remote.h"

#include <string.h>

static void retier(struct net *n, const char *name, const char *tier)
{
    struct str target = arena_printf(&n->f.a, CM "/%s", name);
    struct str body = arena_printf(&n->f.a, "{\"metadata\":{\"labels\":{\"tier\":\"%s\"}}}", tier);
    must(&n->f, 200, "PATCH", target.p, body.p);
    net_run(n, 10 * NS_PER_MS);
}

static void a_watch_begins_with_what_is_there(void **state)
{
    struct net n;
    struct remote w, v;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    assert_int_equal(w.status, 200);
    assert_string_equal(remote_heard(&n, &w), "Aa");
    net_make(&n, "b", "db");
    retier(&n, "a", "db");
    must(&n.f, 200, "DELETE", CM "/b", NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab Ma Db");
    remote_start(&n, &v, "GET", "/api/v1/watch/namespaces/kube-system/configmaps", NULL);
    net_make(&n, "c", "db");
    assert_string_equal(remote_heard(&n, &v), "");
    remote_stop(&n, &w);
    remote_stop(&n, &v);
    assert_int_equal(metrics_value(kubeapi_metrics(n.f.api), "apiserver_watches", str_empty), 0);
    net_close(&n);
}

static void a_watch_resumes_behind_a_revision(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t seen = net_revision(&n);
    net_make(&n, "b", "web");
    net_make(&n, "c", "web");
    must(&n.f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"default-2\"}}");
    must(&n.f, 201, "POST", "/api/v1/namespaces/default-2/configmaps",
         "{\"metadata\":{\"name\":\"elsewhere\"}}");
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=true&resourceVersion=", seen), NULL);
    assert_string_equal(remote_heard(&n, &w), "Ab Ac");
    remote_stop(&n, &w);
    store_compact(kubeapi_store(n.f.api), net_revision(&n));
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=true&resourceVersion=", seen), NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended);
    assert_false(w.failed);
    assert_non_null(strstr(buf_c(&w.text), "\"type\":\"ERROR\""));
    assert_non_null(strstr(buf_c(&w.text), "\"code\":410"));
    assert_non_null(strstr(buf_c(&w.text), "\"reason\":\"Expired\"")); /* clients look for it */
    remote_stop(&n, &w);
    net_close(&n);
}

/* The history of a definition is not that of another one by its name. */
static void a_watch_resumes_within_its_definition(void **state)
{
#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    static const char definition[] =
        "{\"metadata\":{\"name\":\"widgets.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
        "\"Cluster\","
        "\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},\"versions\":[{\"name\":\"v1\","
        "\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}"
        "}";
    static const char widget[] =
        "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"%s\"}}";
    struct net n;
    struct remote w;
    uint64_t seen[2];
    net_open(&n, NULL);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        must(&n.f, 201, "POST", CRDS, definition);
        net_run(&n, NS_PER_S);
        seen[i] = net_revision(&n);
        must(&n.f, 201, "POST", "/apis/x.io/v1/widgets",
             arena_printf(&n.f.a, widget, i == 0 ? "old" : "new").p);
        if (i > 0)
            break;
        must(&n.f, 200, "DELETE", CRDS "/widgets.x.io", NULL);
        net_run(&n, NS_PER_S);
        must(&n.f, 404, "GET", CRDS "/widgets.x.io", NULL);
    }
    static const char target[] = "/apis/x.io/v1/widgets?watch=true&resourceVersion=";
    remote_start(&n, &w, "GET", net_at(&n, target, seen[0]), NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended);
    assert_non_null(strstr(buf_c(&w.text), "\"code\":410"));
    remote_stop(&n, &w);
    remote_start(&n, &w, "GET", net_at(&n, target, seen[1]), NULL);
    assert_string_equal(remote_heard(&n, &w), "Anew");
    remote_stop(&n, &w);
    net_close(&n);
}

static void selection_is_entered_and_left(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", CM "?watch=1&labelSelector=tier%3Dweb", NULL);
    net_make(&n, "a", "db");
    retier(&n, "a", "web");
    retier(&n, "a", "db");
    retier(&n, "a", "web");
    must(&n.f, 200, "DELETE", CM "/a", NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Da Aa Da");
    remote_stop(&n, &w);
    remote_start(&n, &w, "GET", CM "?watch=1&fieldSelector=metadata.name%3Dx", NULL);
    net_make(&n, "x", "db");
    net_make(&n, "y", "db");
    assert_string_equal(remote_heard(&n, &w), "Ax");
    remote_stop(&n, &w);
    net_close(&n);
}

#define ALIKE 30

/* Those who watch alike share the looking: an event costs one evaluation for each selector that is in use. */
static void selectors_are_shared(void **state)
{
    static const char *const targets[] = {CM "?watch=1&labelSelector=tier%3Dweb",
                                          CM "?watch=1&labelSelector=tier%21%3Dweb"};
    struct net n;
    struct remote w[2 * ALIKE];
    net_open(&n, NULL);
    for (size_t i = 0; i < ARRAY_LEN(w); i++)
        remote_start(&n, &w[i], "GET", targets[i % 2], NULL);
    uint64_t before = watch_selector_evaluations(n.f.api);
    net_make(&n, "a", "web");
    retier(&n, "a", "db");
    retier(&n, "a", "web");
    assert_int_equal(watch_selector_evaluations(n.f.api) - before, 3 * ARRAY_LEN(targets));
    for (size_t i = 0; i < ARRAY_LEN(w); i++)
        assert_string_equal(remote_heard(&n, &w[i]), i % 2 == 0 ? "Aa Da Aa" : "Aa Da");
    for (size_t i = 0; i < ARRAY_LEN(w); i++)
        remote_stop(&n, &w[i]);
    before = watch_selector_evaluations(n.f.api);
    net_make(&n, "b", "web");
    assert_int_equal(watch_selector_evaluations(n.f.api), before);
    net_close(&n);
}

/* A bookmark is an object of its kind that has nothing but a revision, as typed encoders write it. */
static void the_end_of_what_was_there_is_told(void **state)
{
#define INITIAL "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
#define MARKS   "&allowWatchBookmarks=true"
    static const struct {
        const char *target, *bookmark; /* NULL: none */
    } rows[] = {
        {"/api/v1/pods?watch=1" INITIAL MARKS,
         "{\"type\":\"BOOKMARK\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{"
         "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"},\"resourceVersion\":\""},
        {"/api/v1/pods?watch=1" INITIAL MARKS,
         "\"},\"spec\":{\"containers\":null},\"status\":{}}}"},
        {"/api/v1/pods?watch=1" MARKS, "initial-events-end"},
        {"/api/v1/pods?watch=1&resourceVersion=0" MARKS, "initial-events-end"},
        {"/api/v1/pods?watch=1" INITIAL, NULL},
        {"/api/v1/pods?watch=1", NULL},
        {"/api/v1/pods?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan" MARKS,
         NULL},
    };
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        remote_start(&n, &w, "GET", rows[i].target, NULL);
        const char *got = buf_c(&w.text);
        if (rows[i].bookmark ? !strstr(got, rows[i].bookmark) : w.text.n > 0)
            fail_msg("%s: %s", rows[i].target, got);
        remote_stop(&n, &w);
    }
    net_close(&n);
}

static void bookmarks_and_time_outs(void **state)
{
    struct net n;
    struct remote w, plain;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    remote_start(&n, &w, "GET",
                 net_at(&n,
                        CM "?watch=1&allowWatchBookmarks=true&timeoutSeconds=100&resourceVersion=",
                        net_revision(&n)),
                 NULL);
    remote_start(&n, &plain, "GET",
                 net_at(&n, CM "?watch=1&timeoutSeconds=100&resourceVersion=", net_revision(&n)),
                 NULL);
    net_run(&n, 70 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "");
    net_make(&n, "b", "web");
    net_run(&n, 40 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Ab B");
    assert_string_equal(remote_heard(&n, &plain), "Ab");
    assert_true(w.ended && !w.failed);
    assert_true(plain.ended && !plain.failed);
    remote_stop(&n, &w);
    remote_stop(&n, &plain);
    remote_start(&n, &w, "GET",
                 CM "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch="
                    "NotOlderThan",
                 NULL);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab B");
    assert_non_null(strstr(buf_c(&w.text), "\"k8s.io/initial-events-end\":\"true\""));
    remote_stop(&n, &w);
    remote_start(&n, &w, "GET", CM "?watch=1&sendInitialEvents=true", NULL);
    assert_int_equal(w.status, 422);
    remote_stop(&n, &w);
    net_close(&n);
}

static void a_slow_reader_pauses_and_catches_up(void **state)
{
    struct net n;
    struct remote w;
    char big[60001];
    net_open(&n, NULL);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    http_call_pause(w.call);
    for (int i = 0; i < 50;
         i++) { /* 3 MB: more than a connection may hold, less than the history */
        struct str body = arena_printf(
            &n.f.a, "{\"metadata\":{\"name\":\"big-%02d\"},\"data\":{\"x\":\"%s\"}}", i, big);
        must(&n.f, 201, "POST", CM, body.p);
        net_run(&n, NS_PER_MS);
    }
    http_call_resume(w.call);
    net_run(&n, NS_PER_S);
    const char *names = remote_heard(&n, &w);
    assert_int_equal(strlen(names), 50 * 8 - 1 + 50 * 0);
    assert_non_null(strstr(names, "Abig-49"));
    remote_stop(&n, &w);
    net_close(&n);
}

/* A bookmark says "you have seen everything up to here": never while there is something left to see. */
static void no_bookmark_overtakes_an_event(void **state)
{
    struct net n;
    struct remote w;
    char big[60001];
    net_open(&n, NULL);
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    remote_start(&n, &w, "GET", CM "?watch=1&allowWatchBookmarks=true", NULL);
    net_run(&n, 30 * NS_PER_S);
    http_call_pause(w.call);
    for (int i = 0; i < 50; i++) {
        struct str body = arena_printf(
            &n.f.a, "{\"metadata\":{\"name\":\"%02d\"},\"data\":{\"x\":\"%s\"}}", i, big);
        must(&n.f, 201, "POST", CM, body.p);
        net_run(&n, NS_PER_MS);
    }
    net_run(&n, 40 * NS_PER_S); /* a bookmark is due meanwhile */
    http_call_resume(w.call);
    net_run(&n, NS_PER_S);
    const char *events = remote_heard(&n, &w);
    assert_non_null(strstr(events, "A49"));
    assert_true(str_starts(str_c(events), STR("B A00"))); /* the end of what was there: nothing */
    assert_null(strchr(events + 1, 'B'));
    net_run(&n, 70 * NS_PER_S);
    assert_true(str_ends(str_c(remote_heard(&n, &w)), STR("A49 B")));
    remote_stop(&n, &w);
    net_close(&n);
}

static void faults_fire_and_count(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    struct kubeapi_fault fence = {
        .kind = KUBEAPI_FAULT_FENCE, .resource = str_empty, .verb = str_empty, .user = str_empty};
    struct kubeapi_fault busy = fence, late = fence, lost = fence;
    busy.kind = KUBEAPI_FAULT_STATUS;
    busy.status = 429;
    busy.verb = STR("list");
    late.kind = KUBEAPI_FAULT_LATENCY;
    late.delay = NS_PER_S;
    lost.kind = KUBEAPI_FAULT_LOST_ACK;
    lost.resource = STR("configmaps");

    uint64_t id = kubeapi_fault_add(n.f.api, &fence);
    remote_start(&n, &w, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}");
    assert_int_equal(w.status, 503);
    remote_stop(&n, &w);
    kubeapi_fault_remove(n.f.api, id);
    assert_int_equal(kubeapi_fault_fired(n.f.api, id), 1);

    id = kubeapi_fault_add(n.f.api, &busy);
    remote_start(&n, &w, "GET", CM, NULL);
    assert_int_equal(w.status, 429);
    remote_stop(&n, &w);
    kubeapi_fault_remove(n.f.api, id);

    id = kubeapi_fault_add(n.f.api, &late);
    remote_start(&n, &w, "POST", CM, "{\"metadata\":{\"name\":\"late\"}}");
    net_run(&n, 900 * NS_PER_MS);
    assert_false(w.ended);
    net_run(&n, 200 * NS_PER_MS);
    assert_int_equal(w.status, 201);
    remote_stop(&n, &w);
    kubeapi_fault_remove(n.f.api, id);

    id = kubeapi_fault_add(n.f.api, &lost);
    remote_start(&n, &w, "POST", CM, "{\"metadata\":{\"name\":\"lost\"}}");
    assert_true(w.ended && w.failed);
    must(&n.f, 200, "GET", CM "/lost", NULL);
    remote_stop(&n, &w);
    kubeapi_fault_remove(n.f.api, id);
    net_close(&n);
}

static void stalled_watches_say_nothing_until_it_ends(void **state)
{
    struct net n;
    struct remote w;
    struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_WATCH_STALL,
                                  .resource = STR("configmaps"),
                                  .verb = str_empty,
                                  .user = str_empty};
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &stall);
    net_make(&n, "a", "web");
    net_make(&n, "b", "web");
    assert_string_equal(remote_heard(&n, &w), "");
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab");
    assert_int_equal(kubeapi_cut_watches(n.f.api, STR("secrets"), true), 0);
    assert_int_equal(kubeapi_cut_watches(n.f.api, STR("configmaps"), true), 1);
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended && w.failed);
    remote_stop(&n, &w);
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    assert_int_equal(kubeapi_cut_watches(n.f.api, str_empty, false), 1);
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended && !w.failed);
    remote_stop(&n, &w);
    net_close(&n);
}

static void connections_may_die_at_any_time(void **state)
{
    struct net n;
    struct remote a, b;
    struct kubeapi_fault late = {.kind = KUBEAPI_FAULT_LATENCY,
                                 .delay = NS_PER_S,
                                 .resource = str_empty,
                                 .verb = str_empty,
                                 .user = str_empty};
    net_open(&n, NULL);
    remote_start(&n, &a, "GET", CM "?watch=1", NULL);
    (void)kubeapi_fault_add(n.f.api, &late);
    remote_start(&n, &b, "GET", CM, NULL);
    remote_stop(&n, &b);
    net_run(&n, 2 * NS_PER_S);
    remote_start(&n, &b, "POST", CM, "{\"metadata\":{\"name\":\"x\"}}");
    buf_free(&a.text);
    buf_free(&b.text);
    net_close(&n); /* with a watch open and a request delayed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_begins_with_what_is_there),
        cmocka_unit_test(a_watch_resumes_behind_a_revision),
        cmocka_unit_test(a_watch_resumes_within_its_definition),
        cmocka_unit_test(selection_is_entered_and_left),
        cmocka_unit_test(selectors_are_shared),
        cmocka_unit_test(the_end_of_what_was_there_is_told),
        cmocka_unit_test(bookmarks_and_time_outs),
        cmocka_unit_test(a_slow_reader_pauses_and_catches_up),
        cmocka_unit_test(no_bookmark_overtakes_an_event),
        cmocka_unit_test(faults_fire_and_count),
        cmocka_unit_test(stalled_watches_say_nothing_until_it_ends),
        cmocka_unit_test(connections_may_die_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
