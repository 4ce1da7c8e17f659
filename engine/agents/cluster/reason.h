/* reason: why an agent has no tunnel, as one word for programs and people: in its log, its notes and its state; and how
 * far it came on its way, as another.
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

/* The way to a tunnel, in its order: finer than the phases of the checks, and the same whether a check or the tunnel's
 * own dial fails on it. */
enum agent_step {
    AGENT_STEP_CONFIG,  /* environment and files */
    AGENT_STEP_ACCOUNT, /* its cluster's API: the service account's token */
    AGENT_STEP_RESOLVE,
    AGENT_STEP_TCP,
    AGENT_STEP_TLS,
    AGENT_STEP_CA,   /* the pin */
    AGENT_STEP_HTTP, /* what answers is a manager that lets WebSockets through */
    AGENT_STEP_AUTH, /* it knows us */
    AGENT_STEP_CONNECTED,
};
const char *agent_step_name(enum agent_step step);
/* On which step that failed. */
enum agent_step agent_step_of(enum agent_phase phase, const struct err *err);
enum agent_step agent_step_of_refusal(int status, struct str body);

/* Of a failed step. */
const char *agent_reason_of(const struct policies *policies, enum agent_phase phase,
                            const struct err *err);
/* Of a tunnel that the manager refused with a status and a text. */
const char *agent_reason_of_refusal(const struct policies *policies, int status, struct str body);

#endif
