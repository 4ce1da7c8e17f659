/* topology: where a pod may stand by where other pods stand: affinity, anti-affinity (its own, and that of the others) and
 * spread constraints.
 *
 *   pod ─► terms ─► for each term: how many matching pods stand at each value of its key ─► what a node's value says
 *
 * Made for one attempt to place one pod; NULL when there is nothing to mind, which costs nothing. Of what is only
 * preferred, a node has a score. Not minded: keys of labels that are to match or mismatch in affinity terms. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_TOPOLOGY_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_TOPOLOGY_H

#include "sim/kubeapi/controllers/ctl.h"

#define TOPOLOGY_TERMS_MAX 64u

struct topology;
struct topology_question {
    const struct kube_object *pod;
    const cJSON *spec; /* of the pod */
    const struct ctl_list *nodes;
    bool others; /* pods with anti-affinity of their own stand somewhere */
    /* Pods to leave out, as if they were gone; NULL: none. */
    bool (*gone)(const void *arg, const struct kube_object *pod);
    const void *arg;
};
/* May be NULL. Free it before the sync ends. */
struct topology *topology_new(struct ctl *c, const struct topology_question *q);
void topology_free(struct topology *t); /* NULL is fine */
/* Why the pod may not stand on the node; NULL: it may. *final: no pod's end would change that. */
const char *topology_refuses(const struct topology *t, const struct kube_object *node, bool *final);
int64_t topology_score(const struct topology *t, const struct kube_object *node);
bool topology_shies(const struct kube_object *pod); /* it has anti-affinity */

#endif
