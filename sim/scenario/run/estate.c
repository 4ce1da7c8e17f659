/* The world of a plan. */
#include "sim/scenario/run/estate.h"

#include "engine/kube/management.h"

#define REGISTER_EVERY NS_PER_S
#define CLUSTERS_TABLE STR("clusters.management.cattle.io")
#define TOKENS_TABLE   STR("clusterregistrationtokens.management.cattle.io")

/* ---- registering ---- */

struct kubeapi *estate_active_api(const struct estate *e)
{
    return apihost_api(e->sites[e->active]->api);
}

static bool is_serving(const struct site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++) {
        struct server *server = replica_server(&s->replicas[i]);
        if (server && server_state(server).serving)
            return true;
    }
    return false;
}

static bool register_cluster(struct kubeapi *api, struct estate_cluster *c)
{
    struct buf json = {0};
    buf_addf(&json,
             "{\"apiVersion\":\"management.cattle.io/v3\",\"kind\":\"Cluster\",\"metadata\":{"
             "\"name\":\"" STR_FMT "\"},\"spec\":{\"displayName\":\"" STR_FMT
             "\",\"importedConfig\":{}}}",
             STR_ARG(c->id), STR_ARG(sim_cluster_name(c->sim)));
    struct err *err = kubeapi_apply(api, buf_str(&json), NULL);
    buf_free(&json);
    bool ok = err == NULL;
    err_ignore(err); /* its kind is not defined yet: tried again */
    return ok;
}

static bool import_cluster(struct kubeapi *api, struct estate_cluster *c)
{
    struct kube_object *token = kubeapi_get(api, TOKENS_TABLE, c->id, STR("default-token"));
    struct str url = token ? kube_object_string(token, "status.manifestUrl") : str_empty;
    if (url.n)
        sim_cluster_import(c->sim, url);
    return url.n > 0;
}

static void register_some(void *owner)
{
    struct estate *e = owner;
    struct kubeapi *api = estate_active_api(e);
    bool open = false, serving = api && is_serving(e->sites[e->active]);
    e->register_task = NULL;
    for (size_t i = 0; i < e->clusters_n; i++) {
        struct estate_cluster *c = &e->clusters[i];
        if (serving && !c->registered && !c->removed)
            c->registered = register_cluster(api, c);
        if (serving && c->registered && !c->imported)
            c->imported = import_cluster(api, c);
        open = open || (!c->imported && !c->removed);
    }
    if (open)
        e->register_task = sim_after(e->sim, REGISTER_EVERY, register_some, e);
}

/* ---- DNS ---- */

void estate_dns_set(struct estate *e, const struct plan_record *record, const int32_t *sites,
                    size_t n, int64_t ttl_ns)
{
    struct str addresses[WORLD_DNS_ADDRESSES_MAX];
    struct buf name = {0};
    size_t used = n < ARRAY_LEN(addresses) ? n : ARRAY_LEN(addresses);
    for (size_t i = 0; i < used; i++)
        addresses[i] = e->sites[sites[i]]->address;
    int64_t ttl = (ttl_ns < 0 ? record->ttl_ns : ttl_ns) / NS_PER_S;
    buf_addf(&name, STR_FMT "." STR_FMT, STR_ARG(record->origin.name),
             STR_ARG(e->plan->topology.dns.zone));
    sim_dns_set(e->sim, buf_str(&name), (uint32_t)ttl, addresses, used);
    sim_note(e->sim, "dns.set", buf_str(&name), used ? addresses[0] : str_empty);
    buf_free(&name);
}

static void make_records(struct estate *e)
{
    const struct plan_dns *dns = &e->plan->topology.dns;
    for (size_t i = 0; i < dns->records.n; i++) {
        const struct plan_record *r = PLAN_RECORD(e->plan, i);
        estate_dns_set(e, r, r->sites, r->value.n, -1);
    }
}

/* The kind of resolver of a cluster: each takes its share by the hash of the cluster's name. */
static int32_t resolver_kind(const struct plan *plan, struct str cluster)
{
    size_t i = 0;
    int64_t point = (int64_t)(str_hash(cluster) % 1000000u);
    int64_t taken = PLAN_RESOLVER(plan, i)->share_ppm;
    while (point >= taken) {
        BUG_ON(i + 1 == plan->topology.dns.resolvers.n, "the resolvers' shares add up to all");
        taken += PLAN_RESOLVER(plan, ++i)->share_ppm;
    }
    return (int32_t)i;
}

static struct sim_resolver_options resolver_options(const struct plan *plan, int32_t kind)
{
    const struct plan_resolver *r = PLAN_RESOLVER(plan, kind);
    return (struct sim_resolver_options){.cache_off = !r->cache,
                                         .negative_ttl_s =
                                             (uint32_t)(r->negative_ttl_ns / NS_PER_S),
                                         .lies_about_ttl = !r->obey_ttl,
                                         .hold = r->hold_ns};
}

/* ---- clusters ---- */

static struct str zone_of(struct estate *e, uint32_t group, struct buf *out)
{
    buf_addf(out, "cluster/" STR_FMT, STR_ARG(PLAN_GROUP(e->plan, group)->origin.name));
    return buf_str(out);
}

void estate_add_clusters(struct estate *e, uint32_t group, uint32_t count)
{
    const struct plan_group *g = PLAN_GROUP(e->plan, group);
    struct buf zone = {0};
    struct store_snapshot *shared = NULL;
    uint32_t in_group = 0;
    for (size_t i = 0; i < e->clusters_n; i++)
        in_group += e->clusters[i].group == group;
    for (uint32_t i = 0; i < count; i++) {
        struct buf name = {0}, id = {0};
        buf_addf(&name, STR_FMT "-%u", STR_ARG(g->origin.name), in_group + i);
        buf_addf(&id, "c-%s", buf_c(&name));
        BUG_ON(e->clusters_n == e->clusters_cap, "room was made for all clusters of the plan");
        struct estate_cluster *c = &e->clusters[e->clusters_n];
        const struct estate_cluster *last = e->clusters_n ? c - 1 : NULL;
        *c = (struct estate_cluster){
            .id = buf_take(&id),
            .group = group,
            .resolver = resolver_kind(e->plan, buf_str(&name)),
            .first_agent = last ? last->first_agent +
                                      (uint32_t)PLAN_GROUP(e->plan, last->group)->agent.replicas
                                : 0};
        buf_clear(&zone);
        struct sim_cluster_options o = {.sim = e->sim,
                                        .name = buf_str(&name),
                                        .zone = zone_of(e, group, &zone),
                                        .index = (uint32_t)e->clusters_n,
                                        .nodes = (uint32_t)g->nodes,
                                        .stages = g->stages,
                                        .node_stages = g->node_stages,
                                        .agent_replicas = (uint32_t)g->agent.replicas,
                                        .policies = &e->plan->policies,
                                        .resolver = resolver_options(e->plan, c->resolver),
                                        .shared = &shared};
        c->sim = sim_cluster_new(&o);
        e->clusters_n++;
        buf_free(&name);
    }
    buf_free(&zone);
    store_snapshot_free(shared);
    if (!e->register_task && count)
        e->register_task = sim_after(e->sim, REGISTER_EVERY, register_some, e);
}

void estate_remove_cluster(struct estate *e, size_t cluster)
{
    struct estate_cluster *c = &e->clusters[cluster];
    struct kubeapi *api = estate_active_api(e);
    c->removed = true;
    if (api && c->registered)
        err_ignore(
            kubeapi_delete(api, CLUSTERS_TABLE, str_empty, c->id)); /* gone already is fine */
}

/* How many clusters the plan can ever have: those of the topology and of its steps. */
static size_t clusters_most(const struct plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->topology.groups.n; i++)
        n += (size_t)PLAN_GROUP(plan, i)->count;
    for (size_t s = 0; s < plan->steps_n; s++)
        for (size_t r = 0; r < plan->steps[s].rounds; r++)
            for (size_t a = 0; a < plan_actions_n(&plan->steps[s], r); a++)
                if (plan->steps[s].actions[r][a].kind == ACTION_CLUSTER_CREATE)
                    n += (size_t)plan->steps[s].actions[r][a].count;
    return n;
}

/* ---- sites ---- */

static void on_api_started(void *owner, struct site *s, struct kubeapi *api, bool restored)
{
    struct estate *e = owner;
    e->api_started(e->owner, s, api, restored);
}

static void copy_active(struct estate *e, size_t to)
{
    if (e->active != (int32_t)to)
        site_take_copy(e->sites[to], e->sites[e->active]);
}

struct copier {
    struct estate *estate;
    size_t site;
    int64_t every_ns;
};

static void on_copy(void *owner)
{
    struct copier *c = owner;
    copy_active(c->estate, c->site);
    sim_after(c->estate->sim, c->every_ns, on_copy, c);
}

void estate_promote(struct estate *e, int32_t site)
{
    site_promote(e->sites[site]);
    e->active = site;
}

void estate_demote(struct estate *e, int32_t site)
{
    /* The last thing that an orderly demotion does is to hand over what it has. */
    for (size_t i = 0; i < e->sites_n; i++)
        if ((int32_t)i != site && e->active == site)
            site_take_copy(e->sites[i], e->sites[site]);
    site_demote(e->sites[site]);
}

/* Every record is a name of the manager; the first is the one of its URL. Free texts and list. */
static struct str *manager_names(const struct plan *plan)
{
    const struct plan_dns *dns = &plan->topology.dns;
    struct str *names = MEM_NEW_ARRAY(struct str, dns->records.n);
    for (size_t i = 0; i < dns->records.n; i++) {
        struct buf name = {0};
        buf_addf(&name, STR_FMT "." STR_FMT, STR_ARG(PLAN_RECORD(plan, i)->origin.name),
                 STR_ARG(dns->zone));
        names[i] = buf_take(&name);
    }
    return names;
}

static void make_sites(struct estate *e)
{
    struct str *names = manager_names(e->plan);
    size_t names_n = e->plan->topology.dns.records.n;
    e->sites_n = e->plan->topology.sites.n;
    e->sites = MEM_NEW_ARRAY(struct site *, e->sites_n);
    for (size_t i = 0; i < e->sites_n; i++) {
        const struct plan_site *p = PLAN_SITE(e->plan, i);
        struct site_options o = {.sim = e->sim,
                                 .index = (uint32_t)i,
                                 .name = p->origin.name,
                                 .replicas = (size_t)p->manager.replicas,
                                 .standby = p->manager.standby,
                                 .host_names = names,
                                 .host_names_n = names_n,
                                 .authority = e->authority,
                                 .policies = &e->plan->policies,
                                 .api_started = on_api_started,
                                 .owner = e};
        e->sites[i] = site_new(&o);
        if (!p->manager.standby && e->active < 0)
            e->active = (int32_t)i;
    }
    for (size_t i = 0; i < names_n; i++)
        str_free(&names[i]);
    mem_free(names);
}

static void start_copies(struct estate *e, struct copier *copiers)
{
    for (size_t i = 0; i < e->sites_n; i++) {
        int64_t every = PLAN_SITE(e->plan, i)->manager.copy_every_ns;
        copiers[i] = (struct copier){e, i, every};
        if (every > 0 && e->sites_n > 1)
            sim_after(e->sim, every, on_copy, &copiers[i]);
    }
}

/* ---- links ---- */

static struct str end_zone(const struct plan *plan, const struct target_end *end, size_t i,
                           struct buf *out)
{
    buf_clear(out);
    if (end->kind == TARGET_SITE)
        buf_addf(out, "site/" STR_FMT, STR_ARG(PLAN_SITE(plan, i)->origin.name));
    else
        buf_addf(out, "cluster/" STR_FMT, STR_ARG(PLAN_GROUP(plan, i)->origin.name));
    return buf_str(out);
}

static size_t end_count(const struct plan *plan, const struct target_end *end)
{
    return end->kind == TARGET_SITE ? plan->topology.sites.n : plan->topology.groups.n;
}

static void make_links(struct estate *e)
{
    struct buf a = {0}, b = {0};
    for (size_t l = 0; l < e->plan->topology.links.n; l++) {
        const struct plan_link *p = PLAN_LINK(e->plan, l);
        struct sim_link link = {.latency = {p->latency.p50_ns, p->latency.p99_ns},
                                .loss = (uint32_t)p->loss_ppm,
                                .bytes_per_second = p->bytes_per_s};
        for (size_t i = 0; i < end_count(e->plan, &p->ends[0]); i++)
            for (size_t j = 0; j < end_count(e->plan, &p->ends[1]); j++) {
                bool first = p->ends[0].any || p->ends[0].index == (int32_t)i;
                bool second = p->ends[1].any || p->ends[1].index == (int32_t)j;
                if (first && second)
                    sim_link_set(e->sim, end_zone(e->plan, &p->ends[0], i, &a),
                                 end_zone(e->plan, &p->ends[1], j, &b), &link);
            }
    }
    buf_free(&a);
    buf_free(&b);
}

/* ---- life ---- */

struct estate *estate_new(const struct plan *plan, enum log_level log_level,
                          void (*api_started)(void *owner, struct site *s, struct kubeapi *api,
                                              bool restored),
                          void *owner)
{
    struct estate *e = MEM_NEW(struct estate);
    struct sim_options so = {
        .seed = plan->seed, .wall_start = plan->clock.start_unix_ns, .log_level = log_level};
    e->plan = plan;
    e->api_started = api_started;
    e->owner = owner;
    e->active = -1;
    e->sim = sim_new(&so);
    struct sim_resolver_options sites_resolver = {.name = STR("default")};
    sim_resolver_new(e->sim, &sites_resolver);
    e->authority = authority_new(e->sim, STR("manager"));
    make_links(e);
    make_sites(e);
    e->copiers = MEM_NEW_ARRAY(struct copier, e->sites_n);
    start_copies(e, e->copiers);
    make_records(e);
    e->clusters_cap = clusters_most(plan);
    e->clusters = MEM_NEW_ARRAY(struct estate_cluster, e->clusters_cap);
    for (size_t i = 0; i < plan->topology.groups.n; i++)
        estate_add_clusters(e, (uint32_t)i, (uint32_t)PLAN_GROUP(plan, i)->count);
    return e;
}

void estate_free(struct estate *e)
{
    sim_free(e->sim); /* first: it ends every process, which still uses what follows */
    for (size_t i = 0; i < e->clusters_n; i++) {
        sim_cluster_free(e->clusters[i].sim);
        str_free(&e->clusters[i].id);
    }
    for (size_t i = 0; i < e->sites_n; i++)
        site_free(e->sites[i]);
    mem_free(e->clusters);
    mem_free(e->sites);
    mem_free(e->copiers);
    authority_free(e->authority);
    mem_free(e);
}

int32_t estate_site_of(const struct estate *e, struct str address)
{
    for (size_t i = 0; i < e->sites_n; i++)
        if (str_eq(e->sites[i]->address, address))
            return (int32_t)i;
    return -1;
}
