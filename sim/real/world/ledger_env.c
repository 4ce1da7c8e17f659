/* The answers to what expressions name. */
#include "sim/real/world/ledger.h"

#include "engine/agents/cluster/caches.h"
#include "engine/server/server.h"

static const struct str role_names[] = {
    [RIG_STANDBY] = STR_INIT("standby"),
    [RIG_ACTIVE] = STR_INIT("active"),
    [RIG_DEMOTED] = STR_INIT("demoted"),
};

static struct expr_value unknown(enum expr_type type)
{
    return (struct expr_value){.type = type};
}

static struct expr_value number(enum expr_type type, int64_t i)
{
    return (struct expr_value){.type = type, .known = true, .i = i};
}

static struct expr_value moment(int64_t at)
{
    return at < 0 ? unknown(EXPR_TIME) : number(EXPR_TIME, at);
}

static struct expr_value truth(bool b)
{
    return number(EXPR_BOOL, b);
}

static struct expr_value text(struct str s)
{
    return (struct expr_value){.type = EXPR_STRING, .known = true, .s = s};
}

static struct expr_value word(struct str s) /* empty: none */
{
    return s.n ? text(s) : unknown(EXPR_STRING);
}

static struct expr_value site_ref(const struct ledger *l, int32_t site)
{
    return site < 0 ? unknown(EXPR_STRING) : text(l->rig->sites[site].name);
}

static struct expr_value absent(uint32_t collection, uint32_t field)
{
    return unknown(scenario_vocabulary.collections[collection].fields[field].type);
}

static uint32_t count(void *ctx, uint32_t collection)
{
    const struct ledger *l = ctx;
    switch ((enum vocabulary_collection)collection) {
    case VOC_AGENT:
        return (uint32_t)l->rig->agents_n;
    case VOC_CLUSTER:
        return (uint32_t)l->rig->clusters_n;
    case VOC_SERVER:
        return (uint32_t)l->servers_n;
    case VOC_SITE:
        return (uint32_t)l->rig->sites_n;
    case VOC_FAULT:
        return (uint32_t)l->faults_n;
    case VOC_CACHE:
        return (uint32_t)(l->servers_n * LEDGER_SERVER_CACHES +
                          l->rig->agents_n * LEDGER_AGENT_CACHES);
    case VOC_NODE:
    case VOC_TRAFFIC:
    case VOC_COLLECTION_COUNT:;
    }
    return 0;
}

static struct expr_value agent_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    const struct ledger_agent *a = &l->agents[item];
    const struct rig_agent *r = &l->rig->agents[item];
    const struct rig_cluster *c = &l->rig->clusters[r->cluster];
    const struct plan_resolver *resolver = PLAN_RESOLVER(l->plan, c->resolver);
    switch (field) {
    case VOC_AGENT_NAME:
        return text(r->process.name);
    case VOC_AGENT_CLUSTER:
        return text(c->name);
    case VOC_AGENT_GROUP:
        return text(PLAN_GROUP(l->plan, c->group)->origin.name);
    case VOC_AGENT_RUNNING:
        return truth(process_runs(&r->process));
    case VOC_AGENT_CONNECTED:
        return truth(a->connected);
    case VOC_AGENT_PEER:
        return site_ref(l, a->peer);
    case VOC_AGENT_RESOLVER:
        return text(resolver->origin.name);
    case VOC_AGENT_HOLD:
        return number(EXPR_DURATION, resolver->obey_ttl ? 0 : resolver->hold_ns);
    case VOC_AGENT_CONNECTED_AT:
        return moment(a->connected_at);
    case VOC_AGENT_LOST_AT:
        return moment(a->lost_at);
    case VOC_AGENT_RECONNECTED_AT:
        return moment(a->reconnected_at);
    case VOC_AGENT_ATTEMPTS:
        return number(EXPR_INT, a->attempts);
    case VOC_AGENT_RESTARTS:
        return number(EXPR_INT, r->process.restarts);
    case VOC_AGENT_REASON:
        return word(a->reason);
    default:
        return absent(VOC_AGENT, field);
    }
}

/* Where its agents are: of those that are connected, the last one's. */
static int32_t cluster_site(const struct ledger *l, uint32_t item)
{
    const struct rig_cluster *c = &l->rig->clusters[item];
    int32_t site = -1;
    for (size_t i = c->first_agent; i < c->first_agent + c->agents_n; i++)
        if (l->agents[i].connected)
            site = l->agents[i].peer;
    return site;
}

static struct expr_value cluster_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    const struct ledger_cluster *c = &l->clusters[item];
    const struct rig_cluster *r = &l->rig->clusters[item];
    switch (field) {
    case VOC_CLUSTER_NAME:
        return text(r->name);
    case VOC_CLUSTER_GROUP:
        return text(PLAN_GROUP(l->plan, r->group)->origin.name);
    case VOC_CLUSTER_STATE:
        return word(c->state);
    case VOC_CLUSTER_CONNECTED:
        return truth(c->connected);
    case VOC_CLUSTER_READY:
        return truth(c->ready);
    case VOC_CLUSTER_SITE:
        return site_ref(l, cluster_site(l, item));
    case VOC_CLUSTER_SESSIONS:
        return number(EXPR_INT, c->sessions);
    case VOC_CLUSTER_ACTIVE_AT:
        return moment(c->active_at);
    case VOC_CLUSTER_WRITER_SITE:
        return site_ref(l, (int32_t)history_at(&c->writer, l->now, -1));
    case VOC_CLUSTER_REASON:
        return word(c->reason);
    case VOC_CLUSTER_CONNECTION:
        return word(c->connection);
    case VOC_CLUSTER_CERTIFICATE:
        return word(c->certificate);
    case VOC_CLUSTER_UPDATED:
        return truth(c->updated);
    default:
        return absent(VOC_CLUSTER, field);
    }
}

static struct rig_replica *replica_at(const struct ledger *l, uint32_t item)
{
    size_t s = 0;
    while (item >= l->rig->sites[s].replicas_n)
        item -= (uint32_t)l->rig->sites[s++].replicas_n;
    return &l->rig->sites[s].replicas[item];
}

static struct expr_value server_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    const struct ledger_server *s = &l->servers[item];
    const struct rig_replica *r = replica_at(l, item);
    switch (field) {
    case VOC_SERVER_NAME:
        return text(r->process.name);
    case VOC_SERVER_SITE:
        return text(r->site->name);
    case VOC_SERVER_RUNNING:
        return truth(s->runs);
    case VOC_SERVER_LEADER:
        return truth(s->leader);
    case VOC_SERVER_SESSIONS:
        return number(EXPR_INT, s->sessions);
    case VOC_SERVER_PEERS:
        return number(EXPR_INT, s->peers);
    case VOC_SERVER_STARTED_AT:
        return moment(s->started_at);
    default:
        return absent(VOC_SERVER, field);
    }
}

static bool site_alive(const struct rig_site *s)
{
    for (size_t i = 0; i < s->replicas_n; i++)
        if (process_runs(&s->replicas[i].process))
            return true;
    return false;
}

static struct expr_value site_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    const struct rig_site *s = &l->rig->sites[item];
    int64_t agents = 0;
    switch (field) {
    case VOC_SITE_NAME:
        return text(str_sub(s->name, 5, s->name.n)); /* without "site/" */
    case VOC_SITE_ROLE:
        return text(role_names[s->role]);
    case VOC_SITE_ALIVE:
        return truth(site_alive(s));
    case VOC_SITE_DIED_AT:
        return moment(s->died_at);
    case VOC_SITE_PROMOTED_AT:
        return moment(s->promoted_at);
    case VOC_SITE_DEMOTED_AT:
        return moment(s->demoted_at);
    case VOC_SITE_AGENTS:
        for (size_t i = 0; i < l->rig->agents_n; i++)
            agents += l->agents[i].connected && l->agents[i].peer == (int32_t)item;
        return number(EXPR_INT, agents);
    default:
        return absent(VOC_SITE, field);
    }
}

static struct expr_value fault_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    const struct ledger_fault *f = l->faults[item];
    switch (field) {
    case VOC_FAULT_NAME:
        return text(f->name);
    case VOC_FAULT_FIRED:
        return number(EXPR_INT, (int64_t)f->fired);
    case VOC_FAULT_ACTIVE:
        return truth(f->active);
    default:
        return moment(f->started_at);
    }
}

/* ---- caches ---- */

static struct expr_value cache_field(const struct ledger *l, uint32_t item, uint32_t field)
{
    uint32_t of_servers = (uint32_t)(l->servers_n * LEDGER_SERVER_CACHES);
    bool server = item < of_servers;
    uint32_t rest = server ? item : item - of_servers;
    uint32_t kinds = server ? LEDGER_SERVER_CACHES : LEDGER_AGENT_CACHES;
    uint32_t owner = rest / kinds, kind = rest % kinds;
    const struct ledger_cache *c =
        server ? &l->servers[owner].caches[kind] : &l->agents[owner].caches[kind];
    struct str process =
        server ? replica_at(l, owner)->process.name : l->rig->agents[owner].process.name;
    switch (field) {
    case VOC_CACHE_NAME:
    case VOC_CACHE_OF:
        return text(process);
    case VOC_CACHE_CLUSTER:
        return server ? unknown(EXPR_STRING)
                      : text(l->rig->clusters[l->rig->agents[owner].cluster].name);
    case VOC_CACHE_KIND:
        return text(server ? server_cache_kind(kind)->resource : agent_caches_kind(kind)->resource);
    case VOC_CACHE_SYNCED:
        return truth(c->synced);
    case VOC_CACHE_DATA_AGE:
        return c->heard_at <= 0 ? unknown(EXPR_DURATION)
                                : number(EXPR_DURATION, l->now - c->heard_at);
    default:
        break;
    }
    if (!c->known)
        return absent(VOC_CACHE, field);
    switch (field) {
    case VOC_CACHE_COUNT:
        return number(EXPR_INT, c->count);
    case VOC_CACHE_MISSING:
        return number(EXPR_INT, c->missing);
    case VOC_CACHE_SURPLUS:
        return number(EXPR_INT, c->surplus);
    case VOC_CACHE_STALE:
        return number(EXPR_INT, c->stale);
    default:
        return absent(VOC_CACHE, field);
    }
}

/* ---- the table ---- */

static struct expr_value field(void *ctx, uint32_t collection, uint32_t item, uint32_t id)
{
    const struct ledger *l = ctx;
    switch ((enum vocabulary_collection)collection) {
    case VOC_AGENT:
        return agent_field(l, item, id);
    case VOC_CLUSTER:
        return cluster_field(l, item, id);
    case VOC_SERVER:
        return server_field(l, item, id);
    case VOC_SITE:
        return site_field(l, item, id);
    case VOC_FAULT:
        return fault_field(l, item, id);
    case VOC_CACHE:
        return cache_field(l, item, id);
    case VOC_NODE:
    case VOC_TRAFFIC:
    case VOC_COLLECTION_COUNT:;
    }
    return unknown(EXPR_STRING); /* there are none */
}

static struct str item_name(void *ctx, uint32_t collection, uint32_t item)
{
    return field(ctx, collection, item, 0).s; /* every collection's first field is its name */
}

static int64_t item_find(void *ctx, uint32_t collection, struct str name)
{
    uint32_t n = count(ctx, collection);
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(item_name(ctx, collection, i), name))
            return i;
    return -1;
}

static struct expr_value global(void *ctx, uint32_t which)
{
    const struct ledger *l = ctx;
    int64_t sum = 0;
    if (which == VOC_GLOBAL_MANAGER_LEADERS)
        for (size_t i = 0; i < l->servers_n; i++)
            sum += l->servers[i].leader;
    else if (which == VOC_GLOBAL_MANAGER_QUEUE_DEPTH)
        for (size_t i = 0; i < l->servers_n; i++)
            sum += l->servers[i].depth;
    else
        sum = l->counters[which].value;
    return number(EXPR_INT, sum);
}

static int64_t rate(void *ctx, uint32_t which, int64_t window, int64_t now, int64_t *drops_at)
{
    const struct ledger *l = ctx;
    return history_growth(&l->counters[which].history, window, now, drops_at);
}

static int64_t distinct(void *ctx, uint32_t collection, uint32_t item, uint32_t field_id,
                        int64_t window, int64_t now, int64_t *drops_at)
{
    const struct ledger *l = ctx;
    BUG_ON(collection != VOC_CLUSTER, "only clusters keep histories");
    (void)field_id;
    return history_distinct(&l->clusters[item].writer, window, now, drops_at);
}

static struct expr_value step_time(void *ctx, uint32_t step)
{
    const struct ledger *l = ctx;
    return moment(l->step_ended[step]);
}

static bool same_state(void *ctx, uint32_t id, struct buf *why)
{
    (void)ctx;
    (void)id;
    (void)why;
    BUG_ON(true, "means.c lets no comparison of states through");
    return false;
}

const struct expr_ops ledger_ops = {.count = count,
                                    .field = field,
                                    .item_name = item_name,
                                    .item_find = item_find,
                                    .global = global,
                                    .rate = rate,
                                    .distinct = distinct,
                                    .step_time = step_time,
                                    .same_state = same_state};
