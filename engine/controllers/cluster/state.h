/* state: what users see of a Cluster: one word and one message, derived from its conditions.
 *
 *   pending ─► provisioning ─► waiting ─► active ⇄ unavailable       any ─► removing
 *                                            ⇅                       any ⇄ error
 *                                         updating
 *
 * A condition means by its type: most are under way while Unknown and wrong when False; Ready and its like are under way
 * while False and wrong when Unknown; Reconciling and its like are under way while True. An error beats whatever is under
 * way; among those the life cycle's order decides, not the order of the list, which depends on who wrote first.
 * A Cluster that no controller has seen yet (it has neither Pending nor Ready) is pending, though nothing is under way.
 * Cost: one walk over the conditions, no memory. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_CLUSTER_STATE_H
#define PADDOCK_ENGINE_CONTROLLERS_CLUSTER_STATE_H

#include "engine/kube/object.h"

#define CLUSTER_STATE_ACTIVE      "active"
#define CLUSTER_STATE_ERROR       "error"
#define CLUSTER_STATE_PENDING     "pending"
#define CLUSTER_STATE_REMOVING    "removing"
#define CLUSTER_STATE_UNAVAILABLE "unavailable"

struct str cluster_state(const struct kube_object *cluster); /* constant text */
/* Appends what the condition that decided says; of a removal: the finalizers it waits for. */
void cluster_state_message(const struct kube_object *cluster, struct buf *out);

#endif
