/* What happened, for the report. */
#include "sim/scenario/run/recorder.h"

#define SAMPLE_EVERY NS_PER_S

struct series {
    struct report_point *points;
    size_t n, cap;
};

struct recorder {
    struct estate *estate;
    struct view *view;
    struct arena texts;
    struct report_event *events;
    size_t events_n, events_cap;
    uint64_t dropped;
    struct report_span *spans;
    size_t spans_n, spans_cap;
    int64_t *span_open; /* per server: index of its open span; -1 */
    struct series connected, active, opened;
    struct series *sites; /* agents at each site */
    size_t sites_n;
    int64_t handshakes;
    struct sim_task *sample;
};

/* ---- lanes: servers first, then groups, DNS, administrator ---- */

static uint32_t lane_of_group(const struct recorder *r, uint32_t group)
{
    return (uint32_t)view_servers(r->view) + group;
}

static uint32_t lane_dns(const struct recorder *r)
{
    return lane_of_group(r, (uint32_t)r->estate->plan->topology.groups.n);
}

static uint32_t lanes_n(const struct recorder *r)
{
    return lane_dns(r) + 2;
}
static uint32_t lane_admin(const struct recorder *r)
{
    return lane_dns(r) + 1;
}

/* ---- events ---- */

static void add_event(struct recorder *r, uint32_t lane, const char *kind, struct str text,
                      bool bad)
{
    if (r->events_n == RECORDER_EVENTS_MAX) {
        r->dropped++;
        return;
    }
    if (r->events_n == r->events_cap) {
        r->events_cap = r->events_cap ? r->events_cap * 2 : 256;
        r->events = mem_resize(r->events, r->events_cap * sizeof *r->events);
    }
    r->events[r->events_n++] = (struct report_event){.at_ns = sim_now(r->estate->sim),
                                                     .lane = lane,
                                                     .kind = arena_str(&r->texts, str_c(kind)),
                                                     .text = arena_str(&r->texts, text),
                                                     .bad = bad};
}

static bool is_bad(struct str kind)
{
    static const char *const bad[] = {
        "process.end",        "leader.stopped", "agent.disconnected", "agent.connect-failed",
        "agent.check-failed", "agent.exit",     "agent.gave-up",      "cluster.import-failed",
        "coredns.down",       "cni.down"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (str_eq_c(kind, bad[i]))
            return true;
    return false;
}

/* ---- spans of servers ---- */

static void span_close(struct recorder *r, int32_t server)
{
    if (r->span_open[server] >= 0)
        r->spans[r->span_open[server]].end_ns = sim_now(r->estate->sim);
    r->span_open[server] = -1;
}

static void span_begin(struct recorder *r, int32_t server, const char *state)
{
    span_close(r, server);
    if (r->spans_n == r->spans_cap) {
        r->spans_cap = r->spans_cap ? r->spans_cap * 2 : 64;
        r->spans = mem_resize(r->spans, r->spans_cap * sizeof *r->spans);
    }
    r->span_open[server] = (int64_t)r->spans_n;
    r->spans[r->spans_n++] = (struct report_span){.lane = (uint32_t)server,
                                                  .begin_ns = sim_now(r->estate->sim),
                                                  .end_ns = -1,
                                                  .state = str_c(state)};
}

static void server_note(struct recorder *r, int32_t server, const struct sim_note *n)
{
    struct str kind = str_c(n->kind);
    if (str_eq_c(kind, "process.start"))
        span_begin(r, server, "up");
    else if (str_eq_c(kind, "process.end"))
        span_begin(r, server, "down");
    else if (str_eq_c(kind, "leader.started"))
        span_begin(r, server, "leading");
    else if (str_eq_c(kind, "leader.stopped") &&
             sim_process_is_running(view_server_at(r->view, (size_t)server)->replica->process))
        span_begin(r, server, "up");
}

/* Per agent they are thousands, and the agents' own lane tells the same. */
static bool is_noise(struct str kind)
{
    return str_starts(kind, STR("tunnel.")) || str_eq_c(kind, "cluster.state") ||
           str_eq_c(kind, "cluster.write");
}

static void on_note(void *owner, const struct sim_note *n)
{
    struct recorder *r = owner;
    int32_t server = view_server_of(r->view, n->process);
    int32_t agent = view_agent_of(r->view, n->process);
    struct str kind = str_c(n->kind);
    struct buf text = {0};
    uint32_t lane = lane_admin(r);
    if (server >= 0) {
        server_note(r, server, n);
        lane = (uint32_t)server;
    } else if (agent >= 0) {
        uint32_t cluster = view_agent_at(r->view, (size_t)agent)->cluster;
        lane = lane_of_group(r, r->estate->clusters[cluster].group);
    } else if (str_starts(kind, STR("dns."))) {
        lane = lane_dns(r);
    }
    if (!is_noise(kind)) {
        if (n->process)
            buf_addf(&text, STR_FMT " ", STR_ARG(sim_process_name(n->process)));
        else
            buf_addf(&text, STR_FMT " ", STR_ARG(n->key));
        buf_add(&text, n->value);
        add_event(r, lane, n->kind, str_trim(buf_str(&text)), is_bad(kind));
    }
    buf_free(&text);
}

/* ---- series ---- */

static void point(struct recorder *r, struct series *s, int64_t value)
{
    if (report_is_flat(s->points, s->n, value)) {
        s->points[s->n - 1].at_ns = sim_now(r->estate->sim);
        return;
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->points = mem_resize(s->points, s->cap * sizeof *s->points);
    }
    s->points[s->n++] = (struct report_point){sim_now(r->estate->sim), value};
}

static void on_sample(void *owner)
{
    struct recorder *r = owner;
    int64_t handshakes = view_global(r->view, VOC_GLOBAL_MANAGER_HANDSHAKES);
    int64_t at[SITE_REPLICAS_MAX] = {0};
    point(r, &r->connected, (int64_t)view_agents_connected(r->view));
    point(r, &r->active, (int64_t)view_clusters_active(r->view));
    point(r, &r->opened, handshakes - r->handshakes);
    r->handshakes = handshakes;
    for (size_t i = 0; i < view_agents(r->view); i++) {
        const struct view_agent *a = view_agent_at(r->view, i);
        if (a->connected && a->peer >= 0)
            at[a->peer]++;
    }
    for (size_t i = 0; i < r->estate->sites_n; i++)
        point(r, &r->sites[i], at[i]);
    r->sample = sim_after(r->estate->sim, SAMPLE_EVERY, on_sample, r);
}

static const struct report_point *points_copy(struct arena *a, const struct series *s)
{
    struct report_point *copy = ARENA_NEW_ARRAY(a, struct report_point, s->n + 1);
    for (size_t i = 0; i < s->n; i++)
        copy[i] = s->points[i];
    return copy;
}

static void series_write(struct arena *a, const struct series *s, const char *name, const char *doc,
                         struct report_series *out)
{
    *out = (struct report_series){.name = arena_str(a, str_c(name)),
                                  .doc = str_c(doc),
                                  .scale = 1,
                                  .points = points_copy(a, s),
                                  .n = s->n};
}

/* ---- life ---- */

struct recorder *recorder_new(struct estate *e, struct view *v)
{
    BUG_ON(e->sites_n > SITE_REPLICAS_MAX, "the loader bounds the number of sites");
    struct recorder *r = MEM_NEW(struct recorder);
    r->estate = e;
    r->view = v;
    r->sites_n = e->sites_n;
    r->sites = MEM_NEW_ARRAY(struct series, e->sites_n + 1);
    r->span_open = MEM_NEW_ARRAY(int64_t, view_servers(v) + 1);
    for (size_t i = 0; i < view_servers(v); i++) {
        r->span_open[i] = -1;
        if (sim_process_is_running(view_server_at(v, i)->replica->process))
            span_begin(r, (int32_t)i, "up");
    }
    sim_on_note(e->sim, on_note, r);
    r->sample = sim_after(e->sim, SAMPLE_EVERY, on_sample, r);
    return r;
}

void recorder_free(struct recorder *r)
{
    struct series *all[] = {&r->connected, &r->active, &r->opened};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        mem_free(all[i]->points);
    for (size_t i = 0; i < r->sites_n; i++)
        mem_free(r->sites[i].points);
    mem_free(r->sites);
    mem_free(r->events);
    mem_free(r->spans);
    mem_free(r->span_open);
    arena_free(&r->texts);
    mem_free(r);
}

static void write_lanes(struct recorder *r, struct arena *a, struct report_run *out)
{
    struct report_lane *lanes = ARENA_NEW_ARRAY(a, struct report_lane, lanes_n(r));
    for (size_t i = 0; i < view_servers(r->view); i++) {
        const struct view_server *s = view_server_at(r->view, i);
        lanes[i] =
            (struct report_lane){arena_str(a, s->replica->note_name), arena_str(a, s->site->name)};
    }
    const struct plan *plan = r->estate->plan;
    for (size_t i = 0; i < plan->topology.groups.n; i++)
        lanes[lane_of_group(r, (uint32_t)i)] = (struct report_lane){
            arena_printf(a, "agents of " STR_FMT, STR_ARG(PLAN_GROUP(plan, i)->origin.name)),
            STR("agents")};
    lanes[lane_dns(r)] = (struct report_lane){STR("dns"), STR("network")};
    lanes[lane_admin(r)] = (struct report_lane){STR("administrators and world"), STR("network")};
    out->lanes = lanes;
    out->lanes_n = lanes_n(r);
}

static void write_series(struct recorder *r, struct arena *a, struct report_run *out)
{
    struct report_series *s = ARENA_NEW_ARRAY(a, struct report_series, 3 + r->estate->sites_n);
    size_t n = 0;
    series_write(a, &r->connected, "agents connected", "agents with an established tunnel",
                 &s[n++]);
    for (size_t i = 0; i < r->estate->sites_n; i++) {
        struct str name = arena_printf(a, "agents at " STR_FMT, STR_ARG(r->estate->sites[i]->name));
        series_write(a, &r->sites[i], name.p, "agents whose tunnel ends at this site", &s[n++]);
    }
    series_write(a, &r->opened, "agents admitted per second",
                 "tunnels that managers accepted in each second", &s[n++]);
    series_write(a, &r->active, "clusters active",
                 "clusters that the active manager shows as active", &s[n++]);
    out->series = s;
    out->series_n = n;
}

void recorder_finish(struct recorder *r, struct arena *a, struct report_run *out)
{
    for (size_t i = 0; i < view_servers(r->view); i++)
        span_close(r, (int32_t)i);
    struct report_event *events = ARENA_NEW_ARRAY(a, struct report_event, r->events_n + 1);
    for (size_t i = 0; i < r->events_n; i++) {
        events[i] = r->events[i];
        events[i].kind = arena_str(a, r->events[i].kind);
        events[i].text = arena_str(a, r->events[i].text);
    }
    struct report_span *spans = ARENA_NEW_ARRAY(a, struct report_span, r->spans_n + 1);
    for (size_t i = 0; i < r->spans_n; i++)
        spans[i] = r->spans[i];
    out->timeline = events;
    out->timeline_n = r->events_n;
    out->timeline_dropped = r->dropped;
    out->spans = spans;
    out->spans_n = r->spans_n;
    write_lanes(r, a, out);
    write_series(r, a, out);
}
