/* deploy: keeps the agent of each connected cluster as it should be: image, server URL, CA checksum, token, environment.
 *
 *   what should run ≠ what was applied ─► Deployment read ─ it would change ─► Updated: Unknown ─┐
 *                                              └─ it would not ──────────────────────────────────┤
 *   each object of the manifest: created, or patched where it differs ◄──────────────────────────┘
 *        └─► status.agentImage, status.appliedAgentHash, AgentDeployed ─► rollout watched ─► Updated: True
 *                                                                            └─ 300 s ─► Updated: False, still watched
 *
 * What should run: spec.agentImageOverride, spec.desiredAgentImage or setting agent-image; settings server-url, cacerts;
 * the registration token that the agent uses already as long as it is good, else that named `system`;
 * spec.agentEnvVars. Its hash in status.appliedAgentHash says what was applied last, whoever led then.
 * An agent that an administrator applied is compared, not replaced: nothing rolls when nothing differs.
 * Scale: a Deployment of one replica whose annotation management.cattle.io/scale-available asks for two gets them when
 * the cluster has two usable nodes; looked at after each deployment and every 15 min. More replicas are left alone.
 * No watches: a cluster costs one read in that interval. Nothing is done for a cluster that is not connected; its
 * coming back brings it here (fixtures/incidents.yaml#K08, #K17). */
#ifndef PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DEPLOY_H
#define PADDOCK_ENGINE_CONTROLLERS_DEPLOY_DEPLOY_H

#include "engine/controllers/controller.h"

#define DEPLOY_ROLLOUT_POLL  (3 * NS_PER_S)
#define DEPLOY_ROLLOUT_LIMIT (300 * NS_PER_S)
#define DEPLOY_LATE_POLL     (15 * NS_PER_S) /* of a rollout beyond the limit */
#define DEPLOY_SESSION_POLL                                                                        \
    (5 * NS_PER_S) /* connected by its conditions, but without a session just now */
#define DEPLOY_SCALE_INTERVAL (900 * NS_PER_S)
#define DEPLOY_REPLICAS       2

extern const struct controller_class deploy_class;

#endif
