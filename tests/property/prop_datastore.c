/* Goal: whatever the power does, a datastore that is opened again holds every batch whose commit returned, perhaps the
 * one batch that was under way as a whole, and nothing of it in part; and revisions never go back.
 * Method: SQLite on a disk that forgets any subset of the sectors that were not synced (support/disk_vfs.h); random
 * batches against a model, power failing at a random write or sync. The seed is printed; PADDOCK_SEED repeats one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/datastore/sqlite.h"
#include "tests/property/support/seed.h"
#include "tests/unit/support/disk_vfs.h"

#include <stdio.h>
#include <string.h>

#define KEYS      60
#define CRASHES   6
#define BATCHES   40
#define BATCH_MAX 12
#ifdef __SANITIZE_ADDRESS__
#define RUNS 8
#else
#define RUNS 40
#endif
#define BYTES_MAX 6000 /* some rows take pages of their own */

struct model {
    uint64_t at[KEYS]; /* revision of the object; 0: absent */
    uint64_t revision;
};

struct lab {
    struct rng rng;
    struct model safe,
        under_way; /* what was acknowledged; and what the last batch would make of it */
    struct datastore *d;
    uint64_t reserved;
};

static void key_of(size_t key, char name[16])
{
    snprintf(name, 16, "n%02zu", key);
}

/* Every byte of an object follows from its key and revision. */
static struct kube_object *object(size_t key, uint64_t revision)
{
    struct buf b = {0};
    struct kube_object *o = NULL;
    buf_addf(&b, "{\"data\":{\"x\":\"");
    for (size_t i = 0; i < (revision * 7919 + key) % BYTES_MAX; i++)
        buf_add_char(&b, (char)('a' + (revision + i) % 26));
    buf_addf(&b,
             "\"},\"kind\":\"X\",\"metadata\":{\"name\":\"n%02zu\",\"namespace\":\"ns\","
             "\"resourceVersion\":\"%llu\"}}",
             key, (unsigned long long)revision);
    assert_null(kube_object_from_canonical(buf_str(&b), &o));
    buf_free(&b);
    return o;
}

static bool matches(const struct model *m, struct store *s)
{
    struct store_table *t = store_table(s, STR("things"));
    for (size_t key = 0; key < KEYS; key++) {
        char name[16];
        key_of(key, name);
        struct kube_object *o = store_get(t, STR("ns"), str_c(name));
        if ((o != NULL) != (m->at[key] != 0))
            return false;
        if (!o)
            continue;
        struct kube_object *want = object(key, m->at[key]);
        bool same = str_eq(want->json, o->json);
        kube_object_unref(want);
        if (!same)
            return false;
    }
    return true;
}

/* Opens it as a server does. False: the power failed on the way. */
static bool reopen(struct lab *l)
{
    struct store *s = store_new(NULL);
    bool found, ok = false;
    struct err *err = datastore_sqlite_open("/data", DISK_VFS_NAME, &l->d);
    if (err) {
        if (!disk_vfs_failed())
            fail_msg("a datastore is not opened again: %s", err->message);
        l->d = NULL;
    } else {
        err = l->d->ops->load(l->d, s, &found);
        ok = !err;
        if (err && !disk_vfs_failed())
            fail_msg("a datastore is not read again: %s", err->message);
    }
    if (ok && !matches(&l->safe, s)) {
        assert_true(matches(&l->under_way, s));
        l->safe = l->under_way;
    }
    if (ok) {
        assert_true(store_revision(s) >= l->safe.revision);
        l->under_way = l->safe;
        l->safe.revision = l->under_way.revision = store_revision(s);
        l->reserved = store_revision(s) + DATASTORE_REVISIONS_RESERVED;
    }
    err_free(err);
    store_free(s);
    return ok;
}

static struct err *commit_some(struct lab *l)
{
    struct datastore_change changes[BATCH_MAX];
    struct kube_object *objects[BATCH_MAX];
    char names[BATCH_MAX][16];
    size_t n = 1 + rng_below(&l->rng, BATCH_MAX);
    l->under_way = l->safe;
    for (size_t i = 0; i < n; i++) {
        struct model *m = &l->under_way;
        size_t key = rng_below(&l->rng, KEYS);
        uint64_t revision = ++m->revision;
        bool delete = m->at[key] != 0 && rng_below(&l->rng, 4) == 0;
        key_of(key, names[i]);
        objects[i] = object(key, revision);
        m->at[key] = delete ? 0 : revision;
        changes[i] = (struct datastore_change){STR("things"), STR("ns"), str_c(names[i]), revision,
                                               delete ? str_empty : objects[i]->json};
    }
    struct datastore_batch b = {changes, n, l->reserved};
    struct err *err = l->d->ops->commit(l->d, &b);
    for (size_t i = 0; i < n; i++)
        kube_object_unref(objects[i]);
    return err;
}

/* Until the power fails. */
static void work(struct lab *l)
{
    for (size_t i = 0; i < BATCHES && l->d; i++) {
        struct err *err = commit_some(l);
        if (!err) {
            l->safe = l->under_way;
            continue;
        }
        assert_true(disk_vfs_failed());
        err_free(err);
        break;
    }
}

static void try_seed(struct rng *r)
{
    uint64_t seed = rng_below(r, UINT64_MAX);
    struct lab l = {.rng = rng_split(seed, STR("lab"))};
    disk_vfs_start(rng_split(seed, STR("disk")));
    l.safe.revision = 1;
    for (size_t i = 0; i <= CRASHES; i++) {
        bool last = i == CRASHES;
        if (!last)
            disk_vfs_fail_after(1 + (unsigned)rng_below(&l.rng, 300));
        if (reopen(&l))
            work(&l);
        if (!last && !disk_vfs_failed())
            disk_vfs_fail_after(0);
        if (l.d)
            l.d->ops->close(l.d);
        l.d = NULL;
        disk_vfs_crash();
    }
    disk_vfs_end();
}

static void test_power_failures(void **state)
{
    each_seed(RUNS, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_power_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
