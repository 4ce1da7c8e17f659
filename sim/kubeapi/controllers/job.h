/* job: what the files of the job controller share: one Job and its pods during a sync.
 *
 * A pod is counted once, when it has ended (or, where terminating pods are replaced, is on its way out): while it has the
 * finalizer job-tracking it is not. With a back-off limit per index its annotation says how many of the same index failed
 * before it. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_JOB_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_JOB_H

#include "sim/kubeapi/controllers/ctl.h"

#define JOB_COMPONENT   "job-controller"
#define JOB_TRACKING    "batch.kubernetes.io/job-tracking"
#define JOB_INDEX       "batch.kubernetes.io/job-completion-index"
#define JOB_FAILURES    "batch.kubernetes.io/job-index-failure-count"
#define JOB_IGNORED     "batch.kubernetes.io/job-index-ignored-failure-count"

#define JOB_INDEXES_MAX 100000

/* What is known of one index. */
struct job_index {
    bool done, failed;         /* failed: for good */
    int64_t failures, ignored; /* of the pods that there were */
    world_time last_failure;   /* -1: none */
};

/* What a rule makes of a failed pod. */
enum job_action { JOB_COUNT, JOB_IGNORE, JOB_FAIL_INDEX, JOB_FAIL };

struct job {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree, *status; /* status: what is to be written */
    struct ctl_list pods;
    int64_t parallelism, completions, backoff_limit; /* completions -1: not given */
    bool indexed, suspended, only_failed; /* only_failed: pods on their way out are still there */
    int64_t active, ready, ending, succeeded, failed;
    world_time last_failure;    /* -1: none */
    struct job_index *index;    /* indexed: completions, JOB_INDEXES_MAX at most; else NULL */
    int64_t indexes, per_index; /* per_index: the back-off limit of each; -1: none */
    int64_t failed_indexes;
    struct str fail;       /* the words of the rule that fails the Job; empty: none did */
    bool met;              /* it has succeeded: pods that go now are no failures */
    struct ctl_list count; /* finished pods that are counted with this sync */
    world_time again;
};

bool job_finished(const cJSON *status); /* Complete or Failed */
/* job_pods.c */
int64_t job_index_of(const struct kube_object *pod); /* -1: none */
void job_read_indexes(struct job *j);                /* of status */
void job_write_indexes(struct job *j);
/* Calls for each index of a list ("0-2,4"); returns how many. */
int64_t job_each_index(const struct job *j, struct str text,
                       void (*found)(struct job_index *index, int64_t *sum), int64_t *sum);
/* A pod of the template; index -1: none. */
cJSON *job_pod(struct job *j, int64_t index);

/* job_rules.c */
/* By podFailurePolicy; *why: the words of a rule that fails the Job. */
enum job_action job_failure_action(struct job *j, const struct kube_object *pod, struct str *why);
/* By successPolicy; *why: which rule. */
bool job_success_rule(struct job *j, struct str *why);

#endif
