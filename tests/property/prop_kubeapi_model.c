/* Goal: lists and watches of the API tell one story: every list equals the model's state of its revision, also in pages
 * and of the past; every watcher's reconstruction equals that state at every revision that it is told of.
 * Method: sequences of random requests through the real handlers (creates, updates, patches, deletions with finalizers,
 * lists with limits, selectors and exact revisions, compactions, stalled watches) against a model that keeps the whole
 * state of every revision. Watches run over connections, from any revision, with and without selectors, bookmarks and
 * initial events. The seed of each sequence is printed when it fails; PADDOCK_SEED repeats one, PADDOCK_ROUNDS tries more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/http/client.h"
#include "tests/property/support/seed.h"
#include "tests/unit/support/kubeapi_fixture.h"

#include <stdio.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define SEQUENCES 1500 /* the debug build tries all */
#else
#define SEQUENCES 10000
#endif
#define STEPS    24
#define FRESH    100 /* sequences that share a server */
#define NAMES    4
#define KEYS     (2 * NAMES)
#define WATCHERS 3
#define PAGES    2
#define HISTORY  4096 /* revisions of one server; a sequence makes at most a few dozen */

/* ---- the model ---- */

struct key_state {
    uint64_t revision; /* 0: absent */
    uint32_t data;
    uint8_t tier;
    bool finalizer, deleting;
};
struct state {
    struct key_state key[KEYS];
};

struct filter {
    int ns;   /* -1: both */
    int tier; /* -1: all */
    int name; /* -1: all */
};

struct watcher {
    struct http_call *call; /* NULL: ended */
    struct buf text;
    struct filter filter;
    struct state seen;
    uint64_t last; /* revision of the last event or bookmark */
    bool synced;   /* initial events are behind it */
    bool wants_end, end_seen, gone;
    struct lab *lab;
};

struct page { /* a list that goes on */
    char token[128];
    struct filter filter;
    uint64_t revision;
    struct state got;
};

struct lab {
    struct fixture f;
    struct http_client *client;
    struct rng *rng;
    struct state *at; /* by revision - base */
    uint64_t base, revision;
    struct watcher watchers[WATCHERS];
    struct page pages[PAGES];
    uint64_t stall; /* a fault; 0: none */
    uint32_t data;
};

static const char *const namespaces[] = {"a", "b"};
static const char *const tiers[] = {"x", "y", "z"};

static struct state *now(struct lab *l)
{
    return &l->at[l->revision - l->base];
}

static struct state *state_at(struct lab *l, uint64_t revision)
{
    assert_true(revision >= l->base && revision <= l->revision);
    return &l->at[revision - l->base];
}

/* The next revision starts as the one before. */
static struct key_state *write_key(struct lab *l, size_t key)
{
    l->revision++;
    assert_true(l->revision - l->base < HISTORY);
    *now(l) = l->at[l->revision - l->base - 1];
    struct key_state *k = &now(l)->key[key];
    k->revision = l->revision;
    return k;
}

static bool shows(const struct filter *f, const struct state *s, size_t key)
{
    const struct key_state *k = &s->key[key];
    return k->revision != 0 && (f->ns < 0 || (size_t)f->ns == key / NAMES) &&
           (f->tier < 0 || f->tier == k->tier) && (f->name < 0 || (size_t)f->name == key % NAMES);
}

static void assert_same(const struct filter *f, const struct state *want, const struct state *got)
{
    for (size_t key = 0; key < KEYS; key++) {
        uint64_t revision = shows(f, want, key) ? want->key[key].revision : 0;
        if (revision != got->key[key].revision)
            fail_msg("%s/n%zu is at %llu instead of %llu", namespaces[key / NAMES], key % NAMES,
                     (unsigned long long)got->key[key].revision, (unsigned long long)revision);
    }
}

/* ---- requests ---- */

static const char *path_of(struct lab *l, size_t key, bool named)
{
    return arena_printf(&l->f.a, "/api/v1/namespaces/%s/configmaps%s%s", namespaces[key / NAMES],
                        named ? "/n" : "", named ? arena_printf(&l->f.a, "%zu", key % NAMES).p : "")
        .p;
}

static const char *body_of(struct lab *l, size_t key, const struct key_state *k, uint64_t revision)
{
    struct str rv = revision ? arena_printf(&l->f.a, "\"resourceVersion\":\"%llu\",",
                                            (unsigned long long)revision)
                             : str_empty;
    return arena_printf(&l->f.a,
                        "{\"metadata\":{" STR_FMT "\"name\":\"n%zu\",\"labels\":{\"tier\":\"%s\"}"
                        "%s},\"data\":{\"d\":\"%u\"}}",
                        STR_ARG(rv), key % NAMES, tiers[k->tier],
                        k->finalizer ? ",\"finalizers\":[\"test.example/hold\"]" : "", k->data)
        .p;
}

static void do_create(struct lab *l, size_t key)
{
    bool there = now(l)->key[key].revision != 0;
    struct key_state fresh = {
        .tier = (uint8_t)draw(l->rng, 3), .finalizer = draw(l->rng, 3) == 0, .data = ++l->data};
    must(&l->f, there ? 409 : 201, "POST", path_of(l, key, false), body_of(l, key, &fresh, 0));
    if (there)
        return;
    struct key_state *k = write_key(l, key);
    fresh.revision = k->revision;
    *k = fresh;
}

/* An object under deletion goes with its last finalizer. */
static void changed(struct lab *l, size_t key, struct key_state wanted)
{
    struct key_state *k = &now(l)->key[key];
    if (wanted.tier == k->tier && wanted.data == k->data && wanted.finalizer == k->finalizer)
        return;
    k = write_key(l, key);
    wanted.revision = wanted.deleting && !wanted.finalizer ? 0 : k->revision;
    *k = wanted;
}

static struct key_state change_some(struct lab *l, const struct key_state *k)
{
    struct key_state wanted = *k;
    if (draw(l->rng, 3) == 0)
        wanted.tier = (uint8_t)draw(l->rng, 3);
    if (draw(l->rng, 2) == 0)
        wanted.data = ++l->data;
    if (draw(l->rng, 4) == 0)
        wanted.finalizer = false;
    return wanted;
}

static void do_update(struct lab *l, size_t key)
{
    const struct key_state *k = &now(l)->key[key];
    bool stale = k->revision && draw(l->rng, 4) == 0;
    uint64_t given = stale ? k->revision - 1 : draw(l->rng, 2) ? k->revision : 0;
    struct key_state wanted = change_some(l, k);
    int status = !k->revision ? 404 : stale ? 409 : 200;
    must(&l->f, status, "PUT", path_of(l, key, true), body_of(l, key, &wanted, given));
    if (status == 200)
        changed(l, key, wanted);
}

static void do_patch(struct lab *l, size_t key)
{
    const struct key_state *k = &now(l)->key[key];
    struct key_state wanted = change_some(l, k);
    struct str body = arena_printf(
        &l->f.a, "{\"metadata\":{\"labels\":{\"tier\":\"%s\"}%s},\"data\":{\"d\":\"%u\"}}",
        tiers[wanted.tier], wanted.finalizer ? "" : ",\"finalizers\":null", wanted.data);
    must(&l->f, k->revision ? 200 : 404, "PATCH", path_of(l, key, true), body.p);
    if (k->revision)
        changed(l, key, wanted);
}

static void do_delete(struct lab *l, size_t key)
{
    const struct key_state *k = &now(l)->key[key];
    struct key_state gone = *k;
    must(&l->f, k->revision ? 200 : 404, "DELETE", path_of(l, key, true), NULL);
    if (!k->revision || (k->finalizer && k->deleting))
        return;
    struct key_state *after = write_key(l, key);
    gone.deleting = true;
    gone.revision = gone.finalizer ? after->revision : 0;
    *after = gone;
}

/* ---- lists ---- */

static struct filter some_filter(struct lab *l)
{
    struct filter f = {-1, -1, -1};
    if (draw(l->rng, 2))
        f.ns = (int)draw(l->rng, 2);
    if (draw(l->rng, 3) == 0)
        f.tier = (int)draw(l->rng, 3);
    if (draw(l->rng, 5) == 0)
        f.name = (int)draw(l->rng, NAMES);
    return f;
}

static struct str target_of(struct lab *l, const struct filter *f, const char *more)
{
    struct arena *a = &l->f.a;
    const char *ns = f->ns < 0 ? "" : arena_printf(a, "/namespaces/%s", namespaces[f->ns]).p;
    const char *tier =
        f->tier < 0 ? "" : arena_printf(a, "&labelSelector=tier%%3D%s", tiers[f->tier]).p;
    const char *name =
        f->name < 0 ? "" : arena_printf(a, "&fieldSelector=metadata.name%%3Dn%d", f->name).p;
    return arena_printf(a, "/api/v1%s/configmaps?%s%s%s", ns, more, tier, name);
}

static size_t key_of(struct str ns, struct str name)
{
    return (size_t)(ns.p[0] - 'a') * NAMES + (size_t)(name.p[1] - '0');
}

static void take_items(struct lab *l, struct state *got)
{
    uint64_t revision;
    for (const cJSON *c = json_get(l->f.body, "items")->child; c; c = c->next) {
        size_t key =
            key_of(json_string_at(c, "metadata.namespace"), json_string_at(c, "metadata.name"));
        assert_true(str_to_u64(json_string_at(c, "metadata.resourceVersion"), &revision));
        assert_int_equal(got->key[key].revision, 0);
        got->key[key].revision = revision;
    }
}

static void list_revision_is(struct lab *l, uint64_t revision)
{
    uint64_t got;
    assert_true(str_to_u64(json_string_at(l->f.body, "metadata.resourceVersion"), &got));
    assert_int_equal(got, revision);
}

/* A page was answered: its list goes on, or is complete and equals the state of its revision. */
static void page_taken(struct lab *l, struct page *p)
{
    list_revision_is(l, p->revision);
    take_items(l, &p->got);
    snprintf(p->token, sizeof(p->token), "%s", said(&l->f, "metadata.continue"));
    if (!p->token[0])
        assert_same(&p->filter, state_at(l, p->revision), &p->got);
}

static void do_list(struct lab *l)
{
    struct state got = {0};
    struct filter f = some_filter(l);
    must(&l->f, 200, "GET", target_of(l, &f, "").p, NULL);
    list_revision_is(l, l->revision);
    take_items(l, &got);
    assert_same(&f, now(l), &got);
}

static uint64_t some_revision(struct lab *l)
{
    uint64_t back = draw(l->rng, 20);
    return back > l->revision - l->base ? l->base : l->revision - back;
}

static void do_list_exact(struct lab *l)
{
    struct state got = {0};
    struct filter f = some_filter(l);
    uint64_t revision = some_revision(l);
    bool old = revision < store_compacted(kubeapi_store(l->f.api));
    struct str more = arena_printf(&l->f.a, "resourceVersionMatch=Exact&resourceVersion=%llu",
                                   (unsigned long long)revision);
    must(&l->f, old ? 410 : 200, "GET", target_of(l, &f, more.p).p, NULL);
    if (old)
        return;
    list_revision_is(l, revision);
    take_items(l, &got);
    assert_same(&f, state_at(l, revision), &got);
}

static void do_page(struct lab *l)
{
    struct page *p = &l->pages[draw(l->rng, PAGES)];
    const char *limit = arena_printf(&l->f.a, "limit=%zu", 1 + draw(l->rng, 3)).p;
    if (!p->token[0]) {
        *p = (struct page){.filter = some_filter(l), .revision = l->revision};
        must(&l->f, 200, "GET", target_of(l, &p->filter, limit).p, NULL);
        page_taken(l, p);
        return;
    }
    bool old = p->revision < store_compacted(kubeapi_store(l->f.api));
    struct str more = arena_printf(&l->f.a, "%s&continue=%s", limit, p->token);
    must(&l->f, old ? 410 : 200, "GET", target_of(l, &p->filter, more.p).p, NULL);
    if (old)
        p->token[0] = 0;
    else
        page_taken(l, p);
}

/* ---- watches ---- */

static void event_seen(struct watcher *w, struct str type, const struct kube_object *o)
{
    struct lab *l = w->lab;
    struct key_state *k = &w->seen.key[key_of(o->ns, o->name)];
    bool gone = str_eq_c(type, "DELETED");
    assert_true(!w->synced || o->resource_version > w->last);
    assert_int_equal(str_eq_c(type, "ADDED"), k->revision == 0);
    k->revision = gone ? 0 : o->resource_version;
    if (!w->synced)
        return;
    assert_same(&w->filter, state_at(l, o->resource_version), &w->seen);
    w->last = o->resource_version;
}

static void bookmark_seen(struct watcher *w, const struct kube_object *o)
{
    if (str_find(o->json, STR("initial-events-end")) >= 0) {
        assert_true(w->wants_end && !w->end_seen);
        w->end_seen = w->synced = true;
    }
    assert_true(o->resource_version >= w->last);
    assert_same(&w->filter, state_at(w->lab, o->resource_version), &w->seen);
    w->last = o->resource_version;
}

/* {"type":"ADDED","object":{...}} */
static void take_line(struct watcher *w, struct str line)
{
    struct kube_object *o = NULL;
    struct str type, rest;
    (void)str_cut(str_sub(line, 9, line.n), '"', &type, &rest);
    assert_true(str_starts(rest, STR(",\"object\":")));
    struct str json = str_sub(rest, 10, rest.n - 11);
    if (str_eq_c(type, "ERROR")) {
        assert_true(str_find(json, STR("\"code\":410")) >= 0);
        w->gone = true;
        return;
    }
    assert_null(kube_object_from_canonical(json, &o));
    if (str_eq_c(type, "BOOKMARK"))
        bookmark_seen(w, o);
    else
        event_seen(w, type, o);
    kube_object_unref(o);
}

static bool on_head(void *owner, const struct http_response *r)
{
    assert_int_equal(r->status, 200);
    return true;
}

static void on_data(void *owner, struct str piece)
{
    struct watcher *w = owner;
    struct str rest, line;
    buf_add(&w->text, piece);
    rest = buf_str(&w->text);
    while (str_find_char(rest, '\n') >= 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        take_line(w, line);
    }
    struct str left = arena_str(&w->lab->f.a, rest);
    buf_clear(&w->text);
    buf_add(&w->text, left);
}

static void on_done(void *owner, const struct http_response *r, const struct err *err)
{
    ((struct watcher *)owner)->call = NULL;
}

static void watch_from(struct lab *l, struct watcher *w, const char *more)
{
    static const struct http_call_handler handler = {
        .head = on_head, .data = on_data, .done = on_done};
    bool bookmarks = draw(l->rng, 2) || w->wants_end;
    struct str params =
        arena_printf(&l->f.a, "watch=1&%s%s", more, bookmarks ? "&allowWatchBookmarks=1" : "");
    if (more[0] == '\0') /* what is there comes first: its end is told */
        w->wants_end = bookmarks;
    struct http_headers headers = {0};
    http_headers_add_c(&headers, "Authorization", "Bearer t");
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), 80),
                             .host = STR("api"),
                             .method = "GET",
                             .target = target_of(l, &w->filter, params.p),
                             .headers = &headers,
                             .timeout = -1};
    w->call = http_call_start(l->client, &r, &handler, w);
    http_headers_free(&headers);
}

static void watcher_stop(struct watcher *w)
{
    http_call_cancel(w->call);
    buf_free(&w->text);
    *w = (struct watcher){0};
}

static void do_watch(struct lab *l)
{
    struct watcher *w = &l->watchers[draw(l->rng, WATCHERS)];
    if (l->stall)
        return;
    watcher_stop(w);
    w->lab = l;
    w->filter = some_filter(l);
    w->last = l->revision;
    switch (draw(l->rng, 3)) {
    case 0:
        watch_from(l, w, "");
        break;
    case 1:
        w->wants_end = true;
        watch_from(l, w, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
        break;
    default: {
        uint64_t revision = some_revision(l);
        bool old = revision < store_compacted(kubeapi_store(l->f.api));
        w->last = revision;
        w->synced = true;
        for (size_t key = 0; key < KEYS; key++)
            if (shows(&w->filter, state_at(l, revision), key))
                w->seen.key[key].revision = state_at(l, revision)->key[key].revision;
        watch_from(l, w,
                   arena_printf(&l->f.a, "resourceVersion=%llu", (unsigned long long)revision).p);
        fake_run_for(l->f.world, 5 * NS_PER_MS);
        assert_int_equal(w->gone, old);
    }
    }
}

static void check_watchers(struct lab *l)
{
    fake_run_for(l->f.world, 5 * NS_PER_MS);
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *w = &l->watchers[i];
        if (!w->call || w->gone || l->stall)
            continue;
        assert_int_equal(w->wants_end, w->end_seen);
        w->synced = true;
        assert_same(&w->filter, now(l), &w->seen);
    }
}

/* What a stalled watch missed comes from the history, or it is told that it is too late. */
static void do_stall(struct lab *l)
{
    struct kubeapi_fault fault = {.kind = KUBEAPI_FAULT_WATCH_STALL};
    if (!l->stall) {
        l->stall = kubeapi_fault_add(l->f.api, &fault);
        return;
    }
    kubeapi_fault_remove(l->f.api, l->stall);
    l->stall = 0;
}

static void do_compact(struct lab *l)
{
    uint64_t revision = some_revision(l);
    if (draw(l->rng, 2))
        store_compact(kubeapi_store(l->f.api), revision);
    else if (draw(l->rng, 4) == 0)
        fake_run_for(l->f.world, 61 * NS_PER_S); /* bookmarks */
}

/* ---- sequences ---- */

static void step(struct lab *l)
{
    static void (*const writes[])(struct lab * l, size_t key) = {do_create, do_create, do_update,
                                                                 do_update, do_patch,  do_delete};
    static void (*const others[])(struct lab * l) = {do_list,  do_list_exact, do_page,   do_page,
                                                     do_watch, do_stall,      do_compact};
    if (draw(l->rng, 5) < 3)
        writes[draw(l->rng, ARRAY_LEN(writes))](l, draw(l->rng, KEYS));
    else
        others[draw(l->rng, ARRAY_LEN(others))](l);
    assert_int_equal(store_revision(kubeapi_store(l->f.api)), l->revision);
    check_watchers(l);
}

static void open_server(struct lab *l)
{
    static const struct str groups[] = {STR_INIT("system:masters")};
    static const struct kubeapi_token token = {STR_INIT("t"), STR_INIT("admin"), STR_INIT("1"),
                                               groups, 1};
    struct store_options store = {.events_max = 64, .select_min = 1};
    struct kubeapi_options options = {.bare = true,
                                      .allow_all = true,
                                      .tokens = &token,
                                      .tokens_n = 1,
                                      .store = store_new(&store)};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    fixture_open(&l->f, &options);
    assert_null(kubeapi_listen(l->f.api, &listen, NULL));
    l->client = http_client_new(fake_of(l->f.world));
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
        must(&l->f, 201, "POST", "/api/v1/namespaces",
             arena_printf(&l->f.a, "{\"metadata\":{\"name\":\"%s\"}}", namespaces[i]).p);
    l->base = l->revision = store_revision(kubeapi_store(l->f.api));
    memset(l->at, 0, sizeof(*l->at));
}

static void close_server(struct lab *l)
{
    http_client_free(l->client);
    fake_run_for(l->f.world, NS_PER_S);
    fixture_close(&l->f);
}

static void sequence(struct lab *l, struct rng *r)
{
    l->rng = r;
    for (size_t i = 0; i < STEPS; i++)
        step(l);
    for (size_t i = 0; i < WATCHERS; i++)
        watcher_stop(&l->watchers[i]);
    memset(l->pages, 0, sizeof(l->pages));
    if (l->stall)
        do_stall(l);
    fake_run_for(l->f.world, 5 * NS_PER_MS);
    arena_reset(&l->f.a);
}

/* Sequences that share a server go on from its objects; the first of each server is told. */
static void test_sequences(void **state)
{
    uint64_t first = seed_number("PADDOCK_SEED", 1),
             rounds = seed_number("PADDOCK_ROUNDS", SEQUENCES);
    struct lab l = {.at = mem_alloc_array(HISTORY, sizeof(struct state))};
    for (uint64_t i = 0; i < rounds; i += FRESH) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)(first + i));
        open_server(&l);
        for (uint64_t k = 0; k < FRESH && i + k < rounds; k++) {
            struct rng r = rng_seed(first + i + k);
            sequence(&l, &r);
        }
        close_server(&l);
    }
    mem_free(l.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
