/* deployment: what the files of the deployment controller share: one Deployment and its ReplicaSets during a sync.
 *
 *   new template ─► new ReplicaSet ─► it grows by what maxSurge allows ─► old ones shrink by what maxUnavailable allows ─► ...
 *   Recreate:        old ones to nothing ─► their pods gone ─► the new one at full size */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_DEPLOYMENT_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_DEPLOYMENT_H

#include "sim/kubeapi/controllers/ctl.h"

#define DEPLOYMENT_COMPONENT "deployment-controller"
#define REVISION             "deployment.kubernetes.io/revision"
#define REVISION_HISTORY     "deployment.kubernetes.io/revision-history"
#define DEPLOYMENT_ROLLBACK  "deprecated.deployment.rollback.to"
#define DESIRED              "deployment.kubernetes.io/desired-replicas"
#define MAX_REPLICAS         "deployment.kubernetes.io/max-replicas"

struct rs {
    struct kube_object *o;
    int64_t replicas, has, ready, available; /* replicas: wanted */
    int64_t revision;
    world_time created;
};

struct deployment {
    struct ctl *c;
    struct kube_object *o;
    cJSON *tree;
    int64_t replicas, surge, unavailable, min_ready_s;
    bool rolling, paused;
    struct rs *sets; /* oldest first */
    size_t sets_n;
    struct rs *fresh; /* the one of the present template, or NULL */
    bool stopped;     /* the new set was refused, or waits */
    bool lost; /* something was changed under our hands: the sync ends, an event brings us back */
};

/* deployment_sets.c */
void rs_read(struct rs *s, struct kube_object *o);
/* A set's tree gets an annotation; true: it was another. */
bool rs_set_annotation(struct ctl *c, cJSON *tree, const char *key, struct str value);
bool rs_set_number(struct ctl *c, cJSON *tree, const char *key, int64_t v);
/* The tree instead of the set; false: it was changed under our hands. */
bool rs_replace(struct deployment *d, struct rs *s, cJSON *tree);
int64_t deployment_wanted(const struct deployment *d); /* sum of what the sets want */
int64_t deployment_new_size(const struct deployment *d, int64_t now);
/* The set gets this size and the annotations that go with it; true: its size changed. */
bool deployment_resize(struct deployment *d, struct rs *s, int64_t size);

/* deployment_roll.c */
bool deployment_is_scaling(const struct deployment *d);
void deployment_scale(struct deployment *d); /* the sizes follow spec.replicas in proportion */
void deployment_roll(struct deployment *d);
void deployment_recreate(struct deployment *d);
void deployment_trim_history(struct deployment *d);

/* deployment_rollback.c: true: it was asked for, and the sync ends with that. */
bool deployment_rollback(struct deployment *d);

/* deployment_status.c */
bool deployment_complete(const struct deployment *d);
void deployment_write_status(struct deployment *d, bool rolling_out);
/* Says that it is paused, resumed, or that a set was made; false: nothing changed. */
bool deployment_progress(struct deployment *d, const char *value, const char *reason,
                         struct str message);

#endif
