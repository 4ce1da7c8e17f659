/* A manager's site: see the roles in site.h. */
#include "sim/scenario/run/site.h"

#include "engine/base/json.h"
#include "engine/kube/management.h"
#include "sim/scenario/run/respell.h"

#define ENDPOINTS_AFTER (500 * NS_PER_MS)
#define AGENT_IMAGE     "rancher/rancher-agent:v2.9.12"
#define PEER_TOKEN      "peers-of-the-simulated-manager"

/* ---- replicas ---- */

static struct err *replica_start(struct world *w, const void *config, void **out)
{
    const struct replica *r = *(const struct replica *const *)config;
    struct server_config c = r->site->config;
    struct server *server = NULL;
    c.identity = r->identity;
    struct err *err = server_new(w, &c, &server);
    *out = server; /* NULL beside an error */
    return err;
}

static void replica_destroy(void *instance)
{
    server_free(instance);
}

static void on_drained(void *w)
{
    world_exit(w, 0);
}

static void endpoints_later(struct site *s);

static void replica_terminate(struct world *w, const void *config, void *server)
{
    const struct replica *r = *(const struct replica *const *)config;
    server_drain(server, on_drained, w);
    endpoints_later(r->site);
}

static const struct sim_program program = {
    .start = replica_start, .destroy = replica_destroy, .terminate = replica_terminate};

struct server *replica_server(const struct replica *r)
{
    return sim_process_instance(r->process);
}

/* ---- Endpoints ---- */

/* It runs and is not about to stop: Endpoints have it, and agents are sent to it. */
static bool is_in_service(const struct replica *r)
{
    const struct server *s = replica_server(r);
    return s && !server_state(s).draining;
}

static void write_endpoints(void *owner)
{
    struct site *s = owner;
    struct kubeapi *api = apihost_api(s->api);
    s->endpoints = NULL;
    if (!api)
        return; /* its start writes them */
    struct buf json = {0};
    size_t n = 0;
    buf_add_c(
        &json,
        "{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"" SERVER_SERVICE
        "\",\"namespace\":\"" NAMESPACE_SYSTEM "\"},\"subsets\":[{\"addresses\":[");
    for (size_t i = 0; i < s->replicas_n; i++)
        sim_host_set_aside(sim_process_host(s->replicas[i].process),
                           sim_process_is_running(s->replicas[i].process) &&
                               !is_in_service(&s->replicas[i]));
    for (size_t i = 0; i < s->replicas_n; i++)
        if (is_in_service(&s->replicas[i]))
            buf_addf(&json, "%s{\"ip\":\"" STR_FMT "\"}", n++ ? "," : "",
                     STR_ARG(sim_host_address(sim_process_host(s->replicas[i].process))));
    buf_addf(&json, "],\"ports\":[{\"port\":%u}]}]}", SITE_PORT);
    err_ignore(kubeapi_apply(api, buf_str(&json), NULL)); /* well formed: it cannot be refused */
    buf_free(&json);
}

static void endpoints_later(struct site *s)
{
    if (!s->endpoints)
        s->endpoints = sim_after(s->sim, ENDPOINTS_AFTER, write_endpoints, s);
}

static void on_replica_changed(void *owner)
{
    struct replica *r = owner;
    struct site *s = r->site;
    if (!site_is_alive(s) && s->role != SITE_STANDBY)
        s->died_at = sim_now(s->sim);
    sim_host_set_aside(sim_process_host(r->process), false);
    endpoints_later(s);
}

/* ---- life ---- */

static void fence(struct site *s, struct kubeapi *api)
{
    struct kubeapi_fault f = {.kind = KUBEAPI_FAULT_FENCE};
    s->fence = kubeapi_fault_add(api, &f);
}

static void on_api_started(void *owner, struct kubeapi *api, bool restored)
{
    struct site *s = owner;
    if (!restored && s->role == SITE_DEMOTED)
        fence(s, api);
    if (!s->endpoints)
        s->endpoints = sim_after(s->sim, ENDPOINTS_AFTER, write_endpoints, s);
    s->api_started(s->owner, s, api, restored);
}

static void make_api(struct site *s)
{
    struct str groups[] = {STR("system:masters")};
    struct kubeapi_token token = {
        .token = s->token, .user = STR("manager"), .groups = groups, .groups_n = 1};
    struct buf name = {0}, ip = {0};
    buf_addf(&name, STR_FMT "/api", STR_ARG(s->name));
    buf_addf(&ip, "192.0.2.%u", s->index + 1);
    struct authority *own = authority_new(s->sim, buf_str(&name));
    struct apihost_options o = {.sim = s->sim,
                                .name = buf_str(&name),
                                .address = buf_str(&ip),
                                .zone = s->name,
                                .authority = own,
                                .tokens = &token,
                                .tokens_n = 1,
                                .started = on_api_started,
                                .owner = s};
    s->api = apihost_new(&o);
    authority_free(own);
    buf_free(&name);
    buf_free(&ip);
}

static void make_replica(struct site *s, size_t i)
{
    struct replica *r = &s->replicas[i];
    struct buf name = {0}, ip = {0}, identity = {0};
    r->site = s;
    r->config = MEM_NEW(const void *);
    *r->config = r;
    buf_addf(&name, STR_FMT "/manager-%zu", STR_ARG(s->name), i);
    buf_addf(&ip, "203.0.%u.%zu", s->index, i + 1);
    buf_addf(&identity, "manager-" STR_FMT "-%zu", STR_ARG(str_sub(s->name, 5, s->name.n)), i);
    r->identity = buf_take(&identity);
    struct sim_host_options host = {
        .name = buf_str(&name), .address = buf_str(&ip), .zone = s->name};
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = sim_host_new(s->sim, &host),
                                    .program = &program,
                                    .config = r->config,
                                    .exited = supervisor_exited,
                                    .owner = &r->supervisor};
    sim_host_add_address(o.host, s->address);
    r->process = sim_process_new(s->sim, &o);
    r->supervisor = (struct supervisor){
        .sim = s->sim, .process = r->process, .changed = on_replica_changed, .owner = r};
    r->note_name = buf_take(&name);
    buf_free(&ip);
}

static void start_replicas(struct site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++)
        supervisor_start(&s->replicas[i].supervisor);
}

/* ---- certificates ---- */

static void take_names(struct site *s, const struct site_options *o)
{
    s->names = MEM_NEW_ARRAY(struct str, o->host_names_n);
    s->names_n = o->host_names_n;
    for (size_t i = 0; i < o->host_names_n; i++)
        s->names[i] = str_dup(o->host_names[i]);
}

static void show_ca(struct site *s, struct str pem)
{
    str_free(&s->ca_pem);
    s->ca_pem = str_dup(pem);
    s->config.ca_pem = s->ca_pem;
}

void site_ca_write(struct site *s, enum ca_spelling as)
{
    struct kubeapi *api = apihost_api(s->api);
    struct buf pem = {0}, json = {0};
    struct authority *other = authority_new(s->sim, STR("manager-other"));
    ca_respell(s->ca_pem, authority_pem(other), as, &pem);
    authority_free(other);
    show_ca(s, buf_str(&pem));
    buf_add_c(&json, "{\"apiVersion\":\"" MANAGEMENT_GROUP
                     "/v3\",\"kind\":\"Setting\",\"metadata\":{\"name\":\"cacerts\"},"
                     "\"value\":");
    json_write_string(&json, s->ca_pem);
    buf_add_char(&json, '}');
    if (api) /* else its next start writes it */
        err_ignore(kubeapi_apply(api, buf_str(&json), NULL));
    buf_free(&pem);
    buf_free(&json);
}

void site_rotate(struct site *s)
{
    if (s->next)
        return; /* one at a time */
    s->next = authority_new(s->sim, STR("manager-next"));
    s->next_identity = authority_issue_names(s->next, s->names, s->names_n, s->address);
    s->config.next_cert_pem = s->next_identity.cert_pem;
    s->config.next_key_pem = s->next_identity.key_pem;
    s->config.next_ca_pem = authority_pem(s->next);
}

void site_certify(struct site *s, int64_t valid_ns)
{
    identity_free(&s->identity);
    s->identity = authority_issue_for(s->authority, s->names, s->names_n, s->address, valid_ns);
    s->config.cert_pem = s->identity.cert_pem;
    s->config.key_pem = s->identity.key_pem;
}

struct site *site_new(const struct site_options *o)
{
    struct site *s = MEM_NEW(struct site);
    struct buf text = {0};
    s->sim = o->sim;
    s->index = o->index;
    s->api_started = o->api_started;
    s->owner = o->owner;
    s->died_at = s->promoted_at = s->demoted_at = -1;
    s->role = o->standby ? SITE_STANDBY : SITE_ACTIVE;
    buf_addf(&text, "site/" STR_FMT, STR_ARG(o->name));
    s->name = buf_take(&text);
    buf_addf(&text, "198.51.100.%u", o->index + 1);
    s->address = buf_take(&text);
    take_names(s, o);
    buf_addf(&text, "https://" STR_FMT, STR_ARG(s->names_n ? s->names[0] : str_empty));
    s->server_url = buf_take(&text);
    buf_addf(&text, "manager-token-" STR_FMT, STR_ARG(o->name));
    s->token = buf_take(&text);
    s->authority = o->authority;
    s->identity = authority_issue_names(o->authority, s->names, s->names_n, s->address);
    make_api(s);
    s->config = (struct server_config){
        .kube = {.address = world_addr_make(apihost_address(s->api), APIHOST_PORT),
                 .ca_pem = apihost_ca_pem(s->api),
                 .token = s->token},
        .server_url = s->server_url,
        .listen = world_addr_make(STR("0.0.0.0"), SITE_PORT),
        .cert_pem = s->identity.cert_pem,
        .key_pem = s->identity.key_pem,
        .agent_image = STR(AGENT_IMAGE),
        .peer_token = STR(PEER_TOKEN),
        .policies = *o->policies};
    show_ca(s, authority_pem(o->authority));
    s->replicas = MEM_NEW_ARRAY(struct replica, o->replicas);
    s->replicas_n = o->replicas;
    for (size_t i = 0; i < o->replicas; i++)
        make_replica(s, i);
    if (s->role == SITE_ACTIVE)
        start_replicas(s);
    return s;
}

void site_free(struct site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++) {
        str_free(&s->replicas[i].identity);
        str_free(&s->replicas[i].note_name);
        mem_free(s->replicas[i].config);
    }
    mem_free(s->replicas);
    store_snapshot_free(s->copy);
    apihost_free(s->api);
    identity_free(&s->identity);
    identity_free(&s->next_identity);
    authority_free(s->next);
    for (size_t i = 0; i < s->names_n; i++)
        str_free(&s->names[i]);
    mem_free(s->names);
    str_free(&s->ca_pem);
    str_free(&s->name);
    str_free(&s->address);
    str_free(&s->server_url);
    str_free(&s->token);
    mem_free(s);
}

void site_promote(struct site *s)
{
    if (s->role == SITE_ACTIVE)
        return;
    struct kubeapi *api = apihost_api(s->api);
    s->role = SITE_ACTIVE;
    s->promoted_at = sim_now(s->sim);
    sim_note(s->sim, "site.promoted", s->name, str_empty);
    if (api && s->fence)
        kubeapi_fault_remove(api, s->fence);
    s->fence = 0;
    if (s->copy)
        apihost_restore(s->api, s->copy);
    start_replicas(s);
}

void site_demote(struct site *s)
{
    if (s->role == SITE_DEMOTED)
        return;
    struct kubeapi *api = apihost_api(s->api);
    s->role = SITE_DEMOTED;
    s->demoted_at = sim_now(s->sim);
    sim_note(s->sim, "site.demoted", s->name, str_empty);
    if (api)
        fence(s, api);
}

void site_take_copy(struct site *s, const struct site *active)
{
    struct store_snapshot *copy = apihost_api(active->api) ? apihost_copy(active->api) : NULL;
    if (!copy)
        return; /* the active site's API is down: the last copy stays */
    store_snapshot_free(s->copy);
    s->copy = copy;
}

bool site_is_alive(const struct site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++)
        if (sim_process_is_running(s->replicas[i].process))
            return true;
    return false;
}
