/* Goal: whatever is written and whatever goes wrong on the way, once it is quiet a cache is exactly the store, and the
 * changes that its handler was told lead from nothing to it. With verification it is so even while watches lie on, within
 * the bound that is stated; and a world that does not lie is never suspected.
 * Method: a lab; random writes, cut watches, lost history, faults, partitions and restores; quiet points in between; each
 * lie of watches, for good; a busy world without faults. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/lab.h"

#include "engine/base/map.h"
#include "engine/kube/verify.h"

#define NAMES    24u
#define STEPS    120
#define QUIET_AT 30

struct trial {
    struct lab *l;
    struct rng *r;
    struct kube_informer *inf;
    struct map mirror; /* key → object, referenced: what the changes say */
    struct store_snapshot *old;
    uint64_t faults[8];
    size_t faults_n;
    struct sim_fault *cut;
};

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct trial *t = owner;
    struct buf key = {0};
    kube_object_key(after ? after : before, &key);
    struct kube_object *mine = map_get(&t->mirror, buf_str(&key));
    assert_true(before || after);
    assert_ptr_equal(mine, before); /* no change is lost or told twice */
    if (after)
        map_put(&t->mirror, buf_str(&key),
                kube_object_ref(kube_informer_get(t->inf, buf_str(&key))));
    else
        map_remove(&t->mirror, buf_str(&key));
    kube_object_unref(mine);
    buf_free(&key);
}

static void write_something(struct trial *t)
{
    char name[16];
    (void)snprintf(name, sizeof name, "c%zu", draw(t->r, NAMES));
    const char *ns = draw(t->r, 3) ? "default" : "kube-system";
    if (draw(t->r, 3) == 0)
        err_ignore(kubeapi_delete(lab_api(t->l), STR("configmaps"), str_c(ns), str_c(name)));
    else
        lab_apply(t->l,
                  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
                  "\"namespace\":\"%s\"},\"data\":{\"n\":\"%zu\"}}",
                  name, ns, draw(t->r, 1000));
}

static void heal(struct trial *t)
{
    while (t->faults_n)
        kubeapi_fault_remove(lab_api(t->l), t->faults[--t->faults_n]);
    if (t->cut)
        sim_fault_end(t->cut);
    t->cut = NULL;
}

static void break_something(struct trial *t)
{
    static const struct kubeapi_fault faults[] = {
        {.kind = KUBEAPI_FAULT_STATUS, .status = 429, .per_million = 500000},
        {.kind = KUBEAPI_FAULT_STATUS, .status = 500, .per_million = 300000},
        {.kind = KUBEAPI_FAULT_LATENCY, .delay = 100 * MS, .jitter = 5 * S},
        {.kind = KUBEAPI_FAULT_WATCH_STALL},
    };
    struct store *store = kubeapi_store(lab_api(t->l));
    switch (draw(t->r, 7)) {
    case 0:
    case 1:
        kubeapi_cut_watches(lab_api(t->l), str_empty, draw(t->r, 2));
        break;
    case 2:
        store_compact(store, store_revision(store) - draw(t->r, 3));
        break;
    case 3:
    case 4:
        if (t->faults_n < ARRAY_LEN(t->faults))
            t->faults[t->faults_n++] =
                kubeapi_fault_add(lab_api(t->l), &faults[draw(t->r, ARRAY_LEN(faults))]);
        break;
    case 5:
        if (!t->cut)
            t->cut = lab_partition(t->l, "site/client", "site/api");
        break;
    default:
        if (t->old && draw(t->r, 2)) { /* in quiet: see the bounds in informer.h */
            heal(t);
            lab_run(t->l, 1000 * S);
            apihost_restore(t->l->api, t->old);
            lab_run(t->l, 60 * S);
        } else {
            store_snapshot_free(t->old);
            t->old = apihost_copy(t->l->api);
        }
    }
}

static void check_same(struct trial *t)
{
    struct store_cursor c =
        store_seek(kubeapi_table(lab_api(t->l), STR("configmaps")), str_empty, str_empty);
    size_t n = 0;
    for (struct kube_object *o; (o = store_next(&c)); n++) {
        struct buf key = {0};
        kube_object_key(o, &key);
        struct kube_object *mine = kube_informer_get(t->inf, buf_str(&key));
        if (!mine)
            fail_msg("%s is missing", buf_c(&key));
        check_str_eq(mine->json, o->json);
        assert_ptr_equal(mine, map_get(&t->mirror, buf_str(&key)));
        buf_free(&key);
    }
    assert_int_equal(kube_informer_count(t->inf), n);
    assert_int_equal(map_count(&t->mirror), n);
}

static void trial_open(struct trial *t, struct rng *r, bool hardened)
{
    *t = (struct trial){.l = lab_new(rng_u64(r)), .r = r};
    struct kube_target all = {.gvr = KUBE_GVR("", "v1", "configmaps")};
    struct policies policies = hardened ? policies_hardened() : policies_compat();
    t->inf = kube_informer_new(t->l->kube, &all);
    kube_informer_set_policies(t->inf, &policies);
    kube_informer_on_change(t->inf, on_change, t);
    kube_informer_start(t->inf);
}

static void trial_close(struct trial *t)
{
    void *o;
    kube_informer_free(t->inf);
    for (size_t i = 0; map_next(&t->mirror, &i, NULL, &o);)
        kube_object_unref(o);
    map_free(&t->mirror);
    store_snapshot_free(t->old);
    lab_free(t->l);
}

/* Writes, now and then several in a row, for that long. */
static void be_busy(struct trial *t, world_time time)
{
    for (world_time at = 0; at < time;) {
        world_time pause = (world_time)draw(t->r, 4000) * MS;
        for (size_t n = draw(t->r, 4); n > 0; n--)
            write_something(t);
        lab_run(t->l, pause);
        at += pause;
    }
}

static void try_seed(struct rng *r)
{
    struct trial t;
    trial_open(&t, r, draw(r, 2));
    for (int i = 1; i <= STEPS; i++) {
        for (size_t n = draw(r, 6); n > 0; n--)
            write_something(&t);
        if (draw(r, 4) == 0)
            break_something(&t);
        lab_run(t.l, (world_time)draw(r, 2000) * MS);
        if (draw(r, 10) == 0)
            heal(&t);
        if (i % QUIET_AT)
            continue;
        heal(&t);
        lab_run(t.l,
                1000 *
                    S); /* beyond the longest pause, dead connections and the end of every watch */
        check_same(&t);
    }
    trial_close(&t);
}

/* What a healthy world shows is never doubted, however busy it is and however often watches end in order. */
static void try_healthy(struct rng *r)
{
    struct trial t;
    trial_open(&t, r, true);
    lab_run(t.l, S);
    for (size_t n = 0; n < 600 * draw(r, 2); n++)
        lab_apply(
            t.l,
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"many-%zu\","
            "\"namespace\":\"default\"}}",
            n);
    for (int i = 0; i < 8; i++) {
        be_busy(&t, 200 * S);
        kubeapi_cut_watches(lab_api(t.l), str_empty, false);
    }
    lab_run(t.l, 10 * S);
    struct kube_informer_state s = kube_informer_state(t.inf);
    assert_int_equal(s.heals, 0);
    assert_int_equal(s.gone, 0);
    assert_int_equal(s.lists, 1);
    assert_in_range(s.verifications, 8, 1600 / 45 * 2 + 2);
    check_same(&t);
    trial_close(&t);
}

/* Lies that go on for good: what they keep back is found all the same. */
static void try_lies(struct rng *r)
{
    static const enum kubeapi_fault_kind lies[] = {
        KUBEAPI_FAULT_WATCH_STALL,     KUBEAPI_FAULT_WATCH_DROP,       KUBEAPI_FAULT_WATCH_GONE,
        KUBEAPI_FAULT_WATCH_LOSS,      KUBEAPI_FAULT_WATCH_REWIND,     KUBEAPI_FAULT_WATCH_REORDER,
        KUBEAPI_FAULT_WATCH_DUPLICATE, KUBEAPI_FAULT_WATCH_NO_BOOKMARK};
    struct trial t;
    trial_open(&t, r, true);
    be_busy(&t, 60 * S);
    enum kubeapi_fault_kind kind = lies[draw(r, ARRAY_LEN(lies))];
    uint32_t share = draw(r, 2) ? 0 : 100000 + (uint32_t)draw(r, 900000);
    bool cut = draw(r, 2);
    struct kubeapi_fault lie = {.kind = kind, .per_million = share};
    if (kind == KUBEAPI_FAULT_WATCH_REWIND)
        lie.delay = 20 * S;
    if (kind == KUBEAPI_FAULT_WATCH_REORDER)
        lie.delay = (world_time)(1 + draw(r, 30)) * S;
    (void)fprintf(stderr, "lie %d share %u%s\n", (int)kind, share, cut ? " cut" : "");
    kubeapi_fault_add(lab_api(t.l), &lie);
    for (size_t rounds = 1 + draw(r, 3); rounds > 0; rounds--) {
        if (cut)
            kubeapi_cut_watches(lab_api(t.l), str_empty, true);
        be_busy(&t, (world_time)(1 + draw(r, 400)) * S);
        lab_run(t.l,
                cut ? KUBE_VERIFY_BOUND(60 * S) : KUBE_VERIFY_BOUND(60 * S * KUBE_VERIFY_CALM));
        check_same(&t);
    }
    trial_close(&t);
}

static void test_healthy_world_is_not_suspected(void **state)
{
    (void)state;
    each_seed(6, try_healthy);
}

static void test_lies_are_found(void **state)
{
    (void)state;
    each_seed(60, try_lies);
}

static void test_cache_is_the_store(void **state)
{
    (void)state;
    each_seed(12, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cache_is_the_store),
                                       cmocka_unit_test(test_healthy_world_is_not_suspected),
                                       cmocka_unit_test(test_lies_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
