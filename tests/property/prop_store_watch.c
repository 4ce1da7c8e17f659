/* Goal: every watcher's reconstruction equals the list at every revision; every view equals the state of its revision;
 * snapshots are not disturbed by later writes.
 * Method: random puts, deletes, compactions, snapshots and restores on a handful of keys, against a model that keeps the
 * whole state of every revision. The seed is printed; PADDOCK_SEED repeats one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "sim/kubeapi/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACES 3
#define NAMES      40 /* more than half a chunk, so that chunks split and merge */
#define KEYS       (NAMESPACES * NAMES)
#define STEPS      600
#define WATCHERS   6
#define RUNS       60

/* Content of a key: 0 absent, else the revision that wrote it. */
struct state {
    uint64_t key[KEYS];
};

struct watcher {
    struct store_watch *w;
    int ns; /* -1: all */
    struct state seen;
    uint64_t last;
};

struct model {
    struct store *s;
    struct store_table *t;
    struct state *at; /* by revision - base */
    uint64_t base;
    struct watcher watchers[WATCHERS];
    struct rng rng;
};

static const char *const namespaces[NAMESPACES] = {"a", "a-b", "b"};

static void key_of(size_t key, struct str *ns, char name[16])
{
    *ns = str_c(namespaces[key / NAMES]);
    snprintf(name, 16, "n%02zu", key % NAMES);
}

static size_t key_from(const struct kube_object *o)
{
    size_t ns = 0;
    while (!str_eq_c(o->ns, namespaces[ns]))
        ns++;
    return ns * NAMES + (size_t)atoi(o->name.p + 1);
}

static struct kube_object *object(size_t key, uint64_t revision)
{
    struct str ns;
    char name[16], json[200];
    struct kube_object *o = NULL;
    key_of(key, &ns, name);
    int n = snprintf(json, sizeof(json),
                     "{\"kind\":\"X\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"" STR_FMT
                     "\",\"resourceVersion\":\"%llu\",\"uid\":\"%zu\"}}",
                     name, STR_ARG(ns), (unsigned long long)revision, key);
    assert_null(kube_object_from_canonical((struct str){json, (size_t)n}, &o));
    return o;
}

static const struct state *state_at(const struct model *m, uint64_t revision)
{
    return &m->at[revision - m->base];
}

static void on_event(void *owner, struct store_event *e)
{
    struct watcher *w = owner;
    size_t key = key_from(e->object);
    assert_true(e->revision > w->last);
    if (e->type == STORE_ADDED)
        assert_int_equal(w->seen.key[key], 0);
    else
        assert_int_not_equal(w->seen.key[key], 0);
    w->seen.key[key] = e->type == STORE_DELETED ? 0 : e->revision;
    w->last = e->revision;
}

static bool on_replay(void *owner, struct store_event *e)
{
    struct watcher *w = owner;
    if (w->ns < 0 || str_eq_c(e->object->ns, namespaces[w->ns]))
        on_event(w, e);
    return true;
}

/* A watcher starts from the state of a revision that it "listed" before, maybe long ago, and catches up. */
static void watcher_restart(struct model *m, struct watcher *w)
{
    uint64_t now = store_revision(m->s), oldest = store_compacted(m->s);
    store_watch_stop(w->w);
    w->ns = (int)rng_below(&m->rng, NAMESPACES + 1) - 1;
    w->last = oldest + rng_below(&m->rng, now - oldest + 1);
    w->seen = *state_at(m, w->last);
    for (size_t i = 0; i < KEYS; i++)
        if (w->ns >= 0 && i / NAMES != (size_t)w->ns)
            w->seen.key[i] = 0;
    assert_true(store_replay(m->t, w->last, on_replay, w));
    w->w = store_watch_start(m->t, w->ns < 0 ? str_empty : str_c(namespaces[w->ns]), on_event, w);
    if (oldest > 0) /* one revision before what is kept must be refused */
        assert_false(store_replay(m->t, oldest - 1, on_replay, w));
}

static void check_watchers(const struct model *m)
{
    const struct state *now = state_at(m, store_revision(m->s));
    for (size_t i = 0; i < WATCHERS; i++)
        for (size_t k = 0; m->watchers[i].w && k < KEYS; k++) {
            bool mine = m->watchers[i].ns < 0 || k / NAMES == (size_t)m->watchers[i].ns;
            assert_int_equal(m->watchers[i].seen.key[k], mine ? now->key[k] : 0);
        }
}

/* Lists a random earlier revision from a random key on. */
static void check_view(struct model *m)
{
    uint64_t oldest = store_compacted(m->s), now = store_revision(m->s);
    uint64_t revision = oldest + rng_below(&m->rng, now - oldest + 1);
    size_t from = rng_below(&m->rng, KEYS), k = 0;
    int ns = (int)rng_below(&m->rng, NAMESPACES + 1) - 1;
    bool whole = rng_chance(&m->rng, 500000);
    struct str from_ns = str_empty;
    char name[16] = "";
    if (!whole) {
        from = ns < 0 ? from : (size_t)ns * NAMES + from % NAMES;
        key_of(from, &from_ns, name);
    }
    const struct state *want = state_at(m, revision);
    struct store_view *v = store_view_open(
        m->t, revision, ns < 0 ? str_empty : str_c(namespaces[ns]), from_ns, str_c(name));
    assert_non_null(v);
    struct kube_object *o = store_view_next(v);
    /* Key order as bytes: "a-b/..." sorts before "a/...". */
    static const size_t order[NAMESPACES] = {1, 0, 2};
    bool started = whole;
    for (size_t i = 0; i < KEYS; i++) {
        k = order[i / NAMES] * NAMES + i % NAMES;
        started = started || k == from;
        if (!started || want->key[k] == 0 || (ns >= 0 && k / NAMES != (size_t)ns))
            continue;
        assert_non_null(o);
        assert_int_equal(key_from(o), k);
        assert_int_equal(o->resource_version, want->key[k]);
        o = store_view_next(v);
    }
    assert_null(o);
    store_view_close(v);
}

static void write_one(struct model *m)
{
    uint64_t next = store_revision(m->s) + 1;
    struct state *now = &m->at[next - 1 - m->base], *then = now + 1;
    size_t key = rng_below(&m->rng, KEYS);
    *then = *now;
    if (now->key[key] != 0 && rng_chance(&m->rng, 450000)) {
        store_delete(m->t, object(key, next));
        then->key[key] = 0;
    } else {
        store_put(m->t, object(key, next));
        then->key[key] = next;
    }
    assert_int_equal(store_revision(m->s), next);
}

static void check_uids(const struct model *m)
{
    const struct state *now = state_at(m, store_revision(m->s));
    for (size_t k = 0; k < KEYS; k++) {
        char uid[16];
        snprintf(uid, sizeof(uid), "%zu", k);
        struct kube_object *o = store_by_uid(m->s, str_c(uid), NULL);
        assert_int_equal(o ? o->resource_version : 0, now->key[k]);
    }
}

static void step(struct model *m)
{
    uint64_t dice = rng_below(&m->rng, 100);
    if (dice < 90) {
        write_one(m);
    } else if (dice < 96) {
        watcher_restart(m, &m->watchers[rng_below(&m->rng, WATCHERS)]);
    } else if (dice < 97) {
        uint64_t now = store_revision(m->s), oldest = store_compacted(m->s);
        store_compact(m->s, oldest + rng_below(&m->rng, now - oldest + 1));
    } else {
        check_view(m);
        check_uids(m);
    }
    check_watchers(m);
}

static void run(uint64_t seed)
{
    struct store_options options = {.events_max = 64};
    struct model m = {.s = store_new(&options), .rng = rng_seed(seed)};
    m.t = store_table(m.s, STR("xs"));
    m.base = store_revision(m.s);
    m.at = mem_alloc_array(STEPS * 2 + 2, sizeof(*m.at));
    struct store_snapshot *snapshot = NULL;
    for (int i = 0; i < STEPS; i++) {
        step(&m);
        if (i == STEPS / 2)
            snapshot = store_snapshot_take(m.s);
    }
    for (size_t i = 0; i < WATCHERS; i++) {
        store_watch_stop(m.watchers[i].w);
        m.watchers[i].w = NULL;
    }
    /* Back to the snapshot, in this store and in a fresh one; the past is gone, the state is right. */
    struct store *copy = store_new(&options);
    store_restore(m.s, snapshot);
    store_restore(copy, snapshot);
    assert_int_equal(store_revision(m.s), store_snapshot_revision(snapshot));
    store_snapshot_free(snapshot);
    check_view(&m);
    check_uids(&m);
    for (int i = 0; i < STEPS / 4; i++)
        step(&m);
    struct store *original = m.s;
    m.s = copy;
    m.t = store_table(copy, STR("xs"));
    for (size_t i = 0; i < WATCHERS; i++) {
        store_watch_stop(m.watchers[i].w);
        m.watchers[i].w = NULL;
    }
    check_uids(&m);
    store_free(original);
    check_view(&m);
    store_free(copy);
    mem_free(m.at);
}

static void watchers_and_views_agree_with_the_model(void **state)
{
    const char *fixed = getenv("PADDOCK_SEED");
    uint64_t seed = fixed ? strtoull(fixed, NULL, 10) : 1;
    for (int i = 0; i < (fixed ? 1 : RUNS); i++) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)(seed + (uint64_t)i));
        run(seed + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watchers_and_views_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
