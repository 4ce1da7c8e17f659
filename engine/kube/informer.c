/* List, watch, resume, relist: see the state machine in informer.h. */
#include "engine/kube/informer.h"

#include "engine/kube/backoff.h"
#include "engine/kube/verify.h"

#define CHANGES_MAX 16u
#define ENDS_EARLY  (5 * NS_PER_S) /* before its time: the server goes down, or something between */

struct kube_informer {
    struct kube_client *client;
    struct world *world;
    struct kube_gvr gvr; /* strs owned */
    struct str ns, query;
    struct kube_cache cache;
    struct {
        kube_change change; /* NULL: removed during a callback; the slot goes when it is over */
        void *owner;
    } changes[CHANGES_MAX];
    size_t changes_n;
    bool gaps; /* among changes */
    void (*on_synced)(void *owner);
    void *on_synced_owner;
    struct kube_call *list;
    struct kube_watch *watch;
    struct world_timer *retry;
    struct world_timer *silence;
    struct kube_verify *verify;
    world_time ends_at;     /* when the present watch is to end by itself */
    world_time silence_max; /* 0: a silent watch is trusted */
    world_time watched_at;  /* when the present watch was asked for */
    struct map fresh;       /* keys seen by the list under way */
    struct buf continue_;   /* its next page; empty: the first */
    uint32_t failures;
    uint32_t gones; /* in a row, without an event in between */
    bool relist;    /* what the retry timer starts */
    bool probing;   /* the call under way asks for the server's version only */
    bool healing;   /* the list under way is there to heal */
    bool news;      /* an event since the last bookmark */
    bool synced;
    uint32_t
        busy; /* callbacks of the owner under way: freed meanwhile, it dies when they are over */
    bool dead;
    struct kube_informer_state state;
};

static void list_page(struct kube_informer *inf);
static void probe(struct kube_informer *inf);
static void watch_from(struct kube_informer *inf);
static void on_silence(void *owner);
static void on_agreed(void *owner, world_time asked_at);
static void on_differs(void *owner);

static void on_retry(void *owner)
{
    struct kube_informer *inf = owner;
    if (inf->relist)
        list_page(inf);
    else
        probe(inf);
}

struct kube_informer *kube_informer_new(struct kube_client *c, const struct kube_target *target)
{
    struct kube_informer *inf = MEM_NEW(struct kube_informer);
    inf->client = c;
    inf->world = kube_client_world(c);
    inf->gvr = (struct kube_gvr){str_dup(target->gvr.group), str_dup(target->gvr.version),
                                 str_dup(target->gvr.resource)};
    inf->ns = str_dup(target->ns);
    inf->query = str_dup(target->query);
    inf->retry = world_timer_new(inf->world, on_retry, inf);
    inf->silence = world_timer_new(inf->world, on_silence, inf);
    struct kube_verify_options v = {.client = c,
                                    .target = {.gvr = inf->gvr, .ns = inf->ns, .query = inf->query},
                                    .cache = &inf->cache,
                                    .state = &inf->state,
                                    .agreed = on_agreed,
                                    .differs = on_differs,
                                    .owner = inf};
    inf->verify = kube_verify_new(&v);
    return inf;
}

void kube_informer_set_policies(struct kube_informer *inf, const struct policies *p)
{
    bool verifies = policy_get(p, POLICY_CACHE_VERIFY) == POLICY_VERIFY_PERIODIC;
    bool expects = policy_get(p, POLICY_CACHE_PROGRESS) == POLICY_PROGRESS_DEADLINE;
    kube_verify_set_pace(inf->verify, verifies ? policy_get(p, POLICY_CACHE_VERIFY_EVERY) : 0);
    inf->silence_max = expects ? policy_get(p, POLICY_CACHE_PROGRESS_AFTER) : 0;
}

static void destroy(struct kube_informer *inf)
{
    kube_cache_free(&inf->cache);
    map_free(&inf->fresh);
    buf_free(&inf->continue_);
    str_free(&inf->gvr.group);
    str_free(&inf->gvr.version);
    str_free(&inf->gvr.resource);
    str_free(&inf->ns);
    str_free(&inf->query);
    mem_free(inf);
}

void kube_informer_free(struct kube_informer *inf)
{
    if (!inf)
        return;
    BUG_ON(inf->dead, "an informer is freed once");
    kube_call_cancel(inf->list);
    kube_watch_cancel(inf->watch);
    world_timer_free(inf->retry);
    world_timer_free(inf->silence);
    kube_verify_free(inf->verify);
    inf->verify = NULL;
    inf->dead = true;
    if (inf->busy == 0)
        destroy(inf);
}

/* Closes the gaps that removed handlers left: not while a loop walks over them. */
static void compact(struct kube_informer *inf)
{
    size_t n = 0;
    for (size_t i = 0; i < inf->changes_n; i++)
        if (inf->changes[i].change)
            inf->changes[n++] = inf->changes[i];
    inf->changes_n = n;
    inf->gaps = false;
}

/* False: the owner freed the informer during the callback that ends here. */
static bool alive_after(struct kube_informer *inf)
{
    bool dead = inf->dead;
    if (--inf->busy > 0)
        return !dead;
    if (dead)
        destroy(inf);
    else if (inf->gaps)
        compact(inf);
    return !dead;
}

size_t kube_informer_index(struct kube_informer *inf, kube_index_of of)
{
    BUG_ON(inf->cache.indexes_n == KUBE_INFORMER_INDEXES, "raise KUBE_INFORMER_INDEXES");
    inf->cache.indexes[inf->cache.indexes_n].of = of;
    return inf->cache.indexes_n++;
}

void kube_informer_on_change(struct kube_informer *inf, kube_change change, void *owner)
{
    BUG_ON(inf->changes_n == CHANGES_MAX, "raise CHANGES_MAX");
    inf->changes[inf->changes_n].change = change;
    inf->changes[inf->changes_n++].owner = owner;
}

void kube_informer_off_change(struct kube_informer *inf, const void *owner)
{
    for (size_t i = 0; i < inf->changes_n; i++)
        if (inf->changes[i].owner == owner)
            inf->changes[i].change = NULL;
    inf->gaps = true;
    if (inf->busy == 0)
        compact(inf);
}

void kube_informer_on_synced(struct kube_informer *inf, void (*synced)(void *owner), void *owner)
{
    inf->on_synced = synced;
    inf->on_synced_owner = owner;
}

void kube_informer_start(struct kube_informer *inf)
{
    list_page(inf);
}

/* False: the informer was freed by a handler. */
static bool tell(struct kube_informer *inf, struct kube_object *before, struct kube_object *after)
{
    inf->state.added += !before;
    inf->state.removed += !after;
    inf->busy++;
    for (size_t i = 0; i < inf->changes_n && !inf->dead; i++)
        if (inf->changes[i].change)
            inf->changes[i].change(inf->changes[i].owner, before, after);
    return alive_after(inf);
}

static bool put(struct kube_informer *inf, struct str key, struct kube_object *o)
{
    struct kube_object *old = map_get(&inf->cache.objects, key);
    /* After a restore a version may be given out a second time: equal versions alone prove nothing. */
    if (old && old->resource_version == o->resource_version && str_eq(old->json, o->json))
        return true;
    kube_object_ref(o);
    old = kube_cache_put(&inf->cache, key, o);
    bool alive = tell(inf, old, o);
    kube_object_unref(old);
    kube_object_unref(o);
    return alive;
}

static bool drop(struct kube_informer *inf, struct str key)
{
    struct kube_object *old = kube_cache_remove(&inf->cache, key);
    bool alive = old ? tell(inf, old, NULL) : true;
    kube_object_unref(old);
    return alive;
}

static void pause_for(struct kube_informer *inf, bool relist, uint32_t failures)
{
    inf->relist = relist;
    inf->state.errors++;
    world_timer_start(inf->retry, kube_backoff(inf->world, failures, KUBE_INFORMER_RETRY,
                                               KUBE_INFORMER_RETRY_MAX));
}

static void pause_then(struct kube_informer *inf, bool relist)
{
    pause_for(inf, relist, inf->failures++);
}

/* ---- list ---- */

/* Items of typed lists carry neither kind nor apiVersion: they follow from the list's own. */
static struct err *item_object(struct arena *a, cJSON *item, struct str list_kind,
                               struct str api_version, struct kube_object **out)
{
    if (!json_get(item, "kind") && str_ends(list_kind, STR("List")))
        json_set_str(a, item, "kind", str_sub(list_kind, 0, list_kind.n - 4));
    if (!json_get(item, "apiVersion"))
        json_set_str(a, item, "apiVersion", api_version);
    return kube_object_from_tree(item, out);
}

/* What the list did not show is gone. False: freed meanwhile. */
static bool sweep(struct kube_informer *inf)
{
    struct map doomed = {0};
    struct str key;
    for (size_t i = 0; map_next(&inf->cache.objects, &i, &key, NULL);)
        if (!map_has(&inf->fresh, key))
            map_put(&doomed, key, inf);
    inf->busy++;
    for (size_t i = 0; !inf->dead && map_next(&doomed, &i, &key, NULL);)
        (void)drop(inf, key);
    map_free(&doomed);
    map_clear(&inf->fresh);
    return alive_after(inf);
}

static void list_complete(struct kube_informer *inf)
{
    if (!sweep(inf))
        return;
    bool first = !inf->synced;
    inf->synced = true;
    inf->failures = 0;
    if (inf->healing)
        inf->state.healed_at = world_now(inf->world);
    inf->healing = false;
    kube_verify_open(inf->verify);
    inf->busy++;
    if (first && inf->on_synced)
        inf->on_synced(inf->on_synced_owner);
    if (alive_after(inf))
        watch_from(inf);
}

/* Takes one page in, until the informer is freed by a handler. */
static void take_items(struct kube_informer *inf, struct arena *a, const cJSON *list,
                       struct err **err)
{
    struct str kind = json_string_at(list, "kind"), version = json_string_at(list, "apiVersion");
    const cJSON *items = json_get(list, "items");
    for (cJSON *item = items ? items->child : NULL; item && !inf->dead; item = item->next) {
        struct kube_object *o = NULL;
        *err = item_object(a, item, kind, version, &o);
        if (*err)
            break;
        struct buf key = {0};
        kube_object_key(o, &key);
        map_put(&inf->fresh, buf_str(&key), inf);
        (void)put(inf, buf_str(&key), o);
        buf_free(&key);
        kube_object_unref(o);
    }
}

static void list_restart(struct kube_informer *inf)
{
    map_clear(&inf->fresh);
    buf_clear(&inf->continue_);
    pause_then(inf, true);
}

static void on_list(void *owner, const struct kube_answer *answer)
{
    struct kube_informer *inf = owner;
    inf->list = NULL;
    inf->state.lists++;
    struct arena a = {0};
    cJSON *list = NULL;
    struct err *err = answer->err ? err_copy(answer->err) : json_parse(&a, answer->body, &list);
    inf->busy++; /* handlers run while the page is taken in */
    if (!err) {
        inf->state.heard_at = world_now(inf->world);
        take_items(inf, &a, list, &err);
    }
    bool alive = alive_after(inf);
    if (alive && !err) {
        uint64_t version = 0;
        if (str_to_u64(json_string_at(list, "metadata.resourceVersion"), &version))
            inf->state.resource_version = version;
        buf_clear(&inf->continue_);
        buf_add(&inf->continue_, json_string_at(list, "metadata.continue"));
    }
    arena_free(&a);
    bool failed = err != NULL;
    err_free(err);
    if (!alive)
        return;
    if (failed)
        list_restart(inf); /* also an expired page: 410 */
    else if (inf->continue_.n)
        list_page(inf);
    else
        list_complete(inf);
}

static void list_page(struct kube_informer *inf)
{
    struct buf query = {0};
    kube_verify_close(inf->verify);
    inf->probing = false;
    buf_add(&query, inf->query);
    buf_addf(&query, "%slimit=%u", inf->query.n ? "&" : "", KUBE_INFORMER_PAGE);
    if (inf->continue_.n) {
        buf_add_c(&query, "&continue=");
        buf_add(&query, buf_str(&inf->continue_));
    }
    struct kube_target target = {.gvr = inf->gvr, .ns = inf->ns, .query = buf_str(&query)};
    inf->list = kube_call_start(inf->client, KUBE_LIST, &target, str_empty, 0, on_list, inf);
    buf_free(&query);
}

/* ---- watch ---- */

/* What the history up to our version led to is known no more: everything is compared. */
static void history_lost(struct kube_informer *inf)
{
    inf->state.gone++;
    kube_verify_close(inf->verify);
    if (inf->gones++ == 0)
        list_page(inf);
    else /* a server that forgets faster than we can list is not helped by our haste */
        pause_for(inf, true, inf->gones - 2);
}

/* A restored server takes a watch from a version that it has not reached yet without complaint, and stays silent. So after
 * every end of a watch, in order or not, its version is asked for first: it may have been restored in our pause. One that
 * is behind ours has been taken back in time. */
static void on_probed(void *owner, const struct kube_answer *answer)
{
    struct kube_informer *inf = owner;
    struct arena a = {0};
    cJSON *list = NULL;
    uint64_t version = 0;
    inf->list = NULL;
    inf->probing = false;
    struct err *err = answer->err ? NULL : json_parse(&a, answer->body, &list);
    bool ok = list && str_to_u64(json_string_at(list, "metadata.resourceVersion"), &version);
    err_ignore(err); /* nonsense is a failure like others */
    arena_free(&a);
    if (!ok) {
        pause_then(inf, false);
        return;
    }
    inf->state.heard_at = world_now(inf->world);
    if (version < inf->state.resource_version)
        history_lost(inf);
    else
        watch_from(inf);
}

static void probe(struct kube_informer *inf)
{
    struct kube_target target = {.gvr = inf->gvr, .ns = inf->ns, .query = STR("limit=1")};
    inf->probing = true;
    inf->list = kube_call_start(inf->client, KUBE_LIST, &target, str_empty, 0, on_probed, inf);
}

/* A server sends one when something of the resource has happened. If all of it is to be seen here and nothing was, some
 * of it was lost. */
static void take_bookmark(struct kube_informer *inf)
{
    if (!inf->news && inf->ns.n == 0 && inf->query.n == 0)
        kube_verify_doubt(inf->verify);
    inf->news = false;
}

static void on_event(void *owner, enum kube_event type, struct kube_object *object)
{
    struct kube_informer *inf = owner;
    inf->state.events++;
    inf->state.heard_at = world_now(inf->world);
    if (object->resource_version < inf->state.resource_version) {
        kube_watch_cancel(inf->watch); /* the server was taken back in time meanwhile */
        inf->watch = NULL;
        history_lost(inf);
        return;
    }
    inf->gones = 0;
    inf->state.resource_version = object->resource_version;
    if (type == KUBE_BOOKMARK) {
        take_bookmark(inf);
        return;
    }
    inf->news = true;
    struct buf key = {0};
    kube_object_key(object, &key);
    if (type == KUBE_DELETED) {
        kube_verify_gone(inf->verify, buf_str(&key), object->resource_version);
        (void)drop(inf, buf_str(&key)); /* freed meanwhile: the watch is cancelled with it */
    } else {
        (void)put(inf, buf_str(&key), object);
    }
    buf_free(&key);
}

static void on_watch_open(void *owner)
{
    struct kube_informer *inf = owner;
    inf->failures = 0;
    inf->state.heard_at = world_now(inf->world);
}

static void on_watch_done(void *owner, const struct err *err)
{
    struct kube_informer *inf = owner;
    inf->watch = NULL;
    if (err && err->code == ERR_GONE) {
        history_lost(inf); /* the list leaves no doubt */
    } else {
        if (err || world_now(inf->world) < inf->ends_at - ENDS_EARLY)
            kube_verify_doubt(inf->verify);
        pause_then(inf,
                   false); /* an orderly end as well: equal clients must not come back together */
    }
}

static const struct kube_watch_handler watch_handler = {
    .open = on_watch_open, .event = on_event, .done = on_watch_done};

static world_time silence_allowed(const struct kube_informer *inf)
{
    return kube_verify_is_calm(inf->verify) ? KUBE_INFORMER_SILENCE_CALM * inf->silence_max
                                            : inf->silence_max;
}

/* Nothing is done per event: the timer looks how long ago the last was. */
static void on_silence(void *owner)
{
    struct kube_informer *inf = owner;
    world_time since =
        inf->state.heard_at > inf->watched_at ? inf->state.heard_at : inf->watched_at;
    world_time left = since + silence_allowed(inf) - world_now(inf->world);
    if (!inf->watch)
        return; /* the next one starts the timer */
    if (left > 0) {
        world_timer_start(inf->silence, left);
        return;
    }
    inf->state.stalls++;
    kube_watch_cancel(inf->watch);
    watch_from(inf);
}

static void on_agreed(void *owner, world_time asked_at)
{
    struct kube_informer *inf = owner;
    if (inf->state.heard_at < asked_at)
        inf->state.heard_at = asked_at;
}

static void on_differs(void *owner)
{
    struct kube_informer *inf = owner;
    inf->state.heals++;
    inf->healing = true;
    world_timer_stop(inf->retry);
    kube_call_cancel(inf->list); /* a probe */
    inf->list = NULL;
    kube_watch_cancel(inf->watch);
    inf->watch = NULL;
    list_page(inf);
}

static void watch_from(struct kube_informer *inf)
{
    struct kube_target target = {.gvr = inf->gvr, .ns = inf->ns, .query = inf->query};
    uint32_t timeout_s = 300 + (uint32_t)world_random_below(inf->world, 301);
    inf->state.watches++;
    inf->news = false;
    inf->watched_at = world_now(inf->world);
    inf->ends_at = inf->watched_at + timeout_s * NS_PER_S;
    if (inf->silence_max > 0)
        world_timer_start(inf->silence, silence_allowed(inf));
    inf->watch = kube_watch_start(inf->client, &target, inf->state.resource_version, timeout_s,
                                  &watch_handler, inf);
}

void kube_informer_hurry(struct kube_informer *inf)
{
    if (inf->silence_max == 0 || !inf->synced || (inf->list && !inf->probing))
        return; /* a list under way has its own time */
    world_timer_stop(inf->retry);
    kube_call_cancel(inf->list);
    kube_watch_cancel(inf->watch);
    inf->list = NULL;
    inf->watch = NULL;
    inf->failures = 0;
    kube_verify_doubt(inf->verify);
    if (inf->relist)
        list_page(inf);
    else
        probe(inf);
}

/* ---- reading ---- */

const struct kube_gvr *kube_informer_gvr(const struct kube_informer *inf)
{
    return &inf->gvr;
}

struct str kube_informer_ns(const struct kube_informer *inf)
{
    return inf->ns;
}

bool kube_informer_synced(const struct kube_informer *inf)
{
    return inf->synced;
}

struct kube_object *kube_informer_get(const struct kube_informer *inf, struct str key)
{
    return map_get(&inf->cache.objects, key);
}

struct kube_object *kube_informer_next(const struct kube_informer *inf, size_t *i, struct str *key)
{
    void *value = NULL;
    return map_next(&inf->cache.objects, i, key, &value) ? value : NULL;
}

size_t kube_informer_count(const struct kube_informer *inf)
{
    return map_count(&inf->cache.objects);
}

const struct map *kube_informer_by(const struct kube_informer *inf, size_t index, struct str value)
{
    BUG_ON(index >= inf->cache.indexes_n, "no such index");
    return map_get(&inf->cache.indexes[index].values, value);
}

struct kube_informer_state kube_informer_state(const struct kube_informer *inf)
{
    return inf->state;
}

world_time kube_informer_since(const struct kube_informer *inf, world_time moment)
{
    return world_now(inf->world) - moment;
}

world_time kube_informer_age(const struct kube_informer *inf)
{
    return inf->state.heard_at ? kube_informer_since(inf, inf->state.heard_at) : -1;
}
