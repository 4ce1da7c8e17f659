/* Leader election: see the states and the safety argument in leader.h. */
#include "engine/kube/leader.h"

#include "engine/base/json.h"

#define RECORD "control-plane.alpha.kubernetes.io/leader"

/* The two objects that a record may be kept in. */
struct lock {
    struct kube_target target;
    struct str api_version, kind;
    const char *transitions;
    void (*time)(struct buf *out, int64_t unix_ns);
};
static const struct lock locks[] = {
    [LEADER_ON_CONFIG_MAP] = {.target = {.gvr = {STR_INIT(""), STR_INIT("v1"),
                                                 STR_INIT("configmaps")},
                                         .ns = STR_INIT(LEADER_NAMESPACE),
                                         .name = STR_INIT(LEADER_NAME)},
                              .api_version = STR_INIT("v1"),
                              .kind = STR_INIT("ConfigMap"),
                              .transitions = "leaderTransitions",
                              .time = rfc3339_format},
    [LEADER_ON_LEASE] = {.target = {.gvr = {STR_INIT("coordination.k8s.io"), STR_INIT("v1"),
                                            STR_INIT("leases")},
                                    .ns = STR_INIT(LEADER_NAMESPACE),
                                    .name = STR_INIT(LEADER_NAME)},
                         .api_version = STR_INIT("coordination.k8s.io/v1"),
                         .kind = STR_INIT("Lease"),
                         .transitions = "leaseTransitions",
                         .time = rfc3339_format_micro},
};

struct leader {
    struct kube_client *client;
    struct world *world;
    const struct lock *lock;
    world_time lease, renew, retry;
    struct str identity; /* owned */
    struct leader_handler handler;
    void *owner;
    struct world_timer *tick;     /* the next look or renewal */
    struct world_timer *deadline; /* of leading */
    struct kube_call *call;
    struct kube_object *map;   /* the Lease or ConfigMap as last seen; NULL: unknown or absent */
    struct buf record;         /* its spec or annotation as last seen */
    world_time record_lease;   /* how long it says that it holds; 0: it does not say */
    world_time record_seen_at; /* when it last changed, by our monotonic clock */
    struct buf holder;
    bool seen;    /* there was a record */
    bool garbled; /* the last one could not be read: `holder` is who held it before, if known */
    int64_t transitions;
    int64_t acquired_wall; /* of our own lease, for the record */
    bool leading;
    world_time sent_at;    /* when the write under way was sent */
    world_time renewed_at; /* when the last successful renewal was sent */
};

static void look(struct leader *l);

static void next_tick(struct leader *l)
{
    /* Followers spread out: three replicas that look together would race together. */
    world_time jitter = l->leading ? 0 : world_random_time(l->world, l->retry / 5);
    world_timer_start(l->tick, l->retry + jitter);
}

static void stop_leading(struct leader *l)
{
    if (!l->leading)
        return;
    l->leading = false;
    world_timer_stop(l->deadline);
    world_note(l->world, "leader.stopped", l->identity, str_empty);
    l->handler.stopped(l->owner);
}

static void on_deadline(void *owner)
{
    stop_leading(owner);
}

static void start_leading(struct leader *l)
{
    if (world_now(l->world) >= l->sent_at + l->renew)
        return; /* an answer from the past, e.g. after a pause: a rival may have taken over meanwhile */
    l->renewed_at = l->sent_at;
    world_timer_start(l->deadline, l->renewed_at + l->renew - world_now(l->world));
    if (l->leading)
        return;
    l->leading = true;
    world_note(l->world, "leader.started", l->identity, str_empty);
    l->handler.started(l->owner);
}

/* ---- the record ---- */

/* Takes over what a readable record says. False: it says nothing about its holder. */
static bool read_record(struct leader *l, struct str record, struct buf *holder)
{
    struct arena a = {0};
    cJSON *tree = NULL;
    struct err *err = json_parse(&a, record, &tree);
    const cJSON *name = err ? NULL : json_get(tree, "holderIdentity");
    bool readable = cJSON_IsString(name);
    if (readable) {
        buf_add(holder, json_string(name));
        l->transitions = json_int_at(tree, l->lock->transitions, l->transitions);
        int64_t seconds = json_int_at(tree, "leaseDurationSeconds", 0);
        l->record_lease =
            seconds > 0 && seconds <= LEADER_LEASE_MAX / NS_PER_S ? seconds * NS_PER_S : 0;
        if (str_eq(buf_str(holder), l->identity)) /* also written by an earlier process of ours */
            (void)rfc3339_parse(json_string_at(tree, "acquireTime"), &l->acquired_wall);
    }
    err_ignore(err); /* the caller knows what to do with a record that nobody can read */
    arena_free(&a);
    return readable;
}

/* A record that was deleted or garbled does not say that its holder has gone, and the holder may not know yet: it counts
 * as renewed one last time. */
static void observe(struct leader *l, struct str record)
{
    if (str_eq(record, buf_str(&l->record)))
        return;
    buf_clear(&l->record);
    buf_add(&l->record, record);
    l->record_seen_at = world_now(l->world);
    if (record.n == 0)
        return;
    struct buf holder = {0};
    l->seen = true;
    l->garbled = !read_record(l, record, &holder);
    bool changed = !l->garbled && !str_eq(buf_str(&holder), buf_str(&l->holder));
    if (changed) {
        buf_clear(&l->holder);
        buf_add(&l->holder, buf_str(&holder));
    }
    buf_free(&holder);
    if (changed && l->handler.observed)
        l->handler.observed(l->owner, buf_str(&l->holder));
}

static void see(struct leader *l, struct kube_object *map)
{
    kube_object_unref(l->map);
    l->map = map;
    struct arena a = {0};
    struct str record = str_empty;
    if (map && l->lock == &locks[LEADER_ON_LEASE])
        record = kube_object_raw(map, "spec");
    else if (map)
        record = json_string(
            json_get(json_path(kube_object_tree(map, &a), "metadata.annotations"), RECORD));
    observe(l, record);
    arena_free(&a);
}

static void write_record(struct leader *l, struct buf *out)
{
    int64_t wall = world_wall(l->world);
    bool mine = str_eq(buf_str(&l->holder), l->identity);
    if (!mine || l->acquired_wall == 0)
        l->acquired_wall = wall;
    buf_add_c(out, "{\"holderIdentity\":");
    json_write_string(out, l->identity);
    buf_addf(out, ",\"leaseDurationSeconds\":%lld,\"acquireTime\":\"",
             (long long)(l->lease / NS_PER_S));
    l->lock->time(out, l->acquired_wall);
    buf_add_c(out, "\",\"renewTime\":\"");
    l->lock->time(out, wall);
    buf_addf(out, "\",\"%s\":%lld}", l->lock->transitions,
             (long long)(l->transitions + (mine || !l->seen ? 0 : 1)));
}

/* ---- writing it ---- */

static bool take_map(const struct kube_answer *answer, struct kube_object **map)
{
    struct err *err = answer->err ? NULL : kube_object_from_json(answer->body, map);
    bool ok = !answer->err && !err;
    err_ignore(
        err); /* an API server that answers nonsense is treated as one that does not answer */
    return ok;
}

static void on_written(void *owner, const struct kube_answer *answer)
{
    struct leader *l = owner;
    struct kube_object *map = NULL;
    l->call = NULL;
    if (take_map(answer, &map)) {
        see(l, map);
        start_leading(l);
        next_tick(l);
        return;
    }
    bool outrun = answer->err &&
                  (answer->err->code == ERR_CONFLICT || answer->err->code == ERR_ALREADY_EXISTS ||
                   answer->err->code == ERR_NOT_FOUND);
    if (outrun && l->leading)
        look(
            l); /* the ConfigMap is not what we knew: see at once whether the lease is still ours */
    else
        next_tick(l);
}

/* Puts the record into the object that holds it, as it was last seen or new. */
static cJSON *make_object(const struct leader *l, struct arena *a, struct str record)
{
    cJSON *tree = l->map ? kube_object_tree(l->map, a) : json_object(a);
    json_set_str(a, tree, "apiVersion", l->lock->api_version);
    json_set_str(a, tree, "kind", l->lock->kind);
    cJSON *metadata = json_ensure(a, tree, "metadata");
    json_set_str(a, metadata, "name", l->lock->target.name);
    json_set_str(a, metadata, "namespace", l->lock->target.ns);
    if (l->lock == &locks[LEADER_ON_LEASE])
        json_set(a, tree, STR("spec"), json_raw(a, record));
    else
        json_set_str(a, json_ensure(a, metadata, "annotations"), RECORD, record);
    return tree;
}

static void write_lease(struct leader *l)
{
    struct arena a = {0};
    struct buf record = {0}, body = {0};
    write_record(l, &record);
    json_write(&body, make_object(l, &a, buf_str(&record)));
    struct kube_target target = l->lock->target;
    if (!l->map)
        target.name = str_empty;
    l->sent_at = world_now(l->world);
    l->call = kube_call_start(l->client, l->map ? KUBE_UPDATE : KUBE_CREATE, &target,
                              buf_str(&body), l->renew / 3, on_written, l);
    buf_free(&record);
    buf_free(&body);
    arena_free(&a);
}

/* ---- looking at it ---- */

static bool may_take(const struct leader *l)
{
    bool nobodys = l->holder.n == 0 && !l->garbled;
    if (nobodys || str_eq(buf_str(&l->holder), l->identity))
        return true;
    world_time lease = l->record_lease > l->lease ? l->record_lease : l->lease;
    return world_now(l->world) >= l->record_seen_at + lease;
}

static void on_looked(void *owner, const struct kube_answer *answer)
{
    struct leader *l = owner;
    struct kube_object *map = NULL;
    l->call = NULL;
    bool absent = answer->err && answer->err->code == ERR_NOT_FOUND;
    if (!take_map(answer, &map) && !absent) {
        next_tick(l);
        return;
    }
    see(l, map);
    bool mine = str_eq(buf_str(&l->holder), l->identity);
    if (l->leading && !mine && l->holder.n)
        stop_leading(l); /* taken from us, e.g. by hand or by a restore */
    if (may_take(l))
        write_lease(l);
    else
        next_tick(l);
}

static void look(struct leader *l)
{
    l->call = kube_call_start(l->client, KUBE_GET, &l->lock->target, str_empty, l->renew / 3,
                              on_looked, l);
}

static void on_tick(void *owner)
{
    struct leader *l = owner;
    if (l->leading && l->map)
        write_lease(l); /* optimistic: the version we know; a conflict makes us look */
    else
        look(l);
}

/* ---- life ---- */

struct leader *leader_new(struct kube_client *c, struct str identity,
                          const struct leader_options *options,
                          const struct leader_handler *handler, void *owner)
{
    static const struct leader_options usual = {.lock = LEADER_ON_CONFIG_MAP};
    const struct leader_options *o = options ? options : &usual;
    BUG_ON(identity.n == 0, "a candidate has a name");
    BUG_ON(!handler->started || !handler->stopped, "leadership needs both ends");
    struct leader *l = MEM_NEW(struct leader);
    l->client = c;
    l->world = kube_client_world(c);
    l->lock = &locks[o->lock];
    l->lease = o->lease ? o->lease : LEADER_LEASE;
    if (l->lease < LEADER_LEASE_MIN)
        l->lease = LEADER_LEASE_MIN;
    if (l->lease > LEADER_LEASE_MAX)
        l->lease = LEADER_LEASE_MAX;
    l->renew = l->lease / 3 * 2;
    l->retry = l->lease / 8 < LEADER_RETRY ? l->lease / 8 : LEADER_RETRY;
    l->identity = str_dup(identity);
    l->handler = *handler;
    l->owner = owner;
    l->tick = world_timer_new(l->world, on_tick, l);
    l->deadline = world_timer_new(l->world, on_deadline, l);
    world_timer_start(l->tick, world_random_time(l->world, l->retry / 5));
    return l;
}

static void on_released(void *owner, const struct kube_answer *answer)
{
    (void)owner; /* best effort: the lease ends by itself otherwise */
    (void)answer;
}

/* An empty holder lets the next one in at once; client and call outlive us. */
static void release(struct leader *l)
{
    struct arena a = {0};
    struct buf body = {0}, record = {0};
    buf_addf(&record, "{\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,\"%s\":%lld}",
             l->lock->transitions, (long long)l->transitions);
    json_write(&body, make_object(l, &a, buf_str(&record)));
    kube_call_start(l->client, KUBE_UPDATE, &l->lock->target, buf_str(&body), LEADER_RETRY,
                    on_released, NULL);
    buf_free(&record);
    buf_free(&body);
    arena_free(&a);
}

void leader_free(struct leader *l)
{
    if (!l)
        return;
    bool held = leader_valid(l) && l->map;
    stop_leading(l);
    kube_call_cancel(l->call);
    if (held)
        release(l);
    world_timer_free(l->tick);
    world_timer_free(l->deadline);
    kube_object_unref(l->map);
    buf_free(&l->record);
    buf_free(&l->holder);
    str_free(&l->identity);
    mem_free(l);
}

bool leader_valid(const struct leader *l)
{
    return l->leading && world_now(l->world) < l->renewed_at + l->renew;
}

struct str leader_holder(const struct leader *l)
{
    return buf_str(&l->holder);
}
