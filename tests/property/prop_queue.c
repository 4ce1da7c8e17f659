/* Goal: under random adds, delays and jobs of random length and outcome no key is lost, none runs twice at once, the
 * workers' bound holds, and every add is followed by a run that began after it.
 * Method: the client process of a lab; a model of each key beside the queue. */
#include "tests/property/support/seed.h"
#include "tests/unit/support/lab.h"

#include "engine/kube/queue.h"

#define KEYS    12u
#define WORKERS 4u

struct key {
    struct kube_job *job; /* NULL: not running */
    world_time added_at;  /* of the oldest add that no run has followed; 0: none */
    world_time
        due; /* the latest time at which that add must have been followed, once no job runs */
};
struct trial {
    struct lab *l;
    struct rng *r;
    struct kube_queue *q;
    struct key keys[KEYS];
    size_t running;
    uint64_t runs;
};

static void reconcile(void *owner, struct kube_job *job, struct str key)
{
    struct trial *t = owner;
    struct key *k = &t->keys[key.p[0] - 'a'];
    assert_null(k->job);
    k->added_at = 0;
    t->runs++;
    if (draw(t->r, 3) == 0) {
        kube_job_done(job, draw(t->r, 4) == 0);
        return;
    }
    k->job = job;
    t->running++;
    assert_in_range(t->running, 1, WORKERS);
}

static void end_one(struct trial *t, size_t i, bool failed)
{
    struct kube_job *job = t->keys[i].job;
    t->keys[i].job = NULL;
    t->running--;
    kube_job_done(job, failed);
}

static void step(struct trial *t)
{
    size_t i = draw(t->r, KEYS);
    char name = (char)('a' + i);
    struct str key = {&name, 1};
    switch (draw(t->r, 4)) {
    case 0:
    case 1:
        kube_queue_add(t->q, key);
        if (!t->keys[i].added_at)
            t->keys[i].added_at = sim_now(t->l->sim) + 1;
        break;
    case 2:
        kube_queue_add_after(t->q, key, (world_time)draw(t->r, 3000) * MS);
        break;
    default:
        if (t->keys[i].job)
            end_one(t, i, draw(t->r, 3) == 0);
    }
}

/* Everything ends well from now on: soon nothing is left, and every add was followed. */
static void settle(struct trial *t)
{
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < KEYS; i++)
            if (t->keys[i].job)
                end_one(t, i, false);
        lab_run(t->l, S);
    }
    assert_int_equal(kube_queue_depth(t->q), 0);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(t->keys[i].added_at, 0);
    assert_int_equal(kube_queue_runs(t->q), t->runs);
}

static void try_seed(struct rng *r)
{
    struct trial t = {.l = lab_new(rng_u64(r)), .r = r};
    struct kube_queue_options o = {.workers = WORKERS};
    t.q = kube_queue_new(lab_world(t.l), &o, reconcile, &t);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 400; i++) {
            step(&t);
            if (draw(r, 3) == 0)
                lab_run(t.l, (world_time)draw(r, 400) * MS);
        }
        settle(&t);
    }
    for (int i = 0; i < 50; i++)
        step(&t);
    kube_queue_free(t.q); /* whatever runs, waits or is put off */
    lab_free(t.l);
}

static void test_model(void **state)
{
    (void)state;
    each_seed(20, try_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
