/* Rounds of verification: see verify.h. */
#include "engine/kube/verify.h"

#define SHARE_OF_JITTER 4 /* a quarter, both ways */

enum state { CLOSED, WAITING, ASKING, SETTLING };

struct kube_verify {
    struct kube_verify_options o;
    struct world *world;
    struct world_timer *timer;
    world_time every;
    world_time doubt_until;
    enum state state;
    struct kube_call *call;
    /* ---- of the round under way, or the last one ---- */
    world_time asked_at;
    uint64_t known;       /* the cache's version when it began */
    uint64_t revision;    /* of what the server showed */
    size_t count;         /* of the cache when it began */
    struct map shown;     /* key → version */
    struct map gone;      /* key → version of its deletion: events since it began */
    struct buf continue_; /* the next page; empty: all were seen */
    bool whole;           /* every page is wanted */
    /* ---- over rounds ---- */
    uint32_t rounds; /* since one that saw every page */
    uint32_t behind; /* answers in a row that were older than the cache */
};

static void ask(struct kube_verify *v);
static void compare(struct kube_verify *v);

/* Versions are kept in place of pointers. */
static uint64_t version_at(const struct map *m, struct str key)
{
    return (uint64_t)(uintptr_t)map_get(m, key);
}

static void version_put(struct map *m, struct str key, uint64_t version)
{
    map_put(m, key, (void *)(uintptr_t)version);
}

/* ---- when ---- */

bool kube_verify_is_calm(const struct kube_verify *v)
{
    return world_now(v->world) >= v->doubt_until;
}

static void wait_for(struct kube_verify *v)
{
    world_time pace = kube_verify_is_calm(v) ? KUBE_VERIFY_CALM * v->every : v->every;
    world_time least = pace - pace / SHARE_OF_JITTER;
    world_time due =
        v->asked_at + least + world_random_time(v->world, 2 * (pace / SHARE_OF_JITTER));
    world_time now = world_now(v->world);
    v->state = WAITING;
    if (v->every > 0)
        world_timer_start(v->timer, due > now ? due - now : 0);
}

static void round_over(struct kube_verify *v)
{
    map_clear(&v->shown);
    map_clear(&v->gone);
    buf_clear(&v->continue_);
    wait_for(v);
}

static void begin(struct kube_verify *v)
{
    v->asked_at = world_now(v->world);
    v->known = v->o.state->resource_version;
    v->count = map_count(&v->o.cache->objects);
    v->whole = v->rounds * KUBE_INFORMER_PAGE >= v->count;
    ask(v);
}

static void on_timer(void *owner)
{
    struct kube_verify *v = owner;
    if (v->state == WAITING)
        begin(v);
    else if (v->state == SETTLING)
        compare(v);
}

void kube_verify_doubt(struct kube_verify *v)
{
    world_time now = world_now(v->world);
    /* Those that are alarmed together do not ask together. */
    if (kube_verify_is_calm(v) && v->asked_at < now - v->every / 2)
        v->asked_at = now - v->every + v->every / SHARE_OF_JITTER;
    v->doubt_until = now + KUBE_VERIFY_DOUBT;
    if (v->state == WAITING)
        wait_for(v);
}

/* ---- the verdict ---- */

static bool entry_differs(const struct kube_verify *v, struct str key, uint64_t mine)
{
    uint64_t theirs = version_at(&v->shown, key);
    if (mine > v->revision)
        return false; /* made or changed since */
    return theirs != mine;
}

/* All was shown: is it what the cache has, but for what happened since? */
static bool differs(const struct kube_verify *v)
{
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&v->o.cache->objects, &i, &key, &value);)
        if (entry_differs(v, key, ((struct kube_object *)value)->resource_version))
            return true;
    for (size_t i = 0; map_next(&v->shown, &i, &key, &value);)
        if (!map_has(&v->o.cache->objects, key) &&
            version_at(&v->gone, key) <= (uint64_t)(uintptr_t)value)
            return true;
    return false;
}

static void agree(struct kube_verify *v)
{
    v->rounds = v->continue_.n ? v->rounds + 1 : 1;
    v->o.agreed(v->o.owner, v->asked_at);
    round_over(v);
}

static void disagree(struct kube_verify *v)
{
    v->doubt_until = world_now(v->world) + KUBE_VERIFY_DOUBT;
    v->rounds = 1; /* the list that follows shows all */
    v->o.differs(v->o.owner);
}

static void compare(struct kube_verify *v)
{
    if (!differs(v)) {
        agree(v);
    } else if (v->state == SETTLING) {
        disagree(v);
    } else { /* events may be on their way */
        v->state = SETTLING;
        world_timer_start(v->timer, KUBE_VERIFY_SETTLE);
    }
}

/* A server that knows less than we do: a replica that lags, or one that was taken back in time. The second time in a row
 * it is believed. */
static void server_is_behind(struct kube_verify *v)
{
    if (v->behind++ > 0) {
        v->behind = 0;
        disagree(v);
        return;
    }
    v->doubt_until = world_now(v->world) + KUBE_VERIFY_DOUBT;
    round_over(v);
}

/* ---- asking ---- */

static struct err *take_page(struct kube_verify *v, const cJSON *list, int64_t *left)
{
    const cJSON *items = json_get(list, "items");
    if (!str_to_u64(json_string_at(list, "metadata.resourceVersion"), &v->revision))
        return err_new(ERR_PROTOCOL, "a list has no version");
    for (const cJSON *item = items ? items->child : NULL; item; item = item->next) {
        struct str ns = json_string_at(item, "metadata.namespace");
        struct buf key = {0};
        uint64_t version = 0;
        bool ok = str_to_u64(json_string_at(item, "metadata.resourceVersion"), &version);
        buf_add(&key, ns);
        buf_add_c(&key, ns.n ? "/" : "");
        buf_add(&key, json_string_at(item, "metadata.name"));
        version_put(&v->shown, buf_str(&key), version);
        buf_free(&key);
        if (!ok)
            return err_new(ERR_PROTOCOL, "an object of a list has no version");
    }
    buf_clear(&v->continue_);
    buf_add(&v->continue_, json_string_at(list, "metadata.continue"));
    *left = json_int_at(list, "metadata.remainingItemCount", -1);
    return NULL;
}

/* The first of several pages tells how many there are. Does that leave room for doubt? */
static bool number_differs(const struct kube_verify *v, int64_t left)
{
    size_t now = map_count(&v->o.cache->objects);
    size_t least = v->count < now ? v->count : now, most = v->count < now ? now : v->count;
    size_t theirs = map_count(&v->shown) + (size_t)left;
    return left < 0 || theirs < least || theirs > most;
}

static void on_page(void *owner, const struct kube_answer *answer)
{
    struct kube_verify *v = owner;
    struct arena a = {0};
    cJSON *list = NULL;
    int64_t left = -1;
    v->call = NULL;
    struct err *err = answer->err ? err_copy(answer->err) : json_parse(&a, answer->body, &list);
    if (!err)
        err = take_page(v, list, &left);
    arena_free(&a);
    bool failed = err != NULL;
    err_free(err);
    if (failed) {
        v->doubt_until = world_now(v->world) + KUBE_VERIFY_DOUBT;
        round_over(v);
    } else if (v->revision < v->known) {
        server_is_behind(v);
    } else if (v->continue_.n && (v->whole || number_differs(v, left))) {
        v->behind = 0;
        v->whole = true;
        ask(v);
    } else {
        v->behind = 0;
        if (v->continue_.n)
            agree(v); /* the number is right, and the versions are seen to when their round comes */
        else
            compare(v);
    }
}

static void ask(struct kube_verify *v)
{
    struct buf query = {0};
    struct kube_target target = v->o.target;
    buf_add(&query, target.query);
    buf_addf(&query, "%slimit=%u", query.n ? "&" : "", KUBE_INFORMER_PAGE);
    if (v->continue_.n) {
        buf_add_c(&query, "&continue=");
        buf_add(&query, buf_str(&v->continue_));
    }
    target.query = buf_str(&query);
    v->state = ASKING;
    v->o.state->verifications++;
    v->call = kube_call_start(v->o.client, KUBE_LIST_METADATA, &target, str_empty, 0, on_page, v);
    buf_free(&query);
}

void kube_verify_gone(struct kube_verify *v, struct str key, uint64_t version)
{
    if (v->state == ASKING || v->state == SETTLING)
        version_put(&v->gone, key, version);
}

/* ---- life ---- */

struct kube_verify *kube_verify_new(const struct kube_verify_options *options)
{
    struct kube_verify *v = MEM_NEW(struct kube_verify);
    v->o = *options;
    v->world = kube_client_world(options->client);
    v->rounds = 1;
    v->timer = world_timer_new(v->world, on_timer, v);
    return v;
}

void kube_verify_free(struct kube_verify *v)
{
    if (!v)
        return;
    kube_call_cancel(v->call);
    world_timer_free(v->timer);
    map_free(&v->shown);
    map_free(&v->gone);
    buf_free(&v->continue_);
    mem_free(v);
}

void kube_verify_set_pace(struct kube_verify *v, world_time every)
{
    BUG_ON(v->state != CLOSED, "the pace is set before the start");
    v->every = every;
}

void kube_verify_open(struct kube_verify *v)
{
    BUG_ON(v->state != CLOSED, "a list is complete once");
    v->asked_at = world_now(v->world); /* the list was as good as a round */
    round_over(v);
}

void kube_verify_close(struct kube_verify *v)
{
    kube_call_cancel(v->call);
    v->call = NULL;
    world_timer_stop(v->timer);
    v->state = CLOSED;
}
