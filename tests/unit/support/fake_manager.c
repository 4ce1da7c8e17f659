#include "tests/unit/support/fake_manager.h"

#include "engine/base/codec.h"
#include "engine/manifests/agent_manifest.h"
#include "engine/pki/pki.h"

#define KEY "c-lab"

static void on_bare_message(void *owner, bool text, struct str payload)
{
    (void)owner;
    (void)text;
    (void)payload;
}
static void on_bare_closed(void *owner, const struct world_ws_closed *how)
{
    (void)how;
    ((struct fake_manager *)owner)->ws = NULL;
}
static const struct world_ws_handler bare_handler = {.message = on_bare_message,
                                                     .closed = on_bare_closed};

static void note_token(struct fake_manager *m, struct http_exchange *x)
{
    struct arena a = {0};
    struct buf json = {0};
    cJSON *params = NULL;
    struct str header = http_headers_get(http_request_headers(x), "X-API-Tunnel-Params");
    assert_true(base64_decode(&json, header));
    check_ok(json_parse(&a, buf_str(&json), &params));
    if (json_get(params, "cluster"))
        buf_addf(&m->tokens, STR_FMT "\n", STR_ARG(json_string_at(params, "cluster.token")));
    buf_free(&json);
    arena_free(&a);
}

static void answer_manifest(struct fake_manager *m, struct http_exchange *x)
{
    struct buf checksum = {0}, text = {0};
    pki_ca_checksum(m->ca_pem, &checksum);
    struct agent_manifest manifest = {.server_url = STR("https://" MANAGER_NAME),
                                      .token = STR("registration"),
                                      .cluster_id = STR(KEY),
                                      .ca_checksum = buf_str(&checksum),
                                      .image = STR("agent:1"),
                                      .command = m->agent_command,
                                      .ready_when_connected = m->agent_command.n > 0};
    agent_manifest_write(&manifest, &text);
    http_answer(x, 200, "text/plain", NULL, buf_str(&text));
    buf_free(&checksum);
    buf_free(&text);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct fake_manager *m = owner;
    struct str path = http_path(x);
    if (m->mute)
        return;
    if (str_eq_c(path, "/ping")) {
        m->pings++;
        http_answer(x, m->ping_status, "text/plain", NULL, str_c(m->ping));
    } else if (str_eq_c(path, "/v3/settings/cacerts")) {
        http_answer(x, m->cacerts_status, "application/json", NULL, m->cacerts);
    } else if (str_starts(path, STR("/v3/connect"))) {
        struct tunnel_identity who = {
            .key = STR(KEY),
            .leaves = http_headers_get(http_request_headers(x), TUNNEL_LEAVES_HEADER).n > 0};
        m->dials++;
        m->dialled_at = sim_now(m->l->sim);
        buf_addf(&m->paths, STR_FMT " ", STR_ARG(path));
        note_token(m, x);
        if (m->connect_status)
            http_answer(x, m->connect_status, "text/plain", NULL,
                        str_c(m->connect_text ? m->connect_text : "no"));
        else if (m->bare)
            m->ws = http_ws_accept(x, &(struct http_ws_options){0}, &bare_handler, m);
        else
            m->connects += tunnel_router_accept(m->router, x, &who) != NULL;
    } else if (str_starts(path, STR("/v3/import/"))) {
        answer_manifest(m, x);
    } else {
        http_answer(x, 404, "text/plain", NULL, STR("nothing here"));
    }
}

void fake_manager_open(struct fake_manager *m, struct lab *l, const char *name, const char *address,
                       struct authority *ca, bool plain)
{
    *m = (struct fake_manager){.l = l,
                               .policies = policies_hardened(),
                               .ping_status = 200,
                               .ping = "pong",
                               .cacerts = STR("{}"),
                               .cacerts_status = 200};
    m->process = lab_process(l, name, address, name, NULL, NULL);
    struct world *w = sim_process_world(m->process);
    m->identity = authority_issue(ca, STR(MANAGER_NAME), str_empty);
    m->router = tunnel_router_new(w, &m->policies);
    m->http = http_server_new(w, NULL, on_request, m);
    struct world_tls tls = {.cert_pem = m->identity.cert_pem, .key_pem = m->identity.key_pem};
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), 443),
                             .tls = plain ? NULL : &tls};
    struct world_listener *listener = NULL;
    check_ok(http_server_listen(m->http, &o, &listener));
}

void fake_manager_close(struct fake_manager *m)
{
    fake_manager_close_bare(m);
    http_server_free(m->http);
    tunnel_router_free(m->router);
    identity_free(&m->identity);
    buf_free(&m->paths);
    buf_free(&m->tokens);
}

void fake_manager_cut_tunnels(struct fake_manager *m)
{
    tunnel_router_disconnect(m->router, STR(KEY));
}

void fake_manager_close_bare(struct fake_manager *m)
{
    if (m->ws)
        http_ws_close(m->ws, 1000, str_empty);
    m->ws = NULL;
}

size_t fake_manager_tunnels(const struct fake_manager *m)
{
    return tunnel_router_count(m->router, STR(KEY));
}

void fake_dns(struct lab *l, uint32_t ttl_s, const char *a, const char *b)
{
    struct str addresses[] = {str_c(a), str_c(b)};
    if (a)
        sim_dns_set(l->sim, STR(MANAGER_NAME), ttl_s, addresses, b ? 2 : 1);
    else
        sim_dns_remove(l->sim, STR(MANAGER_NAME));
}
