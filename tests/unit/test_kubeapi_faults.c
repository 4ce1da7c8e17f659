/* Goal: every kind of fault of the simulated API does what it says, to those whom it matches, and counts it.
 * Method: the server and HTTP clients on one small world; rules are added and removed between requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/http/client.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <stdio.h>
#include <string.h>

#define CM "/api/v1/namespaces/default/configmaps"

struct remote { /* one request from outside */
    struct http_call *call;
    struct buf text;
    int status;
    bool ended;
    enum err_code error;
    bool failed;
};

struct net {
    struct fixture f;
    struct http_client *client;
};

static bool on_head(void *owner, const struct http_response *r)
{
    ((struct remote *)owner)->status = r->status;
    return true;
}
static void on_data(void *owner, struct str piece)
{
    buf_add(&((struct remote *)owner)->text, piece);
}
static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    struct remote *w = owner;
    w->ended = true;
    w->failed = err != NULL;
    w->error = err ? err->code : ERR_INTERNAL;
    w->call = NULL;
}
static const struct http_call_handler handler = {on_head, on_data, on_done};

static void net_open(struct net *n)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct kubeapi_options options = {
        .bare = true, .tokens = &token, .tokens_n = 1, .events_max = 64};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    fixture_open(&n->f, &options);
    assert_null(kubeapi_listen(n->f.api, &listen, NULL));
    n->client = http_client_new(fake_of(n->f.world));
}

static void net_close(struct net *n)
{
    http_client_free(n->client);
    fake_run_for(n->f.world, NS_PER_S);
    fixture_close(&n->f);
}

static void start(struct net *n, struct remote *w, const char *method, const char *target,
                  const char *body)
{
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Authorization", "Bearer t");
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), 80),
                             .host = STR("api"),
                             .method = method,
                             .target = str_c(target),
                             .headers = &headers,
                             .body = str_c(body),
                             .content_type = body ? "application/json" : NULL,
                             .timeout = -1};
    *w = (struct remote){0};
    w->call = http_call_start(n->client, &r, &handler, w);
    http_headers_free(&headers);
    fake_run_for(n->f.world, 10 * NS_PER_MS);
}

static void stop(struct net *n, struct remote *w)
{
    http_call_cancel(w->call);
    buf_free(&w->text);
    fake_run_for(n->f.world, 10 * NS_PER_MS);
}

static void run_for(struct net *n, world_time delay)
{
    fake_run_for(n->f.world, delay);
}

static void make(struct net *n, const char *name, const char *tier)
{
    struct str body = arena_printf(
        &n->f.a, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"tier\":\"%s\"}}}", name, tier);
    must(&n->f, 201, "POST", CM, body.p);
    run_for(n, 10 * NS_PER_MS);
}

/* The events as "TYPE name revision-relative"; types shortened to their first letter, bookmarks to "B". */
static const char *heard(struct net *n, struct remote *w)
{
    struct buf out = {0};
    struct str rest = buf_str(&w->text), line;
    while (rest.n > 0) {
        cJSON *e = NULL;
        (void)str_cut(rest, '\n', &line, &rest);
        assert_null(json_parse(&n->f.a, line, &e));
        struct str type = json_string_at(e, "type");
        buf_addf(&out, "%s%c" STR_FMT, out.n ? " " : "", type.p[0],
                 STR_ARG(json_string_at(e, "object.metadata.name")));
    }
    const char *text = arena_c(&n->f.a, buf_str(&out));
    buf_free(&out);
    return text;
}

static const char *at(struct net *n, const char *format, uint64_t revision)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
    return arena_printf(&n->f.a, "%s%s", format, number).p;
}

static uint64_t now(struct net *n)
{
    return store_revision(kubeapi_store(n->f.api));
}

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
    start(n, &w, method, target, body);
    assert_true(w.ended);
    *text = w.text.n ? arena_c(&n->f.a, buf_str(&w.text)) : "";
    int status = w.failed ? -1 : w.status;
    stop(n, &w);
    return status;
}

static void writes_meet_conflicts_and_a_full_store(void **state)
{
    struct net n;
    const char *text;
    net_open(&n);
    make(&n, "a", "web");
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
    net_open(&n);
    make(&n, "a", "web");
    uint64_t id = add(&n, KUBEAPI_FAULT_LOST_WRITE, "configmaps"), before = now(&n);
    assert_int_equal(fetch(&n, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}", &text), 201);
    assert_non_null(strstr(text, at(&n, "\"resourceVersion\":\"", before + 1)));
    assert_int_equal(
        fetch(&n, "PUT", CM "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}", &text),
        200);
    assert_int_equal(fetch(&n, "DELETE", CM "/a", NULL, &text), 200);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 404);
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_null(strstr(text, "\"k\":\"1\""));
    assert_int_equal(now(&n), before);
    assert_int_equal(fired(&n, id), 3);
    net_close(&n);
}

static void an_answer_breaks_off(void **state)
{
    struct net n;
    const char *text;
    net_open(&n);
    make(&n, "a", "web");
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
    net_open(&n);
    uint64_t id = kubeapi_fault_add(n.f.api, &slow);
    start(&n, &w, "POST", CM, "{\"metadata\":{\"name\":\"b\"}}");
    assert_false(w.ended);
    assert_int_equal(fetch(&n, "GET", CM, NULL, &text), 200);
    run_for(&n, 3 * NS_PER_S);
    assert_int_equal(w.status, 201);
    assert_int_equal(fired(&n, id), 1);
    stop(&n, &w);
    net_close(&n);
}

static void a_frozen_replica_answers_reads(void **state)
{
    struct net n;
    struct remote w;
    const char *text;
    net_open(&n);
    make(&n, "a", "web");
    uint64_t then = now(&n), id = add(&n, KUBEAPI_FAULT_STALE_READ, "configmaps");
    make(&n, "b", "web");
    must(&n.f, 200, "DELETE", CM "/a", NULL);
    kubeapi_compact(n.f.api); /* the replica knows nothing of that */
    assert_int_equal(fetch(&n, "GET", CM "/a", NULL, &text), 200);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 404);
    assert_int_equal(fetch(&n, "GET", CM, NULL, &text), 200);
    assert_non_null(strstr(text, "\"name\":\"a\""));
    assert_null(strstr(text, "\"name\":\"b\""));
    assert_non_null(strstr(text, at(&n, "\"resourceVersion\":\"", then)));
    assert_int_equal(fetch(&n, "GET", at(&n, CM "?resourceVersion=", now(&n)), NULL, &text), 504);
    make(&n, "c", "web");
    uint64_t known = now(&n);
    start(&n, &w, "GET", at(&n, CM "?watch=1&resourceVersion=", known), NULL);
    make(&n, "d", "web");
    assert_string_equal(heard(&n, &w), "");
    assert_int_equal(fired(&n, id), 5);
    kubeapi_fault_remove(n.f.api, id);
    run_for(&n, 10 * NS_PER_MS);
    assert_string_equal(heard(&n, &w), "Ad");
    make(&n, "e", "web");
    assert_string_equal(heard(&n, &w), "Ad Ae");
    stop(&n, &w);
    assert_int_equal(fetch(&n, "GET", CM "/b", NULL, &text), 200);
    net_close(&n);
}

static void watches_are_told_that_the_past_is_gone(void **state)
{
    struct net n;
    struct remote w, v, other;
    net_open(&n);
    make(&n, "a", "web");
    start(&n, &w, "GET", CM "?watch=1", NULL);
    start(&n, &other, "GET", "/api/v1/namespaces?watch=1", NULL);
    uint64_t id = add(&n, KUBEAPI_FAULT_WATCH_GONE, "configmaps");
    run_for(&n, 10 * NS_PER_MS);
    assert_true(w.ended);
    assert_non_null(strstr(buf_c(&w.text), "\"code\":410"));
    assert_false(other.ended);
    start(&n, &v, "GET", at(&n, CM "?watch=1&resourceVersion=", now(&n)), NULL);
    run_for(&n, 10 * NS_PER_MS);
    assert_true(v.ended);
    assert_non_null(strstr(buf_c(&v.text), "\"type\":\"ERROR\""));
    assert_int_equal(fired(&n, id), 2);
    stop(&n, &w);
    stop(&n, &v);
    stop(&n, &other);
    net_close(&n);
}

static void what_happened_meanwhile_is_lost(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n);
    uint64_t seen = now(&n), id = add(&n, KUBEAPI_FAULT_WATCH_LOSS, "configmaps");
    start(&n, &w, "GET", at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    assert_int_equal(fired(&n, id), 0); /* nothing was missed */
    stop(&n, &w);
    make(&n, "a", "web");
    start(&n, &w, "GET", at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    make(&n, "b", "web");
    assert_string_equal(heard(&n, &w), "Ab");
    assert_int_equal(fired(&n, id), 1);
    stop(&n, &w);
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
    net_open(&n);
    make(&n, "a", "web");
    start(&n, &w, "GET", CM "?watch=1", NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &back);
    make(&n, "b", "web");
    assert_false(w.ended);
    run_for(&n, 8 * NS_PER_S + 100 * NS_PER_MS);
    assert_true(w.ended); /* sent to the replica */
    uint64_t seen = now(&n), before = fired(&n, id);
    assert_int_equal(before, 1);
    stop(&n, &w);
    make(&n, "c", "web");
    run_for(&n, 5 * NS_PER_S);
    make(&n, "d", "web");
    start(&n, &v, "GET", at(&n, CM "?watch=1&resourceVersion=", now(&n)), NULL);
    assert_string_equal(heard(&n, &v), "Ac Ad"); /* b is older than 8 s */
    assert_int_equal(fired(&n, id), before + 1);
    stop(&n, &v);
    kubeapi_fault_remove(n.f.api, id);
    start(&n, &v, "GET", at(&n, CM "?watch=1&resourceVersion=", seen), NULL);
    assert_string_equal(heard(&n, &v), "Ac Ad");
    stop(&n, &v);
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
    net_open(&n);
    start(&n, &w, "GET", at(&n, CM "?watch=1&resourceVersion=", now(&n)), NULL);
    start(&n, &other, "GET", at(&n, "/api/v1/namespaces?watch=1&resourceVersion=", now(&n)), NULL);
    uint64_t id = kubeapi_fault_add(n.f.api, &late);
    make(&n, "a", "web");
    must(&n.f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\"}}");
    run_for(&n, 10 * NS_PER_MS);
    assert_string_equal(heard(&n, &w), "");
    assert_string_equal(heard(&n, &other), "Ax");
    must(&n.f, 201, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"y\"}}");
    run_for(&n, 10 * NS_PER_MS);
    assert_string_equal(heard(&n, &w), "Aa");
    make(&n, "b", "web");
    run_for(&n, 59 * NS_PER_S);
    assert_string_equal(heard(&n, &w), "Aa");
    run_for(&n, 2 * NS_PER_S);
    assert_string_equal(heard(&n, &w), "Aa Ab");
    assert_int_equal(fired(&n, id), 2);
    make(&n, "c", "web"); /* and an end while one waits */
    stop(&n, &w);
    stop(&n, &other);
    net_close(&n);
}

static void events_come_twice_and_bookmarks_never(void **state)
{
    struct net n;
    struct remote w;
    net_open(&n);
    start(&n, &w, "GET", at(&n, CM "?watch=1&allowWatchBookmarks=true&resourceVersion=", now(&n)),
          NULL);
    uint64_t twice = add(&n, KUBEAPI_FAULT_WATCH_DUPLICATE, "configmaps");
    uint64_t none = add(&n, KUBEAPI_FAULT_WATCH_NO_BOOKMARK, "configmaps");
    make(&n, "a", "web");
    assert_string_equal(heard(&n, &w), "Aa Aa");
    run_for(&n, 61 * NS_PER_S);
    assert_string_equal(heard(&n, &w), "Aa Aa");
    assert_int_equal(fired(&n, twice), 1);
    assert_int_equal(fired(&n, none), 1);
    kubeapi_fault_remove(n.f.api, none);
    run_for(&n, 61 * NS_PER_S);
    assert_string_equal(heard(&n, &w), "Aa Aa B");
    stop(&n, &w);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
