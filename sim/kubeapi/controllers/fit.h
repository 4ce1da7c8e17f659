/* fit: does a pod fit a node? Node selectors and affinity, taints, amounts. And why not. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_FIT_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_FIT_H

#include "sim/kubeapi/controllers/ctl.h"

enum { FIT_CPU, FIT_MEMORY, FIT_STORAGE, FIT_AMOUNTS };
struct fit_amounts {
    int64_t n[FIT_AMOUNTS]; /* thousandths of cores, bytes, bytes */
};
struct node_use {
    int64_t pods;
    struct fit_amounts amounts;
};

#define FIT_REASONS_MAX 16u
struct fit_reasons {
    struct {
        struct str text; /* in the arena of the sync */
        size_t n;
    } at[FIT_REASONS_MAX];
    size_t n;
    bool amounts; /* an amount was short somewhere */
};

void fit_amounts(const cJSON *pod_spec, struct fit_amounts *out);
/* Counts the reason against it, if any. */
bool fit_node(struct ctl *c, const cJSON *pod_spec, const struct fit_amounts *wanted,
              const struct kube_object *node, const cJSON *node_tree, const struct node_use *use,
              struct fit_reasons *reasons);
void fit_write_reasons(const struct fit_reasons *r, struct buf *out);
bool fit_preemption_helps(const struct fit_reasons *r);

#endif
