/* desired: what should run as the agent of one cluster, and the objects that make it so.
 * Ownership: everything lives in the arena of the struct. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DESIRED_H
#define PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DESIRED_H

#include "engine/controllers/controller.h"
#include "engine/manifests/agent_manifest.h"

#define DESIRED_OBJECTS_MAX 32u

struct desired {
    struct arena arena;
    struct agent_manifest manifest;         /* without its token */
    struct str default_token, system_token; /* empty: not there yet */
    const cJSON *env;                       /* spec.agentEnvVars; NULL: none */
    struct str membership_key;              /* borrowed; empty: agents get no proof */
    struct str hash;                        /* hex; of all of the above */
    cJSON *objects[DESIRED_OBJECTS_MAX];    /* of desired_objects, in the manifest's order */
    size_t objects_n;
};

/* False: something is not known yet (server-url, image, every token); d must not be freed then. */
bool desired_make(const struct controller *c, const struct kube_object *cluster, struct desired *d);
void desired_free(struct desired *d);
/* Fills objects. live: the agent's Deployment as it is; NULL: there is none. */
void desired_objects(struct desired *d, const cJSON *live);
/* Where an object of the manifest lives; false: a kind that no manifest of ours has. */
bool desired_target(const cJSON *object, struct kube_target *out);
bool desired_is_agent(const cJSON *object); /* the agent's Deployment */
/* Has `live` everything that `wanted` says? Members that the server added do not matter; lists must match in length. */
bool desired_covered(const cJSON *wanted, const cJSON *live);

#endif
