/* fit: does a pod fit a node? Node selectors and affinity, taints, amounts, other pods. And why not. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_FIT_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_FIT_H

#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/controllers/ports.h"

/* From FIT_OTHER on: extended resources and huge pages, in the order in which a server first heard of them; what comes after
 * those that have room here is not minded. */
enum { FIT_CPU, FIT_MEMORY, FIT_STORAGE, FIT_OTHER, FIT_AMOUNTS = FIT_OTHER + 9 };
struct fit_amounts {
    int64_t n[FIT_AMOUNTS]; /* thousandths of cores, bytes, bytes, and what they are counted in */
};
struct fit_names {
    struct str at[FIT_AMOUNTS - FIT_OTHER]; /* owned */
    size_t n;
};
struct node_use {
    int64_t pods;
    struct fit_amounts amounts;
    struct port_holder *ports;
};

#define FIT_REASONS_MAX 16u
struct fit_reasons {
    struct {
        struct str text; /* in the arena of the sync */
        size_t n;
    } at[FIT_REASONS_MAX];
    size_t n;
    size_t nodes, helpless; /* that do not fit; of them: whatever pods went */
};
struct topology;
struct fit_question {
    const cJSON *spec; /* of the pod */
    struct fit_amounts wanted;
    struct ports_question ports;
    const struct topology *topology; /* NULL: nothing to mind */
};

void fit_amounts(struct fit_names *names, const cJSON *pod_spec, struct fit_amounts *out);
struct fit_names *fit_names(struct ctl *c);
/* Counts the reason against it, if any. */
bool fit_node(struct ctl *c, const struct fit_question *q, const struct kube_object *node,
              const cJSON *node_tree, const struct node_use *use, struct fit_reasons *reasons);
/* What is used of a node, and what pods that are to go there and matter no less than this one will use (scheduler.c). */
void fit_use(struct ctl *c, struct str node, const struct kube_object *pod, struct node_use *out);
void fit_write_reasons(const struct fit_reasons *r, struct buf *out);
void fit_write_helpless(const struct fit_reasons *r, struct buf *out); /* why no room can be made */
bool fit_selects(const cJSON *pod_spec, const struct kube_object *node);
bool fit_tolerates(const cJSON *pod_spec, const cJSON *node_tree);
/* How much the pod would like the node, by preferred terms and taints. */
int64_t fit_score(const struct fit_question *q, const struct kube_object *node,
                  const cJSON *node_tree);

#endif
