/* The work queue of the controllers. */
#include "sim/kubeapi/controllers/ctl.h"

#include "sim/kubeapi/core/stamps.h"

struct ctl_item {
    struct heap_node node;
    world_time due;
    enum ctl_kind kind;
    struct str ns, name; /* behind the struct */
    struct str key;
    char text[];
};

/* ---- putting in ---- */

static void arm(struct ctl *c)
{
    int64_t at;
    struct heap_node *first;
    if (!heap_peek(&c->heap, &at, &first)) {
        world_timer_stop(c->timer);
        c->armed = -1;
        return;
    }
    if (c->armed >= 0 && c->armed <= at)
        return;
    c->armed = at;
    world_timer_start(c->timer, at - world_now(c->api->w));
}

static struct ctl_item *item_new(enum ctl_kind kind, struct str ns, struct str name)
{
    struct ctl_item *it = mem_alloc(sizeof *it + ns.n + 1 + name.n);
    *it = (struct ctl_item){.kind = kind};
    memcpy(it->text, ns.p, ns.n);
    it->text[ns.n] = '/';
    memcpy(it->text + ns.n + 1, name.p, name.n);
    it->ns = (struct str){it->text, ns.n};
    it->name = (struct str){it->text + ns.n + 1, name.n};
    it->key = (struct str){it->text, ns.n + 1 + name.n};
    return it;
}

void ctl_after(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name, world_time delay)
{
    char text[512];
    BUG_ON(ns.n + name.n + 1 > sizeof text, "names are bounded by validation");
    memcpy(text, ns.p, ns.n);
    text[ns.n] = '/';
    memcpy(text + ns.n + 1, name.p, name.n);
    struct str key = {text, ns.n + 1 + name.n};
    struct ctl_item *it = map_get(&c->items[kind], key);
    world_time due = world_now(c->api->w) + (delay > 0 ? delay : 0);
    if (it && it->due <= due)
        return;
    if (it) {
        heap_remove(&c->heap, &it->node);
    } else {
        it = item_new(kind, ns, name);
        map_put(&c->items[kind], it->key, it);
    }
    it->due = due;
    heap_push(&c->heap, &it->node, due, c->seq++);
    arm(c);
}

void ctl_soon(struct ctl *c, enum ctl_kind kind, struct str ns, struct str name)
{
    ctl_after(c, kind, ns, name, CTL_SETTLE);
}

void ctl_soon_all(struct ctl *c, enum ctl_kind kind, enum ctl_table table, struct str ns)
{
    struct store_cursor cursor = store_seek(c->tables[table], ns, str_empty);
    for (struct kube_object *o; (o = store_next(&cursor)) && (ns.n == 0 || str_eq(o->ns, ns));)
        ctl_soon(c, kind, o->ns, o->name);
}

void ctl_soon_owner(struct ctl *c, const struct kube_object *o)
{
    static const struct {
        const char *kind, *group;
        enum ctl_kind ctl;
    } known[] = {
        {"ReplicaSet", "apps/", CTL_REPLICA_SET},
        {"Deployment", "apps/", CTL_DEPLOYMENT},
        {"StatefulSet", "apps/", CTL_STATEFUL_SET},
        {"DaemonSet", "apps/", CTL_DAEMON_SET},
        {"Job", "batch/", CTL_JOB},
        {"CronJob", "batch/", CTL_CRON_JOB},
        {"ReplicationController", "v1", CTL_REPLICATION},
    };
    const struct kube_owner *owner = kube_object_controller(o);
    for (size_t i = 0; owner && i < ARRAY_LEN(known); i++)
        if (str_eq_c(owner->kind, known[i].kind) &&
            str_starts(owner->api_version, str_c(known[i].group)))
            ctl_soon(c, known[i].ctl, o->ns, owner->name);
}

/* ---- working off ---- */

void ctl_end_sync(struct ctl *c)
{
    for (size_t i = 0; i < c->held_n; i++)
        kube_object_unref(c->held[i]);
    c->held_n = 0;
    arena_reset(&c->a);
}

/* Between two bursts of work nothing is kept for the next one: of thousands of servers all but a few are at rest. */
void ctl_rest(struct ctl *c)
{
    arena_free(&c->a);
    mem_free(c->held);
    c->held = NULL;
    c->held_n = c->held_cap = 0;
    for (size_t i = 0; i < CTL_KINDS; i++)
        if (map_count(&c->items[i]) == 0)
            map_free(&c->items[i]);
}

static void on_timer(void *owner)
{
    struct ctl *c = owner;
    int64_t at;
    struct heap_node *first;
    world_time now = world_now(c->api->w);
    c->armed = now; /* what is put in now is seen below */
    c->syncing = true;
    for (unsigned n = 0; n < CTL_BATCH && heap_peek(&c->heap, &at, &first) && at <= now; n++) {
        struct ctl_item *it = container_of(heap_pop(&c->heap), struct ctl_item, node);
        map_remove(&c->items[it->kind], it->key);
        c->syncs[it->kind](c, it->ns, it->name);
        ctl_end_sync(c);
        mem_free(it);
    }
    c->armed = -1;
    c->syncing = false;
    ctl_rest(c);
    arm(c);
}

world_time ctl_wall(struct ctl *c)
{
    return world_wall(c->api->w);
}

struct str ctl_now(struct ctl *c)
{
    return api_now(c->api, &c->a);
}

/* ---- life ---- */

void ctl_begin(struct ctl *c, const ctl_sync *syncs)
{
    c->syncs = syncs;
    c->timer = world_timer_new(c->api->w, on_timer, c);
    c->armed = -1;
}

void ctl_forget(struct ctl *c)
{
    for (struct heap_node *n; (n = heap_pop(&c->heap));)
        mem_free(container_of(n, struct ctl_item, node));
    for (size_t i = 0; i < CTL_KINDS; i++)
        map_clear(&c->items[i]);
    arm(c);
}

void ctl_end(struct ctl *c)
{
    world_timer_free(c->timer);
    for (size_t i = 0; i < CTL_KINDS; i++)
        map_free(&c->items[i]);
    heap_free(&c->heap);
}
