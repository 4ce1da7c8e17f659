/* agent_health: an agent's own HTTP server, for kubelets' probes and for people.
 *
 *   GET /healthz   200 as long as the process answers: a manager that is away is no reason to start it anew
 *   GET /readyz    200 once it has had a tunnel and until it drains, otherwise 503: a new agent that reaches nobody
 *                  replaces nobody (policy agent.ready)
 *   both with the same JSON document: phase, since, lastError, sessions, ... (agent_news.h). No secrets are in it.
 *
 * Ownership: the news are borrowed. Errors: of the address that cannot be listened on. */
#ifndef PADDOCK_ENGINE_CLI_AGENT_HEALTH_H
#define PADDOCK_ENGINE_CLI_AGENT_HEALTH_H

#include "engine/cli/agent_news.h"

struct agent_health;
struct err *agent_health_new(struct world *w, const struct agent_news *news,
                             const struct policies *policies, const struct world_addr *listen,
                             struct agent_health **out) must_check;
uint16_t agent_health_port(const struct agent_health *h);
void agent_health_free(struct agent_health *h); /* NULL is fine */

#endif
