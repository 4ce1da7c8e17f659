/* The garbage collector: objects whose owners are gone, and the orphan and foregroundDeletion finalizers.
 *
 * Events put uids into a queue; the queue is worked off GC_DELAY later in one go. Each item is judged by the state of
 * the store at that moment, so that repeated and outdated items do no harm. */
#include "sim/kubeapi/controllers/gc.h"
#include "sim/kubeapi/controllers/ctl.h"
#include "sim/kubeapi/crd/find.h"
#include "sim/kubeapi/verbs/system.h"
#include "sim/kubeapi/verbs/write.h"
#include "sim/kubeapi/verbs/writing.h"

#define GC_DELAY    (100 * NS_PER_MS)
#define GC_TOLD_MAX 10000u /* complaints that are remembered, and made */

struct gc {
    struct kubeapi *api;
    struct map queue; /* uid → gc (a set in order of arrival) */
    struct map told;  /* "uid/owner's uid" of what was said to have an owner abroad */
    struct world_timer *timer;
};

static void enqueue(struct gc *x, struct str uid)
{
    if (uid.n == 0 || map_has(&x->queue, uid))
        return;
    map_put(&x->queue, uid, x);
    if (!world_timer_active(x->timer))
        world_timer_start(x->timer, GC_DELAY);
}

static bool has_policy(const struct kube_object *o)
{
    return o->deleting && (kube_object_has_finalizer(o, STR("orphan")) ||
                           kube_object_has_finalizer(o, STR("foregroundDeletion")));
}

void api_gc_event(struct gc *x, struct store_event *e)
{
    size_t n;
    const struct kube_object *o = e->object;
    if (e->type != STORE_DELETED) {
        if (has_policy(o) || (o->owners_n > 0 && !o->deleting))
            enqueue(x, o->uid);
        return;
    }
    const struct store_dependent *d = store_dependents(x->api->store, o->uid, &n);
    for (size_t i = 0; i < n; i++)
        enqueue(x, d[i].object->uid);
    for (size_t i = 0; i < o->owners_n; i++) { /* an owner may wait for this */
        struct kube_object *owner = store_by_uid(x->api->store, o->owners[i].uid, NULL);
        if (owner && has_policy(owner))
            enqueue(x, owner->uid);
    }
}

/* ---- edits ---- */

static void update(struct gc *x, struct store_table *t, struct kube_object *o,
                   void (*edit)(struct arena *a, cJSON *metadata, const void *arg), const void *arg)
{
    struct api_request r;
    const struct api_kind *k = api_kind_of_table(x->api, store_table_name(t));
    if (!k)
        return;
    api_system_begin(x->api, &r, k, VERB_UPDATE);
    r.ns = o->ns;
    cJSON *tree = kube_object_tree(o, &r.a);
    edit(&r.a, json_get(tree, "metadata"), arg);
    (void)api_write_update(&r, k, o, tree, WRITE_ALL, &o);
    err_ignore(api_system_end(&r));
}

static void drop_finalizer(struct arena *a, cJSON *metadata, const void *arg)
{
    cJSON *left = json_array(a), *list = json_get(metadata, "finalizers");
    for (const cJSON *f = list ? list->child : NULL; f; f = f->next)
        if (!str_eq_c(json_string(f), arg))
            json_append(left, json_str(a, json_string(f)));
    if (left->child)
        json_set(a, metadata, STR("finalizers"), left);
    else
        (void)json_unset(metadata, STR("finalizers"));
}

static void drop_owner(struct arena *a, cJSON *metadata, const void *arg)
{
    const struct str *uid = arg;
    cJSON *left = json_array(a), *list = json_get(metadata, "ownerReferences");
    for (const cJSON *o = list ? list->child : NULL; o; o = o->next)
        if (!str_eq(json_string_at(o, "uid"), *uid))
            json_append(left, json_copy(a, o));
    if (left->child)
        json_set(a, metadata, STR("ownerReferences"), left);
    else
        (void)json_unset(metadata, STR("ownerReferences"));
}

/* ---- judging one object ---- */

struct held {
    struct store_table *table;
    struct kube_object *object; /* referenced */
};

static struct held *hold_dependents(struct gc *x, struct str uid, struct arena *a, size_t *n)
{
    const struct store_dependent *d = store_dependents(x->api->store, uid, n);
    struct held *list = ARENA_NEW_ARRAY(a, struct held, *n + 1);
    for (size_t i = 0; i < *n; i++)
        list[i] = (struct held){d[i].table, kube_object_ref(d[i].object)};
    return list;
}

static bool blocks(const struct kube_object *o, struct str owner)
{
    for (size_t i = 0; i < o->owners_n; i++)
        if (str_eq(o->owners[i].uid, owner) && o->owners[i].block_deletion)
            return true;
    return false;
}

static void orphan(struct gc *x, struct store_table *t, struct kube_object *o, struct arena *a)
{
    size_t n;
    struct held *list = hold_dependents(x, o->uid, a, &n);
    for (size_t i = 0; i < n; i++) {
        update(x, list[i].table, list[i].object, drop_owner, &o->uid);
        kube_object_unref(list[i].object);
    }
    o = store_get(t, o->ns, o->name);
    if (o)
        update(x, t, o, drop_finalizer, "orphan");
}

/* Told where events are recorded, once for as long as this server remembers. */
static void tell_invalid(struct gc *x, const struct kube_object *o, const struct kube_owner *owner)
{
    struct ctl *c = x->api->workloads;
    if (!c)
        return;
    struct str key = arena_printf(&c->a, STR_FMT "/" STR_FMT, STR_ARG(o->uid), STR_ARG(owner->uid));
    if (map_count(&x->told) < GC_TOLD_MAX && !map_put(&x->told, key, x))
        ctl_record(c, o, EVENT_WARNING, "OwnerRefInvalidNamespace", "garbage-collector-controller",
                   "ownerRef [" STR_FMT "/" STR_FMT ", namespace: " STR_FMT ", name: " STR_FMT
                   ", uid: " STR_FMT "] does not exist in namespace \"" STR_FMT "\"",
                   STR_ARG(owner->api_version), STR_ARG(owner->kind), STR_ARG(o->ns),
                   STR_ARG(owner->name), STR_ARG(owner->uid), STR_ARG(o->ns));
    ctl_end_sync(c);
}

/* The owner is there, but not where it could be one. */
static bool is_abroad(struct gc *x, const struct kube_object *o, const struct kube_owner *owner)
{
    struct kube_object *found = store_by_uid(x->api->store, owner->uid, NULL);
    return found && found->ns.n > 0 && !str_eq(found->ns, o->ns);
}

/* An owner counts when it is in the same namespace or has none. A namespaced owner of a cluster-scoped object is an
 * error that nobody resolves: such an object is never collected. */
static bool owner_there(struct gc *x, const struct kube_object *o, const struct kube_owner *owner)
{
    struct kube_object *found = store_by_uid(x->api->store, owner->uid, NULL);
    return found && (found->ns.n == 0 || o->ns.n == 0 || str_eq(found->ns, o->ns));
}

/* Does an owner hold it that is there and does not wait for its own dependents to go? */
static bool has_other_owner(struct gc *x, const struct kube_object *o, struct str uid)
{
    for (size_t i = 0; i < o->owners_n; i++) {
        const struct kube_object *owner = store_by_uid(x->api->store, o->owners[i].uid, NULL);
        bool waits =
            owner && owner->deleting && kube_object_has_finalizer(owner, STR("foregroundDeletion"));
        if (!str_eq(o->owners[i].uid, uid) && owner_there(x, o, &o->owners[i]) && !waits)
            return true;
    }
    return false;
}

static void foreground(struct gc *x, struct store_table *t, struct kube_object *o, struct arena *a)
{
    size_t n;
    struct held *list = hold_dependents(x, o->uid, a, &n);
    for (size_t i = 0; i < n; i++) {
        struct kube_object *d = list[i].object;
        if (has_other_owner(x, d, o->uid))
            update(x, list[i].table, d, drop_owner, &o->uid);
        else if (!d->deleting)
            err_ignore(kubeapi_delete(x->api, store_table_name(list[i].table), d->ns, d->name));
        kube_object_unref(d);
    }
    const struct store_dependent *left = store_dependents(x->api->store, o->uid, &n);
    for (size_t i = 0; i < n; i++)
        if (blocks(left[i].object, o->uid))
            return; /* its deletion brings us back */
    o = store_get(t, o->ns, o->name);
    if (o)
        update(x, t, o, drop_finalizer, "foregroundDeletion");
}

static void check_owners(struct gc *x, struct store_table *t, struct kube_object *o)
{
    size_t gone = 0;
    struct str dangling = str_empty;
    for (size_t i = 0; i < o->owners_n; i++)
        if (is_abroad(x, o, &o->owners[i]))
            tell_invalid(x, o, &o->owners[i]);
    for (size_t i = 0; i < o->owners_n; i++)
        if (!owner_there(x, o, &o->owners[i])) {
            dangling = o->owners[i].uid;
            gone++;
        }
    if (gone == 0)
        return;
    if (gone == o->owners_n) {
        err_ignore(kubeapi_delete(x->api, store_table_name(t), o->ns, o->name));
        return;
    }
    update(x, t, o, drop_owner,
           &dangling); /* one at a time: the event brings us back for the next */
}

static void judge(struct gc *x, struct str uid)
{
    struct store_table *t;
    struct kube_object *o = store_by_uid(x->api->store, uid, &t);
    struct arena a = {0};
    if (!o)
        return;
    kube_object_ref(o);
    if (o->deleting && kube_object_has_finalizer(o, STR("orphan")))
        orphan(x, t, o, &a);
    else if (o->deleting && kube_object_has_finalizer(o, STR("foregroundDeletion")))
        foreground(x, t, o, &a);
    else if (!o->deleting)
        check_owners(x, t, o);
    kube_object_unref(o);
    arena_free(&a);
}

static void on_timer(void *owner)
{
    struct gc *x = owner;
    struct map work = x->queue;
    struct str uid;
    x->queue = (struct map){0};
    for (size_t i = 0; map_next(&work, &i, &uid, NULL);)
        judge(x, uid);
    map_free(&work);
}

struct gc *api_gc_new(struct kubeapi *api)
{
    struct gc *x = MEM_NEW(struct gc);
    x->api = api;
    x->timer = world_timer_new(api->w, on_timer, x);
    return x;
}

void api_gc_free(struct gc *x)
{
    world_timer_free(x->timer);
    map_free(&x->queue);
    map_free(&x->told);
    mem_free(x);
}

/* After a restore everything is judged again. */
void api_gc_reset(struct gc *x)
{
    struct store_table *t;
    map_clear(&x->queue);
    map_clear(&x->told);
    for (size_t i = 0; store_table_next(x->api->store, &i, &t);) {
        struct store_cursor c = store_seek(t, str_empty, str_empty);
        for (struct kube_object *o; (o = store_next(&c));)
            if (o->owners_n > 0 || has_policy(o))
                enqueue(x, o->uid);
    }
}
