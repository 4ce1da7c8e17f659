/* Keys to reconcile: see the states in queue.h. */
#include "engine/kube/queue.h"

#include "engine/base/list.h"
#include "engine/base/map.h"
#include "engine/kube/backoff.h"

struct kube_job {
    struct kube_queue *queue;
    struct str key;      /* owned */
    struct list waiting; /* in queue->waiting while it waits */
    struct world_timer *delay;
    world_time due;   /* of the delay, while it is active */
    world_time since; /* when it came to wait, or was started */
    uint32_t failures;
    bool running, again;
    void *data;
    void (*cancelled)(void *data);
};

struct kube_queue {
    struct world *world;
    struct kube_queue_options options;
    kube_reconcile reconcile;
    void *owner;
    struct map jobs; /* key → struct kube_job *; every key that is not idle or has failed */
    struct list waiting;
    size_t waiting_n, running_n;
    struct world_timer *pump; /* jobs start from the loop, never from inside add */
    uint64_t runs, failed;
    bool pumping, dead; /* freed by a reconcile: it dies when the pump ends */
};

static void pump(void *owner);

struct kube_queue *kube_queue_new(struct world *w, const struct kube_queue_options *options,
                                  kube_reconcile reconcile, void *owner)
{
    BUG_ON(!reconcile, "a queue needs something to do");
    struct kube_queue *q = MEM_NEW(struct kube_queue);
    q->world = w;
    if (options)
        q->options = *options;
    q->options.workers = q->options.workers ? q->options.workers : 5;
    q->options.retry = q->options.retry ? q->options.retry : KUBE_QUEUE_RETRY;
    q->options.retry_max = q->options.retry_max ? q->options.retry_max : KUBE_QUEUE_RETRY_MAX;
    q->reconcile = reconcile;
    q->owner = owner;
    list_init(&q->waiting);
    q->pump = world_timer_new(w, pump, q);
    return q;
}

static void job_release(struct kube_job *job)
{
    list_remove(&job->waiting);
    world_timer_free(job->delay);
    str_free(&job->key);
    mem_free(job);
}

void kube_queue_free(struct kube_queue *q)
{
    if (!q)
        return;
    void *value;
    for (size_t i = 0; map_next(&q->jobs, &i, NULL, &value);) {
        struct kube_job *job = value;
        if (job->running && job->cancelled)
            job->cancelled(job->data);
        job_release(job);
    }
    map_free(&q->jobs);
    world_timer_free(q->pump);
    q->dead = true;
    if (!q->pumping)
        mem_free(q);
}

static void enqueue(struct kube_job *job)
{
    struct kube_queue *q = job->queue;
    BUG_ON(job->running || !list_empty(&job->waiting), "a key waits at most once");
    if (job->delay)
        world_timer_stop(job->delay);
    list_add_tail(&q->waiting, &job->waiting);
    q->waiting_n++;
    job->since = world_now(q->world);
    if (q->options.counters.adds)
        ++*q->options.counters.adds;
    if (!world_timer_active(q->pump))
        world_timer_start(q->pump, 0);
}

static void on_delay(void *owner)
{
    struct kube_job *job = owner;
    if (job->running)
        job->again = true;
    else if (list_empty(&job->waiting))
        enqueue(job);
}

static struct kube_job *job_of(struct kube_queue *q, struct str key)
{
    struct kube_job *job = map_get(&q->jobs, key);
    if (!job) {
        job = MEM_NEW(struct kube_job);
        job->queue = q;
        job->key = str_dup(key);
        list_init(&job->waiting);
        map_put(&q->jobs, key, job);
    }
    return job;
}

void kube_queue_add(struct kube_queue *q, struct str key)
{
    on_delay(job_of(q, key)); /* the delay, if any, is over */
}

static void delay_start(struct kube_job *job, world_time delay)
{
    if (!job->delay)
        job->delay = world_timer_new(job->queue->world, on_delay, job);
    job->due = world_now(job->queue->world) + delay;
    world_timer_start(job->delay, delay);
}

void kube_queue_add_after(struct kube_queue *q, struct str key, world_time delay)
{
    struct kube_job *job = job_of(q, key);
    bool delayed = job->delay && world_timer_active(job->delay);
    /* A running job may ask several times, and the first wish comes true; a back-off is not cut short. */
    bool sooner = delayed && job->running && world_now(q->world) + delay < job->due;
    if (list_empty(&job->waiting) && (!delayed || sooner))
        delay_start(job, delay);
}

static void count_start(const struct kube_queue *q, struct kube_job *job)
{
    world_time now = world_now(q->world);
    if (q->options.counters.waits)
        metric_observe(q->options.counters.waits, now - job->since);
    job->since = now;
}

static void count_end(const struct kube_queue *q, const struct kube_job *job, bool failed)
{
    const struct kube_queue_counters *c = &q->options.counters;
    if (!c->works)
        return;
    metric_observe(c->works, world_now(q->world) - job->since);
    *c->retries += failed;
}

static void pump(void *owner)
{
    struct kube_queue *q = owner;
    q->pumping = true;
    while (!q->dead && !list_empty(&q->waiting) && q->running_n < q->options.workers) {
        struct kube_job *job = container_of(q->waiting.next, struct kube_job, waiting);
        list_remove(&job->waiting);
        q->waiting_n--;
        q->running_n++;
        q->runs++;
        job->running = true;
        count_start(q, job);
        q->reconcile(q->owner, job, job->key);
    }
    q->pumping = false;
    if (q->dead)
        mem_free(q);
}

struct str kube_job_key(const struct kube_job *job)
{
    return job->key;
}

void kube_job_set(struct kube_job *job, void *data, void (*cancelled)(void *data))
{
    job->data = data;
    job->cancelled = cancelled;
}

static bool job_idle(const struct kube_job *job)
{
    return job->failures == 0 && !(job->delay && world_timer_active(job->delay));
}

void kube_job_done(struct kube_job *job, bool failed)
{
    struct kube_queue *q = job->queue;
    BUG_ON(!job->running, "a job ends once");
    job->running = false;
    job->data = NULL;
    job->cancelled = NULL;
    q->running_n--;
    count_end(q, job, failed);
    if (failed) {
        q->failed++;
        delay_start(
            job, kube_backoff(q->world, job->failures++, q->options.retry, q->options.retry_max));
    } else {
        job->failures = 0;
    }
    if (job->again && !failed) {
        job->again = false;
        enqueue(job);
    } else {
        job->again = false; /* after a failure the back-off decides */
        if (job_idle(job)) {
            map_remove(&q->jobs, job->key);
            job_release(job);
        }
    }
    if (!list_empty(&q->waiting) && !world_timer_active(q->pump))
        world_timer_start(q->pump, 0);
}

size_t kube_queue_depth(const struct kube_queue *q)
{
    return q->waiting_n + q->running_n;
}
uint64_t kube_queue_runs(const struct kube_queue *q)
{
    return q->runs;
}
uint64_t kube_queue_failures(const struct kube_queue *q)
{
    return q->failed;
}

struct kube_queue_state kube_queue_state(const struct kube_queue *q)
{
    struct kube_queue_state s = {.waiting = q->waiting_n, .running = q->running_n};
    world_time now = world_now(q->world);
    void *value;
    for (size_t i = 0; map_next(&q->jobs, &i, NULL, &value);) {
        const struct kube_job *job = value;
        bool waits = !list_empty(&job->waiting);
        if (job->running && now - job->since > s.longest)
            s.longest = now - job->since;
        if (waits && now - job->since > s.oldest)
            s.oldest = now - job->since;
        s.delayed += !waits && !job->running && job->delay && world_timer_active(job->delay);
    }
    return s;
}
