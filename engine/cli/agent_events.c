/* Events of an agent in its own cluster. */
#include "engine/cli/agent_events.h"

#include "engine/base/json.h"
#include "engine/kube/management.h"

#define NAME_BYTES_MAX 253u

struct agent_events {
    struct world *w;
    struct world_timer *gap;
    struct kube_client *client; /* NULL: nothing was said yet */
    struct kube_call *call;
    const char *kind;
    struct str name, reporter; /* owned */
    struct buf event;          /* the name of the Event that is being written */
    struct buf reason, message;
    bool warning;
    int64_t pending; /* how often it was said since the last write */
    int64_t written; /* of those, what the call under way is about */
    world_time first, last;
};

static const struct kube_gvr gvr_events = KUBE_GVR("", "v1", "events");

static void write_pending(void *owner);

static struct kube_target target_of(const struct agent_events *e)
{
    return (struct kube_target){
        .gvr = gvr_events, .ns = STR(NAMESPACE_SYSTEM), .name = buf_str(&e->event)};
}

/* What is not a name's character becomes '-': machines may be called anything. */
static void add_name(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n && out->n < NAME_BYTES_MAX; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        buf_add_char(out, ok ? c : '-');
    }
}

static void on_written(void *owner, const struct kube_answer *answer)
{
    struct agent_events *e = owner;
    e->call = NULL;
    if (!answer->err)
        e->pending -= e->written;
    world_timer_start(e->gap, AGENT_EVENT_GAP); /* also what failed is tried again */
}

static void set_time(struct arena *a, cJSON *o, const char *key, world_time at)
{
    struct buf text = {0};
    rfc3339_format(&text, at);
    json_set_str(a, o, key, buf_str(&text));
    buf_free(&text);
}

/* What changes from one time to the next. */
static cJSON *news_json(const struct agent_events *e, struct arena *a, int64_t count)
{
    cJSON *o = json_object(a);
    json_set_str(a, o, "type", e->warning ? STR("Warning") : STR("Normal"));
    json_set_str(a, o, "message", buf_str(&e->message));
    json_set_int(a, o, "count", count);
    set_time(a, o, "lastTimestamp", e->last);
    return o;
}

static cJSON *whole_json(const struct agent_events *e, struct arena *a)
{
    cJSON *o = news_json(e, a, e->pending), *metadata = json_object(a), *whom = json_object(a),
          *source = json_object(a);
    json_set_str(a, o, "apiVersion", STR("v1"));
    json_set_str(a, o, "kind", STR("Event"));
    json_set_str(a, metadata, "name", buf_str(&e->event));
    json_set_str(a, metadata, "namespace", STR(NAMESPACE_SYSTEM));
    json_set(a, o, STR("metadata"), metadata);
    bool pod = str_eq_c(str_c(e->kind), "Pod");
    json_set_str(a, whom, "apiVersion", pod ? STR("v1") : STR("apps/v1"));
    json_set_str(a, whom, "kind", str_c(e->kind));
    json_set_str(a, whom, "namespace", STR(NAMESPACE_SYSTEM));
    json_set_str(a, whom, "name", e->name);
    json_set(a, o, STR("involvedObject"), whom);
    json_set_str(a, source, "component", STR("cluster-agent"));
    json_set_str(a, source, "host", e->reporter);
    json_set(a, o, STR("source"), source);
    json_set_str(a, o, "reason", buf_str(&e->reason));
    set_time(a, o, "firstTimestamp", e->first);
    return o;
}

static void write_json(struct agent_events *e, enum kube_verb verb, cJSON *o)
{
    struct buf body = {0};
    struct kube_target target = target_of(e);
    if (verb == KUBE_CREATE)
        target.name = str_empty;
    json_write(&body, o);
    e->written = e->pending;
    e->call = kube_call_start(e->client, verb, &target, buf_str(&body), 0, on_written, e);
    buf_free(&body);
}

static void on_read(void *owner, const struct kube_answer *answer)
{
    struct agent_events *e = owner;
    struct arena a = {0};
    cJSON *old = NULL;
    e->call = NULL;
    struct err *err = answer->err ? NULL : json_parse(&a, answer->body, &old);
    if (old)
        write_json(e, KUBE_PATCH_MERGE,
                   news_json(e, &a, json_int_at(old, "count", 0) + e->pending));
    else if (answer->err && answer->err->code == ERR_NOT_FOUND)
        write_json(e, KUBE_CREATE, whole_json(e, &a));
    else
        world_timer_start(e->gap, AGENT_EVENT_GAP);
    err_ignore(err); /* nonsense counts as no answer */
    arena_free(&a);
}

static void write_pending(void *owner)
{
    struct agent_events *e = owner;
    if (e->pending <= 0)
        return;
    buf_clear(&e->event);
    add_name(&e->event, e->name);
    buf_add_char(&e->event, '.');
    add_name(&e->event, buf_str(&e->reason));
    struct kube_target target = target_of(e);
    e->call = kube_call_start(e->client, KUBE_GET, &target, str_empty, 0, on_read, e);
}

void agent_events_say(struct agent_events *e, struct kube_client *client, bool warning,
                      struct str reason, struct str message)
{
    world_time now = world_wall(e->w);
    if (!str_eq(reason, buf_str(&e->reason))) {
        kube_call_cancel(e->call); /* what it would write is not what is told now */
        if (e->call)
            world_timer_start(e->gap, AGENT_EVENT_GAP);
        e->call = NULL;
        e->pending = 0;
        e->first = now;
        buf_clear(&e->reason);
        buf_add(&e->reason, reason);
    }
    if (e->pending == 0)
        e->first = now;
    e->client = client;
    e->pending++;
    e->last = now;
    e->warning = warning;
    buf_clear(&e->message);
    buf_add(&e->message, message);
    if (!e->call && !world_timer_active(e->gap))
        world_timer_start(e->gap, 0);
}

struct agent_events *agent_events_new(struct world *w, const char *kind, struct str name,
                                      struct str reporter)
{
    struct agent_events *e = MEM_NEW(struct agent_events);
    e->w = w;
    e->kind = kind;
    e->name = str_dup(name);
    e->reporter = str_dup(reporter);
    e->gap = world_timer_new(w, write_pending, e);
    return e;
}

void agent_events_free(struct agent_events *e)
{
    if (!e)
        return;
    kube_call_cancel(e->call);
    world_timer_free(e->gap);
    str_free(&e->name);
    str_free(&e->reporter);
    buf_free(&e->event);
    buf_free(&e->reason);
    buf_free(&e->message);
    mem_free(e);
}
