/* Goal: each key waits at most once, runs one job at a time, runs again when it was added meanwhile, comes back after a
 * failure with a growing, jittered pause of its own, and everything may end at any moment.
 * Method: the client process of a lab; jobs that end at once, later or never, and a journal of what ran when. */
#include "tests/unit/support/lab.h"

#include "engine/kube/queue.h"

struct bench {
    struct lab *l;
    struct kube_queue *q;
    struct buf journal; /* "a@0 b@5 " */
    struct kube_job *jobs[16];
    size_t jobs_n;
    bool hold, failing, free_inside, add_inside;
    int cancelled;
    world_time last;
};

static void on_cancelled(void *data)
{
    ((struct bench *)data)->cancelled++;
}

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct bench *b = owner;
    b->last = sim_now(b->l->sim);
    buf_addf(&b->journal, STR_FMT " ", STR_ARG(key));
    kube_job_set(job, b, on_cancelled);
    if (b->add_inside) {
        b->add_inside = false;
        kube_queue_add(b->q, key);
        kube_queue_add(b->q, key);
        kube_queue_add(b->q, STR("other"));
    }
    if (b->free_inside) {
        kube_queue_free(b->q);
        b->q = NULL;
    } else if (b->hold) {
        b->jobs[b->jobs_n++] = job;
    } else {
        kube_job_done(job, b->failing);
    }
}

static void open_bench(struct bench *b, size_t workers)
{
    *b = (struct bench){.l = lab_new(1)};
    struct kube_queue_options o = {.workers = workers};
    b->q = kube_queue_new(lab_world(b->l), &o, reconcile, b);
}
static void close_bench(struct bench *b)
{
    kube_queue_free(b->q);
    buf_free(&b->journal);
    lab_free(b->l);
}
static void add(struct bench *b, const char *keys)
{
    for (; *keys; keys++)
        kube_queue_add(b->q, (struct str){keys, 1});
}
static void check_ran(struct bench *b, const char *journal)
{
    check_str(buf_str(&b->journal), journal);
    buf_clear(&b->journal);
}

static void test_once_each(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 2);
    add(&b, "abacab");
    assert_int_equal(kube_queue_depth(b.q), 3);
    check_ran(&b, ""); /* never from inside add */
    lab_run(b.l, MS);
    check_ran(&b, "a b c ");
    assert_int_equal(kube_queue_depth(b.q), 0);
    assert_int_equal(kube_queue_runs(b.q), 3);
    lab_run(b.l, 60 * S);
    check_ran(&b, "");
    close_bench(&b);
}

static void test_again_while_running(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 5);
    b.hold = true;
    add(&b, "a");
    lab_run(b.l, MS);
    add(&b, "aaa");
    lab_run(b.l, S);
    check_ran(&b, "a "); /* one job of a key at a time */
    b.hold = false;
    kube_job_done(b.jobs[0], false);
    lab_run(b.l, S);
    check_ran(&b, "a ");
    b.add_inside = true;
    add(&b, "x");
    lab_run(b.l, S);
    check_ran(&b, "x other x ");
    close_bench(&b);
}

static void test_workers(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 3);
    b.hold = true;
    add(&b, "abcde");
    lab_run(b.l, S);
    check_ran(&b, "a b c ");
    assert_int_equal(kube_queue_depth(b.q), 5);
    kube_job_done(b.jobs[1], false);
    lab_run(b.l, S);
    check_ran(&b, "d ");
    kube_job_done(b.jobs[0], true); /* a failure frees its place as well */
    lab_run(b.l, MS);
    check_ran(&b, "e ");
    close_bench(&b);
    assert_int_equal(b.cancelled, 3);
}

static world_time next_run(struct bench *b)
{
    world_time from = b->last;
    for (int i = 0; b->last == from && i < 2000000; i++)
        if (!sim_step(b->l->sim))
            break;
    return b->last - from;
}

static void test_back_off(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 1);
    b.failing = true;
    add(&b, "a");
    lab_run(b.l, MS / 10);
    world_time top = KUBE_QUEUE_RETRY;
    bool jittered = false;
    for (int i = 0; i < 16; i++) {
        world_time pause = next_run(&b);
        assert_in_range(pause, top / 2, top);
        jittered = jittered || (pause != top / 2 && pause != top);
        top = top * 2 < KUBE_QUEUE_RETRY_MAX ? top * 2 : KUBE_QUEUE_RETRY_MAX;
    }
    assert_true(jittered);
    assert_int_equal(kube_queue_failures(b.q), 17);
    /* An add does not wait for the pause; success forgets the failures. */
    b.failing = false;
    buf_clear(&b.journal);
    add(&b, "a");
    lab_run(b.l, MS);
    check_ran(&b, "a ");
    lab_run(b.l, 60 * S);
    check_ran(&b, ""); /* the pause was dropped with it */
    b.failing = true;
    add(&b, "a");
    lab_run(b.l, MS);
    assert_in_range(next_run(&b), KUBE_QUEUE_RETRY / 2, KUBE_QUEUE_RETRY);
    close_bench(&b);
}

/* Added while it runs and then fails: the back-off decides, not the add. */
static void test_failure_beats_again(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 1);
    b.hold = true;
    add(&b, "a");
    lab_run(b.l, MS);
    add(&b, "a");
    world_time from = sim_now(b.l->sim);
    kube_job_done(b.jobs[0], true);
    b.hold = false;
    lab_run(b.l, S);
    check_ran(&b, "a a ");
    assert_in_range(b.last - from, KUBE_QUEUE_RETRY / 2, KUBE_QUEUE_RETRY);
    close_bench(&b);
}

static void test_add_after(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 1);
    kube_queue_add_after(b.q, STR("a"), 10 * S);
    kube_queue_add_after(b.q, STR("a"), 5 * S); /* an earlier one stands */
    assert_int_equal(kube_queue_depth(b.q), 0);
    lab_run(b.l, 9 * S);
    check_ran(&b, "");
    lab_run(b.l, S);
    check_ran(&b, "a ");
    kube_queue_add_after(b.q, STR("a"), 10 * S);
    add(&b, "a"); /* now, and not again later */
    lab_run(b.l, 20 * S);
    check_ran(&b, "a ");
    b.hold = true;
    add(&b, "a");
    lab_run(b.l, S);
    kube_queue_add_after(b.q, STR("a"), S); /* while it runs */
    lab_run(b.l, 5 * S);
    check_ran(&b, "a ");
    b.hold = false;
    kube_job_done(b.jobs[0], false);
    lab_run(b.l, S);
    check_ran(&b, "a ");
    close_bench(&b);
}

static void test_freeing(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 2);
    b.hold = true;
    add(&b, "abc");
    kube_queue_add_after(b.q, STR("d"), S);
    lab_run(b.l, MS);
    close_bench(&b); /* two run, one waits, one is delayed */
    assert_int_equal(b.cancelled, 2);
    open_bench(&b, 2);
    add(&b, "abc");
    b.free_inside = true;
    lab_run(b.l, S);
    check_ran(&b, "a ");
    assert_int_equal(b.cancelled, 1);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_each),
        cmocka_unit_test(test_again_while_running),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_failure_beats_again),
        cmocka_unit_test(test_add_after),
        cmocka_unit_test(test_freeing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
