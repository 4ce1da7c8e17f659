/* registration: what a connecting cluster agent said about its cluster, written to the Cluster and to a Secret: driver,
 * API endpoint, CA, service-account token. Only what differs is written, however often agents connect; failures are
 * retried with back-off until written or until the agent says something newer.
 *
 * Policy cluster.unknown: adopt: a Secret that goes while its Cluster stays (a store restored from a backup, a slip of the
 * hand) is written again: the replica that holds the cluster's session ends it, and the agent, back within seconds, says
 * its word anew. refuse: the cluster is unavailable until its agent connects for another reason (fixtures/incidents.yaml#K43).
 *
 * The Secret's name follows from the cluster's id, so that replicas that register at the same time meet in one object
 * (fixtures/incidents.yaml#K26, #K29). */
#ifndef PADDOCK_ENGINE_API_REGISTRATION_H
#define PADDOCK_ENGINE_API_REGISTRATION_H

#include "engine/kube/informer.h"
#include "engine/tunnel/router.h"

struct registration;
/* router: of the sessions to end; NULL: policy refuse. */
struct registration *registration_new(struct kube_client *c, struct kube_informer *clusters,
                                      struct kube_informer *secrets, struct tunnel_router *router);
void registration_free(struct registration *r);
/* address: "host:port" of the downstream API; ca_cert: base64 of its PEM, as the agent sent it. */
void registration_note(struct registration *r, struct str cluster_id, struct str address,
                       struct str token, struct str ca_cert);

#endif
