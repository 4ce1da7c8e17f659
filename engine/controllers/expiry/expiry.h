/* expiry: certificates that are about to expire are told ahead (policy certificate.warn: ahead;
 * fixtures/incidents.yaml#K22): those of clusters' APIs, as the last handshake through the tunnel showed them, and the
 * manager's own.
 *
 *   30, 14, 7 days, 1 day before it, and when it has happened: condition APICertificate of the Cluster, with one of the
 *   reasons ExpiresWithin30Days, ExpiresWithin14Days, ExpiresWithin7Days, ExpiresWithin1Day, Expired; of the manager the
 *   setting certificate-expiry: "ExpiresWithin7Days: ... on 2026-01-08T00:00:00Z". Renewed: the reason goes.
 *
 * Looks at all clusters every EXPIRY_LOOK; nothing is asked for it, and nothing written unless a word changes. A cluster
 * that nobody has talked to yet has shown nothing. */
#ifndef PADDOCK_ENGINE_CONTROLLERS_EXPIRY_EXPIRY_H
#define PADDOCK_ENGINE_CONTROLLERS_EXPIRY_EXPIRY_H

#include "engine/controllers/controller.h"

#define EXPIRY_LOOK      (10 * INT64_C(60) * NS_PER_S)
#define EXPIRY_SETTING   "certificate-expiry"
#define EXPIRY_CONDITION "APICertificate"

extern const struct controller_class expiry_class;
/* The reason for a certificate that ends then; empty: there is time. */
const char *expiry_word(int64_t not_after_s, int64_t wall_ns);

#endif
