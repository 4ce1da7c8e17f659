/* Routes. */
#include "engine/api/api.h"

#include "engine/api/api_internal.h"
#include "engine/kube/management.h"

static void open_proxy(struct api *a, const struct api_options *o)
{
    struct auth_options who = {.world = o->world,
                               .client = o->client,
                               .registrations = o->tokens,
                               .registrations_by_token = o->tokens_by_token};
    a->auth = auth_new(&who);
    struct proxy_options p = {.world = o->world,
                              .auth = a->auth,
                              .router = o->router,
                              .clusters = o->clusters,
                              .metrics = o->metrics,
                              .plain = o->plain,
                              .way = o->way,
                              .owner = o->way_owner};
    a->proxy = proxy_new(&p);
}

struct api *api_new(const struct api_options *o)
{
    struct api *a = MEM_NEW(struct api);
    a->world = o->world;
    a->policies = *o->policies;
    a->log = (struct log){world_log(o->world), STR("api")};
    a->clusters = o->clusters;
    a->tokens = o->tokens;
    a->settings = o->settings;
    a->secrets = o->secrets;
    a->tokens_by_token = o->tokens_by_token;
    a->router = o->router;
    a->peers = o->peers;
    a->probes = tunnel_probes_new(o->world, o->policies);
    a->agent_image = str_dup(o->agent_image);
    bool adopts = policy_get(o->policies, POLICY_CLUSTER_UNKNOWN) == POLICY_UNKNOWN_ADOPT;
    a->registration =
        registration_new(o->client, o->clusters, o->secrets, adopts ? o->router : NULL);
    a->paths = paths_new(o->client, o->clusters);
    a->adoption = adoption_new(o->client, o->clusters);
    if (adopts)
        a->membership_key = o->membership_key;
    a->admission = admission_new(a);
    a->views = cluster_views_new(a, o->client, o->forwards);
    if (o->way)
        open_proxy(a, o);
    a->observed = o->observed;
    a->requests = api_requests_new(o->observed.metrics);
    return a;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    proxy_free(a->proxy);
    auth_free(a->auth);
    cluster_views_free(a->views);
    admission_free(a->admission);
    adoption_free(a->adoption);
    paths_free(a->paths);
    registration_free(a->registration);
    tunnel_probes_free(a->probes);
    api_requests_free(a->requests);
    str_free(&a->agent_image);
    mem_free(a);
}

void api_set_ready(struct api *a, bool ready)
{
    a->ready = ready;
}

void api_drain(struct api *a)
{
    a->ready = false;
    a->draining = true;
    admission_close(a->admission);
}

void api_set_replicas(struct api *a, size_t n)
{
    admission_set_replicas(a->admission, n);
}

/* With our time: who compares it with his own knows whether certificates or clocks are to blame. */
static void ping(const struct api *a, struct http_exchange *x)
{
    struct http_headers headers = {0};
    struct buf now = {0};
    rfc3339_format(&now, world_wall(a->world));
    http_headers_add_c(&headers, "X-Server-Time", buf_c(&now));
    http_answer(x, 200, "text/plain; charset=utf-8", &headers, STR("pong"));
    http_headers_free(&headers);
    buf_free(&now);
}

static bool route_get(struct api *a, struct http_exchange *x, struct str path)
{
    static const struct str settings = STR_INIT("/v3/settings/"), import = STR_INIT("/v3/import/"),
                            clusters = STR_INIT("/v1/" MANAGEMENT_GROUP ".clusters");
    if (str_eq_c(path, "/ping"))
        ping(a, x);
    else if (str_eq_c(path, "/healthz"))
        api_text(x, 200, STR("ok"));
    else if (str_eq_c(path, "/readyz"))
        api_text(x, a->ready ? 200 : 503, a->ready ? STR("ok") : STR("not ready"));
    else if (str_eq_c(path, "/cacerts"))
        api_cacerts_handle(a, x);
    else if (str_starts(path, settings))
        api_settings_handle(a, x, str_sub(path, settings.n, path.n));
    else if (str_starts(path, import))
        api_import_handle(a, x, str_sub(path, import.n, path.n));
    else if (str_starts(path, clusters))
        api_clusters_handle(a, x, str_sub(path, clusters.n, path.n));
    else if (str_eq_c(path, "/v3/connect") || str_eq_c(path, "/v3/connect/register"))
        api_connect_handle(a, x);
    else
        return api_observe_handle(a, x, path);
    return true;
}

/* "/k8s/clusters/ID/v1/...": what its agent keeps. Everything else below "/k8s/clusters/": its API. */
static bool route_cluster(struct api *a, struct http_exchange *x, struct str path)
{
    static const struct str clusters = STR_INIT("/k8s/clusters/");
    struct str id, rest, all = http_target(x);
    if (!str_starts(path, clusters))
        return false;
    struct str below = str_sub(path, clusters.n, path.n);
    bool view = str_cut(below, '/', &id, &rest) && str_starts(rest, STR("v1/"));
    if (view && str_eq_c(http_method(x), "GET"))
        api_cluster_view_handle(a, x, below);
    else if (view || !a->proxy)
        return false;
    else
        proxy_handle(a->proxy, x, str_sub(all, (size_t)(below.p - all.p), all.n));
    return true;
}

void api_answered(void *api, struct http_exchange *x, int status)
{
    const struct api *a = api;
    api_requests_answered(a->requests, x, status);
    api_log_request(&a->log, x, status);
}

void api_handle(void *api, struct http_exchange *x)
{
    struct api *a = api;
    if (route_cluster(a, x, http_path(x)))
        return;
    if (!str_eq_c(http_method(x), "GET"))
        api_error(x, 405, "MethodNotAllowed", "the method " STR_FMT " is not supported here",
                  STR_ARG(http_method(x)));
    else if (!route_get(a, x, http_path(x)))
        api_error(x, 404, "NotFound", "there is nothing at " STR_FMT, STR_ARG(http_path(x)));
}
