/* One replica of the manager, put together. */
#include "engine/server/server.h"

#include "engine/api/api.h"
#include "engine/base/json.h"
#include "engine/controllers/controllers.h"
#include "engine/controllers/rotation/rotation.h"
#include "engine/kube/leader.h"
#include "engine/kube/management.h"
#include "engine/pki/pki.h"
#include "engine/server/bootstrap.h"
#include "engine/server/members.h"
#include "engine/server/observe.h"
#include "engine/tunnel/peers.h"

#define PHASE_LOOK (100 * NS_PER_MS)

struct server {
    struct world *world;
    struct policies policies;
    bool people;
    struct log log;
    struct str identity, server_url, ca_pem, cert_pem, agent_image, agent_command,
        peer_token;                                    /* owned */
    struct str default_host, internal_ca_pem, peer_id; /* owned */
    struct leader_options leader_options;
    enum server_members membership;
    bool knows_peers;
    void (*serving)(void *owner);
    void *owner;
    struct str next_cert_pem, next_key_pem,
        next_pin; /* owned; empty: no change of CA is under way */
    bool rotated; /* we show the next certificate */
    struct metrics metrics;
    int64_t *connects, *leader_changes;
    struct http_server *metrics_http; /* NULL: no listener of its own */
    struct kube_client *client;       /* caches, registration, bootstrap, lease */
    struct kube_client *gated;        /* of the leader's controllers */
    struct bootstrap *bootstrap;
    struct kube_informer *clusters, *tokens, *settings, *secrets, *endpoints;
    size_t tokens_by_token;
    struct tunnel_router *router;
    struct tunnel_router_listener sessions;
    size_t agents;
    struct tunnel_peers *peers;
    struct downstreams *downstreams;
    struct api *api;
    struct http_server *http;
    struct world_listener *listener;
    struct leader *leader;
    struct controllers *controllers;
    size_t others; /* replicas */
    struct world_timer
        *phase; /* looks whether it is ready; while it drains, whether that is over */
    world_time phase_since;
    bool ready, draining;
    void (*drained)(void *owner);
    void *drained_owner;
};

/* ---- leadership ---- */

static bool gate_is_open(void *owner)
{
    struct server *s = owner;
    return s->leader && leader_valid(s->leader);
}

static void on_started(void *owner)
{
    struct server *s = owner;
    struct controllers_options o = {.world = s->world,
                                    .client = s->gated,
                                    .clusters = s->clusters,
                                    .tokens = s->tokens,
                                    .settings = s->settings,
                                    .secrets = s->secrets,
                                    .router = s->router,
                                    .downstreams = s->downstreams,
                                    .policies = &s->policies,
                                    .cert_pem = s->rotated ? s->next_cert_pem : s->cert_pem,
                                    .membership_key = s->peer_token,
                                    .next_pin = s->next_pin,
                                    .metrics = &s->metrics};
    log_info(&s->log, "leading as " STR_FMT, STR_ARG(s->identity));
    s->controllers = controllers_start(&o);
}

static void on_stopped(void *owner)
{
    struct server *s = owner;
    log_warn(&s->log, "no longer leading");
    controllers_stop(s->controllers);
    s->controllers = NULL;
    if (policy_get(&s->policies, POLICY_LEADER_LOSS) == POLICY_LEADER_LOSS_EXIT)
        world_exit(s->world, 1);
}

static void on_leader(void *owner, struct str holder)
{
    const struct server *s = owner;
    if (holder.n)
        ++*s->leader_changes;
}

static const struct leader_handler leader_handler = {
    .started = on_started, .stopped = on_stopped, .observed = on_leader};

/* ---- certificates ---- */

/* Tunnels that are there stay; whoever comes from now on sees the next certificate. */
static void on_setting(void *owner, const struct kube_object *before,
                       const struct kube_object *after)
{
    struct server *s = owner;
    (void)before;
    if (s->rotated || !s->next_pin.n || !after || !rotation_is_over(after, s->next_pin))
        return;
    struct world_tls tls = {
        .cert_pem = s->next_cert_pem, .key_pem = s->next_key_pem, .alpn = STR("http/1.1")};
    struct err *err = world_listener_set_tls(s->listener, &tls);
    s->rotated = err == NULL;
    if (err)
        log_error(&s->log, "cannot go over to the next certificate: %s", err->message);
    err_free(err);
}

struct err *server_set_certificate(struct server *s, struct str cert_pem, struct str key_pem)
{
    struct world_tls tls = {.cert_pem = cert_pem, .key_pem = key_pem, .alpn = STR("http/1.1")};
    struct err *err = world_listener_set_tls(s->listener, &tls);
    if (err)
        return err;
    str_free(&s->cert_pem);
    s->cert_pem = str_dup(cert_pem);
    return NULL;
}

void server_set_kube_token(struct server *s, struct str token)
{
    kube_client_set_token(s->client, token);
    kube_client_set_token(s->gated, token);
}

/* What is shown as CA, and what follows from its replacement. */
static struct err *plan_certificates(struct server *s, const struct server_config *c)
{
    struct buf both = {0}, pins = {0};
    struct err *err = NULL;
    bool overlap = policy_get(&s->policies, POLICY_CA_ROTATION) == POLICY_ROTATION_OVERLAP;
    if (c->next_ca_pem.n && overlap) {
        buf_addf(&both, STR_FMT "\n" STR_FMT, STR_ARG(str_trim(c->ca_pem)),
                 STR_ARG(c->next_ca_pem));
        err = pki_ca_pins(c->next_ca_pem, &pins);
        s->next_cert_pem = str_dup(c->next_cert_pem);
        s->next_key_pem = str_dup(c->next_key_pem);
        s->next_pin = buf_take(&pins);
    }
    s->ca_pem = str_dup(both.n ? buf_str(&both) : c->next_ca_pem.n ? c->next_ca_pem : c->ca_pem);
    buf_free(&both);
    return err;
}

/* ---- peers ---- */

void server_set_peers(struct server *s, const struct tunnel_peer *peers, size_t n)
{
    s->others = n;
    s->knows_peers = true;
    tunnel_peers_set(s->peers, peers, n);
    api_set_replicas(s->api, n + 1);
}

static void on_endpoints(void *owner, const struct kube_object *before,
                         const struct kube_object *after)
{
    struct server *s = owner;
    struct arena a = {0};
    struct members m = {0};
    struct str own = world_own_address(s->world);
    (void)before;
    bool ours = after && str_eq_c(after->name, SERVER_SERVICE);
    if (!s->peer_token.n || s->membership == MEMBERS_GIVEN ||
        (s->membership == MEMBERS_ENDPOINTS && !ours))
        return;
    if (s->membership == MEMBERS_SLICES)
        members_of_slices(&a, s->endpoints, own, server_port(s), &m);
    else
        members_of_endpoints(&a, after, own, server_port(s), &m);
    server_set_peers(s, m.peers, m.n);
    arena_free(&a);
}

/* ---- ready, and about to stop ---- */

static bool is_ready(const struct server *s)
{
    if (policy_get(&s->policies, POLICY_SERVER_READY) == POLICY_READY_CACHES || !s->peer_token.n)
        return true;
    return world_now(s->world) - s->phase_since >= SERVER_READY_WAIT ||
           ((s->membership == MEMBERS_GIVEN ? s->knows_peers
                                            : kube_informer_synced(s->endpoints)) &&
            tunnel_peers_whole(s->peers));
}

/* Without tunnels to and from the others it knows no way to their clusters, nor they to its (fixtures/incidents.yaml#K01). Ready
 * once is ready until the end: that a peer goes is no reason to be asked nothing. */
static void look_ready(struct server *s)
{
    s->ready = is_ready(s);
    api_set_ready(s->api, s->ready);
    if (!s->ready)
        world_timer_start(s->phase, PHASE_LOOK);
}

static bool is_drained(const struct server *s)
{
    world_time since = world_now(s->world) - s->phase_since;
    if (policy_get(&s->policies, POLICY_SERVER_DRAIN) == POLICY_DRAIN_NONE ||
        since >= SERVER_DRAIN_MAX)
        return true;
    return since >= SERVER_DRAIN_MIN && (s->agents == 0 || s->others == 0);
}

static void look_drained(struct server *s)
{
    if (is_drained(s))
        s->drained(s->drained_owner);
    else
        world_timer_start(s->phase, PHASE_LOOK);
}

static void on_phase(void *owner)
{
    struct server *s = owner;
    if (s->draining)
        look_drained(s);
    else
        look_ready(s);
}

/* The lease first: the next leader is at work before our agents begin to move. */
static void hand_over(struct server *s)
{
    s->policies.value[POLICY_LEADER_LOSS] = POLICY_LEADER_LOSS_CONTROLLERS; /* we end in order */
    leader_free(s->leader);
    s->leader = NULL;
    api_drain(s->api);
    tunnel_router_hand_over(s->router, SERVER_DRAIN_SPREAD);
}

void server_drain(struct server *s, void (*done)(void *owner), void *owner)
{
    BUG_ON(!done, "whoever asks it to stop waits for it");
    if (s->draining)
        return;
    world_note(s->world, "server.draining", s->identity, str_empty);
    s->draining = true;
    s->ready = false;
    s->phase_since = world_now(s->world);
    s->drained = done;
    s->drained_owner = owner;
    if (policy_get(&s->policies, POLICY_SERVER_DRAIN) == POLICY_DRAIN_HANDOVER)
        hand_over(s);
    world_timer_start(s->phase, 0);
}

/* ---- caches ---- */

static void token_of(const struct kube_object *o, struct buf *value)
{
    buf_add(value, kube_object_string(o, "status.token"));
}

static bool all_synced(const struct server *s)
{
    return kube_informer_synced(s->clusters) && kube_informer_synced(s->tokens) &&
           kube_informer_synced(s->settings) && kube_informer_synced(s->secrets);
}

/* Leadership is sought when the caches are filled: a leader that sees nothing would do nothing, or harm. */
static void on_synced(void *owner)
{
    struct server *s = owner;
    if (!all_synced(s) || s->leader || s->draining)
        return;
    s->leader = leader_new(s->client, s->identity, &s->leader_options, &leader_handler, s);
    s->phase_since = world_now(s->world);
    look_ready(s);
    if (s->serving)
        s->serving(s->owner);
}

static struct kube_informer *cache_of(struct server *s, const struct kube_target *target)
{
    struct kube_informer *inf = kube_informer_new(s->client, target);
    kube_informer_set_policies(inf, &s->policies);
    kube_informer_on_synced(inf, on_synced, s);
    return inf;
}

static struct kube_informer *cache_new(struct server *s, const struct kube_gvr *gvr, const char *ns)
{
    struct kube_target target = {.gvr = *gvr, .ns = str_c(ns)};
    return cache_of(s, &target);
}

static void caches_new(struct server *s)
{
    struct kube_target members = members_target(s->membership);
    s->clusters = cache_new(s, &gvr_clusters, NULL);
    s->tokens = cache_new(s, &gvr_registration_tokens, NULL);
    s->settings = cache_new(s, &gvr_settings, NULL);
    s->secrets = cache_new(s, &gvr_secrets, NAMESPACE_GLOBAL_DATA);
    s->endpoints = cache_of(s, &members);
    s->tokens_by_token = kube_informer_index(s->tokens, token_of);
    kube_informer_on_change(s->endpoints, on_endpoints, s);
    kube_informer_on_change(s->settings, on_setting, s);
}

static void on_bootstrapped(void *owner)
{
    struct server *s = owner;
    s->bootstrap = NULL;
    struct kube_informer *caches[] = {s->clusters, s->tokens, s->settings, s->secrets,
                                      s->endpoints};
    for (size_t i = 0; i < ARRAY_LEN(caches); i++)
        kube_informer_start(caches[i]);
}

/* ---- sessions ---- */

static void on_session(void *owner, struct tunnel_session *session)
{
    struct server *s = owner;
    s->agents++;
    ++*s->connects;
    world_note(s->world, "tunnel.opened", tunnel_session_key(session),
               tunnel_session_instance(session));
}

static void on_session_gone(void *owner, struct tunnel_session *session)
{
    struct server *s = owner;
    s->agents--;
    world_note(s->world, "tunnel.closed", tunnel_session_key(session),
               tunnel_session_instance(session));
}

/* ---- clusters' APIs ---- */

static bool find_way(void *owner, struct str cluster_id, struct proxy_way *out)
{
    struct server *s = owner;
    struct downstream_way way;
    if (!downstream_way(s->downstreams, cluster_id, &way))
        return false;
    *out = (struct proxy_way){.address = world_addr_make(STR("127.0.0.1"), way.port),
                              .plain = way.plain,
                              .host = way.host,
                              .ca_pem = way.ca_pem,
                              .token = way.token,
                              .failed = way.failed,
                              .last = way.last};
    return true;
}

/* ---- life ---- */

static struct err *listen_on(struct server *s, const struct server_config *c)
{
    bool next = c->next_cert_pem.n && !s->next_pin.n; /* replaced at once */
    struct world_tls tls = {.cert_pem = next ? c->next_cert_pem : c->cert_pem,
                            .key_pem = next ? c->next_key_pem : c->key_pem,
                            .alpn = STR("http/1.1")};
    s->cert_pem = str_dup(c->cert_pem.n ? tls.cert_pem : str_empty);
    struct world_listen options = {.address = c->listen, .tls = c->cert_pem.n ? &tls : NULL};
    return http_server_listen(s->http, &options, &s->listener);
}

static void start_bootstrap(struct server *s)
{
    struct buf url = {0};
    if (s->default_host.n) {
        struct world_addr own = world_addr_make(s->default_host, server_port(s));
        buf_add_c(&url, "https://");
        world_addr_print(&own, &url);
    }
    bool given = s->server_url.n > 0;
    const struct bootstrap_setting settings[] = {
        {"cacerts", s->ca_pem, false},
        {"server-url", given ? s->server_url : buf_str(&url), !given},
        {"agent-image", s->agent_image, false},
        {"agent-command", s->agent_command, true},
        {"internal-cacerts", s->internal_ca_pem, false}};
    s->bootstrap = bootstrap_start(s->client, settings, ARRAY_LEN(settings), on_bootstrapped, s);
    if (s->people)
        bootstrap_people(s->bootstrap);
    buf_free(&url);
}

static void take_config(struct server *s, const struct server_config *c)
{
    s->policies = c->policies;
    s->people = c->people;
    s->identity = str_dup(c->identity);
    s->server_url = str_dup(c->server_url);
    s->default_host = str_dup(c->default_host);
    s->internal_ca_pem = str_dup(c->internal_ca_pem);
    s->agent_image = str_dup(c->agent_image);
    s->agent_command = str_dup(c->agent_command);
    s->peer_token = str_dup(c->peer_token);
    s->peer_id = str_dup(c->peer_id.n ? c->peer_id : world_own_address(s->world));
    s->membership = c->membership;
    s->leader_options.lock = c->lock;
    s->leader_options.lease = policy_get(&c->policies, POLICY_LEADER_LEASE);
    s->serving = c->serving;
    s->owner = c->owner;
}

struct err *server_new(struct world *w, const struct server_config *c, struct server **out)
{
    struct server *s = MEM_NEW(struct server);
    s->world = w;
    s->log = (struct log){world_log(w), STR("server")};
    take_config(s, c);
    s->connects = metrics_cell(&s->metrics, METRIC_COUNTER, "paddock_tunnel_agent_connects_total",
                               str_empty, "tunnel sessions of cluster agents accepted");
    s->leader_changes = metrics_cell(&s->metrics, METRIC_COUNTER, "paddock_leader_changes_total",
                                     str_empty, "holders of the lease seen after one another");
    metrics_on_write(&s->metrics, server_collect, s);
    s->phase = world_timer_new(w, on_phase, s);
    s->client = kube_client_new(w, &c->kube);
    s->gated = kube_client_new(w, &c->kube);
    kube_client_set_gate(s->gated, gate_is_open, s);
    caches_new(s);
    s->router = tunnel_router_new(w, &s->policies);
    s->sessions = (struct tunnel_router_listener){
        .added = on_session, .removed = on_session_gone, .owner = s};
    tunnel_router_listen(s->router, &s->sessions);
    s->peers = tunnel_peers_new(w, s->router, &s->policies, s->peer_id, s->peer_token);
    struct downstreams_options d = {
        .world = w, .router = s->router, .clusters = s->clusters, .secrets = s->secrets};
    s->downstreams = downstreams_new(&d);
    struct api_options a = {.world = w,
                            .policies = &s->policies,
                            .client = s->client,
                            .clusters = s->clusters,
                            .tokens = s->tokens,
                            .settings = s->settings,
                            .secrets = s->secrets,
                            .tokens_by_token = s->tokens_by_token,
                            .router = s->router,
                            .peers = s->peers,
                            .forwards = downstreams_forwards(s->downstreams),
                            .way = find_way,
                            .way_owner = s,
                            .metrics = &s->metrics,
                            .plain = c->cert_pem.n == 0,
                            .membership_key = s->peer_token,
                            .agent_image = s->agent_image,
                            .observed = {&s->metrics, server_dump, s}};
    s->api = api_new(&a);
    struct http_server_options http = {.answered = api_answered};
    s->http = http_server_new(w, &http, api_handle, s->api);
    struct err *err = plan_certificates(s, c);
    if (!err)
        err = listen_on(s, c);
    if (err) {
        server_free(s);
        return err;
    }
    start_bootstrap(s);
    *out = s;
    return NULL;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    /* From the top down: nothing is called back by what it stands on. */
    s->policies.value[POLICY_LEADER_LOSS] =
        POLICY_LEADER_LOSS_CONTROLLERS; /* we are ending already */
    world_timer_free(s->phase);
    leader_free(s->leader);
    bootstrap_cancel(s->bootstrap);
    if (s->metrics_http)
        http_server_free(s->metrics_http);
    http_server_free(s->http);
    api_free(s->api);
    downstreams_free(s->downstreams);
    tunnel_peers_free(s->peers);
    tunnel_router_free(s->router);
    kube_informer_free(s->endpoints);
    kube_informer_free(s->secrets);
    kube_informer_free(s->settings);
    kube_informer_free(s->tokens);
    kube_informer_free(s->clusters);
    kube_client_free(s->gated);
    kube_client_free(s->client);
    metrics_free(&s->metrics);
    str_free(&s->identity);
    str_free(&s->server_url);
    str_free(&s->ca_pem);
    str_free(&s->cert_pem);
    str_free(&s->next_cert_pem);
    str_free(&s->next_key_pem);
    str_free(&s->next_pin);
    str_free(&s->agent_image);
    str_free(&s->agent_command);
    str_free(&s->peer_token);
    str_free(&s->default_host);
    str_free(&s->internal_ca_pem);
    str_free(&s->peer_id);
    mem_free(s);
}

struct server_state server_state(const struct server *s)
{
    return (struct server_state){.serving = all_synced(s),
                                 .ready = s->ready,
                                 .draining = s->draining,
                                 .leading = s->leader && leader_valid(s->leader),
                                 .agents = s->agents,
                                 .peers = tunnel_peers_connected(s->peers),
                                 .queue_depth =
                                     s->controllers ? controllers_queue_depth(s->controllers) : 0,
                                 .connects = (uint64_t)*s->connects};
}

const struct kube_informer *server_cache(const struct server *s, size_t i)
{
    const struct kube_informer *const caches[SERVER_CACHES] = {s->clusters, s->tokens, s->settings,
                                                               s->secrets, s->endpoints};
    BUG_ON(i >= SERVER_CACHES, "there is no such cache");
    return caches[i];
}

const struct kube_gvr *server_cache_kind(size_t i)
{
    static const struct kube_gvr *const kinds[SERVER_CACHES] = {
        &gvr_clusters, &gvr_registration_tokens, &gvr_settings, &gvr_secrets, &gvr_endpoints};
    BUG_ON(i >= SERVER_CACHES, "there is no such cache");
    return kinds[i];
}

struct tunnel_router *server_router(struct server *s)
{
    return s->router;
}
struct metrics *server_metrics(struct server *s)
{
    return &s->metrics;
}
uint16_t server_port(const struct server *s)
{
    return world_listener_port(s->listener);
}
uint16_t server_cluster_port(struct server *s, struct str cluster_id)
{
    return downstream_port(s->downstreams, cluster_id);
}
uint16_t server_forward_port(struct server *s, struct str cluster_id, struct str address)
{
    return downstream_forward(s->downstreams, cluster_id, address);
}

struct server_parts server_parts(const struct server *s)
{
    return (struct server_parts){.world = s->world,
                                 .policies = &s->policies,
                                 .identity = s->identity,
                                 .router = s->router,
                                 .peers = s->peers,
                                 .controllers = s->controllers,
                                 .leader = s->leader,
                                 .cert_pem = s->rotated ? s->next_cert_pem : s->cert_pem,
                                 .next_cert_pem = s->rotated ? str_empty : s->next_cert_pem,
                                 .ca_pem = s->ca_pem,
                                 .client = s->client,
                                 .replicas = s->others + 1};
}

static void on_scrape(void *owner, struct http_exchange *x)
{
    server_answer_scrape(owner, x);
}

struct err *server_metrics_listen(struct server *s, const struct world_addr *address,
                                  uint16_t *port)
{
    BUG_ON(s->metrics_http, "there is one such listener");
    struct world_listener *listener;
    struct world_listen options = {.address = *address};
    s->metrics_http = http_server_new(s->world, NULL, on_scrape, s);
    struct err *err = http_server_listen(s->metrics_http, &options, &listener);
    if (!err)
        *port = world_listener_port(listener);
    return err;
}
