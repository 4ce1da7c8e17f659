/* Caches, beside what they mirror. */
#include "sim/scenario/run/view_caches.h"

#include "sim/scenario/run/view_internal.h"

struct seen {        /* of one cache: its counters, as last looked at */
    struct str name; /* owned; empty: not asked for yet */
    uint64_t verifications, heals;
};

struct view_caches {
    const struct view *view;
    struct seen *seen;
    size_t seen_n;
    int64_t verifications, heals;
};

/* One of them, found. */
struct cache {
    const struct kube_informer *informer; /* NULL: its process does not run, or has not begun */
    struct str process;
    const struct kube_gvr *kind;
    struct apihost *mirrors;
    struct str cluster; /* empty: of a manager */
};

static struct expr_value known(enum expr_type type, int64_t i)
{
    return (struct expr_value){.type = type, .known = true, .i = i};
}

static struct expr_value words(struct str s)
{
    return (struct expr_value){.type = EXPR_STRING, .known = s.n > 0, .s = s};
}

uint32_t view_caches_count(const struct view_caches *c)
{
    return (uint32_t)(c->view->servers_n * SERVER_CACHES +
                      c->view->agents_n * agent_caches_kinds());
}

static struct cache of_server(const struct view_caches *c, uint32_t item)
{
    const struct view_server *s = &c->view->servers[item / SERVER_CACHES];
    struct server *in = replica_server(s->replica);
    return (struct cache){.informer = in ? server_cache(in, item % SERVER_CACHES) : NULL,
                          .process = s->replica->note_name,
                          .kind = server_cache_kind(item % SERVER_CACHES),
                          .mirrors = s->site->api};
}

static struct cache of_agent(const struct view_caches *c, uint32_t item)
{
    size_t kind = item % agent_caches_kinds();
    const struct view_agent *a = &c->view->agents[item / agent_caches_kinds()];
    struct sim_cluster *sim = c->view->estate->clusters[a->cluster].sim;
    struct cluster_agent *in = sim_cluster_agent(sim, a->slot);
    const struct agent_caches *caches = in ? cluster_agent_caches(in) : NULL;
    return (struct cache){.informer = caches ? agent_caches_at(caches, kind) : NULL,
                          .process = a->name,
                          .kind = agent_caches_kind(kind),
                          .mirrors = sim_cluster_api(sim),
                          .cluster = sim_cluster_name(sim)};
}

static struct cache find(const struct view_caches *c, uint32_t item)
{
    uint32_t of_servers = (uint32_t)(c->view->servers_n * SERVER_CACHES);
    return item < of_servers ? of_server(c, item) : of_agent(c, item - of_servers);
}

static struct seen *seen_at(struct view_caches *c, uint32_t item)
{
    size_t n = view_caches_count(c);
    if (n > c->seen_n) {
        c->seen = mem_resize(c->seen, n * sizeof *c->seen);
        for (; c->seen_n < n; c->seen_n++)
            c->seen[c->seen_n] = (struct seen){0};
    }
    return &c->seen[item];
}

static struct str name_of(struct view_caches *c, uint32_t item)
{
    struct seen *s = seen_at(c, item);
    if (s->name.n == 0) {
        struct cache it = find(c, item);
        struct buf name = {0};
        buf_add(&name, it.process);
        buf_add_char(&name, '/');
        buf_add(&name, it.kind->resource);
        s->name = str_dup(buf_str(&name));
        buf_free(&name);
    }
    return s->name;
}

/* ---- beside the store ---- */

struct difference {
    int64_t missing, surplus, stale;
};

static bool compare(const struct cache *it, struct difference *out)
{
    struct kubeapi *api = apihost_api(it->mirrors);
    struct str ns = kube_informer_ns(it->informer);
    struct buf table = {0};
    struct kube_object *o;
    int64_t found = 0;
    *out = (struct difference){0};
    if (!api)
        return false;
    kube_gvr_qualified(it->kind, &table);
    struct store_cursor at = store_seek(kubeapi_table(api, buf_str(&table)), ns, str_empty);
    while ((o = store_next(&at)) && (ns.n == 0 || str_eq(o->ns, ns))) {
        struct buf key = {0};
        kube_object_key(o, &key);
        const struct kube_object *mine = kube_informer_get(it->informer, buf_str(&key));
        out->missing += !mine;
        found += mine != NULL;
        out->stale += mine && mine->resource_version != o->resource_version;
        buf_free(&key);
    }
    out->surplus = (int64_t)kube_informer_count(it->informer) - found;
    buf_free(&table);
    return true;
}

static struct expr_value difference_field(const struct cache *it, uint32_t field)
{
    struct difference d;
    if (!compare(it, &d))
        return (struct expr_value){.type = EXPR_INT}; /* the API is down: nobody knows */
    return known(EXPR_INT, field == VOC_CACHE_MISSING   ? d.missing
                           : field == VOC_CACHE_SURPLUS ? d.surplus
                                                        : d.stale);
}

static enum expr_type type_of(uint32_t field)
{
    return scenario_vocabulary.collections[VOC_CACHE].fields[field].type;
}

static struct expr_value informer_field(const struct view_caches *c, const struct cache *it,
                                        uint32_t field)
{
    struct kube_informer_state s = kube_informer_state(it->informer);
    int64_t now = sim_now(c->view->estate->sim);
    switch (field) {
    case VOC_CACHE_COUNT:
        return known(EXPR_INT, (int64_t)kube_informer_count(it->informer));
    case VOC_CACHE_DATA_AGE: /* of what was listed or heard at all */
        if (s.heard_at == 0)
            break;
        return known(EXPR_DURATION, kube_informer_age(it->informer));
    case VOC_CACHE_LISTS:
        return known(EXPR_INT, (int64_t)s.lists);
    case VOC_CACHE_WATCHES:
        return known(EXPR_INT, (int64_t)s.watches);
    case VOC_CACHE_VERIFICATIONS:
        return known(EXPR_INT, (int64_t)s.verifications);
    case VOC_CACHE_HEALS:
        return known(EXPR_INT, (int64_t)s.heals);
    case VOC_CACHE_ADDED:
        return known(EXPR_INT, (int64_t)s.added);
    case VOC_CACHE_REMOVED:
        return known(EXPR_INT, (int64_t)s.removed);
    case VOC_CACHE_HEALED_AT:
        if (s.healed_at == 0)
            break;
        return known(EXPR_TIME, now - kube_informer_since(it->informer, s.healed_at));
    default:
        return difference_field(it, field);
    }
    return (struct expr_value){.type = type_of(field)};
}

struct expr_value view_caches_field(struct view_caches *c, uint32_t item, uint32_t field)
{
    struct cache it = find(c, item);
    switch (field) {
    case VOC_CACHE_NAME:
        return words(name_of(c, item));
    case VOC_CACHE_OF:
        return words(it.process);
    case VOC_CACHE_CLUSTER:
        return words(it.cluster);
    case VOC_CACHE_KIND:
        return words(it.kind->resource);
    case VOC_CACHE_SYNCED:
        return known(EXPR_BOOL, it.informer && kube_informer_synced(it.informer));
    default:
        return it.informer ? informer_field(c, &it, field)
                           : (struct expr_value){.type = type_of(field)};
    }
}

/* ---- totals ---- */

static uint64_t growth(uint64_t *last, uint64_t now)
{
    uint64_t by = now >= *last ? now - *last : now; /* less: another process */
    *last = now;
    return by;
}

int64_t view_caches_total(struct view_caches *c, enum vocabulary_global which)
{
    uint32_t n = view_caches_count(c);
    for (uint32_t i = 0; i < n; i++) {
        struct cache it = find(c, i);
        if (!it.informer)
            continue;
        struct kube_informer_state s = kube_informer_state(it.informer);
        struct seen *seen = seen_at(c, i);
        c->verifications += (int64_t)growth(&seen->verifications, s.verifications);
        c->heals += (int64_t)growth(&seen->heals, s.heals);
    }
    return which == VOC_GLOBAL_CACHE_HEALS ? c->heals : c->verifications;
}

/* ---- life ---- */

struct view_caches *view_caches_new(const struct view *v)
{
    struct view_caches *c = MEM_NEW(struct view_caches);
    c->view = v;
    return c;
}

void view_caches_free(struct view_caches *c)
{
    for (size_t i = 0; i < c->seen_n; i++)
        str_free(&c->seen[i].name);
    mem_free(c->seen);
    mem_free(c);
}
