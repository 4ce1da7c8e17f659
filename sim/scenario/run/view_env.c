/* The answers to what expressions name. */
#include "sim/scenario/run/view_internal.h"

#include "engine/base/metrics.h"
#include "engine/kube/management.h"
#include "sim/scenario/run/reference.h"

static const struct str role_names[] = {
    [SITE_STANDBY] = STR_INIT("standby"),
    [SITE_ACTIVE] = STR_INIT("active"),
    [SITE_DEMOTED] = STR_INIT("demoted"),
};

static struct expr_value unknown(enum expr_type type)
{
    return (struct expr_value){.type = type};
}

static struct expr_value number(enum expr_type type, int64_t i)
{
    return (struct expr_value){.type = type, .known = true, .i = i};
}

/* -1 is "not yet" for times. */
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

static struct expr_value site_ref(const struct view *v, int32_t site)
{
    return site < 0 ? unknown(EXPR_STRING) : text(v->estate->sites[site]->name);
}

/* ---- items ---- */

static uint32_t nodes_total(const struct view *v)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v->clusters_n; i++)
        n += sim_cluster_nodes(v->estate->clusters[i].sim);
    return n;
}

static uint32_t count(void *ctx, uint32_t collection)
{
    struct view *v = ctx;
    BUG_ON(collection >= VOC_COLLECTION_COUNT, "the vocabulary has no such collection");
    switch ((enum vocabulary_collection)collection) {
    case VOC_AGENT:
        return (uint32_t)v->agents_n;
    case VOC_CLUSTER:
        return (uint32_t)v->clusters_n;
    case VOC_SERVER:
        return (uint32_t)v->servers_n;
    case VOC_SITE:
        return (uint32_t)v->estate->sites_n;
    case VOC_NODE:
        return nodes_total(v);
    case VOC_FAULT:
        return (uint32_t)v->faults_n;
    case VOC_TRAFFIC:
        return (uint32_t)v->plan->traffic_n;
    case VOC_CACHE:
    case VOC_COLLECTION_COUNT:;
    }
    return view_caches_count(v->caches);
}

static struct cluster_agent *instance_of(const struct view *v, const struct view_agent *a)
{
    return sim_cluster_agent(v->estate->clusters[a->cluster].sim, a->slot);
}

static struct expr_value agent_resolver(const struct view *v, const struct view_agent *a)
{
    int32_t kind = v->estate->clusters[a->cluster].resolver;
    return text(PLAN_RESOLVER(v->plan, kind)->origin.name);
}

/* How long its resolver may serve an answer whatever the record says. */
static struct expr_value agent_hold(const struct view *v, const struct view_agent *a)
{
    int32_t kind = v->estate->clusters[a->cluster].resolver;
    const struct plan_resolver *r = PLAN_RESOLVER(v->plan, kind);
    return number(EXPR_DURATION, r->obey_ttl ? 0 : r->hold_ns);
}

static struct expr_value agent_last_byte(const struct view *v, const struct view_agent *a)
{
    struct cluster_agent *in = instance_of(v, a);
    if (!in || !a->connected)
        return moment(a->lost_at);
    return moment(cluster_agent_state(in).link.heard_at);
}

/* The manager takes the oldest or the newest of a cluster's sessions: the agent behind it is the active one. */
static bool agent_leads(const struct view *v, const struct view_agent *a)
{
    const struct view_agent *best = NULL;
    bool newest = policy_get(&v->plan->policies, POLICY_SESSION_CHOICE) == POLICY_SESSION_NEWEST;
    for (size_t i = v->estate->clusters[a->cluster].first_agent;
         i < v->agents_n && v->agents[i].cluster == a->cluster; i++) {
        const struct view_agent *b = &v->agents[i];
        bool better = !best || (newest ? b->connected_at > best->connected_at
                                       : b->connected_at < best->connected_at);
        if (b->connected && better)
            best = b;
    }
    return best == a;
}

static struct expr_value holdings(const struct sim_process *p, uint32_t first, uint32_t field)
{
    struct sim_holdings h = sim_process_holdings(p);
    const size_t fields[] = {h.streams, h.tasks, h.bytes}; /* in the vocabulary's order */
    BUG_ON(field - first >= ARRAY_LEN(fields), "a process has three kinds of holdings");
    return number(EXPR_INT, (int64_t)fields[field - first]);
}

static struct expr_value agent_field(const struct view *v, uint32_t item, uint32_t field)
{
    const struct view_agent *a = &v->agents[item];
    const struct estate_cluster *c = &v->estate->clusters[a->cluster];
    switch (field) {
    case VOC_AGENT_NAME:
        return text(a->name);
    case VOC_AGENT_CLUSTER:
        return text(sim_cluster_name(c->sim));
    case VOC_AGENT_GROUP:
        return text(PLAN_GROUP(v->plan, c->group)->origin.name);
    case VOC_AGENT_RUNNING:
        return truth(instance_of(v, a) != NULL);
    case VOC_AGENT_CONNECTED:
        return truth(a->connected);
    case VOC_AGENT_PEER:
        return site_ref(v, a->peer);
    case VOC_AGENT_RESOLVER:
        return agent_resolver(v, a);
    case VOC_AGENT_HOLD:
        return agent_hold(v, a);
    case VOC_AGENT_LAST_BYTE:
        return agent_last_byte(v, a);
    case VOC_AGENT_CONNECTED_AT:
        return moment(a->connected_at);
    case VOC_AGENT_LOST_AT:
        return moment(a->lost_at);
    case VOC_AGENT_RECONNECTED_AT:
        return moment(a->reconnected_at);
    case VOC_AGENT_ATTEMPTS:
        return number(EXPR_INT, a->attempts);
    case VOC_AGENT_REASON:
        return a->reason.n ? text(a->reason) : unknown(EXPR_STRING);
    case VOC_AGENT_RESTARTS:
        return number(EXPR_INT, sim_cluster_restarts(c->sim, a->slot));
    case VOC_AGENT_LEADER:
        return truth(agent_leads(v, a));
    default:
        return holdings(sim_cluster_process(c->sim, a->slot), VOC_AGENT_STREAMS, field);
    }
}

/* A cluster whose API is down keeps what it had. */
static bool agent_remains(const struct sim_cluster *c)
{
    struct kubeapi *api = apihost_api(sim_cluster_api(c));
    return !api || kubeapi_get(api, STR("namespaces"), str_empty, STR(NAMESPACE_SYSTEM));
}

/* Walked when asked: nothing is counted along. */
static int64_t count_pods(const struct sim_cluster *c, bool running)
{
    struct kubeapi *api = apihost_api(sim_cluster_api(c));
    int64_t n = 0;
    if (!api)
        return 0;
    struct store_cursor at = store_seek(kubeapi_table(api, STR("pods")), str_empty, str_empty);
    for (const struct kube_object *pod; (pod = store_next(&at));)
        n += !running || str_eq_c(kube_object_string(pod, "status.phase"), "Running");
    return n;
}

static struct expr_value cluster_field(const struct view *v, uint32_t item, uint32_t field)
{
    const struct view_cluster *c = &v->clusters[item];
    const struct estate_cluster *e = &v->estate->clusters[item];
    switch (field) {
    case VOC_CLUSTER_NAME:
        return text(sim_cluster_name(e->sim));
    case VOC_CLUSTER_GROUP:
        return text(PLAN_GROUP(v->plan, e->group)->origin.name);
    case VOC_CLUSTER_STATE:
        return c->state.n ? text(c->state) : unknown(EXPR_STRING);
    case VOC_CLUSTER_CONNECTED:
        return truth(c->connected);
    case VOC_CLUSTER_READY:
        return truth(c->ready);
    case VOC_CLUSTER_SITE:
        return site_ref(v, c->site);
    case VOC_CLUSTER_SESSIONS:
        return number(EXPR_INT, c->sessions);
    case VOC_CLUSTER_ACTIVE_AT:
        return moment(c->active_at);
    case VOC_CLUSTER_REASON:
        return c->reason.n ? text(c->reason) : unknown(EXPR_STRING);
    case VOC_CLUSTER_CONNECTION:
        return c->connection.n ? text(c->connection) : unknown(EXPR_STRING);
    case VOC_CLUSTER_CERTIFICATE:
        return c->certificate.n ? text(c->certificate) : unknown(EXPR_STRING);
    case VOC_CLUSTER_UPDATED:
        return truth(c->updated);
    case VOC_CLUSTER_REMAINS:
        return truth(agent_remains(e->sim));
    case VOC_CLUSTER_PODS:
    case VOC_CLUSTER_PODS_RUNNING:
        return number(EXPR_INT, count_pods(e->sim, field == VOC_CLUSTER_PODS_RUNNING));
    case VOC_CLUSTER_WRITER_SITE:
        return site_ref(v, (int32_t)history_at(&c->writer, sim_now(v->estate->sim), -1));
    default:
        return unknown(EXPR_STRING); /* writer: only distinct(...) takes it */
    }
}

/* A process that is paused cannot find out that its lease is over: what counts is whether it could still write. */
static bool leads(const struct view_server *s)
{
    struct server *in = replica_server(s->replica);
    return s->leader && in && server_state(in).leading;
}

static struct expr_value server_field(const struct view *v, uint32_t item, uint32_t field)
{
    const struct view_server *s = &v->servers[item];
    struct server *in = replica_server(s->replica);
    switch (field) {
    case VOC_SERVER_NAME:
        return text(s->replica->note_name);
    case VOC_SERVER_SITE:
        return text(s->site->name);
    case VOC_SERVER_RUNNING:
        return truth(in != NULL);
    case VOC_SERVER_LEADER:
        return truth(leads(s));
    case VOC_SERVER_SESSIONS:
        return number(EXPR_INT, s->sessions);
    case VOC_SERVER_PEERS:
        return number(EXPR_INT, in ? (int64_t)server_state(in).peers : 0);
    case VOC_SERVER_STARTED_AT:
        return moment(s->started_at);
    default:
        return holdings(s->replica->process, VOC_SERVER_STREAMS, field);
    }
}

static int64_t site_agents(const struct view *v, uint32_t site)
{
    int64_t n = 0;
    for (size_t i = 0; i < v->agents_n; i++)
        n += v->agents[i].connected && v->agents[i].peer == (int32_t)site;
    return n;
}

static struct str site_setting(const struct site *s, const char *name)
{
    struct kubeapi *api = apihost_api(s->api);
    const struct kube_object *o =
        api ? kubeapi_get(api, STR("settings." MANAGEMENT_GROUP), str_empty, str_c(name)) : NULL;
    return o ? kube_object_string(o, "value") : str_empty;
}

/* "ExpiresWithin7Days: ..." */
static struct expr_value site_certificate(const struct site *s)
{
    struct str word, rest;
    (void)str_cut(site_setting(s, "certificate-expiry"), ':', &word, &rest);
    return word.n ? text(word) : unknown(EXPR_STRING);
}

/* "PIN over" or "PIN waiting for 2 of 40: ..." */
static struct expr_value rotation_waits(const struct site *s)
{
    static const struct str words = STR_INIT(" waiting for ");
    struct str value = site_setting(s, "ca-rotation"), count_text, rest;
    ptrdiff_t at = str_find(value, words);
    int64_t n = 0;
    if (!value.n)
        return unknown(EXPR_INT);
    if (at >= 0) {
        str_cut(str_sub(value, (size_t)at + words.n, value.n), ' ', &count_text, &rest);
        (void)str_to_i64(count_text, &n);
    }
    return number(EXPR_INT, n);
}

static struct expr_value site_field(const struct view *v, uint32_t item, uint32_t field)
{
    const struct site *s = v->estate->sites[item];
    switch (field) {
    case VOC_SITE_NAME:
        return text(str_sub(s->name, 5, s->name.n)); /* without "site/" */
    case VOC_SITE_ROLE:
        return text(role_names[s->role]);
    case VOC_SITE_ALIVE:
        return truth(site_is_alive(s));
    case VOC_SITE_DIED_AT:
        return moment(s->died_at);
    case VOC_SITE_PROMOTED_AT:
        return moment(s->promoted_at);
    case VOC_SITE_ROTATION_WAITS:
        return rotation_waits(s);
    case VOC_SITE_CERTIFICATE:
        return site_certificate(s);
    case VOC_SITE_DEMOTED_AT:
        return moment(s->demoted_at);
    default:
        return number(EXPR_INT, site_agents(v, item));
    }
}

static struct expr_value node_field(const struct view *v, uint32_t item, uint32_t field)
{
    for (size_t i = 0; i < v->clusters_n; i++) {
        const struct sim_cluster *c = v->estate->clusters[i].sim;
        if (item >= sim_cluster_nodes(c)) {
            item -= sim_cluster_nodes(c);
            continue;
        }
        if (field == VOC_NODE_READY)
            return truth(sim_cluster_node_ready(c, item));
        if (field == VOC_NODE_REPLACED)
            return number(EXPR_INT, sim_cluster_node_replaced(c, item));
        if (field == VOC_NODE_CONDITIONS)
            return number(EXPR_INT, sim_cluster_node_conditions(c, item));
        if (field == VOC_NODE_STATE)
            return text(sim_cluster_node_phase(c, item));
        return text(field == VOC_NODE_NAME ? sim_cluster_node_name(c, item) : sim_cluster_name(c));
    }
    return unknown(EXPR_STRING);
}

static const struct expr_domain *fault_names(const struct view *v)
{
    const struct expr_scope *scope = &v->plan->scope;
    for (size_t i = 0; i < scope->domains_n; i++)
        if (str_eq_c(str_c(scope->domains[i].name), "faults"))
            return &scope->domains[i];
    return NULL;
}

/* What the scenario names and has not begun has a number behind those that have. */
static int64_t find_fault_to_come(const struct view *v, struct str name)
{
    const struct expr_domain *names = fault_names(v);
    for (size_t i = 0; names && i < names->n; i++)
        if (str_eq(names->values[i], name))
            return (int64_t)(v->faults_n + i);
    return -1;
}

static struct expr_value fault_to_come(const struct view *v, uint32_t i, uint32_t field)
{
    const struct expr_domain *names = fault_names(v);
    BUG_ON(!names || i >= names->n, "a fault has begun, or the scenario names it");
    switch (field) {
    case VOC_FAULT_NAME:
        return text(names->values[i]);
    case VOC_FAULT_FIRED:
        return number(EXPR_INT, 0);
    case VOC_FAULT_ACTIVE:
        return truth(false);
    default:
        return moment(-1);
    }
}

static struct expr_value fault_field(const struct view *v, uint32_t item, uint32_t field)
{
    if (item >= v->faults_n)
        return fault_to_come(v, item - (uint32_t)v->faults_n, field);
    const struct view_fault *f = v->faults[item];
    switch (field) {
    case VOC_FAULT_NAME:
        return text(f->name);
    case VOC_FAULT_FIRED:
        return number(EXPR_INT, (int64_t)f->fired(f->owner));
    case VOC_FAULT_ACTIVE:
        return truth(f->active);
    default:
        return moment(f->started_at);
    }
}

static struct expr_value field(void *ctx, uint32_t collection, uint32_t item, uint32_t field_id)
{
    const struct view *v = ctx;
    BUG_ON(collection >= VOC_COLLECTION_COUNT, "the vocabulary has no such collection");
    switch ((enum vocabulary_collection)collection) {
    case VOC_AGENT:
        return agent_field(v, item, field_id);
    case VOC_CLUSTER:
        return cluster_field(v, item, field_id);
    case VOC_SERVER:
        return server_field(v, item, field_id);
    case VOC_SITE:
        return site_field(v, item, field_id);
    case VOC_NODE:
        return node_field(v, item, field_id);
    case VOC_FAULT:
        return fault_field(v, item, field_id);
    case VOC_TRAFFIC:
        return traffic_field(v->traffic, item, field_id);
    case VOC_CACHE:
    case VOC_COLLECTION_COUNT:;
    }
    return view_caches_field(v->caches, item, field_id);
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
    return collection == VOC_FAULT ? find_fault_to_come(ctx, name) : -1;
}

/* ---- counters ---- */

static bool is_write(struct str labels)
{
    static const char *const verbs[] = {"verb=\"create\"", "verb=\"update\"", "verb=\"patch\"",
                                        "verb=\"delete\"", "verb=\"deletecollection\""};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_find(labels, str_c(verbs[i])) >= 0)
            return true;
    return false;
}

static const struct str faults = STR_INIT("apiserver_fault_total{");

/* What no answer's code tells: events that never came, came late or came again. */
static bool is_told_by_fault(enum vocabulary_global which, struct str key)
{
    static const struct {
        enum vocabulary_global which;
        const char *kind;
    } told[] = {{VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_drop\""},
                {VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_loss\""},
                {VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_unobserved\""},
                {VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_stall\""},
                {VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_reorder\""},
                {VOC_GLOBAL_API_EVENTS_WITHHELD, "\"watch_no_bookmark\""},
                {VOC_GLOBAL_API_EVENTS_REPEATED, "\"watch_duplicate\""}};
    for (size_t i = 0; i < ARRAY_LEN(told) && str_starts(key, faults); i++)
        if (told[i].which == which && str_find(key, str_c(told[i].kind)) >= 0)
            return true;
    return false;
}

static int64_t api_requests(struct kubeapi *api, enum vocabulary_global which)
{
    static const struct str prefix = STR_INIT("apiserver_request_total{");
    struct str key;
    int64_t sum = 0;
    if (!api)
        return 0;
    struct metrics *m = kubeapi_metrics(api);
    if (which == VOC_GLOBAL_API_WATCHES_CUT)
        return metrics_value(m, "apiserver_watches_cut_total", str_empty);
    if (which == VOC_GLOBAL_API_ANSWERS_410) /* a watch hears of it in its stream */
        sum = metrics_value(m, "apiserver_watches_gone_total", str_empty);
    for (size_t i = 0; map_next(&m->cells, &i, &key, NULL);) {
        if (is_told_by_fault(which, key))
            sum += metrics_value(m, "apiserver_fault_total", str_sub(key, faults.n, key.n));
        if (!str_starts(key, prefix))
            continue;
        struct str labels = str_sub(key, prefix.n, key.n);
        bool counts =
            which == VOC_GLOBAL_API_REQUESTS ||
            (which == VOC_GLOBAL_API_WRITES && is_write(labels)) ||
            (which == VOC_GLOBAL_API_CONFLICTS && str_find(labels, STR("code=\"409\"")) >= 0) ||
            (which == VOC_GLOBAL_API_ANSWERS_410 && str_find(labels, STR("code=\"410\"")) >= 0) ||
            (which == VOC_GLOBAL_API_ANSWERS_429 && str_find(labels, STR("code=\"429\"")) >= 0);
        if (counts)
            sum += metrics_value(m, "apiserver_request_total", labels);
    }
    return sum;
}

/* Over every API: summed when asked, since thousands of APIs count each for itself. */
static int64_t api_sum(const struct view *v, enum vocabulary_global which)
{
    int64_t sum = 0;
    for (size_t i = 0; i < v->estate->sites_n; i++)
        sum += api_requests(apihost_api(v->estate->sites[i]->api), which);
    for (size_t i = 0; i < v->clusters_n; i++)
        sum += api_requests(apihost_api(sim_cluster_api(v->estate->clusters[i].sim)), which);
    return sum;
}

static int64_t leaders(const struct view *v)
{
    int64_t n = 0;
    for (size_t i = 0; i < v->servers_n; i++)
        n += leads(&v->servers[i]);
    return n;
}

/* Of the sites' APIs, whoever writes; leases are written all the time and say nothing about clusters. */
static int64_t upstream_writes(const struct view *v)
{
    int64_t sum = -v->leases;
    for (size_t i = 0; i < v->estate->sites_n; i++)
        sum += api_requests(apihost_api(v->estate->sites[i]->api), VOC_GLOBAL_API_WRITES);
    return sum;
}

static int64_t api_value(const struct view *v, enum vocabulary_global which)
{
    return which == VOC_GLOBAL_UPSTREAM_WRITES ? upstream_writes(v) : api_sum(v, which);
}

static struct expr_value global(void *ctx, uint32_t which)
{
    struct view *v = ctx;
    if (which == VOC_GLOBAL_MANAGER_LEADERS)
        return number(EXPR_INT, leaders(v));
    if (which >= VOC_GLOBAL_API_REQUESTS && which <= VOC_GLOBAL_UPSTREAM_WRITES)
        return number(EXPR_INT, api_value(v, (enum vocabulary_global)which));
    return number(EXPR_INT, v->counters[which].value);
}

static int64_t rate(void *ctx, uint32_t which, int64_t window, int64_t now, int64_t *drops_at)
{
    struct view *v = ctx;
    return history_growth(&v->counters[which].history, window, now, drops_at);
}

static int64_t distinct(void *ctx, uint32_t collection, uint32_t item, uint32_t field_id,
                        int64_t window, int64_t now, int64_t *drops_at)
{
    struct view *v = ctx;
    BUG_ON(collection != VOC_CLUSTER, "only clusters keep histories");
    (void)
        field_id; /* writer and writer.site are the same record: replicas of one site share its lease */
    return history_distinct(&v->clusters[item].writer, window, now, drops_at);
}

static struct expr_value step_time(void *ctx, uint32_t step)
{
    const struct view *v = ctx;
    return moment(v->step_ended[step]);
}

static bool same_state(void *ctx, uint32_t id, struct buf *why)
{
    const struct view *v = ctx;
    BUG_ON(!v->reference, "a plan that compares states has a reference");
    return reference_same(v->reference, v->estate, id, why);
}

const struct expr_ops view_ops = {.count = count,
                                  .field = field,
                                  .item_name = item_name,
                                  .item_find = item_find,
                                  .global = global,
                                  .rate = rate,
                                  .distinct = distinct,
                                  .step_time = step_time,
                                  .same_state = same_state};

void view_poll_apis(struct view *v)
{
    if (!v->apis_asked)
        return;
    for (uint32_t i = VOC_GLOBAL_API_REQUESTS; i <= VOC_GLOBAL_UPSTREAM_WRITES; i++) {
        int64_t sum = api_value(v, (enum vocabulary_global)i);
        struct view_counter *c = &v->counters[i];
        if (sum == c->value)
            continue;
        c->value = sum;
        history_add(&c->history, sim_now(v->estate->sim), sum);
        view_changed_global(v, i);
    }
}
