/* resolver: the manager's name as an agent sees it, by policy dns.cache: `ttl` keeps an answer for its TTL; `process`
 * keeps the first good one for the life of the process (fixtures/incidents.yaml#K04).
 * One question at a time; agent_resolve answers later, never from inside. A numeric name answers itself. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_RESOLVER_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_RESOLVER_H

#include "engine/world/policy.h"
#include "engine/world/world.h"

#define AGENT_DNS_TIMEOUT (5 * NS_PER_S)

struct agent_resolver;
typedef void (*agent_resolved)(void *owner, const struct world_dns_answer *answer,
                               const struct err *err);

struct agent_resolver *agent_resolver_new(struct world *w, const struct policies *policies,
                                          struct str name);
void agent_resolver_free(struct agent_resolver *r);
/* fresh: ask even when an answer is kept (dns.recheck). A question under way is dropped. */
void agent_resolve(struct agent_resolver *r, bool fresh, agent_resolved done, void *owner);
void agent_resolve_cancel(struct agent_resolver *r);

#endif
