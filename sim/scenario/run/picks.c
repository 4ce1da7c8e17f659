#include "sim/scenario/run/picks.h"

static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_resize(array, *cap * size);
}

static void add_process(struct picks *p, struct sim_process *process)
{
    p->processes = grown(p->processes, p->processes_n, &p->processes_cap, sizeof *p->processes);
    p->processes[p->processes_n++] = process;
}

static void add_host(struct picks *p, struct sim_host *host)
{
    p->hosts = grown(p->hosts, p->hosts_n, &p->hosts_cap, sizeof *p->hosts);
    p->hosts[p->hosts_n++] = host;
}

static void add_resolver(struct picks *p, struct sim_resolver *r)
{
    p->resolvers = grown(p->resolvers, p->resolvers_n, &p->resolvers_cap, sizeof *p->resolvers);
    p->resolvers[p->resolvers_n++] = r;
}

static bool in_range(const struct target_end *t, int64_t i)
{
    return t->first < 0 || (i >= t->first && i <= t->last);
}

bool picks_cluster(const struct estate *e, const struct target_end *t, size_t i)
{
    if (t->held)
        return true;
    int64_t in_group = 0;
    for (size_t j = 0; j < i; j++)
        in_group += e->clusters[j].group == e->clusters[i].group;
    return (t->any || t->index == (int32_t)e->clusters[i].group) && in_range(t, in_group);
}

static void pick_sites(const struct estate *e, const struct target_end *t, struct picks *p)
{
    for (size_t s = 0; s < e->sites_n; s++) {
        if (!t->any && t->index != (int32_t)s)
            continue;
        struct site *site = e->sites[s];
        if (t->kind != TARGET_MANAGER)
            add_host(p, sim_process_host(apihost_process(site->api)));
        if (t->kind == TARGET_API)
            add_process(p, apihost_process(site->api));
        for (size_t r = 0; r < site->replicas_n && t->kind != TARGET_API; r++) {
            if (t->kind == TARGET_MANAGER && !in_range(t, (int64_t)r))
                continue;
            add_host(p, sim_process_host(site->replicas[r].process));
            add_process(p, site->replicas[r].process);
        }
    }
}

/* The nth agent is that of the nth slot with a pod: a rollout leaves others empty. */
static bool is_nth_agent(const struct sim_cluster *c, uint32_t slot, int64_t nth)
{
    int64_t before = 0;
    for (uint32_t s = 0; s < slot; s++)
        before += sim_cluster_slot_used(c, s);
    return before == nth && sim_cluster_slot_used(c, slot);
}

/* ---- what the moment tells ---- */

static bool of_site(const struct target_end *t, size_t s)
{
    return t->any || t->index == (int32_t)s;
}

/* The replica as a target; found NULL: nobody is meant. */
static void settle_on(struct target *t, const struct replica *found)
{
    struct target_end *end = &t->a;
    t->kind = end->kind = TARGET_MANAGER;
    end->any = false;
    end->index = found ? (int32_t)found->site->index : 0;
    end->first = found ? found - found->site->replicas : SITE_REPLICAS_MAX;
    end->last = end->first;
}

/* The nth of those that serve and lead, or do not. */
static const struct replica *find_replica(const struct estate *e, const struct target_end *t,
                                          bool leading, int64_t nth)
{
    for (size_t s = 0; s < e->sites_n; s++) {
        for (size_t i = 0; i < e->sites[s]->replicas_n && of_site(t, s); i++) {
            const struct replica *r = &e->sites[s]->replicas[i];
            const struct server *server = replica_server(r);
            if (server && server_state(server).leading == leading && nth-- == 0)
                return r;
        }
    }
    return NULL;
}

static const struct replica *replica_of(const struct estate *e, const struct sim_process *p)
{
    for (size_t s = 0; s < e->sites_n; s++)
        for (size_t i = 0; i < e->sites[s]->replicas_n; i++)
            if (p && e->sites[s]->replicas[i].process == p)
                return &e->sites[s]->replicas[i];
    return NULL;
}

/* An agent's tunnel: of its connections to managers the last that was opened before it was connected. */
struct tunnel {
    const struct estate *estate;
    const struct sim_process *agent;
    int64_t connected_at;
    const struct replica *end;
};

static void see_connection(void *owner, const struct sim_connection *c)
{
    struct tunnel *t = owner;
    const struct replica *r = c->client == t->agent && c->opened_at <= t->connected_at
                                  ? replica_of(t->estate, c->server)
                                  : NULL;
    if (r)
        t->end = r;
}

/* Where the tunnel of this agent ends; NULL: it has none. */
static const struct replica *tunnel_end(const struct estate *e, const struct sim_cluster *c,
                                        uint32_t slot)
{
    const struct cluster_agent *agent = sim_cluster_agent(c, slot);
    if (!agent || !cluster_agent_state(agent).link.connected)
        return NULL;
    struct tunnel t = {.estate = e,
                       .agent = sim_cluster_process(c, slot),
                       .connected_at = cluster_agent_state(agent).link.connected_at};
    sim_connections_each(e->sim, see_connection, &t);
    return t.end;
}

static const struct replica *find_holder(const struct estate *e, const struct target_end *t)
{
    const struct replica *found = NULL;
    for (size_t i = 0; i < e->clusters_n && !found; i++) {
        const struct sim_cluster *c = e->clusters[i].sim;
        for (uint32_t s = 0; s < sim_cluster_slots(c) && !found && picks_cluster(e, t, i); s++)
            if (t->slot < 0 || is_nth_agent(c, s, t->slot))
                found = tunnel_end(e, c, s);
    }
    return found;
}

static bool is_held(const struct estate *e, const struct target_end *t, const struct sim_cluster *c,
                    uint32_t slot)
{
    const struct replica *end = tunnel_end(e, c, slot);
    return end && of_site(t, end->site->index) && in_range(t, end - end->site->replicas);
}

struct target picks_settle(const struct estate *e, const struct target *t)
{
    struct target settled = *t;
    const struct target_end *end = &t->a;
    if (t->kind == TARGET_LEADER)
        settle_on(&settled, find_replica(e, end, true, 0));
    else if (t->kind == TARGET_FOLLOWER)
        settle_on(&settled, find_replica(e, end, false, end->first < 0 ? 0 : end->first));
    else if (t->kind == TARGET_HOLDER)
        settle_on(&settled, find_holder(e, end));
    else if (t->kind == TARGET_HELD) {
        settled.kind = settled.a.kind = TARGET_AGENT;
        settled.a.held = true;
    }
    return settled;
}

/* ---- members ---- */

static void pick_clusters(const struct estate *e, const struct target_end *t, struct picks *p)
{
    for (size_t i = 0; i < e->clusters_n; i++) {
        struct sim_cluster *c = e->clusters[i].sim;
        if (!picks_cluster(e, t, i))
            continue;
        if (!t->held)
            add_resolver(p, sim_cluster_resolver(c));
        if (t->kind != TARGET_AGENT) {
            add_host(p, sim_process_host(apihost_process(sim_cluster_api(c))));
            if (t->kind == TARGET_API)
                add_process(p, apihost_process(sim_cluster_api(c)));
        }
        for (uint32_t s = 0; s < sim_cluster_slots(c) && t->kind != TARGET_API; s++) {
            if (t->kind == TARGET_AGENT && t->slot >= 0 && !is_nth_agent(c, s, t->slot))
                continue;
            if (t->held && !is_held(e, t, c, s))
                continue;
            add_host(p, sim_process_host(sim_cluster_process(c, s)));
            add_process(p, sim_cluster_process(c, s));
        }
    }
}

static void pick_resolvers(const struct estate *e, const struct target_end *t, struct picks *p)
{
    for (size_t i = 0; i < e->clusters_n; i++)
        if (t->kind == TARGET_DNS || t->any || t->index == e->clusters[i].resolver)
            add_resolver(p, sim_cluster_resolver(e->clusters[i].sim));
}

void picks_add(const struct estate *e, const struct target_end *t, struct picks *p)
{
    switch (t->kind) {
    case TARGET_SITE:
    case TARGET_MANAGER:
        pick_sites(e, t, p);
        break;
    case TARGET_API:
        if (t->of_site)
            pick_sites(e, t, p);
        else
            pick_clusters(e, t, p);
        break;
    case TARGET_CLUSTER:
    case TARGET_AGENT:
    case TARGET_NODE:
        pick_clusters(e, t, p);
        break;
    case TARGET_DNS:
    case TARGET_RESOLVER:
        pick_resolvers(e, t, p);
        break;
    case TARGET_NONE:
    case TARGET_LEADER: /* picks_settle makes them managers and agents */
    case TARGET_FOLLOWER:
    case TARGET_HOLDER:
    case TARGET_HELD:
    case TARGET_LINK:
    case TARGET_ALL:
    case TARGET_KIND_COUNT:;
    }
}

void picks_free(struct picks *p)
{
    mem_free(p->hosts);
    mem_free(p->processes);
    mem_free(p->resolvers);
}
