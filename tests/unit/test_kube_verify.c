/* Goal: a cache that is no longer the server is found and healed within the bound, change by change, at a bounded number
 * of requests; events that are late are waited for; a dead watch is asked anew.
 * Method: a lab whose API loses, holds back or withholds watch events; what handlers are told, requests counted. */
#include "tests/unit/support/lab.h"

#include "engine/kube/verify.h"

#define EVERY (60 * S)

struct bed {
    struct lab *l;
    struct kube_informer *inf;
    struct buf log;
};

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct bed *b = owner;
    buf_addf(&b->log, "%c" STR_FMT " ",
             !before ? '+'
             : after ? '~'
                     : '-',
             STR_ARG(kube_changed(before, after)->name));
}

static void make(struct bed *b, const char *name, int version)
{
    lab_apply(b->l,
              "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
              "\"namespace\":\"kube-public\"},\"data\":{\"n\":\"%d\"}}",
              name, version);
}

static void drop(struct bed *b, const char *name)
{
    lab_delete(b->l, "configmaps", "kube-public", name);
}

static void make_many(struct bed *b, int n)
{
    for (int i = 0; i < n; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "m%04d", i);
        make(b, name, 0);
    }
}

static void open_bed(struct bed *b, int objects, const char *const *sets, size_t sets_n)
{
    struct policies p = policies_hardened();
    struct kube_target all = {.gvr = KUBE_GVR("", "v1", "configmaps"), .ns = STR("kube-public")};
    *b = (struct bed){.l = lab_new(1)};
    for (size_t i = 0; i + 1 < sets_n; i += 2)
        check_ok(policies_set(&p, str_c(sets[i]), str_c(sets[i + 1])));
    make_many(b, objects);
    b->inf = kube_informer_new(b->l->kube, &all);
    kube_informer_set_policies(b->inf, &p);
    kube_informer_start(b->inf);
    lab_run(b->l, 2 * S);
    kube_informer_on_change(b->inf, on_change, b);
}

static void close_bed(struct bed *b)
{
    kube_informer_free(b->inf);
    buf_free(&b->log);
    lab_free(b->l);
}

/* A cut, after which there is doubt, and all is well again. */
static void raise_doubt(struct bed *b)
{
    kubeapi_cut_watches(lab_api(b->l), str_empty, true);
    lab_run(b->l, 2 * S);
}

static uint64_t lose_events(struct bed *b)
{
    struct kubeapi_fault lose = {.kind = KUBEAPI_FAULT_WATCH_DROP};
    return kubeapi_fault_add(lab_api(b->l), &lose);
}

/* A watch that is silent too long is given up before the next one begins: whatever it still says is not heard. */
static void test_silent_watch_is_given_up(void **state)
{
    (void)state;
    static const char *const sets[] = {"cache.verify", "never", "cache.progress", "deadline"};
    struct bed b;
    open_bed(&b, 3, sets, ARRAY_LEN(sets));
    raise_doubt(&b);
    struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_WATCH_STALL};
    uint64_t id = kubeapi_fault_add(lab_api(b.l), &stall);
    make(&b, "new", 1);
    lab_run(b.l, 200 * S);
    assert_true(kube_informer_state(b.inf).stalls > 0);
    kubeapi_fault_remove(lab_api(b.l), id);
    make(&b, "newer", 1);
    lab_run(b.l, 5 * S);
    check_str(buf_str(&b.log), "+new +newer ");
    assert_int_equal(kubeapi_cut_watches(lab_api(b.l), STR("configmaps"), true), 1);
    close_bed(&b);
}

static void test_idle_cost(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    lab_run(b.l, 3600 * S);
    struct kube_informer_state s = kube_informer_state(b.inf);
    assert_in_range(s.verifications, 4, 8); /* calm */
    assert_int_equal(s.heals, 0);
    raise_doubt(&b);
    uint64_t before = s.verifications;
    for (int i = 0; i < 10; i++) {
        lab_run(b.l, KUBE_VERIFY_BOUND(EVERY));
        s = kube_informer_state(b.inf);
        assert_true(world_now(lab_world(b.l)) - s.heard_at <= KUBE_VERIFY_BOUND(EVERY));
        kubeapi_cut_watches(lab_api(b.l), str_empty, true); /* in doubt on and on */
    }
    assert_in_range(s.verifications - before, 8, 10 * 85 / 45 + 2);
    assert_int_equal(s.heals, 0);
    assert_int_equal(b.log.n, 0);
    close_bed(&b);
}

static void test_lost_changes_are_told(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct bed b;
        open_bed(&b, 3, NULL, 0);
        raise_doubt(&b);
        lose_events(&b);
        if (what == 0)
            make(&b, "new", 1);
        else if (what == 1)
            drop(&b, "m0001");
        else if (what == 2)
            make(&b, "m0001", 7);
        else { /* as many as before */
            drop(&b, "m0000");
            make(&b, "new", 1);
        }
        lab_run(b.l, S);
        assert_int_equal(b.log.n, 0); /* it was lost */
        lab_run(b.l, KUBE_VERIFY_BOUND(EVERY));
        static const char *const told[] = {"+new ", "-m0001 ", "~m0001 ", "+new -m0000 "};
        check_str(buf_str(&b.log), told[what]);
        struct kube_informer_state s = kube_informer_state(b.inf);
        assert_int_equal(s.heals, 1);
        assert_int_equal(s.lists, 2);
        assert_true(s.healed_at > 0);
        close_bed(&b);
    }
}

/* Without a cut or anything else that raises doubt: later, but found. */
static void test_lost_in_calm(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    struct kubeapi_fault lose = {.kind = KUBEAPI_FAULT_WATCH_DROP, .per_million = 999999};
    kubeapi_fault_add(lab_api(b.l), &lose);
    make(&b, "new", 1);
    lab_run(b.l, KUBE_VERIFY_BOUND(KUBE_VERIFY_CALM * EVERY));
    check_str(buf_str(&b.log), "+new ");
    close_bed(&b);
}

/* What a bookmark tells: all was withheld. Nothing else raises doubt here. */
static void test_bookmark_without_events(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    struct kube_target everywhere = {.gvr = KUBE_GVR("", "v1", "configmaps")};
    struct policies p = policies_hardened();
    struct kube_informer *all = kube_informer_new(b.l->kube, &everywhere);
    kube_informer_set_policies(all, &p);
    kube_informer_start(all);
    lab_run(b.l, 2 * S);
    size_t before = kube_informer_count(all);
    lose_events(&b);
    make(&b, "new", 1);
    lab_run(b.l, 60 * S + KUBE_VERIFY_BOUND(EVERY));
    assert_int_equal(kube_informer_count(all), before + 1);
    assert_int_equal(kube_informer_state(all).heals, 1);
    assert_int_equal(b.log.n, 0); /* of one namespace a bookmark tells nothing */
    kube_informer_free(all);
    close_bed(&b);
}

/* Events that are late by less than the settling time are no difference, nor is what they took away meanwhile. */
static void test_late_events_are_waited_for(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    raise_doubt(&b);
    struct kubeapi_fault late = {.kind = KUBEAPI_FAULT_WATCH_REORDER, .delay = 3 * S};
    kubeapi_fault_add(lab_api(b.l), &late);
    for (int i = 0; i < 120; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%03d", i);
        make(&b, name, 1);
        lab_run(b.l, 2500 * MS);
        drop(&b, name);
        lab_run(b.l, 2500 * MS);
    }
    struct kube_informer_state s = kube_informer_state(b.inf);
    assert_int_equal(s.heals, 0);
    assert_true(s.verifications >= 8);
    close_bed(&b);
}

/* Of a kind of several pages the number is looked at each round, and the versions every few rounds. */
static void test_many_pages(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 1200, NULL, 0);
    raise_doubt(&b);
    lose_events(&b);
    drop(&b, "m1100");
    lab_run(b.l, KUBE_VERIFY_BOUND(EVERY));
    check_str(buf_str(&b.log), "-m1100 ");
    buf_clear(&b.log);
    make(&b, "m1101", 5); /* the number stays */
    lab_run(b.l, 3 * KUBE_VERIFY_BOUND(EVERY));
    check_str(buf_str(&b.log), "~m1101 ");
    uint64_t before = kube_informer_state(b.inf).verifications;
    lab_run(b.l, 500 * S);
    assert_in_range(kube_informer_state(b.inf).verifications - before, 6, 2 * (500 / 45 + 1) + 2);
    close_bed(&b);
}

static void kill_connections(struct bed *b)
{
    struct sim_fault_options o = {.kind = SIM_FAULT_NET_HALF_OPEN,
                                  .from = {.zone = STR("site/client")},
                                  .to = {.zone = STR("site/api")}};
    struct sim_fault *f = lab_fault(b->l, o);
    lab_run(b->l, MS);
    sim_fault_end(f);
}

/* The watch's connection is dead, and nobody was told. */
static void test_progress(void **state)
{
    (void)state;
    for (int trusts = 0; trusts < 2; trusts++) {
        const char *const sets[] = {"cache.verify", "never", "cache.progress",
                                    trusts ? "trust" : "deadline"};
        struct bed b;
        open_bed(&b, 3, sets, ARRAY_LEN(sets));
        raise_doubt(&b);
        kill_connections(&b);
        make(&b, "new", 1);
        lab_run(b.l, 95 * S);
        check_str(buf_str(&b.log), trusts ? "" : "+new ");
        assert_int_equal(kube_informer_state(b.inf).stalls, !trusts);
        lab_run(b.l, 620 * S);
        check_str(buf_str(&b.log),
                  "+new "); /* at the latest when the server should have ended it */
        assert_int_equal(kube_informer_state(b.inf).verifications, 0);
        close_bed(&b);
    }
}

/* A replica that lags once is no replica that was taken back in time, however often; twice in a row it is. */
static void test_server_behind(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    raise_doubt(&b);
    for (int i = 0; i < 3; i++) {
        struct kubeapi_fault lags = {.kind = KUBEAPI_FAULT_STALE_READ, .verb = STR("list")};
        uint64_t id = kubeapi_fault_add(lab_api(b.l), &lags);
        make(&b, "new", i);
        uint64_t rounds = i < 2 ? 1 : 2, before = kube_informer_state(b.inf).verifications;
        for (int n = 0; n < 300 && kube_informer_state(b.inf).verifications < before + rounds; n++)
            lab_run(b.l, S);
        lab_run(b.l, S);
        assert_int_equal(kube_informer_state(b.inf).verifications, before + rounds);
        assert_int_equal(kube_informer_state(b.inf).heals, rounds - 1);
        kubeapi_fault_remove(lab_api(b.l), id);
        lab_run(b.l, 2 * KUBE_VERIFY_BOUND(EVERY));
    }
    assert_int_equal(kube_informer_count(b.inf), 5); /* with the root certificate */
    close_bed(&b);
}

/* Healed by a list while the informer waits to watch again: nothing else is started beside the list, and who is in a
 * hurry meanwhile takes nothing from it. */
static void test_heals_while_watches_are_refused(void **state)
{
    (void)state;
    for (int hurries = 0; hurries < 2; hurries++) {
        struct bed b;
        open_bed(&b, 3, NULL, 0);
        raise_doubt(&b);
        uint64_t lost = lose_events(&b);
        make(&b, "new", 1);
        lab_run(b.l, S);
        kubeapi_fault_remove(lab_api(b.l), lost);
        make(&b, "newer", 1);
        lab_run(b.l, S);
        check_str(buf_str(&b.log), "+newer ");
        struct kubeapi_fault refuse = {
            .kind = KUBEAPI_FAULT_STATUS, .status = 503, .verb = STR("watch")};
        uint64_t refused = kubeapi_fault_add(lab_api(b.l), &refuse);
        kubeapi_cut_watches(lab_api(b.l), str_empty, true);
        uint64_t lists = kube_informer_state(b.inf).verifications;
        for (int n = 0; n < 200 && kube_informer_state(b.inf).verifications == lists; n++)
            lab_run(b.l, 500 * MS);
        struct kubeapi_fault slow = {
            .kind = KUBEAPI_FAULT_LATENCY, .verb = STR("list"), .delay = 20 * S};
        uint64_t slowed = kubeapi_fault_add(lab_api(b.l), &slow);
        for (int n = 0; n < 20 && kube_informer_state(b.inf).heals == 0; n++)
            lab_run(b.l, 500 * MS);
        assert_int_equal(kube_informer_state(b.inf).heals, 1);
        kubeapi_fault_remove(lab_api(b.l), refused);
        kubeapi_fault_remove(lab_api(b.l), slowed);
        if (hurries)
            kube_informer_hurry(b.inf);
        lab_run(b.l, 25 * S);
        check_str(buf_str(&b.log), "+newer +new ");
        assert_int_equal(kube_informer_state(b.inf).lists, 2);
        lab_run(b.l, 60 * S);
        assert_int_equal(kubeapi_cut_watches(lab_api(b.l), STR("configmaps"), true), 1);
        close_bed(&b);
    }
}

/* Many that began together do not go on asking together. */
static void test_rounds_spread(void **state)
{
    (void)state;
    enum { N = 30 };
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    struct policies p = policies_hardened();
    struct kube_target all = {.gvr = KUBE_GVR("", "v1", "configmaps"), .ns = STR("kube-public")};
    struct kube_informer *herd[N];
    for (size_t i = 0; i < N; i++) {
        herd[i] = kube_informer_new(b.l->kube, &all);
        kube_informer_set_policies(herd[i], &p);
        kube_informer_start(herd[i]);
    }
    uint64_t last = 0, most = 0;
    for (world_time at = 0; at < KUBE_VERIFY_CALM * EVERY * 5 / 4; at += 10 * S) {
        uint64_t rounds = 0;
        lab_run(b.l, 10 * S);
        for (size_t i = 0; i < N; i++)
            rounds += kube_informer_state(herd[i]).verifications;
        most = rounds - last > most ? rounds - last : most;
        last = rounds;
    }
    assert_true(last >= N);
    assert_in_range(most, 1, N / 3);
    for (size_t i = 0; i < N; i++)
        kube_informer_free(herd[i]);
    close_bed(&b);
}

/* Who is told that the path is there again asks at once, and soon again: what failed before is forgiven. */
static void test_hurry_forgives(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b, 3, NULL, 0);
    for (int i = 0; i < 3; i++) {
        struct kubeapi_fault refuse = {
            .kind = KUBEAPI_FAULT_STATUS, .status = 503, .verb = STR("watch")};
        uint64_t id = kubeapi_fault_add(lab_api(b.l), &refuse);
        kubeapi_cut_watches(lab_api(b.l), str_empty, true);
        lab_run(b.l, 120 * S);
        kube_informer_hurry(b.inf);
        lab_run(b.l, 100 * MS);
        kubeapi_fault_remove(lab_api(b.l), id);
        lab_run(b.l, 3 * S);
        assert_int_equal(kubeapi_cut_watches(lab_api(b.l), STR("configmaps"), true), 1);
        lab_run(b.l, 30 * S);
    }
    close_bed(&b);
}

/* The server's version is asked for until it is known: a restore after a hurry that failed is seen. */
static void test_hurry_that_fails(void **state)
{
    (void)state;
    static const char *const sets[] = {"cache.verify", "never", "cache.progress", "deadline"};
    struct bed b;
    open_bed(&b, 3, sets, ARRAY_LEN(sets));
    size_t before = kube_informer_count(b.inf);
    struct store_snapshot *old = apihost_copy(b.l->api);
    make_many(&b, 30);
    lab_run(b.l, S);
    assert_int_equal(kube_informer_count(b.inf), before + 27);
    struct kubeapi_fault refuse = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 503, .verb = STR("list")};
    uint64_t id = kubeapi_fault_add(lab_api(b.l), &refuse);
    kube_informer_hurry(b.inf);
    lab_run(b.l, 100 * MS);
    assert_true(kubeapi_fault_fired(lab_api(b.l), id) > 0);
    apihost_restore(b.l->api, old);
    kubeapi_fault_remove(lab_api(b.l), id);
    lab_run(b.l, 60 * S);
    assert_int_equal(kube_informer_count(b.inf), before);
    store_snapshot_free(old);
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_cost),
        cmocka_unit_test(test_silent_watch_is_given_up),
        cmocka_unit_test(test_lost_changes_are_told),
        cmocka_unit_test(test_lost_in_calm),
        cmocka_unit_test(test_bookmark_without_events),
        cmocka_unit_test(test_late_events_are_waited_for),
        cmocka_unit_test(test_many_pages),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_server_behind),
        cmocka_unit_test(test_rounds_spread),
        cmocka_unit_test(test_hurry_forgives),
        cmocka_unit_test(test_hurry_that_fails),
        cmocka_unit_test(test_heals_while_watches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
