/* controllers: all work that only the leader does, started when leadership begins and ended, at once and completely,
 * when it ends: the cluster controller (life cycle of imported clusters), the registration-token controller, the
 * connectivity prober and health syncer, the deployer of agents, the change of the manager's CA.
 *
 * Every reconcile is level-triggered: it looks at the caches, does the first thing that is missing as one API call, and
 * comes back with the change that the call made. State lives in the Kubernetes API only: after a change of leader
 * everything is rebuilt from there, and what a predecessor left half done is adopted.
 *
 * Ownership: the caches, client, router and downstreams belong to the server and outlive the controllers. The client's
 *            gate refuses writes once leadership is lost. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_CONTROLLERS_H
#define PADDOCK_ENGINE_CONTROLLERS_CONTROLLERS_H

#include "engine/base/metrics.h"
#include "engine/controllers/downstream.h"
#include "engine/kube/queue.h"
#include "engine/world/policy.h"

struct controllers_options {
    struct world *world;
    struct kube_client *client; /* of the local cluster, gated */
    struct kube_informer *clusters, *tokens, *settings,
        *secrets; /* secrets: of cattle-global-data */
    struct tunnel_router *router;
    struct downstreams *downstreams;
    const struct policies *policies;
    struct str cert_pem;       /* that the manager shows; empty: plain HTTP. Borrowed */
    struct str membership_key; /* signs proofs of membership; empty: there are none. Borrowed */
    struct str next_pin;       /* of the CA that is to follow; empty: none is. Borrowed */
    struct metrics *metrics;
};
struct controllers;
struct controllers *controllers_start(const struct controllers_options *options);
void controllers_stop(struct controllers *c); /* NULL is fine */
/* The queue of each controller; c may be NULL: not running, all zero. */
bool controllers_next(const struct controllers *c, size_t *i, const char **name,
                      struct kube_queue_state *state);
/* Keys that wait or run, over all queues. */
size_t controllers_queue_depth(const struct controllers *c);

#endif
