#include "engine/tunnel/client.h"

#include "engine/base/codec.h"
#include "engine/tunnel/census.h"

#define HEADERS_OF_OURS 2u

struct tunnel_client {
    struct world *w;
    const struct tunnel_client_handler *handler;
    void *owner;
    struct tunnel_session_options options; /* of the session to be; its policies are below */
    struct policies policies;
    struct str key, instance;       /* owned */
    struct world_ws *ws;            /* NULL: given to the session, or gone */
    struct tunnel_session *session; /* NULL: not open */
    world_time opened_at;
    unsigned busy; /* callbacks under way: memory stays */
    bool ended;
};

static void client_free(struct tunnel_client *c)
{
    str_free(&c->key);
    str_free(&c->instance);
    mem_free(c);
}

static void client_leave(struct tunnel_client *c)
{
    if (--c->busy == 0 && c->ended)
        client_free(c);
}

static void client_report(struct tunnel_client *c, const struct tunnel_client_closed *how)
{
    BUG_ON(c->ended, "whoever closes it is not told");
    c->busy++;
    c->ended = true;
    c->handler->closed(c->owner, how);
    client_leave(c);
}

/* ---- the session's callbacks: the user's, with its owner ---- */

static void on_session_closed(void *owner, const struct err *why)
{
    struct tunnel_client *c = owner;
    struct tunnel_client_closed how = {.err = why, .was_open = true};
    how.idle = tunnel_session_idle(c->session, &how.longest_idle);
    c->session = NULL;
    client_report(c, &how);
}

static bool on_session_allow(void *owner, struct str proto, struct str address)
{
    struct tunnel_client *c = owner;
    return c->options.allow ? c->options.allow(c->options.owner, proto, address)
                            : tunnel_allow_default(NULL, proto, address);
}

static void on_session_incoming(void *owner, struct tunnel_conn *conn, struct str proto,
                                struct str address)
{
    struct tunnel_client *c = owner;
    c->options.incoming(c->options.owner, conn, proto, address);
}

static void on_session_client(void *owner, bool add, struct str key, uint64_t session_key)
{
    struct tunnel_client *c = owner;
    c->options.client(c->options.owner, add, key, session_key);
}

static void on_session_leave(void *owner)
{
    const struct tunnel_client *c = owner;
    c->options.leave(c->options.owner);
}

static void client_open_session(struct tunnel_client *c)
{
    struct tunnel_session_options o = c->options;
    o.owner = c;
    o.closed = on_session_closed;
    o.allow = on_session_allow;
    o.incoming = c->options.incoming ? on_session_incoming : NULL;
    o.client = c->options.client ? on_session_client : NULL;
    o.leave = c->options.leave ? on_session_leave : NULL;
    c->session = tunnel_session_new(c->w, &tunnel_transport_world_ws, c->ws, &o);
    if (o.census)
        tunnel_census_enter(o.census, c->session, o.census_kind);
    c->ws = NULL;
    c->opened_at = world_now(c->w);
}

/* ---- the WebSocket's callbacks ---- */

static void on_open(void *owner)
{
    struct tunnel_client *c = owner;
    client_open_session(c);
    c->busy++;
    if (c->handler->open)
        c->handler->open(c->owner, c->session);
    client_leave(c);
}

static void on_message(void *owner, bool text, struct str payload)
{
    const struct tunnel_client *c = owner;
    tunnel_session_on_message(c->session, text, payload);
}

static void on_control(void *owner, struct str payload)
{
    const struct tunnel_client *c = owner;
    (void)payload;
    tunnel_session_on_alive(c->session);
}

static void on_pong(void *owner, struct str payload)
{
    const struct tunnel_client *c = owner;
    (void)payload;
    tunnel_session_on_pong(c->session);
}

static void on_drained(void *owner)
{
    const struct tunnel_client *c = owner;
    tunnel_session_on_drained(c->session);
}

static void on_closed(void *owner, const struct world_ws_closed *how)
{
    struct tunnel_client *c = owner;
    c->ws = NULL;
    if (c->session) {
        tunnel_session_on_down(c->session, how->err); /* comes back as on_session_closed */
        return;
    }
    client_report(c, &(struct tunnel_client_closed){.err = how->err,
                                                    .http_status = how->http_status,
                                                    .http_body = how->http_body});
}

static const struct world_ws_handler ws_handler = {on_open, on_message, on_control,
                                                   on_pong, on_drained, on_closed};

/* ---- making ---- */

static void client_dial(struct tunnel_client *c, const struct tunnel_client_options *o)
{
    struct world_header *headers =
        MEM_NEW_ARRAY(struct world_header, o->headers_n + HEADERS_OF_OURS);
    struct buf params = {0};
    size_t n = 0;
    if (o->token.n > 0)
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Token"), o->token};
    if (o->params_json.n > 0) {
        base64_encode(&params, o->params_json);
        headers[n++] = (struct world_header){STR("X-API-Tunnel-Params"), buf_str(&params)};
    }
    for (size_t i = 0; i < o->headers_n; i++)
        headers[n++] = o->headers[i];
    struct world_ws_connect connect = {.address = o->address,
                                       .host = o->host,
                                       .path = o->path,
                                       .tls = o->tls,
                                       .headers = headers,
                                       .headers_n = n,
                                       .timeout = o->timeout,
                                       .fragment_bytes = TUNNEL_CLIENT_FRAGMENT_BYTES};
    c->ws = world_ws_connect(c->w, &connect, &ws_handler, c);
    buf_free(&params);
    mem_free(headers);
}

struct tunnel_client *tunnel_client_connect(struct world *w,
                                            const struct tunnel_client_options *options,
                                            const struct tunnel_client_handler *handler,
                                            void *owner)
{
    BUG_ON(!handler->closed, "somebody has to learn of the end");
    struct tunnel_client *c = MEM_NEW(struct tunnel_client);
    c->w = w;
    c->handler = handler;
    c->owner = owner;
    c->policies = *options->session.policies;
    c->key = str_dup(options->session.key.n > 0 ? options->session.key : STR("client"));
    c->instance = str_dup(options->session.instance);
    c->options = options->session;
    c->options.side = TUNNEL_CLIENT;
    c->options.policies = &c->policies;
    c->options.key = c->key;
    c->options.instance = c->instance;
    client_dial(c, options);
    return c;
}

void tunnel_client_close(struct tunnel_client *c)
{
    if (!c)
        return;
    BUG_ON(c->ended, "a client is closed once");
    c->ended = true;
    c->busy++;
    if (c->ws)
        world_ws_abort(c->ws);
    c->ws = NULL;
    tunnel_session_close(c->session);
    c->session = NULL;
    client_leave(c);
}

struct tunnel_session *tunnel_client_session(const struct tunnel_client *c)
{
    return c->session;
}

world_time tunnel_client_opened_at(const struct tunnel_client *c)
{
    return c->opened_at;
}
