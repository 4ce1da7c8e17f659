/* job: what the files of the job controller share: one Job and its pods during a sync. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_JOB_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_JOB_H

#include "sim/kubeapi/controllers/ctl.h"

#define JOB_COMPONENT "job-controller"
#define JOB_TRACKING  "batch.kubernetes.io/job-tracking"
#define JOB_INDEX     "batch.kubernetes.io/job-completion-index"

struct job {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree, *status; /* status: what is to be written */
    struct ctl_list pods;
    int64_t parallelism, completions, backoff_limit; /* completions -1: not given */
    bool indexed, suspended, only_failed; /* only_failed: pods on their way out are still there */
    int64_t active, ready, ending, succeeded, failed;
    world_time last_failure; /* -1: none */
    unsigned char *done;     /* indexed, by index: it has succeeded */
    struct ctl_list count;   /* finished pods that are counted with this sync */
    world_time again;
};

bool job_finished(const cJSON *status); /* Complete or Failed */
/* indexes.c */
int64_t job_index_of(const struct kube_object *pod); /* -1: none */
void job_read_indexes(struct job *j);                /* of status.completedIndexes */
void job_write_indexes(struct job *j);
/* A pod of the template; index -1: none. */
cJSON *job_pod(struct job *j, int64_t index);

#endif
