/* rotation: the change of the manager's CA, as far as it waits for agents (policy ca.rotation: overlap).
 *
 *   next CA configured ─► cacerts shows both ─► deploy brings both pins to every agent ─► nobody is missing ─► over
 *                                                    └─ clusters that are away, or not rolled out: listed, waited for
 *
 * Setting ca-rotation, for people and for the replicas: "PIN waiting for 2 of 40: c-a c-b", then "PIN over", where PIN is
 * the next CA's: what an earlier change left there is not ours. A replica shows the next certificate when it reads that it
 * is over (server.h); it never goes back. An agent that was away returns to a manager whose certificate it still trusts
 * (fixtures/incidents.yaml#K17, #K21).
 *
 * Looks at all clusters, at most every ROTATION_PAUSE, and only while a change is under way. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_ROTATION_ROTATION_H
#define PADDOCK_ENGINE_CONTROLLERS_ROTATION_ROTATION_H

#include "engine/controllers/controller.h"

#define ROTATION_SETTING   "ca-rotation"
#define ROTATION_PAUSE     (2 * NS_PER_S)
#define ROTATION_NAMES_MAX 20u /* clusters that are listed by name */

extern const struct controller_class rotation_class;
/* Is it the setting, and does it say that the change to this CA is over? */
bool rotation_is_over(const struct kube_object *setting, struct str next_pin);

#endif
