/* What the files of the cluster controller share. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_CLUSTER_CLUSTER_INTERNAL_H
#define PADDOCK_ENGINE_CONTROLLERS_CLUSTER_CLUSTER_INTERNAL_H

#include "engine/controllers/cluster/cluster.h"

struct cluster_controller {
    struct controller base; /* first */
    struct map removals;    /* cluster id → struct removal */
};

/* One removal as this leader sees it. */
struct removal {
    world_time since; /* first seen */
    uint32_t tries;   /* of the clean-up, failed */
};

/* The first thing that a living cluster lacks. */
void cluster_provision(struct cluster_controller *c, struct kube_job *job,
                       const struct kube_object *cluster);
/* The next step of a removal. */
void cluster_remove(struct cluster_controller *c, struct kube_job *job,
                    const struct kube_object *cluster);
void cluster_removal_forget(struct cluster_controller *c, struct str id);
/* metadata.finalizers with or without ours, as a merge patch that fails on a conflict. */
void cluster_patch_finalizers(struct cluster_controller *c, struct kube_job *job,
                              const struct kube_object *cluster, bool with_ours);

#endif
