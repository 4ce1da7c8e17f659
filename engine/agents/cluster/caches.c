/* The agent's informers, one a kind. */
#include "engine/agents/cluster/caches.h"

#include "engine/kube/management.h"
#include "engine/kube/served.h"

/* A row more is a kind more: it is listed, watched, verified, served and seen by whoever asks for the caches. */
static const struct {
    const struct kube_gvr *gvr;
    bool namespaced;
} kinds[] = {{&gvr_namespaces, false}, {&gvr_nodes, false}, {&gvr_pods, true}};

struct agent_caches {
    struct kube_informer *informers[ARRAY_LEN(kinds)];
    struct http_server *http;
    struct log log;
};

static void on_request(void *owner, struct http_exchange *x)
{
    static const struct str root = STR_INIT("/v1/");
    const struct agent_caches *c = owner;
    struct str path = http_path(x), rest;
    if (c->log.sink && c->log.sink->level >= LOG_DEBUG) {
        const struct log_field fields[] = {{"request_id", http_request_id(x)}, {"path", path}};
        log_at_with(&c->log, LOG_DEBUG, fields, "asked for what is cached");
    }
    struct str type = str_starts(path, root) ? str_sub(path, root.n, path.n) : str_empty;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq_c(http_method(x), "GET") && kube_served_type(kinds[i].gvr, type, &rest)) {
            kube_served_path(x, c->informers[i], kinds[i].namespaced, rest);
            return;
        }
    http_answer(x, 404, "application/json", NULL,
                STR("{\"type\":\"error\",\"status\":\"404\",\"code\":\"NotFound\","
                    "\"message\":\"the agent keeps no such thing\"}"));
}

static void serve(struct agent_caches *c, struct world *w, struct log *log)
{
    struct world_listen listen = {.address = world_addr_make(STR("127.0.0.1"), AGENT_CACHES_PORT)};
    c->log = *log;
    c->http = http_server_new(w, NULL, on_request, c);
    struct err *err = http_server_listen(c->http, &listen, NULL);
    if (err)
        log_warn(log, "caches are not served: %s", err->message);
    err_free(err);
}

struct agent_caches *agent_caches_new(struct kube_client *kube, const struct policies *policies,
                                      struct log log)
{
    struct agent_caches *c = MEM_NEW(struct agent_caches);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct kube_target target = {.gvr = *kinds[i].gvr};
        c->informers[i] = kube_informer_new(kube, &target);
        kube_informer_set_policies(c->informers[i], policies);
        kube_informer_start(c->informers[i]);
    }
    serve(c, kube_client_world(kube), &log);
    return c;
}

void agent_caches_hurry(struct agent_caches *c)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        kube_informer_hurry(c->informers[i]);
}

void agent_caches_free(struct agent_caches *c)
{
    if (!c)
        return;
    http_server_free(c->http);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        kube_informer_free(c->informers[i]);
    mem_free(c);
}

size_t agent_caches_kinds(void)
{
    return ARRAY_LEN(kinds);
}

const struct kube_gvr *agent_caches_kind(size_t i)
{
    BUG_ON(i >= ARRAY_LEN(kinds), "there is no such kind");
    return kinds[i].gvr;
}

size_t agent_caches_count(const struct agent_caches *c)
{
    return c ? ARRAY_LEN(kinds) : 0;
}

const struct kube_informer *agent_caches_at(const struct agent_caches *c, size_t i)
{
    BUG_ON(i >= agent_caches_count(c), "there is no such cache");
    return c->informers[i];
}

bool agent_caches_synced(const struct agent_caches *c)
{
    for (size_t i = 0; i < agent_caches_count(c); i++)
        if (!kube_informer_synced(c->informers[i]))
            return false;
    return c != NULL;
}
