#include "sim/kubeapi/streams/streams.h"
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/session.h"

struct streams {
    struct kubeapi *api;
    bool (*serves)(struct kubeapi *api, struct str node);
    struct list sessions;
    size_t n;
};

struct streams *podstreams_new(struct kubeapi *api,
                               bool (*serves)(struct kubeapi *api, struct str node))
{
    struct streams *s = MEM_NEW(struct streams);
    s->api = api;
    s->serves = serves;
    list_init(&s->sessions);
    return s;
}

static void end_all(struct streams *s, bool abort)
{
    list_each (&s->sessions, it, next) {
        struct session *one = container_of(it, struct session, link);
        one->kind->end(one, abort);
    }
    BUG_ON(s->n != 0, "an ended session is gone");
}

void podstreams_free(struct streams *s)
{
    if (!s)
        return;
    end_all(s, true);
    mem_free(s);
}

void podstreams_end(struct streams *s)
{
    end_all(s, false);
}

size_t podstreams_open(const struct streams *s)
{
    return s->n;
}

bool podstreams_serves(const struct streams *s, struct str node)
{
    return s->serves(s->api, node);
}

/* ---- sessions ---- */

static void on_timer(void *owner)
{
    struct session *s = owner;
    s->kind->wake(s);
}

void podstreams_begin(struct streams *s, struct api_request *r, const struct http_headers *headers)
{
    static const struct {
        size_t (*size)(void);
        void (*begin)(struct session *s, struct http_exchange *x,
                      const struct http_headers *headers);
    } kinds[] = {
        [STREAM_LOG] = {session_log_size, log_begin},
        [STREAM_EXEC] = {session_remote_size, remote_begin},
        [STREAM_ATTACH] = {session_remote_size, remote_begin},
        [STREAM_FORWARD] = {session_forward_size, forward_begin},
    };
    enum stream_kind kind = r->stream->kind;
    struct session *one = mem_alloc(kinds[kind].size());
    struct http_exchange *x = r->x;
    one->of = s;
    one->api = s->api;
    one->a = r->a;
    one->ask = r->stream;
    one->timer = world_timer_new(s->api->w, on_timer, one);
    list_add_tail(&s->sessions, &one->link);
    s->n++;
    r->a = (struct arena){0};
    r->x = NULL;
    kinds[kind].begin(one, x, headers);
}

void session_free(struct session *s)
{
    list_remove(&s->link);
    s->of->n--;
    world_timer_free(s->timer);
    arena_free(&s->a);
    mem_free(s);
}

void session_sleep(struct session *s, int64_t due)
{
    int64_t left = due < 0 ? SESSION_LOOK : due - world_wall(s->api->w);
    world_timer_start(s->timer, left < SESSION_LOOK ? left : SESSION_LOOK);
}

static const cJSON *pod_of(const struct session *s, struct arena *a)
{
    struct kube_object *o = kubeapi_get(s->api, STR("pods"), s->ask->ns, s->ask->pod);
    return o && str_eq(o->uid, s->ask->uid) ? kube_object_tree(o, a) : NULL;
}

bool session_container(const struct session *s, struct arena *a, struct container *out)
{
    const cJSON *pod = pod_of(s, a);
    return pod && container_read(a, pod, s->ask->container.name, out);
}

bool session_alive(const struct session *s)
{
    struct arena a = {0};
    struct container now;
    bool alive;
    if (s->ask->kind == STREAM_FORWARD)
        alive = container_network(pod_of(s, &a));
    else
        alive = session_container(s, &a, &now) && now.state == CONTAINER_RUNNING &&
                clog_same(&now.log, &s->ask->container.log);
    alive = alive && podstreams_serves(s->of, s->ask->container.node);
    arena_free(&a);
    return alive;
}
