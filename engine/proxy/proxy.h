/* proxy: /k8s/clusters/ID/...: a cluster's own API, through its tunnel, in the caller's name.
 *
 *   asked ─► id, headers fit? ─► who, and may they? (engine/auth) ─► Cluster, tunnel, credentials there? ─► sent
 *               └ 400, 403         └ 401, 403, 503                        └ 404, 503                         │
 *                          answered ◄── head ─► body, as it comes ◄──────────────────────────────────────────┤
 *                          joined (pipe.h) ◄── 101 ◄─────────────────────────────────────────────────────────┘
 *
 * The request goes to the cluster's API with the credentials of the service account that its agent registered, and
 * Impersonate-* headers that say who the caller is (fields.h). Whatever a caller says about impersonation himself is refused:
 * the original asks whether he may; here that is for the cluster's own API, reached directly.
 * Bodies pass both ways as they come: a side that does not take them pauses the other, so that a request costs bounded
 * memory and leaves the tunnel to others. Once the head of an answer is there nothing times out: watches stay for hours.
 *
 * Errors:    a Kubernetes Status whose message, and cause "Hop", say how far it came: manager, tunnel, agent, API. After the head
 *            an error cuts the connection.
 * Ownership: exchanges and streams under way are the proxy's; proxy_free after the HTTP server.
 * Bounds:    PROXY_OPEN_MAX requests and upgraded connections; beyond 429. Head of an answer: PROXY_HEAD_TIMEOUT.
 * Source:    fixtures/incidents.yaml#K11, #K29. */
#ifndef PADDOCK_ENGINE_PROXY_PROXY_H
#define PADDOCK_ENGINE_PROXY_PROXY_H

#include "engine/auth/auth.h"
#include "engine/base/metrics.h"
#include "engine/http/server.h"
#include "engine/tunnel/router.h"

#define PROXY_OPEN_MAX     4000u           /* less than the HTTP client has connections */
#define PROXY_HEAD_TIMEOUT (65 * NS_PER_S) /* longer than the 60 s that an API takes for itself */

/* How a cluster's API is reached: borrowed. */
struct proxy_way {
    struct world_addr address; /* of a local listener, behind which its tunnel is */
    bool plain;
    struct str host, ca_pem, token;
    uint64_t failed;        /* connections there that came to nothing so far */
    const struct err *last; /* why the last one did; NULL: none did */
};

struct proxy;
struct proxy_options {
    struct world *world;
    struct auth *auth;
    struct tunnel_router *router;
    struct kube_informer *clusters;
    struct metrics *metrics;
    bool plain; /* callers come without TLS */
    /* False: its agent has not registered yet. */
    bool (*way)(void *owner, struct str cluster_id, struct proxy_way *out);
    void *owner;
};
struct proxy *proxy_new(const struct proxy_options *options);
void proxy_free(struct proxy *p);
/* rest: what follows "/k8s/clusters/" in the target, with its query. */
void proxy_handle(struct proxy *p, struct http_exchange *x, struct str rest);

#endif
