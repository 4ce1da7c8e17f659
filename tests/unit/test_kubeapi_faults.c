/* Goal: every kind of fault of the simulated API does what it says, to those whom it matches, and counts it.
 * Method: the server and HTTP clients on one small world; rules are added and removed between requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/kubeapi_remote.h"

#include <string.h>

static uint64_t add(struct net *n, enum kubeapi_fault_kind kind, const char *resource)
{
    struct kubeapi_fault f = {
        .kind = kind, .resource = str_c(resource), .verb = str_empty, .user = str_empty};
    return kubeapi_fault_add(n->f.api, &f);
}

static uint64_t fired(struct net *n, uint64_t id)
{
    return kubeapi_fault_fired(n->f.api, id);
}

/* Asks over the connection; the text is kept in the fixture. */
static int fetch(struct net *n, const char *method, const char *target, const char *body,
                 const char **text)
{
    struct remote w;
    remote_start(n, &w, method, target, body);
    assert_true(w.ended);
    *text = w.text.n ? arena_c(&n->f.a, buf_str(&w.text)) : "";
    int status = w.failed ? -1 : w.status;
    remote_stop(n, &w);
    return status;
}

static void writes_meet_conflicts_and_a_full_store(void **state)
{
    struct net n;
    const char *text;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t id = add(&n, KUBEAPI_FAULT_CONFLICT, "configmaps");
    assert_int_equal(
        fetch(&n, "PUT", CM "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}", &text),
        409);
    assert_non_null(strstr(text, "the object has been modified"));
    assert_non_null(strstr(text, "\"reason\":\"Conflict\""));
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}", &text), 201);
    assert_int_equal(fired(&n, id), 1);
    kubeapi_fault_remove(n.f.api, id);
    id = add(&n, KUBEAPI_FAULT_STORE_FULL, "");
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"c\"}}", &text), 500);
    assert_non_null(strstr(text, "etcdserver: mvcc: database space exceeded"));
    assert_int_equal(fetch(&n, "GET", CM "/c", NULL, &text), 404);
    assert_int_equal(fetch(&n, "DELETE", CM "/b", NULL, &text), 200);
    assert_int_equal(fired(&n, id), 1);
    assert_int_equal(metrics_value(kubeapi_metrics(n.f.api), "apiserver_fault_total",
                                   STR("kind=\"store_full\"")),
                     1);
    net_close(&n);
}

static void a_lost_write_is_answered_and_not_there(void **state)
{
    struct net n;
    const char *text;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t id = add(&n, KUBEAPI_FAULT_LOST_WRITE, "configmaps"), before = net_revision(&n);
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}", &text), 201);
    assert_non_null(strstr(text, net_at(&n, "\"resourceVersion\":\"", before + 1)));
    assert_int_equal(
        fetch(&n, "PUT", CM "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}", &text),
        200);
    assert_int_equal(fetch(&n, "DELETE", CM "/a", NULL, &text), 200);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 404);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_null(strstr(text, "\"k\":\"1\""));
    assert_int_equal(net_revision(&n), before);
    assert_int_equal(fired(&n, id), 3);
    net_close(&n);
}

static void an_answer_breaks_off(void **state)
{
    struct net n;
    const char *text;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t id = add(&n, KUBEAPI_FAULT_TRUNCATED, "configmaps");
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), -1);
    assert_null(strstr(text, "}}"));
    assert_int_equal(fired(&n, id), 1);
    kubeapi_fault_remove(n.f.api, id);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    net_close(&n);
}

static void slow_writes_leave_reads_alone(void **state)
{
    struct net n;
    struct remote w;
    const char *text;
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_SLOW_WRITE,
                                 .delay = 2 * NS_PER_S,
                                 .resource = str_empty,
                                 .verb = str_empty,
                                 .user = STR("admin")};
    net_open(&n, NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &slow);
    remote_start(&n, &w, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}");
    assert_false(w.ended);
    assert_int_equal(fetch(&n, "GET", CM, NULL, &text), 200);
    net_run(&n, 3 * NS_PER_S);
    assert_int_equal(w.status, 201);
    assert_int_equal(fired(&n, id), 1);
    remote_stop(&n, &w);
    net_close(&n);
}

static void a_frozen_replica_answers_reads(void **state)
{
    struct net n;
    struct remote w;
    const char *text;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t then = net_revision(&n), id = add(&n, KUBEAPI_FAULT_STALE_READ, "configmaps");
    net_make(&n, "b", "web");
    must(&n.f, 200, "DELETE", CM "/a", NULL);
    kubeapi_compact(n.f.api); /* the replica knows nothing of that */
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 404);
    assert_int_equal(fetch(&n, "GET", CM, NULL, &text), 200);
    assert_non_null(strstr(text, "\"name\":\"a\""));
    assert_null(strstr(text, "\"name\":\"b\""));
    assert_non_null(strstr(text, net_at(&n, "\"resourceVersion\":\"", then)));
    assert_int_equal(
        fetch(&n, "GET", net_at(&n, CM "?resourceVersion=", net_revision(&n)), NULL, &text), 504);
    net_make(&n, "c", "web");
    uint64_t known = net_revision(&n);
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", known), NULL);
    net_make(&n, "d", "web");
    assert_string_equal(remote_heard(&n, &w), "");
    assert_int_equal(fired(&n, id), 5);
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Ad");
    net_make(&n, "e", "web");
    assert_string_equal(remote_heard(&n, &w), "Ad Ae");
    remote_stop(&n, &w);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 200);
    net_close(&n);
}

static void watches_are_told_that_the_past_is_gone(void **state)
{
    struct net n;
    struct remote w, v, other;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    remote_start(&n, &other, "GET", "/api/v1/namespaces?watch=1", NULL);
    uint64_t id = add(&n, KUBEAPI_FAULT_WATCH_GONE, "configmaps");
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended);
    assert_non_null(strstr(buf_c(&w.text), "\"code\":410"));
    assert_false(other.ended);
    remote_start(&n, &v, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_true(v.ended);
    assert_non_null(strstr(buf_c(&v.text), "\"type\":\"ERROR\""));
    assert_int_equal(fired(&n, id), 2);
    remote_stop(&n, &w);
    remote_stop(&n, &v);
    remote_stop(&n, &other);
    net_close(&n);
}

static void what_happened_meanwhile_is_lost(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    uint64_t seen = net_revision(&n), id = add(&n, KUBEAPI_FAULT_WATCH_LOSS, "configmaps");
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    assert_int_equal(fired(&n, id), 0); /* nothing was missed */
    remote_stop(&n, &w);
    net_make(&n, "a", "web");
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    net_make(&n, "b", "web");
    assert_string_equal(remote_heard(&n, &w), "Ab");
    assert_int_equal(fired(&n, id), 1);
    remote_stop(&n, &w);
    net_close(&n);
}

static void the_past_comes_back(void **state)
{
    struct net n;
    struct remote w, v;
    struct kubeapi_fault back = {.kind = KUBEAPI_FAULT_WATCH_REWIND,
                                 .delay = 8 * NS_PER_S,
                                 .resource = STR("configmaps"),
                                 .verb = str_empty,
                                 .user = str_empty};
    net_open(&n, NULL);
    uint64_t first = net_revision(&n);
    net_make(&n, "a", "web");
    remote_start(&n, &w, "GET", CM "?watch=1", NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &back);
    net_make(&n, "b", "web");
    assert_false(w.ended);
    net_run(&n, 8 * NS_PER_S + 100 * NS_PER_MS);
    assert_true(w.ended); /* sent to the replica */
    uint64_t seen = net_revision(&n), before = fired(&n, id);
    assert_int_equal(before, 1);
    remote_stop(&n, &w);
    net_make(&n, "c", "web");
    net_run(&n, 5 * NS_PER_S);
    net_make(&n, "d", "web");
    remote_start(&n, &v, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    assert_string_equal(remote_heard(&n, &v), "Ac Ad"); /* b is older than 8 s */
    assert_int_equal(fired(&n, id), before + 1);
    remote_stop(&n, &v);
    remote_start(&n, &v, "GET", net_at(&n, CM "?watch=1&resourceVersion=", first), NULL);
    assert_string_equal(remote_heard(&n, &v), "Aa Ab Ac Ad"); /* it was further back itself */
    assert_int_equal(fired(&n, id), before + 1);
    remote_stop(&n, &v);
    kubeapi_fault_remove(n.f.api, id);
    remote_start(&n, &v, "GET", net_at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    assert_string_equal(remote_heard(&n, &v), "Ac Ad");
    remote_stop(&n, &v);
    net_close(&n);
}

static void other_kinds_pass_events_that_are_held(void **state)
{
    struct net n;
    struct remote w, other;
    struct kubeapi_fault late = {.kind = KUBEAPI_FAULT_WATCH_REORDER,
                                 .delay = 60 * NS_PER_S,
                                 .window = 2,
                                 .resource = STR("configmaps"),
                                 .verb = str_empty,
                                 .user = str_empty};
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    remote_start(&n, &other, "GET",
                 net_at(&n, "/api/v1/namespaces?watch=1&resourceVersion=", net_revision(&n)), NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &late);
    net_make(&n, "a", "web");
    must(&n.f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\"}}");
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "");
    assert_string_equal(remote_heard(&n, &other), "Ax");
    must(&n.f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"y\"}}");
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa");
    net_make(&n, "b", "web");
    net_run(&n, 59 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa");
    net_run(&n, 2 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab");
    assert_int_equal(fired(&n, id), 2);
    net_make(&n, "c", "web"); /* and an end while one waits */
    remote_stop(&n, &w);
    remote_stop(&n, &other);
    net_close(&n);
}

static void events_come_twice_and_bookmarks_never(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    remote_start(
        &n, &w, "GET",
        net_at(&n, CM "?watch=1&allowWatchBookmarks=true&resourceVersion=", net_revision(&n)),
        NULL);
    uint64_t twice = add(&n, KUBEAPI_FAULT_WATCH_DUPLICATE, "configmaps");
    uint64_t none = add(&n, KUBEAPI_FAULT_WATCH_NO_BOOKMARK, "configmaps");
    net_make(&n, "a", "web");
    assert_string_equal(remote_heard(&n, &w), "Aa Aa");
    net_run(&n, 61 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Aa");
    assert_int_equal(fired(&n, twice), 1);
    assert_int_equal(fired(&n, none), 1);
    kubeapi_fault_remove(n.f.api, none);
    net_run(&n, 61 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Aa B");
    remote_stop(&n, &w);
    net_close(&n);
}

static void half_a_split_brain_keeps_its_writes(void **state)
{
    static const struct str here[] = {STR_INIT("127.0.0.1")}, elsewhere[] = {STR_INIT("192.0.2.9")};
    struct net n;
    const char *text;
    uint64_t counted = 0;
    struct kubeapi_fault fork = {.kind = KUBEAPI_FAULT_FORK,
                                 .resource = STR("configmaps"),
                                 .name = STR("a"),
                                 .clients = elsewhere,
                                 .clients_n = 1,
                                 .fired = &counted};
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    uint64_t other = kubeapi_fault_add(n.f.api, &fork), revision = net_revision(&n);
    fork.clients = here;
    uint64_t id = kubeapi_fault_add(n.f.api, &fork);
    const char *changed = "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}";
    assert_int_equal(fetch(&n, "PUT", CM "/a", changed, &text), 200);
    assert_int_equal(net_revision(&n), revision); /* nobody else sees it */
    must(&n.f, 200, "GET", CM "/a", NULL);
    assert_string_equal(said(&n.f, "data.k"), "");
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_non_null(strstr(text, "\"k\":\"1\""));
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}", &text), 201);
    assert_int_equal(net_revision(&n), revision + 1); /* of another name */
    assert_int_equal(fired(&n, id), 1);
    assert_int_equal(fired(&n, other), 0);
    assert_int_equal(counted, 1);
    kubeapi_fault_remove(n.f.api, id);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_null(strstr(text, "\"k\":\"1\""));
    net_close(&n);
}

struct oracle {
    enum kubeapi_fate says;
    char heard[128];
};

static enum kubeapi_fate fate(void *owner, struct str client, struct str method, struct str path)
{
    struct oracle *o = owner;
    struct buf b = {0};
    buf_addf(&b, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(client), STR_ARG(method), STR_ARG(path));
    memcpy(o->heard, buf_c(&b), b.n + 1);
    buf_free(&b);
    return o->says;
}

static void somebody_decides_about_writes(void **state)
{
    struct net n;
    const char *text;
    struct oracle o = {.says = KUBEAPI_FATE_UNDONE};
    struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_FATE, .fate = fate, .owner = &o};
    net_open(&n, NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &f);
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}", &text), -1);
    assert_string_equal(o.heard, "127.0.0.1 POST " CM);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 404);
    o.says = KUBEAPI_FATE_UNHEARD;
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}", &text), -1);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 200);
    o.says = KUBEAPI_FATE_USUAL;
    assert_int_equal(fetch(&n, "DELETE", CM "/b", NULL, &text), 200);
    assert_int_equal(fired(&n, id), 2);
    net_close(&n);
}

static void an_event_silences_its_watch_for_a_while(void **state)
{
    struct net n;
    struct remote w;
    struct kubeapi_fault silent = {.kind = KUBEAPI_FAULT_WATCH_STALL, .delay = 5 * NS_PER_S};
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &silent);
    net_make(&n, "a", "web");
    net_make(&n, "b", "web");
    net_run(&n, 4 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "");
    net_run(&n, NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab");
    net_make(&n, "c", "web"); /* the next one does so again */
    net_run(&n, NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab");
    assert_int_equal(fired(&n, id), 2);
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 5 * NS_PER_S);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab Ac");
    remote_stop(&n, &w);
    net_close(&n);
}

static void a_share_of_watches_is_silent(void **state)
{
    enum { WATCHES = 40 };
    struct net n;
    struct remote w[WATCHES];
    struct kubeapi_fault half = {.kind = KUBEAPI_FAULT_WATCH_STALL, .per_million = 500000};
    int silent = 0;
    net_open(&n, NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &half);
    for (size_t i = 0; i < WATCHES; i++)
        remote_start(&n, &w[i], "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)),
                     NULL);
    net_make(&n, "a", "web");
    for (size_t i = 0; i < WATCHES; i++)
        silent += w[i].text.n == 0;
    assert_in_range(silent, WATCHES / 4, WATCHES * 3 / 4);
    net_make(&n, "b", "web"); /* the same ones as before */
    for (size_t i = 0; i < WATCHES; i++)
        silent -= w[i].text.n == 0;
    assert_int_equal(silent, 0);
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 10 * NS_PER_MS);
    for (size_t i = 0; i < WATCHES; i++) {
        assert_string_equal(remote_heard(&n, &w[i]), "Aa Ab");
        remote_stop(&n, &w[i]);
    }
    net_close(&n);
}

static void events_are_lost_and_watches_cut(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    uint64_t lost = add(&n, KUBEAPI_FAULT_WATCH_DROP, "configmaps");
    net_make(&n, "a", "web");
    kubeapi_fault_remove(n.f.api, lost);
    net_make(&n, "b", "web");
    assert_string_equal(remote_heard(&n, &w), "Ab"); /* a never comes */
    assert_int_equal(fired(&n, lost), 1);
    uint64_t cut = add(&n, KUBEAPI_FAULT_WATCH_CUT, "");
    net_run(&n, 10 * NS_PER_MS);
    assert_true(w.ended && w.failed);
    assert_int_equal(fired(&n, cut), 1);
    remote_stop(&n, &w);
    net_close(&n);
}

/* Two states of an object are skipped; of another one nothing is left; what was there already and went is told. */
static void only_the_later_state_is_seen(void **state)
{
    (void)state;
    struct net n;
    struct remote w, late;
    struct kubeapi_fault f = {
        .kind = KUBEAPI_FAULT_WATCH_UNOBSERVED, .resource = STR("configmaps"), .later = true};
    net_open(&n, NULL);
    net_make(&n, "old", "web");
    net_make(&n, "kept", "web");
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &f);
    net_make(&n, "a", "web");
    must(&n.f, 200, "PATCH", CM "/a", "{\"data\":{\"k\":\"1\"}}");
    net_make(&n, "b", "web");
    must(&n.f, 200, "DELETE", CM "/b", NULL);
    must(&n.f, 200, "DELETE", CM "/old", NULL);
    must(&n.f, 200, "PATCH", CM "/kept", "{\"data\":{\"k\":\"2\"}}");
    remote_start(&n, &late, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)),
                 NULL);
    must(&n.f, 200, "PATCH", CM "/kept", "{\"data\":{\"k\":\"3\"}}");
    remote_stop(&n, &late); /* and is forgotten */
    assert_string_equal(remote_heard(&n, &w), "");
    assert_int_equal(fired(&n, id), 8);
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Dold Mkept");
    assert_non_null(strstr(arena_c(&n.f.a, buf_str(&w.text)), "\"k\":\"1\""));
    net_make(&n, "c", "web");
    assert_string_equal(remote_heard(&n, &w), "Aa Dold Mkept Ac");
    remote_stop(&n, &w);
    net_close(&n);
}

/* By object, by type of event, for ever; an open rule goes with its server. */
static void chosen_events_are_never_seen(void **state)
{
    (void)state;
    struct net n;
    struct remote w;
    struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_WATCH_UNOBSERVED,
                              .resource = STR("configmaps"),
                              .name = STR("a"),
                              .event = 1 + STORE_DELETED};
    net_open(&n, NULL);
    remote_start(&n, &w, "GET", net_at(&n, CM "?watch=1&resourceVersion=", net_revision(&n)), NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &f);
    net_make(&n, "a", "web");
    net_make(&n, "b", "web");
    must(&n.f, 200, "DELETE", CM "/a", NULL);
    must(&n.f, 200, "DELETE", CM "/b", NULL);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab Db");
    assert_int_equal(fired(&n, id), 1);
    kubeapi_fault_remove(n.f.api, id);
    net_run(&n, 10 * NS_PER_MS);
    assert_string_equal(remote_heard(&n, &w), "Aa Ab Db");
    f.later = true;
    f.event = 0;
    id = kubeapi_fault_add(n.f.api, &f);
    net_make(&n, "a", "web");
    assert_int_equal(fired(&n, id), 1);
    remote_stop(&n, &w);
    net_close(&n);
}

static void a_replica_of_the_past_answers_reads(void **state)
{
    (void)state;
    struct net n;
    const char *text;
    net_open(&n, NULL);
    net_make(&n, "a", "web");
    struct store_snapshot *then = store_snapshot_take(kubeapi_store(n.f.api));
    net_make(&n, "b", "web");
    struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_STALE_READ, .past = then};
    uint64_t id = kubeapi_fault_add(n.f.api, &f);
    store_snapshot_free(then);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 404);
    kubeapi_fault_remove(n.f.api, id);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 200);
    net_close(&n);
}

static void who_is_busy_says_when_to_come_again(void **state)
{
    static const struct {
        int status, given_s;
        const char *says;
    } rows[] = {{429, 0, "\"retryAfterSeconds\":1}"},
                {503, 0, "\"retryAfterSeconds\":1}"},
                {503, 7, "\"retryAfterSeconds\":7}"},
                {500, 0, NULL}};
    struct net n;
    const char *text;
    net_open(&n, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_STATUS,
                                  .status = rows[i].status,
                                  .retry_after_s = rows[i].given_s};
        uint64_t id = kubeapi_fault_add(n.f.api, &f);
        assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"a\"}}", &text),
                         rows[i].status);
        const char *said_at = strstr(text, "\"retryAfterSeconds\"");
        assert_true(rows[i].says ? said_at && str_starts(str_c(said_at), str_c(rows[i].says))
                                 : !said_at);
        kubeapi_fault_remove(n.f.api, id);
    }
    net_close(&n);
}

static void what_a_fault_answers_is_counted(void **state)
{
    struct net n;
    const char *text;
    struct kubeapi_fault busy = {.kind = KUBEAPI_FAULT_STATUS, .status = 429, .verb = STR("get")};
    net_open(&n, NULL);
    kubeapi_fault_add(n.f.api, &busy);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 429);
    assert_int_equal(fetch(&n, "GET", CM, NULL, &text), 200); /* a list is another verb */
    assert_int_equal(metrics_value(kubeapi_metrics(n.f.api), "apiserver_request_total",
                                   STR("verb=\"get\",code=\"429\"")),
                     1);
    net_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_meet_conflicts_and_a_full_store),
        cmocka_unit_test(a_lost_write_is_answered_and_not_there),
        cmocka_unit_test(an_answer_breaks_off),
        cmocka_unit_test(slow_writes_leave_reads_alone),
        cmocka_unit_test(a_frozen_replica_answers_reads),
        cmocka_unit_test(watches_are_told_that_the_past_is_gone),
        cmocka_unit_test(what_happened_meanwhile_is_lost),
        cmocka_unit_test(the_past_comes_back),
        cmocka_unit_test(other_kinds_pass_events_that_are_held),
        cmocka_unit_test(events_come_twice_and_bookmarks_never),
        cmocka_unit_test(half_a_split_brain_keeps_its_writes),
        cmocka_unit_test(somebody_decides_about_writes),
        cmocka_unit_test(an_event_silences_its_watch_for_a_while),
        cmocka_unit_test(a_share_of_watches_is_silent),
        cmocka_unit_test(events_are_lost_and_watches_cut),
        cmocka_unit_test(only_the_later_state_is_seen),
        cmocka_unit_test(chosen_events_are_never_seen),
        cmocka_unit_test(a_replica_of_the_past_answers_reads),
        cmocka_unit_test(who_is_busy_says_when_to_come_again),
        cmocka_unit_test(what_a_fault_answers_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
