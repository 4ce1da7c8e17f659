/* Goal: lists and watches by selector show what was selected, as it was when it was: whichever index answers, across
 * pages and revisions, and in every form of an event.
 * Method: requests in process, and watches over connections of a small world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/store/store_internal.h"
#include "tests/unit/support/kubeapi_remote.h"

#include <string.h>

#define NODES "/api/v1/nodes"

static void relabel(struct net *n, const char *name, const char *tier)
{
    struct str target = arena_printf(&n->f.a, CM "/%s", name);
    struct str body = arena_printf(&n->f.a, "{\"metadata\":{\"labels\":{\"tier\":\"%s\"}}}", tier);
    must(&n->f, 200, "PATCH", target.p, body.p);
    net_run(n, 10 * NS_PER_MS);
}

static bool heard(const struct remote *w, const char *text)
{
    return str_find(buf_str(&w->text), str_c(text)) >= 0;
}

/* The first question walks, the second builds an index, the third uses what writes made of it. */
static void indexes_answer_as_walks_do(void **state)
{
    static const struct {
        const char *target, *names, *later; /* later: behind the writes */
    } rows[] = {
        {CM "?labelSelector=tier+in+(web,db)", "a b c", "a b c"},
        {CM "?labelSelector=tier+in+(web)", "a c", "a b"},
        {CM "?labelSelector=tier%3Dweb", "a c", "a b"},
        {CM "?labelSelector=tier%3Dweb&fieldSelector=metadata.name!%3Da", "c", "b"},
        {NODES "?fieldSelector=spec.unschedulable%3Dfalse", "m", "m n"},
        {NODES "?fieldSelector=spec.unschedulable%3Dtrue", "n", ""},
    };
    struct net n;
    net_open(&n, NULL);
    kubeapi_store(n.f.api)->select_min = 1;
    net_make(&n, "a", "web");
    net_make(&n, "b", "db");
    net_make(&n, "c", "web");
    net_make(&n, "d", "none");
    must(&n.f, 201, "POST", NODES, "{\"metadata\":{\"name\":\"m\"}}");
    must(&n.f, 201, "POST", NODES,
         "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"unschedulable\":true}}");
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            must(&n.f, 200, "GET", rows[i].target, NULL);
            if (strcmp(items(&n.f), rows[i].names) != 0)
                fail_msg("%s: %s", rows[i].target, items(&n.f));
        }
    relabel(&n, "b", "web");
    relabel(&n, "c", "db");
    must(&n.f, 200, "PATCH", CM "/a", "{\"data\":{\"fresh\":\"yes\"}}");
    must(&n.f, 200, "PATCH", NODES "/n", "{\"spec\":{\"unschedulable\":null}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        must(&n.f, 200, "GET", rows[i].target, NULL);
        if (strcmp(items(&n.f), rows[i].later) != 0)
            fail_msg("%s, later: %s", rows[i].target, items(&n.f));
    }
    must(&n.f, 200, "GET", rows[2].target, NULL);
    assert_non_null(strstr(buf_c(&n.f.last.body), "\"fresh\":\"yes\""));
    net_close(&n);
}

static void selected_pages_go_on_behind_the_last(void **state)
{
    struct net n;
    char seen[64] = "";
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    net_make(&n, "b", "db");
    net_make(&n, "c", "web");
    net_make(&n, "d", "web");
    const char *token = "";
    for (int pages = 0; pages < 8 && (pages == 0 || *token); pages++) {
        struct str target =
            arena_printf(&n.f.a, CM "?limit=1&labelSelector=tier%%3Dweb&continue=%s", token);
        must(&n.f, 200, "GET", target.p, NULL);
        assert_string_equal(said(&n.f, "metadata.remainingItemCount"), "");
        strcat(seen, items(&n.f));
        token = said(&n.f, "metadata.continue");
    }
    assert_string_equal(seen, "acd");
    net_close(&n);
}

/* A limit with a revision asks for the past, without one it would ask for what is not older. */
static void a_page_of_a_revision_shows_it(void **state)
{
    struct net n;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    net_make(&n, "b", "web");
    uint64_t then = net_revision(&n);
    must(&n.f, 200, "DELETE", CM "/a", NULL);
    must(&n.f, 200, "GET", net_at(&n, CM "?limit=9&resourceVersion=", then), NULL);
    assert_string_equal(items(&n.f), "a b");
    must(&n.f, 200, "GET", net_at(&n, CM "?resourceVersion=", then), NULL);
    assert_string_equal(items(&n.f), "b");
    net_close(&n);
}

static void initial_events_come_once(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t then = net_revision(&n);
    net_make(&n, "b", "web");
    remote_start(&n, &w, "GET",
                 net_at(&n,
                        CM "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
                           "resourceVersion=",
                        then),
                 NULL);
    net_make(&n, "c", "web");
    assert_string_equal(remote_heard(&n, &w), "Aa Ab Ac");
    remote_stop(&n, &w);
    net_close(&n);
}

/* Who loses an object is shown how it was while it was theirs, under the revision of the change. */
static void what_leaves_is_shown_as_it_was(void **state)
{
    static const char *const forms[] = {NULL, "application/json;as=Table;g=meta.k8s.io;v=v1",
                                        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;"
                                        "v=v1",
                                        "application/vnd.kubernetes.protobuf;stream=watch"};
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        bool json = i + 1 < ARRAY_LEN(forms);
        n.f.accept = forms[i];
        remote_start(
            &n, &w, "GET",
            net_at(&n, CM "?watch=1&labelSelector=tier%3Dweb&resourceVersion=", net_revision(&n)),
            NULL);
        n.f.accept = NULL;
        relabel(&n, "a", "cellar");
        const char *revision = net_at(&n, json ? "\"resourceVersion\":\"" : "", net_revision(&n));
        if (!heard(&w, "DELETED") || !heard(&w, json ? "\"tier\":\"web\"" : "web") ||
            heard(&w, json ? "\"tier\":\"cellar\"" : "cellar") || !heard(&w, revision))
            fail_msg("form %zu: " STR_FMT, i, STR_ARG(buf_str(&w.text)));
        remote_stop(&n, &w);
        relabel(&n, "a", "web");
    }
    net_close(&n);
}

/* One event is ADDED to who did not have it and MODIFIED to who did, also where its bytes are shared. */
static void one_event_is_another_to_each(void **state)
{
    static const char *const targets[] = {CM "?watch=1&resourceVersion=",
                                          CM "?watch=1&labelSelector=tier%3Dweb&resourceVersion="};
    static const char *const words[] = {"MODIFIED", "ADDED"};
    static const char *const forms[] = {NULL, "application/vnd.kubernetes.protobuf;stream=watch"};
    struct net n;
    net_open(&n, NULL);
    net_make(&n, "a", "db");
    for (size_t form = 0; form < ARRAY_LEN(forms); form++) {
        struct remote w[2];
        n.f.accept = forms[form];
        for (size_t i = 0; i < 2; i++)
            remote_start(&n, &w[i], "GET", net_at(&n, targets[i], net_revision(&n)), NULL);
        n.f.accept = NULL;
        relabel(&n, "a", "web");
        for (size_t i = 0; i < 2; i++) {
            assert_true(heard(&w[i], words[i]));
            assert_false(heard(&w[i], words[1 - i]));
            remote_stop(&n, &w[i]);
        }
        relabel(&n, "a", "db");
    }
    net_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_answer_as_walks_do),
        cmocka_unit_test(selected_pages_go_on_behind_the_last),
        cmocka_unit_test(a_page_of_a_revision_shows_it),
        cmocka_unit_test(initial_events_come_once),
        cmocka_unit_test(what_leaves_is_shown_as_it_was),
        cmocka_unit_test(one_event_is_another_to_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
