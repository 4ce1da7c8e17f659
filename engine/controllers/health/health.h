/* health: is the agent of each cluster connected, and does the cluster's API answer? One probe tells both: GET of the
 * namespace kube-system through the tunnel; only the answer's status is looked at.
 *
 *   answered 2xx or 404        good         Connected, Ready, Waiting: True
 *   answered anything else     api          Connected: True; Ready: False, ComponentStatusFetchingFailure
 *   not answered, session up   api, or disconnected when it was the deadline that ended it
 *                              policy failure.reason: cause tells a certificate that expired, is not valid yet, of another
 *                              authority or for another name by its own reason (fixtures/incidents.yaml#K22)
 *   no session                 disconnected Connected, Ready: False, Disconnected "Cluster agent is not connected"
 *
 * Policy health.probe
 *   sequential:  one loop every 15 s over all clusters in order; no deadline: a cluster that accepts and never answers
 *                stalls the loop for all others (fixtures/incidents.yaml#K09). What a probe finds is written at once.
 *   independent: each cluster by itself every 15 s, at a phase of its own; 3 s deadline; two misses, 3 s apart, before
 *                anything worse than good is believed; at most HEALTH_PROBES_MAX at once. A session that comes or goes,
 *                here or at a peer, leads to a probe within a second.
 *
 * A cluster without a session costs one table look-up per interval. Conditions are written when they change, and only
 * then: a lasting failure whose text varies is not a change. Clusters are probed from their registration to their
 * deletion. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_HEALTH_HEALTH_H
#define PADDOCK_ENGINE_CONTROLLERS_HEALTH_HEALTH_H

#include "engine/controllers/controller.h"

#define HEALTH_INTERVAL     (15 * NS_PER_S)
#define HEALTH_DEADLINE     (3 * NS_PER_S)
#define HEALTH_MISSES       2u
#define HEALTH_EDGE_JITTER  NS_PER_S
#define HEALTH_PROBES_MAX   64u
#define HEALTH_DISCONNECTED "Cluster agent is not connected"

extern const struct controller_class health_class;

#endif
