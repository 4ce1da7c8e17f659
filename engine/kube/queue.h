/* queue: keys to reconcile. A key waits at most once, is worked on by one job at a time (added meanwhile: it runs again
 * afterwards), and after a failure comes back with a jittered exponential back-off of its own.
 *
 *   idle ─► waiting ─► running ─► idle            running + add ─► again ─► waiting
 *             ▲ └─ delayed (back-off, add_after) ─┘
 *
 * Ownership: a job lives until kube_job_done, or until the queue is freed: then `cancelled` of the job is called, in
 *            which its work must be dropped. Keys are copied.
 * Bounds:    at most `workers` jobs run at once. */
#ifndef PADDOCK_ENGINE_KUBE_QUEUE_H
#define PADDOCK_ENGINE_KUBE_QUEUE_H

#include "engine/base/metrics.h"
#include "engine/world/world.h"

#define KUBE_QUEUE_RETRY     (5 * NS_PER_MS)
#define KUBE_QUEUE_RETRY_MAX (30 * NS_PER_S)

struct kube_queue;
struct kube_job;
/* Counted there when they are given: they outlive the queue. */
struct kube_queue_counters {
    int64_t *adds, *retries; /* keys that came to wait; failures that bring one back */
    struct metric_histogram *waits, *works; /* how long keys waited, and were worked on */
};
struct kube_queue_options {
    size_t workers;                      /* 0: 5 */
    world_time retry, retry_max;         /* 0: the constants above */
    struct kube_queue_counters counters; /* all of them, or none */
};
typedef void (*kube_reconcile)(void *owner, struct kube_job *job, struct str key);

struct kube_queue *kube_queue_new(struct world *w, const struct kube_queue_options *options,
                                  kube_reconcile reconcile, void *owner);
void kube_queue_free(struct kube_queue *q);
void kube_queue_add(struct kube_queue *q, struct str key);
/* No sooner than that; an earlier add stands, and of those that a running job makes the soonest. */
void kube_queue_add_after(struct kube_queue *q, struct str key, world_time delay);

struct str kube_job_key(const struct kube_job *job); /* as long as the job */
/* The job's own memory and what to do with it when the queue is freed under it. */
void kube_job_set(struct kube_job *job, void *data, void (*cancelled)(void *data));
/* Exactly once, now or later. failed: retry with back-off; otherwise the key's failures are forgotten. */
void kube_job_done(struct kube_job *job, bool failed);

size_t kube_queue_depth(const struct kube_queue *q); /* waiting and running; not the delayed */
uint64_t kube_queue_runs(const struct kube_queue *q);
uint64_t kube_queue_failures(const struct kube_queue *q);
struct kube_queue_state {
    size_t waiting, running, delayed; /* delayed: they come back later */
    world_time oldest;                /* for how long the first one has waited */
    world_time longest;               /* for how long a job has run */
};
struct kube_queue_state kube_queue_state(const struct kube_queue *q); /* O(keys) */

#endif
