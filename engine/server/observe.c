/* The gauges of a replica, made when somebody asks. */
#include "engine/server/observe.h"

#include "engine/pki/x509.h"

static struct str label(struct buf *b, const char *name, const char *value)
{
    buf_clear(b);
    metrics_label(b, name, str_c(value));
    return buf_str(b);
}

/* ---- tunnels ---- */

static void collect_sessions(const struct tunnel_census *c, struct metrics_page *p)
{
    struct buf l = {0};
    metrics_page_family(p, METRIC_GAUGE, "paddock_tunnel_sessions", "open tunnel sessions");
    for (enum tunnel_kind k = 0; k < TUNNEL_TO_SERVER; k++)
        metrics_page_int(p, label(&l, "kind", tunnel_kind_name(k)), (int64_t)c->open[k]);
    metrics_page_family(p, METRIC_COUNTER, "paddock_tunnel_sessions_begun_total",
                        "tunnel sessions that began");
    for (enum tunnel_kind k = 0; k < TUNNEL_TO_SERVER; k++)
        metrics_page_int(p, label(&l, "kind", tunnel_kind_name(k)), (int64_t)c->begun[k]);
    buf_free(&l);
}

static void collect_traffic(const struct tunnel_census *c, struct metrics_page *p)
{
    struct tunnel_session_stats s = tunnel_census_stats(c);
    const struct {
        enum metric_kind kind;
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {METRIC_GAUGE, "paddock_tunnel_connections", "open connections through tunnels", s.open},
        {METRIC_GAUGE, "paddock_tunnel_buffered_bytes", "received and not taken yet", s.buffered},
        {METRIC_GAUGE, "paddock_tunnel_queued_bytes", "waiting to be sent", s.queued},
        {METRIC_COUNTER, "paddock_tunnel_connections_opened_total", "connections that began",
         s.opened},
        {METRIC_COUNTER, "paddock_tunnel_connections_closed_total", "connections that ended",
         s.closed},
        {METRIC_COUNTER, "paddock_tunnel_connections_refused_total",
         "connections that were not allowed", s.refused},
        {METRIC_COUNTER, "paddock_tunnel_connections_overflowed_total",
         "connections ended because the other side did not mind Pause", s.overflows},
        {METRIC_COUNTER, "paddock_tunnel_connections_synced_away_total",
         "connections ended because the other side had forgotten them", s.synced_away},
        {METRIC_COUNTER, "paddock_tunnel_messages_received_total", "", s.messages_in},
        {METRIC_COUNTER, "paddock_tunnel_messages_sent_total", "", s.messages_out},
        {METRIC_COUNTER, "paddock_tunnel_received_bytes_total", "payload of connections",
         s.bytes_in},
        {METRIC_COUNTER, "paddock_tunnel_sent_bytes_total", "payload of connections", s.bytes_out},
        {METRIC_COUNTER, "paddock_tunnel_pauses_received_total", "", s.pauses_received},
        {METRIC_COUNTER, "paddock_tunnel_pauses_sent_total", "", s.pauses_sent},
        {METRIC_COUNTER, "paddock_tunnel_pings_sent_total", "", s.pings},
        {METRIC_COUNTER, "paddock_tunnel_pongs_received_total", "", s.pongs},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        metrics_page_single(p, rows[i].kind, rows[i].name, rows[i].help, (int64_t)rows[i].value);
    metrics_page_family(p, METRIC_HISTOGRAM, "paddock_tunnel_ping_rtt_seconds",
                        "from a ping of this side to its pong");
    metrics_page_histogram(p, str_empty, &c->ping_rtt);
}

static void collect_peers(const struct server_parts *s, struct metrics_page *p)
{
    metrics_page_single(p, METRIC_GAUGE, "paddock_replicas", "replicas, this one included",
                        (int64_t)s->replicas);
    metrics_page_single(p, METRIC_GAUGE, "paddock_peers_connected",
                        "replicas that this one has a tunnel to",
                        (int64_t)tunnel_peers_connected(s->peers));
}

/* ---- queues ---- */

enum queue_figure { QUEUE_DEPTH, QUEUE_DELAYED, QUEUE_OLDEST, QUEUE_LONGEST };

static void collect_queues(const struct server_parts *s, struct metrics_page *p)
{
    static const struct {
        const char *name, *help;
    } figures[] = {
        [QUEUE_DEPTH] = {"paddock_workqueue_depth", "keys that wait or are worked on"},
        [QUEUE_DELAYED] = {"paddock_workqueue_delayed", "keys that come back later"},
        [QUEUE_OLDEST] = {"paddock_workqueue_oldest_age_seconds", "the longest present wait"},
        [QUEUE_LONGEST] = {"paddock_workqueue_longest_running_seconds",
                           "the longest present reconcile"},
    };
    struct buf l = {0};
    for (size_t f = 0; f < ARRAY_LEN(figures); f++) {
        const char *name;
        struct kube_queue_state q;
        metrics_page_family(p, METRIC_GAUGE, figures[f].name, figures[f].help);
        for (size_t i = 0; controllers_next(s->controllers, &i, &name, &q);) {
            struct str labels = label(&l, "controller", name);
            if (f == QUEUE_DEPTH)
                metrics_page_int(p, labels, (int64_t)(q.waiting + q.running));
            else if (f == QUEUE_DELAYED)
                metrics_page_int(p, labels, (int64_t)q.delayed);
            else
                metrics_page_seconds(p, labels, f == QUEUE_OLDEST ? q.oldest : q.longest);
        }
    }
    buf_free(&l);
}

/* ---- caches ---- */

static struct str cache_label(struct buf *b, size_t i)
{
    buf_clear(b);
    metrics_label(b, "resource", server_cache_kind(i)->resource);
    return buf_str(b);
}

static void collect_cache_ages(const struct server *s, struct metrics_page *p)
{
    struct buf l = {0};
    metrics_page_family(p, METRIC_GAUGE, "paddock_cache_objects", "objects in a cache");
    for (size_t i = 0; i < SERVER_CACHES; i++)
        metrics_page_int(p, cache_label(&l, i), (int64_t)kube_informer_count(server_cache(s, i)));
    metrics_page_family(p, METRIC_GAUGE, "paddock_cache_synced",
                        "1 when a cache has been listed as a whole");
    for (size_t i = 0; i < SERVER_CACHES; i++)
        metrics_page_int(p, cache_label(&l, i), kube_informer_synced(server_cache(s, i)));
    metrics_page_family(p, METRIC_GAUGE, "paddock_cache_age_seconds",
                        "since its server last said anything; absent before it did");
    for (size_t i = 0; i < SERVER_CACHES; i++) {
        world_time age = kube_informer_age(server_cache(s, i));
        if (age >= 0)
            metrics_page_seconds(p, cache_label(&l, i), age);
    }
    buf_free(&l);
}

static void collect_cache_counts(const struct server *s, struct metrics_page *p)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } figures[] = {
#define FIGURE(field, name, help) {name, help, offsetof(struct kube_informer_state, field)}
        FIGURE(lists, "paddock_cache_lists_total", "lists, the first one included"),
        FIGURE(watches, "paddock_cache_watches_total", "watches that were begun"),
        FIGURE(events, "paddock_cache_events_total", "events of watches"),
        FIGURE(errors, "paddock_cache_errors_total", "lists and watches that failed"),
        FIGURE(gone, "paddock_cache_gone_total", "watches whose version was too old"),
        FIGURE(stalls, "paddock_cache_stalls_total", "watches asked anew: they said nothing"),
        FIGURE(verifications, "paddock_cache_verifications_total", "requests that compare"),
        FIGURE(heals, "paddock_cache_heals_total", "differences found and healed"),
#undef FIGURE
    };
    struct buf l = {0};
    for (size_t f = 0; f < ARRAY_LEN(figures); f++) {
        metrics_page_family(p, METRIC_COUNTER, figures[f].name, figures[f].help);
        for (size_t i = 0; i < SERVER_CACHES; i++) {
            struct kube_informer_state state = kube_informer_state(server_cache(s, i));
            uint64_t value;
            memcpy(&value, (const char *)&state + figures[f].at, sizeof value);
            metrics_page_int(p, cache_label(&l, i), (int64_t)value);
        }
    }
    buf_free(&l);
}

/* ---- leader, certificates ---- */

static void collect_certificates(const struct server_parts *s, struct metrics_page *p)
{
    const struct {
        const char *use;
        int64_t ends_s;
    } all[] = {
        {"serving", pki_pem_not_after_s(s->cert_pem)},
        {"serving-next", pki_pem_not_after_s(s->next_cert_pem)},
        {"ca", pki_pem_not_after_s(s->ca_pem)},
    };
    struct buf l = {0};
    metrics_page_family(p, METRIC_GAUGE, "paddock_certificate_expires_in_seconds",
                        "until a certificate ends; negative: it has");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].ends_s)
            metrics_page_seconds(p, label(&l, "use", all[i].use),
                                 all[i].ends_s * NS_PER_S - world_wall(s->world));
    buf_free(&l);
}

void server_collect(void *owner, struct metrics_page *p)
{
    struct server *server = owner;
    struct server_parts s = server_parts(server);
    struct server_state state = server_state(server);
    const struct tunnel_census *census = tunnel_router_census(s.router);
    metrics_page_single(p, METRIC_GAUGE, "paddock_ready", "1 when this replica should be asked",
                        state.ready);
    metrics_page_single(p, METRIC_GAUGE, "paddock_draining", "1 when it is about to stop",
                        state.draining);
    metrics_page_single(p, METRIC_GAUGE, "paddock_leader", "1 while this replica leads",
                        state.leading);
    collect_sessions(census, p);
    collect_traffic(census, p);
    collect_peers(&s, p);
    collect_queues(&s, p);
    collect_cache_ages(server, p);
    collect_cache_counts(server, p);
    collect_certificates(&s, p);
}

void server_answer_scrape(struct server *s, struct http_exchange *x)
{
    struct buf page = {0};
    if (!str_eq_c(http_path(x), "/metrics")) {
        http_answer(x, 404, "text/plain; charset=utf-8", NULL, STR("there is /metrics\n"));
    } else if (!str_eq_c(http_method(x), "GET")) {
        http_answer(x, 405, "text/plain; charset=utf-8", NULL, STR("only GET\n"));
    } else {
        metrics_write(server_metrics(s), &page);
        http_answer(x, 200, METRICS_CONTENT_TYPE, NULL, buf_str(&page));
    }
    buf_free(&page);
}
