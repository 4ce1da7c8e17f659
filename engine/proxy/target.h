/* target: "ID/REST?QUERY", what stands behind "/k8s/clusters/", cut into the cluster's id and what its API is asked for. The
 * rest passes byte for byte, "/" in front when there is none. An id is a lower-case DNS label and nothing else: no "..",
 * no escapes.
 * Ownership: the id is a view into the text; the target is appended to a buffer. */
#ifndef PADDOCK_ENGINE_PROXY_TARGET_H
#define PADDOCK_ENGINE_PROXY_TARGET_H

#include "engine/base/str.h"

#define PROXY_ID_BYTES_MAX 63u

/* False: there is no such id; nothing is appended then. */
bool proxy_target_read(struct str text, struct str *id, struct buf *target) must_check;

#endif
