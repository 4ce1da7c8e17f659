/* probe: sessions that only prove that a stream goes there and back: what a doctor opens at a manager's door.
 *
 *   door (its token is good, header X-Tunnel-Probe) ─► session that is in no table ─► Connect "probe/echo" ─► Data is sent
 *   back as it is, TUNNEL_PROBE_ECHO_MAX bytes at most ─► the prober closes, or the time is over
 *
 * Such a session is never offered as anybody's agent: nothing is dialled through it, nothing is written of it, peers do
 * not hear of it.
 * Ownership: the sessions are the table's; tunnel_probes_free ends them.
 * Errors:    a Connect to anywhere else is refused as on any session.
 * Bounds:    TUNNEL_PROBES_MAX at a time (more: 503), TUNNEL_PROBE_TIMEOUT each. */
#ifndef PADDOCK_ENGINE_TUNNEL_PROBE_H
#define PADDOCK_ENGINE_TUNNEL_PROBE_H

#include "engine/tunnel/session.h"

#define TUNNEL_PROBE_HEADER   "X-Tunnel-Probe"
#define TUNNEL_PROBE_PROTO    "probe"
#define TUNNEL_PROBE_ADDRESS  "echo"
#define TUNNEL_PROBES_MAX     16u
#define TUNNEL_PROBE_TIMEOUT  (10 * NS_PER_S)
#define TUNNEL_PROBE_ECHO_MAX ((size_t)4096)

struct tunnel_probes;
struct tunnel_probes *tunnel_probes_new(struct world *w, const struct policies *policies);
void tunnel_probes_free(struct tunnel_probes *probes);
/* The caller has checked who asks. The exchange is answered either way. */
void tunnel_probes_accept(struct tunnel_probes *probes, struct http_exchange *x);
size_t tunnel_probes_count(const struct tunnel_probes *probes);

#endif
