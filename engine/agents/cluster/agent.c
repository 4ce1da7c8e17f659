/* The cluster agent put together. */
#include "engine/agents/cluster/agent.h"

#include "engine/agents/cluster/credentials.h"
#include "engine/agents/cluster/reason.h"
#include "engine/base/codec.h"
#include "engine/base/yaml.h"
#include "engine/kube/backoff.h"
#include "engine/kube/management.h"
#include "engine/manifests/agent_manifest.h"

struct cluster_agent {
    struct world *world;
    struct policies policies;
    const struct agent_places *places;
    void (*changed)(void *owner);
    void (*drained)(void *owner); /* not NULL: it is to end */
    void *owner, *drained_owner;
    struct log log;
    struct agent_config config;
    struct agent_config_load *load;
    struct kube_client *kube; /* its own cluster */
    struct agent_credentials *credentials;
    struct str account_token; /* owned */
    struct agent_resolver *resolver;
    struct http_client *http;
    struct agent_checks *checks;
    struct world_timer *retry;
    uint32_t failures_in_a_row;
    uint64_t check_failures;
    enum agent_phase phase;
    enum agent_step failed_step;        /* of the checks */
    struct buf last_error;              /* of them */
    const char *reason;                 /* of the last failed check; NULL: it passed */
    struct world_file *ca_write, *mark; /* that it has been connected */
    bool marked;
    struct kube_call *cleanup;
    bool cleaned;            /* the clean-up Job is there */
    struct kube_call *proof; /* of membership, being read */
    struct agent_link *link;
    struct agent_caches *caches; /* NULL: it has not been connected yet */
};

static void check(void *owner);

static void tell_change(const struct cluster_agent *a)
{
    if (a->changed)
        a->changed(a->owner);
}

static void on_link_changed(void *owner)
{
    tell_change(owner);
}

static void die(struct cluster_agent *a, const struct err *err)
{
    struct buf text = {0};
    err_print(err, &text);
    buf_clear(&a->last_error);
    buf_add(&a->last_error, buf_str(&text));
    tell_change(a);
    log_error(&a->log, "%s: %s", agent_phase_name(a->phase), buf_c(&text));
    world_note(a->world, "agent.exit", a->config.name, buf_str(&text));
    buf_free(&text);
    world_exit(a->world, 1);
}

/* ---- linked ---- */

static void start_caches(struct cluster_agent *a)
{
    a->phase = AGENT_PHASE_CONNECTED;
    a->failures_in_a_row = 0;
    if (a->caches)
        agent_caches_hurry(a->caches);
    else
        a->caches = agent_caches_new(a->kube, &a->policies, a->log);
}

static void on_marked(void *owner, struct str content, const struct err *err)
{
    struct cluster_agent *a = owner;
    (void)content;
    a->mark = NULL;
    a->marked = err == NULL;
    if (err) /* the pod stays unready: an old one goes on in its place */
        log_warn(&a->log, "cannot write " STR_FMT ": %s", STR_ARG(a->places->connected),
                 err->message);
}

static void on_connected(void *owner)
{
    struct cluster_agent *a = owner;
    if (a->places->connected.n && !a->marked && !a->mark)
        a->mark = world_file_write(a->world, a->places->connected, STR("connected\n"), 0600,
                                   on_marked, a);
    start_caches(a);
    tell_change(a);
}

static void write_params(const struct cluster_agent *a, struct buf *out)
{
    struct buf ca = {0};
    struct world_addr api = world_addr_make(a->config.kube_host, a->config.kube_port);
    base64_encode(&ca, a->config.kube_ca);
    buf_add_c(out, "{\"cluster\":{\"address\":\"");
    world_addr_print(&api, out);
    buf_add_c(out, "\",\"token\":");
    json_write_string(out, a->account_token);
    buf_addf(out, ",\"caCert\":\"" STR_FMT "\"}}", STR_ARG(buf_str(&ca)));
    buf_free(&ca);
}

static void on_ca_written(void *owner, struct str content, const struct err *err)
{
    struct cluster_agent *a = owner;
    (void)content;
    a->ca_write = NULL;
    if (err) /* the tunnel does not need the file: only tools beside the agent do */
        log_warn(&a->log, "cannot store the manager's CA at " STR_FMT ": %s",
                 STR_ARG(a->places->server_ca), err->message);
}

/* Whatever changed, CA or clock: only the checks find out, and only they may trust anew. */
static void on_untrusted(void *owner)
{
    struct cluster_agent *a = owner;
    if (policy_get(&a->policies, POLICY_AGENT_START) == POLICY_AGENT_START_EXIT)
        return; /* it goes on dialling, as the original does */
    agent_link_free(a->link);
    a->link = NULL;
    a->phase = AGENT_PHASE_TLS;
    world_timer_start(a->retry, kube_backoff(a->world, a->failures_in_a_row++, AGENT_CHECK_RETRY,
                                             AGENT_CHECK_RETRY_MAX));
}

static void on_cleaning(void *owner, const struct kube_answer *answer)
{
    struct cluster_agent *a = owner;
    a->cleanup = NULL;
    a->cleaned = !answer->err || answer->err->code == ERR_ALREADY_EXISTS;
    if (!a->cleaned) /* the next refusal tries again */
        log_warn(&a->log, "cannot start the clean-up: %s", answer->err->message);
}

/* The same Job that the manager would make, under one name for all replicas. */
static void on_removed(void *owner, struct str image)
{
    struct cluster_agent *a = owner;
    bool detach = policy_get(&a->policies, POLICY_CLUSTER_REMOVE) == POLICY_REMOVE_DETACH;
    if (!detach || a->cleanup || a->cleaned)
        return;
    struct arena arena = {0};
    struct buf text = {0}, body = {0};
    struct yaml_node *doc = NULL;
    agent_cleanup_manifest_write(image, &text);
    struct err *err = yaml_parse(&arena, STR("clean-up manifest"), buf_str(&text), &doc);
    BUG_ON(err, "our own manifest is YAML");
    cJSON *job = yaml_to_json(&arena, doc), *metadata = json_get(job, "metadata");
    (void)json_unset(metadata, STR("generateName"));
    json_set_str(&arena, metadata, "name", STR("cattle-cleanup-removed"));
    json_write(&body, job);
    struct kube_target target = {.gvr = gvr_jobs, .ns = STR("default")};
    log_warn(&a->log, "the manager has removed this cluster: cleaning up");
    a->cleanup = kube_call_start(a->kube, KUBE_CREATE, &target, buf_str(&body), 0, on_cleaning, a);
    buf_free(&text);
    buf_free(&body);
    arena_free(&arena);
}

/* Deploy puts it beside the credentials, maybe after our start: so it is read when it is needed. */
static void on_proof(void *owner, const struct kube_answer *answer)
{
    struct cluster_agent *a = owner;
    struct arena arena = {0};
    struct buf proof = {0};
    cJSON *secret = NULL;
    a->proof = NULL;
    struct err *err = answer->err ? NULL : json_parse(&arena, answer->body, &secret);
    struct str text = json_string_at(json_get(secret, "data"), AGENT_MEMBERSHIP_KEY);
    if (text.n && base64_decode(&proof, text) && a->link)
        agent_link_set_membership(a->link, buf_str(&proof));
    err_ignore(err);
    buf_free(&proof);
    arena_free(&arena);
}

static void on_unknown(void *owner)
{
    struct cluster_agent *a = owner;
    struct str name = world_env(a->world, "CATTLE_CREDENTIAL_NAME");
    bool asks = policy_get(&a->policies, POLICY_CLUSTER_UNKNOWN) == POLICY_UNKNOWN_ADOPT;
    if (!asks || a->proof || !name.n)
        return;
    struct kube_target target = {.gvr = gvr_secrets, .ns = STR(NAMESPACE_SYSTEM), .name = name};
    a->proof = kube_call_start(a->kube, KUBE_GET, &target, str_empty, 0, on_proof, a);
}

static void start_link(struct cluster_agent *a, struct str ca_pem)
{
    struct buf params = {0}, instance = {0};
    write_params(a, &params);
    buf_addf(&instance, STR_FMT "-%llu", STR_ARG(a->config.name),
             (unsigned long long)world_random_below(a->world, UINT32_MAX));
    struct agent_link_options o = {.world = a->world,
                                   .policies = &a->policies,
                                   .config = &a->config,
                                   .resolver = a->resolver,
                                   .ca_pem = ca_pem,
                                   .params_json = buf_str(&params),
                                   .instance = buf_str(&instance),
                                   .connected = on_connected,
                                   .untrusted = on_untrusted,
                                   .removed = on_removed,
                                   .unknown = on_unknown,
                                   .changed = on_link_changed,
                                   .owner = a};
    a->phase = AGENT_PHASE_CONNECT;
    a->link = agent_link_new(&o);
    world_file_cancel(a->ca_write);
    a->ca_write = NULL;
    if (ca_pem.n && a->places->server_ca.n)
        a->ca_write =
            world_file_write(a->world, a->places->server_ca, ca_pem, 0600, on_ca_written, a);
    buf_free(&params);
    buf_free(&instance);
}

/* ---- checking ---- */

static void set_reason(struct cluster_agent *a, const char *reason)
{
    if (!a->reason || !str_eq_c(str_c(reason), a->reason))
        world_note(a->world, "agent.reason", a->config.name, str_c(reason));
    a->reason = reason;
}

static void on_checked(void *owner, enum agent_phase phase, struct str ca_pem,
                       const struct err *err)
{
    struct cluster_agent *a = owner;
    a->checks = NULL;
    a->phase = phase;
    if (!err) {
        a->reason = NULL;
        start_link(a, ca_pem);
        return;
    }
    a->check_failures++;
    a->failed_step = agent_step_of(phase, err);
    set_reason(a, agent_reason_of(&a->policies, phase, err));
    buf_clear(&a->last_error);
    err_print(err, &a->last_error);
    if (policy_get(&a->policies, POLICY_AGENT_START) == POLICY_AGENT_START_EXIT) {
        die(a, err);
        return;
    }
    log_warn(&a->log, "%s: %s", agent_phase_name(phase), buf_c(&a->last_error));
    world_note(a->world, "agent.check-failed", a->config.name, buf_str(&a->last_error));
    world_time most =
        phase == AGENT_PHASE_RESOLVE ? AGENT_RESOLVE_RETRY_MAX : AGENT_CHECK_RETRY_MAX;
    world_timer_start(a->retry,
                      kube_backoff(a->world, a->failures_in_a_row++, AGENT_CHECK_RETRY, most));
    tell_change(a);
}

static void on_left(void *owner)
{
    struct cluster_agent *a = owner;
    a->drained(a->drained_owner);
}

static void check(void *owner)
{
    struct cluster_agent *a = owner;
    if (a->drained) {
        on_left(a);
        return;
    }
    a->checks =
        agent_checks_start(a->world, &a->policies, &a->config, a->resolver, a->http, on_checked, a);
}

/* ---- credentials, configuration ---- */

static void on_credentials(void *owner, struct str token)
{
    struct cluster_agent *a = owner;
    a->credentials = NULL;
    a->account_token = str_dup(token);
    buf_clear(&a->last_error);
    check(a);
    tell_change(a);
}

static void on_credentials_failed(void *owner)
{
    struct cluster_agent *a = owner;
    buf_clear(&a->last_error);
    buf_add(&a->last_error, agent_credentials_error(a->credentials));
    tell_change(a);
}

static void on_config(void *owner, const struct err *err)
{
    struct cluster_agent *a = owner;
    a->load = NULL;
    if (err) {
        die(a, err);
        return;
    }
    const struct agent_config *c = &a->config;
    struct kube_context account = {.address = world_addr_make(c->kube_host, c->kube_port),
                                   .ca_pem = c->kube_ca,
                                   .token = c->kube_token};
    a->kube = kube_client_new(a->world, a->places->kube ? a->places->kube : &account);
    a->resolver = agent_resolver_new(a->world, &a->policies, a->config.server.host);
    a->http = http_client_new(a->world);
    a->credentials = agent_credentials_start(a->kube, on_credentials, on_credentials_failed, a);
}

struct cluster_agent *cluster_agent_new(struct world *w,
                                        const struct cluster_agent_options *options)
{
    struct cluster_agent *a = MEM_NEW(struct cluster_agent);
    a->world = w;
    a->policies = *options->policies;
    a->places = options->places ? options->places : &agent_places_pod;
    a->changed = options->changed;
    a->owner = options->owner;
    a->log = (struct log){world_log(w), STR("agent")};
    a->retry = world_timer_new(w, check, a);
    a->load = agent_config_load(w, a->places, &a->config, on_config, a);
    return a;
}

void cluster_agent_free(struct cluster_agent *a)
{
    if (!a)
        return;
    agent_config_cancel(a->load);
    agent_credentials_cancel(a->credentials);
    agent_checks_cancel(a->checks);
    agent_link_free(a->link);
    kube_call_cancel(a->cleanup);
    kube_call_cancel(a->proof);
    agent_caches_free(a->caches);
    world_file_cancel(a->ca_write);
    world_file_cancel(a->mark);
    world_timer_free(a->retry);
    agent_resolver_free(a->resolver);
    http_client_free(a->http);
    kube_client_free(a->kube);
    agent_config_free(&a->config);
    str_free(&a->account_token);
    buf_free(&a->last_error);
    mem_free(a);
}

void cluster_agent_drain(struct cluster_agent *a, void (*drained)(void *owner), void *owner)
{
    BUG_ON(a->drained, "an agent is drained once");
    a->drained = drained;
    a->drained_owner = owner;
    agent_config_cancel(a->load);
    agent_credentials_cancel(a->credentials);
    agent_checks_cancel(a->checks);
    a->load = NULL;
    a->credentials = NULL;
    a->checks = NULL;
    world_timer_stop(a->retry);
    if (a->link)
        agent_link_leave(a->link, on_left);
    else
        world_timer_start(a->retry, 0); /* never from inside this call */
    tell_change(a);
}

void cluster_agent_renew(struct cluster_agent *a, struct str account_token)
{
    if (a->kube)
        kube_client_set_token(a->kube, account_token);
}

static enum agent_step step_of(const struct cluster_agent *a)
{
    static const enum agent_step under_way[] = {[AGENT_PHASE_RESOLVE] = AGENT_STEP_RESOLVE,
                                                [AGENT_PHASE_PING] = AGENT_STEP_TCP,
                                                [AGENT_PHASE_CA] = AGENT_STEP_CA,
                                                [AGENT_PHASE_TLS] = AGENT_STEP_TLS};
    if (a->link)
        return agent_link_state(a->link).step;
    if (a->check_failures)
        return a->failed_step;
    if (a->checks)
        return under_way[agent_checks_phase(a->checks)];
    return a->kube ? AGENT_STEP_ACCOUNT : AGENT_STEP_CONFIG;
}

struct cluster_agent_state cluster_agent_state(const struct cluster_agent *a)
{
    struct cluster_agent_state s = {.phase = a->phase, .check_failures = a->check_failures};
    if (a->link)
        s.link = agent_link_state(a->link);
    s.step = step_of(a);
    s.draining = a->drained != NULL;
    s.reason = a->link ? s.link.reason : a->reason;
    s.synced = agent_caches_synced(a->caches);
    for (size_t i = 0; i < agent_caches_count(a->caches); i++) {
        const struct kube_informer *inf = agent_caches_at(a->caches, i);
        struct kube_informer_state cache = kube_informer_state(inf);
        s.cached += kube_informer_count(inf);
        if (i == 0 || cache.heard_at < s.heard_at)
            s.heard_at = cache.heard_at;
    }
    return s;
}

const struct agent_caches *cluster_agent_caches(const struct cluster_agent *a)
{
    return a->caches;
}

struct str cluster_agent_last_error(const struct cluster_agent *a)
{
    struct str of_link = a->link ? agent_link_last_error(a->link) : str_empty;
    return of_link.n ? of_link : buf_str(&a->last_error);
}

const struct agent_config *cluster_agent_config(const struct cluster_agent *a)
{
    return &a->config;
}

struct kube_client *cluster_agent_kube(const struct cluster_agent *a)
{
    return a->kube;
}

size_t cluster_agent_sessions(const struct cluster_agent *a,
                              struct agent_link_session out[AGENT_TUNNELS_MAX])
{
    return a->link ? agent_link_sessions(a->link, out) : 0;
}
