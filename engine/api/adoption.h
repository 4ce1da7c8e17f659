/* adoption: clusters of which the store knows nothing any more, as after it was restored from a backup that is older than
 * they are, and whose agents prove that they are ours (policy cluster.unknown: adopt; fixtures/incidents.yaml#K43).
 *
 *   agent refused: "cluster not found" ─► it knocks again with its proof ─► is there really no such Cluster, and none that
 *   was removed? asked of the API, not of caches ─► namespace ─► registration token with the agent's text ─► Cluster
 *   ─► the next knock is one of a cluster like any other
 *
 * A proof is signed with what all replicas are configured with, not with anything that the store could lose; deploy puts
 * it beside the agent's credentials. What a Cluster held beyond its id is lost with the backup, and for people to set
 * again: it carries the annotation ADOPTION_ANNOTATION.
 * Each step is made if it is not there yet, so that replicas that adopt at once meet, and one that ends in the middle is
 * followed by whoever is knocked at next. Bounds: ADOPTIONS_MAX clusters at a time; who comes too much comes again. */
#ifndef PADDOCK_ENGINE_API_ADOPTION_H
#define PADDOCK_ENGINE_API_ADOPTION_H

#include "engine/kube/informer.h"

#define ADOPTIONS_MAX       256u
#define ADOPTION_ANNOTATION "management.cattle.io/adopted"

struct adoption;
struct adoption *adoption_new(struct kube_client *c, struct kube_informer *clusters);
void adoption_free(struct adoption *a);
/* The proof has been checked. */
void adoption_note(struct adoption *a, struct str cluster_id, struct str token);

#endif
