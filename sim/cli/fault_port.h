/* fault_port: where a server of `apiserver` is told to lie: rules as sim/kubeapi/verbs/fault_rules.h has them, over plain
 * HTTP on an address of their own.
 *
 *   POST /faults {"id":"a","kind":"watch-drop","perMillion":100000,"resource":"pods"}   201 {"id":"a","fired":0}
 *   GET /faults/ID                                                                     200 {"id":"a","fired":3}
 *   DELETE /faults/ID                                                                  200 {"id":"a","fired":5}
 *
 * Members: id, kind, perMillion, status, retryAfterS, window, delayNs, jitterNs, resource, verb, user, name, event, later.
 * A rule that is there already is left as it is. Whoever reaches the port may: it is for a laboratory's own loopback.
 * Ownership: the server's; fault_port_free comes before that of the API. Bounds: FAULT_PORT_RULES_MAX. */
#ifndef PADDOCK_SIM_CLI_FAULT_PORT_H
#define PADDOCK_SIM_CLI_FAULT_PORT_H

#include "engine/base/err.h"
#include "engine/world/world.h"

#define FAULT_PORT_RULES_MAX 1000u

struct fault_port;
struct kubeapi;
struct err *fault_port_new(struct world *w, struct kubeapi *api, const struct world_addr *listen,
                           struct fault_port **out) must_check;
void fault_port_free(struct fault_port *p); /* NULL is fine */

#endif
