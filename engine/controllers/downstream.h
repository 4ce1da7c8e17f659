/* downstream: how a server replica reaches the Kubernetes API of each cluster: a listener on 127.0.0.1 with a port of
 * its own whose streams go through the cluster's tunnel (engine/tunnel/local.h), and a client that talks to it with the
 * cluster's CA and service-account token. An entry is made when a Cluster has status.apiEndpoint, status.caCert and
 * status.serviceAccountTokenSecret, is made anew when one of them (or the token in the Secret) changes, the port being
 * kept, and goes with the Cluster, whose tunnel sessions it ends.
 *
 * Never any other way: the manager does not call a downstream API directly.
 * Ownership: the clients given out are borrowed: valid until the entry's `changed`. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_DOWNSTREAM_H
#define PADDOCK_ENGINE_CONTROLLERS_DOWNSTREAM_H

#include "engine/kube/informer.h"
#include "engine/tunnel/forwards.h"

struct downstreams;
struct downstreams_options {
    struct world *world;
    struct tunnel_router *router;
    struct kube_informer *clusters; /* of all Clusters */
    struct kube_informer *secrets;  /* of namespace cattle-global-data */
};
struct downstreams *downstreams_new(const struct downstreams_options *options);
void downstreams_free(struct downstreams *d);
/* NULL: not (yet) reachable: no entry. */
struct kube_client *downstream_client(struct downstreams *d, struct str cluster_id);
/* What the client is made of, and how the listener fared: borrowed, like the client. False: no entry. */
struct downstream_way {
    uint16_t port; /* of the listener */
    bool plain;
    struct str host, ca_pem, token;
    uint64_t failed;        /* connections that came to nothing so far */
    const struct err *last; /* why the last one did; NULL: none did */
};
bool downstream_way(struct downstreams *d, struct str cluster_id, struct downstream_way *out);
/* The listener's port; 0: no entry. */
uint16_t downstream_port(struct downstreams *d, struct str cluster_id);
/* The port on 127.0.0.1 behind which another address of that cluster is ("10.42.0.7:8080", numeric, or "unix//run/x.sock"),
 * as its agent reaches it; made at the first call and kept until the Cluster goes. 0: the manager knows no such cluster, or no port is free. */
uint16_t downstream_forward(struct downstreams *d, struct str cluster_id, struct str address);
/* The table behind it; what is in it of a cluster goes with the Cluster. */
struct tunnel_forwards *downstreams_forwards(struct downstreams *d);
/* Called when an entry came, was made anew or went: downstream_client gives the new state already, and the old client
 * dies, with its calls and without their callbacks, when all listeners have returned. */
void downstreams_on_change(struct downstreams *d,
                           void (*changed)(void *owner, struct str cluster_id), void *owner);
/* Removes every listener of that owner; also inside `changed`. */
void downstreams_off_change(struct downstreams *d, const void *owner);

#endif
