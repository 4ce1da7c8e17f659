/* cluster: the life cycle of imported clusters: finalizer, backing namespace, registration tokens, the conditions that
 * lead from pending to waiting, and removal.
 *
 *   seen ─► finalizer ─► namespace = id ─► tokens default-token, system ─► conditions
 *             Pending, Provisioned, Waiting: Unknown ─ agent registered (status.apiEndpoint) ─► Pending, Provisioned: True
 *             (Connected, Ready and Waiting=True are the health controller's; AgentDeployed and Updated the deployer's)
 *
 *   deleted ─► clean-up Job in the cluster: up to 3 tries, 3 s apart ─► tokens, credential, namespace ─► sessions ended
 *                 └─ not reachable: waits (policy cluster.remove: wait), or goes on without it     ─► finalizer dropped
 *                    60 s after it was first seen (detach); fixtures/incidents.yaml#K42
 *
 * A cluster that was let go is remembered by its tokens: its agent, should it come back, is told to clean up by itself.
 *
 * That the downstream part is over is written down as condition Removed, so that a successor does not begin again; a Job
 * that is there already is taken for ours. Also tells the trace every change of state that users see (state.h). */
#ifndef PADDOCK_ENGINE_CONTROLLERS_CLUSTER_CLUSTER_H
#define PADDOCK_ENGINE_CONTROLLERS_CLUSTER_CLUSTER_H

#include "engine/controllers/controller.h"

#define CLUSTER_FINALIZER       "controller.cattle.io/cluster-provisioner-controller"
#define CLUSTER_CLEANUP_TRIES   3u
#define CLUSTER_CLEANUP_SPACING (3 * NS_PER_S)
#define CLUSTER_CLEANUP_POLL    (5 * NS_PER_S) /* for the tunnel of a cluster that is not reachable */
#define CLUSTER_DETACH_AFTER    (60 * NS_PER_S)
#define CLUSTER_TOKEN_DEFAULT   "default-token" /* of the import manifest */
#define CLUSTER_TOKEN_SYSTEM    "system"        /* of what the manager deploys */
#define TUNNEL_KEY_STEVE_PREFIX "stv-cluster-"

extern const struct controller_class cluster_class;

#endif
