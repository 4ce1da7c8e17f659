/* WATCH: one request that goes on.
 *
 *   initial (objects that were there) ─► live (events as they are written) ◄─► behind (the connection is full: what is
 *   missed is read from the store's history when it drains) ─► ended (timeoutSeconds, cut, 410)
 *
 * A watch holds no events: only its position. One that falls behind the history is told so (410) and ended. */
#include "sim/kubeapi/verbs/watch.h"
#include "sim/kubeapi/core/hold.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/selector.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crd_convert.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/print/print.h"
#include "sim/kubeapi/types/decode.h"
#include "sim/kubeapi/types/proto.h"
#include "sim/kubeapi/verbs/faults.h"
#include "sim/kubeapi/verbs/listed.h"
#include "sim/kubeapi/verbs/options.h"
#include "sim/kubeapi/verbs/unobserved.h"
#include "sim/kubeapi/verbs/verbs.h"
#include "sim/kubeapi/verbs/watch_select.h"

#include <string.h>

#define WATCH_TIMEOUT_MIN   (1800 * NS_PER_S)
#define WATCH_LAST_BOOKMARK (2 * NS_PER_S) /* before the end */

struct api_watch {
    struct api_request *r;
    struct store_watch *events;
    struct selector sel;
    struct watch_selector *shared; /* the same, with those who watch alike; NULL: everything */
    struct kube_object **initial;  /* referenced; NULL: given out, or none */
    size_t initial_n, initial_at;
    uint64_t seen;       /* everything up to this revision was given out */
    uint64_t bookmarked; /* revision of the last bookmark, or of the start */
    bool bookmarks, initial_end, behind, closing;
    world_time end_at;
    struct world_timer *timer;
    struct world_timer *late; /* a fault holds events back; NULL: none has */
    bool late_set;            /* it does now, until the timer or */
    uint64_t late_to;         /* until this revision; 0: the timer alone */
    struct print *print;      /* NULL: the objects themselves */
};

static void out(struct api_watch *w, struct str line)
{
    ++*w->r->api->watch_events;
    *w->r->api->watch_bytes += (int64_t)line.n;
    w->r->sink->write(w->r, line);
}

static bool full(struct api_watch *w)
{
    return w->r->sink->queued(w->r) > KUBEAPI_WATCH_QUEUE_MAX;
}

/* ---- lines ---- */

static bool same_version(const struct api_kind *k, const struct kube_object *o)
{
    struct str v = o->api_version;
    if (!crds_as_stored(k, o))
        return false;
    if (k->group.n == 0)
        return str_eq(v, k->version);
    return v.n == k->group.n + 1 + k->version.n && str_starts(v, k->group) &&
           str_ends(v, k->version);
}

/* Protobuf: one frame, encoded once for all who see the same event (revision 0: of one watch only). */
static void out_frame(struct api_watch *w, const char *type, struct str api_version,
                      struct str kind, struct str json, uint64_t revision)
{
    struct api_frame *f = &w->r->api->frame;
    const struct api_kind *k = w->r->kind;
    if (revision == 0 || f->revision != revision || f->kind != k ||
        !str_eq_c(str_c(f->type), type)) {
        const struct type *t = proto_type(api_version, kind);
        struct buf object = {0};
        BUG_ON(!t, "only kinds with a message are negotiated as protobuf");
        proto_encode_object(t, api_version, kind, json, &object);
        buf_clear(&f->bytes);
        proto_encode_frame(type, buf_str(&object), &f->bytes);
        buf_free(&object);
        f->revision = revision;
        f->kind = k;
        f->type = type;
    }
    out(w, buf_str(&f->bytes));
}

/* An event of a document in the form that was negotiated. */
static void out_document(struct api_watch *w, const char *type, struct str api_version,
                         struct str kind, struct str json, uint64_t revision)
{
    struct buf b = {0};
    if (w->r->media.format == API_FORMAT_PROTOBUF) {
        out_frame(w, type, api_version, kind, json, revision);
        return;
    }
    buf_addf(&b, "{\"type\":\"%s\",\"object\":", type);
    buf_add(&b, json);
    buf_add_c(&b, "}\n");
    out(w, buf_str(&b));
    buf_free(&b);
}

/* As a Table of one row, or its metadata alone. */
static void out_printed(struct api_watch *w, const char *type, const struct kube_object *o)
{
    const struct api_media *m = &w->r->media;
    struct str version = str_eq_c(str_c(m->as_version), "v1beta1") ? STR("meta.k8s.io/v1beta1")
                                                                   : STR("meta.k8s.io/v1");
    struct str kind = m->as == API_AS_TABLE ? STR("Table") : STR("PartialObjectMetadata");
    struct buf json = {0};
    print_object(w->print, o, &json);
    out_document(w, type, version, kind, buf_str(&json), 0);
    buf_free(&json);
}

/* revision: of the event, when all watches of this kind see the same; 0: not so. */
static void out_converted(struct api_watch *w, const char *type, const struct kube_object *o,
                          uint64_t revision)
{
    const struct api_kind *k = w->r->kind;
    struct buf version = {.max = 512}, json = {0};
    if (w->print) {
        out_printed(w, type, o);
        return;
    }
    kube_api_version_write(k->group, k->version, &version);
    api_object_write(k, o, false, &json);
    out_document(w, type, buf_str(&version), k->kind, buf_str(&json), revision);
    buf_free(&json);
    buf_free(&version);
}

static const char *const event_names[] = {"ADDED", "MODIFIED", "DELETED"};

void api_watch_show(struct api_watch *w, enum store_event_type as, const struct kube_object *o)
{
    if (!w->closing)
        out_converted(w, event_names[as], o, 0);
}

static void out_event(struct api_watch *w, struct store_event *e, enum store_event_type shown)
{
    bool plain = w->r->media.format == API_FORMAT_JSON && w->r->media.as == API_AS_NONE;
    if (plain && same_version(w->r->kind, e->object)) {
        out(w, store_event_line(e, shown));
        return;
    }
    struct kube_object *left = NULL;
    if (shown == STORE_DELETED && e->type == STORE_MODIFIED)
        left = kube_object_with_revision(e->before, e->revision);
    out_converted(w, event_names[shown], left ? left : e->object, e->revision);
    kube_object_unref(left);
}

/* Twice, or not at all, if a fault says so. */
static void out_shown(struct api_watch *w, struct store_event *e, enum store_event_type shown)
{
    if (api_faults_meet(w->r->api->faults, w->r, KUBEAPI_FAULT_WATCH_DROP, NULL) ||
        unobserved_hides(w->r->api->faults, w, w->r, e, shown))
        return;
    out_event(w, e, shown);
    if (api_faults_meet(w->r->api->faults, w->r, KUBEAPI_FAULT_WATCH_DUPLICATE, NULL))
        out_event(w, e, shown);
}

/* What this watch sees of an event; false: nothing. */
static bool shown_as(const struct api_watch *w, const struct store_event *e,
                     enum store_event_type *shown)
{
    const struct selector *sel = &w->sel;
    if (w->r->ns.n > 0 && !str_eq(e->object->ns, w->r->ns))
        return false;
    if (sel->name.n > 0 && !str_eq(e->object->name, sel->name))
        return false;
    *shown = e->type;
    if (!w->shared)
        return true;
    bool before, after;
    watch_selector_sees(w->shared, e, &before, &after);
    *shown = !before ? STORE_ADDED : after ? STORE_MODIFIED : STORE_DELETED;
    return before || after;
}

/* An object of the kind that has nothing but a revision: typed encoders write what they always write. */
static void write_bookmark(struct api_watch *w, struct str version, bool initial_end,
                           struct buf *out)
{
    const struct api_kind *k = w->r->kind;
    const struct type *t = k->crd ? NULL : type_builtin(k->group, k->version, k->kind);
    struct arena a = {0};
    cJSON *o = json_object(&a), *metadata = json_object(&a);
    json_set_str(&a, o, "apiVersion", version);
    json_set_str(&a, o, "kind", k->kind);
    json_set(&a, o, STR("metadata"), metadata);
    if (initial_end) {
        cJSON *annotations = json_object(&a);
        json_set_str(&a, annotations, "k8s.io/initial-events-end", STR("true"));
        json_set(&a, metadata, STR("annotations"), annotations);
    }
    json_set_str(&a, metadata, "resourceVersion",
                 arena_printf(&a, "%llu", (unsigned long long)w->seen));
    if (t)
        type_fill(&a, t, o);
    json_write(out, o);
    arena_free(&a);
}

static void bookmark(struct api_watch *w, bool initial_end)
{
    const struct api_kind *k = w->r->kind;
    struct buf b = {0}, version = {.max = 512};
    kube_api_version_write(k->group, k->version, &version);
    write_bookmark(w, buf_str(&version), initial_end, &b);
    struct kube_object *o = NULL;
    if (w->print && !kube_object_from_json(buf_str(&b), &o))
        out_printed(w, "BOOKMARK", o);
    else
        out_document(w, "BOOKMARK", buf_str(&version), k->kind, buf_str(&b), 0);
    kube_object_unref(o);
    w->bookmarked = w->seen;
    buf_free(&b);
    buf_free(&version);
}

static void close_soon(struct api_watch *w)
{
    w->closing = true;
    ++*w->r->api->watches_cut;
    w->end_at = world_now(w->r->api->w);
    world_timer_start(w->timer, 0); /* not from here: the caller still has the request */
}

static void gone(struct api_watch *w, uint64_t asked)
{
    struct api_request *r = w->r;
    struct buf b = {0};
    struct kube_status s = kube_status_new(
        410, STR("Expired"),
        arena_printf(&r->a, "too old resource version: %llu (%llu)", (unsigned long long)asked,
                     (unsigned long long)store_compacted(store_of(r->table))));
    kube_status_write(&s, &b);
    out_document(w, "ERROR", STR("v1"), STR("Status"), buf_str(&b), 0);
    buf_free(&b);
    ++*r->api->watches_gone;
    close_soon(w);
}

/* ---- moving on ---- */

/* Can these be shown now? Else the watch waits for the webhook that converts them, or is told why not and ends. */
static bool converted(struct api_watch *w, struct kube_object *const *objects, size_t n)
{
    struct api_request *r = w->r;
    struct str why = str_empty;
    if (!crds_converts(r->kind))
        return true;
    enum crd_conversion out = crds_convert(r, r->kind, objects, n, &why);
    if (out != CRD_BROKEN)
        return out == CRD_CONVERTED;
    struct kube_status s = kube_status_new(500, STR("InternalError"), why);
    struct buf b = {0};
    kube_status_write(&s, &b);
    out_document(w, "ERROR", STR("v1"), STR("Status"), buf_str(&b), 0);
    buf_free(&b);
    r->suspended = false;
    close_soon(w);
    return false;
}

static bool event_converted(struct api_watch *w, struct store_event *e, enum store_event_type shown)
{
    bool leaves = shown == STORE_DELETED && e->type == STORE_MODIFIED;
    if (!crds_converts(w->r->kind))
        return true;
    struct kube_object *o =
        leaves ? kube_object_with_revision(e->before, e->revision) : kube_object_ref(e->object);
    bool ok = converted(w, &o, 1);
    kube_object_unref(o);
    return ok;
}

/* What was converted has been shown: a watch that goes on and on keeps none of it. */
static void forget_converted(struct api_watch *w)
{
    struct api_request *r = w->r;
    if (r->suspended || !r->calls)
        return;
    webhook_calls_free(r);
    crds_conversions_free(r);
}

static void pump_initial(struct api_watch *w)
{
    if (w->initial && !converted(w, w->initial + w->initial_at, w->initial_n - w->initial_at))
        return;
    while (w->initial && w->initial_at < w->initial_n && !full(w)) {
        struct kube_object *o = w->initial[w->initial_at++];
        out_converted(w, "ADDED", o, 0);
        kube_object_unref(o);
    }
    if (!w->initial || w->initial_at < w->initial_n)
        return;
    mem_free(w->initial);
    w->initial = NULL;
    if (w->initial_end)
        bookmark(w, true);
}

static bool replay_one(void *owner, struct store_event *e)
{
    struct api_watch *w = owner;
    enum store_event_type shown;
    if (full(w) || e->revision > store_durable(store_of(w->r->table)))
        return false;
    if (shown_as(w, e, &shown)) {
        if (!event_converted(w, e, shown))
            return false;
        out_shown(w, e, shown);
    }
    w->seen = e->revision;
    return true;
}

static bool caught_up(const struct api_watch *w)
{
    return w->seen >= store_table_revision(w->r->table);
}

void api_watch_pump(struct api_watch *w)
{
    if (w->closing || w->r->hold_until || w->late_set || w->r->suspended ||
        api_faults_stalled(w->r->api->faults, w->r))
        return;
    pump_initial(w);
    if (w->initial)
        return;
    uint64_t now = store_durable(store_of(w->r->table));
    if (w->seen < now && !store_replay(w->r->table, w->seen, replay_one, w)) {
        gone(w, w->seen);
        return;
    }
    w->behind = !caught_up(w);
    if (!w->behind && w->seen < now)
        w->seen = now; /* nothing of this table happened in between */
    forget_converted(w);
}

static void on_converted(struct api_request *r)
{
    r->suspended = false;
    api_watch_pump(r->watch);
}

static void on_late(void *owner)
{
    struct api_watch *w = owner;
    w->late_set = false;
    api_watch_pump(w);
}

/* Does a fault keep this event, and with it all that follow, for a while? */
static bool hold_back(struct api_watch *w, uint64_t revision)
{
    const struct kubeapi_fault *f = NULL;
    struct kubeapi *api = w->r->api;
    world_time delay = api_faults_silence(api->faults, w->r);
    if (delay == 0 && !api_faults_meet(api->faults, w->r, KUBEAPI_FAULT_WATCH_REORDER, &f))
        return false;
    if (!w->late)
        w->late = world_timer_new(api->w, on_late, w);
    w->late_set = true;
    w->late_to = f && f->window ? revision + f->window : 0;
    world_timer_start(w->late, f ? f->delay : delay);
    return true;
}

void api_watch_release(struct api_watch *w, uint64_t revision)
{
    if (w->late_set && w->late_to && revision >= w->late_to) {
        w->late_to = 0;
        world_timer_start(w->late, 0); /* not from within the write */
    }
}

static void on_event(void *owner, struct store_event *e)
{
    struct api_watch *w = owner;
    enum store_event_type shown;
    if (w->initial || w->closing)
        return;
    if (w->behind) {
        if (w->r->api->journal && e->revision > w->seen && !full(w))
            api_watch_pump(w); /* it waited for this event to be durable */
        return;
    }
    if (w->r->api->journal && e->revision <= w->seen)
        return; /* read from the history already */
    bool seen = shown_as(w, e, &shown);
    if (api_faults_stalled(w->r->api->faults, w->r) || full(w) ||
        (seen && hold_back(w, e->revision)) || (seen && !event_converted(w, e, shown))) {
        w->behind = true; /* the pump reads on from `seen` */
        return;
    }
    if (seen)
        out_shown(w, e, shown);
    w->seen = e->revision;
}

static void maybe_bookmark(struct api_watch *w)
{
    if (!w->bookmarks || w->behind || w->initial || w->closing ||
        api_faults_stalled(w->r->api->faults, w->r))
        return;
    if (store_table_revision(w->r->table) > w->bookmarked && !w->r->hold_until &&
        !api_faults_meet(w->r->api->faults, w->r, KUBEAPI_FAULT_WATCH_NO_BOOKMARK, NULL)) {
        uint64_t safe = store_durable(store_of(w->r->table));
        w->seen = safe > w->seen ? safe : w->seen;
        bookmark(w, false);
    }
}

void api_watch_tick(struct kubeapi *api)
{
    list_each (&api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (r->watch)
            maybe_bookmark(r->watch);
    }
}

void api_watches_pump(struct kubeapi *api)
{
    list_each (&api->requests, it, next) {
        struct api_request *r = container_of(it, struct api_request, link);
        if (r->watch)
            api_watch_pump(r->watch);
    }
}

static void on_timer(void *owner)
{
    struct api_watch *w = owner;
    world_time now = world_now(w->r->api->w);
    if (now < w->end_at) {
        maybe_bookmark(w);
        world_timer_start(w->timer, w->end_at - now);
        return;
    }
    w->closing = true;
    w->r->sink->end(w->r, false);
}

/* ---- starting and ending ---- */

static void take_initial(struct api_watch *w)
{
    struct store_attribute only;
    bool selects = selector_attribute(&w->sel, &only);
    size_t cap = 0;
    struct store_view *v =
        store_view_select(w->r->table, store_revision(store_of(w->r->table)), w->r->ns, str_empty,
                          str_empty, selects ? &only : NULL);
    for (struct kube_object *o; (o = store_view_next(v));) {
        if (!selector_matches(&w->sel, o))
            continue;
        if (w->initial_n == cap) {
            cap = cap ? cap * 2 : 16;
            w->initial = mem_resize(w->initial, cap * sizeof(struct kube_object *));
        }
        w->initial[w->initial_n++] = kube_object_ref(o);
    }
    if (!w->initial)
        w->initial = mem_alloc(sizeof(struct kube_object *)); /* none is a start too */
    store_view_close(v);
}

static world_time timeout_of(struct api_request *r, const struct list_options *o)
{
    int64_t seconds = o->timeout_s;
    if (o->has_timeout && seconds != 0 && seconds < 1000000000)
        return seconds > 0 ? seconds * NS_PER_S : 0;
    return WATCH_TIMEOUT_MIN + world_random_time(r->api->w, WATCH_TIMEOUT_MIN);
}

static void start_timer(struct api_watch *w, const struct list_options *options)
{
    struct kubeapi *api = w->r->api;
    world_time timeout = timeout_of(w->r, options);
    w->end_at = world_now(api->w) + timeout;
    w->timer = world_timer_new(api->w, on_timer, w);
    bool early = w->bookmarks && timeout > 2 * WATCH_LAST_BOOKMARK;
    world_timer_start(w->timer, early ? timeout - WATCH_LAST_BOOKMARK : timeout);
}

void api_handle_watch(struct api_request *r)
{
    struct selector sel = {0};
    uint64_t revision = 0, now = store_revision(store_of(r->table));
    struct list_options options;
    if (!api_options_list(r, &options))
        return;
    struct str given = options.resource_version;
    if (given.n > 0 && !str_to_u64(given, &revision)) {
        (void)api_fail_plain(r, 500, "",
                             "resourceVersion: Invalid value: \"" STR_FMT
                             "\": strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
                             STR_ARG(given), STR_ARG(given));
        return;
    }
    if (!api_list_select(r, &sel))
        return;
    if (!r->sink) {
        (void)api_fail_bad(r, "a watch needs a connection: in process use store_watch_start");
        return;
    }
    struct print *print = NULL;
    if ((r->sink->allowed && !r->sink->allowed(r)) || (print_wanted(r) && !print_new(r, &print)))
        return;
    bool lied_gone = false, resumes = revision > 0 && !options.initial_events;
    uint64_t from = resumes ? api_faults_resume(r->api->faults, r, revision, &lied_gone) : now;
    struct api_watch *w = r->watch = MEM_NEW(struct api_watch);
    w->r = r;
    r->resume = on_converted;
    w->print = print;
    w->sel = sel;
    w->shared = watch_selector_take(r, &sel);
    w->bookmarks = api_request_flag(r, "allowWatchBookmarks");
    w->seen = w->bookmarked = from;
    bool present = !options.no_initial_events && options.match.n == 0 && revision == 0;
    w->initial_end = w->bookmarks && (options.initial_events || present);
    r->status = 200;
    ++*r->api->watches;
    r->sink->start(r);
    if ((revision == 0 && !options.no_initial_events) || options.initial_events)
        take_initial(w);
    if (w->initial)
        (void)api_hold(r, store_table_revision(r->table));
    w->events = store_watch_start(r->table, r->ns, on_event, w);
    start_timer(w, &options);
    if (lied_gone || (resumes && revision < crds_born(r->kind))) {
        gone(w, revision);
        return;
    }
    api_watch_pump(w);
}

void api_watch_free(struct api_watch *w)
{
    unobserved_forget(w->r->api->faults, w);
    store_watch_stop(w->events);
    print_free(w->print);
    world_timer_free(w->timer);
    world_timer_free(w->late);
    watch_selector_give(w->r->api, w->shared);
    for (; w->initial && w->initial_at < w->initial_n; w->initial_at++)
        kube_object_unref(w->initial[w->initial_at]);
    mem_free(w->initial);
    --*w->r->api->watches;
    mem_free(w);
}

bool api_watch_of(const struct api_watch *w, struct str table)
{
    return table.n == 0 || str_eq(store_table_name(w->r->table), table);
}

void api_watch_cut(struct api_watch *w, bool abort)
{
    w->closing = true;
    ++*w->r->api->watches_cut;
    w->r->sink->end(w->r, abort);
}

void api_watch_gone(struct api_watch *w)
{
    if (!w->closing)
        gone(w, w->seen);
}

void api_watch_move(struct api_watch *w, struct store_table *t)
{
    store_watch_stop(w->events);
    w->r->table = t;
    w->events = store_watch_start(t, w->r->ns, on_event, w);
    api_watch_pump(w);
}
