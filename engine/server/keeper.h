/* keeper: what the replicas of one manager have in common, kept in Secrets of the local cluster: the authority that the
 * manager makes itself and the certificate that it serves with, the token of its peers, the first password.
 *
 *   namespace ─► tls-rancher-internal-ca ─► tls-rancher-internal ─► peers ─► password ─► ready ─► (now and then) the leaf again
 *                     each: GET ─► good: taken
 *                               ├─ absent ─► made ─► CREATE ─► taken        AlreadyExists: another replica was first: GET
 *                               └─ stale (the leaf alone) ─► made ─► UPDATE  Conflict: the same
 *
 * The leaf holds every replica's names: one that lacks ours is made anew with those that it has. It is made anew as well
 * when less than KEEPER_LEAF_RENEW of it is left; the others see that within KEEPER_LOOK.
 * A Secret of the authority that cannot be read is never replaced: every agent trusts what it held. It is told, and asked
 * for again, until somebody has mended it.
 * Ownership: the client outlives the keeper; views live until the next callback.
 * Bounds:    KEEPER_NAMES_MAX names in a leaf: the oldest are left out. */
#ifndef PADDOCK_ENGINE_SERVER_KEEPER_H
#define PADDOCK_ENGINE_SERVER_KEEPER_H

#include "engine/kube/client.h"

#define KEEPER_CA_SECRET       "tls-rancher-internal-ca"
#define KEEPER_LEAF_SECRET     "tls-rancher-internal"
#define KEEPER_PEERS_SECRET    "paddock-peers"
#define KEEPER_PASSWORD_SECRET "bootstrap-secret"

#define KEEPER_DAY             (86400 * NS_PER_S)
#define KEEPER_CA_LIFE         (3650 * KEEPER_DAY)
#define KEEPER_LEAF_LIFE       (365 * KEEPER_DAY)
#define KEEPER_LEAF_RENEW      (90 * KEEPER_DAY) /* so much before its end another takes its place */
#define KEEPER_EARLY           (3600 * NS_PER_S) /* valid for clocks that are behind */
#define KEEPER_LOOK            (60 * NS_PER_S)
#define KEEPER_NAMES_MAX       64u
#define KEEPER_TOKEN_BYTES     32u

struct keeper_options {
    struct kube_client *client;
    bool certificates;       /* authority and leaf; else none is made or read */
    const struct str *names; /* under which this replica is reached: DNS names, addresses */
    size_t names_n;
    struct str password; /* the first one, unless one is kept already; empty: any */
    /* Once, when all of it is there. */
    void (*ready)(void *owner);
    /* There is another leaf. */
    void (*renewed)(void *owner);
    void *owner;
};
struct keeper;
struct keeper *keeper_new(const struct keeper_options *options);
void keeper_free(struct keeper *k); /* NULL is fine */

struct str keeper_ca_pem(const struct keeper *k);
struct str keeper_cert_pem(const struct keeper *k);
struct str keeper_key_pem(const struct keeper *k);
struct str keeper_peer_token(const struct keeper *k);

#endif
