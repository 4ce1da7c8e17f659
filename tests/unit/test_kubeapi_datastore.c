/* Goal: with a datastore nobody sees a write before it is kept: not who made it, not who reads or watches; one commit
 * serves many writes; when a commit fails nothing is acknowledged any more; a server that starts again has everything
 * and never uses a revision twice.
 * Method: the server and HTTP clients on one small world, over a datastore that notes, whenever it is asked to commit,
 * what the clients have seen so far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/store/datastore.h"
#include "tests/unit/support/kubeapi_remote.h"

#include <string.h>

#define CLIENTS 10

struct disk {
    struct datastore base;
    struct map rows; /* "table ns/name" → struct kube_object * */
    uint64_t reserved;
    size_t commits, changes;
    bool broken;
    struct remote *watched; /* whose answers are looked at in each commit */
    size_t watched_n;
    bool seen_early;
    bool failure_told;
};

struct kept { /* a server over a disk */
    struct net net;
    struct disk disk;
};

/* ---- the datastore ---- */

static struct disk *disk_of(struct datastore *d)
{
    return container_of(d, struct disk, base);
}

static void drop_row(struct disk *d, struct str key)
{
    kube_object_unref(map_get(&d->rows, key));
    (void)map_remove(&d->rows, key);
}

static struct err *disk_commit(struct datastore *base, const struct datastore_batch *b)
{
    struct disk *d = disk_of(base);
    for (size_t i = 0; i < d->watched_n; i++)
        d->seen_early |= d->watched[i].ended || strstr(buf_c(&d->watched[i].text), "ADDED");
    if (d->broken)
        return err_new(ERR_IO, "the disk is full");
    for (size_t i = 0; i < b->n; i++) {
        const struct datastore_change *c = &b->changes[i];
        struct buf key = {0};
        struct kube_object *o = NULL;
        buf_addf(&key, STR_FMT " " STR_FMT "/" STR_FMT, STR_ARG(c->table), STR_ARG(c->ns),
                 STR_ARG(c->name));
        drop_row(d, buf_str(&key));
        if (c->json.n > 0) {
            assert_null(kube_object_from_canonical(c->json, &o));
            assert_int_equal(o->resource_version, c->revision);
            map_put(&d->rows, buf_str(&key), o);
        }
        buf_free(&key);
    }
    d->reserved = b->reserved > d->reserved ? b->reserved : d->reserved;
    d->commits++;
    d->changes += b->n;
    return NULL;
}

static struct err *disk_load(struct datastore *base, struct store *into, bool *found)
{
    struct disk *d = disk_of(base);
    struct str key, table, rest;
    void *o;
    *found = map_count(&d->rows) > 0;
    for (size_t i = 0; map_next(&d->rows, &i, &key, &o);) {
        (void)str_cut(key, ' ', &table, &rest);
        store_load(store_table(into, table), kube_object_ref(o));
    }
    store_load_end(into, d->reserved > 1 ? d->reserved : 1);
    d->reserved = store_revision(into) + DATASTORE_REVISIONS_RESERVED;
    return NULL;
}

static const struct datastore_ops disk_ops = {.load = disk_load, .commit = disk_commit};

static void on_failed(void *owner, const struct err *why)
{
    assert_int_equal(why->code, ERR_IO);
    ((struct disk *)owner)->failure_told = true;
}

/* ---- clients ---- */

static void make(struct kept *n, struct remote *w, const char *name)
{
    struct str body = arena_printf(&n->net.f.a, "{\"metadata\":{\"name\":\"%s\"}}", name);
    remote_send(&n->net, w, "POST", CM, body.p);
}

/* ---- servers ---- */

static void kept_open(struct kept *k)
{
    struct kubeapi_options options = {.store = store_new(NULL),
                                      .datastore = &k->disk.base,
                                      .datastore_failed = on_failed,
                                      .datastore_owner = &k->disk};
    bool found;
    k->disk.base.ops = &disk_ops;
    assert_null(disk_load(&k->disk.base, options.store, &found));
    net_open(&k->net, &options);
    settle(&k->net.f);
    assert_true(kubeapi_settled(k->net.f.api) || k->disk.broken);
}

static void disk_free(struct disk *d)
{
    void *o;
    for (size_t i = 0; map_next(&d->rows, &i, NULL, &o);)
        kube_object_unref(o);
    map_free(&d->rows);
}

static void look_at(struct kept *n, struct remote *remotes, size_t count)
{
    n->disk.watched = remotes;
    n->disk.watched_n = count;
    n->disk.commits = n->disk.changes = 0;
}

/* ---- tests ---- */

static void test_bootstrap_is_kept(void **state)
{
    struct kept n = {0};
    kept_open(&n);
    assert_int_equal(n.disk.commits, 1);
    assert_int_equal(n.disk.changes, store_revision(kubeapi_store(n.net.f.api)) - 1);
    net_close(&n.net);
    disk_free(&n.disk);
}

static void test_answers_wait(void **state)
{
    struct kept n = {0};
    struct remote all[CLIENTS + 2];
    kept_open(&n);
    remote_send(&n.net, &all[CLIENTS], "GET", CM "?watch=1", NULL);
    settle(&n.net.f);
    look_at(&n, all, CLIENTS + 2);
    for (size_t i = 0; i < CLIENTS; i++)
        make(&n, &all[i], arena_printf(&n.net.f.a, "a%zu", i).p);
    remote_send(&n.net, &all[CLIENTS + 1], "GET", CM "/a0", NULL); /* sees what is not kept yet */
    settle(&n.net.f);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(all[i].status, 201);
    assert_int_equal(all[CLIENTS + 1].status, 200);
    assert_non_null(strstr(buf_c(&all[CLIENTS].text), "\"a9\""));
    assert_int_equal(n.disk.changes, CLIENTS);
    assert_int_equal(n.disk.commits, 1); /* they came in one turn */
    assert_false(n.disk.seen_early);
    for (size_t i = 0; i < CLIENTS + 2; i++)
        remote_cancel(&all[i]);
    net_close(&n.net);
    disk_free(&n.disk);
}

/* Its initial events hold what is not kept yet; what comes later is not lost either. */
static void test_watch_starts_between(void **state)
{
    struct kept n = {0};
    struct remote r[3];
    kept_open(&n);
    look_at(&n, r, 0);
    make(&n, &r[0], "a");
    remote_send(&n.net, &r[1], "GET", CM "?watch=1", NULL);
    make(&n, &r[2], "b");
    n.disk.watched_n = 3;
    settle(&n.net.f);
    assert_false(n.disk.seen_early);
    assert_non_null(strstr(buf_c(&r[1].text), "\"name\":\"a\""));
    assert_non_null(strstr(buf_c(&r[1].text), "\"name\":\"b\""));
    for (size_t i = 0; i < 3; i++)
        remote_cancel(&r[i]);
    net_close(&n.net);
    disk_free(&n.disk);
}

/* It knows the state before a write that is made, but not kept yet: it is told once that is safe, though nothing follows. */
static void test_watch_resumes_between(void **state)
{
    struct kept n = {0};
    struct remote r[2];
    kept_open(&n);
    look_at(&n, r, 0);
    const char *target =
        arena_printf(&n.net.f.a, CM "?watch=1&resourceVersion=%llu",
                     (unsigned long long)store_revision(kubeapi_store(n.net.f.api)))
            .p;
    make(&n, &r[0], "a");
    remote_send(&n.net, &r[1], "GET", target, NULL);
    n.disk.watched_n = 2;
    settle(&n.net.f);
    assert_int_equal(n.disk.commits, 1);
    assert_false(n.disk.seen_early);
    assert_non_null(strstr(buf_c(&r[1].text), "\"name\":\"a\""));
    for (size_t i = 0; i < 2; i++)
        remote_cancel(&r[i]);
    net_close(&n.net);
    disk_free(&n.disk);
}

static void test_failure_acknowledges_nothing(void **state)
{
    struct kept n = {0};
    struct remote r[3];
    kept_open(&n);
    remote_send(&n.net, &r[1], "GET", CM "?watch=1", NULL);
    settle(&n.net.f);
    n.disk.broken = true;
    make(&n, &r[0], "a");
    settle(&n.net.f);
    make(&n, &r[2], "b");
    settle(&n.net.f);
    assert_true(n.disk.failure_told);
    assert_false(r[0].ended);
    assert_false(r[2].ended);
    assert_int_equal(r[1].text.n, 0);
    for (size_t i = 0; i < 3; i++)
        remote_cancel(&r[i]);
    net_close(&n.net);
    disk_free(&n.disk);
}

static void test_second_start(void **state)
{
    struct kept n = {0};
    struct remote r;
    kept_open(&n);
    make(&n, &r, "kept");
    settle(&n.net.f);
    remote_cancel(&r);
    must(&n.net.f, 200, "GET", CM "/kept", NULL);
    char *uid = arena_c(&n.net.f.a, str_c(said(&n.net.f, "metadata.uid")));
    uint64_t before = store_revision(kubeapi_store(n.net.f.api));
    struct buf kept = {0}, target = {0};
    buf_add_c(&kept, uid);
    net_close(&n.net);

    kept_open(&n);
    assert_true(store_revision(kubeapi_store(n.net.f.api)) >=
                before + DATASTORE_REVISIONS_RESERVED / 2);
    must(&n.net.f, 200, "GET", CM "/kept", NULL);
    assert_string_equal(said(&n.net.f, "metadata.uid"), buf_c(&kept));
    must(&n.net.f, 200, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin", NULL);
    buf_addf(&target, CM "?watch=1&resourceVersion=%llu", (unsigned long long)before);
    remote_send(&n.net, &r, "GET", buf_c(&target), NULL);
    settle(&n.net.f);
    assert_non_null(strstr(buf_c(&r.text), "410"));
    remote_cancel(&r);
    buf_free(&target);
    buf_free(&kept);
    net_close(&n.net);
    disk_free(&n.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap_is_kept),
        cmocka_unit_test(test_answers_wait),
        cmocka_unit_test(test_watch_starts_between),
        cmocka_unit_test(test_watch_resumes_between),
        cmocka_unit_test(test_failure_acknowledges_nothing),
        cmocka_unit_test(test_second_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
