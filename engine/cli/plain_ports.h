/* plain_ports: what `paddock server` listens on without TLS: the port that leads browsers to HTTPS, and the one of the
 * metrics.
 *
 * The first answers /ping itself, as load balancers ask it, and 308 to https://HOST[:PORT] for the rest; HOST is that of
 * the request. Nothing that is sent there is passed on. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_PLAIN_PORTS_H
#define PADDOCK_ENGINE_CLI_PLAIN_PORTS_H

#include "engine/http/server.h"
#include "engine/server/server.h"

struct plain_ports;
struct plain_ports *plain_ports_new(struct world *w);
void plain_ports_free(struct plain_ports *p); /* NULL is fine */
/* *port: where it listens. https_port: where it leads to. */
struct err *plain_ports_redirect(struct plain_ports *p, struct world_addr listen,
                                 uint16_t https_port, uint16_t *port) must_check;
struct err *plain_ports_metrics(struct plain_ports *p, struct world_addr listen,
                                struct server *server, uint16_t *port) must_check;

#endif
