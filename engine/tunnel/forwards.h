/* forwards: local listeners (local.h) for whatever address behind whatever client is asked for, one each, made at the first
 * call and kept, with its port, until those of the client are ended.
 *
 * Ownership: the listeners are the table's. Cost: a look-up; ending costs what the client has. */
#ifndef PADDOCK_ENGINE_TUNNEL_FORWARDS_H
#define PADDOCK_ENGINE_TUNNEL_FORWARDS_H

#include "engine/tunnel/local.h"

struct tunnel_forwards;
struct tunnel_forwards *tunnel_forwards_new(struct world *w, struct tunnel_router *r);
void tunnel_forwards_free(struct tunnel_forwards *f);
/* address: "HOST:PORT", or "unix/PATH". Fails when no listener can be had. */
struct err *tunnel_forwards_port(struct tunnel_forwards *f, struct str key, struct str address,
                                 uint16_t *port) must_check;
void tunnel_forwards_end(struct tunnel_forwards *f, struct str key); /* none: fine */

#endif
