/* path: what stands between an agent and us, as far as a replica can see it, told to people as condition AgentConnection
 * of the Cluster (policy failure.reason: cause):
 *
 *   WebSocketsBlocked     False: the agent's requests come in without Upgrade: a proxy on the way strips it, so that no
 *                         tunnel comes to be while plain HTTP passes
 *   MiddleboxIdleTimeout  True: its tunnels were cut at one and the same age without traffic, which it measured and tells
 *                         as it connects (fixtures/incidents.yaml#K06); it has pinged more often since
 *   (none)                True: whatever it was is over. Not written where nothing was ever wrong
 *
 * Written by the replica that sees it; equal words are not written again. Failures are tried again by the queue.
 * Bounds: one entry for each Cluster whose condition is still to be written. */
#ifndef PADDOCK_ENGINE_API_PATH_H
#define PADDOCK_ENGINE_API_PATH_H

#include "engine/kube/informer.h"

#define AGENT_IDLE_CUT_HEADER "X-Agent-Idle-Cut" /* milliseconds without traffic */
#define AGENT_CONNECTION      "AgentConnection"  /* the condition */

enum path_trouble { PATH_GOOD, PATH_BLOCKED, PATH_IDLE_CUT };

struct paths;
struct paths *paths_new(struct kube_client *c, struct kube_informer *clusters);
void paths_free(struct paths *p);
/* idle_ms: of PATH_IDLE_CUT. */
void paths_note(struct paths *p, struct str cluster_id, enum path_trouble trouble, int64_t idle_ms);

#endif
