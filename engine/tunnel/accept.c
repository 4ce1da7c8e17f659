/* accept: sessions over WebSockets that the HTTP server upgraded. */
#include "engine/tunnel/router_internal.h"
#include "engine/tunnel/transport.h"

TRANSPORT(http_ws);

struct tunnel_session *tunnel_session_accept(struct world *w, struct http_exchange *x,
                                             const struct tunnel_session_options *options)
{
    struct tunnel_session *s = tunnel_session_new(w, &tunnel_transport_http_ws, NULL, options);
    static const struct http_ws_options ws_options = {0};
    struct http_ws *ws = http_ws_accept(x, &ws_options, &tunnel_session_ws_handler, s);
    if (!ws) {
        tunnel_session_close(s);
        return NULL;
    }
    s->transport = ws;
    return s;
}

struct tunnel_session *tunnel_router_accept(struct tunnel_router *r, struct http_exchange *x,
                                            const struct tunnel_identity *who)
{
    struct route *route = tunnel_route_new(r, who);
    struct tunnel_session_options o = tunnel_route_session_options(r, who, route);
    struct tunnel_session *s = tunnel_session_accept(r->w, x, &o);
    if (!s) {
        tunnel_route_free(route);
        return NULL;
    }
    return tunnel_route_add(r, route, s, who);
}
