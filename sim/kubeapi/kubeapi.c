#include "sim/kubeapi/kubeapi.h"
#include "engine/http/client.h"
#include "sim/kubeapi/admission/hooks.h"
#include "sim/kubeapi/auth/rbac.h"
#include "sim/kubeapi/auth/tokens.h"
#include "sim/kubeapi/controllers/definitions.h"
#include "sim/kubeapi/controllers/gc.h"
#include "sim/kubeapi/controllers/namespace.h"
#include "sim/kubeapi/controllers/policies.h"
#include "sim/kubeapi/controllers/registrar.h"
#include "sim/kubeapi/controllers/signer.h"
#include "sim/kubeapi/controllers/token_secrets.h"
#include "sim/kubeapi/controllers/workloads.h"
#include "sim/kubeapi/core/hold.h"
#include "sim/kubeapi/core/inflight.h"
#include "sim/kubeapi/core/journal.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/discovery/documents.h"
#include "sim/kubeapi/furnish/bootstrap.h"
#include "sim/kubeapi/http.h"
#include "sim/kubeapi/rules/addresses.h"
#include "sim/kubeapi/streams/streams.h"
#include "sim/kubeapi/verbs/faults.h"
#include "sim/kubeapi/verbs/watch.h"
#include "sim/kubeapi/wswatch.h"

#include <string.h>

#define TICK (60 * NS_PER_S) /* bookmarks; compaction */

/* ---- the observer: indexes first, then controllers ---- */

static void on_event(void *owner, struct store_event *e)
{
    struct kubeapi *api = owner;
    api_faults_event(api->faults);
    rbac_event(api->rbac, e);
    if (crds_event(api->crds, e))
        (void)kubeapi_cut_watches(api, e->object->name, false);
    definitions_event(api->definitions, e);
    registrar_event(api->registrar, e);
    addresses_event(api->addresses, e);
    if (api->bare)
        return;
    api_gc_event(api->gc, e);
    api_namespaces_event(api->namespaces, e);
    token_secrets_event(api->token_secrets, e);
    signer_event(api->signer, e);
    policies_event(api->policies, e);
    if (api->workloads)
        api_workloads_event(api->workloads, e);
}

static void on_tick(void *owner)
{
    struct kubeapi *api = owner;
    api_watch_tick(api);
    api_expire_tick(api);
    uint64_t *mark = &api->marks[api->ticks++ % ARRAY_LEN(api->marks)];
    store_compact(api->store, *mark);
    *mark = store_revision(api->store);
    world_timer_start(api->tick, TICK);
}

/* ---- life ---- */

static void copy_token(struct kubeapi *api, const struct kubeapi_token *t)
{
    struct arena *a = &api->static_memory;
    struct api_user *u = ARENA_NEW(a, struct api_user);
    bool masked = false;
    u->name = arena_str(a, t->user);
    u->uid = arena_str(a, t->uid);
    u->groups = ARENA_NEW_ARRAY(a, struct str, t->groups_n + 1);
    for (size_t i = 0; i < t->groups_n && i < KUBEAPI_GROUPS_MAX; i++) {
        u->groups[u->groups_n++] = arena_str(a, t->groups[i]);
        masked = masked || str_eq_c(t->groups[i], "system:authenticated");
    }
    if (!masked)
        u->groups[u->groups_n++] = STR("system:authenticated");
    map_put(&api->static_tokens, t->token, u);
}

static void register_metrics(struct kubeapi *api)
{
    struct metrics *m = &api->metrics;
    api->watch_events = metrics_cell(m, METRIC_COUNTER, "apiserver_watch_events_total", str_empty,
                                     "Events sent to watches.");
    api->watch_bytes = metrics_cell(m, METRIC_COUNTER, "apiserver_watch_bytes_total", str_empty,
                                    "Bytes of events sent to watches.");
    api->watches = metrics_cell(m, METRIC_GAUGE, "apiserver_watches", str_empty, "Open watches.");
    api->watches_gone = metrics_cell(m, METRIC_COUNTER, "apiserver_watches_gone_total", str_empty,
                                     "Watches that were told 410: their history is gone.");
    api->watches_cut = metrics_cell(m, METRIC_COUNTER, "apiserver_watches_cut_total", str_empty,
                                    "Watches that were ended before their time.");
}

static void reset_indexes(struct kubeapi *api)
{
    api_expire_reset(api);
    rbac_reset(api->rbac);
    crds_reset(api->crds);
    definitions_reset(api->definitions);
    registrar_reset(api->registrar);
    addresses_reset(api->addresses);
    if (api->bare)
        return;
    api_gc_reset(api->gc);
    api_namespaces_reset(api->namespaces);
    token_secrets_reset(api->token_secrets);
    signer_reset(api->signer);
    policies_reset(api->policies);
    if (api->workloads)
        api_workloads_reset(api->workloads);
}

static void bootstrap_namespaces(struct kubeapi *api)
{
    static const char *const names[] = {"default", "kube-system", "kube-public", "kube-node-lease"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf b = {.max = 256};
        buf_addf(&b,
                 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
                 names[i]);
        struct err *err = kubeapi_apply(api, buf_str(&b), NULL);
        BUG_ON(err, "the first namespaces are fine");
        buf_free(&b);
    }
}

/* The first of those that share starts from the same snapshot as the others, so that it is like them. */
static void bootstrap(struct kubeapi *api, struct store_snapshot **shared)
{
    if (!api->allow_all && !(shared && *shared))
        rbac_bootstrap(api);
    if (shared && !*shared) {
        rbac_settle(api->rbac);
        *shared = store_snapshot_take(api->store);
    }
    if (shared)
        kubeapi_restore(api, *shared);
    bootstrap_namespaces(api);
}

static void on_released(void *owner, bool complete)
{
    struct kubeapi *api = owner;
    api_hold_release(api, api_http_released);
    if (!complete)
        api_watches_pump(api);
}

static void fill(struct kubeapi *api, const struct kubeapi_options *options)
{
    bool kept = options->store && store_revision(api->store) > 1;
    struct journal_options journal = {.w = api->w,
                                      .store = api->store,
                                      .datastore = options->datastore,
                                      .released = on_released,
                                      .failed = options->datastore_failed,
                                      .owner = api,
                                      .failed_owner = options->datastore_owner};
    if (options->datastore)
        api->journal = journal_new(&journal);
    if (options->restore)
        kubeapi_restore(api, options->restore);
    else if (kept)
        reset_indexes(api);
    else
        bootstrap(api, options->shared);
}

static const char too_large[] =
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":"
    "\"Request entity too large: limit is "
    "3145728\",\"reason\":\"RequestEntityTooLarge\",\"code\":413}";

struct kubeapi *kubeapi_new(struct world *w, const struct kubeapi_options *options)
{
    struct kubeapi *api = MEM_NEW(struct kubeapi);
    struct store_options store = {.events_max = options->events_max};
    struct http_server_options http = {.body_bytes_max = KUBEAPI_BODY_BYTES_MAX,
                                       .header_bytes_max = KUBEAPI_HEADER_BYTES_MAX,
                                       .too_large = too_large};
    api->w = w;
    api->store = options->store ? options->store : store_new(&store);
    api->tables = MEM_NEW_ARRAY(struct store_table *, api_kinds_n);
    api->messages = MEM_NEW_ARRAY(unsigned char, api_kinds_n);
    api->secrets = store_table(api->store, STR("secrets"));
    api->accounts = store_table(api->store, STR("serviceaccounts"));
    api->name = str_dup(options->name);
    api->ca_pem = str_dup(options->ca_pem);
    api->bare = options->bare;
    api->allow_all = options->allow_all;
    list_init(&api->requests);
    list_init(&api->held);
    for (size_t i = 0; i < options->tokens_n; i++)
        copy_token(api, &options->tokens[i]);
    register_metrics(api);
    api->faults = api_faults_new(api);
    api->rbac = rbac_new(api);
    api->crds = crds_new(api);
    api->definitions = definitions_new(api);
    api->registrar = registrar_new(api);
    api->documents = documents_new(api);
    api->gc = api_gc_new(api);
    api->addresses = addresses_new(api->store);
    api->namespaces = api_namespaces_new(api);
    api->token_key = options->token_key;
    api->token_key_owner = options->token_key_owner;
    api->tokens = api_tokens_new(api);
    api->token_secrets = token_secrets_new(api);
    api->signer = signer_new(api, options->ca_pem, options->ca_key_pem);
    api->policies = api->bare ? NULL : policies_new(api);
    if (options->workloads && !api->bare)
        api->workloads = api_workloads_new(api, options->workloads);
    store_observe(api->store, on_event, api);
    fill(api, options);
    if (api->workloads)
        api_workloads_begin(api->workloads);
    api->tick = world_timer_new(w, on_tick, api);
    world_timer_start(api->tick, TICK);
    api->inflight = inflight_new(w, options->mutating_max, options->readonly_max, api_http_admitted,
                                 api_http_refused);
    api->streams = podstreams_new(api, api_workloads_keep);
    api->http = http_server_new(w, &http, api_http_handle, api);
    return api;
}

void kubeapi_free(struct kubeapi *api)
{
    if (!api)
        return;
    http_server_free(api->http);         /* every open request is told that it is gone */
    list_each (&api->requests, it, next) /* what is left has left HTTP */
        wswatch_abort(container_of(it, struct api_request, link));
    BUG_ON(!list_empty(&api->requests), "requests end with their connections");
    podstreams_free(api->streams);
    world_timer_free(api->tick);
    inflight_free(api->inflight);
    store_observe(api->store, NULL, NULL);
    api_workloads_free(api->workloads);
    policies_free(api->policies);
    signer_free(api->signer);
    token_secrets_free(api->token_secrets);
    journal_free(api->journal);
    api_tokens_free(api->tokens);
    api_namespaces_free(api->namespaces);
    api_gc_free(api->gc);
    addresses_free(api->addresses);
    documents_free(api->documents);
    http_client_free(api->webhook_client);
    hooks_free(api->hooks);
    definitions_free(api->definitions);
    registrar_free(api->registrar);
    crds_free(api->crds);
    rbac_free(api->rbac);
    api_faults_free(api->faults);
    store_free(api->store);
    map_free(&api->static_tokens);
    map_free(&api->certificates);
    arena_free(&api->static_memory);
    arena_free(&api->certificate_memory);
    metrics_free(&api->metrics);
    buf_free(&api->scratch);
    buf_free(&api->frame.bytes);
    map_free(&api->watch_selectors);
    mem_free(api->tables);
    mem_free(api->messages);
    str_free(&api->name);
    str_free(&api->ca_pem);
    mem_free(api);
}

struct err *kubeapi_listen(struct kubeapi *api, const struct world_listen *options,
                           struct world_listener **out)
{
    struct world_listener *l = NULL;
    struct err *err = http_server_listen(api->http, options, &l);
    if (!err && out)
        *out = l;
    return err;
}

void kubeapi_drain(struct kubeapi *api)
{
    http_server_drain(api->http);
    (void)kubeapi_cut_watches(api, str_empty, false);
    podstreams_end(api->streams);
}

bool kubeapi_settled(const struct kubeapi *api)
{
    return journal_settled(api->journal);
}

size_t kubeapi_connections(const struct kubeapi *api)
{
    return http_server_connections(api->http);
}

void kubeapi_restore(struct kubeapi *api, const struct store_snapshot *snapshot)
{
    BUG_ON(api->journal, "a snapshot is not restored over a datastore");
    (void)kubeapi_cut_watches(api, str_empty, true);
    store_restore(api->store, snapshot);
    for (size_t i = 0; i < ARRAY_LEN(api->marks); i++)
        api->marks[i] = store_revision(api->store);
    reset_indexes(api);
}
