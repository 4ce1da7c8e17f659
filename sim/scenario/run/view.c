/* The ledger: what notes, stores and counters said. */
#include "sim/scenario/run/view_internal.h"

#include "engine/controllers/cluster/state.h"
#include "engine/kube/conditions.h"

#include <string.h>

#define CLUSTERS_TABLE STR("clusters.management.cattle.io")

static void touch_waits(struct view *v, enum expr_dep_kind kind, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < v->waits_n; i++)
        expr_tracker_touch(v->waits[i], (struct expr_dep){kind, a, b});
}

void view_changed(struct view *v, uint32_t collection, uint32_t field)
{
    v->dirty = true;
    monitor_changed_field(v->monitor, collection, field);
    touch_waits(v, EXPR_DEP_FIELD, collection, field);
}

static void view_changed_item(struct view *v, uint32_t collection, uint32_t field, size_t item)
{
    v->dirty = true;
    monitor_changed_item(v->monitor, collection, field, (uint32_t)item);
    for (size_t i = 0; i < v->waits_n; i++)
        (void)expr_tracker_touch_item(v->waits[i], collection, field, (uint32_t)item);
}

void view_follow(struct view *v, struct expr_tracker *wait)
{
    v->waits = mem_resize(v->waits, (v->waits_n + 1) * sizeof *v->waits);
    v->waits[v->waits_n++] = wait;
}

void view_unfollow(struct view *v, const struct expr_tracker *wait)
{
    for (size_t i = 0; i < v->waits_n; i++)
        if (v->waits[i] == wait)
            v->waits[i--] = v->waits[--v->waits_n];
}

void view_changed_global(struct view *v, uint32_t global)
{
    v->dirty = true;
    monitor_changed_global(v->monitor, global);
    touch_waits(v, EXPR_DEP_GLOBAL, global, 0);
}

bool view_take_dirty(struct view *v)
{
    bool was = v->dirty;
    v->dirty = false;
    return was;
}

/* ---- agents ---- */

static void site_agents_changed(struct view *v)
{
    view_changed(v, VOC_SITE, VOC_SITE_AGENTS);
}

static void cluster_site_update(struct view *v, uint32_t cluster)
{
    struct view_cluster *c = &v->clusters[cluster];
    int32_t site = -1;
    for (size_t i = v->estate->clusters[cluster].first_agent;
         i < v->agents_n && v->agents[i].cluster == cluster; i++)
        if (v->agents[i].connected)
            site = v->agents[i].peer;
    if (site != c->site) {
        c->site = site;
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_SITE, cluster);
    }
}

static void agent_reason(struct view *v, struct view_agent *a, struct str reason)
{
    if (str_eq(a->reason, reason))
        return;
    str_free(&a->reason);
    a->reason = str_dup(reason);
    view_changed_item(v, VOC_AGENT, VOC_AGENT_REASON, (size_t)(a - v->agents));
}

static void agent_connected(struct view *v, struct view_agent *a, struct str address)
{
    int64_t now = sim_now(v->estate->sim);
    agent_reason(v, a, str_empty);
    a->attempts++;
    a->peer = estate_site_of(v->estate, address);
    a->connected_at = now;
    if (a->lost_at >= 0)
        a->reconnected_at = now;
    v->connected += !a->connected;
    a->connected = true;
    view_changed_item(v, VOC_AGENT, VOC_AGENT_CONNECTED, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_PEER, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_CONNECTED_AT, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_RECONNECTED_AT, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_LAST_BYTE, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_ATTEMPTS, (size_t)(a - v->agents));
    cluster_site_update(v, a->cluster);
    site_agents_changed(v);
}

static void agent_lost(struct view *v, struct view_agent *a)
{
    if (!a->connected)
        return;
    v->connected--;
    a->connected = false;
    a->peer = -1;
    a->lost_at = sim_now(v->estate->sim);
    view_changed_item(v, VOC_AGENT, VOC_AGENT_CONNECTED, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_PEER, (size_t)(a - v->agents));
    view_changed_item(v, VOC_AGENT, VOC_AGENT_LOST_AT, (size_t)(a - v->agents));
    cluster_site_update(v, a->cluster);
    site_agents_changed(v);
}

int32_t view_agent_of(const struct view *v, const struct sim_process *p)
{
    return p ? (int32_t)(intptr_t)map_get(&v->agent_of, sim_process_name(p)) - 1 : -1;
}

static void agent_note(struct view *v, struct view_agent *a, const struct sim_note *n)
{
    if (str_eq_c(str_c(n->kind), "agent.connected"))
        agent_connected(v, a, n->value);
    else if (str_eq_c(str_c(n->kind), "agent.disconnected"))
        agent_lost(v, a);
    else if (str_eq_c(str_c(n->kind), "agent.reason"))
        agent_reason(v, a, n->value);
    else if (str_eq_c(str_c(n->kind), "agent.connect-failed")) {
        a->attempts++;
        view_changed_item(v, VOC_AGENT, VOC_AGENT_ATTEMPTS, (size_t)(a - v->agents));
    } else if (str_eq_c(str_c(n->kind), "process.end")) {
        agent_lost(v, a);
        view_changed_item(v, VOC_AGENT, VOC_AGENT_RUNNING, (size_t)(a - v->agents));
    } else if (str_eq_c(str_c(n->kind), "process.start")) {
        view_changed_item(v, VOC_AGENT, VOC_AGENT_RUNNING, (size_t)(a - v->agents));
        view_changed_item(v, VOC_AGENT, VOC_AGENT_RESTARTS, (size_t)(a - v->agents));
    }
}

/* ---- servers ---- */

int32_t view_server_of(const struct view *v, const struct sim_process *p)
{
    return p ? (int32_t)(intptr_t)map_get(&v->server_of, sim_process_name(p)) - 1 : -1;
}

static void leader_set(struct view *v, struct view_server *s, bool leads)
{
    if (s->leader == leads)
        return;
    s->leader = leads;
    view_changed_item(v, VOC_SERVER, VOC_SERVER_LEADER, (size_t)(s - v->servers));
    view_changed_global(v, VOC_GLOBAL_MANAGER_LEADERS);
    if (leads)
        view_count(v, VOC_GLOBAL_MANAGER_LEADER_CHANGES, 1);
}

static void cluster_sessions(struct view *v, struct view_server *s, uint32_t cluster, int by)
{
    while (s->sessions_of_n <= cluster) {
        s->sessions_of = mem_resize(s->sessions_of, (s->sessions_of_n + 1) * sizeof(int32_t));
        s->sessions_of[s->sessions_of_n++] = 0;
    }
    s->sessions_of[cluster] += by;
    v->clusters[cluster].sessions += by;
    view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_SESSIONS, cluster);
}

static void session_count(struct view *v, struct view_server *s, struct str key, int by)
{
    uint32_t cluster = (uint32_t)(uintptr_t)map_get(&v->cluster_of, key);
    s->sessions += by;
    view_changed_item(v, VOC_SERVER, VOC_SERVER_SESSIONS, (size_t)(s - v->servers));
    view_see(v, VOC_GLOBAL_TUNNEL_SESSIONS, v->counters[VOC_GLOBAL_TUNNEL_SESSIONS].value + by);
    if (cluster)
        cluster_sessions(v, s, cluster - 1, by);
}

static void server_ended(struct view *v, struct view_server *s)
{
    leader_set(v, s, false);
    view_see(v, VOC_GLOBAL_TUNNEL_SESSIONS,
             v->counters[VOC_GLOBAL_TUNNEL_SESSIONS].value - s->sessions);
    s->sessions = 0;
    for (uint32_t i = 0; i < s->sessions_of_n; i++) /* a process that ends closes nothing itself */
        if (s->sessions_of[i])
            cluster_sessions(v, s, i, -s->sessions_of[i]);
    s->started_at = -1;
    view_changed_item(v, VOC_SERVER, VOC_SERVER_RUNNING, (size_t)(s - v->servers));
    view_changed_item(v, VOC_SERVER, VOC_SERVER_SESSIONS, (size_t)(s - v->servers));
    view_changed(v, VOC_SITE, VOC_SITE_ALIVE);
    view_changed(v, VOC_SITE, VOC_SITE_DIED_AT);
}

static void server_started(struct view *v, struct view_server *s)
{
    s->started_at = sim_now(v->estate->sim);
    view_changed_item(v, VOC_SERVER, VOC_SERVER_RUNNING, (size_t)(s - v->servers));
    view_changed_item(v, VOC_SERVER, VOC_SERVER_STARTED_AT, (size_t)(s - v->servers));
    view_changed(v, VOC_SITE, VOC_SITE_ALIVE);
}

/* A leader works on this cluster: its site is the one that writes. */
static void wrote(struct view *v, const struct view_server *s, struct str id)
{
    uint32_t cluster = (uint32_t)(uintptr_t)map_get(&v->cluster_of, id);
    if (!cluster)
        return;
    history_note(&v->clusters[cluster - 1].writer, sim_now(v->estate->sim), s->site->index);
    view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_WRITER_SITE, cluster - 1);
    view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_WRITER, cluster - 1);
}

static void server_note(struct view *v, struct view_server *s, const struct sim_note *n)
{
    struct str kind = str_c(n->kind);
    if (str_eq_c(kind, "leader.started")) {
        leader_set(v, s, true);
    } else if (str_eq_c(kind, "leader.stopped")) {
        leader_set(v, s, false);
    } else if (str_eq_c(kind, "tunnel.opened")) {
        session_count(v, s, n->key, 1);
        view_count(v, VOC_GLOBAL_MANAGER_HANDSHAKES, 1);
        view_count(v, VOC_GLOBAL_TUNNEL_OPENED, 1);
    } else if (str_eq_c(kind, "tunnel.closed")) {
        session_count(v, s, n->key, -1);
        view_count(v, VOC_GLOBAL_TUNNEL_CLOSED, 1);
    } else if (str_eq_c(kind, "tunnel.refused")) {
        view_count(v, VOC_GLOBAL_MANAGER_HANDSHAKE_FAILURES, 1);
    } else if (str_eq_c(kind, "cluster.state") || str_eq_c(kind, "cluster.write")) {
        wrote(v, s, n->key);
    } else if (str_eq_c(kind, "process.end")) {
        server_ended(v, s);
    } else if (str_eq_c(kind, "process.start")) {
        server_started(v, s);
    }
}

static void forget_watches(struct view *v)
{
    v->watched = NULL;
    v->clusters_watch = NULL;
    memset(v->sizes, 0, sizeof v->sizes);
}

/* A store dies with its API's process, and the watches in it. */
static void forget_dead_store(struct view *v)
{
    for (size_t i = 0; i < v->estate->sites_n; i++)
        if (v->watched && apihost_api(v->estate->sites[i]->api) == v->watched)
            return;
    forget_watches(v);
}

static void on_note(void *owner, const struct sim_note *n)
{
    struct view *v = owner;
    if (str_eq_c(str_c(n->kind), "process.end"))
        forget_dead_store(v);
    int32_t agent = view_agent_of(v, n->process), server = view_server_of(v, n->process);
    if (str_eq_c(str_c(n->kind), "process.start"))
        view_count(v, VOC_GLOBAL_PROCESS_STARTS, 1);
    else if (str_eq_c(str_c(n->kind), "process.end") && !str_eq_c(n->value, "0"))
        view_count(v, VOC_GLOBAL_PROCESS_CRASHES, 1);
    else if (str_starts(str_c(n->kind), STR("site."))) {
        view_changed(v, VOC_SITE, VOC_SITE_ROLE);
        view_changed(v, VOC_SITE, VOC_SITE_PROMOTED_AT);
        view_changed(v, VOC_SITE, VOC_SITE_DEMOTED_AT);
    }
    if (agent >= 0)
        agent_note(v, &v->agents[agent], n);
    else if (server >= 0)
        server_note(v, &v->servers[server], n);
}

/* ---- clusters, as the active manager has them ---- */

static const struct str no_state = {"", 0};

/* The reason of one of its conditions, kept. */
static void cluster_reason(struct view *v, uint32_t item, const struct kube_object *o,
                           const char *type, struct str *kept, uint32_t field)
{
    struct condition c;
    struct str reason = o && condition_get(o, type, &c) ? c.reason : str_empty;
    if (str_eq(reason, *kept))
        return;
    str_free(kept);
    *kept = str_dup(reason);
    view_changed_item(v, VOC_CLUSTER, field, item);
}

static void cluster_seen(struct view *v, struct str id, const struct kube_object *o)
{
    uint32_t index = (uint32_t)(uintptr_t)map_get(&v->cluster_of, id);
    if (!index)
        return;
    struct view_cluster *c = &v->clusters[index - 1];
    struct str state = o ? cluster_state(o) : no_state;
    bool connected = o && condition_is(o, "Connected", "True");
    bool ready = o && condition_is(o, "Ready", "True");
    bool updated = o && condition_is(o, "Updated", "True");
    bool was = str_eq_c(c->state, "active"), is = str_eq_c(state, "active");
    if (!str_eq(state, c->state)) {
        c->state = state;
        v->active += is - was;
        if (is)
            c->active_at = sim_now(v->estate->sim);
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_STATE, index - 1);
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_ACTIVE_AT, index - 1);
    }
    cluster_reason(v, index - 1, o, "Ready", &c->reason, VOC_CLUSTER_REASON);
    cluster_reason(v, index - 1, o, "APICertificate", &c->certificate, VOC_CLUSTER_CERTIFICATE);
    cluster_reason(v, index - 1, o, "AgentConnection", &c->connection, VOC_CLUSTER_CONNECTION);
    if (updated != c->updated) {
        c->updated = updated;
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_UPDATED, index - 1);
    }
    if (connected != c->connected || ready != c->ready) {
        c->connected = connected;
        c->ready = ready;
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_CONNECTED, index - 1);
        view_changed_item(v, VOC_CLUSTER, VOC_CLUSTER_READY, index - 1);
    }
}

static void on_cluster(void *owner, struct store_event *e)
{
    cluster_seen(owner, e->object->name, e->type == STORE_DELETED ? NULL : e->object);
}

/* Every cluster anew: another store, or another content. */
static void clusters_reread(struct view *v, struct kubeapi *api)
{
    for (size_t i = 0; i < v->clusters_n; i++) {
        struct str id = v->estate->clusters[i].id;
        cluster_seen(v, id, api ? kubeapi_get(api, CLUSTERS_TABLE, str_empty, id) : NULL);
    }
}

void view_active_changed(struct view *v)
{
    struct kubeapi *api = estate_active_api(v->estate);
    if (api != v->watched) {
        view_watch_upstream(v, api);
        store_watch_stop(v->clusters_watch);
        v->clusters_watch = api ? store_watch_start(store_table(kubeapi_store(api), CLUSTERS_TABLE),
                                                    str_empty, on_cluster, v)
                                : NULL;
        v->watched = api;
    }
    clusters_reread(v, api);
}

void view_api_started(struct view *v, struct site *s, struct kubeapi *api, bool restored)
{
    if (!v->estate)
        return; /* view_attach looks for itself */
    bool is_active = v->estate->active == (int32_t)s->index;
    if (is_active && !restored) { /* the old store died, its watches with it */
        forget_watches(v);
    }
    (void)api;
    if (is_active)
        view_active_changed(v);
}

/* ---- life ---- */

struct view *view_new(const struct plan *plan)
{
    struct view *v = MEM_NEW(struct view);
    v->plan = plan;
    v->apis_asked = view_plan_names(plan, VOC_GLOBAL_API_REQUESTS, VOC_GLOBAL_UPSTREAM_BYTES);
    v->caches_asked = view_plan_names(plan, VOC_GLOBAL_CACHE_VERIFICATIONS, VOC_GLOBAL_CACHE_HEALS);
    v->caches = view_caches_new(v);
    v->env = (struct expr_env){&view_ops, v};
    v->step_ended = MEM_NEW_ARRAY(int64_t, plan->steps_n);
    for (size_t i = 0; i < plan->steps_n; i++)
        v->step_ended[i] = -1;
    return v;
}

void view_free(struct view *v)
{
    for (size_t i = 0; i < v->clusters_n; i++) {
        history_free(&v->clusters[i].writer);
        str_free(&v->clusters[i].reason);
        str_free(&v->clusters[i].connection);
        str_free(&v->clusters[i].certificate);
    }
    for (size_t i = 0; i < v->agents_n; i++)
        str_free(&v->agents[i].reason);
    for (size_t i = 0; i < v->servers_n; i++)
        mem_free(v->servers[i].sessions_of);
    for (size_t i = 0; i < VOC_GLOBAL_COUNT; i++)
        history_free(&v->counters[i].history);
    for (size_t i = 0; i < v->faults_n; i++) {
        str_free(&v->faults[i]->name);
        mem_free(v->faults[i]);
    }
    view_caches_free(v->caches);
    map_free(&v->agent_of);
    map_free(&v->cluster_of);
    map_free(&v->server_of);
    mem_free(v->agents);
    mem_free(v->clusters);
    mem_free(v->servers);
    mem_free(v->faults);
    mem_free(v->step_ended);
    mem_free(v->waits);
    mem_free(v);
}

static void add_agents(struct view *v, uint32_t cluster)
{
    const struct estate_cluster *c = &v->estate->clusters[cluster];
    size_t n = (size_t)PLAN_GROUP(v->plan, c->group)->agent.replicas;
    BUG_ON(v->agents_n != c->first_agent, "agents are numbered as their clusters are");
    v->agents = mem_resize(v->agents, (v->agents_n + n + 1) * sizeof *v->agents);
    for (uint32_t slot = 0; slot < n; slot++) {
        struct str name = sim_process_name(sim_cluster_process(c->sim, slot));
        v->agents[v->agents_n++] = (struct view_agent){.name = name,
                                                       .cluster = cluster,
                                                       .slot = slot,
                                                       .peer = -1,
                                                       .connected_at = -1,
                                                       .lost_at = -1,
                                                       .reconnected_at = -1};
        map_put(&v->agent_of, name, (void *)(intptr_t)v->agents_n);
    }
}

static void items_changed(struct view *v, uint32_t collection)
{
    v->dirty = true;
    monitor_changed_items(v->monitor, collection);
    touch_waits(v, EXPR_DEP_ITEMS, collection, 0);
}

void view_clusters_added(struct view *v)
{
    size_t n = v->estate->clusters_n;
    v->clusters = mem_resize(v->clusters, (n + 1) * sizeof *v->clusters);
    for (size_t i = v->clusters_n; i < n; i++) {
        v->clusters[i] = (struct view_cluster){.state = no_state, .site = -1, .active_at = -1};
        map_put(&v->cluster_of, v->estate->clusters[i].id, (void *)(intptr_t)(i + 1));
        add_agents(v, (uint32_t)i);
    }
    v->clusters_n = n;
    items_changed(v, VOC_CLUSTER);
    items_changed(v, VOC_AGENT);
    items_changed(v, VOC_NODE);
    items_changed(v, VOC_CACHE);
}

static void add_servers(struct view *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->estate->sites_n; i++)
        n += v->estate->sites[i]->replicas_n;
    v->servers = MEM_NEW_ARRAY(struct view_server, n + 1);
    for (size_t i = 0; i < v->estate->sites_n; i++) {
        struct site *s = v->estate->sites[i];
        for (size_t r = 0; r < s->replicas_n; r++) {
            bool runs = sim_process_is_running(s->replicas[r].process);
            v->servers[v->servers_n++] = (struct view_server){
                .site = s, .replica = &s->replicas[r], .started_at = runs ? 0 : -1};
            map_put(&v->server_of, s->replicas[r].note_name, (void *)(intptr_t)v->servers_n);
        }
    }
}

void view_attach(struct view *v, struct estate *e, struct monitor *m)
{
    v->estate = e;
    v->monitor = m;
    add_servers(v);
    view_clusters_added(v);
    view_active_changed(v);
    sim_on_note(e->sim, on_note, v);
    v->poll = sim_after(e->sim, VIEW_POLL, view_poll, v);
}

void view_compare_with(struct view *v, struct reference *r)
{
    v->reference = r;
}

void view_traffic(struct view *v, const struct traffic *t)
{
    v->traffic = t;
}

const struct expr_env *view_env(struct view *v)
{
    return &v->env;
}

struct view_fault *view_add_fault(struct view *v, struct str name)
{
    if (v->faults_n == v->faults_cap) {
        v->faults_cap = v->faults_cap ? v->faults_cap * 2 : 8;
        v->faults = mem_resize(v->faults, v->faults_cap * sizeof *v->faults);
    }
    struct view_fault *f = MEM_NEW(struct view_fault);
    f->name = str_dup(name);
    f->started_at = -1;
    v->faults[v->faults_n++] = f;
    return f;
}

void view_fault_changed(struct view *v)
{
    items_changed(v, VOC_FAULT);
    for (uint32_t i = 0; i < VOC_FAULT_FIELD_COUNT; i++)
        view_changed(v, VOC_FAULT, i);
}

void view_step_ended(struct view *v, uint32_t step, int64_t at)
{
    v->step_ended[step] = at;
    v->dirty = true;
    monitor_step_ended(v->monitor, step, at);
    touch_waits(v, EXPR_DEP_STEP, step, 0);
}

size_t view_agents(const struct view *v)
{
    return v->agents_n;
}
const struct view_agent *view_agent_at(const struct view *v, size_t i)
{
    return &v->agents[i];
}
size_t view_agents_connected(const struct view *v)
{
    return v->connected;
}
size_t view_clusters_active(const struct view *v)
{
    return v->active;
}
size_t view_servers(const struct view *v)
{
    return v->servers_n;
}
const struct view_server *view_server_at(const struct view *v, size_t i)
{
    return &v->servers[i];
}
int64_t view_global(struct view *v, enum vocabulary_global which)
{
    return v->counters[which].value;
}
