#include "sim/real/world/groups.h"

static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_resize(array, *cap * size);
}

static void add_host(struct group *g, const struct rig_host *h)
{
    g->hosts = grown(g->hosts, g->n, &g->cap, sizeof *g->hosts);
    g->hosts[g->n++] = h->id;
}

static void add_process(struct group *g, struct process *p)
{
    g->processes = grown(g->processes, g->processes_n, &g->processes_cap, sizeof *g->processes);
    g->processes[g->processes_n++] = p;
}

static void add_api(struct group *g, struct rig_api *a)
{
    g->apis = grown(g->apis, g->apis_n, &g->apis_cap, sizeof(struct rig_api *));
    g->apis[g->apis_n++] = a;
    add_host(g, &a->host);
    add_process(g, &a->process);
}

static bool in_range(const struct target_end *t, int64_t i)
{
    return t->first < 0 || (i >= t->first && i <= t->last);
}

bool group_has_cluster(const struct rig *r, const struct target_end *end, size_t i)
{
    const struct rig_cluster *c = &r->clusters[i];
    return (end->any || end->index == (int32_t)c->group) && in_range(end, c->in_group);
}

static void add_sites(struct rig *r, const struct target_end *end, struct group *g)
{
    for (size_t s = 0; s < r->sites_n; s++) {
        struct rig_site *site = &r->sites[s];
        if (!end->any && end->index != (int32_t)s)
            continue;
        if (end->kind != TARGET_MANAGER)
            add_api(g, &site->api);
        if (end->kind == TARGET_SITE)
            add_host(g, &site->front);
        for (size_t i = 0; i < site->replicas_n && end->kind != TARGET_API; i++) {
            if (end->kind == TARGET_MANAGER && !in_range(end, (int64_t)i))
                continue;
            add_host(g, &site->replicas[i].host);
            add_process(g, &site->replicas[i].process);
        }
    }
}

static void add_clusters(struct rig *r, const struct target_end *end, struct group *g)
{
    for (size_t i = 0; i < r->clusters_n; i++) {
        struct rig_cluster *c = &r->clusters[i];
        if (!group_has_cluster(r, end, i))
            continue;
        if (end->kind != TARGET_AGENT)
            add_api(g, &c->api);
        for (size_t a = 0; a < c->agents_n && end->kind != TARGET_API; a++) {
            if (end->kind == TARGET_AGENT && end->slot >= 0 && end->slot != (int64_t)a)
                continue;
            add_host(g, &r->agents[c->first_agent + a].host);
            add_process(g, &r->agents[c->first_agent + a].process);
        }
    }
}

void group_add(struct rig *r, const struct target_end *end, struct group *g)
{
    if (end->kind == TARGET_SITE || end->kind == TARGET_MANAGER ||
        (end->kind == TARGET_API && end->of_site))
        add_sites(r, end, g);
    else if (end->kind == TARGET_CLUSTER || end->kind == TARGET_AGENT || end->kind == TARGET_API)
        add_clusters(r, end, g);
    else if (end->kind == TARGET_DNS || end->kind == TARGET_RESOLVER)
        for (size_t i = 0; i < r->clusters_n; i++)
            if (end->kind == TARGET_DNS || end->any || end->index == r->clusters[i].resolver)
                add_host(g, &r->clusters[i].dns);
}

void group_free(struct group *g)
{
    mem_free(g->hosts);
    mem_free(g->processes);
    mem_free(g->apis);
    *g = (struct group){0};
}

struct target group_settle(const struct rig *r, const struct target *t,
                           bool (*leads)(const void *owner, size_t site, size_t replica),
                           const void *owner)
{
    struct target settled = *t;
    struct target_end *end = &settled.a;
    int64_t left = t->kind == TARGET_FOLLOWER && end->first > 0 ? end->first : 0;
    if (t->kind != TARGET_LEADER && t->kind != TARGET_FOLLOWER)
        return settled;
    settled.kind = end->kind = TARGET_MANAGER;
    for (size_t s = 0; s < r->sites_n; s++)
        for (size_t i = 0; i < r->sites[s].replicas_n; i++) {
            bool meant = (end->any || end->index == (int32_t)s) &&
                         r->sites[s].replicas[i].process.ready &&
                         leads(owner, s, i) == (t->kind == TARGET_LEADER);
            if (!meant || left-- > 0)
                continue;
            end->any = false;
            end->index = (int32_t)s;
            end->first = end->last = (int64_t)i;
            return settled;
        }
    end->first = end->last = INT32_MAX; /* nobody */
    return settled;
}
