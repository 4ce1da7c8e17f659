/* Caches beside what they mirror. */
#include "sim/real/world/look_caches.h"

#include "engine/agents/cluster/caches.h"
#include "engine/base/json.h"
#include "engine/base/map.h"
#include "engine/server/server.h"

/* One comparison under way, of one kind in one agent. */
struct pass {
    struct look_caches *of;
    size_t agent, kind;
    struct buf before, served;
    bool under_way;
    int64_t due;
};
/* Of one kind in a site's API: how many there are, and how new. */
struct count {
    struct look_caches *of;
    size_t site, kind;
    bool under_way, known;
    int64_t due;
    uint64_t *versions;
    size_t n, cap;
};

struct look_caches {
    struct rig *rig;
    struct ledger *ledger;
    struct pass *passes;
    size_t passes_n;
    struct count *counts;
    size_t counts_n;
};

bool look_caches_wanted(const struct plan *plan)
{
    for (size_t i = 0; i < plan->asserts_n; i++)
        for (uint32_t f = VOC_CACHE_COUNT; f <= VOC_CACHE_DATA_AGE; f++)
            if (expr_depends_on(plan->asserts[i].that,
                                (struct expr_dep){EXPR_DEP_FIELD, VOC_CACHE, f}))
                return true;
    return false;
}

/* ---- comparing ---- */

static void object_key(const cJSON *o, struct buf *out)
{
    buf_clear(out);
    buf_addf(out, STR_FMT "/" STR_FMT, STR_ARG(json_string_at(o, "metadata.namespace")),
             STR_ARG(json_string_at(o, "metadata.name")));
}

static uint64_t version_of(const cJSON *o)
{
    uint64_t v = 0;
    (void)str_to_u64(json_string_at(o, "metadata.resourceVersion"), &v);
    return v;
}

/* Key → version + 1. */
static void index_list(const cJSON *list, struct map *out)
{
    struct buf key = {0};
    for (const cJSON *o = list ? list->child : NULL; o; o = o->next) {
        object_key(o, &key);
        map_put(out, buf_str(&key), (void *)(uintptr_t)(version_of(o) + 1));
    }
    buf_free(&key);
}

static uint64_t version_in(const struct map *m, struct str key)
{
    return (uint64_t)(uintptr_t)map_get(m, key);
}

static void compare(const cJSON *before, const cJSON *served, const cJSON *after,
                    struct ledger_cache *out)
{
    struct map first = {0}, cached = {0}, second = {0};
    struct str key;
    index_list(before, &first);
    index_list(served, &cached);
    index_list(after, &second);
    out->count = out->missing = out->surplus = out->stale = 0;
    for (size_t i = 0; map_next(&first, &i, &key, NULL);) {
        uint64_t was = version_in(&first, key), is = version_in(&second, key);
        uint64_t mine = version_in(&cached, key);
        out->missing += is && !mine;
        out->stale += is && mine && mine < was;
    }
    for (size_t i = 0; map_next(&cached, &i, &key, NULL);) {
        out->count++;
        out->surplus += !version_in(&first, key) && !version_in(&second, key);
    }
    out->known = true;
    map_free(&first);
    map_free(&cached);
    map_free(&second);
}

bool look_caches_compare(struct str before, struct str served, struct str after,
                         struct ledger_cache *out)
{
    struct arena a = {0};
    cJSON *trees[3] = {NULL};
    struct str texts[3] = {before, served, after};
    static const char *const members[3] = {"items", "data", "items"};
    const cJSON *lists[3] = {NULL};
    bool ok = true;
    for (size_t i = 0; i < 3; i++) {
        err_ignore(json_parse(&a, texts[i], &trees[i]));
        lists[i] = json_get(trees[i], members[i]);
        ok = ok && lists[i];
    }
    if (ok)
        compare(lists[0], lists[1], lists[2], out);
    arena_free(&a);
    return ok;
}

/* ---- agents ---- */

static struct rig_api *api_of(const struct pass *p)
{
    return &p->of->rig->clusters[p->of->rig->agents[p->agent].cluster].api;
}

static void api_target(const struct pass *p, struct buf *out)
{
    kube_path(agent_caches_kind(p->kind), str_empty, str_empty, str_empty, out);
}

static void on_after(void *owner, int status, struct str body)
{
    struct pass *p = owner;
    struct ledger_cache *c = &p->of->ledger->agents[p->agent].caches[p->kind], now = *c;
    p->under_way = false;
    if (status != 200 || !look_caches_compare(buf_str(&p->before), buf_str(&p->served), body, &now))
        return;
    ledger_at(p->of->ledger, rig_now(p->of->rig));
    *c = now;
    ledger_cache_changed(p->of->ledger);
}

static void on_served(void *owner, int status, struct str body)
{
    struct pass *p = owner;
    struct buf target = {0};
    if (status != 200) {
        p->under_way = false;
        return;
    }
    buf_clear(&p->served);
    buf_add(&p->served, body);
    api_target(p, &target);
    asker_get(api_of(p)->asker, buf_str(&target), on_after, p);
    buf_free(&target);
}

static void on_before(void *owner, int status, struct str body)
{
    struct pass *p = owner;
    struct buf target = {0};
    if (status != 200) { /* the API is down: nobody knows */
        p->under_way = false;
        p->of->ledger->agents[p->agent].caches[p->kind].known = false;
        ledger_cache_changed(p->of->ledger);
        return;
    }
    buf_clear(&p->before);
    buf_add(&p->before, body);
    buf_addf(&target, "/v1/" STR_FMT, STR_ARG(agent_caches_kind(p->kind)->resource));
    asker_get(p->of->rig->agents[p->agent].caches, buf_str(&target), on_served, p);
    buf_free(&target);
}

static void begin_pass(struct pass *p, int64_t now)
{
    struct buf target = {0};
    if (p->under_way || now < p->due || !api_of(p)->asker ||
        !process_runs(&p->of->rig->agents[p->agent].process))
        return;
    p->under_way = true;
    p->due = now + LOOK_CACHES_EVERY;
    api_target(p, &target);
    asker_get(api_of(p)->asker, buf_str(&target), on_before, p);
    buf_free(&target);
}

/* ---- servers ---- */

static void on_counted(void *owner, int status, struct str body)
{
    struct count *c = owner;
    struct arena a = {0};
    cJSON *list = NULL;
    c->under_way = false;
    err_ignore(status == 200 ? json_parse(&a, body, &list) : NULL);
    const cJSON *items = json_get(list, "items");
    c->known = items != NULL;
    c->n = 0;
    for (const cJSON *o = items ? items->child : NULL; o; o = o->next) {
        if (c->n == c->cap) {
            c->cap = c->cap ? c->cap * 2 : 64;
            c->versions = mem_resize(c->versions, c->cap * sizeof *c->versions);
        }
        c->versions[c->n++] = version_of(o);
    }
    arena_free(&a);
}

static void begin_count(struct count *c, struct str ns, int64_t now)
{
    struct buf target = {0};
    struct asker *api = c->of->rig->sites[c->site].api.asker;
    if (c->under_way || now < c->due || !api)
        return;
    c->under_way = true;
    c->due = now + LOOK_CACHES_EVERY;
    kube_path(server_cache_kind(c->kind), ns, str_empty, str_empty, &target);
    asker_get(api, buf_str(&target), on_counted, c);
    buf_free(&target);
}

static void compare_counts(const struct count *at, const cJSON *dumped, struct ledger_cache *out)
{
    uint64_t version = (uint64_t)json_int_at(dumped, "resourceVersion", 0);
    out->count = json_int_at(dumped, "objects", 0);
    int64_t more = (int64_t)at->n - out->count;
    out->missing = more > 0 ? more : 0;
    out->surplus = more < 0 ? -more : 0;
    out->stale = 0;
    for (size_t i = 0; i < at->n; i++)
        out->stale += at->versions[i] > version;
    out->known = at->known;
}

/* Its namespace decides what is listed beside it; the dump comes every second and the list oftener, so what is compared
 * with was there before the dump was made. */
void look_caches_state(struct look_caches *c, size_t server, struct str body)
{
    struct arena a = {0};
    cJSON *o = NULL;
    size_t site = 0, replica = server;
    while (replica >= c->rig->sites[site].replicas_n)
        replica -= c->rig->sites[site++].replicas_n;
    err_ignore(json_parse(&a, body, &o));
    const cJSON *caches = json_get(o, "caches");
    const cJSON *dumped = caches ? caches->child : NULL;
    for (size_t kind = 0; dumped && kind < LEDGER_SERVER_CACHES; kind++, dumped = dumped->next) {
        struct count *at = &c->counts[site * LEDGER_SERVER_CACHES + kind];
        struct ledger_cache *to = &c->ledger->servers[server].caches[kind];
        int64_t age = json_int_at(dumped, "ageMs", -1);
        if (at->known)
            compare_counts(at, dumped, to);
        to->heard_at = age < 0 ? -1 : c->ledger->now - age * NS_PER_MS;
        begin_count(at, json_string_at(dumped, "namespace"), 0);
        at->due = 0;
    }
    ledger_cache_changed(c->ledger);
    arena_free(&a);
}

/* ---- life ---- */

void look_caches_round(struct look_caches *c, int64_t now)
{
    for (size_t i = 0; i < c->passes_n; i++)
        begin_pass(&c->passes[i], now);
}

struct look_caches *look_caches_new(struct rig *rig, struct ledger *l)
{
    struct look_caches *c = MEM_NEW(struct look_caches);
    c->rig = rig;
    c->ledger = l;
    c->passes_n = rig->agents_n * LEDGER_AGENT_CACHES;
    c->passes = MEM_NEW_ARRAY(struct pass, c->passes_n + 1);
    for (size_t i = 0; i < c->passes_n; i++)
        c->passes[i] = (struct pass){
            .of = c, .agent = i / LEDGER_AGENT_CACHES, .kind = i % LEDGER_AGENT_CACHES};
    c->counts_n = rig->sites_n * LEDGER_SERVER_CACHES;
    c->counts = MEM_NEW_ARRAY(struct count, c->counts_n + 1);
    for (size_t i = 0; i < c->counts_n; i++)
        c->counts[i] = (struct count){
            .of = c, .site = i / LEDGER_SERVER_CACHES, .kind = i % LEDGER_SERVER_CACHES};
    return c;
}

void look_caches_free(struct look_caches *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->passes_n; i++) {
        buf_free(&c->passes[i].before);
        buf_free(&c->passes[i].served);
    }
    for (size_t i = 0; i < c->counts_n; i++)
        mem_free(c->counts[i].versions);
    mem_free(c->passes);
    mem_free(c->counts);
    mem_free(c);
}
