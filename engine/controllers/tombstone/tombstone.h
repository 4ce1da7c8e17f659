/* tombstone: what remembers removed clusters by their tokens (engine/manifests/agent_manifest.h) is deleted once it is
 * TOMBSTONE_LIFE old: an agent that has been away for so long is refused like any stranger.
 *
 * Looks at the cache of Secrets every TOMBSTONE_LOOK; a manager that has removed nothing does nothing. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_TOMBSTONE_TOMBSTONE_H
#define PADDOCK_ENGINE_CONTROLLERS_TOMBSTONE_TOMBSTONE_H

#include "engine/controllers/controller.h"

#define TOMBSTONE_LIFE (INT64_C(90) * 86400 * NS_PER_S)
#define TOMBSTONE_LOOK (INT64_C(3600) * NS_PER_S)

extern const struct controller_class tombstone_class;

#endif
