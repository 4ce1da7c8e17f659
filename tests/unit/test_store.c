/* Goal: the store's contracts that the property test does not see: nested writes, watches that come and go inside
 * callbacks, event lines, the owners' index, cheap snapshots.
 * Method: small hand-made sequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kubeapi/store/store.h"

#include <string.h>

static struct kube_object *object(const char *ns, const char *name, uint64_t revision,
                                  const char *owner)
{
    struct buf b = {0};
    struct kube_object *o = NULL;
    buf_addf(&b, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"", name, ns);
    if (owner)
        buf_addf(&b, ",\"ownerReferences\":[{\"uid\":\"%s\"}]", owner);
    buf_addf(&b, ",\"resourceVersion\":\"%llu\",\"uid\":\"%s\"}}", (unsigned long long)revision,
             name);
    assert_null(kube_object_from_canonical(buf_str(&b), &o));
    buf_free(&b);
    return o;
}

static struct store *store_with(size_t events)
{
    struct store_options options = {.events_max = events};
    return store_new(&options);
}

static void a_store_without_options_has_the_default_history(void **state)
{
    struct store *s = store_new(NULL);
    struct store_table *t = store_table(s, STR("t"));
    store_put(t, object("d", "a", store_revision(s) + 1, NULL));
    assert_int_equal(store_count(t), 1);
    assert_int_equal(store_compacted(s), 1);
    store_free(s);
}

static void put(struct store_table *t, const char *name, const char *owner)
{
    store_put(t, object("d", name, store_revision(store_of(t)) + 1, owner));
}

struct tape {
    struct store_table *t;
    uint64_t revisions[16];
    size_t n;
    struct store_watch *victim, *self;
    const char *write; /* written from within the callback, once */
};

static void record(void *owner, struct store_event *e)
{
    struct tape *tape = owner;
    tape->revisions[tape->n++] = e->revision;
    if (tape->write) {
        const char *name = tape->write;
        tape->write = NULL;
        put(tape->t, name, NULL);
    }
    if (tape->victim) {
        store_watch_stop(tape->victim);
        tape->victim = NULL;
    }
}

static void nested_writes_are_delivered_in_order(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct tape first = {.t = t, .write = "nested"}, second = {.t = t};
    store_watch_start(t, str_empty, record, &first);
    store_watch_start(t, STR("d"), record, &second);
    put(t, "a", NULL);
    assert_int_equal(first.n, 2);
    assert_int_equal(second.n, 2);
    assert_memory_equal(first.revisions, second.revisions, 2 * sizeof(uint64_t));
    assert_true(first.revisions[0] < first.revisions[1]);
    store_free(s);
}

static void a_nested_burst_may_overrun_the_ring(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct tape tape = {.t = t, .write = "x"};
    store_watch_start(t, str_empty, record, &tape);
    for (int i = 0; i < 4; i++)
        put(t, "a", NULL);
    assert_int_equal(tape.n, 5);
    store_free(s);
}

static void watches_stop_inside_callbacks(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct tape first = {.t = t}, second = {.t = t}, third = {.t = t};
    store_watch_start(t, str_empty, record, &first);
    struct store_watch *b = store_watch_start(t, str_empty, record, &second);
    store_watch_start(t, str_empty, record, &third);
    first.victim = b;
    put(t, "a", NULL);
    put(t, "a", NULL);
    assert_int_equal(first.n, 2);
    assert_int_equal(second.n, 0);
    assert_int_equal(third.n, 2);
    store_free(s);
}

static void begin(void *owner, struct store_event *e)
{
    struct tape *tape = owner;
    (void)e;
    if (!tape->self)
        tape->self = store_watch_start(tape->t, str_empty, record, tape);
}

/* Who begins while an event is told has read what it is about already. */
static void a_watch_begins_after_what_it_knows(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct tape late = {.t = t};
    store_watch_start(t, str_empty, begin, &late);
    put(t, "a", NULL);
    assert_non_null(late.self);
    assert_int_equal(late.n, 0);
    put(t, "b", NULL);
    assert_int_equal(late.n, 1);
    assert_int_equal(late.revisions[0], store_revision(s));
    store_free(s);
}

static void written(void *owner, struct store_event *e)
{
    *(uint64_t *)owner = e->revision;
}

/* With a journal a watch that begins behind a write and before its commit is told of it then; one that begins behind the
 * commit is not. */
static void a_watch_begins_before_a_commit(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct tape before = {.t = t}, behind = {.t = t};
    uint64_t journal = 0;
    store_journal(s, written, &journal);
    put(t, "a", NULL);
    store_watch_start(t, str_empty, record, &before);
    assert_int_equal(before.n, 0);
    assert_true(store_release(s, journal));
    assert_int_equal(before.n, 1);
    assert_int_equal(before.revisions[0], journal);
    store_watch_start(t, str_empty, record, &behind);
    put(t, "b", NULL);
    assert_true(store_release(s, journal));
    assert_int_equal(before.n, 2);
    assert_int_equal(behind.n, 1);
    assert_int_equal(behind.revisions[0], journal);
    store_free(s);
}

static void unrelated_watchers_see_nothing(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs")), *u = store_table(s, STR("ys"));
    struct tape other_ns = {.t = t}, other_table = {.t = u};
    store_watch_start(t, STR("e"), record, &other_ns);
    store_watch_start(u, str_empty, record, &other_table);
    put(t, "a", NULL);
    assert_int_equal(other_ns.n + other_table.n, 0);
    store_free(s);
}

static bool last_event(void *owner, struct store_event *e)
{
    *(struct store_event **)owner = e;
    return true;
}

static void lines_are_encoded_once(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    struct store_event *e = NULL;
    put(t, "a", NULL);
    put(t, "a", NULL);
    assert_true(store_replay(t, store_revision(s) - 1, last_event, &e));
    struct str line = store_event_line(e, STORE_MODIFIED);
    assert_ptr_equal(store_event_line(e, STORE_MODIFIED).p, line.p);
    static const char want[] = "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\","
                               "\"namespace\":\"d\",\"resourceVersion\":\"3\",\"uid\":\"a\"}}}\n";
    assert_int_equal(line.n, strlen(want));
    assert_memory_equal(line.p, want, line.n);
    /* Leaving a selection shows the state before, under the new revision. */
    static const char left[] = "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\","
                               "\"namespace\":\"d\",\"resourceVersion\":\"3\",\"uid\":\"a\"}}}\n";
    line = store_event_line(e, STORE_DELETED);
    assert_int_equal(line.n, strlen(left));
    assert_memory_equal(line.p, left, line.n);
    store_free(s);
}

static void dependents_follow_their_objects(void **state)
{
    struct store *s = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    size_t n;
    put(t, "a", "o");
    put(t, "b", "o");
    const struct store_dependent *d = store_dependents(s, STR("o"), &n);
    assert_int_equal(n, 2);
    assert_int_equal(d[0].object->name.p[0], 'a');
    put(t, "a", "o");
    d = store_dependents(s, STR("o"), &n);
    assert_int_equal(n, 2);
    assert_int_equal(d[0].object->resource_version, store_revision(s));
    put(t, "a", "p");
    (void)store_dependents(s, STR("p"), &n);
    assert_int_equal(n, 1);
    put(t, "a", NULL);
    (void)store_dependents(s, STR("p"), &n);
    assert_int_equal(n, 0);
    d = store_dependents(s, STR("o"), &n);
    assert_int_equal(n, 1);
    assert_int_equal(d[0].object->name.p[0], 'b');
    store_delete(t, object("d", "b", store_revision(s) + 1, "o"));
    (void)store_dependents(s, STR("o"), &n);
    assert_int_equal(n, 0);
    store_free(s);
}

static void a_snapshot_shares_until_written(void **state)
{
    struct store *s = store_with(64), *copy = store_with(64);
    struct store_table *t = store_table(s, STR("xs"));
    put(t, "a", NULL);
    put(t, "b", NULL);
    struct store_snapshot *snapshot = store_snapshot_take(s);
    store_restore(copy, snapshot);
    struct store_table *u = store_table(copy, STR("xs"));
    assert_ptr_equal(store_get(t, STR("d"), STR("a")), store_get(u, STR("d"), STR("a")));
    put(u, "a", NULL);
    assert_ptr_not_equal(store_get(t, STR("d"), STR("a")), store_get(u, STR("d"), STR("a")));
    assert_ptr_equal(store_get(t, STR("d"), STR("b")), store_get(u, STR("d"), STR("b")));
    store_free(s);
    store_restore(copy, snapshot);
    assert_int_equal(store_get(u, STR("d"), STR("a"))->resource_version, 2);
    store_snapshot_free(snapshot);
    store_free(copy);
}

static void key_order_is_that_of_paths(void **state)
{
    assert_true(store_key_cmp(STR("a-b"), STR("x"), STR("a"), STR("x")) < 0);
    assert_true(store_key_cmp(STR("a"), STR("x"), STR("a0"), STR("x")) < 0);
    assert_true(store_key_cmp(STR("a"), STR("x"), STR("a"), STR("y")) < 0);
    assert_true(store_key_cmp(str_empty, STR("x"), str_empty, STR("x")) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_without_options_has_the_default_history),
        cmocka_unit_test(nested_writes_are_delivered_in_order),
        cmocka_unit_test(a_nested_burst_may_overrun_the_ring),
        cmocka_unit_test(watches_stop_inside_callbacks),
        cmocka_unit_test(a_watch_begins_after_what_it_knows),
        cmocka_unit_test(a_watch_begins_before_a_commit),
        cmocka_unit_test(unrelated_watchers_see_nothing),
        cmocka_unit_test(lines_are_encoded_once),
        cmocka_unit_test(dependents_follow_their_objects),
        cmocka_unit_test(a_snapshot_shares_until_written),
        cmocka_unit_test(key_order_is_that_of_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
