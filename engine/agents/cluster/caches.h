/* caches: what the agent knows of its own cluster, kept current by informers: the kinds of a table, data of caches.c; and
 * served on 127.0.0.1:AGENT_CACHES_PORT, as the original's Steve is, which the manager reaches through the tunnel:
 *
 *   GET /v1/pods, /v1/pods/NS, /v1/pods/NS/NAME, /v1/nodes/NAME ...      engine/kube/served.h
 *
 * Whoever reaches the port may read: only the tunnel and what runs in the pod do.
 * Ownership: the agent's. The client outlives them. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_CACHES_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_CACHES_H

#include "engine/kube/informer.h"

#define AGENT_CACHES_PORT 6080u

struct agent_caches;
/* A port that is taken is told to the log: the caches work without. */
struct agent_caches *agent_caches_new(struct kube_client *kube, const struct policies *policies,
                                      struct log log);
/* The tunnel is there again: so is the network. */
void agent_caches_hurry(struct agent_caches *c);
void agent_caches_free(struct agent_caches *c); /* NULL is fine */

/* What is kept at all, in a fixed order. */
size_t agent_caches_kinds(void);
const struct kube_gvr *agent_caches_kind(size_t i);
size_t agent_caches_count(const struct agent_caches *c); /* NULL: 0 */
const struct kube_informer *agent_caches_at(const struct agent_caches *c, size_t i);
bool agent_caches_synced(const struct agent_caches *c); /* all have been listed */

#endif
