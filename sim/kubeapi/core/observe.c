/* Telling an observer what a request was and how it was answered. */
#include "sim/kubeapi/core/observe.h"

#include "engine/http/server.h"
#include "sim/kubeapi/core/request.h"

struct api_observed {
    uint64_t id;
    world_time received;
    struct world_addr peer; /* the stream may be gone by the end */
    struct api_user user;   /* before impersonation */
    enum kubeapi_decision decision;
    struct buf answer;
    struct http_headers watch_headers;
    const char *type;
    bool watching, done;
};

void kubeapi_observe(struct kubeapi *api,
                     void (*seen)(void *owner, const struct kubeapi_exchange *x), void *owner,
                     enum kubeapi_bodies bodies)
{
    api->observer.seen = seen;
    api->observer.owner = owner;
    api->observer.bodies = bodies;
}

void api_observe_head(struct api_request *r)
{
    if (!r->api->observer.seen || !r->x)
        return;
    struct api_observed *o = ARENA_NEW(&r->a, struct api_observed);
    o->id = ++r->api->observer.last_id;
    o->received = world_wall(r->api->w);
    o->peer = world_stream_peer(http_stream(r->x));
    o->user = r->user;
    o->answer.max = KUBEAPI_OBSERVED_BYTES_MAX;
    r->observed = o;
}

void api_observe_decision(struct api_request *r, bool allowed)
{
    if (r->observed)
        r->observed->decision = allowed ? KUBEAPI_ALLOWED : KUBEAPI_FORBIDDEN;
}

void api_observe_answer(struct api_request *r)
{
    bool small = r->status >= 400 || r->verb == VERB_CREATE;
    if (r->observed && (small || r->api->observer.bodies == KUBEAPI_BODIES_ALL))
        buf_add(&r->observed->answer, buf_str(&r->out));
}

static struct kubeapi_user user_of(const struct api_user *u)
{
    return (struct kubeapi_user){u->name, u->uid, u->groups, u->groups_n};
}

static struct str target_of(struct api_request *r)
{
    return r->x ? http_target(r->x) : r->path;
}

/* Tells it. A watch may be told of twice. */
static void tell(struct api_request *r, const struct http_headers *headers, bool started, bool cut)
{
    struct api_observed *o = r->observed;
    struct kubeapi *api = r->api;
    bool impersonated =
        http_headers_has(r->headers, "Impersonate-User") && !str_eq(o->user.name, r->user.name);
    struct kubeapi_exchange x = {
        .id = o->id,
        .started = started,
        .received = o->received,
        .peer = o->peer,
        .now = world_wall(api->w),
        .audit_id = http_headers_get(headers ? headers : r->headers, "Audit-Id"),
        .method = r->method,
        .target = target_of(r),
        .headers = r->headers,
        .body = r->body,
        .user = user_of(&o->user),
        .is_resource = r->p.is_resource,
        .is_watch = o->watching,
        .group = r->p.gvr.group,
        .version = r->p.gvr.version,
        .resource = r->p.gvr.resource,
        .sub = r->p.sub,
        .ns = r->p.ns,
        .name = r->p.name,
        .decision = o->decision,
        .status = o->watching ? 200
                  : headers   ? r->status
                              : 0,
        .answer_headers = headers,
        .answer_type = o->watching ? o->type : r->out_type,
        .answer = buf_str(&o->answer),
        .cut = cut,
    };
    if (impersonated)
        x.as = user_of(&r->user);
    if (r->verb != VERB_NONE)
        x.verb = api_verb_name(r->verb);
    else
        x.verb = str_eq_c(r->method, "GET") ? STR("get") : r->method;
    api->observer.seen(api->observer.owner, &x);
}

void api_observe_watch(struct api_request *r, const struct http_headers *headers, const char *type)
{
    struct api_observed *o = r->observed;
    struct str name, value;
    if (!o || !r->api->observer.seen)
        return;
    o->watching = true;
    o->type = type;
    for (size_t i = 0; http_headers_at(headers, i, &name, &value); i++)
        (void)!http_headers_add(&o->watch_headers, name, value);
    tell(r, headers, true, false);
}

void api_observe_frames(struct api_request *r, struct str bytes)
{
    if (r->observed && r->api->observer.bodies == KUBEAPI_BODIES_ALL)
        buf_add(&r->observed->answer, bytes);
}

void api_observe_done(struct api_request *r, const struct http_headers *headers, bool cut)
{
    struct api_observed *o = r->observed;
    if (!o || o->done || !r->api->observer.seen)
        return;
    o->done = true;
    tell(r, o->watching ? &o->watch_headers : headers, false, cut);
}

void api_observe_free(struct api_request *r)
{
    if (!r->observed)
        return;
    buf_free(&r->observed->answer);
    http_headers_free(&r->observed->watch_headers);
    r->observed = NULL;
}
