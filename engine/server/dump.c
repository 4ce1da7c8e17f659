/* The dump of a replica's state: see observe.h for what may be asked for. */
#include "engine/base/json.h"
#include "engine/server/observe.h"

struct dump {
    struct arena arena;
    const struct server *server;
    struct server_parts parts;
    uint64_t after, limit;
};

static void set_ms(struct dump *d, cJSON *o, const char *key, world_time ns)
{
    json_set_int(&d->arena, o, key, ns / NS_PER_MS);
}

static cJSON *dump_server(struct dump *d)
{
    struct arena *a = &d->arena;
    struct server_state s = server_state(d->server);
    struct buf now = {0};
    cJSON *o = json_object(a);
    rfc3339_format_micro(&now, world_wall(d->parts.world));
    json_set_str(a, o, "identity", d->parts.identity);
    json_set_str(a, o, "now", buf_str(&now));
    json_set_bool(a, o, "serving", s.serving);
    json_set_bool(a, o, "ready", s.ready);
    json_set_bool(a, o, "draining", s.draining);
    json_set_int(a, o, "agents", (int64_t)s.agents);
    json_set_int(a, o, "connects", (int64_t)s.connects);
    json_set_int(a, o, "replicas", (int64_t)d->parts.replicas);
    buf_free(&now);
    return o;
}

static cJSON *dump_leader(struct dump *d)
{
    cJSON *o = json_object(&d->arena);
    const struct leader *l = d->parts.leader;
    json_set_bool(&d->arena, o, "candidate", l != NULL);
    json_set_bool(&d->arena, o, "leading", l && leader_valid(l));
    json_set_str(&d->arena, o, "holder", l ? leader_holder(l) : str_empty);
    return o;
}

static cJSON *dump_policies(struct dump *d)
{
    cJSON *o = json_object(&d->arena);
    struct buf value = {0};
    for (enum policy p = 0; p < POLICY_COUNT; p++) {
        buf_clear(&value);
        policies_print(d->parts.policies, p, &value);
        json_add(&d->arena, o, str_c(policy_table[p].name), json_str(&d->arena, buf_str(&value)));
    }
    buf_free(&value);
    return o;
}

static cJSON *dump_peers(struct dump *d)
{
    struct arena *a = &d->arena;
    cJSON *all = json_array(a);
    struct tunnel_peer_status s;
    for (size_t i = 0; tunnel_peers_next(d->parts.peers, &i, &s);) {
        cJSON *o = json_object(a);
        json_set_str(a, o, "id", s.id);
        json_set_bool(a, o, "connected", s.connected);
        json_set_int(a, o, "attempts", (int64_t)s.attempts);
        json_set_int(a, o, "failures", (int64_t)s.failures);
        if (s.last)
            json_set_str(a, o, "lastError", str_c(s.last->message));
        json_append(all, o);
    }
    return all;
}

static cJSON *dump_queues(struct dump *d)
{
    struct arena *a = &d->arena;
    cJSON *all = json_array(a);
    struct kube_queue_state q;
    const char *name;
    for (size_t i = 0; controllers_next(d->parts.controllers, &i, &name, &q);) {
        cJSON *o = json_object(a);
        json_set_str(a, o, "controller", str_c(name));
        json_set_int(a, o, "waiting", (int64_t)q.waiting);
        json_set_int(a, o, "running", (int64_t)q.running);
        json_set_int(a, o, "delayed", (int64_t)q.delayed);
        set_ms(d, o, "oldestMs", q.oldest);
        set_ms(d, o, "longestRunningMs", q.longest);
        json_append(all, o);
    }
    return all;
}

static cJSON *dump_cache(struct dump *d, size_t i)
{
    struct arena *a = &d->arena;
    const struct kube_informer *inf = server_cache(d->server, i);
    struct kube_informer_state s = kube_informer_state(inf);
    cJSON *o = json_object(a);
    json_set_str(a, o, "group", server_cache_kind(i)->group);
    json_set_str(a, o, "resource", server_cache_kind(i)->resource);
    json_set_str(a, o, "namespace", kube_informer_ns(inf));
    json_set_bool(a, o, "synced", kube_informer_synced(inf));
    json_set_int(a, o, "objects", (int64_t)kube_informer_count(inf));
    json_set_int(a, o, "resourceVersion", (int64_t)s.resource_version);
    if (kube_informer_age(inf) >= 0)
        set_ms(d, o, "ageMs", kube_informer_age(inf));
    json_set_int(a, o, "lists", (int64_t)s.lists);
    json_set_int(a, o, "watches", (int64_t)s.watches);
    json_set_int(a, o, "events", (int64_t)s.events);
    json_set_int(a, o, "errors", (int64_t)s.errors);
    json_set_int(a, o, "stalls", (int64_t)s.stalls);
    json_set_int(a, o, "verifications", (int64_t)s.verifications);
    json_set_int(a, o, "heals", (int64_t)s.heals);
    return o;
}

static cJSON *dump_caches(struct dump *d)
{
    cJSON *all = json_array(&d->arena);
    for (size_t i = 0; i < SERVER_CACHES; i++)
        json_append(all, dump_cache(d, i));
    return all;
}

static cJSON *dump_session(struct dump *d, const struct tunnel_census_row *row)
{
    struct arena *a = &d->arena;
    struct tunnel_session_stats s = tunnel_session_stats(row->session);
    cJSON *o = json_object(a);
    json_set_int(a, o, "ordinal", (int64_t)row->ordinal);
    json_set_str(a, o, "kind", str_c(tunnel_kind_name(row->kind)));
    json_set_str(a, o, "key", tunnel_session_key(row->session));
    json_set_str(a, o, "instance", tunnel_session_instance(row->session));
    set_ms(d, o, "ageMs", row->age);
    set_ms(d, o, "silentMs", row->silence);
    if (row->ping_rtt >= 0)
        json_set_int(a, o, "pingRttUs", row->ping_rtt / NS_PER_US);
    json_set_int(a, o, "bytesIn", (int64_t)s.bytes_in);
    json_set_int(a, o, "bytesOut", (int64_t)s.bytes_out);
    json_set_int(a, o, "openConnections", (int64_t)s.open);
    json_set_int(a, o, "connections", (int64_t)s.opened);
    json_set_int(a, o, "bufferedBytes", (int64_t)s.buffered);
    json_set_int(a, o, "queuedBytes", (int64_t)s.queued);
    json_set_bool(a, o, "draining", tunnel_session_draining(row->session));
    json_set_bool(a, o, "doubted", tunnel_session_doubted(row->session));
    return o;
}

static cJSON *dump_sessions(struct dump *d)
{
    struct arena *a = &d->arena;
    const struct tunnel_census *census = tunnel_router_census(d->parts.router);
    struct tunnel_census_row row = {0};
    size_t total = 0;
    uint64_t last = d->after;
    cJSON *o = json_object(a), *items = json_array(a);
    for (size_t i = 0; i < TUNNEL_KINDS; i++)
        total += census->open[i];
    json_set_int(a, o, "total", (int64_t)total);
    json_add(a, o, STR("items"), items);
    for (uint64_t n = 0; n < d->limit && tunnel_census_next(census, last, &row); n++) {
        json_append(items, dump_session(d, &row));
        last = row.ordinal;
    }
    if (tunnel_census_next(census, last, &row)) {
        struct buf text = {0};
        buf_add_u64(&text, last);
        json_set_str(a, o, "continue", buf_str(&text));
        buf_free(&text);
    }
    return o;
}

static const struct {
    const char *name;
    cJSON *(*dump)(struct dump *d);
} sections[] = {
    {"server", dump_server},     {"leader", dump_leader}, {"peers", dump_peers},
    {"sessions", dump_sessions}, {"caches", dump_caches}, {"queues", dump_queues},
    {"policies", dump_policies},
};

/* The parameters; limit and continue are of the sessions. */
static struct err *read_query(struct dump *d, struct http_exchange *x, struct str *section)
{
    struct str text;
    d->limit = DUMP_SESSIONS_DEFAULT;
    if (http_query_param(x, "limit", &text) &&
        (!str_to_u64(text, &d->limit) || d->limit == 0 || d->limit > DUMP_SESSIONS_MAX))
        return err_new(ERR_INVALID, "limit has to be a number from 1 to %u", DUMP_SESSIONS_MAX);
    if (http_query_param(x, "continue", &text) && !str_to_u64(text, &d->after))
        return err_new(ERR_INVALID, "continue has to be what the page before said");
    *section = str_empty;
    if (!http_query_param(x, "section", section))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (str_eq_c(*section, sections[i].name))
            return NULL;
    return err_new(ERR_INVALID,
                   "section has to be server, leader, peers, sessions, caches, queues or policies");
}

struct err *server_dump(void *server, struct http_exchange *x, struct buf *out)
{
    struct dump d = {.server = server, .parts = server_parts(server)};
    struct str section;
    struct err *err = read_query(&d, x, &section);
    if (err)
        return err;
    cJSON *all = json_object(&d.arena);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (section.n == 0 || str_eq_c(section, sections[i].name))
            json_add(&d.arena, all, str_c(sections[i].name), sections[i].dump(&d));
    json_write_ordered(out, all);
    buf_add_char(out, '\n');
    arena_free(&d.arena);
    return NULL;
}
