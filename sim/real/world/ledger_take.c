/* What programs answer, into the ledger. */
#include "sim/real/world/ledger.h"

#include "engine/base/json.h"
#include "engine/controllers/cluster/state.h"
#include "engine/kube/conditions.h"

/* ---- agents ---- */

static void set_reason(struct ledger *l, size_t agent, struct str reason)
{
    struct ledger_agent *a = &l->agents[agent];
    if (str_eq(a->reason, reason))
        return;
    str_free(&a->reason);
    a->reason = str_dup(reason);
    ledger_changed(l, VOC_AGENT, VOC_AGENT_REASON, agent);
}

/* "10.64.0.7:443" → the site that has this address. */
static int32_t peer_of(const struct ledger *l, const cJSON *health)
{
    const cJSON *sessions = json_get(health, "sessions");
    int32_t site = -1;
    for (const cJSON *s = sessions ? sessions->child : NULL; s; s = s->next) {
        struct str host, port;
        (void)str_cut(json_string_at(s, "peer"), ':', &host, &port);
        int32_t found = rig_site_of(l->rig, host);
        if (!json_bool_at(s, "leaving", false) || site < 0)
            site = found;
    }
    return site;
}

static void agent_connected(struct ledger *l, size_t agent, int32_t peer)
{
    struct ledger_agent *a = &l->agents[agent];
    a->peer = peer;
    a->connected_at = l->now;
    if (a->lost_at >= 0)
        a->reconnected_at = l->now;
    a->connected = true;
    static const uint32_t fields[] = {VOC_AGENT_CONNECTED, VOC_AGENT_PEER, VOC_AGENT_CONNECTED_AT,
                                      VOC_AGENT_RECONNECTED_AT};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        ledger_changed(l, VOC_AGENT, fields[i], agent);
    ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_SITE, l->rig->agents[agent].cluster);
    for (size_t i = 0; i < l->rig->sites_n; i++)
        ledger_changed(l, VOC_SITE, VOC_SITE_AGENTS, i);
}

/* Its own counters: failures since it was last connected, and connections. What it failed in vain between two looks that
 * both saw none is not seen. */
static void count_attempts(struct ledger *l, size_t agent, int64_t failures, int64_t connects)
{
    struct ledger_agent *a = &l->agents[agent];
    int64_t more = connects > a->connects ? connects - a->connects : 0;
    more += failures >= a->failures ? failures - a->failures : failures;
    a->failures = failures;
    a->connects = connects;
    a->attempts += more;
    if (more)
        ledger_changed(l, VOC_AGENT, VOC_AGENT_ATTEMPTS, agent);
}

/* It tells of all of them together: when every one has been listed, and for how long the most silent one was silent. */
static void take_agent_caches(struct ledger *l, size_t agent, const cJSON *health)
{
    struct ledger_agent *a = &l->agents[agent];
    bool synced = json_bool_at(health, "caches.synced", false), changed = false;
    int64_t silent_ms = json_int_at(health, "caches.silentMs", -1);
    for (size_t i = 0; i < LEDGER_AGENT_CACHES; i++) {
        changed = changed || a->caches[i].synced != synced;
        a->caches[i].synced = synced;
        a->caches[i].heard_at = silent_ms < 0 ? -1 : l->now - silent_ms * NS_PER_MS;
    }
    if (changed)
        ledger_cache_changed(l);
}

void ledger_take_health(struct ledger *l, size_t agent, struct str body)
{
    const struct ledger_agent *a = &l->agents[agent];
    struct arena arena = {0};
    cJSON *o = NULL;
    err_ignore(json_parse(&arena, body, &o));
    if (o) {
        bool connected = json_bool_at(o, "connected", false);
        bool again = json_int_at(o, "connects", 0) > a->connects;
        int32_t peer = connected ? peer_of(l, o) : -1;
        if (!connected || (a->connected && (again || peer != a->peer)))
            ledger_agent_lost(l, agent);
        if (connected && !a->connected)
            agent_connected(l, agent, peer);
        set_reason(l, agent, json_string_at(o, "reason"));
        count_attempts(l, agent, json_int_at(o, "failures", 0), json_int_at(o, "connects", 0));
        take_agent_caches(l, agent, o);
    }
    arena_free(&arena);
}

/* ---- servers ---- */

/* The value of the sample with this name and labels, such as `paddock_tunnel_sessions{kind="client"}`; -1: none. */
static int64_t sample(struct str page, struct str series)
{
    struct str line, rest = page, number;
    while (rest.n > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_starts(line, series) || line.n <= series.n || line.p[series.n] != ' ')
            continue;
        int64_t value = -1;
        number = str_sub(line, series.n + 1, line.n);
        return str_to_i64(number, &value) ? value : -1;
    }
    return -1;
}

/* The sum over all labels. */
static int64_t sum_of(struct str page, struct str prefix)
{
    struct str line, rest = page;
    int64_t sum = 0;
    while (rest.n > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_starts(line, prefix))
            continue;
        int64_t value = 0;
        size_t blank = line.n;
        while (blank > 0 && line.p[blank - 1] != ' ')
            blank--;
        if (str_to_i64(str_sub(line, blank, line.n), &value))
            sum += value;
    }
    return sum;
}

static void set_leader(struct ledger *l, size_t server, bool leads)
{
    struct ledger_server *s = &l->servers[server];
    if (s->leader == leads)
        return;
    s->leader = leads;
    ledger_changed(l, VOC_SERVER, VOC_SERVER_LEADER, server);
    if (leads)
        ledger_count(l, VOC_GLOBAL_MANAGER_LEADER_CHANGES, 1);
    if (l->monitor)
        monitor_changed_global(l->monitor, VOC_GLOBAL_MANAGER_LEADERS);
    for (size_t i = 0; i < l->waits_n; i++)
        expr_tracker_touch(l->waits[i],
                           (struct expr_dep){EXPR_DEP_GLOBAL, VOC_GLOBAL_MANAGER_LEADERS, 0});
}

static void set_caches(struct ledger *l, size_t server, struct str page)
{
    static const char *const resources[LEDGER_SERVER_CACHES] = {
        "clusters", "clusterregistrationtokens", "settings", "secrets", "endpoints"};
    struct ledger_server *s = &l->servers[server];
    bool changed = false;
    for (size_t i = 0; i < LEDGER_SERVER_CACHES; i++) {
        struct buf series = {0};
        buf_addf(&series, "paddock_cache_synced{resource=\"%s\"}", resources[i]);
        bool synced = sample(page, buf_str(&series)) == 1;
        changed = changed || synced != s->caches[i].synced;
        s->caches[i].synced = synced;
        buf_free(&series);
    }
    if (changed)
        ledger_cache_changed(l);
}

void ledger_take_metrics(struct ledger *l, size_t server, struct str page)
{
    struct ledger_server *s = &l->servers[server];
    if (!s->runs)
        return; /* the answer came behind its end */
    int64_t sessions = sample(page, STR("paddock_tunnel_sessions{kind=\"client\"}"));
    int64_t begun = sample(page, STR("paddock_tunnel_sessions_begun_total{kind=\"client\"}"));
    int64_t peers = sample(page, STR("paddock_peers_connected"));
    set_leader(l, server, sample(page, STR("paddock_leader")) == 1);
    if (begun > s->begun) {
        ledger_count(l, VOC_GLOBAL_MANAGER_HANDSHAKES, begun - s->begun);
        ledger_count(l, VOC_GLOBAL_TUNNEL_OPENED, begun - s->begun);
        s->begun = begun;
    }
    if (sessions >= 0 && sessions != s->sessions) {
        ledger_count(l, VOC_GLOBAL_TUNNEL_SESSIONS, sessions - s->sessions);
        s->sessions = sessions;
        ledger_changed(l, VOC_SERVER, VOC_SERVER_SESSIONS, server);
    }
    if (peers >= 0 && peers != s->peers) {
        s->peers = peers;
        ledger_changed(l, VOC_SERVER, VOC_SERVER_PEERS, server);
    }
    int64_t depth = sum_of(page, STR("paddock_workqueue_depth{"));
    if (depth != s->depth) {
        s->depth = depth;
        if (l->monitor)
            monitor_changed_global(l->monitor, VOC_GLOBAL_MANAGER_QUEUE_DEPTH);
        for (size_t i = 0; i < l->waits_n; i++)
            expr_tracker_touch(
                l->waits[i], (struct expr_dep){EXPR_DEP_GLOBAL, VOC_GLOBAL_MANAGER_QUEUE_DEPTH, 0});
    }
    set_caches(l, server, page);
}

void ledger_take_sessions(struct ledger *l, size_t server, struct str body)
{
    struct ledger_server *s = &l->servers[server];
    struct arena arena = {0};
    cJSON *o = NULL;
    err_ignore(json_parse(&arena, body, &o));
    const cJSON *items = json_path(o, "sessions.items");
    if (items && s->runs)
        for (size_t c = 0; c < l->rig->clusters_n; c++) {
            int64_t n = 0;
            for (const cJSON *i = items->child; i; i = i->next)
                n += str_eq_c(json_string_at(i, "kind"), "client") &&
                     str_eq(json_string_at(i, "key"), l->rig->clusters[c].id);
            if (n == s->sessions_of[c])
                continue;
            l->clusters[c].sessions += n - s->sessions_of[c];
            s->sessions_of[c] = n;
            ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_SESSIONS, c);
        }
    arena_free(&arena);
}

/* ---- clusters ---- */

static void set_condition(struct ledger *l, size_t item, const struct kube_object *o,
                          const char *type, struct str *kept, uint32_t field)
{
    struct condition c;
    struct str reason = o && condition_get(o, type, &c) ? c.reason : str_empty;
    if (str_eq(reason, *kept))
        return;
    str_free(kept);
    *kept = str_dup(reason);
    ledger_changed(l, VOC_CLUSTER, field, item);
}

static void set_flag(struct ledger *l, size_t item, bool *kept, bool now, uint32_t field)
{
    if (*kept == now)
        return;
    *kept = now;
    ledger_changed(l, VOC_CLUSTER, field, item);
}

/* o NULL: the active manager has none. */
static void take_cluster(struct ledger *l, size_t item, const struct kube_object *o)
{
    struct ledger_cluster *c = &l->clusters[item];
    struct str state = o ? cluster_state(o) : str_empty;
    if (!str_eq(state, c->state)) {
        c->state = state;
        if (str_eq_c(state, CLUSTER_STATE_ACTIVE))
            c->active_at = l->now;
        ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_STATE, item);
        ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_ACTIVE_AT, item);
    }
    set_condition(l, item, o, "Ready", &c->reason, VOC_CLUSTER_REASON);
    set_condition(l, item, o, "APICertificate", &c->certificate, VOC_CLUSTER_CERTIFICATE);
    set_condition(l, item, o, "AgentConnection", &c->connection, VOC_CLUSTER_CONNECTION);
    set_flag(l, item, &c->updated, o && condition_is(o, "Updated", "True"), VOC_CLUSTER_UPDATED);
    set_flag(l, item, &c->connected, o && condition_is(o, "Connected", "True"),
             VOC_CLUSTER_CONNECTED);
    set_flag(l, item, &c->ready, o && condition_is(o, "Ready", "True"), VOC_CLUSTER_READY);
}

/* Whoever leads there has written to it, since it was last looked at. */
static void see_writer(struct ledger *l, size_t item, size_t site, uint64_t version)
{
    struct ledger_cluster *c = &l->clusters[item];
    if (c->versions[site] && version > c->versions[site]) {
        history_note(&c->writer, l->now, (int64_t)site);
        ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_WRITER_SITE, item);
        ledger_changed(l, VOC_CLUSTER, VOC_CLUSTER_WRITER, item);
    }
    c->versions[site] = version;
}

static size_t cluster_of(const struct ledger *l, struct str id)
{
    size_t i = 0;
    while (i < l->rig->clusters_n && !str_eq(l->rig->clusters[i].id, id))
        i++;
    return i;
}

void ledger_take_clusters(struct ledger *l, size_t site, struct str body)
{
    struct arena arena = {0};
    cJSON *list = NULL;
    bool *met = ARENA_NEW_ARRAY(&arena, bool, l->rig->clusters_n + 1);
    err_ignore(json_parse(&arena, body, &list));
    const cJSON *items = json_get(list, "items");
    for (const cJSON *i = items ? items->child : NULL; i; i = i->next) {
        struct kube_object *o = NULL;
        err_ignore(kube_object_from_tree(i, &o));
        size_t c = o ? cluster_of(l, o->name) : l->rig->clusters_n;
        if (c < l->rig->clusters_n) {
            met[c] = true;
            see_writer(l, c, site, o->resource_version);
            if (l->rig->active == (int32_t)site)
                take_cluster(l, c, o);
        }
        kube_object_unref(o);
    }
    for (size_t c = 0; items && c < l->rig->clusters_n; c++)
        if (!met[c] && l->rig->active == (int32_t)site)
            take_cluster(l, c, NULL);
    arena_free(&arena);
}
