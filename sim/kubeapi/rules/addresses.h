/* addresses: which cluster addresses and node ports the services of a server hold.
 *
 * Follows the store's events, so that a new service costs a look-up and no walk over the others. What is free is found from
 * a number that the service's uid gives, hence the same in every run. Bounds: one entry per address and port in use. */
#ifndef PADDOCK_SIM_KUBEAPI_RULES_ADDRESSES_H
#define PADDOCK_SIM_KUBEAPI_RULES_ADDRESSES_H

#include "engine/base/arena.h"

#define ADDRESSES_PORT_MIN 30000
#define ADDRESSES_PORT_MAX 32767

struct store;
struct store_event;
struct addresses;

struct addresses *addresses_new(struct store *s);
void addresses_free(struct addresses *x);
void addresses_reset(struct addresses *x); /* from the store */
void addresses_event(struct addresses *x, const struct store_event *e);
/* An address of 10.96.0.0/12 that nobody has; empty: none is left. In the arena. */
struct str addresses_free_ip(struct addresses *x, struct arena *a, struct str uid);
unsigned addresses_free_port(struct addresses *x, struct str uid, unsigned salt); /* 0: none */
/* Free, or this service's own already? */
bool addresses_port_mine(const struct addresses *x, unsigned port, struct str ns, struct str name);
const char *addresses_ip_problem(const struct addresses *x, struct str ip, struct str ns,
                                 struct str name); /* NULL: it may have it */

#endif
