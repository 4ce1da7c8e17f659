/* controller: what every controller of the leader has: a queue of keys, the API calls of its running jobs, counters.
 *
 *   informer change ─► queue ─► reconcile(job, key) ─► controller_call ─► its `done` ─► controller_done
 *                                        └─ nothing to do ─────────────────────────────────┘
 *
 * A controller is a struct whose first member is a struct controller. Its start registers it with the caches that it
 * follows and enqueues what is there already; its stop is controller_end and then what is its own. A job has at most one
 * call open; a call that is answered leaves the job to its `done`, which ends it or makes the next call.
 * Ownership: a key is borrowed from its job, also the one that `done` gets: objects of the caches may be gone by then.
 *            Stopping drops running jobs and their calls without callbacks. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_CONTROLLER_H
#define PADDOCK_ENGINE_CONTROLLERS_CONTROLLER_H

#include "engine/base/list.h"
#include "engine/controllers/controllers.h"
#include "engine/kube/queue.h"

struct controller {
    struct controllers_options options;
    struct log log;
    struct kube_queue *queue;
    struct list calls;              /* open ones */
    int64_t *reconciles, *failures; /* paddock_controller_{reconciles,failures}_total */
};

struct controller_class {
    const char *name;
    struct controller *(*start)(const struct controllers_options *options);
    void (*stop)(struct controller *c);
};

#define CONTROLLER_WORKERS 20u
#define CONTROLLER_CONFIRM (30 * NS_PER_S) /* after a write its key is looked at again */

/* name lives as long as the controller. */
void controller_begin(struct controller *c, const char *name,
                      const struct controllers_options *options, kube_reconcile reconcile);
/* Leaves the caches and the downstreams, and frees the queue. */
void controller_end(struct controller *c);
/* Once per reconcile, instead of kube_job_done: counts. */
void controller_done(struct controller *c, struct kube_job *job, bool failed);

typedef void (*controller_answer)(struct controller *c, struct kube_job *job, struct str key,
                                  const struct kube_answer *answer);
struct controller_call {
    struct kube_job *job;
    struct str downstream; /* the cluster whose API is called; empty: the local one */
    enum kube_verb verb;
    struct kube_target target;
    struct str body;
    controller_answer done;
};
#define CONTROLLER_DOWNSTREAM_TIMEOUT (10 * NS_PER_S)
/* Where the cluster cannot be reached the job ends as failed, now. */
void controller_call(struct controller *c, const struct controller_call *call);
/* controller_call with a tree as the body. */
void controller_call_tree(struct controller *c, const struct controller_call *call,
                          const cJSON *body);
/* A `done` for writes after which nothing follows: the change that they make brings the key back, and if it does not,
 * CONTROLLER_CONFIRM does. */
void controller_written(struct controller *c, struct kube_job *job, struct str key,
                        const struct kube_answer *answer);

/* A setting's value, or its default. Lives in the arena. */
struct str controller_setting(const struct controller *c, struct arena *a, const char *name);
/* Makes it, or changes its value; ends the job. */
void controller_write_setting(struct controller *c, struct kube_job *job, const char *name,
                              bool exists, struct str value);
/* Clusters that are not ours to manage: the local one. */
bool cluster_is_internal(const struct kube_object *cluster);
/* Puts every object's key of a cache into the queue. */
void controller_enqueue_all(struct controller *c, const struct kube_informer *cache);

#endif
