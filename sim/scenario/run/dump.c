/* The world as JSON, at a moment. */
#include "sim/scenario/run/dump.h"

#include "engine/base/json.h"
#include "engine/base/timefmt.h"
#include "engine/kube/conditions.h"
#include "reports/report.h"
#include "sim/kubeapi/core/reading.h"
#include "sim/scenario/run/inject.h"

struct dump {
    const struct run_dump *options;
    const struct estate *estate;
    struct view *view;
    struct inject *inject;
    struct buf *out;
    unsigned depth;
    bool first; /* of the object or list that is open */
};

static const char *const roles[] = {
    [SITE_STANDBY] = "standby", [SITE_ACTIVE] = "active", [SITE_DEMOTED] = "demoted"};

/* ---- JSON, indented ---- */

static void item(struct dump *d)
{
    buf_add_c(d->out, d->first ? "\n" : ",\n");
    for (unsigned i = 0; i < d->depth; i++)
        buf_add_c(d->out, "  ");
    d->first = false;
}

static void key(struct dump *d, const char *name)
{
    item(d);
    buf_addf(d->out, "\"%s\": ", name);
}

static void json_open(struct dump *d, char bracket)
{
    buf_add_char(d->out, bracket);
    d->depth++;
    d->first = true;
}

static void json_close(struct dump *d, char bracket)
{
    bool empty = d->first;
    d->depth--;
    d->first = true;
    if (!empty)
        item(d);
    buf_add_char(d->out, bracket);
    d->first = false;
}

static void text(struct dump *d, const char *name, struct str value)
{
    key(d, name);
    json_write_string(d->out, value);
}

static void number(struct dump *d, const char *name, int64_t value)
{
    key(d, name);
    buf_add_i64(d->out, value);
}

static void truth(struct dump *d, const char *name, bool value)
{
    key(d, name);
    buf_add_c(d->out, value ? "true" : "false");
}

static void seconds(struct dump *d, const char *name, int64_t ns)
{
    key(d, name);
    if (ns < 0)
        buf_add_c(d->out, "null");
    else
        report_decimal(d->out, ns, NS_PER_S);
}

/* ---- APIs ---- */

static void dump_objects(struct dump *d, const struct store_table *t)
{
    struct store_cursor c = store_seek(t, str_empty, str_empty);
    json_open(d, '[');
    for (const struct kube_object *o = store_next(&c); o; o = store_next(&c)) {
        item(d);
        buf_add(d->out, o->json);
    }
    json_close(d, ']');
}

static void dump_api(struct dump *d, const struct apihost *host)
{
    struct kubeapi *api = apihost_api(host);
    key(d, "api");
    json_open(d, '{');
    truth(d, "up", api != NULL);
    truth(d, "paused", sim_process_is_paused(apihost_process(host)));
    if (api) {
        const struct store *store = kubeapi_store(api);
        struct store_table *t;
        number(d, "revision", (int64_t)store_revision(store));
        number(d, "compacted", (int64_t)store_compacted(store));
        number(d, "connections", (int64_t)kubeapi_connections(api));
        key(d, "objects");
        json_open(d, '{');
        for (size_t i = 0; store_table_next(store, &i, &t);) {
            if (store_count(t) == 0)
                continue;
            item(d);
            json_write_string(d->out, store_table_name(t));
            buf_add_c(d->out, ": ");
            if (d->options->objects)
                dump_objects(d, t);
            else
                buf_add_u64(d->out, store_count(t));
        }
        json_close(d, '}');
    }
    json_close(d, '}');
}

/* ---- sites ---- */

static void dump_replica(struct dump *d, const struct replica *r, const struct view_server *seen)
{
    const struct server *s = replica_server(r);
    json_open(d, '{');
    text(d, "name", r->note_name);
    truth(d, "running", sim_process_is_running(r->process));
    truth(d, "paused", sim_process_is_paused(r->process));
    number(d, "starts", sim_process_starts(r->process));
    seconds(d, "startedAt", seen->started_at);
    if (s) {
        struct server_state state = server_state(s);
        truth(d, "serving", state.serving);
        truth(d, "leading", state.leading);
        truth(d, "saysItLeads", seen->leader);
        number(d, "sessions", (int64_t)state.agents);
        number(d, "peers", (int64_t)state.peers);
        number(d, "queueDepth", (int64_t)state.queue_depth);
        number(d, "connects", (int64_t)state.connects);
    }
    json_close(d, '}');
}

static void dump_site(struct dump *d, const struct site *s)
{
    json_open(d, '{');
    text(d, "name", s->name);
    text(d, "role", str_c(roles[s->role]));
    truth(d, "active", d->estate->active == (int32_t)s->index);
    truth(d, "alive", site_is_alive(s));
    truth(d, "fenced", s->fence != 0);
    text(d, "address", s->address);
    seconds(d, "diedAt", s->died_at);
    seconds(d, "promotedAt", s->promoted_at);
    seconds(d, "demotedAt", s->demoted_at);
    key(d, "replicas");
    json_open(d, '[');
    for (size_t i = 0; i < view_servers(d->view); i++) {
        const struct view_server *seen = view_server_at(d->view, i);
        if (seen->site != s)
            continue;
        item(d);
        dump_replica(d, seen->replica, seen);
    }
    json_close(d, ']');
    dump_api(d, s->api);
    json_close(d, '}');
}

/* ---- clusters ---- */

static void dump_conditions(struct dump *d, const struct kube_object *o)
{
    struct condition c;
    key(d, "conditions");
    json_open(d, '{');
    struct scan scan = conditions_of(o);
    while (condition_next(&scan, &c)) {
        item(d);
        json_write_string(d->out, c.type);
        buf_add_c(d->out, ": ");
        json_write_string(d->out, c.status);
    }
    json_close(d, '}');
}

static void dump_agent(struct dump *d, const struct sim_cluster *c, uint32_t slot)
{
    const struct sim_process *p = sim_cluster_process(c, slot);
    const struct cluster_agent *a = sim_cluster_agent(c, slot);
    json_open(d, '{');
    text(d, "name", sim_process_name(p));
    truth(d, "running", sim_process_is_running(p));
    truth(d, "paused", sim_process_is_paused(p));
    number(d, "restarts", sim_cluster_restarts(c, slot));
    if (a) {
        struct cluster_agent_state state = cluster_agent_state(a);
        int32_t peer = estate_site_of(d->estate, str_c(state.link.peer.host));
        text(d, "phase", str_c(agent_phase_name(state.phase)));
        truth(d, "connected", state.link.connected);
        text(d, "peer", peer >= 0 ? d->estate->sites[peer]->name : str_c(state.link.peer.host));
        seconds(d, "connectedAt", state.link.connected ? state.link.connected_at : -1);
        seconds(d, "heardAt", state.link.connected ? state.link.heard_at : -1);
        number(d, "connects", (int64_t)state.link.connects);
        number(d, "failures", (int64_t)state.link.failures);
        number(d, "checkFailures", (int64_t)state.check_failures);
        text(d, "lastError", cluster_agent_last_error(a));
        number(d, "cached", (int64_t)state.cached);
        truth(d, "synced", state.synced);
    }
    json_close(d, '}');
}

static void dump_resolver(struct dump *d, const struct sim_resolver *r)
{
    struct sim_resolver_entry e;
    key(d, "resolver");
    json_open(d, '[');
    for (size_t i = 0; sim_resolver_next(r, &i, &e);) {
        item(d);
        json_open(d, '{');
        text(d, "name", e.name);
        key(d, "answer");
        json_open(d, '[');
        for (size_t k = 0; !e.negative && k < e.answer->n; k++) {
            item(d);
            json_write_string(d->out, str_c(e.answer->host[k]));
        }
        json_close(d, ']');
        truth(d, "negative", e.negative);
        number(d, "ttlSeconds", e.answer->ttl_s);
        seconds(d, "stored", e.stored);
        seconds(d, "until", e.until);
        json_close(d, '}');
    }
    json_close(d, ']');
}

static void dump_nodes(struct dump *d, const struct sim_cluster *c)
{
    uint32_t ready = 0, n = sim_cluster_nodes(c);
    for (uint32_t i = 0; i < n; i++)
        ready += sim_cluster_node_ready(c, i);
    number(d, "nodes", n);
    number(d, "nodesReady", ready);
}

static void dump_cluster(struct dump *d, const struct estate_cluster *c)
{
    struct kubeapi *manager = estate_active_api(d->estate);
    const struct kube_object *o =
        manager ? kubeapi_get(manager, STR("clusters.management.cattle.io"), str_empty, c->id)
                : NULL;
    json_open(d, '{');
    text(d, "name", sim_cluster_name(c->sim));
    text(d, "id", c->id);
    truth(d, "registered", c->registered);
    truth(d, "imported", sim_cluster_imported(c->sim));
    truth(d, "removed", c->removed);
    truth(d, "inManager", o != NULL);
    if (o)
        dump_conditions(d, o);
    dump_nodes(d, c->sim);
    key(d, "agents");
    json_open(d, '[');
    for (uint32_t slot = 0; slot < sim_cluster_slots(c->sim); slot++)
        if (sim_cluster_slot_used(c->sim, slot)) {
            item(d);
            dump_agent(d, c->sim, slot);
        }
    json_close(d, ']');
    dump_resolver(d, sim_cluster_resolver(c->sim));
    dump_api(d, sim_cluster_api(c->sim));
    json_close(d, '}');
}

/* ---- faults, counters ---- */

static void dump_faults(struct dump *d)
{
    int64_t now = sim_now(d->estate->sim);
    key(d, "faults");
    json_open(d, '[');
    for (size_t i = 0; i < inject_count(d->inject); i++) {
        struct injected_state s = inject_state(d->inject, i);
        item(d);
        json_open(d, '{');
        text(d, "name", s.name);
        text(d, "target", s.target);
        truth(d, "underWay", s.end_ns < 0 || s.end_ns > now);
        seconds(d, "begin", s.begin_ns);
        seconds(d, "end", s.end_ns);
        number(d, "fired", (int64_t)s.fired);
        json_close(d, '}');
    }
    json_close(d, ']');
}

static void dump_counters(struct dump *d)
{
    struct str name;
    int64_t value;
    key(d, "counters");
    json_open(d, '{');
    for (size_t i = 0; sim_counter_next(d->estate->sim, &i, &name, &value);) {
        item(d);
        json_write_string(d->out, name);
        buf_add_c(d->out, ": ");
        buf_add_i64(d->out, value);
    }
    json_close(d, '}');
}

void dump_world(const struct run_dump *options, const struct estate *e, struct view *v,
                struct inject *in)
{
    struct dump d = {.options = options, .estate = e, .view = v, .inject = in, .out = options->out};
    json_open(&d, '{');
    seconds(&d, "at", sim_now(e->sim));
    number(&d, "events", (int64_t)sim_events(e->sim));
    key(&d, "sites");
    json_open(&d, '[');
    for (size_t i = 0; i < e->sites_n; i++) {
        item(&d);
        dump_site(&d, e->sites[i]);
    }
    json_close(&d, ']');
    key(&d, "clusters");
    json_open(&d, '[');
    for (size_t i = 0; i < e->clusters_n; i++) {
        item(&d);
        dump_cluster(&d, &e->clusters[i]);
    }
    json_close(&d, ']');
    dump_faults(&d);
    dump_counters(&d);
    json_close(&d, '}');
    buf_add_char(d.out, '\n');
}
