/* The administrator of a downstream cluster: fetches the manifest from the manager by its name, as anybody would with
 * curl, and applies it, as anybody would with kubectl. Every failure is tried again after a pause. */
#include "sim/cluster/cluster_internal.h"

#include "engine/base/yaml.h"
#include "engine/kube/management.h"

#define RETRY       (5 * NS_PER_S)
#define DNS_TIMEOUT (5 * NS_PER_S)
#define FETCH_MAX   ((size_t)1 << 20)

struct importer {
    struct sim_cluster *cluster;
    struct sim_process *process;
    const void **config;
    struct str url_text; /* owned */
};

/* One run of the administrator's commands. */
struct session {
    struct importer *importer;
    struct world *world;
    struct http_client *http;
    struct world_timer *retry;
    struct world_dns *query;
    struct http_call *call;
    struct url url;
};

static void resolve(void *owner);

static void again(struct session *s)
{
    world_timer_start(s->retry, RETRY);
}

/* Two agents want two replicas: the administrator scales what was written for one. */
static void scale(struct sim_cluster *c, struct arena *a, cJSON *object)
{
    bool agent = str_eq_c(json_string_at(object, "metadata.name"), AGENT_DEPLOYMENT) &&
                 str_eq_c(json_string_at(object, "kind"), "Deployment");
    if (agent)
        json_set_int(a, json_ensure(a, object, "spec"), "replicas", c->agent_replicas);
}

static struct err *apply_all(struct sim_cluster *c, struct kubeapi *api, struct str manifest)
{
    struct arena a = {0};
    struct yaml_node **docs = NULL;
    size_t n = 0;
    struct err *err = yaml_parse_all(&a, STR("import.yaml"), manifest, &docs, &n);
    for (size_t i = 0; !err && i < n; i++) {
        struct buf json = {0};
        cJSON *object = yaml_to_json(&a, docs[i]);
        scale(c, &a, object);
        json_write(&json, object);
        err = kubeapi_apply(api, buf_str(&json), NULL);
        buf_free(&json);
    }
    arena_free(&a);
    return err;
}

static void on_manifest(void *owner, const struct http_response *r, const struct err *err)
{
    struct session *s = owner;
    struct sim_cluster *c = s->importer->cluster;
    struct kubeapi *api = apihost_api(c->api);
    s->call = NULL;
    if (err || r->status != 200 || !api) {
        again(s);
        return;
    }
    struct err *bad = apply_all(c, api, buf_str(&r->body));
    if (bad) {
        struct buf text = {0};
        err_print(bad, &text);
        sim_note(c->sim, "cluster.import-failed", c->name, buf_str(&text));
        buf_free(&text);
        err_free(bad);
        again(s);
        return;
    }
    c->imported = true;
    sim_note(c->sim, "cluster.imported", c->name, str_empty);
    world_exit(s->world, 0);
}

static void on_resolved(void *owner, const struct world_dns_answer *answer, const struct err *err)
{
    struct session *s = owner;
    s->query = NULL;
    if (err) {
        again(s);
        return;
    }
    struct world_tls tls = {.server_name = s->url.host, .insecure = true};
    struct http_request r = {.address = world_addr_make(str_c(answer->host[0]), s->url.port),
                             .tls = s->url.tls ? &tls : NULL,
                             .host = s->url.authority,
                             .method = "GET",
                             .target = s->url.target,
                             .body_bytes_max = FETCH_MAX};
    static const struct http_call_handler handler = {.done = on_manifest};
    s->call = http_call_start(s->http, &r, &handler, s);
}

static void resolve(void *owner)
{
    struct session *s = owner;
    s->query = world_dns_query(s->world, s->url.host, DNS_TIMEOUT, on_resolved, s);
}

static struct err *session_start(struct world *w, const void *config, void **out)
{
    struct importer *im = *(struct importer *const *)config;
    struct url url;
    struct err *err = url_parse(im->url_text, &url);
    if (err)
        return err;
    struct session *s = MEM_NEW(struct session);
    s->importer = im;
    s->world = w;
    s->url = url;
    s->http = http_client_new(w);
    s->retry = world_timer_new(w, resolve, s);
    world_timer_start(s->retry, 0);
    *out = s;
    return NULL;
}

static void session_destroy(void *instance)
{
    struct session *s = instance;
    world_dns_cancel(s->query);
    world_timer_free(s->retry);
    http_client_free(s->http);
    mem_free(s);
}

static const struct sim_program program = {.start = session_start, .destroy = session_destroy};

static struct importer *importer_new(struct sim_cluster *c)
{
    struct importer *im = MEM_NEW(struct importer);
    struct buf name = {0};
    im->cluster = c;
    im->config = MEM_NEW(const void *);
    *im->config = im;
    buf_addf(&name, STR_FMT "/admin", STR_ARG(c->name));
    struct sim_process_options o = {.name = buf_str(&name),
                                    .host = sim_process_host(apihost_process(c->api)),
                                    .program = &program,
                                    .config = im->config,
                                    .resolver = c->resolver};
    im->process = sim_process_new(c->sim, &o);
    buf_free(&name);
    return im;
}

void importer_free(struct importer *im)
{
    if (!im)
        return;
    str_free(&im->url_text);
    mem_free(im->config);
    mem_free(im);
}

void sim_cluster_import(struct sim_cluster *c, struct str manifest_url)
{
    if (!c->importer)
        c->importer = importer_new(c);
    if (sim_process_is_running(c->importer->process))
        return; /* at it already */
    str_free(&c->importer->url_text);
    c->importer->url_text = str_dup(manifest_url);
    struct err *err = sim_process_start(c->importer->process);
    if (err) {
        struct buf text = {0};
        err_print(err, &text);
        sim_note(c->sim, "cluster.import-failed", c->name, buf_str(&text));
        buf_free(&text);
        err_free(err);
    }
}
