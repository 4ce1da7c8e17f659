/* What the manager shows of clusters: the Clusters themselves, out of its own cache, and what a cluster's agent keeps of it,
 * fetched through the tunnel from the agent's local address.
 *
 *   asked ─► may the caller get this Cluster? (a SelfSubjectAccessReview at the local API, with the caller's own token)
 *              ├─ no such caller: 401, not allowed: 403
 *              └─ yes ─► fetched from the agent ─► its answer, with its data age ─ or 503: no agent, no answer
 *
 * The rights are those on the Cluster: what the agent keeps is shown whole or not at all. */
#include "engine/api/api_internal.h"

#include "engine/base/list.h"
#include "engine/http/client.h"
#include "engine/kube/management.h"
#include "engine/kube/served.h"

#define AGENT_ADDRESS  "127.0.0.1:6080" /* where agents serve their caches */
#define FETCH_TIMEOUT  (15 * NS_PER_S)
#define FETCH_BODY_MAX ((size_t)64 << 20)

static const struct kube_gvr gvr_access =
    KUBE_GVR("authorization.k8s.io", "v1", "selfsubjectaccessreviews");

struct cluster_views {
    struct api *api;
    struct kube_client *client; /* whose server is asked for rights */
    struct http_client *http;
    struct tunnel_forwards *forwards;
    struct list open;
};

/* One request. */
struct view {
    struct list node;
    struct cluster_views *of;
    struct http_exchange *x; /* NULL: answered */
    struct str id,
        target; /* owned; target empty: the Clusters themselves, id what follows the type */
    void (*granted)(struct api *a, struct http_exchange *x); /* NULL: shows clusters */
    struct kube_client *caller;                              /* in the caller's name */
    struct kube_call *review;
    struct http_call *fetch;
    struct world_timer *later; /* it is freed outside of its own callbacks */
};

static void view_free(void *data)
{
    struct view *v = data;
    list_remove(&v->node);
    kube_call_cancel(v->review);
    http_call_cancel(v->fetch);
    kube_client_free(v->caller);
    world_timer_free(v->later);
    str_free(&v->id);
    str_free(&v->target);
    mem_free(v);
}

/* The exchange, to be answered now, after which the view goes. */
static struct http_exchange *answered(struct view *v)
{
    struct http_exchange *x = v->x;
    v->x = NULL;
    http_exchange_set(x, NULL, NULL);
    world_timer_start(v->later, 0);
    return x;
}

/* ---- from the agent ---- */

static void on_fetched(void *owner, const struct http_response *r, const struct err *err)
{
    struct view *v = owner;
    v->fetch = NULL;
    if (!r || err) {
        api_error(answered(v), 503, "ClusterUnavailable", "the cluster's agent does not answer");
        return;
    }
    struct http_headers headers = {0};
    struct str age = http_headers_get(&r->headers, KUBE_DATA_AGE_HEADER);
    if (age.n && !http_headers_add(&headers, STR(KUBE_DATA_AGE_HEADER), age))
        http_headers_clear(&headers);
    http_answer(answered(v), r->status, "application/json", &headers, buf_str(&r->body));
    http_headers_free(&headers);
}

static void fetch(struct view *v)
{
    static const struct http_call_handler handler = {.done = on_fetched};
    struct cluster_views *vs = v->of;
    uint16_t port = 0;
    struct err *err = NULL;
    if (!tunnel_router_may_reach(vs->api->router, v->id))
        err = err_new(ERR_UNAVAILABLE, "the cluster's agent is not connected");
    if (!err)
        err = tunnel_forwards_port(vs->forwards, v->id, STR(AGENT_ADDRESS), &port);
    if (err) {
        api_error(answered(v), 503, "ClusterUnavailable", "%s", err->message);
        err_free(err);
        return;
    }
    struct http_headers headers = {0};
    struct str id = http_request_id_given(v->x);
    if (id.n && !http_headers_add(&headers, STR("X-Request-Id"), id))
        http_headers_clear(&headers);
    struct http_request r = {.address = world_addr_make(STR("127.0.0.1"), port),
                             .host = STR(AGENT_ADDRESS),
                             .method = "GET",
                             .target = v->target,
                             .headers = &headers,
                             .timeout = FETCH_TIMEOUT,
                             .body_bytes_max = FETCH_BODY_MAX};
    v->fetch = http_call_start(vs->http, &r, &handler, v);
    http_headers_free(&headers);
}

/* ---- rights ---- */

static bool is_allowed(struct str review)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct err *err = json_parse(&a, review, &tree);
    bool yes = !err && json_bool_at(tree, "status.allowed", false);
    err_ignore(err);
    arena_free(&a);
    return yes;
}

static void on_review(void *owner, const struct kube_answer *answer)
{
    struct view *v = owner;
    v->review = NULL;
    if (answer->status == 401)
        api_error(answered(v), 401, "Unauthorized", "must authenticate");
    else if (answer->err)
        api_error(answered(v), 503, "ServiceUnavailable", "rights cannot be asked for: %s",
                  answer->err->message);
    else if (!is_allowed(answer->body))
        api_error(answered(v), 403, "Forbidden", "you may not see %s",
                  v->granted ? "this" : "this cluster");
    else if (v->granted)
        v->granted(v->of->api, answered(v));
    else if (v->target.n)
        fetch(v);
    else
        kube_served_path(answered(v), v->of->api->clusters, false, v->id);
}

static void ask(struct view *v, const char *verb, struct str name)
{
    struct kube_target target = {.gvr = gvr_access};
    struct buf body = {0};
    buf_addf(&body,
             "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\","
             "\"spec\":{\"resourceAttributes\":{\"group\":\"" MANAGEMENT_GROUP
             "\",\"resource\":\"clusters\",\"verb\":\"%s\",\"name\":",
             verb);
    json_write_string(&body, name);
    buf_add_c(&body, "}}}");
    v->review = kube_call_start(v->caller, KUBE_CREATE, &target, buf_str(&body), 0, on_review, v);
    buf_free(&body);
}

static void on_later(void *owner)
{
    view_free(owner);
}

/* NULL: nobody asks, and was told so. */
static struct view *view_new(struct cluster_views *vs, struct http_exchange *x, struct str id,
                             struct str target)
{
    static const struct str bearer = STR_INIT("Bearer ");
    struct str by = http_headers_get(http_request_headers(x), "Authorization");
    if (!str_starts(by, bearer) || by.n == bearer.n) {
        api_error(x, 401, "Unauthorized", "must authenticate");
        return NULL;
    }
    struct view *v = MEM_NEW(struct view);
    v->of = vs;
    v->x = x;
    v->id = str_dup(id);
    v->target = str_dup(target);
    v->caller = kube_client_as(vs->client, str_sub(by, bearer.n, by.n));
    v->later = world_timer_new(vs->api->world, on_later, v);
    list_add_tail(&vs->open, &v->node);
    http_exchange_set(x, v, view_free);
    return v;
}

void api_cluster_view_handle(struct api *a, struct http_exchange *x, struct str rest)
{
    struct str id, path;
    if (!str_cut(rest, '/', &id, &path) || !str_starts(path, STR("v1/"))) {
        api_error(x, 404, "NotFound", "the path must be /k8s/clusters/ID/v1/TYPE");
        return;
    }
    struct str all = http_target(x);
    size_t from = http_path(x).n - path.n - 1; /* behind it comes the query */
    struct view *v = view_new(a->views, x, id, str_sub(all, from, all.n));
    if (v)
        ask(v, "get", id);
}

void api_clusters_handle(struct api *a, struct http_exchange *x, struct str rest)
{
    struct view *v = view_new(a->views, x, rest, str_empty);
    if (v)
        ask(v, rest.n > 1 ? "get" : "list", rest.n > 1 ? str_sub(rest, 1, rest.n) : str_empty);
}

void api_with_rights(struct api *a, struct http_exchange *x,
                     void (*granted)(struct api *a, struct http_exchange *x))
{
    struct view *v = view_new(a->views, x, str_empty, str_empty);
    if (!v)
        return;
    v->granted = granted;
    ask(v, "get", str_empty);
}

/* ---- life ---- */

struct cluster_views *cluster_views_new(struct api *a, struct kube_client *client,
                                        struct tunnel_forwards *forwards)
{
    struct cluster_views *vs = MEM_NEW(struct cluster_views);
    vs->api = a;
    vs->client = client;
    vs->forwards = forwards;
    vs->http = http_client_new(a->world);
    list_init(&vs->open);
    return vs;
}

void cluster_views_free(struct cluster_views *vs)
{
    list_each (&vs->open, it, next)
        view_free(container_of(it, struct view, node));
    http_client_free(vs->http);
    mem_free(vs);
}
