/* wswatch: watches over WebSockets: `Upgrade: websocket` on the URL of a watch. One event a frame: text for JSON, binary
 * for protobuf. A browser cannot set headers, so the bearer token may come as an offered sub-protocol
 * ("base64url.bearer.authorization.k8s.io.TOKEN") beside at least one other, of which the first is chosen. Without an
 * Origin the handshake is refused (403, no body). */
#include "sim/kubeapi/verbs/watch.h"
#ifndef PADDOCK_SIM_KUBEAPI_WSWATCH_H
#define PADDOCK_SIM_KUBEAPI_WSWATCH_H

#include <stdbool.h>

struct api_request;
struct watch_sink;

/* Looks at the head: is it a complete WebSocket handshake? Then r's views move into its arena, because the exchange will
 * be gone, and a token among the protocols becomes r->authorization. */
void wswatch_read_head(struct api_request *r);
/* The request and its session end; for servers that are freed. */
void wswatch_abort(struct api_request *r);

extern const struct watch_sink wswatch_sink;

#endif
