/* A Kubernetes API server as a simulated process. */
#include "sim/cluster/apihost.h"

#include "sim/cluster/supervisor.h"

struct apihost {
    struct sim *sim;
    struct supervisor supervisor;
    struct sim_process *process;
    struct str name, address, ca_pem; /* owned */
    struct identity identity;
    struct kubeapi_token *tokens;
    size_t tokens_n;
    struct kubeapi_workloads workloads;
    bool has_workloads;
    struct arena token_texts;
    struct store_snapshot *disk; /* what the next start begins with; NULL: the bootstrap objects */
    struct store_snapshot **shared; /* borrowed for the first start */
    struct kubeapi *api;
    void (*started)(void *owner, struct kubeapi *api, bool restored);
    void *owner;
};

/* The running instance: what the process owns. */
struct instance {
    struct apihost *host;
    struct kubeapi *api;
};

static struct err *instance_start(struct world *w, const void *config, void **out)
{
    struct apihost *h = *(struct apihost *const *)config;
    struct kubeapi_options o = {.name = h->name,
                                .tokens = h->tokens,
                                .tokens_n = h->tokens_n,
                                .ca_pem = h->ca_pem,
                                .workloads = h->has_workloads ? &h->workloads : NULL,
                                .restore = h->disk,
                                .shared = h->shared};
    struct world_tls tls = {.cert_pem = h->identity.cert_pem, .key_pem = h->identity.key_pem};
    struct world_listen listen = {.address = world_addr_make(STR("0.0.0.0"), APIHOST_PORT),
                                  .tls = &tls};
    struct kubeapi *api = kubeapi_new(w, &o);
    struct err *err = kubeapi_listen(api, &listen, NULL);
    if (err) {
        kubeapi_free(api);
        return err;
    }
    struct instance *in = MEM_NEW(struct instance);
    in->host = h;
    in->api = h->api = api;
    *out = in;
    if (h->started)
        h->started(h->owner, api, false);
    return NULL;
}

static void instance_destroy(void *instance)
{
    struct instance *in = instance;
    struct apihost *h = in->host;
    store_snapshot_free(h->disk);
    h->disk = store_snapshot_take(kubeapi_store(in->api));
    h->api = NULL;
    kubeapi_free(in->api);
    mem_free(in);
}

static const struct sim_program program = {.start = instance_start, .destroy = instance_destroy};

static void copy_tokens(struct apihost *h, const struct apihost_options *o)
{
    h->tokens = ARENA_NEW_ARRAY(&h->token_texts, struct kubeapi_token, o->tokens_n);
    h->tokens_n = o->tokens_n;
    for (size_t i = 0; i < o->tokens_n; i++) {
        const struct kubeapi_token *from = &o->tokens[i];
        struct str *groups = ARENA_NEW_ARRAY(&h->token_texts, struct str, from->groups_n);
        for (size_t g = 0; g < from->groups_n; g++)
            groups[g] = arena_str(&h->token_texts, from->groups[g]);
        h->tokens[i] = (struct kubeapi_token){.token = arena_str(&h->token_texts, from->token),
                                              .user = arena_str(&h->token_texts, from->user),
                                              .uid = arena_str(&h->token_texts, from->uid),
                                              .groups = groups,
                                              .groups_n = from->groups_n};
    }
}

struct apihost *apihost_new(const struct apihost_options *o)
{
    struct apihost *h = MEM_NEW(struct apihost);
    h->sim = o->sim;
    h->name = str_dup(o->name);
    h->address = str_dup(o->address);
    h->ca_pem = str_dup(authority_pem(o->authority));
    h->identity = authority_issue(o->authority, str_empty, o->address);
    h->started = o->started;
    h->owner = o->owner;
    h->has_workloads = o->workloads != NULL;
    if (o->workloads)
        h->workloads = *o->workloads;
    copy_tokens(h, o);
    struct sim_host_options host = {.name = o->name, .address = o->address, .zone = o->zone};
    struct apihost **config = arena_alloc(&h->token_texts, sizeof(struct apihost *));
    *config = h;
    struct sim_process_options process = {.name = o->name,
                                          .host = sim_host_new(o->sim, &host),
                                          .program = &program,
                                          .config = config,
                                          .exited = supervisor_exited,
                                          .owner = &h->supervisor};
    h->process = sim_process_new(o->sim, &process);
    if (o->content) { /* a store of our own holds it until the start */
        struct store *store = store_new(NULL);
        store_restore(store, o->content);
        h->disk = store_snapshot_take(store);
        store_free(store);
    }
    h->supervisor.sim = o->sim;
    h->supervisor.process = h->process;
    h->shared = o->shared;
    supervisor_start(&h->supervisor);
    h->shared = NULL;
    BUG_ON(!h->api, "a new host is on and its port is free");
    return h;
}

void apihost_free(struct apihost *h)
{
    if (!h)
        return;
    store_snapshot_free(h->disk);
    identity_free(&h->identity);
    str_free(&h->name);
    str_free(&h->address);
    str_free(&h->ca_pem);
    arena_free(&h->token_texts);
    mem_free(h);
}

void apihost_set_identity(struct apihost *h, struct identity take_id)
{
    identity_free(&h->identity);
    h->identity = take_id;
    if (sim_process_is_running(h->process))
        sim_process_kill(h->process, 0);
}

struct kubeapi *apihost_api(const struct apihost *h)
{
    return h->api;
}
struct sim_process *apihost_process(const struct apihost *h)
{
    return h->process;
}
struct str apihost_address(const struct apihost *h)
{
    return h->address;
}
struct str apihost_ca_pem(const struct apihost *h)
{
    return h->ca_pem;
}

struct store_snapshot *apihost_copy(const struct apihost *h)
{
    if (h->api)
        return store_snapshot_take(kubeapi_store(h->api));
    if (!h->disk)
        return NULL;
    struct store *store = store_new(NULL);
    store_restore(store, h->disk);
    struct store_snapshot *copy = store_snapshot_take(store);
    store_free(store);
    return copy;
}

void apihost_restore(struct apihost *h, const struct store_snapshot *snapshot)
{
    if (h->api) {
        kubeapi_restore(h->api, snapshot);
        if (h->started)
            h->started(h->owner, h->api, true);
        return;
    }
    struct store *store = store_new(NULL);
    store_restore(store, snapshot);
    store_snapshot_free(h->disk);
    h->disk = store_snapshot_take(store);
    store_free(store);
}
