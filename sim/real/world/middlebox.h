/* middlebox: what stands before a manager in some networks: it ends TLS with the manager's certificate and hands plain requests
 * on to a replica; it knows no WebSockets, so Upgrade does not pass.
 *
 *   client ─TLS─► the site's front ─ without Upgrade, Connection ─► a replica that serves ─► the answer, as it is
 *
 * Ownership: the site's. Bounds: those of http_server and http_client: bodies are kept whole. */
#ifndef PADDOCK_SIM_REAL_WORLD_MIDDLEBOX_H
#define PADDOCK_SIM_REAL_WORLD_MIDDLEBOX_H

#include "sim/real/world/rig.h"

struct middlebox;
/* stripped: counts the requests that an Upgrade was taken from. */
struct err *middlebox_new(struct rig_site *site, uint64_t *stripped,
                          struct middlebox **out) must_check;
void middlebox_free(struct middlebox *p); /* NULL is fine; its connections are cut */

#endif
