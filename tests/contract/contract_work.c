/* Goal: CPU work runs, and its callbacks come on the loop, in both worlds.
 * Method: jobs compute a small sum; done and release write down what happened. */
#include "tests/contract/support/contract.h"

#define JOBS 12

struct job {
    struct contract *c;
    struct world_work *work;
    uint64_t n, sum;
    int ran, done, released;
    struct job *other;
};

static void run(void *owner)
{
    struct job *job = owner;
    for (uint64_t i = 1; i <= job->n; i++)
        job->sum += i;
    job->ran++;
}

static void done(void *owner)
{
    struct job *job = owner;
    assert_int_equal(job->ran, 1);
    job->done++;
    job->work = NULL;
}

static void release(void *owner)
{
    struct job *job = owner;
    job->released++;
}

static void jobs_run(struct contract *c)
{
    struct job jobs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.c = c, .n = 1000u * (unsigned)(i + 1)};
        jobs[i].work = world_work(c->client, run, done, &jobs[i]);
        assert_int_equal(jobs[i].done, 0);
    }
    for (int i = 0; i < JOBS; i++) {
        contract_until_flag(c, &jobs[i].done);
        assert_int_equal(jobs[i].sum, jobs[i].n * (jobs[i].n + 1) / 2);
        assert_int_equal(jobs[i].done, 1);
    }
}

static void cancel_is_released_once(struct contract *c)
{
    struct job jobs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.c = c, .n = 1000000};
        jobs[i].work = world_work(c->client, run, done, &jobs[i]);
    }
    for (int i = 0; i < JOBS; i++) {
        world_work_cancel(jobs[i].work, release);
        assert_int_equal(jobs[i].released, 0); /* not from inside the call */
    }
    world_work_cancel(NULL, release);
    for (int i = 0; i < JOBS; i++)
        contract_until_flag(c, &jobs[i].released);
    contract_for(c, 20 * NS_PER_MS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].released, 1);
        assert_int_equal(jobs[i].done, 0);
        assert_true(jobs[i].ran <= 1);
    }
}

static void cancel_other(void *owner)
{
    struct job *job = owner;
    job->done++;
    if (job->other->work)
        world_work_cancel(job->other->work, release);
    job->other->work = NULL;
}

static void cancel_inside_done(struct contract *c)
{
    struct job late = {.c = c, .n = 20000000};
    struct job first = {.c = c, .n = 1, .other = &late};
    first.work = world_work(c->client, run, cancel_other, &first);
    late.work = world_work(c->client, run, done, &late);
    contract_until_flag(c, &first.done);
    if (!late.done)
        contract_until_flag(c, &late.released);
    assert_int_equal(late.done + late.released, 1);
}

static void start_inside_done_again(void *owner)
{
    struct job *job = owner;
    if (++job->done < 3) {
        job->ran = 0;
        job->work = world_work(job->c->client, run, start_inside_done_again, job);
    }
}

static bool three(void *owner)
{
    return ((struct job *)owner)->done == 3;
}

static void start_inside_done(struct contract *c)
{
    struct job job = {.c = c, .n = 10};
    job.work = world_work(c->client, run, start_inside_done_again, &job);
    contract_until(c, three, &job);
    assert_int_equal(job.sum, 3 * 55);
}

static const struct contract_case cases[] = {
    {"jobs run", jobs_run},
    {"cancel is released once", cancel_is_released_once},
    {"cancel inside done", cancel_inside_done},
    {"start inside done", start_inside_done},
};

CONTRACT_MAIN("work", cases)
