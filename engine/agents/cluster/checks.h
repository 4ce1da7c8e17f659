/* checks: what an agent makes sure of before it connects, in the original's order.
 *
 *   resolve ─► ping (GET /ping, not verified, must answer "pong") ─► ca (GET /v3/settings/cacerts, not verified; its value
 *   must match CATTLE_CA_CHECKSUM; skipped without one) ─► tls (GET / with exactly that CA) ─► passed
 *        any failure ─► failed(phase, error)
 *
 * A mismatch of the checksum is final for this attempt whatever the policy: the agent must not connect (L1).
 * Policy ca.pin: text compares the SHA-256 of the PEM text; set also accepts the same certificates in another order or
 * with other line ends, and of several those that are pinned (fixtures/incidents.yaml#K20, #K21).
 * /ping carries the manager's time: a certificate that seems not valid yet, or no longer, while the clocks are far apart
 * fails as ERR_TLS_CLOCK (#K50); clocks that differ by more than AGENT_SKEW_WARN are told to the trace.
 * Ownership: one run per struct; the handle ends with `done` or agent_checks_cancel. */
#ifndef PADDOCK_ENGINE_AGENTS_CLUSTER_CHECKS_H
#define PADDOCK_ENGINE_AGENTS_CLUSTER_CHECKS_H

#include "engine/agents/cluster/config.h"
#include "engine/agents/cluster/resolver.h"
#include "engine/http/client.h"

#define AGENT_CHECK_TIMEOUT (5 * NS_PER_S)
#define AGENT_SKEW_WARN     (5 * NS_PER_S)
#define AGENT_TIME_HEADER   "X-Server-Time" /* of /ping: RFC 3339 */

enum agent_phase {
    AGENT_PHASE_CONFIG,
    AGENT_PHASE_RESOLVE,
    AGENT_PHASE_PING,
    AGENT_PHASE_CA,
    AGENT_PHASE_TLS,
    AGENT_PHASE_CONNECT,
    AGENT_PHASE_CONNECTED,
};
const char *agent_phase_name(enum agent_phase phase);

struct agent_checks;
/* On success ca_pem is what the manager's certificate must chain to (borrowed; empty: the system's store). */
typedef void (*agent_checked)(void *owner, enum agent_phase phase, struct str ca_pem,
                              const struct err *err);
struct agent_checks *agent_checks_start(struct world *w, const struct policies *policies,
                                        const struct agent_config *config,
                                        struct agent_resolver *resolver, struct http_client *http,
                                        agent_checked done, void *owner);
void agent_checks_cancel(struct agent_checks *c);                  /* NULL is fine */
enum agent_phase agent_checks_phase(const struct agent_checks *c); /* under way */

/* Whether a CA text is the one that the checksum pins; appends what of it is to be trusted: all of it when it is pinned
 * as a whole, otherwise the certificates that are pinned one by one. ERR_TLS_PIN when there is none. */
struct err *agent_ca_check(const struct policies *policies, struct str pem, struct str checksum,
                           struct buf *trusted) must_check;

#endif
