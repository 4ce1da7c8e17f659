/* caches: what the agent knows of its own cluster, kept current by informers: the kinds of a table, data of this file.
 *
 * Ownership: the agent's. The client outlives them. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_CACHES_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_CACHES_H

#include "engine/kube/informer.h"

struct agent_caches;
struct agent_caches *agent_caches_new(struct kube_client *kube, const struct policies *policies);
void agent_caches_free(struct agent_caches *c); /* NULL is fine */

/* What is kept at all, in a fixed order. */
size_t agent_caches_kinds(void);
const struct kube_gvr *agent_caches_kind(size_t i);
size_t agent_caches_count(const struct agent_caches *c); /* NULL: 0 */
const struct kube_informer *agent_caches_at(const struct agent_caches *c, size_t i);
bool agent_caches_synced(const struct agent_caches *c); /* all have been listed */

#endif
