/* preempt: room for a pod that fits nowhere, where pods of lower priority stand.
 *
 *   each node: all of lower priority away ─► does it fit? ─► the more important ones come back while it still fits
 *   ─► what is left are the victims ─► the node whose victims matter least
 *
 * Budgets of disruption are kept where that can be. Nothing is changed here but by preempt_evict. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_PREEMPT_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_PREEMPT_H

#include "sim/kubeapi/controllers/fit.h"

struct victim {
    struct kube_object *pod;
    int64_t priority;
    world_time started;
    struct fit_amounts amounts;
    bool breaks; /* a budget */
    bool stays;
};
struct preemption {
    const struct kube_object *node;
    struct victim *at;
    size_t n;
    int64_t broken, highest, sum; /* budgets; priorities */
    world_time started;           /* of the most important victim */
};

int64_t pod_priority(const struct kube_object *pod);
/* Why preemption is not even tried; NULL: it may be. */
const char *preempt_excluded(struct ctl *c, const struct kube_object *pod);
/* False: there is no node where it would help. others: as in topology_question. */
bool preempt_choose(struct ctl *c, const struct kube_object *pod, const struct fit_question *q,
                    const struct ctl_list *nodes, bool others, struct preemption *out);
void preempt_evict(struct ctl *c, const struct kube_object *by, const struct preemption *p);

#endif
