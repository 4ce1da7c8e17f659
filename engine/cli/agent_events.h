/* agent_events: tells a cluster's own administrators, by Events in cattle-system, how its agent fares.
 *
 *   say(reason, message) ─► pending ─ at most one write in AGENT_EVENT_GAP ─► read ─► there: count up ─┐
 *                              ▲                                               └─► not there: created ─┴─► idle
 *                              └───────────── told again meanwhile, or the write failed ───────────────┘
 *
 * One Event per agent and reason, named after both, so that what repeats counts up and a restart goes on counting. What is
 * pending is the last thing said: a reason that another one follows at once may be counted once only.
 * Ownership: the client is borrowed at each `say`, and must outlive the struct. Errors: none; the log has the news too. */
#ifndef PADDOCK_ENGINE_CLI_AGENT_EVENTS_H
#define PADDOCK_ENGINE_CLI_AGENT_EVENTS_H

#include "engine/kube/client.h"

#define AGENT_EVENT_GAP (10 * NS_PER_S)

struct agent_events;
/* Of whom: "Pod" or "Deployment" in cattle-system; reporter: the pod's or the machine's name. Copied. */
struct agent_events *agent_events_new(struct world *w, const char *kind, struct str name,
                                      struct str reporter);
void agent_events_free(struct agent_events *e); /* before the client; NULL is fine */
void agent_events_say(struct agent_events *e, struct kube_client *client, bool warning,
                      struct str reason, struct str message);

#endif
