/* reason: why an agent has no tunnel, as one word for programs and people: in its log, its notes and its state.
 *
 * Policy failure.reason: step names the phase that failed (checks.h), as the original's texts do; cause names what is
 * wrong, so that a certificate that expired, a CA that changed and a clock that is off are told apart
 * (fixtures/incidents.yaml#K22, #K50). */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_REASON_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_REASON_H

#include "engine/agents/cluster/checks.h"

/* A proxy on the way strips Upgrade, or answers in the manager's place. */
#define AGENT_REASON_BLOCKED "WebSocketsBlocked"

/* Something on the way cuts connections without traffic, at one and the same age (fixtures/incidents.yaml#K06). */
#define AGENT_REASON_IDLE    "MiddleboxIdleTimeout"

/* Of a failed step. */
const char *agent_reason_of(const struct policies *policies, enum agent_phase phase,
                            const struct err *err);
/* Of a tunnel that the manager refused with a status and a text. */
const char *agent_reason_of_refusal(const struct policies *policies, int status, struct str body);

#endif
