/* Goal: the tunnel works the same over either world's WebSockets, TLS and streams, whoever implements them.
 * Method: a server process with a session table and a local port, an agent process, and a service that the agent can
 * reach; streams to the local port come out at the service. */
#include "engine/tunnel/client.h"
#include "engine/tunnel/local.h"
#include "tests/contract/support/peer.h"

#include <string.h>

struct rig {
    struct contract *c;
    struct contract_pki *pki;
    struct policies policies;
    struct tunnel_router *router;
    struct http_server *http;
    uint16_t port;
    struct peer_server service;
    struct tunnel_local *local;
    struct tunnel_client *agent; /* NULL: closed */
    int opened, closed, http_status;
    bool failed;
    struct buf body;
};

static void on_request(void *owner, struct http_exchange *x)
{
    struct rig *r = owner;
    const struct http_headers *h = http_request_headers(x);
    if (!str_eq_c(http_headers_get(h, "X-API-Tunnel-Token"), "token")) {
        http_answer(x, 400, "text/plain", NULL, STR("cluster not found"));
        return;
    }
    const struct tunnel_identity who = {.key = STR("c-1")};
    assert_non_null(tunnel_router_accept(r->router, x, &who));
}

static void on_open(void *owner, struct tunnel_session *s)
{
    (void)s;
    ((struct rig *)owner)->opened++;
}

static void on_closed(void *owner, const struct tunnel_client_closed *how)
{
    struct rig *r = owner;
    r->agent = NULL;
    r->closed++;
    r->failed = how->err != NULL;
    r->http_status = how->http_status;
    buf_clear(&r->body);
    buf_add(&r->body, how->http_body);
}

static void agent_connect(struct rig *r, const char *token)
{
    static const struct tunnel_client_handler handler = {on_open, on_closed};
    const struct world_tls tls = {.server_name = STR(CONTRACT_NAME), .ca_pem = r->pki->ca_pem};
    struct tunnel_client_options o = {.address = r->c->ops->server_addr(r->c, r->port),
                                      .host = STR(CONTRACT_NAME),
                                      .path = STR("/v3/connect"),
                                      .tls = &tls,
                                      .token = str_c(token),
                                      .params_json = STR("{\"cluster\":{}}")};
    o.session.policies = &r->policies;
    r->agent = tunnel_client_connect(r->c->client, &o, &handler, r);
}

static void rig_open(struct rig *r, struct contract *c, bool echo)
{
    *r = (struct rig){.c = c, .pki = contract_pki_new(c), .policies = policies_hardened()};
    r->router = tunnel_router_new(c->server, &r->policies);
    r->http = http_server_new(c->server, &(struct http_server_options){0}, on_request, r);
    const struct world_tls tls = {.cert_pem = r->pki->cert_pem, .key_pem = r->pki->key_pem};
    struct world_addr any = c->ops->server_addr(c, 0);
    struct world_listener *listener;
    assert_null(http_server_listen(r->http, &(struct world_listen){.address = any, .tls = &tls},
                                   &listener));
    r->port = world_listener_port(listener);
    r->service.like = (struct peer){.echo = echo, .forget = true};
    peer_serve(c, &r->service, NULL);
    struct world_addr service = c->ops->server_addr(c, r->service.port);
    struct buf address = {0};
    world_addr_print(&service, &address);
    const struct tunnel_local_options o = {
        .key = STR("c-1"), .proto = STR("tcp"), .address = buf_str(&address)};
    assert_null(tunnel_local_new(c->server, r->router, &o, &r->local));
    buf_free(&address);
}

static void rig_close(struct rig *r)
{
    tunnel_client_close(r->agent);
    tunnel_local_free(r->local);
    tunnel_router_free(r->router);
    http_server_free(r->http);
    peer_serve_end(&r->service);
    contract_pki_free(r->pki);
    buf_free(&r->body);
}

static void dial(struct rig *r, struct peer *p)
{
    p->c = r->c;
    p->s = world_stream_connect(
        r->c->server,
        &(struct world_connect){.address =
                                    world_addr_make(STR("127.0.0.1"), tunnel_local_port(r->local))},
        &peer_handler, p);
}

static bool agent_is_there(void *r)
{
    return tunnel_router_has(((struct rig *)r)->router, STR("c-1"));
}

static bool agent_is_gone(void *r)
{
    return !agent_is_there(r);
}

static bool nothing_open(void *owner)
{
    const struct rig *r = owner;
    return tunnel_local_stats(r->local).open == 0;
}

static bool got_hello(void *p)
{
    return ((struct peer *)p)->got.n == 5;
}

static void round_trip(struct contract *c)
{
    struct rig r;
    struct peer p = {0};
    rig_open(&r, c, true);
    agent_connect(&r, "token");
    contract_until(c, agent_is_there, &r);
    contract_until_flag(c, &r.opened);
    dial(&r, &p);
    world_stream_write(p.s, STR("hello"));
    contract_until(c, got_hello, &p);
    world_stream_shutdown(p.s); /* the tunnel keeps the other half for a while, then ends it */
    contract_until(c, peer_has_ended, &p);
    contract_until(c, nothing_open, &r);
    peer_free(&p);
    rig_close(&r);
}

static void refusal(struct contract *c)
{
    struct rig r;
    rig_open(&r, c, true);
    agent_connect(&r, "wrong");
    contract_until_flag(c, &r.closed);
    assert_int_equal(r.opened, 0);
    assert_int_equal(r.http_status, 400);
    assert_true(str_eq_c(buf_str(&r.body), "cluster not found"));
    rig_close(&r);
}

#define BULK ((size_t)16 << 20)

/* All of it, or the end: the test then says why. */
static bool got_bulk(void *owner)
{
    const struct peer *p = owner;
    return p->bytes == BULK || p->closed;
}

/* Both directions at once, through everything's back-pressure, with a reader that stands still for a while. */
static void bulk(struct contract *c)
{
    struct rig r;
    struct peer p = {.forget = true};
    rig_open(&r, c, true);
    agent_connect(&r, "token");
    contract_until(c, agent_is_there, &r);
    dial(&r, &p);
    char *bytes = mem_alloc(BULK);
    world_stream_pause(p.s);
    world_stream_write(p.s, (struct str){bytes, BULK});
    mem_free(bytes);
    contract_for(c, 300 * NS_PER_MS);
    assert_int_equal(p.bytes, 0);
    world_stream_resume(p.s);
    contract_until(c, got_bulk, &p);
    if (p.bytes != BULK)
        print_error("the stream ended after %zu bytes: %s\n", p.bytes, buf_c(&p.message));
    assert_int_equal(p.bytes, BULK);
    assert_int_equal(tunnel_local_stats(r.local).bytes_up, BULK);
    assert_int_equal(tunnel_local_stats(r.local).bytes_down, BULK);
    peer_free(&p);
    contract_until(c, nothing_open, &r);
    rig_close(&r);
}

static void server_ends_session(struct contract *c)
{
    struct rig r;
    struct peer p = {0};
    rig_open(&r, c, true);
    agent_connect(&r, "token");
    contract_until(c, agent_is_there, &r);
    dial(&r, &p);
    world_stream_write(p.s, STR("hello"));
    contract_until(c, got_hello, &p);
    tunnel_router_disconnect(r.router, STR("c-1"));
    contract_until_flag(c, &r.closed);
    contract_until(c, peer_is_closed, &p);
    assert_true(p.failed);
    agent_connect(&r, "token"); /* and again */
    contract_until(c, agent_is_there, &r);
    peer_free(&p);
    rig_close(&r);
}

static void agent_ends_session(struct contract *c)
{
    struct rig r;
    struct peer p = {0};
    rig_open(&r, c, true);
    agent_connect(&r, "token");
    contract_until(c, agent_is_there, &r);
    dial(&r, &p);
    world_stream_write(p.s, STR("hello"));
    contract_until(c, got_hello, &p);
    tunnel_client_close(r.agent);
    r.agent = NULL;
    contract_until(c, agent_is_gone, &r);
    contract_until(c, peer_is_closed, &p);
    assert_true(p.failed);
    peer_free(&p);
    rig_close(&r);
}

static const struct contract_case cases[] = {
    {"round-trip", round_trip},
    {"refusal", refusal},
    {"bulk", bulk},
    {"server-ends-session", server_ends_session},
    {"agent-ends-session", agent_ends_session},
};

CONTRACT_MAIN("tunnel", cases)
