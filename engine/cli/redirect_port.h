/* redirect_port: --http-listen: the port without TLS that leads browsers to the one with it.
 *
 * It answers /ping itself, as load balancers ask it, and 308 to https://HOST[:PORT] for the rest; HOST is that of the
 * request. Nothing that is sent there is passed on. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_REDIRECT_PORT_H
#define PADDOCK_ENGINE_CLI_REDIRECT_PORT_H

#include "engine/http/server.h"

struct redirect_port;
/* https_port: where it leads to. */
struct err *redirect_port_new(struct world *w, struct world_addr listen, uint16_t https_port,
                              struct redirect_port **out) must_check;
uint16_t redirect_port_number(const struct redirect_port *p);
void redirect_port_free(struct redirect_port *p); /* NULL is fine */

#endif
