/* peer_urls: --peer URL...: the other replicas outside a cluster. Names are resolved again and again, numeric addresses
 * are taken as they are; a peer is known by the address and port that it is dialled at.
 *
 *   resolving, one after the other ─► told ─► (PEER_URLS_EVERY) ─► resolving ...
 *
 * A name that cannot be resolved keeps the address that it had; without one it is no peer yet.
 * Ownership: the texts are borrowed for as long as it lives; no callback after free. Errors: ERR_INVALID for what is no https URL. Private to engine/cli. */
#ifndef PADDOCK_ENGINE_CLI_PEER_URLS_H
#define PADDOCK_ENGINE_CLI_PEER_URLS_H

#include "engine/cli/cli.h"
#include "engine/tunnel/peers.h"

#define PEER_URLS_EVERY (30 * NS_PER_S)

struct peer_urls;
struct err *peer_urls_new(struct cmdline_values urls, struct peer_urls **out) must_check;
/* `changed` comes with all that are known, after each round. */
void peer_urls_start(struct peer_urls *p, struct world *w,
                     void (*changed)(void *owner, const struct tunnel_peer *peers, size_t n),
                     void *owner);
void peer_urls_free(struct peer_urls *p); /* NULL is fine */
size_t peer_urls_count(const struct peer_urls *p);

#endif
