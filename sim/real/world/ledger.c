/* What was heard, and who is told of it. */
#include "sim/real/world/ledger.h"

static void touch_waits(struct ledger *l, enum expr_dep_kind kind, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < l->waits_n; i++)
        expr_tracker_touch(l->waits[i], (struct expr_dep){kind, a, b});
}

void ledger_changed(struct ledger *l, uint32_t collection, uint32_t field, size_t item)
{
    if (l->monitor)
        monitor_changed_item(l->monitor, collection, field, (uint32_t)item);
    for (size_t i = 0; i < l->waits_n; i++)
        (void)expr_tracker_touch_item(l->waits[i], collection, field, (uint32_t)item);
}

static void changed_field(struct ledger *l, uint32_t collection, uint32_t field)
{
    if (l->monitor)
        monitor_changed_field(l->monitor, collection, field);
    touch_waits(l, EXPR_DEP_FIELD, collection, field);
}

static void changed_global(struct ledger *l, uint32_t which)
{
    if (l->monitor)
        monitor_changed_global(l->monitor, which);
    touch_waits(l, EXPR_DEP_GLOBAL, which, 0);
}

void ledger_see(struct ledger *l, enum vocabulary_global which, int64_t value)
{
    struct ledger_counter *c = &l->counters[which];
    if (c->value == value)
        return;
    c->value = value;
    history_add(&c->history, l->now, value);
    changed_global(l, which);
}

void ledger_count(struct ledger *l, enum vocabulary_global which, int64_t by)
{
    if (by)
        ledger_see(l, which, l->counters[which].value + by);
}

void ledger_at(struct ledger *l, int64_t now)
{
    BUG_ON(now < l->now, "the run's clock does not go back");
    l->now = now;
}

void ledger_follow(struct ledger *l, struct expr_tracker *wait)
{
    l->waits = mem_resize(l->waits, (l->waits_n + 1) * sizeof(struct expr_tracker *));
    l->waits[l->waits_n++] = wait;
}

void ledger_unfollow(struct ledger *l, const struct expr_tracker *wait)
{
    for (size_t i = 0; i < l->waits_n; i++)
        if (l->waits[i] == wait)
            l->waits[i--] = l->waits[--l->waits_n];
}

void ledger_step_ended(struct ledger *l, uint32_t step, int64_t at)
{
    l->step_ended[step] = at;
    if (l->monitor)
        monitor_step_ended(l->monitor, step, at);
    touch_waits(l, EXPR_DEP_STEP, step, 0);
}

/* ---- processes ---- */

size_t ledger_server_of(const struct ledger *l, size_t site, size_t replica)
{
    for (size_t s = 0; s < site; s++)
        replica += l->rig->sites[s].replicas_n;
    return replica;
}

bool ledger_leads(const void *ledger, size_t site, size_t replica)
{
    const struct ledger *l = ledger;
    return l->servers[ledger_server_of(l, site, replica)].leader;
}

void ledger_agent_lost(struct ledger *l, size_t agent)
{
    struct ledger_agent *a = &l->agents[agent];
    if (!a->connected)
        return;
    a->connected = false;
    a->peer = -1;
    a->lost_at = l->now;
    ledger_changed(l, VOC_AGENT, VOC_AGENT_CONNECTED, agent);
    ledger_changed(l, VOC_AGENT, VOC_AGENT_PEER, agent);
    ledger_changed(l, VOC_AGENT, VOC_AGENT_LOST_AT, agent);
    changed_field(l, VOC_SITE, VOC_SITE_AGENTS);
    changed_field(l, VOC_CLUSTER, VOC_CLUSTER_SITE);
}

static void agent_process(struct ledger *l, size_t agent, const struct process *p)
{
    struct ledger_agent *a = &l->agents[agent];
    if (!process_runs(p)) {
        ledger_agent_lost(l, agent);
        a->failures = a->connects = 0; /* the next one counts anew */
        for (size_t i = 0; i < LEDGER_AGENT_CACHES; i++)
            a->caches[i].known = a->caches[i].synced = false;
        ledger_cache_changed(l);
    }
    ledger_changed(l, VOC_AGENT, VOC_AGENT_RUNNING, agent);
    ledger_changed(l, VOC_AGENT, VOC_AGENT_RESTARTS, agent);
}

static void server_ended(struct ledger *l, size_t server)
{
    struct ledger_server *s = &l->servers[server];
    s->runs = s->leader = false;
    ledger_count(l, VOC_GLOBAL_TUNNEL_SESSIONS, -s->sessions);
    for (size_t i = 0; i < l->rig->clusters_n; i++) {
        l->clusters[i].sessions -= s->sessions_of[i];
        s->sessions_of[i] = 0;
    }
    changed_field(l, VOC_CLUSTER, VOC_CLUSTER_SESSIONS);
    s->sessions = s->peers = s->depth = 0;
    s->begun = 0; /* the next one counts anew */
    s->started_at = -1;
    for (size_t i = 0; i < LEDGER_SERVER_CACHES; i++)
        s->caches[i].known = s->caches[i].synced = false;
    ledger_cache_changed(l);
}

static void server_process(struct ledger *l, size_t server, const struct process *p)
{
    struct ledger_server *s = &l->servers[server];
    bool runs = process_runs(p);
    if (s->runs && !runs)
        server_ended(l, server);
    if (!s->runs && runs)
        s->started_at = l->now;
    s->runs = runs;
    for (uint32_t f = 0; f < VOC_SERVER_FIELD_COUNT; f++)
        if (f != VOC_SERVER_NAME && f != VOC_SERVER_SITE)
            ledger_changed(l, VOC_SERVER, f, server);
    changed_global(l, VOC_GLOBAL_MANAGER_LEADERS);
    ledger_sites_changed(l);
}

void ledger_process_changed(struct ledger *l, const struct process *p)
{
    bool runs = process_runs(p);
    if (runs && !p->ready == p->says_ready)
        ledger_count(l, VOC_GLOBAL_PROCESS_STARTS, 1);
    else if (!runs && p->status != 0)
        ledger_count(l, VOC_GLOBAL_PROCESS_CRASHES, 1);
    for (size_t i = 0; i < l->rig->agents_n; i++)
        if (p == &l->rig->agents[i].process)
            agent_process(l, i, p);
    size_t server = 0;
    for (size_t s = 0; s < l->rig->sites_n; s++)
        for (size_t i = 0; i < l->rig->sites[s].replicas_n; i++, server++)
            if (p == &l->rig->sites[s].replicas[i].process)
                server_process(l, server, p);
}

void ledger_sites_changed(struct ledger *l)
{
    for (uint32_t f = VOC_SITE_ROLE; f <= VOC_SITE_DEMOTED_AT; f++)
        changed_field(l, VOC_SITE, f);
}

/* ---- faults, caches ---- */

struct ledger_fault *ledger_add_fault(struct ledger *l, struct str name)
{
    struct ledger_fault *f = MEM_NEW(struct ledger_fault);
    f->name = str_dup(name);
    f->started_at = l->now;
    l->faults = mem_resize(l->faults, (l->faults_n + 1) * sizeof(struct ledger_fault *));
    l->faults[l->faults_n++] = f;
    if (l->monitor)
        monitor_changed_items(l->monitor, VOC_FAULT);
    touch_waits(l, EXPR_DEP_ITEMS, VOC_FAULT, 0);
    return f;
}

void ledger_fault_changed(struct ledger *l)
{
    changed_field(l, VOC_FAULT, VOC_FAULT_FIRED);
    changed_field(l, VOC_FAULT, VOC_FAULT_ACTIVE);
}

void ledger_cache_changed(struct ledger *l)
{
    for (uint32_t f = VOC_CACHE_SYNCED; f < VOC_CACHE_FIELD_COUNT; f++)
        changed_field(l, VOC_CACHE, f);
}

/* ---- life ---- */

struct ledger *ledger_new(const struct plan *plan, struct rig *rig)
{
    struct ledger *l = MEM_NEW(struct ledger);
    l->plan = plan;
    l->rig = rig;
    l->env = (struct expr_env){&ledger_ops, l};
    l->step_ended = MEM_NEW_ARRAY(int64_t, plan->steps_n + 1);
    for (size_t i = 0; i < plan->steps_n; i++)
        l->step_ended[i] = -1;
    l->agents = MEM_NEW_ARRAY(struct ledger_agent, rig->agents_n + 1);
    for (size_t i = 0; i < rig->agents_n; i++)
        l->agents[i] = (struct ledger_agent){
            .peer = -1, .connected_at = -1, .lost_at = -1, .reconnected_at = -1};
    l->clusters = MEM_NEW_ARRAY(struct ledger_cluster, rig->clusters_n + 1);
    for (size_t i = 0; i < rig->clusters_n; i++)
        l->clusters[i] = (struct ledger_cluster){
            .site = -1, .active_at = -1, .versions = MEM_NEW_ARRAY(uint64_t, rig->sites_n + 1)};
    for (size_t s = 0; s < rig->sites_n; s++)
        l->servers_n += rig->sites[s].replicas_n;
    l->servers = MEM_NEW_ARRAY(struct ledger_server, l->servers_n + 1);
    for (size_t i = 0; i < l->servers_n; i++)
        l->servers[i] = (struct ledger_server){
            .started_at = -1, .sessions_of = MEM_NEW_ARRAY(int64_t, rig->clusters_n + 1)};
    size_t server = 0;
    for (size_t s = 0; s < rig->sites_n; s++)
        for (size_t i = 0; i < rig->sites[s].replicas_n; i++, server++) {
            l->servers[server].runs = process_runs(&rig->sites[s].replicas[i].process);
            l->servers[server].started_at = l->servers[server].runs ? 0 : -1;
        }
    return l;
}

void ledger_judged_by(struct ledger *l, struct monitor *m)
{
    l->monitor = m;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->rig->agents_n; i++)
        str_free(&l->agents[i].reason);
    for (size_t i = 0; i < l->rig->clusters_n; i++) {
        struct ledger_cluster *c = &l->clusters[i];
        history_free(&c->writer);
        str_free(&c->reason);
        str_free(&c->connection);
        str_free(&c->certificate);
        mem_free(c->versions);
    }
    for (size_t i = 0; i < l->servers_n; i++)
        mem_free(l->servers[i].sessions_of);
    for (size_t i = 0; i < l->faults_n; i++) {
        str_free(&l->faults[i]->name);
        mem_free(l->faults[i]);
    }
    for (size_t i = 0; i < VOC_GLOBAL_COUNT; i++)
        history_free(&l->counters[i].history);
    mem_free(l->agents);
    mem_free(l->clusters);
    mem_free(l->servers);
    mem_free(l->faults);
    mem_free(l->waits);
    mem_free(l->step_ended);
    mem_free(l);
}
