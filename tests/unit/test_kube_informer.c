/* Goal: an informer's cache follows the API through pages, cut watches, lost history, restores and refusals, tells each
 * change exactly once, and survives what its handlers do to it.
 * Method: a lab; changes counted by handlers; watches cut and history compacted by the API's own fault surface. */
#include "tests/unit/support/lab.h"

#include "engine/kube/informer.h"

struct watcher {
    struct lab *l;
    struct kube_informer *inf;
    size_t added, modified, deleted, synced, after_off;
    int trick_at; /* change number on which the trick is played; 0: never */
    int trick;
    bool off;
    struct buf log; /* of small runs */
};

enum { TRICK_OFF_SELF = 1, TRICK_FREE, TRICK_OFF_OTHER };

static struct watcher *other_watcher;

static void on_change(void *owner, const struct kube_object *before,
                      const struct kube_object *after)
{
    struct watcher *w = owner;
    if (w->off)
        w->after_off++;
    w->added += !before;
    w->deleted += !after;
    w->modified += before && after;
    buf_addf(&w->log, "%c" STR_FMT " ",
             !before ? '+'
             : after ? '~'
                     : '-',
             STR_ARG((after ? after : before)->name));
    if (w->trick_at == 0 || --w->trick_at > 0)
        return;
    if (w->trick == TRICK_OFF_SELF) {
        w->off = true;
        kube_informer_off_change(w->inf, w);
    } else if (w->trick == TRICK_OFF_OTHER) {
        other_watcher->off = true;
        kube_informer_off_change(w->inf, other_watcher);
    } else {
        kube_informer_free(w->inf);
        w->inf = NULL;
        w->off = true;
    }
}

static void on_synced(void *owner)
{
    ((struct watcher *)owner)->synced++;
}

static void tier_of(const struct kube_object *o, struct buf *value)
{
    buf_add(value, kube_object_label(o, STR("tier")));
}

static const struct kube_target all = {.gvr = KUBE_GVR("", "v1", "configmaps"),
                                       .ns = STR_INIT("lab")};

static void make(struct lab *l, int i, const char *tier)
{
    lab_apply(l,
              "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"labels\":{\"tier\":"
              "\"%s\"},\"name\":\"c%04d\",\"namespace\":\"lab\"}}",
              tier, i);
}

static void drop(struct lab *l, int i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "c%04d", i);
    lab_delete(l, "configmaps", "lab", name);
}

static void open_lab(struct watcher *w)
{
    *w = (struct watcher){.l = lab_new(1)};
    lab_apply(w->l,
              "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab\"}}");
    lab_run(w->l, S);
    if (lab_get(w->l, "configmaps", "lab", "kube-root-ca.crt"))
        lab_delete(w->l, "configmaps", "lab", "kube-root-ca.crt");
    lab_run(w->l, S);
    if (lab_get(w->l, "configmaps", "lab", "kube-root-ca.crt")) /* it is made again */
        w->inf = NULL;
    struct kube_target t = all;
    t.query = STR("labelSelector=tier");
    w->inf = kube_informer_new(w->l->kube, &t);
    kube_informer_on_change(w->inf, on_change, w);
    kube_informer_on_synced(w->inf, on_synced, w);
}

static void close_lab(struct watcher *w)
{
    kube_informer_free(w->inf);
    buf_free(&w->log);
    lab_free(w->l);
}

static void forget(struct watcher *w)
{
    w->added = w->modified = w->deleted = 0;
    buf_clear(&w->log);
}

/* The cache is what the API has. */
static void check_same(struct watcher *w)
{
    struct store_cursor c =
        store_seek(kubeapi_table(lab_api(w->l), STR("configmaps")), STR("lab"), str_empty);
    size_t n = 0;
    for (struct kube_object *o; (o = store_next(&c)) && str_eq_c(o->ns, "lab");) {
        if (!kube_object_has_label(o, STR("tier")))
            continue;
        struct buf key = {0};
        kube_object_key(o, &key);
        struct kube_object *mine = kube_informer_get(w->inf, buf_str(&key));
        assert_non_null(mine);
        check_str_eq(mine->json, o->json);
        buf_free(&key);
        n++;
    }
    assert_int_equal(kube_informer_count(w->inf), n);
}

static void test_pages(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    for (int i = 0; i < 1234; i++)
        make(w.l, i, "a");
    assert_false(kube_informer_synced(w.inf));
    kube_informer_start(w.inf);
    lab_run(w.l, 2 * S);
    assert_true(kube_informer_synced(w.inf));
    assert_int_equal(w.synced, 1);
    assert_int_equal(w.added, 1234);
    struct kube_informer_state s = kube_informer_state(w.inf);
    assert_int_equal(s.lists, 3); /* 500, 500, 234 */
    assert_int_equal(s.watches, 1);
    check_same(&w);
    struct str key;
    size_t n = 0;
    struct kube_object *o;
    for (size_t i = 0; (o = kube_informer_next(w.inf, &i, &key));)
        n += str_starts(key, STR("lab/c")) && str_eq_c(o->kind, "ConfigMap") &&
             str_eq_c(o->api_version, "v1");
    assert_int_equal(n, 1234);
    close_lab(&w);
}

/* What changes while a list of several pages is under way shows up once the watch begins. */
static void test_writes_between_pages(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    for (int i = 0; i < 1200; i++)
        make(w.l, i, "a");
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = S, .verb = STR("list")};
    kubeapi_fault_add(lab_api(w.l), &slow);
    kube_informer_start(w.inf);
    lab_run(w.l, 1500 * MS); /* between first and second page */
    drop(w.l, 3);
    drop(w.l, 1100);
    make(w.l, 700, "b");
    make(w.l, 5000, "b");
    lab_run(w.l, 5 * S);
    check_same(&w);
    assert_int_equal(kube_informer_count(w.inf), 1199);
    close_lab(&w);
}

/* The history goes between two pages: the list begins anew, and nothing is told twice. */
static void test_page_expires(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    for (int i = 0; i < 1200; i++)
        make(w.l, i, "a");
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = S, .verb = STR("list")};
    kubeapi_fault_add(lab_api(w.l), &slow);
    kube_informer_start(w.inf);
    lab_run(w.l, 1500 * MS);
    make(w.l, 1, "b");
    drop(w.l, 2); /* it was on the first page; that of the new list does not show it */
    struct store *store = kubeapi_store(lab_api(w.l));
    store_compact(store, store_revision(store));
    lab_run(w.l, 10 * S);
    check_same(&w);
    assert_int_equal(w.synced, 1);
    assert_int_equal(w.added, 1200);
    assert_in_range(w.modified, 0, 1);
    assert_int_equal(w.deleted, 1);
    close_lab(&w);
}

static void test_resume(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    make(w.l, 0, "a");
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    for (int abort = 0; abort < 2; abort++) {
        forget(&w);
        assert_int_equal(kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), abort), 1);
        make(w.l, 1, "a");
        make(w.l, 1, "b");
        drop(w.l, 1);
        make(w.l, 2, abort ? "a" : "b");
        lab_run(w.l, 5 * S);
        check_str(buf_str(&w.log),
                  abort ? "+c0001 ~c0001 -c0001 ~c0002 " : "+c0001 ~c0001 -c0001 +c0002 ");
        assert_int_equal(kube_informer_state(w.inf).lists, 1);
        assert_int_equal(kube_informer_state(w.inf).watches, 2 + abort);
        check_same(&w);
    }
    close_lab(&w);
}

/* fixtures/incidents.yaml#K07: after lost history exactly the differences are told, deletions too. */
static void test_relist_gives_the_differences(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    for (int i = 0; i < 1000; i++)
        make(w.l, i, "a");
    kube_informer_start(w.inf);
    lab_run(w.l, 2 * S);
    assert_int_equal(w.added, 1000);
    forget(&w);
    kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true);
    for (int i = 0; i < 1000; i++)
        if (i % 5 < 2)
            drop(w.l, i);
    for (int i = 2000; i < 2100; i++)
        make(w.l, i, "a");
    struct store *store = kubeapi_store(lab_api(w.l));
    store_compact(store, store_revision(store));
    lab_run(w.l, 10 * S);
    assert_int_equal(w.deleted, 400);
    assert_int_equal(w.added, 100);
    assert_int_equal(w.modified, 0);
    assert_int_equal(kube_informer_state(w.inf).gone, 1);
    assert_int_equal(w.synced, 1);
    check_same(&w);
    close_lab(&w);
}

/* History that is lost again and again must not become a busy loop of lists. */
static void test_gone_for_ever_is_paced(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    struct kubeapi_fault slow = {.kind = KUBEAPI_FAULT_LATENCY, .delay = S, .verb = STR("watch")};
    uint64_t id = kubeapi_fault_add(lab_api(w.l), &slow);
    kube_informer_start(w.inf);
    for (int i = 0; i < 1200; i++) { /* nothing is left of what was written half a second ago */
        make(w.l, i % 7, i % 2 ? "a" : "b");
        struct store *store = kubeapi_store(lab_api(w.l));
        store_compact(store, store_revision(store));
        lab_run(w.l, 500 * MS);
    }
    assert_in_range(kube_informer_state(w.inf).lists, 15, 60);
    kubeapi_fault_remove(lab_api(w.l), id);
    lab_run(w.l, 40 * S);
    check_same(&w);
    close_lab(&w);
}

/* What was long ago counts no more: neither refusals before a watch that opened, nor lost history before an event. */
static void test_pace_is_forgiven(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    struct kubeapi_fault refuse = {
        .kind = KUBEAPI_FAULT_STATUS, .status = 503, .verb = STR("watch")};
    uint64_t id = kubeapi_fault_add(lab_api(w.l), &refuse);
    kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true);
    lab_run(w.l, 120 * S);
    kubeapi_fault_remove(lab_api(w.l), id);
    lab_run(w.l, 60 * S);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true), 1);
        lab_run(w.l, 3 * S);
    }
    for (uint64_t i = 0; i < 8; i++) {
        make(w.l, (int)i, "a");
        lab_run(w.l, S);
        assert_int_equal(w.added, i + 1);
        struct kubeapi_fault gone = {.kind = KUBEAPI_FAULT_WATCH_GONE};
        kubeapi_fault_remove(lab_api(w.l), kubeapi_fault_add(lab_api(w.l), &gone));
        lab_run(w.l, S);
        assert_int_equal(kube_informer_state(w.inf).lists, 2 + i);
    }
    check_same(&w);
    close_lab(&w);
}

static void test_bookmarks(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    uint64_t before = kube_informer_state(w.inf).resource_version;
    for (int i = 0; i < 50; i++) /* other objects: our watch hears nothing of them */
        lab_apply(w.l,
                  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                  "\"other%d\",\"namespace\":\"default\"}}",
                  i);
    lab_run(w.l, 120 * S);
    struct store *store = kubeapi_store(lab_api(w.l));
    assert_in_range(kube_informer_state(w.inf).resource_version, before + 50,
                    store_revision(store));
    assert_int_equal(w.added, 0);
    /* So lost history that others made costs no relist. */
    store_compact(store, before + 40);
    kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true);
    lab_run(w.l, 10 * S);
    assert_int_equal(kube_informer_state(w.inf).gone, 0);
    assert_int_equal(kube_informer_state(w.inf).lists, 1);
    close_lab(&w);
}

/* A restore takes the API back in time: the cache follows, whatever its version said. */
static void test_restore(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    make(w.l, 0, "a");
    make(w.l, 1, "a");
    struct store_snapshot *old = apihost_copy(w.l->api);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    make(w.l, 1, "b");
    drop(w.l, 0);
    for (int i = 2; i < 40; i++)
        make(w.l, i, "a");
    lab_run(w.l, S);
    forget(&w);
    apihost_restore(w.l->api, old);
    lab_run(w.l, 30 * S);
    check_same(&w);
    assert_int_equal(w.deleted, 38);
    assert_int_equal(w.added, 1);
    make(w.l, 7, "z"); /* and goes on from there */
    lab_run(w.l, 5 * S);
    check_same(&w);
    store_snapshot_free(old);
    close_lab(&w);
}

/* The same while the informer pauses after a watch that ended in order. */
static void test_restore_in_a_pause(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    make(w.l, 0, "a");
    struct store_snapshot *old = apihost_copy(w.l->api);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    for (int i = 1; i < 40; i++)
        make(w.l, i, "a");
    lab_run(w.l, S);
    kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), false);
    lab_run(w.l, 10 * MS);
    assert_int_equal(kube_informer_state(w.inf).watches, 1); /* not yet again */
    forget(&w);
    apihost_restore(w.l->api, old);
    lab_run(w.l, 30 * S);
    check_same(&w);
    assert_int_equal(w.deleted, 39);
    store_snapshot_free(old);
    close_lab(&w);
}

static void test_restart_of_the_server(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    make(w.l, 0, "a");
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    forget(&w);
    sim_process_kill(apihost_process(w.l->api), SIM_EXIT_KILLED);
    lab_run(w.l, 2 * S); /* its supervisor started it again */
    make(w.l, 1, "a");
    lab_run(w.l, 60 * S);
    check_same(&w);
    check_str(buf_str(&w.log), "+c0001 ");
    close_lab(&w);
}

/* The server's machine loses power: no FIN, no RST, and a watch that waits for ever unless it minds the time. */
static void test_power_loss_of_the_server(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    sim_host_power_off(sim_process_host(apihost_process(w.l->api)));
    lab_run(w.l, 60 * S);
    sim_host_power_on(sim_process_host(apihost_process(w.l->api)));
    lab_run(w.l, 5 * S);
    make(w.l, 1, "a");
    lab_run(w.l, 700 * S);
    check_same(&w);
    check_str(buf_str(&w.log), "+c0001 ");
    close_lab(&w);
}

/* A watch that says nothing any more: known by its age, healed by its end. */
static void test_stalled_watch(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    struct kubeapi_fault stall = {.kind = KUBEAPI_FAULT_WATCH_STALL};
    uint64_t id = kubeapi_fault_add(lab_api(w.l), &stall);
    make(w.l, 0, "a");
    lab_run(w.l, 300 * S);
    assert_int_equal(w.added, 0);
    assert_in_range(sim_now(w.l->sim) - kube_informer_state(w.inf).heard_at, 250 * S, 310 * S);
    kubeapi_fault_remove(lab_api(w.l), id);
    lab_run(w.l, 5 * S);
    assert_int_equal(w.added, 1);
    check_same(&w);
    close_lab(&w);
}

static void test_index(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    size_t tier = kube_informer_index(w.inf, tier_of);
    make(w.l, 0, "a");
    make(w.l, 1, "a");
    make(w.l, 2, "b");
    kube_informer_start(w.inf);
    lab_run(w.l, S);
    assert_int_equal(map_count(kube_informer_by(w.inf, tier, STR("a"))), 2);
    assert_int_equal(map_count(kube_informer_by(w.inf, tier, STR("b"))), 1);
    assert_null(kube_informer_by(w.inf, tier, STR("c")));
    make(w.l, 0, "c");
    drop(w.l, 2);
    lab_run(w.l, S);
    assert_int_equal(map_count(kube_informer_by(w.inf, tier, STR("a"))), 1);
    assert_null(kube_informer_by(w.inf, tier, STR("b")));
    const struct map *c = kube_informer_by(w.inf, tier, STR("c"));
    struct str key = str_empty;
    void *o = NULL;
    size_t i = 0;
    assert_true(c && map_next(c, &i, &key, &o));
    check_str(key, "lab/c0000");
    assert_ptr_equal(o, kube_informer_get(w.inf, STR("lab/c0000")));
    close_lab(&w);
}

/* Handlers remove themselves, each other, or free the informer: during list, relist (a deletion) and watch. */
static void test_tricks(void **state)
{
    (void)state;
    static const int tricks[] = {TRICK_OFF_SELF, TRICK_FREE, TRICK_OFF_OTHER};
    for (size_t t = 0; t < ARRAY_LEN(tricks); t++)
        for (int at = 1; at <= 7; at++) {
            struct watcher w, other = {0};
            open_lab(&w);
            other.inf = w.inf;
            other_watcher = &other;
            kube_informer_on_change(w.inf, on_change, &other);
            w.trick = tricks[t];
            w.trick_at = at;
            make(w.l, 0, "a");
            make(w.l, 1, "a");
            make(w.l, 2, "a");
            kube_informer_start(w.inf);
            lab_run(w.l, S);
            make(w.l, 0, "b"); /* 4th */
            lab_run(w.l, S);
            kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true);
            drop(w.l, 0);
            drop(w.l, 1);
            make(w.l, 3, "a"); /* 5th to 7th: added, then two deletions */
            struct store *store = kubeapi_store(lab_api(w.l));
            store_compact(store, store_revision(store));
            lab_run(w.l, 5 * S);
            assert_int_equal(w.after_off + other.after_off, 0);
            size_t mine = w.added + w.modified + w.deleted;
            size_t its = other.added + other.modified + other.deleted;
            assert_int_equal(mine, tricks[t] == TRICK_OFF_OTHER ? 7 : at);
            assert_int_equal(its, tricks[t] == TRICK_OFF_SELF ? 7 : at - 1);
            if (w.inf)
                check_same(&w);
            buf_free(&other.log);
            close_lab(&w);
        }
}

static void free_on_synced(void *owner)
{
    struct watcher *w = owner;
    kube_informer_free(w->inf);
    w->inf = NULL;
}

static void test_free_when_synced(void **state)
{
    (void)state;
    struct watcher w;
    open_lab(&w);
    kube_informer_on_synced(w.inf, free_on_synced, &w);
    kube_informer_start(w.inf);
    lab_run(w.l, 10 * S);
    assert_null(w.inf);
    close_lab(&w);
}

/* A hundred informers whose watches are cut at once do not come back at once. */
static void test_spread(void **state)
{
    (void)state;
    enum { N = 100 };
    struct watcher w;
    open_lab(&w);
    struct kube_informer *herd[N];
    for (size_t i = 0; i < N; i++) {
        herd[i] = kube_informer_new(w.l->kube, &all);
        kube_informer_start(herd[i]);
    }
    lab_run(w.l, 5 * S);
    kubeapi_cut_watches(lab_api(w.l), STR("configmaps"), true);
    uint64_t last = N, most = 0;
    for (int bucket = 0; bucket < 20; bucket++) {
        lab_run(w.l, 50 * MS);
        uint64_t watches = 0;
        for (size_t i = 0; i < N; i++)
            watches += kube_informer_state(herd[i]).watches;
        most = watches - last > most ? watches - last : most;
        last = watches;
    }
    assert_int_equal(last, 2 * N);
    assert_in_range(most, 1, 30);
    for (size_t i = 0; i < N; i++)
        kube_informer_free(herd[i]);
    close_lab(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_writes_between_pages),
        cmocka_unit_test(test_page_expires),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_relist_gives_the_differences),
        cmocka_unit_test(test_gone_for_ever_is_paced),
        cmocka_unit_test(test_pace_is_forgiven),
        cmocka_unit_test(test_bookmarks),
        cmocka_unit_test(test_restore),
        cmocka_unit_test(test_restore_in_a_pause),
        cmocka_unit_test(test_restart_of_the_server),
        cmocka_unit_test(test_power_loss_of_the_server),
        cmocka_unit_test(test_stalled_watch),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_free_when_synced),
        cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
