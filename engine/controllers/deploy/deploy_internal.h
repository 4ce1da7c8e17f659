/* What the files of the deployer share. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DEPLOY_INTERNAL_H
#define PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DEPLOY_INTERNAL_H

#include "engine/controllers/deploy/deploy.h"
#include "engine/controllers/deploy/desired.h"
#include "engine/kube/conditions.h"
#include "engine/kube/management.h"

/* What this leader knows of one cluster beside its objects. */
struct agent {
    struct desired *run;      /* an application under way; NULL: none */
    struct cJSON *deployment; /* in its arena: the live one; NULL: there is none */
    size_t next;              /* in run->objects */
    bool rolls;               /* the Deployment was to be changed */
    world_time rollout_since; /* 0: none is watched */
    world_time repeat_at;     /* offline, policy cluster.offline: repeat: the next try */
    uint32_t repeats;         /* of them, in a row */
    world_time scale_at;      /* when replicas are looked at next */
};

struct deploy_controller {
    struct controller base; /* first */
    struct map agents;      /* cluster id → struct agent */
};

struct deploy_controller *deploy_of(struct controller *base);
struct agent *deploy_agent(struct deploy_controller *c, struct str id);
/* A call of the cluster's own API. */
struct controller_call deploy_call(struct kube_job *job, struct str id, enum kube_verb verb,
                                   const struct kube_target *target, controller_answer done);
extern const struct kube_target deploy_target; /* the agent's Deployment */
/* Writes what the edit holds, and ends it. extra (may be NULL): further members of the status, copied. */
void deploy_write_status(struct deploy_controller *c, struct kube_job *job, struct str id,
                         struct conditions_edit *take_e, const cJSON *extra);

/* apply.c: brings the objects to what should be. */
void deploy_apply(struct deploy_controller *c, struct kube_job *job, struct str id,
                  struct desired *take_desired);
void deploy_apply_forget(struct agent *agent);
/* rollout.c: is the new agent running? */
void deploy_watch_rollout(struct deploy_controller *c, struct kube_job *job, struct str id);
/* scale.c: should there be two of it? */
void deploy_scale(struct deploy_controller *c, struct kube_job *job, struct str id);

#endif
