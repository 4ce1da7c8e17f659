/* members: who the other replicas are, read from what Kubernetes keeps about the Service that finds them. Private to
 * engine/server.
 *
 *   Endpoints cattle-system/rancher           every address that it lists
 *   EndpointSlices of that Service            every address that is not about to end, over all slices, once
 *   given                                     outside a cluster: somebody else tells
 *
 * Bounds: TUNNEL_PEERS_MAX; what is beyond is left out. */
#ifndef PADDOCK_ENGINE_SERVER_MEMBERS_H
#define PADDOCK_ENGINE_SERVER_MEMBERS_H

#include "engine/kube/informer.h"
#include "engine/server/server.h"

struct members {
    struct tunnel_peer peers[TUNNEL_PEERS_MAX]; /* ids in the arena */
    size_t n;
};

/* What has to be watched for it. */
struct kube_target members_target(enum server_members how);
void members_of_endpoints(struct arena *a, const struct kube_object *endpoints, struct str own,
                          uint16_t port, struct members *out);
void members_of_slices(struct arena *a, const struct kube_informer *slices, struct str own,
                       uint16_t port, struct members *out);

#endif
