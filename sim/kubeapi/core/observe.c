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
    struct kubeapi_annotation *annotations; /* KUBEAPI_ANNOTATIONS_MAX; by key */
    size_t annotations_n;
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
    if (!r->observed)
        return;
    r->observed->decision = allowed ? KUBEAPI_ALLOWED : KUBEAPI_FORBIDDEN;
    api_observe_annotate(r, STR("authorization.k8s.io/decision"),
                         allowed ? STR("allow") : STR("forbid"));
    api_observe_reason(r, str_empty);
}

/* ---- annotations ---- */

static struct kubeapi_annotation *find_or_add(struct api_request *r, struct str key)
{
    struct api_observed *o = r->observed;
    size_t at = 0;
    if (!o->annotations)
        o->annotations = ARENA_NEW_ARRAY(&r->a, struct kubeapi_annotation, KUBEAPI_ANNOTATIONS_MAX);
    while (at < o->annotations_n && str_cmp(o->annotations[at].key, key) < 0)
        at++;
    if (at < o->annotations_n && str_eq(o->annotations[at].key, key))
        return &o->annotations[at];
    if (o->annotations_n == KUBEAPI_ANNOTATIONS_MAX)
        return NULL;
    for (size_t i = o->annotations_n++; i > at; i--)
        o->annotations[i] = o->annotations[i - 1];
    o->annotations[at] = (struct kubeapi_annotation){arena_str(&r->a, key), {NULL, 0}};
    return &o->annotations[at];
}

void api_observe_annotate(struct api_request *r, struct str key, struct str value)
{
    struct kubeapi_annotation *x = r->observed ? find_or_add(r, key) : NULL;
    if (x && !x->value.p)
        x->value = arena_str(&r->a, value);
}

static bool lists(struct str list, struct str value)
{
    while (list.n > 0) {
        struct str head = list;
        ptrdiff_t end = str_find(list, STR(", "));
        if (end >= 0)
            head = str_sub(list, 0, (size_t)end);
        if (str_eq(head, value))
            return true;
        list = end < 0 ? str_empty : str_sub(list, (size_t)end + 2, list.n);
    }
    return false;
}

void api_observe_gather(struct api_request *r, struct str key, struct str value)
{
    struct kubeapi_annotation *x = r->observed ? find_or_add(r, key) : NULL;
    if (x && !x->value.p)
        x->value = arena_str(&r->a, value);
    else if (x && !lists(x->value, value))
        x->value = arena_printf(&r->a, STR_FMT ", " STR_FMT, STR_ARG(x->value), STR_ARG(value));
}

void api_observe_again(struct api_request *r)
{
    if (r->observed)
        r->observed->annotations_n = 0;
}

void api_observe_reason(struct api_request *r, struct str reason)
{
    api_observe_annotate(r, STR("authorization.k8s.io/reason"), reason);
}

/* ---- the course of a request ---- */

void api_observe_answer(struct api_request *r)
{
    bool small = r->status >= 400 || r->verb == VERB_CREATE;
    if (r->observed && (small || r->api->observer.bodies == KUBEAPI_BODIES_ALL))
        buf_add(&r->observed->answer, buf_str(&r->out));
}

static struct kubeapi_user user_of(const struct api_user *u)
{
    return (struct kubeapi_user){u->name, u->uid, u->groups, u->groups_n, u->extra, u->extra_n};
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
        .annotations = o->annotations,
        .annotations_n = o->annotations_n,
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
