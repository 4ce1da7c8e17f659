/* leader: leader election on kube-system/cattle-controllers: a Lease of coordination.k8s.io/v1, or, as earlier versions
 * of the original have it, the annotation control-plane.alpha.kubernetes.io/leader of a ConfigMap:
 * {"holderIdentity","leaseDurationSeconds":45,"acquireTime","renewTime","leaderTransitions"}. All candidates use the same.
 *
 *   following ─► acquiring ─► leading ─► (renewed every 2 s) ─► leading
 *       ▲            └─ lost the race ─┘      └─ no renewal succeeded for 30 s ─► stopped(), following
 *
 * Safety: a rival may take the lease over 45 s after it saw the last renewal, by its own monotonic clock, and it cannot
 * have seen it before we sent it. We stop 30 s after we *sent* the last renewal that succeeded, by our monotonic clock:
 * at least 15 s earlier, whatever the network, the API server or the wall clocks do. leader_valid is the same test for
 * those who act: a process that was paused past the deadline must not write before its timer has run.
 * A record that is deleted or garbled under its holder counts as renewed when that was seen.
 * The times are those of a lease of 45 s; of another length (leader_options) the deadline is two thirds of it, and it is
 * renewed every 2 s, or eight times a lease. Candidates of different settings wait for the longer one of theirs and the
 * record's.
 * Limit: a candidate goes on with a lease under its own identity at once (it is its own, from before a restart): two
 * processes must not share an identity, and a restored record that names another candidate may start it up to one
 * renewal (2 s) before the present leader sees it.
 * The record's times are wall clock and for humans only: they decide nothing. (fixtures/incidents.yaml#K19, #K50)
 * Source: the lease protocol of Kubernetes' client library; the record's fields as the original writes them. */
#ifndef PADDOCK_ENGINE_KUBE_LEADER_H
#define PADDOCK_ENGINE_KUBE_LEADER_H

#include "engine/kube/client.h"

#define LEADER_NAMESPACE "kube-system"
#define LEADER_NAME      "cattle-controllers" /* of the Lease or ConfigMap */
#define LEADER_LEASE     (45 * NS_PER_S)
#define LEADER_RENEW     (30 * NS_PER_S) /* the renew deadline */
#define LEADER_RETRY     (2 * NS_PER_S)
#define LEADER_LEASE_MIN NS_PER_S
#define LEADER_LEASE_MAX (3600 * NS_PER_S) /* also of a record that is believed */

enum leader_lock { LEADER_ON_CONFIG_MAP, LEADER_ON_LEASE };
struct leader_options {
    enum leader_lock lock;
    world_time lease; /* 0: LEADER_LEASE; brought between LEADER_LEASE_MIN and _MAX */
};

struct leader_handler {
    void (*started)(void *owner);
    void (*stopped)(void *owner); /* all leader work must be over when it returns */
    /* Somebody else, or nobody (empty), holds the lease now; may be NULL. */
    void (*observed)(void *owner, struct str holder);
};
struct leader;
/* options NULL: a ConfigMap, LEADER_LEASE. */
struct leader *leader_new(struct kube_client *c, struct str identity,
                          const struct leader_options *options,
                          const struct leader_handler *handler, void *owner);
/* Gives the lease up first when it is held (`stopped` comes from inside); the release is best effort. */
void leader_free(struct leader *l);
bool leader_valid(const struct leader *l);        /* leading, and the deadline has not passed */
struct str leader_holder(const struct leader *l); /* as last observed */

#endif
