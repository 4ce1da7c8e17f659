/* stages: the life of pods as data: what a pod must look like, how long it takes, what happens then. People write YAML
 * (sim/scenario/language/stages.h), which becomes this:
 *
 *   stage NAME                              # the first line of each; '#' starts a comment
 *     when  KEY=VALUE KEY!=VALUE ...        # all must hold
 *     delay 20ms jitter 10ms [or annotation:KEY | or argument]    # the pod's own word comes first; the command's: seconds
 *     weight 3                              # of several that match one is drawn; without: 1
 *     do    run | exit N | exit annotation:KEY | wait REASON | unready | ready | delete
 *
 * KEYs:    deleting (yes, no), state (none, running, backoff, waiting, done), phase, ready (yes, no), owner (kind of its
 *          controller; - for none), restart (its policy), command (the first word of the first container's), namespace,
 *          node, reason (why a container waits), image (of any container; of the value, * is any text and | parts patterns),
 *          label:KEY and annotation:KEY (- absent, + present).
 * Actions: run starts the containers; exit ends them and does what the restart policy says; wait shows a reason such as
 *          ImagePullBackOff; delete lets a pod under deletion go.
 * Errors:  ERR_INVALID with the line.  Bounds: STAGES_MAX stages, STAGE_TERMS_MAX conditions each. */
#ifndef PADDOCK_SIM_KUBEAPI_CONTROLLERS_STAGES_H
#define PADDOCK_SIM_KUBEAPI_CONTROLLERS_STAGES_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/kube/object.h"
#include "engine/world/world.h"

#define STAGES_MAX      256u
#define STAGE_TERMS_MAX 16u

enum stage_action { STAGE_RUN, STAGE_EXIT, STAGE_WAIT, STAGE_UNREADY, STAGE_READY, STAGE_DELETE };

struct stage_term {
    struct str key, value; /* key "label:a" is split: key "label", of "a" */
    struct str of;
    bool not ;
};
struct stage {
    struct str name;
    struct stage_term terms[STAGE_TERMS_MAX];
    size_t terms_n;
    world_time delay, jitter;
    struct str delay_annotation; /* empty: none */
    bool delay_argument;         /* `sleep 5`: the first container's command says it */
    uint64_t weight;
    enum stage_action action;
    struct str argument;
};
struct stages;

struct err *stages_parse(struct str text, struct stages **out) must_check;
struct stages *stages_default(void);
void stages_free(struct stages *s); /* NULL is fine */
/* Draws one of those that match; NULL: none does. */
const struct stage *stages_draw(const struct stages *s, struct world *w,
                                const struct kube_object *pod);
bool stage_matches(const struct stage *stage, const struct kube_object *pod);
world_time stage_delay(const struct stage *stage, struct world *w, const struct kube_object *pod);
/* The action's argument, or what the pod's annotation says. */
struct str stage_argument(const struct stage *stage, const struct kube_object *pod);
/* "none", "running", "backoff", "waiting", "done": of the containers. */
const char *stage_state(const struct kube_object *pod);

#endif
